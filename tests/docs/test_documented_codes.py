"""The page of finding codes and the code say the same."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import skdrift
from skdrift.guards._flags import FLAG_CODES

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "user_guide" / "finding_codes.md"
CODE = re.compile(r"DA\d{3}")


@pytest.fixture(scope="module")
def page():
    return PAGE.read_text(encoding="utf-8")


def strings_of(path: Path) -> list[str]:
    """String literals of a module that are no docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and id(node) not in docstrings
    ]


@pytest.fixture(scope="module")
def used_codes():
    """Codes that some module of the package gives to a finding, a flag or a policy."""
    package = Path(skdrift.__file__).parent
    rooms = [p for p in package.rglob("*.py") if p.parent.name not in {"cli", "report"}]
    return {text for path in rooms for text in strings_of(path) if CODE.fullmatch(text)}


def test_every_code_of_the_package_is_found_by_the_search(used_codes):
    assert {flag.code for flag in FLAG_CODES} - {""} < used_codes
    assert {"DA101", "DA201", "DA202", "DA301", "DA405"} < used_codes


def test_every_code_has_one_anchor_and_every_anchor_a_code(page, used_codes):
    anchors = re.findall(r"^\((DA\d{3})\)=$", page, flags=re.MULTILINE)
    assert sorted(anchors) == sorted(used_codes)


def test_every_code_has_one_row_in_the_table_that_links_to_its_anchor(page, used_codes):
    rows = re.findall(r"^\| \[(DA\d{3})\]\(#(DA\d{3})\) \|", page, flags=re.MULTILINE)
    assert all(shown == target for shown, target in rows)
    assert sorted(shown for shown, _ in rows) == sorted(used_codes)


def test_a_section_has_the_meaning_that_the_table_gives(page):
    meanings = dict(
        re.findall(r"^\| \[(DA\d{3})\]\([^)]*\) \| ([^|]+) \|", page, re.MULTILINE)
    )
    headings = dict(re.findall(r"^### (DA\d{3}): (.+)$", page, re.MULTILINE))
    assert headings == meanings


@pytest.mark.parametrize(
    "path",
    sorted((ROOT / "docs").rglob("*.md")) + sorted((ROOT / "examples").glob("*.py")),
    ids=lambda path: path.name,
)
def test_no_page_speaks_of_a_code_that_there_is_not(path, used_codes):
    mentioned = set(CODE.findall(path.read_text(encoding="utf-8")))
    assert mentioned <= used_codes
