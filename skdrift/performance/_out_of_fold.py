"""Out-of-fold answers of one pass, joined with the rows that they are for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy.sparse

from skdrift._core.frame import read_table
from skdrift._core.rows import take_rows
from skdrift.performance._answered_batch import class_numbers
from skdrift.performance._calibration import Response
from skdrift.performance._class_laws import ScoredColumns
from skdrift.performance._class_moments import MOST_COLUMNS
from skdrift.performance._column_scores import column_scores, fair_codes
from skdrift.performance._corrections import corrected_models
from skdrift.performance._cross_validation import (
    FOLD_ERRORS,
    FoldResult,
    describe,
    n_rows_of,
)
from skdrift.performance._halves import halves_of
from skdrift.performance._loss_learning import (
    enough_rows,
    learn_losses,
    with_class_laws,
)
from skdrift.performance._loss_models import LossModels
from skdrift.performance._out_of_fold_rows import OutOfFold
from skdrift.performance._outputs import FoldOutputs
from skdrift.performance._reference_rows import ReferenceRows, draw_reference
from skdrift.performance._row_codes import N_CODES, coded_columns, row_codes
from skdrift.profile import Profile

MOST_ROWS = 10_000
MOST_CODED = 100
MOST_SCREENED = 2_000
MOST_CLASSES = 50
LARGEST_ERROR = 1e35
"""Sums of its eighth power are numbers still."""


@dataclass(frozen=True, slots=True, eq=False)
class CodedRows:
    """Training rows that losses are learned from, as codes.

    Attributes
    ----------
    rows : ndarray of int of shape (n_rows,)
        Positions, in order.
    codes : ndarray of uint8 of shape (n_used, n_rows)
    positions : ndarray of int of shape (n_used,)
        Columns.
    scored : ScoredColumns
        Of these; rows are those above.
    """

    rows: np.ndarray
    codes: np.ndarray
    positions: np.ndarray
    scored: ScoredColumns


def code_training_rows(
    X: Any, y: Any, reference: Profile, held_out: Sequence[np.ndarray], seed: int
) -> CodedRows:
    """Code at most 10,000 of the rows that some fold holds out.

    Of more than 100 columns those are used whose codes go most with the labels.

    Parameters
    ----------
    X : table of shape (n_rows, n_features)
    y : array-like of shape (n_rows,)
    reference : Profile
    held_out : sequence of ndarray of int
        Positions of rows; empty for all of them.
    seed : int
    """
    rows = np.arange(reference.n_rows)
    if len(held_out):
        rows = np.unique(np.concatenate(list(held_out)))
        # A splitter may be wrong: the fold then fails with its own error.
        rows = rows[(rows >= 0) & (rows < reference.n_rows)]
    rng = np.random.default_rng(seed)
    if len(rows) > MOST_ROWS:
        rows = np.sort(rng.choice(rows, MOST_ROWS, replace=False))
    positions = coded_columns(reference)
    if len(positions) > MOST_CODED and n_rows_of(y) != reference.n_rows:
        positions = positions[:MOST_CODED]  # labels that no model will take
    asked = np.zeros(len(rows), dtype=bool)
    order = np.arange(len(positions))
    if len(positions) > MOST_COLUMNS and n_rows_of(y) == reference.n_rows:
        asked[:: max(2, -(-len(rows) // MOST_SCREENED))] = True
        few = rows[asked]
        codes = row_codes(read_table(take_rows(X, few)), reference, positions).codes
        strength = _correlation(codes, _one_column(take_rows(y, few)))
        best = np.argsort(-strength, kind="stable")[:MOST_CODED]
        positions, strength = positions[np.sort(best)], strength[np.sort(best)]
        order = np.argsort(-strength, kind="stable")
    order = order[:MOST_COLUMNS]
    codes = np.zeros((0, len(rows)), dtype=np.uint8)
    shares = np.zeros((0, N_CODES))
    if len(positions):
        coded = row_codes(read_table(take_rows(X, rows)), reference, positions)
        codes, shares = coded.codes, coded.shares
    scores = column_scores(reference, positions[order], shares[order])
    fair = fair_codes(reference, positions)
    scored = ScoredColumns(order, scores, fair, asked)
    return CodedRows(rows, codes, positions, scored)


def learn_from_pass(
    coded: CodedRows,
    y: Any,
    splits: Sequence[tuple[np.ndarray, np.ndarray]],
    results: Sequence[FoldResult],
    classes: Any,
    groups: np.ndarray | None,
    seed: int,
    keep: int | None = None,
) -> tuple[LossModels, ReferenceRows | None]:
    """Learn what estimates scores without labels from the folds' answers.

    Parameters
    ----------
    coded : CodedRows
    y : array-like of shape (n_rows,)
    splits : sequence of (train, test)
        Empty where one result is for all rows.
    results : sequence of FoldResult
    classes : array-like or None
        Labels of the classes of the fitted model; None for a regressor.
    groups : ndarray of int of shape (n_rows,) or None
        Block of each row, or -1.
    seed : int
    keep : int or None
        How many of the rows to keep, beside what is learned from them.
    """
    reason = _unusable(y, classes)
    if reason:
        return LossModels(reason=reason), None
    labels = np.asarray(y).reshape(-1)
    try:
        # Labels and answers are anybody's: no numbers, not hashable, of any shape.
        known = _gathered(labels, splits, results, classes)
    except FOLD_ERRORS as error:
        reason = f"the folds' answers cannot be read: {describe(error)}"
        return LossModels(reason=reason), None
    if known is None:
        reason = "no fold answered for the rows that it held out"
        return LossModels(reason=reason), None
    place = coded.rows.searchsorted(known.rows)
    inside = coded.rows[np.minimum(place, len(coded.rows) - 1)] == known.rows
    usable = inside & np.isfinite(known.outputs).all(axis=1)
    if known.n_classes:
        usable &= (known.labels >= 0) & (known.answers >= 0)
    else:
        usable &= np.isfinite(known.labels) & np.isfinite(known.answers)
    known, place = known.take(usable), place[usable]
    reason = enough_rows(known) or _too_large(known)
    if reason:
        return LossModels(reason=reason), None
    units = known.rows
    if groups is not None:
        units = np.where(groups >= 0, groups, len(groups) + np.arange(len(groups)))
        units = units[known.rows]
    rng = np.random.default_rng(seed)
    _, dense = np.unique(units, return_inverse=True)
    codes, halves = coded.codes.take(place, axis=1), halves_of(dense, rng)
    losses = learn_losses(
        known,
        codes,
        coded.positions,
        dense,
        halves,
        in_blocks=groups is not None,
        rng=rng,
    )
    losses = corrected_models(losses, known, codes, halves)
    if known.n_classes:
        numbers = class_numbers(labels, classes)
        totals = np.bincount(numbers[numbers >= 0], minlength=known.n_classes)
        scored = replace(coded.scored, asked=coded.scored.asked[place])
        losses = with_class_laws(losses, known, codes, halves, totals, scored, seed)
    if keep is None:
        return losses, None
    return losses, draw_reference(known, codes, units, halves, keep, seed)


def _too_large(known: OutOfFold) -> str:
    """Why powers of the errors of a regressor have no number; empty if they do."""
    if known.n_classes:
        return ""
    with np.errstate(over="ignore"):
        largest = float(np.abs(known.labels - known.answers).max())
    if largest <= LARGEST_ERROR:
        return ""
    return (
        f"out-of-fold errors are as large as {largest:.3g}, and are learned from up to "
        f"{LARGEST_ERROR:.0e}: divide the target by a constant"
    )


def _unusable(y: Any, classes: Any) -> str:
    shape = getattr(y, "shape", None) or np.asarray(y).shape
    n_outputs = 1 if len(shape) < 2 else shape[1]
    if n_outputs > 1 or isinstance(classes, list):
        return (
            f"the model has {max(n_outputs, 2)} outputs; scores are estimated for "
            "models of one: wrap one model for each"
        )
    if scipy.sparse.issparse(y):
        return "the labels are sparse: pass y.toarray().ravel()"
    labels = np.asarray(y)
    if classes is None:
        return "" if labels.dtype.kind in "fiub" else "the labels are no numbers"
    if not 2 <= len(classes) <= MOST_CLASSES:
        return f"it takes 2 to {MOST_CLASSES} classes, got {len(classes)}"
    return ""


def _gathered(
    labels: np.ndarray,
    splits: Sequence[tuple[np.ndarray, np.ndarray]],
    results: Sequence[FoldResult],
    classes: Any,
) -> OutOfFold | None:
    tests = [test for _, test in splits] or [np.arange(len(labels))]
    answered = [
        (test, result.outputs)
        for test, result in zip(tests, results, strict=False)
        if result.outputs is not None and result.outputs.labels is not None
    ]
    if not answered:
        return None
    rows = np.concatenate([test for test, _ in answered])
    rows = np.where(rows < 0, rows + len(labels), rows)
    folds = np.repeat(np.arange(len(answered)), [len(test) for test, _ in answered])
    said = np.concatenate(
        [own.labels[:, 0] for _, own in answered if own.labels is not None]
    )
    if classes is None:
        values = said.astype(np.float64)
        return OutOfFold(
            rows=rows,
            response="predict",
            outputs=values[:, None],
            labels=labels[rows].astype(np.float64),
            answers=values,
            n_classes=0,
            folds=folds,
        )
    n_classes = len(classes)
    answers = class_numbers(said, classes)
    response, outputs = _joined([own for _, own in answered], classes)
    if outputs is None:
        outputs = (answers[:, None] == np.arange(n_classes)).astype(np.float64)
    return OutOfFold(
        rows=rows,
        response=response,
        outputs=outputs,
        labels=class_numbers(labels[rows], classes),
        answers=answers,
        n_classes=n_classes,
        folds=folds,
    )


def _joined(
    folds: Sequence[FoldOutputs], classes: Any
) -> tuple[Response, np.ndarray | None]:
    """Outputs of all folds, one column for each class or one for two classes.

    A fold that lacks a class gives it no probability. None where folds answer
    otherwise than the model (one against one, or not at all).
    """
    names = {name.partition("[")[0] for fold in folds for name in fold.score_names}
    if len(names) != 1 or any(fold.scores is None for fold in folds):
        return "predict", None
    response: Response = "predict_proba"
    if "decision_function" in names:
        response = "decision_function"
        widths = {fold.scores.shape[1] for fold in folds if fold.scores is not None}
        if widths != {1 if len(classes) == 2 else len(classes)}:
            return "predict", None
        return response, np.concatenate([fold.scores for fold in folds])
    wanted = [f"{response}[{name}]" for name in np.asarray(classes).tolist()]
    parts = []
    for fold in folds:
        assert fold.scores is not None
        if not set(fold.score_names) <= set(wanted):
            return "predict", None
        part = np.zeros((len(fold.scores), len(wanted)))
        for column, name in enumerate(fold.score_names):
            part[:, wanted.index(name)] = fold.scores[:, column]
        parts.append(part)
    return response, np.concatenate(parts)


def _one_column(y: Any) -> np.ndarray:
    dense = y.toarray() if scipy.sparse.issparse(y) else np.asarray(y)
    return dense.reshape(len(dense), -1)[:, 0]


def _correlation(codes: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """How much each row of codes goes with the labels, in [0, 1]."""
    values = labels
    if values.dtype.kind in "fiub" and len(np.unique(values)) > MOST_CLASSES:
        targets = np.argsort(np.argsort(values)).astype(np.float64)[:, None]
    else:
        _, numbers = np.unique(values.astype(str), return_inverse=True)
        targets = np.eye(int(numbers.max(initial=0)) + 1)[numbers]
    centred = codes - codes.mean(axis=1, keepdims=True)
    about = targets - targets.mean(axis=0)
    norm = np.sqrt(np.outer((centred**2).sum(axis=1), (about**2).sum(axis=0)))
    with np.errstate(all="ignore"):
        return np.nan_to_num(np.abs(centred @ about) / norm).max(axis=1, initial=0.0)
