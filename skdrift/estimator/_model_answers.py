"""The model's answers for a batch, compared with those held out of training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from skdrift.estimator._baseline import Baseline
from skdrift.exceptions import SkdriftError
from skdrift.performance._cross_validation import FOLD_ERRORS, describe
from skdrift.performance._outputs import (
    FoldOutputs,
    fold_outputs,
    output_table,
    outputs_of_answer,
)
from skdrift.profile._profile import count_table
from skdrift.shift import AnswerShift, BatchBlocks, compare_answers, no_answers

UNLEARNED = "the model was fitted by a version that did not learn how far folds differ"
ONE_FOLD = "one fold cannot tell how far models of training differ"
MOVING = "columns move with time, and so do answers"


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """The model's answers for a batch.

    Attributes
    ----------
    outputs : FoldOutputs or None
        None where they are not looked at.
    problem : str
        Why there are none though the model was asked.
    """

    outputs: FoldOutputs | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AnswerRules:
    """How the answers for a batch are compared.

    Attributes
    ----------
    n_rows : int
        Rows of the batch.
    step : int
        One row of so many neighbours is compared.
    alpha, share, min_effect, stable_bound : float
        As for `compare_answers`.
    blocks : BatchBlocks or None
    """

    n_rows: int
    step: int
    alpha: float
    share: float
    min_effect: float
    stable_bound: float
    blocks: BatchBlocks | None = None


def ask(model: Any, X: Any) -> Answers:
    """Ask the model for all outputs that can be compared.

    What it raises is kept as the reason why there are none: a check reports
    all the same. What it warns of is passed on: filters of warnings belong to all
    threads, and one that is ignored here may be another thread's alarm.
    """
    try:
        return Answers(fold_outputs(model, X))
    except Exception as error:  # a model is anybody's code
        return Answers(None, f"the model failed on this batch: {describe(error)}")


def given(model: Any, method: str, answer: Any) -> Answers:
    """Take what one method has answered."""
    try:
        return Answers(outputs_of_answer(model, method, answer))
    except FOLD_ERRORS as error:
        return Answers(None, f"{method} gave what cannot be read: {describe(error)}")


def compare_with_held_out(
    baseline: Baseline, answers: Answers, rules: AnswerRules
) -> tuple[AnswerShift, tuple[str, ...]]:
    """Compare, and say in notes what could not be compared."""
    reference, outputs = baseline.outputs, answers.outputs
    problem = answers.problem
    if reference is None or (outputs is None and not problem):
        return AnswerShift(), ()
    if outputs is not None and outputs.n_rows != rules.n_rows:
        problem = f"{outputs.n_rows:,} answers for {rules.n_rows:,} rows"
    if outputs is None or problem:
        return _not_compared(baseline, problem)
    try:
        sample = outputs if rules.step == 1 else outputs.one_of(rules.step)
        table = output_table([sample])
        current, novelty = count_table(table, reference.grid)
    except (*FOLD_ERRORS, SkdriftError) as error:
        return _not_compared(baseline, describe(error))
    reason = why_untested(baseline)
    found = compare_answers(
        reference,
        None if reason else baseline.output_tolerance,
        current,
        novelty,
        reason=reason,
        alpha=rules.alpha,
        share=rules.share,
        min_effect=rules.min_effect,
        stable_bound=rules.stable_bound,
        blocks=rules.blocks,
    )
    if reason:
        return found, (f"the model's answers are shown, not tested: {reason}",)
    return found, ()


def why_untested(baseline: Baseline) -> str:
    """Why the model's answers are not tested; empty where they are."""
    if baseline.outputs is None:
        return "none are held out of training"
    if baseline.output_tolerance is None:
        return UNLEARNED
    if baseline.blocks is not None and baseline.output_blocks is None:
        return UNLEARNED
    if baseline.trend is not None and len(baseline.trend.moving):
        return MOVING
    return ONE_FOLD if np.isnan(baseline.output_tolerance).all() else ""


def _not_compared(
    baseline: Baseline, problem: str
) -> tuple[AnswerShift, tuple[str, ...]]:
    assert baseline.outputs is not None
    note = f"the model's answers are not compared: {problem}"
    return no_answers(baseline.outputs, problem), (note,)
