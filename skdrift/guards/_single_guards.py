"""Guards that watch for one thing each."""

from __future__ import annotations

from typing import Any

from skdrift.guards._base_guard import BaseGuard
from skdrift.guards._settings import GuardSettings


class SchemaGuard(BaseGuard):
    """Handle or refuse columns that are missing, new, moved or of another type.

    Parameters
    ----------
    policy : {"raise", "warn", "ignore", "flag", "repair"}, default="raise"
        ``"repair"`` puts columns in the order of training, drops those that training
        did not have, fills missing ones and casts those of another type. ``"flag"``
        repairs too, and adds for each column an indicator of the cells that were
        filled or could not be cast.
    uncastable : {"raise", "missing"}, default="raise"
        What ``"repair"`` does with cells that cannot be cast: a number column with
        the text ``"n/a?"``. ``"flag"`` makes them missing.
    fill : {"missing", "typical"}, default="missing"
        What a missing column is filled with: missing cells, or its median or most
        frequent category in training.
    add_indicator : bool, default=False
        Whether a policy that repairs adds the indicators of ``"flag"`` as well, so that
        what stands behind the guard can tell a repaired cell.
    categorical_features : "from_dtype", None or array-like, default="from_dtype"
        Which columns are categories; see `DriftAwareEstimator`.

    Attributes
    ----------
    rules_ : GuardRules
        What was learned; it holds no row of the training data.
    n_features_in_ : int
    feature_names_in_ : ndarray of str of shape (n_features,)
        Where all names are texts.

    See Also
    --------
    InputGuard : All guards in one pass.

    Notes
    -----
    Columns are matched by name where `fit` and `transform` are given names; otherwise
    by position, and another number of columns is refused whatever the policy.

    Cells are of another type where they cannot be read as training's: 0 and 1 pass for
    booleans, whole numbers for floats, and the reverse. They are cast one by one, so
    that one bad cell does not spoil its column. A column that was cast or filled has
    the plain type of its kind (64-bit numbers, microseconds without a zone, texts) or
    the categories of training.

    Examples
    --------
    >>> import pandas as pd
    >>> from skdrift import SchemaGuard
    >>> guard = SchemaGuard("repair").fit(pd.DataFrame({"a": [1, 2], "b": ["x", "y"]}))
    >>> guard.transform(pd.DataFrame({"b": ["y"], "new": [0.5], "a": ["7"]}))
       a  b
    0  7  y
    """

    def __init__(
        self,
        policy: str = "raise",
        *,
        uncastable: str = "raise",
        fill: str = "missing",
        add_indicator: bool = False,
        categorical_features: Any = "from_dtype",
    ) -> None:
        self.policy = policy
        self.uncastable = uncastable
        self.fill = fill
        self.add_indicator = add_indicator
        self.categorical_features = categorical_features

    def _settings(self) -> GuardSettings:
        return GuardSettings(
            schema=self.policy,
            uncastable=self.uncastable,
            fill=self.fill,
            add_indicator=self.add_indicator,
            categorical_features=self.categorical_features,
        )


class CategoryGuard(BaseGuard):
    """Handle or refuse categories that training did not have.

    Parameters
    ----------
    policy : str, default="raise"
        ``"raise"``, ``"warn"``, ``"ignore"``; ``"flag"`` adds an indicator for each
        column of categories; ``"other"``, ``"most_frequent"`` and ``"missing"`` put
        that in the place of an unseen category; ``"nearest"`` the known category
        whose spelling is nearest.
    min_count : int, default=1
        Categories that training had less often are taken for unseen. Where none is
        left, ``"most_frequent"`` makes cells missing.
    allowed : mapping from columns to lists of values, or None
        Categories that win over those of the data; these columns are categories even
        if they hold numbers.
    other : str, other value, or mapping from columns to values, default="other"
        What ``"other"`` writes. Columns of numbers need a number. A boolean has no
        other value: its most frequent one is written.
    similarity : float, default=0.85
        Least similarity for ``"nearest"``, in [0, 1]: `difflib.SequenceMatcher.ratio`
        of the two texts, without case and repeated blanks.
    otherwise : str, default="raise"
        What ``"nearest"`` does where nothing is near enough: ``"raise"``, ``"warn"``,
        ``"ignore"``, ``"other"``, ``"most_frequent"`` or ``"missing"``.
    add_indicator : bool, default=False
        Whether a policy that repairs adds the indicators of ``"flag"`` as well, so that
        what stands behind the guard can tell a repaired cell.
    categorical_features : "from_dtype", None or array-like, default="from_dtype"
        Which columns are categories; see `DriftAwareEstimator`.

    Attributes
    ----------
    rules_ : GuardRules
        What was learned: names of categories, and no row of the training data.
    n_features_in_ : int
    feature_names_in_ : ndarray of str of shape (n_features,)
        Where all names are texts.

    See Also
    --------
    InputGuard : All guards in one pass.

    Notes
    -----
    The columns must be those of training; a column of categories that holds cells of
    another type is refused, unless the policy is ``"warn"`` or ``"ignore"``. Missing
    cells are no categories. Texts of which nearly every row has another (free
    text, identifiers) are not watched unless they are declared or `allowed`.

    Examples
    --------
    >>> import pandas as pd
    >>> from skdrift import CategoryGuard
    >>> seen = pd.DataFrame({"city": ["Berlin", "Paris", "Paris"]})
    >>> guard = CategoryGuard("nearest", otherwise="other").fit(seen)
    >>> guard.transform(pd.DataFrame({"city": ["paris ", "Berlinn", "Rome"]}))
         city
    0   Paris
    1  Berlin
    2   other
    """

    def __init__(
        self,
        policy: str = "raise",
        *,
        min_count: int = 1,
        allowed: Any = None,
        other: Any = "other",
        similarity: float = 0.85,
        otherwise: str = "raise",
        add_indicator: bool = False,
        categorical_features: Any = "from_dtype",
    ) -> None:
        self.policy = policy
        self.min_count = min_count
        self.allowed = allowed
        self.other = other
        self.similarity = similarity
        self.otherwise = otherwise
        self.add_indicator = add_indicator
        self.categorical_features = categorical_features

    def _settings(self) -> GuardSettings:
        return GuardSettings(
            category=self.policy,
            min_count=self.min_count,
            allowed=self.allowed,
            other=self.other,
            similarity=self.similarity,
            otherwise=self.otherwise,
            add_indicator=self.add_indicator,
            categorical_features=self.categorical_features,
        )


class RangeGuard(BaseGuard):
    """Handle or refuse numbers outside the range of training, infinite ones included.

    Parameters
    ----------
    policy : str, default="raise"
        ``"raise"``, ``"warn"``, ``"ignore"``; ``"flag"`` adds an indicator for each
        column of numbers; ``"clip"`` moves cells to the nearest limit,
        ``"clip_to_quantiles"`` to `quantiles`; ``"missing"`` makes them missing.
    limits : {"observed", "quantiles"}, default="observed"
        What is out of range: what lies outside the smallest and largest value of
        training, or outside its `quantiles`.
    quantiles : tuple of two floats, default=(0.01, 0.99)
        Shares of the training values at or below the lower and the upper quantile.
    margin : float, default=0.0
        Widens the range on either side by this multiple of its width.
    hard_limits : mapping from columns to (low, high), or None
        Limits that win over those of the data, without margin; None in a pair: no
        limit on that side. Dates need them: otherwise only numbers and time spans
        are watched, and no identifiers (whole numbers of which no two rows share
        one).
    add_indicator : bool, default=False
        Whether a policy that repairs adds the indicators of ``"flag"`` as well, so that
        what stands behind the guard can tell a repaired cell.
    categorical_features : "from_dtype", None or array-like, default="from_dtype"
        Which columns are categories, whose numbers have no range.

    Attributes
    ----------
    rules_ : GuardRules
        What was learned; it holds no row of the training data, but extremes.
    n_features_in_ : int
    feature_names_in_ : ndarray of str of shape (n_features,)
        Where all names are texts.

    See Also
    --------
    InputGuard : All guards in one pass.

    Notes
    -----
    The columns must be those of training; a column of numbers that holds cells of
    another type is refused, unless the policy is ``"warn"`` or ``"ignore"``. An
    infinite cell is out of range unless training had one of its sign. In a column
    of whole numbers, limits are rounded inwards when cells are moved to them.

    Examples
    --------
    >>> import numpy as np
    >>> from skdrift import RangeGuard
    >>> guard = RangeGuard("clip").fit(np.array([[1.0], [5.0]]))
    >>> guard.transform(np.array([[0.0], [3.0], [np.inf]]))
    array([[1.],
           [3.],
           [5.]])
    """

    def __init__(
        self,
        policy: str = "raise",
        *,
        limits: str = "observed",
        quantiles: tuple[float, float] = (0.01, 0.99),
        margin: float = 0.0,
        hard_limits: Any = None,
        add_indicator: bool = False,
        categorical_features: Any = "from_dtype",
    ) -> None:
        self.policy = policy
        self.limits = limits
        self.quantiles = quantiles
        self.margin = margin
        self.hard_limits = hard_limits
        self.add_indicator = add_indicator
        self.categorical_features = categorical_features

    def _settings(self) -> GuardSettings:
        return GuardSettings(
            range=self.policy,
            limits=self.limits,
            quantiles=self.quantiles,
            margin=self.margin,
            hard_limits=self.hard_limits,
            add_indicator=self.add_indicator,
            categorical_features=self.categorical_features,
        )


class MissingGuard(BaseGuard):
    """Handle or refuse missing cells.

    Parameters
    ----------
    policy : {"raise", "warn", "ignore", "flag", "impute"}, default="raise"
        ``"flag"`` adds an indicator for each column; ``"impute"`` fills the cells.
    scope : {"auto", "new", "all"}, default="auto"
        ``"new"``: only columns that had no missing cell in training are watched;
        ``"all"``: every column is. ``"auto"``: all for ``"flag"`` and ``"impute"``,
        new for the rest.
    imputer : {"typical", "constant"} or imputer, default="typical"
        ``"typical"``: the (lower) median of numbers and times, the most frequent
        category or text. ``"constant"``: `fill_value`. A scikit-learn imputer is
        fitted on the columns of numbers together; other columns get their typical
        value, and what it gives is kept within the limits of a `RangeGuard`'s
        policy, where there is one.
    fill_value : value, mapping from columns to values, or None
        What ``"constant"`` writes. Columns that a mapping does not list get their
        typical value.
    add_indicator : bool, default=False
        Whether a policy that repairs adds the indicators of ``"flag"`` as well, so that
        what stands behind the guard can tell a repaired cell.
    categorical_features : "from_dtype", None or array-like, default="from_dtype"
        Which columns are categories; see `DriftAwareEstimator`.

    Attributes
    ----------
    rules_ : GuardRules
        What was learned; it holds no row of the training data.
    imputer_ : imputer or None
        The fitted imputer of the user; a `KNNImputer` keeps the rows that it saw.
    n_features_in_ : int
    feature_names_in_ : ndarray of str of shape (n_features,)
        Where all names are texts.

    See Also
    --------
    InputGuard : All guards in one pass.

    Notes
    -----
    The columns must be those of training; cells of another type are refused, unless the
    policy is ``"warn"`` or ``"ignore"``. For an imputer, infinite cells are missing. A
    column that had nothing but missing cells in training cannot be imputed by a
    typical value; its cells are left alone.

    Examples
    --------
    >>> import numpy as np
    >>> from skdrift import MissingGuard
    >>> guard = MissingGuard("impute").fit(np.array([[1.0], [2.0], [9.0]]))
    >>> guard.transform(np.array([[np.nan], [4.0]]))
    array([[2.],
           [4.]])
    """

    def __init__(
        self,
        policy: str = "raise",
        *,
        scope: str = "auto",
        imputer: Any = "typical",
        fill_value: Any = None,
        add_indicator: bool = False,
        categorical_features: Any = "from_dtype",
    ) -> None:
        self.policy = policy
        self.scope = scope
        self.imputer = imputer
        self.fill_value = fill_value
        self.add_indicator = add_indicator
        self.categorical_features = categorical_features

    def _settings(self) -> GuardSettings:
        return GuardSettings(
            missing=self.policy,
            scope=self.scope,
            imputer=self.imputer,
            fill_value=self.fill_value,
            add_indicator=self.add_indicator,
            categorical_features=self.categorical_features,
        )
