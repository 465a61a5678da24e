import pytest
from hypothesis import given
from hypothesis import strategies as st

from stretto.memory.documents import Document, DocumentKind
from stretto.memory.html import html_text
from stretto.memory.passages import Passage, cut, sentences
from stretto.memory.quotes import stands_at

MARKDOWN = """# Title

First paragraph, wrapped
over two lines. See e.g. the guide. Version 1.2.3 is out.

## Lists

- **License:** MIT
- An item that is
  wrapped.

| Plan | Price |
| --- | --- |
| Basic | 5 EUR |

```python
# not a heading
x = 1
```
"""


def passages(text: str, kind: DocumentKind = "markdown", path: str = "a.md") -> list[Passage]:
    return cut(Document(path, kind, text))


def texts(text: str) -> list[str]:
    return [each.text for each in sentences(Passage("a.txt", "prose", 1, text))]


def test_markdown_is_cut_by_its_blocks_under_their_headings() -> None:
    found = [(each.kind, each.first, each.last, each.section) for each in passages(MARKDOWN)]
    assert found == [
        ("heading", 1, 1, ("Title",)),
        ("prose", 3, 4, ("Title",)),
        ("heading", 6, 6, ("Title", "Lists")),
        ("fact", 8, 8, ("Title", "Lists")),
        ("item", 9, 10, ("Title", "Lists")),
        ("row", 14, 14, ("Title", "Lists")),
        ("code", 17, 18, ("Title", "Lists")),
    ]


def test_a_key_and_a_value_become_a_fact_and_a_row_keeps_its_header() -> None:
    by_kind = {each.kind: each for each in passages(MARKDOWN)}
    assert (by_kind["fact"].label, by_kind["fact"].text) == ("License", "MIT")
    assert (by_kind["row"].label, by_kind["row"].text) == ("Plan | Price", "Basic | 5 EUR")


def test_hard_wrapped_lines_are_joined_and_each_sentence_has_its_lines() -> None:
    cut_sentences = [(each.text, each.first, each.last) for each in sentences(passages(MARKDOWN)[1])]
    assert cut_sentences == [
        ("First paragraph, wrapped over two lines.", 3, 4),
        ("See e.g. the guide.", 4, 4),
        ("Version 1.2.3 is out.", 4, 4),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It uses port 80. The end.", ["It uses port 80.", "The end."]),
        ("Ask Dr. Smith, i.e. the owner. He knows.", ["Ask Dr. Smith, i.e. the owner.", "He knows."]),
        ("See https://example.org/a.b for more. Done!", ["See https://example.org/a.b for more.", "Done!"]),
        ("これは文です。次の文です！終わり？", ["これは文です。", "次の文です！", "終わり？"]),
        ("「はい。」と言った。次。", ["「はい。」と言った。", "次。"]),
        ("यह पहला वाक्य है। यह दूसरा है।", ["यह पहला वाक्य है।", "यह दूसरा है।"]),
        ("هل هذا سؤال؟ نعم.", ["هل هذا سؤال؟", "نعم."]),
        ("**Never do it. It is bad.** Right.", ["**Never do it. It is bad.**", "Right."]),
    ],
)
def test_sentences_end_where_their_script_ends_them(text: str, expected: list[str]) -> None:
    assert texts(text) == expected


def test_japanese_lines_are_joined_without_a_space() -> None:
    assert texts("この文は二行に\nわたります。") == ["この文は二行にわたります。"]


def test_restructured_text_levels_follow_the_order_of_their_signs() -> None:
    text = "Top\n===\n\nSub\n---\n\nThe text follows::\n\n    code()\n\n.. note:: Mind this.\n\n:author: Ann\n"
    found = passages(text, "rst", "a.rst")
    assert found[2].section == ("Top", "Sub")
    assert [(each.kind, each.text) for each in found if each.kind in ("code", "fact")] == [
        ("code", "code()"),
        ("fact", "Ann"),
    ]


def test_metadata_headers_are_facts_and_the_description_after_them_is_prose() -> None:
    text = "Name: demo\nLicense: MIT\nClassifier: A\nClassifier: B\n\n# Demo\n\nDemo does things.\n"
    found = passages(text, "metadata", "METADATA")
    assert [(each.label, each.text) for each in found if each.kind == "fact"] == [
        ("Name", "demo"),
        ("License", "MIT"),
        ("Classifier", "A"),
        ("Classifier", "B"),
    ]
    assert found[-1].text == "Demo does things."
    assert found[-1].first == 8


def test_nested_keys_of_data_files_have_their_tables_as_section() -> None:
    yaml = passages("# Limits.\norders:\n  timeout: 5s\nname: x\n", "data", "a.yaml")
    assert [(each.kind, each.section, each.label, each.text) for each in yaml] == [
        ("comment", (), "", "Limits."),
        ("fact", ("orders",), "timeout", "5s"),
        ("fact", (), "name", "x"),
    ]
    toml = passages('[project]\nname = "demo"\n', "data", "pyproject.toml")
    assert [(each.section, each.label, each.text) for each in toml] == [(("project",), "name", "demo")]


def test_source_code_gives_its_comments_and_docstrings_under_the_names_around_them() -> None:
    source = (
        'class Client:\n    """Talks to the server.\n\n    Retries twice.\n    """\n\n'
        "    def send(self):\n        # Wait first.\n        pass\n"
    )
    found = passages(source, "code", "client.py")
    assert [(each.kind, each.first, each.section, each.text) for each in found if each.kind == "comment"] == [
        ("comment", 2, ("Client",), "Talks to the server."),
        ("comment", 4, ("Client",), "Retries twice."),
        ("comment", 8, ("Client", "send"), "Wait first."),
    ]


def test_c_comments_lose_their_stars() -> None:
    found = passages("/*\n * Opens the file.\n */\nint open(void);\n// Closes it.\n", "code", "a.c")
    assert [(each.first, each.text) for each in found] == [(2, "Opens the file."), (5, "Closes it.")]


def test_html_blocks_of_one_line_are_passages_of_their_own() -> None:
    source = "<h1>Title</h1>\n<p>One.</p><p>Two\nlines.</p>\n<table><tr><th>A</th>\n<td>B</td></tr></table>"
    found = passages(html_text(source), "html", "a.html")
    assert [(each.kind, each.first, each.last, each.text) for each in found] == [
        ("heading", 1, 1, "Title"),
        ("prose", 2, 2, "One."),
        ("prose", 2, 3, "Two\nlines."),
        ("row", 4, 5, "A\n| B"),
    ]


LINES = st.lists(
    st.sampled_from(
        [
            *(
                "",
                "# H",
                "Text one. Text two.",
                "  indented",
                "- item",
                "1. first",
                "| a | b |",
                "| --- | --- |",
                "```",
            ),
            *(
                "===",
                "---",
                "Key: value",
                ".. note::",
                ".. code::",
                ":field: x",
                "> quoted.",
                "::",
                "Lead:",
                "term::",
                "-----",
                "[verse]",
                "+",
                "Args:",
                "    name (str): what",
                "日本語。",
            ),
            *("<!--", "-->", "    code()", "+--+--+", "=== ===", "/* c", "*/", "# c", "// c", '"""doc', '"""'),
            *("def f():", "a: {", "}"),
        ]
    ),
    max_size=30,
)


@given(LINES, st.sampled_from(["markdown", "rst", "text", "metadata", "data", "code", "table"]))
def test_every_passage_and_sentence_of_any_document_stands_where_it_says(lines: list[str], kind: DocumentKind) -> None:
    document = Document("a.py" if kind == "code" else "a", kind, "\n".join(lines))
    for passage in cut(document):
        assert 1 <= passage.first <= passage.last <= len(lines)
        for sentence in sentences(passage):
            assert stands_at(document, sentence.text, sentence.first, sentence.last)


def test_asciidoc_lists_terms_as_headings_and_keeps_listings_out_of_prose() -> None:
    text = """git-undo(1)
===========

OPTIONS
-------
-r::
--rebase[=false]::
	Go on top of the other branch after fetching.
+
Without it the branches are merged as they are.

[verse]
-----------------
$ git undo HEAD~5
-----------------

Nothing else is done by it.
"""
    passages = cut(Document("git-undo.txt", "text", text))
    said = [(each.text, each.section[-1]) for each in passages if each.kind == "prose"]
    assert said[:2] == [
        ("Go on top of the other branch after fetching.", "--rebase[=false]"),
        ("Without it the branches are merged as they are.", "--rebase[=false]"),
    ]
    assert [each.text for each in passages if each.kind == "code"] == ["$ git undo HEAD~5"]


def test_arguments_in_googles_style_are_facts() -> None:
    source = '''def fetch():
    """Fetch it.

    Args:
        retries (int): How often it is tried again. Defaults to 3.
        timeout:
            Seconds to wait at most.
            Defaults to 20.
    """
'''
    passages = cut(Document("a.py", "code", source))
    facts = [(each.label, each.text, each.first) for each in passages if each.kind == "fact"]
    assert facts == [
        ("retries", "How often it is tried again. Defaults to 3.", 5),
        ("timeout", "Seconds to wait at most.\nDefaults to 20.", 7),
    ]
