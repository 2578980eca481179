"""Estimating: from a batch and what was learned out of fold to expected scores."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sklearn.metrics import get_scorer

from skdrift._core.frame import Table, read_table
from skdrift._core.rows import spread_evenly
from skdrift.performance._boosting import sum_of_trees
from skdrift.performance._calibration import calibrated, on_line
from skdrift.performance._cross_validation import FOLD_ERRORS, Scorer, describe
from skdrift.performance._estimate import (
    EstimatedScore,
    PerformanceEstimate,
    effective_size,
    nothing_known,
    score_bounds,
    support_notes,
    with_interval,
)
from skdrift.performance._halves import N_HALVES
from skdrift.performance._known_answers import AnsweredRows, expected_class_score
from skdrift.performance._loss_models import (
    LossModels,
    calibrator_of,
    class_shares,
    half_errors,
    half_shares,
    recalibrated,
    scaled_errors,
    uncertainty,
)
from skdrift.performance._out_of_fold_rows import OutOfFold
from skdrift.performance._output_codes import output_codes
from skdrift.performance._recorded import recordable
from skdrift.performance._row_codes import row_codes
from skdrift.performance._row_losses import ERRORS, values_by_class
from skdrift.profile import Profile

BINARY_SCORERS = (
    "accuracy",
    "balanced_accuracy",
    "precision",
    "recall",
    "f1",
    "roc_auc",
    "average_precision",
    "neg_log_loss",
    "neg_brier_score",
)
MULTICLASS_SCORERS = (
    "accuracy",
    "balanced_accuracy",
    "precision_macro",
    "recall_macro",
    "f1_macro",
    "roc_auc_ovr",
    "average_precision",
    "neg_log_loss",
    "neg_brier_score",
)
REGRESSION_SCORERS = (
    "neg_mean_absolute_error",
    "neg_mean_squared_error",
    "neg_root_mean_squared_error",
    "r2",
    "neg_mean_absolute_percentage_error",
)
N_DRAWS = 100
MOST_DRAWN = 1_000
MOST_COMPARED = 4_000


@dataclass(frozen=True, slots=True, eq=False)
class AnsweredBatch:
    """A batch as the models see it.

    Attributes
    ----------
    codes : ndarray of uint8 of shape (n_columns, n_rows)
        Of the columns, followed by those of the output.
    line : ndarray of float of shape (n_rows, n_outputs)
        Output on a line, see `output_line`.
    answers : ndarray of shape (n_rows,)
        Number of the class, or the value, that `predict` gave.
    outputs : ndarray of float of shape (n_rows, n_outputs)
    labels : ndarray of shape (n_rows,)
        What `predict` gave.
    decisions : ndarray of float of shape (n_rows, n_classes) or None
    """

    codes: np.ndarray
    line: np.ndarray
    answers: np.ndarray
    outputs: np.ndarray
    labels: np.ndarray
    decisions: np.ndarray | None

    def take(self, rows: np.ndarray) -> AnsweredBatch:
        """Some of the rows."""
        return AnsweredBatch(
            self.codes[:, rows],
            self.line[rows],
            self.answers[rows],
            self.outputs[rows],
            self.labels[rows],
            None if self.decisions is None else self.decisions[rows],
        )


@dataclass(frozen=True, slots=True, eq=False)
class ExpectedRows:
    """What the models expect of single rows.

    Attributes
    ----------
    mean, plain : ndarray of float of shape (n_values, n_rows)
        Of all halves together, and without trees: probability of each class, or the
        four errors.
    halves : list of ndarray of float of shape (n_values, n_compared)
        Of each half, for some of the rows.
    compared : ndarray of int of shape (n_compared,)
        Their positions.
    """

    mean: np.ndarray
    plain: np.ndarray
    halves: list[np.ndarray]
    compared: np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ExpectedBatch:
    """A batch, the model's answers for it, and what is expected of each row.

    Attributes
    ----------
    models : LossModels
    answered : AnsweredBatch
    rows : ExpectedRows
    effective_sample_size, share_outside : float
        As in `PerformanceEstimate`.
    """

    models: LossModels
    answered: AnsweredBatch
    rows: ExpectedRows
    effective_sample_size: float
    share_outside: float

    def scores(
        self, estimator: Any, scorers: Mapping[str, Scorer]
    ) -> list[EstimatedScore]:
        """Scores to expect of the rows, without labels."""
        estimate = _class_scores if self.models.n_classes else _error_scores
        known = {
            name: recordable(scorer, estimator) or scorer
            for name, scorer in scorers.items()
        }
        return estimate(self.models, estimator, self.answered, self.rows, known)

    def take(self, rows: np.ndarray) -> ExpectedBatch:
        """Some of the rows."""
        answered = self.answered.take(rows)
        return replace(
            self, answered=answered, rows=_expected_rows(self.models, answered)
        )

    def losses(self, index: int) -> np.ndarray | None:
        """Expected loss of each row; None where the model does not say.

        Parameters
        ----------
        index : int
            Place in `LossModels.explained`.
        """
        mean, answered = self.rows.mean, self.answered
        if not self.models.n_classes:
            return mean[index]
        if not index:
            at = np.arange(mean.shape[1])
            return np.asarray(1.0 - mean[answered.answers, at])
        if self.models.response != "predict_proba":
            return None
        unlabelled = OutOfFold(
            rows=np.arange(mean.shape[1]),
            response=self.models.response,
            outputs=answered.outputs,
            labels=np.full(mean.shape[1], -1),
            answers=answered.answers,
            n_classes=self.models.n_classes,
        )
        values = values_by_class(unlabelled)[:, index]
        return np.asarray(-(mean * values).sum(axis=0))


def expected_batch(
    models: LossModels, reference: Profile, estimator: Any, X: Any, table: Table
) -> ExpectedBatch:
    """Ask a model about the rows of a batch, and expect its losses.

    Parameters
    ----------
    models : LossModels
    reference : Profile
        Of the training rows.
    estimator : fitted estimator
    X : table of shape (n_rows, n_features)
        What `estimator` is given.
    table : Table
        The same rows, at least one.
    """
    coded = row_codes(table, reference, models.positions)
    answered = answered_batch(models, estimator, X, coded.codes)
    rows = _expected_rows(models, answered)
    losses = uncertainty(rows.mean) if models.n_classes else rows.mean[1]
    strata = models.strata.searchsorted(losses)
    even = np.full((1, len(models.strata) + 1), 1.0 / (len(models.strata) + 1))
    n = reference.n_rows
    effective = min(
        effective_size(coded.shares, coded.codes, n),
        effective_size(even, strata[None, :], n),
    )
    return ExpectedBatch(
        models=models,
        answered=answered,
        rows=rows,
        effective_sample_size=effective,
        share_outside=float(coded.outside.mean()),
    )


def _expected_rows(models: LossModels, answered: AnsweredBatch) -> ExpectedRows:
    if models.n_classes:
        return corrected_classes(models, answered)
    return corrected_row_errors(models, answered)


def estimate_performance(
    models: LossModels,
    reference: Profile,
    estimator: Any,
    X: Any,
    scorers: Mapping[str, Scorer],
) -> PerformanceEstimate:
    """Scores to expect of a batch without labels.

    Parameters
    ----------
    models : LossModels
    reference : Profile
        Of the training rows.
    estimator : fitted estimator
    X : table of shape (n_rows, n_features)
    scorers : mapping of str to scorer
        Of the pass, beside the usual ones.

    Raises
    ------
    InputError, InputTypeError
        If `X` is no table.
    """
    table = read_table(X, strict=False)
    known: dict[str, Scorer] = {
        name: get_scorer(name) for name in _usual_scorers(models)
    }
    known.update(scorers)
    if not table.n_rows:
        scores = [nothing_known(name, "the batch has no rows") for name in known]
        return _answer(models, scores, table, 0.0, 0.0)
    batch = expected_batch(models, reference, estimator, X, table)
    with warnings.catch_warnings():
        # A class that nobody is taken for has no precision: scikit-learn's 0.
        warnings.simplefilter("ignore")
        scores = batch.scores(estimator, known)
    return _answer(
        models,
        scores,
        table,
        batch.effective_sample_size,
        batch.share_outside,
    )


def _answer(
    models: LossModels,
    scores: list[EstimatedScore],
    table: Table,
    effective: float,
    outside: float,
) -> PerformanceEstimate:
    support = support_notes(effective, outside) if table.n_rows else ()
    return PerformanceEstimate(
        scores=tuple(scores),
        n_rows=table.n_rows,
        effective_sample_size=effective,
        share_outside=outside,
        extrapolates=bool(support),
        notes=(*support, _basis(models)),
    )


def _basis(models: LossModels) -> str:
    rows = f"learned from {models.n_rows:,} out-of-fold rows"
    if models.in_blocks:
        rows += ", in halves of whole blocks"
    if models.n_classes:
        plain, better = "calibrated confidence", "P(y | output, X)"
    else:
        plain, better = "the errors of cross-validation", "a model of the errors by row"
    if not models.weights.any():
        return f"{plain} alone, since {better} did no better out of fold; {rows}"
    return f"{plain} with {better}, which did better out of fold; {rows}"


def _usual_scorers(models: LossModels) -> tuple[str, ...]:
    if not models.n_classes:
        return REGRESSION_SCORERS
    return BINARY_SCORERS if models.n_classes == 2 else MULTICLASS_SCORERS


def answered_batch(
    models: LossModels, estimator: Any, X: Any, codes: np.ndarray
) -> AnsweredBatch:
    """Ask a fitted model for the rows of a table that is coded."""
    labels = np.asarray(estimator.predict(X)).reshape(-1)
    decisions = None
    if not models.n_classes:
        outputs = labels.astype(np.float64)[:, None]
        line, answers = outputs, outputs[:, 0]
    else:
        answers = class_numbers(labels, estimator.classes_)
        outputs = response_of(estimator, models, X, answers)
        line = outputs
        if models.response != "predict":
            line = on_line(outputs, models.response)
        decisions = _decisions_of(estimator, models, X)
    own = output_codes(line, answers, models.edges, models.n_classes)
    codes = np.vstack([codes, own])
    return AnsweredBatch(codes, line, answers, outputs, labels, decisions)


def response_of(
    estimator: Any, models: LossModels, X: Any, answers: np.ndarray
) -> np.ndarray:
    """Output of a classifier, one column for each score."""
    if models.response == "predict":
        return np.eye(models.n_classes)[answers]
    outputs = np.asarray(getattr(estimator, models.response)(X), dtype=np.float64)
    return outputs.reshape(len(answers), -1)


def _decisions_of(estimator: Any, models: LossModels, X: Any) -> np.ndarray | None:
    """What scikit-learn ranks more than two classes by, if the response is another."""
    asked = models.n_classes > 2 and models.response == "predict_proba"
    if not (asked and hasattr(estimator, "decision_function")):
        return None
    found = np.asarray(estimator.decision_function(X), dtype=np.float64)
    return found if found.ndim == 2 and found.shape[1] == models.n_classes else None


def class_numbers(labels: np.ndarray, classes: Any) -> np.ndarray:
    """Number of each label's class; -1 for a label that is no class."""
    numbers = {name: number for number, name in enumerate(np.asarray(classes).tolist())}
    found = [numbers.get(name, -1) for name in np.asarray(labels).tolist()]
    return np.array(found, dtype=np.int64)


# --- classifiers --------------------------------------------------------------


def _class_scores(
    models: LossModels,
    estimator: Any,
    batch: AnsweredBatch,
    expected: ExpectedRows,
    scorers: Mapping[str, Scorer],
) -> list[EstimatedScore]:
    answered = AnsweredRows(
        batch.labels, batch.answers, batch.outputs, models.response, batch.decisions
    )
    lacks = dict(zip(models.corrected, models.score_corrections, strict=True))
    scores = []
    for name, scorer in scorers.items():
        reason = _unanswerable(scorer, models, estimator)
        if reason:
            scores.append(nothing_known(name, reason))
            continue
        try:
            with np.errstate(all="ignore"):
                score = expected_class_score(
                    name,
                    scorer,
                    estimator,
                    answered,
                    expected.mean,
                    expected.plain,
                    expected.halves,
                    expected.compared,
                    lacks,
                )
        except FOLD_ERRORS as error:
            score = nothing_known(name, describe(error))
        scores.append(score)
    return scores


def corrected_classes(models: LossModels, batch: AnsweredBatch) -> ExpectedRows:
    """Probability of each class of a batch, by the mean of the halves as corrected."""
    n = len(batch.answers)
    compared = spread_evenly(n, MOST_COMPARED)
    plain, shares = np.zeros((models.n_classes, n)), np.zeros((models.n_classes, n))
    by_half = []
    for half in range(N_HALVES):
        base, own = half_shares(models, half, batch.line, batch.codes)
        if len(models.corrections):
            own = recalibrated(own, models.corrections[half], batch.answers)
        plain += base / N_HALVES
        shares += own / N_HALVES
        by_half.append(own[:, compared])
    return ExpectedRows(mean=shares, plain=plain, halves=by_half, compared=compared)


def expected_classes(
    models: LossModels, codes: np.ndarray, line: np.ndarray
) -> ExpectedRows:
    """Probability of each class, for rows that are coded."""
    n = len(line)
    compared = spread_evenly(n, MOST_COMPARED)
    plain = np.zeros((models.n_classes, n))
    total = np.zeros((models.values.shape[-1], n))
    by_half = []
    for half in range(N_HALVES):
        base = np.log(calibrated(calibrator_of(models, half), line)).T
        raised = np.zeros_like(total)
        if models.weights.any():
            raised = sum_of_trees(codes, models.trees(half))
        plain += base / N_HALVES
        total += raised / N_HALVES
        by_half.append(class_shares(base[:, compared], raised[:, compared]))
    return ExpectedRows(
        mean=class_shares(plain, total),
        plain=class_shares(plain, np.zeros_like(total)),
        halves=by_half,
        compared=compared,
    )


def _unanswerable(scorer: Scorer, models: LossModels, estimator: Any) -> str:
    """Why scikit-learn has no such score of this model; empty if it may have."""
    name = _NAMES.get(repr(scorer), "")
    if name in _OF_PROBABILITIES and models.response != "predict_proba":
        return f"{type(estimator).__name__} has no predict_proba"
    classes = np.asarray(estimator.classes_).tolist()
    if models.n_classes == 2 and name in _OF_CLASS_ONE and 1 not in classes:
        metric = f"{name}_score"
        return (
            f"scikit-learn's {name!r} takes classes 0 and 1, got {classes}: pass "
            f"scoring={{{name!r}: make_scorer({metric}, pos_label={classes[1]!r})}}"
        )
    return ""


_NAMES = {
    repr(get_scorer(name)): name for name in (*BINARY_SCORERS, *REGRESSION_SCORERS)
}
_OF_PROBABILITIES = frozenset({"neg_log_loss", "neg_brier_score"})
_OF_CLASS_ONE = frozenset({"precision", "recall", "f1", "average_precision"})


# --- regressors ---------------------------------------------------------------


def _error_scores(
    models: LossModels,
    estimator: Any,
    batch: AnsweredBatch,
    expected: ExpectedRows,
    scorers: Mapping[str, Scorer],
) -> list[EstimatedScore]:
    answers = batch.answers
    errors, compared = expected.mean, expected.compared
    drawn = spread_evenly(len(answers), MOST_DRAWN)
    residuals = _draw_residuals(models.quantiles, len(drawn))
    signed = np.sqrt(errors[1, drawn]) * residuals
    scores = []
    for name, scorer in scorers.items():
        function = _ERROR_SCORES.get(repr(scorer))
        if function is None:
            reason = (
                "only scores of absolute, squared and relative errors are estimated"
            )
            scores.append(nothing_known(name, reason))
            continue
        noise = np.var(
            [function(_realised(answers[drawn], e), answers[drawn]) for e in signed],
            ddof=1,
        )
        score = with_interval(
            name,
            function(errors, answers),
            plain=function(expected.plain, answers),
            noise=float(noise) * len(drawn) / len(answers),
            halves=np.array(
                [function(own, answers[compared]) for own in expected.halves]
            ),
            bounds=score_bounds(scorer),
        )
        scores.append(score)
    return scores


def corrected_row_errors(models: LossModels, batch: AnsweredBatch) -> ExpectedRows:
    """Expected errors of a batch, by the mean of the halves as corrected."""
    n = len(batch.answers)
    compared = spread_evenly(n, MOST_COMPARED)
    errors = np.zeros((len(ERRORS), n))
    by_half = []
    for half in range(N_HALVES):
        own = half_errors(models, half, batch.codes)
        errors += own / N_HALVES
        by_half.append(own[:, compared])
    plain = np.tile(models.tables.mean(axis=0)[:, None], n)
    return ExpectedRows(mean=errors, plain=plain, halves=by_half, compared=compared)


def expected_row_errors(models: LossModels, codes: np.ndarray) -> ExpectedRows:
    """Expected errors, for rows that are coded."""
    n = codes.shape[1]
    compared = spread_evenly(n, MOST_COMPARED)
    total = np.zeros((len(ERRORS), n))
    by_half = []
    for half in range(N_HALVES):
        own = np.zeros_like(total)
        if models.weights.any():
            own = sum_of_trees(codes, models.trees(half))
        total += own / N_HALVES
        by_half.append(scaled_errors(models, own[:, compared], models.tables[half]))
    means = models.tables.mean(axis=0)
    return ExpectedRows(
        mean=scaled_errors(models, total, means),
        plain=scaled_errors(models, np.zeros_like(total), means),
        halves=by_half,
        compared=compared,
    )


def _realised(answers: np.ndarray, signed: np.ndarray) -> np.ndarray:
    size = np.maximum(np.abs(answers + signed), np.finfo(np.float64).eps)
    return np.stack([np.abs(signed), signed**2, np.abs(signed) / size, signed])


def _draw_residuals(quantiles: np.ndarray, n_rows: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    return np.asarray(quantiles[rng.integers(len(quantiles), size=(N_DRAWS, n_rows))])


def _determination(errors: np.ndarray, answers: np.ndarray) -> float:
    """R²: the variance of labels is that of the answers corrected by their errors."""
    about = answers - answers.mean()
    squares = about**2 + 2.0 * about * errors[3] + errors[1]
    variance = squares.mean() - (about + errors[3]).mean() ** 2
    return float(1.0 - errors[1].mean() / variance) if variance > 0 else np.nan


_ERROR_SCORES: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    repr(get_scorer("neg_mean_absolute_error")): lambda e, a: -float(e[0].mean()),
    repr(get_scorer("neg_mean_squared_error")): lambda e, a: -float(e[1].mean()),
    repr(get_scorer("neg_root_mean_squared_error")): (
        lambda e, a: -float(np.sqrt(e[1].mean()))
    ),
    repr(get_scorer("neg_mean_absolute_percentage_error")): (
        lambda e, a: -float(e[2].mean())
    ),
    repr(get_scorer("r2")): _determination,
}
