"""How many rows a batch needs so that a shift is found."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from scipy import special

from skdrift.exceptions import EstimatorError, NotFittedError, ParameterError
from skdrift.shift import BatchBlocks, rows_for_effect_in_blocks
from skdrift.shift._resolution import rows_for_effect

LEAST_ROWS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchPlan:
    """How many rows a batch needs.

    Attributes
    ----------
    n_rows : float
        Rows that do for every one of the columns asked for; infinite if no number
        does, since training has too few rows or the effect is near the tolerance.
    by_feature : dict of str to float
        Rows by the name of the column, those included in which its value is missing;
        NaN for columns that are not compared.
    effect : float
        The shift, as a Kolmogorov–Smirnov distance; as a total variation distance
        for categories.
    sd : float
        The same as a shift of a normal column, in its standard deviations.
    power : float
        Probability that the shift of any one column is found.
    notes : tuple of str
        What limits the answer, one sentence each.
    """

    n_rows: float
    by_feature: dict[str, float]
    effect: float
    sd: float
    power: float
    notes: tuple[str, ...] = ()


def plan_batch_size(
    model: Any,
    effect: float,
    *,
    unit: Literal["distance", "sd"] = "distance",
    power: float = 0.8,
    features: Iterable[str] | None = None,
) -> BatchPlan:
    r"""Plan how many rows a batch must have so that a shift raises an alarm.

    The settings are those of `model`: its rows of training, its number of columns
    (they share in `alpha`), `min_effect`, and how often each column is missing.

    Parameters
    ----------
    model : DriftAwareEstimator
        Fitted.
    effect : float
        Size of the shift.
    unit : {"distance", "sd"}, default="distance"
        Of `effect`. ``"distance"``: Kolmogorov–Smirnov distance (total variation for
        categories), in (0, 1). ``"sd"``: shift of a normal column in its standard
        deviations; it has the distance :math:`2 \Phi(\mathrm{sd} / 2) - 1`.
    power : float, default=0.8
        Probability that the shift of one column is found.
    features : iterable of str or None, default=None
        Names of the columns in which the shift has to be seen; None: whichever of
        them is compared. The others still share in `alpha`.

    Returns
    -------
    BatchPlan

    Raises
    ------
    EstimatorError, NotFittedError
        If `model` is no fitted `DriftAwareEstimator`.
    ParameterError
        If `effect`, `unit` or `power` break their rule, or there is no such column.

    Notes
    -----
    For numbers the change is the shift of a normal column without ties; for
    categories it is the least visible change of that distance. Where rows come in
    blocks, they count as far less than so many independent ones, by how much blocks
    differ. No batch below 30 rows is compared.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skdrift import DriftAwareEstimator, plan_batch_size
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(5000, 3))
    >>> model = DriftAwareEstimator(LogisticRegression()).fit(X, X[:, 0] > 0)
    >>> plan = plan_batch_size(model, 0.2, unit="sd")
    >>> 400 < plan.n_rows < 700
    True
    """
    baseline = _baseline_of(model)
    distance, sd = _distance(effect, unit)
    if not 0.0 < power < 1.0:
        raise ParameterError(f"power must be in (0, 1), got {power!r}.")
    reference = baseline.reference
    grid = reference.grid
    needed = rows_for_effect(
        reference,
        distance,
        power=power,
        alpha=model.alpha,
        min_effect=model.min_effect,
    )
    needed = np.maximum(needed, LEAST_ROWS)
    if baseline.blocks is not None:
        by_blocks = rows_for_effect_in_blocks(
            reference, baseline.blocks, distance, power=power, alpha=model.alpha
        )
        needed = np.where(np.isnan(needed), needed, np.fmax(needed, by_blocks))
    rows = dict(zip(grid.labels, needed.tolist(), strict=True))
    if features is not None:
        rows = {name: rows[name] for name in _known(features, grid.labels)}
    compared = [n for n in rows.values() if not math.isnan(n)]
    n_rows = max(compared, default=math.nan)
    return BatchPlan(
        n_rows=n_rows,
        by_feature=rows,
        effect=distance,
        sd=sd,
        power=power,
        notes=_notes(baseline, rows, n_rows, model.alpha),
    )


def _baseline_of(model: Any) -> Any:
    if not hasattr(model, "min_effect") or not hasattr(model, "fit"):
        raise EstimatorError(
            "model must be a DriftAwareEstimator, got an object of type"
            f" {type(model).__name__}."
        )
    if not hasattr(model, "baseline_"):
        raise NotFittedError(f"{type(model).__name__} must be fitted first: call fit.")
    return model.baseline_


def _distance(effect: float, unit: str) -> tuple[float, float]:
    if unit not in ("distance", "sd"):
        raise ParameterError(f"unit must be 'distance' or 'sd', got {unit!r}.")
    if unit == "sd":
        if not 0.0 < effect < math.inf:
            raise ParameterError(f"effect must be above 0, got {effect!r}.")
        return float(2.0 * special.ndtr(effect / 2.0) - 1.0), float(effect)
    if not 0.0 < effect < 1.0:
        raise ParameterError(
            f"effect must be a distance in (0, 1), got {effect!r}; for standard"
            " deviations pass unit='sd'."
        )
    return float(effect), float(2.0 * special.ndtri((1.0 + effect) / 2.0))


def _known(features: Iterable[str], labels: tuple[str, ...]) -> list[str]:
    asked = [features] if isinstance(features, str) else list(features)
    unknown = [name for name in asked if name not in labels]
    if unknown or not asked:
        raise ParameterError(
            f"features must be names of the {len(labels)} columns, such as"
            f" {list(labels[:5])}, got {unknown[:5]}."
        )
    return asked


def _notes(
    baseline: Any, rows: dict[str, float], n_rows: float, alpha: float
) -> tuple[str, ...]:
    notes = []
    if baseline.blocks is not None:
        note = "rows come in blocks, and the plan counts these"
        if math.isfinite(n_rows):
            batch = BatchBlocks(values=baseline.blocks, n_rows=math.ceil(n_rows))
            n_trained, n_batch = baseline.blocks.n_blocks, batch.assumed()
            note += f": the batch is {n_batch:,} of them"
            if alpha * (n_trained // n_batch + 1) < 1:
                note += (
                    f", and {n_trained:,} of training are too few to promise alpha ="
                    f" {alpha:g} for so many"
                )
        notes.append(note)
    n_infinite = sum(n == math.inf for n in rows.values())
    if n_infinite:
        notes.append(
            f"no number of rows would do in {n_infinite:,} of {len(rows):,} columns:"
            f" train with more than {baseline.reference.n_rows:,} rows, or ask for a"
            " larger effect"
        )
    return tuple(notes)
