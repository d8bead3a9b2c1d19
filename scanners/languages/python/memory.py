"""Calls that ask for no flag need to be followed once only for the same kind of arguments."""

from __future__ import annotations

from typing import NamedTuple

from scanners.languages.python import tree
from scanners.languages.python.arguments import Args
from scanners.languages.python.readers import tables
from scanners.languages.python.values import (
    Bound,
    ClassObj,
    Const,
    Doc,
    DocItem,
    DocModel,
    FlagVal,
    FuncObj,
    InstObj,
    MapObj,
    Method,
    Obj,
    Partial,
    Ref,
    SeqObj,
    Tag,
    Text,
    Tree,
    TreeName,
    Unknown,
    Vals,
    Value,
    merged,
    tags_of,
    union,
)

Shape = tuple[object, ...]


class Summary(NamedTuple):
    """What a function does by itself: whether it asks for keys it is handed or keeps them, and what it gives back."""

    waits: bool
    tagged: bool
    returns: Vals
    keeps: bool = False


def needs_following(told: Summary, func: FuncObj, args: Args, owner: Value | None, relevant: frozenset[str]) -> bool:
    """Whether a call can do more than the function does by itself."""
    if told.waits or args.documents or any(_elsewhere_unknown(value) for value in told.returns):
        return True
    given = [value for values in (*args.values, *args.named.values(), args.rest) for value in values]
    if isinstance(owner, Ref) and isinstance(owner.obj, InstObj):
        if owner.obj.cls is not func.owner and _may_differ(told, func, relevant):
            return True
        held = [value for values in owner.obj.attrs.values() for value in values]
        if any(isinstance(value, Text) or _keeps_passed(value) for value in held) and asks(func, relevant):
            return True
        given += held
    elif isinstance(owner, DocModel) or (_derived(owner, func) and _may_differ(told, func, relevant)):
        return True
    if told.tagged and any(not isinstance(value, Unknown | Const) for value in given):
        return True
    return any(_charged(value, 2, relevant) for value in given)


def _may_differ(told: Summary, func: FuncObj, relevant: frozenset[str]) -> bool:
    """Whether a method may do something else for an object of a derived class: ask for a flag, or build a text."""
    return asks(func, relevant) or any(isinstance(value, Text) for value in told.returns)


def _derived(owner: Value | None, func: FuncObj) -> bool:
    """Whether a method is called on another class than the one it is written in."""
    return isinstance(owner, ClassObj) and owner is not func.owner


def _keeps_passed(value: Value) -> bool:
    """Whether a value is a container that texts were put into which came in as arguments."""
    if not isinstance(value, Ref) or isinstance(value.obj, InstObj):
        return False
    if isinstance(value.obj, MapObj):
        return any(isinstance(key, Text) and key.tags for keys, _ in value.obj.items[:_MOST_HELD] for key in keys)
    return any(isinstance(one, Text) and one.tags for item in value.obj.items[:_MOST_HELD] for one in item)


def depends(value: Value) -> bool:
    """Whether a value came in as an argument, or is a mapping or list of parameters of a path that did."""
    return bool(tags_of(value)) or _lists_path(value, 3)


def _lists_path(value: Value, depth: int) -> bool:
    if isinstance(value, TreeName):
        return bool(tags_of(value))
    if depth == 0 or not isinstance(value, Ref) or isinstance(value.obj, InstObj):
        return False
    if isinstance(value.obj, MapObj):
        held = [one for keys, _ in value.obj.items[:_MOST_HELD] for one in keys]
    else:
        held = [one for item in (*value.obj.items[:_MOST_HELD], value.obj.more) for one in item]
    return any(_lists_path(one, depth - 1) for one in held)


def _elsewhere_unknown(value: Value) -> bool:
    """Whether a call gives what asks AppConfig, of a place that only the call's arguments may tell."""
    if not isinstance(value, Obj | Doc | DocModel) or "appconfig" not in value.reader.providers:
        return False
    return None in (value.reader.application, value.reader.environment, value.reader.profile)


def charged(value: Value, relevant: frozenset[str]) -> bool:
    """Whether a value can ask for flags, or hold them, itself or in what it holds."""
    return _charged(value, 2, relevant)


def _charged(value: Value, depth: int, relevant: frozenset[str]) -> bool:
    """Whether a value can ask for flags, or hold them."""
    if isinstance(value, Ref):
        if depth == 0:
            return False
        if isinstance(value.obj, InstObj):
            return any(_charged(one, depth - 1, relevant) for values in value.obj.attrs.values() for one in values)
        if isinstance(value.obj, MapObj):
            held = [one for _, values in value.obj.items[:_MOST_HELD] for one in values]
        else:
            held = [one for values in value.obj.items[:_MOST_HELD] for one in values]
        return any(_charged(one, depth - 1, relevant) for one in (*held, *value.obj.more))
    if isinstance(value, Bound):
        return _charged(value.owner, depth, relevant)
    if isinstance(value, FuncObj | Method):
        return asks(value if isinstance(value, FuncObj) else value.func, relevant)
    if isinstance(value, Text):
        return tables.may_ask_agent(value)
    return isinstance(value, _CHARGED)


def asks(func: FuncObj, relevant: frozenset[str]) -> bool:
    """Whether a function may ask for flags, by what its body mentions."""
    return isinstance(func.node, tree.Lambda) or not relevant.isdisjoint(func.node.mentions)


_CHARGED = (Obj, Doc, DocItem, DocModel, Tree, TreeName, FlagVal, Partial)


def shape(func: FuncObj, args: Args, owner: Value | None) -> Shape | None:
    """What a call's outcome depends on, apart from where it stands; None when it cannot be told shortly."""
    if func.lexical is not None or args.documents:
        return None
    parts: list[object] = [func, _owner(owner), *(_shapes(values) for values in (*args.values, args.rest))]
    parts += [(name, _shapes(values)) for name, values in sorted(args.named.items())]
    return None if any(part is None for part in parts) else tuple(parts)


def _owner(owner: Value | None) -> object:
    if isinstance(owner, Ref):
        return owner.obj, tuple(tag for tag in owner.tags if not tag.own)
    return 0 if owner is None else owner


def _shapes(values: Vals) -> object:
    if len(values) > _MOST:
        return None
    shapes = tuple(_shape(value) for value in values)
    return None if any(part is None for part in shapes) else shapes


_MOST = 8
# What a program puts into a container or an attribute while it runs is kept up to here.
_MOST_ADDED = 200
_MOST_HELD = 40


def _shape(value: Value) -> object:
    if isinstance(value, Text):
        return ("text", tuple(piece.text for piece in value.pieces))
    if isinstance(value, Unknown):
        return "unknown"
    if isinstance(value, Ref):
        return _container(value.obj)
    return None if isinstance(value, Partial) else (type(value).__name__, value)


def _container(held: SeqObj | MapObj | InstObj) -> object:
    if isinstance(held, InstObj):
        return held  # itself, which lives as long as it is remembered by: another may be given its number
    return (type(held).__name__, 0) if not held.items and not held.more else None


def repeatable(found: Vals) -> bool:
    """Whether what a call gave is the same wherever it stands."""
    return all(isinstance(value, Unknown) or not depends(value) for value in found)


def recalled(found: Vals, args: Args, owner: Value | None) -> Vals:
    """What a call gave before, come in through the arguments it has now, and the object it is made on."""
    tags: tuple[Tag, ...] = () if owner is None else tags_of(owner)
    for values in args.everything():
        for value in values:
            tags = merged(tags, tags_of(value))
    return tuple(_come_in(value, tags) for value in found)


def _come_in(value: Value, tags: tuple[Tag, ...]) -> Value:
    if isinstance(value, Unknown):
        return Unknown(tags, value.hint)
    if isinstance(value, Text) and value.tags:
        pieces = (piece._replace(tags=merged(piece.tags, tags)) if piece.tags else piece for piece in value.pieces)
        return Text(tuple(pieces), value.at, value.trail)
    return value


def append(sequence: SeqObj, values: Vals) -> None:
    """Add an element to a list, once for the same kind of values."""
    kind = _shapes(values)
    if any(_shapes(item) == kind for item in sequence.items[-_MOST_HELD:]):
        return
    if len(sequence.items) < _MOST_ADDED:
        sequence.items.append(values)
    else:
        sequence.more = (Unknown(),)


def put(mapping: MapObj, keys: Vals, values: Vals) -> None:
    """Add an entry to a mapping, once for the same kind of key and value."""
    kind = (_shapes(keys), _shapes(values))
    if any((_shapes(held), _shapes(entry)) == kind for held, entry in mapping.items[-_MOST_HELD:]):
        return
    if len(mapping.items) < _MOST_ADDED:
        mapping.items.append((keys, values))
    else:
        mapping.more = (Unknown(),)


def gathered(held: Vals, values: Vals) -> Vals:
    """What an attribute holds once it is given these too."""
    kinds = {_shape(value) for value in held}
    fresh = tuple(value for value in values if (kind := _shape(value)) is None or kind not in kinds)
    together = union(held, fresh)
    return together if len(together) <= _MOST_HELD else (*together[:_MOST_HELD], Unknown())
