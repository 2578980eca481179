"""What every picture shares: axes, colours, and names that cannot harm a figure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from skdrift.exceptions import InputTypeError, MissingDependencyError
from skdrift.report._visible import (
    UNBROKEN,
    cut_to_width,
    visible,
    visible_name,
    wrap,
)

# Of Okabe and Ito: told apart by colour-blind eyes.
BLUE: Final = "#0072B2"
VERMILLION: Final = "#D55E00"
GREEN: Final = "#009E73"
BLACK: Final = "black"
GREY: Final = "0.4"
WHITE: Final = "white"

TITLE: Final = 11.0
SMALL: Final = 9.0
TINY: Final = 7.0
NARROW: Final = 4.5  # inches; axes narrower than that have smaller texts
PLAIN: Final[dict[str, Any]] = {"parse_math": False, "usetex": False}
"""Text properties of whatever holds a name from the data: "$" and "_" are letters."""

_LIGHT_GREY: Final = "0.7"
_MIDDLE: Final = 1.5  # of red, green and blue together
_POINTS_PER_INCH: Final = 72.0
_CHARACTER: Final = 0.54  # width of an average character, in font sizes


def axes_of(ax: Any, size: tuple[float, float]) -> Any:
    """`ax`, or the axes of a new figure of `size` inches.

    Raises
    ------
    MissingDependencyError
        matplotlib is not installed.
    InputTypeError
        `ax` is no axes of matplotlib.
    """
    try:
        import matplotlib.pyplot as plt  # noqa: PLC0415  (optional library)
        from matplotlib.axes import Axes  # noqa: PLC0415  (optional library)
    except ImportError as error:
        raise MissingDependencyError(
            f"A picture needs matplotlib, which could not be imported ({error}). "
            "Install it with `pip install skdrift[plot]`."
        ) from error
    if ax is None:
        _, ax = plt.subplots(figsize=size, layout="constrained")
    elif not isinstance(ax, Axes):
        raise InputTypeError(
            "ax must be one Axes of matplotlib or None, got an object of type"
            f" {type(ax).__name__}; of an array of axes pass one element."
        )
    return ax


def size_of(ax: Any) -> tuple[float, float]:
    """Width and height of axes in inches."""
    box = ax.get_window_extent()
    dpi = ax.figure.dpi
    return box.width / dpi, box.height / dpi


def ink_of(ax: Any) -> Any:
    """Colour of what is written on axes: black, or light where the style is dark."""
    return ax.xaxis.label.get_color()


def is_dark(ax: Any) -> bool:
    """Whether axes are dark."""
    return bool(sum(ax.get_facecolor()[:3]) < _MIDDLE)


def themed(ax: Any, style: Mapping[str, Any]) -> dict[str, Any]:
    """A style on axes as they are: on dark ones black, white and grey change sides."""
    if not is_dark(ax):
        return dict(style)
    other = {BLACK: ink_of(ax), WHITE: ax.get_facecolor(), GREY: _LIGHT_GREY}
    return {
        key: other.get(value, value) if isinstance(value, str) else value
        for key, value in style.items()
    }


def grey_of(ax: Any) -> str:
    """Grey that can be read on axes as they are."""
    return _LIGHT_GREY if is_dark(ax) else GREY


def band_alpha(ax: Any) -> float:
    """How opaque a band is, to be seen beside the axes and to let lines be seen."""
    return 0.45 if is_dark(ax) else 0.2


def characters(width: float, fontsize: float) -> int:
    """How many average characters fit into `width` inches, at least 16."""
    return max(16, int(width * _POINTS_PER_INCH / (_CHARACTER * fontsize)))


def title_of(ax: Any, texts: list[tuple[str, int]], *, pad: float = 6.0) -> None:
    """Title of sentences, each on at most so many lines."""
    width, _ = size_of(ax)
    fontsize = TITLE if width >= NARROW else SMALL
    room = characters(width, fontsize)
    lines = [shown_lines(text, room, most) for text, most in texts if text]
    ax.set_title("\n".join(lines), loc="left", fontsize=fontsize, pad=pad, **PLAIN)


def shown_name(name: str, width: int) -> str:
    """A name from the data on one line of at most `width` columns, in known glyphs."""
    return cut_to_width(_with_glyphs(visible_name(name)), width)


def shown_lines(text: str, width: int, most: int = 3) -> str:
    """A sentence on at most `most` lines of `width` columns, in known glyphs."""
    whole = _with_glyphs(visible(text, 600))
    for together in (" %", " → ", "spread ×"):
        whole = whole.replace(together, together.replace(" ", UNBROKEN))
    lines = wrap(whole, first="", rest="", width=width)
    if len(lines) > most:
        lines = [*lines[: most - 1], cut_to_width(" ".join(lines[most - 1 :]), width)]
    return "\n".join(lines)


def legend_of(ax: Any, entries: list[tuple[Any, str]], **options: Any) -> Any:
    """Legend whose texts are set last: matplotlib drops those that begin with "_"."""
    handles = [handle for handle, _ in entries]
    narrow = size_of(ax)[0] < NARROW
    legend = ax.legend(
        handles,
        [f"entry {place}" for place in range(len(entries))],
        fontsize=TINY if narrow else SMALL,
        frameon=False,
        **options,
    )
    for text, (_, label) in zip(legend.get_texts(), entries, strict=True):
        text.set(text=label, **PLAIN)
    return legend


def tidy(ax: Any) -> None:
    """Take away the frame's upper and right side."""
    ax.spines[["top", "right"]].set_visible(False)


def _with_glyphs(text: str) -> str:
    """`text` with each character that the fonts in use cannot draw as its escape."""
    if text.isascii():
        return text
    from matplotlib import font_manager, rcParams  # noqa: PLC0415  (optional library)

    fonts = [
        font_manager.get_font(
            font_manager.findfont(font_manager.FontProperties(family=[family]))
        )
        for family in rcParams["font.family"]
    ]

    def drawn(char: str) -> bool:
        return any(font.get_char_index(ord(char)) for font in fonts)

    return "".join(
        char if drawn(char) else char.encode("unicode_escape").decode("ascii")
        for char in text
    )
