"""Files as input: their content is stored once, and a resumed run needs the original no more."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from stretto import Agent, App, File, Image, ReplayMismatch, Run, UsageError, WorkerFailed, receive, tool, workflow
from stretto.core.messages import Media, Text
from stretto.testing import FakeProvider, ScriptedModel, call, say

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(40))
PDF = b"%PDF-1.4 a plan"
DIGEST = sha256(PNG).hexdigest()


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeProvider]:
    with FakeProvider(lambda request: say("A circle.")) as fake:
        for name, value in fake.environment.items():
            monkeypatch.setenv(name, value)
        yield fake


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "plan.png"
    path.write_bytes(PNG)
    return path


async def started(worker: Any, value: Any, db: str = ":memory:", **options: Any) -> Run:
    async with App(db=db) as app:
        job = await app.start(worker, value, **options)
        await app.settled(job.id)
        return await job.refresh()


def sent(model: ScriptedModel, number: int = 0) -> list[Any]:
    return list(model.requests[number].messages[-1].parts)


@pytest.mark.capability(174)
@pytest.mark.parametrize("model", ["openai:gpt-5-mini", "openai-chat:gpt-5-mini", "anthropic:claude-sonnet-4-6"])
async def test_an_image_reaches_the_provider_and_is_stored_once(model: str, fake: FakeProvider, picture: Path) -> None:
    agent = Agent(model, name="looks")
    async with App(db=":memory:") as app:
        job = await app.start(agent, ["What is this?", Image(picture)])
        assert await job == "A circle."
        assert await app.store.blob(DIGEST) == PNG
        rows = (await job.refresh()).events
    words, image = fake.received[0].request.messages[-1].parts
    assert words == Text("What is this?")
    assert isinstance(image, Media)
    assert image.url.startswith("data:image/png;base64,iVBORw0KGgo")
    assert not any(b"iVBORw0KGgo" in row.body for row in rows)


async def test_a_pdf_is_a_document_and_a_text_is_words(fake: FakeProvider, tmp_path: Path) -> None:
    notes = tmp_path / "notes.md"
    notes.write_text("# Buy milk", encoding="utf-8")
    agent = Agent("anthropic:claude-sonnet-4-6")
    async with App(db=":memory:") as app:
        assert await (await app.start(agent, [File(PDF, name="plan.pdf"), "Compare with", File(notes)])) == "A circle."
    blocks = json.loads(fake.received[0].body)["messages"][0]["content"]
    assert [block["type"] for block in blocks] == ["document", "text", "text"]
    assert blocks[2]["text"] == "notes.md:\n# Buy milk"


@dataclass
class Question:
    words: str
    plan: Image
    more: list[File]


@pytest.mark.capability(174)
async def test_files_may_be_fields_of_a_typed_input() -> None:
    model = ScriptedModel(["A circle."])
    agent = Agent(model, input=Question)
    await started(agent, Question("What is this?", Image(PNG, name="plan.png"), [File(PDF, name="a.pdf")]))
    words, more, plan = sent(model)
    assert json.loads(words.text) == {
        "words": "What is this?",
        "plan": "(attached: plan.png)",
        "more": ["(attached: a.pdf)"],
    }
    assert (plan.media_type, plan.digest, more.media_type) == ("image/png", DIGEST, "application/pdf")


async def test_what_only_looks_like_a_file_stays_as_it_is() -> None:
    model = ScriptedModel(["Seen."])
    await started(Agent(model), {"media": {"television": 3}})
    assert sent(model) == [Text('{"media":{"television":3}}')]


@pytest.mark.capability(174)
async def test_a_resumed_run_needs_the_original_no_more(tmp_path: Path, picture: Path) -> None:
    @tool(risk="high")
    async def publish() -> str:
        return "published"

    model = ScriptedModel([call("publish"), "Done."])
    agent = Agent(model, name="looks", tools=[publish])

    @workflow
    async def look(path: str) -> str:
        return await agent(["What is this?", Image(path), File(PDF)])

    db = str(tmp_path / "runs.db")
    await started(look, str(picture), db, id="r")
    picture.unlink()  # noqa: ASYNC240  what a person would do meanwhile
    async with App([look], db=db) as app:
        job = await app.get("r")
        await job.approve(by="ann")
        assert await job == "Done."
        assert sent(model)[1] == Media("image/png", digest=DIGEST)
        assert await app.store.blob(DIGEST) == PNG
        assert await app.store.blob(sha256(PDF).hexdigest()) == PDF
        await job.replay()


async def test_a_tool_may_give_a_file_and_an_agent_be_shown_it(tmp_path: Path) -> None:
    @tool
    async def draw() -> Image:
        return Image(PNG, name="drawn.png")

    model = ScriptedModel(["A circle."])

    @workflow
    async def look() -> str:
        return await Agent(model)([await draw(), "What is this?"])

    async with App(db=":memory:") as app:
        assert await (await app.start(look)) == "A circle."
        assert await app.store.blob(DIGEST) == PNG
    assert sent(model) == [Media("image/png", digest=DIGEST), Text("What is this?")]


@pytest.mark.capability(175)
@pytest.mark.parametrize(("name", "kind"), [("talk.mp3", "audio/mpeg"), ("film.mp4", "video/mp4")])
async def test_sound_and_film_pass_through_by_reference(name: str, kind: str) -> None:
    model = ScriptedModel(["Birds."])
    await started(Agent(model), ["What is heard?", File(f"https://example.org/{name}?x=1")])
    assert sent(model)[1] == Media(kind, url=f"https://example.org/{name}?x=1")


@pytest.mark.capability(175)
async def test_a_model_that_cannot_be_shown_a_file_says_so_before_anything_is_sent(fake: FakeProvider) -> None:
    agent = Agent("anthropic:claude-sonnet-4-6", name="listens")
    async with App(db=":memory:") as app:
        with pytest.raises(WorkerFailed) as caught:
            await (await app.start(agent, [File(b"ID3 a song", name="song.mp3")]))
    assert "anthropic:claude-sonnet-4-6 cannot be asked this: anthropic takes no audio/mpeg, only image/png" in str(
        caught.value
    )
    assert fake.received == []
    async with App(db=":memory:") as app:  # another model of the list can
        listening = agent.using(["anthropic:claude-sonnet-4-6", ScriptedModel(["A song."])])
        assert await (await app.start(listening, [File(b"ID3 a song")])) == "A song."


@pytest.mark.capability(175)
async def test_what_a_provider_does_not_fetch_is_not_fetched_for_it(fake: FakeProvider) -> None:
    async with App(db=":memory:") as app:
        agent = Agent("openai-chat:gpt-4o-audio-preview")
        assert await (await app.start(agent, [File(b"ID3 a song")])) == "A circle."
        assert b"input_audio" in fake.received[0].body
        with pytest.raises(WorkerFailed, match="takes audio/mpeg by its content, not by a URL"):
            await (await app.start(agent, [File("https://example.org/song.mp3")]))
        assert await (await app.start(agent, [Image("https://example.org/a.png")])) == "A circle."
    assert len(fake.received) == 2


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"nowhere\.png cannot be read: No such file"):
        Image(tmp_path / "nowhere.png")
    with pytest.raises(UsageError, match="is application/pdf, which is no image"):
        Image(PDF)
    with pytest.raises(UsageError, match="give media_type="):
        File(b"\x00\x01\x02")
    with pytest.raises(UsageError, match="its input does not fit: plan"):
        App(db=":memory:").in_own_loop(
            started(Agent(ScriptedModel([]), input=Question), {"words": "", "plan": "a.png"})
        )


@pytest.mark.parametrize(
    ("content", "name", "kind"),
    [
        (PNG, "", "image/png"),
        (b"\xff\xd8\xff\xe0", "", "image/jpeg"),
        (b"RIFF    WAVEfmt", "", "audio/wav"),
        (b"RIFF    WEBPVP8", "", "image/webp"),
        (b"a,b\n1,2", "table.csv", "text/csv"),
        (b"hello", "", "text/plain"),
        (b"\x00\x01", "film.mp4", "video/mp4"),
    ],
)
def test_the_type_is_told_from_content_and_name(content: bytes, name: str, kind: str) -> None:
    assert File(content, name=name).media_type == kind


async def test_a_stored_form_names_no_path(picture: Path) -> None:
    """Whoever writes an input, a model too, cannot make anybody read a file."""
    model = ScriptedModel(["Seen."])
    await started(Agent(model), [{"media": {"media_type": "image/png", "path": str(picture)}}])
    assert isinstance(sent(model)[0], Text)


async def test_a_file_that_is_another_one_on_replay_is_found_out(tmp_path: Path) -> None:
    name = "one"

    @workflow
    async def look() -> str:
        return await Agent(ScriptedModel(["Seen."]))([File(name.encode())])

    async with App([look], db=":memory:") as app:
        job = await app.start(look)
        await job
        name = "two"
        with pytest.raises(ReplayMismatch, match="look now wants file"):
            await job.replay()


async def test_a_later_turn_of_a_conversation_may_bring_a_file(tmp_path: Path) -> None:
    model = ScriptedModel(["Hi.", "A circle."])
    async with App(db=str(tmp_path / "runs.db")) as app:
        job = await app.start(Agent(model), "Hello.")
        assert await job == "Hi."
        assert await job.say(["What is this?", Image(PNG)]) == "A circle."
        assert await app.store.blob(DIGEST) == PNG
    assert sent(model, -1) == [Text("What is this?"), Media("image/png", digest=DIGEST)]


async def test_a_signal_may_bring_a_file(tmp_path: Path) -> None:
    model = ScriptedModel(["A circle."])

    @workflow
    async def look() -> str:
        return await Agent(model)([await receive("drawn", Image), await receive("notes", File)])

    db = str(tmp_path / "runs.db")
    await started(look, None, db, id="r")
    async with App([look], db=db) as app:
        job = await app.get("r")
        await job.send("drawn", Image(PNG))
        await job.send("notes", File(b"Buy milk", name="notes.txt"))
        assert await job == "A circle."
    image, notes = sent(model)
    assert image == Media("image/png", digest=DIGEST)
    assert notes == Text("notes.txt:\nBuy milk")
