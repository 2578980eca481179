"""The reference lists what users can get hold of."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import re
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import skdrift

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
PACKAGES = (
    "datasets",
    "display",
    "estimator",
    "guards",
    "monitor",
    "persistence",
    "profile",
)
CELLS = {"NumberCells", "LevelCells"}  # of a Grid: how it counts, which may change


def listed() -> list[tuple[str, str]]:
    """Module and name of each entry, in the order of the page."""
    found = []
    for block in re.findall(r"```\{eval-rst\}\n(.*?)```", PAGE, flags=re.DOTALL):
        module = re.search(r"^\.\. currentmodule:: (\S+)$", block, flags=re.MULTILINE)
        names = re.findall(r"^   (\w+)$", block, flags=re.MULTILINE)
        found += [(module[1], name) for name in names if module]
    return found


ENTRIES = listed()
VALUES = {f"{m}.{n}": getattr(importlib.import_module(m), n) for m, n in ENTRIES}


def is_listed(value: Any) -> bool:
    return any(value is entry for entry in VALUES.values())


def own_classes(hint: Any) -> Iterator[type]:
    """Classes of the package in a type hint, however deep."""
    if inspect.isclass(hint) and hint.__module__.split(".")[0] == "skdrift":
        yield hint
    for part in typing.get_args(hint):
        yield from own_classes(part)


def hints_of(entry: Any) -> list[Any]:
    """What the public fields, properties and methods of an entry give."""
    if inspect.isfunction(entry):
        return [typing.get_type_hints(entry).get("return")]
    if not inspect.isclass(entry):
        return []
    found: list[Any] = []
    if dataclasses.is_dataclass(entry):
        hints = typing.get_type_hints(entry)
        found += [hint for name, hint in hints.items() if name[0] != "_"]
    for name, member in inspect.getmembers(entry):
        member = member.fget if isinstance(member, property) else member
        member = getattr(member, "__func__", member)
        if name[0] != "_" and inspect.isfunction(member):
            found.append(typing.get_type_hints(member).get("return"))
    return found


def test_no_entry_stands_twice() -> None:
    assert len(ENTRIES) == len(VALUES) > 60
    values = list(VALUES.values())
    assert len({id(value) for value in values}) == len(values)


@pytest.mark.parametrize("package", ["skdrift", "skdrift.stats"])
def test_every_name_of_a_front_door_is_listed(package: str) -> None:
    found = importlib.import_module(package)
    missing = [
        name
        for name in found.__all__
        if not is_listed(getattr(found, name))
        and not inspect.ismodule(getattr(found, name))
        and name not in {*skdrift.exceptions.__all__, "__version__"}
    ]
    assert missing == []


@pytest.mark.parametrize("package", [*PACKAGES, "report"])
def test_every_public_class_of_a_package_is_listed(package: str) -> None:
    found = importlib.import_module(f"skdrift.{package}")
    classes = [name for name in found.__all__ if inspect.isclass(getattr(found, name))]
    assert [name for name in classes if not is_listed(getattr(found, name))] == []


# What `fit` keeps is a record for the package, no answer.
@pytest.mark.parametrize("entry", sorted({*VALUES} - {"skdrift.estimator.Baseline"}))
def test_every_class_that_a_listed_answer_holds_is_listed(entry: str) -> None:
    held = {cls for hint in hints_of(VALUES[entry]) for cls in own_classes(hint)}
    missing = {cls.__name__ for cls in held if not is_listed(cls)}
    assert missing <= (CELLS if entry == "skdrift.Grid" else set())


def test_what_a_report_holds_is_found_by_the_walk() -> None:
    held = {cls for hint in hints_of(skdrift.DriftReport) for cls in own_classes(hint)}
    named = {"Finding", "FeatureRow", "ScoreExpectation", "RejectedRows", "RowBlocks"}
    assert named <= {cls.__name__ for cls in held}
