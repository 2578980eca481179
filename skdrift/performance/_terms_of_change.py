"""Change, covariate, concept and new x: each with its interval.

The score goes from what was promised to what was realised in three steps, each with
one thing changed (Cai, Namkoong and Yadlowsky 2023, "Diagnosing Model Performance Under
Distribution Shift"): to the shared x with the P(y|X) of training, to that of the batch
on the same x, and to all x of the batch.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from skdrift.performance._decomposed_rows import DecomposedRows
from skdrift.performance._decomposed_score import DecomposedScore
from skdrift.performance._decomposition import ScoreTerm, term_of
from skdrift.performance._drift_segment import variance_of_mean
from skdrift.performance._estimate import UNLEARNED
from skdrift.performance._loss_models import LossModels
from skdrift.performance._shared_x import SharedX, effective_rows


def terms_of_change(
    score: DecomposedScore,
    models: LossModels,
    rows: DecomposedRows,
    realised: float,
    shared: SharedX,
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
        half_off = off + stored.half_differences(stored_weights)
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
        freedom=effective_rows(weights),
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
