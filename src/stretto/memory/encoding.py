"""Bytes to text without being told the encoding: BOMs, UTF-8, legacy East Asian and Russian, and Western last."""

import codecs
import re

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_JAPANESE = ("euc_jp", "cp932")
_KANA = re.compile("[\u3041-\u30ff]")
_HANGUL = re.compile("[\uac00-\ud7a3]")
_COMMON_HANZI_LEADS = range(0xB0, 0xD8)
"""Lead bytes of level 1 of GB 2312, which holds the characters in daily use."""
_CONTROLS = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_HIGH = re.compile(b"[\x80-\xff]+")


def decode(data: bytes) -> str | None:
    """Return the text of `data`, or None when it is not text."""
    for bom, encoding in _BOMS:
        if data.startswith(bom):
            return _strictly(data, encoding)
    if b"\x00" in data[:65536]:
        return None
    if b"\x1b$" in data and (text := _strictly(data, "iso2022_jp")) is not None:
        return text
    text = _strictly(data, "utf-8")
    if text is None:
        text = _legacy(data)
    return None if _is_noise(text) else text


def _strictly(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return None


def _legacy(data: bytes) -> str:
    for encoding in _JAPANESE:
        text = _strictly(data, encoding)
        if text is not None and _share(_KANA, text) > 0.2:
            return text
    runs = _HIGH.findall(data)
    if sum(len(run) > 1 for run in runs) > 0.7 * len(runs):
        return _multibyte(data, b"".join(runs))
    return _strictly(data, "cp1252") or data.decode("latin-1")


def _multibyte(data: bytes, high: bytes) -> str:
    korean = _strictly(data, "euc_kr")
    if korean is not None and _share(_HANGUL, korean) > 0.6:
        return korean
    leads = high[::2]
    if sum(byte in _COMMON_HANZI_LEADS for byte in leads) > 0.6 * len(leads):
        chinese = _strictly(data, "gb18030")
        if chinese is not None:
            return chinese
    lower_in_cp1251 = sum(byte >= 0xE0 for byte in high) > 0.5 * len(high)
    return _strictly(data, "cp1251" if lower_in_cp1251 else "koi8-r") or data.decode("latin-1")


def _share(pattern: re.Pattern[str], text: str) -> float:
    beyond_ascii = sum(char > "\x7f" for char in text)
    return len(pattern.findall(text)) / beyond_ascii if beyond_ascii else 0.0


def _is_noise(text: str) -> bool:
    sample = text[:65536]
    return len(_CONTROLS.findall(sample)) > 0.01 * len(sample) + 2
