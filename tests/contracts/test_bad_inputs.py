"""Bad inputs: what `fit`, `predict`, `check` and `flag` say to each of the table."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from bad_inputs import INPUTS, UNNAMED, BadInput, Refused
from bad_processes import PROCESSES, Process
from input_tables import (
    CONTAINERS,
    MODELS,
    N_BATCH,
    N_TRAINING,
    NAMED,
    Recorder,
    bare_model,
    columns_of,
    fingerprint,
    fitted,
    good_batch,
    labels_of,
    rows_in,
    takes,
)

from skdrift import DriftAwareEstimator, DriftReport, Grid, Profile
from skdrift.exceptions import (
    BaselineWarning,
    InvalidInputWarning,
    SkdriftError,
    SkdriftWarning,
)

# Without what a report shows (77-83, with the report) and the store (84-95).
APPLICABLE = {*range(1, 77), *range(96, 101)}


def case_id(case: BadInput, *parts: str) -> str:
    return (
        "-".join([str(case.number), case.name, *parts])
        .encode("unicode_escape")
        .decode()
    )


CASES = [
    pytest.param(case, container, id=case_id(case, container))
    for case in INPUTS
    for container in case.containers
]
CASES_AND_MODELS = [
    pytest.param(case, container, model, id=case_id(case, container, model))
    for case in INPUTS
    for container in case.containers
    for model in MODELS
    if takes(model, case.training, case.trained_in or container)
]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a call gave: a value or an error, and the warnings on the way."""

    value: Any
    error: BaseException | None
    warnings: list[warnings.WarningMessage]

    def foreign(self) -> set[tuple[type, str]]:
        """Warnings that are not of ours."""
        return {
            (found.category, str(found.message))
            for found in self.warnings
            if not issubclass(found.category, SkdriftWarning)
        }

    def own(self) -> list[type[Warning]]:
        return [
            found.category
            for found in self.warnings
            if issubclass(found.category, SkdriftWarning)
        ]


def answer_of(call: Callable[[], Any]) -> Answer:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            value, error = call(), None
        except Exception as raised:
            value, error = None, raised
    return Answer(value, error, caught)


@contextmanager
def unchanged(X: Any) -> Iterator[None]:
    before = fingerprint(X)
    yield
    assert fingerprint(X) == before


def assert_same_answer(wrapped: Answer, bare: Answer) -> None:
    assert type(wrapped.error) is type(bare.error), wrapped.error
    assert str(wrapped.error) == str(bare.error)
    if bare.error is None:
        np.testing.assert_array_equal(wrapped.value, bare.value)
        assert wrapped.value.dtype == bare.value.dtype


def assert_refused(error: BaseException | None, refused: Refused) -> None:
    assert isinstance(error, SkdriftError), repr(error)
    assert isinstance(error, ValueError | TypeError)
    assert isinstance(error, refused.error)
    assert re.search(refused.saying, str(error), re.DOTALL), str(error)


def batch_of(case: BadInput, container: str) -> Any:
    return case.table(container, good_batch(case.training))


def model_of(case: BadInput, container: str, name: str = "recorder") -> Any:
    return fitted(name, case.training, case.trained_in or container)


def label_of(case: BadInput, container: str) -> Callable[[str], str]:
    """Name of a column in a report: its position where the container has no names."""
    if (case.trained_in or container) not in UNNAMED and container not in UNNAMED:
        return str
    columns = good_batch(case.training)
    names = list({**columns, **case.change(columns)})
    return lambda name: f"x{names.index(name)}"


# --- the laws -----------------------------------------------------------------------


def test_no_number_is_missing_from_the_table() -> None:
    found = {case.number for case in [*INPUTS, *PROCESSES]}
    assert found - {0} == APPLICABLE


@pytest.mark.parametrize(("case", "container", "model"), CASES_AND_MODELS)
def test_fit_learns_or_refuses_with_a_named_error(
    case: BadInput, container: str, model: str
) -> None:
    columns = columns_of(case.training, N_TRAINING, seed=0)
    X, again = case.table(container, columns), case.table(container, columns)
    n_rows = len(next(iter(case.change(columns).values()), ()))
    y = np.array(labels_of(case.training))[:n_rows]
    bare = answer_of(lambda: bare_model(model).fit(again, y))
    folds = 2 if model == "recorder" else None
    wrapper = DriftAwareEstimator(bare_model(model), cv=folds)
    with unchanged(X):
        wrapped = answer_of(lambda: wrapper.fit(X, y))
    assert wrapped.foreign() <= bare.foreign()
    if bare.error is not None:
        assert type(wrapped.error) is type(bare.error)
        assert str(wrapped.error) == str(bare.error)
    elif case.fit is not None:
        assert_refused(wrapped.error, case.fit)
    else:
        assert wrapped.error is None, repr(wrapped.error)
        assert wrapped.own() in ([], [BaselineWarning])
        assert_same_answer(
            answer_of(lambda: wrapper.predict(X)),
            answer_of(lambda: bare.value.predict(again)),
        )
        assert_columns_are_known(case, container, wrapper, bare.value)
        schema = {"DA301", "DA302", "DA303", "DA304", "DA406"}
        assert not schema & {found.code for found in wrapper.check(X).findings}


def assert_columns_are_known(
    case: BadInput, container: str, wrapper: DriftAwareEstimator, bare: Any
) -> None:
    grid = wrapper.baseline_.reference.grid
    names = list(case.change(good_batch(case.training)))
    if case.make is None and container in NAMED:
        assert grid.names == tuple(names)
        assert wrapper.feature_names_in_.tolist() == names
    if hasattr(bare, "n_features_in_"):
        assert wrapper.n_features_in_ == bare.n_features_in_
    if hasattr(bare, "feature_names_in_"):
        np.testing.assert_array_equal(wrapper.feature_names_in_, bare.feature_names_in_)
    kinds = dict(zip(names, grid.kinds, strict=False))
    assert {name: kinds[name] for name in case.kinds} == case.kinds


@pytest.mark.parametrize(("case", "container", "model"), CASES_AND_MODELS)
def test_predict_answers_as_the_bare_model(
    case: BadInput, container: str, model: str
) -> None:
    wrapper = model_of(case, container, model)
    X = batch_of(case, container)
    bare = answer_of(lambda: wrapper.estimator_.predict(batch_of(case, container)))
    with unchanged(X):
        wrapped = answer_of(lambda: wrapper.predict(X))
    if model == "recorder":
        assert Recorder.given[0] is X
    assert_same_answer(wrapped, bare)
    assert wrapped.foreign() <= bare.foreign()
    assert len(wrapped.own()) <= 1
    if bare.error is None and case.check is not None:
        assert wrapped.own() == [InvalidInputWarning]
    if bare.error is None:
        both = answer_of(lambda: wrapper.predict(X, return_report=True))
        assert isinstance(both.value[1], DriftReport), repr(both.error)


@pytest.mark.parametrize(("case", "container"), CASES)
def test_check_names_what_is_wrong(case: BadInput, container: str) -> None:
    wrapper = model_of(case, container)
    X = batch_of(case, container)
    with unchanged(X):
        answer = answer_of(lambda: wrapper.check(X))
    assert answer.warnings == []
    if case.check is not None:
        assert_refused(answer.error, case.check)
        return
    assert answer.error is None, repr(answer.error)
    report = answer.value
    assert_report_can_be_shown(report)
    assert all(row.reason for row in report.features if np.isnan(row.effect_size))
    if case.findings is not None:
        label = label_of(case, container)
        expected = {translated(finding, label) for finding in case.findings}
        perhaps = {translated(finding, label) for finding in case.perhaps}
        found = {(finding.code, finding.features) for finding in report.findings}
        assert found - perhaps == expected
    text = str(report) + "".join(finding.message for finding in report.findings)
    for pattern in case.says:
        assert re.search(pattern, text), text


def translated(
    finding: str, label: Callable[[str], str]
) -> tuple[str, tuple[str, ...]]:
    code, _, names = finding.partition(" ")
    return code, tuple(map(label, names.split(",")))


def assert_report_can_be_shown(report: DriftReport) -> None:
    text = str(report)
    text.encode("utf-8")
    assert "\x1b" not in text
    assert all(line.isprintable() for line in text.split("\n"))
    document = json.loads(report.to_json(), parse_constant=pytest.fail)
    assert document["n_rows"] == report.n_rows
    assert "<script" not in report._repr_html_().lower()
    report._repr_html_().encode("utf-8")


@pytest.mark.parametrize(("case", "container"), CASES)
def test_flag_marks_the_cells(case: BadInput, container: str) -> None:
    wrapper = model_of(case, container)
    X = batch_of(case, container)
    with unchanged(X):
        answer = answer_of(lambda: wrapper.flag(X))
    assert answer.warnings == []
    if case.check is not None:
        assert_refused(answer.error, case.check)
        return
    assert answer.error is None, repr(answer.error)
    flags = answer.value
    n_rows = rows_in(X)
    assert flags.codes.shape == (n_rows, wrapper.baseline_.reference.grid.n_features)
    frame = flags.to_frame()
    assert len(frame) == int((flags.codes > 0).sum())
    if case.flags is not None:
        label = label_of(case, container)
        expected = {}
        for entry, count in case.flags.items():
            name, _, flag = entry.rpartition(" ")
            expected[label(name), flag] = count
        counted = frame.groupby(["feature", "flag"]).size() if len(frame) else {}
        assert dict(counted) == expected


LIKE = [
    pytest.param(case, container, id=case_id(case, container))
    for case in INPUTS
    if case.like is not None
    for container in case.containers
]


@pytest.mark.parametrize(("case", "container"), LIKE)
def test_the_same_values_in_another_form_are_counted_alike(
    case: BadInput, container: str
) -> None:
    wrapper = model_of(case, container)
    columns = good_batch(case.training)
    twin = case.like(columns)
    if isinstance(twin, dict):
        twin = CONTAINERS[container](twin)
    one, other = wrapper.check(batch_of(case, container)), wrapper.check(twin)
    for left, right in zip(one.features, other.features, strict=True):
        assert repr(left) == repr(right)
    assert str(one.findings) == str(other.findings)
    flags = [wrapper.flag(table).codes for table in (batch_of(case, container), twin)]
    np.testing.assert_array_equal(*flags)


@pytest.mark.parametrize(
    "process", PROCESSES, ids=lambda process: f"{process.number}-{process.name}"
)
def test_process(process: Process, tmp_path: Path) -> None:
    process.run(tmp_path)


def test_a_good_batch_has_no_finding() -> None:
    for kind in ("numbers", "texts", "booleans", "times"):
        for container in CONTAINERS:
            if kind == "numbers" or container not in {"array", "csr"}:
                X = CONTAINERS[container](good_batch(kind))
                report = fitted("recorder", kind, container).check(X)
                assert report.findings == (), (kind, container)
                assert report.n_rows == N_BATCH


# --- single claims of the catalogue -------------------------------------------------


def case_named(name: str) -> BadInput:
    return next(case for case in INPUTS if case.name == name)


def test_infinities_are_in_no_mean() -> None:
    X = batch_of(case_named("infinities"), "array")
    grid = model_of(case_named("infinities"), "array").baseline_.reference.grid
    counted = Profile.count(X, grid)
    finite = X[np.isfinite(X[:, 0]), 0]
    assert counted.mean[0] == pytest.approx(finite.mean())
    assert (counted.n_positive_infinite[0], counted.n_negative_infinite[0]) == (2, 1)


@pytest.mark.parametrize("low", [2**53, 2**63 - 2, -(2**63)])
def test_neighbouring_huge_integers_are_counted_apart(low: int) -> None:
    X = np.array([[low], [low + 1]] * 50)
    counted = Profile.count(X[:70], Grid.learn(X))
    assert counted.counts[0].tolist() == [0, 35, 0, 35, 0]


def test_one_and_true_are_levels_of_their_own_and_so_is_the_text() -> None:
    X = np.array([[1], [1.0], [True], ["1"]] * 20, dtype=object)
    counted = Profile.count(X, Grid.learn(X))
    assert sorted(counted.counts[0].tolist()) == [0, 20, 20, 40]


def test_unused_categories_are_not_known() -> None:
    kind = pd.CategoricalDtype(["used", "unused"])
    training = pd.DataFrame({"a": pd.Series(["used"] * 50, dtype=kind)})
    model = DriftAwareEstimator(Recorder(), cv=None).fit(training)
    batch = pd.DataFrame({"a": pd.Series(["used", "unused"] * 20, dtype=kind)})
    (finding,) = model.check(batch).by_code("DA402")
    assert "20 of 40 rows" in finding.message
    assert "'unused'" in finding.message


@pytest.mark.parametrize(
    "case",
    [case for case in INPUTS if case.number == 59],
    ids=lambda case: case.name,
)
def test_flags_keep_the_row_labels(case: BadInput) -> None:
    X = batch_of(case, "pandas")
    flags = model_of(case, "pandas").flag(X)
    assert flags.index.equals(X.index)
    frame = flags.to_frame()
    assert frame["row"].tolist() == [0]
    assert frame.index.equals(X.index[[0]])


@pytest.mark.slow
def test_a_million_identifiers_are_not_tested() -> None:
    numbers = np.arange(1_000_000)
    texts = [f"ID-{number:07d}" for number in numbers.tolist()]
    X = pd.DataFrame({"number": numbers, "text": texts})
    grid = Grid.learn(X)
    assert grid.kinds == ("identifier", "text")
    assert grid.untested[0].startswith("identifier")
