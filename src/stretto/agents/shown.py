"""What a model is shown of an input: text as it is, anything else as JSON, files as parts of their own."""

from __future__ import annotations

from typing import Any

from stretto.agents.briefing import NOTHING
from stretto.core.canonical import decode, encode
from stretto.core.events import Decided, Encoded
from stretto.core.media import MARK, File, is_text, taken_in
from stretto.core.messages import Media, Message, Part, Text, user
from stretto.core.ports import Durability
from stretto.core.text import as_text
from stretto.runtime.scope import Scope

DECISION = "files"
"""The recorded decision that a model is shown these files, by their digests."""
_MARK = MARK.decode()


async def shown(scope: Scope, value: object) -> Message:
    """The message of an input. A list is shown item by item: words and files take turns, as they stand."""
    text = as_text(value) or NOTHING
    if isinstance(value, str) or _MARK not in text:
        return user(text)
    body = decode(text)
    items = [_told(item) for item in (body if isinstance(body, list) else [body])]
    await _stored(scope, [file.digest for _, files in items for file in files if file.digest])
    return user([part for said, files in items for part in (*said, *[await _part(scope, file) for file in files])])


def _told(item: Any) -> tuple[list[Text], list[File]]:
    """What an item says, and the files in it."""
    files: list[File] = []
    rest = _without_files(item, files)
    return [] if isinstance(rest, File) else [Text(as_text(rest) or NOTHING)], files


async def _stored(scope: Scope, digests: list[str]) -> None:
    """That these are shown is recorded and committed, with all that was recorded before: so they can be read."""
    ident = scope.identify("decision", DECISION, b"")
    found, _ = await scope.decided(ident)
    if not found and digests:
        await scope.frontier(DECISION)
        shown = Decided(DECISION, Encoded(encode(digests)))
        await scope.run.commit(scope.record(shown, ident, Durability.COMMITTED))


def _without_files(item: Any, files: list[File]) -> Any:
    """The item with each file's name in its place; a file that stands alone stays."""
    if isinstance(item, dict) and item.keys() == {"media"}:
        try:
            files.append(taken_in(File.from_json(item)))
        except ValueError:  # it only looks like one
            return item
        return files[-1]
    if isinstance(item, dict):
        return {name: _named(_without_files(part, files), files) for name, part in item.items()}
    if isinstance(item, list):
        return [_named(_without_files(part, files), files) for part in item]
    return item


def _named(item: Any, files: list[File]) -> Any:
    return f"(attached: {item.name or f'file {len(files)}'})" if isinstance(item, File) else item


async def _part(scope: Scope, file: File) -> Part:
    if not is_text(file.media_type) or not file.digest:
        return Media(file.media_type, file.url, file.digest)
    content = (await scope.run.blob(file.digest)).decode("utf-8", "replace")
    return Text(f"{file.name}:\n{content}" if file.name else content)
