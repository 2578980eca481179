"""Out-of-fold outputs: what the model answers for rows that it has not seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.base import is_classifier

from skdrift._core.cells import ArrayColumn, Column, object_column
from skdrift._core.frame import Table
from skdrift._core.rows import one_of_neighbours
from skdrift.profile import Profile
from skdrift.profile._blocks import values_of_blocks
from skdrift.profile._cells import NumberCells
from skdrift.profile._profile import count_table, learn_profile
from skdrift.stats import tolerance_of_parts, variation_of_parts

MOST_OUTPUTS = 50
MOST_PARTS = 10


@dataclass(frozen=True, slots=True)
class FoldOutputs:
    """Outputs of one fold.

    Attributes
    ----------
    labels : ndarray of shape (n_rows, n_outputs), or None
        What `predict` answers.
    scores : ndarray of float of shape (n_rows, n_scores), or None
        What `predict_proba`, else `decision_function` answers.
    score_names : tuple of str
        Name of each column of `scores`.
    """

    labels: np.ndarray | None
    scores: np.ndarray | None
    score_names: tuple[str, ...]

    @property
    def n_rows(self) -> int:
        """Rows that were answered."""
        for answers in (self.labels, self.scores):
            if answers is not None:
                return len(answers)
        return 0

    def one_of(self, step: int) -> FoldOutputs:
        """One row of each `step` neighbours, as `Table.one_of` draws them."""
        return _part(self, one_of_neighbours(self.n_rows, step))


class OutputTable(Table):
    """Outputs as a table, one column for each."""

    __slots__ = ("columns",)

    def __init__(self, names: Sequence[str], columns: Sequence[Column]) -> None:
        super().__init__(columns[0].n_rows, len(columns), tuple(names))
        self.columns = columns

    def column(self, position: int) -> Column:
        return self.columns[position]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HeldOutOutputs:
    """What models answered for training rows that they were not fitted on.

    Attributes
    ----------
    profile : Profile
        Of the outputs of all rows.
    tolerance : ndarray of float of shape (n_outputs,)
        How far the answers of one fold's model are from those of the others, in
        probability mass; NaN where one fold alone cannot tell.
    block_values : ndarray of float of shape (n_blocks, n_statistics), or None
        Statistics of blocks of rows, where these count.
    """

    profile: Profile
    tolerance: np.ndarray
    block_values: np.ndarray | None = None


def fold_outputs(estimator: Any, X: Any) -> FoldOutputs:
    """Outputs of a fitted model for rows that it was not fitted on."""
    labels = _as_labels(estimator.predict(X))
    if not is_classifier(estimator):
        return FoldOutputs(labels, None, ())
    method = next(
        (m for m in ("predict_proba", "decision_function") if hasattr(estimator, m)),
        None,
    )
    if method is None:
        return FoldOutputs(labels, None, ())
    scored = _scores(estimator, method, getattr(estimator, method)(X))
    return FoldOutputs(labels, *scored)


def outputs_of_answer(estimator: Any, method: str, answer: Any) -> FoldOutputs | None:
    """Outputs that one method has answered with; None where none are compared.

    Parameters
    ----------
    estimator : fitted estimator
    method : str
    answer : object
        What the method returned.
    """
    if isinstance(answer, list | tuple):
        return None
    if method == "predict":
        return FoldOutputs(_as_labels(answer), None, ())
    if method not in ("predict_proba", "decision_function"):
        return None
    if not is_classifier(estimator):
        return None
    return FoldOutputs(None, *_scores(estimator, method, answer))


def _as_labels(answer: Any) -> np.ndarray:
    labels = answer.toarray() if issparse(answer) else np.asarray(answer)
    return labels.reshape(len(labels), -1)


def _scores(
    estimator: Any, method: str, answers: Any
) -> tuple[np.ndarray | None, tuple[str, ...]]:
    if isinstance(answers, list):
        return None, ()
    scores = np.asarray(answers, dtype=np.float64)
    scores = scores.reshape(len(scores), -1)
    classes = getattr(estimator, "classes_", np.arange(scores.shape[1]))
    if len(classes) != scores.shape[1]:
        classes = np.arange(scores.shape[1])
    names = tuple(f"{method}[{name}]" for name in np.asarray(classes).tolist())
    return scores, names


def output_table(folds: Sequence[FoldOutputs]) -> OutputTable:
    """Outputs of all folds together, one column for each.

    A class that a fold did not see has no score there: those rows count as missing.
    """
    names: list[str] = []
    columns: list[Column] = []
    known = [fold.labels for fold in folds if fold.labels is not None]
    if known:
        labels = np.concatenate(known)[:, :MOST_OUTPUTS]
        n_labels = labels.shape[1]
        names = [
            f"predict[{j}]" if n_labels > 1 else "predict" for j in range(n_labels)
        ]
        columns = [_label_column(labels[:, j], name) for j, name in enumerate(names)]
    score_names = sorted({name for fold in folds for name in fold.score_names})
    for name in score_names[:MOST_OUTPUTS]:
        parts = [
            fold.scores[:, fold.score_names.index(name)]
            if fold.scores is not None and name in fold.score_names
            else np.full(fold.n_rows, np.nan)
            for fold in folds
        ]
        names.append(name)
        columns.append(ArrayColumn(np.concatenate(parts)))
    return OutputTable(names, columns)


def learn_outputs(
    folds: Sequence[FoldOutputs],
    rows: Sequence[np.ndarray],
    *,
    classifier: bool,
    same_model: bool,
    labels: np.ndarray | None = None,
) -> HeldOutOutputs:
    """Learn what models answer for rows that they were not fitted on.

    Parameters
    ----------
    folds : sequence of FoldOutputs
    rows : sequence of ndarray of int
        Rows of training in each fold. A row counts in the first fold that has it.
    classifier : bool
    same_model : bool
        Whether the model that answered is the final one: nothing is then tolerated.
    labels : ndarray of int or None
        Block of each row of training, -1 for none.
    """
    kept = _each_row_once(folds, rows)
    folds = [fold for fold, _ in kept]
    table = output_table(folds)
    profile = learn_profile(
        table,
        categorical_features=_label_places(table) if classifier else None,
        n_cells=128,
        min_category_count=1,
    )
    tolerance = np.zeros(table.n_features)
    if not same_model:
        tolerance = _tolerances(folds, profile)
    values = None
    if labels is not None:
        own = labels[np.concatenate([places for _, places in kept])]
        there = np.flatnonzero(own >= 0)
        part = output_table([_part(fold, at) for fold, at in _split(folds, there)])
        values, _ = values_of_blocks(
            part, own[there], profile, n_blocks=int(labels.max()) + 1
        )
    return HeldOutOutputs(profile=profile, tolerance=tolerance, block_values=values)


def _each_row_once(
    folds: Sequence[FoldOutputs], rows: Sequence[np.ndarray]
) -> list[tuple[FoldOutputs, np.ndarray]]:
    n = 1 + max((int(places.max()) for places in rows if len(places)), default=-1)
    seen = np.zeros(n, dtype=bool)
    kept = []
    for fold, places in zip(folds, rows, strict=True):
        _, first = np.unique(places, return_index=True)
        own = np.sort(first)
        own = own[~seen[places[own]]]
        seen[places] = True
        if len(own):
            kept.append((_part(fold, own), places[own]))
    return kept


def _part(fold: FoldOutputs, at: np.ndarray) -> FoldOutputs:
    if len(at) == fold.n_rows:
        return fold
    return FoldOutputs(
        None if fold.labels is None else fold.labels[at],
        None if fold.scores is None else fold.scores[at],
        fold.score_names,
    )


def _split(
    folds: Sequence[FoldOutputs], rows: np.ndarray
) -> list[tuple[FoldOutputs, np.ndarray]]:
    """Rows of all folds together, as those of each."""
    ends = np.cumsum([fold.n_rows for fold in folds])
    found = []
    for fold, end in zip(folds, ends, strict=True):
        start = end - fold.n_rows
        found.append((fold, rows[(rows >= start) & (rows < end)] - start))
    return found


def _label_places(table: OutputTable) -> list[int]:
    return [p for p, name in enumerate(table.labels) if name.split("[")[0] == "predict"]


def _tolerances(folds: Sequence[FoldOutputs], profile: Profile) -> np.ndarray:
    groups = np.array_split(np.arange(len(folds)), min(len(folds), MOST_PARTS))
    counted = [
        count_table(output_table([folds[k] for k in group]), profile.grid)[0]
        for group in groups
    ]
    found = np.full(profile.grid.n_features, np.nan)
    for place, cells in enumerate(profile.grid.cells):
        parts = np.stack([part.counts[place] for part in counted])
        ordered = isinstance(cells, NumberCells)
        tolerance = (tolerance_of_parts if ordered else variation_of_parts)(parts)
        found[cells.feature] = np.fmax(found[cells.feature], tolerance)
    return found


def _label_column(labels: np.ndarray, name: str) -> Column:
    if labels.dtype.kind in "fiub":
        return ArrayColumn(labels)
    return object_column(labels.astype(object), name)
