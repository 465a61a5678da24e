import os
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stretto.core.errors import UsageError
from stretto.memory.documents import LARGEST_FILE, fingerprint, read_documents
from stretto.memory.encoding import decode
from stretto.memory.html import BLOCK_END, html_text

JAPANESE = "保証期間は購入日から二十四か月です。バッテリーは消耗品のため除きます。\n"


def test_documents_are_read_in_the_order_of_their_paths_with_forward_slashes(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    for name in ("z.md", "a.txt", "b/c.rst"):
        (tmp_path / name).write_text("Some text.\n")
    assert [document.path for document in read_documents(tmp_path).documents] == ["a.txt", "b/c.rst", "z.md"]


def test_a_single_file_is_read_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "notes.md").write_text("# Notes\n")
    assert [document.path for document in read_documents(tmp_path / "notes.md").documents] == ["notes.md"]


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (JAPANESE, "utf-8"),
        (JAPANESE, "utf-8-sig"),
        (JAPANESE, "utf-16"),
        (JAPANESE, "cp932"),
        (JAPANESE, "euc_jp"),
        (JAPANESE, "iso2022_jp"),
        ("Grüße aus Köln, schöne Straßen und ein Café.\n", "latin-1"),
        ("Все права защищены и принадлежат владельцу.\n", "cp1251"),
        ("Все права защищены и принадлежат владельцу.\n", "koi8-r"),
        ("본 소프트웨어는 자유롭게 사용할 수 있습니다.\n", "euc_kr"),
        ("本软件可以自由使用和修改，但是不提供任何保证。\n", "gb18030"),
    ],
)
def test_text_is_read_in_the_encoding_it_was_written_in(text: str, encoding: str) -> None:
    assert decode(text.encode(encoding)) == text


@given(st.binary(max_size=400))
def test_any_bytes_are_text_or_binary_and_never_an_error(data: bytes) -> None:
    assert decode(data) is None or isinstance(decode(data), str)


def test_what_is_not_read_is_named_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "good.md").write_text("Good.\n")
    (tmp_path / "image.png").write_bytes(b"\x89PNG\x00\x00" * 20)
    (tmp_path / "empty.txt").write_text(" \n")
    (tmp_path / "huge.txt").write_text("word " * (LARGEST_FILE // 5 + 1))
    (tmp_path / "min.js").write_text("a" * 30_000)
    (tmp_path / ".git").mkdir()
    (tmp_path / "node_modules").mkdir()
    (tmp_path / "env").mkdir()
    (tmp_path / "env" / "pyvenv.cfg").write_text("home = nowhere\n")
    reasons = {skip.path: skip.reason.partition(" (")[0] for skip in read_documents(tmp_path).skipped}
    assert reasons == {
        ".git": "hidden",
        "empty.txt": "empty",
        "env": "a cache or environment",
        "huge.txt": "too large",
        "image.png": "binary",
        "min.js": "machine-made",
        "node_modules": "a cache or environment",
    }


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")
def test_a_link_is_not_followed_out_of_the_folder_nor_read_twice(tmp_path: Path) -> None:
    outside = tmp_path / "outside.md"
    outside.write_text("Secret.\n")
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "a.md").write_text("Here.\n")
    (folder / "escape.md").symlink_to(outside)
    (folder / "same.md").symlink_to(folder / "a.md")
    (folder / "loop").symlink_to(folder)
    reading = read_documents(folder)
    assert [document.path for document in reading.documents] == ["a.md"]
    assert {skip.path for skip in reading.skipped} == {"escape.md", "same.md", "loop"}


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_file_is_skipped_as_unreadable(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("Here.\n")
    (tmp_path / "locked.md").write_text("No.\n")
    (tmp_path / "locked.md").chmod(0)
    assert "unreadable" in read_documents(tmp_path).skipped[0].reason


def test_a_missing_empty_or_binary_folder_is_a_usage_error_that_names_it_and_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"nowhere.*does not exist.*check the path"):
        read_documents(tmp_path / "nowhere")
    with pytest.raises(UsageError, match=r"is empty; put documents into it"):
        read_documents(tmp_path)
    (tmp_path / "image.png").write_bytes(b"\x89PNG\x00")
    with pytest.raises(UsageError, match=r"1 binary.*name a folder with text"):
        read_documents(tmp_path)


def test_lines_are_counted_as_an_editor_counts_them(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("one\r\ntwo\rthree\nfour\x0cstill four\u2028still four\nfive".encode())
    lines = read_documents(tmp_path).documents[0].lines
    assert lines == ["one", "two", "three", "four\x0cstill four\u2028still four", "five"]


def test_html_keeps_the_lines_of_its_source_and_drops_what_no_reader_sees() -> None:
    source = (
        "<html><head><title>T</title>\n<script>\nvar x = '<p>no</p>';\n</script></head>\n"
        "<nav>Home\n</nav><body><p>First\nparagraph &amp; more.</p><p>Second.</p>\n"
        "<a\nhref='x'>Link</a> end.</body></html>"
    )
    text = html_text(source)
    assert text.count("\n") == source.count("\n")
    lines = text.split("\n")
    assert "First" in lines[5]
    assert "paragraph & more." in lines[6]
    assert "Second." in lines[6]
    assert "Link end." in lines[8]
    assert "no" not in text.replace(BLOCK_END, " ").split()
    assert "Home" not in text


@given(
    st.lists(
        st.sampled_from(
            ["<p>", "</p>", "<li>", "text ", "\n", "<pre>", "</pre>", "<td>", "<nav>", "</nav>", "<!--", "-->", "<"]
        )
    )
)
def test_html_text_never_has_more_lines_than_its_source(parts: list[str]) -> None:
    source = "".join(parts)
    assert html_text(source).count("\n") <= source.count("\n")


def test_a_change_of_a_file_changes_the_fingerprint(tmp_path: Path) -> None:
    file = tmp_path / "a.md"
    file.write_text("One.\n")
    before = fingerprint(tmp_path)
    assert fingerprint(tmp_path) == before
    file.write_text("One, two.\n")
    assert fingerprint(tmp_path) != before
