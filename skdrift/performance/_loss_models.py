"""Models of the loss of a row: what is stored of them, and what they answer.

For classifiers a model of P(y | output, X), for regressors one of the expected errors;
one of each for each of eight halves of the out-of-fold rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields

import numpy as np

from skdrift.performance._boosting import Trees, class_shares, sum_of_trees
from skdrift.performance._calibration import (
    CalibrationKind,
    Calibrator,
    Response,
    calibrated,
)
from skdrift.performance._class_laws import ClassLaws
from skdrift.performance._row_codes import N_CODES
from skdrift.performance._row_losses import ERRORS, grown_errors, possible_errors
from skdrift.profile._stored import restore_fields


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
    term_columns : ndarray of int of shape (k,)
        Rows of the codes, those of the output after those of the columns, that have
        terms.
    term_counts : ndarray of float of shape (k, 48)
        Rows behind each of their codes.
    terms : ndarray of float of shape (8, k, 48, n_terms)
        What single columns say beyond the trees of each half; see `fit_class_terms`
        and `fit_error_terms`.
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
    corrections: np.ndarray = field(default_factory=lambda: np.zeros(0))
    corrected: tuple[str, ...] = ()
    score_corrections: np.ndarray = field(default_factory=lambda: np.zeros((0, 8)))
    explained: np.ndarray = field(default_factory=lambda: np.zeros(0))
    third_left: np.ndarray = field(default_factory=lambda: np.zeros(0))
    class_laws: ClassLaws | None = None
    term_columns: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    term_counts: np.ndarray = field(
        default_factory=lambda: np.zeros((0, N_CODES), np.float32)
    )
    terms: np.ndarray = field(
        default_factory=lambda: np.zeros((8, 0, N_CODES, 0), np.float16)
    )

    def trees(self, half: int) -> Trees:
        """Trees of one half."""
        return Trees(self.features[half], self.cuts[half], self.values[half])

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


# --- classifiers --------------------------------------------------------------


def calibrator_of(models: LossModels, half: int) -> Calibrator:
    """Calibrator of one half of a classifier's rows."""
    kind: CalibrationKind = models.calibration  # type: ignore[assignment]
    return Calibrator(kind, models.tables[half])


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


def uncertainty(shares: np.ndarray) -> np.ndarray:
    """Probability that two draws of the label differ, given (n_classes, n_rows)."""
    return np.asarray(1.0 - (shares**2).sum(axis=0))


# --- regressors ---------------------------------------------------------------


def half_errors(models: LossModels, half: int, codes: np.ndarray) -> np.ndarray:
    """Errors that the model of one half expects, of shape (4, n_rows)."""
    total = np.zeros((len(ERRORS), codes.shape[1]))
    if models.weights.any():
        total = sum_of_trees(codes, models.trees(half))
    found = expected_errors(total, models.tables[half], float(models.factors[3]))
    found[:3] *= models.factors[:3, None]
    return found


def expected_errors(total: np.ndarray, means: np.ndarray, spread: float) -> np.ndarray:
    """Errors that summed trees stand for, of shape (4, n_rows)."""
    return grown_errors(means[:, None], np.clip(total, -5.0, 5.0), spread)


def rescaled(errors: np.ndarray, correction: np.ndarray) -> np.ndarray:
    """Expected errors, corrected: (4, n_rows).

    Parameters
    ----------
    errors : ndarray of float of shape (4, n_rows)
    correction : ndarray of float of shape (4,)
        Factors of the sizes, and what is added to the signed error.
    """
    found = errors * np.append(correction[:3], 1.0)[:, None]
    found[3] += correction[3]
    return possible_errors(found)
