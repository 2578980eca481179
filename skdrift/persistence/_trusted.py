"""The types that `load` builds without being asked."""

from __future__ import annotations

TRUSTED_TYPES: tuple[str, ...] = (
    "skdrift.estimator._baseline.Baseline",
    "skdrift.estimator._wrapper.DriftAwareEstimator",
    "skdrift.guards._column_guard.GuardRules",
    "skdrift.guards._input_guard.InputGuard",
    "skdrift.guards._novelty.RowEncoding",
    "skdrift.guards._novelty.RowNovelty",
    "skdrift.guards._single_guards.CategoryGuard",
    "skdrift.guards._single_guards.MissingGuard",
    "skdrift.guards._single_guards.RangeGuard",
    "skdrift.guards._single_guards.SchemaGuard",
    "skdrift.performance._class_laws.ClassLaws",
    "skdrift.performance._expectation.FoldScores",
    "skdrift.performance._loss_models.LossModels",
    "skdrift.performance._optimism.ScoreOptimism",
    "skdrift.performance._reference_rows.ReferenceRows",
    "skdrift.profile._blocks.BlockValues",
    "skdrift.profile._grid.Grid",
    "skdrift.profile._profile.Profile",
    "skdrift.shift._dependence.Dependence",
    "skdrift.shift._trend.Trend",
)
"""Names, as ``module.Class``, of the fitted types that skdrift itself adds to a model.

`skdrift.load` trusts these and what skops trusts on its own; everything else has to
be named by the caller. Tools that load skops files take the tuple as it is, for
example as ``skops_trusted_types`` of MLflow.
"""
