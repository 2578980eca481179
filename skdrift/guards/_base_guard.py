"""What all guards share: fit learns rules, transform carries them out."""

from __future__ import annotations

import warnings
from abc import abstractmethod
from dataclasses import replace
from typing import Any

import numpy as np
from sklearn import get_config
from sklearn.base import BaseEstimator, TransformerMixin, clone

from skdrift._core.frame import Table, read_table
from skdrift._core.frame_output import framed
from skdrift.exceptions import (
    InputError,
    InvalidInputError,
    InvalidInputWarning,
    NotFittedError,
    ParameterError,
)
from skdrift.guards._column_guard import GuardRules
from skdrift.guards._column_match import ColumnMatch, match_to, mismatch_text
from skdrift.guards._column_repair import ColumnRepair
from skdrift.guards._guard_report import GuardAction, GuardReport
from skdrift.guards._imputing import finite_or_missing, imputed
from skdrift.guards._inspection import flagged_columns
from skdrift.guards._learning import learn_rules
from skdrift.guards._rebuilding import indicator_names, is_listed, rebuilt, result_names
from skdrift.guards._repair import column_actions, repair_columns
from skdrift.guards._settings import OFF, GuardSettings, check_settings

MOST_NAMED = 5
OUTPUTS = ("default", "pandas", "polars")
COLUMN_PROBLEMS = frozenset({"missing column", "extra column", "other order"})


class BaseGuard(TransformerMixin, BaseEstimator, auto_wrap_output_keys=None):  # type: ignore[call-arg]
    """Transformer that handles or refuses what training never had.

    A guard gives back the container that it was given, with the same rows in the same
    order; where nothing has to be changed, the very same object.
    """

    _doc_link_module = "skdrift"
    __metadata_request__transform = {"return_report": True}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        # Scikit-learn would rename the columns of what `transform` gives in place,
        # which may be what it was given.
        super().__init_subclass__(auto_wrap_output_keys=None, **kwargs)

    @abstractmethod
    def _settings(self) -> GuardSettings:
        """Every option of the guard."""

    def fit(self, X: Any, y: Any = None) -> Any:
        """Learn what each column may hold.

        Parameters
        ----------
        X : table of shape (n_rows, n_features)
        y : object, default=None
            Ignored.

        Returns
        -------
        self

        Raises
        ------
        ParameterError
            If a parameter breaks its rule, or does not fit the columns.
        InputError, InputTypeError
            If `X` is no table, has no rows, or a column cannot be read.
        """
        settings = check_settings(self._settings())
        table = read_table(X)
        rules = learn_rules(table, settings)
        imputer = _fitted_imputer(settings, table, rules)
        _check_indicators(rules)
        self.__dict__.pop("feature_names_in_", None)
        self.rules_ = rules
        self.imputer_ = imputer
        self.n_features_in_ = table.n_features
        if table.names is not None:
            self.feature_names_in_ = np.array(table.names, dtype=object)
        return self

    def transform(self, X: Any, *, return_report: bool = False) -> Any:
        """Carry out the policies.

        Parameters
        ----------
        X : table of shape (n_rows, n_features)
        return_report : bool, default=False
            Whether to return a `GuardReport` as well.

        Returns
        -------
        X : table of shape (n_rows, n_features_out)
            Of the library that `X` is of; `X` itself where nothing has to be changed.
        report : GuardReport
            Only if `return_report`.

        Raises
        ------
        NotFittedError
            Before `fit`.
        InvalidInputError
            If a policy is ``"raise"`` and there is a reason; the error holds the
            report.
        InputError, InputTypeError
            If `X` is no table, or does not have the columns of training.

        Warns
        -----
        InvalidInputWarning
            If a policy is ``"warn"`` and there is a reason; one for each call.
        """
        table, match, repairs, report = self._inspected(X)
        if report.actions:
            _react(report, match)
        answer = X
        rules = self.rules_
        if repairs or match.differs or rules.adds_columns or is_listed(X, table):
            answer = rebuilt(X, table, rules, match, repairs)
        library = self._output_library()
        if library != "default":
            names = self.get_feature_names_out().tolist()
            if match.differs and not rules.repairs_columns:
                names = result_names(table, rules, match)
            answer = framed(answer, library, names, table.index)
        return (answer, report) if return_report else answer

    def set_output(self, *, transform: str | None = None) -> Any:
        """Choose what `transform` and `fit_transform` give.

        Parameters
        ----------
        transform : {"default", "pandas", "polars"} or None
            ``"default"``: a table of the library that it is given; None leaves the
            choice as it is.

        Returns
        -------
        self

        Raises
        ------
        ParameterError
            If `transform` is something else.
        """
        if transform is None:
            return self
        if transform not in OUTPUTS:
            raise ParameterError(
                f"transform must be one of {', '.join(map(repr, OUTPUTS))}, got "
                f"{transform!r:.100}"
            )
        # The name under which scikit-learn's `clone` takes the choice along.
        self._sklearn_output_config = {"transform": transform}
        return self

    def _output_library(self) -> str:
        own = getattr(self, "_sklearn_output_config", {})
        return str(own.get("transform", get_config()["transform_output"]))

    def check(self, X: Any) -> GuardReport:
        """What `transform` would find and do, without doing it.

        Parameters
        ----------
        X : table of shape (n_rows, n_features)

        Returns
        -------
        GuardReport

        Raises
        ------
        NotFittedError
            Before `fit`.
        InputError, InputTypeError
            If `X` is no table, or does not have the columns of training.
        """
        return self._inspected(X)[-1]

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Names of the columns that `transform` gives.

        Parameters
        ----------
        input_features : array-like of str or None
            Must be the names seen by `fit`, where there were names; else what to call
            the columns. By default ``"x0"``, ``"x1"``, …

        Returns
        -------
        ndarray of str of shape (n_features_out,)
        """
        rules = self._fitted()
        names = [column.label for column in rules.columns]
        if input_features is not None:
            given = list(input_features)
            if rules.names is not None and given != list(rules.names):
                raise InputError(
                    "input_features is not equal to feature_names_in_: got "
                    f"{given[:MOST_NAMED]}, fit was given {names[:MOST_NAMED]}"
                )
            if len(given) != len(names):
                raise InputError(
                    "input_features should have length equal to number of features "
                    f"({len(names)}), got {len(given)}"
                )
            names = given
        return np.array([*names, *indicator_names(rules, names)], dtype=object)

    def _fitted(self) -> GuardRules:
        if not hasattr(self, "rules_"):
            raise NotFittedError(
                f"This {type(self).__name__} instance is not fitted yet. Call 'fit' "
                "with appropriate arguments before using this guard."
            )
        rules: GuardRules = self.rules_
        return rules

    def _inspected(
        self, X: Any
    ) -> tuple[Table, ColumnMatch, list[ColumnRepair], GuardReport]:
        rules = self._fitted()
        table = read_table(X, strict=False)
        guard = type(self).__name__
        match = match_to(table, rules, guard)
        if match.differs and rules.schema == OFF:
            raise InputError(mismatch_text(match))
        flagged = flagged_columns(table, rules, match.places)
        if not flagged and not match.differs:
            return table, match, [], GuardReport(guard=guard, n_rows=table.n_rows)
        repairs, done = repair_columns(table, rules, match, flagged, self.imputer_)
        actions = (*column_actions(match, rules, table.n_rows), *done)
        report = GuardReport(guard=guard, n_rows=table.n_rows, actions=actions)
        return table, match, repairs, report

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "rules_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.sparse = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        tags.no_validation = False
        return tags


def _fitted_imputer(settings: GuardSettings, table: Table, rules: GuardRules) -> Any:
    """Imputer of the user, fitted on the columns of numbers; None if there is none."""
    places = [j for j, column in enumerate(rules.columns) if column.by_imputer]
    if isinstance(settings.imputer, str) or not places:
        return None
    matrix = np.column_stack([table.column(place).floats() for place in places])
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            imputer = clone(settings.imputer).fit(finite_or_missing(matrix))
    except (ValueError, TypeError) as error:
        raise ParameterError(
            f"imputer {settings.imputer!r:.100} could not be fitted on the columns of "
            f"numbers: {error}"
        ) from error
    width = np.shape(imputed(imputer, matrix[:1]))
    if width != (1, len(places)):
        raise ParameterError(
            f"imputer must give back the {len(places)} columns of numbers that it is "
            f"given, got {width[-1]} from {type(imputer).__name__}; look at "
            "add_indicator and keep_empty_features"
        )
    return imputer


def _check_indicators(rules: GuardRules) -> None:
    names = [column.label for column in rules.columns]
    clashing = sorted(set(indicator_names(rules, names)) & set(names))
    if clashing:
        raise ParameterError(
            f"X has columns named like the indicators that policy 'flag' adds: "
            f"{clashing[:MOST_NAMED]}; rename them"
        )


def _react(report: GuardReport, match: ColumnMatch) -> None:
    """Raise or warn, where a policy says so."""
    for policy in ("raise", "warn"):
        told = [action for action in report.actions if action.policy == policy]
        if not told:
            continue
        text = _told(report, told)
        if any(action.problem in COLUMN_PROBLEMS for action in told):
            text = f"{mismatch_text(match)}\n{text}"
        if policy == "raise":
            raise InvalidInputError(text, report)
        # Out of transform and this function.
        warnings.warn(text, InvalidInputWarning, stacklevel=3)


def _told(report: GuardReport, told: list[GuardAction]) -> str:
    if all(action.problem in COLUMN_PROBLEMS for action in told):
        lines = [f"{report.guard}: the columns are not those of training"]
    else:
        n_rows = int(replace(report, actions=tuple(told)).rows().sum())
        lines = [
            f"{report.guard}: {n_rows:,} of {report.n_rows:,} rows are not like "
            "training"
        ]
    lines += [f"- {action}" for action in told[:MOST_NAMED]]
    if len(told) > MOST_NAMED:
        lines.append(f"- and {len(told) - MOST_NAMED} more")
    lines.append(
        "Mend the data, or choose another policy for this guard (see its docstring)."
    )
    return "\n".join(lines)
