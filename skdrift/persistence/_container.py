"""The zip container of an artifact: what may be in it, before anything is unpacked.

`zipfile` reads more than skops writes: bytes before and after the archive, members
that share bytes or have one name, sizes that are not true. Here an archive is what
skops writes, byte after byte, or it is refused.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from skdrift.exceptions import ArtifactReadError, ArtifactSizeError

MAX_MEMBERS = 65_534  # more would need the count of zip64, which counts differently
_MAX_NAME = 255
_HEAD = 16_384  # the header of a .npy file is shorter
_CHUNK = 1 << 20
_SLICE = 1 << 16

_END = struct.Struct("<4s4H2LH")
_LOCAL = struct.Struct("<4s5H3L2H")
_ENTRY_SIZE = 46
_UTF8_NAME = 0x800

# What `zipfile` raises on a central directory that is damaged.
_DIRECTORY_ERRORS = (
    zipfile.BadZipFile,
    NotImplementedError,
    OverflowError,
    ValueError,
    struct.error,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One member, verified: `size` and checksum are those of the unpacked bytes.

    Attributes
    ----------
    name : str
        Name in the archive; no two members share one.
    size : int
        Bytes unpacked.
    head : bytes
        The first 16 kB of them.
    """

    name: str
    size: int
    head: bytes


def check_container(data: bytes, where: str, limit: int) -> dict[str, Member]:
    """Return the members of the zip archive `data` by name, none of them unpacked.

    At most about 1 MB of unpacked bytes is in memory at any time.

    Parameters
    ----------
    data : bytes
        The whole file.
    where : str
        The file in words, for messages.
    limit : int
        Bytes that all members together may unpack to.

    Raises
    ------
    ArtifactSizeError
        If they would unpack to more.
    ArtifactReadError
        If the archive is damaged, or is laid out as skops lays none out.
    """
    total = _check_end(data, where)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            infos = archive.infolist()
            directory = archive.start_dir
    except _DIRECTORY_ERRORS as error:
        raise ArtifactReadError(
            f"{where} has a damaged list of members ({error}). Copy it again from "
            "where it was made."
        ) from error
    if len(infos) != total:
        raise ArtifactReadError(f"{where} has a damaged list of members.")
    _check_entries(infos, where)
    _check_size(sum(info.file_size for info in infos), len(data), where, limit)
    _check_layout(data, infos, directory, where)
    return {info.filename: _verified(data, info, where) for info in infos}


def unpacked_size(data: bytes) -> int:
    """Bytes that the members of a sound archive unpack to."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return sum(info.file_size for info in archive.infolist())


def _check_end(data: bytes, where: str) -> int:
    """Return the number of members that the record at the end promises."""
    if not data:
        raise ArtifactReadError(f"{where} is empty. Copy it again from where it was.")
    if len(data) < _END.size or not data.startswith(b"PK\x03\x04"):
        kind = "a pickle" if data.startswith(b"\x80") else "something else"
        raise ArtifactReadError(
            f"{where} does not begin as a skops file does; it is {kind}, or has bytes "
            "before its beginning. Give a file that skdrift.dump or skops.io.dump "
            "wrote."
        )
    mark, _, _, here, total, length, _, comment = _END.unpack(data[-_END.size :])
    if mark != b"PK\x05\x06" or comment != 0:
        raise ArtifactReadError(
            f"{where} does not end as a skops file does: it was cut, or has bytes "
            "after its end. Copy it again from where it was made."
        )
    if total > MAX_MEMBERS:
        raise ArtifactSizeError(
            f"{where} has more than {MAX_MEMBERS} members; no model has as many "
            "arrays. It was not opened."
        )
    largest = (_ENTRY_SIZE + _MAX_NAME) * total
    if here != total or not _ENTRY_SIZE * total <= length <= largest:
        raise ArtifactReadError(f"{where} has a damaged list of members.")
    # A second end record overrules the first; only archives this large need one.
    if data[-42:-38] == b"PK\x06\x07" and len(data) < zipfile.ZIP64_LIMIT:
        raise ArtifactReadError(f"{where} has two lists of members.")
    return int(total)


def _check_entries(infos: list[zipfile.ZipInfo], where: str) -> None:
    names: set[str] = set()
    for info in infos:
        if info.filename in names:
            raise ArtifactReadError(
                f"{where} has two members named {info.filename[:80]!r}, and readers "
                "differ in which they take. Get the file again from who made it."
            )
        names.add(info.filename)
        if not info.orig_filename.isascii():
            raise ArtifactReadError(
                f"{where} has a member named {info.filename[:80]!r}, as skops names "
                "none. Get the file again from who made it."
            )
        if info.flag_bits & ~_UTF8_NAME or info.compress_type not in (
            zipfile.ZIP_STORED,
            zipfile.ZIP_DEFLATED,
        ):
            raise ArtifactReadError(
                f"{where}: member {info.filename[:80]!r} is encrypted, or packed as "
                "skops packs none. Write the file with skdrift.dump."
            )


def _check_size(size: int, packed: int, where: str, limit: int) -> None:
    if size > limit:
        raise ArtifactSizeError(
            f"{where} would unpack to {size} bytes, {size / packed:.0f} times its own "
            f"size; the limit is {limit}. If you made the file or trust who did, pass "
            "a larger max_size."
        )


def _check_layout(
    data: bytes, infos: list[zipfile.ZipInfo], directory: int, where: str
) -> None:
    """Members follow one another without a gap or an overlap, then the directory."""
    position = 0
    for info in sorted(infos, key=lambda info: info.header_offset):
        header = data[position : position + _LOCAL.size]
        if info.header_offset != position or len(header) < _LOCAL.size:
            break
        mark, *_, length, extra = _LOCAL.unpack(header)
        position += _LOCAL.size
        name = data[position : position + length]
        if mark != b"PK\x03\x04" or name != info.orig_filename.encode("ascii"):
            break
        position += length + extra + info.compress_size
    else:
        if position == directory:
            return
    raise ArtifactReadError(
        f"{where} has members that overlap or have two names, or bytes between them, "
        "as no skops file has. Get the file again from who made it."
    )


def _verified(data: bytes, info: zipfile.ZipInfo, where: str) -> Member:
    """Unpack a member piece by piece, and keep its head."""
    head = b""
    size = checksum = 0
    try:
        for piece in _pieces(data, info):
            size += len(piece)
            if size > info.file_size:
                break
            checksum = zlib.crc32(piece, checksum)
            if len(head) < _HEAD:
                head += bytes(piece[: _HEAD - len(head)])
    except zlib.error as error:
        raise _damaged(info, where) from error
    if size != info.file_size or checksum != info.CRC:
        raise _damaged(info, where)
    return Member(name=info.filename, size=size, head=head)


def _pieces(data: bytes, info: zipfile.ZipInfo) -> Iterator[bytes | memoryview]:
    """Unpacked bytes of a member, at most 1 MB at a time."""
    header = data[info.header_offset : info.header_offset + _LOCAL.size]
    *_, name, extra = _LOCAL.unpack(header)
    start = info.header_offset + _LOCAL.size + name + extra
    packed = memoryview(data)[start : start + info.compress_size]
    if info.compress_type == zipfile.ZIP_STORED:
        yield packed
        return
    inflate = zlib.decompressobj(-zlib.MAX_WBITS)
    for begin in range(0, len(packed), _SLICE):
        rest: bytes | memoryview = packed[begin : begin + _SLICE]
        while rest or not inflate.eof:
            if inflate.eof:
                raise zlib.error("bytes after the end of the packed data")
            piece = inflate.decompress(rest, _CHUNK)
            rest = inflate.unconsumed_tail or inflate.unused_data
            if not piece and not rest:
                break
            yield piece
    if not inflate.eof:
        raise zlib.error("the packed data are cut")


def _damaged(info: zipfile.ZipInfo, where: str) -> ArtifactReadError:
    return ArtifactReadError(
        f"{where} is damaged: member {info.filename[:80]!r} is not what its checksum "
        "says. Copy the file again from where it was made."
    )
