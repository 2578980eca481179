"""What single rows contribute to a score, for scikit-learn's scorers that are means.

A score that is a smooth function of means has such values too: the score itself plus
each row's influence on it, on a scale on which it varies like a mean. A scorer is
known by its text, and then proven: what the rows give has to equal what it answers.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from sklearn.metrics import get_scorer, make_scorer, zero_one_loss

from skdrift._core.rows import take_rows

Scale = Literal["plain", "log_rest"]
Means = Literal["mean", "root", "determination"]

_TOLERANCE = 1e-9


def to_scale(score: float | np.ndarray, scale: Scale) -> np.ndarray:
    """A score on the scale on which it varies like a mean; larger = better.

    ``"log_rest"`` is ``-log(1 - score)``, infinite at 1.
    """
    score = np.asarray(score, dtype=np.float64)
    if scale == "plain":
        return score
    with np.errstate(divide="ignore"):
        return np.asarray(-np.log1p(-score))


def from_scale(value: float | np.ndarray, scale: Scale) -> np.ndarray:
    """Inverse of `to_scale`."""
    value = np.asarray(value, dtype=np.float64)
    return value if scale == "plain" else np.asarray(-np.expm1(-value))


@dataclass(frozen=True, slots=True, kw_only=True)
class RowScores:
    """A score taken apart.

    Attributes
    ----------
    values : ndarray of float of shape (n_rows,)
        Their mean is the score, on its scale; larger = better.
    bias : float
        The score of m rows lies on average ``bias / m`` beside that of all; 0 for
        a mean.
    bend : float
        What the curvature of the function adds to the third central moment of
        `values`; 0 for a mean.
    right_score : float
        Score of a row that is answered right, where each row is right or, one lower,
        wrong; else NaN.
    scale : {"plain", "log_rest"}
        See `to_scale`.
    means : {"mean", "root", "determination"}
        What the score is of the means of `terms`: their mean, minus the mean of their
        roots, or R².
    terms : ndarray of float of shape (n_rows, n_terms) or None
        Squared errors of each output, for R² followed by the labels; None where they
        are the values.
    """

    values: np.ndarray
    bias: float = 0.0
    bend: float = 0.0
    right_score: float = float("nan")
    scale: Scale = "plain"
    means: Means = "mean"
    terms: np.ndarray | None = None

    def row_variance(self) -> float:
        """Variance of the score of a single row, on the score's own scale."""
        variance = float(self.values.var(ddof=1))
        if self.scale == "plain":
            return variance
        return variance * float(np.exp(-2.0 * self.values.mean()))


RowFunction = Callable[[Any, Any, np.ndarray], RowScores]


def row_scores(
    scorer: Any,
    model: Any,
    y: Any,
    score: float,
    n_rows: int,
    parts: Iterable[tuple[np.ndarray, float]],
) -> RowScores | None:
    """Contributions of the rows, or None where they are not known.

    Parameters
    ----------
    scorer : scorer of `make_scorer`
    model : RecordedModel
        Answers for positions of rows.
    y : array-like of shape (n_rows,) or (n_rows, n_outputs)
    score : float
        What the scorer answers for all rows.
    n_rows : int
    parts : iterable of (positions, score)
        What it answers for some of the rows.
    """
    text = repr(scorer)
    function = next((f for known, f in _FUNCTIONS if repr(known) == text), None)
    if function is None or not np.isfinite(score):
        return None
    with np.errstate(all="ignore"):
        rows = function(y, model, np.arange(n_rows))
        if not _gives(rows, score):
            return None
        for positions, part in parts:
            own = function(take_rows(y, positions), model, positions)
            if np.isfinite(part) and not _gives(own, part):
                return None
    return rows


def is_of_scikit_learn(scorer: Any) -> bool:
    """Whether it is one of these scorers itself, not one that reads the same.

    What the rows give then needs no proof on parts of them.
    """
    text = repr(scorer)
    known = next((own for own, _ in _FUNCTIONS if repr(own) == text), None)
    if known is None:
        return False
    try:
        # Functions are stored by module and name.
        return pickle.dumps(scorer) == pickle.dumps(known)
    except (AttributeError, TypeError, pickle.PicklingError):
        return False


def _gives(rows: RowScores, score: float) -> bool:
    if rows.values.ndim != 1 or not np.isfinite(rows.values).all():
        return False
    own = float(from_scale(rows.values.mean(), rows.scale))
    return abs(own - score) <= _TOLERANCE * max(1.0, abs(score))


# --- right or wrong -----------------------------------------------------------


def _right(y: Any, model: Any, rows: np.ndarray) -> RowScores:
    labels, answers = np.asarray(y), np.asarray(model.predict(rows))
    same = labels.reshape(len(labels), -1) == answers.reshape(len(answers), -1)
    return RowScores(values=same.all(axis=1).astype(np.float64), right_score=1.0)


def _not_wrong(y: Any, model: Any, rows: np.ndarray) -> RowScores:
    return RowScores(values=_right(y, model, rows).values - 1.0, right_score=0.0)


# --- errors of values ---------------------------------------------------------


def _values(y: Any, model: Any, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Labels and predictions, both of shape (n_rows, n_outputs)."""
    labels = np.asarray(y, dtype=np.float64)
    answers = np.asarray(model.predict(rows), dtype=np.float64)
    return labels.reshape(len(labels), -1), answers.reshape(len(answers), -1)


def _absolute(y: Any, model: Any, rows: np.ndarray) -> RowScores:
    labels, answers = _values(y, model, rows)
    return RowScores(values=-np.abs(labels - answers).mean(axis=1))


def _relative(y: Any, model: Any, rows: np.ndarray) -> RowScores:
    labels, answers = _values(y, model, rows)
    size = np.maximum(np.abs(labels), np.finfo(np.float64).eps)
    return RowScores(values=-(np.abs(labels - answers) / size).mean(axis=1))


def _squared(y: Any, model: Any, rows: np.ndarray) -> RowScores:
    labels, answers = _values(y, model, rows)
    return RowScores(values=-((labels - answers) ** 2).mean(axis=1))


def _root_of_squared(y: Any, model: Any, rows: np.ndarray) -> RowScores:
    labels, answers = _values(y, model, rows)
    squares = (labels - answers) ** 2
    root = np.sqrt(squares.mean(axis=0))
    n_outputs = len(root)
    of_rows = _of_means(
        squares,
        value=-float(root.mean()),
        gradient=-0.5 / root / n_outputs,
        hessian=np.diag(0.25 / root**3) / n_outputs,
    )
    return replace(of_rows, means="root", terms=squares)


def _determination(y: Any, model: Any, rows: np.ndarray) -> RowScores:
    """R² by -log(1 - R²), a difference of logarithms where there is one output.

    1 - R² is the mean over outputs of a / (c - b²), with the means a of the squared
    error, b of the label, c of its square.
    """
    given, answers = _values(y, model, rows)
    labels, answers = given - given.mean(axis=0), answers - given.mean(axis=0)
    n_outputs = labels.shape[1]
    terms, slopes = [], []
    curves = np.zeros((3 * n_outputs, 3 * n_outputs))
    rest = 0.0
    for j in range(n_outputs):
        squares = (labels[:, j] - answers[:, j]) ** 2
        terms += [squares, labels[:, j], labels[:, j] ** 2]
        error, total = squares.mean(), (labels[:, j] ** 2).mean()
        rest += error / total / n_outputs
        slopes += [1.0 / total, 0.0, -error / total**2]
        a, b, c = 3 * j, 3 * j + 1, 3 * j + 2
        curves[a, c] = curves[c, a] = -1.0 / total**2
        curves[b, b] = 2.0 * error / total**2
        curves[c, c] = 2.0 * error / total**3
    slope, curve = np.array(slopes) / n_outputs / rest, curves / n_outputs / rest
    of_rows = _of_means(
        np.column_stack(terms),
        value=-float(np.log(rest)),
        gradient=-slope,
        hessian=np.outer(slope, slope) - curve,
        scale="log_rest",
    )
    own = np.hstack([np.column_stack(terms[::3]), given])
    return replace(of_rows, means="determination", terms=own)


def _of_means(
    terms: np.ndarray,
    *,
    value: float,
    gradient: np.ndarray,
    hessian: np.ndarray,
    scale: Scale = "plain",
) -> RowScores:
    """Of a function of the means of `terms`, by its expansion to the second order."""
    centred = terms - terms.mean(axis=0)
    covariance = centred.T @ centred / len(centred)
    along = covariance @ gradient
    return RowScores(
        values=value + centred @ gradient,
        bias=0.5 * float((hessian * covariance).sum()),
        bend=3.0 * float(along @ hessian @ along),
        scale=scale,
    )


# --- probabilities ------------------------------------------------------------


def _probabilities(
    y: Any, model: Any, rows: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Which class is right, as a mask, and the probabilities: (n_rows, n_classes)."""
    labels = np.asarray(y).reshape(-1, 1)
    return labels == np.asarray(model.classes_), np.asarray(model.predict_proba(rows))


def _logarithmic(y: Any, model: Any, rows: np.ndarray) -> RowScores:
    right, share = _probabilities(y, model, rows)
    least = np.finfo(share.dtype).eps
    given = np.clip(share, least, 1.0 - least)
    return RowScores(values=np.where(right, np.log(given), 0.0).sum(axis=1))


def _brier(y: Any, model: Any, rows: np.ndarray) -> RowScores:
    right, share = _probabilities(y, model, rows)
    total = ((share - right) ** 2).sum(axis=1)
    return RowScores(values=-total * (0.5 if share.shape[1] == 2 else 1.0))


_FUNCTIONS: tuple[tuple[Any, RowFunction], ...] = (
    (get_scorer("accuracy"), _right),
    (make_scorer(zero_one_loss, greater_is_better=False), _not_wrong),
    (get_scorer("r2"), _determination),
    (get_scorer("neg_mean_absolute_error"), _absolute),
    (get_scorer("neg_mean_absolute_percentage_error"), _relative),
    (get_scorer("neg_mean_squared_error"), _squared),
    (get_scorer("neg_root_mean_squared_error"), _root_of_squared),
    (get_scorer("neg_log_loss"), _logarithmic),
    (get_scorer("neg_brier_score"), _brier),
)
