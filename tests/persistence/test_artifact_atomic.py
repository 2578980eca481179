"""Whatever happens to the writer, the file is the old one or the new one."""

from __future__ import annotations

import errno
import io
import json
import os
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

import skdrift.persistence
from skdrift.exceptions import ArtifactWriteError
from skdrift.persistence import _atomic, dump, load
from skdrift.persistence._atomic import remove_litter, write_whole

ROOT = Path(skdrift.persistence.__file__).parents[2]
posix = pytest.mark.skipif(os.name != "posix", reason="needs POSIX")
locks = pytest.mark.skipif(_atomic.fcntl is None, reason="needs locks on files")


def run(*arguments: str, timeout: float = 280) -> str:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def old(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    return path


# --- killed, and out of room ---------------------------------------------------


@posix
@pytest.mark.parametrize(
    ("kills", "seed"),
    [
        pytest.param(10, 0, id="10"),
        pytest.param(200, 1, id="200", marks=pytest.mark.slow),
    ],
)
def test_a_killed_writer_leaves_a_whole_file_and_the_next_one_no_litter(
    kills: int, seed: int, tmp_path: Path
) -> None:
    script = Path(__file__).with_name("killed_writer.py")
    report = json.loads(run(str(script), str(tmp_path), str(kills), str(seed)))
    assert report["kills"] == kills
    assert report["broken"] == 0
    assert report["litter"] == 0
    if kills >= 100:
        assert report["in_midst"] >= 10  # else the kills came too early or late
        assert report["seen"] == 2


FULL_DISK = """
import resource, sys
import numpy as np
from skdrift.exceptions import ArtifactWriteError
from skdrift.persistence import dump
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    dump({"a": np.random.default_rng(0).random(100_000)}, sys.argv[1])
except ArtifactWriteError as error:
    print(error)
"""


@posix
def test_a_full_disk_leaves_the_old_file(
    artifact: Path, model: LogisticRegression, same_model: Callable[..., None]
) -> None:
    before = artifact.read_bytes()
    assert "cannot be written" in run("-c", FULL_DISK, str(artifact))
    assert artifact.read_bytes() == before
    assert names_in(artifact.parent) == [artifact.name]
    same_model(model, load(artifact))


@pytest.mark.parametrize("step", ["open", "fchmod", "write", "fsync", "replace"])
@pytest.mark.parametrize(
    "error",
    [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()],
    ids=["disk", "interrupt"],
)
def test_a_failure_at_any_step_leaves_the_old_file_and_no_litter(
    step: str, error: BaseException, artifact: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    class HalfWritten(io.BufferedWriter):
        def write(self, data: Any) -> int:
            super().write(data[: len(data) // 2])
            raise error

    def half_written(descriptor: int, mode: str) -> io.BufferedWriter:
        return HalfWritten(io.FileIO(descriptor, mode))

    if step == "write":
        monkeypatch.setattr(_atomic, "open", half_written, raising=False)
    elif hasattr(os, step):
        monkeypatch.setattr(_atomic.os, step, fail)
    else:
        pytest.skip(f"no {step} on this system")
    before = artifact.read_bytes()
    expected = ArtifactWriteError if isinstance(error, OSError) else KeyboardInterrupt
    with pytest.raises(expected):
        dump({"another": "model"}, artifact)
    monkeypatch.undo()
    assert artifact.read_bytes() == before
    assert names_in(artifact.parent) == [artifact.name]


def test_a_folder_that_cannot_be_synchronised_is_no_failure(
    old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fsync = os.fsync

    def refuse_folders(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "Invalid argument")
        fsync(descriptor)

    monkeypatch.setattr(_atomic.os, "fsync", refuse_folders)
    write_whole(str(old), b"new")
    assert old.read_bytes() == b"new"


@posix
def test_file_and_folder_reach_the_disk_in_order(
    old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    fsync, replace = os.fsync, os.replace

    def note_fsync(descriptor: int) -> None:
        is_folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        steps.append("folder" if is_folder else "file")
        fsync(descriptor)

    def note_replace(source: str, target: str) -> None:
        assert Path(source).parent == Path(target).parent
        steps.append("replace")
        replace(source, target)

    monkeypatch.setattr(_atomic.os, "fsync", note_fsync)
    monkeypatch.setattr(_atomic.os, "replace", note_replace)
    write_whole(str(old), b"new")
    assert steps == ["file", "replace", "folder"]


# --- modes, links, targets -----------------------------------------------------


@pytest.fixture
def umask() -> Iterator[int]:
    before = os.umask(0o027)
    yield 0o027
    os.umask(before)


@posix
def test_a_new_file_has_the_mode_of_any_new_file(tmp_path: Path, umask: int) -> None:
    write_whole(str(tmp_path / "file"), b"new")
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o666 & ~umask


@posix
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664, 0o755, 0o666])
def test_a_file_keeps_its_mode(old: Path, mode: int, umask: int) -> None:
    old.chmod(mode)
    write_whole(str(old), b"new")
    assert old.read_bytes() == b"new"
    assert stat.S_IMODE(old.stat().st_mode) == mode


@posix
def test_a_private_file_is_private_at_every_moment(
    old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old.chmod(0o600)
    modes = []
    fchmod = os.fchmod

    def note_mode(descriptor: int, mode: int) -> None:
        modes.append(stat.S_IMODE(os.fstat(descriptor).st_mode))
        fchmod(descriptor, mode)

    monkeypatch.setattr(_atomic.os, "fchmod", note_mode)
    write_whole(str(old), b"new")
    assert modes == [0o600]


@posix
@pytest.mark.parametrize("relative", [True, False])
def test_a_link_stays_and_the_file_it_points_to_is_replaced(
    model: LogisticRegression, tmp_path: Path, relative: bool
) -> None:
    folder = tmp_path / "store"
    folder.mkdir()
    dump({"old": 1}, folder / "real.skops")
    link = tmp_path / "link.skops"
    link.symlink_to(Path("store/real.skops") if relative else folder / "real.skops")
    dump(model, link)
    assert link.is_symlink()
    assert type(load(folder / "real.skops")) is LogisticRegression
    assert names_in(tmp_path) == ["link.skops", "store"]
    assert names_in(folder) == ["real.skops"]


@posix
def test_a_dangling_link_creates_the_file_that_it_points_to(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("new.skops")
    dump(1, tmp_path / "link")
    assert load(tmp_path / "new.skops") == 1


@posix
def test_links_in_a_circle_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(ArtifactWriteError, match="cannot be written"):
        dump(1, tmp_path / "a")
    assert names_in(tmp_path) == ["a", "b"]


def test_a_target_that_is_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtifactWriteError, match="is a folder"):
        dump(1, tmp_path)
    with pytest.raises(ArtifactWriteError, match="no folder"):
        dump(1, tmp_path / "missing" / "m.skops")
    with pytest.raises(ArtifactWriteError, match="cannot be written"):
        dump(1, tmp_path / ("n" * 300))
    assert names_in(tmp_path) == []


@posix
def test_a_device_or_pipe_is_not_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for target in (tmp_path / "pipe", Path("/dev/null")):
        mode = target.stat().st_mode
        with pytest.raises(ArtifactWriteError, match="not a regular file"):
            dump(1, target)
        assert target.stat().st_mode == mode


UNPRIVILEGED = """
import os, sys
from skdrift.exceptions import ArtifactWriteError
from skdrift.persistence import dump
if os.getuid() == 0:
    os.setuid(65534)
for path in sys.argv[1:]:
    try:
        dump({"new": 1}, path)
    except ArtifactWriteError as error:
        print(error)
"""


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user may enter, as those of pytest are not."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@posix
def test_a_read_only_file_or_folder_is_left_alone(open_folder: Path) -> None:
    closed = open_folder / "closed"
    closed.mkdir()
    paths = [open_folder / "m.skops", closed / "m.skops"]
    for path in paths:
        dump({"old": 1}, path)
    paths[0].chmod(0o444)
    closed.chmod(0o555)
    said = run("-c", UNPRIVILEGED, *map(str, paths)).splitlines()
    closed.chmod(0o755)
    assert len(said) == 2
    assert "read-only" in said[0]
    assert all("cannot be written" in line for line in said)
    assert [load(path) for path in paths] == [{"old": 1}] * 2
    assert names_in(closed) == ["m.skops"]


# --- litter --------------------------------------------------------------------


@locks
def test_litter_of_the_dead_goes_and_all_else_stays(tmp_path: Path) -> None:
    dead = tmp_path / f".skdrift-{'a' * 16}.tmp"
    dead.write_bytes(b"half")
    kept = ["model.tmp", ".skdrift-notes.tmp", f".skdrift-{'A' * 16}.tmp", "x.skops"]
    for name in kept:
        (tmp_path / name).write_bytes(b"not ours")
    folder = tmp_path / f".skdrift-{'b' * 16}.tmp"
    folder.mkdir()
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    (tmp_path / f".skdrift-{'c' * 16}.tmp").symlink_to(victim)
    dump(1, tmp_path / "m.skops")
    assert not dead.exists()
    assert folder.is_dir()
    assert victim.read_bytes() == b"precious"
    assert set(kept) < set(names_in(tmp_path))


@locks
def test_the_file_of_a_living_writer_stays(tmp_path: Path) -> None:
    descriptor, path = _atomic._locked_temporary(str(tmp_path), None)
    try:
        remove_litter(str(tmp_path))
        assert os.path.exists(path)
    finally:
        os.close(descriptor)
    remove_litter(str(tmp_path))
    assert not os.path.exists(path)


@locks
def test_a_temporary_taken_for_litter_before_its_lock_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flock = _atomic.fcntl.flock
    calls = []

    def sweep_first(descriptor: int, operation: int) -> None:
        calls.append(descriptor)
        if len(calls) == 1:
            for path in tmp_path.iterdir():
                path.unlink()
        flock(descriptor, operation)

    monkeypatch.setattr(_atomic.fcntl, "flock", sweep_first)
    write_whole(str(tmp_path / "file"), b"new")
    assert len(calls) == 2
    assert names_in(tmp_path) == ["file"]


@locks
def test_without_locks_nothing_is_removed_and_writing_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(_atomic.fcntl, "flock", refuse)
    other = tmp_path / f".skdrift-{'a' * 16}.tmp"
    other.write_bytes(b"of another machine")
    write_whole(str(tmp_path / "file"), b"new")
    assert other.exists()
    assert (tmp_path / "file").read_bytes() == b"new"


def test_without_posix_the_file_is_replaced_too(
    old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_atomic, "fcntl", None)
    write_whole(str(old), b"new")
    assert old.read_bytes() == b"new"
    assert names_in(old.parent) == ["file"]


def test_writers_and_readers_at_once_see_whole_files_only(tmp_path: Path) -> None:
    path = tmp_path / "m.skops"
    models = [{"a": np.full(5000, float(value))} for value in range(4)]
    dump(models[0], path)
    failures: list[BaseException] = []

    def write(model: dict[str, Any]) -> None:
        try:
            for _ in range(10):
                dump(model, path)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=write, args=(model,)) for model in models]
    for thread in threads:
        thread.start()
    reads = 0
    while any(thread.is_alive() for thread in threads):
        values = load(path)["a"]
        assert values.shape == (5000,)
        assert (values == values[0]).all()
        reads += 1
    assert failures == []
    assert reads > 0
    assert names_in(tmp_path) == ["m.skops"]
