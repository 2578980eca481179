"""`InputGuard`: all guards in one pass."""

from __future__ import annotations

from typing import Any

from skdrift.guards._base_guard import BaseGuard
from skdrift.guards._settings import GuardSettings


class InputGuard(BaseGuard):
    """Handle or refuse what training never had: columns, categories, ranges, gaps.

    One pass does what a `SchemaGuard`, a `CategoryGuard`, a `RangeGuard` and a
    `MissingGuard` one after the other would do. So a cell that one policy makes
    missing is missing for the policy of missing cells.

    Parameters
    ----------
    schema : str, default="raise"
        Policy for columns; see `SchemaGuard`.
    category : str, default="raise"
        Policy for unseen categories; see `CategoryGuard`.
    range : str, default="raise"
        Policy for numbers out of range; see `RangeGuard`.
    missing : str, default="raise"
        Policy for missing cells; see `MissingGuard`.
    overrides : mapping from columns to mappings, or None
        What is different in single columns (by name or position): policies
        ``"category"``, ``"range"``, ``"missing"``; ``"limits"`` (low, high),
        ``"allowed"`` categories, ``"other"`` and ``"fill_value"``.
    uncastable, fill
        See `SchemaGuard`.
    min_count, other, similarity, otherwise
        See `CategoryGuard`.
    limits, quantiles, margin
        See `RangeGuard`.
    scope, imputer, fill_value
        See `MissingGuard`.
    add_indicator : bool, default=False
        Whether policies that repair add the indicators of ``"flag"`` as well, so that
        what stands behind the guard can tell a repaired cell.
    categorical_features : "from_dtype", None or array-like, default="from_dtype"
        Which columns are categories; see `DriftAwareEstimator`.

    Attributes
    ----------
    rules_ : GuardRules
        What was learned: limits, names of categories, typical values; no row of the
        training data.
    imputer_ : imputer or None
        The fitted imputer of the user; a `KNNImputer` keeps the rows that it saw.
    n_features_in_ : int
    feature_names_in_ : ndarray of str of shape (n_features,)
        Where all names are texts.

    See Also
    --------
    DriftAwareEstimator : Answers rows with invalid cells by another model, or not.

    Notes
    -----
    Indicators stand behind the columns and are named after them: ``typeindicator_a``,
    ``unseenindicator_a``, ``rangeindicator_a``, ``missingindicator_a``. A data frame
    whose own names are no texts gets the names of `get_feature_names_out` with them
    (``x0``, …), since scikit-learn refuses names of several types.

    Where a guard is a step of the pipeline that a `DriftAwareEstimator` wraps, the
    estimator sees the table as it came, and reports what the guard will change. Where
    it stands before the estimator, the estimator sees the guarded table: it reports
    repairs only if `add_indicator` says where they are.

    Examples
    --------
    >>> import pandas as pd
    >>> from skdrift import InputGuard
    >>> seen = pd.DataFrame({"age": [30.0, 40.0, 50.0], "city": ["a", "b", "b"]})
    >>> guard = InputGuard(
    ...     category="most_frequent",
    ...     missing="impute",
    ...     overrides={"age": {"range": "clip", "limits": (0, 120)}},
    ... ).fit(seen)
    >>> batch = pd.DataFrame({"age": [999.0, None], "city": ["c", "a"]})
    >>> guarded, report = guard.transform(batch, return_report=True)
    >>> guarded
         age city
    0  120.0    b
    1   40.0    a
    >>> print(report)
    InputGuard: 2 of 2 rows concerned
    - DA403 'age': out of range; 1 row(s) (0); for example '999'; clipped
    - DA402 'city': unseen; 1 row(s) (0); for example 'c'; set to 'b'
    - DA401 'age': missing; 1 row(s) (1); set to '40'
    """

    def __init__(
        self,
        schema: str = "raise",
        category: str = "raise",
        range: str = "raise",
        missing: str = "raise",
        *,
        overrides: Any = None,
        uncastable: str = "raise",
        fill: str = "missing",
        min_count: int = 1,
        other: Any = "other",
        similarity: float = 0.85,
        otherwise: str = "raise",
        limits: str = "observed",
        quantiles: tuple[float, float] = (0.01, 0.99),
        margin: float = 0.0,
        scope: str = "auto",
        imputer: Any = "typical",
        fill_value: Any = None,
        add_indicator: bool = False,
        categorical_features: Any = "from_dtype",
    ) -> None:
        self.schema = schema
        self.category = category
        self.range = range
        self.missing = missing
        self.overrides = overrides
        self.uncastable = uncastable
        self.fill = fill
        self.min_count = min_count
        self.other = other
        self.similarity = similarity
        self.otherwise = otherwise
        self.limits = limits
        self.quantiles = quantiles
        self.margin = margin
        self.scope = scope
        self.imputer = imputer
        self.fill_value = fill_value
        self.add_indicator = add_indicator
        self.categorical_features = categorical_features

    def _settings(self) -> GuardSettings:
        return GuardSettings(**self.get_params(deep=False))
