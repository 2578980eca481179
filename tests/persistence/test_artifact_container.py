"""What a zip archive may be, before anything is unpacked."""

from __future__ import annotations

import io
import pickle
import struct
import tracemalloc
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skops.io
from scipy import sparse
from sklearn.linear_model import LogisticRegression

from skdrift.exceptions import ArtifactError, ArtifactReadError, ArtifactSizeError
from skdrift.persistence import dump, load
from skdrift.persistence._container import check_container

MB = 1 << 20
LIMIT = 2 << 30


@contextmanager
def memory_below(limit: int) -> Iterator[None]:
    tracemalloc.start()
    try:
        yield
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < limit


def put(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


# --- what is not a skops file --------------------------------------------------


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "is empty"),
        (b"PK", "does not begin"),
        (b"hello, world" * 10, "does not begin"),
        (pickle.dumps(LogisticRegression()), "a pickle"),
        (b"PK\x05\x06" + bytes(18), "does not begin"),
        (b"PK\x03\x04" + bytes(40), "does not end"),
    ],
    ids=["empty", "short", "text", "pickle", "no members", "head alone"],
)
def test_a_foreign_file_is_named_as_such(
    data: bytes, reason: str, tmp_path: Path
) -> None:
    with pytest.raises(ArtifactReadError, match=reason):
        load(put(tmp_path / "m.skops", data))


def test_a_zip_without_a_schema_is_foreign(
    tmp_path: Path, rezipped: Callable[..., bytes]
) -> None:
    path = put(tmp_path / "m.skops", rezipped({"model.pkl": b"x"}))
    with pytest.raises(ArtifactReadError, match=r"without schema\.json"):
        load(path)


def test_members_that_the_model_does_not_use_are_refused(
    artifact: Path, forge: Callable[..., Path]
) -> None:
    with pytest.raises(ArtifactReadError, match=r"does not use.*payload\.exe"):
        load(forge(artifact, {"payload.exe": b"x"}))


def test_bytes_before_after_and_between_are_refused(artifact: Path) -> None:
    data = artifact.read_bytes()
    start = data.index(b"PK\x01\x02")
    moved = bytearray(data[:start] + b"#!gap" + data[start:])
    moved[-6:-2] = struct.pack("<L", struct.unpack("<L", data[-6:-2])[0] + 5)
    commented = bytearray(data + b"x")
    commented[-3:-1] = struct.pack("<H", 1)
    forged = {
        "before": b"#!/bin/sh\n" + data,
        "after": data + b"\n",
        "an archive after": data + data,
        "between": bytes(moved),
        "comment": bytes(commented),
    }
    for content in forged.values():
        skops.io.loads(content)  # plain skops reads each of them
        with pytest.raises(ArtifactReadError):
            load(put(artifact, content))


def test_two_members_of_one_name_are_refused(artifact: Path) -> None:
    with (
        warnings.catch_warnings(),
        zipfile.ZipFile(artifact, "a") as archive,
    ):
        warnings.simplefilter("ignore")
        archive.writestr("schema.json", archive.read("schema.json"))
    with pytest.raises(ArtifactReadError, match="two members named"):
        load(artifact)


def test_a_member_with_another_name_in_its_header_is_refused(artifact: Path) -> None:
    data = artifact.read_bytes()
    assert data.count(b"skdrift.json") == 2
    with pytest.raises(ArtifactReadError, match="two names"):
        load(put(artifact, data.replace(b"skdrift.json", b"skdrift.jsox", 1)))


def test_members_that_share_bytes_are_refused(artifact: Path) -> None:
    """The trick of overlapping bombs: many entries for one member."""
    data = artifact.read_bytes()
    with zipfile.ZipFile(artifact) as archive:
        first, second = archive.infolist()[:2]
    name = struct.pack("<L", second.header_offset)
    entry = data.rindex(second.filename.encode())
    changed = bytearray(data)
    assert changed[entry - 4 : entry] == name
    changed[entry - 4 : entry] = struct.pack("<L", first.header_offset)
    with pytest.raises(ArtifactReadError, match="overlap"):
        load(put(artifact, bytes(changed)))


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_packings_are_refused(
    method: int, model: LogisticRegression, tmp_path: Path
) -> None:
    path = put(tmp_path / "m.skops", skops.io.dumps(model, compression=method))
    with pytest.raises(ArtifactReadError, match="packed as"):
        load(path)


@pytest.mark.parametrize("flag", [0x1, 0x8, 0x20, 0x40])
def test_encrypted_or_streamed_members_are_refused(artifact: Path, flag: int) -> None:
    data = bytearray(artifact.read_bytes())
    entry = data.index(b"PK\x01\x02")
    data[entry + 8] |= flag
    with pytest.raises(ArtifactReadError):
        load(put(artifact, bytes(data)))


def test_names_that_are_not_ascii_are_refused(
    artifact: Path, forge: Callable[..., Path]
) -> None:
    with pytest.raises(ArtifactReadError, match="a member named"):
        load(forge(artifact, {"schéma.json": b"{}"}))


# --- bombs ---------------------------------------------------------------------


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "bomb.skops"
    zeros = {"a": np.zeros(25 * MB)}
    skops.io.dump(zeros, path, compression=zipfile.ZIP_DEFLATED)
    del zeros
    assert path.stat().st_size < MB
    assert skops.io.get_untrusted_types(file=path) == []
    with memory_below(8 * MB), pytest.raises(ArtifactSizeError, match="would unpack"):
        load(path)


def test_a_large_max_size_lets_a_dense_file_through(tmp_path: Path) -> None:
    path = tmp_path / "dense.skops"
    skops.io.dump({"a": np.zeros(9 * MB)}, path, compression=zipfile.ZIP_DEFLATED)
    with pytest.raises(ArtifactSizeError):
        load(path)
    assert load(path, max_size=100 * MB)["a"].size == 9 * MB


def test_a_member_that_unpacks_to_more_than_it_says_is_refused(
    artifact: Path,
) -> None:
    """Python's zipfile unpacks all of it, and then keeps what was promised."""
    small, large = b"0" * 100, b"0" * (200 * MB)
    data = bytearray()
    with io.BytesIO() as buffer:
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("schema.json", large)
        data[:] = buffer.getvalue()
    entry = data.index(b"PK\x01\x02")
    for start in (14, entry + 16):  # local header, central directory
        data[start : start + 4] = struct.pack("<L", zlib.crc32(small))
        data[start + 8 : start + 12] = struct.pack("<L", len(small))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.read("schema.json") == small
    path = put(artifact, bytes(data))
    with memory_below(8 * MB), pytest.raises(ArtifactReadError, match="checksum"):
        load(path)


@pytest.mark.parametrize("size", [99, 101])
def test_a_member_of_another_size_than_it_says_is_refused(
    size: int, rezipped: Callable[..., bytes]
) -> None:
    data = bytearray(rezipped({"schema.json": b"0" * 100}))
    entry = data.index(b"PK\x01\x02")
    data[entry + 24 : entry + 28] = struct.pack("<L", size)
    with pytest.raises(ArtifactReadError, match="is damaged"):
        check_container(bytes(data), "The file", LIMIT)


def test_bytes_after_the_packed_data_of_a_member_are_refused() -> None:
    packed = zlib.compressobj(wbits=-15)
    content = packed.compress(b"0" * 100) + packed.flush() + b"hidden"
    head = struct.pack("<4s5H3L2H", b"PK\3\4", 20, 0, 8, 0, 33, 0, 0, 0, 1, 0) + b"a"
    entry = struct.pack(
        "<4s6H3L5H2L", b"PK\1\2", 20, 20, 0, 8, 0, 33, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0
    )
    entry = bytearray(entry + b"a")
    sizes = struct.pack("<3L", zlib.crc32(b"0" * 100), len(content), 100)
    entry[16:28] = sizes
    start = len(head) + len(content)
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 1, 1, len(entry), start, 0)
    data = head + content + bytes(entry) + end
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.read("a") == b"0" * 100  # Python does not mind
    with pytest.raises(ArtifactReadError, match="is damaged"):
        check_container(data, "The file", LIMIT)


def test_a_million_members_are_refused_before_they_are_listed() -> None:
    entry = struct.pack(
        "<4s6H3L5H2L", b"PK\1\2", 20, 20, 0, 0, 0, 33, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0
    )
    entries = (entry + b"a") * 1_000_000
    for count in (0xFFFF, 10):  # as zip64 has it, and a lie
        end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, count, count, len(entries), 4, 0)
        data = b"PK\3\4" + entries + end
        with memory_below(8 * MB), pytest.raises(ArtifactError):
            check_container(data, "The file", LIMIT)


def test_a_member_that_is_not_counted_is_refused(artifact: Path) -> None:
    data = bytearray(artifact.read_bytes())
    count = struct.unpack("<H", data[-14:-12])[0] - 1
    data[-14:-10] = struct.pack("<2H", count, count)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert len(archive.infolist()) == count + 1  # Python does not count
    with pytest.raises(ArtifactReadError, match="list of members"):
        load(put(artifact, bytes(data)))


def test_a_second_end_record_is_refused(artifact: Path) -> None:
    data = artifact.read_bytes()
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, 0, 1)
    with pytest.raises(ArtifactReadError):
        load(put(artifact, data[:-22] + locator + data[-22:]))


# --- archives within archives: sparse matrices ----------------------------------


def packed_sparse(**arrays: Any) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


@pytest.fixture
def sparse_artifact(tmp_path: Path) -> tuple[Path, str, list[str]]:
    path = tmp_path / "sparse.skops"
    dump({"a": sparse.csr_array(np.eye(3))}, path)
    with zipfile.ZipFile(path) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".npz")]
    return path, name, ["scipy.sparse._csr.csr_array"]


def test_a_sparse_matrix_comes_back(
    sparse_artifact: tuple[Path, str, list[str]],
) -> None:
    path, _, trusted = sparse_artifact
    assert (load(path, trusted=trusted)["a"].toarray() == np.eye(3)).all()


def test_a_bomb_within_a_sparse_matrix_is_refused(
    sparse_artifact: tuple[Path, str, list[str]], forge: Callable[..., Path]
) -> None:
    path, name, trusted = sparse_artifact
    bomb = packed_sparse(
        indices=np.zeros(1),
        indptr=np.zeros(1),
        shape=np.zeros(2),
        format=np.array(b"csr"),
        data=np.zeros(25 * MB),
    )
    forged = forge(path, {name: bomb})
    with memory_below(8 * MB), pytest.raises(ArtifactSizeError, match="would unpack"):
        load(forged, trusted=trusted)


def test_a_sparse_matrix_counts_packed_and_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "sparse.skops"
    values = np.random.default_rng(0).random(200_000)
    dump(sparse.csr_array(values), path)
    trusted = ["scipy.sparse._csr.csr_array"]
    unpacked = values.nbytes + 4 * values.size  # values and indices
    with pytest.raises(ArtifactSizeError, match="would unpack"):
        load(path, trusted=trusted, max_size=unpacked + 100_000)
    load(path, trusted=trusted, max_size=2 * unpacked + 100_000)


@pytest.mark.parametrize("kind", ["cut", "no zip", "pickled"])
def test_a_damaged_sparse_matrix_is_refused(
    kind: str,
    sparse_artifact: tuple[Path, str, list[str]],
    forge: Callable[..., Path],
    unzipped: Callable[[bytes], dict[str, bytes]],
) -> None:
    path, name, trusted = sparse_artifact
    content = {
        "cut": unzipped(path.read_bytes())[name][:-30],
        "no zip": b"x" * 100,
        "pickled": packed_sparse(data=np.array([{}], dtype=object)),
    }[kind]
    with pytest.raises(ArtifactReadError, match=name):
        load(forge(path, {name: content}), trusted=trusted)
