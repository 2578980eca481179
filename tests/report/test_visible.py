from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skdrift.report._visible import (
    UNBROKEN,
    cut_to_width,
    display_width,
    encodable,
    name_list,
    visible,
    visible_name,
    wrap,
)

ANY_TEXT = st.text(st.characters())


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("temp", "temp"),
        ("気温 é ß Ж", "気温 é ß Ж"),
        ("a\nb\tc\rd", r"a\nb\tc\rd"),
        ("a\0b", r"a\x00b"),
        ("\x1b[31m", r"\x1b[31m"),
        ("\u202ex", r"\u202ex"),
        ("a\u200bb", r"a\u200bb"),
        ("a\ufe0fb", r"a\ufe0fb"),
        ("a\u3164b", r"a\u3164b"),
        ("a\u00a0b", r"a\xa0b"),
        ("\ud800", r"\ud800"),
        ("\U0001f600", "\U0001f600"),
        ("\\", "\\"),
    ],
)
def test_only_what_cannot_be_seen_is_escaped(text: str, shown: str) -> None:
    assert visible(text) == shown


@given(ANY_TEXT)
def test_visible_text_is_one_printable_line_that_utf8_can_encode(text: str) -> None:
    shown = visible(text)
    assert shown.isprintable()
    assert len(shown) <= 200
    shown.encode("utf-8")


@given(ANY_TEXT)
def test_seeing_twice_changes_nothing(text: str) -> None:
    assert visible(visible(text)) == visible(text)


@pytest.mark.parametrize("length", [199, 200, 201, 10_000])
def test_names_are_cut_to_200_characters(length: int) -> None:
    shown = visible("x" * length)
    assert shown == ("x" * length if length <= 200 else "x" * 197 + "...")


def test_cutting_counts_the_escapes() -> None:
    assert len(visible("\0" * 100)) == 200


@pytest.mark.parametrize("name", ["", " ", " a", "a ", "\u3000a"])
def test_names_with_invisible_ends_stand_in_quotes(name: str) -> None:
    assert visible_name(name) == f"'{visible(name)}'"


@given(ANY_TEXT)
def test_encodable_text_changes_only_where_utf8_fails(text: str) -> None:
    safe = encodable(text)
    safe.encode("utf-8")
    if not any("\ud800" <= char <= "\udfff" for char in text):
        assert safe == text


@pytest.mark.parametrize(
    ("text", "width"),
    [
        ("abc", 3),
        ("気温", 4),
        ("e\u0301", 1),
        ("\U0001f600", 2),
        ("ｱ", 1),
        ("\uff21", 2),
    ],
)
def test_width_is_counted_in_terminal_columns(text: str, width: int) -> None:
    assert display_width(text) == width


@given(ANY_TEXT, st.integers(4, 50))
def test_cut_text_fits(text: str, width: int) -> None:
    assert display_width(cut_to_width(text, width)) <= width


def test_text_that_fits_is_not_cut() -> None:
    assert cut_to_width("気温", 4) == "気温"
    assert cut_to_width("気温気温", 7) == "気温..."


@pytest.mark.parametrize(
    ("names", "listed"),
    [
        ([], ""),
        (["a"], "a"),
        (["a", "b"], "a, b"),
        (list("abcde"), "a, b, c, d, e"),
        (list("abcdefg"), "a, b, c, d, e and 2 more"),
        ([f"x{i}" for i in range(5000)], "x0, x1, x2, x3, x4 and 4,995 more"),
    ],
)
def test_at_most_five_names_are_listed(names: list[str], listed: str) -> None:
    assert name_list(names) == listed


@given(st.lists(ANY_TEXT, max_size=8))
def test_a_list_of_names_fits(names: list[str]) -> None:
    assert display_width(name_list(names)) <= 80


def test_a_long_name_is_cut_no_more_than_the_list_needs() -> None:
    assert name_list(["x" * 80]) == "x" * 80
    assert name_list(["x" * 90, "y"]) == "x" * 74 + "..., y"


@given(ANY_TEXT, st.integers(10, 60))
def test_wrapped_lines_fit_and_lose_nothing_but_blanks(text: str, width: int) -> None:
    text = visible(text)
    lines = wrap(text, first="- ", rest="  ", width=width)
    assert all(display_width(line) <= width for line in lines)
    assert "".join(lines).replace(" ", "").removeprefix("-") == text.replace(" ", "")


def test_lines_break_at_blanks() -> None:
    lines = wrap("one two three", first="> ", rest="  ", width=9)
    assert lines == ["> one two", "  three"]


def test_unbroken_blanks_are_written_as_blanks_and_not_broken() -> None:
    text = f"one two{UNBROKEN}three"
    assert wrap(text, first="", rest="", width=10) == ["one", "two three"]
