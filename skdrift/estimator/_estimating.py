"""The score to expect of a batch whose labels are not there yet."""

from __future__ import annotations

from typing import Any

from skdrift._core.frame import read_table
from skdrift.estimator._label_shifting import label_shift_of, why_no_priors
from skdrift.estimator._selecting import SelectiveScoring
from skdrift.exceptions import EstimatorError
from skdrift.performance._cross_validation import resolve_scorers
from skdrift.performance._estimate import PerformanceEstimate
from skdrift.performance._estimating import estimate_performance
from skdrift.performance._label_shift import LabelShiftEstimate
from skdrift.performance._loss_models import LossModels
from skdrift.performance._outputs import fold_outputs
from skdrift.shift import group_codes


class ScoreEstimating(SelectiveScoring):
    """Scores without labels."""

    performance: Any
    alpha: float

    def estimate_score(self, X: Any) -> PerformanceEstimate:
        """Estimate the wrapped estimator's scores on a batch without labels.

        It is assumed that P(y | X) is that of training: the estimate follows where
        the batch lies, and sees no concept drift. Policies for invalid rows do not
        apply; nothing is warned of.

        Parameters
        ----------
        X : table of shape (n_rows, n_features)

        Returns
        -------
        PerformanceEstimate
            A mapping by the name of the scorer: ``estimate["accuracy"].value``,
            ``.low`` and ``.high``; ``estimate.extrapolates`` says when not to rely
            on it.

        Raises
        ------
        NotFittedError
            Before `fit`.
        EstimatorError
            If nothing was learned to estimate with; the message says why.
        InputError, InputTypeError
            If `X` is no table.
        """
        model = self._fitted()
        losses = refuse_unlearned(
            self.baseline_.losses, "no score can be estimated without labels"
        )
        scorers = resolve_scorers(model, self.scoring)
        known = self.baseline_
        return estimate_performance(
            losses, known.reference, model, X, scorers, known.reference_rows
        )

    def estimate_label_shift(self, X: Any, *, groups: Any = None) -> LabelShiftEstimate:
        """Estimate the class priors of a batch without labels.

        It is assumed that only the frequency of the classes has changed, and that is
        tested. Policies for invalid rows do not apply; nothing is warned of, and no
        answer of the model is changed.

        Parameters
        ----------
        X : table of shape (n_rows, n_features)
        groups : array-like of shape (n_rows,) or None
            Blocks of the batch's rows: the intervals then count these.

        Returns
        -------
        LabelShiftEstimate
            ``priors`` with ``low`` and ``high``; ``supports_label_shift`` says whether
            the assumption holds, ``correct(proba)`` gives corrected probabilities.

        Raises
        ------
        NotFittedError
            Before `fit`.
        EstimatorError
            If the wrapped estimator is no classifier of one output, or nothing was
            learned to estimate with; the message says why.
        InputError, InputTypeError
            If `X` is no table.
        ParameterError
            If `groups` do not have one entry for each row.
        """
        model = self._fitted()
        table = read_table(X, strict=False)
        blocks = None
        if groups is not None:
            blocks = group_codes(groups, table.n_rows, "groups")
        known = not why_no_priors(self.baseline_, model)
        outputs = fold_outputs(model, X) if known and table.n_rows else None
        return label_shift_of(
            self.baseline_, model, outputs, table, alpha=self.alpha, blocks=blocks
        )


def refuse_unlearned(losses: LossModels | None, what: str) -> LossModels:
    """What losses are expected with, if `fit` learned it.

    Raises
    ------
    EstimatorError
        If it did not; `what` cannot be done then.
    """
    if losses is None:
        raise EstimatorError(f"{what}: {_WITHOUT}")
    if losses.reason:
        raise EstimatorError(f"{what}: {losses.reason}")
    return losses


_WITHOUT = (
    "fit learned nothing for it; it takes a classifier or a regressor, labels, "
    "performance='auto', and a cv that is not None (or a calibration set)"
)
