"""Write the kept file of a wrapper, and what its report on a batch says.

Run once, as ``python tests/persistence/data/make_wrapper_format_1.py``, with the
skdrift whose format is kept.
"""

import json
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from skdrift import DriftAwareEstimator, dump

HERE = Path(__file__).parent


def rows(n: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "income": rng.normal(3000, 800, n).round(1),
            "children": rng.integers(0, 4, n).astype(float),
            "city": rng.choice(["Oslo", "Rome", "Łódź"], n).astype(object),
        }
    )


frame = rows(400, seed=0)
columns = make_column_transformer(
    (StandardScaler(), ["income", "children"]),
    (OneHotEncoder(handle_unknown="ignore"), ["city"]),
)
model = DriftAwareEstimator(make_pipeline(columns, LogisticRegression()))
model.fit(frame, (frame["income"] > 3000).astype(int))
batch = rows(200, seed=1)
batch["income"] *= 1.2
batch.loc[0, "city"] = "Paris"
report = model.check(batch)
dump(model, HERE / "wrapper_format_1.skops")
kept = {
    "batch": batch.to_dict("list"),
    "report": report.to_dict(),
    "proba": model.estimator_.predict_proba(batch).tolist(),
}
(HERE / "wrapper_format_1.json").write_text(json.dumps(kept))
