"""A file is written whole or not at all.

The bytes go to a temporary file beside the target, reach the disk, and only then
take the target's name. A writer holds a lock on its temporary file, and a lock ends
with its process: so a temporary file that nobody locks is litter of a writer that
was killed, and the next writer to the folder removes it.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import stat
from types import ModuleType

fcntl: ModuleType | None
try:
    import fcntl
except ImportError:  # Windows, which refuses to remove a file that is open
    fcntl = None

_TEMPORARY = re.compile(r"\.skdrift-[0-9a-f]{16}\.tmp")
_FLAGS = (
    getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_BINARY", 0)
)


def target_of(path: str) -> str:
    """Return the file that writing to `path` replaces: what a symbolic link points to.

    Raises
    ------
    OSError
        If `path` cannot be a file: its folder is missing, or it is a folder, a
        device, or a file that may not be written to.
    """
    target = os.path.realpath(path)
    try:
        mode = os.stat(target).st_mode
    except FileNotFoundError:
        folder = os.path.dirname(target)
        if not os.path.isdir(folder):
            raise NotADirectoryError(f"there is no folder {folder!r}") from None
        return target
    if stat.S_ISDIR(mode):
        raise IsADirectoryError("it is a folder")
    if not stat.S_ISREG(mode):
        raise OSError("it is not a regular file")
    if not os.access(target, os.W_OK):
        raise PermissionError("the file is read-only")
    return target


def write_whole(target: str, data: bytes) -> None:
    """Replace or create the file `target`, or leave everything as it was.

    A file that was there gives its mode to the new one; its owner, hard links and
    access lists it does not.

    Raises
    ------
    OSError
        If the bytes could not be stored; the target is then unchanged.
    """
    folder = os.path.dirname(target)
    remove_litter(folder)
    mode = _mode_of(target)
    descriptor, temporary = _locked_temporary(folder, mode)
    try:
        with open(descriptor, "wb") as file:
            if mode is not None and hasattr(os, "fchmod"):
                os.fchmod(file.fileno(), mode)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            if fcntl is not None:
                # Before the file is closed: that would give up the lock.
                os.replace(temporary, target)
        if fcntl is None:
            os.replace(temporary, target)
    finally:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
    _sync_folder(folder)


def remove_litter(folder: str) -> None:
    """Remove the temporary files in `folder` whose writers are gone.

    Where the file system has no locks, nothing is removed.
    """
    with contextlib.suppress(OSError):
        names = [name for name in os.listdir(folder) if _TEMPORARY.fullmatch(name)]
        for name in names:
            with contextlib.suppress(OSError):
                _remove_if_orphaned(os.path.join(folder, name))


def _remove_if_orphaned(path: str) -> None:
    if fcntl is None:
        os.unlink(path)
        return
    descriptor = os.open(path, os.O_RDWR | _FLAGS)
    try:
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.unlink(path)
    finally:
        os.close(descriptor)


def _locked_temporary(folder: str, mode: int | None) -> tuple[int, str]:
    """Open a new file of our own in `folder`, readable by nobody who may not."""
    permissions = 0o666 if mode is None else mode & 0o777
    while True:
        path = os.path.join(folder, f".skdrift-{secrets.token_hex(8)}.tmp")
        descriptor = os.open(
            path, os.O_RDWR | os.O_CREAT | os.O_EXCL | _FLAGS, permissions
        )
        if fcntl is None:
            return descriptor, path
        with contextlib.suppress(OSError):  # a file system without locks
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        # Another writer may have taken it for litter before it was locked.
        if os.path.exists(path):
            return descriptor, path
        os.close(descriptor)


def _mode_of(target: str) -> int | None:
    try:
        return stat.S_IMODE(os.stat(target).st_mode)
    except FileNotFoundError:
        return None


def _sync_folder(folder: str) -> None:
    """Make the new name durable, where folders can be synchronised.

    The file is complete whichever name a crash would leave it under, so a system
    that cannot do this is no reason to report that nothing was written.
    """
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
