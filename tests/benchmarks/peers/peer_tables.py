"""Tables of the comparison, in Markdown."""

from __future__ import annotations

from typing import Any

import numpy as np


def shares(cells: dict[str, Any]) -> dict[str, dict[str, float]]:
    """Share of alarms by change and set."""
    found: dict[str, dict[str, float]] = {}
    for cell, decided in cells.items():
        name, change = cell.split("/", 1)
        found.setdefault(change, {})[name] = float(np.mean(decided["alarms"]))
    return found


def print_row(cells: list[str]) -> None:
    print(f"| {' | '.join(cells)} |")


def print_head(cells: list[str]) -> None:
    print_row(cells)
    print("|---" * len(cells) + "|")


def rows(results: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Cells of each row; a tool without decisions is left out."""
    return {
        method: cells
        for result in results.values()
        for method, cells in result.get("cells", {}).items()
    }


def print_alarms(results: dict[str, Any]) -> None:
    """False alarms and power, the mean over the sets."""
    decided = rows(results)
    changes = list(shares(next(iter(decided.values()))))
    print_head(["share of batches that alarm", *changes, "trials a set"])
    for method, cells in decided.items():
        found = shares(cells)
        means = [f"{np.mean(list(found[change].values())):.2f}" for change in changes]
        n = min(len(cell["alarms"]) for cell in cells.values())
        print_row([method, *means, str(n)])
    for tool, result in results.items():
        if "failure" in result:
            print_row([tool, result["failure"], *[""] * len(changes)])


def print_sets(results: dict[str, Any], change: str) -> None:
    """One change, by set."""
    decided = rows(results)
    names = list(shares(next(iter(decided.values())))[change])
    print_head([change, *names])
    for method, cells in decided.items():
        found = shares(cells)[change]
        print_row([method, *[f"{found[name]:.2f}" for name in names]])


def print_costs(results: dict[str, Any]) -> None:
    """Time and memory."""
    decided = rows(results)
    print_head(
        [
            "cost",
            "3,000 and 1,000 rows: both, ms",
            "100,000 × 50: reference, s",
            "batch, s",
            "before, MB",
            "peak, MB",
        ]
    )
    for result in results.values():
        for method, found in result.get("large", {}).items():
            small = small_cost(decided[method]) if method in decided else "—"
            print_row([method, small, *large_cost(found)])


def small_cost(cells: dict[str, Any]) -> str:
    seconds = [cell["seconds"] for cell in cells.values()]
    return f"{1000 * np.median(np.concatenate(seconds)):.0f}"


def large_cost(found: dict[str, Any]) -> list[str]:
    if "failure" in found:
        return [found["failure"], "", "", ""]
    large = found["large"]
    return [
        f"{large['prepare']:.2f}",
        f"{large['check']:.2f}",
        f"{large['before_mb']:.0f}",
        f"{large['peak_mb']:.0f}",
    ]


def print_versions(results: dict[str, Any]) -> None:
    print_head(["tool", "versions"])
    for tool, result in results.items():
        if "versions" in result:
            found = result["versions"].items()
            print_row([tool, ", ".join(f"{name} {v}" for name, v in found)])


def print_tables(results: dict[str, Any]) -> None:
    """Print all tables."""
    print_alarms(results)
    for change in ("clean", "+0.1 sd", "dependence only"):
        print()
        print_sets(results, change)
    print()
    print_costs(results)
    print()
    print_versions(results)
