import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from stretto.core.errors import UsageError
from templates.report.keywords import keywords
from templates.report.library import Library, open_library
from templates.report.planner import plan
from templates.report.render import render
from templates.report.report import draft_report
from templates.report.researcher import research
from templates.report.reviewer import review
from templates.report.values import Answer, Conflict, Draft, FaultKind, Finding, Question, Section, Verdict
from templates.report.writer import revise, write

QUOTED = re.compile(r"“(?P<text>[^“”]+)” \(`(?P<path>[^`]+):(?P<first>\d+)(?:-(?P<last>\d+))?`\)")

SERVICES = {
    "orders.md": """# Orders service

The orders service accepts orders from the shop. It stores its data in PostgreSQL 15.
The service is owned by the Checkout team.

## Operations

The service listens on port 8080.
Backups are kept for 30 days.
""",
    "billing.md": """# Billing service

The billing service charges customers and writes invoices.
Owner: Payments team

## Operations

Customer card numbers are never stored in the database.
""",
    "runbook.txt": """OPERATIONS RUNBOOK

The orders service listens on port 9090.
Customer card numbers are stored in the database for 24 hours.
""",
}
PACKAGES = {
    "alpha-1.0.dist-info/METADATA": """Metadata-Version: 2.4
Name: alpha
Summary: A small HTTP client.
License-Expression: MIT

# alpha

alpha is a library that sends requests to web servers.
""",
    "alpha-1.0.dist-info/LICENSE": "Apache License\nVersion 2.0, January 2004\n\nTerms follow here.\n",
    "beta-2.1.dist-info/METADATA": """Metadata-Version: 2.4
Name: beta
Summary: Parses dates.
License: BSD-3-Clause

beta reads dates in many formats.
""",
}
JAPANESE = {
    "掃除機.md": """# ロボット掃除機

ロボット掃除機は、家庭の床を掃除するための製品です。

## 保証

保証期間は購入日から24か月です。
""",
    "質問.txt": "よくある質問\n\n保証期間は購入日から12か月です。\n",
}
RUSSIAN = {"guide.txt": "Руководство\n\nСервер хранит журналы тридцать дней. Затем журналы удаляются автоматически.\n"}
ARABIC = {"دليل.md": "# الدليل\n\nيحتفظ الخادم بالسجلات لمدة ثلاثين يوما. هل هذا كاف؟ نعم.\n"}
HINDI = {"guide.md": "# मार्गदर्शिका\n\nसर्वर तीस दिनों तक लॉग रखता है। उसके बाद लॉग हटा दिए जाते हैं।\n"}
HTML = {
    "a.html": "<body><h1>Pump</h1>\n<p>The pump needs oil\nevery week.</p><p>The motor is quiet.</p></body>\n",
}


def folder(place: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(text, encoding="utf-8")
    return place


def first_draft(goal: str, library: Library) -> Draft:
    return write(goal, [research(question, library) for question in plan(goal, library)], library.overview)


def squeezed(text: str) -> str:
    """Without white space, markup of HTML and the signs at the beginnings of lines, as a stranger would compare."""
    return "".join(re.sub(r"<[^>]+>", "", text).split())


def assert_every_quote_stands_at_its_citation(report: str, place: Path) -> int:
    quotes = list(QUOTED.finditer(report))
    for quote in quotes:
        lines = re.split(r"\r\n|\r|\n", (place / quote["path"]).read_text(encoding="utf-8"))
        there = "\n".join(lines[int(quote["first"]) - 1 : int(quote["last"] or quote["first"])])
        assert squeezed(quote["text"]) in squeezed(there), quote[0]
    return len(quotes)


@pytest.mark.parametrize(
    ("files", "goal", "least"),
    [
        (SERVICES, "Which database does each service use, who owns it, and how long are backups kept?", 4),
        (PACKAGES, "What is each package for, under which licence is it, and which ones talk to the network?", 5),
        (JAPANESE, "保証期間は何か月ですか。製品の用途は何ですか。", 2),
        (RUSSIAN, "Как долго сервер хранит журналы?", 1),
        (ARABIC, "ما مدة الاحتفاظ بالسجلات في الخادم؟", 1),
        (HINDI, "सर्वर कितने दिनों तक लॉग रखता है?", 1),
        (HTML, "How often does the pump need oil?", 1),
        (SERVICES | PACKAGES | JAPANESE, "Summarise these documents", 3),
        (SERVICES, "backups", 1),
    ],
)
def test_every_quote_of_a_report_stands_at_its_citation_in_any_script(
    tmp_path: Path, files: dict[str, str], goal: str, least: int
) -> None:
    place = folder(tmp_path, files)
    assert assert_every_quote_stands_at_its_citation(draft_report(goal, place), place) >= least


def test_things_asked_one_by_one_make_a_table_with_cited_cells(tmp_path: Path) -> None:
    report = draft_report(
        "What is each package for, under which licence is it, and which ones talk to the network?",
        folder(tmp_path, PACKAGES),
    )
    assert "| Package | Purpose | Licence | Network use |" in report
    assert "| **beta** | “Parses dates.” (`beta-2.1.dist-info/METADATA:3`) | “BSD-3-Clause”" in report
    assert "**Network use**: said of 1 of 2 packages: alpha" in report
    assert report.rstrip().count("not stated |") == 1


def test_a_licence_file_that_names_another_licence_than_the_metadata_is_shown_beside_it(tmp_path: Path) -> None:
    report = draft_report("Under which licence is each package?", folder(tmp_path, PACKAGES))
    assert (
        "| “MIT” (`alpha-1.0.dist-info/METADATA:4`) "
        "| “Apache License Version 2.0, January 2004” (`alpha-1.0.dist-info/LICENSE:1-2`) |" in report
    )


@pytest.mark.capability(212)
def test_contradictions_between_documents_stand_side_by_side(tmp_path: Path) -> None:
    goal = "On which port does the orders service listen, and are card numbers stored in the database?"
    report = draft_report(goal, folder(tmp_path, SERVICES))
    assert "9090 against 8080" in report
    assert "8080 against 9090" not in report
    assert "one denies what the other states" in report


def test_what_the_documents_do_not_say_is_said_to_be_unanswered(tmp_path: Path) -> None:
    report = draft_report("What is the refund policy?", folder(tmp_path, SERVICES))
    assert "## What could not be answered" in report
    assert "The documents nowhere mention “refund”, “policy”." in report
    assert not QUOTED.search(report)


def test_a_statement_appears_once_outside_tables(tmp_path: Path) -> None:
    files = {f"copy{number}.md": SERVICES["orders.md"] for number in range(5)}
    quotes = [
        quote["text"] for quote in QUOTED.finditer(draft_report("How long are backups kept?", folder(tmp_path, files)))
    ]
    assert quotes == ["Backups are kept for 30 days."]


def test_a_goal_is_taken_apart_into_its_questions(tmp_path: Path) -> None:
    library = open_library(folder(tmp_path, PACKAGES))
    questions = plan(
        "What is each package for, under which licence is it, and which ones talk to the network?", library
    )
    assert [(question.topic, question.each) for question in questions] == [
        ("purpose", "package"),
        ("licence", "package"),
        ("network", "package"),
    ]
    assert questions[2].text == "Which packages talk to the network"
    enumerated = plan("Describe the purpose, licence and author of each package", library)
    assert [question.topic for question in enumerated] == ["purpose", "licence", "author"]


@pytest.mark.parametrize(
    "goal", ["x", "🙂", "?!", '" OR (', "licence " * 12_500, "What about backups? " * 5_000, "\n\n- a\n- b"]
)
def test_a_goal_may_be_anything_but_empty(tmp_path: Path, goal: str) -> None:
    assert draft_report(goal, folder(tmp_path, SERVICES)).startswith("# ")


def test_a_comparison_asks_about_each_side(tmp_path: Path) -> None:
    questions = plan("Compare the orders and billing services", open_library(folder(tmp_path, SERVICES)))
    assert [question.terms for question in questions] == [("orders",), ("billing", "services")]


def test_a_clause_that_leans_on_another_is_searched_with_its_words_and_titled_without(tmp_path: Path) -> None:
    questions = plan("How are orders accepted, and what limits them?", open_library(folder(tmp_path, SERVICES)))
    assert questions[1].title == "What limits them?"
    assert questions[1].context == ("orders", "accepted")


def test_a_source_tree_is_quoted_from_its_docstrings(tmp_path: Path) -> None:
    source = '"""Talks to the tax office."""\n\n\nclass Client:\n    """Sends returns and retries twice on errors."""\n'
    report = draft_report("How does the client retry on errors?", folder(tmp_path, {"client.py": source}))
    assert "“Sends returns and retries twice on errors.” (`client.py:5`)" in report


def test_an_empty_goal_is_a_usage_error_with_an_example(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"the goal is empty; say what the report shall answer"):
        draft_report("  ", folder(tmp_path, SERVICES))


def test_the_library_of_an_unchanged_folder_is_built_once(tmp_path: Path) -> None:
    place = folder(tmp_path, SERVICES)
    first = open_library(place)
    assert open_library(place) is first
    (place / "new.md").write_text("New.\n")
    assert open_library(place) is not first


def question(text: str = "How are backups kept", **changes: object) -> Question:
    known = Question("q1", text, text, "", ("backups", "kept"), (), (text,), "", "", True, "quoted")
    return replace(known, **changes)  # type: ignore[arg-type]  # a test's shorthand


def claim(path: str, first: int, last: int, text: str, name: str = "q1.1") -> Finding:
    return Finding(name, path, first, last, text, "prose", path, (), "", 1.0)


def drafted(library: Library, *claims: Finding, spares: tuple[Finding, ...] = ()) -> Draft:
    return Draft("goal", (Section(question(), claims, spares, (), "", ""),), (), library.overview, 0)


BACKUPS = {
    "a.md": """# Backups

Backups are not kept
after a year. Operators must check this
every month.

The vault holds backups. It keeps them
for nine days.
""",
    "table.md": "# T\n\n| What | Kept |\n| --- | --- |\n| backups | kept 9 days |\n\n```\nbackups kept in code\n```\n",
    "b.md": "# Other\n\nBackups are kept in a fire-proof room.\n\nThe canteen opens at noon on Mondays.\n",
}
FAULTY: list[tuple[FaultKind, Finding]] = [
    ("unresolved", claim("gone.md", 1, 1, "Backups are kept.")),
    ("misquoted", claim("a.md", 7, 7, "Backups are kept for ever.")),
    ("misquoted", claim("a.md", 3, 3, "Operators must check this every month.")),
    ("dangling", claim("a.md", 7, 8, "It keeps them for nine days.")),
    ("cut", claim("a.md", 4, 4, "after a year.")),
    ("torn", claim("table.md", 5, 5, "kept 9 days")),
    ("torn", claim("table.md", 8, 8, "backups kept in code")),
    ("torn", claim("a.md", 1, 1, "Backups")),
    ("off question", claim("b.md", 5, 5, "The canteen opens at noon on Mondays.")),
]


@pytest.mark.parametrize(("kind", "bad"), FAULTY, ids=[f"{kind}: {bad.text}" for kind, bad in FAULTY])
def test_the_reviewer_finds_a_planted_fault_and_the_writer_mends_it(
    tmp_path: Path, kind: FaultKind, bad: Finding
) -> None:
    library = open_library(folder(tmp_path, BACKUPS))
    spare = claim("b.md", 3, 3, "Backups are kept in a fire-proof room.", "q1.2")
    draft = drafted(library, bad, spares=(spare,))
    verdict = review(draft, library)
    assert [fault.kind for fault in verdict.faults] == [kind]
    assert verdict.faults[0].reason
    assert verdict.faults[0].remedy
    revised = draft
    while not verdict.ok and revised.revision < 3:
        revised = revise(revised, verdict, library)
        verdict = review(revised, library)
    assert verdict.ok
    assert len(revised.sections[0].claims) == 1


def test_a_dangling_quote_is_extended_by_what_it_points_to(tmp_path: Path) -> None:
    library = open_library(folder(tmp_path, BACKUPS))
    draft = drafted(library, claim("a.md", 7, 8, "It keeps them for nine days."))
    revised = revise(draft, review(draft, library), library)
    assert revised.sections[0].claims[0].text == "The vault holds backups. It keeps them for nine days."
    assert revised.sections[0].claims[0].citation == "a.md:7-8"


def test_a_lost_negation_is_named_and_restored(tmp_path: Path) -> None:
    library = open_library(folder(tmp_path, BACKUPS))
    draft = drafted(library, claim("a.md", 3, 4, "kept after a year."))
    verdict = review(draft, library)
    assert "negation" in verdict.faults[0].reason
    assert revise(draft, verdict, library).sections[0].claims[0].text == "Backups are not kept after a year."


def test_a_repetition_is_taken_out(tmp_path: Path) -> None:
    library = open_library(folder(tmp_path, BACKUPS))
    same = "Backups are kept in a fire-proof room."
    draft = drafted(library, claim("b.md", 3, 3, same), claim("b.md", 3, 3, same, "q1.2"))
    verdict = review(draft, library)
    assert [(fault.kind, fault.claim) for fault in verdict.faults] == [("repeated", "q1.2")]
    assert [each.id for each in revise(draft, verdict, library).sections[0].claims] == ["q1.1"]


def test_a_section_that_pretends_is_hollow_and_ends_as_unanswered(tmp_path: Path) -> None:
    library = open_library(folder(tmp_path, BACKUPS))
    draft = drafted(library)
    verdict = review(draft, library)
    assert [fault.kind for fault in verdict.faults] == ["hollow"]
    revised = revise(draft, verdict, library)
    assert review(revised, library).ok
    assert "## What could not be answered" in render(revised, review(revised, library))


def test_a_conflict_whose_side_is_invented_is_taken_out(tmp_path: Path) -> None:
    library = open_library(folder(tmp_path, BACKUPS))
    good = claim("b.md", 3, 3, "Backups are kept in a fire-proof room.")
    invented = Conflict(
        replace(good, id="q1.c0l"),
        claim("b.md", 3, 3, "Backups are kept in a cellar.", "q1.c0r"),
        "room against cellar",
    )
    draft = replace(drafted(library, good), conflicts=(invented,))
    verdict = review(draft, library)
    assert [fault.claim for fault in verdict.faults] == ["q1.c0r"]
    assert revise(draft, verdict, library).conflicts == ()


def test_objections_that_remain_are_listed(tmp_path: Path) -> None:
    library = open_library(folder(tmp_path, BACKUPS))
    draft = drafted(library, claim("gone.md", 1, 1, "Backups are kept."))
    report = render(draft, review(draft, library))
    assert "## What the reviewer still objects to" in report
    assert "`gone.md:1`: there is no document 'gone.md'; cite a document of the folder." in report


def test_what_the_roles_hand_over_survives_json(tmp_path: Path) -> None:
    library = open_library(folder(tmp_path, SERVICES))
    draft = first_draft("On which port does the orders service listen? Who owns each service?", library)
    answers = [research(question, library) for question in plan("How long are backups kept?", library)]
    for value, kind in ((draft, Draft), (review(draft, library), Verdict), (answers, list[Answer])):
        adapter: TypeAdapter[object] = TypeAdapter(kind)
        assert adapter.validate_python(json.loads(adapter.dump_json(value))) == value


def test_thousands_of_files_are_read_and_searched(tmp_path: Path) -> None:
    for number in range(5_000):
        text = f"# Component {number}\n\nComponent {number} stores its data in table t{number}.\n\nIt is new.\n"
        (tmp_path / f"c{number:04}.md").write_text(text)
    report = draft_report("In which table does component 4321 store its data?", tmp_path)
    assert "“Component 4321 stores its data in table t4321.” (`c4321.md:3`)" in report


RELAY = {
    "relay.md": """# Relay

Relay is a small message server. The server listens on port 4000 by default and serves up to four tenants.

## Durability

Relay writes every message to a log before it answers, and survives any crash.
Recovery replays the log, which takes two seconds per gigabyte.
""",
    "api.md": """# Session service

The gateway keeps sessions for 30 minutes.
User passwords are hashed with bcrypt.
The service needs a PostgreSQL database.
""",
    "ops.md": "# Operations\n\nSessions expire after 45 minutes.\nPasswords are stored in plain text.\n",
    "mods.md": "# Modules\n\n" + "\n\n".join(f"Module {n} listens on port {n + 1000}." for n in (4711, 3711)) + "\n",
    "moving.md": "# Moving\n\nRebase local branches rather than merge them.\n\nThe icons are rather crude.\n",
}
MANUAL = {
    "variable/CMAKE_CXX_STANDARD.rst": "CMAKE_CXX_STANDARD\n------------------\n\n"
    "Default value for :prop_tgt:`CXX_STANDARD` target property if set when a target is created.\n",
    "variable/CUDA_RUNTIME.rst": "CUDA_RUNTIME\n------------\n\nControls which CUDA library C++ code links.\n",
    "command/link_all.rst": "link_all\n--------\n\nSpecify libraries to use when linking a target.\n",
    "policy/P1.rst": "P1\n--\n\nPlain and keyword :command:`link_all` signatures cannot be mixed.\n",
}


@pytest.mark.parametrize(
    ("goal", "quoted"),
    [
        ("When should I rebase rather than merge?", ["Rebase local branches rather than merge them."]),
        ("How many tenants can it serve?", ["serves up to four tenants."]),
        ("How many users can it serve?", []),
        ("How many servers listen?", []),
        ("How does it recover from a crash?", ["survives any crash.", "Recovery replays the log"]),
        ("How fast is recovery?", ["two seconds per gigabyte"]),
        ("What is the retention of unicorns?", []),
        ("How long are passwords stored?", []),
        ("How do sessions hibernate?", []),
        ("Which database does it need?", ["The service needs a PostgreSQL database."]),
        ("On which port does module 4711 listen?", ["Module 4711 listens on port 5711."]),
    ],
)
def test_a_question_is_answered_by_what_speaks_about_it_and_by_nothing_else(
    tmp_path: Path, goal: str, quoted: list[str]
) -> None:
    report = draft_report(goal, folder(tmp_path, RELAY))
    found = [quote["text"] for quote in QUOTED.finditer(report)]
    assert len(found) == len(quoted)
    assert all(any(words in text for text in found) for words in quoted)
    assert ("The question is answered" in report) is bool(quoted)
    assert "These come nearest" not in report
    assert ("could not be answered" in report) is not bool(quoted)


@pytest.mark.parametrize(
    ("goal", "difference"),
    [("How long do sessions live?", "30 against 45"), ("How are passwords stored?", "both cannot be true")],
)
def test_a_contradiction_in_other_words_than_the_question_is_shown(tmp_path: Path, goal: str, difference: str) -> None:
    assert difference in draft_report(goal, folder(tmp_path, RELAY))


def test_things_with_numbers_for_names_do_not_contradict_each_other(tmp_path: Path) -> None:
    assert "disagree" not in draft_report("On which port does each module listen?", folder(tmp_path, RELAY))


def test_a_reference_is_searched_by_the_words_in_its_names_and_titles(tmp_path: Path) -> None:
    place = folder(tmp_path, MANUAL)
    found = [
        quote["path"] for quote in QUOTED.finditer(draft_report("Which variables control the C++ standard?", place))
    ]
    assert found == ["variable/CMAKE_CXX_STANDARD.rst"]
    report = draft_report("What does link_all do?", place)
    assert "“Specify libraries to use when linking a target.” (`command/link_all.rst:4`)" in report


def test_the_unanswered_are_listed_as_questions_and_without_words_of_others(tmp_path: Path) -> None:
    report = draft_report("Which port does the server use, and who maintains it?", folder(tmp_path, RELAY))
    assert "- Who maintains it? The documents nowhere mention “maintains”." in report


def test_words_that_weigh_things_against_each_other_are_no_keywords() -> None:
    assert keywords("When should I rebase rather than merge, instead of either?") == ("rebase", "merge")


def test_a_difference_is_one_question_about_both(tmp_path: Path) -> None:
    questions = plan("What is the difference between orders and billing?", open_library(folder(tmp_path, SERVICES)))
    assert [question.terms for question in questions] == [("orders", "billing")]
    questions = plan(
        "What is the difference between the port and the owner of the service?",
        open_library(folder(tmp_path, SERVICES)),
    )
    assert [question.terms for question in questions] == [("port", "owner", "service")]
