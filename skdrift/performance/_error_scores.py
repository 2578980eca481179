"""Expected scores of a regressor, from the errors that are expected of its rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from sklearn.metrics import get_scorer

from skdrift._core.rows import spread_evenly
from skdrift.performance._answered_batch import AnsweredBatch
from skdrift.performance._cross_validation import Scorer
from skdrift.performance._estimate import (
    EstimatedScore,
    nothing_known,
    score_bounds,
    with_interval,
)
from skdrift.performance._expected_rows import ExpectedRows
from skdrift.performance._loss_models import LossModels

REGRESSION_SCORERS = (
    "neg_mean_absolute_error",
    "neg_mean_squared_error",
    "neg_root_mean_squared_error",
    "r2",
    "neg_mean_absolute_percentage_error",
)
N_DRAWS = 100
MOST_DRAWN = 1_000


def expected_error_scores(
    models: LossModels,
    batch: AnsweredBatch,
    expected: ExpectedRows,
    scorers: Mapping[str, Scorer],
) -> list[EstimatedScore]:
    """Each score and its interval, given what is expected of the rows.

    A scorer that is no function of absolute, squared and relative errors is not known.

    Parameters
    ----------
    models : LossModels
    batch : AnsweredBatch
    expected : ExpectedRows
    scorers : mapping of str to scorer
    """
    answers = batch.answers
    errors, compared = expected.mean, expected.compared
    drawn = spread_evenly(len(answers), MOST_DRAWN)
    residuals = _draw_residuals(models.quantiles, len(drawn))
    signed = np.sqrt(errors[1, drawn]) * residuals
    scores = []
    for name, scorer in scorers.items():
        function = _ERROR_SCORES.get(repr(scorer))
        if function is None:
            reason = (
                "only scores of absolute, squared and relative errors are estimated"
            )
            scores.append(nothing_known(name, reason))
            continue
        # Answers are of any size: a variance of labels may then have no number.
        with np.errstate(over="ignore", invalid="ignore"):
            said = answers[drawn]
            noise = np.var([function(_realised(said, e), said) for e in signed], ddof=1)
            value, plain = function(errors, answers), function(expected.plain, answers)
            halves = [function(own, answers[compared]) for own in expected.halves]
        score = with_interval(
            name,
            value,
            plain=plain,
            noise=float(noise) * len(drawn) / len(answers),
            halves=np.array(halves),
            bounds=score_bounds(scorer),
        )
        scores.append(score)
    return scores


def _realised(answers: np.ndarray, signed: np.ndarray) -> np.ndarray:
    size = np.maximum(np.abs(answers + signed), np.finfo(np.float64).eps)
    return np.stack([np.abs(signed), signed**2, np.abs(signed) / size, signed])


def _draw_residuals(quantiles: np.ndarray, n_rows: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    return np.asarray(quantiles[rng.integers(len(quantiles), size=(N_DRAWS, n_rows))])


def _determination(errors: np.ndarray, answers: np.ndarray) -> float:
    """R²: the variance of labels is that of the answers corrected by their errors."""
    about = answers - answers.mean()
    squares = about**2 + 2.0 * about * errors[3] + errors[1]
    variance = squares.mean() - (about + errors[3]).mean() ** 2
    return float(1.0 - errors[1].mean() / variance) if variance > 0 else np.nan


_ERROR_SCORES: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    repr(get_scorer("neg_mean_absolute_error")): lambda e, a: -float(e[0].mean()),
    repr(get_scorer("neg_mean_squared_error")): lambda e, a: -float(e[1].mean()),
    repr(get_scorer("neg_root_mean_squared_error")): (
        lambda e, a: -float(np.sqrt(e[1].mean()))
    ),
    repr(get_scorer("neg_mean_absolute_percentage_error")): (
        lambda e, a: -float(e[2].mean())
    ),
    repr(get_scorer("r2")): _determination,
}
