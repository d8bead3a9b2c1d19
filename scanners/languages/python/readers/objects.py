"""Attributes of libraries' objects, some of which are reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scanners.languages.python import documents, fold
from scanners.languages.python.readers import options, settings
from scanners.languages.python.values import UNKNOWN, Bound, Doc, Obj, Site, Vals, literal

if TYPE_CHECKING:
    from scanners.languages.python.machine import Here, Machine


def attribute(m: Machine, owner: Obj, name: str, here: Here, site: Site) -> Vals:
    """An attribute of a library's object; some are reads."""
    if owner.kind == "ssm-parameter" and name in {"value", "_value"}:
        return asked_again(m, owner, here, site, "SSMParameter.value")
    if owner.kind == "object":
        reads = {text.known for text in fold.texts(owner.data[1:])}
        if name in reads:
            return asked_again(m, owner, here, site, f"configured object is asked {name}")
        return (owner,)
    if owner.kind == "settings" and not name.startswith("_") and name not in _OF_SETTINGS:
        return setting(m, owner, (literal(name, site),), here, site, None)
    if owner.kind == "namespace":
        return options.of_namespace(owner, name, site)
    if owner.kind == "unleash" and name == "client":
        return (owner,)
    if owner.kind == "appconfig-store" and name == "get_raw_configuration":
        return (Doc(owner.reader),)
    if owner.kind == "features" and name in {"store", "_store"}:
        return (Obj("appconfig-store", owner.reader),)
    return (Bound(owner, name),)


_OF_SETTINGS = frozenset({"get", "as_bool", "as_int", "as_float", "as_json", "exists", "set", "reload", "validators"})


def setting(m: Machine, owner: Obj, keys: Vals, here: Here, site: Site, default: Vals | None) -> Vals:
    """An entry of settings is asked for, in any case: by its name, or by the variable's behind a prefix."""
    keys = tuple(one for text in fold.texts(keys) for one in (text, fold.transformed(text, str.upper, text.at)))
    spelled = fold.texts(keys)
    for text in fold.texts(owner.data):
        prefix = literal(f"{text.known}_", text.at)
        spelled += [one.moved(key.at) for key in fold.texts(keys) for one in fold.combined(((prefix,), (key,)), site)]
    flags = m.reporter.flags
    asked = tuple(one for one in spelled if one.known and flags.exact(one.known, settings.ENVIRONMENT.providers))
    return settings.read(m, asked, here, site, default) if asked else UNKNOWN


def asked_again(m: Machine, owner: Obj, here: Here, site: Site, what: str) -> Vals:
    """An object that was built with a key is asked: the key stands where the object does."""
    texts = tuple(text.moved(site) for text in fold.texts(owner.data[:1]))
    return (documents.ask(m, texts, owner.reader, here, site, what),)
