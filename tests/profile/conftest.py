"""What the tests of grids and profiles share."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from skdrift.profile import Profile
from skdrift.profile._profile import FLOAT_FIELDS, INTEGER_FIELDS


def _assert_same_counts(one: Profile, other: Profile) -> None:
    assert one.n_rows == other.n_rows
    for mine, theirs in zip(one.counts, other.counts, strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert one.unseen == other.unseen
    for name in INTEGER_FIELDS:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    for name in ("smallest", "largest"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def _assert_identical(one: Profile, other: Profile) -> None:
    _assert_same_counts(one, other)
    assert one.families == other.families
    for name in FLOAT_FIELDS:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


@pytest.fixture(scope="session")
def assert_same_counts() -> Callable[[Profile, Profile], None]:
    """All that is exact: counts, unseen levels, extremes."""
    return _assert_same_counts


@pytest.fixture(scope="session")
def assert_identical() -> Callable[[Profile, Profile], None]:
    """Everything, moments to the last bit."""
    return _assert_identical
