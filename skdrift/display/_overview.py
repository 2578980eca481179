"""`DriftOverviewDisplay`: every column of a report in one picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Self

import numpy as np

from skdrift._core.result import FeatureRow, Outcome
from skdrift.display._batch import checked, checked_report
from skdrift.display._canvas import (
    BLACK,
    BLUE,
    NARROW,
    PLAIN,
    SMALL,
    TINY,
    VERMILLION,
    axes_of,
    characters,
    grey_of,
    ink_of,
    legend_of,
    shown_lines,
    shown_name,
    size_of,
    themed,
    tidy,
    title_of,
)
from skdrift.exceptions import ParameterError
from skdrift.report import DriftReport
from skdrift.report._numbers import bound, percent
from skdrift.report._verdict import column_names, verdict

MOST_COLUMNS: Final = 40
_ROW: Final = 0.26  # inches a column takes in a figure of its own
_AROUND: Final = 1.9
_LEGEND: Final = 0.66
_WIDTH: Final = 8.0
_TABLE: Final = 0.62  # inches a kind of event takes
_LEAST_ROW: Final = 0.16  # inches a column takes in axes that were given

_ORDER: Final[tuple[Outcome, ...]] = ("drift", "undecided", "stable", "not tested")
_MARKS: Final[Mapping[str, dict[str, Any]]] = {
    "drift": {"marker": "^", "color": VERMILLION, "ms": 7},
    "undecided": {"marker": "o", "color": BLACK, "ms": 6, "mfc": "white"},
    "stable": {"marker": "s", "color": BLUE, "ms": 5},
}
_EFFECT: Final = "KS distance (numbers) or total variation (categories), 95 % interval"
_TABLE_TEXT: Final = (
    "on the right: share of rows missing, counts of other cells; ◆ alarm"
)
_EVENTS: Final[Mapping[str, tuple[str, ...]]] = {
    "missing": ("DA301", "DA401", "DA405"),
    "unseen": ("DA402",),
    "out of\nrange": ("DA403",),
    "infinite": ("DA404",),
}


class DriftOverviewDisplay:
    """Picture of all columns of a report: what moved, how far, and how sure that is.

    One row for each column: the effect with its 95 % interval, a mark for the
    outcome, and beside it how many rows are missing, unseen, out of range or
    infinite, with a diamond where that is an alarm. Columns that drifted come first,
    then those with another alarm, those that are undecided, the stable ones and the
    ones that were not tested.

    Parameters
    ----------
    features : sequence of FeatureRow
        One for each column.
    alarms : mapping of str to sequence of str
        Codes of the alarms, by the name of the column.
    min_effect : float
        The tolerance; a line.
    stable_bound : float
        What "stable" rules out; a line.
    title : str, default=""
        First line of the picture.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Set by `plot`.
    figure_ : matplotlib Figure
        That holds `ax_`.
    features_ : tuple of FeatureRow
        The columns drawn, from top to bottom.

    See Also
    --------
    ShiftDisplay : One column, looked at closely.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skdrift import DriftAwareEstimator, DriftOverviewDisplay
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(1000, 3))
    >>> model = DriftAwareEstimator(LogisticRegression()).fit(X, X[:, 0] > 0)
    >>> report = model.check(X[:200] + [0, 0, 1])
    >>> display = DriftOverviewDisplay.from_report(report)
    >>> [row.feature for row in display.features_][0]
    'x2'
    """

    ax_: Any
    figure_: Any
    features_: tuple[FeatureRow, ...]

    def __init__(
        self,
        *,
        features: Sequence[FeatureRow],
        alarms: Mapping[str, Sequence[str]],
        min_effect: float,
        stable_bound: float,
        title: str = "",
    ) -> None:
        self.features = features
        self.alarms = alarms
        self.min_effect = min_effect
        self.stable_bound = stable_bound
        self.title = title

    @classmethod
    def from_report(
        cls,
        report: DriftReport,
        *,
        ax: Any = None,
        name: str | None = None,
        max_columns: int = MOST_COLUMNS,
    ) -> Self:
        """Draw a report.

        Parameters
        ----------
        report : DriftReport
        ax, name, max_columns
            See `plot`.

        Returns
        -------
        DriftOverviewDisplay

        Raises
        ------
        InputTypeError
            If `report` is none, or `ax` no axes.
        ParameterError
            If `max_columns` is below 1.
        MissingDependencyError
            If matplotlib is not installed.
        """
        report = checked_report(report)
        alarms: dict[str, list[str]] = {}
        for finding in report.alarms:
            for feature in column_names([finding]):
                alarms.setdefault(feature, []).append(finding.code)
        display = cls(
            features=report.features,
            alarms=alarms,
            min_effect=report.min_effect,
            stable_bound=report.stable_bound,
            title=verdict(report),
        )
        return display.plot(ax, name=name, max_columns=max_columns)

    @classmethod
    def from_estimator(
        cls,
        model: Any,
        X: Any,
        *,
        groups: Any = None,
        ax: Any = None,
        name: str | None = None,
        max_columns: int = MOST_COLUMNS,
    ) -> Self:
        """Check a batch, and draw the report.

        Parameters
        ----------
        model : DriftAwareEstimator
            Fitted.
        X : table of shape (n_rows, n_features)
        groups : array-like of shape (n_rows,) or None, default=None
            Blocks of the batch's rows, as in `check`.
        ax, name, max_columns
            See `plot`.

        Returns
        -------
        DriftOverviewDisplay

        Raises
        ------
        EstimatorError, NotFittedError
            If `model` is no fitted `DriftAwareEstimator`.
        InputTypeError, ParameterError, MissingDependencyError
            See `from_report`.
        """
        return cls.from_report(
            checked(model, X, groups), ax=ax, name=name, max_columns=max_columns
        )

    def plot(
        self,
        ax: Any = None,
        *,
        name: str | None = None,
        max_columns: int = MOST_COLUMNS,
    ) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            Where to draw; None makes a figure.
        name : str or None, default=None
            What the batch is called, in front of the title.
        max_columns : int, default=40
            Columns drawn; the rest is counted below.

        Returns
        -------
        self

        Raises
        ------
        InputTypeError
            If `ax` is no axes.
        ParameterError
            If `max_columns` is below 1.
        MissingDependencyError
            If matplotlib is not installed.
        """
        if max_columns < 1:
            raise ParameterError(
                f"max_columns must be at least 1, got {max_columns!r}."
            )
        ordered = sorted(self.features, key=self._rank)
        n_drawn = min(len(ordered), max_columns)
        given = ax is not None
        height = _AROUND + _ROW * max(n_drawn, 3) + _LEGEND
        self.ax_ = ax = axes_of(ax, (_WIDTH, height))
        self.figure_ = ax.figure
        width, tall = size_of(ax)
        if given:
            n_drawn = min(n_drawn, max(3, int((tall - _LEGEND) / _LEAST_ROW)))
        self.features_ = tuple(ordered[:n_drawn])
        tidy(ax)
        shown = [
            kind
            for kind in _EVENTS
            if any(self._event(kind, row)[0] for row in self.features_)
        ]
        share = min(_TABLE * len(shown) / width, 0.6)
        end = self._effects(width * (1.0 - share))
        last = end / (1.0 - share)
        self._events(shown, end, last)
        ticks = _ticks(end, max(2, int(1.6 * width * (1.0 - share))))
        ax.set_xticks([tick for tick in ticks if 0 <= tick <= end])
        ax.set_xlim(0.0, last)
        n = max(len(self.features_), 1)
        part = min(_LEGEND / max(tall, 0.1), 0.5)
        ax.set_ylim(n - 0.5 + n * part / (1.0 - part), -0.5)
        room = max(12, min(32, characters(width / 3.5, SMALL)))
        names = [shown_name(row.feature, room) for row in self.features_]
        ax.set_yticks(range(len(names)), names, fontsize=SMALL, **PLAIN)
        self._legend(width)
        self._texts(name, ordered[n_drawn:], width, bool(shown))
        return self

    def _rank(self, row: FeatureRow) -> tuple[int, bool, float]:
        place = _ORDER.index(row.outcome)
        event = row.feature in self.alarms
        size = float(np.nan_to_num(row.effect_size, nan=-1.0))
        return (0 if place == 0 else 1 if event else 1 + place), not event, -size

    def _effects(self, width: float) -> float:
        """Draw effects, intervals and lines; the right end of what they need."""
        room = characters(width, SMALL)
        ax, ends = self.ax_, [2.0 * self.stable_bound, 0.05]
        for place, row in enumerate(self.features_):
            mark = _MARKS.get(row.outcome)
            if mark is None or not np.isfinite(row.effect_size):
                reason = f"{row.outcome}: {row.reason}".removesuffix(": ")
                ax.text(
                    0.012,
                    place,
                    shown_lines(reason, room, 1),
                    transform=ax.get_yaxis_transform(),
                    bbox={"facecolor": ax.get_facecolor(), "ec": "none", "pad": 0.5},
                    va="center",
                    fontsize=SMALL - 1,
                    color=grey_of(ax),
                    **PLAIN,
                )
                continue
            mark = themed(ax, mark)
            ax.plot([row.low, row.high], [place, place], color=mark["color"], lw=1.5)
            ax.plot([row.effect_size], [place], ls="", clip_on=False, zorder=3, **mark)
            ends.append(1.04 * row.high)
        for x, style in ((self.min_effect, "--"), (self.stable_bound, ":")):
            bottom = len(self.features_) - 0.5
            ax.plot([x, x], [-0.5, bottom], color=grey_of(ax), lw=1, ls=style, zorder=0)
        return float(np.nanmax(ends))

    def _event(self, kind: str, row: FeatureRow) -> tuple[str, bool]:
        """Text for a kind of event (empty if there is none), and if it is an alarm."""
        loud = bool(set(_EVENTS[kind]) & set(self.alarms.get(row.feature, ())))
        if kind == "missing":
            more = row.missing_current > row.missing_reference
            gone = not np.isfinite(row.missing_current) and loud
            text = "all" if gone else percent(row.missing_current)
            return (text if loud or more else ""), loud
        counts = {
            "unseen": row.n_unseen,
            "out of\nrange": row.n_below + row.n_above,
            "infinite": row.n_infinite,
        }
        return (f"{counts[kind]:,}" if loud or counts[kind] else ""), loud

    def _events(self, kinds: Sequence[str], end: float, last: float) -> None:
        ax = self.ax_
        fontsize = SMALL - 1 if size_of(ax)[0] >= NARROW else TINY
        if kinds:
            bottom = len(self.features_) - 0.5
            ax.plot([end, end], [-0.5, bottom], color="0.8", lw=0.8)
        for position, kind in enumerate(kinds):
            right = end + (last - end) * (position + 1) / len(kinds)
            ax.text(
                right,
                -0.6,
                kind,
                ha="right",
                va="bottom",
                fontsize=fontsize,
                color=grey_of(ax),
            )
            for place, row in enumerate(self.features_):
                text, loud = self._event(kind, row)
                if not text:
                    continue
                ax.annotate(
                    text,
                    (right, place),
                    xytext=(-9, 0),
                    textcoords="offset points",
                    ha="right",
                    va="center",
                    fontsize=fontsize,
                    color=ink_of(ax),
                    fontweight="bold" if loud else "normal",
                )
                if loud:
                    ax.annotate(
                        "◆",
                        (right, place),
                        ha="right",
                        va="center",
                        fontsize=fontsize,
                        color=VERMILLION,
                    )

    def _legend(self, width: float) -> None:
        from matplotlib.lines import Line2D  # noqa: PLC0415  (optional library)

        entries = [
            (Line2D([], [], lw=1.5, **themed(self.ax_, mark)), outcome)
            for outcome, mark in _MARKS.items()
            if any(row.outcome == outcome for row in self.features_)
        ]
        lines = (
            ("--", f"tolerance {bound(self.min_effect)}"),
            (":", f"stable bound {bound(self.stable_bound)}"),
        )
        entries += [
            (Line2D([], [], color=grey_of(self.ax_), lw=1, ls=style), label)
            for style, label in lines
        ]
        legend_of(
            self.ax_,
            entries,
            loc="lower left",
            ncols=3 if width > 4.5 else 2,
            borderaxespad=0.2,
        )

    def _texts(
        self, name: str | None, rest: Sequence[FeatureRow], width: float, table: bool
    ) -> None:
        ax, below = self.ax_, [_EFFECT]
        if table:
            below.append(_TABLE_TEXT)
        if rest:
            counts = [
                f"{n:,} {outcome}"
                for outcome in _ORDER
                if (n := sum(row.outcome == outcome for row in rest))
            ]
            below.append(f"not shown: {len(rest):,} more columns ({', '.join(counts)})")
        room = characters(width, SMALL)
        ax.set_xlabel(
            "\n".join(shown_lines(line, room) for line in below), fontsize=SMALL
        )
        title = self.title if name is None else f"{shown_name(name, 40)}: {self.title}"
        title_of(ax, [(title, 2)], pad=24 if table else 8)


def _ticks(end: float, most: int) -> list[float]:
    from matplotlib.ticker import MaxNLocator  # noqa: PLC0415  (optional library)

    ticks = MaxNLocator(nbins=most, steps=[1, 2, 5, 10]).tick_values(0.0, end)
    return [float(tick) for tick in ticks if 0.0 <= tick <= end]
