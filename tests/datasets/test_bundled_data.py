"""Laws of the bundled data sets, and the figures that their descriptions state."""

from __future__ import annotations

import csv
import gzip
import inspect
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.utils import Bunch

import skdrift.datasets
from skdrift.datasets import load_air_quality, load_bike_sharing
from skdrift.exceptions import MissingDependencyError, ParameterError

LOADERS = [load_bike_sharing, load_air_quality]
ANALYSER = ["CO(GT)", "NMHC(GT)", "C6H6(GT)", "NOx(GT)", "NO2(GT)"]

every_loader = pytest.mark.parametrize("load", LOADERS)


@pytest.fixture
def without_pandas(monkeypatch):
    """Make ``import pandas`` fail, as where it is not installed."""
    monkeypatch.setitem(sys.modules, "pandas", None)


def source_column(bunch: Bunch, name: str) -> list[str]:
    with gzip.open(bunch.filename, "rt", encoding="utf-8", newline="") as lines:
        return [row[name] for row in csv.DictReader(lines)]


def test_every_loader_is_in_the_suite():
    public = {getattr(skdrift.datasets, name) for name in skdrift.datasets.__all__}
    assert set(LOADERS) == {member for member in public if inspect.isfunction(member)}


@every_loader
def test_shapes_agree(load):
    bunch = load()
    n_rows = len(bunch.data)
    assert bunch.data.shape == (n_rows, len(bunch.feature_names))
    assert bunch.target.shape == bunch.time.shape == bunch.train.shape == (n_rows,)
    assert bunch.frame is None


@every_loader
def test_dtypes_are_the_documented_ones(load):
    bunch = load()
    assert bunch.data.dtype == np.float64
    assert bunch.time.dtype == np.dtype("datetime64[s]")
    assert bunch.train.dtype == np.bool_
    assert bunch.data.flags.c_contiguous
    assert bunch.target.flags.c_contiguous


@every_loader
def test_every_value_is_finite(load):
    bunch = load()
    assert np.isfinite(bunch.data).all()
    assert np.isfinite(bunch.target).all()
    assert not np.isnat(bunch.time).any()


@every_loader
def test_features_are_the_source_columns_in_the_order_of_their_names(load):
    bunch = load()
    for position, name in enumerate(bunch.feature_names):
        expected = np.array(source_column(bunch, name), dtype=np.float64)
        np.testing.assert_array_equal(bunch.data[:, position], expected, err_msg=name)
    (target_name,) = bunch.target_names
    expected = np.array(source_column(bunch, target_name), dtype=np.float64)
    np.testing.assert_array_equal(bunch.target, expected)


@every_loader
def test_frame_holds_the_same_numbers_as_the_array(load):
    array, frame = load(), load(as_frame=True)
    assert list(frame.data.columns) == array.feature_names == frame.feature_names
    assert list(frame.frame.columns) == [*array.feature_names, *array.target_names]
    np.testing.assert_array_equal(frame.data.to_numpy(dtype=np.float64), array.data)
    np.testing.assert_array_equal(frame.target.to_numpy(), array.target)
    np.testing.assert_array_equal(frame.time.to_numpy(), array.time)
    np.testing.assert_array_equal(frame.train, array.train)
    assert frame.target.dtype == array.target.dtype
    assert frame.target.name == array.target_names[0]
    assert frame.time.name == "time"


@every_loader
def test_mask_of_the_split_selects_rows_of_arrays_and_frames(load):
    array, frame = load(), load(as_frame=True)
    np.testing.assert_array_equal(
        frame.data[frame.train].to_numpy(dtype=np.float64), array.data[array.train]
    )


@every_loader
@pytest.mark.parametrize("as_frame", [False, True])
def test_return_X_y_is_data_and_target_of_the_bunch(load, as_frame):
    X, y = load(return_X_y=True, as_frame=as_frame)
    bunch = load(as_frame=as_frame)
    assert type(X) is type(bunch.data)
    assert type(y) is type(bunch.target)
    np.testing.assert_array_equal(X, bunch.data)
    np.testing.assert_array_equal(y, bunch.target)


@every_loader
def test_rows_are_in_the_order_of_time_and_each_hour_stands_once(load):
    assert (np.diff(load().time) > np.timedelta64(0, "s")).all()


@every_loader
def test_train_comes_before_the_rest(load):
    bunch = load()
    assert bunch.time[bunch.train].max() < bunch.time[~bunch.train].min()


@every_loader
@pytest.mark.parametrize("as_frame", [False, True])
def test_a_changed_result_does_not_change_the_next_one(load, as_frame):
    first = load(as_frame=as_frame)
    expected = np.array(first.data)
    changed = first.frame if as_frame else first.data
    changed[:] = 0
    first.train[:] = False
    second = load(as_frame=as_frame)
    np.testing.assert_array_equal(second.data, expected)
    assert second.train.any()


@every_loader
def test_description_names_every_feature_the_source_and_the_licence(load):
    bunch = load()
    for name in bunch.feature_names:
        assert name in bunch.DESCR
    assert "UCI Machine Learning" in bunch.DESCR
    assert "CC BY 4.0" in bunch.DESCR


@every_loader
def test_licence_stands_beside_the_file(load):
    path = Path(load().filename)
    licence = path.with_name("LICENSE.txt").read_text(encoding="utf-8")
    assert path.name in licence
    assert "CC BY 4.0" in licence


@every_loader
@pytest.mark.usefixtures("without_pandas")
def test_arrays_need_no_pandas(load):
    bunch = load()
    assert isinstance(bunch.data, np.ndarray)
    X, _ = load(return_X_y=True)
    assert isinstance(X, np.ndarray)


@every_loader
@pytest.mark.usefixtures("without_pandas")
def test_frames_without_pandas_name_the_argument_and_the_remedy(load):
    with pytest.raises(MissingDependencyError, match=r"as_frame=True.*pip install"):
        load(as_frame=True)


def test_bundled_files_are_small():
    folder = Path(load_bike_sharing().filename).parent
    assert sum(path.stat().st_size for path in folder.iterdir()) < 600_000


class TestBikeSharing:
    def test_first_and_last_row(self):
        bunch = load_bike_sharing()
        assert bunch.feature_names == [
            *("season", "mnth", "hr", "holiday", "weekday", "workingday"),
            *("weathersit", "temp", "atemp", "hum", "windspeed"),
        ]
        np.testing.assert_array_equal(
            bunch.data[[0, -1]],
            [
                [1, 1, 0, 0, 6, 0, 1, 0.24, 0.2879, 0.81, 0],
                [1, 12, 23, 0, 1, 1, 1, 0.26, 0.2727, 0.65, 0.1343],
            ],
        )
        assert bunch.target[[0, -1]].tolist() == [16, 49]
        assert bunch.time[0] == np.datetime64("2011-01-01T00:00:00")
        assert bunch.time[-1] == np.datetime64("2012-12-31T23:00:00")

    def test_no_column_gives_the_target_or_the_split_away(self):
        leaks = {"casual", "registered", "instant", "dteday", "yr", "cnt"}
        assert not leaks & set(load_bike_sharing().feature_names)

    def test_split_is_by_year(self):
        bunch = load_bike_sharing()
        years = bunch.time.astype("datetime64[Y]").astype(int) + 1970
        np.testing.assert_array_equal(bunch.train, years == 2011)
        assert bunch.train.sum() == 8_645
        assert (~bunch.train).sum() == 8_734

    def test_time_has_the_hour_of_the_features(self):
        bunch = load_bike_sharing(as_frame=True)
        assert (bunch.time.dt.hour == bunch.data["hr"]).all()
        assert (bunch.time.dt.month == bunch.data["mnth"]).all()

    def test_codes_and_target_are_integers(self):
        bunch = load_bike_sharing(as_frame=True)
        weather = ["temp", "atemp", "hum", "windspeed"]
        assert (bunch.data.drop(columns=weather).dtypes == np.int64).all()
        assert (bunch.data[weather].dtypes == np.float64).all()
        assert bunch.target.dtype == np.int64

    def test_figures_of_the_description(self):
        bunch = load_bike_sharing()
        growth = bunch.target[~bunch.train].mean() / bunch.target[bunch.train].mean()
        assert round(growth, 2) == 1.63
        assert (bunch.target.min(), bunch.target.max()) == (1, 977)
        assert 2 * 365 * 24 + 24 - len(bunch.time) == 165


class TestAirQuality:
    def test_first_and_last_row(self):
        bunch = load_air_quality()
        assert bunch.feature_names == [
            *("PT08.S1(CO)", "PT08.S2(NMHC)", "PT08.S3(NOx)", "PT08.S4(NO2)"),
            *("PT08.S5(O3)", "T", "RH", "AH"),
        ]
        np.testing.assert_array_equal(
            bunch.data[[0, -1]],
            [
                [1360, 1046, 1056, 1692, 1268, 13.6, 48.9, 0.7578],
                [1071, 1047, 654, 1129, 816, 28.5, 13.1, 0.5028],
            ],
        )
        assert bunch.target[[0, -1]].tolist() == [2.6, 2.2]
        assert bunch.time[0] == np.datetime64("2004-03-10T18:00:00")
        assert bunch.time[-1] == np.datetime64("2005-04-04T14:00:00")

    @pytest.mark.parametrize("target", ANALYSER)
    def test_no_column_of_the_analyser_is_a_feature(self, target):
        bunch = load_air_quality(target=target)
        assert not set(ANALYSER) & set(bunch.feature_names)
        assert bunch.target_names == [target]

    @pytest.mark.parametrize(
        ("target", "n_sentinels"),
        list(zip(ANALYSER, [1_683, 8_443, 366, 1_639, 1_642], strict=True)),
    )
    def test_sentinels_of_the_target_are_kept(self, target, n_sentinels):
        _, y = load_air_quality(return_X_y=True, target=target)
        assert (y == -200).sum() == n_sentinels

    def test_sensors_were_off_together(self):
        off = load_air_quality().data == -200
        assert off.any(axis=1).sum() == off.all(axis=1).sum() == 366

    def test_split_is_before_september(self):
        bunch = load_air_quality()
        september = np.datetime64("2004-09-01T00:00:00")
        np.testing.assert_array_equal(bunch.train, bunch.time < september)
        assert bunch.train.sum() == 4_182
        assert (~bunch.train).sum() == 5_175

    def test_hours_have_no_gap(self):
        assert (np.diff(load_air_quality().time) == np.timedelta64(1, "h")).all()

    def test_hydrocarbons_were_measured_to_the_first_of_may(self):
        bunch = load_air_quality(target="NMHC(GT)")
        last = bunch.time[bunch.target != -200].max()
        assert last.astype("datetime64[D]") == np.datetime64("2004-05-01")

    @pytest.mark.parametrize("target", ["PT08.S1(CO)", "Date", "co(gt)", None])
    def test_other_targets_are_refused_by_name(self, target):
        with pytest.raises(ParameterError, match=r"`target`.*CO\(GT\).*got"):
            load_air_quality(target=target)
