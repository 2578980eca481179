"""`DependenceDisplay`: what the columns of a batch have to do with each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Self

import numpy as np

from skdrift.display._batch import checked, checked_report
from skdrift.display._canvas import (
    BLACK,
    GREY,
    NARROW,
    PLAIN,
    SMALL,
    TINY,
    VERMILLION,
    axes_of,
    characters,
    grey_of,
    legend_of,
    shown_lines,
    shown_name,
    size_of,
    themed,
    tidy,
    title_of,
)
from skdrift.display._dependence_data import (
    DASH,
    CorrelationTable,
    PairRow,
    alarmed_pairs,
    correlations_of,
)
from skdrift.exceptions import ParameterError
from skdrift.report import DriftReport
from skdrift.report._numbers import bound, counted, rows
from skdrift.shift._dependence_change import LEAST_ROWS, MOST_NAMED

STYLES: Final = ("pairs", "matrix")
MOST_PAIRS: Final = 20
MOST_COLUMNS: Final = 16
_ROW: Final = 0.26  # inches a pair takes in a figure of its own
_AROUND: Final = 1.7
_LEGEND: Final = 0.5
_TALL_LEGEND: Final = 0.75  # of axes that have room for one entry a line
_LEGEND_ENTRY: Final = 2.6
_LEGEND_LINE: Final = 0.19
_LEGEND_PAD: Final = 0.12
_WIDTH: Final = 8.0
_LEVELS: Final = 1.2  # inches of both correlations
_LEAST_ROW: Final = 0.18  # inches a pair takes in axes that were given
_CELL: Final = 0.5  # inches, in a figure of its own
_LEAST_CELL: Final = 0.36  # inches of a cell that has its number
_NAMES: Final = 1.6  # inches of the names beside a matrix

_MARKS: Final[Mapping[str, dict[str, Any]]] = {
    "alarm": {"marker": "^", "color": VERMILLION, "ms": 7},
    "column moved": {"marker": "x", "color": GREY, "ms": 6, "mew": 1.5},
    "no alarm": {"marker": "o", "color": BLACK, "ms": 5, "mfc": "white"},
}
_STATES: Final[Mapping[str, str]] = {
    "alarm": "alarm: DA104",
    "column moved": "a column alarms by itself",
    "no alarm": "no alarm",
}


class DependenceDisplay:
    """Picture of the dependence between columns: which pairs changed, and how.

    ``style="pairs"``: one row for each pair of columns, the change of its correlation
    with the 95 % interval, and the correlation before and after. Pairs that alarm
    come first, then the others, the most certain change on top. ``style="matrix"``:
    training's correlations below the diagonal, their change above it, pairs that
    alarm framed. Correlations are of ranks; those of the distances from the median
    are written ``|a|–|b|``.

    Use `from_report` or `from_estimator`; the constructor takes what is drawn.

    Parameters
    ----------
    pairs : sequence of PairRow
    n_pairs : int, default=0
        Pairs that were compared; 0 if only those are known that are in `pairs`.
    table : CorrelationTable or None, default=None
        For ``style="matrix"``; a report has none.
    together : bool, default=False
        Whether the columns together alarm, and no pair.
    min_effect : float, default=0.01
        The tolerated change.
    n_reference, n_current : int, default=0
        Rows.
    reason : str, default=""
        Why there is nothing to draw.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Set by `plot`.
    figure_ : matplotlib Figure
        That holds `ax_`.
    pairs_ : tuple of PairRow
        The pairs drawn, from top to bottom; empty for a matrix.
    table_ : CorrelationTable or None
        The columns drawn; None where pairs are.
    image_ : matplotlib AxesImage or None
        Of a matrix.

    See Also
    --------
    DriftOverviewDisplay : Each column by itself.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LinearRegression
    >>> from skdrift import DependenceDisplay, DriftAwareEstimator
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(2000, 3))
    >>> X[:, 1] += X[:, 0]
    >>> model = DriftAwareEstimator(LinearRegression(), cv=None, blocks=None)
    >>> batch = X[:500].copy()
    >>> batch[:, 1] = np.sort(batch[:, 1])
    >>> display = DependenceDisplay.from_estimator(model.fit(X, X[:, 0]), batch)
    >>> display.pairs_[0].label, display.pairs_[0].state
    ('x0–x1', 'alarm')
    """

    ax_: Any
    figure_: Any
    pairs_: tuple[PairRow, ...]
    table_: CorrelationTable | None
    image_: Any

    def __init__(
        self,
        *,
        pairs: Sequence[PairRow],
        n_pairs: int = 0,
        table: CorrelationTable | None = None,
        together: bool = False,
        min_effect: float = 0.01,
        n_reference: int = 0,
        n_current: int = 0,
        reason: str = "",
    ) -> None:
        self.pairs = pairs
        self.n_pairs = n_pairs
        self.table = table
        self.together = together
        self.min_effect = min_effect
        self.n_reference = n_reference
        self.n_current = n_current
        self.reason = reason

    @classmethod
    def from_report(
        cls,
        report: DriftReport,
        *,
        ax: Any = None,
        name: str | None = None,
        max_pairs: int = MOST_PAIRS,
    ) -> Self:
        """Draw the pairs that a report names; it has no others.

        Parameters
        ----------
        report : DriftReport
        ax, name, max_pairs
            See `plot`.

        Returns
        -------
        DependenceDisplay

        Raises
        ------
        InputTypeError
            If `report` is none, or `ax` no axes.
        ParameterError
            If `max_pairs` is below 1.
        MissingDependencyError
            If matplotlib is not installed.
        """
        report = checked_report(report)
        display = cls(
            pairs=alarmed_pairs(report.findings),
            together=bool(report.by_code("DA105")),
            min_effect=report.min_effect,
            n_reference=report.n_reference,
            n_current=report.n_checked,
            reason=_reason(report),
        )
        return display.plot(ax, name=name, max_pairs=max_pairs)

    @classmethod
    def from_estimator(
        cls,
        model: Any,
        X: Any,
        *,
        groups: Any = None,
        ax: Any = None,
        name: str | None = None,
        style: str = "pairs",
        max_pairs: int = MOST_PAIRS,
        max_columns: int = MOST_COLUMNS,
    ) -> Self:
        """Check a batch, and draw its pairs of columns, whether they alarm or not.

        Parameters
        ----------
        model : DriftAwareEstimator
            Fitted.
        X : table of shape (n_rows, n_features)
        groups : array-like of shape (n_rows,) or None, default=None
            Blocks of the batch's rows, as in `check`.
        ax, name, style, max_pairs, max_columns
            See `plot`.

        Returns
        -------
        DependenceDisplay

        Raises
        ------
        EstimatorError, NotFittedError
            If `model` is no fitted `DriftAwareEstimator`.
        InputTypeError, ParameterError, MissingDependencyError
            See `plot`.
        """
        report = checked(model, X, groups)
        baseline = model.baseline_
        known = None
        if baseline.dependence is not None:
            known = correlations_of(baseline.dependence, baseline.reference, X, report)
        pairs = known.rows if known else alarmed_pairs(report.findings)
        display = cls(
            pairs=pairs,
            n_pairs=known.n_pairs if known else 0,
            table=known.table if known and pairs else None,
            together=bool(report.by_code("DA105")),
            min_effect=report.min_effect,
            n_reference=report.n_reference,
            n_current=report.n_checked,
            reason="" if pairs else _reason(report, baseline.notes),
        )
        return display.plot(
            ax, name=name, style=style, max_pairs=max_pairs, max_columns=max_columns
        )

    def plot(
        self,
        ax: Any = None,
        *,
        name: str | None = None,
        style: str = "pairs",
        max_pairs: int = MOST_PAIRS,
        max_columns: int = MOST_COLUMNS,
    ) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            Where to draw; None makes a figure.
        name : str or None, default=None
            What the batch is called, in front of the title.
        style : {"pairs", "matrix"}, default="pairs"
            A matrix takes a model: a report holds only pairs that moved.
        max_pairs : int, default=20
            Pairs drawn; the rest is counted below.
        max_columns : int, default=16
            Columns of a matrix: those of the pairs that changed most.

        Returns
        -------
        self

        Raises
        ------
        InputTypeError
            If `ax` is no axes.
        ParameterError
            If there is no such style, it takes a model, or a number is too small.
        MissingDependencyError
            If matplotlib is not installed.
        """
        self._check(style, max_pairs, max_columns)
        self.pairs_, self.table_, self.image_ = (), None, None
        shown = None
        if style == "matrix" and self.table is not None:
            shown = self.table.among(self._columns(max_columns))
        given = ax is not None
        self.ax_ = ax = axes_of(ax, self._size(shown, max_pairs))
        self.figure_ = ax.figure
        tidy(ax)
        if shown is not None:
            self._matrix(shown)
        elif self.pairs:
            self._pairs(max_pairs, given)
        else:
            self._nothing()
        self._title(name)
        return self

    def _check(self, style: str, max_pairs: int, max_columns: int) -> None:
        if style not in STYLES:
            raise ParameterError(f"style must be one of {list(STYLES)}, got {style!r}.")
        if style == "matrix" and self.table is None and self.pairs:
            raise ParameterError(
                "style must be 'pairs' where only the pairs that a report names are"
                " known, got 'matrix'; call from_estimator(model, X, style='matrix')."
            )
        if max_pairs < 1:
            raise ParameterError(f"max_pairs must be at least 1, got {max_pairs!r}.")
        if max_columns < 2:
            raise ParameterError(
                f"max_columns must be at least 2, got {max_columns!r}."
            )

    def _size(
        self, shown: CorrelationTable | None, max_pairs: int
    ) -> tuple[float, float]:
        if shown is not None:
            side = _CELL * max(len(shown.labels), 5)
            return side + _NAMES, side + _NAMES + 0.4
        n = min(len(self.pairs), max_pairs)
        return _WIDTH, _AROUND + _ROW * max(n, 3) + _LEGEND

    def _columns(self, most: int) -> list[int]:
        """Places of the columns of the pairs that come first."""
        assert self.table is not None
        features = self.table.features
        if len(features) <= most:
            return list(range(len(features)))
        chosen: list[int] = []
        for pair in self.pairs:
            own = [
                place for place, name in enumerate(features) if name in pair.features
            ]
            new = [place for place in own if place not in chosen]
            chosen += new[: most - len(chosen)]
        return sorted(chosen)

    def _pairs(self, most: int, given: bool) -> None:
        ax = self.ax_
        width, tall = size_of(ax)
        n_drawn = min(len(self.pairs), most)
        if given:
            room = _LEGEND if width >= NARROW else _TALL_LEGEND
            n_drawn = min(n_drawn, max(3, int((tall - room) / _LEAST_ROW)))
        self.pairs_ = tuple(self.pairs[:n_drawn])
        n = len(self.pairs_)
        for place, row in enumerate(self.pairs_):
            mark = themed(ax, _MARKS[row.state])
            ax.plot([row.low, row.high], [place, place], color=mark["color"], lw=1.5)
            ax.plot([row.change], [place], ls="", zorder=3, **mark)
        ends = [-0.5, n - 0.5]
        ax.plot([0, 0], ends, color=grey_of(ax), lw=0.8, zorder=0)
        tolerated = ax.fill_betweenx(
            ends, -self.min_effect, self.min_effect, color=grey_of(ax), alpha=0.3, lw=0
        )
        self._levels(width)
        part = min(self._legend(width, tolerated) / max(tall, 0.1), 0.6)
        ax.set_ylim(n - 0.5 + n * part / (1.0 - part), -0.5)
        room = max(14, min(40, characters(width / 3, SMALL)))
        names = [shown_name(row.label, room) for row in self.pairs_]
        ax.set_yticks(range(n), names, fontsize=self._fontsize(), **PLAIN)
        self._below(width, max(len(self.pairs), self.n_pairs) - n_drawn)

    def _fontsize(self) -> float:
        return SMALL if size_of(self.ax_)[0] >= NARROW else TINY

    def _levels(self, width: float) -> None:
        """Limits of the axis, and both correlations beside it."""
        ax = self.ax_
        ends = np.array([(row.low, row.high) for row in self.pairs_])
        low = float(min(np.nanmin(ends), -0.05))
        high = float(max(np.nanmax(ends), 0.05))
        low, high = low - 0.05 * (high - low), high + 0.05 * (high - low)
        share = min(_LEVELS / max(width, 0.1), 0.4)
        last = high + (high - low) * share / (1.0 - share)
        ax.set_xlim(low, last)
        n = len(self.pairs_)
        ax.plot([high, high], [-0.5, n - 0.5], color="0.8", lw=0.8)
        ticks = [tick for tick in ax.get_xticks() if low <= tick <= high]
        ax.set_xticks(ticks)
        ax.set_xlim(low, last)
        style = {"ha": "right", "fontsize": self._fontsize(), **PLAIN}
        ax.text(last, -0.6, "training → batch", va="bottom", color=grey_of(ax), **style)
        for place, row in enumerate(self.pairs_):
            weight = "bold" if row.state == "alarm" else "normal"
            ax.text(last, place, row.levels, va="center", fontweight=weight, **style)

    def _legend(self, width: float, tolerated: Any) -> float:
        """Draw the legend; the inches that it takes."""
        from matplotlib.lines import Line2D  # noqa: PLC0415  (optional library)

        entries = [
            (Line2D([], [], lw=1.5, **themed(self.ax_, mark)), _STATES[state])
            for state, mark in _MARKS.items()
            if any(row.state == state for row in self.pairs_)
        ]
        entries.append((tolerated, f"tolerance {bound(self.min_effect)}"))
        n_columns = int(np.clip(width / _LEGEND_ENTRY, 1, len(entries)))
        legend_of(
            self.ax_, entries, loc="lower left", ncols=n_columns, borderaxespad=0.2
        )
        return _LEGEND_PAD + _LEGEND_LINE * -(-len(entries) // n_columns)

    def _below(self, width: float, n_rest: int) -> None:
        below = ["change of the correlation of ranks, 95 % interval"]
        if any(row.label.startswith("|") for row in self.pairs_):
            below.append("|a|–|b|: of the distances from the median")
        n_named = sum(row.state == "alarm" for row in self.pairs)
        if n_named >= MOST_NAMED:
            below.append(f"a report names {MOST_NAMED} pairs at most")
        if n_rest > 0:
            below.append(f"not shown: {counted(n_rest, 'more pair')} of columns")
        room = characters(width, SMALL)
        self.ax_.set_xlabel(
            "\n".join(shown_lines(line, room) for line in below),
            fontsize=self._fontsize(),
            **PLAIN,
        )

    def _matrix(self, shown: CorrelationTable) -> None:
        from matplotlib.patches import Rectangle  # noqa: PLC0415  (optional library)

        ax, k = self.ax_, len(shown.labels)
        self.table_ = shown
        above = np.triu(np.ones((k, k), dtype=bool), 1)
        values = np.where(above, shown.current - shown.reference, shown.reference)
        self.image_ = ax.imshow(
            np.ma.masked_invalid(values), cmap="PuOr_r", vmin=-1.0, vmax=1.0
        )
        ax.spines[:].set_visible(False)
        ax.set_facecolor("0.94")
        width, _ = size_of(ax)
        side = width / k
        room = max(10, min(24, characters(1.5, SMALL)))
        names = [shown_name(label, room) for label in shown.labels]
        style = {"fontsize": self._fontsize(), **PLAIN}
        ax.set_xticks(range(k), names, rotation=90, **style)
        ax.set_yticks(range(k), names, **style)
        ax.tick_params(length=0)
        if side >= _LEAST_CELL:
            self._numbers(values, above)
        else:
            bar = self.figure_.colorbar(self.image_, ax=ax, shrink=0.8)
            bar.outline.set_visible(False)
        for row, column in np.argwhere(above | above.T):
            first, second = sorted((row, column))
            style = self._frame(shown.labels[first], shown.labels[second])
            if style:
                corner = (column - 0.47, row - 0.47)
                ax.add_patch(Rectangle(corner, 0.94, 0.94, fill=False, **style))
        self._below_matrix(k, width)

    def _frame(self, first: str, second: str) -> dict[str, Any]:
        """Style of the frame around a pair; empty if it does not alarm."""
        alarmed = {row.label for row in self.pairs if row.state == "alarm"}
        if f"{first}{DASH}{second}" in alarmed:
            return {"lw": 2}
        far = f"|{first}|{DASH}|{second}|", f"|{second}|{DASH}|{first}|"
        return {"lw": 1.5, "ls": (0, (2, 1.5))} if alarmed & set(far) else {}

    def _numbers(self, values: np.ndarray, above: np.ndarray) -> None:
        for row, column in np.argwhere(np.isfinite(values)):
            value = round(float(values[row, column]), 2) + 0.0
            form = "{:+.2f}" if above[row, column] and value else "{:.2f}"
            self.ax_.text(
                column,
                row,
                form.format(value).replace("0.", ".", 1),
                ha="center",
                va="center",
                fontsize=SMALL - 1,
                color="white" if abs(value) > 0.65 else BLACK,
            )

    def _below_matrix(self, k: int, width: float) -> None:
        assert self.table is not None
        below = [
            "below the diagonal: correlation of ranks in training; above: its change",
        ]
        alarmed = [row.label for row in self.pairs if row.state == "alarm"]
        if alarmed:
            below.append("framed: alarm DA104")
        if any(label.startswith("|") for label in alarmed):
            below[-1] += "; dashed: of the distances from the median"
        if k < len(self.table.labels):
            rest = len(self.table.labels) - k
            below.append(f"not shown: {counted(rest, 'more column')}")
        room = characters(width + _NAMES / 2, SMALL)
        self.ax_.set_xlabel(
            "\n".join(shown_lines(line, room) for line in below),
            fontsize=self._fontsize(),
        )

    def _nothing(self) -> None:
        ax = self.ax_
        ax.set(xticks=[], yticks=[])
        ax.spines[["left", "bottom"]].set_visible(False)
        ax.text(
            0.5,
            0.5,
            shown_lines(self.reason, 50),
            ha="center",
            va="center",
            color=grey_of(ax),
            transform=ax.transAxes,
            **PLAIN,
        )

    def _title(self, name: str | None) -> None:
        n = sum(row.state == "alarm" for row in self.pairs)
        if n:
            what = f"the correlation of {counted(n, 'pair')} of columns changed"
        elif self.together:
            what = "the columns together changed (DA105), though no pair can be named"
        else:
            what = "no pair of columns alarms"
        if name is not None:
            what = f"{shown_name(name, 40)}: {what}"
        else:
            what = what[0].upper() + what[1:]
        sizes = f"training {rows(self.n_reference)}, batch {rows(self.n_current)}"
        known = bool(self.n_reference)
        pad = 20 if self.pairs_ else 6
        title_of(self.ax_, [(what, 2), (sizes if known else "", 1)], pad=pad)


def _reason(report: DriftReport, notes: Sequence[str] = ()) -> str:
    """Why there is no pair to draw."""
    for note in (*notes, *report.notes):
        if note.startswith("dependence between columns is not compared"):
            return note
    if report.by_code("DA105"):
        return "no pair can be named"
    few = min(report.n_reference, report.n_checked)
    if few < LEAST_ROWS:
        return (
            f"{rows(few)}: from {LEAST_ROWS} rows on the dependence between columns is"
            " compared"
        )
    return "the report names no pair"
