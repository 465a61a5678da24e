"""The stages of flow files that are patterns of workers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stretto import Agent, UsageError, start
from stretto.app.flows import Flow, load
from stretto.app.parts import inside
from stretto.core.events import Asked
from stretto.core.values import Answer
from tests.crash.simulation import Scenario, check_every_crash, truthful

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
def opens(you, transcript): return f"{you} opens" if not transcript else f"{you} after {transcript[-1]['said']}"
def turns(transcript): return "nobody" if len(transcript) == 2 else ["opens", "yes"][len(transcript)]
def over(transcript): return len(transcript) == 4
def pages(text): return "".join(f"Page {n}. " for n in range(200))
def count(piece): return str(piece.count("Page"))
def add(counts): return counts
def revised(goal): return f"{goal['draft']} ({goal['feedback']}) for {goal['task']}"
def sized(word): return len(word) if word != "bad" else int(word)
"""

NAMES = "short long length yes later agree words sized opens turns pages count add revised".split()
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
    told = "\n".join(str(one.instructions) for one in inside(chosen) if isinstance(one, Agent))
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


@pytest.mark.capability(41)
def test_a_person_takes_part_in_a_conversation(flow: Any) -> None:
    chat = flow("[{group_chat: {workers: [opens, {person: ann}], until: 'said == enough', max: 6}}]")
    job = start(chat, "tea", db=":memory:")
    (asked,) = job.approvals
    assert (asked["to"], asked["content"]["task"]) == ("ann", "tea")
    assert [turn["said"] for turn in asked["content"]["transcript"]] == ["opens opens"]
    job.answer(None, "go on", by="ann")
    job.answer(None, "enough", by="ann")
    assert job.output["ended"] == "until"
    assert [turn["said"] for turn in job.output["transcript"]] == [
        "opens opens",
        "go on",
        "opens after go on",
        "enough",
    ]


def test_a_rule_says_who_speaks_and_when_it_is_over(flow: Any) -> None:
    by_rule = flow("[{group_chat: {workers: [opens, yes], next: turns}}]")
    assert [turn["speaker"] for turn in output(by_rule, "tea")["transcript"]] == ["opens", "yes"]
    assert output(flow("[{group_chat: {workers: [later, yes], until: app.py:over}}]"), "tea")["ended"] == "until"
    assert output(flow("[{group_chat: {workers: [later, yes], max: 3, until: said.ok}}]"), "tea")["ended"] == "max"


@pytest.mark.capability(61)
def test_a_person_is_a_stage_whose_answer_has_a_type(flow: Any) -> None:
    asked = flow("[short, {person: {name: ann, to: desk, question: 'Worth {input}?', output: {price: number}}}]")
    job = start(asked, "tea", db=":memory:")
    assert (job.approvals[0]["prompt"], job.approvals[0]["to"]) == ("Worth tea!?", "desk")
    with pytest.raises(UsageError, match="price"):
        job.answer(None, {"price": "much"}, by="ann")
    job.answer(None, {"price": 2}, by="ann")
    assert job.output == {"price": 2}


@pytest.mark.capability(42, 48)
def test_a_gate_lets_on_what_was_accepted_and_sends_the_rest_another_way(flow: Any) -> None:
    gated = flow(
        "[short, {gate: {question: 'Good, {goal}?', to: ann, otherwise: {long: 'no {input.feedback}'}}}, long]"
    )
    job = start(gated, "tea", db=":memory:")
    assert (job.approvals[0]["prompt"], job.approvals[0]["content"]) == ("Good, tea?", "tea!")
    job.approve(by="ann")
    assert job.output == "tea! at length"
    job = start(gated, "tea", db=":memory:")
    job.reject(by="ann", reason="sugar")
    assert job.output == "no sugar at length"
    sure = flow("[length, {gate: {question: 'Sure?', when: value < 0.7}}]")
    assert output(sure, "x" * 90)["value"] == 0.9
    assert start(sure, "x" * 55, db=":memory:").state == "waiting"


@pytest.mark.capability(61)
def test_a_gate_shows_again_what_was_made_of_a_rejected_draft(flow: Any) -> None:
    job = start(flow("[short, {gate: {question: 'Good?', revise: revised}}, long]"), "tea", db=":memory:")
    job.reject(by="ann", reason="milk")
    assert job.approvals[0]["content"] == "tea! (milk) for tea"
    job.approve(by="ann")
    assert job.output == "tea! (milk) for tea at length"


@pytest.mark.capability(72)
def test_a_long_text_is_read_in_pieces(flow: Any) -> None:
    read = flow("[pages, {map_reduce: {map: count, reduce: add, size: 100}}]")
    job = start(read, "book", db=":memory:")
    assert sum(map(int, job.output)) == 200
    assert len([task for task in job.tasks if task.worker == "count"]) > 5


@pytest.mark.capability(37)
def test_stages_stand_in_stages_and_know_the_goal(flow: Any) -> None:
    best = flow(
        "[short, {compete: {workers: [{long: 'on {goal}'}, [short, {long: '{input} for {goal}'}]], judge: length}}]"
    )
    assert output(best, "tea") == "tea!! for tea at length"
    debated = flow("[{debate: {workers: [{long: 'on {goal}'}, {short: '{input.task}'}], rounds: 1}}]")
    assert output(debated, "tea")["positions"] == {"long": "on tea at length", "short": "tea!"}
    row = flow(
        "[{gate: {question: Good?, otherwise: short}}, {long: 'of {input}'}, {pipeline: [{short: '{goal}: {input}'}]}]"
    )
    job = start(row, "tea", db=":memory:")
    job.approve(by="ann", edit="milk")
    assert job.output == "tea: of milk at length!"
    ways = flow("[{parallel: {a: short, limit: long}, merge: agree}, {fallback: [{each: sized}, {short: '{goal}'}]}]")
    assert output(ways, "tea") == "tea!"


@pytest.mark.capability(42, 102)
def test_what_left_by_the_way_out_goes_on_in_another_process(flow: Any, tmp_path: Path) -> None:
    text = "[short, {parallel: [long, {review: {question: 'Good?', rejected: {ask: 'What for {goal}?'}}}]}, long]"
    db = str(tmp_path / "runs.db")
    start(flow(text), "tea", id="one", db=db).reject(by="ann", reason="no")
    again = start(flow(text), "tea", id="one", db=db)
    assert again.approvals[0]["prompt"] == "What for tea?"
    again.answer(None, "coffee", by="ann")
    assert again.output == "coffee"
    assert again.replay() == "coffee"


def no(asked: Asked, happened: bool) -> Answer | None:
    return Answer("reject", reason="no", by="eve") if asked.ask == "review" else truthful(asked, happened)


@pytest.mark.capability(42, 102)
@pytest.mark.parametrize("somebody", [truthful, no])
def test_a_crash_at_any_point_of_a_flow_repeats_nothing(flow: Any, tmp_path: Path, somebody: Any) -> None:
    (tmp_path / "scenarios.py").write_text("from tests.crash.scenarios import look, pay, put\n", encoding="utf-8")
    review = "{review: {question: 'On with {goal}?', rejected: {tool: scenarios.py:put, with: {what: '{goal} no'}}}}"
    made = flow(f"""
  - parallel: {{a: {{tool: scenarios.py:pay}}, b: [short, {review}]}}
  - gate: {{question: "Pay {{goal}}?", otherwise: long}}
  - loop: {{do: {{long: "{{goal}}"}}, check: length, until: value > 0.1, max: 2}}
  - tool: scenarios.py:put
    with: {{what: end}}""")
    assert check_every_crash(Scenario(made, "x", person=somebody)) >= 40


@pytest.mark.capability(183)
def test_a_fork_with_another_goal_does_anew_what_is_told_the_goal(flow: Any) -> None:
    made = flow("[{words: a b}, {parallel: [{short: '{goal}'}, length]}]")
    job = start(made, "tea", db=":memory:")
    assert job.output[0] == "tea!"
    assert job.fork(at=0, input="milk").output[0] == "milk!"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[{group_chat: {workers: [yes, yes]}}]", r"flow\[0\]: .*each with a name of its own"),
        ("[{group_chat: [yes]}, {group_chat: {workers: []}}]", r"flow\[1\].group_chat.workers: it is empty"),
        ("[{person: {to: ann}}]", r"flow\[0\].person: a person needs 'name': who it is"),
        ("[{person: ann}, {person: [ann]}]", r"flow\[1\].person: it must be text"),
        ("[{gate: {question: a, expires: soon}}]", r"flow\[0\].gate.expires: duration 'soon' is not understood"),
        ("[{gate: {question: 'a {gaol}'}}]", r"did you mean '\{goal\}'"),
        ("[{gate: {question: a, otherwise: short, revise: long}}]", "keep one of them"),
        ("[{map_reduce: {map: count}}]", "a map_reduce needs 'reduce'"),
        ("[{map_reduce: {map: count, reduce: add, size: 0}}]", "at least 1"),
        ("[{parallel: [short], min_success: 2}]", "it is at most 1"),
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
