"""Trials of deepchecks: drift checks with the conditions of its train–test suite.

Without the drawing of their plots, which is on by default.
"""

from __future__ import annotations

from typing import Any

from deepchecks.tabular import Dataset
from deepchecks.tabular.checks import (
    FeatureDrift,
    MultivariateDrift,
    NewCategoryTrainTest,
)
from runner import Method, run
from trial_tables import Table


def dataset(table: Table) -> Dataset:
    return Dataset(table.frame(), cat_features=table.categorical)


def fails(check: Any, reference: Dataset, batch: Dataset) -> bool:
    result = check.run(reference, batch, with_display=False)
    return not result.passed_conditions()


def feature_drift(state: Dataset, batch: Table) -> bool:
    check = FeatureDrift().add_condition_drift_score_less_than()
    return fails(check, state, dataset(batch))


def multivariate_drift(state: Dataset, batch: Table) -> bool:
    check = MultivariateDrift().add_condition_overall_drift_value_less_than()
    return fails(check, state, dataset(batch))


def any_drift(state: Dataset, batch: Table) -> bool:
    check = NewCategoryTrainTest().add_condition_new_category_ratio_less_or_equal()
    if batch.coded is not None and fails(check, state, dataset(batch)):
        return True
    return feature_drift(state, batch) or multivariate_drift(state, batch)


METHODS = {
    "deepchecks: FeatureDrift": Method(dataset, feature_drift),
    "deepchecks: feature, multivariate, new category": Method(
        dataset, any_drift, slow=True
    ),
}

if __name__ == "__main__":
    run(METHODS, ("deepchecks", "numpy", "pandas", "scipy", "scikit-learn"))
