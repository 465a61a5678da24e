"""Which licences a text names."""

import re

_LICENCE_FAMILIES = {
    "mit": r"\bMIT\b|\bExpat\b",
    "bsd": r"\bBSD\b|\b[023]-?clause\b",
    "apache": r"\bApache\b",
    "lgpl": r"\bLGPL|Lesser General Public|Library General Public",
    "agpl": r"\bAGPL|Affero",
    "gpl": r"(?<![LA])\bGPL|GNU General Public",
    "mpl": r"\bMPL|Mozilla Public",
    "isc": r"\bISC\b",
    "psf": r"\bPSF|Python Software Foundation",
    "artistic": r"\bArtistic\b",
    "zlib": r"\bzlib\b",
    "cc": r"\bCC[- ]?(?:BY|0)|Creative Commons",
    "boost": r"\bBSL-1|Boost Software",
    "public domain": r"public domain|\bUnlicense\b|\bCC0\b",
    "proprietary": r"\bproprietary\b",
}


def licences(text: str) -> frozenset[str]:
    """Return the families of licences that `text` names, such as `mit` or `gpl`."""
    return frozenset(name for name, pattern in _LICENCE_FAMILIES.items() if re.search(pattern, text, re.IGNORECASE))
