"""Texts that are no categories: counted by length and by shape, never by value."""

from __future__ import annotations

import unicodedata
from collections import Counter

import numpy as np

from skdrift._core.cells import Levels, display_key

MOST_LEVELS = 10_000
LONGEST = 64
TEXTS_AT_A_TIME = 20_000


def is_text(counts: dict[str, int]) -> bool:
    """Whether levels are too many to be categories.

    They are if there are more than 10,000, or more than 50 that on average occur
    less than twice.
    """
    n_levels = len(counts)
    return n_levels > MOST_LEVELS or (
        n_levels > 50 and 2 * n_levels > sum(counts.values())
    )


class _Marks(dict[int, int]):
    """Mark of each character, worked out when it is first met."""

    def __missing__(self, code: int) -> int:
        category = unicodedata.category(chr(code))
        mark = {"L": "a", "N": "9"}.get(category[0])
        mark = "A" if category in ("Lu", "Lt") else mark
        self[code] = code if mark is None else ord(mark)
        return self[code]


_MARKS = _Marks()


def text_shapes(texts: list[str]) -> list[str]:
    """Pattern of each text: letters to ``a`` and ``A``, digits to ``9``, runs to ``+``.

    The first 64 characters of a text are looked at.

    >>> text_shapes(["AB-1234 x"])
    ['A+-9+ a']
    """
    cut = [text[:LONGEST] for text in texts]
    ends = np.cumsum([len(text) for text in cut], dtype=np.int64)
    marked = "".join(cut).translate(_MARKS)
    codes = np.frombuffer(
        marked.encode("utf-32-le", "surrogatepass"), dtype=np.uint32
    ).copy()
    again = np.zeros(len(codes), dtype=bool)
    again[1:] = codes[1:] == codes[:-1]
    again[ends[ends < len(codes)]] = False
    run_goes_on = again.copy()
    run_goes_on[1:] &= again[:-1]
    codes[again] = ord("+")
    kept = ~run_goes_on
    stops = np.concatenate([[0], np.cumsum(kept)])[ends].tolist()
    joined = codes[kept].tobytes().decode("utf-32-le", "surrogatepass")
    starts = [0, *stops][:-1]
    return [joined[start:stop] for start, stop in zip(starts, stops, strict=True)]


def text_aspects(counts: dict[str, int]) -> tuple[np.ndarray, dict[str, int]]:
    """Lengths (one for each row) and counts of shapes of a column of texts."""
    texts = [display_key(key) for key in counts]
    times = np.fromiter(counts.values(), dtype=np.int64, count=len(texts))
    lengths = np.repeat(np.fromiter(map(len, texts), np.int64, len(texts)), times)
    shapes: Counter[str] = Counter()
    for start in range(0, len(texts), TEXTS_AT_A_TIME):
        stop = start + TEXTS_AT_A_TIME
        found = text_shapes(texts[start:stop])
        for shape, n in zip(found, times[start:stop].tolist(), strict=True):
            shapes[shape] += n
    return lengths, dict(shapes)


def read_texts(levels: Levels) -> tuple[np.ndarray, Levels]:
    """Lengths of the texts of a column, one for each row, and levels of shapes."""
    lengths, shapes = text_aspects(levels.counts)
    return lengths, Levels(shapes, levels.n_missing)
