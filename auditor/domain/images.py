"""From writes that a store tells whole to changes: pure, each write once, in whatever order they come."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from auditor.domain.changes import ChangeKind, Detection, FlagChange, Gap, GapClass, RecordedChange
from auditor.domain.derivation import Derived, DerivedLife, document_change
from auditor.domain.diffing import differs
from auditor.domain.documents import HeldDocument, Snapshot
from auditor.domain.events import DocumentImage
from auditor.domain.flags import FlagEntry
from auditor.domain.times import rfc3339

WRITTEN = (ChangeKind.CREATED, ChangeKind.UPDATED, ChangeKind.DELETED, ChangeKind.EXPIRED)

# A stream dates its writes to the second, and rounds.
_TOLERANCE = timedelta(seconds=1)

Entries = Mapping[str, FlagEntry]


@dataclass(frozen=True, slots=True)
class DerivedImage:
    """What one write adds to the record.

    ``derived`` is how the cursor stands afterwards, ``None`` for a write that came late: the cursor then stays.
    ``twins`` are recorded changes that a look at the store had found without knowing when: they are this write.
    """

    derived: Derived | None
    changes: tuple[FlagChange, ...]
    twins: tuple[RecordedChange, ...]


def order(sequence: str) -> tuple[int, str]:
    """Return what sorts sequence numbers: they have more digits than any number in a database."""
    digits = sequence.lstrip("0")
    return len(digits), digits


def derive_image(image: DocumentImage, held: HeldDocument | None, found: Sequence[RecordedChange]) -> DerivedImage:
    """Return what a write adds to what is held; ``found`` are the document's recorded writes."""
    late = held is not None and _is_late(image, held)
    life = _life_of(image, held, late=late)
    twins = tuple(twin for change in found if (twin := _twin(image, change)) is not None)
    known = {twin.change.path for twin in twins}
    changes = tuple(change for change in _changes(image, held, life) if change.path not in known)
    if late:
        return DerivedImage(None, changes, twins)
    snapshot = Snapshot(image.sequence, None, image.at, None, image.after or {})
    derived = Derived(
        life=life,
        alive=image.after is not None,
        labels={},
        held=DerivedLife(life, (snapshot,)),
        changes=changes,
        gaps=tuple(_gaps(image, held)),
    )
    return DerivedImage(derived, changes, twins)


def _is_late(image: DocumentImage, held: HeldDocument) -> bool:
    """Tell whether what is held is at least as new as a write."""
    if held.version is None:
        return False
    if held.version.isdigit() and (held.alive or held.modified_at == held.checked_at):
        return order(image.sequence) <= order(held.version)
    # What is held comes from a look at the store, which knows no numbers; the clock decides, to the second.
    looked = held.checked_at.replace(microsecond=0)
    if image.at.replace(microsecond=0) == looked:
        return not (_same(image.before, held) and not _same(image.after, held))
    return image.at < looked


def _life_of(image: DocumentImage, held: HeldDocument | None, *, late: bool) -> int:
    if held is None:
        return 1
    if late:
        # The end of a document that is there again was the end of an earlier life.
        return max(held.life - (image.after is None and held.alive), 1)
    return held.life if held.alive or image.after is None else held.life + 1


def _same(entries: Entries | None, held: HeldDocument) -> bool:
    return (entries or {}) == (held.entries if held.alive else {})


def _twin(image: DocumentImage, found: RecordedChange) -> RecordedChange | None:
    """Return a recorded change that is this write: found by a look, not dated yet, and to the same state."""
    between = found.change.occurred_between
    if between is None or found.occurred_at is not None:
        return None
    after, before = between
    within = (after is None or image.at >= after - _TOLERANCE) and image.at <= before + _TOLERANCE
    entry = (image.after or {}).get(found.change.path)
    return found if within and (entry.state if entry is not None else None) == found.change.after else None


def _changes(image: DocumentImage, held: HeldDocument | None, life: int) -> Iterator[FlagChange]:
    before, after = image.before or {}, image.after or {}
    previous = held.version if held is not None and held.version is not None and held.version.isdigit() else None
    if previous is not None and order(previous) >= order(image.sequence):
        previous = None
    for path in sorted(before.keys() | after.keys()):
        old, new = before.get(path), after.get(path)
        if old is not None and new is not None and not _differs(old, new):
            continue
        yield document_change(
            image.document,
            life,
            path,
            kind=_kind(image, old, new),
            # The number names the write by itself; counting lives depends on the order of arrival.
            key_tail=f"write {image.sequence}|{path}",
            key_life="-",
            cause=f"write|{image.document}|{image.sequence}",
            before=old,
            after=new,
            version_before=previous,
            version_after=image.sequence,
            moment=(image.at, None),
            detected_by=Detection.EVENT,
            reason=None,
        )


def _differs(old: FlagEntry, new: FlagEntry) -> bool:
    return (old.flag, old.environment) != (new.flag, new.environment) or differs(old.state, new.state)


def _kind(image: DocumentImage, old: FlagEntry | None, new: FlagEntry | None) -> ChangeKind:
    if new is None:
        return ChangeKind.EXPIRED if image.expired else ChangeKind.DELETED
    return ChangeKind.CREATED if old is None else ChangeKind.UPDATED


def _gaps(image: DocumentImage, held: HeldDocument | None) -> Iterator[Gap]:
    """Name the time since the last write known where this one shows that there was another in between."""
    if held is None or _same(image.before, held):
        return
    first = min(held.modified_at or held.checked_at, image.at)
    text = "the next write known replaced another state than the one held; writes in between were not seen"
    yield Gap(GapClass.INTERVAL, image.document, held.life, rfc3339(first), rfc3339(image.at), text)
