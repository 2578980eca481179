"""A file is read once; what was checked is what is loaded."""

from __future__ import annotations

import os
import stat

from skdrift.exceptions import (
    ArtifactNotFoundError,
    ArtifactReadError,
    ArtifactSizeError,
)

_FLAGS = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


def read_snapshot(path: str, limit: int) -> bytes:
    """Return the bytes of the regular file `path`, of which there are at most `limit`.

    Raises
    ------
    ArtifactNotFoundError
        If there is no file.
    ArtifactReadError
        If it is a folder or a device, or cannot be opened or read.
    ArtifactSizeError
        If it is larger than `limit`; nothing was read.
    """
    try:
        # A pipe without a writer would block on opening.
        with open(path, "rb", opener=_open_without_blocking) as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise ArtifactReadError(
                    f"{path!r} is not a regular file. Give the path of a file that "
                    "skdrift.dump wrote."
                )
            data = file.read(status.st_size) if status.st_size <= limit else None
    except FileNotFoundError as error:
        raise ArtifactNotFoundError(
            f"There is no file {path!r}. Check the path, and the folder that it "
            "starts at."
        ) from error
    except IsADirectoryError as error:
        raise ArtifactReadError(
            f"{path!r} is a folder. Give the path of the file in it."
        ) from error
    except OSError as error:
        raise ArtifactReadError(
            f"{path!r} cannot be read: {error.strerror or error}. Check the "
            "permissions and the disk."
        ) from error
    if data is None:
        raise ArtifactSizeError(
            f"{path!r} has {status.st_size} bytes; the limit is {limit}. If you made "
            "the file or trust who did, pass a larger max_size."
        )
    return data


def _open_without_blocking(path: str, flags: int) -> int:
    return os.open(path, flags | _FLAGS)
