"""`stats`, and the batch approval that it names."""

from tests.cli.conftest import Shell


def test_a_batch_that_nobody_was_shown_stands_in_the_stats(shell: Shell) -> None:
    shell("run", "workers.py:paying", "inv", "--id", "p")
    assert shell("approve", "p", "--all-open", "--by", "ada").code == 0
    assert sorted(shell.effects()) == ["pay inv1", "pay inv2"]
    assert shell("approve", "p", "--all-open").code == 2
    shell("run", "workers.py:failing", "x")
    found = shell("stats", "--since", "1h", "--last", "5", "--json").json
    assert found["rubber_stamps"] == [{"by": "ada", "tool": "pay", "approvals": 2, "hasty": 0, "unseen": 2}]
    told = shell("stats").out
    assert "2 runs: 1 failed, 1 done" in told
    assert "broken: ValueError" in told
    assert "of 2 of pay by ada: 0 in haste, 2 unseen" in told


def test_an_empty_time_has_no_runs(shell: Shell) -> None:
    shell("run", "workers.py:shout", "a")
    assert shell("stats", "--since", "0s").out.startswith("0 runs\n")
    assert shell("stats", "--since", "yesterday").code == 2
