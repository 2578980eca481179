"""Trials of alibi-detect: `TabularDrift` at p 0.05 with its default correction.

That is Bonferroni's over the columns: Kolmogorov–Smirnov for numbers, chi-square for
categories.
"""

from __future__ import annotations

from alibi_detect.cd import TabularDrift
from runner import Method, run
from trial_tables import Table


def detector(table: Table) -> TabularDrift:
    kinds = None if table.coded is None else {table.coded: None}
    return TabularDrift(table.objects(), p_val=0.05, categories_per_feature=kinds)


def is_drift(state: TabularDrift, batch: Table) -> bool:
    return bool(state.predict(batch.objects())["data"]["is_drift"])


if __name__ == "__main__":
    run(
        {"alibi-detect: TabularDrift": Method(detector, is_drift)},
        ("alibi-detect", "numpy", "pandas", "scipy", "scikit-learn"),
    )
