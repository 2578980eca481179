"""Rules of the wrapper's parameters, checked once, in `fit`."""

from __future__ import annotations

import numbers
from collections.abc import Iterable, Mapping
from typing import Any

from skdrift._core.checks import check_at_least, check_policy, check_share
from skdrift.estimator._learning import is_judged, is_prefit
from skdrift.estimator._looking import LEAST_ROWS
from skdrift.estimator._reacting import POLICIES
from skdrift.estimator._rejecting import REJECTING, check_rejection
from skdrift.exceptions import EstimatorError, ParameterError
from skdrift.guards._novelty import resolve_detector

LEAST_REFERENCE = 100


def check_parameters(params: Mapping[str, Any]) -> None:
    """Refuse parameters that break their rules.

    Raises
    ------
    ParameterError
        If one does.
    EstimatorError
        If `estimator` or `fallback` is no estimator.
    """
    estimator = params["estimator"]
    if isinstance(estimator, type) or not hasattr(estimator, "fit"):
        raise EstimatorError(
            "estimator must be an instance of a scikit-learn estimator, got "
            f"{estimator!r:.100}; derive it from sklearn.base.BaseEstimator"
        )
    if not hasattr(estimator, "__sklearn_tags__"):
        raise EstimatorError(
            f"estimator {type(estimator).__name__} has no scikit-learn tags; "
            "derive it from sklearn.base.BaseEstimator"
        )
    check_share("alpha", params["alpha"])
    check_share("min_effect", params["min_effect"], zero=True)
    check_share("stable_bound", params["stable_bound"])
    check_policy("on_invalid", params["on_invalid"], (*POLICIES, *REJECTING))
    check_policy("on_shift", params["on_shift"], POLICIES)
    check_at_least("max_check_rows", params["max_check_rows"], LEAST_ROWS)
    check_at_least("min_category_count", params["min_category_count"], 1)
    check_cv_argument(params["cv"])
    performance = params["performance"]
    if not (performance is None or performance == "auto"):
        raise ParameterError(
            f"performance must be 'auto' or None, got {performance!r:.100}"
        )
    if params["keep_reference"] is not None:
        _check_keep_reference(estimator, params)
    if params["max_invalid_share"] is not None:
        check_share("max_invalid_share", params["max_invalid_share"], zero=True)
    if params["novelty"] is not None:
        resolve_detector(params["novelty"], 0)
    check_rejection(estimator, params, is_judged(estimator))


def _check_keep_reference(estimator: Any, params: Mapping[str, Any]) -> None:
    check_at_least("keep_reference", params["keep_reference"], LEAST_REFERENCE)
    why = ""
    if params["performance"] is None:
        why = "performance=None: set performance='auto'"
    elif params["cv"] is None and not is_prefit(estimator, None):
        why = "cv=None: set a number of folds"
    elif not is_judged(estimator):
        why = f"{type(estimator).__name__}, which is no classifier and no regressor"
    if why:
        raise ParameterError(
            "keep_reference needs out-of-fold answers for the rows that it keeps, got "
            f"{why}, or set keep_reference=None"
        )


def check_cv_argument(cv: Any) -> None:
    """Refuse what is no rule for folds.

    Raises
    ------
    ParameterError
        If `cv` breaks its rule.
    """
    if isinstance(cv, numbers.Integral) and not isinstance(cv, bool):
        right = int(cv) >= 2
    elif isinstance(cv, str):
        right = cv == "prefit"
    else:
        right = cv is None or hasattr(cv, "split") or isinstance(cv, Iterable)
    if not right:
        raise ParameterError(
            "cv must be an integer of at least 2, a splitter, an iterable of splits, "
            f"'prefit' or None, got {cv!r:.100}"
        )
