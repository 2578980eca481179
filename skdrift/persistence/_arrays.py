"""Stored arrays: the header of a ``.npy`` member says what the member holds.

numpy takes the memory that a header asks for before it looks at the data.
"""

from __future__ import annotations

import ast
import math
import struct
from typing import Any

import numpy as np

from skdrift.exceptions import ArtifactReadError

_MAGIC = b"\x93NUMPY"
_LENGTHS = {  # form of the length of the header, by version
    b"\x01\x00": struct.Struct("<H"),
    b"\x02\x00": struct.Struct("<I"),
    b"\x03\x00": struct.Struct("<I"),
}
_MAX_HEADER = 10_000  # numpy's own limit

# MemoryError is what the parser of Python raises on a text nested too deeply.
_LITERAL_ERRORS = (ValueError, SyntaxError, TypeError, RecursionError, MemoryError)
_DTYPE_ERRORS = (ValueError, SyntaxError, TypeError, LookupError, OverflowError)


def check_array(head: bytes, size: int, where: str) -> None:
    """Raise unless a member is one numeric array that is exactly as large as it says.

    Parameters
    ----------
    head : bytes
        The beginning of the member, at least 16 kB if it has as many.
    size : int
        Bytes of the whole member.
    where : str
        The member in words, for messages.

    Raises
    ------
    ArtifactReadError
        If the header cannot be read, promises more or less data than there are, or
        asks for Python objects.
    """
    fields, start = _header(head, where)
    shape = fields["shape"]
    try:
        dtype = np.lib.format.descr_to_dtype(fields["descr"])
    except _DTYPE_ERRORS as error:
        raise _damaged(where, "has a type that numpy does not know") from error
    if not isinstance(shape, tuple) or not all(
        type(length) is int and length >= 0 for length in shape
    ):
        raise _damaged(where, f"has the shape {shape!r:.80}")
    if dtype.hasobject:
        raise _damaged(where, "holds Python objects, which would be a pickle")
    count = math.prod(shape)
    if count * dtype.itemsize != size - start or (dtype.itemsize == 0 and count > size):
        raise _damaged(
            where,
            f"declares {count} items of {dtype.itemsize} bytes and stores "
            f"{size - start} bytes",
        )


def _header(head: bytes, where: str) -> tuple[dict[str, Any], int]:
    """Fields of the header, and where the data start."""
    length = _LENGTHS.get(head[6:8])
    if not head.startswith(_MAGIC) or length is None:
        raise _damaged(where, "is no array")
    begin = 8 + length.size
    if len(head) < begin:
        raise _damaged(where, "is cut")
    (characters,) = length.unpack(head[8:begin])
    start = begin + characters
    if characters > _MAX_HEADER or len(head) < start:
        raise _damaged(where, f"has a header of {characters} bytes")
    try:
        # Names of fields may be UTF-8; any other reading of them has the same size.
        fields = ast.literal_eval(head[begin:start].decode("latin1").strip())
    except _LITERAL_ERRORS as error:
        raise _damaged(where, "has a header that cannot be read") from error
    if not isinstance(fields, dict) or set(fields) != {
        "descr",
        "fortran_order",
        "shape",
    }:
        raise _damaged(where, "has a header without type and shape")
    return fields, start


def _damaged(where: str, reason: str) -> ArtifactReadError:
    return ArtifactReadError(
        f"{where} {reason}. It was not unpacked; get the file again from who made it."
    )
