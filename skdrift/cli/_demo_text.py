"""What the demo prints, in at most 100 terminal columns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import groupby

from skdrift.cli._months import Month, alarmed_columns
from skdrift.performance._decomposition import ScoreDecomposition
from skdrift.report._visible import wrap

WIDTH = 100
OF_NO_COLUMN = {
    "DA105": "all columns together",
    "DA106": "the predictions",
    "DA201": "the score",
}
Promise = tuple[float, float, float]
"""Mean absolute error over the folds, and that of the best and of the worst fold."""


def training(
    shape: tuple[int, int],
    promise: Promise,
    seconds: float,
    size: int,
) -> str:
    """Say what was trained, what cross-validation promises, what was saved."""
    error, best, worst = promise
    return "\n".join(
        [
            "Is a model of bicycle rentals still good a year later?",
            "",
            *_heading("1. Train on 2011 and save (this process)"),
            *_item(
                f"Data: {shape[0]:,} hours of 2011 in Washington D.C.; {shape[1]} "
                "columns of calendar and weather; the target is the rentals of the "
                "hour."
            ),
            *_item(
                "Model: DriftAwareEstimator(HistGradientBoostingRegressor(), cv=5), "
                f"fitted in {seconds:.1f} s."
            ),
            *_item(
                "Promise: cross-validation over five stretches of the year, each left "
                f"out once, gives a mean absolute error of {error:.1f} rentals an hour "
                f"({best:.1f} in the best stretch, {worst:.1f} in the worst)."
            ),
            *_item(
                f"Saved: one file of {size / 1000:,.0f} kB, model and baseline, no row "
                "of the training data in it."
            ),
            "",
        ]
    )


def scoring(months: Sequence[Month], seconds: float) -> str:
    """Table of the months: promise and truth, and what alarms."""
    lines = [
        *_heading("2. Load and check 2012, month by month (another process)"),
        *_item(
            f"Loaded in {seconds:.1f} s. After each month its rows and labels are "
            "given to check()."
        ),
        "",
        "month     rows  verdict           mean absolute error        rentals an hour",
        "                                promised [95 %]   realised   predicted   came",
    ]
    for month in months:
        lines += _row(month)
    return "\n".join([*lines, ""])


def _row(month: Month) -> list[str]:
    report, error = month.report, month.error
    n_alarms = len(report.alarms)
    kind = "DRIFT" if report.outcome == "drift" else "ALARM"
    word = "ok" if report.ok else f"{kind}, {n_alarms} alarm{'s' * (n_alarms > 1)}"
    promised = f"{error.value:.1f} [{error.low:.1f}, {error.high:.1f}]"
    numbers = (
        f"{month.name} {report.n_rows:>5,}  {word:<16}{promised:>18} "
        f"{error.realised:>9.1f} {month.predicted:>11.0f} {month.came:>6.0f}"
    )
    return [numbers, *wrap(_alarms(month), first=" " * 9, rest=" " * 9, width=WIDTH)]


def _alarms(month: Month) -> str:
    alarms = sorted(month.report.alarms, key=lambda alarm: alarm.code, reverse=True)
    parts = []
    for code, same in groupby(alarms, key=lambda alarm: alarm.code):
        named = [OF_NO_COLUMN.get(code) or "–".join(alarm.features) for alarm in same]
        parts.append(f"{code} {', '.join(named)}")
    return "; ".join(parts) or "nothing"


def explanation(
    months: Sequence[Month],
    by_rows: Mapping[str, tuple[str, ...]],
    promise: Promise,
    parts: ScoreDecomposition,
) -> str:
    """Say since when what alarms, and why; `parts` are of the largest fall."""
    return "\n".join(
        [
            *_heading("3. Since when, and why"),
            *_score_story(months, promise),
            *_cause_story(months, parts),
            *_column_story(months),
            *_row_story(by_rows),
            *_item(
                "What to do: fit on recent labelled hours, and check the months that "
                "follow."
            ),
            "",
        ]
    )


def _score_story(months: Sequence[Month], promise: Promise) -> list[str]:
    fallen = [month for month in months if month.report.by_code("DA201")]
    if not fallen:
        return _item("The score keeps what cross-validation promised in every month.")
    error = _range([month.error.realised for month in fallen], ".0f")
    growth = _range([month.came / month.predicted for month in fallen], ".1f")
    scaled = _range([month.scaled_error for month in fallen], ".0f")
    return [
        *_item(
            f"The score (DA201) alarms since {fallen[0].name}, in "
            f"{_of(len(fallen), len(months), 'months')}: the error is {error} rentals "
            f"an hour where {promise[0]:.0f} were promised."
        ),
        *_item(
            f"Why: demand grew. {growth} times as many bicycles were rented as the "
            "model of 2011 says for the same hours and weather; with one factor a "
            f"month on its predictions the error would be {scaled}."
        ),
    ]


def _cause_story(months: Sequence[Month], parts: ScoreDecomposition) -> list[str]:
    fallen = [month for month in months if month.report.by_code("DA201")]
    if not fallen:
        return []
    largest = max(fallen, key=lambda month: month.error.realised)
    expected = _range([month.error.estimated for month in months], ".0f")
    where = "" if parts.segment is None else f"; most where {parts.segment.rule}"
    return _item(
        "This is concept drift: the target changed given the columns. Where the rows "
        "of a month lie does not explain it: without labels, estimate_score expects "
        f"errors of {expected}. With labels, decompose takes the "
        f"{-round(parts.change.value)} rentals apart by which the error of "
        f"{largest.name} is too large: {-round(parts.covariate.value)} by harder rows, "
        f"{-round(parts.new_x.value)} by rows unlike training's, "
        f"{-round(parts.concept.value)} by concept drift{where}."
    )


def _column_story(months: Sequence[Month]) -> list[str]:
    alarmed = {month.name: alarmed_columns(month.report) for month in months}
    places = _places(alarmed)
    if places:
        return _item(f"The columns (DA101, DA102) alarm: {places}.")
    return _item(
        "No column alarms. Hours are like the hours before them, which fit found by "
        "itself, and the level counts pieces of the year instead of rows: counted so, "
        "no month of 2012 is far enough from the year for an alarm."
    )


def _row_story(by_rows: Mapping[str, tuple[str, ...]]) -> list[str]:
    now = {name: found for name, found in by_rows.items() if name >= "2012"}
    then = {name: found for name, found in by_rows.items() if name < "2012"}
    n_then = sum(bool(found) for found in then.values())
    return _item(
        "A test that counts rows (blocks=None) has columns alarm: "
        f"{_places(now) or 'none'}. That is the season, and no fault: it alarms in "
        f"{_of(n_then, len(then), 'months')} of 2011 too, each against its own year."
    )


def _places(alarmed: Mapping[str, tuple[str, ...]]) -> str:
    """``"mnth in all 12 months; temp in 10 of 12 months"``."""
    counts = Counter(name for found in alarmed.values() for name in found)
    return "; ".join(
        f"{', '.join(name for name, _ in same)} in {_of(n, len(alarmed), 'months')}"
        for n, same in groupby(counts.most_common(), key=lambda item: item[1])
    )


def _of(n: int, total: int, what: str) -> str:
    """``"5 of 12 months"``, ``"all 12 months"``."""
    return f"all {total} {what}" if n == total else f"{n} of {total} {what}"


def _range(values: Sequence[float], form: str) -> str:
    """``"61 to 110"``."""
    return f"{min(values):{form}} to {max(values):{form}}"


def full_report(month: Month) -> str:
    """The whole report of one month."""
    return "\n".join(
        [
            *_heading(f"4. The full report of {month.name}, the largest fall"),
            "",
            str(month.report),
        ]
    )


def _heading(text: str) -> list[str]:
    return [text, "-" * len(text)]


def _item(text: str) -> list[str]:
    return wrap(text, first="  - ", rest="    ", width=WIDTH)
