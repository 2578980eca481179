"""One look at a batch: count it, compare it, flag it, put the report together."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from skdrift._core.frame import Table, read_table
from skdrift._core.result import Finding, ScoreExpectation
from skdrift._core.rows import one_of_neighbours
from skdrift.estimator._baseline import Baseline
from skdrift.estimator._model_answers import (
    AnswerRules,
    Answers,
    compare_with_held_out,
    why_untested,
)
from skdrift.estimator._timing import BatchTime, found_time, standing_columns
from skdrift.exceptions import SkdriftError
from skdrift.guards._findings import flag_findings, merge_flags
from skdrift.guards._flagging import ColumnFlags, flag_columns
from skdrift.performance._block_scores import BatchPart
from skdrift.performance._expectation import expected_scores
from skdrift.performance._optimism import optimism_finding
from skdrift.profile._count import match_columns
from skdrift.profile._profile import Profile, count_table
from skdrift.report import DriftReport, RowBlocks
from skdrift.shift import (
    AnswerShift,
    BatchBlocks,
    ShiftResult,
    Tolerance,
    answers_beside,
    compare_profiles,
    dependence_share,
    known_slots,
    nothing_compared,
    resolution,
    together_share,
    tolerance_at,
    with_dependence,
    with_together,
)
from skdrift.shift._answers import ANSWER_SHARE
from skdrift.shift._resolution import with_detectable
from skdrift.upstream._schema import schema_findings, unreadable_finding

LEAST_ROWS = 30
LEAST_ROWS_IN_BLOCKS = 10
SCORE_SHARE = 0.2
POWER = 0.8
Explanation = Callable[[tuple[Finding, ...]], tuple[Finding, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class LookSettings:
    """How a batch is looked at."""

    alpha: float
    min_effect: float
    stable_bound: float
    max_rows: int | None
    estimator: str
    n_blocks: int | None = None
    time: BatchTime | None = None
    groups: np.ndarray | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Seen:
    """What was seen in a batch, before the model's answers are looked at.

    Attributes
    ----------
    baseline : Baseline
    settings : LookSettings
    shift : ShiftResult
    findings : tuple of Finding
    answer_rules : AnswerRules or None
        None where the model's answers are not compared.
    counted : Profile or None
        Of the batch.
    tolerance : Tolerance or None
        What was tolerated of each column.
    n_rows : int
        Rows of the batch.
    scores : sequence of ScoreExpectation
        Realised scores, where there are labels.
    quiet : bool
        Whether there is nothing to say so far.
    score_notes : sequence of str
        What limits the scores.
    """

    baseline: Baseline
    settings: LookSettings
    shift: ShiftResult
    findings: tuple[Finding, ...]
    answer_rules: AnswerRules | None = None
    counted: Profile | None = None
    tolerance: Tolerance | None = None
    n_rows: int = 0
    scores: Sequence[ScoreExpectation] = ()
    quiet: bool = False
    score_notes: Sequence[str] = ()

    def report(
        self, answers: Answers, explain: Explanation | None = None
    ) -> DriftReport:
        """Report on the batch and on the model's answers for it.

        Parameters
        ----------
        answers : Answers
        explain : callable or None
            Given alarms of the answers, the same with what explains them; not asked
            where there is none.
        """
        found, notes = self._compared(answers)
        if explain is not None and found.findings:
            found = replace(found, findings=explain(found.findings))
        return self._report(found, notes)

    def brief_report(self, answers: Answers) -> DriftReport | None:
        """As `report`; None if there is nothing to say."""
        found, notes = self._compared(answers)
        if self.quiet and not found.findings:
            return None
        return self._report(found, notes)

    def _compared(self, answers: Answers) -> tuple[AnswerShift, tuple[str, ...]]:
        if self.answer_rules is None:
            return AnswerShift(), ()
        return compare_with_held_out(self.baseline, answers, self.answer_rules)

    def _report(self, found: AnswerShift, notes: tuple[str, ...]) -> DriftReport:
        shift, reference = self.shift, self.baseline.reference
        if self.counted is not None and self.tolerance is not None:
            shift = _with_detectable(
                shift, reference, self.counted, self.settings, self.tolerance
            )
        return report_of(
            self.baseline,
            self.settings,
            self.n_rows,
            replace(shift, notes=(*self.score_notes, *shift.notes, *notes)),
            [*self.findings, *found.findings],
            self.scores,
            found,
        )


def look(
    baseline: Baseline,
    X: Any,
    settings: LookSettings,
    *,
    brief: bool,
    must_read: bool = False,
    flags: ColumnFlags | None = None,
    scores: Sequence[ScoreExpectation] = (),
    score_findings: Sequence[Finding] = (),
    score_notes: Sequence[str] = (),
) -> Seen | None:
    """Look at the columns of a batch.

    Parameters
    ----------
    baseline : Baseline
    X : table, or Table
    settings : LookSettings
    brief : bool
        Whether None will do if there is nothing to say, whatever the model answers.
    must_read : bool, default=False
        Whether a batch that is no table is an error; otherwise the report says so.
    flags : dict of int to ndarray or None
        Flags of the columns that have any, where they are known already.
    scores : sequence of ScoreExpectation
        Realised scores, where there are labels.
    score_findings : sequence of Finding
        What they show.
    score_notes : sequence of str
        What limits them.

    Raises
    ------
    SkdriftError
        If `X` is no table, and `must_read`.
    """
    try:
        table = X if isinstance(X, Table) else read_table(X, strict=False)
    except SkdriftError as error:
        if must_read:
            raise
        return Seen(
            baseline=baseline,
            settings=settings,
            shift=nothing_compared(baseline.reference),
            findings=(unreadable_finding(str(error)),),
        )
    if brief and table.n_rows < least_rows(baseline):
        if flags is None:
            flags = flag_columns(table, baseline.reference)
        if not flags and _same_columns(table, baseline):
            return None
    seen = _full_look(baseline, table, settings, flags, scores, score_findings)
    return replace(seen, score_notes=score_notes)


def least_rows(baseline: Baseline) -> int:
    """Rows that a batch must have to be compared.

    30, or three quarters of a block where blocks are smaller: a batch is then ranked
    among blocks of as few rows.
    """
    if baseline.blocks is None:
        return LEAST_ROWS
    most = math.ceil(0.75 * baseline.blocks.block_rows)
    return min(LEAST_ROWS, max(LEAST_ROWS_IN_BLOCKS, most))


def _same_columns(table: Table, baseline: Baseline) -> bool:
    matching = match_columns(table, baseline.reference.grid)
    return (
        not matching.extra
        and not matching.reordered
        and bool((matching.positions >= 0).all())
    )


def _full_look(
    baseline: Baseline,
    table: Table,
    settings: LookSettings,
    flags: ColumnFlags | None,
    scores: Sequence[ScoreExpectation],
    score_findings: Sequence[Finding],
) -> Seen:
    reference = baseline.reference
    step = 1
    if settings.max_rows is not None and table.n_rows > settings.max_rows:
        step = math.ceil(table.n_rows / settings.max_rows)
    sample = table if step == 1 else table.one_of(step)
    counted, novelty = count_table(sample, reference.grid)
    if flags is None:
        flags = flag_columns(table, reference, counted if sample is table else None)
    tolerance = _tolerance(baseline, table, settings)
    share = 1.0 - (SCORE_SHARE if scores else 0.0)
    enough = sample.n_rows >= least_rows(baseline)
    # Where the level counts blocks, columns and answers are ranked together.
    tested = enough and baseline.blocks is None and not why_untested(baseline)
    answers = ANSWER_SHARE if tested else 0.0
    blocks, answer_blocks = _blocks_beside(baseline, table.n_rows, settings.n_blocks)
    if blocks is not None and settings.groups is not None:
        labels = settings.groups
        if step > 1:
            labels = labels[one_of_neighbours(table.n_rows, step)]
        blocks = replace(blocks, labels=labels)
    joint = dependence_share(
        baseline.dependence, sample.n_rows, alpha=settings.alpha, blocks=blocks
    )
    together = together_share(baseline.dependence, sample.n_rows)
    columns = share * (1.0 - answers) * (1.0 - joint)
    standing = standing_columns(reference, baseline.trend)
    slots = None
    if baseline.dependence is not None and joint:
        slots = known_slots(baseline.dependence, standing)
    shift = compare_profiles(
        reference,
        counted,
        novelty,
        alpha=settings.alpha,
        share=columns * (1.0 - together),
        min_effect=settings.min_effect,
        stable_bound=settings.stable_bound,
        least_rows=least_rows(baseline),
        blocks=blocks,
        tolerance=tolerance.values,
    )
    shift = with_together(
        shift,
        baseline.dependence,
        standing,
        counted,
        alpha=settings.alpha,
        share=columns * together,
        tolerance=tolerance.values,
        slots=slots,
    )
    shift = with_dependence(
        shift,
        baseline.dependence,
        standing,
        sample,
        alpha=settings.alpha,
        share=share * (1.0 - answers) * joint,
        min_effect=settings.min_effect,
        slots=slots,
        blocks=blocks,
    )
    schema = schema_findings(table, reference.grid, counted.families)
    quiet = not flags and not schema and not _alarms(shift.findings)
    if answer_blocks is not None and shift.level is not None:
        answer_blocks = replace(answer_blocks, beside=shift.level.largest)
    flagged = flag_findings(table, reference, flags)
    return Seen(
        baseline=baseline,
        settings=settings,
        shift=shift,
        findings=(*schema, *score_findings, *merge_flags(shift.findings, flagged)),
        answer_rules=AnswerRules(
            n_rows=table.n_rows,
            step=step,
            alpha=settings.alpha,
            share=share * _answer_share(baseline, answers, joint),
            min_effect=settings.min_effect,
            stable_bound=settings.stable_bound,
            blocks=answer_blocks,
        )
        if enough
        else None,
        counted=counted,
        tolerance=tolerance,
        n_rows=table.n_rows,
        scores=scores,
        quiet=quiet,
    )


def _answer_share(baseline: Baseline, answers: float, joint: float) -> float:
    """Part of the level for the answers; in blocks all that the columns have."""
    if baseline.blocks is not None:
        return 1.0 - joint
    return answers or 1.0


def _tolerance(baseline: Baseline, table: Table, settings: LookSettings) -> Tolerance:
    """What is tolerated of each column at the time of the batch."""
    trend, time = baseline.trend, settings.time
    if trend is not None and time is None:
        time = found_time(trend, baseline.reference, table)
    found = tolerance_at(
        trend,
        baseline.reference,
        time.value if time else 1.0,
        min_effect=settings.min_effect,
        alpha=settings.alpha,
        in_blocks=baseline.blocks is not None,
    )
    return replace(found, notes=(*found.notes, *(time.notes if time else ())))


def _with_detectable(
    shift: ShiftResult,
    reference: Profile,
    counted: Profile,
    settings: LookSettings,
    tolerance: Tolerance,
) -> ShiftResult:
    level = shift.level
    rows = with_detectable(
        shift.rows,
        reference,
        counted,
        n_compared=shift.n_compared,
        alpha=settings.alpha,
        min_effect=settings.min_effect,
        at_least=level.detectable(settings.alpha, POWER) if level else {},
        tolerance=tolerance.values,
    )
    return replace(shift, rows=rows, notes=(*shift.notes, *tolerance.notes))


def _batch_blocks(
    baseline: Baseline, n_rows: int, n_blocks: int | None
) -> BatchBlocks | None:
    if baseline.blocks is None:
        return None
    return BatchBlocks(values=baseline.blocks, n_rows=n_rows, n_blocks=n_blocks)


def batch_part(
    baseline: Baseline, n_rows: int, n_blocks: int | None
) -> BatchPart | None:
    """What a batch is to the law of a score where rows come in blocks; else None."""
    blocks = _batch_blocks(baseline, n_rows, n_blocks)
    if blocks is None:
        return None
    return BatchPart(
        n_blocks=blocks.assumed(),
        n_reference=blocks.values.n_blocks,
        in_order=blocks.values.origin == "row order",
    )


def blocks_of_rows(
    baseline: Baseline, n_rows: int, settings: LookSettings
) -> np.ndarray | None:
    """Block of each row of a batch; None where it does not tell."""
    blocks = _batch_blocks(baseline, n_rows, settings.n_blocks)
    if blocks is None:
        return None
    blocks = replace(blocks, labels=settings.groups)
    known = blocks.told or blocks.values.origin == "row order"
    return blocks.labels_of(n_rows) if known else None


def _blocks_beside(
    baseline: Baseline, n_rows: int, n_blocks: int | None
) -> tuple[BatchBlocks | None, BatchBlocks | None]:
    """Blocks for the columns, each ranked beside the answers; and for the answers."""
    blocks = _batch_blocks(baseline, n_rows, n_blocks)
    if blocks is None or why_untested(baseline):
        return blocks, None
    if baseline.outputs is None or baseline.output_blocks is None:
        return blocks, None
    of_answers = replace(blocks, values=baseline.output_blocks)
    beside = answers_beside(baseline.outputs, of_answers)
    return replace(blocks, beside=beside), of_answers


def _alarms(findings: Sequence[Finding]) -> bool:
    return any(finding.severity == "alarm" for finding in findings)


def report_of(
    baseline: Baseline,
    settings: LookSettings,
    n_rows: int,
    shift: ShiftResult,
    findings: Sequence[Finding],
    scores: Sequence[ScoreExpectation] = (),
    answers: AnswerShift | None = None,
) -> DriftReport:
    """Report of what was found, in the order of evidence."""
    answers = answers or AnswerShift()
    part = batch_part(baseline, n_rows, settings.n_blocks)
    promised = expected_scores(baseline.scores, n_rows, part=part)
    promised.update({score.scorer: score for score in scores})
    too_good = [optimism_finding(x) for x in baseline.optimism if x.is_certain]
    ordered = tuple(sorted([*findings, *too_good], key=_evidence))
    alarms = _alarms(ordered)
    detectable, needed = resolution(
        baseline.reference.n_rows,
        shift.n_rows,
        shift.n_compared,
        alpha=settings.alpha,
        min_effect=settings.min_effect,
        stable_bound=settings.stable_bound,
    )
    if shift.level is not None:
        by_blocks = list(shift.level.detectable(settings.alpha, POWER).values())
        if by_blocks:
            detectable = max(detectable, float(np.median(by_blocks)))
        needed *= shift.level.inflation()
    return DriftReport(
        ok=not alarms,
        outcome="drift" if answers.findings else shift.outcome,
        findings=ordered,
        features=shift.rows,
        expected_score=promised,
        n_rows=n_rows,
        n_checked=shift.n_rows,
        n_reference=baseline.reference.n_rows,
        alpha=settings.alpha,
        min_effect=settings.min_effect,
        stable_bound=settings.stable_bound,
        detectable_effect=detectable,
        rows_needed=needed,
        notes=(*shift.notes, *baseline.notes),
        estimator=settings.estimator,
        blocks=_row_blocks(shift, settings.alpha),
        outputs=answers.rows,
    )


def _row_blocks(shift: ShiftResult, alpha: float) -> RowBlocks | None:
    level = shift.level
    if level is None:
        return None
    n_each = max(1, level.n_reference // max(level.n_like, 1))
    return RowBlocks(
        n_reference=level.n_reference,
        n_current=level.n_current,
        n_like=level.n_like,
        n_needed=n_each * max(1, math.ceil(1 / alpha - 1e-9) - 1),
        promised=alpha * (level.n_like + 1) >= 1 - 1e-9,
    )


def _evidence(finding: Finding) -> tuple[bool, bool, float, float, str]:
    """Alarms first; among them what is certain, then by p-value and by effect."""
    certain = math.isnan(finding.pvalue)
    effect = 0.0 if math.isnan(finding.effect_size) else finding.effect_size
    return (
        finding.severity != "alarm",
        not certain,
        0.0 if certain else finding.pvalue,
        -abs(effect),
        finding.code,
    )
