"""What a wrapper hands on to its estimator as it is."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from inspect import Parameter, signature
from typing import Any

from sklearn.base import BaseEstimator, MetaEstimatorMixin
from sklearn.utils import get_tags
from sklearn.utils.metaestimators import available_if

from skdrift.estimator._progress import CallbackSupportMixin
from skdrift.estimator._routing import route_answer
from skdrift.exceptions import NotFittedError


def delegates(method: str) -> Callable[[Any], bool]:
    """Whether the wrapped estimator has a method; raises its own AttributeError."""

    def check(self: Any) -> bool:
        getattr(getattr(self, "estimator_", self.estimator), method)
        return True

    return check


class DelegatingEstimator(CallbackSupportMixin, MetaEstimatorMixin, BaseEstimator):
    """Methods, attributes and tags of `estimator`, which `fit` sets as `estimator_`."""

    estimator: Any
    estimator_: Any

    @available_if(delegates("inverse_transform"))
    def inverse_transform(self, X: Any, **params: Any) -> Any:
        """Inverse transform of the wrapped estimator; the input is not looked at."""
        return self._fitted().inverse_transform(X, **params)

    @available_if(delegates("score_samples"))
    def score_samples(self, X: Any, **params: Any) -> Any:
        """Score of each row by the wrapped estimator; the input is not looked at."""
        return self._fitted().score_samples(X, **params)

    @available_if(delegates("score"))
    def score(self, X: Any, y: Any = None, **params: Any) -> Any:
        """Score of the wrapped estimator; the input is not looked at.

        Invalid rows are scored too; see `selective_score`.

        Parameters
        ----------
        X : table of shape (n_rows, n_features)
        y : array-like of shape (n_rows,) or (n_rows, n_outputs), or None
        **params
            Passed on to the wrapped estimator's `score`.

        Returns
        -------
        float
        """
        model = self._fitted()
        params = route_answer(self, "score", params)
        return model.score(X, **params) if y is None else model.score(X, y, **params)

    @available_if(delegates("get_feature_names_out"))
    def get_feature_names_out(self, *args: Any, **kwargs: Any) -> Any:
        """Names of the columns that `transform` gives."""
        return self._fitted().get_feature_names_out(*args, **kwargs)

    @available_if(delegates("set_output"))
    def set_output(self, *, transform: Any = None) -> Any:
        """Set the container that `transform` gives, as in scikit-learn."""
        self.estimator.set_output(transform=transform)
        if hasattr(self, "estimator_"):
            self.estimator_.set_output(transform=transform)
        return self

    @property
    def classes_(self) -> Any:
        """Labels of the classes."""
        return self.estimator_.classes_

    @property
    def labels_(self) -> Any:
        """Cluster of each training row."""
        return self.estimator_.labels_

    @property
    def offset_(self) -> Any:
        """Threshold of an outlier detector."""
        return self.estimator_.offset_

    def _fitted(self) -> Any:
        if not hasattr(self, "estimator_"):
            raise NotFittedError(
                f"This {type(self).__name__} instance is not fitted yet. Call 'fit' "
                "with appropriate arguments before using this estimator."
            )
        return self.estimator_

    def __setstate__(self, state: dict[str, Any]) -> None:
        # What was saved before a parameter came has its default.
        defaults = {
            name: parameter.default
            for name, parameter in signature(type(self).__init__).parameters.items()
            if parameter.default is not Parameter.empty
        }
        super().__setstate__({**defaults, **state})

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        inner = get_tags(self.estimator)
        for part in (
            "estimator_type",
            "target_tags",
            "transformer_tags",
            "classifier_tags",
            "regressor_tags",
            "input_tags",
            "no_validation",
            "non_deterministic",
        ):
            setattr(tags, part, deepcopy(getattr(inner, part)))
        return tags
