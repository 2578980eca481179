"""Selective scores: how good the model is on the rows that it is let to answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from skdrift._core.rows import take_rows
from skdrift.exceptions import ParameterError
from skdrift.performance._cross_validation import Scorer, score_of

NAN = float("nan")


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectiveScore:
    """Score of a model on the rows that it is let to answer, and on the others.

    All scores are the bare model's, "greater is better", as in scikit-learn: neither
    the fallback nor an abstention takes part. A selective model is judged by two
    numbers, the share of rows that it answers and its score on them [1]_: one can
    always be bought with the other.

    Attributes
    ----------
    scorer : str
        Name of the scorer.
    coverage : float
        Share of the rows that are accepted; NaN if there is no row.
    n_rows, n_accepted : int
    accepted, rejected, overall : float
        Score on the accepted rows, on the others and on all; NaN with a reason.
    reasons : dict of str to str
        Why a score is NaN, by its name.

    References
    ----------
    .. [1] Geifman, Y. and El-Yaniv, R. (2017). Selective classification for deep
       neural networks. Advances in Neural Information Processing Systems 30.
    """

    scorer: str
    coverage: float
    n_rows: int
    n_accepted: int
    accepted: float
    rejected: float
    overall: float
    reasons: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CoverageScores:
    """Score of the bare model on ever more rows, the most ordinary first.

    Attributes
    ----------
    scorer : str
        Name of the scorer; "greater is better".
    coverages : ndarray of float of shape (k,)
        Shares of the rows.
    n_accepted : ndarray of int of shape (k,)
        Rows that they stand for: at least one.
    scores : ndarray of float of shape (k,)
        Score on these rows; NaN with a reason.
    reasons : tuple of str of length k
        Why a score is NaN; empty otherwise.
    """

    scorer: str
    coverages: np.ndarray
    n_accepted: np.ndarray
    scores: np.ndarray
    reasons: tuple[str, ...]


def single_scorer(scorers: Mapping[str, Scorer]) -> tuple[str, Scorer]:
    """The one scorer that there is, and its name.

    Raises
    ------
    ParameterError
        If there is none or more than one.
    """
    if len(scorers) != 1:
        raise ParameterError(
            "scoring must be a single scorer, got "
            f"{list(scorers)[:5] or 'an estimator without score'}: pass its name or a "
            "callable"
        )
    return next(iter(scorers.items()))


def selective_score(
    name: str, scorer: Scorer, model: Any, X: Any, y: Any, accepts: np.ndarray
) -> SelectiveScore:
    """Score a model on accepted rows, on the others and on all.

    Parameters
    ----------
    name : str
        Of the scorer.
    scorer : callable
    model : estimator
        Fitted.
    X : table of shape (n_rows, n_features)
    y : array-like of shape (n_rows,) or (n_rows, n_outputs)
    accepts : ndarray of bool of shape (n_rows,)
    """
    n_rows, n_accepted = len(accepts), int(accepts.sum())
    parts = {
        "accepted": np.flatnonzero(accepts),
        "rejected": np.flatnonzero(~accepts),
        "overall": np.arange(n_rows),
    }
    scores, reasons = {}, {}
    for part, rows in parts.items():
        scores[part], reason = _score_of_rows(scorer, model, X, y, rows)
        if reason:
            reasons[part] = reason
    return SelectiveScore(
        scorer=name,
        coverage=n_accepted / n_rows if n_rows else NAN,
        n_rows=n_rows,
        n_accepted=n_accepted,
        reasons=reasons,
        **scores,
    )


def scores_at_coverage(
    name: str,
    scorer: Scorer,
    model: Any,
    X: Any,
    y: Any,
    order: np.ndarray,
    coverages: Any,
) -> CoverageScores:
    """Score a model on the first rows of an order, for each of some shares.

    Parameters
    ----------
    name : str
        Of the scorer.
    scorer : callable
    model : estimator
        Fitted.
    X : table of shape (n_rows, n_features)
    y : array-like of shape (n_rows,) or (n_rows, n_outputs)
    order : ndarray of int of shape (n_rows,)
        Positions of rows, those to accept first in front.
    coverages : array-like of float of shape (k,)
        In (0, 1].

    Raises
    ------
    ParameterError
        If a coverage is outside.
    """
    shares = np.asarray(coverages)
    if shares.ndim != 1 or shares.dtype.kind not in "fiu":
        raise ParameterError(
            f"coverages must be a list of numbers in (0, 1], got {coverages!r:.100}"
        )
    shares = shares.astype(np.float64)
    bad = shares[~((shares > 0) & (shares <= 1))]
    if len(bad):
        raise ParameterError(
            f"coverages must be in (0, 1], got {bad[:5].tolist()} among them"
        )
    # A share such as 0.1 * 3 must not count one row more than 0.3.
    counts = np.ceil(np.round(shares * len(order), 9)).astype(np.int64)
    found = [
        _score_of_rows(scorer, model, X, y, np.sort(order[:count])) for count in counts
    ]
    return CoverageScores(
        scorer=name,
        coverages=shares,
        n_accepted=counts,
        scores=np.array([score for score, _ in found], dtype=np.float64),
        reasons=tuple(reason for _, reason in found),
    )


def _score_of_rows(
    scorer: Scorer, model: Any, X: Any, y: Any, rows: np.ndarray
) -> tuple[float, str]:
    if not len(rows):
        return NAN, "there is no such row"
    return score_of(scorer, model, take_rows(X, rows), take_rows(y, rows), {})
