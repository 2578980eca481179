"""Tables and record batches of pyarrow, edited, and columns of its arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np

from skdrift._core.frame_edit_cells import Cells, as_objects
from skdrift._core.frame_edit_fit import unwritable
from skdrift._core.frame_edit_plan import NewColumn, Plan, changes_of, source_of
from skdrift._core.frame_edit_series import (
    decimal_values,
    in_known_unit,
    natural_values,
    text_values,
    typed_values,
)
from skdrift._core.keys import is_missing, value_key

UNITS = frozenset({"s", "ms", "us", "ns"})
VIEWS = {"string_view": "large_string", "binary_view": "large_binary"}
DAYS = np.dtype("M8[D]")


def rebuild_arrow(X: Any, plan: Plan, names: Sequence[str] | None) -> Any:
    """Table or record batch of another plan."""
    import pyarrow as pa  # noqa: PLC0415  (optional library)

    changes = {change.place: change for change in changes_of(plan, X.num_rows)}
    fields, columns = [], []
    for place, item in enumerate(plan):
        change = changes.get(place)
        if isinstance(item, NewColumn):
            array = _new_array(item, changes[place].cells)
            field = pa.field(item.name, array.type)
        else:
            field, array = X.schema.field(source_of(item)), X.column(source_of(item))
            if change is not None:
                array = arrow_edited(array, change.rows, change.cells, field.name)
                nullable = field.nullable or array.null_count > 0
                field = field.with_type(array.type).with_nullable(nullable)
        fields.append(field if names is None else field.with_name(names[place]))
        columns.append(array)
    if not isinstance(X, pa.Table):
        columns = [_one_chunk(column) for column in columns]
    schema = pa.schema(fields, metadata=X.schema.metadata)
    return type(X).from_arrays(columns, schema=schema)


def rebuild_other(X: Any, plan: Plan, names: Sequence[str] | None) -> Any:
    """Any other eager frame that narwhals reads, by way of pyarrow."""
    frame = nw.from_native(X, eager_only=True)
    edited = rebuild_arrow(frame.to_arrow(), plan, names)
    return nw.to_native(nw.from_arrow(edited, backend=frame.implementation))


def arrow_edited(array: Any, rows: np.ndarray, cells: Cells, label: str) -> Any:
    """Array with some cells written.

    Parameters
    ----------
    array : pyarrow.Array or pyarrow.ChunkedArray
    rows : ndarray of int
    cells : Cells
    label : str
        What to call the column in a message.

    Returns
    -------
    pyarrow.ChunkedArray

    Raises
    ------
    InputError
        If the type of the array cannot hold a value.
    """
    import pyarrow as pa  # noqa: PLC0415  (optional library)

    kind = array.type
    try:
        if pa.types.is_dictionary(kind):
            decoded = array.cast(kind.value_type)
            return _encoded(arrow_edited(decoded, rows, cells, label), array)
        if str(kind) in VIEWS:
            # By way of Python: pyarrow 17 casts no views.
            plain = pa.array(array.to_pylist(), getattr(pa, VIEWS[str(kind)])())
            edited = arrow_edited(plain, rows, cells, label)
            return pa.chunked_array([pa.array(edited.to_pylist(), kind)])
        if pa.types.is_run_end_encoded(kind):
            return _edited_runs(array, rows, cells, label)
        new = _values(array, rows, cells, label)
        if new.type != kind:
            # What does not fit into the wider type is what will be overwritten.
            array = array.cast(new.type, safe=False)
        return _placed(array, rows, new)
    except (pa.ArrowException, TypeError, OverflowError) as error:
        raise unwritable(label, kind, cells) from error


def _chunks(array: Any) -> list[Any]:
    return array.chunks if hasattr(array, "chunks") else [array]


def _one_chunk(array: Any) -> Any:
    import pyarrow as pa  # noqa: PLC0415  (optional library)

    chunks = _chunks(array)
    if not chunks:
        return pa.nulls(0, array.type)
    return chunks[0] if len(chunks) == 1 else pa.concat_arrays(chunks)


def _placed(array: Any, rows: np.ndarray, new: Any) -> Any:
    """Array with new cells; a single one stands for all rows."""
    import pyarrow as pa  # noqa: PLC0415  (optional library)

    sources = np.arange(len(array))
    sources[rows] = np.arange(len(new)) + len(array)
    both = pa.chunked_array([*_chunks(array), new], type=new.type)
    return both.take(pa.array(sources))


def _encoded(edited: Any, was: Any) -> Any:
    """Dictionary array of edited values: old levels first, in their order."""
    import pyarrow as pa  # noqa: PLC0415  (optional library)
    import pyarrow.compute as pc  # noqa: PLC0415  (optional library)

    old = [chunk.dictionary.cast(edited.type, safe=False) for chunk in _chunks(was)]
    both = pa.chunked_array([*old, *edited.chunks], type=edited.type)
    levels = both.unique().drop_null()
    codes = pc.index_in(_one_chunk(edited), value_set=levels, skip_nulls=True)
    narrow = np.iinfo(was.type.index_type.to_pandas_dtype())
    if len(levels) - 1 <= narrow.max:
        codes = codes.cast(was.type.index_type)
    ordered = was.type.ordered
    encoded = pa.DictionaryArray.from_arrays(codes, levels, ordered=ordered)
    return pa.chunked_array([encoded])


def _edited_runs(array: Any, rows: np.ndarray, cells: Cells, label: str) -> Any:
    import pyarrow as pa  # noqa: PLC0415  (optional library)
    import pyarrow.compute as pc  # noqa: PLC0415  (optional library)

    decoded = pc.run_end_decode(_one_chunk(array))
    edited = _one_chunk(arrow_edited(decoded, rows, cells, label))
    ends = array.type.run_end_type
    return pa.chunked_array([pc.run_end_encode(edited, run_end_type=ends)])


def _values(array: Any, rows: np.ndarray, cells: Cells, label: str) -> Any:
    """Values to write, as an array of the type that the column must have."""
    import pyarrow as pa  # noqa: PLC0415  (optional library)

    kind, types = array.type, pa.types
    if not cells.families:
        return pa.nulls(len(cells.array), kind)
    if types.is_null(kind):
        return _natural_array(cells, label)
    if types.is_decimal(kind):
        decimals = decimal_values(cells, kind.precision, kind.scale, label, kind)
        return pa.array(decimals, kind)
    if types.is_string(kind) or types.is_large_string(kind):
        return pa.array(text_values(cells, label, kind), kind)
    base = _numpy_type(kind)
    if base is None:
        binary = str(kind).startswith(("binary", "large_binary", "fixed_size_binary["))
        if cells.families != {"bytes" if binary else "other"}:
            raise unwritable(label, kind, cells)
        return pa.array(cells.listed(), kind)
    values = typed_values(base, cells, lambda: _kept(array, rows, base))
    if values is None:
        raise unwritable(label, kind, cells)
    return _typed_array(values, cells.missing, kind, values.dtype == base)


def _kept(array: Any, rows: np.ndarray, base: np.dtype) -> np.ndarray:
    """Cells that are not edited, as numbers or times; something where missing."""
    import pyarrow as pa  # noqa: PLC0415  (optional library)

    kept = array.take(pa.array(np.delete(np.arange(len(array)), rows)))
    if base == DAYS:
        kept = kept.cast(pa.date32()).cast(pa.int32())
    if base.kind in "mM":
        return kept.cast(pa.int64()).fill_null(0).to_numpy().view(base)
    return kept.fill_null(0).to_numpy()


def _numpy_type(kind: Any) -> np.dtype | None:
    """Type in numpy of the values of a type of pyarrow."""
    import pyarrow as pa  # noqa: PLC0415  (optional library)

    types = pa.types
    if types.is_timestamp(kind):
        return np.dtype(f"M8[{kind.unit}]")
    if types.is_duration(kind):
        return np.dtype(f"m8[{kind.unit}]")
    if types.is_date(kind):
        return DAYS
    if types.is_boolean(kind) or types.is_integer(kind) or types.is_floating(kind):
        return np.dtype(kind.to_pandas_dtype())
    return None


def _typed_array(
    values: np.ndarray, missing: np.ndarray | None, kind: Any, same: bool
) -> Any:
    """Array of numbers or times: of a type, or of a wider one of its kind."""
    import pyarrow as pa  # noqa: PLC0415  (optional library)

    if values.dtype.kind not in "mM":
        return pa.array(values, type=kind if same else None, mask=missing)
    timed = values.dtype.kind == "M"
    known = in_known_unit(values, UNITS | {"D"} if timed else UNITS)
    if known is None:
        raise TypeError(f"no unit for {values.dtype}")
    unit = np.datetime_data(known.dtype)[0]
    ticks = pa.array(known.view(np.int64), mask=missing)
    if unit == "D":
        days = ticks.cast(pa.int32()).cast(pa.date32())
        return days.cast(kind) if same else days
    if same:
        return ticks.cast(kind)
    if not timed:
        return ticks.cast(pa.duration(unit))
    return ticks.cast(pa.timestamp(unit, getattr(kind, "tz", None)))


def _natural_array(cells: Cells, label: str) -> Any:
    """Array of the type that the values have of themselves."""
    import pyarrow as pa  # noqa: PLC0415  (optional library)

    values = natural_values(cells, label, "null")
    if isinstance(values, np.ndarray):
        return _typed_array(values, cells.missing, None, same=False)
    kind = pa.binary() if cells.families == {"bytes"} else pa.string()
    return pa.array(values, kind if cells.families else pa.null())


def _new_array(item: NewColumn, cells: Cells) -> Any:
    import pyarrow as pa  # noqa: PLC0415  (optional library)

    try:
        if item.categories is None:
            return _natural_array(cells, item.name)
        levels = list(item.categories)
        known = {value_key(level): code for code, level in enumerate(levels)}
        codes: list[int | None] = []
        for cell in as_objects(cells.array):
            key = "" if is_missing(cell) else value_key(cell)
            if not is_missing(cell) and key not in known:
                known[key] = len(levels)
                levels.append(cell)
            codes.append(None if is_missing(cell) else known[key])
        dictionary = pa.array(levels)
        return pa.DictionaryArray.from_arrays(pa.array(codes, pa.int32()), dictionary)
    except (pa.ArrowException, TypeError) as error:
        raise unwritable(item.name, "dictionary", cells) from error
