"""A labelled batch: realised scores, and what was expected of them without labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from skdrift._core.frame import Table
from skdrift._core.labelled import known_labels, labelled_rows
from skdrift._core.result import Finding, ScoreExpectation
from skdrift.estimator._baseline import Baseline
from skdrift.estimator._looking import (
    POWER,
    SCORE_SHARE,
    LookSettings,
    batch_part,
    blocks_of_rows,
)
from skdrift.performance._cross_validation import FOLD_ERRORS, Scorer
from skdrift.performance._estimate import EstimatedScore, support_notes
from skdrift.performance._estimating import ExpectedBatch, expected_batch
from skdrift.performance._few_labels import (
    SomeLabels,
    partly_realised,
    with_labels_needed,
)
from skdrift.performance._labelled_sample import (
    LEVEL,
    labelled_in_blocks,
    unlike_the_rest,
)
from skdrift.performance._realised import (
    check_rows,
    estimate_findings,
    realised_scores,
    score_findings,
    with_estimates,
)
from skdrift.performance._recorded import RecordedModel
from skdrift.performance._row_codes import coded_columns, row_codes

MOST_COMPARED = 100


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ScoredBatch:
    """What the labels of a batch say.

    Attributes
    ----------
    scores : sequence of ScoreExpectation
        Empty where no row has a label.
    findings : sequence of Finding
    notes : sequence of str
    model, X
        What answers for the rows of the batch, and its table of them.
    """

    scores: Sequence[ScoreExpectation] = ()
    findings: Sequence[Finding] = ()
    notes: Sequence[str] = ()
    model: Any = None
    X: Any = None


def score_batch(
    baseline: Baseline,
    estimator: Any,
    scorers: Mapping[str, Scorer],
    X: Any,
    y: Any,
    table: Table,
    settings: LookSettings,
) -> ScoredBatch:
    """Score a batch by its labels, of which some or all may be missing.

    Parameters
    ----------
    baseline : Baseline
    estimator : fitted estimator
    scorers : mapping of str to scorer
    X : table of shape (n_rows, n_features)
    y : array-like of shape (n_rows,) or (n_rows, n_outputs)
    table : Table
        `X`, read.
    settings : LookSettings

    Raises
    ------
    InputError, InputTypeError
        If `y` has no rows, or another number of them.
    """
    n_rows = check_rows(X, y)
    labelled = labelled_rows(y)
    n = int(labelled.sum())
    if n_rows and not n:
        note = f"y holds no label yet: all {n_rows:,} are missing, so no score is known"
        return ScoredBatch(notes=(note,), model=estimator, X=X)
    model = RecordedModel(estimator, X)
    expected = _expected(baseline, model, n_rows, table)
    if n == n_rows:
        part = batch_part(baseline, n_rows, settings.n_blocks)
        scores = realised_scores(baseline.scores, scorers, estimator, X, y, part)
        notes: tuple[str, ...] = ()
        estimates = expected.scores(estimator, scorers) if expected else []
    else:
        scores, estimates, notes = _of_some(
            baseline,
            _some_labels(
                baseline, estimator, model, X, y, labelled, expected, settings
            ),
            scorers,
            labelled,
            table,
            settings,
        )
    scores = with_estimates(scores, estimates)
    findings = score_findings(
        scores, alpha=settings.alpha, share=SCORE_SHARE, n_rows=n_rows
    )
    if expected is not None:
        limits = support_notes(expected.effective_sample_size, expected.share_outside)
        findings += estimate_findings(scores, extrapolates=bool(limits))
    asked = (estimator, X) if expected is None else (model, np.arange(n_rows))
    return ScoredBatch(
        scores=scores, findings=findings, notes=notes, model=asked[0], X=asked[1]
    )


def _expected(
    baseline: Baseline, model: RecordedModel, n_rows: int, table: Table
) -> ExpectedBatch | None:
    """What is expected of the rows; None if nothing was learned, or the model fails."""
    losses = baseline.losses
    if losses is None or losses.reason or not n_rows:
        return None
    try:
        # A model that fails on the batch says so where its answers are compared.
        return expected_batch(
            losses,
            baseline.reference,
            model,
            np.arange(n_rows),
            table,
            baseline.reference_rows,
        )
    except FOLD_ERRORS:
        return None


def _some_labels(
    baseline: Baseline,
    estimator: Any,
    model: RecordedModel,
    X: Any,
    y: Any,
    labelled: np.ndarray,
    expected: ExpectedBatch | None,
    settings: LookSettings,
) -> SomeLabels:
    rows = np.flatnonzero(labelled)
    blocks = blocks_of_rows(baseline, len(labelled), settings)
    if blocks is not None:
        in_blocks = labelled_in_blocks(blocks, labelled) <= LEVEL
        blocks = blocks[rows] if in_blocks else None
    return SomeLabels(
        estimator=estimator,
        X=X,
        model=model,
        rows=rows,
        labels=known_labels(y, rows),
        n_rows=len(labelled),
        expected=expected,
        blocks=blocks,
    )


def _of_some(
    baseline: Baseline,
    batch: SomeLabels,
    scorers: Mapping[str, Scorer],
    labelled: np.ndarray,
    table: Table,
    settings: LookSettings,
) -> tuple[list[ScoreExpectation], list[EstimatedScore], tuple[str, ...]]:
    """Scores, estimates for the rows that each is of, and notes."""
    part = batch_part(baseline, batch.n_rows, settings.n_blocks)
    found = partly_realised(baseline.scores, scorers, batch, part)
    scores = with_labels_needed(
        found, batch, part, level=settings.alpha * SCORE_SHARE, power=POWER
    )
    whole = {own.score.scorer for own in found if own.whole}
    estimates: list[EstimatedScore] = []
    if batch.expected is not None:
        of_all = {name: own for name, own in scorers.items() if name in whole}
        others = {name: own for name, own in scorers.items() if name not in whole}
        if of_all:
            estimates += batch.expected.scores(batch.estimator, of_all)
        if others:
            part_of = batch.expected.take(batch.rows)
            estimates += part_of.scores(batch.estimator, others)
    powered = sorted(own.score.scorer for own in found if own.explained > 0)
    notes = (
        _counted(batch, sorted(whole), powered, scores),
        *_block_notes(baseline, batch, settings),
        *_sample_notes(baseline, batch, labelled, table),
    )
    return scores, estimates, notes


def _counted(
    batch: SomeLabels,
    whole: Sequence[str],
    powered: Sequence[str],
    scores: Sequence[ScoreExpectation],
) -> str:
    note = f"{len(batch.rows):,} of {batch.n_rows:,} rows have a label"
    if batch.blocks is not None:
        return note
    others = sorted(score.scorer for score in scores if score.scorer not in whole)
    note += ", taken for a random sample of the batch"
    if whole:
        note += f"; of all rows: {', '.join(whole[:5])}"
        if powered:
            note += " (with what is expected of the others without labels)"
    if others:
        note += f"; of the labelled rows alone: {', '.join(others[:5])}"
    return note


def _block_notes(
    baseline: Baseline, batch: SomeLabels, settings: LookSettings
) -> tuple[str, ...]:
    if batch.blocks is not None:
        n_blocks = len(np.unique(batch.blocks))
        return (
            f"labels come for whole blocks, {n_blocks:,} of them, and not for rows at "
            "random: the score is of these blocks alone, and its interval counts them",
        )
    known = blocks_of_rows(baseline, batch.n_rows, settings) is not None
    if baseline.blocks is None or known:
        return ()
    return (
        "the batch does not tell which rows are one block, so that labels count row by "
        "row: pass groups, if labels come for some groups and not for others",
    )


def _sample_notes(
    baseline: Baseline, batch: SomeLabels, labelled: np.ndarray, table: Table
) -> tuple[str, ...]:
    """Say so where labelled rows differ from the others."""
    labels = baseline.reference.grid.labels
    if batch.expected is not None:
        codes = batch.expected.answered.codes
        columns = [labels[place] for place in batch.expected.models.positions.tolist()]
    else:
        positions = coded_columns(baseline.reference)[:MOST_COMPARED]
        codes = row_codes(table, baseline.reference, positions).codes
        columns = [labels[place] for place in positions.tolist()]
    columns += ["the model's answers"] * (len(codes) - len(columns))
    pvalue, names = unlike_the_rest(codes, columns, labelled)
    if not pvalue <= LEVEL:
        return ()
    what = ", ".join(dict.fromkeys(names))
    return (
        f"labelled rows are not a random sample: they differ from the others in {what} "
        f"(p = {pvalue:.2g}), so that their score need not be that of the batch",
    )
