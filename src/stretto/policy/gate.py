"""The rules about tool calls: what runs by itself, what asks a person, what never runs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from stretto.core.canonical import encode, identity
from stretto.core.errors import UsageError
from stretto.core.values import Action, Allow, Ask, Deny, Judgement

LEVELS: tuple[str, ...] = ("ask-all", "risk", "none-external")
"""What asks a person, from most to least: every call; all above low risk; none but external calls."""


@dataclass(frozen=True)
class Rules:
    """Deny wins over ask wins over allow.

    `approve` names tools whose calls in this run were approved beforehand (`--approve`); `allow`, `ask` and `deny` name
    tools for good. `autonomy`: "risk" asks about everything above low risk and all that is external or irreversible,
    "ask-all" about every call, "none-external" asks like "risk" and refuses external calls.
    """

    autonomy: str = "risk"
    read_only: bool = False
    approve: tuple[str, ...] = ()
    allow: tuple[str, ...] = ()
    ask: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.autonomy not in LEVELS:
            raise UsageError(f"autonomy {self.autonomy!r} is not known; it is one of {', '.join(LEVELS)}")

    @cached_property
    def version(self) -> str:
        """See `Gate.version`."""
        return identity(encode([self.autonomy, self.read_only, self.approve, self.allow, self.ask, self.deny]))

    def and_also(self, other: Rules) -> Rules:
        """Both sets of rules at once; where they differ, the stricter."""
        return Rules(
            _strictest(self.autonomy, other.autonomy), self.read_only or other.read_only,
            (*self.approve, *other.approve), tuple(tool for tool in self.allow if tool in other.allow or other == Rules()),
            (*self.ask, *other.ask), (*self.deny, *other.deny),
        )  # fmt: skip

    def judge(self, action: Action) -> Judgement:
        """See `Gate.judge`."""
        if action.tool in self.deny:
            return Deny(f"the policy denies {action.tool}")
        if self.read_only and action.effect != "read":
            return Deny(f"{action.tool} changes something, and nothing but reading is allowed")
        reason = self._why_ask(action)
        if reason is None:
            return _ALLOWED
        return Ask(reason, standing="--approve" if action.tool in self.approve else "")

    def _why_ask(self, action: Action) -> str | None:
        if action.tool in self.ask or action.undoes in self.ask:
            return "the policy asks about this tool"
        if self.autonomy == "ask-all":
            return "autonomy is 'ask-all'"
        if action.tool in self.allow:
            return None
        if action.risk not in ("low", "medium" if self.autonomy == "none-external" else "low"):
            return f"its risk is {action.risk}"
        if action.irreversible:
            return "it cannot be taken back"
        return "it acts outside" if action.external else None


def _strictest(one: str, other: str) -> str:
    """The level that asks more."""
    return min(one, other, key=LEVELS.index)


_ALLOWED = Allow()
