"""`DriftAwareEstimator`: any estimator, and what it was trained on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.base import clone, is_classifier
from sklearn.utils import check_random_state
from sklearn.utils.metadata_routing import MetadataRouter
from sklearn.utils.metaestimators import available_if

from skdrift._core.frame import read_table
from skdrift.estimator._answering import answer_around
from skdrift.estimator._baseline import Baseline
from skdrift.estimator._by_blocks import plan_passes, run_passes
from skdrift.estimator._decomposing import ScoreDecomposing
from skdrift.estimator._delegating import delegates
from skdrift.estimator._invalid_rows import (
    InvalidRows,
    find_invalid_rows,
    too_many_invalid,
    with_rejected,
)
from skdrift.estimator._label_shifting import explanation
from skdrift.estimator._learning import (
    PassSettings,
    assemble_baseline,
    check_prefit,
    fit_model,
    is_judged,
    is_prefit,
    learn_blocks,
    learn_joint,
    learn_novelty,
    reference_profile,
)
from skdrift.estimator._learning_losses import code_rows, learn_expected
from skdrift.estimator._looking import LookSettings, Seen, look
from skdrift.estimator._model_answers import Answers, ask, given
from skdrift.estimator._parameters import check_parameters
from skdrift.estimator._progress import FitProgress, with_callbacks
from skdrift.estimator._reacting import react
from skdrift.estimator._rejecting import (
    REJECTABLE,
    is_rejecting,
    learn_rejection,
    substitute_for,
)
from skdrift.estimator._routing import route_answer, route_fit, router_of
from skdrift.estimator._scoring import ScoredBatch, score_batch
from skdrift.estimator._timing import given_time, learn_times
from skdrift.guards._flagging import flags_of
from skdrift.guards._flags import Flags
from skdrift.guards._novelty import novelty_pvalues
from skdrift.performance._cross_validation import Scorer, resolve_scorers
from skdrift.report import DriftReport
from skdrift.shift import group_codes

ANSWERS = (
    "predict",
    "predict_proba",
    "predict_log_proba",
    "decision_function",
    "transform",
)
"""Methods that look at their input and take ``return_report``."""


LEARNED_ON_REQUEST = ("class_prior_", "empty_answers_", "fallback_", "novelty_")
"""Fitted attributes that not every model has."""


class DriftAwareEstimator(ScoreDecomposing):
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
        calibration set. Only classifiers and regressors have a pass. If folds of a
        generator or iterable part the blocks of `blocks`, a second pass by whole
        blocks says by how much the score is too good.
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
    blocks : "auto", int or None, default="auto"
        What the level of an alarm counts. ``"auto"``: the `groups` given to `fit`, if
        they differ more than independent rows would; without `groups` pieces of the
        row order, if rows depend on their neighbours; else rows. An integer: so many
        pieces of the row order. None: rows.
    stable_bound : float, default=0.1
        A column is called stable when it is shown to have moved by less than this
        (Kolmogorov–Smirnov distance).
    on_invalid : {"warn", "raise", "ignore", "abstain", "fallback"} or callable, \
default="warn"
        What to do when rows hold values that training never had, or columns are
        missing or of another type. A callable is given the report. ``"abstain"`` and
        ``"fallback"`` are for classifiers and regressors, and keep such rows from the
        model: they are answered by `abstain_value` or by `fallback`, all others by
        the model; nothing is warned of them, and the report says which they are.
        `transform` warns.
    on_shift : {"warn", "raise", "ignore"} or callable, default="warn"
        What to do when the batch is not distributed like training.
    fallback : estimator object or None, default=None
        What answers invalid rows under ``on_invalid="fallback"``. It is fitted with
        the rows of `fit`, unless it is a `FrozenEstimator` or ``cv="prefit"``.
    abstain_value : label, number or None, default=None
        What `predict` answers for invalid rows under ``on_invalid="abstain"``. A
        classifier needs one: a class or a new label. None is NaN for a regressor.
        `predict_proba` answers with the shares of the classes in training,
        `decision_function` with NaN.
    max_invalid_share : float or None, default=None
        Raise `InvalidInputError` when more than this share of a batch is invalid,
        whatever `on_invalid` says.
    novelty : {"isolation_forest"}, estimator object or None, default=None
        Detector of rows that are unlike training as a whole, for `flag`: an isolation
        forest, or an estimator with `score_samples` (lower = more novel). It gets
        numbers as they are (scale them in a pipeline where that matters), categories
        as their shares, texts as their lengths.
    performance : "auto" or None, default="auto"
        Whether `fit` learns from the pass what `estimate_score` needs: how right the
        model is given its output and the columns. None: the profile and the promised
        score alone.
    keep_reference : int or None, default=None
        How many training rows, drawn at random, `fit` keeps for `decompose` and
        `estimate_score`, with their labels and out-of-fold answers. **The model
        artifact then holds personal data if the training rows are such**: numbers in
        ranges of about a fiftieth of the rows, categories by their rank, labels as they
        are. Whoever has the file can say whether somebody was in training, and read
        their label; a row that has to be deleted has to be deleted there too. None: no
        row is kept.
    max_check_rows : int, default=10_000
        Rows (one at random of so many neighbours) that `predict` and its kin compare;
        `check` compares all of them.
    min_category_count : int, default=1
        Categories that occur less often in training are kept as a salted hash
        instead of their name.
    n_jobs : int or None, default=None
        Folds fitted side by side.
    random_state : int, RandomState instance or None, default=0
        For the random blocks of held-out rows behind the interval of a score, and for
        the isolation forest and the rows that calibrate it.

    Attributes
    ----------
    estimator_ : estimator
        The fitted estimator.
    baseline_ : Baseline
        What `fit` learned; it holds no row of the training data, unless
        `keep_reference` asks for it.
    n_features_in_ : int
        Number of columns seen by `fit`.
    feature_names_in_ : ndarray of str of shape (n_features,)
        Names of the columns, where all of them are texts.
    classes_ : ndarray of shape (n_classes,)
        Labels of the classes, where the wrapped estimator has them.
    fallback_ : estimator
        The fitted fallback, under ``on_invalid="fallback"``.
    class_prior_ : ndarray of shape (n_classes,), or list of them
        Shares of the classes in training, under ``on_invalid="abstain"``.
    empty_answers_ : dict of str to array or list of arrays
        By method the model's answer for no row, under either of them.
    novelty_ : RowNovelty
        The fitted detector, where `novelty` is given.

    See Also
    --------
    skdrift.dump : Save a fitted model, baseline included.
    skdrift.Profile : Counts of a set of rows.

    Notes
    -----
    Looking at the input
    never makes an answer fail, unless a policy is ``"raise"`` or a callable raises.

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
    __metadata_request__fit = {"groups": True, "time": True}
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
        blocks: Any = "auto",
        stable_bound: float = 0.1,
        on_invalid: Any = "warn",
        on_shift: Any = "warn",
        fallback: Any = None,
        abstain_value: Any = None,
        max_invalid_share: float | None = None,
        novelty: Any = None,
        performance: Any = "auto",
        keep_reference: int | None = None,
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
        self.blocks = blocks
        self.stable_bound = stable_bound
        self.on_invalid = on_invalid
        self.on_shift = on_shift
        self.fallback = fallback
        self.abstain_value = abstain_value
        self.max_invalid_share = max_invalid_share
        self.novelty = novelty
        self.performance = performance
        self.keep_reference = keep_reference
        self.max_check_rows = max_check_rows
        self.min_category_count = min_category_count
        self.n_jobs = n_jobs
        self.random_state = random_state

    def fit(
        self,
        X: Any,
        y: Any = None,
        *,
        groups: Any = None,
        time: Any = None,
        **params: Any,
    ) -> Any:
        """Fit the estimator, and learn what it was trained on.

        Parameters
        ----------
        X : table of shape (n_rows, n_features)
        y : array-like of shape (n_rows,) or (n_rows, n_outputs), or None
        groups : array-like of shape (n_rows,) or None
            Blocks of rows (days, sessions, sites) that a fold must not split, and
            that the level of an alarm counts; see `blocks`.
        time : str, array-like of shape (n_rows,) or None
            When each row is from: the name of a column of X, which is then not tested
            itself, or numbers or datetimes. Columns that move with time are allowed
            to have moved on by as much in a later batch; the order of rows is that
            of time, and so are the folds of an integer `cv`.
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
        self._fit("fit", X, y, groups, params, time)
        return self

    @available_if(delegates("fit_predict"))
    def fit_predict(self, X: Any, y: Any = None, **params: Any) -> Any:
        """Fit, and answer for the training rows, as the wrapped estimator does."""
        return self._fit("fit_predict", X, y, None, params)

    @available_if(delegates("fit_transform"))
    def fit_transform(self, X: Any, y: Any = None, **params: Any) -> Any:
        """Fit, and transform the training rows, as the wrapped estimator does."""
        return self._fit("fit_transform", X, y, None, params)

    @with_callbacks
    def _fit(
        self, method: str, X: Any, y: Any, groups: Any, params: Any, time: Any = None
    ) -> Any:
        check_parameters(self.get_params(deep=False))
        fit_params, score_params = route_fit(
            self,
            method,
            params,
            groups=groups,
            time=time,
            scorers=self._pass_scorers(),
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
        # Before the model sees the rows: some estimators change them in place.
        reference = reference_profile(
            X,
            categorical_features=self.categorical_features,
            min_category_count=self.min_category_count,
        )
        reference, times = learn_times(X, reference, time)
        blocks = learn_blocks(X, reference, groups, self.blocks, times)
        dependence = learn_joint(X, reference, blocks, times)
        plan = plan_passes(self.estimator, X, y, settings, blocks, times)
        progress = FitProgress(self, plan.n_folds, X, y)
        novelty = learn_novelty(self.novelty, X, reference, settings.seed)
        coded = code_rows(
            X, y, reference, plan.splits, settings, self.estimator, self.performance
        )
        prefit = is_prefit(self.estimator, self.cv)
        model = self.estimator if prefit else clone(self.estimator)
        if prefit:
            check_prefit(model)
        with progress.model(model):
            answer = fit_model(model, method, X, y, fit_params, prefit=prefit)
        if isinstance(reference, Exception):
            raise reference
        passes = run_passes(model, X, y, plan, settings, blocks, progress.fold_done)
        losses, rows = learn_expected(
            coded, model, y, passes, settings, blocks, times, self.keep_reference
        )
        baseline = assemble_baseline(
            model,
            reference,
            passes.results,
            passes.splits,
            settings,
            pass_name=passes.pass_name,
            reason=plan.reason,
            blocks=blocks,
            dependence=dependence,
            times=times,
            optimism=passes.optimism,
            note=passes.note,
            losses=losses,
            reference_rows=rows,
        )
        learned = learn_rejection(
            self.get_params(deep=False), model, X, y, settings.fit_params
        )
        if novelty is not None:
            learned["novelty_"] = novelty()
        self._keep(model, baseline, learned)
        progress.done()
        return answer

    def _keep(self, model: Any, baseline: Baseline, learned: Mapping[str, Any]) -> None:
        """Set every fitted attribute, at once and last."""
        grid = baseline.reference.grid
        for name in ("feature_names_in_", *LEARNED_ON_REQUEST):
            self.__dict__.pop(name, None)
        self.__dict__.update(learned)
        self.estimator_ = model
        self.baseline_ = baseline
        self.n_features_in_ = getattr(model, "n_features_in_", grid.n_features)
        if grid.names is not None:
            self.feature_names_in_ = np.array(grid.names, dtype=object)

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

    @available_if(delegates("predict"))
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
            What the wrapped estimator returns, bit for bit; with ``"abstain"`` and
            ``"fallback"`` for the valid rows.
        report : DriftReport
            Only if `return_report`.

        Raises
        ------
        NotFittedError
            Before `fit`.
        InvalidInputError, DriftError
            If `on_invalid` or `on_shift` is ``"raise"`` and there is a reason, or more
            than `max_invalid_share` of the rows are invalid; the error holds the
            report.
        EstimatorError
            If the fallback cannot answer as the estimator does.

        Warns
        -----
        InvalidInputWarning, DriftWarning
            At most one warning for each call.
        """
        return self._answer("predict", X, return_report, params)

    @available_if(delegates("predict_proba"))
    def predict_proba(
        self, X: Any, *, return_report: bool = False, **params: Any
    ) -> Any:
        """Class probabilities of the wrapped estimator; see `predict`."""
        return self._answer("predict_proba", X, return_report, params)

    @available_if(delegates("predict_log_proba"))
    def predict_log_proba(
        self, X: Any, *, return_report: bool = False, **params: Any
    ) -> Any:
        """Logarithms of class probabilities; see `predict`."""
        return self._answer("predict_log_proba", X, return_report, params)

    @available_if(delegates("decision_function"))
    def decision_function(
        self, X: Any, *, return_report: bool = False, **params: Any
    ) -> Any:
        """Decision function of the wrapped estimator; see `predict`."""
        return self._answer("decision_function", X, return_report, params)

    @available_if(delegates("transform"))
    def transform(
        self, X: Any, y: Any = None, *, return_report: bool = False, **params: Any
    ) -> Any:
        """Transform as the wrapped estimator does; see `predict`.

        Labels are for those few that transform them as well (`CCA` and its kin).
        """
        return self._answer("transform", X, return_report, params, y)

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
        rejects, on_invalid = is_rejecting(self.on_invalid), self.on_invalid
        if rejects:
            rejects = method in REJECTABLE
            on_invalid = "ignore" if rejects else "warn"
        invalid = None
        if rejects or self.max_invalid_share is not None:
            invalid = self._invalid_rows(X)
        seen = report = None
        if return_report or not on_invalid == "ignore" == self.on_shift:
            # Before the model sees the rows: some estimators change them in place.
            seen = self._look(X, invalid, brief=not return_report)
        if invalid is not None and rejects and invalid.mask.any():
            answer, answers = self._answer_around(method, X, params, invalid.mask), None
        else:
            answer = answers = getattr(model, method)(X, **params)
        if seen is not None:
            told = Answers() if answers is None else given(model, method, answers)
            report = seen.report(told) if return_report else seen.brief_report(told)
        if invalid is not None and rejects and invalid.mask.any():
            report = with_rejected(report, invalid, self.on_invalid)
        if report is not None:
            react(report, on_invalid=on_invalid, on_shift=self.on_shift)
        return (answer, report) if return_report else answer

    def _invalid_rows(self, X: Any) -> InvalidRows:
        invalid = find_invalid_rows(X, self.baseline_.reference)
        limit = self.max_invalid_share
        if limit is not None and invalid.share > limit:
            seen = self._look(X, invalid, brief=False)
            assert seen is not None
            raise too_many_invalid(seen.report(Answers()), invalid, limit)
        return invalid

    def _look(self, X: Any, invalid: InvalidRows | None, *, brief: bool) -> Seen | None:
        table, flags = X, None
        if invalid is not None and invalid.table is not None:
            table, flags = invalid.table, invalid.flags
        settings = replace(self._look_settings(), max_rows=self.max_check_rows)
        return look(self.baseline_, table, settings, brief=brief, flags=flags)

    def _answer_around(
        self, method: str, X: Any, params: dict[str, Any], invalid: np.ndarray
    ) -> Any:
        own = self.get_params(deep=False)
        substitute = substitute_for(method, self.estimator_, own, vars(self))
        return answer_around(
            method,
            self.estimator_,
            X,
            params,
            invalid,
            self.empty_answers_.get(method),
            substitute,
            labels=method == "predict" and is_classifier(self.estimator_),
        )

    def _look_settings(self) -> LookSettings:
        return LookSettings(
            alpha=self.alpha,
            min_effect=self.min_effect,
            stable_bound=self.stable_bound,
            max_rows=None,
            estimator=type(self.estimator_).__name__,
        )

    def check(
        self, X: Any, y: Any = None, *, groups: Any = None, time: Any = None
    ) -> DriftReport:
        """Look at a batch: all rows, and with labels the realised score.

        Parameters
        ----------
        X : table of shape (n_rows, n_features)
        y : array-like of shape (n_rows,) or (n_rows, n_outputs), or None
            Labels, where they have arrived. NaN, NaT, None, ``pandas.NA``, a null or a
            masked entry is no label yet; the others should be a random sample of the
            rows.
        groups : array-like of shape (n_rows,) or None
            Blocks of the batch's rows, where training had `groups`. None: as many
            blocks as the batch has rows for.
        time : str, array-like of shape (n_rows,) or None
            When the batch's rows are from, where training had `time`. None: what
            the time column says; without one, right after training.

        Returns
        -------
        DriftReport
            ``report.ok`` is false if anything is an alarm; ``report.findings`` says
            what. Policies do not apply, and the only warnings are the model's own.

        Raises
        ------
        NotFittedError
            Before `fit`.
        InputError, InputTypeError
            If `X` is no table.
        ParameterError
            If `groups` or `time` do not have one entry for each row, `time` is of
            another type than at `fit`, or `fit` had none.
        """
        model = self._fitted()
        table = read_table(X, strict=False)
        codes = None if groups is None else group_codes(groups, table.n_rows, "groups")
        n_blocks = None if codes is None else int(codes.max(initial=0)) + 1
        when = given_time(self.baseline_.trend, table, time)
        settings = replace(
            self._look_settings(), n_blocks=n_blocks, groups=codes, time=when
        )
        scored = ScoredBatch(model=model, X=X)
        if y is not None:
            scorers = resolve_scorers(model, self.scoring)
            scored = score_batch(self.baseline_, model, scorers, X, y, table, settings)
        seen = look(
            self.baseline_,
            table,
            settings,
            brief=False,
            must_read=True,
            scores=scored.scores,
            score_findings=scored.findings,
            score_notes=scored.notes,
        )
        assert seen is not None
        compared = seen.answer_rules is not None and self.baseline_.outputs is not None
        answers = ask(scored.model, scored.X) if compared else Answers()
        explain = explanation(
            self.baseline_, model, answers.outputs, table, self.alpha, codes, y
        )
        return seen.report(answers, explain)

    def flag(self, X: Any) -> Flags:
        """Which cells hold what training never had.

        Parameters
        ----------
        X : table of shape (n_rows, n_features)

        Returns
        -------
        Flags
            ``flags.codes`` has one small integer for each cell, 0 where nothing is
            wrong; ``flags.rows()`` is the mask of flagged rows. With `novelty`,
            ``flags.pvalues`` says how novel each row is as a whole.

        Raises
        ------
        NotFittedError
            Before `fit`.
        InputError, InputTypeError
            If `X` is no table.
        """
        self._fitted()
        table, reference = read_table(X, strict=False), self.baseline_.reference
        novelty = getattr(self, "novelty_", None)
        pvalues = None
        if novelty is not None:
            pvalues = novelty_pvalues(novelty, table, reference)
        return flags_of(table, reference, pvalues)
