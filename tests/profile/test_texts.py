"""Lengths and shapes of texts."""

from __future__ import annotations

import doctest

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skdrift._core.cells import Levels, text_key
from skdrift.profile import Grid, Profile
from skdrift.profile import _text as text_module
from skdrift.profile._text import is_text, read_texts, text_aspects


def text_shape(text: str) -> str:
    return text_module.text_shapes([text])[0]


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("", ""),
        ("a", "a"),
        ("ab", "a+"),
        ("Ab", "Aa"),
        ("AB-1234 x", "A+-9+ a"),
        ("2024-01-31", "9+-9+-9+"),
        ("x@y.org", "a@a.a+"),
        ("  ", " +"),
        ("++", "++"),
        ("Ünï", "Aa+"),
        ("١٢٣", "9+"),
        ("日本語", "a+"),
        ("\ud800\ud800", "\ud800+"),
        ("\0\0a", "\0+a"),
        ("a" * 100 + "1", "a+"),
        ("ab" * 40, "a+"),
        ("-1" * 40, "-9" * 32),
    ],
)
def test_shapes(text, shape):
    assert text_shape(text) == shape


@given(st.lists(st.text(st.sampled_from("aB1 -\0é\ud800"), max_size=70)))
def test_shapes_of_many_texts_are_those_of_each(texts):
    assert text_module.text_shapes(texts) == [text_shape(text) for text in texts]


@given(st.text())
def test_a_shape_is_never_longer_than_its_text(text):
    assert len(text_shape(text)) <= max(2, min(len(text), 64))


@given(st.dictionaries(st.text(max_size=5), st.integers(1, 9)))
def test_aspects_count_every_row_once(counts):
    lengths, shapes = text_aspects({text_key(text): n for text, n in counts.items()})
    total = sum(counts.values())
    assert len(lengths) == total == sum(shapes.values())
    expected = np.repeat([len(text) for text in counts], list(counts.values()))
    np.testing.assert_array_equal(np.sort(lengths), np.sort(expected))


def test_texts_in_several_pieces_give_the_same_aspects(monkeypatch):
    counts = {f"text {k} {'x' * (k % 5)}": 1 + k % 3 for k in range(100)}
    lengths, shapes = text_aspects(counts)
    monkeypatch.setattr(text_module, "TEXTS_AT_A_TIME", 7)
    again, same = text_aspects(counts)
    np.testing.assert_array_equal(again, lengths)
    assert same == shapes


def test_cells_that_are_no_texts_are_read_as_they_are_shown():
    lengths, shapes = text_aspects({"\0n:12": 2, "\0b:True": 1, "abc": 1})
    assert sorted(lengths.tolist()) == [2, 2, 3, 4]
    assert shapes == {"9+": 2, "Aa+": 1, "a+": 1}


def test_texts_are_more_than_50_levels_that_hardly_repeat_or_more_than_10000():
    assert not is_text({str(k): 1 for k in range(50)})
    assert is_text({str(k): 1 for k in range(51)})
    assert not is_text({str(k): 2 for k in range(51)})
    assert not is_text({str(k): 100 for k in range(10_000)})
    assert is_text({str(k): 100 for k in range(10_001)})


def test_levels_of_shapes_keep_the_missing_cells():
    lengths, shapes = read_texts(Levels({"ab": 2}, 5))
    assert lengths.tolist() == [2, 2]
    assert shapes == Levels({"a+": 2}, 5)


def test_a_text_column_sees_new_shapes_and_lengths_and_no_values():
    rng = np.random.default_rng(0)
    texts = np.array([f"id-{k}" for k in rng.integers(1000, 9999, 500)], dtype=object)
    grid = Grid.learn(texts.reshape(-1, 1))
    assert grid.kinds == ("text",)
    same = Profile.count(texts[::-1].reshape(-1, 1), grid)
    assert same.counts[1].tolist() == [500, 0]
    other = Profile.count(np.array([["ID 1"], ["id-12345678"]], dtype=object), grid)
    assert other.counts[1].tolist() == [1, 1]
    assert other.counts[0][-1] == 1
    assert other.unseen == ({}, {})


def test_the_documented_example_is_true():
    assert doctest.testmod(text_module).failed == 0
