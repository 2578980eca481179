"""Has the mean loss risen above what was promised? An answer at any time."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from skdrift._core.checks import check_at_least
from skdrift.exceptions import ParameterError
from skdrift.monitor._changes import changes
from skdrift.monitor._losses import LossName, losses_of, read_losses
from skdrift.monitor._promise import Promise, check_above_zero
from skdrift.monitor._risk_bound import RiskBound, bound_of_losses, bound_of_model
from skdrift.monitor._stored_risk import (
    TimeKind,
    packed,
    parsed,
    unpacked,
)
from skdrift.stats.sequential import Evidence, value_of


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SequentialRisk:
    r"""Follows the mean loss over time, and alarms when it is above a promised bound.

    Made by `from_losses` (losses of held-out rows), `from_estimator` (the scores that
    a fitted `DriftAwareEstimator` keeps) or `from_risk` (a bound that somebody set).
    `update` gives a *new* record with further rows in it; the old one is unchanged,
    and its size never grows.

    Null hypothesis: every loss has, given all that arrived before it, a mean of at
    most `risk_bound`. There are two promises while it holds:

    - ever since deployment (`run_length` is None): the probability that there is
      ever an alarm, however long it runs, is at most `alpha`; half of it pays for a
      bound that is below the true risk.
    - watching (`run_length` is c): from its start, or from a `reset`, an alarm takes
      c losses (blocks, where rows are averaged to blocks) or more on average, unless
      the bound is below the true risk, which has probability `alpha`.

    Losses are at least 0, need have no upper limit, and count in the order in which
    they arrive. Rows without a label are counted and decide nothing.

    Attributes
    ----------
    risk_bound : float
        Highest mean loss that is no alarm: upper confidence bound and tolerance.
    expected_loss : float
        Mean loss of the held-out rows; NaN if the bound was given.
    alpha : float
        See above.
    run_length : float or None
        See above.
    log_limit : float
        The alarm comes when `log_evidence` reaches it.
    bets : tuple of float
        Stakes against rises of several sizes.
    loss : {"", "zero_one", "absolute_error", "squared_error"}
        What `update_labels` computes; ``""`` where losses are given.
    block_rows : int
        Rows with a label whose losses are averaged before they count as one.
    n_rows, n_labelled : int
        Rows so far, and those of them with a loss.
    mean_loss : float
        Of the rows with a loss; NaN before the first.
    open_rows, open_loss : int, float
        Rows of the block that is not full, and their mean loss.
    evidence : Evidence
        What the bets have won so far.
    alarm_row : int
        Row with which the alarm came, counted from 1 in the order of arrival; 0 if
        there was none. An alarm stays.
    since_row : int
        Last row before the rise, as estimated at the alarm: that after which the bet
        that had won most was lowest.
    time_kind : {"", "number", "datetime", "datetime with zone"}
        What the times are that were told.
    alarm_stamp, since_stamp : float
        When these rows are from, as numbers or microseconds since 1970 (UTC); NaN if
        not told. `alarm_time` and `since_time` give them as they were.
    low_stamps : tuple of float
        When the rows of ``evidence.since`` are from.
    """

    risk_bound: float
    expected_loss: float
    alpha: float
    run_length: float | None
    log_limit: float
    bets: tuple[float, ...]
    loss: LossName
    block_rows: int
    evidence: Evidence
    n_rows: int = 0
    n_labelled: int = 0
    mean_loss: float = math.nan
    open_rows: int = 0
    open_loss: float = 0.0
    alarm_row: int = 0
    since_row: int = 0
    time_kind: TimeKind = ""
    alarm_stamp: float = math.nan
    since_stamp: float = math.nan
    low_stamps: tuple[float, ...] = ()

    # --- made from -----------------------------------------------------------

    @classmethod
    def from_losses(
        cls,
        losses: Any,
        *,
        alpha: float = 0.01,
        run_length: float | None = None,
        tolerance: float = 0.0,
        n_folds: int | None = None,
        block_rows: int | None = None,
        loss_range: float | None = None,
        loss: LossName = "",
    ) -> SequentialRisk:
        """Learn the bound from losses of rows that the model was not fitted on.

        Parameters
        ----------
        losses : array-like of shape (n,)
            At least 20, at least 0, larger = worse, in the order in which the rows
            came; NaN for a row without a label.
        alpha : float, default=0.01
        run_length : float or None, default=None
            See the class.
        tolerance : float, default=0
            Rise above the upper bound that is no alarm.
        n_folds : int or None, default=None
            Folds, if the losses are out-of-fold ones; None for one held-out set.
        block_rows : int or None, default=None
            Rows that are averaged before they count. None: 1, or if neighbouring
            losses are correlated five times their memory (one and twice the sum of
            their autocorrelations), doubled while neighbouring blocks still are.
        loss_range : float or None, default=None
            Largest loss there can be, if there is one. It is the unit of the rises
            that are bet on. None: the largest of the losses if they are all either
            that or 0, else their mean.
        loss : str, default=""
            What `update_labels` computes.

        Raises
        ------
        ParameterError
            If an argument breaks its rule.
        InputError, InputTypeError
            If the losses are no losses, or too few.
        """
        promise = Promise.checked(alpha, run_length, tolerance, loss)
        if n_folds is not None:
            check_at_least("n_folds", n_folds, 2)
        if block_rows is not None:
            check_at_least("block_rows", block_rows, 1)
        if loss_range is not None:
            check_above_zero("loss_range", loss_range)
        bound = bound_of_losses(
            read_losses(losses),
            promise.alpha_of_bound,
            n_folds=n_folds,
            block_rows=block_rows,
            loss_range=loss_range,
        )
        return cls(**promise.fields(bound))

    @classmethod
    def from_estimator(
        cls,
        model: Any,
        *,
        scorer: str | None = None,
        alpha: float = 0.01,
        run_length: float | None = None,
        tolerance: float = 0.0,
    ) -> SequentialRisk:
        """Learn the bound from the cross-validated scores of a model.

        Where rows come in blocks, `block_rows` is the size of a block of training (of
        several, where pieces of the row order are like their neighbours), and the
        bound the larger one of rows and of blocks.

        Parameters
        ----------
        model : DriftAwareEstimator
            Fitted, with a scorer that is the mean of a loss of each row: accuracy, or
            a ``"neg_"`` scorer of means (absolute, squared or percentage error, log
            loss, Brier score). For the last three `loss` is ``""``: feed the losses.
        scorer : str or None, default=None
            Which one; None: the first of the model that is such.
        alpha, run_length, tolerance
            See `from_losses`.

        Raises
        ------
        ParameterError
            If an argument breaks its rule.
        EstimatorError
            If the model has no such scorer, or its scores are unknown.
        NotFittedError
            If the model is not fitted.
        """
        promise = Promise.checked(alpha, run_length, tolerance, "")
        bound, loss = bound_of_model(model, scorer, promise.alpha_of_bound)
        return cls(**replace(promise, loss=loss).fields(bound))

    @classmethod
    def from_risk(
        cls,
        risk: float,
        *,
        alpha: float = 0.01,
        run_length: float | None = None,
        block_rows: int = 1,
        loss_range: float | None = None,
        loss: LossName = "",
    ) -> SequentialRisk:
        """Hold losses against a mean that was agreed on; all of alpha is for alarms.

        Parameters
        ----------
        risk : float
            Highest mean loss that is no alarm, above 0.
        alpha, run_length
            See the class.
        block_rows : int, default=1
            See `from_losses`.
        loss_range : float or None, default=None
            Largest loss there can be; None: 1 for ``"zero_one"``, else none.
        loss : str, default=""
            What `update_labels` computes.

        Raises
        ------
        ParameterError
            If an argument breaks its rule.
        """
        promise = Promise.checked(alpha, run_length, 0.0, loss)
        check_above_zero("risk", risk)
        check_at_least("block_rows", block_rows, 1)
        if loss_range is None and loss == "zero_one":
            loss_range = 1.0
        variance = float(risk) ** 2
        if loss_range is not None:
            check_above_zero("loss_range", loss_range)
            if not risk < loss_range:
                raise ParameterError(
                    f"risk must be below loss_range, got {risk!r} and {loss_range!r}; "
                    "no mean loss could be above it"
                )
            variance = float(risk) * (loss_range - float(risk))
        bound = RiskBound(
            bound=float(risk),
            mean=math.nan,
            variance=variance / block_rows,
            scale=float(loss_range or risk),
            block_rows=int(block_rows),
        )
        return cls(**promise.without_bound().fields(bound))

    # --- further rows --------------------------------------------------------

    def update(self, losses: Any, *, times: Any = None) -> SequentialRisk:
        """Take further rows into account; the same rows in parts give the same.

        Parameters
        ----------
        losses : float or array-like of shape (n,)
            At least 0, in the order of arrival; NaN for a row that has no label and
            will not get one. Losses above 1e100 count as that.
        times : array-like of shape (n,) or None, default=None
            When each row is from, numbers or datetimes; used for `since_time` only.

        Returns
        -------
        SequentialRisk
            A new record; this one is unchanged.

        Raises
        ------
        InputError, InputTypeError
            If a loss is negative or no number.
        ParameterError
            If `times` are not one number or datetime for each row.
        """
        return replace(self, **changes(self, read_losses(losses), times))

    def update_labels(
        self, y: Any, y_pred: Any, *, times: Any = None
    ) -> SequentialRisk:
        """Take further rows into account, by their labels and the model's answers.

        Parameters
        ----------
        y, y_pred : array-like of shape (n,)
            Labels as they arrive, and what `predict` had answered for the same rows;
            where one of them is missing the row is one without a label.
        times : array-like of shape (n,) or None, default=None
            See `update`.

        Returns
        -------
        SequentialRisk
            A new record; this one is unchanged.

        Raises
        ------
        InputError, InputTypeError
            If `y` and `y_pred` do not belong together.
        ParameterError
            If this record has no named `loss`, or `times` break their rule.
        """
        if not self.loss:
            raise ParameterError(
                "update_labels needs a record whose loss is named, got loss=''; make "
                "it with loss='zero_one', 'absolute_error' or 'squared_error', or "
                "compute the losses and pass them to update"
            )
        return replace(self, **changes(self, losses_of(self.loss, y, y_pred), times))

    def reset(self) -> SequentialRisk:
        """The same record before its first row; the promise starts anew."""
        return replace(
            self,
            evidence=Evidence.of_nothing(len(self.bets)),
            n_rows=0,
            n_labelled=0,
            mean_loss=math.nan,
            open_rows=0,
            open_loss=0.0,
            alarm_row=0,
            since_row=0,
            time_kind="",
            alarm_stamp=math.nan,
            since_stamp=math.nan,
            low_stamps=(math.nan,) * len(self.bets),
        )

    # --- what is known -------------------------------------------------------

    @property
    def alarm(self) -> bool:
        """Whether there was an alarm."""
        return self.alarm_row > 0

    @property
    def alarm_time(self) -> float | np.datetime64 | None:
        """When the row of the alarm is from; None without an alarm or a time."""
        return _time(self.alarm_stamp, self.time_kind)

    @property
    def since_time(self) -> float | np.datetime64 | None:
        """When the last row before the rise is from; None if that is not known."""
        return _time(self.since_stamp, self.time_kind)

    @property
    def log_evidence(self) -> float:
        """Natural logarithm of the evidence that the mean loss is above the bound.

        Larger = more; may fall again after an alarm, which stays nevertheless.
        """
        return value_of(self.evidence, restarts=self.run_length is not None)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SequentialRisk):
            return NotImplemented
        return self.to_dict() == other.to_dict()

    def __hash__(self) -> int:
        return hash(self.to_json())

    def __str__(self) -> str:
        lines = [
            f"mean loss {self.mean_loss:.4g} over {self.n_labelled:,} rows "
            f"({self.n_rows - self.n_labelled:,} more without a label), "
            f"at most {self.risk_bound:.4g} promised"
        ]
        if self.alarm:
            at, since = (
                "" if time is None else f" ({time})"
                for time in (self.alarm_time, self.since_time)
            )
            lines.append(
                f"ALARM at row {self.alarm_row:,}{at}: the mean loss rose after row "
                f"{self.since_row:,}{since}, as estimated"
            )
        else:
            share = self.log_evidence / self.log_limit
            lines.append(f"no alarm: {max(share, 0.0):.0%} of the evidence for one")
        return "\n".join(lines)

    # --- stored --------------------------------------------------------------

    def to_dict(self) -> dict[str, Any]:
        """Plain form for JSON; `from_dict` reads it."""
        return packed(self)

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> SequentialRisk:
        """Read what `to_dict` gave.

        Raises
        ------
        FormatError
            If `stored` is damaged, or was written by a newer skdrift.
        """
        return cls(**unpacked(stored))

    def to_json(self) -> str:
        """JSON text of less than a thousand bytes; `from_json` reads it."""
        return json.dumps(self.to_dict(), allow_nan=False)

    @classmethod
    def from_json(cls, text: str | bytes) -> SequentialRisk:
        """Read what `to_json` gave, and go on from there.

        Raises
        ------
        FormatError
            If `text` is no JSON, is damaged, or was written by a newer skdrift.
        """
        return cls.from_dict(parsed(text))


def _time(stamp: float, kind: TimeKind) -> float | np.datetime64 | None:
    if math.isnan(stamp):
        return None
    return stamp if kind == "number" else np.datetime64(round(stamp), "us")
