"""Labels are numbered alike whatever they are stored as."""

from __future__ import annotations

import numpy as np
import pytest

from skdrift.performance._answered_batch import class_numbers


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        ([3, 1, 2, 7, -1], [1, 2, 3]),
        ([3, 1, 2, 7, -1], [3, 1, 2]),
        ([True, False], [False, True]),
        ([True, False], [True]),
        ([0.5, -0.0, np.nan, np.inf], [0.0, 0.5]),
        ([1.0, 2.5], [1, 2]),
        (["b", "a", "", "c"], ["a", "b"]),
        (["b", 1, None, "c"], [1, "b"]),
        ([4, 5], []),
        ([], [1, 2]),
    ],
)
def test_a_label_has_the_place_of_its_class_and_others_none(labels, classes):
    given = np.array(labels, dtype=object if None in labels else None)
    names = np.array(classes, dtype=object if "b" in classes and 1 in classes else None)
    found = class_numbers(given, names)
    known = names.tolist()
    assert found.dtype == np.int64
    assert found.tolist() == [
        known.index(name) if name in known else -1 for name in given.tolist()
    ]
