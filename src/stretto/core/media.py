"""Files that a model is shown: documents, images, sound, film. Their content is stored once, under its SHA-256.

A file crosses the journal as `{"media": {...}}`: by `url`, or by the `digest` of its content, which is stored beside the
event. No stored form names a path: what came from outside may not make anybody read a file.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import fields, is_dataclass
from pathlib import Path, PurePath
from typing import Any, ClassVar, Self
from urllib.parse import unquote_to_bytes

from stretto.core.canonical import decode, digest, encode
from stretto.core.errors import UsageError
from stretto.core.scope import current

MARK = b'"media":{'
"""What stands in the canonical form of every value that holds a file."""
_BY_SUFFIX = {
    "png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "gif": "image/gif", "webp": "image/webp",
    "pdf": "application/pdf", "mp3": "audio/mpeg", "wav": "audio/wav", "ogg": "audio/ogg", "flac": "audio/flac",
    "m4a": "audio/mp4", "mp4": "video/mp4", "webm": "video/webm", "mov": "video/quicktime", "txt": "text/plain",
    "md": "text/markdown", "csv": "text/csv", "html": "text/html", "xml": "text/xml", "json": "application/json",
    "yaml": "application/yaml", "yml": "application/yaml",
}  # fmt: skip
_BY_CONTENT: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\x89PNG\r\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"GIF8", "image/gif"),
    (8, b"WEBP", "image/webp"),
    (8, b"WAVE", "audio/wav"),
    (0, b"%PDF-", "application/pdf"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"OggS", "audio/ogg"),
    (0, b"fLaC", "audio/flac"),
    (4, b"ftyp", "video/mp4"),
)


class File:
    """A document, image, sound or film: by its path, its bytes, or its URL (`https:` or `data:`).

    The media type is told from content and name unless it is given. A path is read at once; what is read inside a run is
    recorded, so that a resume needs the file no more. Raises `UsageError` for what cannot be read or is of no known type.
    """

    __slots__ = ("data", "digest", "media_type", "name", "url")
    kind: ClassVar[str] = ""
    """What its media type begins with."""

    def __init__(self, source: str | PurePath | bytes, *, media_type: str = "", name: str = "") -> None:
        self.data: bytes | None = None
        self.digest = self.url = ""
        self.media_type, self.name = media_type, name
        if isinstance(source, bytes):
            self._take(digest(source), lambda: source)
        elif isinstance(source, str) and source.startswith(("https:", "http:", "data:")):
            self.url = source
            self.media_type = media_type or _of_url(source) or (f"{self.kind}*" if self.kind else "")
        else:
            self.name = name or PurePath(source).name
            self._take(str(source), lambda: _content(str(source)))
        self._check()

    def _take(self, what: str, read: Callable[[], bytes]) -> None:
        """Have the content; inside a run that is a recorded decision, with the content stored beside it."""
        scope = current.get()
        if scope is None:
            self._hold(read())
            return

        def now() -> tuple[dict[str, str], list[tuple[str, bytes]]]:
            data = read()
            self._hold(data)
            return {"media_type": self.media_type, "digest": self.digest}, [(self.digest, data)]

        known = scope.decide_now("file", encode([what, self.media_type]), now)
        self.media_type, self.digest = known["media_type"], known["digest"]

    def _hold(self, data: bytes) -> None:
        self.data, self.digest = data, digest(data)
        self.media_type = self.media_type or _of_content(data) or _of_name(self.name)
        if self.media_type == "text/plain":  # a name says more of what kind of text it is
            self.media_type = _of_name(self.name) or self.media_type

    def _check(self) -> None:
        if not self.media_type:
            raise UsageError(f"the type of {self.name or 'a file'} cannot be told; give media_type=, like 'image/png'")
        if not self.media_type.startswith(self.kind):
            raise UsageError(
                f"{self.name or 'the file'} is {self.media_type}, which is no {self.kind.rstrip('/')}; use File(...) for it"
            )

    def __json__(self) -> dict[str, Any]:
        if self.data is not None and _carried.get():
            url = f"data:{self.media_type};base64,{b64encode(self.data).decode()}"
            return {"media": {"media_type": self.media_type, "name": self.name, "url": url}}
        names = ("media_type", "name", "digest", "url")
        return {"media": {name: getattr(self, name) for name in names if getattr(self, name)}}

    @classmethod
    def from_json(cls, body: object) -> Self:
        """The file that `__json__` wrote, without its content."""
        match body:
            case {"media": {"media_type": str(media_type), **said}} if said.keys() <= {"name", "digest", "url"}:
                file = cls.__new__(cls)
                file.data, file.media_type = None, media_type
                file.name, file.digest, file.url = (str(said.get(name, "")) for name in ("name", "digest", "url"))
                file._check()
                return file
            case _:
                raise ValueError('a file is File("path"), or {"media": {"media_type": ..., "digest": ...}}')

    def __eq__(self, other: object) -> bool:
        return isinstance(other, File) and self.__json__() == other.__json__()

    def __hash__(self) -> int:
        return hash((self.digest, self.url))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name or self.url or self.digest[:12]!r}, {self.media_type!r})"

    # ---- at the border: pydantic's own protocol, written out, as nothing here imports it

    @classmethod
    def __get_pydantic_core_schema__(cls, *_: object) -> dict[str, Any]:
        def valid(value: object) -> File:
            return value if isinstance(value, cls) else cls.from_json(value)

        return {
            "type": "function-plain",
            "function": {"type": "no-info", "function": valid},
            "serialization": {"type": "function-plain", "function": cls.__json__},
        }

    @classmethod
    def __get_pydantic_json_schema__(cls, *_: object) -> dict[str, Any]:
        return {
            "type": "object",
            "description": f"{cls.kind.rstrip('/') or 'file'} by reference",
            "properties": {"media": {"type": "object"}},
            "required": ["media"],
        }


class Image(File):
    """An image; see `File`."""

    __slots__ = ()
    kind = "image/"


def contents(stored: bytes, value: object) -> list[tuple[str, bytes]]:
    """Digest and content of the files in a value that holds them, to be stored beside its canonical form."""
    return [] if MARK not in stored else [(file.digest, file.data) for file in _files(value) if file.data is not None]


def portable(value: object) -> bytes:
    """The canonical form of a value with the content of its files in it, for where nothing can be stored beside it."""
    token = _carried.set(True)
    try:
        return encode(value)
    finally:
        _carried.reset(token)


def carried(value: object) -> object:
    """A value that holds files as JSON with their content in it; any other as it is."""
    return decode(portable(value)) if next(_files(value), None) is not None else value


_carried: ContextVar[bool] = ContextVar("stretto_carried", default=False)


def taken_in(file: File) -> File:
    """A file that brings its content along, in a `data:` URL, as one whose content is stored; any other as it is."""
    if not file.url.startswith("data:"):
        return file
    head, _, body = file.url.partition(",")
    content = b64decode(body) if head.endswith("base64") else unquote_to_bytes(body)
    return File(content, media_type=file.media_type, name=file.name)


def _files(value: object) -> Iterator[File]:
    if isinstance(value, File):
        yield value
    elif isinstance(value, Mapping):
        yield from (file for item in value.values() for file in _files(item))
    elif isinstance(value, Sequence | set | frozenset) and not isinstance(value, str | bytes):
        yield from (file for item in value for file in _files(item))
    elif is_dataclass(value) and not isinstance(value, type):
        yield from (file for field in fields(value) for file in _files(getattr(value, field.name)))
    elif hasattr(value, "model_dump"):
        yield from _files(vars(value))


def _content(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise UsageError(f"the file {path} cannot be read: {error.strerror or error}") from error


def _of_url(url: str) -> str:
    return url[5:].partition(";")[0].partition(",")[0] if url.startswith("data:") else _of_name(url.split("?")[0])


def _of_name(name: str) -> str:
    return _BY_SUFFIX.get(PurePath(name).suffix.lower().removeprefix("."), "")


def _of_content(data: bytes) -> str:
    known = next((kind for at, sign, kind in _BY_CONTENT if data[at : at + len(sign)] == sign), "")
    return known or ("text/plain" if _is_text(data) else "")


def _is_text(data: bytes) -> bool:
    try:
        return b"\0" not in data and data.decode() is not None
    except UnicodeDecodeError:
        return False


def is_text(media_type: str) -> bool:
    """Whether a file of this type is shown as words."""
    return media_type.startswith("text/") or media_type in ("application/json", "application/yaml")
