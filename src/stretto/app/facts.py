"""What becomes of facts on their way through a run: which of them each task, and each summary, passed on."""

from __future__ import annotations

from collections.abc import Sequence
from unicodedata import normalize

from stretto.app.steps import Entry
from stretto.core.blobs import Blob, fetched
from stretto.core.canonical import encode
from stretto.core.messages import unlink
from stretto.core.scope import task_of
from stretto.runtime.view import View


async def passed_on(view: View, facts: Sequence[str], blob: Blob) -> list[Entry]:
    """One entry for each finished task and each summary of old turns, in their order.

    `given` are the facts in its input, `kept` those of them that its output still has, `lost` the others, `score` the
    share that was kept (None where it was given none). A fact is there where its words are, in whatever case.
    """
    hops = [
        (task.seq, "task", f"{task.worker} {task.label}".strip(), task.input, task.output)
        for task in view.tasks.values()
        if task.state == "done"
    ]
    found = [_hop(*hop[:3], facts, await fetched(hop[3], blob), await fetched(hop[4], blob)) for hop in hops]
    for seq, scope, name, value in view.decisions:
        if name == "compaction":
            made = await fetched(value, blob)
            old = [await _message(digest, blob) for digest in made["replaced"]]
            worker = view.tasks[task_of(scope)].worker
            found.append(_hop(seq, "summary", worker, facts, old, await _message(made["summary"], blob)))
    return sorted(found, key=lambda hop: hop["step"])


def _hop(step: int, kind: str, name: str, facts: Sequence[str], before: object, after: object) -> Entry:
    given, there = _plain(before), _plain(after)
    had = [fact for fact in facts if _plain(fact)[1:-1] in given]
    kept = [fact for fact in had if _plain(fact)[1:-1] in there]
    lost = [fact for fact in had if fact not in kept]
    score = len(kept) / len(had) if had else None
    return {"step": step, "kind": kind, "name": name, "given": had, "kept": kept, "lost": lost, "score": score}


async def _message(digest: str, blob: Blob) -> str:
    return unlink(await blob(digest))[1].text or encode(unlink(await blob(digest))[1]).decode()


def _plain(value: object) -> str:
    """A value's JSON, in which a fact is found however its letters are written."""
    return " ".join(normalize("NFKC", encode(value).decode()).casefold().split())
