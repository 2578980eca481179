"""Trials of evidently: `DataDriftPreset` with its defaults.

Its verdict on a data set is ``DriftedColumnsCount``: drift where the share of drifted
columns reaches ``drift_share``, 0.5. The trials compute that metric alone, with the
preset's defaults; the whole preset is timed only.
"""

from __future__ import annotations

import evidently
import numpy as np
from evidently import DataDefinition, Dataset, Report
from evidently.metrics import DriftedColumnsCount
from evidently.presets import DataDriftPreset
from runner import Method, run
from trial_tables import Table

DRIFT_SHARE = DataDriftPreset().drift_share


def dataset(table: Table) -> Dataset:
    kinds = DataDefinition(
        numerical_columns=table.numeric, categorical_columns=table.categorical
    )
    return Dataset.from_pandas(table.frame(), data_definition=kinds)


def drifted(
    reference: Dataset,
    batch: Table,
    metric: type[DriftedColumnsCount | DataDriftPreset] = DriftedColumnsCount,
) -> dict[str, float]:
    """Number and share of the columns that drifted."""
    snapshot = Report([metric()]).run(dataset(batch), reference)
    return snapshot.dict()["metrics"][0]["value"]


METHODS = {
    "evidently: data set drift": Method(
        dataset, lambda state, batch: drifted(state, batch)["share"] >= DRIFT_SHARE
    ),
    "evidently: any column": Method(
        dataset, lambda state, batch: drifted(state, batch)["count"] > 0
    ),
    "evidently: whole DataDriftPreset": Method(
        dataset,
        lambda state, batch: (
            drifted(state, batch, DataDriftPreset)["share"] >= DRIFT_SHARE
        ),
        decides=False,
    ),
}

if __name__ == "__main__":
    np.random.seed(0)  # noqa: NPY002
    run(METHODS, (evidently.__name__, "numpy", "pandas", "scipy", "scikit-learn"))
