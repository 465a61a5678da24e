"""The signs by which blocks of Markdown, reStructuredText, AsciiDoc and plain text are known."""

import re

from stretto.memory.tokens import MARKS

ATX = re.compile(r"(#{1,6})\s+(.+?)\s*#*$")
UNDERLINE = re.compile(r"([=\-~^\"'`*+#:._])\1{2,}\s*$")
FENCE = re.compile(r"\s{0,3}(`{3,}|~{3,})")
ITEM = re.compile(r"(\s*)(?:(?:[-*+•‣▪]|\(?\d{1,3}[.)]|\(?[a-zA-Z][.)]|#\.)\s+|[・●○■◆◇]\s*)(?=\S)")
QUOTED = re.compile(r"^\s{0,3}>\s?")
DELIMITER = re.compile(r"([-.])\1{3,}$")
"""Encloses a listing in AsciiDoc."""
TERM = re.compile(r"\S.{0,160}::$")
ATTRIBUTE = re.compile(r"\[\[?[\w, =-]+\]\]?$")
"""What AsciiDoc, on the lines below it, says the meaning of, and its `[verse]` and `[[anchor]]`."""
TABLE_RULE = re.compile(r"\s*\|?\s*:?-{2,}:?\s*(\|\s*:?-{2,}:?\s*)*\|?\s*$")
SIMPLE_TABLE = re.compile(r"\s*={2,}(\s+={2,})+\s*$")
GRID_TABLE = re.compile(r"\s*\+[-=+]+\+\s*$")
DIRECTIVE = re.compile(r"\s*\.\.(\s|$)")
NAMED_DIRECTIVE = re.compile(r"\s*\.\.\s+([\w:-]+)::\s*(.*)$")
FIELD = re.compile(r"\s*:([\w][\w .,*-]{0,40}):\s+(\S.*)$")
ARGUMENTS = frozenset(("Args:", "Arguments:", "Parameters:", "Attributes:", "Raises:", "Keyword Args:"))
ARGUMENT = re.compile(r"\s+\*{0,2}([A-Za-z_][\w.]*)(?: ?\([^)]*\))?:(?:\s+|$)(.*)$")
KEY_VALUE = re.compile(r"(?:\*\*|__)?([^\W\d_][\w /()-]{0,30}?)(?:\*\*|__)?\s*[:：](?:\*\*|__)?\s+(\S.{0,120})$")
CJK_KEY_VALUE = re.compile(r"([^\W_a-zA-Z]{1,20})\s*[:：]\s*(\S.{0,120})$")
REMARKS = frozenset(
    "note notes warning todo tip important caution hint example examples see fixme usage attention ps".split()
)
TAG = re.compile(r"</?[a-zA-Z][^<>]*>")
BADGES = re.compile(r"\s*(\[?!\[[^\]]*\](\([^)]*\)|\[[^\]]*\])(\]\([^)]*\)|\]\[[^\]]*\])?\s*)+$")
LINK_TARGET = re.compile(r"\s{0,3}\[[^\]]+\]:\s*\S+")
SPEAKING = frozenset(
    "note warning tip important caution hint attention danger error seealso admonition deprecated versionadded "
    "versionchanged rubric topic sidebar epigraph".split()
)
"""Directives whose body is prose; the body of any other is left out."""
LETTER = re.compile(r"[^\W\d_]")
SYMBOL = re.compile(rf"[^\w\s{MARKS}\u0e31-\u0eff]|_")
PARAGRAPH_SPACE = "\u3000"
"""The full-width space that begins a paragraph in Japanese and Chinese."""
CODED = re.compile(r"^[!-~]*(?:[/\\=_{}<>]|[A-Za-z0-9][.:(][A-Za-z0-9])[!-~]*$")
"""A word of ASCII with signs inside: a path, a call, a number."""
DESCRIBING = frozenset("function class method attribute option data exception module envvar confval".split())
"""Directives that describe what they name: a heading with prose below."""
LONGEST_LISTING = 200
"""Lines."""
NUMBERED_TITLE = re.compile(r"(\d+\.)+\d*\s+\S|[IVX]+\.\s+\S")
