"""Decomposing: from a labelled batch to the parts of a change of the score.

The score goes from what was promised to what was realised in three steps, each with
one thing changed (Cai, Namkoong and Yadlowsky 2023, "Diagnosing Model Performance Under
Distribution Shift"): to the shared x with the P(y|X) of training, to that of the batch
on the same x, and to all x of the batch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from sklearn.metrics import get_scorer

from skdrift._core.frame import Table, read_table
from skdrift.exceptions import InputError, ParameterError
from skdrift.performance._answered_batch import (
    AnsweredBatch,
    answered_batch,
    class_numbers,
)
from skdrift.performance._cross_validation import Scorer, score_of
from skdrift.performance._decomposition import (
    ASSUMPTIONS,
    DriftSegment,
    LabelShiftTerms,
    ScoreDecomposition,
    ScoreTerm,
    term_of,
)
from skdrift.performance._drift_segment import (
    RowLosses,
    find_segment,
    printable,
    variance_of_mean,
)
from skdrift.performance._estimate import MOST_OUTSIDE, UNLEARNED
from skdrift.performance._expectation import FoldScores, folds_behind, has_law
from skdrift.performance._expected_rows import (
    ExpectedRows,
    expected_classes,
    expected_row_errors,
)
from skdrift.performance._label_rival import label_shift_terms
from skdrift.performance._loss_models import LossModels
from skdrift.performance._out_of_fold_rows import OutOfFold
from skdrift.performance._output_codes import output_codes, output_line
from skdrift.performance._recorded import RecordedModel, recordable
from skdrift.performance._reference_rows import ReferenceRows
from skdrift.performance._row_codes import row_codes
from skdrift.performance._row_losses import ERRORS
from skdrift.performance._score_forms import (
    CLASS_FORMS,
    ERROR_FORMS,
    ScoreForm,
    form_of,
)
from skdrift.performance._shared_region import LEAST_ROWS, shares_of_batch
from skdrift.profile import Profile
from skdrift.profile._cells import LevelCells
from skdrift.profile._profile import cells_by_feature

TOLERANCE = 1e-6
FEW_SHARED = 100.0
LEAST_OVERLAP = 0.05


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DecomposedScore:
    """A score that can be taken apart.

    Attributes
    ----------
    name : str
    scorer : scorer of scikit-learn
    form : ScoreForm
    promised : float
        Score out of fold.
    chance : float
        Variance of `promised` by single rows, where halves of them do not tell.
    halves : ndarray of float of shape (8,) or None
        Score out of fold of each half of the rows.
    """

    name: str
    scorer: Scorer
    form: ScoreForm
    promised: float
    chance: float
    halves: np.ndarray | None


@dataclass(frozen=True, slots=True, eq=False)
class _Rows:
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


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Shared:
    """The x that training and batch share.

    Attributes
    ----------
    region : {"support", "density"}
    weights : ndarray of float of shape (n_rows,)
        Of the rows of the batch; their sum is 1, or 0 where nothing is shared.
    stored, stored_weights
        Rows of training and their weights, with ``"density"``.
    effective : float
        Rows that the region rests on.
    note : str
        Why rows that are kept are not used; empty otherwise.
    """

    region: Literal["support", "density"]
    weights: np.ndarray
    effective: float
    stored: _Rows | None = None
    stored_weights: np.ndarray | None = None
    note: str = ""


def find_score(
    wanted: str | None,
    scorers: Mapping[str, Scorer],
    estimator: Any,
    promised: tuple[FoldScores, ...],
    models: LossModels,
) -> DecomposedScore:
    """The score that is asked for, if it can be taken apart.

    Parameters
    ----------
    wanted : str or None
        Name of a scorer of the pass, or of scikit-learn; None for the first of the
        pass.
    scorers : mapping of str to scorer
        Of the pass.
    estimator : fitted estimator
    promised : tuple of FoldScores
    models : LossModels

    Raises
    ------
    ParameterError
        If there is no such score, or it is no function of means of rows.
    """
    usual = CLASS_FORMS if models.n_classes else ERROR_FORMS
    names = [*scorers, *(name for name in usual if name not in scorers)]
    if wanted is None:
        wanted = next(iter(scorers), next(iter(usual)))
    if not isinstance(wanted, str) or wanted not in names:
        raise ParameterError(
            f"scorer must be None or one of {', '.join(map(repr, names[:8]))}, got "
            f"{wanted!r:.100}"
        )
    scorer = scorers[wanted] if wanted in scorers else get_scorer(wanted)
    on_record = recordable(scorer, estimator)
    form = None if on_record is None else form_of(on_record)
    if form is None or form.classes != bool(models.n_classes):
        raise ParameterError(
            f"scorer {wanted!r} cannot be taken apart, as it is no function of means "
            f"of rows: pass scorer= one of {', '.join(map(repr, usual))}"
        )
    halves = form.halves(models)
    value = chance = np.nan
    for score in promised:
        if score.scorer == wanted:
            value = score.value
            if has_law(score) and score.scale == "plain":
                folds = folds_behind(score)
                chance = score.row_variance / score.n_rows * folds / (folds - 1.0)
    if not np.isfinite(value) and halves is not None:
        value = float(halves.mean())
    if not np.isfinite(value):
        raise ParameterError(
            f"scorer {wanted!r} has no out-of-fold value to compare with; if it needs "
            "predict_proba, the model must have it, else name a scorer of the pass: "
            f"{', '.join(map(repr, scorers)) or 'there is none'}"
        )
    return DecomposedScore(
        name=wanted,
        scorer=on_record,
        form=form,
        promised=float(value),
        chance=float(chance),
        halves=halves,
    )


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
    known = _labelled(batch, y, models, estimator)
    realised, reason = score_of(score.scorer, recorded, rows_at, y, {})
    if reason:
        raise InputError(
            f"scorer {score.name!r} has no value on this batch: "
            f"{reason}{_remedy(known)}"
        )
    rows = _rows(score.form, models, known, batch.codes, batch.line, blocks)
    found = score.form.value(rows.terms.mean(axis=0))
    if not abs(found - realised) <= TOLERANCE * max(1.0, abs(realised)):
        raise InputError(
            f"scorer {score.name!r} is {realised:.6g} on this batch, the mean of its "
            f"rows {found:.6g}: it weighs rows otherwise and cannot be taken apart"
        )
    varied, constant = _varied(reference, models.positions)
    inside = ~row_codes(table, reference, varied).outside
    shared = _shared(score.form, models, kept, rows, inside, varied)
    terms = _terms(score, models, rows, realised, shared)
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


# --- rows ---------------------------------------------------------------------


def _labelled(
    batch: AnsweredBatch, y: np.ndarray, models: LossModels, estimator: Any
) -> OutOfFold:
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


def _stored_rows(form: ScoreForm, models: LossModels, kept: ReferenceRows) -> _Rows:
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
    return _rows(form, models, known, codes, line, kept.groups.astype(np.int64))


def _rows(
    form: ScoreForm,
    models: LossModels,
    known: OutOfFold,
    codes: np.ndarray,
    line: np.ndarray,
    blocks: np.ndarray,
) -> _Rows:
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
    return _Rows(
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


def _shared(
    form: ScoreForm,
    models: LossModels,
    kept: ReferenceRows | None,
    rows: _Rows,
    inside: np.ndarray,
    varied: np.ndarray,
) -> _Shared:
    """Rows inside the range of training, or by density if rows are kept."""
    weights = _normed(inside.astype(np.float64))
    plain = _Shared(region="support", weights=weights, effective=float(inside.sum()))
    if kept is None:
        return plain
    if inside.sum() < LEAST_ROWS or kept.n_rows < LEAST_ROWS:
        why = f"of fewer than {LEAST_ROWS} rows no shared x can be learned by density"
        return replace(plain, note=why)
    stored = _stored_rows(form, models, kept)
    asked = np.flatnonzero(np.isin(models.positions, varied))
    of_reference, of_batch = shares_of_batch(
        kept.codes[asked], rows.codes[asked], stored.blocks, rows.blocks
    )
    left = inside * (1.0 - of_batch)
    overlap = 2.0 * float(left.mean())
    weights, stored_weights = _normed(left), _normed(of_reference)
    effective = min(_effective(weights), _effective(stored_weights))
    if overlap < LEAST_OVERLAP or effective < LEAST_ROWS:
        why = (
            "a classifier tells nearly all rows of the batch from those of training "
            f"(overlap {overlap:.2f}): hardly any x is shared by density, so the terms "
            "are from learned losses, which extrapolate"
        )
        return replace(plain, note=why)
    return _Shared(
        region="density",
        weights=weights,
        effective=effective,
        stored=stored,
        stored_weights=stored_weights,
    )


def _remedy(known: OutOfFold) -> str:
    if known.n_classes and (known.labels < 0).any():
        return "; y holds classes that training never had: pass scorer='accuracy'"
    return ""


def _normed(weights: np.ndarray) -> np.ndarray:
    total = weights.sum()
    return np.asarray(weights / total) if total > 0 else weights


def _effective(weights: np.ndarray) -> float:
    square = float((weights**2).sum())
    return float(weights.sum()) ** 2 / square if square > 0 else 0.0


# --- the terms ----------------------------------------------------------------


def _terms(
    score: DecomposedScore,
    models: LossModels,
    rows: _Rows,
    realised: float,
    shared: _Shared,
) -> dict[str, ScoreTerm]:
    """Change, covariate, concept and new x.

    The first of the two inner points is the mean of the expected terms over the
    shared x; with stored rows the mean of what they are off out of fold is added, so
    that only one of losses and weights has to be right.
    """
    form, promised = score.form, score.promised
    weights, stored, stored_weights = (
        shared.weights,
        shared.stored,
        shared.stored_weights,
    )
    change = realised - promised
    everywhere = np.full(len(weights), 1.0 / len(weights))
    all_means = everywhere @ rows.terms
    slope = form.gradient(all_means)
    whole = (rows.terms - all_means) @ slope / len(weights)
    chance, freedom = _spread_of_sum(whole, rows.blocks)
    chance = max(chance, float(everywhere**2 @ rows.noise))
    cv, own_chance = score.halves, 0.0
    if cv is None:
        own_chance = score.chance
    found = {
        "change": term_of(
            "change",
            change,
            change,
            chance=chance + own_chance,
            freedom=freedom,
            halves=None if cv is None else -cv,
        )
    }
    if not weights.any():
        nothing = "no row is where training has rows"
        for name in ("covariate", "concept"):
            found[name] = _unknown(name, nothing)
        found["new_x"] = replace(found["change"], name="new_x")
        return found
    off = np.zeros(rows.terms.shape[1])
    half_off = np.zeros((len(rows.halves), len(off)))
    if stored is not None and stored_weights is not None:
        off = stored_weights @ (stored.terms - stored.expected)
        half_off = stored_weights @ stored.terms - stored.half_means(stored_weights)
    before, after = weights @ rows.expected + off, weights @ rows.terms
    first, second = form.value(before), form.value(after)
    slope_before, slope_after = form.gradient(before), form.gradient(after)
    # Of the model error, only how halves differ counts, not where they lie.
    by_half = np.array([form.value(own) for own in rows.half_means(weights) + half_off])
    unlearned = UNLEARNED * abs(first - form.value(weights @ rows.plain + off))
    unlearned = 0.0 if stored is not None else unlearned
    told = weights[:, None] * (rows.terms - after)
    guessed = weights[:, None] * (rows.expected - weights @ rows.expected)
    of_concept = told @ slope_after - guessed @ slope_before
    concept, concept_freedom = _spread_of_sum(of_concept, rows.blocks)
    concept = max(concept, float(weights**2 @ rows.noise))
    covariate, _ = _spread_of_sum(guessed @ slope_before, rows.blocks)
    other = 0.0
    if stored is None:
        other = _of_residuals(form, models, rows, weights, slope_before)
    if stored is not None and stored_weights is not None:
        rest = stored.terms - stored.expected - off
        other, _ = _spread_of_sum(
            (stored_weights[:, None] * rest) @ slope_before, stored.blocks
        )
    found["covariate"] = term_of(
        "covariate",
        first - promised,
        change,
        chance=covariate + other + own_chance,
        freedom=_effective(weights),
        halves=by_half if cv is None else by_half - cv,
        unlearned=unlearned,
    )
    found["concept"] = term_of(
        "concept",
        second - first,
        change,
        chance=concept + other,
        freedom=concept_freedom,
        halves=by_half,
        unlearned=unlearned,
    )
    of_new = whole - told @ slope_after
    new, new_freedom = _spread_of_sum(of_new, rows.blocks)
    found["new_x"] = term_of(
        "new_x", realised - second, change, chance=new, freedom=new_freedom
    )
    return found


def _of_residuals(
    form: ScoreForm,
    models: LossModels,
    rows: _Rows,
    weights: np.ndarray,
    slope: np.ndarray,
) -> float:
    """Variance by the residuals of single columns, of the first term alone."""
    found = models.residuals.variance_of_mean(rows.codes, weights)
    return float(found[form.index] * slope[0] ** 2) if len(found) else 0.0


def _unknown(name: str, reason: str) -> ScoreTerm:
    nothing = float("nan")
    return ScoreTerm(name=name, value=nothing, low=nothing, high=nothing, reason=reason)


def _spread_of_sum(influence: np.ndarray, blocks: np.ndarray) -> tuple[float, float]:
    """Variance of a sum of centred influences of rows, by blocks."""
    if np.abs(influence).max(initial=0.0) <= 1e-15:
        # One row alone has no influence about its own mean, which says nothing.
        return (0.0, 1.0) if len(influence) > 1 else (np.inf, 1.0)
    used = np.flatnonzero(influence)
    variance, freedom = variance_of_mean(influence[used], blocks[used])
    return variance * len(used) ** 2, freedom


# --- beside the terms ---------------------------------------------------------


def _rival(
    score: DecomposedScore, models: LossModels, rows: _Rows, realised: float
) -> LabelShiftTerms | None:
    if not models.n_classes:
        return None
    return label_shift_terms(
        models,
        score.form,
        rows.known,
        rows.answers.mean,
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
    rows: _Rows,
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
    shared: _Shared,
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
