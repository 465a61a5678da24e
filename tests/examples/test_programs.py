"""Each program of examples/programs: killed at random, it comes to the same; and it does what its first line says."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shlex
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from types import ModuleType
from typing import Any
from urllib.request import urlopen

import pytest

from stretto import App, Run, start
from stretto.app.code import load_file
from stretto.core.events import Asked
from stretto.core.values import Answer
from stretto.testing import FakeProvider, ScriptedModel, simulate
from tests.examples import lives
from tests.examples.lives import NAMES, PROGRAMS

LINE = "# ---- stands in for"
DB = ".stretto/runs.db"


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(PROGRAMS)


def program(name: str) -> ModuleType:
    return load_file(PROGRAMS / f"{name}.py")


def did(system: str) -> list[dict[str, str]]:
    """What a system outside was told to do."""
    path = Path(f"{system}.jsonl")
    return [json.loads(line)["did"] for line in path.read_text().splitlines()] if path.exists() else []


# ---- all of them


def live(folder: Path, seed: int) -> dict[str, Any]:
    """What each program came to, undisturbed and after kills; all processes are forked from one."""
    command = [sys.executable, "-m", lives.__name__, str(folder), str(seed)]
    done = subprocess.run(command, cwd=PROGRAMS.parents[1], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def came_to_the_same(whole: dict[str, Any], torn: dict[str, Any]) -> None:
    assert torn["killed"][0] == -signal.SIGKILL
    assert {*whole["ended"], *torn["ended"]} == {0}
    assert whole["effects"]
    assert (torn["outcome"], torn["effects"]) == (whole["outcome"], whole["effects"])


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return live(tmp_path_factory.mktemp("lives"), 1)


@pytest.mark.capability(102, 103)
@pytest.mark.parametrize("name", NAMES)
def test_a_program_that_is_killed_comes_to_the_same(name: str, lived: dict[str, Any]) -> None:
    came_to_the_same(**lived[name])


@pytest.mark.torture
def test_programs_that_are_killed_at_many_places_come_to_the_same(tmp_path: Path) -> None:
    for seed in range(100):
        for pair in live(tmp_path / str(seed), seed).values():
            came_to_the_same(**pair)


@pytest.mark.parametrize("name", NAMES)
def test_a_program_is_short_and_says_how_it_is_run(name: str) -> None:
    text = (PROGRAMS / f"{name}.py").read_text(encoding="utf-8")
    above = text.partition(LINE)[0]
    assert LINE in text
    assert sum(bool(line.strip()) for line in above.splitlines()) < 60
    assert f"\npython {name}.py" in above
    worker = re.search(rf"stretto \w+ {name}\.py:(\w+)", above)
    assert worker
    assert hasattr(program(name), worker[1])


@pytest.mark.parametrize("name", sorted({*NAMES} - {"coder", "onboarding", "research"}))
def test_a_program_comes_to_the_same_with_a_provider(
    name: str, lived: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    module = program(name)
    with FakeProvider() as fake:
        fake.script = module.MODEL
        for variable, value in fake.environment.items():
            monkeypatch.setenv(variable, value)
        monkeypatch.setattr(module, "MODEL", "openai:gpt-5-mini")
        if name == "batch":
            monkeypatch.setattr(module, "TICKETS", module.TICKETS[90:130])
        told = module.main()
    assert len(fake.received) > 2
    if name == "batch":
        assert told.startswith("39 of 40 answered, 100.0% sorted right")
    else:
        assert repr(told) == lived[name]["whole"]["outcome"]


@pytest.mark.capability(19, 135, 164)
def test_the_readmes_command_runs_research_with_a_provider() -> None:
    (line,) = re.findall(r"\$ (stretto run \S+research\.py.*)", (PROGRAMS.parent / "README.md").read_text("utf-8"))
    command = [sys.executable, "-m", *shlex.split(line.replace("examples/programs", str(PROGRAMS))), "--json"]
    with FakeProvider() as fake:
        fake.script = program("research").MODEL
        done = subprocess.run(command, env={**os.environ, **fake.environment}, capture_output=True, check=False)
    told = json.loads(done.stdout)
    assert (told["state"], sorted(told["output"])) == ("done", ["makers", "market", "prices"])


def test_the_readme_lists_every_example() -> None:
    examples = PROGRAMS.parent
    said = set(re.findall(r"\]\(([\w./]+)\)", (examples / "README.md").read_text(encoding="utf-8")))
    there = [*examples.glob("*.py"), *PROGRAMS.glob("*.py"), *examples.glob("flows/*.yaml")]
    names = {str(path.relative_to(examples)) for path in there} - {"programs/offline.py"}
    assert names <= said
    assert all((examples / name).exists() for name in said)


# ---- each of them


@pytest.mark.capability(38, 201)
def test_support_is_answered_by_who_took_the_conversation_over(lived: dict[str, Any]) -> None:
    support = program("support")
    replies = support.main()
    assert replies == support.main(), "what was said is not said again"
    assert (len(replies), replies[5:7]) == (10, ["You have 39 EUR back.", "In three days."])
    assert did("bank") == [{"order": "A17", "paid_back": "39 EUR"}]
    job: Run = start(support.triage, id="ticket-7", model=support.MODEL)
    turns = [task.worker for task in job.tasks if isinstance(task.input, str)]
    assert (len(turns), turns[6]) == (10, "billing"), job.tasks
    assert lived["support"]["torn"]["killed"][0] == -signal.SIGKILL, "several processes, one conversation"


def test_support_pays_nothing_back_without_a_supervisor() -> None:
    support = program("support")
    job: Run = start(support.billing, "handed this conversation over: order A17", model=support.MODEL, db=":memory:")
    (asked,) = job.approvals
    assert (asked["tool"], asked["to"]) == ("refund", "supervisors")
    assert asked["preview"] == "a kettle, 39 EUR, delivered on Monday: 39 EUR back"
    job.reject(by="sue", reason="it was used")
    assert did("bank") == []


def webhook(receive: Callable[[Any], Run], *bodies: object) -> list[int]:
    """Post bodies, one after the other, to a server that gives them to `receive`; the states it answered with."""

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            receive(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(202)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Hook) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            url, states = f"http://127.0.0.1:{server.server_port}", []
            for body in bodies:
                with urlopen(url, json.dumps(body).encode(), timeout=30) as answer:
                    states.append(answer.status)
            return states
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.capability(167)
def test_review_comments_once_and_merges_nothing_without_a_person() -> None:
    review = program("review")
    assert webhook(review.pushed, review.EVENT, review.EVENT) == [202, 202]
    assert [list(one) for one in did("forge")] == [["comment", "on"]]
    again = review.pushed(review.EVENT)
    assert again.state == "waiting"
    (asked,) = again.approvals
    assert (asked["tool"], asked["to"]) == ("merge", "maintainers")
    assert asked["preview"].endswith("+ return 'Hei'")
    again.reject(by="ann", reason="it needs the test")
    assert again.output.startswith("#7 stays open: ")
    assert "it needs the test" in again.output
    assert len(did("forge")) == 1


@pytest.mark.capability(61, 166)
def test_content_is_published_as_the_editor_left_it_and_not_before() -> None:
    content = program("content")
    job: Run = start(content.weekly_post, "a shop", id="week-15", model=content.MODEL)
    assert (job.approvals[0]["to"], job.approvals[0]["content"]["title"]) == ("editors", "All about winter tyres")
    assert did("site") == did("social") == []
    with pytest.raises(Exception, match="meta has 161 letters; 160 are allowed"):
        job.approve(by="eve", edit={**content.EDITED, "meta": "m" * 161})
    job.approve(by="eve", edit=content.EDITED)
    assert did("site") == [content.EDITED]
    assert [one["network"] for one in did("social")] == ["mastodon", "linkedin"]
    assert job.output == "published: Winter tyres?"


def test_content_that_is_rejected_is_not_published() -> None:
    content = program("content")
    job: Run = start(content.weekly_post, "a shop", id="week-16", model=content.MODEL)
    job.reject(by="eve", reason="we had that")
    assert (job.output, did("site")) == ("nothing on winter tyres this week: we had that", [])


@pytest.mark.capability(61, 168)
def test_leads_are_recorded_with_the_mail_as_the_representative_sent_it() -> None:
    leads = program("leads")
    job: Run = start(leads.approach, leads.LEAD, id="one", model=leads.MODEL)
    assert job.approvals[0]["preview"].endswith("Dear Sir or Madam, we sell tyres.")
    assert did("mails") == did("crm") == []
    job.approve(by="rita", edit=leads.EDITED)
    text = leads.EDITED["mail"]["text"]
    assert [one["text"] for one in did("mails")] == [text]
    assert did("crm") == [
        {
            "company": "Polar Bikes",
            "profile": "A workshop in Oulu.",
            "needs": "Winter tyres: they mend bicycles all winter.",
            "mail": text,
        }
    ]


def test_leads_are_recorded_also_where_nothing_is_sent() -> None:
    leads = program("leads")
    job: Run = start(leads.approach, leads.LEAD, id="two", model=leads.MODEL)
    job.reject(by="rita", reason="they are a competitor")
    assert did("mails") == []
    assert did("crm")[0]["mail"].startswith("none: ")


@pytest.mark.capability(164)
def test_research_is_judged_and_done_better_once() -> None:
    research = program("research")
    assert list(research.main()) == ["makers", "market", "prices"]
    assert all("[" in one for one in did("archive")[0].values()), "each figure has a source"
    job: Run = start(research.market_report, "electric cars", id="ev-market", model=research.MODEL)
    assert [opinion["value"] for opinion in job.why()["judged"]] == [0.5, 0.9]
    searched = [task for task in job.tasks if task.worker == "research"]
    assert len(searched) == 3, "what was found is not looked for again"
    leaves = [task for task in job.tasks if task.key not in {other.parent for other in job.tasks}]
    whole = job.tasks[0].ended - job.tasks[0].begun
    assert searched[1].begun < searched[0].ended, "two questions at once"
    assert whole < sum(task.ended - task.begun for task in leaves)


def test_coder_goes_on_until_tests_and_reviewer_agree() -> None:
    coder = program("coder")
    coder.main()
    job: Run = start(coder.develop, "slug(title) makes a title fit for a URL", id="slug", model=coder.MODEL)
    verdicts = [task.output for task in job.tasks if task.worker == "check"]
    assert "AssertionError: winter-tyres!" in verdicts[0]["reason"], "the tests are really run"
    assert [verdict["ok"] for verdict in verdicts] == [False, False, True]
    assert verdicts[1]["reason"] == "it has no docstring"
    assert did("repository") == [{"slug": coder.THIRD}]


@pytest.mark.capability(36)
def test_best_of_three_ends_with_the_first_that_is_good_enough() -> None:
    best = program("best_of_three")
    best.main()
    job: Run = start(best.campaign, "a shop for bicycles", id="spring", model=best.MODEL)
    (told,) = [value for _, _, name, value in job.view.decisions if name == "compete"]
    plain, bold, warm = told["candidates"]
    assert (told["winner"], plain["score"], bold, warm["score"]) == (3, 0.6, {"worker": "bold", "left": True}, 0.95)
    assert {task.worker: task.output for task in job.tasks}["plain"] == "Bicycles sold and mended in Oulu."
    assert job.tasks[0].ended - job.tasks[0].begun < 2_000_000, "nobody waits for the slow one"


@pytest.mark.capability(170)
def test_teams_write_and_test_and_operations_deploy() -> None:
    teams = program("teams")
    job: Run = start(teams.lead, "a shop", id="shop-2", model=teams.MODEL)
    assert sorted(path.name for path in Path("shop").glob("*.py")) == [
        "page.py",
        "prices.py",
        "test_page.py",
        "test_prices.py",
    ]
    (asked,) = job.approvals
    assert (asked["to"], asked["preview"], did("cluster")) == ("operations", "a shop. Ran 2 tests", [])
    by_key = {task.key: task for task in job.tasks}
    coder = next(task for task in job.tasks if task.worker == "front_end_coder")
    above = [coder.worker]
    while by_key[above_key := coder.parent] is not job.tasks[0]:
        coder = by_key[above_key]
        above.append(coder.worker)
    assert above == ["front_end_coder", "front_end"], "the lead, a team, an agent"
    job.approve(by="olga")
    assert did("cluster") == [{"deployed": "a shop", "tests": "Ran 2 tests"}]


def test_teams_whose_tests_fail_deploy_nothing() -> None:
    teams = program("teams")
    Path("shop").mkdir()
    Path("shop/test_old.py").write_text("raise SystemError('broken')")
    job: Run = start(teams.lead, "a shop", id="shop-3", model=teams.MODEL)
    assert job.state == "failed"
    assert "broken" in job.error
    assert did("cluster") == []


class Watched:
    """A model that knows how often it was asked, how often at once, and when it was asked `wanted` times."""

    def __init__(self, model: ScriptedModel, wanted: int = 0) -> None:
        self._model, self._wanted = model, wanted
        self.asked = self.now = self.most = 0
        self.reached = asyncio.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    async def reply(self, *given: Any) -> Any:
        self.asked, self.now = self.asked + 1, self.now + 1
        self.most = max(self.most, self.now)
        if self.asked == self._wanted:
            self.reached.set()
        try:
            return await self._model.reply(*given)
        finally:
            self.now -= 1


@pytest.mark.capability(26, 31, 169, 210)
def test_batch_answers_all_that_can_be_answered_under_one_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    batch = program("batch")
    model = Watched(batch.MODEL)
    monkeypatch.setattr(batch, "MODEL", model)
    told = batch.main()
    assert (model.most, model.asked) == (20, 2 * 497)
    assert re.fullmatch(r"497 of 500 answered, 98\.0% sorted right, 75\.1% settled, 0\.\d\d\d s each", told)
    report = did("archive")[0]["report"].splitlines()
    assert report[1:] == [f"ticket {number}: answer failed: the ticket is empty" for number in (99, 250, 401)]
    job: Run = start(batch.answer_all, batch.TICKETS, id="monday", model=model)
    assert 0 < job.cost.usd < 5
    assert job.cost.calls == 2 * 497
    desks = Counter(task.worker for task in job.tasks if task.worker in batch.DESKS)
    assert desks == {"order": 125 + 10, "return": 124, "technical": 124, "complaint": 124 - 10}


@pytest.mark.capability(210)
async def test_batch_that_is_interrupted_goes_on_in_the_middle() -> None:
    batch = program("batch")
    first, second = Watched(batch.MODEL, 400), Watched(batch.MODEL)
    async with App([batch.answer_all], db=DB, model=first) as app:
        await app.start(batch.answer_all, batch.TICKETS, id="tuesday")
        await first.reached.wait()
    async with App([batch.answer_all], db=DB, model=second) as app:
        assert (await (await app.get("tuesday"))).startswith("497 of 500 answered")
    assert 2 * 497 <= first.asked + second.asked <= 2 * 497 + 20, "only what was in flight is asked again"


def test_batch_stops_at_its_budget() -> None:
    batch = program("batch")
    job: Run = start(batch.answer_all, batch.TICKETS[:20], budget="10 calls", model=batch.MODEL, db=":memory:")
    assert (job.state, job.approvals[0]["kind"]) == ("waiting", "budget")
    assert job.cost.calls <= 10


def signs_after(days: float, sim: Any) -> Any:
    """A customer who signs so many days after the beginning, and a colleague who agrees to all."""
    begun = sim.time()

    def answer(asked: Asked, key: str) -> Answer | None:
        late = sim.time() - begun >= days * 86_400
        return Answer("answer", {"plan": "gold"}, by="ada") if asked.ask == "signal" and late else None

    return answer


@pytest.mark.capability(173, 205)
@pytest.mark.parametrize(("days", "mails", "ends"), [(0, 2, 3), (10, 4, 17), (99, 3, 21)])
def test_onboarding_takes_as_long_as_the_customer(days: float, mails: int, ends: float) -> None:
    onboarding = program("onboarding")
    with simulate(1) as sim:
        begun = sim.time()
        told = sim.run(
            onboarding.onboarding, onboarding.Customer("Ada", "a@example.org"), person=signs_after(days, sim)
        )
        took = (sim.time() - begun) / 86_400
    assert told == ("Ada is with us, on gold" if days < 21 else "Ada did not sign")
    assert (len(did("mails")), len(did("accounts"))) == (mails, int(days < 21))
    assert took == pytest.approx(ends, abs=0.1)


@pytest.mark.capability(173, 205)
def test_onboarding_goes_on_days_later_in_another_process(lived: dict[str, Any]) -> None:
    whole = lived["onboarding"]["whole"]
    assert whole["ended"] == [0, 0], "signed on one day, and taken up four days later"
    assert [json.loads(one).get("text", "account") for one in whole["effects"]] == [
        "account",
        "Here is your contract.",
        "How is it going, Ada?",
    ]
