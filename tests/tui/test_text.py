import unicodedata

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from explorer.tui.text import clean, clean_block, crop, crop_middle, encodable, fit
from tests.strategies import texts

anything = texts(60, surrogates=True)


def harmless(text: str) -> bool:
    return all(unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Zl", "Zp") for char in text)


@given(anything)
def test_cleaned_text_holds_nothing_that_a_terminal_obeys_or_hides(text: str) -> None:
    assert harmless(clean(text))


def test_of_all_characters_that_there_are_none_is_left_that_a_terminal_obeys_or_hides() -> None:
    assert harmless(clean("".join(map(chr, range(0x110000)))))


@given(anything)
def test_cleaning_twice_changes_nothing_more(text: str) -> None:
    assert clean(clean(text)) == clean(text)


@given(anything)
def test_cleaned_text_can_be_written_to_a_terminal(text: str) -> None:
    clean(text).encode("utf-8")
    encodable(text).encode("utf-8")


@given(anything, st.integers(0, 40))
def test_fitted_text_takes_exactly_its_cells(text: str, width: int) -> None:
    assert cell_len(fit(text, width)) == width
    assert cell_len(fit(text, width, "right")) == width
    assert cell_len(crop(text, width)) <= width


@given(anything)
def test_a_block_keeps_its_lines_and_nothing_else_of_the_controls(text: str) -> None:
    assert harmless(clean_block(text).replace("\n", ""))


def test_controls_become_pictures() -> None:
    assert clean("a\x1b]52;c;ZXZpbA==\x07b") == "a␛]52;c;ZXZpbA==␇b"
    assert clean("one\ntwo\tthree") == "one⏎two⇥three"
    assert clean("\x9b31m") == "\ufffd31m"
    assert clean("abc\u202edcba") == "abc\ufffddcba"
    assert clean("half \ud800 pair") == "half \ufffd pair"


def test_markup_is_text() -> None:
    assert clean("[/foo] [bold]x[/]") == "[/foo] [bold]x[/]"


def test_wide_characters_are_cut_between_cells() -> None:
    assert crop("日本語テキスト", 6) == "日本…"
    assert fit("日本語テキスト", 6) == "日本… "
    assert crop("agent_001", 6) == "agent…"
    assert crop("agent", 5) == "agent"


def test_a_block_keeps_line_ends() -> None:
    assert clean_block("a\r\n\tb\x1b") == "a\n    b␛"


def test_names_that_are_told_apart_by_their_ends_lose_their_middle() -> None:
    assert crop_middle("e315beca-fac4 › main", 12) == "e315b…› main"
    assert crop_middle("main", 12) == "main"
    assert cell_len(crop_middle("日本語日本語日本語", 9)) <= 9
