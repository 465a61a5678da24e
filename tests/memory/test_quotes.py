import pytest

from stretto.memory.conflicts import disagreement, negated, numbers
from stretto.memory.documents import Document
from stretto.memory.passages import Passage
from stretto.memory.quotes import choose, dangling, enclosing, find_quote, repeats, stands_at

DOCUMENT = Document("a.md", "markdown", "# T\n\nOne two\nthree four. Five\nsix.\n> quoted on\n> two lines\n")


def test_a_quote_is_found_across_line_ends_and_line_markers() -> None:
    assert find_quote(DOCUMENT, "two three four.") == (3, 4)
    assert find_quote(DOCUMENT, "quoted on two lines") == (6, 7)


@pytest.mark.parametrize("text", ["", "two four", "onetwo", "One  twothree", "One two three five"])
def test_words_that_do_not_stand_there_are_not_found(text: str) -> None:
    assert find_quote(DOCUMENT, text) is None


def test_a_quote_stands_only_on_its_own_lines() -> None:
    assert stands_at(DOCUMENT, "Five six.", 4, 5)
    assert not stands_at(DOCUMENT, "Five six.", 3, 4)
    assert not stands_at(DOCUMENT, "Five six.", 4, 99)


def test_what_encloses_a_cut_quote_is_its_whole_sentence() -> None:
    passage = Passage("a.md", "prose", 3, "It is not\nsafe to stop. It is slow.")
    place = enclosing([passage], "safe to stop.", 4, 4)
    assert place is not None
    assert place.text == "It is not safe to stop."


@pytest.mark.parametrize(
    "text", ["This means no.", "It runs.", "However, no.", "The latter is best.", "これは便利です。", "These are kept."]
)
def test_a_quote_that_begins_by_pointing_back_dangles(text: str) -> None:
    assert dangling(text)


@pytest.mark.parametrize(
    "text",
    [
        "This package parses JSON.",
        "It is possible to stop.",
        "The cat sleeps.",
        "This licence applies.",
        "この製品は安全です。",
    ],
)
def test_a_quote_that_speaks_of_its_own_document_does_not_dangle(text: str) -> None:
    assert not dangling(text)


def test_other_words_in_the_same_order_repeat_but_other_numbers_and_negations_do_not() -> None:
    assert repeats("The cache keeps entries for a day.", "The cache keeps its entries for a day.")
    assert not repeats("Backups are kept for 30 days.", "Backups are kept for 14 days.")
    assert not repeats("Cards are stored in the vault.", "Cards are never stored in the vault.")


def test_choosing_prefers_the_best_and_refuses_repetitions() -> None:
    scored = [
        (1.0, "The cache keeps entries for a day."),
        (0.9, "The cache keeps its entries for a day."),
        (0.5, "Pigs fly."),
    ]
    assert choose(scored, 3) == [0, 2]


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("The service listens on port 8080.", "The service listens on port 9090."),
        ("The warranty period is 24 months.", "Warranty lasts 12 months."),
        ("The default backend is SQLite.", "The default backend is PostgreSQL."),
        ("Passwords are never stored in the database.", "Passwords are stored in the database."),
        ("保証期間は購入日から24か月です。", "保証期間は購入日から12か月です。"),
        ("Acme requires Python 3.8 or newer.", "Acme requires Python 3.11 or later."),
        ("The gateway keeps sessions for 30 minutes.", "Sessions expire after 45 minutes."),
        ("User passwords are hashed with bcrypt.", "Passwords are stored in plain text."),
        ("Expenses above 200 euros need the approval of a manager.", "Managers approve expenses above 500 euros."),
        ("通知メールの送信は既定で有効です。", "通知メールの送信は既定で無効です。"),
        ("Rate limiting is enabled by default.", "Rate limiting is disabled by default."),
        ("Module 4711 listens on port 5711.", "Module 4711 listens on port 5712."),
    ],
)
def test_statements_that_cannot_both_hold_disagree(left: str, right: str) -> None:
    assert disagreement(left, right)
    assert disagreement(right, left)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("Click requires Python 3.10 or newer.", "Flask requires Python 3.9 or newer."),
        ("The service listens on port 8080.", "Backups are kept for 14 days."),
        ("The cache holds 5 entries.", "The cache holds 5 entries at most."),
        ("Cats sleep.", "Dogs do not bark at night in winter."),
        ("Module 4711 listens on port 5711.", "Module 3711 listens on port 4711."),
        ("cxx_std_98 mode is at least C++ 98.", "cxx_std_11 mode is at least C++ 11."),
        ("Version 2 supports 10 users.", "Version 3 supports 20 users."),
        ("Access tokens expire after 10 minutes.", "Refresh tokens expire after 60 minutes."),
        ("Caching is enabled in production.", "Caching is disabled in development."),
        ("Uploads are encrypted.", "Logs are written in plain text."),
    ],
)
def test_statements_about_other_things_or_with_the_same_value_agree(left: str, right: str) -> None:
    assert not disagreement(left, right)


def test_numbers_are_known_by_their_units_and_negations_in_several_languages() -> None:
    assert numbers("24か月と6 days")["day"] == frozenset({"6"})
    assert all(negated(text) for text in ("It can't.", "Das ist nicht so.", "使用しないでください。", "Это не так."))
    assert not negated("It is so.")
