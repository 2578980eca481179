"""Who wrote an artifact: ``skdrift.json``, a member beside those of skops.

skops passes over it, so that an artifact is a skops file like any other.
"""

from __future__ import annotations

import io
import json
import platform
import zipfile
from dataclasses import dataclass

import numpy as np
import scipy
import sklearn
import skops

from skdrift._version import __version__
from skdrift.exceptions import ArtifactReadError, ArtifactVersionError

FORMAT = 1
MEMBER = "skdrift.json"
MAX_BYTES = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """The format of an artifact, and the versions that wrote it, by library."""

    format: int
    versions: dict[str, str]


def present_versions() -> dict[str, str]:
    """Versions that decide whether a stored model means the same, by library."""
    return {
        "skdrift": __version__,
        "scikit-learn": sklearn.__version__,
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "skops": skops.__version__,
        "python": ".".join(platform.python_version_tuple()[:2]),
    }


def with_record(data: bytes) -> bytes:
    """Add the record of this environment to a skops file."""
    text = json.dumps({"format": FORMAT, "versions": present_versions()})
    buffer = io.BytesIO(data)
    with zipfile.ZipFile(buffer, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(MEMBER, text)
    return buffer.getvalue()


def read_record(text: bytes, where: str) -> Record:
    """Parse a record, of this format or an older one.

    Raises
    ------
    ArtifactVersionError
        If a newer format wrote it.
    ArtifactReadError
        If it is not a record.
    """
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _unreadable(where) from error
    if not isinstance(fields, dict) or type(fields.get("format")) is not int:
        raise _unreadable(where)
    number, versions = fields["format"], fields.get("versions")
    if number > FORMAT:
        maker = versions.get("skdrift") if isinstance(versions, dict) else None
        raise ArtifactVersionError(
            f"{where} has format {number} and was made by skdrift {maker!s:.40}; this "
            f"is skdrift {__version__}, which reads formats up to {FORMAT}. Upgrade "
            "skdrift to load it."
        )
    if number < 1 or not isinstance(versions, dict):
        raise _unreadable(where)
    if not all(isinstance(version, str) for version in versions.values()):
        raise _unreadable(where)
    return Record(format=number, versions=versions)


def differences(written: dict[str, str]) -> dict[str, tuple[str, str]]:
    """Libraries of which another version wrote: (written, present) by name."""
    present = present_versions()
    return {
        library: (written[library], version)
        for library, version in present.items()
        if library in written and written[library] != version
    }


def _unreadable(where: str) -> ArtifactReadError:
    return ArtifactReadError(
        f"{where} has a {MEMBER} that skdrift did not write. Get the file again from "
        "who made it."
    )
