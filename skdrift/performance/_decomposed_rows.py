"""Rows of training or batch: the terms of a score that they gave and would give."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from skdrift.performance._answered_batch import AnsweredBatch, class_numbers
from skdrift.performance._batch_shift import BatchShift
from skdrift.performance._expected_rows import ExpectedRows, expected_rows
from skdrift.performance._halves import N_HALVES
from skdrift.performance._loss_models import LossModels
from skdrift.performance._out_of_fold_rows import OutOfFold
from skdrift.performance._output_codes import with_output
from skdrift.performance._reference_rows import ReferenceRows
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
    unseen : ndarray of bool of shape (8, n_rows) or None
        Halves that were not learned from a row; None for all.
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
    unseen: np.ndarray | None = None

    def half_means(self, weights: np.ndarray) -> np.ndarray:
        """Weighted means of the expected terms by each half: (8, n_terms)."""
        own = normed(weights[self.answers.compared])
        return np.stack([own @ half for half in self.halves])

    def half_differences(self, weights: np.ndarray) -> np.ndarray:
        """Weighted means of what a half expects less than all together: (8, n_terms).

        Each over the rows that it was not learned from.
        """
        few = self.answers.compared
        unseen = (
            np.ones((len(self.halves), len(few)))
            if self.unseen is None
            else (self.unseen[:, few])
        )
        return np.stack(
            [
                normed(weights[few] * rows) @ (self.expected[few] - half)
                for rows, half in zip(unseen, self.halves, strict=True)
            ]
        )


def normed(weights: np.ndarray) -> np.ndarray:
    """Weights with a sum of 1; all 0 where they were."""
    total = weights.sum()
    return np.asarray(weights / total) if total > 0 else weights


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
    form: ScoreForm,
    models: LossModels,
    kept: ReferenceRows,
    shift: BatchShift,
) -> DecomposedRows:
    """Rows of training that were kept, with their out-of-fold answers.

    They are judged by what the rows of the batch are, so `shift` is that of the batch:
    else what they are off would be that of another model.
    """
    known = kept.out_of_fold(models.response, models.n_classes)
    line, codes = with_output(known, kept.codes, models.edges)
    groups = kept.groups.astype(np.int64)
    unseen = ~np.stack([kept.seen_by(half) for half in range(N_HALVES)])
    return decomposed_rows(form, models, known, codes, line, groups, shift, unseen)


def decomposed_rows(
    form: ScoreForm,
    models: LossModels,
    known: OutOfFold,
    codes: np.ndarray,
    line: np.ndarray,
    blocks: np.ndarray,
    shift: BatchShift,
    unseen: np.ndarray | None = None,
) -> DecomposedRows:
    """What rows gave, and what the learned losses would give.

    Parameters
    ----------
    form : ScoreForm
    models : LossModels
    known : OutOfFold
    codes : ndarray of uint8 of shape (n_columns, n_rows)
        Of the columns, followed by those of the output.
    line : ndarray of float of shape (n_rows, n_outputs)
    blocks : ndarray of int of shape (n_rows,)
    shift : BatchShift
        Of the batch.
    unseen : ndarray of bool of shape (8, n_rows) or None
        As for `expected_rows`.
    """
    answers = expected_rows(models, codes, line, known.answers, shift, unseen)
    few = answers.compared
    noise = np.zeros(codes.shape[1])
    if models.n_classes:
        values = form.values_by_class(known)
        expected, plain, *halves = (
            (shares * own).sum(axis=0)[:, None]
            for shares, own in (
                (answers.mean, values),
                (answers.plain, values),
                *((half, values[:, few]) for half in answers.halves),
            )
        )
        noise = (answers.mean * values**2).sum(axis=0) - expected[:, 0] ** 2
    else:
        said = known.answers
        expected = form.expected_of_errors(answers.mean, said)
        plain = form.expected_of_errors(answers.plain, said)
        halves = [form.expected_of_errors(own, said[few]) for own in answers.halves]
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
        unseen=unseen,
    )
