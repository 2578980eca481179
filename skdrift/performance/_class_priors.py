"""Estimating class priors of a batch, and testing what they assume."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy import special

from skdrift._core.frame import Table
from skdrift._core.rows import spread_evenly
from skdrift.performance._answered_batch import class_numbers
from skdrift.performance._calibration import calibrated, on_line
from skdrift.performance._class_laws import ClassLaws, tempered
from skdrift.performance._class_moments import compare_moments
from skdrift.performance._column_scores import fair_codes, recoded
from skdrift.performance._halves import N_HALVES
from skdrift.performance._label_shift import LEVEL, LabelShiftEstimate
from skdrift.performance._loss_models import LossModels, calibrator_of
from skdrift.performance._outputs import FoldOutputs
from skdrift.performance._row_codes import RowCodes, row_codes
from skdrift.profile import Profile
from skdrift.stats import MixtureTest, combine_pvalues, mixing_shares, mixture_test

LEAST_ROWS = 20
MOST_ROWS = 50_000
MOST_RESAMPLED = 2_000
N_BOOTSTRAP = 200
LEAST_DRAWS = 199
MOST_DRAWS = 4_999
LEAST_SINGULAR = 0.05
BLUNT = 0.1
MOST_NAMED = 3
FREEDOM = N_HALVES // 2


def estimate_class_priors(
    models: LossModels,
    reference: Profile,
    classes: Any,
    outputs: FoldOutputs | None,
    table: Table,
    *,
    alpha: float,
    blocks: np.ndarray | None = None,
) -> LabelShiftEstimate:
    """Class priors of a batch, and whether label shift explains it.

    Parameters
    ----------
    models : LossModels
        With `class_laws`.
    reference : Profile
        Of the training rows.
    classes : array-like of shape (n_classes,)
    outputs : FoldOutputs or None
        The model's answers for the batch; None if it has no rows.
    table : Table
        The batch.
    alpha : float
        Level of the test of the assumption.
    blocks : ndarray of int of shape (n_rows,) or None
        Block of each row: whole blocks are then resampled.
    """
    laws = models.class_laws
    assert laws is not None
    notes: list[str] = []
    priors = low = high = bbse = np.full(models.n_classes, np.nan)
    answered = _answered(models, classes, outputs, notes)
    if answered is not None:
        kept, line, answers = answered
        own = None if blocks is None else blocks[kept]
        priors, low, high = _priors(models, laws, line, own, notes)
        bbse = _bbse(laws, answers, classes, notes)
    pvalue, explained = _tested(models, laws, reference, table, alpha, notes)
    notes += _limits(models, laws, table.n_rows, blocks)
    return LabelShiftEstimate(
        classes=tuple(np.asarray(classes).tolist()),
        training_priors=_numbers(laws.totals / max(int(laws.totals.sum()), 1)),
        priors=_numbers(priors),
        low=_numbers(low),
        high=_numbers(high),
        bbse=_numbers(bbse),
        pvalue=pvalue,
        supports_label_shift=None if math.isnan(pvalue) else pvalue > alpha,
        explained=explained,
        n_rows=table.n_rows,
        alpha=alpha,
        notes=tuple(notes),
    )


def _numbers(values: np.ndarray) -> tuple[float, ...]:
    return tuple(float(value) for value in values)


def _answered(
    models: LossModels, classes: Any, outputs: FoldOutputs | None, notes: list[str]
) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """Positions of rows with an answer, their outputs on a line, their answers."""
    if outputs is None or outputs.labels is None or not outputs.n_rows:
        notes.append("the batch has no rows")
        return None
    answers = class_numbers(outputs.labels[:, 0], classes)
    usable = answers >= 0
    line = np.eye(models.n_classes)[np.maximum(answers, 0)]
    if models.response != "predict":
        scores = outputs.scores
        expected = 1 if models.n_classes == 2 else models.n_classes
        if models.response == "predict_proba":
            expected = models.n_classes
        if scores is None or scores.shape[1] != expected:
            notes.append(f"the model gives no {models.response} for this batch")
            return None
        usable &= ~np.isnan(scores).any(axis=1)
        line = on_line(scores, models.response)
    n_left_out = int((~usable).sum())
    if n_left_out:
        notes.append(f"{n_left_out:,} rows without a usable answer are left out")
    if not usable.any():
        return None
    kept = np.flatnonzero(usable)
    return kept, line[kept], answers[kept]


# --- priors -------------------------------------------------------------------


def _priors(
    models: LossModels,
    laws: ClassLaws,
    line: np.ndarray,
    blocks: np.ndarray | None,
    notes: list[str],
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Priors by EM, and their intervals."""
    if len(line) > MOST_ROWS:
        few = spread_evenly(len(line), MOST_ROWS)
        line = line[few]
        blocks = None if blocks is None else blocks[few]
        notes.append(f"priors are estimated from {MOST_ROWS:,} rows, evenly spread")
    densities = _densities(models, laws, line)
    together = np.exp(np.log(np.maximum(densities, 1e-12)).mean(axis=0))
    priors = mixing_shares(together)
    m = len(line)
    n_units = m if blocks is None else len(np.unique(blocks))
    if n_units < LEAST_ROWS:
        what = "rows" if blocks is None else "blocks"
        notes.append(
            f"too few {what} for an interval: it takes {LEAST_ROWS}, got {n_units}"
        )
        return priors, np.zeros(len(priors)), np.ones(len(priors))
    least = 0.5 / n_units
    few = spread_evenly(m, MOST_RESAMPLED)
    of_halves = np.stack(
        [mixing_shares(own[few], start=_inside(priors)) for own in densities]
    )
    low, high = _interval(
        _log_ratios(priors, least),
        _log_ratios(_resampled(together, priors, blocks), least),
        _log_ratios(of_halves, least),
        scale=1.0 if blocks is not None else math.sqrt(min(m, MOST_RESAMPLED) / m),
    )
    # Labels themselves, none of so many, would not exclude so much.
    tail = (1.0 - LEVEL) / 2
    most = 1.0 - tail ** (1.0 / n_units)
    low = np.where(priors > 1.0 - 1.0 / n_units, np.minimum(low, 1.0 - most), low)
    high = np.where(priors < 1.0 / n_units, np.maximum(high, most), high)
    return priors, np.minimum(low, priors), np.maximum(high, priors)


def _densities(models: LossModels, laws: ClassLaws, line: np.ndarray) -> np.ndarray:
    """Of each half: P(class | output) over the prior that its calibration implies.

    Of shape (8, n_rows, n_classes). The ratio of P(output | class) to P(output), so
    that a batch with the priors of training is estimated to have them.
    """
    found = []
    for half in range(N_HALVES):
        base = np.log(calibrated(calibrator_of(models, half), line))
        shares = tempered(base, laws.tempers[half])
        found.append(shares / np.maximum(laws.priors[half], 1e-12))
    return np.stack(found)


def _inside(shares: np.ndarray) -> np.ndarray:
    inside = np.maximum(shares, 1e-4)
    return np.asarray(inside / inside.sum())


def _resampled(
    densities: np.ndarray, priors: np.ndarray, blocks: np.ndarray | None
) -> np.ndarray:
    """Priors of batches whose rows, or blocks, are drawn from this one's."""
    rng = np.random.default_rng(0)
    if blocks is None:
        few = spread_evenly(len(densities), MOST_RESAMPLED)
        densities = densities[few]
        codes = np.arange(len(few))
    else:
        _, codes = np.unique(blocks, return_inverse=True)
    n = int(codes.max()) + 1
    weights = rng.multinomial(n, np.full(n, 1.0 / n), size=N_BOOTSTRAP)[:, codes]
    return mixing_shares(densities, weights, start=_inside(priors))


def _log_ratios(shares: np.ndarray, least: float) -> np.ndarray:
    """Log odds of each class."""
    inside = np.clip(shares, least, 1.0 - least)
    return np.asarray(special.logit(inside))


def _interval(
    at: np.ndarray, resampled: np.ndarray, halves: np.ndarray, *, scale: float
) -> tuple[np.ndarray, np.ndarray]:
    """Of each class on the scale of log odds, by Student's law.

    Halves vary about their mean as what is learned from all rows varies from sample to
    sample, with four degrees of freedom.
    """
    rows = scale**2 * resampled.var(axis=0, ddof=1)
    learned = ((halves - halves.mean(axis=0)) ** 2).mean(axis=0)
    total = rows + learned
    # Where hardly anything is left open by what was learned, it is a normal law.
    share = learned / np.maximum(total, np.finfo(np.float64).tiny)
    freedom = FREEDOM / np.maximum(share, 1e-3) ** 2
    width = special.stdtrit(freedom, 0.5 + LEVEL / 2) * np.sqrt(total)
    return special.expit(at - width), special.expit(at + width)


def _bbse(
    laws: ClassLaws, answers: np.ndarray, classes: Any, notes: list[str]
) -> np.ndarray:
    """Shares that the answered labels have if each class is answered as out of fold.

    Lipton, Wang and Smola (2018): a linear system, its solution cut to [0, 1].
    """
    n_classes = len(laws.confusion)
    nothing = np.full(n_classes, np.nan)
    names = np.asarray(classes).tolist()
    for counts, what in (
        (laws.confusion.sum(axis=1), "has no out-of-fold row"),
        (laws.confusion.sum(axis=0), "is never answered out of fold"),
    ):
        if not counts.all():
            name = names[int(np.flatnonzero(counts == 0)[0])]
            notes.append(
                f"no shares by BBSE: class {name!r:.40} {what}, so the matrix of "
                "classes and answers is singular"
            )
            return nothing
    rates = laws.confusion / laws.confusion.sum(axis=1, keepdims=True)
    if np.linalg.svd(rates, compute_uv=False)[-1] < LEAST_SINGULAR:
        notes.append(
            "no shares by BBSE: the answers hardly tell some classes apart, so the "
            "matrix of classes and answers is nearly singular"
        )
        return nothing
    answered = np.bincount(answers, minlength=n_classes) / len(answers)
    found = np.clip(np.linalg.solve(rates.T, answered), 0.0, None)
    return np.asarray(found / found.sum())


# --- the assumption -----------------------------------------------------------


def _tested(
    models: LossModels,
    laws: ClassLaws,
    reference: Profile,
    table: Table,
    alpha: float,
    notes: list[str],
) -> tuple[float, float]:
    """p-value of the assumption, and the part of the difference it explains.

    By what trees say of the rows, by the moments of all columns together, and by
    those of the column that fits least: one p-value of the three.
    """
    if not table.n_rows:
        return float("nan"), float("nan")
    codes = row_codes(table, reference, models.positions)
    found = [
        *_by_trees(models, laws, reference, codes, alpha, notes),
        *_by_moments(models, laws, reference, codes, alpha, notes),
    ]
    if not found:
        return float("nan"), float("nan")
    pvalue = float(combine_pvalues([[own] for own, _ in found])[0])
    return pvalue, min(found)[1]


def _by_trees(
    models: LossModels,
    laws: ClassLaws,
    reference: Profile,
    coded: RowCodes,
    alpha: float,
    notes: list[str],
) -> list[tuple[float, float]]:
    """p-value by what trees say of the rows, and what is explained; or nothing."""
    if laws.reason:
        notes.append(f"the assumption is not tested by trees: {laws.reason}")
        return []
    codes = coded.codes
    if laws.fair:
        codes = recoded(codes, fair_codes(reference, models.positions))
    counts = laws.cells_of(codes)
    # The same batch has the same p-value, and others have draws of their own: an error
    # of the draws that all batches share would be an error of the level.
    rng = np.random.default_rng(counts)
    found = mixture_test(laws.table, counts, n_draws=_n_draws(alpha), rng=rng)
    _note_blunt(laws, found, notes)
    if math.isnan(found.pvalue):
        return []
    return [(found.pvalue, found.explained)]


def _by_moments(
    models: LossModels,
    laws: ClassLaws,
    reference: Profile,
    codes: RowCodes,
    alpha: float,
    notes: list[str],
) -> list[tuple[float, float]]:
    """The same by the moments of all columns, and by those that fit least."""
    reason, known = laws.moment_reason, laws.moments
    found = None
    if not reason:
        found = compare_moments(known, reference, models.positions, codes)
        reason = "too few rows" if found is None else ""
    if found is not None and math.isnan(found.test.pvalue):
        reason = "too few rows of the classes"
    if reason or found is None:
        notes.append(f"the assumption is not tested by the columns' means: {reason}")
        return []
    left_out = len(models.positions) - len(found.columns)
    if left_out:
        notes.append(
            f"{left_out:,} of {len(models.positions):,} columns are in the test of "
            "the assumption as far as trees use them, and not by their means: too many "
            "levels, too few rows for rare values, like another, or too many columns"
        )
    single = found.test.pvalues * max(int(np.isfinite(found.test.pvalues).sum()), 1)
    least = float(np.nanmin(single, initial=1.0))
    _note_columns(models, reference, found.columns, single, alpha, notes)
    together = found.test.pvalue, found.test.explained
    return [together, (min(least, 1.0), found.test.explained)]


def _note_columns(
    models: LossModels,
    reference: Profile,
    columns: np.ndarray,
    pvalues: np.ndarray,
    alpha: float,
    notes: list[str],
) -> None:
    """Name the columns that no mixture fits; p-values are adjusted for their number."""
    order = np.argsort(pvalues, kind="stable")[:MOST_NAMED]
    names = [
        f"{reference.grid.labels[int(models.positions[columns[k]])]!r:.40} "
        f"(p = {pvalues[k]:.2g})"
        for k in order.tolist()
        if pvalues[k] <= alpha
    ]
    if names:
        notes.append(f"other priors fit least in {', '.join(names)}")


def _n_draws(alpha: float) -> int:
    return int(np.clip(math.ceil(5.0 / alpha) - 1, LEAST_DRAWS, MOST_DRAWS))


def _note_blunt(laws: ClassLaws, found: MixtureTest, notes: list[str]) -> None:
    """Say where the test's own model knows much less than the wrapped one."""
    if math.isnan(found.pvalue):
        notes.append("the assumption is not tested by trees: too few occupied cells")
        return
    own, model = (
        float((t / np.maximum(t.sum(axis=1, keepdims=True), 1)).max(axis=0).sum())
        / len(t)
        for t in (laws.table, laws.confusion)
    )
    if own < model - BLUNT:
        notes.append(
            "the test of the assumption has less to go by than the model: by the "
            f"columns alone classes are told apart in {own:.0%}, by the model in "
            f"{model:.0%} (of as many rows each)"
        )


def _limits(
    models: LossModels, laws: ClassLaws, n_rows: int, blocks: np.ndarray | None
) -> list[str]:
    rows = f"learned from {models.n_rows:,} out-of-fold rows"
    if models.response == "predict":
        rows = f"the model gives labels alone, and priors follow from these; {rows}"
    found = [rows]
    if (models.in_blocks or blocks is not None) and n_rows:
        counted = "rows" if blocks is None else "blocks"
        found.append(
            f"rows come in blocks: the interval counts {counted}, and the p-value "
            "counts rows, so it is too small where rows of a block are alike"
        )
    if (laws.totals == 0).any():
        found.append("a class without a row of training cannot be estimated")
    return found
