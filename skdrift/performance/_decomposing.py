"""Decomposing: from a labelled batch to the parts of a change of the score."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from skdrift._core.frame import Table, read_table
from skdrift.exceptions import InputError
from skdrift.performance._answered_batch import answered_batch
from skdrift.performance._column_terms import inside_bounds
from skdrift.performance._cross_validation import score_of
from skdrift.performance._decomposed_rows import (
    DecomposedRows,
    decomposed_rows,
    rows_with_labels,
)
from skdrift.performance._decomposed_score import DecomposedScore
from skdrift.performance._decomposition import (
    ASSUMPTIONS,
    DriftSegment,
    LabelShiftTerms,
    ScoreDecomposition,
    ScoreTerm,
)
from skdrift.performance._drift_segment import RowLosses, find_segment, printable
from skdrift.performance._estimate import MOST_OUTSIDE, UNLEARNED
from skdrift.performance._expected_rows import shift_of_columns
from skdrift.performance._label_rival import label_shift_terms
from skdrift.performance._loss_models import LossModels
from skdrift.performance._out_of_fold_rows import OutOfFold
from skdrift.performance._recorded import RecordedModel
from skdrift.performance._reference_rows import ReferenceRows
from skdrift.performance._row_codes import row_codes
from skdrift.performance._shared_x import SharedX, find_shared
from skdrift.performance._terms_of_change import terms_of_change
from skdrift.profile import Profile
from skdrift.profile._cells import LevelCells
from skdrift.profile._profile import cells_by_feature

TOLERANCE = 1e-6
FEW_SHARED = 100.0


def decompose_score(
    score: DecomposedScore,
    models: LossModels,
    reference: Profile,
    kept: ReferenceRows | None,
    estimator: Any,
    X: Any,
    y: np.ndarray,
    blocks: np.ndarray,
    n_unlabelled: int = 0,
) -> ScoreDecomposition:
    """Take the change of a score on a labelled batch apart.

    Parameters
    ----------
    score : DecomposedScore
    models : LossModels
    reference : Profile
        Of the training rows.
    kept : ReferenceRows or None
        Rows of training; None to go by learned losses alone.
    estimator : fitted estimator
    X : table of shape (n_rows, n_features)
    y : ndarray of shape (n_rows,)
        None is missing.
    blocks : ndarray of int of shape (n_rows,)
        Block of each row; all differ where rows count one by one.
    n_unlabelled : int
        Rows that were left out before.

    Raises
    ------
    InputError
        If the score cannot be had on this batch.
    """
    table = read_table(X, strict=False)
    coded = row_codes(table, reference, models.positions)
    recorded, rows_at = RecordedModel(estimator, X), np.arange(table.n_rows)
    batch = answered_batch(models, recorded, rows_at, coded.codes)
    known = rows_with_labels(batch, y, models, estimator)
    realised, reason = score_of(score.scorer, recorded, rows_at, y, {})
    if reason:
        raise InputError(
            f"scorer {score.name!r} has no value on this batch: "
            f"{reason}{_remedy(known)}"
        )
    shift = shift_of_columns(models, batch.codes)
    rows = decomposed_rows(
        score.form, models, known, batch.codes, batch.line, blocks, shift
    )
    found = score.form.value(rows.terms.mean(axis=0))
    if not abs(found - realised) <= TOLERANCE * max(1.0, abs(realised)):
        raise InputError(
            f"scorer {score.name!r} is {realised:.6g} on this batch, the mean of its "
            f"rows {found:.6g}: it weighs rows otherwise and cannot be taken apart"
        )
    varied, constant = _varied(reference, models.positions)
    inside = ~row_codes(table, reference, varied).outside
    shared = find_shared(score.form, models, kept, rows, inside, varied, shift)
    terms = terms_of_change(score, models, rows, realised, shared)
    share_outside = float(1.0 - inside.mean())
    return ScoreDecomposition(
        scorer=score.name,
        promised=score.promised,
        realised=float(realised),
        change=terms["change"],
        covariate=terms["covariate"],
        concept=terms["concept"],
        new_x=terms["new_x"],
        region=shared.region,
        n_rows=table.n_rows,
        n_unlabelled=n_unlabelled,
        share_outside=share_outside,
        effective_sample_size=shared.effective,
        rival=_rival(score, models, rows, realised),
        segment=_segment(score, models, reference, table, rows, inside),
        assumption=ASSUMPTIONS[shared.region],
        notes=(
            *_notes(known, terms, shared, n_unlabelled),
            *_column_notes(table, reference, varied, constant, share_outside),
        ),
    )


def _remedy(known: OutOfFold) -> str:
    if known.n_classes and (known.labels < 0).any():
        return "; y holds classes that training never had: pass scorer='accuracy'"
    return ""


# --- beside the terms ---------------------------------------------------------


def _rival(
    score: DecomposedScore, models: LossModels, rows: DecomposedRows, realised: float
) -> LabelShiftTerms | None:
    if not models.n_classes:
        return None
    return label_shift_terms(
        models,
        score.form,
        rows.known,
        inside_bounds(rows.answers.mean),
        np.stack([half.mean(axis=1) for half in rows.answers.halves]),
        rows.blocks,
        score.promised,
        realised,
    )


def _segment(
    score: DecomposedScore,
    models: LossModels,
    reference: Profile,
    table: Table,
    rows: DecomposedRows,
    inside: np.ndarray,
) -> DriftSegment | None:
    form = score.form
    expected = form.losses(rows.expected)
    losses = RowLosses(
        realised=form.losses(rows.terms),
        expected=expected,
        halves=np.stack([form.losses(half) for half in rows.halves]),
        compared=rows.answers.compared,
        unlearned=UNLEARNED * (expected - form.losses(rows.plain)),
        name=_loss_name(score),
    )
    return find_segment(table, reference, models.positions, losses, inside, rows.blocks)


def _loss_name(score: DecomposedScore) -> str:
    form = score.form
    if not form.classes:
        return ("MAE", "mean squared error", "mean relative error")[form.index]
    return ("error rate", "log loss", "Brier score")[form.index]


# --- columns and notes --------------------------------------------------------


def _varied(
    reference: Profile, positions: np.ndarray
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Columns with two values or more in training, and the names of the others.

    No model knows what another value of a constant column means, so rows with one are
    not new for it: a P(y|X) of the other columns that changes then is concept drift.
    """
    cells = cells_by_feature(reference.grid)
    varies = np.array(
        [
            len(first.keys if isinstance(first, LevelCells) else first.points) > 1
            for first in (cells[position][0] for position in positions.tolist())
        ],
        dtype=bool,
    )
    rest = tuple(_name_of(reference, place) for place in positions[~varies])
    return positions[varies], rest


def _name_of(reference: Profile, position: int) -> str:
    names = reference.grid.names
    return printable(names[position]) if names else f"x{position}"


def _column_notes(
    table: Table,
    reference: Profile,
    varied: np.ndarray,
    constant: tuple[str, ...],
    share_outside: float,
) -> tuple[str, ...]:
    notes = []
    if constant:
        notes.append(
            f"constant in training, so not part of x: {', '.join(constant[:5])}"
            f"{', …' if len(constant) > 5 else ''}"
        )
    if share_outside > MOST_OUTSIDE:
        shares = [
            float(row_codes(table, reference, varied[k : k + 1]).outside.mean())
            for k in range(len(varied))
        ]
        worst = int(np.argmax(shares))
        notes.append(
            f"{100 * share_outside:.1f} % of the rows are outside of training, most "
            f"often in {_name_of(reference, int(varied[worst]))} "
            f"({100 * shares[worst]:.1f} %)"
        )
    return tuple(notes)


def _notes(
    known: OutOfFold,
    terms: Mapping[str, ScoreTerm],
    shared: SharedX,
    n_unlabelled: int,
) -> tuple[str, ...]:
    notes = []
    if n_unlabelled:
        notes.append(f"{n_unlabelled:,} rows without a label were left out")
    n_new = int((known.labels < 0).sum()) if known.n_classes else 0
    if n_new:
        notes.append(
            f"{n_new:,} rows are of classes that training never had: they count as "
            "concept drift"
        )
    if shared.note:
        notes.append(shared.note)
    elif shared.region == "support":
        notes.append(
            "two terms from learned losses, and rows outside the support of training "
            "as the third; keep_reference=n at fit gives the shared x by density"
        )
    if not terms["change"].is_certain:
        notes.append("the whole change is within chance: shares of it say little")
    if np.isnan(terms["concept"].value):
        notes.append(
            "no row of the batch is where training has rows: whether P(y|X) changed "
            "cannot be known"
        )
    elif shared.effective < FEW_SHARED:
        notes.append(
            f"the shared x rest on {shared.effective:,.0f} rows: the terms are rough"
        )
    return tuple(notes)
