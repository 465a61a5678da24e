"""What a model is shown of an input: text as it is, anything else as JSON, files as parts of their own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from stretto.agents.briefing import NOTHING, as_text
from stretto.core.canonical import decode
from stretto.core.media import MARK, File, is_text, words
from stretto.core.messages import Media, Message, Part, Text, user
from stretto.runtime.scope import Scope

_MARK = MARK.decode()


async def shown(scope: Scope, value: object) -> Message:
    """The message of an input. A list is shown item by item: words and files take turns, as they stand."""
    text = as_text(value) or NOTHING
    if isinstance(value, str) or _MARK not in text:
        return user(text)
    body = decode(text)
    items = body if isinstance(body, list) else [body]
    return user([part for item in items for part in await _parts(scope, item)])


async def _parts(scope: Scope, item: Any) -> Sequence[Part]:
    """An item: what it says, and then the files in it."""
    files: list[File] = []
    rest = _without_files(item, files)
    said = [] if isinstance(rest, File) else [Text(as_text(rest) or NOTHING)]
    return [*said, *[await _part(scope, file) for file in files]]


def _without_files(item: Any, files: list[File]) -> Any:
    """The item with each file's name in its place; a file that stands alone stays."""
    if isinstance(item, dict) and item.keys() == {"media"}:
        try:
            files.append(File.from_json(item))
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
    if not is_text(file.media_type) or file.url.startswith("http"):
        return Media(file.media_type, file.url, file.digest)
    return Text(words(file, await scope.run.blob(file.digest) if file.digest else b""))
