"""`DriftAwareEstimator`: any estimator, and what it was trained on."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, MetaEstimatorMixin, clone
from sklearn.utils import check_random_state, get_tags
from sklearn.utils.metadata_routing import MetadataRouter
from sklearn.utils.metaestimators import available_if

from skdrift._core.checks import check_at_least, check_policy, check_share
from skdrift._core.frame import read_table
from skdrift._core.result import Finding, ScoreExpectation
from skdrift.estimator._baseline import Baseline
from skdrift.estimator._learning import (
    PassSettings,
    assemble_baseline,
    check_cv_argument,
    check_prefit,
    is_judged,
    is_prefit,
    plan_splits,
    reference_profile,
    run_pass,
)
from skdrift.estimator._looking import LEAST_ROWS, SCORE_SHARE, LookSettings, look
from skdrift.estimator._progress import (
    CallbackSupportMixin,
    FitProgress,
    with_callbacks,
)
from skdrift.estimator._reacting import POLICIES, react
from skdrift.estimator._routing import route_answer, route_fit, router_of
from skdrift.exceptions import EstimatorError, NotFittedError
from skdrift.guards._flagging import flags_of
from skdrift.guards._flags import Flags
from skdrift.performance._cross_validation import Scorer, resolve_scorers
from skdrift.performance._realised import realised_scores, score_findings
from skdrift.report import DriftReport

ANSWERS = (
    "predict",
    "predict_proba",
    "predict_log_proba",
    "decision_function",
    "transform",
)
"""Methods that look at their input and take ``return_report``."""


def _delegates(method: str) -> Callable[[Any], bool]:
    """Whether the wrapped estimator has a method; raises its own AttributeError."""

    def check(self: Any) -> bool:
        getattr(getattr(self, "estimator_", self.estimator), method)
        return True

    return check


class DriftAwareEstimator(CallbackSupportMixin, MetaEstimatorMixin, BaseEstimator):
    """Wrap an estimator so that it knows what it was trained on.

    `fit` fits the estimator on all rows, captures the statistics of the training
    features, and runs one cross-validation pass for the score to expect. Every
    answer is the wrapped estimator's own, bit for bit; beside it the input is
    looked at, and a warning (or an error, or a callback) says when it is not like
    the training data.

    Parameters
    ----------
    estimator : estimator object
        Any scikit-learn estimator: classifier, regressor, transformer, clusterer,
        outlier detector, pipeline or search. A `FrozenEstimator` is not fitted
        again: what `fit` is given is then a calibration set.
    cv : int, cross-validation generator, iterable, "prefit" or None, default=5
        Folds of the pass over the training rows, as in `cross_validate`; together
        with `groups` an integer means folds of whole groups. None: no pass, features
        alone. ``"prefit"``: the estimator is fitted already; X and y are a
        calibration set. Only classifiers and regressors have a pass.
    scoring : str, callable, list, tuple, dict or None, default=None
        Scorers of the pass. None: the estimator's own `score`.
    categorical_features : "from_dtype", None or array-like, default="from_dtype"
        Which columns are categories: texts and what the table calls categorical, and
        besides the columns named here (names, positions or a mask).
    alpha : float, default=0.01
        Probability of an alarm for a whole batch (30 rows or more, any number of
        columns) that is distributed like training.
    min_effect : float, default=0.01
        Differences up to this size, in probability mass, are tolerated.
    stable_bound : float, default=0.1
        A column is called stable when it is shown to have moved by less than this
        (Kolmogorov–Smirnov distance).
    on_invalid : {"warn", "raise", "ignore"} or callable, default="warn"
        What to do when rows hold values that training never had, or columns are
        missing or of another type. A callable is given the report.
    on_shift : {"warn", "raise", "ignore"} or callable, default="warn"
        What to do when the batch is not distributed like training.
    max_check_rows : int, default=10_000
        Rows (a systematic sample) that `predict` and its kin compare with training;
        `check` compares all of them.
    min_category_count : int, default=1
        Categories that occur less often in training are kept as a salted hash
        instead of their name.
    n_jobs : int or None, default=None
        Folds fitted side by side.
    random_state : int, RandomState instance or None, default=0
        For the random blocks of held-out rows behind the interval of a score.

    Attributes
    ----------
    estimator_ : estimator
        The fitted estimator.
    baseline_ : Baseline
        What `fit` learned; it holds no row of the training data.
    n_features_in_ : int
        Number of columns seen by `fit`.
    feature_names_in_ : ndarray of str of shape (n_features,)
        Names of the columns, where all of them are texts.
    classes_ : ndarray of shape (n_classes,)
        Labels of the classes, where the wrapped estimator has them.

    See Also
    --------
    skdrift.dump : Save a fitted model, baseline included.
    skdrift.Profile : Counts of a set of rows.

    Notes
    -----
    The rows of a batch are taken as independent. Looking at the input never makes an
    answer fail, unless a policy is ``"raise"`` or a callable raises.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skdrift import DriftAwareEstimator
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(1000, 3))
    >>> y = (X[:, 0] > 0).astype(int)
    >>> model = DriftAwareEstimator(LogisticRegression()).fit(X, y)
    >>> model.check(rng.normal(size=(500, 3))).ok
    True
    >>> model.check(rng.normal(1.0, 1.0, size=(500, 3))).ok
    False
    """

    _doc_link_module = "skdrift"
    __metadata_request__fit = {"groups": True}
    __metadata_request__predict = {"return_report": True}
    __metadata_request__predict_proba = {"return_report": True}
    __metadata_request__predict_log_proba = {"return_report": True}
    __metadata_request__decision_function = {"return_report": True}
    __metadata_request__transform = {"return_report": True}

    def __init__(
        self,
        estimator: Any,
        *,
        cv: Any = 5,
        scoring: Any = None,
        categorical_features: Any = "from_dtype",
        alpha: float = 0.01,
        min_effect: float = 0.01,
        stable_bound: float = 0.1,
        on_invalid: Any = "warn",
        on_shift: Any = "warn",
        max_check_rows: int = 10_000,
        min_category_count: int = 1,
        n_jobs: int | None = None,
        random_state: Any = 0,
    ) -> None:
        self.estimator = estimator
        self.cv = cv
        self.scoring = scoring
        self.categorical_features = categorical_features
        self.alpha = alpha
        self.min_effect = min_effect
        self.stable_bound = stable_bound
        self.on_invalid = on_invalid
        self.on_shift = on_shift
        self.max_check_rows = max_check_rows
        self.min_category_count = min_category_count
        self.n_jobs = n_jobs
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None, *, groups: Any = None, **params: Any) -> Any:
        """Fit the estimator, and learn what it was trained on.

        Parameters
        ----------
        X : table of shape (n_rows, n_features)
        y : array-like of shape (n_rows,) or (n_rows, n_outputs), or None
        groups : array-like of shape (n_rows,) or None
            Blocks of rows (days, sessions, sites) that a fold must not split.
        **params
            Passed on to the estimator's `fit`; with metadata routing, to whoever
            requested them.

        Returns
        -------
        self

        Raises
        ------
        ParameterError
            If a parameter breaks its rule.
        EstimatorError
            If `estimator` is no estimator.
        InputError, InputTypeError
            If `X` is no table, or a column cannot be read.
        """
        self._fit("fit", X, y, groups, params)
        return self

    @available_if(_delegates("fit_predict"))
    def fit_predict(self, X: Any, y: Any = None, **params: Any) -> Any:
        """Fit, and answer for the training rows, as the wrapped estimator does."""
        return self._fit("fit_predict", X, y, None, params)

    @available_if(_delegates("fit_transform"))
    def fit_transform(self, X: Any, y: Any = None, **params: Any) -> Any:
        """Fit, and transform the training rows, as the wrapped estimator does."""
        return self._fit("fit_transform", X, y, None, params)

    @with_callbacks
    def _fit(self, method: str, X: Any, y: Any, groups: Any, params: Any) -> Any:
        self._check_parameters()
        fit_params, score_params = route_fit(
            self, method, params, groups=groups, scorers=self._pass_scorers()
        )
        settings = PassSettings(
            cv=self.cv,
            scoring=self.scoring,
            groups=groups,
            fit_params=fit_params if method == "fit" else {},
            score_params=score_params,
            n_jobs=self.n_jobs,
            seed=int(check_random_state(self.random_state).randint(2**31 - 1)),
        )
        splits, reason = plan_splits(self.estimator, X, y, settings)
        progress = FitProgress(self, len(splits), X, y)
        # Before the model sees the rows: some estimators change them in place.
        reference = reference_profile(
            X,
            categorical_features=self.categorical_features,
            min_category_count=self.min_category_count,
        )
        prefit = is_prefit(self.estimator, self.cv)
        model = self.estimator if prefit else clone(self.estimator)
        if prefit:
            check_prefit(model)
        with progress.model(model):
            answer = _fit_model(model, method, X, y, fit_params, prefit=prefit)
        if isinstance(reference, Exception):
            raise reference
        results, pass_name = run_pass(model, X, y, splits, settings, progress.fold_done)
        baseline = assemble_baseline(
            model, reference, results, settings, pass_name=pass_name, reason=reason
        )
        self._keep(model, baseline)
        progress.done()
        return answer

    def _keep(self, model: Any, baseline: Baseline) -> None:
        """Set every fitted attribute, at once and last."""
        grid = baseline.reference.grid
        self.__dict__.pop("feature_names_in_", None)
        self.estimator_ = model
        self.baseline_ = baseline
        self.n_features_in_ = getattr(model, "n_features_in_", grid.n_features)
        if grid.names is not None:
            self.feature_names_in_ = np.array(grid.names, dtype=object)

    def _check_parameters(self) -> None:
        estimator = self.estimator
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
        check_share("alpha", self.alpha)
        check_share("min_effect", self.min_effect, zero=True)
        check_share("stable_bound", self.stable_bound)
        check_policy("on_invalid", self.on_invalid, POLICIES)
        check_policy("on_shift", self.on_shift, POLICIES)
        check_at_least("max_check_rows", self.max_check_rows, LEAST_ROWS)
        check_at_least("min_category_count", self.min_category_count, 1)
        check_cv_argument(self.cv)

    def get_metadata_routing(self) -> MetadataRouter:
        """Metadata routing of this object.

        Returns
        -------
        MetadataRouter
        """
        methods = ("fit", "fit_predict", "fit_transform", *ANSWERS, "score")
        return router_of(self, methods, self._pass_scorers())

    def _pass_scorers(self) -> dict[str, Scorer]:
        if self.cv is None or not is_judged(self.estimator):
            return {}
        return resolve_scorers(self.estimator, self.scoring)

    @available_if(_delegates("predict"))
    def predict(self, X: Any, *, return_report: bool = False, **params: Any) -> Any:
        """Answer as the wrapped estimator does, and look at the input.

        Parameters
        ----------
        X : table of shape (n_rows, n_features)
        return_report : bool, default=False
            Whether to return the report as well.
        **params
            Passed on to the wrapped estimator's method.

        Returns
        -------
        answer : ndarray
            What the wrapped estimator returns, bit for bit.
        report : DriftReport
            Only if `return_report`.

        Raises
        ------
        NotFittedError
            Before `fit`.
        InvalidInputError, DriftError
            If `on_invalid` or `on_shift` is ``"raise"`` and there is a reason; the
            error holds the report.

        Warns
        -----
        InvalidInputWarning, DriftWarning
            At most one warning for each call.
        """
        return self._answer("predict", X, return_report, params)

    @available_if(_delegates("predict_proba"))
    def predict_proba(
        self, X: Any, *, return_report: bool = False, **params: Any
    ) -> Any:
        """Class probabilities of the wrapped estimator; see `predict`."""
        return self._answer("predict_proba", X, return_report, params)

    @available_if(_delegates("predict_log_proba"))
    def predict_log_proba(
        self, X: Any, *, return_report: bool = False, **params: Any
    ) -> Any:
        """Logarithms of class probabilities; see `predict`."""
        return self._answer("predict_log_proba", X, return_report, params)

    @available_if(_delegates("decision_function"))
    def decision_function(
        self, X: Any, *, return_report: bool = False, **params: Any
    ) -> Any:
        """Decision function of the wrapped estimator; see `predict`."""
        return self._answer("decision_function", X, return_report, params)

    @available_if(_delegates("transform"))
    def transform(
        self, X: Any, y: Any = None, *, return_report: bool = False, **params: Any
    ) -> Any:
        """Transform as the wrapped estimator does; see `predict`.

        Labels are for those few that transform them as well (`CCA` and its kin).
        """
        return self._answer("transform", X, return_report, params, y)

    @available_if(_delegates("inverse_transform"))
    def inverse_transform(self, X: Any, **params: Any) -> Any:
        """Inverse transform of the wrapped estimator; the input is not looked at."""
        return self._fitted().inverse_transform(X, **params)

    @available_if(_delegates("score_samples"))
    def score_samples(self, X: Any, **params: Any) -> Any:
        """Score of each row by the wrapped estimator; the input is not looked at."""
        return self._fitted().score_samples(X, **params)

    @available_if(_delegates("score"))
    def score(self, X: Any, y: Any = None, **params: Any) -> Any:
        """Score of the wrapped estimator; the input is not looked at.

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

    @available_if(_delegates("get_feature_names_out"))
    def get_feature_names_out(self, *args: Any, **kwargs: Any) -> Any:
        """Names of the columns that `transform` gives."""
        return self._fitted().get_feature_names_out(*args, **kwargs)

    @available_if(_delegates("set_output"))
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

    def _answer(
        self,
        method: str,
        X: Any,
        return_report: bool,
        params: dict[str, Any],
        y: Any = None,
    ) -> Any:
        model = self._fitted()
        params = route_answer(self, method, params)
        if y is not None:
            params["y"] = y
        report = None
        if return_report or not self.on_invalid == "ignore" == self.on_shift:
            settings = replace(self._look_settings(), max_rows=self.max_check_rows)
            # Before the model sees the rows: some estimators change them in place.
            report = look(self.baseline_, X, settings, brief=not return_report)
        answer = getattr(model, method)(X, **params)
        if report is not None:
            react(report, on_invalid=self.on_invalid, on_shift=self.on_shift)
        return (answer, report) if return_report else answer

    def _look_settings(self) -> LookSettings:
        return LookSettings(
            alpha=self.alpha,
            min_effect=self.min_effect,
            stable_bound=self.stable_bound,
            max_rows=None,
            estimator=type(self.estimator_).__name__,
        )

    def check(self, X: Any, y: Any = None) -> DriftReport:
        """Look at a batch: all rows, and with labels the realised score.

        Parameters
        ----------
        X : table of shape (n_rows, n_features)
        y : array-like of shape (n_rows,) or (n_rows, n_outputs), or None
            Labels, where they have arrived.

        Returns
        -------
        DriftReport
            ``report.ok`` is false if anything is an alarm; ``report.findings`` says
            what. Neither policies nor warnings apply.

        Raises
        ------
        NotFittedError
            Before `fit`.
        InputError, InputTypeError
            If `X` is no table.
        """
        model = self._fitted()
        scores: list[ScoreExpectation] = []
        findings: list[Finding] = []
        if y is not None:
            scores = realised_scores(
                self.baseline_.scores,
                resolve_scorers(model, self.scoring),
                model,
                X,
                y,
            )
            findings = score_findings(scores, alpha=self.alpha, share=SCORE_SHARE)
        report = look(
            self.baseline_,
            X,
            self._look_settings(),
            brief=False,
            must_read=True,
            scores=scores,
            score_findings=findings,
        )
        assert report is not None
        return report

    def flag(self, X: Any) -> Flags:
        """Which cells hold what training never had.

        Parameters
        ----------
        X : table of shape (n_rows, n_features)

        Returns
        -------
        Flags
            ``flags.codes`` has one small integer for each cell, 0 where nothing is
            wrong; ``flags.rows()`` is the mask of flagged rows.

        Raises
        ------
        NotFittedError
            Before `fit`.
        InputError, InputTypeError
            If `X` is no table.
        """
        self._fitted()
        return flags_of(read_table(X, strict=False), self.baseline_.reference)

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


def _fit_model(
    model: Any, method: str, X: Any, y: Any, params: dict[str, Any], *, prefit: bool
) -> Any:
    if prefit:
        answer = method.removeprefix("fit_")
        return None if answer == "fit" else getattr(model, answer)(X)
    fit = getattr(model, method)
    alone = y is None and not get_tags(model).target_tags.required
    return fit(X, **params) if alone else fit(X, y, **params)
