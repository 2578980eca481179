"""Novelty: rows that are unlike training as a whole, though no cell of theirs is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse
from sklearn.base import clone
from sklearn.ensemble import IsolationForest

from skdrift._core.cells import Column, display_key
from skdrift._core.frame import Table, read_table
from skdrift._core.rows import take_rows
from skdrift.exceptions import InputError, ParameterError
from skdrift.profile._cells import Cells, LevelCells
from skdrift.profile._count import comparable_column, match_columns, renamed_levels
from skdrift.profile._profile import Profile, cells_by_feature
from skdrift.profile._rows import level_places

MOST_FITTED = 15_000
MOST_CALIBRATED = 5_000
USED_KINDS = frozenset({"numeric", "datetime", "boolean", "categorical", "text"})
WIDTHS_BEYOND = 10.0
LARGEST = 1e30
TIE = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RowEncoding:
    """How rows become numbers: learned from the rows that the detector is fitted on.

    Attributes
    ----------
    positions : ndarray of int of shape (n_used,)
        Columns of training that are used, in order.
    fill : ndarray of float of shape (n_used,)
        What a missing number stands for: the median.
    lower, upper : ndarray of float of shape (n_used,)
        Numbers beyond are taken for these: ten widths outside the range.
    shares : tuple of ndarray of float
        For each used column of categories the share of rows at each of its known
        levels, and 0 for any other level; empty for other columns.
    """

    positions: np.ndarray
    fill: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    shares: tuple[np.ndarray, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RowNovelty:
    """A fitted detector, and its scores of training rows that it was not fitted on.

    Attributes
    ----------
    encoding : RowEncoding
    detector : estimator with `score_samples`
    calibration : ndarray of float of shape (n_calibration,)
        In increasing order; lower = more novel.
    """

    encoding: RowEncoding
    detector: Any
    calibration: np.ndarray

    def __repr__(self) -> str:
        return (
            f"RowNovelty(detector={type(self.detector).__name__}, "
            f"n_calibration={len(self.calibration)})"
        )


@dataclass(frozen=True, slots=True, eq=False)
class NoveltySample:
    """Training rows as numbers, before any detector is fitted on them."""

    encoding: RowEncoding
    fitted: np.ndarray
    calibration: np.ndarray


def resolve_detector(novelty: Any, seed: int) -> Any:
    """Unfitted detector that `novelty` stands for.

    Raises
    ------
    ParameterError
        If it has no `fit` or no `score_samples`.
    """
    if isinstance(novelty, str) and novelty == "isolation_forest":
        return IsolationForest(random_state=seed)
    right = not isinstance(novelty, str | type)
    if not right or not (hasattr(novelty, "fit") and hasattr(novelty, "score_samples")):
        raise ParameterError(
            "novelty must be None, 'isolation_forest' or an estimator with fit and "
            "score_samples (lower = more novel; LocalOutlierFactor has it with "
            f"novelty=True), got {novelty!r:.100}"
        )
    return clone(novelty)


def sample_rows(X: Any, reference: Profile, seed: int) -> NoveltySample:
    """Split training rows at random, and encode them.

    At most 5,000 rows (and half of all) calibrate; of the others at most 15,000 are
    for the detector. Numbers are taken as they are, datetimes as microseconds since
    1970, booleans as 0 and 1, categories as their share of rows, texts as their
    length. Identifiers, clocks and empty columns are left out.

    Parameters
    ----------
    X : table of shape (n_rows, n_features)
        Rows of training.
    reference : Profile
        Of all of them.
    seed : int

    Raises
    ------
    ParameterError
        If `X` is sparse.
    InputError
        If there are less than two rows, or no column can be used.
    """
    if scipy.sparse.issparse(X):
        raise ParameterError(
            "novelty needs a dense table, got a sparse one: pass X.toarray() or a "
            "data frame of the columns that matter, or set novelty=None"
        )
    grid = reference.grid
    positions = np.array(
        [
            position
            for position, kind in enumerate(grid.kinds)
            if kind in USED_KINDS and not grid.untested[position]
        ],
        dtype=np.int64,
    )
    n = reference.n_rows
    if n < 2:
        raise InputError(
            f"novelty needs two training rows or more, got n_samples={n}: set "
            "novelty=None"
        )
    if not len(positions):
        raise InputError(
            "novelty needs a column that is neither empty nor an identifier nor a "
            f"clock, got {', '.join(grid.kinds[:5])}: set novelty=None"
        )
    order = np.random.default_rng(seed).permutation(n)
    n_calibration = min(n // 2, MOST_CALIBRATED)
    calibration = np.sort(order[:n_calibration])
    fitted = np.sort(order[n_calibration:][:MOST_FITTED])
    raw = _raw_rows(read_table(take_rows(X, fitted)), reference, positions)
    encoding = _learn_encoding(raw, reference, positions)
    rest = _raw_rows(read_table(take_rows(X, calibration)), reference, positions)
    return NoveltySample(encoding, _encode(raw, encoding), _encode(rest, encoding))


def fit_novelty(detector: Any, sample: NoveltySample) -> RowNovelty:
    """Fit a detector on one part of a sample and keep its scores of the other."""
    detector.fit(sample.fitted)
    scores = np.asarray(detector.score_samples(sample.calibration), dtype=np.float64)
    return RowNovelty(
        encoding=sample.encoding,
        detector=detector,
        calibration=np.sort(_known(scores)),
    )


def novelty_pvalues(
    novelty: RowNovelty, table: Table, reference: Profile
) -> np.ndarray:
    """Conformal p-value of each row of a batch.

    Null hypothesis: the row and the calibration rows are exchangeable; then the
    p-value is at most t with probability at most t, for every t. Columns that are
    missing or cannot be read are taken for typical ones.

    Returns
    -------
    ndarray of float of shape (n_rows,)
        ``(1 + count) / (n + 1)``, where `count` of the n calibration rows are at
        least as novel as the row; smaller = more novel.
    """
    n = len(novelty.calibration)
    if not table.n_rows:
        return np.ones(0)
    raw = _raw_rows(table, reference, novelty.encoding.positions)
    rows = _encode(raw, novelty.encoding)
    scores = _known(np.asarray(novelty.detector.score_samples(rows), dtype=np.float64))
    # Scores of equal rows may differ in the last bits from one batch to another.
    tied = scores + TIE * np.abs(np.where(np.isfinite(scores), scores, 0.0))
    count = np.searchsorted(novelty.calibration, tied, side="right")
    return np.asarray((1.0 + count) / (n + 1.0))


def _known(scores: np.ndarray) -> np.ndarray:
    """Scores; a detector that has none for a row has nothing against it."""
    return np.where(np.isnan(scores), np.inf, scores)


def _raw_rows(table: Table, reference: Profile, positions: np.ndarray) -> np.ndarray:
    """Cells as numbers: NaN where missing, and categories as the place of their level.

    Returns
    -------
    ndarray of float64 of shape (n_rows, n_used)
    """
    grid = reference.grid
    places = match_columns(table, grid).positions
    cells = cells_by_feature(grid)
    raw = np.full((table.n_rows, len(positions)), np.nan)
    for slot, position in enumerate(positions.tolist()):
        if places[position] < 0:
            continue
        column = comparable_column(
            table.column(int(places[position])), grid.families[position]
        )
        if column is not None:
            raw[:, slot] = _raw_column(
                column, grid.kinds[position], cells[position], grid.families[position]
            )
    return raw


def _raw_column(
    column: Column, kind: str, cells: tuple[Cells, ...], family: str
) -> np.ndarray:
    if kind == "text":
        texts = column.keys()
        lengths = [np.nan if text is None else len(display_key(text)) for text in texts]
        return np.array(lengths, dtype=np.float64)
    if kind != "categorical":
        return column.floats()
    levels = cells[0]
    assert isinstance(levels, LevelCells)
    renamed = renamed_levels(family, column.family)
    places = level_places(column.keys(), levels, renamed)
    return np.where(places < 0, np.nan, places)


def _learn_encoding(
    raw: np.ndarray, reference: Profile, positions: np.ndarray
) -> RowEncoding:
    cells = cells_by_feature(reference.grid)
    shares: list[np.ndarray] = []
    fill, lower, upper = (np.zeros(len(positions)) for _ in range(3))
    for slot, position in enumerate(positions.tolist()):
        finite = raw[np.isfinite(raw[:, slot]), slot]
        share = np.zeros(0)
        if reference.grid.kinds[position] == "categorical":
            first = cells[position][0]
            counts = np.bincount(finite.astype(np.int64), minlength=first.n_cells)
            share = counts / len(raw)
            share[-1] = 0.0
            finite = share[finite.astype(np.int64)]
        shares.append(share)
        if not len(finite):
            continue
        finite = np.clip(finite, -LARGEST, LARGEST)
        low, high = finite.min(), finite.max()
        beyond = WIDTHS_BEYOND * ((high - low) or 1.0)
        fill[slot] = np.median(finite)
        lower[slot], upper[slot] = low - beyond, high + beyond
    return RowEncoding(
        positions=positions, fill=fill, lower=lower, upper=upper, shares=tuple(shares)
    )


def _encode(raw: np.ndarray, encoding: RowEncoding) -> np.ndarray:
    """Matrix of finite numbers for a detector."""
    encoded = raw.copy()
    for slot, share in enumerate(encoding.shares):
        known = np.isfinite(raw[:, slot])
        if len(share):
            encoded[known, slot] = share[raw[known, slot].astype(np.int64)]
    absent = np.isnan(encoded)
    encoded = np.clip(encoded, encoding.lower, encoding.upper)
    return np.where(absent, encoding.fill, encoded)
