"""Novelty of rows: p-values hold whatever the detector, the data and the ties."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse
from scipy.stats import false_discovery_control
from sklearn.base import BaseEstimator
from sklearn.covariance import EllipticEnvelope
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import IsolationForest
from sklearn.neighbors import KernelDensity, LocalOutlierFactor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdrift import DriftAwareEstimator
from skdrift._core.frame import read_table
from skdrift.exceptions import InputError, ParameterError
from skdrift.guards import Flags
from skdrift.guards._novelty import fit_novelty, novelty_pvalues, sample_rows
from skdrift.profile._profile import learn_profile


class FarFromMean(BaseEstimator):
    """Detector that is quick: the squared distance from the mean."""

    def fit(self, X, y=None):
        assert np.isfinite(X).all()
        self.mean_, self.scale_ = X.mean(axis=0), X.std(axis=0) + 1e-9
        return self

    def score_samples(self, X):
        assert np.isfinite(X).all()
        return -(((X - self.mean_) / self.scale_) ** 2).sum(axis=1)


def profile(X):
    return learn_profile(
        read_table(X), categorical_features=None, n_cells=64, min_category_count=1
    )


def pvalues(training, batch, detector, seed=0):
    reference = profile(training)
    novelty = fit_novelty(detector, sample_rows(training, reference, seed))
    return novelty_pvalues(novelty, read_table(batch), reference)


def normal(rng, n):
    return rng.normal(size=(n, 3))


def ties(rng, n):
    return rng.integers(0, 3, (n, 3))


def mixed(rng, n):
    """Rare categories, gaps, texts, times: all that could leak from one half."""
    return pd.DataFrame(
        {
            "x": np.where(rng.random(n) < 0.2, np.nan, rng.lognormal(size=n)),
            "rare": rng.zipf(1.5, n).clip(max=10_000).astype(str).astype(object),
            "note": [f"{k} {'long ' * k}" for k in rng.integers(0, 5, n)],
            "b": rng.random(n) < 0.5,
            "t": np.datetime64("2024-01-01")
            + rng.integers(0, 9_000, n).astype("timedelta64[m]"),
        }
    )


@pytest.mark.parametrize("rows", [normal, ties, mixed])
def test_pvalues_are_super_uniform_over_training_sets(rows):
    rng = np.random.default_rng(0)
    repeats, n_fresh = 500, 4
    found = np.array(
        [
            pvalues(rows(rng, 60), rows(rng, n_fresh), FarFromMean(), seed)
            for seed in range(repeats)
        ]
    )
    for level in (0.05, 0.1, 0.25, 0.5, 0.9):
        share = (found <= level).mean(axis=1)
        error = share.std(ddof=1) / np.sqrt(repeats)
        assert share.mean() <= level + 3 * error, level


@pytest.mark.slow
def test_pvalues_of_the_forest_are_super_uniform_and_not_much_smaller():
    rng = np.random.default_rng(1)
    forest = IsolationForest(n_estimators=20, random_state=0)
    found = np.array(
        [
            pvalues(normal(rng, 200), normal(rng, 10), forest, seed)
            for seed in range(250)
        ]
    )
    for level in (0.05, 0.1, 0.5):
        share = (found <= level).mean(axis=1)
        error = share.std(ddof=1) / np.sqrt(len(found))
        assert level - 0.02 - 3 * error <= share.mean() <= level + 3 * error


def correlated(rng, n):
    x = rng.normal(size=n)
    return np.column_stack([x, x + 0.1 * rng.normal(size=n), rng.normal(size=n)])


def joint_outliers(rng, n):
    """Every cell is as in training; the two first columns together are not."""
    x = rng.uniform(1.0, 2.0, n) * rng.choice([-1, 1], n)
    return np.column_stack([x, -x, rng.normal(size=n)])


def independent(rng, n):
    return rng.normal(size=(n, 8))


def far_in_many(rng, n):
    """Every cell is within two and a half deviations; all of them are far out."""
    return rng.uniform(1.8, 2.5, (n, 8)) * rng.choice([-1, 1], (n, 8))


SETTINGS = {
    "forest": (
        lambda seed: IsolationForest(n_estimators=50, random_state=seed),
        independent,
        far_in_many,
    ),
    "neighbours": (
        lambda seed: make_pipeline(StandardScaler(), LocalOutlierFactor(novelty=True)),
        correlated,
        joint_outliers,
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("setting", SETTINGS)
def test_few_of_the_named_rows_are_ordinary_and_planted_outliers_are_found(setting):
    detector, ordinary, outliers = SETTINGS[setting]
    rng, alpha = np.random.default_rng(2), 0.1
    shares, powers = [], []
    for seed in range(60):
        batch = np.vstack([ordinary(rng, 90), outliers(rng, 10)])
        found = pvalues(ordinary(rng, 2_000), batch, detector(seed), seed)
        named = flags_with(found).novel(alpha)
        shares.append(named[:90].sum() / max(named.sum(), 1))
        powers.append(named[90:].mean())
    error = np.std(shares, ddof=1) / np.sqrt(len(shares))
    assert np.mean(shares) <= alpha + 3 * error
    assert np.mean(powers) > 0.8


def test_outliers_of_rows_have_no_flag_in_any_cell_and_small_pvalues():
    rng = np.random.default_rng(3)
    model = DriftAwareEstimator(
        DummyClassifier(), cv=None, novelty="isolation_forest"
    ).fit(independent(rng, 1_000), np.arange(1_000) % 2)
    flags = model.flag(np.vstack([independent(rng, 45), far_in_many(rng, 5)]))
    assert not flags.rows().any()
    assert np.median(flags.pvalues[45:]) < 0.02
    assert 0.3 < np.median(flags.pvalues[:45]) < 0.7
    assert flags.novel(0.1)[45:].any()


def test_a_pvalue_counts_the_calibration_rows_that_are_as_novel():
    rng = np.random.default_rng(4)
    training = normal(rng, 41)
    sample = sample_rows(training, profile(training), 0)
    assert (len(sample.fitted), len(sample.calibration)) == (21, 20)
    detector = FarFromMean().fit(sample.fitted)
    novelty = fit_novelty(FarFromMean(), sample)
    batch = normal(rng, 30)
    scores = detector.score_samples(batch)
    calibration = detector.score_samples(sample.calibration)
    expected = [(1 + np.sum(calibration <= score)) / 21 for score in scores]
    got = novelty_pvalues(novelty, read_table(batch), profile(training))
    np.testing.assert_allclose(got, expected)
    far = novelty_pvalues(novelty, read_table(batch + 1e6), profile(training))
    np.testing.assert_allclose(far, 1 / 21)


def test_rows_that_tie_count_as_at_least_as_novel():
    training = np.tile([[0.0, 1.0]], (50, 1))
    assert pvalues(training, training[:1], FarFromMean()).tolist() == [1.0]
    assert pvalues(training, training[:1] + 1, FarFromMean()).tolist() == [1 / 26]


def test_a_score_that_differs_in_its_last_bits_from_one_batch_to_another_still_ties():
    class Wobbling(FarFromMean):
        def score_samples(self, X):
            return np.full(len(X), -1.0 - 1e-14 * (len(X) < 10))

    training = normal(np.random.default_rng(14), 100)
    assert pvalues(training, training[:3], Wobbling()).tolist() == [1.0] * 3


def test_the_halves_share_no_row_and_the_largest_sample_is_bounded():
    training = np.random.default_rng(5).normal(size=(30_000, 1))
    sample = sample_rows(training, profile(training), 7)
    assert (len(sample.fitted), len(sample.calibration)) == (15_000, 5_000)
    assert not set(sample.fitted[:, 0]) & set(sample.calibration[:, 0])
    again = sample_rows(training, profile(training), 7)
    np.testing.assert_array_equal(sample.calibration, again.calibration)
    other = sample_rows(training, profile(training), 8)
    assert not np.array_equal(sample.calibration, other.calibration)


def test_categories_are_known_from_the_fitted_half_alone():
    # Were a level's share counted in both halves, a calibration row would never have
    # an unseen one, and a fresh row would.
    training = pd.DataFrame({"c": [f"c{k // 2}" for k in range(60)] * 2})
    training["c"] = training["c"].astype("category")
    sample = sample_rows(training, profile(training), 0)
    assert (sample.calibration == 0).any()
    assert (sample.fitted > 0).all()


def test_order_and_container_of_the_batch_do_not_matter():
    rng = np.random.default_rng(6)
    training, batch = mixed(rng, 300), mixed(rng, 40)
    found = pvalues(training, batch, FarFromMean())
    order = rng.permutation(40)
    np.testing.assert_array_equal(
        pvalues(training, batch.iloc[order], FarFromMean()), found[order]
    )
    one = [
        pvalues(training, batch.iloc[k : k + 1], FarFromMean())[0] for k in range(40)
    ]
    np.testing.assert_array_equal(one, found)
    framed = pvalues(pl.from_pandas(training), pl.from_pandas(batch), FarFromMean())
    np.testing.assert_array_equal(framed, found)
    arrow = pvalues(
        pl.from_pandas(training).to_arrow(),
        pl.from_pandas(batch).to_arrow(),
        FarFromMean(),
    )
    np.testing.assert_array_equal(arrow, found)


def test_a_column_that_is_missing_or_unreadable_stands_for_a_typical_one():
    rng = np.random.default_rng(7)
    training, batch = mixed(rng, 300), mixed(rng, 10)
    gap = batch.assign(x=np.nan)
    found = pvalues(training, gap, FarFromMean())
    np.testing.assert_array_equal(
        pvalues(training, batch.drop(columns="x"), FarFromMean()), found
    )
    np.testing.assert_array_equal(
        pvalues(training, batch.assign(x="text"), FarFromMean()), found
    )


def test_a_missing_category_stands_for_a_typical_one():
    rng = np.random.default_rng(7)
    training = pd.DataFrame(
        {"x": rng.normal(size=300), "c": rng.choice(list("aab"), 300)}
    )
    batch = pd.DataFrame({"x": rng.normal(size=10), "c": ["b"] * 10})
    absent = pvalues(training, batch.drop(columns="c"), FarFromMean())
    found = pvalues(training, batch.assign(c=None), FarFromMean())
    np.testing.assert_array_equal(found, absent)
    assert (pvalues(training, batch.assign(c="new"), FarFromMean()) != found).any()


@pytest.mark.parametrize("value", [np.inf, -np.inf, 1e308, -1e308])
def test_huge_numbers_are_novel_and_break_nothing(value):
    training = np.random.default_rng(8).normal(size=(200, 2))
    batch = np.array([[value, 0.0], [0.0, 0.0]])
    found = pvalues(training, batch, IsolationForest(n_estimators=20, random_state=0))
    assert found[0] < 0.05 < found[1]
    huge = training * 1e307
    assert np.isfinite(pvalues(huge, batch, FarFromMean())).all()


DETECTORS = {
    "forest": IsolationForest(n_estimators=20, random_state=0),
    "neighbours": make_pipeline(StandardScaler(), LocalOutlierFactor(novelty=True)),
    "envelope": EllipticEnvelope(random_state=0),
    "density": KernelDensity(bandwidth=0.3),
}


@pytest.mark.parametrize("detector", DETECTORS)
def test_any_detector_with_score_samples_will_do(detector):
    rng = np.random.default_rng(9)
    model = DriftAwareEstimator(
        DummyClassifier(), cv=None, novelty=DETECTORS[detector]
    ).fit(correlated(rng, 600), np.arange(600) % 2)
    flags = model.flag(np.vstack([correlated(rng, 20), joint_outliers(rng, 20)]))
    assert np.median(flags.pvalues[20:]) < 0.1 < np.median(flags.pvalues[:20])
    assert not hasattr(DETECTORS[detector], "offset_")


def test_scores_that_are_not_known_speak_for_no_novelty():
    class Silent(FarFromMean):
        def score_samples(self, X):
            return np.where(X[:, 0] > 0, np.nan, super().score_samples(X))

    training = normal(np.random.default_rng(10), 100)
    batch = np.array([[5.0, 0, 0], [-50.0, 0, 0]])
    np.testing.assert_allclose(pvalues(training, batch, Silent()), [1.0, 1 / 51])


@pytest.mark.parametrize(
    ("novelty", "text"),
    [
        ("forest", "'isolation_forest' or an estimator"),
        (LocalOutlierFactor(), "novelty=True"),
        (IsolationForest, "got <class"),
        (7, "got 7"),
    ],
)
def test_what_is_no_detector_is_refused_at_fit(novelty, text):
    model = DriftAwareEstimator(DummyClassifier(), cv=None, novelty=novelty)
    with pytest.raises(ParameterError, match=text):
        model.fit(np.eye(40), np.arange(40) % 2)


def test_a_sparse_table_and_one_of_nothing_but_identifiers_are_refused():
    model = DriftAwareEstimator(DummyClassifier(), cv=None, novelty="isolation_forest")
    y = np.arange(200) % 2
    with pytest.raises(ParameterError, match=r"dense table.*toarray"):
        model.fit(scipy.sparse.eye_array(200).tocsr(), y)
    numbers = np.random.default_rng(11).permutation(200)[:, None] * 7 + 1
    assert profile(numbers).grid.kinds == ("identifier",)
    with pytest.raises(InputError, match=r"neither empty .*got identifier"):
        model.fit(numbers, y)
    with pytest.raises(InputError, match="two training rows or more, got n_samples=1"):
        model.fit(np.ones((1, 2)), y[:1])


# --- what Flags says -----------------------------------------------------------


def flags_with(found, codes=None):
    found = np.asarray(found, dtype=float)
    codes = np.zeros((len(found), 2), np.uint8) if codes is None else codes
    return Flags(codes, ("a", "b"), pvalues=found)


def test_novel_rows_are_those_of_benjamini_and_hochberg():
    found = np.random.default_rng(12).uniform(size=200) ** 2
    np.testing.assert_array_equal(
        flags_with(found).novel(0.1), false_discovery_control(found) <= 0.1
    )
    assert flags_with([]).novel().shape == (0,)


def test_a_lone_outlier_needs_rows_of_calibration():
    n = 199
    lone = np.r_[1 / (n + 1), np.ones(9)]
    assert flags_with(lone).novel(0.05)[0]
    assert not flags_with(np.r_[lone, 1.0]).novel(0.05).any()


def test_reasons_tell_of_a_novel_row_after_its_cells():
    codes = np.zeros((3, 2), np.uint8)
    codes[0, 1] = 1
    flags = flags_with([0.001, 0.5, 0.04], codes)
    assert flags.reasons(0) == (
        "b: missing, never so in training",
        "row: unlike the rows of training as a whole (p = 0.001)",
    )
    assert flags.reasons(1) == flags.reasons(2) == ()
    assert flags.reasons(2, alpha=0.1)
    assert flags.rows().tolist() == [True, False, False]


def test_without_a_detector_novelty_is_a_question_with_a_remedy():
    flags = Flags(np.zeros((2, 1), np.uint8), ("a",))
    assert flags.pvalues is None
    assert flags.reasons(0) == ()
    with pytest.raises(ParameterError, match="novelty='isolation_forest'"):
        flags.novel()
    with pytest.raises(ParameterError, match="alpha must be"):
        flags_with([0.5]).novel(1.5)


def test_predicting_does_not_ask_the_detector():
    class Loud(FarFromMean):
        def score_samples(self, X):
            if len(X) == 3:
                raise AssertionError("asked")
            return super().score_samples(X)

    X = normal(np.random.default_rng(13), 100)
    model = DriftAwareEstimator(DummyClassifier(), cv=None, novelty=Loud())
    model.fit(X, np.arange(100) % 2)
    model.predict(X[:3], return_report=True)
    model.check(X[:3])
    with pytest.raises(AssertionError, match="asked"):
        model.flag(X[:3])
