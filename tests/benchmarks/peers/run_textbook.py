"""Two rows to compare with: textbook tests per column, and an alarm that never rests.

Kolmogorov–Smirnov for numbers without the missing ones, chi-square for categories,
at level 0.05 with Bonferroni's correction over columns.
"""

from __future__ import annotations

import numpy as np
from runner import Method, run
from scipy.stats import chi2_contingency, ks_2samp
from trial_tables import Table


def p_value(reference: np.ndarray, batch: np.ndarray, categorical: bool) -> float:
    if not categorical:
        sample = batch[~np.isnan(batch)]
        return ks_2samp(reference, sample, method="asymp").pvalue
    levels = np.union1d(reference, batch)
    counts = [
        [(part == level).sum() for level in levels] for part in (reference, batch)
    ]
    return chi2_contingency(counts).pvalue


def rejects(reference: Table, batch: Table) -> bool:
    p = [
        p_value(reference.values[:, j], batch.values[:, j], j == batch.coded)
        for j in range(batch.values.shape[1])
    ]
    return min(p) * len(p) <= 0.05


METHODS = {
    "KS (chi-square), Bonferroni": Method(lambda table: table, rejects),
    "always alarms": Method(lambda table: table, lambda state, batch: True),
}

if __name__ == "__main__":
    run(METHODS, ("numpy", "scipy"))
