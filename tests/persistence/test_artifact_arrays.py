"""Headers of stored arrays that say what is not so."""

from __future__ import annotations

import io
import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from skdrift.exceptions import ArtifactReadError
from skdrift.persistence import dump, load
from skdrift.persistence._arrays import check_array

MAGIC = b"\x93NUMPY"


def stored(array: Any, **options: Any) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.asanyarray(array), **options)
    return buffer.getvalue()


def npy(header: str, content: bytes = b"", version: bytes = b"\1\0") -> bytes:
    text = header.encode("latin1")
    form = "<H" if version == b"\1\0" else "<I"
    return MAGIC + version + struct.pack(form, len(text)) + text + content


def described(descr: str = "'<f8'", shape: str = "(1,)", order: str = "False") -> str:
    return f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}"


def check(data: bytes) -> None:
    check_array(data[:16_384], len(data), "The member")


@pytest.mark.filterwarnings("ignore:Stored array in format:UserWarning")
@pytest.mark.parametrize(
    "array",
    [
        np.arange(3.0),
        np.float32(1.5),
        np.asfortranarray(np.ones((2, 3))),
        np.empty((0, 5)),
        np.empty((3, 0, 2), dtype="i1"),
        np.array(["a", "bc"]),
        np.array([b"a"]),
        np.array(["2020", "NaT"], dtype="M8[s]"),
        np.array([1j]),
        np.array([1], dtype=">i4"),
        np.array([1], dtype=np.longdouble),
        np.zeros(2, "U0"),
        np.zeros(2, [("a", "i4"), ("b", "f8", (2, 2))]),
        np.zeros(2, [("日", "i4"), ("本", "U3")]),
        np.zeros(2, np.dtype([("a", "i1"), ("b", "f8")], align=True)),
        np.zeros(3, [(f"field_{i:04}", "f8") for i in range(300)]),
    ],
    ids=lambda array: f"{array.dtype.str}{array.shape}",
)
def test_what_numpy_stores_passes(array: Any) -> None:
    check(stored(array))


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_all_versions_of_the_format_pass(version: tuple[int, int]) -> None:
    check(stored(np.arange(5), version=version))


@pytest.mark.parametrize(
    "data",
    [
        npy(described(shape="(10**12,)"), bytes(8)),
        npy(described(shape="(1000000000000,)"), bytes(8)),
        npy(described(shape=f"({2**40}, {2**40}, {2**40})"), bytes(8)),
        npy(described("'S0'", shape="(1000000000000,)"), b""),
        npy(described("'V0'", shape="(1000000000000,)"), b""),
        npy(described("'<f8'", shape="(2,)"), bytes(8)),
        npy(described("'<f8'", shape="(1,)"), bytes(16)),
        npy(described(shape="(-1,)"), bytes(8)),
        npy(described(shape="(True,)"), bytes(8)),
        npy(described(shape="(1.0,)"), bytes(8)),
        npy(described(shape="[1]"), bytes(8)),
        npy(described(shape="None"), bytes(8)),
        npy(described("'|O'"), bytes(8)),
        npy(described("[('a', '|O')]"), bytes(8)),
        npy(described("'(1000000000,)f8'"), bytes(8)),
        npy(described("'nonsense'"), bytes(8)),
        npy(described("3"), bytes(8)),
        npy(described("[('a', 'f8'), ('a', 'f8')]", "(1,)"), bytes(16)),
        npy(described("{'names': 1}"), bytes(8)),
        npy("{'descr': '<f8'}", bytes(8)),
        npy("[1, 2]", bytes(8)),
        npy("__import__('os').system('true')", bytes(8)),
        npy("(" * 9000, bytes(8)),
        npy("-" * 9000 + "1", bytes(8)),
        npy(" " * 12_000 + described(), bytes(8)),
        npy(" " * 20_000 + described(), bytes(8)),
        npy(described(), bytes(8), version=b"\4\0"),
        MAGIC,
        MAGIC + b"\1\0",
        MAGIC + b"\1\0\xff\xff",
        MAGIC + b"\2\0\xff\xff\xff\xff",
        b"",
        b"PK\3\4" + bytes(30),
        b"\x80\x04.",
        stored(np.array([{}], dtype=object)),
        stored(np.arange(3.0))[:-1],
    ],
    ids=range(36),
)
def test_a_header_that_is_not_so_is_refused(data: bytes) -> None:
    with pytest.raises(ArtifactReadError, match="The member"):
        check(data)


def test_an_array_in_an_artifact_is_checked_whatever_its_member_is_called(
    tmp_path: Path,
    forge: Callable[..., Path],
    unzipped: Callable[[bytes], dict[str, bytes]],
) -> None:
    dump({"a": np.arange(3.0)}, tmp_path / "m.skops")
    members = unzipped((tmp_path / "m.skops").read_bytes())
    (name,) = [name for name in members if name.endswith(".npy")]
    liar = npy(described(shape="(1000000000000,)"), bytes(8))
    schema = members["schema.json"].replace(name.encode(), b"innocent.bin")
    with pytest.raises(ArtifactReadError, match="declares 1000000000000 items"):
        load(forge(tmp_path / "m.skops", {name: liar}))
    with pytest.raises(ArtifactReadError, match="declares 1000000000000 items"):
        load(
            forge(
                tmp_path / "m.skops",
                {name: None, "innocent.bin": liar, "schema.json": schema},
            )
        )


def test_bytes_of_the_user_may_be_anything(tmp_path: Path) -> None:
    liar = npy(described(shape="(1000000000000,)"), bytes(8))
    model = {"a": liar, "b": bytearray(liar), "c": b"", "d": b"PK\3\4"}
    dump(model, tmp_path / "m.skops")
    assert load(tmp_path / "m.skops") == model


def test_an_archive_is_not_taken_for_an_array(
    tmp_path: Path,
    forge: Callable[..., Path],
    unzipped: Callable[[bytes], dict[str, bytes]],
) -> None:
    """numpy.load opens an archive as readily as an array."""
    dump({"a": np.arange(3.0)}, tmp_path / "m.skops")
    members = unzipped((tmp_path / "m.skops").read_bytes())
    (name,) = [name for name in members if name.endswith(".npy")]
    buffer = io.BytesIO()
    np.savez(buffer, a=np.arange(3.0))
    with pytest.raises(ArtifactReadError, match="is no array"):
        load(forge(tmp_path / "m.skops", {name: buffer.getvalue()}))
    assert json.loads(members["schema.json"])["__loader__"] == "DictNode"
