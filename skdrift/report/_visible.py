r"""Strings that others wrote, made safe to show: escaped, cut and measured.

Column names, categories and messages come from data. Whatever would move the
cursor, colour the terminal, hide, reorder or fail to encode is shown as the
escape that Python writes for it (``\x1b``, ``\u202e``, ``\ud800``).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Final

NAME_LENGTH: Final = 200
SENTENCE_LENGTH: Final = 600
LISTED: Final = 5
UNBROKEN: Final = "\xa0"
_CUT: Final = "..."
_LEAST_ROOM: Final = 10

# Code points that `str.isprintable` accepts although they have no ink: combining
# grapheme joiner, Hangul and Khmer fillers, Mongolian and other variation selectors,
# the blank Braille pattern.
_INKLESS: Final = frozenset(
    chr(point)
    for span in (
        range(0x034F, 0x0350),
        range(0x115F, 0x1161),
        range(0x17B4, 0x17B6),
        range(0x180B, 0x1810),
        range(0x2800, 0x2801),
        range(0x3164, 0x3165),
        range(0xFE00, 0xFE10),
        range(0xFFA0, 0xFFA1),
        range(0xE0100, 0xE01F0),
    )
    for point in span
)

# Wide for terminals, but narrow in the Unicode tables of some Python that we support:
# trigrams, hexagrams, counting rods (wide since Unicode 16), halves of flags.
_WIDE: Final = frozenset(
    chr(point)
    for span in (
        range(0x2630, 0x2638),
        range(0x268A, 0x2690),
        range(0x4DC0, 0x4E00),
        range(0x1D300, 0x1D357),
        range(0x1D360, 0x1D377),
        range(0x1F1E6, 0x1F200),
    )
    for point in span
)


def visible(text: str, limit: int = NAME_LENGTH) -> str:
    """`text` on one line, without invisible characters, of at most `limit` characters.

    Parameters
    ----------
    text : str
        Any string, lone surrogates and control characters included.
    limit : int, default=200
        Length of the answer in characters; what is cut ends in ``"..."``.

    Returns
    -------
    str
        Can be encoded as UTF-8.
    """
    escaped = "".join(
        char
        if char.isprintable() and char not in _INKLESS
        else char.encode("unicode_escape").decode("ascii")
        for char in text[: limit + 1]
    )
    if len(escaped) <= limit:
        return escaped
    return escaped[: limit - len(_CUT)] + _CUT


def encodable(text: str) -> str:
    """`text` with every lone surrogate as its escape, and nothing else changed."""
    return str(text).encode("utf-8", "backslashreplace").decode("utf-8")


def visible_name(name: str, limit: int = NAME_LENGTH) -> str:
    """`name` as `visible` shows it, in quotes where its ends could not be seen."""
    shown = visible(name, limit)
    if not name or name != name.strip():
        return f"'{shown}'"
    return shown


def display_width(text: str) -> int:
    """Terminal columns that `text` takes: 2 for wide characters, 0 for combining ones.

    Characters of ambiguous width count 1, as terminals outside East Asian legacy
    encodings show them.
    """
    if text.isascii():
        return len(text)
    return sum(_char_width(char) for char in text)


def cut_to_width(text: str, width: int) -> str:
    """`text` in at most `width` terminal columns; what is cut ends in ``"..."``."""
    if display_width(text) <= width:
        return text
    return _leading(text, width - len(_CUT)) + _CUT


def name_list(names: Sequence[str], width: int = 80) -> str:
    """List the first five `names`, and how many more there are.

    Parameters
    ----------
    names : sequence of str
        As they are in the data.
    width : int, default=80
        Terminal columns of the list, at least 80; names are cut, all to the same
        width, until it fits.
    """
    shown = [visible_name(name) for name in names[:LISTED]]
    hidden = len(names) - LISTED
    tail = f" and {hidden:,} more" if hidden > 0 else ""
    for room in range(width, _LEAST_ROOM - 1, -1):
        listed = ", ".join(cut_to_width(name, room) for name in shown) + tail
        if display_width(listed) <= width:
            return listed
    return listed


def wrap(text: str, *, first: str, rest: str, width: int) -> list[str]:
    """Lines of at most `width` terminal columns, broken at blanks where possible.

    Parameters
    ----------
    text : str
        Escaped by `visible`. Where it is `UNBROKEN` (which `visible` escapes), a
        blank is written and the line not broken.
    first, rest : str
        What the first line and the others begin with; narrower than `width`.
    width : int
        Terminal columns of a line.
    """
    lines: list[str] = []
    line, empty = first, True
    for word in text.split(" "):
        blank = "" if empty else " "
        if not empty and display_width(line + blank + word) > width:
            lines.append(line)
            line, blank = rest, ""
        line += blank + word
        empty = False
        while display_width(line) > width:
            head = _leading(line, width)
            lines.append(head)
            line = rest + line[len(head) :]
    return [line.rstrip().replace(UNBROKEN, " ") for line in [*lines, line]]


def _char_width(char: str) -> int:
    if unicodedata.category(char) in ("Mn", "Me"):
        return 0
    wide = unicodedata.east_asian_width(char) in ("W", "F") or char in _WIDE
    return 2 if wide else 1


def _leading(text: str, width: int) -> str:
    used = 0
    for position, char in enumerate(text):
        used += _char_width(char)
        if used > width:
            return text[:position]
    return text
