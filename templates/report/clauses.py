"""A goal in words, taken apart into what it asks: one clause a question."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_LONGEST = 1_500
"""Characters; of a longer goal the sentences that ask are kept."""
_LONGEST_READ = 100_000
"""Characters of a goal that are looked at."""
_ASKING = re.compile(
    r"\?|？|\b(?:what|which|who|whom|whose|when|where|why|how|whether|explain|describe|list|compare|find|summari[sz]e|"
    r"report|show|give|tell|identify|write)\b|ですか|ますか|教えて|まとめ|説明",
    re.IGNORECASE,
)
_WH = (
    r"(?:(?:under|in|for|to|by|with|at|on|from|of|since) )?(?:what|which|who|whom|whose|when|where|why|how|whether|"
    r"does|do|did|is|are|can|should|must|welche[rsn]?|was|wer|wie|wann|quel(?:le)?s?|qui|comment|quand|qué|cuál(?:es)?|quién|"
    r"cómo|cuándo)\b"
)
_BEGINS_ASKING = re.compile(
    r"(?:(?:under|in|for|to|by|with|at|on|from|of|since) )?"
    r"(?:what|which|who|whose|when|where|why|how|does|do|did|is|are|was|were|can|could|should|may|must|will|has|have|wie|was|wer|wo|wann|warum|welche[rsn]?|"
    r"comment|quel(?:le)?s?|qui|pourquoi|où|qué|cuál(?:es)?|quién|cómo|cuándo|dónde|как|что|кто|где|когда|почему)\b",
    re.IGNORECASE,
)
_JOINTS = re.compile(
    rf"\s*[;；]\s*|\s*,?\s+(?:and|or|und|et|y)\s+(?={_WH})|\s*,\s+(?={_WH})|\s*[、，]\s*|\n+", re.IGNORECASE
)
_CJK_AND = re.compile(r"(?<=[\u30a0-\u30ff\u3400-\u9fff々])と(?=[\u30a0-\u30ff\u3400-\u9fffA-Za-z])")
"""`と` between two nouns."""
_STOPS = re.compile(r"(?<=[?？!！。])\s*|(?<=[.])\s+(?=[^\W\d_])")
_BULLET = re.compile(r"^\s*(?:[-*+•]|\(?\d{1,2}[.)]|[a-z]\))\s+")
_POLITE = re.compile(
    r"^\W*(?:please|kindly|can you|could you|tell me|"
    r"i (?:want|need|would like|'d like) (?:to know|you to|a report (?:on|about)|to understand)?|"
    r"(?:write|give|make|create|produce|prepare|draft|generate)(?: (?:me|us))?(?: an?| the)?(?: \w+){0,3}? "
    r"(?:report|summary|overview|brief|comparison|analysis)"
    r"(?: (?:on|about|of|that (?:says|answers|explains|covers)|covering|explaining))?|"
    r"(?:explain|describe|list|summari[sz]e|show|find(?: out)?|identify|report(?: on)?|say|state|explore|analy[sz]e|"
    r"review|answer)(?: (?:me|us))?(?= ))\W+",
    re.IGNORECASE,
)
_CJK_REQUEST = re.compile(
    r"(?:について|に関して|を|は)?(?:教えて|説明して|まとめて|知りたい|述べて)\S*$|は?(?:何|なん)ですか$|はどこですか$|は$"
)
_ENUMERATION = re.compile(
    r"^(?:(?:what (?:is|are) )?(?:the )?)(?P<parts>[^,?]+(?:, [^,?]+)*,? (?:and|or|&) [^,?]+?) "
    r"(?P<tail>(?:of|for|in|about|from) .+)$",
    re.IGNORECASE,
)
_COMPARISON = re.compile(
    r"^(?:compare|contrast)\s+(?:the )?(?P<parts>.+?)"
    r"(?P<tail>\s+(?:in terms of|with respect to|regarding|on)\s+.+)?$",
    re.IGNORECASE,
)
_BETWEEN = re.compile(r"\bdifferences? between\b|\brather than\b|\binstead of\b|\bversus\b|\bvs\b", re.IGNORECASE)
"""What is weighed against each other is asked in one question: its answer speaks of both."""
_THING = (
    r"packages|librar(?:y|ies)|modules|projects|services|components|products|tools|programs|documents|files|plugins|apps|"
    r"applications|teams|vendors"
)
_EACH = re.compile(
    r"\b(?:each|every|all(?: of)?(?: the| these| those)?|per) (?:of (?:the|these|those) )?"
    r"(?:\w+ed |\w+ing |python |debian )?(?P<noun>[a-z]+)"
    rf"|\bwhich (?:of (?:the|these|those) )?(?P<which>{_THING}|ones)\b"
    rf"|\bwhat (?:is|are|does|do) the (?P<plural>{_THING})\b"
    r"|(?P<cjk>各|それぞれの?|每个|每個)(?P<what>[^\Wのはがをにでとa-z]{1,8})?"
    r"|\b(?:jede[srnm]?|chaque|cada) (?P<other>\w+)",
    re.IGNORECASE,
)
_NOT_THINGS = frozenset(
    "time other case day year month way of kind level one ones information details relevant possible".split()
)
_PRONOUN = re.compile(r"\b(?:it|its|they|their|them|ones|sie|er|il|elle|ils)\b|その|それ|它", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Clause:
    """One thing that a goal asks."""

    text: str
    each: str
    """The things it is asked of one by one, as the goal calls them (`package`), or empty."""
    refers_back: bool
    """Whether it leans on an earlier clause: `its`, `which ones`."""


def clauses(goal: str) -> list[Clause]:
    """Return what `goal` asks, in its order."""
    found: list[Clause] = []
    thing = ""
    for part in dict.fromkeys(_parts(goal)):
        back = _PRONOUN.search(part) is not None
        own = _thing(part)
        thing = own or thing
        text = _CJK_REQUEST.sub("", part.strip(" ,;:.?？。、"))
        if text:
            found.append(Clause(text, thing if own or back else "", back))
    return found


def is_question(text: str) -> bool:
    """Whether a clause is worded as a question, so that a question mark belongs after it."""
    return _BEGINS_ASKING.match(text) is not None


def _parts(goal: str) -> Iterator[str]:
    for sentence in _sentences(_leading(goal)):
        for part in _JOINTS.split(_CJK_AND.sub("、", sentence)):
            yield from _enumerated(part)


def _leading(goal: str) -> str:
    goal = goal.strip()
    if len(goal) <= _LONGEST:
        return goal
    asking = [each for each in _sentences(goal[:_LONGEST_READ]) if len(each) <= 400 and _ASKING.search(each)]
    kept: list[str] = []
    for sentence in [*asking[:8], *asking[-4:]]:
        if sentence not in kept and sum(map(len, kept)) + len(sentence) <= _LONGEST:
            kept.append(sentence)
    return "\n".join(kept) or goal[:_LONGEST]


def _sentences(text: str) -> list[str]:
    lines = [_BULLET.sub("", line) for line in text.splitlines()]
    return [part.strip() for part in _STOPS.split("\n".join(lines)) if part and part.strip()]


def _enumerated(part: str) -> list[str]:
    """`the purpose, licence and owner of each service` asks three things of each service."""
    bare = _POLITE.sub("", part.strip(), count=1) or part.strip()
    if compared := _COMPARISON.match(bare.rstrip("?. ")):
        sides = re.split(r",? (?:and|with|to|versus|vs\.?|against|or) |, ", compared["parts"])
        return [f"{side.strip()}{compared['tail'] or ''}" for side in sides]
    found = _ENUMERATION.match(bare)
    if not found or _BETWEEN.search(bare):
        return [bare]
    pieces = [piece for piece in re.split(r",? (?:and|or|&) |, ", found["parts"]) if piece.strip()]
    return [bare] if any(len(piece.split()) > 4 for piece in pieces) else [f"{each} {found['tail']}" for each in pieces]


def _thing(part: str) -> str:
    found = _EACH.search(part)
    if not found:
        return ""
    noun = next((found[name] for name in ("noun", "which", "plural", "what", "other") if found[name]), "item").lower()
    return "" if noun in _NOT_THINGS else _singular(noun)


def _singular(noun: str) -> str:
    if noun.endswith("ies"):
        return f"{noun[:-3]}y"
    return noun[:-1] if noun.endswith("s") and not noun.endswith("ss") else noun
