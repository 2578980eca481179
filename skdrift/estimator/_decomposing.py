"""Which part of a change of the score is concept drift: a batch taken apart."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse
from sklearn.base import is_classifier

from skdrift._core.labelled import known_labels, labelled_rows
from skdrift._core.rows import take_rows
from skdrift.estimator._estimating import ScoreEstimating, refuse_unlearned
from skdrift.exceptions import InputError, InputTypeError
from skdrift.performance._answered_batch import class_numbers
from skdrift.performance._cross_validation import n_rows_of, resolve_scorers
from skdrift.performance._decomposed_score import find_score
from skdrift.performance._decomposing import decompose_score
from skdrift.performance._decomposition import ScoreDecomposition
from skdrift.performance._realised import check_rows
from skdrift.profile._blocks import BlockValues
from skdrift.shift import group_codes


class ScoreDecomposing(ScoreEstimating):
    """Changes of a score, taken apart."""

    def decompose(
        self, X: Any, y: Any, *, scorer: str | None = None, groups: Any = None
    ) -> ScoreDecomposition:
        """Which part of a change of the score is which shift.

        The score of the wrapped estimator goes from what cross-validation promised to
        what the batch realised by three terms: harder but known x (covariate shift),
        P(y|X) that changed on the x that both have (concept drift), and x that
        training does not have. Policies for invalid rows do not apply; nothing is
        warned of.

        Parameters
        ----------
        X : table of shape (n_rows, n_features)
        y : array-like of shape (n_rows,)
            Labels; rows whose label is missing are left out and counted.
        scorer : str or None, default=None
            Name of a scorer of the pass, or of scikit-learn, that is a function of
            means of rows: accuracy, log loss, Brier score; mean absolute, squared,
            relative error, their root, and R². None: the first of the pass.
        groups : array-like of shape (n_rows,) or None
            Blocks of the batch's rows, where rows of one block depend on each other.
            None: pieces of the row order as long as those of training, where training
            had such; else rows count one by one.

        Returns
        -------
        ScoreDecomposition
            ``print(result)`` shows the table; ``result.concept.value``, ``.low`` and
            ``.high``; ``result.segment`` says where.

        Raises
        ------
        NotFittedError
            Before `fit`.
        EstimatorError
            If nothing was learned to expect losses with; the message says why.
        InputError, InputTypeError
            If `X` is no table, `y` has another number of rows, more than one column,
            no label that is known or labels of another type, or the score has no value
            on the batch.
        ParameterError
            If `scorer` is no score that can be taken apart, or `groups` do not have
            one entry for each row.
        """
        model = self._fitted()
        losses = refuse_unlearned(self.baseline_.losses, "no score can be taken apart")
        score = find_score(
            scorer,
            resolve_scorers(model, self.scoring),
            model,
            self.baseline_.scores,
            losses,
        )
        n_rows = check_rows(X, y)
        blocks = _blocks_of(self.baseline_.blocks, n_rows, groups)
        labels, known = _labels(y, model)
        if len(known) < n_rows:
            X, blocks = take_rows(X, known), blocks[known]
        return decompose_score(
            score,
            losses,
            self.baseline_.reference,
            self.baseline_.reference_rows,
            model,
            X,
            labels,
            blocks,
            n_unlabelled=n_rows - len(known),
        )


def _blocks_of(values: BlockValues | None, n_rows: int, groups: Any) -> np.ndarray:
    """Block of each row; all differ where rows count one by one."""
    if groups is not None:
        return np.asarray(group_codes(groups, n_rows, "groups"))
    if values is None or values.origin != "row order":
        return np.arange(n_rows)
    return np.arange(n_rows) // max(round(values.block_rows), 1)


def _labels(y: Any, model: Any) -> tuple[np.ndarray, np.ndarray]:
    """Labels that are not missing, in one dimension, and the positions of their rows.

    Raises
    ------
    InputError, InputTypeError
        If there is none, or they are not of the type of training's.
    """
    known = np.flatnonzero(labelled_rows(y))
    if not len(known):
        raise InputError(
            f"y holds no label for any of {n_rows_of(y):,} rows: pass rows whose "
            "labels have arrived"
        )
    found = known_labels(y, known)
    labels = found.toarray() if scipy.sparse.issparse(found) else np.asarray(found)
    if labels.size != len(known):
        raise InputError(
            f"y must hold one label for each row, got {labels.size // len(known)}: "
            "wrap one model for each output"
        )
    labels = labels.reshape(-1)
    if is_classifier(model):
        _check_classes(labels, model.classes_)
        return labels, known
    try:
        values = labels.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise InputTypeError(
            f"y must hold numbers, as in training, got {labels[0]!r:.100}"
        ) from error
    finite = np.isfinite(values)
    if not finite.any():
        raise InputError("y holds no finite number: pass rows whose labels are known")
    return values[finite], known[finite]


def _check_classes(labels: np.ndarray, classes: np.ndarray) -> None:
    if (class_numbers(labels, classes) >= 0).any():
        return
    found = list(dict.fromkeys(labels.tolist()))[:5]
    raise InputError(
        f"y holds no class of training: got {found!r:.200}, the classes are "
        f"{np.asarray(classes).tolist()[:5]!r:.200}; pass labels of the same type"
    )
