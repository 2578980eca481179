"""The score to expect of a batch whose labels are not there yet."""

from __future__ import annotations

from typing import Any

from skdrift.estimator._selecting import SelectiveScoring
from skdrift.exceptions import EstimatorError
from skdrift.performance._cross_validation import resolve_scorers
from skdrift.performance._estimate import PerformanceEstimate
from skdrift.performance._estimating import estimate_performance


class ScoreEstimating(SelectiveScoring):
    """Scores without labels."""

    performance: Any

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
        losses = self.baseline_.losses
        if losses is None or losses.reason:
            raise EstimatorError(
                "no score can be estimated without labels: "
                f"{'' if losses is None else losses.reason}"
                f"{_WITHOUT if losses is None else ''}"
            )
        scorers = resolve_scorers(model, self.scoring)
        return estimate_performance(losses, self.baseline_.reference, model, X, scorers)


_WITHOUT = (
    "fit learned nothing for it; it takes a classifier or a regressor, labels, "
    "performance='auto', and a cv that is not None (or a calibration set)"
)
