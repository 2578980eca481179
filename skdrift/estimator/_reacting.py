"""What to do with a report: warn, raise, ignore, or hand it on."""

from __future__ import annotations

import warnings
from typing import Any

from skdrift._core.result import Finding
from skdrift.exceptions import (
    DriftAndInvalidInputWarning,
    DriftError,
    DriftWarning,
    InvalidInputError,
    InvalidInputWarning,
)
from skdrift.report import DriftReport, warning_text

POLICIES = ("ignore", "raise", "warn")
INVALID_CODES = frozenset({"DA301", "DA304", "DA406"})


def is_invalid_input(finding: Finding) -> bool:
    """Whether a finding is about rows or columns that cannot be as they should."""
    flagged = finding.code.startswith("DA4") and finding.n_rows > 0
    return flagged or (finding.code in INVALID_CODES and finding.severity == "alarm")


def is_shift(finding: Finding) -> bool:
    """Whether a finding is an alarm about how the batch is distributed."""
    return finding.severity == "alarm" and not is_invalid_input(finding)


def react(report: DriftReport, *, on_invalid: Any, on_shift: Any) -> None:
    """Apply the two policies to a report; at most one warning is given.

    Raises
    ------
    InvalidInputError, DriftError
        If a policy is ``"raise"`` and there is a reason.
    """
    invalid = tuple(filter(is_invalid_input, report.findings))
    shift = tuple(filter(is_shift, report.findings))
    to_warn: list[tuple[Finding, ...]] = []
    for policy, found, error in (
        (on_invalid, invalid, InvalidInputError),
        (on_shift, shift, DriftError),
    ):
        if not found:
            continue
        if callable(policy):
            policy(report)
        elif policy == "raise":
            raise error(warning_text(report, found), report)
        elif policy == "warn":
            to_warn.append(found)
    if to_warn:
        kinds = {invalid: InvalidInputWarning, shift: DriftWarning}
        both = len(to_warn) == 2
        warnings.warn(
            warning_text(report, sum(to_warn, ())),
            DriftAndInvalidInputWarning if both else kinds[to_warn[0]],
            stacklevel=4,
        )
