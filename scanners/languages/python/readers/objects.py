"""Attributes of libraries' objects, some of which are reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scanners.languages.python import documents, fold
from scanners.languages.python.readers import options
from scanners.languages.python.values import Bound, Doc, Obj, Site, Vals

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
    if owner.kind == "namespace":
        return options.of_namespace(owner, name, site)
    if owner.kind == "unleash" and name == "client":
        return (owner,)
    if owner.kind == "appconfig-store" and name == "get_raw_configuration":
        return (Doc(owner.reader),)
    if owner.kind == "features" and name in {"store", "_store"}:
        return (Obj("appconfig-store", owner.reader),)
    return (Bound(owner, name),)


def asked_again(m: Machine, owner: Obj, here: Here, site: Site, what: str) -> Vals:
    """An object that was built with a key is asked: the key stands where the object does."""
    texts = tuple(text.moved(site) for text in fold.texts(owner.data[:1]))
    return (documents.ask(m, texts, owner.reader, here, site, what),)
