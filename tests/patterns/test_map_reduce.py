"""What is larger than any window is read in pieces, and what was found is merged."""

import random
import re
from dataclasses import dataclass
from typing import Any

import pytest

from stretto import Agent, App, ContextOverflow, UsageError, WorkerFailed, map_reduce, tool
from stretto.core.messages import ModelRequest
from stretto.core.values import Done
from stretto.models.script import Answer
from stretto.testing import ScriptedModel, call, say, simulate

WINDOW = 8_000


def document(characters: int) -> tuple[str, set[str]]:
    """Paragraphs in several scripts, and the facts that are planted in them."""
    chance, parts, facts, length = random.Random(1), list[str](), set[str](), 0
    words = "the quick brown fox jumps over some lazy dogs 日本語で書く мир مرحبا naïve".split()
    while length < characters:
        part = " ".join(chance.choices(words, k=chance.randint(5, 150))) + ". "
        if chance.random() < 0.02:
            facts.add(f"FACT-{len(facts)}")
            part += f"FACT-{len(facts) - 1}. "
        parts.append(part + "\n\n" * (chance.random() < 0.5))
        length += len(parts[-1])
    return "".join(parts), facts


def finds(request: ModelRequest) -> Answer:
    return say(" ".join(re.findall(r"FACT-\d+", request.messages[-1].text)) or "none")


@pytest.mark.capability(72, 143)
async def test_two_million_characters_are_read_within_a_window_of_8000() -> None:
    text, facts = document(2_000_000)
    model = ScriptedModel(finds, window=WINDOW)
    reading = map_reduce(Agent(model, "List the facts.", name="read"), Agent(model, "Merge the lists.", name="merge"))
    async with App(db=":memory:") as app:
        job = await app.start(reading, text)
        assert set((await job).split()) - {"none"} == facts, "nothing is lost on the way"
        labels = [task.label for task in job.tasks if task.worker == "read"]
    assert labels[0] == f"piece 1 of {len(labels)}"
    asked = [message for request in model.requests for message in request.messages if message.role == "user"]
    assert max(len(message.text.encode()) for message in asked) // 3 <= WINDOW
    assert max(len(message.text) for message in asked) // 3 <= WINDOW // 2


@pytest.mark.capability(72)
async def test_results_are_merged_level_by_level_until_one_is_left() -> None:
    merged: list[list[str]] = []

    def merge(parts: list[str]) -> str:
        merged.append(parts)
        return parts[0][:30] + parts[-1][-30:]

    text = "\n\n".join(f"Paragraph {number} of the text." for number in range(2_000))
    async with App(db=":memory:") as app:
        reading = map_reduce(lambda_named, merge, size=100, limit=4)
        assert await (await app.start(reading, text)) == text[:30].upper() + text[-30:].upper()
    assert len(merged) > 5
    assert all(len(parts) > 1 for parts in merged[:-1])


def lambda_named(piece: str) -> str:
    return piece.upper()


@dataclass
class Question:
    question: str
    text: str


@dataclass
class Answers:
    question: str
    text: list[str]


async def test_a_question_goes_with_every_piece() -> None:
    asked: list[Question] = []

    def read(given: Question) -> str:
        asked.append(given)
        return "yes" if "needle" in given.text else "no"

    def merge(given: Answers) -> str:
        return f"{given.question} {max(given.text)}"

    text = "hay. " * 2_000 + "needle. " + "hay. " * 2_000
    async with App(db=":memory:") as app:
        reading = map_reduce(read, merge, field="text", size=500)
        assert await (await app.start(reading, Question("Is it there?", text))) == "Is it there? yes"
    assert "".join(given.text for given in asked) == text
    assert {given.question for given in asked} == {"Is it there?"}


async def test_a_short_text_is_one_piece_and_its_result_is_merged_too() -> None:
    async with App(db=":memory:") as app:
        for text in ("short", ""):
            assert await (await app.start(map_reduce(lambda_named, _listed), text)) == [text.upper()]


def _listed(parts: list[str]) -> list[str]:
    return parts


async def test_results_too_long_to_be_merged_are_an_error_with_a_remedy() -> None:
    model = ScriptedModel(lambda request: say("word " * 3_000), window=WINDOW)
    reading = map_reduce(Agent(model, name="read"), Agent(model, name="merge"), name="reading")
    async with App(db=":memory:") as app:
        with pytest.raises(WorkerFailed, match=r"reading cannot merge.*have read answer shorter") as caught:
            await (await app.start(reading, "word " * 20_000))
    assert caught.value.failure.kind == ContextOverflow.__name__


@pytest.mark.parametrize("given", [7, {"other": "x"}])
async def test_what_is_no_text_is_refused(given: Any) -> None:
    async with App(db=":memory:") as app:
        with pytest.raises((UsageError, WorkerFailed), match="text"):
            await (await app.start(map_reduce(_anything, _anything, field="" if given == 7 else "text"), given))
    with pytest.raises(UsageError, match="size=0"):
        map_reduce(_anything, _anything, size=0)


def _anything(given: Any) -> Any:
    return Done(given).value


@pytest.mark.capability(72, 102)
def test_a_crash_anywhere_gives_the_same() -> None:
    text, facts = document(20_000)

    def play(*crash_at: int) -> tuple[str, int]:
        model = ScriptedModel(finds, window=WINDOW)
        with simulate(1, crash_at=crash_at) as sim:
            reading = map_reduce(Agent(model, "List.", name="read"), Agent(model, "Merge.", name="merge"))
            return sim.run(reading, text), len(sim.sites)

    output, sites = play()
    assert set(output.split()) - {"none"} == facts
    for site in range(1, sites, 3):
        assert play(site)[0] == output


async def test_a_reader_with_tools_has_room_for_what_they_give() -> None:
    @tool
    async def look_up(word: str) -> str:
        """Look a word up."""
        return "a long explanation of it " * 400

    def reads(request: ModelRequest) -> Answer:
        return finds_in(request.messages[1].text) if request.messages[-1].role == "tool" else call("look_up", word="x")

    text, facts = document(30_000)
    model = ScriptedModel(reads, window=WINDOW)
    reading = map_reduce(Agent(model, "List.", name="read", tools=[look_up]), _union)
    async with App(db=":memory:") as app:
        assert set(await (await app.start(reading, text))) == facts


def finds_in(text: str) -> Answer:
    return say(" ".join(re.findall(r"FACT-\d+", text)) or "none")


def _union(parts: list[str]) -> list[str]:
    return sorted({word for part in parts for word in part.split()} - {"none"})
