"""Long fits are followed through scikit-learn's own callbacks, where there are any."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.callback import ProgressBar, ScoringMonitor
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdrift import DriftAwareEstimator

RNG = np.random.default_rng(0)
ROWS = RNG.normal(size=(100, 3))
LABELS = (ROWS[:, 0] > 0).astype(int)


class Recorder:
    """Callback that writes down what it is told."""

    def __init__(self) -> None:
        self.events: list[tuple[str, str, str, int]] = []
        self.planned: list[int | None] = []

    def setup(self, estimator: Any, context: Any) -> None:
        self.events.append(("setup", type(estimator).__name__, context.task_name, 0))
        self.planned.append(context.max_subtasks)

    def teardown(self, estimator: Any, context: Any) -> None:
        self.events.append(("teardown", type(estimator).__name__, "", 0))

    def on_fit_task_begin(self, estimator: Any, context: Any) -> None:
        self._note("begin", estimator, context)

    def on_fit_task_end(self, estimator: Any, context: Any) -> None:
        self._note("end", estimator, context)

    def _note(self, event: str, estimator: Any, context: Any) -> None:
        self.events.append(
            (event, type(estimator).__name__, context.task_name, context.task_id)
        )


class Spreading(Recorder):
    """Callback that goes down into what a meta-estimator holds, as ProgressBar does."""

    max_propagation_depth = 1


def wrap(estimator: Any, cv: Any = 3) -> DriftAwareEstimator:
    return DriftAwareEstimator(estimator, cv=cv)


def test_the_model_and_each_fold_are_a_task_of_the_wrapper() -> None:
    recorder = Recorder()
    wrap(GaussianNB()).set_callbacks(recorder).fit(ROWS, LABELS)
    name = "DriftAwareEstimator"
    assert recorder.planned == [4]
    assert recorder.events == [
        ("setup", name, "fit", 0),
        ("begin", name, "fit", 0),
        ("begin", name, "model", 0),
        ("end", name, "model", 0),
        *(
            (event, name, "fold", number)
            for number in (1, 2, 3)
            for event in ("begin", "end")
        ),
        ("end", name, "fit", 0),
        ("teardown", name, "", 0),
    ]


@pytest.mark.parametrize(("cv", "planned"), [(None, 1), ("prefit", 1), (2, 3)])
def test_as_many_tasks_are_planned_as_come(cv: Any, planned: int) -> None:
    recorder = Recorder()
    model = GaussianNB().fit(ROWS, LABELS)
    wrap(model, cv).set_callbacks(recorder).fit(ROWS, LABELS)
    begun = [event for event in recorder.events if event[0] == "begin"]
    assert recorder.planned == [planned]
    assert len(begun) == 1 + planned


@pytest.mark.parametrize(
    "estimator",
    [
        LogisticRegression(),
        make_pipeline(StandardScaler(), LogisticRegression()),
        GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, cv=2),
    ],
    ids=["model", "pipeline", "search"],
)
def test_a_model_that_has_progress_reports_it_once_and_not_for_each_fold(
    estimator: Any,
) -> None:
    callback = Spreading()
    wrap(estimator).set_callbacks(callback).fit(ROWS, LABELS)
    inner = type(estimator).__name__
    fits = [
        event
        for event in callback.events
        if event[:2] == ("begin", inner) and event[2] == "fit"
    ]
    assert len(fits) == 1
    assert [event for event in callback.events if event[0] == "setup"] == [
        ("setup", "DriftAwareEstimator", "fit", 0)
    ]
    assert len([event for event in callback.events if event[0] == "teardown"]) == 1


def test_a_callback_of_the_model_itself_sees_the_model_and_no_fold() -> None:
    recorder = Recorder()
    inner = LogisticRegression().set_callbacks(recorder)
    wrap(inner).fit(ROWS, LABELS)
    assert [event[0] for event in recorder.events].count("setup") == 1
    assert {event[1] for event in recorder.events} == {"LogisticRegression"}


def test_a_spreading_callback_belongs_on_the_wrapper_as_scikit_learn_says() -> None:
    inner = LogisticRegression().set_callbacks(Spreading())
    with pytest.raises(TypeError, match="Register them directly on the meta-estimator"):
        wrap(inner).fit(ROWS, LABELS)


def test_inside_another_meta_estimator_the_wrappers_tasks_hang_below_it() -> None:
    callback = Spreading()
    pipeline = make_pipeline(StandardScaler(), wrap(GaussianNB(), 2))
    pipeline.set_callbacks(callback).fit(ROWS, LABELS)
    tasks = [event[2] for event in callback.events if event[1].startswith("Drift")]
    assert tasks.count("fold") == 2 * 2


@pytest.mark.parametrize("fails", [False, True])
def test_callbacks_are_torn_down_whether_fit_succeeds_or_not(fails: bool) -> None:
    recorder = Recorder()
    model = wrap(GaussianNB()).set_callbacks(recorder)
    if fails:
        with pytest.raises(ValueError, match="inconsistent"):
            model.fit(ROWS, LABELS[:-1])
    else:
        model.fit(ROWS, LABELS)
    assert recorder.events[-1][0] == "teardown"
    assert not any(name.startswith("_callback") for name in vars(model))


def test_nothing_is_printed_unless_a_progress_bar_is_registered(
    capsys: pytest.CaptureFixture[str],
) -> None:
    wrap(LogisticRegression()).fit(ROWS, LABELS)
    assert capsys.readouterr() == ("", "")
    model = wrap(LogisticRegression()).set_callbacks(ProgressBar())
    model.fit(ROWS, LABELS)
    printed = capsys.readouterr().out
    assert printed.count("DriftAwareEstimator - fit ") == 1
    assert printed.count("LogisticRegression - fit ") == 1
    model.predict(ROWS)
    model.check(ROWS, LABELS)
    assert capsys.readouterr() == ("", "")


def test_a_model_with_callbacks_answers_as_one_without() -> None:
    plain = wrap(LogisticRegression()).fit(ROWS, LABELS)
    model = wrap(LogisticRegression()).set_callbacks(Recorder()).fit(ROWS, LABELS)
    np.testing.assert_array_equal(model.predict(ROWS), plain.predict(ROWS))
    assert model.check(ROWS, LABELS) == plain.check(ROWS, LABELS)
    assert clone(model).fit(ROWS, LABELS).check(ROWS) == plain.check(ROWS)


def test_a_model_with_a_progress_bar_survives_pickle(
    capsys: pytest.CaptureFixture[str],
) -> None:
    model = wrap(GaussianNB()).set_callbacks(ProgressBar()).fit(ROWS, LABELS)
    again = pickle.loads(pickle.dumps(model))
    assert again.check(ROWS) == model.check(ROWS)
    assert capsys.readouterr().err == ""


def test_cross_validation_of_a_wrapper_with_a_callback_reports_each_fit() -> None:
    recorder = Recorder()
    model = wrap(GaussianNB(), 2).set_callbacks(recorder)
    cross_val_score(model, ROWS, LABELS, cv=4)
    assert recorder.planned == [3] * 4


def test_scores_can_be_monitored_while_the_model_is_fitted() -> None:
    monitor = ScoringMonitor(scoring="accuracy")
    inner = LogisticRegression(max_iter=50).set_callbacks(monitor)
    model = wrap(inner, 2).fit(ROWS, LABELS)
    assert model.score(ROWS, LABELS) > 0.9
    assert not monitor.get_logs().data_as_pandas.empty
