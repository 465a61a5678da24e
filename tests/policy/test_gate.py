"""Deny wins over ask, ask over allow."""

from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stretto import Rules, UsageError
from stretto.core.values import Action, Allow, Ask, Deny

NAMES = st.lists(st.sampled_from("abc"), max_size=3).map(tuple)
RULES = st.builds(
    Rules,
    autonomy=st.sampled_from(["risk", "ask-all", "none-external"]),
    approve=NAMES,
    allow=NAMES,
    ask=NAMES,
    deny=NAMES,
)
ACTIONS = st.builds(
    Action,
    tool=st.sampled_from("abc"),
    args=st.just({}),
    risk=st.sampled_from(["low", "medium", "high"]),
    external=st.booleans(),
    irreversible=st.booleans(),
)


@pytest.mark.capability(62)
@given(RULES, ACTIONS)
def test_deny_wins_over_ask_and_ask_over_allow(rules: Rules, action: Action) -> None:
    verdict = rules.judge(action)
    assert isinstance(verdict, Deny) == (action.tool in rules.deny)
    if action.tool in rules.ask or rules.autonomy == "ask-all":
        assert not isinstance(verdict, Allow)
    if isinstance(verdict, Ask):
        assert bool(verdict.standing) == (action.tool in rules.approve)


@pytest.mark.capability(44, 46, 47)
@pytest.mark.parametrize(
    ("risk", "external", "irreversible"), list(product(["low", "medium", "high"], [False, True], [False, True]))
)
def test_by_default_all_above_low_risk_asks(risk: Any, external: bool, irreversible: bool) -> None:
    verdict = Rules().judge(Action("t", {}, risk, external=external, irreversible=irreversible))
    assert isinstance(verdict, Allow) == (risk == "low" and not external and not irreversible)


@pytest.mark.capability(44, 62)
@given(ACTIONS)
def test_each_level_of_autonomy_asks_about_no_more_than_the_one_before(action: Action) -> None:
    every, risky, outside = (
        isinstance(Rules(autonomy=level).judge(action), Ask) for level in ("ask-all", "risk", "none-external")
    )
    assert every >= risky >= outside
    assert outside == (action.external or action.irreversible or action.risk == "high")


def test_of_two_levels_the_one_that_asks_more_holds() -> None:
    assert Rules(autonomy="none-external").and_also(Rules()).autonomy == "risk"
    assert Rules().and_also(Rules(autonomy="ask-all")).autonomy == "ask-all"


def test_a_tool_allowed_for_good_runs_by_itself() -> None:
    assert isinstance(Rules(allow=("t",)).judge(Action("t", {}, "high")), Allow)


def test_the_version_changes_with_the_rules() -> None:
    versions = {
        Rules().version,
        Rules(deny=("t",)).version,
        Rules(allow=("t",)).version,
        Rules(autonomy="ask-all").version,
    }
    assert len(versions) == 4
    assert Rules().version == Rules().version


def test_an_unknown_autonomy_names_the_known_ones() -> None:
    with pytest.raises(UsageError, match="none-external"):
        Rules(autonomy="full")
