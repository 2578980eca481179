"""By how much learned models are off on the rows that they were not learned from.

Each half's model is held against the other half, and what it lacks there is added to
what it says of a batch. A batch that is like training is then expected to have the
score of cross-validation, whatever the model got wrong; of another batch the models
only say by how much it differs (a control variate, as in augmented inverse propensity
weighting without the weights; Robins, Rotnitzky and Zhao 1994).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from skdrift.performance._column_terms import (
    class_gains,
    code_counts,
    error_gains,
    fit_class_terms,
    fit_error_terms,
    strongest_columns,
)
from skdrift.performance._estimate import on_score_line, score_bounds
from skdrift.performance._halves import N_HALVES
from skdrift.performance._known_answers import (
    AnsweredRows,
    ValueOf,
    corrected_scorers,
    value_of_rows,
)
from skdrift.performance._loss_models import (
    LossModels,
    half_errors,
    half_shares,
    recalibrated,
    rescaled,
)
from skdrift.performance._out_of_fold_rows import OutOfFold
from skdrift.performance._output_codes import with_output
from skdrift.performance._row_losses import errors_of

PRIOR_ROWS = 2.0
"""Rows that agree with the model, beside those of a class that was answered."""
N_STEPS = 4
LEAST_ROWS_OF_FOLD = 50
LARGEST_FACTOR = 2.0
LARGEST_TERM = 10.0


def corrected_models(
    models: LossModels, known: OutOfFold, codes: np.ndarray, halves: np.ndarray
) -> LossModels:
    """The models with what they lack on the rows that they have not seen.

    Parameters
    ----------
    models : LossModels
    known : OutOfFold
    codes : ndarray of uint8 of shape (n_used, n_known)
        Of the columns that the models ask.
    halves : ndarray of bool of shape (8, n_known)
        That the models were learned from.
    """
    line, every = with_output(known, codes, models.edges)
    if models.n_classes:
        return _corrected_classes(models, known, line, every, halves)
    return _corrected_errors(models, known, every, halves)


def _term_fields(
    columns: np.ndarray, codes: np.ndarray, terms: np.ndarray, gains: Sequence[Any]
) -> dict[str, Any]:
    """Fields of `LossModels` that hold terms.

    Where rows come in blocks, a column may stand for the block: what does not lessen
    the losses of other blocks is left out.

    Parameters
    ----------
    columns : ndarray of int of shape (k,)
    codes : ndarray of uint8 of shape (n_columns, n_known)
    terms : ndarray of float of shape (8, k, 48, n_terms)
    gains : sequence of ndarray of float of shape (k,) or (k, n_terms)
        Of each half's terms on rows that they were not fitted to; empty where rows
        count one by one.
    """
    if len(gains):
        total = np.sum(gains, axis=0)
        kept = (total if total.ndim == 2 else total[:, None]) > 0
        terms = terms * kept[None, :, None, :]
    return {
        "term_columns": columns,
        "term_counts": code_counts(codes[columns]),
        "terms": np.clip(terms, -LARGEST_TERM, LARGEST_TERM).astype(np.float16),
    }


def _partner(half: int) -> int:
    """The half that holds the other rows."""
    return half ^ 1


# --- regressors ---------------------------------------------------------------


def _corrected_errors(
    models: LossModels, known: OutOfFold, codes: np.ndarray, halves: np.ndarray
) -> LossModels:
    errors = errors_of(known.labels, known.answers)
    columns = strongest_columns(codes, errors)
    spread = float(models.factors[3])
    corrections, judged = [], []
    for half, seen in enumerate(halves):
        rows = np.flatnonzero(~seen)
        own, real = codes.take(rows, axis=1), errors.take(rows, axis=1)
        expected = half_errors(models, half, own)
        corrections.append(_error_correction(expected, real))
        expected = rescaled(expected, corrections[-1])
        judged.append((own.take(columns, axis=0), real, expected, spread))
    terms = np.stack([fit_error_terms(*own) for own in judged])
    gains = [
        error_gains(*judged[_partner(half)], own)
        for half, own in enumerate(terms if models.in_blocks else ())
    ]
    return replace(
        models,
        corrections=np.stack(corrections),
        **_term_fields(columns, codes, terms, gains),
    )


def _error_correction(expected: np.ndarray, errors: np.ndarray) -> np.ndarray:
    """Factors of the sizes, and what is added to the signed error."""
    means, wanted = expected.mean(axis=1), errors.mean(axis=1)
    factors = wanted[:3] / np.maximum(means[:3], np.finfo(np.float64).tiny)
    factors = np.clip(factors, 1.0 / LARGEST_FACTOR, LARGEST_FACTOR)
    return np.append(factors, wanted[3] - means[3])


# --- classifiers --------------------------------------------------------------


def _corrected_classes(
    models: LossModels,
    known: OutOfFold,
    line: np.ndarray,
    codes: np.ndarray,
    halves: np.ndarray,
) -> LossModels:
    right = np.eye(models.n_classes)[known.labels].T
    answered = AnsweredRows(known.answers, known.answers, known.outputs, known.response)
    known_scorers = corrected_scorers(models.n_classes)
    others = [np.flatnonzero(~seen) for seen in halves]
    parts = [_parts(known.folds[rows]) for rows in others]
    apart = known.folds if min(map(len, parts)) > 1 else None
    asked = {
        name: (score_bounds(scorer), value_of)
        for name, scorer in known_scorers.items()
        if (value_of := value_of_rows(scorer, answered, models.n_classes, apart))
        is not None
    }
    columns = strongest_columns(
        codes, np.vstack([right, known.labels == known.answers])
    )
    corrections, by_score, corrected = [], [], []
    for half, (rows, folds) in enumerate(zip(others, parts, strict=True)):
        raw = half_shares(models, half, line[rows], codes.take(rows, axis=1))[1]
        answers = known.answers[rows]
        labels = right.take(rows, axis=1)
        corrections.append(_log_corrections(raw, labels, answers))
        shares = recalibrated(raw, corrections[-1], answers)
        corrected.append((codes[np.ix_(columns, rows)], labels, shares, answers))
        judged = [
            (labels.take(part, axis=1), shares.take(part, axis=1), rows[part])
            for part in folds
        ]
        by_score.append(
            [_lack(bounds, value_of, judged) for bounds, value_of in asked.values()]
        )
    terms = np.stack([fit_class_terms(*own) for own in corrected])
    gains = [
        class_gains(*corrected[_partner(half)], own)
        for half, own in enumerate(terms if models.in_blocks else ())
    ]
    return replace(
        models,
        corrections=np.stack(corrections),
        corrected=tuple(asked),
        score_corrections=np.array(by_score).reshape(N_HALVES, len(asked)).T,
        **_term_fields(columns, codes, terms, gains),
    )


def _log_corrections(
    shares: np.ndarray, right: np.ndarray, answers: np.ndarray
) -> np.ndarray:
    """What makes the shares right on average, for each class that was answered.

    Returns
    -------
    ndarray of float of shape (n_classes, n_classes)
        A row for each answered class: added to the logarithms of the shares.
    """
    k = len(shares)
    found = np.zeros((k, k))
    for answer in np.flatnonzero(np.bincount(answers)).tolist():
        rows = np.flatnonzero(answers == answer)
        own = shares.take(rows, axis=1)
        expected = own.mean(axis=1)
        hits = right.take(rows, axis=1).sum(axis=1)
        wanted = (hits + PRIOR_ROWS * expected) / (hits.sum() + PRIOR_ROWS)
        for _ in range(N_STEPS):
            found[answer] += np.log(wanted / np.maximum(expected, 1e-12))
            raised = own * np.exp(found[answer])[:, None]
            expected = (raised / raised.sum(axis=0)).mean(axis=1)
    return found


def _parts(folds: np.ndarray) -> list[np.ndarray]:
    """Places of the rows of each fold; of all rows together where folds are small."""
    numbers = np.flatnonzero(np.bincount(folds))
    if len(folds) < LEAST_ROWS_OF_FOLD * len(numbers):
        return [np.arange(len(folds))]
    return [np.flatnonzero(folds == number) for number in numbers]


def _lack(
    bounds: tuple[float, float],
    value_of: ValueOf,
    judged: Sequence[tuple[np.ndarray, np.ndarray, np.ndarray]],
) -> float:
    """What a score lacks, as the mean of folds: models of two folds rank apart."""
    pairs = [
        (value_of(right, rows), value_of(shares, rows))
        for right, shares, rows in judged
    ]
    known = np.array([pair for pair in pairs if np.isfinite(pair).all()])
    if not len(known):
        return 0.0
    real, expected = known.mean(axis=0)
    return float(on_score_line(bounds, real) - on_score_line(bounds, expected))
