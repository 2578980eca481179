"""What the demo prints, in at most 100 terminal columns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import groupby

from skdrift.cli._months import Month, alarmed_columns
from skdrift.report._visible import wrap

WIDTH = 100
OF_NO_COLUMN = {"DA105": "all columns together", "DA201": "the score"}
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
    word = "ok" if report.ok else f"DRIFT, {n_alarms} alarm{'s' * (n_alarms > 1)}"
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
        named = ["–".join(alarm.features) or OF_NO_COLUMN[code] for alarm in same]
        parts.append(f"{code} {', '.join(named)}")
    return "; ".join(parts) or "nothing"


def explanation(
    months: Sequence[Month],
    control: Sequence[tuple[str, ...]],
    promise: Promise,
) -> str:
    """Say since when what alarms, and why."""
    return "\n".join(
        [
            *_heading("3. Since when, and why"),
            *_score_story(months, promise),
            *_column_story(months, control),
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
            f"month on its predictions the error would be {scaled}. This is concept "
            "drift: the target changed given the columns, so no column shows it and "
            "only labels tell."
        ),
        *_item(
            "The interval takes hours as independent. Neighbouring hours are not, so "
            "it is too narrow: the stretches of 2011 themselves had errors of "
            f"{promise[1]:.0f} to {promise[2]:.0f}."
        ),
    ]


def _column_story(
    months: Sequence[Month], control: Sequence[tuple[str, ...]]
) -> list[str]:
    counts = Counter(name for month in months for name in alarmed_columns(month.report))
    if not counts:
        return _item("No column alarms.")
    before = {name for names in control for name in names}
    first = next(month for month in months if alarmed_columns(month.report))
    groups = [
        f"{', '.join(name for name, _ in same)} in {_of(n, len(months), 'months')}"
        for n, same in groupby(counts.most_common(), key=lambda item: item[1])
    ]
    n_alike = sum(bool(names) for names in control)
    n_before = sum(name in before for name in counts)
    return [
        *_item(
            f"The columns (DA101, DA102) alarm since {first.name}: {'; '.join(groups)}."
        ),
        *_item(
            "Why: seasons. A month is not a year: the batch has the calendar and the "
            "weather of one month, training has those of twelve. That is true, and no "
            "fault. Against their own year alarm "
            f"{_of(n_alike, len(control), 'months')} of 2011 too, and in them "
            f"{_of(n_before, len(counts), 'of these columns')}."
        ),
        *_item(
            "alpha is the rate of false alarms for independent rows drawn like "
            "training's. Hours are not: with blocks='auto' the level counts pieces of "
            "the year instead."
        ),
    ]


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
