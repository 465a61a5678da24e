"""`person("anna", to="editors", output=Verdict)`: a person as a worker, who is asked and gives a typed answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, cast

from typing_extensions import TypeVar

from stretto.core.guesses import guided
from stretto.core.ports import Codec
from stretto.core.values import seconds
from stretto.runtime.functions import ask
from stretto.runtime.scope import Scope
from stretto.runtime.worker import Worker
from stretto.runtime.workflow import code_of
from stretto.tools.codec import codec_for

Out = TypeVar("Out", default=str)


@dataclass(frozen=True)
class Person(Worker[Any, Out], Generic[Out]):
    """Somebody who does the work: `to` is who may answer, `output` the type of the answer, `expires` in seconds."""

    name: str
    to: str
    output: type[Out]
    question: str | Callable[[Any], str] = ""
    expires: float | None = None

    async def work(self, context: Scope, value: object) -> Out:
        """Ask, show what is to be worked on, and wait for an answer that fits."""
        question = self._question(value)
        about = None if value == question else value
        return await ask(question, self.output, to=self.to, expires=self.expires, about=about)

    def _question(self, value: object) -> str:
        if not isinstance(self.question, str):
            return self.question(value)
        return self.question or (value if isinstance(value, str) else f"{self.name}, what do you say?")

    @property
    def gives(self) -> Codec[Any]:
        """The type of the answer."""
        return codec_for(self.output)

    def describe(self) -> dict[str, Any]:
        """Who is asked what."""
        question = self.question if isinstance(self.question, str) else code_of(self.question)
        return {**super().describe(), "to": self.to, "question": question, "output": self.gives.schema}

    @property
    def description(self) -> str:
        """Who it is."""
        said = f" {self.question}" if self.question and isinstance(self.question, str) else ""
        return f"A person ({self.to}), who is asked and answers in their own time.{said}"


@guided
def person(
    name: str,
    *,
    to: str | None = None,
    output: type[Out] | None = None,
    question: str | Callable[[Any], str] = "",
    expires: float | str | None = None,
) -> Person[Out]:
    """A person as a worker: wherever a worker can stand, somebody is asked, and their answer is its output.

    `to` addresses the question (by default to `name`). `question` is its text, or a function of the input that makes
    it; without one a text that is the input is the question itself. Anything else of the input is shown with it. The
    answer is checked against `output` (by default text); one that does not come within `expires` (seconds, or "2 days")
    is a `TimeoutError`.
    """
    kind = output or cast("type[Out]", str)
    return Person(name, name if to is None else to, kind, question, None if expires is None else seconds(expires))
