"""`PerformanceDisplay`: promised, estimated and realised scores over chunks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np

from skdrift._core.frame import read_table
from skdrift._core.shown_score import is_error
from skdrift.display._batch import checked_model
from skdrift.display._canvas import (
    BLUE,
    GREEN,
    NARROW,
    PLAIN,
    SMALL,
    VERMILLION,
    axes_of,
    band_alpha,
    characters,
    ink_of,
    legend_of,
    shown_lines,
    shown_name,
    size_of,
    tidy,
    title_of,
)
from skdrift.display._chunk_axis import ChunkAxis, axis_of
from skdrift.display._chunks import cut, without_label
from skdrift.display._performance_data import scores_of_chunks
from skdrift.exceptions import ParameterError
from skdrift.report._numbers import counted

_SIZE: Final = (8.5, 4.8)
_BESIDE: Final = 0.12  # of a step: estimate and realised score stand side by side
_FEW: Final = 40  # chunks that are drawn with whole marks
_LEGEND_LINE: Final = 0.2
_LEGEND_PAD: Final = 0.15
_LEGEND_ENTRY: Final = 3.1  # inches
_ASSUMES: Final = "the estimate assumes that y given X is as in training"

_ARRAYS: Final = (
    "realised",
    "promised",
    "promised_low",
    "promised_high",
    "estimated",
    "estimated_low",
    "estimated_high",
    "compared_low",
)


_VALUES: Final = ("realised", "promised", "estimated")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Shown:
    """What is drawn: errors positive, with ``low <= high``."""

    name: str
    turned: bool
    realised: np.ndarray
    promised: np.ndarray
    promised_low: np.ndarray
    promised_high: np.ndarray
    estimated: np.ndarray
    estimated_low: np.ndarray
    estimated_high: np.ndarray
    hollow: np.ndarray


class PerformanceDisplay:
    """Picture of a score over chunks of rows: promised, estimated and realised.

    For each chunk three things: the band that cross-validation promises for as many
    rows, the score that is estimated without labels, with its interval, and where
    there are labels the realised score. A realised score below the band is a
    triangle; one below the interval of the estimate has a ring. The estimate is
    hollow where the chunk lies outside of training.

    Use `from_estimator`; the constructor takes what is drawn. Arrays have the shape
    (n_chunks,), a number stands for all chunks, None and NaN for what is not known.
    Values are "greater is better", as in scikit-learn; those of ``neg_*`` scorers
    are drawn as the errors that they stand for.

    Parameters
    ----------
    scorer : str
        Name of the scorer.
    chunks : array-like of shape (n_chunks,)
        What the chunks are called, in their order. Ascending datetime64 are drawn as
        dates, everything else side by side.
    realised : array-like or None, default=None
        Scores of the rows that have labels.
    promised, promised_low, promised_high : array-like, float or None, default=None
        Score of cross-validation, and the band.
    estimated, estimated_low, estimated_high : array-like or None, default=None
        Scores without labels, and their intervals.
    compared_low : array-like or None, default=None
        Low end that the realised score is held against, where only some rows of a
        chunk have labels: that of the estimate for these rows. None:
        `estimated_low`.
    extrapolates : array-like of bool or None, default=None
        Whether the estimate cannot be relied on.
    by : str, default=""
        What the names of the chunks are.
    reason : str, default=""
        Why nothing is estimated.
    notes : sequence of str, default=()
        What else to say below the axis.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Set by `plot`.
    figure_ : matplotlib Figure
        That holds `ax_`.
    line_ : matplotlib Line2D or None
        Realised scores; None where no chunk has labels.
    band_ : matplotlib StepPatch or None
        What cross-validation promises; None where it promises no interval.
    promised_ : matplotlib StepPatch or None
        Score of cross-validation.
    estimated_ : matplotlib ErrorbarContainer or None
        Scores without labels; None where nothing is estimated.
    extrapolated_ : matplotlib Line2D or None
        Hollow marks of the estimates that cannot be relied on.
    below_band_, below_estimate_ : ndarray of bool of shape (n_chunks,)
        Realised scores worse than the band, and than the interval of the estimate.

    See Also
    --------
    DriftAwareEstimator.estimate_score : The estimate.
    SequentialRisk : Whether the error is above its bound, over time.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LinearRegression
    >>> from skdrift import DriftAwareEstimator, PerformanceDisplay
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(3000, 2))
    >>> y = X[:, 0] + rng.normal(size=3000)
    >>> model = DriftAwareEstimator(LinearRegression()).fit(X[:2000], y[:2000])
    >>> moved = y[2000:] + 2.0 * (np.arange(1000) >= 500)
    >>> display = PerformanceDisplay.from_estimator(
    ...     model, X[2000:], moved, scorer="neg_mean_absolute_error", chunk_size=250
    ... )
    >>> display.below_estimate_.tolist()
    [False, False, True, True]
    """

    ax_: Any
    figure_: Any
    line_: Any
    band_: Any
    promised_: Any
    estimated_: Any
    extrapolated_: Any
    below_band_: np.ndarray
    below_estimate_: np.ndarray

    def __init__(
        self,
        *,
        scorer: str,
        chunks: Any,
        realised: Any = None,
        promised: Any = None,
        promised_low: Any = None,
        promised_high: Any = None,
        estimated: Any = None,
        estimated_low: Any = None,
        estimated_high: Any = None,
        compared_low: Any = None,
        extrapolates: Any = None,
        by: str = "",
        reason: str = "",
        notes: Sequence[str] = (),
    ) -> None:
        self.scorer = scorer
        self.chunks = chunks
        self.realised = realised
        self.promised = promised
        self.promised_low = promised_low
        self.promised_high = promised_high
        self.estimated = estimated
        self.estimated_low = estimated_low
        self.estimated_high = estimated_high
        self.compared_low = compared_low
        self.extrapolates = extrapolates
        self.by = by
        self.reason = reason
        self.notes = notes

    @classmethod
    def from_estimator(
        cls,
        model: Any,
        X: Any,
        y: Any = None,
        *,
        by: Any = None,
        chunk_size: int | None = None,
        scorer: str | None = None,
        groups: Any = None,
        ax: Any = None,
        name: str | None = None,
    ) -> Self:
        """Cut rows into chunks, and draw what score each one promises and has.

        Parameters
        ----------
        model : DriftAwareEstimator
            Fitted.
        X : table of shape (n_rows, n_features)
        y : array-like of shape (n_rows,) or (n_rows, n_outputs), or None
            Labels, NaN or None where they have not arrived.
        by : str, array-like of shape (n_rows,) or None, default=None
            Name of a column, or a label for each row (a month, a site). Chunks stand
            in ascending order of numbers and times, else in that of their first
            rows; rows without a label are left out. A column that training did not
            have is not shown to the model.
        chunk_size : int or None, default=None
            Without `by`: so many rows in their order make a chunk, the last one what
            is left. None: 500.
        scorer : str or None, default=None
            One of `scoring`, or one that `estimate_score` knows, for which there is
            no promise then. None: the first of `scoring`.
        groups : array-like of shape (n_rows,) or None, default=None
            Blocks of the rows, as in `check`.
        ax, name
            See `plot`.

        Returns
        -------
        PerformanceDisplay

        Raises
        ------
        EstimatorError, NotFittedError
            If `model` is no fitted `DriftAwareEstimator`, or has no score.
        ParameterError
            If there is no such scorer, or `by`, `chunk_size` or `groups` break their
            rule.
        InputError, InputTypeError
            If `X` is no table, or `y` has not one label for each row.
        MissingDependencyError
            If matplotlib is not installed.
        """
        model = checked_model(model)
        table = read_table(X, strict=False)
        chunks = cut(table, by, chunk_size)
        rows = without_label(X, table, by, model.baseline_.reference.grid.labels)
        found = scores_of_chunks(model, rows, y, chunks, scorer=scorer, groups=groups)
        display = cls(
            scorer=found.scorer,
            chunks=chunks.labels,
            realised=found.realised,
            promised=found.promised,
            promised_low=found.promised_low,
            promised_high=found.promised_high,
            estimated=found.estimated,
            estimated_low=found.estimated_low,
            estimated_high=found.estimated_high,
            compared_low=found.compared_low,
            extrapolates=found.extrapolates,
            by=chunks.by,
            reason=found.reason,
            notes=(*chunks.notes, *found.notes),
        )
        return display.plot(ax, name=name)

    def plot(self, ax: Any = None, *, name: str | None = None) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            Where to draw; None makes a figure.
        name : str or None, default=None
            What the rows are called, in front of the title.

        Returns
        -------
        self

        Raises
        ------
        InputTypeError
            If `ax` is no axes.
        ParameterError
            If an array has not one value for each chunk.
        MissingDependencyError
            If matplotlib is not installed.
        """
        labels = _labels(self.chunks)
        shown = self._shown(len(labels))
        self.ax_ = ax = axes_of(ax, _SIZE)
        self.figure_ = ax.figure
        self.line_ = self.band_ = self.promised_ = None
        self.estimated_ = self.extrapolated_ = None
        tidy(ax)
        ax.use_sticky_edges = False
        axis = axis_of(labels)
        entries: list[tuple[Any, str]] = []
        if len(labels):
            entries += self._band(axis, shown)
            entries += self._estimates(axis, shown)
            entries += self._realised(axis, shown)
            axis.dress(ax)
        if entries:
            self._legend(entries)
            self._texts(shown, name)
        else:
            self._nothing()
        return self

    def _shown(self, n_chunks: int) -> _Shown:
        """What is drawn, checked, in the direction that the scorer's name says."""
        found = {name: self._array(name, n_chunks) for name in _ARRAYS}
        low = found.pop("compared_low")
        if self.compared_low is None:
            low = found["estimated_low"]
        self.below_band_ = found["realised"] < found["promised_low"]
        self.below_estimate_ = found["realised"] < low
        values = np.concatenate([found[name] for name in _VALUES])
        turned = is_error(self.scorer, values.tolist())
        if turned:
            found = {name: -values for name, values in found.items()}
            for which in ("promised", "estimated"):
                low, high = found[f"{which}_low"], found[f"{which}_high"]
                found[f"{which}_low"], found[f"{which}_high"] = high, low
        hollow = self._array("extrapolates", n_chunks) == 1
        return _Shown(
            name=self.scorer.removeprefix("neg_") if turned else self.scorer,
            turned=turned,
            hollow=hollow & np.isfinite(found["estimated"]),
            **found,
        )

    def _array(self, name: str, n_chunks: int) -> np.ndarray:
        given = getattr(self, name)
        if given is None:
            return np.full(n_chunks, np.nan)
        try:
            values = np.array(given, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise ParameterError(f"{name} must hold numbers: {error}") from error
        if values.shape not in ((), (n_chunks,)):
            raise ParameterError(
                f"{name} must be a number or have one value for each of {n_chunks:,} "
                f"chunks, got shape {values.shape}"
            )
        values[~np.isfinite(values)] = np.nan
        return np.array(np.broadcast_to(values, n_chunks))

    def _band(self, axis: ChunkAxis, shown: _Shown) -> list[tuple[Any, str]]:
        drawn = []
        low, high = shown.promised_low, shown.promised_high
        if np.isfinite(low + high).any():
            style: dict[str, Any] = {
                "fill": True,
                "color": BLUE,
                "lw": 0,
                "zorder": 0.5,
            }
            style["alpha"] = band_alpha(self.ax_)
            self.band_ = self.ax_.stairs(high, axis.edges, baseline=low, **style)
            drawn.append(self.band_)
        if np.isfinite(shown.promised).any():
            self.promised_ = self.ax_.stairs(
                shown.promised, axis.edges, baseline=None, color=BLUE, lw=1.5, zorder=1
            )
            drawn.append(self.promised_)
        interval = ", 95 % interval" if self.band_ is not None else ""
        return [(tuple(drawn), f"cross-validation{interval}")] if drawn else []

    def _estimates(self, axis: ChunkAxis, shown: _Shown) -> list[tuple[Any, str]]:
        values = shown.estimated
        if not np.isfinite(values).any():
            return []
        few, hollow = len(values) <= _FEW, shown.hollow
        x = axis.places - _BESIDE * axis.step
        ends = np.array([values - shown.estimated_low, shown.estimated_high - values])
        self.estimated_ = self.ax_.errorbar(
            x,
            values,
            yerr=np.maximum(ends, 0.0),
            color=GREEN,
            marker="D",
            markevery=np.flatnonzero(~hollow).tolist(),
            ms=5 if few else 2,
            ls="--" if few else "",
            lw=1.0,
            elinewidth=1.5 if few else 0.7,
            capsize=2.5 if few else 0,
            zorder=2,
        )
        label = "estimated without labels, 95 % interval"
        entries: list[tuple[Any, str]] = []
        if not hollow.all():
            entries.append((self.estimated_, label))
        if hollow.any():
            (self.extrapolated_,) = self.ax_.plot(
                x[hollow],
                values[hollow],
                ls="",
                marker="D",
                color=GREEN,
                mfc=self.ax_.get_facecolor(),
                ms=6 if few else 3,
                zorder=2.5,
            )
            entries.append((self.extrapolated_, _HOLLOW))
        return entries

    def _realised(self, axis: ChunkAxis, shown: _Shown) -> list[tuple[Any, str]]:
        values = shown.realised
        if not np.isfinite(values).any():
            return []
        few, ink = len(values) <= _FEW, ink_of(self.ax_)
        x = axis.places + _BESIDE * axis.step
        below, ringed = self.below_band_, self.below_estimate_
        (self.line_,) = self.ax_.plot(
            x,
            values,
            color=ink,
            lw=1.2 if few else 0.8,
            marker="o",
            markevery=np.flatnonzero(~below).tolist(),
            ms=5 if few else 2.5,
            zorder=3,
        )
        entries: list[tuple[Any, str]] = [(self.line_, "realised")]
        marks: tuple[tuple[np.ndarray, str, dict[str, Any]], ...] = (
            (below, _BELOW, {"marker": "^", "color": VERMILLION, "ms": 8}),
            (ringed, _RINGED, {"marker": "o", "color": ink, "ms": 12, "mfc": "none"}),
        )
        for which, label, style in marks:
            if which.any():
                style |= {"ls": "", "mew": 1.0, "zorder": 4}
                style["ms"] *= 1.0 if few else 0.5
                (mark,) = self.ax_.plot(x[which], values[which], **style)
                entries.append((mark, label))
        return entries

    def _nothing(self) -> None:
        self.ax_.set(xticks=[], yticks=[])
        self.ax_.spines[["left", "bottom"]].set_visible(False)
        text = shown_lines("; ".join([self.reason, *self.notes]).strip("; "), 60)
        self.ax_.text(
            0.5,
            0.5,
            text or "no row to score",
            ha="center",
            va="center",
            transform=self.ax_.transAxes,
            **PLAIN,
        )

    def _legend(self, entries: list[tuple[Any, str]]) -> None:
        """Legend above what is drawn."""
        ax = self.ax_
        width, height = size_of(ax)
        n_columns = 2 if width >= 2 * _LEGEND_ENTRY else 1
        n_lines = math.ceil(len(entries) / n_columns)
        part = min((n_lines * _LEGEND_LINE + _LEGEND_PAD) / max(height, 0.1), 0.5)
        low, high = ax.get_ylim()
        ax.set_ylim(low, high + (high - low) * part / (1.0 - part))
        legend_of(ax, entries, loc="upper left", ncols=n_columns, borderaxespad=0.1)

    def _texts(self, shown: _Shown, name: str | None) -> None:
        ax = self.ax_
        width, _ = size_of(ax)
        fontsize = SMALL if width < NARROW else None
        better = "lower is better" if shown.turned else "higher is better"
        label = f"{shown_name(shown.name, 40)}\n({better})"
        ax.set_ylabel(label, fontsize=fontsize, **PLAIN)
        first = self._summary(shown)
        if name is not None:
            first = f"{shown_name(name, 40)}: {first}"
        estimates = self.estimated_ is not None
        title_of(ax, [(first, 2), ("" if estimates else self.reason, 2)])
        notes = " · ".join([*([_ASSUMES] if estimates else ()), *self.notes])
        lines = shown_lines(notes, characters(width, SMALL)) if notes else ""
        by = shown_name(self.by, 60) if self.by else ""
        text = "\n".join(filter(None, [by, lines]))
        ax.set_xlabel(text, fontsize=SMALL, **PLAIN)

    def _summary(self, shown: _Shown) -> str:
        """What the picture says of realised scores, in one sentence."""
        n_known = int(np.isfinite(shown.realised).sum())
        chunks = counted(n_known, "realised score")
        if not n_known:
            return "no labels yet, the score to expect"
        if np.isfinite(shown.promised_low).any():
            n = int(self.below_band_.sum())
            return f"{n:,} of {chunks} worse than cross-validation promised"
        if self.estimated_ is not None:
            n = int(self.below_estimate_.sum())
            return f"{n:,} of {chunks} worse than estimated"
        return chunks


_BELOW: Final = "realised: worse than the band"
_RINGED: Final = "realised: worse than estimated"
_HOLLOW: Final = "estimated outside of training: unsure"


def _labels(chunks: Any) -> np.ndarray:
    found = np.asarray(chunks)
    if found.ndim != 1:
        raise ParameterError(
            f"chunks must be one label for each chunk, got shape {found.shape}"
        )
    return found
