"""Flags that a version left as they were although nobody can see it in their states: a hidden value is in them.

Without a fingerprint key a hidden value cannot be compared with another. The adapter that reads two versions side by
side can tell nevertheless that a flag is the very same in both; it says so in the newer version's metadata.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from auditor.domain.documents import DocumentRef, Snapshot
from auditor.domain.flags import JsonValue

_NAME = "same_as"
# Nobody writes more versions of one document; a chain that is longer is none.
_LONGEST = 100_000


def same_as(version: str, paths: Iterable[str]) -> dict[str, JsonValue]:
    """Return the metadata that says which flags a version has just as an earlier one has them."""
    listed: list[JsonValue] = [*sorted(paths)]
    return {_NAME: {"version": version, "paths": listed}} if listed else {}


def is_untouched(snapshot: Snapshot, path: str, version: str | None) -> bool:
    """Tell whether a version is known to have a flag just as ``version`` has it."""
    former, paths = _told(snapshot)
    return former is not None and former == version and path in paths


def is_same_in(
    path: str, profile: DocumentRef, one: str, other: str, snapshot_of: Callable[[DocumentRef, str], Snapshot | None]
) -> bool:
    """Tell whether two versions, whichever is newer, are known to have a flag just alike: from each to the next."""
    return any(_leads(path, profile, newer, older, snapshot_of) for newer, older in ((one, other), (other, one)))


def _leads(
    path: str, profile: DocumentRef, newer: str, older: str, snapshot_of: Callable[[DocumentRef, str], Snapshot | None]
) -> bool:
    version = newer
    for _ in range(_LONGEST):
        if version == older:
            return True
        snapshot = snapshot_of(profile, version)
        former, paths = _told(snapshot) if snapshot is not None else (None, ())
        if former is None or path not in paths:
            return False
        version = former
    return False


def _told(snapshot: Snapshot) -> tuple[str | None, Iterable[str]]:
    told = snapshot.metadata.get(_NAME)
    version, paths = (told.get("version"), told.get("paths")) if isinstance(told, dict) else (None, None)
    if not isinstance(version, str) or not isinstance(paths, list):
        return None, ()
    return version, [path for path in paths if isinstance(path, str)]
