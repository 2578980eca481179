"""The tables of the page "How many rows do I need?".

::

    python docs/scripts/how_many_rows.py            print them
    python docs/scripts/how_many_rows.py --write    put them into the page
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import numpy as np
from scipy import stats

from skdrift.stats import detectable_effect, rows_needed

PAGE = Path(__file__).parents[1] / "user_guide" / "how_many_rows.md"
ALPHA, MIN_EFFECT = 0.01, 0.01  # defaults of DriftAwareEstimator
DISTRIBUTIONS = 0.8  # part of alpha for the distributions of the columns
REFERENCES = (300, 1_000, 10_000, 100_000)
BATCHES = (30, 100, 300, 1_000, 3_000, 10_000, 100_000)
EFFECTS = (0.02, 0.05, 0.1, 0.2, 0.3)
COLUMNS = (10, 100)


def detectable(n_reference: int, n_rows: int, n_columns: int) -> float:
    """Kolmogorov-Smirnov distance that so many rows show in four of five batches."""
    return float(
        detectable_effect(
            n_reference,
            n_rows,
            alpha=ALPHA * DISTRIBUTIONS,
            n_hypotheses=n_columns,
            tolerance=MIN_EFFECT,
        )
    )


def needed(effect: float, n_reference: int, n_columns: int) -> float:
    """Rows that it takes to see a distance in four of five batches."""
    return float(
        rows_needed(
            effect,
            n_reference,
            alpha=ALPHA * DISTRIBUTIONS,
            n_hypotheses=n_columns,
            tolerance=MIN_EFFECT,
        )
    )


def in_deviations(distance: float) -> float:
    """Shift of a normal column, in standard deviations, that has this distance."""
    return float(2 * stats.norm.ppf((1 + distance) / 2))


def seen_table(n_columns: int) -> str:
    """What batches show, as a Markdown table."""
    rows = [
        [f"{n_rows:,}"]
        + [_distance(detectable(n, n_rows, n_columns)) for n in REFERENCES]
        for n_rows in BATCHES
    ]
    return _markdown("rows of the batch", rows)


def needed_table(n_columns: int) -> str:
    """How many rows a distance takes, as a Markdown table."""
    rows = [
        [_distance(effect)] + [_count(needed(effect, n, n_columns)) for n in REFERENCES]
        for effect in EFFECTS
    ]
    return _markdown("KS distance", rows)


def _distance(distance: float) -> str:
    return f"{distance:.3f} ({in_deviations(distance):.2f} sd)"


def _count(n_rows: float) -> str:
    return f"{n_rows:,.0f}" if np.isfinite(n_rows) else "no number"


def _markdown(first: str, rows: list[list[str]]) -> str:
    head = [first] + [f"{n:,} of training" for n in REFERENCES]
    lines = [head, ["---"] + ["---:"] * len(REFERENCES), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def tables() -> dict[str, str]:
    """Return every table by the name of its place in the page."""
    found = {}
    for n_columns in COLUMNS:
        found[f"seen, {n_columns} columns"] = seen_table(n_columns)
        found[f"needed, {n_columns} columns"] = needed_table(n_columns)
    return found


def with_tables(page: str) -> str:
    """Text of the page with the tables in their places."""
    for name, table in tables().items():
        place = rf"(?<=<!-- {re.escape(name)} -->\n\n)(?:\|.*\n)*"
        page = re.sub(place, f"{table}\n", page, count=1)
    return page


def main() -> None:
    """Print the tables, or write them."""
    parser = argparse.ArgumentParser(description="Tables of the page how_many_rows.md")
    parser.add_argument("--write", action="store_true", help="put them into the page")
    if parser.parse_args().write:
        page = PAGE.read_text(encoding="utf-8")
        PAGE.write_text(with_tables(page), encoding="utf-8")
        return
    for name, table in tables().items():
        print(f"{name}\n\n{table}\n")


if __name__ == "__main__":
    main()
