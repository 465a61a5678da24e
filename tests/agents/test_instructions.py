"""Instructions made by a function, dependencies that no journal sees, and inputs that are checked first."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from stretto import Agent, App, UsageError, WorkerFailed, injected, run, tool, workflow
from stretto.testing import ScriptedModel, call, say


@dataclass
class Customer:
    name: str
    email: str


class Db:
    """Something that is no JSON, with a secret in it."""

    def __init__(self, plan: str = "gold") -> None:
        self.plan, self.password = plan, "hunter2"


def greet(customer: Customer, *, db: Db) -> str:
    return f"You serve {customer.name}, who has the {db.plan} plan."


async def look_up(customer: Customer, *, db: Db = injected) -> str:
    return greet(customer, db=db)


ADA = Customer("Ada", "ada@example.org")


@pytest.mark.parametrize("instructions", [greet, look_up])
def test_instructions_are_made_of_the_input_and_of_dependencies(instructions: Any) -> None:
    model = ScriptedModel(["Hello Ada."])
    async_app = App(db=":memory:", deps=Db())

    async def whole() -> Any:
        return await (await async_app.start(Agent(model, instructions), {"name": "Ada", "email": "ada@example.org"}))

    assert async_app.in_own_loop(whole()) == "Hello Ada."
    assert [message.text for message in model.requests[0].messages] == [
        "You serve Ada, who has the gold plan.",
        '{"email":"ada@example.org","name":"Ada"}',
    ]


def number(text: str) -> Any:
    return len(text)


def two(a: str, b: str) -> str:
    return a + b


class Greets:
    def __call__(self, customer: Customer, *, db: Db) -> str:
        return greet(customer, db=db)


@pytest.mark.parametrize("made", [partial(greet), Greets()], ids=["partial", "object"])
async def test_whatever_can_be_called_may_make_instructions(made: Any) -> None:
    model = ScriptedModel(["Hello Ada."])
    async with App(db=":memory:", deps=Db("silver")) as app:
        assert await (await app.start(Agent(model, made), ADA)) == "Hello Ada."
    assert model.requests[0].messages[0].text == "You serve Ada, who has the silver plan."


def test_instructions_may_take_nothing_and_must_be_text() -> None:
    model = ScriptedModel(["Hi."])
    run(Agent(model, lambda: "Be brief."), "x", db=":memory:")
    assert model.requests[0].messages[0].text == "Be brief."
    with pytest.raises(WorkerFailed, match="makes instructions, so it returns text, not int"):
        run(Agent(model, number), "x", db=":memory:")
    with pytest.raises(WorkerFailed, match=r"two\(a, b\) makes instructions of one value"):
        run(Agent(model, two), "x", db=":memory:")


async def test_a_resumed_run_is_told_the_same_although_the_dependency_has_changed(tmp_path: Path) -> None:
    @tool(risk="high")
    async def upgrade() -> str:
        return "upgraded"

    model = ScriptedModel([call("upgrade"), "Done."])
    agent = Agent(model, greet, name="serves", tools=[upgrade])
    db = str(tmp_path / "runs.db")
    async with App(db=db, deps=Db("gold")) as app:
        await app.start(agent, ADA, id="r")
        await app.settled("r")
    async with App([agent], db=db, deps=Db("silver")) as app:
        job = await app.get("r")
        await job.approve(by="ann")
        assert await job == "Done."
    assert {request.messages[0].text for request in model.requests} == {"You serve Ada, who has the gold plan."}


@pytest.mark.capability(70)
async def test_a_missing_field_stops_before_any_model_call_and_is_named() -> None:
    model = ScriptedModel(["never"])
    agent = Agent(model, name="serves", input=Customer)
    async with App(db=":memory:") as app:
        with pytest.raises(UsageError, match="serves cannot begin: its input does not fit: email: Field required"):
            await app.start(agent, {"name": "Ada"})

        @workflow
        async def desk() -> str:
            return await agent({"name": "Ada"})

        with pytest.raises(WorkerFailed, match="email: Field required"):
            await (await app.start(desk))
    assert model.requests == []


@pytest.mark.capability(70)
async def test_an_agent_that_delegates_too_little_is_told_what_is_missing() -> None:
    serve = Agent(ScriptedModel(["never"]), name="serve", input=Customer)
    model = ScriptedModel([call("serve", name="Ada"), "I need the address."])
    async with App(db=":memory:") as app:
        await (await app.start(Agent(model, tools=[serve]), "Serve Ada!"))
    assert "email: Field required" in str(model.requests[1].messages[-1].parts)


@pytest.mark.capability(69)
async def test_a_worker_is_shown_exactly_the_declared_fields() -> None:
    @dataclass
    class Order:
        goal: str
        limit: int

    model = ScriptedModel(["Done."])
    await_it = Agent(model, name="serves", input=Order)
    async with App(db=":memory:") as app:
        await (await app.start(await_it, {"goal": "sell", "limit": 3, "history": "long"}))
    assert [message.text for message in model.requests[0].messages] == ['{"goal":"sell","limit":3}']


@tool(effect="idempotent")
async def book(customer: str, amount: int, *, db: Db = injected, idempotency_key: str = injected) -> str:
    """Write an amount down.

    Args:
        customer: Who owes it.
    """
    return f"{customer} {amount} {db.plan} {bool(idempotency_key)}"


@pytest.mark.capability(203)
async def test_a_dependency_is_in_no_schema_no_prompt_and_no_journal_row(tmp_path: Path) -> None:
    model = ScriptedModel([call("book", customer="ada", amount=3), "Booked."])
    db = tmp_path / "runs.db"
    async with App(db=str(db), deps=Db()) as app:
        job = await app.start(Agent(model, greet, name="books", tools=[book]), ADA)
        assert await job == "Booked."
        rows = (await job.refresh()).events
    assert list(book.spec.parameters["properties"]) == ["customer", "amount"]
    assert "ada 3 gold True" in str(model.requests[1].messages[-1].parts)
    everything = b"".join(path.read_bytes() for path in tmp_path.glob("runs.db*") if path.is_file())  # noqa: ASYNC240
    for secret in (b"hunter2", b'"db"', b"Db object"):
        assert not any(secret in row.body for row in rows)
        assert secret not in everything


async def test_outside_a_run_what_is_injected_is_given_by_name() -> None:
    assert await book("ada", 3, db=Db("silver"), idempotency_key="k") == "ada 3 silver True"
    assert await book("ada", 3, db=Db("silver")) == "ada 3 silver False"
    with pytest.raises(UsageError, match="book is called outside a run, where nothing is injected; give it db by name"):
        await book("ada", 3)


async def test_a_missing_dependency_is_named() -> None:
    async with App(db=":memory:") as app:
        with pytest.raises(WorkerFailed, match="greet needs db: Db, and no such dependency was given"):
            await (await app.start(Agent(ScriptedModel([say("never")]), greet), ADA))
