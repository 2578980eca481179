"""What out-of-fold answers teach of later scores: how right, and how wrong, by row.

For classifiers a model of P(y | output, X), for regressors one of the expected
errors. Eight halves of the rows, in complementary pairs, are learned from one by one.
Each row is then known to four models that have not seen it, which decide how far the
trees may go beyond the plain model; and the eight differ from each other as much as
models of all rows would from one sample to another.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np
from scipy import special

from skdrift.performance._boosting import Gradient, Trees, boost, sum_of_trees
from skdrift.performance._calibration import (
    CalibrationKind,
    Calibrator,
    Response,
    calibrated,
    fit_calibrator,
    kinds_for,
    on_line,
)
from skdrift.performance._class_laws import ClassLaws, learn_class_laws
from skdrift.performance._column_residuals import ColumnResiduals, learn_residuals
from skdrift.performance._row_codes import N_CODES, code_edges, number_codes
from skdrift.profile._stored import restore_fields

N_HALVES = 8
N_JUDGED = 4
N_ROUNDS = 24
ROUNDS = (3, 6, 12, 24)
WEIGHTS = (1.0, 0.75, 0.5)
LEAST_ROWS = 20
LEAST_BOOSTED = 300
MOST_OUTPUT_COLUMNS = 10
LARGEST_RATIO = 30.0
N_QUANTILES = 101
N_STRATA = 10
Loss = Callable[[np.ndarray], np.ndarray]
"""Loss of each row, (n_losses, n_rows), given summed trees, (n_outputs, n_rows)."""
ERRORS = ("absolute", "squared", "relative", "signed")
CLASS_VALUES = ("accuracy", "neg_log_loss", "neg_brier_score")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OutOfFold:
    """What the pass knows of the rows that models were not fitted on.

    Attributes
    ----------
    rows : ndarray of int of shape (n_known,)
        Their positions among the training rows.
    response : {"predict_proba", "decision_function", "predict"}
        What `outputs` are; ``"predict"`` for regressors.
    outputs : ndarray of float of shape (n_known, n_outputs)
        For ``"predict"`` of a classifier one column for each class, 1 at the answer.
    labels : ndarray of int or float of shape (n_known,)
        Number of the class that was right, or the value.
    answers : ndarray of int or float of shape (n_known,)
        Number of the class, or the value, that `predict` gave.
    n_classes : int
        0 for regressors.
    folds : ndarray of int of shape (n_known,)
        Number of the fold that answered; empty where it does not matter.
    """

    rows: np.ndarray
    response: Response
    outputs: np.ndarray
    labels: np.ndarray
    answers: np.ndarray
    n_classes: int
    folds: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))

    def take(self, kept: np.ndarray) -> OutOfFold:
        """Some of the rows."""
        return OutOfFold(
            rows=self.rows[kept],
            response=self.response,
            outputs=self.outputs[kept],
            labels=self.labels[kept],
            answers=self.answers[kept],
            n_classes=self.n_classes,
            folds=self.folds[kept] if len(self.folds) else self.folds,
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LossModels:
    """What estimates a score without labels; no row of training.

    Stored as the list of its fields: new ones come last and have a default.

    Attributes
    ----------
    reason : str
        Why there is nothing to estimate with; empty otherwise, and then:
    n_rows : int
        Out-of-fold rows that were learned from.
    n_classes : int
        0 for regressors.
    response : {"predict_proba", "decision_function", "predict"}
    calibration : {"identity", "sigmoid", "isotonic", "label", ""}
        Chosen by the out-of-fold log loss; ``""`` for regressors.
    tables : ndarray of float of shape (8, ...)
        Of the calibrator of each half; for regressors the mean errors, (8, 4).
    positions : ndarray of int
        Columns of X that the trees ask.
    edges : ndarray of float of shape (n_output_columns, 46)
        Between the codes of the model's output; padded with infinity.
    features, cuts, values
        Trees of each half, as `Trees`, with one more axis in front and values in half
        precision.
    weights : ndarray of float of shape (n_outputs,)
        Share of the trees that is added to the plain model: 0 where they do not win
        out of fold. It is part of `values`.
    factors : ndarray of float of shape (4,)
        What the errors of regressors are multiplied with to be right on average where
        models of all halves are put together; the last is their spread.
    quantiles : ndarray of float of shape (101,)
        Of the out-of-fold errors of regressors, in units of the root of the square that
        is expected.
    strata : ndarray of float of shape (9,)
        Deciles of the expected loss out of fold.
    in_blocks : bool
        Whether halves are of whole blocks of rows.
    half_means : ndarray of float
        Of the out-of-fold rows of each half: for classifiers the share of each class
        and the mean of its rows' `class_values`, (8, 1 + 3, n_classes); for
        regressors the mean of the labels and of their squares, (8, 2). Empty in models
        stored before it was learned.
    residual_columns, residual_means, residual_counts, residual_variances
        What is left of `class_values`, or of the four errors, as `ColumnResiduals`.
    corrections : ndarray of float
        What the models of each half lack on the rows that they have not seen.
        Classifiers: added to the logarithms of the shares, by the class that was
        answered, (8, n_classes, n_classes). Regressors: factors of the sizes, and what
        is added to the signed error, (8, 4).
    corrected : tuple of str
        Scores that are corrected besides.
    score_corrections : ndarray of float of shape (n_corrected, 8)
        What is added to the log odds of a share, or to the logarithm of a size.
    explained : ndarray of float of shape (3,)
        Share of the variance of a row's loss that the expected loss explains, out of
        fold: of wrong answers, log loss and Brier score, or of the absolute, squared
        and relative error. 0 where it is not known; empty in models stored before it
        was learned.
    third_left : ndarray of float of shape (3,)
        Third central moment of what the expected losses leave of these, as a share of
        the losses' own, in [0, 1]; empty where `explained` is.
    class_laws : ClassLaws or None
        What class priors are estimated by; None for regressors, and in models saved
        before it was learned.
    """

    reason: str = ""
    n_rows: int = 0
    n_classes: int = 0
    response: Response = "predict"
    calibration: CalibrationKind | str = ""
    tables: np.ndarray = field(default_factory=lambda: np.zeros(0))
    positions: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    edges: np.ndarray = field(default_factory=lambda: np.zeros((0, N_CODES - 2)))
    features: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int16))
    cuts: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int16))
    values: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float16))
    weights: np.ndarray = field(default_factory=lambda: np.zeros(0))
    factors: np.ndarray = field(default_factory=lambda: np.ones(0))
    quantiles: np.ndarray = field(default_factory=lambda: np.zeros(0))
    strata: np.ndarray = field(default_factory=lambda: np.zeros(0))
    in_blocks: bool = False
    half_means: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32))
    residual_columns: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    residual_means: np.ndarray = field(default_factory=lambda: np.zeros((0, 48, 0)))
    residual_counts: np.ndarray = field(default_factory=lambda: np.zeros((0, 48)))
    residual_variances: np.ndarray = field(default_factory=lambda: np.zeros(0))
    corrections: np.ndarray = field(default_factory=lambda: np.zeros(0))
    corrected: tuple[str, ...] = ()
    score_corrections: np.ndarray = field(default_factory=lambda: np.zeros((0, 8)))
    explained: np.ndarray = field(default_factory=lambda: np.zeros(0))
    third_left: np.ndarray = field(default_factory=lambda: np.zeros(0))
    class_laws: ClassLaws | None = None

    def trees(self, half: int) -> Trees:
        """Trees of one half."""
        return Trees(self.features[half], self.cuts[half], self.values[half])

    @property
    def residuals(self) -> ColumnResiduals:
        """What single columns say of the losses beyond all this."""
        return ColumnResiduals(
            columns=self.residual_columns,
            means=self.residual_means,
            counts=self.residual_counts,
            variances=self.residual_variances,
        )

    def __getstate__(self) -> list[object]:
        # An unpickled array has a type object of its own; packed arrays of a profile
        # have numpy's, and a copy's pickle has to be that of the original.
        return [_of_numpys_type(getattr(self, own.name)) for own in fields(self)]

    def __setstate__(self, state: Sequence[object]) -> None:
        restore_fields(self, state)


def _of_numpys_type(value: object) -> object:
    """An array of less than double precision with the type object of numpy itself."""
    if isinstance(value, np.ndarray) and value.dtype in (np.float16, np.float32):
        return value.view(np.dtype(value.dtype.type))
    return value


def halves_of(groups: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Halves of the rows in complementary pairs, whole groups each.

    Returns
    -------
    ndarray of bool of shape (8, n_rows)
    """
    _, codes = np.unique(groups, return_inverse=True)
    sizes = np.bincount(codes)
    halves = np.empty((N_HALVES, len(codes)), dtype=bool)
    for pair in range(N_HALVES // 2):
        order = rng.permutation(len(sizes))
        before = np.cumsum(sizes[order]) - sizes[order] / 2
        first = np.empty(len(sizes), dtype=bool)
        first[order] = before < len(codes) / 2
        halves[2 * pair] = first[codes]
        halves[2 * pair + 1] = ~first[codes]
    return halves


def output_codes(
    line: np.ndarray, answers: np.ndarray, edges: np.ndarray, n_classes: int
) -> np.ndarray:
    """Codes of the model's output, of shape (n_columns, n_rows).

    One column for each output, at most ten, and for more than two classes one more
    for the answer.
    """
    columns = [
        number_codes(line[:, j], own[np.isfinite(own)]) for j, own in enumerate(edges)
    ]
    if n_classes > 2 or not columns:
        columns.append(np.minimum(answers + 1, N_CODES - 1).astype(np.uint8))
    return np.stack(columns)


def output_line(known: OutOfFold) -> np.ndarray:
    """Output on a line: log odds, or the value that a regressor predicts."""
    if known.n_classes == 0:
        return known.outputs
    if known.response == "predict":
        return known.outputs
    return on_line(known.outputs, known.response)


def learn_losses(
    known: OutOfFold,
    codes: np.ndarray,
    positions: np.ndarray,
    groups: np.ndarray,
    halves: np.ndarray,
    *,
    in_blocks: bool,
    rng: np.random.Generator,
) -> LossModels:
    """Learn from out-of-fold answers.

    Parameters
    ----------
    known : OutOfFold
    codes : ndarray of uint8 of shape (n_used, n_known)
        Of the rows.
    positions : ndarray of int of shape (n_used,)
        Columns that the codes are of.
    groups : ndarray of int of shape (n_known,)
        Rows of one group are in one half together.
    halves : ndarray of bool of shape (8, n_known)
    in_blocks : bool
        Whether groups are blocks of rows.
    rng : Generator
    """
    line = output_line(known)
    asked = line[:, :0] if known.response == "predict" and known.n_classes else line
    found = [code_edges(column) for column in asked.T[:MOST_OUTPUT_COLUMNS]]
    edges = np.full((len(found), N_CODES - 2), np.inf)
    for own, row in zip(found, edges, strict=True):
        row[: len(own)] = own
    every = np.vstack(
        [codes, output_codes(line, known.answers, edges, known.n_classes)]
    )
    learn = _learn_classes if known.n_classes else _learn_errors
    parts = learn(known, line, every, halves, groups, rng)
    return LossModels(
        n_rows=len(known.rows),
        n_classes=known.n_classes,
        response=known.response,
        positions=positions.astype(np.int64),
        edges=edges,
        in_blocks=in_blocks,
        **parts,
    )


def enough_rows(known: OutOfFold) -> str:
    """Why so few rows do not do; empty if they do."""
    n = len(known.rows)
    if n < LEAST_ROWS:
        return f"it takes {LEAST_ROWS} out-of-fold rows or more, got {n}"
    if known.n_classes and len(np.unique(known.labels)) < 2:
        return "all out-of-fold rows are of one class"
    return ""


# --- classifiers --------------------------------------------------------------


def _learn_classes(
    known: OutOfFold,
    line: np.ndarray,
    codes: np.ndarray,
    halves: np.ndarray,
    groups: np.ndarray,
    rng: np.random.Generator,
) -> dict[str, Any]:
    n_classes = known.n_classes
    right = known.labels[:, None] == np.arange(n_classes)
    calibrators = _best_calibration(known, line, right, halves)
    plain = np.stack([np.log(calibrated(own, line)).T for own in calibrators])
    n_rounds = N_ROUNDS if len(line) >= LEAST_BOOSTED else 0
    trees = [
        boost(
            np.compress(half, codes, axis=1),
            _class_gradient(right[half].T, base[:, half]),
            n_classes if n_classes > 2 else 1,
            n_rounds=n_rounds,
            rng=rng,
        )
        for half, base in zip(halves, plain, strict=True)
    ]
    start = _of_others(plain, halves)
    at = known.labels, np.arange(len(right))

    def loss(total: np.ndarray) -> np.ndarray:
        shares = class_shares(start, total)
        return -np.log(np.maximum(shares[at], 1e-12))[None, :]

    rounds, weights, total = _best_shares(
        trees, codes, halves, loss, groups, joint=True
    )
    shares = class_shares(start, total)
    return {
        "calibration": calibrators[0].kind,
        "tables": np.stack([own.table for own in calibrators]),
        "weights": weights,
        "strata": _strata(uncertainty(shares)),
        "half_means": _class_means(known, halves),
        **_stored_residuals(codes, _class_residuals(known, shares), halves[0], groups),
        **_explained_classes(known, shares),
        **_stored_trees(trees, rounds, weights),
    }


def class_values(
    labels: np.ndarray,
    answers: np.ndarray,
    outputs: np.ndarray,
    response: Response,
    n_classes: int,
) -> np.ndarray:
    """What each row adds to accuracy, negated log loss and Brier score: (3, n_rows).

    Larger = better. The last two are NaN without probabilities, and where a label is
    no class (-1), which is answered wrong.
    """
    values = np.full((len(CLASS_VALUES), len(labels)), np.nan)
    values[0] = labels == answers
    if response != "predict_proba":
        return values
    known = np.flatnonzero(labels >= 0)
    least = np.finfo(np.float64).eps
    given = outputs[known, labels[known]]
    values[1, known] = np.log(np.clip(given, least, 1.0 - least))
    squares = (outputs[known] ** 2).sum(axis=1) - given**2 + (1.0 - given) ** 2
    values[2, known] = -squares * (0.5 if n_classes == 2 else 1.0)
    return values


def values_by_class(known: OutOfFold) -> np.ndarray:
    """`class_values` if the label is that of each class: (n_classes, 3, n_rows)."""
    found = [
        class_values(
            np.full(len(known.answers), number),
            known.answers,
            known.outputs,
            known.response,
            known.n_classes,
        )
        for number in range(known.n_classes)
    ]
    return np.stack(found)


def _class_residuals(known: OutOfFold, shares: np.ndarray) -> np.ndarray:
    """Realised minus expected `class_values`; 0 where there are none."""
    expected = (shares[:, None, :] * values_by_class(known)).sum(axis=0)
    realised = class_values(
        known.labels, known.answers, known.outputs, known.response, known.n_classes
    )
    return np.nan_to_num(realised - expected)


def _stored_residuals(
    codes: np.ndarray, residuals: np.ndarray, half: np.ndarray, groups: np.ndarray
) -> dict[str, np.ndarray]:
    in_blocks = len(np.unique(groups)) < len(groups)
    found = learn_residuals(codes, residuals, half if in_blocks else None)
    return {
        "residual_columns": found.columns,
        "residual_means": found.means,
        "residual_counts": found.counts,
        "residual_variances": found.variances,
    }


def _class_means(known: OutOfFold, halves: np.ndarray) -> np.ndarray:
    """Share of each class in each half, and means of its rows; see `half_means`."""
    values = class_values(
        known.labels, known.answers, known.outputs, known.response, known.n_classes
    )
    found = np.full((N_HALVES, 1 + len(values), known.n_classes), np.nan)
    for own, half in zip(found, halves, strict=True):
        labels = known.labels[half]
        counts = np.bincount(labels, minlength=known.n_classes)
        own[0] = counts / max(len(labels), 1)
        with np.errstate(invalid="ignore"):
            own[1:] = [
                np.bincount(labels, value[half], known.n_classes) / counts
                for value in values
            ]
    return found.astype(np.float32)


def class_shares(base: np.ndarray, total: np.ndarray) -> np.ndarray:
    """Probability of each class: logarithms of the plain ones, raised by trees.

    Parameters
    ----------
    base : ndarray of float of shape (n_classes, n_rows)
    total : ndarray of float of shape (n_classes, n_rows), or (1, n_rows)
        For two classes added to the log odds of the second.
    """
    if len(base) == 2:
        second = special.expit(base[1] - base[0] + total[-1])
        return np.stack([1.0 - second, second])
    return np.asarray(special.softmax(base + total, axis=0))


def half_shares(
    models: LossModels, half: int, line: np.ndarray, codes: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Probability of each class by the plain model of one half, and by its trees."""
    plain = calibrated(calibrator_of(models, half), line).T
    if not models.weights.any():
        return plain, plain
    total = sum_of_trees(codes, models.trees(half))
    return plain, class_shares(np.log(plain), total)


def recalibrated(
    shares: np.ndarray, corrections: np.ndarray, answers: np.ndarray
) -> np.ndarray:
    """Shares of the classes, corrected by the class that was answered.

    Parameters
    ----------
    shares : ndarray of float of shape (n_classes, n_rows)
    corrections : ndarray of float of shape (n_classes, n_classes)
    answers : ndarray of int of shape (n_rows,)
        -1 for an answer that is no class.
    """
    factors = np.vstack([np.exp(corrections), np.ones(len(shares))])
    raised = shares * factors[answers].T
    return np.asarray(raised / raised.sum(axis=0))


def _explained_classes(known: OutOfFold, shares: np.ndarray) -> dict[str, np.ndarray]:
    expected = (shares[:, None, :] * values_by_class(known)).sum(axis=0)
    realised = class_values(
        known.labels, known.answers, known.outputs, known.response, known.n_classes
    )
    return _explained(-np.nan_to_num(realised), -np.nan_to_num(expected))


def _explained(losses: np.ndarray, expected: np.ndarray) -> dict[str, np.ndarray]:
    """How much of the variance of losses was expected, and how skewed the rest is.

    Negative correlations explain nothing.
    """
    losses = losses - losses.mean(axis=1, keepdims=True)
    about = expected - expected.mean(axis=1, keepdims=True)
    own, others = (losses**2).sum(axis=1), (about**2).sum(axis=1)
    product = np.maximum((losses * about).sum(axis=1), 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        explained = np.nan_to_num(product**2 / (own * others))
        slope = np.nan_to_num(product / others)
        left = losses - slope[:, None] * about
        third = (left**3).sum(axis=1) / (losses**3).sum(axis=1)
    return {
        "explained": explained,
        "third_left": np.clip(np.nan_to_num(third, nan=1.0), 0.0, 1.0),
    }


def uncertainty(shares: np.ndarray) -> np.ndarray:
    """Probability that two draws of the label differ, given (n_classes, n_rows)."""
    return np.asarray(1.0 - (shares**2).sum(axis=0))


def _best_calibration(
    known: OutOfFold, line: np.ndarray, right: np.ndarray, halves: np.ndarray
) -> list[Calibrator]:
    """Of each half; least log loss on the rows not fitted on, ties to the plainest."""
    kinds = kinds_for(known.response, len(line))
    judged = halves[: N_JUDGED if len(kinds) > 1 else 0]
    best, least = kinds[0], np.inf
    fitted: dict[CalibrationKind, list[Calibrator]] = {}
    for kind in kinds:
        own = [fit_calibrator(kind, line[half], right[half]) for half in judged]
        fitted[kind] = own
        losses = [
            -np.log(calibrated(one, line[~half])[right[~half]]).mean()
            for one, half in zip(own, judged, strict=True)
        ]
        loss = float(np.mean(losses)) if losses else 0.0
        if loss < least:
            best, least = kind, loss
    rest = halves[len(judged) :]
    return fitted[best] + [
        fit_calibrator(best, line[half], right[half]) for half in rest
    ]


def _class_gradient(right: np.ndarray, base: np.ndarray) -> Gradient:
    """Of the log likelihood, with the diagonal curvature of Friedman (2001)."""
    k = len(base)
    step = (k - 1.0) / k if k > 2 else 1.0
    asked = slice(None) if k > 2 else slice(1, 2)

    def gradient(total: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        shares = class_shares(base, total)[asked]
        return step * (right[asked] - shares), shares * (1.0 - shares)

    return gradient


# --- regressors ---------------------------------------------------------------


def errors_of(labels: np.ndarray, answers: np.ndarray) -> np.ndarray:
    """Absolute, squared, relative and signed error of each row: (4, n_rows)."""
    signed = labels - answers
    size = np.maximum(np.abs(labels), np.finfo(np.float64).eps)
    return np.stack([np.abs(signed), signed**2, np.abs(signed) / size, signed])


def _learn_errors(
    known: OutOfFold,
    line: np.ndarray,
    codes: np.ndarray,
    halves: np.ndarray,
    groups: np.ndarray,
    rng: np.random.Generator,
) -> dict[str, Any]:
    errors = errors_of(known.labels, known.answers)
    spread = float(np.sqrt(errors[1].mean())) or 1.0
    means = np.stack([errors[:, half].mean(axis=1) for half in halves])
    least = np.array([1e-9 * spread, 1e-18 * spread**2, 1e-12])
    means[:, :3] = np.maximum(means[:, :3], least)
    n_rounds = N_ROUNDS if len(line) >= LEAST_BOOSTED else 0
    trees = [
        boost(
            np.compress(half, codes, axis=1),
            _error_gradient(_standardised(errors[:, half], own, spread)),
            len(ERRORS),
            n_rounds=n_rounds,
            rng=rng,
        )
        for half, own in zip(halves, means, strict=True)
    ]
    overall = means.mean(axis=0)
    standard = _standardised(errors, overall, spread)

    def loss(total: np.ndarray) -> np.ndarray:
        total = np.clip(total, -5.0, 5.0)
        gamma = standard[:3] * np.exp(-total[:3]) + total[:3]
        square = 0.5 * (standard[3:] - total[3:]) ** 2
        return np.vstack([gamma, square])

    rounds, weights, total = _best_shares(
        trees, codes, halves, loss, groups, joint=False
    )
    expected = expected_errors(total, overall, spread)
    ratio = errors[:3].mean(axis=1) / expected[:3].mean(axis=1)
    factors = np.append(np.clip(ratio, 0.5, 2.0), spread)
    expected[:3] *= factors[:3, None]
    in_sizes = errors[3] / np.sqrt(expected[1])
    levels = (np.arange(N_QUANTILES) + 0.5) / N_QUANTILES
    of_halves = [known.labels[half] for half in halves]
    return {
        "tables": means,
        "weights": weights,
        "factors": factors,
        "quantiles": np.quantile(in_sizes, levels),
        "strata": _strata(expected[1]),
        "half_means": np.array(
            [[labels.mean(), (labels**2).mean()] for labels in of_halves]
        ),
        **_stored_residuals(codes, errors - expected, halves[0], groups),
        **_explained(errors[:3], expected[:3]),
        **_stored_trees(trees, rounds, weights),
    }


def expected_errors(total: np.ndarray, means: np.ndarray, spread: float) -> np.ndarray:
    """Errors that summed trees stand for, of shape (4, n_rows)."""
    total = np.clip(total, -5.0, 5.0)
    sizes = means[:3, None] * np.exp(total[:3])
    return np.vstack([sizes, means[3] + spread * total[3:]])


def half_errors(models: LossModels, half: int, codes: np.ndarray) -> np.ndarray:
    """Errors that the model of one half expects, of shape (4, n_rows)."""
    total = np.zeros((len(ERRORS), codes.shape[1]))
    if models.weights.any():
        total = sum_of_trees(codes, models.trees(half))
    correction = models.corrections[half] if len(models.corrections) else None
    return scaled_errors(models, total, models.tables[half], correction)


def scaled_errors(
    models: LossModels,
    total: np.ndarray,
    means: np.ndarray,
    correction: np.ndarray | None = None,
) -> np.ndarray:
    """Errors that summed trees stand for, right on average: (4, n_rows).

    Parameters
    ----------
    models : LossModels
    total : ndarray of float of shape (4, n_rows)
    means : ndarray of float of shape (4,)
    correction : ndarray of float of shape (4,) or None
        Factors of the sizes, and what is added to the signed error.
    """
    found = expected_errors(total, means, float(models.factors[3]))
    found[:3] *= models.factors[:3, None]
    if correction is not None:
        found[:3] *= correction[:3, None]
        found[3] += correction[3]
    found[1] = np.maximum(found[1], found[0] ** 2)
    return found


def _standardised(errors: np.ndarray, means: np.ndarray, spread: float) -> np.ndarray:
    """Sizes as multiples of their mean, the signed error in units of the spread."""
    sizes = np.minimum(errors[:3] / means[:3, None], LARGEST_RATIO)
    signed = np.clip((errors[3:] - means[3]) / spread, -5.0, 5.0)
    return np.vstack([sizes, signed])


def _error_gradient(standard: np.ndarray) -> Gradient:
    """Of a gamma deviance with a log link, and of half the squared distance."""

    def gradient(total: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        slope = np.empty_like(total)
        slope[:3] = standard[:3] * np.exp(-total[:3]) - 1.0
        slope[3] = standard[3] - total[3]
        return slope, np.ones_like(total)

    return gradient


# --- how far beyond the plain model -------------------------------------------


def _of_others(values: np.ndarray, halves: np.ndarray) -> np.ndarray:
    """Mean over the models that have not seen a row, of shape (n_outputs, n_rows)."""
    return np.asarray(
        sum(np.where(half, 0.0, own) for own, half in zip(values, halves, strict=True))
        / (N_HALVES // 2)
    )


def _best_shares(
    trees: Sequence[Trees],
    codes: np.ndarray,
    halves: np.ndarray,
    loss: Loss,
    groups: np.ndarray,
    *,
    joint: bool,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rounds and weight of each output with the least loss on rows not seen.

    The weight is 0 where the gain is less than its standard error, by groups of rows.

    Returns
    -------
    rounds, weights : ndarray of shape (n_outputs,)
    total : ndarray of shape (n_outputs, n_rows)
        The sum that they give, by models that have not seen the row.
    """
    n_outputs = trees[0].values.shape[2]
    shape = (n_outputs, codes.shape[1])
    rounds, weights = np.zeros(n_outputs, dtype=np.int64), np.zeros(n_outputs)
    total, best = np.zeros(shape), np.zeros(shape)
    plain = loss(total)
    least = np.zeros(len(plain))
    _, codes_of_groups = np.unique(groups, return_inverse=True)
    others = [np.flatnonzero(~half) for half in halves]
    asked = [codes.take(rows, axis=1) for rows in others]
    done = 0
    for until in ROUNDS:
        if until > len(trees[0].values):
            break
        for rows, coded, own in zip(others, asked, trees, strict=True):
            part = Trees(
                own.features[done:until], own.cuts[done:until], own.values[done:until]
            )
            total[:, rows] += sum_of_trees(coded, part) / (N_HALVES // 2)
        done = until
        for weight in WEIGHTS:
            gains = plain - loss(weight * total)
            for output, gain in enumerate(gains):
                if gain.mean() <= least[output] or not _wins(gain, codes_of_groups):
                    continue
                least[output] = gain.mean()
                chosen = slice(None) if joint else slice(output, output + 1)
                rounds[chosen], weights[chosen] = until, weight
                best[chosen] = weight * total[chosen]
    return rounds, weights, best


def _wins(gain: np.ndarray, groups: np.ndarray) -> bool:
    sums = np.bincount(groups, gain - gain.mean())
    return bool(gain.sum() > np.sqrt((sums**2).sum()))


def _stored_trees(
    trees: Sequence[Trees], rounds: np.ndarray, weights: np.ndarray
) -> dict[str, np.ndarray]:
    n = int(rounds.max(initial=0))
    values = np.stack([own.values[:n] for own in trees])
    kept = np.arange(n)[:, None] < rounds
    return {
        "features": np.stack([own.features[:n] for own in trees]),
        "cuts": np.stack([own.cuts[:n] for own in trees]),
        "values": (values * (kept * weights)[None, :, None, :]).astype(np.float16),
    }


def _strata(losses: np.ndarray) -> np.ndarray:
    return np.quantile(losses, np.arange(1, N_STRATA) / N_STRATA)


def calibrator_of(models: LossModels, half: int) -> Calibrator:
    """Calibrator of one half of a classifier's rows."""
    kind: CalibrationKind = models.calibration  # type: ignore[assignment]
    return Calibrator(kind, models.tables[half])


def with_class_laws(
    models: LossModels,
    known: OutOfFold,
    codes: np.ndarray,
    halves: np.ndarray,
    totals: np.ndarray,
    seed: int,
) -> LossModels:
    """The same, and how answers and columns go with the classes.

    Parameters
    ----------
    models : LossModels
        Of a classifier, learned from the same rows and halves.
    known, codes, halves
        As for `learn_losses`.
    totals : ndarray of int of shape (n_classes,)
        Training rows of each class.
    seed : int
    """
    laws = learn_class_laws(
        known,
        output_line(known),
        [calibrator_of(models, half) for half in range(N_HALVES)],
        halves,
        codes,
        totals,
        seed,
    )
    return replace(models, class_laws=laws)
