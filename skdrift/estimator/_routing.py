"""Who asked for which argument of `fit`, with metadata routing on and off."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sklearn
from sklearn.utils.metadata_routing import (
    MetadataRouter,
    MethodMapping,
    get_routing_for_object,
    process_routing,
)

from skdrift.performance._cross_validation import Scorer
from skdrift.performance._recorded import OwnScore

Params = Mapping[str, Any]
OWN = ("groups", "time")


def routing_enabled() -> bool:
    """Whether scikit-learn's metadata routing is switched on."""
    return bool(sklearn.get_config()["enable_metadata_routing"])


def router_of(
    owner: Any, methods: Sequence[str], scorers: Mapping[str, Scorer]
) -> MetadataRouter:
    """Router of a wrapper: to its estimator, and from `fit` to each scorer."""
    router = MetadataRouter(owner=owner).add_self_request(owner)
    mapping = MethodMapping()
    for method in methods:
        mapping.add(caller=method, callee=method)
    scoring = MethodMapping().add(caller="fit", callee="score")
    for name, scorer in scorers.items():
        if isinstance(scorer, OwnScore):
            mapping.add(caller="fit", callee="score")
        else:
            router.add(method_mapping=scoring, **{_key(name): scorer})
    return router.add(estimator=owner.estimator, method_mapping=mapping)


def route_fit(
    owner: Any,
    method: str,
    params: Params,
    *,
    groups: Any,
    time: Any,
    scorers: Mapping[str, Scorer],
) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """Arguments of the estimator's own `method`, and of each scorer by its name.

    Without metadata routing the estimator gets all of them, the scorers none, and
    `groups` and `time` are handed on only to an estimator that asks for them (a
    search over folds of whole groups).
    """
    for name, value in (("groups", groups), ("time", time)):
        if value is not None and (routing_enabled() or _asks(owner.estimator, name)):
            params = {**params, name: value}
    if not params or not routing_enabled():
        return dict(params), {}
    routed = process_routing(owner, method, **params)
    for_scorers = {
        name: routed.estimator if isinstance(scorer, OwnScore) else routed[_key(name)]
        for name, scorer in scorers.items()
    }
    return dict(routed.estimator[method]), {
        name: dict(part.get("score", {})) for name, part in for_scorers.items()
    }


def route_answer(owner: Any, method: str, params: Params) -> dict[str, Any]:
    """Arguments of the estimator's own `method`, for one that answers."""
    if not params or not routing_enabled():
        return dict(params)
    return dict(process_routing(owner, method, **params).estimator[method])


def fold_fit_params(model: Any, params: Params) -> Params:
    """Arguments of a fold's `fit`: of a search, what it hands on to its estimator."""
    if not params or not hasattr(model, "best_estimator_"):
        return params
    if routing_enabled():
        return dict(process_routing(model, "fit", **params).estimator.fit)
    return {name: value for name, value in params.items() if name not in OWN}


def _key(scorer: str) -> str:
    return f"scorer {scorer}"


def _asks(estimator: Any, name: str) -> bool:
    try:
        request = get_routing_for_object(estimator)
    except NotImplementedError:  # how scikit-learn's AdaBoost says that it has none
        return False
    return name in request.consumes("fit", [name])
