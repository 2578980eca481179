"""The variogram of pieces of training, and what it tolerates of a later batch."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom, norm

from skdrift.exceptions import ParameterError
from skdrift.stats import anderson_darling, chi_square, detectable_effect, smooth
from skdrift.stats.trend import (
    Variogram,
    distance_of_shift,
    fit_variogram,
    growth_pvalues,
    shift_of_distance,
    slopes_of,
    squared_shifts,
    tolerated_distance,
)

N_PIECES, N_ROWS = 20, 400
TIMES = (np.arange(N_PIECES) + 0.5) / N_PIECES
FIRST, SECOND = np.triu_indices(N_PIECES, 1)
EDGES = norm.ppf(np.arange(1, 64) / 64)


def counted(means: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    rows = rng.normal(size=(len(means), N_ROWS)) + means[:, None]
    cells = EDGES.searchsorted(rows)
    return np.stack([np.bincount(row, minlength=64) for row in cells])


def test_a_distance_and_its_shift_are_inverse() -> None:
    distances = np.linspace(0.0, 0.99, 50)
    assert np.allclose(distance_of_shift(shift_of_distance(distances)), distances)
    shifts = np.array([0.1, 1.0, 3.0])
    assert np.allclose(distance_of_shift(shifts), 2 * norm.cdf(shifts / 2) - 1)


@pytest.mark.parametrize("ordered", [True, False])
@pytest.mark.parametrize("kind", ["continuous", "binary"])
def test_pieces_of_one_distribution_are_apart_by_nothing_on_average(
    kind: str, ordered: bool
) -> None:
    rng = np.random.default_rng(0)
    found = []
    for _ in range(40):
        counts = counted(np.zeros(N_PIECES), rng)
        if kind == "binary":
            counts = np.stack([counts[:, :13].sum(1), counts[:, 13:].sum(1)], axis=1)
        found.append(squared_shifts(counts, ordered=ordered).mean())
    error = np.std(found) / np.sqrt(len(found))
    noise = 2 * np.pi * 0.8 / (N_ROWS / 2)
    assert abs(np.mean(found)) < 4 * error + 0.1 * noise


def test_a_piece_without_rows_is_apart_from_none() -> None:
    counts = counted(np.zeros(N_PIECES), np.random.default_rng(0))
    counts[3] = 0
    squares = squared_shifts(counts, ordered=True)
    assert np.isnan(squares).sum() == N_PIECES - 1
    fitted = fit_variogram(squares, TIMES, grows=True)
    assert np.isfinite([fitted.nugget, fitted.walk, fitted.trend]).all()


def test_a_straight_line_is_all_trend_and_is_extrapolated_exactly() -> None:
    squares = np.square(2.0 * (TIMES[SECOND] - TIMES[FIRST]))
    fitted = fit_variogram(squares, TIMES, grows=True)
    assert fitted.trend == pytest.approx(4.0)
    assert fitted.nugget == pytest.approx(0.0, abs=1e-9)
    assert fitted.walk == pytest.approx(0.0, abs=1e-9)
    for time in (1.1, 1.5, -0.5):
        found = tolerated_distance(fitted, TIMES, time, level=0.01, counts_nugget=True)
        assert found == pytest.approx(distance_of_shift(2.0 * abs(time - 0.5)))


def test_tolerance_grows_with_the_lag_and_falls_with_the_level() -> None:
    fitted = Variogram(nugget=0.1, walk=0.5, trend=0.2, largest=1.0)

    def at(time: float, level: float = 0.01, nugget: bool = True) -> float:
        return tolerated_distance(
            fitted, TIMES, time, level=level, counts_nugget=nugget
        )

    assert at(1.1) < at(1.5) < at(3.0) <= at(1e9) == 1.0
    assert at(1.5) == pytest.approx(at(-0.5))
    assert at(1.1, level=0.001) > at(1.1) > at(1.1, nugget=False)


def test_without_growth_only_the_nugget_counts_up_to_the_furthest_piece() -> None:
    means = np.random.default_rng(0).normal(size=N_PIECES)
    squares = np.square(means[SECOND] - means[FIRST])
    fitted = fit_variogram(squares, TIMES, grows=False)
    assert (fitted.walk, fitted.trend) == (0.0, 0.0)
    options = {"level": 1e-9, "counts_nugget": True}
    found = tolerated_distance(fitted, TIMES, 1.1, **options)
    assert found == pytest.approx(distance_of_shift(1.5 * fitted.largest))
    assert found == tolerated_distance(fitted, TIMES, 9.0, **options)
    assert not tolerated_distance(fitted, TIMES, 1.1, level=0.01, counts_nugget=False)


def test_a_walk_leaves_its_tolerance_as_rarely_as_is_said() -> None:
    rng = np.random.default_rng(5)
    n_trials, level, lag, steps = 600, 0.05, 0.1, 10
    beyond = 0
    n_in = N_PIECES * steps
    for _ in range(n_trials):
        walk = np.cumsum(rng.normal(size=n_in + 2 * steps + steps)) / np.sqrt(n_in)
        means = walk[:n_in].reshape(N_PIECES, -1).mean(axis=1)
        batch = walk[n_in + 2 * steps :].mean()
        fitted = fit_variogram(
            np.square(means[SECOND] - means[FIRST]), TIMES, grows=True
        )
        time = 1.0 + lag + 0.5 / N_PIECES
        allowed = tolerated_distance(
            fitted, TIMES, time, level=level, counts_nugget=True
        )
        beyond += distance_of_shift(abs(batch - means.mean())) > allowed
    assert beyond <= binom.ppf(0.999, n_trials, level)


def test_growth_is_seldom_seen_in_exchangeable_pieces_and_mostly_in_a_trend() -> None:
    rng = np.random.default_rng(1)
    means = rng.normal(size=(400, N_PIECES))
    exchangeable = np.square(means[:, SECOND] - means[:, FIRST]).T
    pvalues = growth_pvalues(exchangeable, TIMES)
    assert binom.cdf((pvalues <= 0.05).sum(), 400, 0.05) < 0.9995
    moving = means[:50] + 4.0 * TIMES
    squares = np.square(moving[:, SECOND] - moving[:, FIRST]).T
    assert (growth_pvalues(squares, TIMES) <= 0.05).mean() > 0.9


def test_slopes_keep_their_level_also_where_pieces_differ() -> None:
    rng = np.random.default_rng(2)
    values = rng.normal(size=(N_PIECES, 1000))
    slopes, pvalues = slopes_of(values, TIMES, np.full(1000, 0.01))
    assert binom.cdf((pvalues <= 0.01).sum(), 1000, 0.01) < 0.9995
    slopes, pvalues = slopes_of(
        values * 0.1 + 3.0 * TIMES[:, None], TIMES, np.full(1000, 0.01)
    )
    assert np.median(slopes) == pytest.approx(3.0, abs=0.05)
    assert (pvalues < 1e-6).all()
    values[4:] = np.nan
    assert (slopes_of(values, TIMES, np.full(1000, 0.01))[1] == 1.0).all()


@pytest.mark.parametrize("test", [anderson_darling, smooth, chi_square])
def test_each_column_has_its_own_tolerance(test) -> None:  # type: ignore[no-untyped-def]
    rng = np.random.default_rng(3)
    before, now = rng.poisson(60, size=(2, 4, 30))
    now[:, :10] += 15
    tolerances = [0.0, 0.01, 0.1, 0.3]
    together = test(before, now, tolerance=tolerances).pvalue
    alone = [
        test(before[[row]], now[[row]], tolerance=tolerance).pvalue[0]
        for row, tolerance in enumerate(tolerances)
    ]
    assert np.allclose(together, alone, rtol=1e-5)


def test_detectable_effects_with_tolerances_side_by_side() -> None:
    options = {"alpha": 0.05, "n_hypotheses": 10}
    together = detectable_effect(3000, 500, tolerance=[0.0, 0.01, 0.2], **options)
    alone = [
        float(detectable_effect(3000, 500, tolerance=t, **options))
        for t in (0.0, 0.01, 0.2)
    ]
    assert np.allclose(together, alone, atol=1e-3)
    assert together[2] > 0.2


@pytest.mark.parametrize("tolerance", [[0.1, 1.0], [-0.1, 0.1], [[0.1, 0.1]]])
def test_a_bad_tolerance_is_named(tolerance: list[float]) -> None:
    counts = np.full((2, 3), 10)
    with pytest.raises(ParameterError, match=r"tolerance must be in \[0, 1\)"):
        smooth(counts, counts, tolerance=tolerance)
