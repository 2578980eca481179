"""What single columns say of the answers beyond the trees.

Trees that are shrunk, and few, leave a part of what a column says. It cancels over the
rows of training, and adds up over a batch in which the column moved. Terms by the code
of single columns are fitted to the rows that the trees have not seen, and count by as
much as the batch's values differ from those of training beyond chance. In a batch in
which one column moved, they do what weights by the densities of that column would.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from skdrift.performance._row_codes import N_CODES
from skdrift.performance._row_losses import grown_errors, possible_errors

MOST_COLUMNS = 8
PRIOR_ROWS = 2.0
WIDTHS = (8, 1)
"""Codes that are taken together, one after the other; missing cells stay alone."""
LEAST_SHARE = 1e-12
LEAST_CURVE = 1e-6
"""Of a cell: shares that are all alike have odds without any."""


def strongest_columns(codes: np.ndarray, values: np.ndarray) -> np.ndarray:
    """At most 8 columns by whose codes the means of values differ most.

    Parameters
    ----------
    codes : ndarray of uint8 of shape (n_columns, n_rows)
    values : ndarray of float of shape (n_values, n_rows)

    Returns
    -------
    ndarray of int of shape (k,)
        The strongest first.
    """
    scale = values.std(axis=1, keepdims=True)
    about = values - values.mean(axis=1, keepdims=True)
    standard = np.divide(about, scale, out=np.zeros_like(about), where=scale > 0)
    found = [
        sum(_between(own, value) for value in standard) if len(values) else 0.0
        for own in codes
    ]
    return np.argsort(-np.array(found), kind="stable")[:MOST_COLUMNS].astype(np.int64)


def _between(codes: np.ndarray, values: np.ndarray) -> float:
    counts = np.bincount(codes, minlength=N_CODES)
    sums = np.bincount(codes, values, N_CODES)
    return float((sums**2 / (counts + PRIOR_ROWS)).sum())


def code_counts(codes: np.ndarray) -> np.ndarray:
    """Rows at each code of each column: (n_columns, 48)."""
    found = [np.bincount(own, minlength=N_CODES) for own in codes]
    return np.reshape(found, (-1, N_CODES)).astype(np.float32)


def beyond_chance(codes: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """How far columns of a batch moved beyond chance, in [0, 1].

    ``1 - chance / distance`` of the chi-square distance of their codes from those of
    training (James and Stein 1961), 0 where it is not above chance.

    Parameters
    ----------
    codes : ndarray of uint8 of shape (k, n_rows)
    counts : ndarray of float of shape (k, 48)
        Training rows at each code.

    Returns
    -------
    ndarray of float of shape (k,)
    """
    m = max(codes.shape[1], 1)
    found = np.zeros(len(codes))
    for place, (own, known) in enumerate(zip(codes, counts, strict=True)):
        n = max(float(known.sum()), 1.0)
        moved = np.bincount(own, minlength=N_CODES) / m - known / n
        distance = float((moved**2 / (np.maximum(known, 0.5) / n)).sum())
        chance = (np.count_nonzero(known) - 1.0) * (1.0 / m + 1.0 / n)
        found[place] = max(1.0 - chance / distance, 0.0) if distance > 0 else 0.0
    return found


def sum_of_terms(
    codes: np.ndarray, terms: np.ndarray, beyond: np.ndarray
) -> np.ndarray:
    """Terms of each row, added up over columns.

    Parameters
    ----------
    codes : ndarray of uint8 of shape (k, n_rows)
    terms : ndarray of float of shape (k, 48, n_terms)
    beyond : ndarray of float of shape (k,)
        See `beyond_chance`.

    Returns
    -------
    ndarray of float of shape (n_terms, n_rows)
    """
    total = np.zeros((terms.shape[2], codes.shape[1]))
    for own, of_column, share in zip(codes, terms, beyond.tolist(), strict=True):
        by_code = share * of_column.astype(np.float64).T
        for sums, term in zip(total, by_code, strict=True):
            sums += term.take(own)
    return total


def _fitted(
    codes: np.ndarray, n_terms: int, fit: Callable[[np.ndarray], np.ndarray]
) -> np.ndarray:
    """Terms of columns, each fitted to what those before it leave.

    For many neighbouring codes together, then for fewer.

    Parameters
    ----------
    codes : ndarray of uint8 of shape (k, n_rows)
    n_terms : int
    fit : callable
        From the cell of each row to what is added in each cell, (n_terms, 48); it
        remembers what it added.
    """
    found = np.zeros((len(codes), N_CODES, n_terms))
    for own, terms in zip(codes, found, strict=True):
        for width in WIDTHS:
            cells = (np.arange(N_CODES) + width - 1) // width
            terms += fit(cells[own])[:, cells].T
    return found


def _steps(
    at: np.ndarray, slope: np.ndarray, curve: np.ndarray, prior: float
) -> np.ndarray:
    """A Newton step for each cell, drawn towards 0."""
    sums = np.bincount(at, slope, N_CODES)
    return np.asarray(sums / (np.bincount(at, curve, N_CODES) + prior))


def _prior(weighted: np.ndarray, weights: np.ndarray) -> float:
    """What 2 rows of weight 1 have of a value that is given with its weight."""
    total = float(weights.sum())
    return PRIOR_ROWS * float(weighted.sum()) / total if total > 0 else 0.0


# --- classifiers --------------------------------------------------------------


def fit_class_terms(
    codes: np.ndarray,
    right: np.ndarray,
    shares: np.ndarray,
    answers: np.ndarray,
    weights: np.ndarray | None = None,
) -> np.ndarray:
    """Terms that make shares of classes right by the codes of single columns.

    Parameters
    ----------
    codes : ndarray of uint8 of shape (k, n_rows)
    right, shares : ndarray of float of shape (n_classes, n_rows)
        1 at the class that was right; what was expected.
    answers : ndarray of int of shape (n_rows,)
        Number of the class that was answered.
    weights : ndarray of float of shape (n_rows,) or None
        Of the rows; None for 1.

    Returns
    -------
    ndarray of float of shape (k, 48, n_classes + 2)
        Added to the logarithm of each class; share of these logarithms that is added
        to them; added to that of the class that was answered.
    """
    weight = np.ones(len(answers)) if weights is None else weights
    if len(shares) == 2:
        return _fit_two_classes(codes, right[1], shares, answers, weight)
    line, rows = np.log(np.maximum(shares, LEAST_SHARE)), np.arange(len(answers))
    mean = (shares * line).sum(axis=0)
    odds = np.maximum((shares * line**2).sum(axis=0) - mean**2, 0.0)
    own = shares * (1.0 - shares)
    curves = weight * np.vstack([own, odds, own[answers, rows]])
    priors = [max(_prior(curve, weight), LEAST_CURVE) for curve in curves]
    added, n_classes = np.zeros_like(shares), len(shares)

    def fit(at: np.ndarray) -> np.ndarray:
        found = np.zeros((n_classes + 2, N_CODES))
        left = weight * (right - _tilted(shares, added))
        for number in range(n_classes):
            found[number] = _steps(at, left[number], curves[number], priors[number])
        # Of all classes at once, as in the boosting of Friedman (2001).
        found[:n_classes] *= (n_classes - 1.0) / n_classes
        added[:] += found[:n_classes].take(at, axis=1)
        left = weight * (right - _tilted(shares, added))
        found[-2] = _steps(at, (left * line).sum(axis=0), curves[-2], priors[-2])
        added[:] += line * found[-2].take(at)
        left = weight * (right - _tilted(shares, added))
        found[-1] = _steps(at, left[answers, rows], curves[-1], priors[-1])
        added[answers, rows] += found[-1].take(at)
        return found

    return _fitted(codes, n_classes + 2, fit)


def _fit_two_classes(
    codes: np.ndarray,
    hits: np.ndarray,
    shares: np.ndarray,
    answers: np.ndarray,
    weight: np.ndarray,
) -> np.ndarray:
    """The same by the odds of the second class alone."""
    line, own = np.log(np.maximum(shares, LEAST_SHARE)), shares[1]
    spread, odds, side = own * (1.0 - own), line[1] - line[0], 2.0 * answers - 1.0
    directions = np.ones_like(odds), odds, side
    curves = [weight * spread * direction**2 for direction in directions]
    priors = [max(_prior(curve, weight), LEAST_CURVE) for curve in curves]
    slopes = [weight * direction for direction in directions]
    moves = [spread * direction for direction in directions]
    left = hits - own

    def fit(at: np.ndarray) -> np.ndarray:
        steps = np.zeros((3, N_CODES))
        for number, step in enumerate(steps):
            slope = slopes[number] * left
            step[:] = _steps(at, slope, curves[number], priors[number])
            left[:] -= moves[number] * step.take(at)
        return np.vstack([-0.5 * steps[0], 0.5 * steps[0], steps[1:]])

    return _fitted(codes, 4, fit)


def _tilted(shares: np.ndarray, added: np.ndarray) -> np.ndarray:
    """Shares where so much is added to their logarithms, to the first order."""
    return shares * (1.0 + added - (shares * added).sum(axis=0))


def raised_shares(
    shares: np.ndarray, total: np.ndarray, answers: np.ndarray
) -> np.ndarray:
    """Shares of classes with the terms of the rows, to the first order.

    They sum to 1, and can leave [0, 1] in single rows: what terms have by chance then
    cancels in means of rows, where it would draw shares to even otherwise.

    Parameters
    ----------
    shares : ndarray of float of shape (n_classes, n_rows)
    total : ndarray of float of shape (n_classes + 2, n_rows)
    answers : ndarray of int of shape (n_rows,)
        -1 for an answer that is no class.
    """
    added = np.log(np.maximum(shares, LEAST_SHARE)) * total[-2] + total[:-2]
    rows = np.flatnonzero(answers >= 0)
    added[answers[rows], rows] += total[-1, rows]
    return _tilted(shares, added)


def inside_bounds(shares: np.ndarray) -> np.ndarray:
    """Shares in [0, 1] with a sum of 1."""
    found = np.maximum(shares, 0.0)
    return np.asarray(found / found.sum(axis=0))


def class_gains(
    codes: np.ndarray,
    right: np.ndarray,
    shares: np.ndarray,
    answers: np.ndarray,
    terms: np.ndarray,
) -> np.ndarray:
    """By how much terms of single columns lessen the squares of what is left: (k,).

    Parameters
    ----------
    codes, right, shares, answers
        As for `fit_class_terms`, of other rows.
    terms : ndarray of float of shape (k, 48, n_classes + 2)
    """
    before = float(((right - shares) ** 2).sum())
    pairs = zip(codes, terms, strict=True)
    raised = [raised_shares(shares, t[own].T, answers) for own, t in pairs]
    return np.array([before - float(((right - own) ** 2).sum()) for own in raised])


# --- regressors ---------------------------------------------------------------


def fit_error_terms(
    codes: np.ndarray,
    errors: np.ndarray,
    expected: np.ndarray,
    spread: float,
    weights: np.ndarray | None = None,
) -> np.ndarray:
    """Terms that make expected errors right by the codes of single columns.

    Parameters
    ----------
    codes : ndarray of uint8 of shape (k, n_rows)
    errors, expected : ndarray of float of shape (4, n_rows)
        Absolute, squared, relative and signed.
    spread : float
        Unit of the terms of the last.
    weights : ndarray of float of shape (n_rows,) or None
        Of the rows; None for 1.

    Returns
    -------
    ndarray of float of shape (k, 48, 4)
        Added to the logarithm of each size, and to the signed error.
    """
    weight = np.ones(errors.shape[1]) if weights is None else weights

    sizes, signed = expected[:3].copy(), expected[3].copy()
    least = np.finfo(np.float64).tiny

    def fit(at: np.ndarray) -> np.ndarray:
        found = np.zeros((4, N_CODES))
        for number in range(3):
            now = weight * sizes[number]
            prior = max(_prior(now, weight), least)
            real = np.bincount(at, weight * errors[number], N_CODES)
            found[number] = np.log(
                (real + prior) / (np.bincount(at, now, N_CODES) + prior)
            )
            sizes[number] *= np.exp(found[number]).take(at)
        slope = weight * (errors[3] - signed) / spread
        found[3] = _steps(at, slope, weight, PRIOR_ROWS)
        signed[:] += spread * found[3].take(at)
        return found

    return _fitted(codes, 4, fit)


def error_gains(
    codes: np.ndarray,
    errors: np.ndarray,
    expected: np.ndarray,
    spread: float,
    terms: np.ndarray,
) -> np.ndarray:
    """By how much terms of single columns lessen deviances of rows: (k, 4).

    That of Poisson's law for the sizes, squares for the signed error.

    Parameters
    ----------
    codes, errors, expected, spread
        As for `fit_error_terms`, of other rows.
    terms : ndarray of float of shape (k, 48, 4)
    """
    found = np.zeros((len(codes), len(errors)))
    rest = (errors[3] - expected[3]) / spread
    for gains, own, of_column in zip(found, codes, terms, strict=True):
        added = of_column[own].T
        growth = expected[:3] * np.expm1(added[:3])
        gains[:3] = (errors[:3] * added[:3] - growth).sum(axis=1)
        gains[3] = (rest**2 - (rest - added[3]) ** 2).sum()
    return found


def raised_errors(expected: np.ndarray, total: np.ndarray, spread: float) -> np.ndarray:
    """Expected errors with the terms of the rows; both of shape (4, n_rows)."""
    return possible_errors(grown_errors(expected, total, spread))
