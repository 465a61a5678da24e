"""`approve`, `reject`, `resolve`, `send`, `approvals`: answers from other processes."""

import sqlite3
from contextlib import closing

import pytest

from tests.cli.conftest import Shell, until


def open_ids(shell: Shell, run: str) -> list[str]:
    return [asked["id"] for asked in shell("approvals", run, "--json").json]


@pytest.mark.capability(56)
def test_approvals_have_the_agreed_fields(shell: Shell) -> None:
    assert shell("approvals", "--json").json == []
    shell("run", "workers.py:writing", "a", "--id", "w")
    (asked,) = shell("approvals", "--json").json
    assert asked.keys() >= {"id", "kind", "run", "step", "tool", "args", "risk", "preview", "digest", "to", "expires"}
    told = shell("approvals").out
    assert "write_file(path=out.txt, text=A)" in told
    assert "+A" in told
    assert f"stretto approve w {asked['id']}" in told


@pytest.mark.capability(54)
def test_answers_may_come_one_by_one_in_any_order(shell: Shell) -> None:
    assert shell("run", "workers.py:paying", "inv", "--id", "p").code == 3
    first, second = open_ids(shell, "p")
    several = shell("approve", "p")
    assert (several.code, first in several.err, second in several.err) == (2, True, True)
    assert shell("approve", "p", second, "--by", "ada").code == 3
    assert shell.effects() == ["pay inv2"]
    assert shell("approve", "p", first, "--by", "bob").out == '[\n  "paid inv1",\n  "paid inv2"\n]\n'
    answers = shell("why", "p", "--json").json["answers"]
    assert {(answer["by"], answer["channel"]) for answer in answers} == {("ada", "cli"), ("bob", "cli")}


@pytest.mark.capability(51, 61)
def test_an_edit_is_what_runs(shell: Shell) -> None:
    shell("run", "workers.py:writing", "a", "--id", "w")
    ended = shell("approve", "w", "--edit", '{"path": "other.txt", "text": "B"}')
    assert ended.code == 0
    assert (shell.folder / "other.txt").read_text() == "B"
    assert not (shell.folder / "out.txt").exists()


@pytest.mark.capability(51, 57)
def test_an_edit_names_only_what_changes_and_the_whole_call_is_shown(shell: Shell) -> None:
    for id, edits in (("a", ["text=B: C"]), ("b", ['{"text": "B: C"}']), ("c", ["path=out.txt", "text=B: C"])):
        shell("run", "workers.py:writing", "a", "--id", id)
        ended = shell("approve", id, *(part for edit in edits for part in ("--edit", edit)))
        assert (ended.code, (shell.folder / "out.txt").read_text()) == (0, "B: C")
        assert "instead: write_file(path=out.txt, text=B: C)" in ended.err
        (shell.folder / "out.txt").unlink()
    (asked,) = (step for step in shell("show", "a", "--json").json if step["kind"] == "approval")
    answer = shell("show", "a", "--step", str(asked["step"]), "--json").json["result"]
    assert (answer["value"], answer["args"]) == ({"text": "B: C"}, {"path": "out.txt", "text": "B: C"})


def test_an_edit_takes_text_for_text_and_json_for_the_rest(shell: Shell) -> None:
    (shell.folder / "shop.py").write_text(
        "from stretto import tool, workflow\n\n\n@tool(risk='high')\ndef order(part: str, count: int, tags: list[str]) -> str:\n"
        "    return f'{part!r} {count} {tags}'\n\n\n@workflow\nasync def shop(part: str) -> str:\n"
        "    return await order(part, 1, ['a'])\n"
    )
    shell("run", "shop.py:shop", "nut", "--id", "s")
    wrong = shell("approve", "s", "--edit", "cuont=2")
    assert (wrong.code, "its arguments are part, count, tags" in wrong.err) == (2, True)
    assert "is neither" in shell("approve", "s", "--edit", "2").err
    assert "is neither (Expecting property name" in shell("approve", "s", "--edit", "{").err
    edits = ("--edit", "part=12", "--edit", "count=40", "--edit", 'tags=["b=c"]')
    assert shell("approve", "s", "order", *edits).out == "'12' 40 ['b=c']\n"


def test_an_edit_that_does_not_fit_is_refused_and_asked_again(shell: Shell) -> None:
    shell("run", "workers.py:writing", "a", "--id", "w")
    ended = shell("approve", "w", "--edit", '{"path": 3}')
    assert ended.code == 2
    assert "the answer was not taken" in ended.err
    assert shell("approve", "w", "--edit", "{").code == 2
    assert shell("approve", "w").out == "A\n"


def test_a_no_reaches_the_worker_with_its_reason(shell: Shell) -> None:
    shell("run", "workers.py:writing", "a", "--id", "w")
    ended = shell("reject", "w", "--reason", "not today", "--by", "ada")
    assert ended.code == 1
    assert "rejected by ada: not today" in ended.err
    assert shell.effects() == ["look up a"]


def test_a_second_answer_is_too_late(shell: Shell) -> None:
    shell("run", "workers.py:paying", "inv", "--id", "p")
    first, _ = open_ids(shell, "p")
    shell("approve", "p", first, "--by", "ada")
    again = shell("reject", "p", first, "--reason", "no")
    assert again.code == 2
    assert "answered already: approve by ada" in again.err


@pytest.mark.capability(52)
def test_questions_are_answered_in_their_own_type(shell: Shell) -> None:
    ended = shell("run", "workers.py:asking", "cars", "--id", "q")
    assert "stretto approve q" in ended.err
    assert "--edit ANSWER" in ended.err
    assert shell("approve", "q", "--edit", "12").code == 3  # a colour is text, whatever it looks like
    assert shell("approve", "q", "--edit", "many").code == 2
    assert shell("approve", "q", "--edit", "3").out == "3 12 cars\n"


@pytest.mark.capability(61)
def test_a_review_is_accepted_or_revised(shell: Shell) -> None:
    shell("run", "workers.py:reviewed", "draft", "--id", "r")
    (asked,) = shell("approvals", "r", "--json").json
    assert (asked["kind"], asked["content"]) == ("review", "draft")
    assert "\n  draft\n" in shell("approvals", "r").out
    assert "final" in shell("approve", "r", "--edit", "final").out


@pytest.mark.capability(205)
def test_a_signal_wakes_the_run_that_waits_for_it(shell: Shell) -> None:
    ended = shell("run", "workers.py:signed", "x", "--id", "s")
    assert ended.code == 3
    assert "stretto send s signed JSON" in ended.err
    assert shell("send", "s", "sealed", "{}").code == 3  # kept, in case the run comes to wait for it
    assert shell("send", "s", "signed", '{"by": "ada"}').out == "ada\n"


def test_an_answer_to_a_run_that_another_process_holds_is_handed_over(shell: Shell) -> None:
    holder = shell.begin("run", "workers.py:asking_while_busy", "x", "--id", "h")
    until(lambda: shell("approvals", "--json").json)
    ended = shell("approve", "h", "--edit", "red")
    assert (ended.code, "goes on with it" in ended.err) == (0, True)
    (shell.folder / "answered").touch()
    out, _ = holder.communicate(timeout=60)
    assert (holder.returncode, out) == (0, "red\n")


def test_nothing_is_answered_twice_or_where_nothing_is_asked(shell: Shell) -> None:
    shell("run", "workers.py:shout", "a", "--id", "s")
    assert shell("approve", "s").code == 2
    assert shell("approve", "nobody").code == 2
    assert shell("resolve", "s", "3", "repeat").code == 2


@pytest.mark.capability(61)
def test_an_edit_of_text_may_be_json_as_a_script_writes_it(shell: Shell) -> None:
    for id, typed in (("plain", "better"), ("json", '"better"')):
        shell("run", "workers.py:reviewed", "draft", "--id", id)
        assert "better" in shell("approve", id, "--edit", typed).out
    assert (
        shell("run", "workers.py:reviewed", "draft", "--id", "plain").out
        == shell("run", "workers.py:reviewed", "draft", "--id", "json").out
    )


def change(shell: Shell, kind: str, old: str, new: str) -> None:
    with closing(sqlite3.connect(shell.folder / ".stretto" / "runs.db")) as database, database:
        changed = database.execute("update events set body = replace(body, ?, ?) where kind = ?", (old, new, kind))
        assert changed.rowcount >= 1


@pytest.mark.capability(57)
def test_a_question_that_was_changed_in_the_database_allows_nothing(shell: Shell) -> None:
    assert shell("run", "workers.py:paying", "inv", "--id", "p").code == 3
    change(shell, "asked", '"invoice":"inv', '"invoice":"other')
    ended = shell("approve", "p", "--all-open")
    assert ended.code == 1
    assert "(asked) of run p does not match its hash: it was changed after it was written" in ended.err
    assert not (shell.folder / "effects.log").exists()


@pytest.mark.capability(57)
def test_an_edit_that_was_changed_in_the_database_allows_nothing(shell: Shell) -> None:
    assert shell("run", "workers.py:paying", "inv", "--id", "p").code == 3
    first, _ = open_ids(shell, "p")
    edit = ("approve", "p", first, "--edit", '{"invoice": "mine"}')
    assert shell(*edit, STRETTO_FAULT="intent.before#1:kill").code < 0
    change(shell, "answered", '"invoice":"mine"', '"invoice":"other"')
    ended = shell("resume", "p")
    assert ended.code == 1
    assert "(answered) of run p does not match its hash" in ended.err
    assert not (shell.folder / "effects.log").exists()
