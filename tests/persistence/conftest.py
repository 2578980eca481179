"""A small fitted model, its artifact, and a way to forge one."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from skdrift.persistence import dump

Forge = Callable[..., Path]


@pytest.fixture(scope="session")
def model() -> LogisticRegression:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 4))
    return LogisticRegression().fit(X, X[:, 0] + rng.normal(size=60) > 0)


@pytest.fixture
def artifact(model: LogisticRegression, tmp_path: Path) -> Path:
    path = tmp_path / "model.skops"
    dump(model, path)
    return path


def members_of(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zipped(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


@pytest.fixture
def forge(tmp_path: Path) -> Forge:
    """Write an artifact with other members; None removes one."""

    def forged(source: Path, changes: dict[str, bytes | str | None]) -> Path:
        members: dict[str, Any] = {**members_of(source.read_bytes()), **changes}
        kept = {name: data for name, data in members.items() if data is not None}
        path = tmp_path / "forged.skops"
        path.write_bytes(zipped(kept))
        return path

    return forged


def assert_same_model(one: LogisticRegression, other: LogisticRegression) -> None:
    assert type(one) is type(other)
    assert one.get_params() == other.get_params()
    for name in ("coef_", "intercept_", "classes_", "n_iter_"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


@pytest.fixture
def same_model() -> Callable[[Any, Any], None]:
    return assert_same_model


@pytest.fixture
def unzipped() -> Callable[[bytes], dict[str, bytes]]:
    return members_of


@pytest.fixture
def rezipped() -> Callable[[dict[str, bytes]], bytes]:
    return zipped
