"""Rows of training or batch: the terms of a score that they gave and would give."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from skdrift.performance._answered_batch import AnsweredBatch, class_numbers
from skdrift.performance._expected_rows import (
    ExpectedRows,
    expected_classes,
    expected_row_errors,
)
from skdrift.performance._loss_models import LossModels
from skdrift.performance._out_of_fold_rows import OutOfFold
from skdrift.performance._output_codes import output_codes, output_line
from skdrift.performance._reference_rows import ReferenceRows
from skdrift.performance._row_losses import ERRORS
from skdrift.performance._score_forms import ScoreForm


@dataclass(frozen=True, slots=True, eq=False)
class DecomposedRows:
    """Rows with what was realised and what P(y|X) of training would give.

    Attributes
    ----------
    known : OutOfFold
    answers : ExpectedRows
    terms, expected, plain : ndarray of float of shape (n_rows, n_terms)
    halves : list of ndarray of float of shape (n_compared, n_terms)
    noise : ndarray of float of shape (n_rows,)
        Variance of the first term if P(y|X) is that of training; 0 where unknown.
    blocks : ndarray of int of shape (n_rows,)
    codes : ndarray of uint8 of shape (n_columns, n_rows)
    """

    known: OutOfFold
    answers: ExpectedRows
    terms: np.ndarray
    expected: np.ndarray
    plain: np.ndarray
    halves: list[np.ndarray]
    noise: np.ndarray
    blocks: np.ndarray
    codes: np.ndarray

    def half_means(self, weights: np.ndarray) -> np.ndarray:
        """Weighted means of the expected terms by each half: (8, n_terms)."""
        own = weights[self.answers.compared]
        total = own.sum()
        own = own / total if total > 0 else own
        return np.stack([own @ half for half in self.halves])


def rows_with_labels(
    batch: AnsweredBatch, y: np.ndarray, models: LossModels, estimator: Any
) -> OutOfFold:
    """Rows of a labelled batch as those of training, which no fold answered."""
    labels = y.astype(np.float64) if not models.n_classes else y
    if models.n_classes:
        labels = class_numbers(y, estimator.classes_)
    return OutOfFold(
        rows=np.arange(len(y)),
        response=models.response,
        outputs=batch.outputs,
        labels=labels,
        answers=batch.answers,
        n_classes=models.n_classes,
    )


def stored_rows(
    form: ScoreForm, models: LossModels, kept: ReferenceRows
) -> DecomposedRows:
    """Rows of training that were kept, with their out-of-fold answers."""
    known = OutOfFold(
        rows=np.arange(kept.n_rows),
        response=models.response,
        outputs=kept.outputs,
        labels=kept.labels,
        answers=kept.answers,
        n_classes=models.n_classes,
    )
    line = output_line(known)
    own = output_codes(line, known.answers, models.edges, models.n_classes)
    codes = np.vstack([kept.codes, own])
    return decomposed_rows(
        form, models, known, codes, line, kept.groups.astype(np.int64)
    )


def decomposed_rows(
    form: ScoreForm,
    models: LossModels,
    known: OutOfFold,
    codes: np.ndarray,
    line: np.ndarray,
    blocks: np.ndarray,
) -> DecomposedRows:
    """What rows gave, and what the learned losses and their residuals would give.

    Parameters
    ----------
    form : ScoreForm
    models : LossModels
    known : OutOfFold
    codes : ndarray of uint8 of shape (n_columns, n_rows)
        Of the columns, followed by those of the output.
    line : ndarray of float of shape (n_rows, n_outputs)
    blocks : ndarray of int of shape (n_rows,)
    """
    left = models.residuals.of_rows(codes)
    if models.n_classes:
        answers = expected_classes(models, codes, line)
        values = form.values_by_class(known)
        few = values[:, answers.compared]
        expected = (answers.mean * values).sum(axis=0)
        plain = (answers.plain * values).sum(axis=0)[:, None]
        noise = (answers.mean * values**2).sum(axis=0) - expected**2
        beside = left[form.index] if len(left) else np.zeros(len(expected))
        expected = form.bounded(expected + beside)[:, None]
        beside = beside[answers.compared]
        halves = [
            form.bounded((half * few).sum(axis=0) + beside)[:, None]
            for half in answers.halves
        ]
    else:
        answers = expected_row_errors(models, codes)
        said = known.answers
        beside = left if len(left) else np.zeros((len(ERRORS), len(said)))
        expected = form.expected_of_errors(_raised(answers.mean, beside), said)
        plain = form.expected_of_errors(answers.plain, said)
        few, beside = said[answers.compared], beside[:, answers.compared]
        halves = [
            form.expected_of_errors(_raised(half, beside), few)
            for half in answers.halves
        ]
        noise = np.zeros(len(said))
    return DecomposedRows(
        known=known,
        answers=answers,
        terms=form.terms(known),
        expected=expected,
        plain=plain,
        halves=halves,
        noise=np.maximum(noise, 0.0),
        blocks=blocks,
        codes=codes,
    )


def _raised(errors: np.ndarray, beside: np.ndarray) -> np.ndarray:
    found = errors + beside
    found[:3] = np.maximum(found[:3], 0.0)
    return found
