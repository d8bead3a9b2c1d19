"""What the code around references says: whether a read is made on every request, and what comments tell."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import NamedTuple

from auditor.domain.references import Reference
from scanners.annotations import annotated
from scanners.cache import Table
from scanners.languages.python.per_request import Code, Inner, Key, asking, marked

References = tuple[Reference, ...]


class Beside(NamedTuple):
    """References of a file as they end, and all that this depends on besides: other files, and references there."""

    references: References
    files: tuple[str, ...]
    inner: tuple[tuple[Key, Reference | None], ...]


@dataclass(slots=True)
class _Noted:
    """References by place, with a note of each that was asked for."""

    inner: Inner
    asked: dict[Key, Reference | None] = field(default_factory=dict)

    def get(self, key: Key) -> Reference | None:
        self.asked[key] = found = self.inner.get(key)
        return found


@dataclass(slots=True)
class Looking:
    """Looks around references, file by file; ``read`` gives a file's bytes."""

    inner: Inner
    code: Code

    @classmethod
    def among(cls, references: Iterable[Reference], read: Callable[[str], bytes | None]) -> Looking:
        """Look around some of these references, which may lead to others of them."""
        return cls(asking(references), Code(read))

    def __call__(self, references: References) -> Beside:
        """Look around the references of one file."""
        inner = _Noted(self.inner)
        self.code.seen.clear()
        found = annotated(marked(references, inner, self.code), self.code.read)
        return Beside(tuple(found), tuple(sorted(self.code.seen)), tuple(inner.asked.items()))


@dataclass(slots=True)
class Remembering:
    """What an earlier scan saw around the same references, where all that it looked at is the same.

    It is kept as the references before, the files, the references elsewhere, and the references as they end.
    """

    table: Table
    inner: Inner

    def get(self, path: str, references: References) -> References | None:
        """The references as they end; None where that is not known."""
        held = self.table.get(path)
        if held is None:
            return None
        before, files, inner, after = held[0]
        same = (
            before == references
            and all(self.table.identities.get(file) == identity for file, identity in files)
            and all(self.inner.get(key) == one for key, one in inner)
        )
        return after if same else None

    def keep(self, path: str, references: References, beside: Beside) -> None:
        """Keep what was seen."""
        files = tuple((file, self.table.identities.get(file)) for file in beside.files)
        self.table.put(path, (references, files, beside.inner, beside.references))


def grouped(references: Sequence[Reference]) -> Mapping[str, References]:
    """The references, which are in order, by file."""
    return {path: tuple(group) for path, group in groupby(references, key=lambda one: one.path)}
