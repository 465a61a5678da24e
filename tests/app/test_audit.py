"""The audit sees every stored value that an event names, the messages of a conversation too."""

import sqlite3
from contextlib import closing

import pytest

from stretto import Agent, App, tool
from stretto.app.audit import audit
from stretto.testing import ScriptedModel, call, say


@tool
def look(what: str) -> str:
    return f"{what} " * 1_000


@pytest.mark.capability(192)
@pytest.mark.parametrize(
    "statement", ["delete from blobs where digest = ?", "update blobs set data = '{}' where digest = ?"]
)
async def test_a_value_that_was_lost_or_changed_is_named(db: str, statement: str) -> None:
    agent = Agent(ScriptedModel([call("look", what="x"), say("done")]), "You look.", name="looker", tools=[look])
    async with App([agent], db=db) as app:
        assert await (await app.start(agent, "go", id="r")) == "done"
    with closing(sqlite3.connect(db)) as connection:
        digests = [digest for (digest,) in connection.execute("select digest from blobs")]
    assert len(digests) >= 5  # the frame, four messages, and a long result
    for digest in digests:
        assert digest[:12] in await problem_after(db, statement, digest)


async def problem_after(db: str, statement: str, digest: str) -> str:
    """What the audit says with one value damaged; it is mended afterwards."""
    with closing(sqlite3.connect(db)) as connection:
        before = connection.execute("select digest, data from blobs where digest = ?", (digest,)).fetchone()
        with connection:
            connection.execute(statement, (digest,))
        async with App(db=db) as app:
            finding = await audit(app.store, "r")
        with connection:
            connection.execute("insert or replace into blobs values (?, ?)", before)
    return finding.problem
