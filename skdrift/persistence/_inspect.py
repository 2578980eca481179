"""All that is checked of a file before skops may read it."""

from __future__ import annotations

import io
import json
import sys
import zipfile
from dataclasses import dataclass

from skdrift.exceptions import ArtifactReadError, ArtifactSizeError
from skdrift.persistence._arrays import check_array
from skdrift.persistence._container import Member, check_container, unpacked_size
from skdrift.persistence._record import MAX_BYTES, MEMBER, Record, read_record
from skdrift.persistence._schema import BRACKET_COST, Survey, survey

DEFAULT_MAX_SIZE = 2 << 30
_SMALL = 64 << 20
_RATIO = 100
_SCHEMA = "schema.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bytes that a file may unpack to, and that its objects may take."""

    unpacked: int
    built: int

    @classmethod
    def of(cls, max_size: int | None, packed: int) -> Limits:
        """Limits for a file of `packed` bytes; without `max_size` the default ones."""
        if max_size is not None:
            return cls(unpacked=max_size, built=max_size)
        unpacked = min(DEFAULT_MAX_SIZE, max(_SMALL, _RATIO * packed))
        return cls(unpacked=unpacked, built=DEFAULT_MAX_SIZE)


UNLIMITED = Limits(unpacked=sys.maxsize, built=sys.maxsize)


def is_dense(data: bytes) -> bool:
    """Whether the default limits let a file through that is packed like this one."""
    return unpacked_size(data) <= max(_SMALL, _RATIO * len(data))


def inspect(data: bytes, where: str, limits: Limits) -> Record | None:
    """Check a file from end to end, and return who wrote it.

    Memory is taken for the text of the schema alone, and for one sparse matrix at a
    time.

    Parameters
    ----------
    data : bytes
        The whole file.
    where : str
        The file in words, for messages.
    limits : Limits
        What it may cost.

    Returns
    -------
    record : Record or None
        None for a file that plain skops wrote.

    Raises
    ------
    ArtifactReadError, ArtifactSizeError, ArtifactVersionError
        If skops should not see the file.
    """
    members = check_container(data, where, limits.unpacked)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        record = _record(archive, members, where)
        found = _survey(archive, members, where, limits)
        unread = sorted(set(members) - set(found.readers) - {_SCHEMA, MEMBER})
        if unread:
            raise ArtifactReadError(
                f"{where} has members that the model does not use: {unread[:5]}. Get "
                "the file again from who made it."
            )
        _check_arrays(archive, members, found, where, limits.unpacked)
    return record


def _record(
    archive: zipfile.ZipFile, members: dict[str, Member], where: str
) -> Record | None:
    if MEMBER not in members:
        return None
    if members[MEMBER].size > MAX_BYTES:
        raise ArtifactReadError(f"{where} has a {MEMBER} that skdrift did not write.")
    return read_record(archive.read(MEMBER), where)


def _survey(
    archive: zipfile.ZipFile, members: dict[str, Member], where: str, limits: Limits
) -> Survey:
    if _SCHEMA not in members:
        raise ArtifactReadError(
            f"{where} is a zip archive without {_SCHEMA}, so not a skops file. Give a "
            "file that skdrift.dump or skops.io.dump wrote."
        )
    text = archive.read(_SCHEMA)
    brackets = text.count(b"[") + text.count(b"{")
    _check_cost(len(text) + BRACKET_COST * brackets, where, limits.built)
    try:
        schema = json.loads(text)
    except RecursionError as error:
        raise ArtifactReadError(
            f"{where} is nested too deeply. It was not opened."
        ) from error
    except ValueError as error:
        raise ArtifactReadError(
            f"{where} has a {_SCHEMA} that is not JSON ({error}). Get the file again "
            "from who made it."
        ) from error
    sizes = {name: member.size for name, member in members.items()}
    found = survey(schema, sizes, where)
    _check_cost(len(text) + found.cost, where, limits.built)
    return found


def _check_arrays(
    archive: zipfile.ZipFile,
    members: dict[str, Member],
    found: Survey,
    where: str,
    limit: int,
) -> None:
    unpacked = sum(member.size for member in members.values())
    for name, loaders in found.readers.items():
        within = f"{where}: member {name!r}"
        if "SparseMatrixNode" in loaders:
            unpacked += _check_sparse(archive.read(name), within, limit - unpacked)
        if loaders - {"SparseMatrixNode", "BytesNode", "BytearrayNode"}:
            check_array(members[name].head, members[name].size, within)


def _check_cost(cost: int, where: str, limit: int) -> None:
    if cost > limit:
        raise ArtifactSizeError(
            f"{where} holds objects that may take {cost} bytes of memory; the limit "
            f"is {limit}. If you made the file or trust who did, pass a larger "
            "max_size."
        )


def _check_sparse(data: bytes, where: str, limit: int) -> int:
    """Check a sparse matrix, an archive of its own; return its unpacked size."""
    members = check_container(data, where, limit)
    for member in members.values():
        check_array(member.head, member.size, f"{where}: member {member.name!r}")
    return sum(member.size for member in members.values())
