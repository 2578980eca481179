"""Boosted oblivious trees on coded rows, as plain arrays.

An oblivious tree asks the same question of all nodes of a level, so a row's leaf is
the number that its answers spell: rows are evaluated column by column without a
branch, and a model is three arrays. Prokhorenkova et al. (2018) boost such trees.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import special

from skdrift.performance._row_codes import N_CODES

DEPTH = 3
N_LEAVES = 2**DEPTH
LEARNING_RATE = 0.5
PRIOR_ROWS = 8.0
"""Rows without any gradient that every leaf has besides its own."""
MOST_SEARCHED = 1_500
MOST_COLUMNS = 16
PACKED_BITS = 26
PACKED = 2.0**PACKED_BITS

Gradient = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
"""Of summed trees, shape (n_outputs, n_rows): gradient and positive curvature."""


@dataclass(frozen=True, slots=True, eq=False)
class Trees:
    """Boosted trees.

    Attributes
    ----------
    features : ndarray of int16 of shape (n_trees, 3)
        Row of the codes that each level asks.
    cuts : ndarray of int16 of shape (n_trees, 3)
        A larger code answers yes.
    values : ndarray of float of shape (n_trees, 8, n_outputs)
    """

    features: np.ndarray
    cuts: np.ndarray
    values: np.ndarray


def leaves_of(codes: np.ndarray, features: np.ndarray, cuts: np.ndarray) -> np.ndarray:
    """Leaf of each row in one tree of at most 8 levels, of shape (n_rows,)."""
    leaves = np.zeros(codes.shape[1], dtype=np.uint8)
    for feature, cut in zip(features.tolist(), cuts.tolist(), strict=True):
        leaves <<= 1
        leaves |= codes[feature] > cut
    return leaves


def sum_of_trees(codes: np.ndarray, trees: Trees) -> np.ndarray:
    """Sum over trees for each row.

    Parameters
    ----------
    codes : ndarray of uint8 of shape (n_features, n_rows)
    trees : Trees

    Returns
    -------
    ndarray of float of shape (n_outputs, n_rows)
    """
    total = np.zeros((trees.values.shape[2], codes.shape[1]))
    used = np.flatnonzero(trees.values.any(axis=(1, 2)))
    for start in range(0, len(used), 2):
        # Two trees are one of twice the depth, whose leaves are looked up once.
        pair = used[start : start + 2]
        leaves = leaves_of(
            codes, trees.features[pair].ravel(), trees.cuts[pair].ravel()
        )
        values = trees.values[pair].astype(np.float64)
        joined = values[0][:, None] + values[-1] if len(pair) > 1 else values[0]
        add_leaves(total, leaves, joined.reshape(-1, values.shape[2]))
    return total


def add_leaves(total: np.ndarray, leaves: np.ndarray, values: np.ndarray) -> None:
    """Add to sums of shape (n_outputs, n_rows) what one tree gives each row."""
    for own, of_output in zip(total, values.T, strict=True):
        own += of_output.astype(np.float64, copy=False).take(leaves)


def class_shares(base: np.ndarray, total: np.ndarray) -> np.ndarray:
    """Probability of each class: logarithms of the plain ones, raised by trees.

    Parameters
    ----------
    base : ndarray of float of shape (n_classes, n_rows), or (n_classes, 1)
    total : ndarray of float of shape (n_classes, n_rows), or (1, n_rows)
        For two classes added to the log odds of the second.
    """
    if len(base) == 2:
        second = special.expit(base[1] - base[0] + total[-1])
        return np.stack([1.0 - second, second])
    return np.asarray(special.softmax(base + total, axis=0))


def boost(
    codes: np.ndarray,
    gradient: Gradient,
    n_outputs: int,
    *,
    n_rounds: int,
    rng: np.random.Generator,
) -> Trees:
    """Fit trees one after the other, each to what those before it leave.

    A tree's questions are chosen for one output, on at most 1,500 rows and 16 columns
    drawn for it; its values are fitted to all outputs and rows by one Newton step,
    drawn towards 0 as by 8 further rows.

    Parameters
    ----------
    codes : ndarray of uint8 of shape (n_features, n_rows)
    gradient : callable
        Of the loss to lessen, with the sign of the step.
    n_outputs, n_rounds : int
    rng : Generator
    """
    n_features, n_rows = codes.shape
    features = np.zeros((n_rounds, DEPTH), dtype=np.int16)
    cuts = np.full((n_rounds, DEPTH), N_CODES, dtype=np.int16)
    values = np.zeros((n_rounds, N_LEAVES, n_outputs), dtype=np.float32)
    total = np.zeros((n_outputs, n_rows))
    if not n_features or n_rows < 2:
        return Trees(features, cuts, values)
    codes = np.ascontiguousarray(codes)
    order = rng.permutation(n_rows)
    for number in range(n_rounds):
        slope, curve = gradient(total)
        size = np.abs(slope).sum(axis=1)
        if not size.sum() > 0:
            break
        output = int(rng.choice(n_outputs, p=size / size.sum()))
        rows = _window(order, number, MOST_SEARCHED)
        columns = _draw(n_features, min(MOST_COLUMNS, -(-2 * n_features // 3)), rng)
        features[number], cuts[number] = _questions(
            codes[columns].take(rows, axis=1),
            columns,
            slope[output, rows],
            curve[output, rows],
        )
        leaves = leaves_of(codes, features[number], cuts[number])
        values[number] = _leaf_values(leaves, slope, curve)
        add_leaves(total, leaves, values[number])
    return Trees(features, cuts, values)


def _window(order: np.ndarray, number: int, size: int) -> np.ndarray:
    """So many of the rows in turn: all have been drawn before one is drawn again."""
    if len(order) <= size:
        return order
    return order.take(np.arange(number * size, (number + 1) * size), mode="wrap")


def _draw(n: int, most: int, rng: np.random.Generator) -> np.ndarray:
    if n <= most:
        return np.arange(n)
    return np.sort(rng.choice(n, most, replace=False))


def _questions(
    codes: np.ndarray, columns: np.ndarray, slope: np.ndarray, curve: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Question of each level that gains most, given those above it."""
    n_columns, n_rows = codes.shape
    packed, unit = _packed(slope, curve)
    prior = max(PRIOR_ROWS * float(curve.mean()), 1e-12) / unit
    weights = np.tile(packed, n_columns)
    place = codes + N_CODES * np.arange(n_columns, dtype=np.int64)[:, None]
    size = n_columns * N_CODES
    node = np.zeros(n_rows, dtype=np.int64)
    features = np.zeros(DEPTH, dtype=np.int16)
    cuts = np.zeros(DEPTH, dtype=np.int16)
    for level in range(DEPTH):
        shape = (2**level, n_columns, N_CODES)
        at = (place + node * size).ravel()
        sums = np.bincount(at, weights, size * shape[0]).reshape(shape)
        sides = np.empty((2, *shape))
        np.cumsum(sums, axis=2, out=sides[0])
        np.subtract(sides[0, :, :, -1:], sides[0], out=sides[1])
        column, cut = divmod(int(_gain(sides, prior).argmax()), N_CODES)
        features[level], cuts[level] = columns[column], cut
        node = 2 * node + (codes[column] > cut)
    return features, cuts


def _packed(slope: np.ndarray, curve: np.ndarray) -> tuple[np.ndarray, float]:
    """Both as whole numbers in one double, so that one pass sums both without error.

    Of the 53 bits, 26 are for the sum of either; far fewer are enough to choose a
    question (Shi, Ke, Chen et al. 2022, "Quantized Training of Gradient Boosting
    Decision Trees").

    Returns
    -------
    packed : ndarray of float of shape (n_rows,)
        Slope in a unit of its own times `PACKED`, plus curvature in its unit.
    unit : float
        That of the curvature.
    """
    most = float(2 ** (PACKED_BITS - len(slope).bit_length()))
    tiny = np.finfo(np.float64).tiny
    step = max(float(np.abs(slope).max()) / most, tiny)
    unit = max(float(curve.max()) / most, tiny)
    return np.rint(slope / step) * PACKED + np.rint(curve / unit), unit


def _gain(packed: np.ndarray, prior: float) -> np.ndarray:
    """Sum of slope² / (curvature + prior) over the first two axes."""
    gain = packed / PACKED
    np.floor(gain, out=gain)
    curve = packed - PACKED * gain
    curve += prior
    gain *= gain
    gain /= curve
    return np.asarray(gain.sum(axis=(0, 1)))


def _leaf_values(
    leaves: np.ndarray, slope: np.ndarray, curve: np.ndarray
) -> np.ndarray:
    inside = (leaves == np.arange(N_LEAVES)[:, None]).astype(np.float64)
    g, h = inside @ slope.T, inside @ curve.T
    prior = np.maximum(PRIOR_ROWS * curve.mean(axis=1), 1e-12)
    return np.asarray(LEARNING_RATE * g / (h + prior))
