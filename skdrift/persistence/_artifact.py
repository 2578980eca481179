"""`dump` and `load`: the order of the steps, and what their failures are called."""

from __future__ import annotations

import contextlib
import os
import threading
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import skops.io
from sklearn.exceptions import InconsistentVersionWarning
from skops.io.exceptions import UntrustedTypesFoundException

from skdrift.exceptions import (
    ArtifactError,
    ArtifactReadError,
    ArtifactVersionWarning,
    ArtifactWriteError,
    ParameterError,
    UntrustedTypeError,
)
from skdrift.persistence._atomic import target_of, write_whole
from skdrift.persistence._graph import STATE_ERRORS
from skdrift.persistence._inspect import (
    DEFAULT_MAX_SIZE,
    UNLIMITED,
    Limits,
    inspect,
    is_dense,
)
from skdrift.persistence._readback import first_difference, first_failing
from skdrift.persistence._record import Record, differences, with_record
from skdrift.persistence._refuse import refuse_unstorable
from skdrift.persistence._snapshot import read_snapshot
from skdrift.persistence._trusted import TRUSTED_TYPES

_WRITE_ERRORS = (*STATE_ERRORS, OverflowError)

# What skops raises on files that pass `inspect`, and on classes that are not here.
# MemoryError is not of the file, and passes.
_BUILD_ERRORS = (
    TypeError,
    ValueError,
    AttributeError,
    LookupError,
    ImportError,
    RuntimeError,
    OverflowError,
    EOFError,
    zipfile.BadZipFile,
    zlib.error,
)

# Filters of warnings are of the process; two threads that change them mix them up.
_FILTERS = threading.RLock()


def dump(model: Any, path: str | os.PathLike[str]) -> None:
    """Write a model to a skops file, whole or not at all.

    Whatever happens, killed at any moment or on a full disk, `path` holds the old
    file or the new one. Before it takes the place of the old one, the new file is
    read back and compared: what skops would lose is refused, by its place in the
    model. `skdrift.load` reads the file, and so does plain ``skops.io.load``.

    Parameters
    ----------
    model : object
        A fitted `DriftAwareEstimator`, or anything that skops stores.
    path : str or path-like
        File to write; a file that is there is replaced and keeps its mode (its
        owner, hard links and access lists are those of a new file). Of a symbolic
        link, the file that it points to is replaced, and the link stays.

    Raises
    ------
    ArtifactWriteError
        If an object of the model cannot be stored (a lambda, an Enum member, a dict
        with the keys ``1`` and ``"1"``, callbacks, …; the message has its place),
        or the file cannot be written. A file that was there is unchanged.
    ParameterError
        If `path` is not a path.

    See Also
    --------
    load : Read the file.

    Notes
    -----
    Reading back makes it two to four times as slow as ``skops.io.dump`` with the same
    packing. A temporary file beside `path` that a killed writer left is removed by
    the next `dump` to the folder, where the file system has locks. What is not kept:
    the ``fill_value`` of a masked array, metadata of a dtype, attributes that were
    set on a sparse matrix.

    Examples
    --------
    >>> import skdrift, tempfile
    >>> from sklearn.linear_model import LinearRegression
    >>> model = LinearRegression().fit([[0.0], [1.0]], [0.0, 2.0])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     skdrift.dump(model, f"{folder}/model.skops")
    ...     copy = skdrift.load(f"{folder}/model.skops")
    >>> copy.coef_.round(6)
    array([2.])
    """
    where = _checked_path(path)
    with _write_errors(where):
        target = target_of(where)
    refuse_unstorable(model)
    data = _packed(model)
    _check_readback(model, data)
    with _write_errors(where):
        write_whole(target, data)


def load(
    path: str | os.PathLike[str],
    *,
    trusted: Sequence[str] = (),
    max_size: int | None = None,
) -> Any:
    """Read a model from a skops file, and build nothing that is not trusted.

    The file is read once. Before skops sees it, it is checked to be what skops
    writes: its checksums, the sizes of its arrays, the depth of its objects.

    Parameters
    ----------
    path : str or path-like
        File that `skdrift.dump` or ``skops.io.dump`` wrote.
    trusted : sequence of str, default=()
        Names of further types that may be built, as ``"module.Class"``, beside
        `skdrift.TRUSTED_TYPES` and what skops trusts on its own (scikit-learn's
        estimators, numpy's arrays). Read what ``skops.io.get_untrusted_types``
        lists before passing it on.
    max_size : int, optional
        Bytes that the file may unpack to, and that its objects may take by an upper
        estimate. By default 2 GiB, and no more than the larger of 64 MiB and 100
        times the size of the file. While it loads, a model takes up to five times
        the bytes that it unpacks to.

    Returns
    -------
    model : object
        What was written.

    Raises
    ------
    ArtifactNotFoundError
        If there is no file.
    ArtifactReadError
        If the file cannot be opened, is damaged, or is not a skops file.
    ArtifactSizeError
        If it is larger than `max_size` allows; nothing was unpacked.
    ArtifactVersionError
        If a newer skdrift wrote it in a format that this one does not know.
    UntrustedTypeError
        If it holds types that are not trusted; nothing was built.
    ParameterError
        If an argument breaks its rule.

    Warns
    -----
    ArtifactVersionWarning
        Once, if other versions of the libraries wrote the file.

    See Also
    --------
    dump : Write the file.

    Notes
    -----
    A type is trusted by its name, not its content: a file can hold a scikit-learn
    model whose numbers are chosen to mislead. Load files of those you trust.
    """
    where = _checked_path(path)
    names = _checked_trusted(trusted)
    largest = DEFAULT_MAX_SIZE if max_size is None else _checked_size(max_size)
    data = read_snapshot(where, largest)
    record = inspect(data, where, Limits.of(max_size, len(data)))
    with _recorded_warnings() as caught:
        model = _built(data, where, [*TRUSTED_TYPES, *names])
    _warn_of_versions(where, record, caught)
    return model


def _packed(model: Any) -> bytes:
    """Return the bytes of the file, packed no more than `load` takes by default."""
    try:
        data = skops.io.dumps(model, compression=zipfile.ZIP_DEFLATED)
    except _WRITE_ERRORS as error:
        raise _unstorable(model, _packing_error, "does not store") from error
    if not is_dense(data):
        data = skops.io.dumps(model, compression=zipfile.ZIP_STORED)
    return with_record(data)


def _packing_error(obj: Any) -> Exception | None:
    try:
        skops.io.dumps(obj)
    except _WRITE_ERRORS as error:
        return error
    return None


def _check_readback(model: Any, data: bytes) -> None:
    """Raise unless the file holds the model, and is one that `load` reads."""
    try:
        inspect(data, "What skops makes of the model", UNLIMITED)
    except ArtifactError as error:
        raise ArtifactWriteError(f"{error} Nothing was written.") from error
    try:
        copy = _copy(data)
    except _BUILD_ERRORS as error:
        raise _unstorable(model, _reading_error, "stores and cannot read") from error
    difference = first_difference(model, copy)
    if difference is not None:
        where, how = difference
        raise ArtifactWriteError(
            f"{where} {how} when skops reads it. Keep it as a plain type that a file "
            "holds. Nothing was written."
        )


def _reading_error(obj: Any) -> Exception | None:
    try:
        _copy(skops.io.dumps(obj))
    except (*_WRITE_ERRORS, *_BUILD_ERRORS) as error:
        return error
    return None


def _unstorable(
    model: Any, error_of: Callable[[Any], Exception | None], what: str
) -> ArtifactWriteError:
    place, obj = first_failing(model, error_of)
    cause = f"{error_of(obj)!s:.200}".rstrip(".")
    return ArtifactWriteError(
        f"{place} is a {type(obj).__qualname__} that skops {what}: {cause}. Keep what "
        "it holds as numbers, str, lists or arrays. Nothing was written."
    )


def _copy(data: bytes) -> Any:
    """Read bytes that were made here, so are of types that are here."""
    with _recorded_warnings():
        return skops.io.loads(data, trusted=skops.io.get_untrusted_types(data=data))


def _built(data: bytes, where: str, trusted: list[str]) -> Any:
    try:
        return skops.io.loads(data, trusted=trusted)
    except UntrustedTypesFoundException:
        raise UntrustedTypeError(_untrusted(data, where, trusted)) from None
    except ImportError as error:
        raise ArtifactReadError(
            f"{where} needs a module that is not here: {error}. Install what the model "
            "was made with."
        ) from error
    except _BUILD_ERRORS as error:
        raise ArtifactReadError(
            f"{where} does not hold a model that skops can build here "
            f"({type(error).__name__}: {error!s:.200}). It is damaged, or was made "
            "with other versions of its libraries."
        ) from error


def _untrusted(data: bytes, where: str, trusted: list[str]) -> str:
    names = sorted(set(skops.io.get_untrusted_types(data=data)) - set(trusted))
    some = [f"{name:.120}" for name in names[:5]]
    rest = f" and {len(names) - 5} more" if len(names) > 5 else ""
    remedy = f"trusted={some}" if not rest else "them as trusted=[…]"
    return (
        f"{where} holds {len(names)} types that are not trusted: {', '.join(some)}"
        f"{rest}. Nothing was built. If you made the file or trust who did, pass "
        f"{remedy}; skops.io.get_untrusted_types(file=…) lists all."
    )


@contextlib.contextmanager
def _recorded_warnings() -> Iterator[list[warnings.WarningMessage]]:
    """Keep back the warnings of what is built, such as scikit-learn's of versions."""
    with _FILTERS, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield caught


def _warn_of_versions(
    where: str, record: Record | None, caught: list[warnings.WarningMessage]
) -> None:
    """Give one warning for all libraries, and pass on those of other matters."""
    found = differences(record.versions) if record is not None else {}
    for warning in caught:
        message = warning.message
        if not isinstance(message, InconsistentVersionWarning):
            warnings.warn_explicit(
                message, warning.category, warning.filename, warning.lineno
            )
        elif "scikit-learn" not in found:
            versions = (
                message.original_sklearn_version,
                message.current_sklearn_version,
            )
            found["scikit-learn"] = versions
    if found:
        made = ", ".join(f"{name} {old!s:.40}" for name, (old, _) in found.items())
        here = ", ".join(f"{name} {new}" for name, (_, new) in found.items())
        warnings.warn(
            f"{where} was made with {made}; here is {here}. Results may differ. Fit "
            "and dump the model again here, or install the versions it was made with.",
            ArtifactVersionWarning,
            stacklevel=3,
        )


@contextlib.contextmanager
def _write_errors(where: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ArtifactWriteError(
            f"{where} cannot be written: {error.strerror or error}. A file that was "
            "there is unchanged."
        ) from error


def _checked_path(path: str | os.PathLike[str]) -> str:
    name = os.fspath(path) if isinstance(path, str | os.PathLike) else None
    if not isinstance(name, str) or not name or not _is_encodable(name):
        raise ParameterError(
            f"path must be a str or a path-like that names a file; got {path!r:.80}. "
            "Give the name of a file, such as 'model.skops'."
        )
    return name


def _is_encodable(name: str) -> bool:
    try:
        return b"\0" not in os.fsencode(name)
    except UnicodeEncodeError:
        return False


def _checked_trusted(trusted: Sequence[str]) -> list[str]:
    if (
        isinstance(trusted, str | bytes)
        or not isinstance(trusted, Sequence)
        or not all(isinstance(name, str) for name in trusted)
    ):
        raise ParameterError(
            f"trusted must be a sequence of str, names of types as 'module.Class'; got "
            f"{trusted!r:.80}. Name each type, for example "
            "trusted=['sklearn.tree._tree.Tree']."
        )
    return list(trusted)


def _checked_size(max_size: int) -> int:
    if not isinstance(max_size, int) or isinstance(max_size, bool) or max_size < 1:
        raise ParameterError(
            f"max_size must be a positive int, in bytes; got {max_size!r:.80}. Leave "
            "it out for the default."
        )
    return max_size
