"""`ShiftDisplay`: one column of a batch against training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Self

import numpy as np

from skdrift._core.result import FeatureRow
from skdrift.display._batch import checked, position_of
from skdrift.display._canvas import (
    BLACK,
    BLUE,
    NARROW,
    PLAIN,
    SMALL,
    TINY,
    VERMILLION,
    axes_of,
    band_alpha,
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
from skdrift.display._scale import Scale, scale_of
from skdrift.display._shift_data import (
    MANY_BARS,
    MOST_BARS,
    BlockBand,
    Distributions,
    block_band,
    distributions_of,
    largest_levels,
)
from skdrift.exceptions import ParameterError
from skdrift.profile import Profile
from skdrift.report._numbers import counted, percent, rows, with_interval

STYLES: Final = ("distribution", "histogram")
_BINS: Final = 30
_SIZE: Final = (7.0, 4.2)
_BAR_HEIGHT: Final = 0.26  # inches, in a figure of its own
_BAR: Final = 0.38
_LEAST_BAR: Final = 0.19  # inches, in axes that were given
_LEGEND_ROOM: Final = 0.62  # inches below the bars
_LEGEND_LINE: Final = 0.21


class ShiftDisplay:
    """Picture of one column of a batch against training.

    Numbers, dates and lengths of texts: the two distribution functions with their
    largest gap (the Kolmogorov–Smirnov distance) and its interval, or histograms.
    Categories: the share of each level. The direction is in the title; missing
    values, values outside the range of training and the like stand below.

    Use `from_estimator`; the constructor takes what is drawn.

    Parameters
    ----------
    row : FeatureRow
        What the report says of the column.
    distributions : Distributions
        Both samples, as shares.
    family : str, default=""
        Type of the column in training; a ``"duration"`` is in microseconds.
    band : BlockBand or None, default=None
        How blocks of training scatter; None where the level counts rows.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Set by `plot`.
    figure_ : matplotlib Figure
        That holds `ax_`.
    reference_, current_ : matplotlib artist or container, or None
        What shows the samples; None where one has no value.
    gap_ : matplotlib artist or None
        The largest gap; None where it is not known or not of this picture.
    band_ : matplotlib artist or None
        Where 90 % of the blocks of training lie; None where the level counts rows.

    See Also
    --------
    DriftOverviewDisplay : All columns of a report.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skdrift import DriftAwareEstimator, ShiftDisplay
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(1000, 3))
    >>> model = DriftAwareEstimator(LogisticRegression()).fit(X, X[:, 0] > 0)
    >>> display = ShiftDisplay.from_estimator(model, X[:200] + 1, feature="x2")
    >>> display.row.outcome
    'drift'
    """

    ax_: Any
    figure_: Any
    reference_: Any
    current_: Any
    gap_: Any
    band_: Any

    def __init__(
        self,
        *,
        row: FeatureRow,
        distributions: Distributions,
        family: str = "",
        band: BlockBand | None = None,
    ) -> None:
        self.row = row
        self.distributions = distributions
        self.family = family
        self.band = band

    @classmethod
    def from_estimator(
        cls,
        model: Any,
        X: Any,
        *,
        feature: str | int | None = None,
        groups: Any = None,
        ax: Any = None,
        name: str | None = None,
        style: str = "distribution",
        **kwargs: Any,
    ) -> Self:
        """Compare a batch with the training data of `model`, and draw one column.

        Parameters
        ----------
        model : DriftAwareEstimator
            Fitted.
        X : table of shape (n_rows, n_features)
            The batch; all rows are looked at, as in `check`.
        feature : str, int or None, default=None
            Name or position of the column. None: the one that moved furthest.
        groups : array-like of shape (n_rows,) or None, default=None
            Blocks of the batch's rows, as in `check`.
        ax : matplotlib Axes or None, default=None
            Where to draw; None makes a figure.
        name, style, **kwargs
            See `plot`.

        Returns
        -------
        ShiftDisplay

        Raises
        ------
        EstimatorError
            If `model` is no `DriftAwareEstimator`.
        NotFittedError
            If it is not fitted.
        ParameterError
            If there is no such column or style.
        MissingDependencyError
            If matplotlib is not installed.
        """
        report = checked(model, X, groups)
        reference = model.baseline_.reference
        grid = reference.grid
        position = position_of(grid.labels, feature, report.features)
        row = report.features[position]
        current = Profile.count(X, grid)
        shown = distributions_of(reference, current, position, row)
        n_together = report.blocks.n_current if report.blocks else 1
        blocks = model.baseline_.blocks
        display = cls(
            row=row,
            distributions=shown,
            family=grid.families[position],
            band=block_band(reference, blocks, position, row, shown, n_together),
        )
        return display.plot(ax, name=name, style=style, **kwargs)

    def plot(
        self,
        ax: Any = None,
        *,
        name: str | None = None,
        style: str = "distribution",
        reference_kwargs: Mapping[str, Any] | None = None,
        current_kwargs: Mapping[str, Any] | None = None,
    ) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            Where to draw; None makes a figure.
        name : str or None, default=None
            What the legend calls the batch; None: ``"batch"``.
        style : {"distribution", "histogram"}, default="distribution"
            For numbers, dates and lengths; levels are bars either way.
        reference_kwargs, current_kwargs : dict or None, default=None
            Passed on to matplotlib's `plot`, `stairs` or `barh`.

        Returns
        -------
        self

        Raises
        ------
        ParameterError
            If there is no such style.
        InputTypeError
            If `ax` is no axes.
        MissingDependencyError
            If matplotlib is not installed.
        """
        if style not in STYLES:
            raise ParameterError(f"style must be one of {list(STYLES)}, got {style!r}.")
        self.ax_ = ax = axes_of(ax, self._size())
        self.figure_ = ax.figure
        self.reference_ = self.current_ = self.gap_ = self.band_ = None
        chosen = dict(reference_kwargs or {}), dict(current_kwargs or {})
        tidy(ax)
        if self.distributions.levels:
            self._bars(*chosen)
        elif len(self.distributions.values):
            self._numbers(style, *chosen)
        else:
            self._nothing()
        self._title()
        self._legend("batch" if name is None else name)
        return self

    def _size(self) -> tuple[float, float]:
        n_bars = len(self.distributions.levels)
        n_bars = n_bars if n_bars <= MOST_BARS else MANY_BARS
        if not n_bars:
            return _SIZE
        return _SIZE[0], 2.2 + _BAR_HEIGHT * max(n_bars, 3)

    def _numbers(
        self, style: str, reference: dict[str, Any], current: dict[str, Any]
    ) -> None:
        shown = self.distributions
        scale = scale_of(shown, self.row.kind)
        scale.dress(self.ax_)
        if size_of(self.ax_)[0] < NARROW:
            self.ax_.tick_params(labelsize=TINY)
        self._band(scale, style)
        if style == "histogram":
            self.reference_ = self._stairs(scale, shown.reference, _FILLED | reference)
            self.current_ = self._stairs(scale, shown.current, _OUTLINED | current)
            label = "share of rows"
        else:
            self.reference_ = self._curve(scale, shown.reference, _SOLID | reference)
            self.current_ = self._curve(scale, shown.current, _DASHED | current)
            self._gap(scale)
            self.ax_.set_ylim(-0.02, 1.04)
            label = "share of rows at or below"
        self.ax_.yaxis.set_major_formatter(_in_percent())
        self.ax_.set_ylabel(label)
        unit = {"length": "length in characters", "value": self._unit()}
        self._below(unit[shown.aspect], scale.notes)

    def _unit(self) -> str:
        if self.row.kind == "datetime":
            return "time (UTC)"
        label = shown_name(self.row.feature, 60)
        return f"{label} (microseconds)" if self.family == "duration" else label

    def _curve(self, scale: Scale, shares: np.ndarray, style: dict[str, Any]) -> Any:
        if not np.isfinite(shares).all():
            return None
        x = np.concatenate([[scale.low], scale.values, [scale.high]])
        y = np.concatenate([[0.0], shares, [1.0]])
        (line,) = self.ax_.plot(x, y, **style)
        return line

    def _stairs(self, scale: Scale, shares: np.ndarray, style: dict[str, Any]) -> Any:
        if not np.isfinite(shares).all():
            return None
        edges = np.linspace(scale.low, scale.high, _BINS + 1)
        return self.ax_.stairs(scale.masses(shares, edges), edges, **style)

    def _band(self, scale: Scale, style: str) -> None:
        if self.band is None:
            return
        band: dict[str, Any] = {**_BAND, "alpha": band_alpha(self.ax_)}
        if style == "histogram":
            edges = np.linspace(scale.low, scale.high, _BINS + 1)
            masses = [scale.masses(shares, edges) for shares in self.band.parts]
            low, high = self.band.ends(np.array(masses))
            self.band_ = self.ax_.stairs(
                high,
                edges,
                baseline=low,
                fill=True,
                **band | {"color": grey_of(self.ax_)},
            )
            return
        ends = [np.r_[0.0, end, 1.0] for end in self.band.ends(self.band.parts)]
        x = np.r_[scale.low, scale.values, scale.high]
        self.band_ = self.ax_.fill_between(x, *ends, **band)

    def _gap(self, scale: Scale) -> None:
        row, shown = self.row, self.distributions
        if not np.isfinite(row.effect_size) or row.effect_name != "KS distance":
            return
        apart = shown.current - shown.reference
        place = int(np.argmax(np.abs(apart)))
        start, way = shown.reference[place], np.sign(apart[place])
        middle = start + way * row.effect_size
        ends = np.clip([start + way * row.low, start + way * row.high], 0.0, 1.0)
        x = scale.values[place]
        self.ax_.plot(
            [x, x],
            ends,
            color=grey_of(self.ax_),
            lw=1,
            ls="-",
            marker="_",
            ms=9,
            mew=1,
            zorder=3,
        )
        (self.gap_,) = self.ax_.plot(
            [x, x],
            [start, middle],
            color=ink_of(self.ax_),
            lw=2.2,
            marker="o",
            ms=4,
            zorder=4,
        )

    def _bars(self, reference: dict[str, Any], current: dict[str, Any]) -> None:
        shown, ax = self.distributions, self.ax_
        width, height = size_of(ax)
        room = self._legend_room()
        most = int(np.clip((height - room) / _LEAST_BAR, 3, MOST_BARS))
        kept, names, rest = largest_levels(shown, most)
        before, now = shown.reference[kept], shown.current[kept]
        places = np.arange(len(names))
        if np.isfinite(before).all():
            style = _BARS | reference
            self.reference_ = ax.barh(places - _BAR / 2, before, _BAR, **style)
        if np.isfinite(now).all():
            style = themed(ax, _HATCHED) | current
            self.current_ = ax.barh(places + _BAR / 2, now, _BAR, **style)
        self._ranges(kept)
        most = max(16, min(28, characters(width / 3, SMALL)))
        labels = [shown_name(name, most) for name in names]
        ax.set_yticks(places, labels, fontsize=SMALL, **PLAIN)
        if rest:
            ax.annotate(
                rest,
                (0, len(names)),
                xytext=(4, 0),
                textcoords="offset points",
                va="center",
                fontsize=SMALL,
                color=grey_of(ax),
            )
        n_lines = len(names) + bool(rest)
        part = min(room / max(height, 0.1), 0.4)
        ax.set_ylim(n_lines - 0.5 + n_lines * part / (1 - part), -0.6)
        ax.set_xlim(left=0)
        ax.xaxis.set_major_formatter(_in_percent())
        what = "rows with this form of text" if shown.aspect == "shape" else "rows"
        self._below(f"share of {what}", ())

    def _legend_room(self) -> float:
        """Inches below the bars: one line more where there are ranges of blocks."""
        return _LEGEND_ROOM + (_LEGEND_LINE if self.band is not None else 0.0)

    def _ranges(self, kept: np.ndarray) -> None:
        if self.band is None:
            return
        low, high = self.band.ends(self.band.parts[:, kept])
        known = np.flatnonzero(np.isfinite(low) & np.isfinite(high))
        if not known.size:
            return
        middle = (low[known] + high[known]) / 2
        self.band_ = self.ax_.errorbar(
            middle,
            known - _BAR / 2,
            xerr=high[known] - middle,
            **themed(self.ax_, _RANGE),
        )

    def _nothing(self) -> None:
        self.ax_.set(xticks=[], yticks=[])
        self.ax_.spines[["left", "bottom"]].set_visible(False)
        text = shown_lines(self.row.reason or "nothing was counted", 40)
        self.ax_.text(
            0.5,
            0.5,
            text,
            ha="center",
            va="center",
            color=grey_of(self.ax_),
            transform=self.ax_.transAxes,
            **PLAIN,
        )

    def _below(self, unit: str, more: tuple[str, ...]) -> None:
        width, _ = size_of(self.ax_)
        fontsize = SMALL if width < NARROW else None
        notes = " · ".join([*_notes(self.row, self.distributions), *more])
        lines = shown_lines(notes, characters(width, SMALL)) if notes else ""
        text = "\n".join(filter(None, [unit, lines]))
        self.ax_.set_xlabel(text, fontsize=fontsize, **PLAIN)

    def _title(self) -> None:
        row = self.row
        what = f"{shown_name(row.feature, 40)}: {row.direction}".removesuffix(": ")
        second: str = row.outcome
        if row.effect_name and np.isfinite(row.effect_size):
            size = with_interval(row.effect_size, row.low, row.high)
            second += f", {row.effect_name} {size}"
        title_of(self.ax_, [(what, 2), (second, 2)])

    def _legend(self, name: str) -> None:
        shown, entries = self.distributions, []
        narrow = size_of(self.ax_)[0] < NARROW
        samples = (
            (self.reference_, "training", shown.n_reference),
            (self.current_, shown_name(name, 30), shown.n_current),
        )
        for artist, label, n in samples:
            if artist is not None:
                entries.append((artist, label if narrow else f"{label} ({rows(n)})"))
        if self.band_ is not None:
            place = min(1, len(entries))
            entries.insert(place, (self.band_, self._band_label(narrow)))
        if self.gap_ is not None and not narrow:
            entries.append((self.gap_, "largest gap, 95 % interval"))
        if not entries:
            return
        options: dict[str, Any] = {"loc": "lower right"}
        if not shown.levels:
            options["loc"] = _free_corner(self.ax_, self.reference_, shown)
        legend_of(self.ax_, entries, **options)

    def _band_label(self, narrow: bool) -> str:
        assert self.band is not None
        n_together = self.band.n_together
        if narrow:
            return "90 % of its blocks"
        if n_together > 1:
            what = f"90 % of {n_together:,} of its {self.band.n_blocks:,} blocks"
        else:
            what = f"90 % of its {counted(self.band.n_blocks, 'block')}"
        return what if self.distributions.levels else f"{what}, smoothed"


_BAND: Final = {"color": BLUE, "lw": 0, "zorder": 0.5}
_RANGE: Final = {"color": BLACK, "ls": "", "capsize": 3, "lw": 1.2, "zorder": 3}
_SOLID: Final = {"color": BLUE, "lw": 2}
_DASHED: Final = {"color": VERMILLION, "lw": 2, "ls": (0, (4, 1.5))}
_FILLED: Final = {"color": BLUE, "alpha": 0.35, "fill": True, "lw": 0}
_OUTLINED: Final = {"color": VERMILLION, "lw": 2, "ls": (0, (4, 1.5))}
_BARS: Final = {"color": BLUE}
_HATCHED: Final = {"facecolor": "white", "edgecolor": VERMILLION, "hatch": "////"}


def _notes(row: FeatureRow, shown: Distributions) -> list[str]:
    notes = []
    if row.missing_reference > 0 or row.missing_current > 0:
        before, now = percent(row.missing_reference), percent(row.missing_current)
        notes.append(f"missing {before} → {now}")
    counted = (
        (row.n_below, "below the range of training"),
        (row.n_above, "above the range of training"),
        (row.n_unseen, "in categories that training never had"),
        (row.n_infinite, "infinite"),
    )
    notes += [f"{rows(n)} {what}" for n, what in counted if n]
    if not shown.n_current:
        notes.append(row.reason or "no value in the batch")
    elif row.reason:
        notes.append(row.reason)
    return notes


def _free_corner(ax: Any, artist: Any, shown: Distributions) -> str:
    """Where a rising curve leaves room: left of a late rise, right of an early one."""
    if not hasattr(artist, "get_xdata"):
        return "best"
    low, high = ax.get_xlim()
    middles = [
        float(artist.get_xdata()[1:-1][np.searchsorted(shares, 0.5)])
        for shares in (shown.reference, shown.current)
        if np.isfinite(shares).all()
    ]
    return "upper left" if np.mean(middles) > (low + high) / 2 else "lower right"


def _in_percent() -> Any:
    from matplotlib.ticker import PercentFormatter  # noqa: PLC0415  (optional library)

    return PercentFormatter(xmax=1, symbol=" %")
