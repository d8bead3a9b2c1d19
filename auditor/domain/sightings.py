"""Since when code names a flag, and where it no longer does: what all scans of a repository say together. Pure.

A place is a file, a kind of reference and a flag: lines that move within a file remove nothing. Only a scan that read
every file can tell that a place is gone; any scan can tell that it is there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from auditor.domain.flags import JsonValue
from auditor.domain.references import Certainty, Reference, ReferenceKind
from auditor.domain.times import rfc3339

SHORT = 7
"""How many characters of a commit people are shown."""
_IN_CODE = frozenset({ReferenceKind.READ, ReferenceKind.WRITE, ReferenceKind.BIND})
_Place = tuple[str, str, ReferenceKind, str]


@dataclass(frozen=True, slots=True)
class Look:
    """A scan of a repository: when it was made, and of which commit (``None``: of files no commit is known of)."""

    at: datetime
    commit: str | None

    def __str__(self) -> str:
        """Say both in a few words, the commit as short as git shows it."""
        commit = "unknown commit" if self.commit is None else f"commit {self.commit[:SHORT]}"
        return f"{commit}, {self.at:%Y-%m-%d}"

    def to_json(self) -> dict[str, JsonValue]:
        """Return the scan for outputs."""
        return {"scanned_at": rfc3339(self.at), "commit": self.commit}


@dataclass(frozen=True, slots=True)
class Sweep:
    """What one scan of a repository found of the flags asked for; ``complete`` is False where files were not read."""

    repository: str
    look: Look
    complete: bool
    found: Sequence[Reference]


@dataclass(frozen=True, slots=True)
class Sighting:
    """A place that names a flag: as it was last seen, and by which scans it was seen first and last.

    ``gone`` is the first complete scan after the last one that saw it: it went between these two commits. ``None``
    while it is there, and while no complete scan says otherwise.
    """

    repository: str
    reference: Reference
    first: Look
    last: Look
    gone: Look | None = None

    @property
    def left_code(self) -> bool:
        """Tell whether this was a use in production code, for certain, and is gone."""
        certain = self.reference.certainty is Certainty.CERTAIN
        return self.gone is not None and certain and self.reference.kind in _IN_CODE

    @property
    def departure(self) -> str | None:
        """Say how it went, ``None`` while it has not.

        No commit is blamed where the same one still had it (then files that nobody committed were scanned, or another
        Flagtrail scanned them), nor where none is known.
        """
        if self.gone is None:
            return None
        blamed = self.gone.commit is not None and self.gone.commit != self.last.commit
        return f"{'removed by' if blamed else 'no longer found at'} {self.gone}"

    def to_json(self) -> dict[str, JsonValue]:
        """Return the sighting for outputs; ``line`` is the one it was last seen in."""
        return {
            "repository": self.repository,
            "path": self.reference.path,
            "line": self.reference.line,
            "kind": self.reference.kind.value,
            "certainty": self.reference.certainty.value,
            "first_seen": self.first.to_json(),
            "last_seen": self.last.to_json(),
            "gone_since": None if self.gone is None else self.gone.to_json(),
        }


def sightings(sweeps: Iterable[Sweep]) -> list[Sighting]:
    """Return every place that any of these scans found, by repository and place; scans come oldest first.

    A place that comes again keeps the scan that saw it first, and is gone no more.
    """
    places: dict[_Place, Sighting] = {}
    standing: dict[str, set[_Place]] = {}
    for sweep in sweeps:
        here = {_place(sweep.repository, one): one for one in sorted(sweep.found, key=_weight)}
        before = standing.setdefault(sweep.repository, set())
        for place, one in here.items():
            first = places[place].first if place in places else sweep.look
            places[place] = Sighting(sweep.repository, one, first, sweep.look)
        if sweep.complete:
            for place in before - here.keys():
                places[place] = replace(places[place], gone=sweep.look)
            before.clear()
        before.update(here)
    return [places[place] for place in sorted(places)]


def named_in(reference: Reference) -> str:
    """Return the name by which a reference belongs to a flag: the flag's, or the store's key where that is unknown."""
    return reference.flag.name or reference.flag.key


def _weight(one: Reference) -> tuple[bool, int]:
    """Return what sorts the reference last that stands for its place: a certain one, the first in the file."""
    return one.certainty is Certainty.CERTAIN, -one.line


def _place(repository: str, one: Reference) -> _Place:
    return repository, one.path, one.kind, named_in(one)
