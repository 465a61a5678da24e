"""The stages of flow files that are patterns of workers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stretto import UsageError, start
from stretto.app.flows import Flow, load

APP = """
from stretto import Agent
from stretto.testing import ScriptedModel, say

clerk = Agent(ScriptedModel([say("Long.")]), "Choose.", name="clerk")
def short(topic): return f"{topic}!"
def long(topic): return f"{topic} at length"
def length(answer): return {"value": len(answer) / 100, "reason": "by length"}
def yes(view): return "yes"
def later(view): return "yes" if view["transcript"][1:] else "no"
def agree(positions): return len(set(positions.values())) == 1
def doubtful(score): return score['value'] < 0.7
def words(text): return text.split()
def sized(word): return len(word) if word != "bad" else int(word)
"""

NAMES = ["short", "long", "length", "yes", "later", "agree", "words", "sized"]
WORKERS = f"workers: {{{', '.join(f'{name}: app.py:{name}' for name in NAMES)}}}\n"


@pytest.fixture
def flow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Flow]:
    (tmp_path / "app.py").write_text(APP, encoding="utf-8")
    monkeypatch.chdir(tmp_path)

    def made(text: str) -> Flow:
        (tmp_path / "flow.yaml").write_text(f"{WORKERS}flow: {text}\n", encoding="utf-8")
        return load(tmp_path / "flow.yaml")

    return made


def output(flow: Flow, goal: object) -> Any:
    done = start(flow, goal, db=":memory:")
    assert done.state == "done", done.error
    return done.output


@pytest.mark.capability(36)
def test_the_best_answer_is_taken(flow: Any) -> None:
    best = flow("[{compete: {workers: [short, long], judge: length, accept: 0.9, n: 2}}]")
    assert output(best, "tea") == "tea at length"
    assert output(flow("[{compete: {workers: [short, long], judge: app.py:length}}, short]"), "tea") == "tea at length!"


@pytest.mark.capability(33)
def test_a_debate_says_whether_they_agree(flow: Any) -> None:
    debated = output(flow("[{debate: {workers: [later, yes], judge: agree, rounds: 2}}]"), "tea")
    assert (debated["agreed"], debated["answer"], debated["rounds"]) == (True, "yes", 2)
    assert output(flow("[{debate: {workers: [later, yes], rounds: 1}}]"), "tea")["agreed"] is False


@pytest.mark.capability(31)
def test_an_agent_that_chooses_is_told_the_choices_and_may_write_them_as_it_likes(flow: Any) -> None:
    chosen = flow("[{route: {by: app.py:clerk, choices: {short: short, long: long}}}]")
    assert output(chosen, "tea") == "tea at length"
    told = "\n".join(member.instructions for member in chosen.members if member.name == "clerk")
    assert told.endswith("- short\n- long")


@pytest.mark.capability(40)
def test_every_item_of_a_list_gets_a_task(flow: Any) -> None:
    assert output(flow("[words, {each: sized}]"), "one three fifteen") == [3, 5, 7]
    assert output(flow("[words, {each: {worker: sized, limit: 1}}]"), "") == []
    collected = output(flow("[words, {each: {worker: sized, on_error: collect}}]"), "one bad")
    assert [one["ok"] for one in collected] == [True, False]


@pytest.mark.capability(43)
def test_an_agent_may_have_a_limit(tmp_path: Path) -> None:
    file = tmp_path / "flow.yaml"
    file.write_text("agents: {write: {instructions: Write., limit: 2}}\nflow: [write]\n", encoding="utf-8")
    assert load(file).members[0].options.limit == 2
    file.write_text("agents: {write: {instructions: Write., limit: 0}}\nflow: [write]\n", encoding="utf-8")
    with pytest.raises(UsageError, match="at least 1"):
        load(file)


@pytest.mark.capability(48)
@pytest.mark.parametrize("when", ["value < 0.7", "app.py:doubtful"])
def test_a_review_is_asked_for_only_where_it_is_called_for(flow: Any, when: str) -> None:
    reviewed = flow(f"[length, {{review: {{question: 'Sure?', when: {when}}}}}]")
    assert output(reviewed, "x" * 90)["value"] == 0.9
    job = start(reviewed, "x" * 55, db=":memory:")
    assert job.state == "waiting"
    job.approve(by="ann", edit={"value": 0.6, "reason": "by hand"})
    assert job.output == {"value": 0.6, "reason": "by hand"}


def test_a_flow_that_failed_of_a_no_asks_again_when_it_is_resumed(flow: Any) -> None:
    job = start(flow("[short, {review: 'Good?'}, long]"), "tea", db=":memory:")
    job.reject(by="ann", reason="too short")
    assert (job.state, "too short" in job.error) == ("failed", True)
    job.resume()
    job.approve(by="ann", edit="tea, please")
    assert job.output == "tea, please at length"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[{compete: {workers: [short]}}]", "needs 'judge'"),
        ("[{compete: {workers: [short, lnog], judge: length}}]", "did you mean 'long'"),
        ("[{debate: {workers: [yes]}}]", "at least two speakers"),
        ("[{each: {worker: sized, on_error: ignore}}]", "it is one of raise, collect"),
        ("[{each: {worker: sized, limit: 0}}]", "at least 1"),
    ],
)
def test_what_cannot_work_is_refused_with_its_place(flow: Any, text: str, problem: str) -> None:
    with pytest.raises(UsageError, match=problem) as caught:
        flow(text)
    assert str(caught.value).count("flow.yaml:2:") == 1
