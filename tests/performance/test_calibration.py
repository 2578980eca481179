"""Laws of calibration."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize
from scipy.special import expit, logit

from skdrift.performance._calibration import (
    calibrated,
    fit_calibrator,
    kinds_for,
    on_line,
)

KINDS = ("identity", "sigmoid", "isotonic")


def one_hot(labels, n_classes):
    return labels[:, None] == np.arange(n_classes)


def too_sure(n, seed=0):
    """Log odds that are twice what they should be, and labels."""
    rng = np.random.default_rng(seed)
    line = rng.normal(size=n)
    labels = (rng.random(n) < expit(line)).astype(int)
    return 2.0 * line[:, None], labels


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n_classes", [2, 4])
def test_rows_are_probabilities(kind, n_classes):
    rng = np.random.default_rng(0)
    line = rng.normal(size=(400, 1 if n_classes == 2 else n_classes))
    right = one_hot(rng.integers(n_classes, size=400), n_classes)
    wide = np.concatenate([line, 1e30 * line[:5], 0.0 * line[:5]])
    shares = calibrated(fit_calibrator(kind, line, right), wide)
    assert shares.shape == (410, n_classes)
    assert np.allclose(shares.sum(axis=1), 1.0)
    assert ((shares > 0.0) & (shares < 1.0)).all()


@pytest.mark.parametrize("kind", ["sigmoid", "isotonic"])
def test_outputs_that_are_too_sure_are_corrected(kind):
    line, labels = too_sure(20_000)
    shares = calibrated(fit_calibrator(kind, line, one_hot(labels, 2)), line)[:, 1]
    assert np.abs(shares - expit(line[:, 0] / 2)).mean() < 0.02
    assert abs(shares.mean() - labels.mean()) < 0.002


@pytest.mark.parametrize("kind", ["sigmoid", "isotonic"])
def test_a_larger_output_is_no_less_probable(kind):
    line, labels = too_sure(500)
    calibrator = fit_calibrator(kind, line, one_hot(labels, 2))
    at = np.linspace(-9, 9, 400)[:, None]
    assert (np.diff(calibrated(calibrator, at)[:, 1]) >= 0).all()


@pytest.mark.parametrize("n_rows", [25, 3_000])
@pytest.mark.parametrize("law", ["normal", "rounded", "heavy", "apart", "rare", "far"])
def test_a_sigmoid_is_the_line_of_least_log_loss(law, n_rows):
    rng = np.random.default_rng(n_rows)
    line = rng.normal(size=n_rows)
    labels = (rng.random(n_rows) < expit(3.0 * line + 1.0)).astype(int)
    if law == "rounded":
        line = np.round(line)
    elif law == "heavy":
        line = rng.standard_cauchy(n_rows) ** 3
    elif law == "apart":
        labels = (line > 0.3).astype(int)
    elif law == "rare":
        labels = (np.arange(n_rows) == line.argmax()).astype(int)
    elif law == "far":
        line = 1e25 * line
    scale = np.abs(line).mean()
    n_hits, n_rest = labels.sum(), n_rows - labels.sum()
    target = np.where(labels, (n_hits + 1) / (n_hits + 2), 1 / (n_rest + 2))

    def loss(at):
        z = at[0] + at[1] * line / scale
        return (np.logaddexp(0.0, z) - target * z).mean()

    fitted = fit_calibrator("sigmoid", line[:, None], one_hot(labels, 2)).table[0]
    found = loss([fitted[0], fitted[1] * scale])
    start = [logit((n_hits + 1) / (n_rows + 2)), 0.0]
    least = optimize.minimize(loss, start, method="Nelder-Mead", tol=1e-10).fun
    assert found <= loss(start)
    assert found <= least + 1e-9 or fitted[1] == 0.0


def test_outputs_that_rank_the_wrong_way_say_nothing():
    line, labels = too_sure(2_000)
    shares = calibrated(fit_calibrator("sigmoid", -line, one_hot(labels, 2)), -line)
    assert np.ptp(shares[:, 1]) < 1e-12
    assert abs(shares[0, 1] - labels.mean()) < 0.01


def test_a_label_has_the_shares_of_the_classes_where_it_was_answered():
    answered = one_hot(np.repeat([0, 1], 500), 2).astype(float)
    right = one_hot(np.concatenate([np.arange(500) < 100, np.arange(500) < 300]), 2)
    shares = calibrated(fit_calibrator("label", answered, right), answered)
    assert np.allclose(shares[[0, -1], 1], [0.2, 0.6], atol=0.01)


def test_probabilities_go_to_log_odds_and_back():
    given = np.array([[0.2, 0.8], [1.0, 0.0], [0.5, 0.5]])
    line = on_line(given, "predict_proba")
    right = one_hot(np.array([1, 0, 1]), 2)
    shares = calibrated(fit_calibrator("identity", line, right), line)
    assert np.allclose(shares, given, atol=1e-5)
    assert np.isfinite(
        on_line(np.array([[np.inf], [np.nan]]), "decision_function")
    ).all()


def test_few_rows_are_not_fitted_by_steps():
    assert "isotonic" not in kinds_for("predict_proba", 50)
    assert kinds_for("predict", 50) == ("label",)
    assert "identity" not in kinds_for("decision_function", 5_000)
