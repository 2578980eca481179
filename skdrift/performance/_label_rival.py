"""The rival account of a change: other classes, each answered as in training."""

from __future__ import annotations

import numpy as np

from skdrift.performance._decomposition import (
    LabelShiftTerms,
    ScoreTerm,
    tail_of,
    term_of,
)
from skdrift.performance._drift_segment import variance_of_mean
from skdrift.performance._loss_models import LossModels
from skdrift.performance._out_of_fold_rows import OutOfFold
from skdrift.performance._row_losses import CLASS_VALUES, class_values
from skdrift.performance._score_forms import ScoreForm

ALPHA = 0.01
LEAST_OF_CLASS = 20


def label_shift_terms(
    models: LossModels,
    form: ScoreForm,
    rows: OutOfFold,
    expected: np.ndarray,
    halves: np.ndarray,
    blocks: np.ndarray,
    promised: float,
    realised: float,
) -> LabelShiftTerms | None:
    r"""Change of the score by the prior of the classes, and the rest.

    With the shares :math:`q_c` of the classes in the batch, :math:`p_c` out of fold
    and the mean :math:`L_c` of a score's rows of one class out of fold, the prior
    part is :math:`\sum_c (q_c - p_c) L_c`.

    Parameters
    ----------
    models : LossModels
    form : ScoreForm
        A mean.
    rows : OutOfFold
        Of the batch.
    expected : ndarray of float of shape (n_classes, n_rows)
        Probability of each class if P(y|X) is that of training.
    halves : ndarray of float of shape (8, n_classes)
        Mean of it over the rows, by models of halves.
    blocks : ndarray of int of shape (n_rows,)
    promised, realised : float

    Returns
    -------
    LabelShiftTerms or None
        None if the means of classes are not known: the model was stored before they
        were learned, or the score needs probabilities and there were none.
    """
    kept = models.half_means
    if kept.ndim != 3 or form.means != "mean":
        return None
    known = rows.labels >= 0
    shares, means = kept[:, 0].astype(np.float64), kept[:, 1:].astype(np.float64)
    labels = rows.labels[known]
    batch_shares = np.bincount(labels, minlength=rows.n_classes) / max(len(labels), 1)
    of_score = means[:, form.index]
    seen = batch_shares > 0
    if not known.any() or not np.isfinite(of_score[:, seen]).all():
        return None
    of_score = np.where(np.isfinite(of_score), of_score, 0.0)
    at_batch = of_score @ batch_shares
    parts = at_batch - (shares * of_score).sum(axis=1)
    prior = float(parts.mean())
    change = realised - promised
    spread = _of_class(of_score.mean(axis=0), labels)
    values = form.terms(rows)[known, 0]
    within = values - _of_class(np.array(_class_means(values, labels)), labels)
    chance, freedom = variance_of_mean(within, blocks[known])
    of_prior, prior_freedom = variance_of_mean(spread, blocks[known])
    same_prior = _same_prior(shares, batch_shares, labels, blocks[known])
    same_given_x = _same_conditional(expected, halves, rows, blocks)
    same_given_y, reason = _same_given_class(models, rows, blocks)
    return LabelShiftTerms(
        prior=term_of(
            "prior", prior, change, chance=of_prior, freedom=prior_freedom, halves=parts
        ),
        class_conditional=_rest(change - prior, change, chance, freedom, at_batch),
        supported=not reason
        and max(same_prior, same_given_x) <= ALPHA
        and same_given_y > ALPHA,
        pvalue_same_prior=same_prior,
        pvalue_same_conditional=same_given_x,
        pvalue_label_shift=same_given_y,
        reason=reason,
    )


def _rest(
    value: float, change: float, chance: float, freedom: float, halves: np.ndarray
) -> ScoreTerm:
    return term_of(
        "class_conditional",
        value,
        change,
        chance=chance,
        freedom=freedom,
        halves=halves,
    )


def _of_class(values: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return np.asarray(values[labels])


def _class_means(values: np.ndarray, labels: np.ndarray) -> np.ndarray:
    counts = np.bincount(labels)
    return np.asarray(np.bincount(labels, values) / np.maximum(counts, 1))


def _same_prior(
    shares: np.ndarray, batch_shares: np.ndarray, labels: np.ndarray, blocks: np.ndarray
) -> float:
    """Least p-value over classes, times their number."""
    found = []
    for number, own in enumerate(batch_shares):
        chance, freedom = variance_of_mean((labels == number).astype(float), blocks)
        reference = shares[:, number]
        spread = float(np.mean((reference - reference.mean()) ** 2))
        # A class that the batch lacks has no variance there: that of training.
        share = reference.mean()
        chance = max(chance, share * (1.0 - share) / len(labels))
        found.append(tail_of(own - share, chance, freedom, spread))
    return min(1.0, min(found) * len(found))


def _same_conditional(
    expected: np.ndarray, halves: np.ndarray, rows: OutOfFold, blocks: np.ndarray
) -> float:
    """Of "each class is as frequent as expected of these rows": calibration."""
    found = []
    for number, share in enumerate(expected):
        rest = (rows.labels == number) - share
        chance, freedom = variance_of_mean(rest, blocks)
        chance = max(chance, float((share * (1.0 - share)).sum()) / len(share) ** 2)
        own = halves[:, number]
        model = float(np.mean((own - own.mean()) ** 2))
        found.append(tail_of(float(rest.mean()), chance, freedom, model))
    return min(1.0, min(found) * len(found))


def _same_given_class(
    models: LossModels, rows: OutOfFold, blocks: np.ndarray
) -> tuple[float, str]:
    """Of "rows of each class are answered as out of fold", by accuracy, log loss and
    Brier score; and why it is not tested.
    """
    values = class_values(
        rows.labels, rows.answers, rows.outputs, rows.response, rows.n_classes
    )
    found = []
    for number in range(rows.n_classes):
        own = np.flatnonzero(rows.labels == number)
        if len(own) < LEAST_OF_CLASS:
            continue
        share = float(models.half_means[:, 0, number].mean())
        n_reference = max(share * models.n_rows, 1.0)
        for index in range(len(CLASS_VALUES)):
            means = models.half_means[:, 1 + index, number].astype(np.float64)
            if not np.isfinite([*means, *values[index, own]]).all():
                continue
            chance, freedom = variance_of_mean(values[index, own], blocks[own])
            single = float(values[index, own].var()) / n_reference
            spread = float(np.mean((means - means.mean()) ** 2))
            if index == 0:
                # Rows that are all answered right have no variance of their own.
                right = float(means.mean())
                chance = max(chance, right * (1.0 - right) / len(own))
            value = float(values[index, own].mean() - means.mean())
            found.append(tail_of(value, chance, freedom, max(spread, single)))
    if not found:
        nothing = float("nan")
        return nothing, f"no class has {LEAST_OF_CLASS} rows in the batch"
    return min(1.0, min(found) * len(found)), ""
