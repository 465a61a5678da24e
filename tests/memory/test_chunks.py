from hypothesis import given
from hypothesis import strategies as st

from stretto.memory.chunks import chunks

TEXT = st.text(st.sampled_from("ab .\n。 日e\u0301👩\u200d"), max_size=200)


@given(TEXT, st.integers(1, 40))
def test_the_pieces_are_the_text_and_each_fits(text: str, room: int) -> None:
    pieces = chunks(text, room, len)
    assert "".join(pieces) == text
    assert all(0 < len(piece) <= room for piece in pieces)


def test_a_cut_is_made_where_it_hurts_least() -> None:
    assert chunks("One two.\n\nThree four. Five.", 18, len) == ["One two.\n\n", "Three four. Five."]
    assert chunks("Three four. Five six.", 14, len) == ["Three four. ", "Five six."]
    assert chunks("私は猫。名前は無い。", 6, len) == ["私は猫。", "名前は無い。"]
    assert chunks("one two three", 8, len) == ["one two ", "three"]
    assert chunks("e\u0301e\u0301e\u0301", 3, len) == ["e\u0301", "e\u0301", "e\u0301"]


def test_a_million_letters_without_a_gap_are_cut_in_a_moment() -> None:
    assert len(chunks("x" * 1_000_000, 1_000, len)) == 1_000


def test_nothing_gives_no_piece() -> None:
    assert chunks("", 10, len) == []
