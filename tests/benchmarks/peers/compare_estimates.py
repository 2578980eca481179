"""The score expected without labels: skdrift beside nannyml, on the same batches.

Run as ``python tests/benchmarks/peers/compare_estimates.py --seeds 3``: makes a virtual
environment for nannyml (``versions.toml``) without telemetry, and prints the table of
``docs/user_guide/expected_score.md``. Trials are those of
``tests/statistical/measure_estimate.py``: real tables split by a column. Both tools
get the same fitted model and what five folds of the training rows answered. With
``--folder`` the environment and what nannyml said are kept and used again.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from compare import interpreter, quiet
from scipy.stats import gmean
from sklearn.metrics import get_scorer
from sklearn.model_selection import cross_val_predict

from skdrift import DriftAwareEstimator

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1] / "statistical"))
from measure_estimate import (  # noqa: E402  (found by the line above)
    CLASS_SCORES,
    ERROR_SCORES,
    Rows,
    models,
    shown_name,
    split,
    tables,
)

TOOLS = ("skdrift", "nannyml", "holds")
SCORES = {"classes": CLASS_SCORES, "values": ERROR_SCORES}
Found = dict[str, dict[str, list[list[float]]]]


def write_trial(
    path: Path, kind: str, model: Any, train: Rows, chunks: list[Rows]
) -> dict[str, list[list[float]]]:
    """Write what nannyml sees; scores of each chunk, by labels and as expected."""
    order = np.random.default_rng(0).permutation(len(train[1]))
    X, y = train[0][order], train[1][order]
    names = SCORES[kind]
    wrapped = DriftAwareEstimator(model, scoring=list(names), blocks=None)
    wrapped.fit(X, y)
    fitted = wrapped.estimator_
    promised = {score.scorer: score.value for score in wrapped.baseline_.scores}
    rows = np.concatenate([X for X, _ in chunks])
    answers, outputs = cross_val_predict(model, X, y), np.zeros(len(y))
    batch_outputs = np.zeros(len(rows))
    if kind == "classes":
        outputs = cross_val_predict(model, X, y, method="predict_proba")[:, 1]
        batch_outputs = fitted.predict_proba(rows)[:, 1]
    np.savez(
        path,
        kind=kind,
        X=X,
        y=y,
        answers=answers,
        outputs=outputs,
        batch_X=rows,
        batch_answers=fitted.predict(rows),
        batch_outputs=batch_outputs,
    )
    estimates = [wrapped.estimate_score(X) for X, _ in chunks]
    return {
        "real": [[get_scorer(n)(fitted, *chunk) for n in names] for chunk in chunks],
        "holds": [[promised[n] for n in names]] * len(chunks),
        "skdrift": [[estimate[n].value for n in names] for estimate in estimates],
    }


def write_trials(folder: Path, seeds: int, steep: float) -> Found:
    """All trials: by kind, set, model and seed."""
    folder.mkdir(exist_ok=True)
    found = {}
    for kind in SCORES:
        for name, table in tables(kind).items():
            for label, model in models(kind).items():
                for seed in range(seeds):
                    stem = f"{kind}+{name}+{label}+{seed}"
                    rng = np.random.default_rng(seed)
                    train, chunks = split(*table, rng, steep)
                    path = folder / f"{stem}.npz"
                    found[stem] = write_trial(path, kind, model, train, chunks)
    return found


def asked_nannyml(folder: Path, trials: Path) -> dict[str, list[list[float]]]:
    """What nannyml expects in each trial."""
    python, result = interpreter("nannyml", folder), folder / "nannyml.json"
    environment = quiet(folder)
    environment.pop("PYTHONPATH", None)
    command = [python, HERE / "run_nannyml_estimates.py", trials, result]
    with (folder / "nannyml.log").open("w", encoding="utf-8") as log:
        subprocess.run(
            command, check=True, env=environment, stdout=log, stderr=subprocess.STDOUT
        )
    return json.loads(result.read_text(encoding="utf-8"))


def mean_errors(found: Found, kind: str, tool: str) -> np.ndarray:
    """Mean absolute errors, of shape (n_seeds, n_cells, n_scores)."""
    cells: dict[str, list[np.ndarray]] = {}
    for stem, scores in found.items():
        own, _, _, seed = stem.split("+")
        if own == kind:
            error = np.abs(np.array(scores[tool]) - np.array(scores["real"])).mean(0)
            cells.setdefault(seed, []).append(error)
    return np.array(list(cells.values()))


def print_tables(found: Found, title: str) -> None:
    """Ratios to "holds", with the standard error over seeds of the geometric mean."""
    for kind, names in SCORES.items():
        errors = {tool: mean_errors(found, kind, tool) for tool in TOOLS}
        shown = " | ".join(shown_name(name) for name in names)
        print(f"\n| {title}: error over that of 'holds' | {shown} | nannyml: {shown} |")
        print("|---" * (2 * len(names) + 1) + "|")
        means = {tool: own.mean(axis=0) for tool, own in errors.items()}
        ratios = np.hstack([means[tool] / means["holds"] for tool in TOOLS[:2]])
        for cell, values in zip(cells_of(found, kind), ratios, strict=True):
            print(f"| {cell} | " + " | ".join(f"{v:.2f}" for v in values) + " |")
        by_seed = np.concatenate([errors[tool] for tool in TOOLS[:2]], axis=2)
        by_seed = gmean(by_seed / np.tile(errors["holds"], 2), axis=1)
        spread = by_seed.std(axis=0, ddof=1) / np.sqrt(len(by_seed))
        pairs = zip(gmean(ratios, axis=0), spread, strict=True)
        overall = " | ".join(f"{mean:.2f} ± {error:.2f}" for mean, error in pairs)
        print(f"| geometric mean | {overall} |", flush=True)


def cells_of(found: Found, kind: str) -> list[str]:
    """Set and model, in the order of `mean_errors`."""
    cells = [stem.split("+") for stem in found]
    return list(dict.fromkeys(f"{c[1]}, {c[2]}" for c in cells if c[0] == kind))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    folder = (options.folder or Path(tempfile.mkdtemp(prefix="estimates-"))).resolve()
    folder.mkdir(exist_ok=True)
    for steep, title in ((6.0, "shifted by a column"), (0.0, "no shift")):
        trials = folder / f"trials-{steep:.0f}"
        found = write_trials(trials, options.seeds, steep)
        kept = folder / f"nannyml-{steep:.0f}-{options.seeds}.json"
        if not kept.exists():
            kept.write_text(json.dumps(asked_nannyml(folder, trials)), encoding="utf-8")
        expected = json.loads(kept.read_text(encoding="utf-8"))
        for stem, scores in found.items():
            scores["nannyml"] = expected[stem]
        print_tables(found, title)


if __name__ == "__main__":
    main()
