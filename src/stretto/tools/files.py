"""Writing a file: shown as a diff first, then written whole, exactly as shown."""

from __future__ import annotations

import difflib
import hashlib
import os
import tempfile
from pathlib import Path

from stretto.core.errors import NotDone, ToolError
from stretto.core.values import Preview
from stretto.tools.tool import tool

ABSENT = "absent"


def file_diff(path: str, text: str) -> Preview:
    """What writing `text` to `path` changes, as a unified diff; its base is the hash of what is there now."""
    before, base = _content(Path(path))
    lines = difflib.unified_diff(_lines(before), _lines(text), path if before is not None else "/dev/null", path)
    return Preview("".join(lines) or f"{path} stays as it is\n", base)


@tool(risk="medium", effect="idempotent", preview=file_diff)
def write_file(path: str, text: str) -> str:
    """Write text to a file, replacing what is there; returns the path.

    Args:
        path: The file; its folder must exist.
        text: The whole new content.
    """
    target = Path(path)
    if not target.parent.is_dir():
        raise NotDone(f"{target.parent} is no folder; make it, or write elsewhere")
    try:
        _replace(target, text)
    except OSError as error:
        raise ToolError(f"{path} cannot be written: {error.strerror}") from error
    return path


def _replace(target: Path, text: str) -> None:
    """Write beside the file, then rename: a reader sees the old or the new file, never half of one."""
    mode = target.stat().st_mode & 0o777 if target.exists() else 0o666 & ~_umask()
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", newline="", dir=target.parent, delete=False) as file:
        try:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
            os.chmod(file.name, mode)
            os.replace(file.name, target)
        except BaseException:
            os.unlink(file.name)
            raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _content(path: Path) -> tuple[str | None, str]:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None, ABSENT
    except OSError as error:
        raise ToolError(f"{path} cannot be read: {error.strerror}") from error
    return data.decode("utf-8", "replace"), hashlib.sha256(data).hexdigest()


def _lines(text: str | None) -> list[str]:
    lines = (text or "").splitlines(keepends=True)
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n\\ No newline at end of file\n"
    return lines
