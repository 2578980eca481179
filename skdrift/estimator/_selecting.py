"""Scores of a wrapper's estimator on the rows that it is let to answer."""

from __future__ import annotations

from typing import Any

import numpy as np

from skdrift.estimator._baseline import Baseline
from skdrift.estimator._delegating import DelegatingEstimator
from skdrift.estimator._invalid_rows import find_invalid_rows
from skdrift.exceptions import ParameterError
from skdrift.guards import Flags
from skdrift.performance._cross_validation import Scorer, resolve_scorers
from skdrift.performance._realised import check_rows
from skdrift.performance._selective import (
    CoverageScores,
    SelectiveScore,
    scores_at_coverage,
    selective_score,
    single_scorer,
)


class SelectiveScoring(DelegatingEstimator):
    """Scores on rows chosen by their flags or by how novel they are."""

    scoring: Any
    novelty: Any
    baseline_: Baseline

    def flag(self, X: Any) -> Flags:
        """Which cells hold what training never had."""
        raise NotImplementedError

    def selective_score(self, X: Any, y: Any, *, scoring: Any = None) -> SelectiveScore:
        """Score the wrapped estimator on valid rows, on invalid ones, and on all.

        Parameters
        ----------
        X : table of shape (n_rows, n_features)
        y : array-like of shape (n_rows,) or (n_rows, n_outputs)
        scoring : str, callable or None, default=None
            A single scorer. None: that of the constructor.

        Returns
        -------
        SelectiveScore
            ``coverage`` is the share of valid rows, ``accepted`` the score on them.

        Raises
        ------
        NotFittedError
            Before `fit`.
        InputError, InputTypeError
            If `X` is no table, or `y` has another number of rows.
        ParameterError
            If there is no scorer or more than one.
        """
        name, scorer = self._single_scorer(scoring)
        check_rows(X, y)
        invalid = find_invalid_rows(X, self.baseline_.reference)
        return selective_score(name, scorer, self.estimator_, X, y, ~invalid.mask)

    def score_at_coverage(
        self, X: Any, y: Any, coverages: Any, *, scoring: Any = None
    ) -> CoverageScores:
        """Score the wrapped estimator on ever more rows, the least novel first.

        Parameters
        ----------
        X : table of shape (n_rows, n_features)
        y : array-like of shape (n_rows,) or (n_rows, n_outputs)
        coverages : array-like of float of shape (k,)
            Shares of the rows, in (0, 1]. Rows are accepted by their novelty p-value,
            the largest first; invalid rows come last, ties in their order.
        scoring : str, callable or None, default=None
            A single scorer. None: that of the constructor.

        Returns
        -------
        CoverageScores

        Raises
        ------
        NotFittedError
            Before `fit`.
        InputError, InputTypeError
            If `X` is no table, or `y` has another number of rows.
        ParameterError
            If the model was fitted without `novelty`, a coverage is outside (0, 1],
            or there is no scorer or more than one.
        """
        name, scorer = self._single_scorer(scoring)
        check_rows(X, y)
        flags = self.flag(X)
        if flags.pvalues is None:
            raise ParameterError(
                "score_at_coverage needs a model that was fitted with novelty, got "
                f"novelty={self.novelty!r:.100}: set it to 'isolation_forest' and fit"
            )
        order = np.lexsort((-flags.pvalues, flags.rows()))
        return scores_at_coverage(name, scorer, self.estimator_, X, y, order, coverages)

    def _single_scorer(self, scoring: Any) -> tuple[str, Scorer]:
        model = self._fitted()
        chosen = self.scoring if scoring is None else scoring
        return single_scorer(resolve_scorers(model, chosen))
