"""Means of columns class by class, and whether a batch is a mixture of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import linalg

from skdrift.performance._column_scores import ColumnScores, column_scores
from skdrift.performance._row_codes import N_CODES, RowCodes
from skdrift.profile import Profile
from skdrift.stats import MomentTest, mixture_moments_test

MOST_COLUMNS = 30
MOST_MOMENTS = 60
MOST_NUMBERS = 4_000
ROWS_OF_A_MOMENT = 10
MOMENTS_OF_A_CLASS = 2
LEAST_OF_CLASS = 5
KURTOSIS_OF_ROWS = 0.25
"""Of the rows: means of so many rows are about normal."""
LEAST_UNLIKE = 0.01


@dataclass(frozen=True, slots=True, eq=False)
class ClassMoments:
    """Moments of the columns in each class.

    Attributes
    ----------
    columns : ndarray of int16 of shape (n_moments,)
        Place of each moment's column among those that are coded.
    kinds : ndarray of int8 of shape (n_moments,)
        Which score of the column.
    sizes : ndarray of int of shape (n_classes,)
        Rows of each class; none where nothing was learned.
    means : ndarray of float32 of shape (n_classes, n_moments)
    covariances : ndarray of float32 of shape (n_classes, n_pairs)
        Lower triangles, row by row.
    reason : str
        Why nothing can be tested; empty otherwise.
    """

    columns: np.ndarray
    kinds: np.ndarray
    sizes: np.ndarray
    means: np.ndarray
    covariances: np.ndarray
    reason: str = ""


def nothing_learned(reason: str) -> ClassMoments:
    """No moments, and why."""
    return ClassMoments(
        columns=np.zeros(0, np.int16),
        kinds=np.zeros(0, np.int8),
        sizes=np.zeros(0, np.int64),
        means=np.zeros((0, 0), np.float32),
        covariances=np.zeros((0, 0), np.float32),
        reason=reason,
    )


def learn_class_moments(
    codes: np.ndarray,
    labels: np.ndarray,
    n_classes: int,
    columns: np.ndarray,
    scores: ColumnScores,
) -> ClassMoments:
    """Learn the moments of each class.

    Parameters
    ----------
    codes : ndarray of uint8 of shape (n_used, n_rows)
        Of rows that were not asked which columns to take.
    labels : ndarray of int of shape (n_rows,)
    n_classes : int
    columns : ndarray of int of shape (n_columns,)
        Rows of `codes`, the most important first: as many moments are taken as the
        rows and `MOST_NUMBERS` allow.
    scores : ColumnScores
        Of these.
    """
    sizes = np.bincount(labels, minlength=n_classes)
    if sizes.min() < LEAST_OF_CLASS:
        return nothing_learned(f"a class has fewer than {LEAST_OF_CLASS} rows")
    most = _most_moments(n_classes, len(labels))
    usable = scores.kurtosis <= KURTOSIS_OF_ROWS * len(labels)
    slots, kinds = (found[:most] for found in np.nonzero(usable))
    least = max(MOMENTS_OF_A_CLASS * (n_classes - 1), n_classes)
    if len(slots) < least:
        return nothing_learned(
            f"{n_classes} classes take {least} moments or more, and there are "
            f"{len(slots)} of columns that can be compared in {len(labels):,} rows"
        )
    values = np.stack(
        [
            scores.tables[slot, kind][codes[columns[slot]]]
            for slot, kind in zip(slots.tolist(), kinds.tolist(), strict=True)
        ]
    )
    kept = _unlike_each_other(values)
    if len(kept) < least:
        return nothing_learned("the columns are nearly the same")
    means, covariances = _of_classes(values[kept], labels, n_classes)
    rows, others = np.tril_indices(len(kept))
    return ClassMoments(
        columns=columns[slots[kept]].astype(np.int16),
        kinds=kinds[kept].astype(np.int8),
        sizes=sizes.astype(np.int64),
        means=means.astype(np.float32),
        covariances=covariances[:, rows, others].astype(np.float32, order="C"),
    )


def _most_moments(n_classes: int, n_rows: int) -> int:
    pairs = 2.0 * MOST_NUMBERS / n_classes
    return min(MOST_MOMENTS, int(np.sqrt(pairs)), n_rows // ROWS_OF_A_MOMENT)


def _unlike_each_other(values: np.ndarray) -> np.ndarray:
    """Rows of `values` of which the others do not tell nearly everything."""
    centred = values - values.mean(axis=1, keepdims=True)
    whole = centred @ centred.T / values.shape[1]
    _, order, rank, _ = linalg.lapack.dpstrf(whole, tol=LEAST_UNLIKE)
    return np.sort(order[:rank] - 1)


def _of_classes(
    values: np.ndarray, labels: np.ndarray, n_classes: int
) -> tuple[np.ndarray, np.ndarray]:
    means = np.empty((n_classes, len(values)))
    covariances = np.empty((n_classes, len(values), len(values)))
    for number in range(n_classes):
        own = np.compress(labels == number, values, axis=1)
        means[number] = own.mean(axis=1)
        own = own - means[number][:, None]
        covariances[number] = own @ own.T / max(own.shape[1] - 1, 1)
    return means, covariances


@dataclass(frozen=True, slots=True, eq=False)
class MomentsFound:
    """What the moments of a batch say.

    Attributes
    ----------
    test : MomentTest
    columns : ndarray of int of shape (n_columns,)
        Place among the coded columns of each part of the test.
    """

    test: MomentTest
    columns: np.ndarray


def compare_moments(
    known: ClassMoments, reference: Profile, positions: np.ndarray, batch: RowCodes
) -> MomentsFound | None:
    """Whether the columns of a batch have the moments of a mixture of the classes.

    Parameters
    ----------
    known : ClassMoments
        Without a reason not to.
    reference : Profile
    positions : ndarray of int of shape (n_used,)
        Of the columns that are coded.
    batch : RowCodes
        Codes of these.

    Returns
    -------
    MomentsFound or None
        None if the batch has too few rows for the means of enough moments.
    """
    columns, parts = np.unique(known.columns, return_inverse=True)
    scores = column_scores(reference, positions[columns], batch.shares[columns])
    n_rows = batch.codes.shape[1]
    kurtosis = scores.kurtosis[parts, known.kinds]
    used = np.flatnonzero(kurtosis <= KURTOSIS_OF_ROWS * n_rows)
    n_classes = len(known.sizes)
    if len(used) < max(MOMENTS_OF_A_CLASS * (n_classes - 1), n_classes):
        return None
    shares = np.stack(
        [np.bincount(batch.codes[place], minlength=N_CODES) for place in columns]
    )
    sample = (scores.tables * (shares / n_rows)[:, None]).sum(axis=2)
    columns, parts_used = np.unique(known.columns[used], return_inverse=True)
    test = mixture_moments_test(
        known.means[:, used],
        _squares(known)[:, used][:, :, used],
        known.sizes,
        sample[parts, known.kinds][used],
        n_rows,
        parts_used,
        kurtosis[used],
    )
    return MomentsFound(test, columns)


def _squares(known: ClassMoments) -> np.ndarray:
    n = len(known.columns)
    rows, others = np.tril_indices(n)
    whole = np.zeros((len(known.sizes), n, n))
    whole[:, rows, others] = known.covariances
    whole[:, others, rows] = known.covariances
    return whole
