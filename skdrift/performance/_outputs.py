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
from skdrift.profile import Profile
from skdrift.profile._profile import learn_profile

MOST_OUTPUTS = 50


@dataclass(frozen=True, slots=True)
class FoldOutputs:
    """Outputs of one fold.

    Attributes
    ----------
    labels : ndarray of shape (n_rows, n_outputs)
        What `predict` answers.
    scores : ndarray of float of shape (n_rows, n_scores), or None
        What `predict_proba`, else `decision_function` answers.
    score_names : tuple of str
        Name of each column of `scores`.
    """

    labels: np.ndarray
    scores: np.ndarray | None
    score_names: tuple[str, ...]


class OutputTable(Table):
    """Outputs as a table, one column for each."""

    __slots__ = ("columns",)

    def __init__(self, names: Sequence[str], columns: Sequence[Column]) -> None:
        super().__init__(columns[0].n_rows, len(columns), tuple(names))
        self.columns = columns

    def column(self, position: int) -> Column:
        return self.columns[position]


def fold_outputs(estimator: Any, X: Any) -> FoldOutputs:
    """Outputs of a fitted model for rows that it was not fitted on."""
    labels = estimator.predict(X)
    labels = labels.toarray() if issparse(labels) else np.asarray(labels)
    labels = labels.reshape(len(labels), -1)
    if not is_classifier(estimator):
        return FoldOutputs(labels, None, ())
    method = next(
        (m for m in ("predict_proba", "decision_function") if hasattr(estimator, m)),
        None,
    )
    if method is None:
        return FoldOutputs(labels, None, ())
    answers = getattr(estimator, method)(X)
    if isinstance(answers, list):
        return FoldOutputs(labels, None, ())
    scores = np.asarray(answers, dtype=np.float64).reshape(len(labels), -1)
    classes = getattr(estimator, "classes_", np.arange(scores.shape[1]))
    if len(classes) != scores.shape[1]:
        classes = np.arange(scores.shape[1])
    names = tuple(f"{method}[{name}]" for name in np.asarray(classes).tolist())
    return FoldOutputs(labels, scores, names)


def profile_outputs(folds: Sequence[FoldOutputs], *, classifier: bool) -> Profile:
    """Profile of the outputs of all folds together.

    A class that a fold did not see has no score there: those rows count as missing.
    """
    labels = np.concatenate([fold.labels for fold in folds])[:, :MOST_OUTPUTS]
    n_outputs = labels.shape[1]
    names = [f"predict[{j}]" if n_outputs > 1 else "predict" for j in range(n_outputs)]
    columns = [_label_column(labels[:, j], name) for j, name in enumerate(names)]
    score_names = sorted({name for fold in folds for name in fold.score_names})
    for name in score_names[:MOST_OUTPUTS]:
        parts = [
            fold.scores[:, fold.score_names.index(name)]
            if fold.scores is not None and name in fold.score_names
            else np.full(len(fold.labels), np.nan)
            for fold in folds
        ]
        names.append(name)
        columns.append(ArrayColumn(np.concatenate(parts)))
    return learn_profile(
        OutputTable(names, columns),
        categorical_features=list(range(n_outputs)) if classifier else None,
        n_cells=128,
        min_category_count=1,
    )


def _label_column(labels: np.ndarray, name: str) -> Column:
    if labels.dtype.kind in "fiub":
        return ArrayColumn(labels)
    return object_column(labels.astype(object), name)
