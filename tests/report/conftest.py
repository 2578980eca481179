"""Reports to render: one that has everything, and parts to build others from."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Callable
from typing import Any

import pytest

from skdrift._core.result import FeatureRow, Finding, ScoreExpectation
from skdrift.report import DriftReport, RejectedRows

NAN = math.nan


def _finding(**changes: Any) -> Finding:
    values: dict[str, Any] = {
        "code": "DA101",
        "severity": "alarm",
        "features": ("temp",),
        "effect_size": 0.312,
        "effect_name": "KS distance",
        "low": 0.28,
        "high": 0.34,
        "pvalue": 0.0,
        "direction": "higher",
        "message": "The median went from 12.1 to 14.9.",
        "advice": "look at the unit and the sensor of this column",
    }
    return Finding(**{**values, **changes})


def _feature(**changes: Any) -> FeatureRow:
    values: dict[str, Any] = {
        "feature": "temp",
        "kind": "numeric",
        "outcome": "stable",
        "effect_size": 0.021,
        "effect_name": "KS distance",
        "low": 0.0,
        "high": 0.048,
        "pvalue": 0.31,
        "pvalue_adjusted": 1.0,
        "direction": "median 12.1 → 12.2",
        "psi": 0.0021,
        "jensen_shannon": 0.02,
        "hellinger": 0.016,
        "total_variation": 0.03,
        "wasserstein": 0.04,
        "missing_reference": 0.0,
        "missing_current": 0.001,
        "n_unseen": 0,
        "n_below": 1,
        "n_above": 0,
        "n_infinite": 0,
        "reason": "",
    }
    return FeatureRow(**{**values, **changes})


def _score(**changes: Any) -> ScoreExpectation:
    values: dict[str, Any] = {
        "scorer": "neg_mean_absolute_error",
        "value": -20.8,
        "low": -21.7,
        "high": -19.9,
        "level": 0.95,
        "n_rows": 8734,
    }
    return ScoreExpectation(**{**values, **changes})


def _report(**changes: Any) -> DriftReport:
    values: dict[str, Any] = {
        "outcome": "stable",
        "findings": (),
        "features": (_feature(),),
        "expected_score": {},
        "n_rows": 8734,
        "n_checked": 8734,
        "n_reference": 8645,
        "alpha": 0.01,
        "min_effect": 0.01,
        "stable_bound": 0.1,
        "detectable_effect": 0.037,
        "rows_needed": 900.0,
        "notes": (),
        "estimator": "HistGradientBoostingRegressor",
    }
    values.update(changes)
    values.setdefault(
        "ok", all(finding.severity != "alarm" for finding in values["findings"])
    )
    return DriftReport(**values)


def _rich_report() -> DriftReport:
    findings = (
        _finding(features=("temp", "feel_temp"), n_rows=-1),
        _finding(
            code="DA402",
            features=("weather",),
            effect_size=0.0034,
            effect_name="share of rows",
            low=0.0023,
            high=0.0049,
            pvalue=3.4e-8,
            direction="3 unseen categories",
            message="Categories that training never had: 'hail', 'fog', 'dust'.",
            advice="look whether upstream spells these categories in another way",
            n_rows=30,
        ),
        _finding(
            code="DA201",
            features=(),
            effect_size=-14.4,
            effect_name="mean_absolute_error",
            low=NAN,
            high=NAN,
            direction="worse",
            message="The error is 35.2; cross-validation promised 20.8.",
            advice="look whether the target is still measured in the same way",
        ),
        _finding(
            code="DA302",
            severity="note",
            features=("station",),
            effect_size=NAN,
            effect_name="",
            low=NAN,
            high=NAN,
            pvalue=NAN,
            direction="",
            message="The model does not know this column and does not use it.",
            advice="",
        ),
    )
    features = (
        _feature(
            outcome="drift", effect_size=0.312, low=0.28, high=0.34, pvalue_adjusted=0.0
        ),
        _feature(
            feature="feel_temp",
            outcome="drift",
            effect_size=0.29,
            low=0.26,
            high=0.32,
            pvalue_adjusted=1e-40,
        ),
        _feature(
            feature="weather",
            kind="categorical",
            outcome="undecided",
            effect_name="total variation",
            wasserstein=NAN,
            n_unseen=30,
            reason="the interval reaches 0.12",
        ),
        _feature(feature="humidity"),
        _feature(
            feature="ride_id",
            kind="identifier",
            outcome="not tested",
            effect_size=NAN,
            low=NAN,
            high=NAN,
            pvalue=NAN,
            pvalue_adjusted=NAN,
            psi=NAN,
            reason="every value is another one",
        ),
    )
    return _report(
        outcome="drift",
        findings=findings,
        features=features,
        expected_score={
            "neg_mean_absolute_error": _score(realised=-35.2, pvalue=0.0),
            "r2": _score(
                scorer="r2", value=0.944, low=0.931, high=0.957, realised=0.95
            ),
            "roc_auc": _score(
                scorer="roc_auc",
                value=NAN,
                low=NAN,
                high=NAN,
                reason="one of 5 folds has a single class",
            ),
        },
        notes=("Rows depend on their neighbours in 3 of 5 columns.",),
        rejected=RejectedRows(
            policy="fallback",
            n_rows=7,
            rows=(0, 3, 4, 17, 90, 8_000),
            reasons=(
                ("temp: missing, never so in training",),
                ("temp: above the range of training", "weather: unseen"),
                *[("weather: a category that training did not have",)] * 4,
            ),
        ),
    )


@pytest.fixture
def make_finding() -> Callable[..., Finding]:
    return _finding


@pytest.fixture
def make_feature() -> Callable[..., FeatureRow]:
    return _feature


@pytest.fixture
def make_score() -> Callable[..., ScoreExpectation]:
    return _score


@pytest.fixture
def make_report() -> Callable[..., DriftReport]:
    return _report


@pytest.fixture
def rich_report() -> DriftReport:
    return _rich_report()


HOSTILE_NAMES = {
    "script": "</script><script>alert(1)</script>",
    "image": '"><img src=x onerror=alert(1)>',
    "comment": "<!-- ",
    "cdata": "]]> <![CDATA[",
    "style": "</style></div></table></details>",
    "url": "javascript:alert(1)",
    "template": "{{ 7 * 7 }}{% raw %}${x}",
    "quotes": "\"'`&amp;&#39;",
    "newlines": "a\r\nb\u2028c\x85d",
    "nul": "a\0b",
    "colour": "\x1b[31mred\x1b[0m\x9b2J",
    "title": "\x1b]0;owned\x07",
    "right to left": "\u202eabc\u2066def",
    "zero width": "a\u200bb\ufeffc\u200dd\ufe0fe",
    "lone surrogate": "\ud800x\udfff",
    "emoji": "\U0001f468\u200d\U0001f469\u200d\U0001f467 \U0001f600",
    "wide": "気温" * 60,
    "combining": "e\u0301" * 150,
    "arabic": "درجة الحرارة",
    "long": "x" * 10_000,
    "long nul": "\0" * 10_000,
    "long words": "ab " * 4_000,
    "blank": " ",
    "path": "../../etc/CON",
    "unassigned": "\U000e0fff\ue000",
}


def _named_report(name: str) -> DriftReport:
    """Every string that data can reach is `name`."""
    finding = _finding(
        features=(name, "plain", name + "2", name + "3", name + "4", name + "5"),
        effect_name=name,
        direction=name,
        message=name,
        advice=name,
        n_rows=3,
    )
    alone = _finding(
        code="DA402", features=(name,), message=f"The categories {name}, {name}."
    )
    return _report(
        outcome="drift",
        findings=(finding, alone),
        features=(
            _feature(
                feature=name, outcome="drift", direction=name, kind=name, reason=name
            ),
        ),
        expected_score={
            name: _score(scorer=name, realised=-30.0, reason=name),
            "r2": _score(scorer="r2", n_rows=100),
        },
        notes=(name, f"The column {name} is odd."),
        estimator=name,
        rejected=RejectedRows(
            policy="abstain", n_rows=1, rows=(3,), reasons=((f"{name}: missing", name),)
        ),
    )


@pytest.fixture
def named_report() -> Callable[[str], DriftReport]:
    return _named_report


@pytest.fixture(params=HOSTILE_NAMES.values(), ids=HOSTILE_NAMES)
def hostile_name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def _terminal_width(line: str) -> int:
    return sum(
        0
        if unicodedata.category(char) in ("Mn", "Me")
        else 1 + (unicodedata.east_asian_width(char) in ("W", "F"))
        for char in line
    )


@pytest.fixture
def terminal_width() -> Callable[[str], int]:
    """Terminal columns of a line, not by the package's own count."""
    return _terminal_width
