"""Trials of nannyml: its drift calculators with their default methods and thresholds.

Any column of any chunk of the batch may alert. A batch is one chunk where
``chunk_size`` is the batch's size, and the reference makes three; with a fourth of that
it makes twelve. Without ``chunk_size`` both are cut into ten chunks each. The large
tables are cut into ten chunks each.
"""

from __future__ import annotations

from typing import Any

import nannyml
from runner import Method, run
from trial_tables import Table

BATCH = 1000


def univariate(table: Table, **chunks: int) -> Any:
    calculator = nannyml.UnivariateDriftCalculator(column_names=table.names, **chunks)
    return calculator.fit(table.frame())


def reconstruction(table: Table, **chunks: int) -> Any:
    calculator = nannyml.DataReconstructionDriftCalculator(
        column_names=table.names, **chunks
    )
    return calculator.fit(table.frame())


def alerts(calculator: Any, batch: Table) -> bool:
    """Whether any chunk of the batch alerts, in any column."""
    result = calculator.calculate(batch.frame()).filter(period="analysis")
    return bool(result.to_df().xs("alert", axis=1, level=-1).to_numpy().any())


METHODS = {
    "nannyml: univariate, batch = 1 chunk": Method(
        lambda table: univariate(table, chunk_size=BATCH), alerts
    ),
    "nannyml: univariate, batch = 4 chunks": Method(
        lambda table: univariate(table, chunk_size=BATCH // 4), alerts, slow=True
    ),
    "nannyml: univariate, default chunks": Method(univariate, alerts, slow=True),
    "nannyml: reconstruction, batch = 1 chunk": Method(
        lambda table: reconstruction(table, chunk_size=BATCH), alerts, slow=True
    ),
    "nannyml: reconstruction, default chunks": Method(
        reconstruction, alerts, decides=False
    ),
}

if __name__ == "__main__":
    run(METHODS, ("nannyml", "numpy", "pandas", "scipy", "scikit-learn"))
