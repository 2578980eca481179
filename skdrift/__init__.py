"""skdrift: is a scikit-learn model still good in production, and if not, why?

Names are loaded when they are first used, so that importing skdrift costs little
more than importing scikit-learn's base.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from skdrift import exceptions
from skdrift._version import __version__
from skdrift.exceptions import (
    ArtifactError,
    ArtifactVersionWarning,
    BaselineWarning,
    DriftError,
    DriftWarning,
    InvalidInputError,
    InvalidInputWarning,
    OptimisticScoreWarning,
    SkdriftError,
    SkdriftWarning,
)

if TYPE_CHECKING:
    from skdrift import datasets
    from skdrift._core.result import Finding
    from skdrift.display import (
        DependenceDisplay,
        DriftOverviewDisplay,
        PerformanceDisplay,
        ShiftDisplay,
    )
    from skdrift.estimator import BatchPlan, DriftAwareEstimator, plan_batch_size
    from skdrift.guards import (
        CategoryGuard,
        Flags,
        GuardReport,
        InputGuard,
        MissingGuard,
        Quarantine,
        RangeGuard,
        SchemaGuard,
    )
    from skdrift.monitor import SequentialRisk
    from skdrift.performance._decomposition import (
        DriftSegment,
        LabelShiftTerms,
        ScoreDecomposition,
        ScoreTerm,
    )
    from skdrift.performance._estimate import EstimatedScore, PerformanceEstimate
    from skdrift.performance._label_shift import LabelShiftEstimate
    from skdrift.performance._selective import CoverageScores, SelectiveScore
    from skdrift.persistence import TRUSTED_TYPES, dump, load
    from skdrift.profile import Grid, Profile
    from skdrift.report import DriftReport

__all__ = [
    "TRUSTED_TYPES",
    "ArtifactError",
    "ArtifactVersionWarning",
    "BaselineWarning",
    "BatchPlan",
    "CategoryGuard",
    "CoverageScores",
    "DependenceDisplay",
    "DriftAwareEstimator",
    "DriftError",
    "DriftOverviewDisplay",
    "DriftReport",
    "DriftSegment",
    "DriftWarning",
    "EstimatedScore",
    "Finding",
    "Flags",
    "Grid",
    "GuardReport",
    "InputGuard",
    "InvalidInputError",
    "InvalidInputWarning",
    "LabelShiftEstimate",
    "LabelShiftTerms",
    "MissingGuard",
    "OptimisticScoreWarning",
    "PerformanceDisplay",
    "PerformanceEstimate",
    "Profile",
    "Quarantine",
    "RangeGuard",
    "SchemaGuard",
    "ScoreDecomposition",
    "ScoreTerm",
    "SelectiveScore",
    "SequentialRisk",
    "ShiftDisplay",
    "SkdriftError",
    "SkdriftWarning",
    "__version__",
    "datasets",
    "dump",
    "exceptions",
    "load",
    "plan_batch_size",
]

_HOME = {
    "SchemaGuard": "skdrift.guards",
    "RangeGuard": "skdrift.guards",
    "MissingGuard": "skdrift.guards",
    "InputGuard": "skdrift.guards",
    "GuardReport": "skdrift.guards",
    "CategoryGuard": "skdrift.guards",
    "BatchPlan": "skdrift.estimator",
    "DependenceDisplay": "skdrift.display",
    "DriftAwareEstimator": "skdrift.estimator",
    "DriftOverviewDisplay": "skdrift.display",
    "PerformanceDisplay": "skdrift.display",
    "ShiftDisplay": "skdrift.display",
    "plan_batch_size": "skdrift.estimator",
    "DriftReport": "skdrift.report",
    "Finding": "skdrift._core.result",
    "Flags": "skdrift.guards",
    "Grid": "skdrift.profile",
    "DriftSegment": "skdrift.performance._decomposition",
    "LabelShiftTerms": "skdrift.performance._decomposition",
    "ScoreDecomposition": "skdrift.performance._decomposition",
    "ScoreTerm": "skdrift.performance._decomposition",
    "EstimatedScore": "skdrift.performance._estimate",
    "LabelShiftEstimate": "skdrift.performance._label_shift",
    "PerformanceEstimate": "skdrift.performance._estimate",
    "CoverageScores": "skdrift.performance._selective",
    "Profile": "skdrift.profile",
    "Quarantine": "skdrift.guards",
    "SelectiveScore": "skdrift.performance._selective",
    "SequentialRisk": "skdrift.monitor",
    "TRUSTED_TYPES": "skdrift.persistence",
    "dump": "skdrift.persistence",
    "load": "skdrift.persistence",
}


def __getattr__(name: str) -> Any:
    if name == "datasets":
        return import_module("skdrift.datasets")
    if name not in _HOME:
        raise AttributeError(f"module 'skdrift' has no attribute {name!r}")
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
