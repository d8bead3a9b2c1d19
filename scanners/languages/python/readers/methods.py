"""Methods of texts, lists and mappings, and of what was fetched."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from scanners.keytext import LONGEST
from scanners.languages.python import documents, fold, members, memory
from scanners.languages.python.arguments import Args, from_container
from scanners.languages.python.values import (
    UNKNOWN,
    Const,
    Doc,
    DocItem,
    FlagVal,
    MapObj,
    Piece,
    Ref,
    SeqObj,
    Site,
    Text,
    Tree,
    TreeName,
    Unknown,
    Vals,
    Value,
    union,
)

if TYPE_CHECKING:
    from scanners.languages.python.machine import Here, Machine

_CHANGES = frozenset(
    [
        "lower",
        "upper",
        "strip",
        "lstrip",
        "rstrip",
        "removeprefix",
        "removesuffix",
        "replace",
        "title",
        "capitalize",
        "casefold",
        "swapcase",
    ]
)
_SAME = frozenset({"encode", "decode", "as_posix", "absolute", "__str__"})


def of_text(m: Machine, owner: Text, name: str, args: Args, here: Here, site: Site) -> Vals:
    """A method of a text."""
    if name in _SAME:
        return (owner.moved(site),)
    if name in _CHANGES:
        return (_changed(owner, name, args, site),)
    if name == "format":
        return _formatted(m, owner, args.values, args.named, here, site)
    if name == "format_map":
        return _formatted(m, owner, [], _entries(args.values[0] if args.values else ()), here, site)
    if name == "join":
        return _joined(m, owner, args, here, site)
    if name in {"joinpath", "__truediv__"}:
        return tuple(fold.path_joined([(owner,), *args.values], site))
    if name in {"split", "rsplit", "partition", "rpartition"}:
        return _split(owner, name, args, site)
    if name in {"substitute", "safe_substitute"}:
        return tuple(fold.substituted(owner, args.named, site))
    if name in {"startswith", "endswith"}:
        return UNKNOWN
    return (Unknown(owner.tags),)


def _formatted(m: Machine, owner: Text, values: Sequence[Vals], named: dict[str, Vals], here: Here, site: Site) -> Vals:
    def field(values: Vals, name: str) -> Vals:
        if name.isdigit():
            return union(*(members.element(value, int(name)) for value in values if isinstance(value, Ref)))
        return members.attribute(m, values, name, here, site)

    return tuple(fold.formatted(owner, values, named, site, field))


def _entries(values: Vals) -> dict[str, Vals]:
    """What mappings hold under names that are known."""
    return {
        known: entries
        for value in values
        if isinstance(value, Ref) and isinstance(value.obj, MapObj)
        for keys, entries in value.obj.items
        for text in fold.texts(keys)
        if (known := text.known) is not None
    }


def _plain_arguments(args: Args) -> list[str | int] | None:
    plain: list[str | int] = []
    for values in args.values:
        value = values[0] if len(values) == 1 else None
        text = fold.text_of(value) if value is not None else None
        if text is not None and text.known is not None:
            plain.append(text.known)
        elif isinstance(value, Const) and isinstance(value.value, int):
            plain.append(value.value)
        else:
            return None
    return plain


def _changed(owner: Text, name: str, args: Args, site: Site) -> Text:
    plain = _plain_arguments(args)
    if plain is None:
        return fold.opaque(owner, site)
    try:
        getattr("", name)(*plain)
    except TypeError:
        return fold.opaque(owner, site)
    if owner.known is None:
        return fold.partly_changed(owner, name, plain, site)
    known = owner.known
    if name == "replace" and len(known) + known.count(str(plain[0])) * len(str(plain[1])) > LONGEST:
        return fold.opaque(owner, site)
    return fold.transformed(owner, lambda whole: str(getattr(whole, name)(*plain)), site)


def _joined(m: Machine, owner: Text, args: Args, here: Here, site: Site) -> Vals:
    done: list[Text] = []
    for value in args.values[0] if args.values else ():
        if not isinstance(value, Ref) or not isinstance(value.obj, SeqObj) or value.obj.more:
            held = value.obj.more if isinstance(value, Ref) and isinstance(value.obj, SeqObj) else ()
            unknown = fold.tags_together((owner, value, *held))
            done.append(Text((Piece(None, unknown.tags),), site, owner.trail))
            continue
        parts: list[Vals] = []
        for index, item in enumerate(value.obj.items):
            parts += [(owner,), from_container(value, item)] if index else [from_container(value, item)]
        done += fold.combined(parts, site)
    del m, here
    return tuple(done)


def _split(owner: Text, name: str, args: Args, site: Site) -> Vals:
    plain, known = _plain_arguments(args), owner.known
    if plain is None or known is None:
        return (Ref(SeqObj("list", [], (fold.opaque(owner, site),))),)
    try:
        chunks = list(getattr(known, name)(*plain))
    except (TypeError, ValueError):
        return UNKNOWN
    items: list[Vals] = [(_chunk(owner, chunk, site),) for chunk in chunks]
    return (Ref(SeqObj("list", items)),)


def _chunk(owner: Text, chunk: str, site: Site) -> Text:
    return fold.transformed(owner, lambda _: chunk, site)


def of_mapping(m: Machine, owner: Ref, name: str, args: Args, here: Here, site: Site) -> Vals:
    """A method of a mapping."""
    mapping = owner.obj
    if not isinstance(mapping, MapObj):
        return UNKNOWN
    if name in {"get", "pop", "setdefault", "__getitem__"} and args.values:
        found = documents.taken(m, owner, args.values[0], here, site, args.take(1, "default"))
        if name == "setdefault":
            m.reporter.keep(args.values[0], here.scope.path)
            memory.put(mapping, args.values[0], args.take(1, "default") or (Const(None),))
        return found
    if name == "update":
        _updated(m, mapping, args)
        return (Const(None),)
    if name in {"items", "iteritems"}:
        return (_pairs(m, owner, mapping),)
    if name == "keys":
        return (Ref(SeqObj("list", [from_container(owner, keys) for keys, _ in members.entries(m, mapping)])),)
    if name == "values":
        return (Ref(SeqObj("list", [from_container(owner, values) for _, values in mapping.items])),)
    return (owner,) if name in {"copy", "encode", "decode", "__enter__"} else UNKNOWN


def _pairs(m: Machine, owner: Ref, mapping: MapObj) -> Ref:
    pairs: list[Vals] = [
        (Ref(SeqObj("tuple", [from_container(owner, keys), from_container(owner, values)])),)
        for keys, values in members.entries(m, mapping)
    ]
    return Ref(SeqObj("list", pairs, (Unknown(),) if mapping.more else ()))


def _updated(m: Machine, mapping: MapObj, args: Args) -> None:
    for values in args.values[:1]:
        for value in m.binding(values, "an entry of a mapping"):
            if isinstance(value, Ref) and isinstance(value.obj, MapObj):
                mapping.items += [item for item in value.obj.items if item not in mapping.items]
            else:
                held = isinstance(value, Doc | Tree) or (isinstance(value, FlagVal) and not value.whole)
                mapping.more = union(mapping.more, (value,) if held else (Unknown(),))


def of_sequence(m: Machine, owner: Ref, name: str, args: Args, here: Here, site: Site) -> Vals:
    """A method of a list or set."""
    sequence = owner.obj
    if not isinstance(sequence, SeqObj):
        return UNKNOWN
    if sequence.kind == "variable":
        sequence.more = union(sequence.more, args.values[0]) if name == "set" and args.values else sequence.more
        return sequence.more or UNKNOWN
    if name in {"append", "add"} and args.values:
        values = m.binding(args.values[0], "an element of a list")
        m.reporter.keep(values, here.scope.path)
        memory.append(sequence, values)
        return (Const(None),)
    if name in {"extend", "update", "union"} and args.values:
        found = members.elements(m, m.binding(args.values[0], "an element of a list"), here)
        sequence.more = union(sequence.more, found)
        return (owner,)
    if name in {"pop", "popleft"}:
        return members.elements(m, (owner,), here)
    del site
    return (owner,) if name in {"copy", "intersection", "difference", "__enter__", "__iter__"} else UNKNOWN


def of_document(m: Machine, owner: Doc | DocItem, name: str, args: Args, here: Here, site: Site) -> Vals:
    """A method of a fetched document; reading and decoding it leave it what it is."""
    if name in {"get", "pop", "setdefault", "__getitem__", "__contains__"} and (args.values or args.named):
        keys = args.take(0, "key") or ()
        return documents.taken(m, owner, keys, here, site, args.take(1, "default"))
    if name == "items":
        pair = Ref(SeqObj("tuple", [(DocItem(owner.reader),), (DocItem(owner.reader),)]))
        return (Ref(SeqObj("list", [], (pair,))),)
    if name == "keys":
        return (Ref(SeqObj("list", [], (DocItem(owner.reader),))),)
    return (owner,)


def of_tree(m: Machine, owner: Tree, name: str, args: Args, here: Here, site: Site) -> Vals:
    """A method of parameters that were read by path."""
    if name in {"get", "pop", "__getitem__"} and args.values:
        return documents.taken(m, owner, args.values[0], here, site, args.take(1, "default"))
    if name == "items":
        pair = Ref(SeqObj("tuple", [(TreeName(owner.prefix, owner.form),), (FlagVal(()),)]))
        return (Ref(SeqObj("list", [], (pair,))),)
    if name == "keys":
        return (Ref(SeqObj("list", [], (TreeName(owner.prefix, owner.form),))),)
    if name == "values":
        return (Ref(SeqObj("list", [], (FlagVal(()),))),)
    return (owner,)


def of_tree_name(m: Machine, owner: TreeName, name: str, args: Args, here: Here, site: Site) -> Vals:
    """A method of the name of any parameter read by path."""
    if name in {"rsplit", "split", "rpartition"}:
        return (TreeName(owner.prefix, "last"),)
    if name in {"removeprefix", "replace", "lstrip", "strip"}:
        return (TreeName(owner.prefix, "below"),)
    if name in {"endswith", "__eq__"} and args.values:
        compared: list[Value] = []
        for text in fold.texts(args.values[0]):
            compared += documents.compared(m, "==", (TreeName(owner.prefix, "last"),), (text,), here, site)
        return tuple(compared) or UNKNOWN
    return (owner,)
