"""Scores of a classifier whose answers are known and whose labels are probabilities."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from sklearn.metrics import get_scorer
from sklearn.utils import get_tags

from skdrift._core.rows import spread_evenly, take_rows
from skdrift.performance._calibration import Response
from skdrift.performance._column_terms import inside_bounds
from skdrift.performance._estimate import (
    EstimatedScore,
    raised_score,
    score_bounds,
    with_interval,
)
from skdrift.performance._row_scores import is_of_scikit_learn

Scorer = Callable[..., float]
ValueOf = Callable[[np.ndarray, np.ndarray], float]
"""Score given the probability of each class, of shape (n_classes, n_rows), and the
positions of these rows."""

N_DRAWS = 60
MOST_DRAWN = 1_000
MOST_CLASSES_BY_SLOPE = 4


@dataclass(frozen=True, slots=True, eq=False)
class AnsweredRows:
    """What a classifier answered.

    Attributes
    ----------
    labels : ndarray of shape (n_rows,)
        By `predict`.
    numbers : ndarray of int of shape (n_rows,)
        The same as numbers of classes.
    outputs : ndarray of float of shape (n_rows, n_outputs)
        By `response`; for ``"predict"`` nothing that a scorer can ask for.
    response : {"predict_proba", "decision_function", "predict"}
    decisions : ndarray of float of shape (n_rows, n_classes) or None
        By `decision_function` of more than two classes, where `response` is another:
        scikit-learn ranks by it if it can.
    """

    labels: np.ndarray
    numbers: np.ndarray
    outputs: np.ndarray
    response: Response
    decisions: np.ndarray | None = None

    def methods(self) -> dict[str, np.ndarray]:
        """Answers by method."""
        found = {"predict": self.labels}
        if self.response != "predict":
            outputs = self.outputs
            found[self.response] = outputs[:, 0] if outputs.shape[1] == 1 else outputs
        if self.decisions is not None:
            found["decision_function"] = self.decisions
        return found


class RowsNeeded(Exception):  # noqa: N818  (a signal, caught where it is raised)
    """A scorer asks for more than the label that was answered."""


class KnownAnswers:
    """Stand-in for a fitted classifier: its table are positions of rows.

    Parameters
    ----------
    estimator : fitted classifier
    answers : mapping of str to ndarray
        By response method; a method that is not there cannot be asked for.
    labels_alone : bool, default=False
        Whether to raise `RowsNeeded` when anything but `predict` is asked for.
    """

    def __init__(
        self,
        estimator: Any,
        answers: Mapping[str, np.ndarray],
        *,
        labels_alone: bool = False,
    ) -> None:
        self._estimator = estimator
        self._answers = dict(answers)
        self._labels_alone = labels_alone
        self.classes_ = np.asarray(estimator.classes_)

    def __sklearn_tags__(self) -> Any:
        return get_tags(self._estimator)

    def __getattr__(self, name: str) -> Any:
        answers = self.__dict__.get("_answers", {})
        if name not in answers:
            raise AttributeError(
                f"{type(self.__dict__.get('_estimator')).__name__} has no {name!r}"
            )

        def respond(rows: np.ndarray) -> Any:
            if self._labels_alone and name != "predict":
                raise RowsNeeded
            return take_rows(answers[name], rows)

        respond.__name__ = name
        return respond


def expected_class_score(
    name: str,
    scorer: Scorer,
    estimator: Any,
    answered: AnsweredRows,
    shares: np.ndarray,
    plain: np.ndarray,
    halves: Sequence[np.ndarray],
    compared: np.ndarray,
    corrections: Mapping[str, np.ndarray] | None = None,
) -> EstimatedScore:
    """One score and its interval.

    Parameters
    ----------
    name : str
    scorer : scorer of scikit-learn
    estimator : fitted classifier
    answered : AnsweredRows
    shares, plain : ndarray of float of shape (n_classes, n_rows)
        Probability of each class, and what the plain model says of it.
    halves : sequence of ndarray of float of shape (n_classes, n_compared)
        What models of halves say of some of the rows.
    compared : ndarray of int of shape (n_compared,)
        Their positions.
    corrections : mapping of str to ndarray of float of shape (8,), optional
        By scikit-learn's name of a score: what the models of each half lack, see
        `raised_score`.

    Raises
    ------
    ValueError, TypeError
        What the scorer raises.
    """
    told = _Told(shares, plain, halves, compared)
    bounds = score_bounds(scorer)
    interval = partial(with_interval, name, bounds=bounds)
    by_counts = _counts_scorer(estimator, scorer, answered)
    if by_counts is not None:
        return interval(**_of_counts(by_counts, answered, told))
    known = _NAMES.get(repr(scorer), "")
    lacks = (corrections or {}).get(known, np.zeros(len(halves)))
    by_row = _row_values(scorer, answered)
    if by_row is not None:
        return interval(**_raised(bounds, lacks, _of_means(by_row, told)))
    value_of = _value_by_ranks(scorer, answered, len(shares))
    if value_of is None:
        value_of = _value_by_rows(scorer, answered, estimator)
    rows = np.arange(shares.shape[1])
    found = {
        "value": value_of(shares, rows),
        "plain": value_of(plain, rows),
        "noise": _drawn_noise(value_of, shares),
        "halves": np.array([value_of(own, compared) for own in halves]),
    }
    return interval(**_raised(bounds, lacks, found))


def _raised(
    bounds: tuple[float, float], lacks: np.ndarray, found: dict[str, Any]
) -> dict[str, Any]:
    """What was found of a score, raised by what the models lack."""
    halves = [
        raised_score(bounds, float(value), float(lack))
        for value, lack in zip(found["halves"], lacks, strict=True)
    ]
    value = raised_score(bounds, found["value"], float(lacks.mean()))
    return {**found, "value": value, "halves": np.array(halves)}


@dataclass(frozen=True, slots=True, eq=False)
class _Told:
    """Probabilities of the classes, as `expected_class_score` takes them."""

    shares: np.ndarray
    plain: np.ndarray
    halves: Sequence[np.ndarray]
    compared: np.ndarray


def _of_means(by_row: np.ndarray, told: _Told) -> dict[str, Any]:
    """Of a score that is a mean of rows, given what each class would give a row."""
    shares, own = told.shares, by_row[:, told.compared]
    return {
        "value": float((shares * by_row).sum(axis=0).mean()),
        "plain": float((told.plain * by_row).sum(axis=0).mean()),
        "noise": _noise_of_rows(shares, by_row) / shares.shape[1] ** 2,
        "halves": np.array([(half * own).sum(axis=0).mean() for half in told.halves]),
    }


def _of_counts(
    score: Callable[[np.ndarray], float], answered: AnsweredRows, told: _Told
) -> dict[str, Any]:
    """Of a score of expected counts: few classes by its slopes, else by draws."""
    shares, numbers = told.shares, answered.numbers
    table = np.eye(len(shares))[numbers]
    counts = shares @ table
    value = score(counts)
    scale = shares.shape[1] / len(told.compared)
    by_half = [scale * half @ table[told.compared] for half in told.halves]
    found = {"value": value, "plain": score(told.plain @ table)}
    if len(shares) > MOST_CLASSES_BY_SLOPE:

        def of_rows(own: np.ndarray, at: np.ndarray) -> float:
            return score(own @ table[at])

        noise = _drawn_noise(of_rows, shares)
        values = [score(half) for half in by_half]
    else:
        slopes = _slopes(score, counts, value)
        noise = _noise_of_rows(shares, slopes[:, numbers])
        middle = np.mean(by_half, axis=0)
        values = [value + float((slopes * (half - middle)).sum()) for half in by_half]
    return {**found, "noise": noise, "halves": np.array(values)}


def _noise_of_rows(shares: np.ndarray, by_row: np.ndarray) -> float:
    """Variance of a sum over rows of what the label that is drawn gives."""
    shares = inside_bounds(shares)
    means = (shares * by_row).sum(axis=0)
    return float(((shares * by_row**2).sum(axis=0) - means**2).sum())


def _drawn_noise(value_of: ValueOf, shares: np.ndarray) -> float:
    """Variance of the score that comes from labels being drawn, by drawing them.

    At most 1,000 rows, evenly spread, are drawn for; the variance goes with 1 / rows.
    """
    n = shares.shape[1]
    rows = spread_evenly(n, MOST_DRAWN)
    rng = np.random.default_rng(0)
    edges = np.cumsum(inside_bounds(shares[:, rows]), axis=0)[:-1]
    eye = np.eye(len(shares))
    values = []
    for _ in range(N_DRAWS):
        labels = (rng.random(len(rows)) > edges).sum(axis=0)
        values.append(value_of(eye[:, labels], rows))
    known = np.array(values)[np.isfinite(values)]
    if len(known) < 2:
        return float("nan")
    return float(known.var(ddof=1)) * len(rows) / n


# --- counts by (class, answered class) ----------------------------------------


def _counts_scorer(
    estimator: Any, scorer: Scorer, answered: AnsweredRows
) -> Callable[[np.ndarray], float] | None:
    """What a scorer says of such counts; None where it asks for more."""
    if repr(scorer) == _ACCURACY and is_of_scikit_learn(scorer):
        return _accuracy_of_counts
    classes = np.asarray(estimator.classes_)
    k = len(classes)
    methods = {**answered.methods(), "predict": np.tile(classes, k)}
    model = KnownAnswers(estimator, methods, labels_alone=True)
    positions, right = np.arange(k * k), np.repeat(classes, k)

    def score(counts: np.ndarray) -> float:
        return float(scorer(model, positions, right, sample_weight=counts.ravel()))

    try:
        score(np.ones((k, k)))
    except RowsNeeded:
        return None
    return score


def _accuracy_of_counts(counts: np.ndarray) -> float:
    return float(np.trace(counts) / counts.sum())


def _slopes(
    score: Callable[[np.ndarray], float], counts: np.ndarray, value: float
) -> np.ndarray:
    """Derivative of a score by each count."""
    step = 1e-5 * counts.sum()
    slopes = np.zeros_like(counts)
    for place in np.ndindex(*counts.shape):
        moved = counts.copy()
        moved[place] += step
        slopes[place] = (score(moved) - value) / step
    return slopes


# --- means of rows, and ranks -------------------------------------------------


def _row_values(scorer: Scorer, answered: AnsweredRows) -> np.ndarray | None:
    """What a row gives if its label is each of the classes; None if not a mean."""
    function = _ROW_VALUES.get(repr(scorer))
    if function is None or answered.response != "predict_proba":
        return None
    return function(answered.outputs.T)


def _logarithms(given: np.ndarray) -> np.ndarray:
    least = np.finfo(given.dtype).eps
    return np.asarray(np.log(np.clip(given, least, 1.0 - least)))


def _brier(given: np.ndarray) -> np.ndarray:
    total = (given**2).sum(axis=0) - 2.0 * given + 1.0
    return -total * (0.5 if len(given) == 2 else 1.0)


def _value_by_ranks(
    scorer: Scorer, answered: AnsweredRows, k: int, apart: np.ndarray | None = None
) -> ValueOf | None:
    """Areas of each class against the others; None for another scorer."""
    found = _RANK_SCORES.get(repr(scorer))
    if found is None or answered.response == "predict":
        return None
    area, by_size, binary_alone = found
    outputs = answered.outputs
    if area is expected_average_precision and answered.decisions is not None:
        outputs = answered.decisions
    columns = [outputs[:, -1]] if k == 2 else list(outputs.T)
    if k > 2 and (binary_alone or len(columns) != k):
        return None
    orders = [_ranks(column, apart) for column in columns]

    def of_ranks(shares: np.ndarray, rows: np.ndarray) -> float:
        if area is expected_average_precision:
            shares = inside_bounds(shares)
        hits = shares[1:] if k == 2 else shares
        areas = [
            area(order[rows], own) for order, own in zip(orders, hits, strict=True)
        ]
        return float(np.average(areas, weights=hits.sum(axis=1) if by_size else None))

    return of_ranks


def _ranks(column: np.ndarray, apart: np.ndarray | None) -> np.ndarray:
    """Rank of each row among the distinct ones, of its own part if there are any."""
    if apart is None:
        return np.unique(column, return_inverse=True)[1]
    ranks = np.empty(len(column), dtype=np.intp)
    for part in np.unique(apart).tolist():
        inside = np.flatnonzero(apart == part)
        ranks[inside] = np.unique(column[inside], return_inverse=True)[1]
    return ranks


def value_of_rows(
    scorer: Scorer, answered: AnsweredRows, k: int, apart: np.ndarray | None = None
) -> ValueOf | None:
    """A score of ranks, or a mean of rows; None for another.

    Parameters
    ----------
    scorer : scorer of scikit-learn
    answered : AnsweredRows
    k : int
        Number of classes.
    apart : ndarray of int of shape (n_rows,), optional
        Part of each row, if no rows of two parts are ever asked about together: few
        ranks cost less.
    """
    by_row = _row_values(scorer, answered)
    if by_row is None:
        return _value_by_ranks(scorer, answered, k, apart)

    def of_means(shares: np.ndarray, rows: np.ndarray) -> float:
        return float((shares * by_row[:, rows]).sum(axis=0).mean())

    return of_means


def corrected_scorers(k: int) -> dict[str, Scorer]:
    """Scores that hang on more than what was answered, by name."""
    others = {"roc_auc"} if k > 2 else {"roc_auc_ovr", "roc_auc_ovr_weighted"}
    return {name: get_scorer(name) for name in _NAMES.values() if name not in others}


def _value_by_rows(scorer: Scorer, answered: AnsweredRows, estimator: Any) -> ValueOf:
    """Every row once for each class, weighted by its probability."""
    known = KnownAnswers(estimator, answered.methods())
    classes = np.asarray(estimator.classes_)

    def of_rows(shares: np.ndarray, rows: np.ndarray) -> float:
        shares = inside_bounds(shares)
        number, place = np.nonzero(shares)
        weights = shares[number, place]
        return float(scorer(known, rows[place], classes[number], sample_weight=weights))

    return of_rows


def expected_auc(order: np.ndarray, hits: np.ndarray) -> float:
    """Area under the ROC curve when each row is positive with a probability.

    Expected number of pairs in which the positive row ranks higher (ties count half),
    over that of pairs of a positive and a negative row; a row is no pair with itself.

    Parameters
    ----------
    order : ndarray of int of shape (n_rows,)
        Rank of each row's output among the distinct ones.
    hits : ndarray of float of shape (n_rows,)
        Probability of being positive; 0 and 1 for labels that are known.

    Returns
    -------
    float
        NaN if one of the classes is not expected at all.
    """
    n = int(order.max(initial=-1)) + 1
    positive = np.bincount(order, hits, minlength=n)
    negative = np.bincount(order, 1.0 - hits, minlength=n)
    below = np.cumsum(negative) - negative / 2
    own = float((hits * (1.0 - hits)).sum())
    pairs = float(positive.sum() * negative.sum()) - own
    if not pairs > 1e-9:
        return float("nan")
    return (float((positive * below).sum()) - own / 2) / pairs


def expected_average_precision(order: np.ndarray, hits: np.ndarray) -> float:
    """Average precision when each row is positive with a probability.

    Parameters are those of `expected_auc`. Expected counts stand in for counts.
    """
    n = int(order.max(initial=-1)) + 1
    positive = np.bincount(order, hits, minlength=n)[::-1]
    rows = np.bincount(order, minlength=n)[::-1]
    if not positive.sum() > 0:
        return float("nan")
    precision = np.cumsum(positive) / np.maximum(np.cumsum(rows), 1)
    return float((positive * precision).sum() / positive.sum())


_ACCURACY = repr(get_scorer("accuracy"))
_ROW_VALUES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    repr(get_scorer("neg_log_loss")): _logarithms,
    repr(get_scorer("neg_brier_score")): _brier,
}
# Function, whether classes count by their size, and whether two classes are needed.
_RANK_SCORES: dict[str, tuple[Callable[..., float], bool, bool]] = {
    repr(get_scorer("roc_auc")): (expected_auc, False, True),
    repr(get_scorer("roc_auc_ovr")): (expected_auc, False, False),
    repr(get_scorer("roc_auc_ovr_weighted")): (expected_auc, True, False),
    repr(get_scorer("average_precision")): (expected_average_precision, False, False),
}
_NAMES = {
    repr(get_scorer(name)): name
    for name in (
        "neg_log_loss",
        "neg_brier_score",
        "roc_auc",
        "roc_auc_ovr",
        "roc_auc_ovr_weighted",
        "average_precision",
    )
}
