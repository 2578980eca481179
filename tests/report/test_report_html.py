from __future__ import annotations

from collections.abc import Callable
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skdrift._core.result import FeatureRow, Finding
from skdrift.report import DriftReport

VOID = {"br"}
ATTRIBUTES = {"class", "tabindex", "role", "aria-label", "scope"}


class _Structure(HTMLParser):
    """All that is markup, in order, and what is text."""

    def __init__(self, markup: str) -> None:
        super().__init__(convert_charrefs=True)
        self.markup: list[object] = []
        self.text: list[str] = []
        self.open: list[str] = []
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.markup.append((tag, attrs))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        self.markup.append(f"/{tag}")

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def handle_comment(self, data: str) -> None:
        self.markup.append(f"comment {data}")

    def handle_decl(self, decl: str) -> None:
        self.markup.append(f"declaration {decl}")

    def unknown_decl(self, data: str) -> None:
        self.markup.append(f"declaration {data}")

    def handle_pi(self, data: str) -> None:
        self.markup.append(f"instruction {data}")


def _html(report: DriftReport) -> str:
    return report._repr_html_()


def _structure(report: DriftReport) -> list[object]:
    return _Structure(_html(report)).markup


def test_no_name_adds_an_element_or_an_attribute(
    named_report: Callable[[str], DriftReport], hostile_name: str
) -> None:
    hostile = _Structure(_html(named_report(hostile_name)))
    assert hostile.markup == _structure(named_report("tame"))
    assert all(data.isprintable() for data in hostile.text[1:])


@given(name=st.text(st.characters(), min_size=1))
def test_any_name_is_inert(name: str, request: pytest.FixtureRequest) -> None:
    build = request.getfixturevalue("named_report")
    assert _structure(build(name)) == _structure(build("tame"))
    _html(build(name)).encode("utf-8")


@given(
    pieces=st.lists(st.sampled_from(["<", ">", '"', "'", "&", "!--", "/", "a", "="]))
)
def test_no_row_of_special_characters_is_markup(
    pieces: list[str], request: pytest.FixtureRequest
) -> None:
    build = request.getfixturevalue("named_report")
    assert _structure(build("x" + "".join(pieces))) == _structure(build("tame"))


def test_names_are_shown_as_they_are(
    named_report: Callable[[str], DriftReport],
) -> None:
    text = _Structure(_html(named_report("<b>&amp;\"'</b>"))).text
    assert "<b>&amp;\"'</b>" in text


def test_quotes_are_escaped_too(named_report: Callable[[str], DriftReport]) -> None:
    markup = _html(named_report("a\"b'c"))
    assert "a&quot;b&#x27;c" in markup
    assert 'a"b' not in markup
    assert "b'c" not in markup


def test_every_element_is_closed(rich_report: DriftReport) -> None:
    assert _Structure(_html(rich_report)).open == []


def test_nothing_runs_and_nothing_is_loaded(rich_report: DriftReport) -> None:
    markup = _structure(rich_report)
    tags = [item for item in markup if isinstance(item, tuple)]
    assert {tag for tag, _ in tags}.isdisjoint(
        {"script", "link", "img", "iframe", "object", "embed", "a", "form", "base"}
    )
    assert {key for _, attrs in tags for key, _ in attrs} <= ATTRIBUTES
    style = _html(rich_report).split("<style>")[1].split("</style>")[0]
    assert "url(" not in style
    assert "@import" not in style


def test_every_style_rule_stays_inside_the_report(rich_report: DriftReport) -> None:
    style = _html(rich_report).split("<style>")[1].split("</style>")[0]
    rules = [rule.split("{")[0] for rule in style.split("}") if "{" in rule]
    selectors = [selector for rule in rules for selector in rule.split(",")]
    assert len(selectors) > 10
    assert all(s.strip().startswith(".skdrift-report") for s in selectors)


def test_tables_are_accessible(rich_report: DriftReport) -> None:
    parsed = _Structure(_html(rich_report))
    tags = [item for item in parsed.markup if isinstance(item, tuple)]
    names = [tag for tag, _ in tags]
    assert names.count("table") == names.count("caption") == 4
    scopes = [dict(attrs).get("scope") for tag, attrs in tags if tag == "th"]
    assert set(scopes) == {"col", "row"}
    assert scopes.count("row") == 4 + 6 + 3 + 5


def test_a_table_is_as_wide_as_its_head(rich_report: DriftReport) -> None:
    widths: list[int] = []
    for item in _structure(rich_report):
        if isinstance(item, tuple) and item[0] == "table":
            widths = []
        elif isinstance(item, tuple) and item[0] == "tr":
            widths.append(0)
        elif isinstance(item, tuple) and item[0] in ("td", "th"):
            widths[-1] += 1
        elif item == "/table":
            assert len(set(widths)) == 1


@pytest.mark.parametrize(
    ("changes", "shade"),
    [
        ({}, "good"),
        ({"outcome": "undecided"}, "open"),
        ({"outcome": "not tested"}, "open"),
        ({"outcome": "drift"}, "open"),
    ],
)
def test_only_what_was_shown_to_be_stable_is_green(
    make_report: Callable[..., DriftReport], changes: dict[str, str], shade: str
) -> None:
    assert f'<div class="verdict {shade}">' in _html(make_report(**changes))


def test_an_alarm_is_red(rich_report: DriftReport) -> None:
    assert '<div class="verdict alarm">' in _html(rich_report)


def test_the_hundred_worst_columns_are_shown(
    make_report: Callable[..., DriftReport], make_feature: Callable[..., FeatureRow]
) -> None:
    stable = [make_feature(feature=f"x{i}", pvalue_adjusted=0.5) for i in range(5000)]
    stable[4000] = make_feature(
        feature="moved", outcome="drift", pvalue_adjusted=1e-9, effect_size=0.5
    )
    stable[4500] = make_feature(feature="larger", pvalue_adjusted=0.5, effect_size=0.4)
    markup = _html(make_report(features=tuple(stable), outcome="undecided"))
    details = markup.split("<details>")[1]
    assert "<summary>The 100 worst of 5,000 columns</summary>" in details
    assert "and 4,900 more: report.features" in details
    assert details.count("<bdi>") == 100
    assert details.index("moved") < details.index("larger") < details.index(">x0<")


def test_a_hundred_findings_are_shown(
    make_report: Callable[..., DriftReport], make_finding: Callable[..., Finding]
) -> None:
    findings = tuple(make_finding(features=(f"x{i}",)) for i in range(103))
    markup = _html(make_report(outcome="drift", findings=findings))
    assert markup.count(">DA101<") == 100
    assert "and 3 more: report.findings" in markup


def test_a_finding_lists_five_columns(
    make_report: Callable[..., DriftReport], make_finding: Callable[..., Finding]
) -> None:
    finding = make_finding(features=tuple(f"col{i}" for i in range(8)))
    markup = _html(make_report(outcome="drift", findings=(finding,)))
    assert markup.count("<bdi>col") == 5
    assert "and 3 more" in markup


def test_an_empty_report_is_a_banner(make_report: Callable[..., DriftReport]) -> None:
    parsed = _Structure(_html(make_report(features=(), outcome="not tested")))
    assert [item[0] for item in parsed.markup if isinstance(item, tuple)].count(
        "table"
    ) == 0
    assert parsed.open == []
