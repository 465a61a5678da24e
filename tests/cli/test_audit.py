"""`audit heads`, `audit verify --heads`, `prune`, `compact`."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.conftest import Shell


@pytest.fixture
def anchored(shell: Shell) -> Shell:
    shell("run", "workers.py:shout", "a b", "--id", "one")
    shell("run", "workers.py:shout", "c", "--id", "two")
    (shell.folder / "heads.txt").write_text(shell("audit", "heads").out)
    (shell.folder / "heads.json").write_text(shell("audit", "heads", "--json").out)
    return shell


def change(folder: Path, *statements: str) -> None:
    with closing(sqlite3.connect(folder / ".stretto" / "runs.db")) as connection, connection:
        for statement in statements:
            connection.execute(statement)


@pytest.mark.parametrize("heads", ["heads.txt", "heads.json"])
def test_runs_that_went_on_or_were_added_fit_their_anchors(anchored: Shell, heads: str) -> None:
    anchored("run", "workers.py:shout", "d", "--id", "three")
    ended = anchored("audit", "verify", "--heads", heads)
    assert (ended.code, ended.out.startswith("3 runs, ")) == (0, True)


@pytest.mark.capability(192)
def test_an_end_that_was_cut_off_is_seen_by_the_index(anchored: Shell) -> None:
    change(anchored.folder, "delete from events where run = 'one' and seq >= 2", "delete from events where run = 'two'")
    ended = anchored("audit", "verify")
    assert ended.code == 1
    for event, run in ((2, "one"), (0, "two")):
        assert f"{run}  event {event} is missing, and all behind it: the index has the run as done" in ended.out


@pytest.mark.capability(192)
def test_an_end_that_was_cut_off_with_the_index_changed_to_fit_is_seen_by_its_anchor_alone(anchored: Shell) -> None:
    change(
        anchored.folder,
        "delete from events where run = 'one' and kind = 'run_finished'",
        "update runs set state = 'running', updated = created where id = 'one'",
    )
    assert anchored("audit", "verify").code == 0
    ended = anchored("audit", "verify", "--heads", "heads.txt")
    last = len(anchored("export", "one").out.splitlines())
    assert ended.code == 1
    assert f"one  event {last} is missing, and all behind it: {last + 1} events were anchored" in ended.out
    assert anchored("audit", "verify", "two", "--heads", "heads.txt").code == 0


def test_a_chain_that_was_written_anew_is_seen_by_its_anchor_alone(anchored: Shell) -> None:
    change(
        anchored.folder,
        *(f"delete from {table} where {key} = 'one'" for table, key in (("events", "run"), ("runs", "id"))),
    )
    assert anchored("run", "workers.py:shout", "a bb", "--id", "one").code == 0
    assert anchored("audit", "verify").code == 0
    ended = anchored("audit", "verify", "--heads", "heads.json", "--json")
    assert (ended.code, ended.json["ok"]) == (1, False)
    assert [("was rewritten" in run["problem"], run["id"]) for run in ended.json["runs"]] == [
        (run["id"] == "one", run["id"]) for run in ended.json["runs"]
    ]


def test_a_run_that_is_gone_is_seen(anchored: Shell) -> None:
    change(anchored.folder, "delete from events where run = 'two'", "delete from runs where id = 'two'")
    ended = anchored("audit", "verify", "--heads", "heads.txt")
    assert (ended.code, "two  the run is gone" in ended.out) == (1, True)


def test_an_export_is_held_against_anchors_too(anchored: Shell) -> None:
    lines = anchored("export", "one").out.splitlines()
    (anchored.folder / "whole.jsonl").write_text("\n".join(lines))
    (anchored.folder / "cut.jsonl").write_text("\n".join(lines[:-1]))
    (anchored.folder / "one.txt").write_text(f"one  {len(lines)}  {anchored('audit', 'heads').out.split()[2]}\n")
    assert anchored("audit", "verify", "whole.jsonl", "--heads", "one.txt").code == 0
    assert anchored("audit", "verify", "cut.jsonl").code == 0
    assert anchored("audit", "verify", "cut.jsonl", "--heads", "one.txt").code == 1


@pytest.mark.parametrize("text", ["nonsense", "[1]", "a b c"])
def test_a_file_without_heads_is_a_usage_error(anchored: Shell, text: str) -> None:
    (anchored.folder / "heads.txt").write_text(text)
    ended = anchored("audit", "verify", "--heads", "heads.txt")
    assert (ended.code, "holds no heads" in ended.err) == (2, True)


def test_a_pruned_run_verifies_as_pruned_and_against_its_anchor(anchored: Shell) -> None:
    anchored("run", "workers.py:writing", "a", "--id", "waits")
    assert "0 runs pruned" in anchored("prune", "--older-than", "1h").err
    assert sorted(anchored("prune", "--older-than", "0s", "--by", "ada", "--json").json["pruned"]) == ["one", "two"]
    assert anchored("compact").code == 0
    ended = anchored("audit", "verify", "--heads", "heads.txt")
    assert (ended.code, ended.out.startswith("3 runs, 2 of them pruned, ")) == (0, True)
    assert "by ada: contents gone" in anchored("audit", "verify", "one").out
    for command in ("why", "show", "status", "export"):
        assert anchored(command, "one").code in (0, 2), command
        assert "defect" not in anchored(command, "one").err
    assert anchored("resume", "one").code in (0, 2)
    assert anchored("approve", "waits").out == "A\n"
    (anchored.folder / "one.jsonl").write_text(anchored("export", "one").out)
    assert "contents gone" in anchored("audit", "verify", "one.jsonl").out


def test_an_age_that_is_none_is_a_usage_error(anchored: Shell) -> None:
    assert anchored("prune", "--older-than", "soon").code == 2
    assert anchored("prune").code == 2
