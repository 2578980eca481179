"""Write ``format_1.skops`` and what its model predicts; run once for the format.

``python tests/persistence/data/make_format_1.py`` from the root of the project. The
files are kept for good: every later skdrift has to read them.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from skdrift.persistence import dump

HERE = Path(__file__).parent


def main() -> None:
    rng = np.random.default_rng(0)
    words = rng.choice(["a", "b", "1"], 60)
    X = np.column_stack([rng.normal(size=60), words]).astype(object)
    y = (X[:, 0].astype(float) > 0) ^ (words == "a")
    columns = make_column_transformer((StandardScaler(), [0]), (OneHotEncoder(), [1]))
    model = make_pipeline(columns, LogisticRegression()).fit(X, y)
    dump(model, HERE / "format_1.skops")
    expected = {"X": X[:5].tolist(), "proba": model.predict_proba(X[:5]).tolist()}
    (HERE / "format_1.json").write_text(json.dumps(expected, indent=1) + "\n")


if __name__ == "__main__":
    main()
