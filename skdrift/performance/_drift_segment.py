"""Where P(y|X) moved most: a rule found on one half of a batch, tested on the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.tree import DecisionTreeRegressor

from skdrift._core.cells import Column, display_key
from skdrift._core.frame import Table
from skdrift.performance._decomposition import DriftSegment, tail_of
from skdrift.profile._cells import LevelCells
from skdrift.profile._count import comparable_column, match_columns, renamed_levels
from skdrift.profile._profile import Profile, cells_by_feature
from skdrift.profile._rows import level_places

DEPTH = 2
LEAST_HALF = 50
LEAST_LEAF = 25
LEAST_LEAF_SHARE = 0.05
LEAST_BLOCKS = 4
ALPHA = 0.01
MOST_FITTED = 20_000
MOST_LEVELS = 12
MOST_SHOWN = 60


@dataclass(frozen=True, slots=True, eq=False)
class _Question:
    """A number for each row that a tree may cut.

    `above`, `below` and `between` give the words for "larger than" and "at most" a
    threshold, and for both.
    """

    values: np.ndarray
    above: Callable[[float], str]
    below: Callable[[float], str]
    between: Callable[[float, float], str]


@dataclass(frozen=True, slots=True)
class _Condition:
    question: int
    threshold: float
    larger: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RowLosses:
    """Losses of a batch, larger = worse.

    Attributes
    ----------
    realised, expected : ndarray of float of shape (n_rows,)
    halves : ndarray of float of shape (8, n_compared)
        Expected losses by models of halves, for some of the rows.
    compared : ndarray of int of shape (n_compared,)
        Their positions.
    unlearned : ndarray of float of shape (n_rows,)
        Part of `expected` that a plain model would not follow, in the share of it that
        may be wrong.
    name : str
        What they are called.
    """

    realised: np.ndarray
    expected: np.ndarray
    halves: np.ndarray
    compared: np.ndarray
    unlearned: np.ndarray
    name: str


def find_segment(
    table: Table,
    reference: Profile,
    positions: np.ndarray,
    losses: RowLosses,
    usable: np.ndarray,
    blocks: np.ndarray,
    seed: int = 0,
) -> DriftSegment | None:
    """The segment whose losses rose most above what P(y|X) of training gives.

    A tree of depth two is fitted to realised minus expected losses on one half of the
    rows, of whole blocks where there are. Its worst node is tested on the other half,
    at level 0.01: losses there are above what is expected, and by more than those of
    all other rows (one-sided t tests of means, of means of blocks, with the error of
    the expected losses). A missing cell fulfils no condition.

    Parameters
    ----------
    table : Table
    reference : Profile
    positions : ndarray of int of shape (n_used,)
        Columns to ask.
    losses : RowLosses
    usable : ndarray of bool of shape (n_rows,)
        Rows of the shared region.
    blocks : ndarray of int of shape (n_rows,)
        Block of each row; all differ where rows count one by one.
    seed : int

    Returns
    -------
    DriftSegment or None
        None if it does not pass, or rows are too few.
    """
    fitted, tested = _halves(blocks, usable, seed)
    if min(len(fitted), len(tested)) < LEAST_HALF:
        return None
    fitted = fitted[:: -(-len(fitted) // MOST_FITTED)]
    questions = _questions(table, reference, positions)
    excess = losses.realised - losses.expected
    if not questions or not np.isfinite(excess[fitted]).all():
        return None
    best = _worst_node(questions, excess, fitted)
    if best is None:
        return None
    conditions = _shortened(best, questions, fitted)
    inside = _fulfil(conditions, questions, len(excess))
    pvalue = _pvalue(losses, inside, tested, blocks)
    if not pvalue <= ALPHA:
        return None
    shown = tested[inside[tested]]
    return DriftSegment(
        rule=_rule(conditions, questions),
        n_rows=int((inside & usable).sum()),
        realised=float(losses.realised[shown].mean()),
        expected=float(losses.expected[shown].mean()),
        loss=losses.name,
        pvalue=pvalue,
    )


def _halves(
    blocks: np.ndarray, usable: np.ndarray, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    rows = np.flatnonzero(usable)
    found, codes = np.unique(blocks[rows], return_inverse=True)
    first = np.zeros(len(found), dtype=bool)
    order = np.random.default_rng(seed).permutation(len(found))
    first[order[: len(found) // 2]] = True
    return rows[first[codes]], rows[~first[codes]]


# --- the tree -----------------------------------------------------------------


def _worst_node(
    questions: Sequence[_Question], excess: np.ndarray, rows: np.ndarray
) -> list[_Condition] | None:
    """Way to the node whose mean lies highest above that of all rows, for its size.

    By the distance times the root of the rows: of two nodes that are about as bad the
    larger one.
    """
    matrix = np.column_stack([question.values[rows] for question in questions])
    known = np.isfinite(matrix)
    used = np.flatnonzero(known.any(axis=0))
    if not len(used):
        return None
    matrix, known = matrix[:, used], known[:, used]
    middle = np.nanmedian(np.where(known, matrix, np.nan), axis=0)
    tree = DecisionTreeRegressor(
        max_depth=DEPTH,
        min_samples_leaf=max(LEAST_LEAF, int(LEAST_LEAF_SHARE * len(rows))),
        random_state=0,
    ).fit(np.where(known, matrix, middle), excess[rows])
    nodes = tree.tree_
    above = (nodes.value[:, 0, 0] - nodes.value[0, 0, 0]) * np.sqrt(
        nodes.n_node_samples
    )
    best = int(np.argmax(above))
    return _way_to(best, nodes, used) if best else None


def _way_to(wanted: int, nodes: Any, used: np.ndarray) -> list[_Condition]:
    """Conditions from the root of a tree to one of its nodes."""
    path: list[_Condition] = []
    node = wanted
    while node:
        larger = node in nodes.children_right
        side = nodes.children_right if larger else nodes.children_left
        node = int(np.flatnonzero(side == node)[0])
        question = int(used[nodes.feature[node]])
        path.insert(0, _Condition(question, float(nodes.threshold[node]), larger))
    return path


def _shortened(
    path: Sequence[_Condition], questions: Sequence[_Question], rows: np.ndarray
) -> list[_Condition]:
    """One condition for each question and side, with thresholds of few digits."""
    kept: dict[tuple[int, bool], _Condition] = {}
    for own in sorted(path, key=lambda one: (one.question, not one.larger)):
        key = own.question, own.larger
        before = kept.get(key)
        if before is None or (own.threshold > before.threshold) == own.larger:
            kept[key] = own
    return [
        _Condition(
            own.question,
            _round(own.threshold, questions[own.question].values[rows]),
            own.larger,
        )
        for own in kept.values()
    ]


def _round(threshold: float, values: np.ndarray) -> float:
    """The number of fewest digits that parts the values where the threshold does."""
    finite = values[np.isfinite(values)]
    low = finite[finite <= threshold].max(initial=-np.inf)
    high = finite[finite > threshold].min(initial=np.inf)
    for digits in range(1, 17):
        short = float(f"{threshold:.{digits}g}")
        if low <= short < high:
            return short
    return threshold


def _fulfil(
    conditions: Sequence[_Condition], questions: Sequence[_Question], n_rows: int
) -> np.ndarray:
    inside = np.ones(n_rows, dtype=bool)
    for own in conditions:
        values = questions[own.question].values
        with np.errstate(invalid="ignore"):
            inside &= values > own.threshold if own.larger else values <= own.threshold
    return inside


def _rule(conditions: Sequence[_Condition], questions: Sequence[_Question]) -> str:
    words = []
    for number in dict.fromkeys(own.question for own in conditions):
        question = questions[number]
        ends = {
            own.larger: own.threshold for own in conditions if own.question == number
        }
        if len(ends) == 2:
            words.append(question.between(ends[True], ends[False]))
        else:
            larger, threshold = next(iter(ends.items()))
            words.append((question.above if larger else question.below)(threshold))
    return " and ".join(words)


# --- what the tree may ask ----------------------------------------------------


def _questions(
    table: Table, reference: Profile, positions: np.ndarray
) -> list[_Question]:
    grid = reference.grid
    places = match_columns(table, grid).positions
    cells = cells_by_feature(grid)
    labels = grid.names or tuple(f"x{j}" for j in range(grid.n_features))
    found: list[_Question] = []
    for position in positions.tolist():
        place = int(places[position])
        if place < 0:
            continue
        family = grid.families[position]
        column = comparable_column(table.column(place), family)
        if column is None:
            continue
        name, kind = printable(labels[position]), grid.kinds[position]
        first = cells[position][0]
        if isinstance(first, LevelCells):
            renamed = renamed_levels(family, column.family)
            found += _of_levels(name, column, first, renamed)
        elif kind == "text":
            keys = column.keys()
            lengths = [
                np.nan if key is None else float(len(display_key(key))) for key in keys
            ]
            found.append(_of_numbers(f"length of {name}", np.array(lengths)))
        elif kind == "datetime":
            found.append(_of_times(name, column.floats()))
        else:
            found.append(_of_numbers(name, column.floats()))
    return found


def _of_numbers(name: str, values: np.ndarray) -> _Question:
    finite = np.unique(values[np.isfinite(values)])
    whole = len(finite) <= 50 and bool((finite == np.round(finite)).all())

    def above(threshold: float) -> str:
        rest = finite[finite > threshold]
        if not whole or not len(rest):
            return f"{name} > {_digits(threshold)}"
        return f"{name} {'=' if len(rest) == 1 else '≥'} {_digits(rest[0])}"

    def below(threshold: float) -> str:
        rest = finite[finite <= threshold]
        if not whole or not len(rest):
            return f"{name} ≤ {_digits(threshold)}"
        return f"{name} {'=' if len(rest) == 1 else '≤'} {_digits(rest[-1])}"

    def between(low: float, high: float) -> str:
        rest = finite[(finite > low) & (finite <= high)]
        if not whole or not len(rest):
            return f"{_digits(low)} < {name} ≤ {_digits(high)}"
        if len(rest) == 1:
            return f"{name} = {_digits(rest[0])}"
        return f"{_digits(rest[0])} ≤ {name} ≤ {_digits(rest[-1])}"

    known = np.where(np.isfinite(values), values, np.nan)
    return _Question(known, above, below, between)


def printable(text: str) -> str:
    """A name of the data's as it may be printed: one line, no control characters."""
    shown = "".join(c if c.isprintable() else "�" for c in str(text)[: MOST_SHOWN + 1])
    return shown if len(shown) <= MOST_SHOWN else f"{shown[: MOST_SHOWN - 1]}…"


def _digits(value: float) -> str:
    return repr(float(value)).removesuffix(".0")


def _of_times(name: str, values: np.ndarray) -> _Question:
    def moment(threshold: float) -> str:
        return str(np.datetime64(int(threshold), "us").astype("M8[s]"))

    return _Question(
        values,
        lambda threshold: f"{name} after {moment(threshold)}",
        lambda threshold: f"{name} until {moment(threshold)}",
        lambda low, high: f"{name} from {moment(low)} to {moment(high)}",
    )


def _of_levels(
    name: str, column: Column, cells: LevelCells, renamed: dict[str, str]
) -> list[_Question]:
    """One question for each of the most frequent levels."""
    places = level_places(column.keys(), cells, renamed)
    present = np.bincount(places[places >= 0], minlength=cells.n_cells)[:-1]
    asked = np.argsort(-present, kind="stable")[:MOST_LEVELS]
    return [
        _of_level(name, printable(display_key(cells.keys[place])), places, place)
        for place in asked.tolist()
        if present[place]
    ]


def _of_level(name: str, level: str, places: np.ndarray, place: int) -> _Question:
    values = np.where(places < 0, np.nan, (places == place).astype(np.float64))
    is_it, is_not = f"{name} = {level}", f"{name} ≠ {level}"
    return _Question(values, lambda _: is_it, lambda _: is_not, lambda *_: is_it)


# --- the test -----------------------------------------------------------------


def _pvalue(
    losses: RowLosses, inside: np.ndarray, tested: np.ndarray, blocks: np.ndarray
) -> float:
    """The larger one-sided p-value of "above expected" and "above all others"."""
    own, rest = tested[inside[tested]], tested[~inside[tested]]
    if min(len(own), len(rest)) < LEAST_LEAF:
        return 1.0
    weights = np.zeros(len(inside))
    weights[own] = 1.0 / len(own)
    alone = _one_sided(losses, weights, blocks)
    weights[rest] = -1.0 / len(rest)
    return max(alone, _one_sided(losses, weights, blocks))


def _one_sided(losses: RowLosses, weights: np.ndarray, blocks: np.ndarray) -> float:
    """Of "a weighted sum of excess losses is at most 0"; weights of a mean, or of a
    difference of two.
    """
    excess = losses.realised - losses.expected
    value = float(weights @ excess)
    chance, freedom = 0.0, np.inf
    for sign in (1.0, -1.0):
        rows = np.flatnonzero(weights * sign > 0)
        if not len(rows):
            continue
        variance, own = variance_of_mean(excess[rows], blocks[rows])
        chance, freedom = chance + variance, min(freedom, own)
    of_halves = losses.halves @ _kept(weights[losses.compared])
    model = float(np.mean((of_halves - of_halves.mean()) ** 2))
    chance += float(weights @ losses.unlearned) ** 2
    if not value > 0 or not np.isfinite(chance):
        return 1.0
    return tail_of(value, chance, freedom, model) / 2.0


def _kept(weights: np.ndarray) -> np.ndarray:
    """Weights of some of the rows, which sum to 1 on either side."""
    found = weights.copy()
    for side in (weights > 0, weights < 0):
        total = np.abs(weights[side]).sum()
        if total > 0:
            found[side] /= total
    return found


def variance_of_mean(values: np.ndarray, blocks: np.ndarray) -> tuple[float, float]:
    """Variance of a mean, by blocks, and its degrees of freedom; infinite below two."""
    _, codes = np.unique(blocks, return_inverse=True)
    n_blocks = int(codes.max(initial=-1)) + 1
    least = LEAST_BLOCKS if n_blocks < len(values) else 2
    if n_blocks < least:
        return np.inf, 1.0
    sums = np.bincount(codes, values - values.mean())
    variance = (sums**2).sum() / len(values) ** 2 * n_blocks / (n_blocks - 1.0)
    return float(variance), n_blocks - 1.0
