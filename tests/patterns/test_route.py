"""A rule or a model says which of several workers gets the input; nothing is dropped."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any, Literal

import pytest

from stretto import Agent, App, RunFailed, UsageError, pipeline, route, start, workflow
from stretto.testing import ScriptedModel, say


def desk(name: str) -> Any:
    @workflow(name=name)
    def work(text: str) -> str:
        return f"{name}: {text}"

    return work


DESKS = {label: desk(label) for label in ("technical", "billing", "returns", "complaint")}
WORDS = {
    "technical": ["error", "crash", "install", "screen"],
    "billing": ["invoice", "charged", "refund", "price"],
    "returns": ["send back", "return label", "wrong size", "exchange"],
    "complaint": ["rude", "disappointed", "never again", "unacceptable"],
}
MESSAGES = [
    (f"{opening}: {word}", label)
    for label, words in WORDS.items()
    for opening, word in zip(
        ["Hello", "Please help", "Hi there", "Good day", "Dear team"], [*words, words[0]], strict=True
    )
]


def triage(text: str) -> str:
    return next((label for label, words in WORDS.items() if any(word in text for word in words)), "unknown")


@pytest.mark.capability(31)
def test_twenty_messages_reach_the_expected_worker() -> None:
    assert len(MESSAGES) == 20
    for text, label in MESSAGES:
        assert start(route(triage, DESKS), text, db=":memory:").output == f"{label}: {text}"


@pytest.mark.capability(31)
def test_a_model_chooses_and_is_told_what_there_is() -> None:
    model = ScriptedModel([say(f" {label.title()}.\n") for _, label in MESSAGES])
    clerk = Agent(model, "You sort mail.", name="clerk")
    about = {label: Agent("test:x", f"You handle {label}.", name=label) for label in DESKS}
    choosing = route(clerk, {**about, **DESKS})
    for text, label in MESSAGES:
        assert start(choosing, text, db=":memory:").output == f"{label}: {text}"
    asked = model.requests[0].messages[0].text
    assert asked.startswith("You sort mail.\n\nAnswer with exactly one of these labels")
    assert "- technical\n- billing\n- returns\n- complaint" in asked


def test_what_the_choices_are_good_for_is_told_and_known_labels_are_not_told_again() -> None:
    billing = Agent("test:x", "You write invoices.", name="billing", about="invoices and refunds")
    model = ScriptedModel([say("billing")])
    start(route(Agent(model, "Sort.", name="clerk"), [billing]), "x", db=":memory:")
    assert "- billing: invoices and refunds" in model.requests[0].messages[0].text
    model = ScriptedModel([say("technical")])
    start(
        route(Agent(model, "Say technical or billing.", name="clerk"), {**DESKS, "billing": billing}),
        "x",
        db=":memory:",
    )
    model = ScriptedModel([say("a")])
    start(route(Agent(model, "Say a or b.", name="clerk"), {"a": DESKS["billing"], "b": billing}), "x", db=":memory:")
    assert model.requests[0].messages[0].text == "Say a or b."


class Kind(Enum):
    BILLING = "billing"
    TECHNICAL = "technical"


@dataclass
class Labelled:
    label: Kind
    confidence: float


@dataclass
class Sorted:
    category: Literal["billing", "technical"]


@pytest.mark.parametrize(
    "said",
    ["billing", " Billing. ", '"BILLING"', "**billing**", Kind.BILLING, Labelled(Kind.BILLING, 0.9), Sorted("billing")],
)
def test_a_label_is_known_however_it_is_said(said: Any) -> None:
    assert start(route(lambda text: said, DESKS), "x", db=":memory:").output == "billing: x"


def test_labels_may_be_enums_or_truth_values_or_names() -> None:
    by_kind = route(lambda text: Kind.TECHNICAL, {Kind.BILLING: DESKS["billing"], Kind.TECHNICAL: DESKS["technical"]})
    assert start(by_kind, "x", db=":memory:").output == "technical: x"
    urgent = route(lambda text: "!" in text, {True: DESKS["complaint"], False: DESKS["billing"]})
    assert start(urgent, "x!", db=":memory:").output == "complaint: x!"
    assert start(route(triage, list(DESKS.values())), "an error", db=":memory:").output == "technical: an error"


def test_as_it_is_written_goes_before_alike() -> None:
    ways = {"A": desk("upper"), "a": desk("lower")}
    assert start(route(lambda text: "a", ways), "x", db=":memory:").output == "lower: x"
    assert start(route(lambda text: "a.", ways, otherwise=desk("neither")), "x", db=":memory:").output == "neither: x"


def test_what_fits_nowhere_goes_to_otherwise() -> None:
    done = start(route(triage, DESKS, otherwise=desk("person")), "Guten Tag", db=":memory:")
    assert done.output == "person: Guten Tag"
    assert done.tasks[-1].label == "unknown"


async def test_without_otherwise_it_fails_and_names_the_ways() -> None:
    async with App(db=":memory:") as app:
        with pytest.raises(RunFailed, match=r"said 'unknown'.*technical, billing, returns, complaint.*otherwise"):
            await (await app.start(route(triage, DESKS), "Guten Tag"))
    with pytest.raises(UsageError, match="at least one choice"):
        route(triage, {})


def test_what_all_choices_give_keeps_its_type() -> None:
    @workflow
    def label(text: str) -> Labelled:
        return Labelled(Kind.BILLING, 0.5)

    seen: list[Any] = []

    def look(value: Labelled) -> None:
        seen.append(value)

    start(pipeline(route(lambda text: "a", {"a": label, "b": label}), look), "x", db=":memory:")
    assert seen == [Labelled(Kind.BILLING, 0.5)]
    assert start(route(lambda text: "a", {"a": label}), "x", db=":memory:").output == Labelled(Kind.BILLING, 0.5)
