"""Importing costs next to nothing, does nothing, and needs no optional library."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import skdrift

ROOT = Path(skdrift.__file__).parents[1]


@cache
def run(code: str, *options: str) -> Any:
    """What a fresh interpreter prints last, as JSON."""
    done = subprocess.run(
        [sys.executable, *options, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


LOADED = "import json, sys\n{code}\nprint(json.dumps(sorted(sys.modules)))"


def loaded_by(code: str) -> set[str]:
    return set(run(LOADED.format(code=code)))


def test_importing_loads_nothing_that_the_base_of_scikit_learn_does_not() -> None:
    floor = loaded_by("import sklearn.base, scipy.stats")
    ours = loaded_by("import skdrift")
    assert {name for name in ours - floor if not name.startswith("skdrift")} == set()


@pytest.mark.parametrize(
    "name",
    [
        "Finding",
        "TRUSTED_TYPES",
        "DriftAwareEstimator",
        "ShiftDisplay",
        "SequentialRisk",
    ],
)
def test_a_name_of_the_front_door_loads_no_library_of_plots_or_tables(
    name: str,
) -> None:
    floor = loaded_by("import sklearn.model_selection, sklearn.metrics, scipy.stats")
    ours = loaded_by(f"import skdrift\nskdrift.{name}")
    heavy = {
        "matplotlib",
        "polars",
        "pyarrow",
        "dask",
        "pyspark",
        "sqlalchemy",
        "IPython",
    }
    assert not (ours - floor) & heavy
    if name == "DriftAwareEstimator":
        assert "skops" not in ours


def order(name: str) -> tuple[int, str]:
    """Constants, then classes, then the rest, each by the alphabet."""
    if name.isupper():
        return 0, name
    return (1, name) if name[:1].isupper() else (2, name)


@pytest.mark.parametrize(
    "module",
    [
        "skdrift",
        "skdrift.datasets",
        "skdrift.display",
        "skdrift.estimator",
        "skdrift.exceptions",
        "skdrift.guards",
        "skdrift.monitor",
        "skdrift.persistence",
        "skdrift.profile",
        "skdrift.report",
        "skdrift.shift",
        "skdrift.stats",
    ],
)
def test_the_public_names_are_in_order_there_and_documented(module: str) -> None:
    found = importlib.import_module(module)
    names = list(found.__all__)
    assert names == sorted(names, key=order)
    assert len(names) == len(set(names))
    for name in names:
        value = getattr(found, name)
        if callable(value):
            assert (value.__doc__ or "").strip(), name
    assert set(names) <= set(dir(found))


def test_the_front_door_gives_the_same_object_each_time_and_no_other_name() -> None:
    assert skdrift.DriftAwareEstimator is skdrift.DriftAwareEstimator
    assert skdrift.datasets is importlib.import_module("skdrift.datasets")
    with pytest.raises(AttributeError, match="'skdrift' has no attribute 'Drift'"):
        skdrift.Drift  # noqa: B018
    namespace: dict[str, Any] = {}
    exec("from skdrift import *", namespace)
    assert set(skdrift.__all__) <= set(namespace)


WATCHED = """
import json, os, sys, warnings
import numpy, sklearn.base, scipy.stats
acts = []
def watch(event, arguments):
    name = str(arguments[0]) if arguments else ""
    if event == "open" and set("wax+") & set(str(arguments[1] or "")):
        acts.append("write " + name)
    elif event == "open" and not name.endswith((".py", ".pyc", ".so")):
        acts.append("read " + name)
    elif event.split(".")[0] in ("socket", "subprocess", "shutil", "urllib"):
        acts.append(event + " " + name)
    elif event in ("os.system", "os.mkdir", "os.remove", "os.rename", "os.putenv"):
        acts.append(event + " " + name)
state = lambda: [list(map(str, warnings.filters)), dict(os.environ), numpy.geterr(),
                 sklearn.get_config(), str(numpy.random.get_state())]
before = state()
sys.addaudithook(watch)
sys.dont_write_bytecode = True
import skdrift
skdrift.DriftAwareEstimator, skdrift.dump, skdrift.datasets
same = [a == b for a, b in zip(before, state())]
print(json.dumps([acts, same]))
"""


def test_importing_does_nothing() -> None:
    acts, same = run(WATCHED)
    # What other libraries read of themselves is theirs.
    ours = [act for act in acts if str(ROOT) in act or not act.startswith("read ")]
    assert ours == []
    assert all(same)


WITHOUT = """
import json, sys, warnings
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"pandas", "polars", "pyarrow", "matplotlib", "rich"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Missing())
import numpy as np, scipy.sparse, skdrift, tempfile, pathlib
from sklearn.linear_model import LogisticRegression
X = np.random.default_rng(0).normal(size=(300, 3))
y = np.where(X[:, 0] > 0, "yes", "no")
done = []
folder = pathlib.Path(tempfile.mkdtemp())
for form in (np.asarray, np.ndarray.tolist, scipy.sparse.csr_array):
    model = skdrift.DriftAwareEstimator(LogisticRegression(), cv=3).fit(form(X), y)
    skdrift.dump(model, folder / "model.skops")
    model = skdrift.load(folder / "model.skops")
    answer, report = model.predict(form(X), return_report=True)
    assert report.ok and (answer == model.estimator_.predict(form(X))).all()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.predict(form(X + 1.0))
    assert len(caught) == 1
    report = model.check(form(X + 1.0), y)
    assert str(report) and report.to_json() and report._repr_html_() and repr(model)
    assert not report.ok and model.flag(form(X + 9.0)).rows().any()
    done.append(model._repr_html_() != "")
try:
    report.to_frame()
except skdrift.exceptions.MissingDependencyError as error:
    done.append("pandas" in str(error))
print(json.dumps([done, "pandas" in sys.modules]))
"""


def test_without_pandas_all_but_data_frames_works() -> None:
    done, loaded = run(WITHOUT)
    assert done == [True] * 4
    assert not loaded


@pytest.mark.parametrize("options", [("-OO",), ("-W", "error"), ("-I", "-B")])
def test_the_options_of_the_interpreter_change_nothing(
    options: tuple[str, ...],
) -> None:
    code = (
        "import sys\n"
        f"sys.path.insert(0, {str(ROOT)!r})\n"
        "import json, numpy as np, skdrift\n"
        "from sklearn.linear_model import LogisticRegression\n"
        "X = np.random.default_rng(0).normal(size=(200, 3))\n"
        "y = (X[:, 0] > 0).astype(int)\n"
        "model = skdrift.DriftAwareEstimator(LogisticRegression()).fit(X, y)\n"
        "print(json.dumps([model.check(X, y).to_json(), model.check(X + 1).to_json()]))"
    )
    assert run(code, *options) == run(code)
