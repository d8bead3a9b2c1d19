"""Readers that the configuration names."""

from __future__ import annotations

import string
from typing import TYPE_CHECKING

from auditor.domain.references import Certainty, ReferenceKind
from auditor.domain.scan_options import Accessor, Returns
from scanners.flag_index import Reader
from scanners.keytext import KeyText
from scanners.languages.python import documents, fold, members
from scanners.languages.python.arguments import Args
from scanners.languages.python.readers import names, objects
from scanners.languages.python.values import (
    UNKNOWN,
    ClassObj,
    Doc,
    FuncObj,
    InstObj,
    Obj,
    Ref,
    Site,
    Text,
    Vals,
    Value,
    literal,
    retagged,
    tags_of,
)

if TYPE_CHECKING:
    from scanners.languages.python.machine import Here, Machine


def called(m: Machine, name: str, args: Args, here: Here, site: Site, *, bound: bool = False) -> Vals | None:
    """What a call of a configured reader gives; None when it is none."""
    for override in m.options.overrides:
        if m.same_name(name, override.callable):
            _overridden(m, args, override.key, here, site, override.callable)
            return None
    for accessor in m.options.accessors:
        if m.same_name(name, accessor.callable):
            return _asked(m, accessor, args, here, site)
    del bound
    return None


def of_method(m: Machine, func: FuncObj, receiver: Value | None, args: Args, here: Here, site: Site) -> Vals | None:
    """What a call of a method gives that is a configured one by another name of its class, or overrides it."""
    if func.owner is None:
        return None
    classes = func.owner.ancestors
    if isinstance(receiver, Ref) and isinstance(receiver.obj, InstObj):
        classes = receiver.obj.cls.ancestors
    elif isinstance(receiver, ClassObj):
        classes = receiver.ancestors
    for accessor in m.options.accessors:
        owner, _, name = accessor.callable.rpartition(".")
        if name == func.name and any(_is_one(m, owner, cls) for cls in classes):
            return _asked(m, accessor, args, here, site)
    return None


def _is_one(m: Machine, configured: str, cls: ClassObj) -> bool:
    """Whether a class is the configured one, as its module names it or as another module gives it to others."""
    if m.same_name(cls.qualname, configured):
        return True
    if configured not in m.named:
        m.named[configured] = _named(m, configured)
    return any(
        value is cls or (isinstance(value, Ref) and isinstance(value.obj, InstObj) and value.obj.cls is cls)
        for value in m.named[configured]
    )


def _named(m: Machine, dotted: str) -> Vals:
    """What a dotted name of the repository stands for, as code would import it: a class, or an object of one."""
    module, _, name = dotted.rpartition(".")
    path = m.project.resolve("", 0, module) if module else None
    return m.member(path, name) if path is not None else ()


def of_unknown(m: Machine, owner: Value, name: str, args: Args, here: Here, site: Site) -> Vals | None:
    """What a method of an object gives of which nobody tells the class, where a configured reader is called so.

    It is the reader for certain where the object is called like the reader's class or module, or where the method's
    name is of several words; possibly where it is of one. Names that many things have tell nothing alone. An object
    that is called itself is the reader where it is called like a class that the reader makes so.
    """
    if name not in m.configured and "__call__" not in m.configured:
        return None
    if not args.everything() and not args.rest:
        return None  # nothing is handed over that a key could be
    for accessor in m.options.accessors:
        *_, near, last = ("", *accessor.callable.split("."))
        if last != (name if name in m.configured else "__call__") or not near:
            continue
        alike = names.share_a_word(names.called(owner) if name in m.configured else name, near)
        if not alike and (not _class_like(near) or name in names.COMMON_METHODS or name not in m.configured):
            continue
        sure = alike or ("_" in name.strip("_") and not names.comes_from_outside(owner))
        if sure or _may_name_a_flag(m, accessor, args, site):
            return _asked(m, accessor, args, here, site, Certainty.CERTAIN if sure else Certainty.POSSIBLE)
    return None


def _may_name_a_flag(m: Machine, accessor: Accessor, args: Args, site: Site) -> bool:
    """Whether a call hands over a flag's key, or what it was handed itself."""
    keys = _keys(m, accessor, args, site)
    known = (text for text in fold.texts(keys) if m.reporter.flags.exact(text.known or ""))
    return any(known) or any(tags_of(key) for key in keys)


def _overridden(m: Machine, args: Args, key: tuple[int | str, ...], here: Here, site: Site, what: str) -> None:
    keys = args.take(*key) or ()
    documents.ask(m, tuple(fold.texts(keys)), Reader(), here, site, f"fixed by {what}", None, ReferenceKind.WRITE)


def _asked(
    m: Machine, accessor: Accessor, args: Args, here: Here, site: Site, certainty: Certainty = Certainty.CERTAIN
) -> Vals:
    reader = reader_of(accessor)
    what = f"configured reader {accessor.callable}"
    if accessor.returns is Returns.DOCUMENT:
        asked = fold.texts(args.take(*accessor.key) or ())
        if any(m.reporter.matches(text, reader, Certainty.CERTAIN) for text in asked):
            return (documents.ask(m, tuple(asked), reader, here, site, what),)
        return (Doc(reader, accessor.within),)
    keys = _keys(m, accessor, args, site)
    if accessor.returns is Returns.OBJECT:
        bound = m.binding(keys, f"an object of {accessor.callable}")
        names = tuple(literal(name, site) for name in accessor.reads)
        return tuple(Obj("object", reader, (text, *names)) for text in fold.texts(bound)) or (Obj("object", reader),)
    default = args.take(*accessor.default) if accessor.default else None
    found = documents.ask(m, keys, reader, here, site, what, default, certainty=certainty)
    return (Obj("decorator"),) if accessor.returns is Returns.DECORATOR else (found,)


def reader_of(accessor: Accessor) -> Reader:
    """What a configured reader asks."""
    return Reader(
        frozenset({accessor.provider}) if accessor.provider else frozenset(),
        frozenset(),
        _told(accessor.application),
        _told(accessor.environment),
        _told(accessor.profile),
    )


def _told(text: str | None) -> KeyText | None:
    return None if text is None else KeyText.known(text)


def _keys(m: Machine, accessor: Accessor, args: Args, site: Site) -> Vals:
    return tuple(_named_member(m, value, site) for value in _handed(m, accessor, args, site))


def _named_member(m: Machine, value: Value, site: Site) -> Value:
    """A member of an enum whose value is no text is what its name says."""
    made = value.obj if isinstance(value, Ref) else None
    if not isinstance(value, Ref) or not isinstance(made, InstObj) or not made.member or fold.text_of(value):
        return value
    name = made.member
    spelled = (name, name.lower(), name.lower().replace("_", "-"))
    key = next((one for one in spelled if m.reporter.flags.exact(one)), name)
    return retagged(literal(key, value.at or site), value.tags)


def _handed(m: Machine, accessor: Accessor, args: Args, site: Site) -> Vals:
    template = accessor.key[0] if len(accessor.key) == 1 else None
    if isinstance(template, str) and "{" in template:
        return _from_template(template, args, site)
    keys = args.take(*accessor.key)
    if keys is None and args.values:
        keys = args.take(*_positions(m, accessor))
    if keys is not None:
        return keys
    named = fold.texts(tuple(value for values in args.named.values() for value in values))
    return tuple(text for text in named if m.reporter.flags.exact(text.known or "")) or tuple(named) or UNKNOWN


def _positions(m: Machine, accessor: Accessor) -> list[int]:
    """Where the configured parameters stand in the reader's own definition, if the repository holds it."""
    owner, _, name = accessor.callable.rpartition(".")
    path = m.project.resolve("", 0, owner) if owner else None
    scope = m.module(path) if path is not None else None
    held = m.held(scope, name) if scope is not None else None
    if held is None:
        held = tuple(
            value
            for cls in _named(m, owner)
            if isinstance(cls, ClassObj)
            for value in members.class_attribute(m, cls, name)
        )
    for func in held:
        if isinstance(func, FuncObj):
            params = [param.name for param in func.node.params if param.kind in {"", "/"}]
            own = params[1:] if func.owner is not None and func.kind != "static" else params
            return [own.index(key) for key in accessor.key if isinstance(key, str) and key in own]
    return []


def _from_template(template: str, args: Args, site: Site) -> Vals:
    """A key put together of parameters: by name, else by position in the order in which the template names them."""
    parts: list[Vals] = []
    texts: list[Text] = []
    unnamed = iter(args.values)
    for before, name, _, _ in string.Formatter().parse(template):
        parts.append((literal(before, site),))
        if name is not None:
            place: int | str = int(name) if name.isdigit() else name
            values = args.take(place) or next(unnamed, UNKNOWN)
            texts += fold.texts(values)
            parts.append(values)
    at = texts[-1].at if texts else site
    return tuple(text.moved(at) for text in fold.combined(parts, site))


def instance(m: Machine, name: str) -> Obj | None:
    """An object of a class of which a configured reader is a method; None for other classes."""
    for accessor in m.options.accessors:
        if "." in accessor.callable and m.same_name(name, accessor.callable.rsplit(".", 1)[0]) and _class_like(name):
            return Obj("configured", data=(literal(name, Site("", 0)),))
    return None


def _class_like(name: str) -> bool:
    last = name.rsplit(".", 1)[-1]
    return last[:1].isupper()


def is_asked(m: Machine, cls: ClassObj) -> bool:
    """Whether a configured reader is a method of a class of the repository."""
    return any(
        _is_one(m, accessor.callable.rpartition(".")[0], cls)
        for accessor in m.options.accessors
        if accessor.callable.rsplit(".", 1)[-1] in cls.scope.names
    )


def asked_object(m: Machine, owner: Obj, name: str, args: Args, here: Here, site: Site) -> Vals | None:
    """A method of an object that a configured reader gave; None when it is another object."""
    if owner.kind == "configured":
        return called(m, f"{fold.texts(owner.data)[0].known}.{name}", args, here, site)
    if owner.kind == "decorator" and name == "__call__":
        return args.take(0)
    if owner.kind != "object":
        return None
    reads = {text.known for text in fold.texts(owner.data[1:])}
    if name not in reads and not (name == "__call__" and "__call__" in reads):
        return (owner,)
    if owner.data and isinstance(owner.data[0], Text):
        return objects.asked_again(m, owner, here, site, f"configured object is asked {name}")
    return None
