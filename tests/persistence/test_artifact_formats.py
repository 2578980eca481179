"""Files of every format that there was are kept, and load."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from skdrift.exceptions import ArtifactVersionWarning
from skdrift.persistence import load
from skdrift.persistence._record import FORMAT

DATA = Path(__file__).with_name("data")


@pytest.mark.parametrize("number", range(1, FORMAT + 1))
def test_a_file_of_an_older_format_predicts_what_it_did(number: int) -> None:
    expected = json.loads((DATA / f"format_{number}.json").read_text())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ArtifactVersionWarning)
        model = load(DATA / f"format_{number}.skops")
    X = np.array(expected["X"], dtype=object)
    proba = model.predict_proba(X)
    np.testing.assert_allclose(proba, expected["proba"], rtol=1e-12)


@pytest.mark.parametrize("number", range(1, FORMAT + 1))
def test_a_wrapper_of_an_older_format_reports_what_it_did(number: int) -> None:
    expected = json.loads((DATA / f"wrapper_format_{number}.json").read_text())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ArtifactVersionWarning)
        model = load(DATA / f"wrapper_format_{number}.skops")
    batch = pd.DataFrame(expected["batch"])
    batch["city"] = batch["city"].astype(object)
    proba = model.estimator_.predict_proba(batch)
    np.testing.assert_allclose(proba, expected["proba"], rtol=1e-12)
    report = model.check(batch).to_dict()
    before = expected["report"]
    assert [(f["code"], f["features"]) for f in report["findings"]] == [
        (f["code"], f["features"]) for f in before["findings"]
    ]
    for row, kept in zip(report["features"], before["features"], strict=True):
        assert (row["feature"], row["kind"]) == (kept["feature"], kept["kind"])
        np.testing.assert_allclose(row["effect_size"], kept["effect_size"])
