"""Readers that the configuration names."""

from __future__ import annotations

import string
from typing import TYPE_CHECKING

from auditor.domain.references import Certainty, ReferenceKind
from auditor.domain.scan_options import Accessor, Returns
from scanners.flag_index import Reader
from scanners.keytext import KeyText
from scanners.languages.python import documents, fold
from scanners.languages.python.arguments import Args
from scanners.languages.python.readers import objects
from scanners.languages.python.values import UNKNOWN, ClassObj, Doc, Obj, Site, Text, Vals, literal

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


def _overridden(m: Machine, args: Args, key: tuple[int | str, ...], here: Here, site: Site, what: str) -> None:
    keys = args.take(*key) or ()
    documents.ask(m, tuple(fold.texts(keys)), Reader(), here, site, f"fixed by {what}", None, ReferenceKind.WRITE)


def _asked(m: Machine, accessor: Accessor, args: Args, here: Here, site: Site) -> Vals:
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
    found = documents.ask(m, keys, reader, here, site, what, default)
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
    template = accessor.key[0] if len(accessor.key) == 1 else None
    if isinstance(template, str) and "{" in template:
        return _from_template(template, args, site)
    keys = args.take(*accessor.key)
    if keys is not None:
        return keys
    named = fold.texts(tuple(value for values in args.named.values() for value in values))
    return tuple(text for text in named if m.reporter.flags.exact(text.known or "")) or tuple(named) or UNKNOWN


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
        m.same_name(cls.qualname, accessor.callable.rpartition(".")[0])
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
