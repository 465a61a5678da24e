"""What is known across runs: `remember`, `recall` and `forget`, for workflows and as tools of agents.

await remember("We chose vendor X.", about="vendor")       # in one run

for known in await recall("which vendor?"):                # in another, in another process, next week
    print(known.text, known.run)
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

from stretto.core.errors import UsageError
from stretto.core.values import Preview
from stretto.runtime.notebook import Notebook, Recollection
from stretto.tools.signature import injected
from stretto.tools.tool import Tool, tool

REMEMBER = "Keep a fact, a decision or a preference, so that later runs can recall it. Say it in whole sentences."
RECALL = "Search what earlier runs decided, found and answered, and what was remembered. Each result names its run."
FORGET = "Remove something that was remembered."


class Memory:
    """The memory under a name, apart from all others: of a team, a customer, an application.

    What runs say by themselves, their results and people's answers, is found in the memory without a name only.
    """

    def __init__(self, name: str = "") -> None:
        self.name = name

    @cached_property
    def remember(self) -> Tool[..., str]:
        """Keep a text: `remember(text, about="", tags=[])`; its id. A crash never keeps it twice."""
        space = self.name

        async def remember(
            text: str,
            about: str = "",
            tags: list[str] = [],  # noqa: B006  nobody changes it
            *,
            idempotency_key: str = "",
            book: Notebook = injected,
        ) -> str:
            """Keep a text.

            Args:
                text: What to remember, in whole sentences.
                about: What it is about, in a word or two.
                tags: Words to find it by.
            """
            return await book.remember(space, text, about, tags, idempotency_key)

        return tool(effect="idempotent", description=REMEMBER)(remember)

    @cached_property
    def recall(self) -> Tool[..., list[Recollection]]:
        """Search: `recall(query="", limit=5, since=None)`, a list of `Recollection`, best first.

        An empty query gives the newest. `since` limits it to the last "7d", or so many seconds; where that holds less
        than `limit` that matches, the newest of that time follow.
        """
        space = self.name

        async def recall(
            query: str = "", limit: int = 5, since: str | float | None = None, *, book: Notebook = injected
        ) -> list[Recollection]:
            """Search.

            Args:
                query: Words that it may contain; leave it out for the newest.
                limit: At most so many.
                since: Only from the last so much time, like "7d" or "12h".
            """
            return await book.recall(space, query, limit, since)

        return tool(description=RECALL)(recall)

    @cached_property
    def forget(self) -> Tool[..., bool]:
        """Remove what was remembered, by its id; a person is shown it and asked first. False where it is gone."""
        space = self.name

        async def forget(id: str, *, book: Notebook = injected) -> bool:
            """Remove what was remembered.

            Args:
                id: The id that recall gave.
            """
            return await book.forget(space, id)

        async def shown(id: str, *, book: Notebook = injected) -> Preview:
            try:
                known = await book.find(space, id)
            except UsageError as error:
                return Preview(str(error))
            return Preview(f"Forget, from run {known.run}: {known.text}")

        return tool(risk="medium", effect="idempotent", description=FORGET, preview=shown)(forget)

    def tools(self) -> list[Tool[..., Any]]:
        """`remember` and `recall`, for `Agent(tools=[*memory.tools()])`; `forget` is given by name."""
        return [self.remember, self.recall]


_everybodys = Memory()
remember = _everybodys.remember
recall = _everybodys.recall
forget = _everybodys.forget
