"""Policies that keep invalid rows from the model, and what `fit` learns for them."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import scipy.sparse
from sklearn.base import clone, is_classifier
from sklearn.utils.validation import has_fit_parameter

from skdrift._core.rows import take_rows
from skdrift.estimator._answering import abstention, emptied, fallback_answer
from skdrift.estimator._learning import check_prefit, is_prefit
from skdrift.exceptions import EstimatorError, NotFittedError, ParameterError
from skdrift.performance._cross_validation import FOLD_ERRORS, n_rows_of

REJECTING = ("abstain", "fallback")
REJECTABLE = ("predict", "predict_proba", "predict_log_proba", "decision_function")
"""Methods whose answer for invalid rows is not the model's."""


def is_rejecting(policy: Any) -> bool:
    """Whether a policy keeps invalid rows from the model."""
    return isinstance(policy, str) and policy in REJECTING


def learn_rejection(
    params: Mapping[str, Any],
    model: Any,
    X: Any,
    y: Any,
    fit_params: Mapping[str, Any],
) -> dict[str, Any]:
    """Fitted attributes that answer invalid rows, by name.

    Parameters
    ----------
    params : mapping
        Parameters of the wrapper.
    model : estimator
        Fitted.
    X, y
        What it was fitted on.
    fit_params : mapping
        What else its `fit` was given.

    Raises
    ------
    ParameterError
        If an abstaining classifier has no labels for the class priors.
    NotFittedError
        If a fallback that is said to be fitted is not.
    """
    if not is_rejecting(params["on_invalid"]):
        return {}
    learned: dict[str, Any] = {"empty_answers_": empty_answers(model, X)}
    weights = fit_params.get("sample_weight")
    if params["on_invalid"] == "fallback":
        prefit = is_prefit(params["fallback"], params["cv"])
        learned["fallback_"] = _fitted_fallback(
            params["fallback"], X, y, weights, prefit=prefit
        )
    elif is_classifier(model):
        learned["class_prior_"] = class_prior(model, y, weights)
    return learned


def _fitted_fallback(
    fallback: Any, X: Any, y: Any, weights: Any, *, prefit: bool
) -> Any:
    if prefit:
        check_prefit(fallback)
        return fallback
    use = weights is not None and has_fit_parameter(fallback, "sample_weight")
    return clone(fallback).fit(X, y, **({"sample_weight": weights} if use else {}))


def empty_answers(model: Any, X: Any) -> dict[str, Any]:
    """Answers for no row, by method: what is needed where every row is invalid.

    The shape and type of an answer are asked of the model itself, with two rows of
    training.
    """
    rows = take_rows(X, np.arange(min(2, n_rows_of(X))))
    found = {}
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for method in REJECTABLE:
            if not hasattr(model, method):
                continue
            try:
                found[method] = emptied(method, getattr(model, method)(rows))
            except FOLD_ERRORS:
                continue
    return found


def class_prior(model: Any, y: Any, weights: Any) -> Any:
    """Share of each class among the training rows.

    Returns
    -------
    ndarray of shape (n_classes,), or a list of them for several outputs
        In the order of ``classes_``. For labels as indicators ``[1 - share, share]``.

    Raises
    ------
    ParameterError
        If there are no labels, or none of a class that the model knows.
    """
    if y is None:
        raise ParameterError(
            "on_invalid='abstain' needs y, for the class priors that predict_proba "
            "gives for invalid rows, got None: pass y to fit"
        )
    labels = y.toarray() if scipy.sparse.issparse(y) else np.asarray(y)
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    known = getattr(model, "classes_", None)
    if labels.ndim == 1:
        classes = np.unique(labels) if known is None else known
        return _shares(labels, classes, weights)
    several = known if isinstance(known, list) else [np.arange(2)] * labels.shape[1]
    return [
        _shares(labels[:, output], classes, weights)
        for output, classes in enumerate(several)
    ]


def _shares(labels: np.ndarray, classes: Any, weights: Any) -> np.ndarray:
    distinct, inverse = np.unique(labels, return_inverse=True)
    summed = np.bincount(inverse, weights, minlength=len(distinct))
    by_label = dict(zip(distinct.tolist(), summed.tolist(), strict=True))
    found = np.array(
        [by_label.get(label, 0.0) for label in np.asarray(classes).tolist()]
    )
    if not found.sum() > 0:
        raise ParameterError(
            "on_invalid='abstain' needs labels of classes that the model knows "
            f"({np.asarray(classes).tolist()[:5]}), for the class priors, got y with "
            f"{distinct.tolist()[:5]}"
        )
    return np.asarray(found / found.sum())


def substitute_for(
    method: str, model: Any, params: Mapping[str, Any], learned: Mapping[str, Any]
) -> Callable[[Any, Any], Any]:
    """What answers invalid rows, given them and the model's answer for the others.

    Parameters
    ----------
    method : str
    model : estimator
        Fitted.
    params : mapping
        Parameters of the wrapper.
    learned : mapping
        Its fitted attributes.

    Raises
    ------
    NotFittedError
        If the policy was set after `fit`.
    ParameterError
        If it abstains, and what to say was taken away after `fit`.
    """
    policy, classifier = params["on_invalid"], is_classifier(model)
    needed = {"empty_answers_", "fallback_"}
    if policy == "abstain":
        needed = (
            {"empty_answers_", "class_prior_"} if classifier else {"empty_answers_"}
        )
        _check_abstain_value(params["abstain_value"], classifier)
    if not needed <= learned.keys():
        raise NotFittedError(
            f"on_invalid={policy!r} was set after fit, which learns what it needs: "
            "call fit again"
        )
    if policy == "fallback":
        return lambda X, known: fallback_answer(
            method, learned["fallback_"], model, X, known
        )
    return lambda X, known: abstention(
        method,
        known,
        n_rows_of(X),
        value=params["abstain_value"],
        prior=learned.get("class_prior_"),
    )


def check_rejection(estimator: Any, params: Mapping[str, Any], judged: bool) -> None:
    """Refuse policies that the estimator, the fallback or the abstention do not allow.

    Raises
    ------
    ParameterError, EstimatorError
    """
    policy = params["on_invalid"]
    if not is_rejecting(policy):
        return
    if not judged:
        raise ParameterError(
            f"on_invalid={policy!r} is for classifiers and regressors, got "
            f"{type(estimator).__name__}: use 'warn', 'raise', 'ignore' or a callable"
        )
    if policy == "abstain":
        _check_abstain_value(params["abstain_value"], is_classifier(estimator))
    else:
        _check_fallback(params["fallback"], estimator)


def _check_abstain_value(value: Any, classifier: bool) -> None:
    if classifier and value is None:
        raise ParameterError(
            "on_invalid='abstain' needs the label that predict gives for invalid rows "
            "of a classifier, got abstain_value=None: pass a class that it knows or a "
            "new label, such as abstain_value='unknown' or -1"
        )
    number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    if not classifier and value is not None and not number:
        raise ParameterError(
            "abstain_value of a regressor must be a number or None (NaN), got "
            f"{value!r:.100}"
        )
    if not isinstance(value, str | bytes) and np.ndim(value) > 0:
        raise ParameterError(
            f"abstain_value must be a single label, got {value!r:.100}; it stands for "
            "each output"
        )


def _check_fallback(fallback: Any, estimator: Any) -> None:
    if fallback is None:
        raise ParameterError(
            "on_invalid='fallback' needs a model that answers invalid rows, got "
            "fallback=None: pass an estimator that can, such as "
            "make_pipeline(SimpleImputer(), model) or DummyRegressor()"
        )
    usable = not isinstance(fallback, type) and hasattr(fallback, "predict")
    if not usable or not hasattr(fallback, "__sklearn_tags__"):
        raise EstimatorError(
            "fallback must be an instance of a scikit-learn estimator with predict, "
            f"got {fallback!r:.100}; derive it from sklearn.base.BaseEstimator"
        )
    if is_classifier(fallback) != is_classifier(estimator):
        kind = "classifier" if is_classifier(estimator) else "regressor"
        raise EstimatorError(
            f"fallback must be a {kind} as the estimator "
            f"{type(estimator).__name__} is, got {type(fallback).__name__}"
        )
