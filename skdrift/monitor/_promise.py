"""What a record promises, and the fields of one that has seen no row."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from skdrift._core.checks import check_share
from skdrift.exceptions import InputError, ParameterError
from skdrift.monitor._losses import LossName, check_loss
from skdrift.monitor._risk_bound import RiskBound
from skdrift.stats.sequential import Evidence, bet_sizes

EFFECTS = (0.02, 0.04, 0.08, 0.16, 0.32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """Level of a record, and how it is split between the bound and the evidence.

    Attributes are those of `SequentialRisk`, and the two parts of `alpha`.
    """

    alpha: float
    run_length: float | None
    tolerance: float
    loss: LossName
    alpha_of_bound: float
    alpha_of_evidence: float

    @classmethod
    def checked(cls, alpha: Any, run_length: Any, tolerance: Any, loss: Any) -> Promise:
        """Promise of arguments as they were given.

        Raises
        ------
        ParameterError
            If one breaks its rule.
        """
        check_share("alpha", alpha)
        if run_length is not None and not _is_number(run_length, 1.0):
            raise ParameterError(
                "run_length must be None or a number above 1 (losses until a false "
                f"alarm, on average), got {run_length!r}"
            )
        if not (_is_number(tolerance, 0.0) or tolerance == 0):
            raise ParameterError(
                f"tolerance must be a number of at least 0, got {tolerance!r}"
            )
        watching = run_length is not None
        return cls(
            alpha=float(alpha),
            run_length=float(run_length) if watching else None,
            tolerance=float(tolerance),
            loss=check_loss(loss),
            alpha_of_bound=float(alpha) * (1.0 if watching else 0.5),
            alpha_of_evidence=float(alpha) * 0.5,
        )

    def without_bound(self) -> Promise:
        """Where the bound is given: all of alpha is for the evidence."""
        return replace(self, alpha_of_evidence=self.alpha)

    def fields(self, learned: RiskBound) -> dict[str, Any]:
        """Fields of a record that has seen no row.

        Raises
        ------
        InputError
            If the bound is 0.
        """
        bound = learned.bound + self.tolerance
        if not bound > 0:
            raise InputError(
                "losses must be above 0 somewhere, got none but zeros; pass the "
                "loss_range, or a tolerance above 0"
            )
        bets = bet_sizes(bound, learned.variance, learned.scale * np.array(EFFECTS))
        limit = self.run_length or 1.0 / self.alpha_of_evidence
        return {
            "risk_bound": bound,
            "expected_loss": learned.mean,
            "alpha": self.alpha,
            "run_length": self.run_length,
            "log_limit": math.log(limit),
            "bets": tuple(bets.tolist()),
            "loss": self.loss,
            "block_rows": learned.block_rows,
            "evidence": Evidence.of_nothing(len(bets)),
            "low_stamps": (math.nan,) * len(bets),
        }


def _is_number(value: Any, above: float) -> bool:
    is_real = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    return is_real and above < value < math.inf


def check_above_zero(name: str, value: Any) -> None:
    """Refuse what is no finite number above 0."""
    if not _is_number(value, 0.0):
        raise ParameterError(f"{name} must be a number above 0, got {value!r}")
