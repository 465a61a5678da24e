from hypothesis import given
from hypothesis import strategies as st

from stretto.memory.passages import Passage
from stretto.memory.search import Index
from stretto.memory.tokens import names, terms

TEXTS = [
    "The server verifies every signature.",
    "Cats sleep most of the day.",
    "保証期間は購入日から24か月です。",
    "Die Prüfung der Signatur ist Pflicht.",
    "इस सॉफ्टवेयर का संस्करण नया है।",
    "Ticket prices for the zoo.",
]


def index() -> Index:
    return Index([Passage(f"doc{at}.md", "prose", 1, text) for at, text in enumerate(TEXTS)])


def hits(*queries: str) -> list[int]:
    return [hit for hit, _ in index().search(queries)]


def test_english_forms_and_accents_and_scripts_without_spaces_are_found() -> None:
    assert hits("verify signatures")[0] == 0
    assert hits("prufung")[0] == 3
    assert hits("保証")[0] == 2
    assert hits("संस्करण")[0] == 4


def test_a_passage_that_several_queries_find_comes_first() -> None:
    assert hits("signature", "server signature", "cats")[0] == 0


def test_headings_and_paths_are_searched_too() -> None:
    passages = [Passage("a.md", "prose", 1, "It is so."), Passage("b.md", "prose", 1, "It is so.", ("Licence",))]
    assert [hit for hit, _ in Index(passages).search(["licences"])] == [1]


def test_words_are_counted_by_the_passages_that_hold_them() -> None:
    assert index().count("servers") == 1
    assert index().count("unicorn") == 0
    assert index().count("  ?! ") == 0


@given(st.text(max_size=80))
def test_no_text_is_read_as_query_syntax(text: str) -> None:
    index().search([text, f'"{text}" AND (', f"heading:{text}*"])
    index().count(text)


def test_forms_of_a_word_have_one_term() -> None:
    for forms in (
        ["configure", "configured", "configuration", "configuring"],
        ["license", "licenses", "licensed"],
        ["retry", "retries", "retried"],
        ["run", "running", "runs"],
        ["use", "used", "using", "uses"],
        ["string", "strings"],
        ["need", "needs", "needed"],
        ["recover", "recovers", "recovery", "recovered", "recoverable"],
        ["retain", "retains", "retention"],
        ["authenticate", "authenticated", "authentication"],
        ["keep", "keeps", "kept"],
        ["verify", "verifies", "verification"],
        ["remove", "removed", "removal"],
        ["fail", "failed", "failures"],
        ["describe", "description"],
        ["apply", "applies", "applied"],
        ["C++", "cxx", "cpp"],
    ):
        assert len({term for form in forms for term in terms(form)}) == 1, forms


def test_words_that_only_look_alike_have_terms_of_their_own() -> None:
    for one, other in (("server", "serve"), ("format", "form"), ("author", "auth"), ("commit", "community")):
        assert terms(one) != terms(other)


def test_names_of_code_are_found_by_their_words_and_signs_belong_to_names() -> None:
    assert set(names("CMAKE_CXX_STANDARD")) >= {"c++", *terms("standard")}
    assert set(names("parseHTMLFile")) >= {*terms("parse"), "html", *terms("file")}
    assert terms("C++11, C# and .NET") == ["c++", "11", "c#", "and", "dotnet"]
    assert terms("example.net") == ["exampl", "net"]
    passages = [
        Passage("a.md", "prose", 1, "The C compiler."),
        Passage("variable/CMAKE_CXX_STANDARD.rst", "prose", 1, "x"),
    ]
    assert [hit for hit, _ in Index(passages).search(["C++ standard"])] == [1]


def test_what_stands_under_a_heading_of_a_name_is_found_by_the_heading_alone() -> None:
    passages = [
        Passage("a.md", "prose", 1, "A gate stops a call."),
        Passage("a.md", "prose", 2, "It asks a person.", ("Gates",)),
    ]
    assert Index(passages).titled("gate") == [1]
    assert Index(passages).titled("") == []
