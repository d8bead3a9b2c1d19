"""The arguments of a call that is followed."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import zip_longest

from scanners.languages.python.values import (
    Doc,
    DocItem,
    MapObj,
    Ref,
    SeqObj,
    Site,
    Text,
    Unknown,
    Vals,
    Value,
    tags_of,
    union,
)


@dataclass(slots=True)
class Args:
    """Values by position and by name; ``rest`` are what unknown spreads may hold besides."""

    site: Site
    values: list[Vals] = field(default_factory=list)
    named: dict[str, Vals] = field(default_factory=dict)
    rest: Vals = ()
    documents: list[Doc] = field(default_factory=list)

    def spread_items(self, values: Vals) -> None:
        """Take the elements of ``*values``."""
        placed: list[Vals] = []
        for value in values:
            if isinstance(value, Ref) and isinstance(value.obj, SeqObj):
                items = [from_container(value, item) for item in value.obj.items]
                placed = [union(*pair) for pair in zip_longest(placed, items, fillvalue=())]
                self.rest = union(self.rest, from_container(value, value.obj.more))
            else:
                self.rest = union(self.rest, (Unknown(tags_of(value)),))
        self.values += placed

    def spread_mapping(self, values: Vals) -> None:
        """Take the entries of ``**values``."""
        for value in values:
            if isinstance(value, Doc | DocItem):
                self.documents.append(Doc(value.reader))
            elif isinstance(value, Ref) and isinstance(value.obj, MapObj):
                for keys, entries in value.obj.items:
                    for key in keys:
                        name = key.known if isinstance(key, Text) else None
                        if name is not None:
                            self.named[name] = from_container(value, entries)
                self.rest = union(self.rest, from_container(value, value.obj.more))
            else:
                self.rest = union(self.rest, (Unknown(tags_of(value)),))

    def take(self, *places: int | str) -> Vals | None:
        """The argument at the first of these positions or names that is given; None when none is."""
        for place in places:
            if isinstance(place, str) and place in self.named:
                return self.named[place]
            if isinstance(place, int) and place < len(self.values):
                return self.values[place]
        return self.rest or None

    def given(self, name: str) -> Vals | None:
        """The argument of this name."""
        return self.named.get(name)

    def everything(self) -> list[Vals]:
        """All arguments."""
        return [*self.values, *self.named.values()]

    def sites(self, call: Site) -> frozenset[Site]:
        """Where the call and what is passed to it stand."""
        found = {call}
        for values in self.everything():
            for value in values:
                _collect(value, found)
        return frozenset(found)


def _collect(value: object, found: set[Site]) -> None:
    if isinstance(value, Text):
        found.add(value.at)
    elif isinstance(value, Ref):
        if value.at is not None:
            found.add(value.at)
        elif isinstance(value.obj, SeqObj):
            for item in value.obj.items:
                for inner in item:
                    _collect(inner, found)


def from_container(owner: Ref, values: Vals) -> Vals:
    """What a container holds: it stands where the container is named, and came in where that came in."""
    if owner.at is None and not owner.tags:
        return values
    return tuple(_taken(owner, value) for value in values)


def _taken(owner: Ref, value: Value) -> Value:
    if isinstance(value, Text):
        inline = value.at
        tags = tuple(tag._replace(site=inline) if tag.inline else tag for tag in owner.tags)
        text = value.tagged(tags) if tags else value
        return text.moved(owner.at) if owner.at is not None else text
    if isinstance(value, Ref):
        return Ref(value.obj, value.at or owner.at, value.tags).tagged(owner.tags)
    if isinstance(value, Unknown):
        return Unknown((*value.tags, *owner.tags), value.hint, owner.at or value.at)
    return value
