"""`undo ID`."""

from tests.cli.conftest import Shell

TRIPS = '''
from stretto import tool, workflow


def happened(what: str) -> None:
    with open("effects.log", "a") as file:
        file.write(what + "\\n")


def refund(invoice: str, result: str) -> str:
    """Refund a payment."""
    happened(f"refund {invoice} {result}")
    return "refunded"


@tool(risk="high", effect="once", undo=refund)
def pay(invoice: str) -> str:
    happened(f"pay {invoice}")
    return f"receipt-{invoice}"


@tool(effect="once")
def shred(invoice: str) -> None:
    happened(f"shred {invoice}")


@workflow
async def settle(invoice: str) -> str:
    receipt = await pay(invoice)
    await shred(invoice)
    return receipt
'''


def test_undo_waits_for_a_yes_and_lists_what_it_cannot_take_back(shell: Shell) -> None:
    (shell.folder / "trips.py").write_text(TRIPS)
    assert shell("run", "trips.py:settle", "i1", "--id", "s", "--approve", "pay").code == 0
    ended = shell("undo", "s", "--by", "ada")
    assert ended.code == 3
    assert "undo_pay(invoice=i1, result=receipt-i1) needs approval: its risk is high" in ended.err
    assert "stretto approve s-undo" in ended.err
    ended = shell("approve", "s-undo", "--by", "bob", "--json")
    assert (ended.code, shell.effects()) == (0, ["pay i1", "shred i1", "refund i1 receipt-i1"])
    output = ended.json["output"]
    assert [one["tool"] for one in output["undone"]] == ["pay"]
    assert [(one["tool"], one["reason"]) for one in output["left"]] == [("shred", "its tool declares no undo")]
    assert shell("audit", "verify").code == 0
    assert shell("undo", "s").code == 0
    assert len(shell.effects()) == 3


def test_only_what_has_ended_is_undone(shell: Shell) -> None:
    shell("run", "workers.py:writing", "a", "--id", "w")
    ended = shell("undo", "w")
    assert (ended.code, "cancel it first" in ended.err) == (2, True)
