"""A realised score where rows come in blocks: the report of a wrapped model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from measure_score_blocks import draw_blocks
from sklearn.linear_model import LogisticRegression, Ridge

from skdrift import DriftAwareEstimator, dump, load
from skdrift.report import DriftReport

ROWS = draw_blocks(60, np.random.default_rng(0))
SCORER = "neg_mean_absolute_error"


def fitted(**params: object) -> DriftAwareEstimator:
    params = {"blocks": "auto", "scoring": SCORER, **params}
    model = DriftAwareEstimator(Ridge(), **params)  # type: ignore[arg-type]
    return model.fit(ROWS.X, ROWS.y, groups=ROWS.codes)


def test_a_drop_names_what_the_interval_counts() -> None:
    batch = draw_blocks(4, np.random.default_rng(1), noise=4.0)
    report = fitted().check(batch.X, batch.y, groups=batch.codes)
    (alarm,) = (finding for finding in report.findings if finding.code == "DA201")
    assert "the interval counts blocks, 4 against 60, by the model of" in alarm.message
    text = " ".join(str(report).split())
    assert "counts blocks, 4 against 60" in text
    assert "for further blocks distributed like training" in text
    assert "counts blocks, 4 against 60" in report._repr_html_()
    assert DriftReport.from_json(report.to_json()) == report
    old = report.to_dict() | {"format": 3}
    for record in old["expected_score"]:
        del record["basis"]
    assert DriftReport.from_dict(old).expected_score[SCORER].basis == ""


def test_the_interval_is_that_of_the_batchs_number_of_blocks() -> None:
    model = fitted(on_shift="ignore", on_invalid="ignore")
    batch = draw_blocks(4, np.random.default_rng(2))
    four = model.check(batch.X, groups=batch.codes).expected_score[SCORER]
    one = model.check(batch.X, groups=np.zeros(len(batch.y))).expected_score[SCORER]
    assert one.high - one.low > 1.3 * (four.high - four.low)
    _, report = model.predict(batch.X, return_report=True)
    assert report.expected_score[SCORER] == four


def test_without_blocks_the_numbers_are_those_of_rows() -> None:
    plain, by_blocks = fitted(blocks=None), fitted()
    batch = draw_blocks(4, np.random.default_rng(3))
    one = plain.check(batch.X, batch.y).expected_score[SCORER]
    other = by_blocks.check(batch.X, batch.y).expected_score[SCORER]
    assert one.basis == ""
    assert (one.value, one.realised) == (other.value, other.realised)
    assert other.low < one.low < one.high < other.high
    assert other.pvalue >= one.pvalue
    (kept,) = plain.baseline_.scores
    assert kept.block_terms == ()


def test_a_calibration_set_has_blocks_too() -> None:
    model = DriftAwareEstimator(
        Ridge().fit(ROWS.X, ROWS.y), cv="prefit", blocks="auto", scoring=SCORER
    ).fit(ROWS.X, ROWS.y, groups=ROWS.codes)
    basis = model.check(ROWS.X[:24]).expected_score[SCORER].basis
    assert basis.startswith("blocks, 1 against 60")


@pytest.mark.parametrize("scorer", ["r2", "neg_mean_squared_error"])
def test_scores_of_blocks_travel_with_the_model(tmp_path: Path, scorer: str) -> None:
    model = fitted(scoring=scorer)
    batch = draw_blocks(2, np.random.default_rng(4))
    report = model.check(batch.X, batch.y)
    dump(model, tmp_path / "model.skops")
    assert load(tmp_path / "model.skops").check(batch.X, batch.y) == report


def test_pieces_of_the_order_are_runs_also_for_scores_without_rows() -> None:
    model = DriftAwareEstimator(LogisticRegression(), blocks=60, scoring="roc_auc")
    model.fit(ROWS.X, ROWS.y > 0)
    batch = draw_blocks(5, np.random.default_rng(5))
    score = model.check(batch.X, batch.y > 0).expected_score["roc_auc"]
    assert score.basis.startswith("blocks, 5 against 60")
    assert score.low < score.value < score.high
