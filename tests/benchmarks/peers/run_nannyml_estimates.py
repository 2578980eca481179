"""What nannyml expects of each chunk: CBPE for classifiers, DLE for regressors.

Run in nannyml's environment as ``python run_nannyml_estimates.py TRIALS RESULT``. The
reference are out-of-fold answers of the training rows, of which nannyml needs labels.
"""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path
from typing import Any

import nannyml
import numpy as np
import pandas as pd

CHUNK = 1_000
METRICS = {"classes": ["accuracy", "f1", "roc_auc"], "values": ["rmse", "mae"]}


def frame_of(X: np.ndarray, answers: np.ndarray, outputs: np.ndarray) -> pd.DataFrame:
    frame = pd.DataFrame(X, columns=[f"x{j}" for j in range(X.shape[1])])
    return frame.assign(answer=answers, output=outputs)


def estimator_of(kind: str, names: list[str]) -> Any:
    if kind == "classes":
        return nannyml.CBPE(
            metrics=METRICS[kind],
            y_pred_proba="output",
            y_pred="answer",
            y_true="label",
            problem_type="classification_binary",
            chunk_size=CHUNK,
        )
    return nannyml.DLE(
        feature_column_names=names,
        y_pred="answer",
        y_true="label",
        metrics=METRICS[kind],
        chunk_size=CHUNK,
    )


def expected(path: Path) -> list[list[float]]:
    """Expected scores by chunk; errors are negative, as in scikit-learn."""
    trial = np.load(path)
    kind = str(trial["kind"])
    reference = frame_of(trial["X"], trial["answers"], trial["outputs"])
    reference["label"] = trial["y"]
    batch = frame_of(*(trial[f"batch_{name}"] for name in ("X", "answers", "outputs")))
    names = [name for name in batch if str(name).startswith("x")]
    found = estimator_of(kind, names).fit(reference).estimate(batch)
    table = found.filter(period="analysis").to_df()
    values = [table[metric]["value"].to_numpy() for metric in METRICS[kind]]
    sign = 1.0 if kind == "classes" else -1.0
    return (sign * np.array(values, dtype=np.float64)).T.tolist()


def main() -> None:
    warnings.simplefilter("ignore")
    folder, result = Path(sys.argv[1]), Path(sys.argv[2])
    found = {path.stem: expected(path) for path in sorted(folder.glob("*.npz"))}
    result.write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main()
