"""The tree of objects in ``schema.json``: how deep it is and what it would cost.

The tree is written by skops, but the file may be written by anybody. skops takes a
node whose ``__id__`` it has seen for the object it built then, whatever the node
says; so every further node of that id has to say the same. Then what is counted here
is what skops visits, and no chain of references grows beyond the text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from skdrift.exceptions import ArtifactReadError

MAX_DEPTH = 300  # levels of JSON: skops spends up to two frames on each
BRACKET_COST = 256  # bytes, at least what an empty list or a dict of one key takes

# Measured bytes of a node and its object; some keep a list of all that is trusted.
_NODE_COST = {"JsonNode": 768, "FunctionNode": 4096, "ObjectNode": 4096}
_OTHER_COST = 1024
_GRID_FACTOR = 40  # a byte of an array in an object array becomes an object
_FILE_FACTOR = {"BytearrayNode": 9}  # goes through a list of integers


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What building the tree would read and take.

    Attributes
    ----------
    readers : dict of str to set of str
        For each member of the archive, the loaders that read it.
    cost : int
        Bytes of memory that the objects take, an upper estimate.
    """

    readers: dict[str, set[str]]
    cost: int


@dataclass(slots=True)
class _Frame:
    """A list or dict of the tree whose contents are being visited."""

    rest: Iterator[Any]
    spelling: list[object]
    node: dict[str, Any] | None  # the dict, if it describes an object
    in_grid: bool
    in_generator: bool


def survey(schema: object, sizes: Mapping[str, int], where: str) -> Survey:
    """Visit the whole tree without recursion and without building anything.

    Parameters
    ----------
    schema : object
        The parsed ``schema.json``.
    sizes : mapping of str to int
        Unpacked bytes of the members of the archive.
    where : str
        The file in words, for messages.

    Raises
    ------
    ArtifactReadError
        If the tree is none that skops writes.
    """
    if not isinstance(schema, dict) or not isinstance(schema.get("__loader__"), str):
        raise _foreign(where, "its schema.json describes no object")
    readers: dict[str, set[str]] = {}
    spellings: dict[int, int] = {}
    cost = 0
    stack = [_frame(schema, sizes, where, None)]
    while stack:
        frame = stack[-1]
        child = next(frame.rest, None)
        if child is not None:
            if len(stack) == MAX_DEPTH:
                raise ArtifactReadError(
                    f"{where} holds objects nested more than {MAX_DEPTH // 2} deep. "
                    "It was not opened."
                )
            stack.append(_frame(child, sizes, where, frame))
            continue
        stack.pop()
        spelling = hash(tuple(frame.spelling))
        if stack:
            stack[-1].spelling.append(spelling)
        if frame.node is not None:
            new = _is_new(frame.node, spelling, spellings, where)
            cost += _cost(frame.node, new, frame.in_grid, sizes, where)
            _note_reader(frame.node, readers)
    return Survey(readers=readers, cost=cost)


def _frame(
    value: dict[str, Any] | list[Any],
    sizes: Mapping[str, int],
    where: str,
    parent: _Frame | None,
) -> _Frame:
    in_grid = parent is not None and parent.in_grid
    in_generator = parent is not None and parent.in_generator
    words: list[object]
    if isinstance(value, list):
        words = [_word(item) for item in value]
        return _Frame(_containers(value), words, None, in_grid, in_generator)
    loader = value.get("__loader__")
    is_node = isinstance(loader, str)
    if loader == "NdArrayNode":
        in_grid = in_grid or value.get("type") != "numpy"
    elif loader in ("ObjectNode", "DictNode"):
        in_grid = False  # numpy does not look into these
    in_generator = in_generator or loader == "RandomGeneratorNode"
    if in_generator:
        _check_pool(value, where)
    if is_node:
        _check_text(value, where)
    words = [
        (key, _word(item))
        for key, item in value.items()
        if key not in ("__id__", "file")
    ]
    # skops stores what an object makes of itself each time under another name.
    words.append(_size_of_file(value, sizes))
    items = _containers(value.values())
    return _Frame(items, words, value if is_node else None, in_grid, in_generator)


def _containers(values: Iterable[Any]) -> Iterator[Any]:
    return iter([value for value in values if isinstance(value, dict | list)])


def _size_of_file(node: dict[str, Any], sizes: Mapping[str, int]) -> object:
    name = node.get("file")
    return sizes.get(name) if isinstance(name, str) else _word(name)


def _word(value: Any) -> object:
    return type(value) if isinstance(value, dict | list) else value


def _check_text(node: dict[str, Any], where: str) -> None:
    """Refuse lists in the text of a node, which skops reads as JSON again."""
    text = node.get("content")
    if isinstance(text, str) and text.lstrip()[:1] in ("[", "{"):
        raise _foreign(where, "it hides a list or a dict in a text")


def _check_pool(value: dict[str, Any], where: str) -> None:
    """Refuse a large pool: seeding a generator takes the square of it."""
    pool = value.get("pool_size")
    text = pool.get("content") if isinstance(pool, dict) else ""
    if not isinstance(text, str) or len(text) > 3:
        raise _foreign(where, "it has a random generator with a pool of many words")


def _is_new(
    node: dict[str, Any], spelling: int, spellings: dict[int, int], where: str
) -> bool:
    """Whether skops would build the node, and not take an earlier object for it."""
    identity = node.get("__id__")
    if identity is None:
        return True
    if type(identity) is not int:
        raise _foreign(where, f"it has an object with the id {identity!r:.80}")
    if identity == 0:
        return True
    if identity not in spellings:
        spellings[identity] = spelling
        return True
    if spellings[identity] != spelling:
        raise _foreign(where, "it has two different objects of one id")
    return False


def _cost(
    node: dict[str, Any],
    new: bool,
    in_grid: bool,
    sizes: Mapping[str, int],
    where: str,
) -> int:
    loader, name = node["__loader__"], node.get("file")
    cost = _NODE_COST.get(loader, _OTHER_COST) if new else 0
    if not isinstance(name, str):
        return cost
    if name not in sizes:
        raise _foreign(where, f"its member {name[:80]!r} is missing")
    if new:
        cost += sizes[name] * _FILE_FACTOR.get(loader, 1)
    if in_grid:
        cost += sizes[name] * _GRID_FACTOR
    return cost


def _note_reader(node: dict[str, Any], readers: dict[str, set[str]]) -> None:
    name = node.get("file")
    if isinstance(name, str):
        readers.setdefault(name, set()).add(node["__loader__"])


def _foreign(where: str, reason: str) -> ArtifactReadError:
    return ArtifactReadError(
        f"{where} is not what skops writes: {reason}. Nothing was built from it; get "
        "the file again from who made it."
    )
