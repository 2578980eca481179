"""A score that can be taken apart, with what it was out of fold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.metrics import get_scorer

from skdrift.exceptions import ParameterError
from skdrift.performance._cross_validation import Scorer
from skdrift.performance._expectation import FoldScores, folds_behind, has_law
from skdrift.performance._loss_models import LossModels
from skdrift.performance._recorded import recordable
from skdrift.performance._score_forms import (
    CLASS_FORMS,
    ERROR_FORMS,
    ScoreForm,
    form_of,
)


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
