"""The frozen answers that the rooms give and the report puts together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["alarm", "note"]
Outcome = Literal["drift", "stable", "undecided", "not tested"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is different in the batch.

    Attributes
    ----------
    code : str
        Stable code such as ``"DA101"``; the user guide has an anchor for each.
    severity : {"alarm", "note"}
        An alarm makes ``report.ok`` false; a note does not.
    features : tuple of str
        Names of the columns concerned, most affected first.
    effect_size : float
        Size of the difference in the units of `effect_name`; NaN where there is
        none to measure.
    effect_name : str
        What `effect_size` measures, for example ``"KS distance"``.
    low, high : float
        Confidence interval of `effect_size`; NaN where there is none.
    pvalue : float
        Adjusted for all hypotheses that the batch was tested for; NaN for what is
        certain without a test (a missing column).
    direction : str
        In words, current against reference: ``"higher"``, ``"more missing"``.
    message : str
        One sentence with the numbers.
    advice : str
        What to look at.
    n_rows : int
        Rows of the batch that are concerned; -1 where rows cannot be told apart.
    """

    code: str
    severity: Severity
    features: tuple[str, ...]
    effect_size: float
    effect_name: str
    low: float
    high: float
    pvalue: float
    direction: str
    message: str
    advice: str
    n_rows: int = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureRow:
    """What was measured of one column; a row of the report's ``features`` table.

    Attributes
    ----------
    feature : str
        Name of the column (``"x0"`` … for arrays without names).
    kind : str
        ``"numeric"``, ``"categorical"``, ``"boolean"``, ``"datetime"``, ``"text"``
        or ``"identifier"``, as learned from training.
    outcome : {"drift", "stable", "undecided", "not tested"}
        ``"stable"`` only if the interval's high end is at most the report's
        ``stable_bound``.
    effect_size : float
        Kolmogorov–Smirnov distance (ordered columns) or total variation with its
        null mean taken off (categories); in [0, 1], larger = further apart.
    effect_name : str
        Which of the two.
    low, high : float
        95 % interval of `effect_size`.
    pvalue, pvalue_adjusted : float
        Of the column's distribution test, and adjusted over the batch.
    direction : str
        In words, for example ``"median 12.1 → 14.9, spread ×1.3"``.
    psi, jensen_shannon, hellinger, total_variation : float
        Distances between the two count vectors; larger = further apart.
    wasserstein : float
        Wasserstein-1 distance in standard deviations of the reference; NaN for
        categories.
    missing_reference, missing_current : float
        Shares of rows, in [0, 1].
    n_unseen, n_below, n_above, n_infinite : int
        Cells of the batch in categories or ranges that training never had.
    reason : str
        Why the column was not tested or is undecided; empty otherwise.
    detectable_effect : float
        Smallest effect, in the units of `effect_name`, that so many rows would show
        in four of five batches; NaN if the column was not tested, or the
        report is an old one that did not say it.
    tolerance : float
        Largest effect that is no alarm: the report's `min_effect`, or more where the
        column moves with time; NaN if the column was not tested, or the report is an
        old one.
    """

    feature: str
    kind: str
    outcome: Outcome
    effect_size: float
    effect_name: str
    low: float
    high: float
    pvalue: float
    pvalue_adjusted: float
    direction: str
    psi: float
    jensen_shannon: float
    hellinger: float
    total_variation: float
    wasserstein: float
    missing_reference: float
    missing_current: float
    n_unseen: int
    n_below: int
    n_above: int
    n_infinite: int
    reason: str
    detectable_effect: float = float("nan")
    tolerance: float = float("nan")


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreExpectation:
    """What score cross-validation promises for a batch of `n_rows` rows.

    Attributes
    ----------
    scorer : str
        Name of the scorer; its values are "greater is better", as in scikit-learn.
    value : float
        Mean score of the held-out folds; NaN with a `reason` where there is none.
    low, high : float
        Interval for the realised score of a batch of independent rows distributed
        like training; where rows come in blocks, of further blocks.
    level : float
        Coverage of the interval, 0.95 unless told otherwise.
    n_rows : int
        Rows that the interval is for; where some rows lack a label, as many labelled
        ones as the realised score is worth.
    realised : float
        Score of the batch, where labels were given; else NaN. Where some rows lack one:
        of the whole batch for a mean of rows, else of the labelled rows.
    pvalue : float
        One-sided: probability of a score this low or lower if nothing changed.
    reason : str
        Why a value is NaN; empty otherwise.
    basis : str
        What the interval counts where rows come in blocks, and by which model; empty
        where rows count one by one.
    n_labelled : int
        Rows of the batch with a label; -1 where nobody gave labels, or the report is an
        old one that did not say it.
    realised_low, realised_high : float
        Where some rows lack a label, interval of the same level for the score that the
        whole batch has; NaN where there is none.
    estimated, estimated_low, estimated_high : float
        With labels, what `estimate_score` says without them, and its interval, for the
        rows that `realised` is of; NaN where there is no estimate.
    detectable_drop : float
        Where some rows lack a label and there is no alarm, smallest drop below `value`
        that so many labels would show in four of five batches; else NaN.
    labels_needed : float
        Labels of this batch with which a drop as large as the one now would be an alarm
        in four of five batches; infinite if all of them would not do, NaN where there
        is no drop or nothing is open.
    """

    scorer: str
    value: float
    low: float
    high: float
    level: float
    n_rows: int
    realised: float = float("nan")
    pvalue: float = float("nan")
    reason: str = ""
    basis: str = ""
    n_labelled: int = -1
    realised_low: float = float("nan")
    realised_high: float = float("nan")
    estimated: float = float("nan")
    estimated_low: float = float("nan")
    estimated_high: float = float("nan")
    detectable_drop: float = float("nan")
    labels_needed: float = float("nan")
