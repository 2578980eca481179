"""What a picture of the dependence between columns needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np

from skdrift._core.frame import read_table
from skdrift._core.result import Finding
from skdrift.profile import Profile
from skdrift.profile._scores import Slot, rows_for_pairs, score_rows
from skdrift.report import DriftReport
from skdrift.shift._dependence import Dependence, known_slots, thinned
from skdrift.shift._dependence_change import FAR, LEAST_ROWS, NEAR
from skdrift.stats import (
    CorrelationChange,
    Correlations,
    PairSums,
    correlation_change,
)

PairState = Literal["alarm", "column moved", "no alarm"]
DASH: Final = "–"
MOST_ROWS: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class PairRow:
    """Correlation of two columns in training and in a batch.

    Attributes
    ----------
    label : str
        Names of both, ``"a–b"``; ``"|a|–|b|"`` for their distances from the median.
    features : frozenset of str
        Names of the columns.
    state : {"alarm", "column moved", "no alarm"}
        Whether the report names the pair; if not, whether one of its columns alarms
        by itself, which changes its correlations.
    change, low, high : float
        Correlation in the batch minus that in training, with its 95 % interval.
    levels : str
        Both correlations, ``"0.62 → 0.05"``.
    """

    label: str
    features: frozenset[str]
    state: PairState
    change: float
    low: float
    high: float
    levels: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CorrelationTable:
    """Correlations of all columns of scores.

    Attributes
    ----------
    labels : tuple of str of length k
        Name of the column and, of a category, the level.
    features : tuple of str of length k
        Name of the column.
    reference, current : ndarray of float of shape (k, k)
        NaN where there are too few rows, and of a column with itself.
    """

    labels: tuple[str, ...]
    features: tuple[str, ...]
    reference: np.ndarray
    current: np.ndarray

    def among(self, places: Sequence[int]) -> CorrelationTable:
        """Only the columns at some places."""
        chosen = np.ix_(places, places)
        return CorrelationTable(
            labels=tuple(self.labels[place] for place in places),
            features=tuple(self.features[place] for place in places),
            reference=self.reference[chosen],
            current=self.current[chosen],
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ComparedPairs:
    """Pairs of columns of a batch.

    Attributes
    ----------
    rows : tuple of PairRow
        Pairs that the report names first, then the others, one for each pair of
        columns and at most 1,000, the most certain change first.
    n_pairs : int
        Pairs of columns that are compared.
    table : CorrelationTable
    """

    rows: tuple[PairRow, ...]
    n_pairs: int
    table: CorrelationTable


def alarmed_pairs(findings: Sequence[Finding]) -> tuple[PairRow, ...]:
    """Pairs that a report names, in its order."""
    return tuple(_row_of(finding) for finding in findings if finding.code == "DA104")


def _row_of(finding: Finding) -> PairRow:
    kind = FAR if finding.direction.startswith(f"{FAR} ") else NEAR
    if kind == FAR:
        label = DASH.join(f"|{name}|" for name in finding.features)
    else:
        label = finding.message.rpartition(f": {finding.direction}")[0]
    return PairRow(
        label=label or finding.message,
        features=frozenset(finding.features),
        state="alarm",
        change=finding.effect_size,
        low=finding.low,
        high=finding.high,
        levels=finding.direction.removeprefix(f"{kind} ").replace("-0.00", "0.00"),
    )


def correlations_of(
    dependence: Dependence, reference: Profile, X: Any, report: DriftReport
) -> ComparedPairs | None:
    """All pairs and their correlations, of a batch against training.

    Parameters
    ----------
    dependence : Dependence
    reference : Profile
        That it was learned with.
    X : table of shape (n_rows, n_features)
        The batch.
    report : DriftReport
        Of it.

    Returns
    -------
    ComparedPairs or None
        None where nothing can be compared.
    """
    slots = known_slots(dependence, reference)
    if slots is None:
        return None
    table = read_table(X, strict=False)
    scores = score_rows(thinned(table, len(slots)), reference, slots)
    labels = reference.grid.labels
    with_far = tuple(slot for slot in slots if slot.far is not None)
    near, far = (PairSums.of(found).correlations() for found in scores)
    named = alarmed_pairs(report.findings)
    others, n_pairs = _others(
        (
            _Compared.of(NEAR, slots, labels, dependence.near, near, report),
            _Compared.of(FAR, with_far, labels, dependence.far, far, report),
        ),
        {row.features for row in named},
        report,
    )
    shown = CorrelationTable(
        labels=tuple(slot.label for slot in slots),
        features=tuple(labels[slot.feature] for slot in slots),
        reference=_square(dependence.near, slots),
        current=_square(near, slots),
    )
    return ComparedPairs(rows=(*named, *others), n_pairs=n_pairs, table=shown)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Compared:
    """Pairs of one kind of score: their slots, names of columns, and changes."""

    slots: Sequence[Slot]
    labels: Sequence[str]
    form: str
    pairs: np.ndarray
    judged: np.ndarray
    before: np.ndarray
    change: CorrelationChange

    @classmethod
    def of(
        cls,
        kind: str,
        slots: Sequence[Slot],
        labels: Sequence[str],
        before: Correlations,
        now: Correlations,
        report: DriftReport,
    ) -> _Compared:
        return cls(
            slots=slots,
            labels=labels,
            form="|{}|" if kind == FAR else "{}",
            pairs=np.array(np.triu_indices(len(slots), 1)),
            judged=np.flatnonzero(_judged(kind, slots, before, now)),
            before=before.value,
            change=correlation_change(before, now, tolerance=report.min_effect),
        )

    def sizes(self) -> np.ndarray:
        """Absolute statistic of each pair that is judged."""
        return np.asarray(np.abs(self.change.statistic[self.judged]), dtype=np.float64)

    def columns(self) -> np.ndarray:
        """Positions of the columns of each pair that is judged, the smaller first."""
        feature = np.array([slot.feature for slot in self.slots], dtype=np.intp)
        return np.sort(feature[self.pairs[:, self.judged]].T, axis=1)

    def row(self, number: int, moved: set[str]) -> PairRow:
        """One of the pairs that are judged."""
        place = int(self.judged[number])
        pair = [self.slots[slot] for slot in self.pairs[:, place]]
        names = frozenset(self.labels[slot.feature] for slot in pair)
        before = float(self.before[place])
        difference = float(self.change.difference[place])
        levels = f"{before:.2f} → {before + difference:.2f}"
        return PairRow(
            label=DASH.join(self.form.format(slot.label) for slot in pair),
            features=names,
            state="column moved" if names & moved else "no alarm",
            change=difference,
            low=float(self.change.low[place]),
            high=float(self.change.high[place]),
            levels=levels.replace("-0.00", "0.00"),
        )


def _others(
    compared: Sequence[_Compared], named: set[frozenset[str]], report: DriftReport
) -> tuple[list[PairRow], int]:
    """The most certain change of each pair of columns; how many pairs there are."""
    moved = {
        name
        for alarm in report.alarms
        if alarm.code != "DA104"
        for name in alarm.features
    }
    columns = np.vstack([each.columns() for each in compared])
    kinds = np.repeat(range(len(compared)), [len(each.judged) for each in compared])
    numbers = np.concatenate([np.arange(len(each.judged)) for each in compared])
    order = np.argsort(-np.concatenate([each.sizes() for each in compared]))
    _, first = np.unique(columns[order], axis=0, return_index=True)
    rows: list[PairRow] = []
    for place in order[np.sort(first)][: MOST_ROWS + len(named)].tolist():
        row = compared[kinds[place]].row(int(numbers[place]), moved)
        if row.features not in named:
            rows.append(row)
    return rows, len(first)


def _judged(
    kind: str, slots: Sequence[Slot], before: Correlations, now: Correlations
) -> np.ndarray:
    """Pairs of two columns that have rows enough on both sides."""
    rows = np.minimum(before.n, now.n)
    known = np.isfinite(before.value) & np.isfinite(now.value) & (rows >= LEAST_ROWS)
    return np.asarray(known & (rows >= rows_for_pairs(slots, int(kind == FAR))))


def _square(found: Correlations, slots: Sequence[Slot]) -> np.ndarray:
    k = len(slots)
    square = np.full((k, k), np.nan)
    first, second = np.triu_indices(k, 1)
    feature = np.array([slot.feature for slot in slots], dtype=np.intp)
    value = np.where(
        (feature[first] != feature[second]) & (found.n >= LEAST_ROWS),
        found.value,
        np.nan,
    )
    square[first, second] = square[second, first] = value
    return square
