"""Class priors of a batch without labels: the answer."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from skdrift.exceptions import ParameterError

LEVEL = 0.95
ASSUMPTION = (
    "assumes label shift: P(X | y) is that of training, and only how frequent the "
    "classes are has changed"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelShiftEstimate:
    """Class priors of a batch without labels.

    Attributes
    ----------
    classes : tuple
        Labels of the classes.
    training_priors : tuple of float
        Share of each class in training.
    priors : tuple of float
        Estimated share of each class in the batch; NaN where it cannot be had.
    low, high : tuple of float
        Interval of each of `priors`, by resampling the batch's rows and by what was
        learned from halves of training. Valid only under the assumption.
    bbse : tuple of float
        The same shares by another method, which uses the answered labels alone; NaN
        where it has no solution. Far from `priors`: believe neither.
    pvalue : float
        Of the assumption itself: small if no mixture of the classes of training looks
        like the batch. NaN where that could not be tested.
    supports_label_shift : bool or None
        Whether ``pvalue > alpha``; None where it was not tested. True is no proof: a
        batch of few rows fits many things.
    explained : float
        Part of the difference between batch and training that other priors account
        for, in [0, 1], as far as the test sees it; NaN if there is none beyond chance.
    n_rows : int
        Rows of the batch.
    alpha : float
        Level of the test.
    level : float
        Coverage of the intervals.
    method : {"EM"}
        How `priors` were estimated.
    assumption : str
        What the priors hold under.
    notes : tuple of str
        What was used, and what limits the answer; one sentence each.
    """

    classes: tuple[Any, ...]
    training_priors: tuple[float, ...]
    priors: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    bbse: tuple[float, ...]
    pvalue: float
    supports_label_shift: bool | None
    explained: float
    n_rows: int
    alpha: float
    level: float = LEVEL
    method: str = "EM"
    assumption: str = ASSUMPTION
    notes: tuple[str, ...] = ()

    @property
    def moved(self) -> tuple[Any, ...]:
        """Classes whose interval leaves out the prior of training."""
        rows = zip(self.classes, self.training_priors, self.low, self.high, strict=True)
        return tuple(name for name, was, low, high in rows if not low <= was <= high)

    @property
    def conclusion(self) -> str:
        """What the test says of the batch, in one sentence."""
        p = f"p = {self.pvalue:.2g}"
        if self.supports_label_shift is None:
            return "whether label shift explains the batch was not tested"
        if self.supports_label_shift:
            if self.moved:
                return f"label shift can explain the batch ({p})"
            return f"the class priors are those of training within chance ({p})"
        text = f"not label shift: no mixture of training's classes fits ({p})"
        if math.isfinite(self.explained):
            share = f"{100 * self.explained:.0f} %"
            text += f"; other priors explain {share} of the difference"
        return text

    def correct(self, proba: Any) -> np.ndarray:
        """Probabilities as they are if the batch has the estimated priors.

        By Bayes: each is multiplied with the ratio of the new prior to that of
        training, and rows are scaled to a sum of 1. It is never done on its own.

        Parameters
        ----------
        proba : array-like of shape (n_rows, n_classes)
            What `predict_proba` of the model gave, in the order of `classes`.

        Returns
        -------
        ndarray of float of shape (n_rows, n_classes)

        Raises
        ------
        ParameterError
            If `proba` has another number of columns or a negative entry, or the
            priors could not be estimated.
        """
        given = np.asarray(proba, dtype=np.float64)
        n = len(self.classes)
        if given.ndim != 2 or given.shape[1] != n:
            raise ParameterError(
                f"proba must have one column for each of {n} classes, got shape "
                f"{given.shape}: pass what predict_proba returns"
            )
        if (given < 0).any():
            raise ParameterError(
                f"proba must be at least 0, got {given.min():.3g}: pass what "
                "predict_proba returns, not its logarithm"
            )
        if not np.isfinite(self.priors).all():
            raise ParameterError(
                "proba cannot be corrected: the batch's priors could not be "
                f"estimated ({'; '.join(self.notes)[:300]})"
            )
        was = np.maximum(self.training_priors, 1e-12)
        raised = given * np.maximum(np.array(self.priors) / was, 1e-12)
        total = raised.sum(axis=1, keepdims=True)
        return np.divide(raised, total, out=given.copy(), where=total != 0)

    def __str__(self) -> str:
        names = [f"{name!r:.40}" for name in self.classes]
        width = max(len(name) for name in names)
        rows = "1 row" if self.n_rows == 1 else f"{self.n_rows:,} rows"
        lines = [f"Class priors of {rows}, without labels: {self.conclusion}"]
        for place, name in enumerate(names):
            shown, check = prior_text(self, place), self.bbse[place]
            if math.isfinite(check):
                shown += f"   BBSE {_percent(check)} %"
            lines.append(f"  {name:<{width}}  {shown}")
        lines.append(f"Assumption: {self.assumption}.")
        return "\n".join([*lines, *(f"Note: {note}." for note in self.notes)])


def prior_text(estimate: LabelShiftEstimate, place: int) -> str:
    """Prior of one class, before and now: "12 % → 31 % [27, 35]"."""
    was, now = estimate.training_priors[place], estimate.priors[place]
    if not math.isfinite(now):
        return f"{_percent(was)} % → not known"
    low, high = _percent(estimate.low[place]), _percent(estimate.high[place])
    return f"{_percent(was)} % → {_percent(now)} % [{low}, {high}]"


def _percent(share: float) -> str:
    value = 100.0 * share
    return f"{value:.0f}" if value >= 9.95 or value < 0.005 else f"{value:.2g}"
