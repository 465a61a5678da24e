"""The planner: a goal and what the folder holds become research questions."""

import re
from collections import Counter
from collections.abc import Iterator

from stretto.core.errors import UsageError
from stretto.memory.tokens import fold, terms

from .clauses import Clause, clauses, is_question
from .each import MOST_SUBJECTS
from .keywords import keywords
from .library import Library
from .topics import OVERVIEW_TOPICS, TOPICS, Topic, topic_of
from .values import Question

MOST_QUESTIONS = 24
"""Parts of a goal that are answered; later ones are left out."""
MOST_ADDED = 3
"""Questions added from the documents' own sections to a goal that asks one thing."""
LONGEST_OVERVIEW = 120
"""Files of which an overview says one by one what they are about."""

_QUOTED = "quoted from the documents, or said to be unanswered"
_THINGS = frozenset("package packages library libraries module modules project projects component components".split())
_COMMON_TITLES = frozenset(
    "contents|table of contents|index|introduction|overview|notes|see also|references|example|examples|usage|faq".split(
        "|"
    )
)

_OPTION = re.compile(r"^-|[\[=<(]")
"""What heads the description of an option or a function."""


def plan(goal: str, library: Library) -> tuple[Question, ...]:
    """Return the questions whose answers make up the report: what the goal asks, part by part.

    A goal that asks one thing is given the documents' own sections about it besides; a goal that names nothing in
    particular (`Summarise this`) gets an overview. Raises `UsageError` if the goal is empty.
    """
    if not goal.strip():
        raise UsageError("the goal is empty; say what the report shall answer, for example 'What is each package for?'")
    asked = [clause for clause in clauses(goal) if keywords(clause.text) or (clause.each and topic_of(clause.text))]
    if not asked:
        return tuple(_overview(library))
    about = keywords(asked[0].text)
    questions = [_question(at, clause, about, library) for at, clause in enumerate(asked[:MOST_QUESTIONS], start=1)]
    if len(questions) == 1 and not questions[0].each:
        questions += _sections_about(questions[0], library)
    return tuple(questions)


def _question(number: int, clause: Clause, about: tuple[str, ...], library: Library) -> Question:
    """`about` is what a clause means by `it`."""
    topic = topic_of(clause.text)
    each = _each(clause, topic, library)
    own = tuple(word for word in keywords(clause.text) if not each or terms(word) != terms(each))
    context = tuple(word for word in about if clause.refers_back and not each and word not in own)
    text = _spelled_out(clause.text, each)
    return Question(
        id=f"q{number}",
        text=text,
        title=topic.title if topic and each else _title(text),
        topic=topic.name if topic else "",
        terms=own,
        context=context,
        queries=_queries(own, context, topic),
        each=each,
        within="",
        asked=True,
        acceptance=f"every {each} has a quoted answer or is named as silent" if each else _QUOTED,
    )


def _each(clause: Clause, topic: Topic | None, library: Library) -> str:
    """What a thing is, or its licence, is asked of each of several things even if the goal does not say `each`."""
    if len(library.subjects.names) < 2:
        return ""
    if clause.each or topic is None or not topic.identity or not library.subjects.named:
        return clause.each
    others = (word for word in keywords(clause.text) if not topic.asks.search(word))
    return "" if any(fold(word) not in _THINGS for word in others) else "package"


def _spelled_out(text: str, each: str) -> str:
    """A question must be readable without the goal's other parts."""
    if each:
        text = re.sub(r"\bwhich ones\b", f"which {_plural(each)}", text, flags=re.IGNORECASE)
        text = re.sub(r"\b(?:is|are) (?:it|they)\b", f"is each {each}", text, flags=re.IGNORECASE)
    return text[:1].upper() + text[1:]


def _plural(noun: str) -> str:
    return f"{noun[:-1]}ies" if noun.endswith("y") and noun[-2:-1] not in "aeiou" else f"{noun}s"


def _title(text: str) -> str:
    if is_question(text):
        text = f"{text}?"
    return text if len(text) <= 110 else text[:110].rsplit(" ", 1)[0] + " …"


def _queries(own: tuple[str, ...], context: tuple[str, ...], topic: Topic | None) -> tuple[str, ...]:
    queries = [" ".join(own), " ".join((*own, *context))]
    if topic:
        particular = [word for word in (*own, *context) if not topic.asks.search(word)]
        queries.append(" ".join((*particular, topic.words)))
    return tuple(dict.fromkeys(query for query in queries if query))


def _overview(library: Library) -> Iterator[Question]:
    """A goal that names nothing asks what is there."""
    named = library.subjects.named
    several = 1 < len(library.subjects.names) <= (MOST_SUBJECTS if named else LONGEST_OVERVIEW)
    for number, name in enumerate(OVERVIEW_TOPICS, start=1):
        topic = TOPICS[name]
        one_by_one = several and (name == "purpose" or (topic.identity and named))
        title = "About" if name == "purpose" and not named else topic.title
        yield Question(
            id=f"q{number}",
            text=title,
            title=title,
            topic=name,
            terms=(),
            context=(),
            queries=(topic.words,),
            each=("package" if named else "document") if one_by_one else "",
            within="",
            asked=False,
            acceptance=_QUOTED,
        )


def _sections_about(question: Question, library: Library) -> Iterator[Question]:
    """Sections whose titles say what the goal says are worth a question of their own."""
    for number, title in enumerate(_titles_about(question, library), start=2):
        yield Question(
            id=f"q{number}",
            text=title,
            title=title,
            topic=question.topic,
            terms=keywords(title),
            context=question.terms,
            queries=(title, " ".join(dict.fromkeys((*question.terms, *keywords(title))))),
            each="",
            within=title,
            asked=False,
            acceptance="quoted from the section of this title",
        )


def _titles_about(question: Question, library: Library) -> list[str]:
    wanted = frozenset(term for word in question.terms for term in terms(word))
    titles: Counter[str] = Counter()
    for hit, _ in library.index.search(question.queries, limit=80):
        passage = library.passages[hit]
        title = passage.section[-1] if passage.section else ""
        named = fold(title) in _COMMON_TITLES or _OPTION.search(title) is not None
        speaks = passage.kind in ("prose", "item", "comment") and not named
        if speaks and len(wanted & set(terms(title))) >= 0.6 * len(wanted):
            titles[title] += 1
    return [title for title, count in titles.most_common() if count > 1 and len(keywords(title)) > 1][:MOST_ADDED]
