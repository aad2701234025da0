from hypothesis import given
from hypothesis import strategies as st

from explorer.tui.widgets.sheet import row_width, wrapped
from tests.strategies import texts


def text_of(rows: list) -> list[str]:  # type: ignore[type-arg]
    return ["".join(text for text, _ in row) for row in rows]


def test_text_is_broken_at_spaces() -> None:
    assert text_of(wrapped("hello there big world", 11)) == ["hello there", "big world"]
    assert text_of(wrapped("step by step", 10, "plain", "• ", "  ")) == ["• step by", "  step"]


def test_words_too_long_are_broken_anywhere() -> None:
    assert text_of(wrapped("abcdefghij", 4)) == ["abcd", "efgh", "ij"]
    assert text_of(wrapped("日本語テキスト", 5)) == ["日本", "語テ", "キス", "ト"]


def test_indented_lines_stay_indented() -> None:
    assert text_of(wrapped('{\n  "a": 1\n}', 20)) == ["{", '  "a": 1', "}"]


@given(texts(80), st.integers(2, 30))
def test_no_row_is_wider_than_allowed(text: str, width: int) -> None:
    assert all(row_width(row) <= width for row in wrapped(text, width))


def test_a_line_of_a_megabyte_does_not_take_forever() -> None:
    assert len(wrapped("x" * 1_000_000, 100)) == 10_000
