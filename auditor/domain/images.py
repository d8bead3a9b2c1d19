"""From writes that a store tells whole to changes: pure, each write once, in whatever order they come."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from auditor.domain.changes import ChangeKind, Detection, FlagChange, Gap, GapClass, RecordedChange
from auditor.domain.derivation import Derived, DerivedLife, document_change
from auditor.domain.diffing import differs
from auditor.domain.documents import HeldDocument, Snapshot
from auditor.domain.events import DocumentImage
from auditor.domain.flags import FlagEntry, FlagState
from auditor.domain.times import parse_rfc3339, rfc3339

WRITTEN = (ChangeKind.CREATED, ChangeKind.UPDATED, ChangeKind.DELETED, ChangeKind.EXPIRED)

# A stream dates its writes to the second, and rounds.
_TOLERANCE = timedelta(seconds=1)

Entries = Mapping[str, FlagEntry]


@dataclass(frozen=True, slots=True)
class DerivedImage:
    """What one write adds to the record.

    ``derived`` is how the cursor stands afterwards, ``None`` for a write that came late: the cursor then stays.
    ``twins`` are recorded changes that a look at the store had found without knowing when: they are this write.
    ``gaps`` are the times in which it shows that there were writes that nobody saw.
    """

    derived: Derived | None
    changes: tuple[FlagChange, ...]
    twins: tuple[RecordedChange, ...]
    gaps: tuple[Gap, ...] = ()


def order(sequence: str) -> tuple[int, str]:
    """Return what sorts sequence numbers: they have more digits than any number in a database."""
    digits = sequence.lstrip("0")
    return len(digits), digits


def derive_image(
    image: DocumentImage,
    held: HeldDocument | None,
    found: Sequence[RecordedChange],
    listed_at: datetime | None = None,
) -> DerivedImage:
    """Return what a write adds to what is held; ``found`` are the document's recorded writes.

    ``listed_at`` is when the table was last looked at whole: what is not held was not there.
    """
    late = held is not None and _is_late(image, held)
    life = _life_of(image, held, late=late)
    twins = tuple(twin for change in found if (twin := _twin(image, change)) is not None)
    known = {twin.change.path for twin in twins}
    changes = tuple(change for change in _changes(image, held, life) if change.path not in known)
    if late:
        others = [change for change in found if change not in twins]
        return DerivedImage(None, changes, twins, () if twins else tuple(_breaks(image, others)))
    snapshot = Snapshot(image.sequence, None, image.at, None, image.after or {})
    derived = Derived(
        life=life,
        alive=image.after is not None,
        labels={},
        held=DerivedLife(life, (snapshot,)),
        changes=changes,
        gaps=(),
    )
    return DerivedImage(derived, changes, twins, tuple(_gaps(image, held, listed_at)))


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
    if between is None or _dated_otherwise(found, image):
        return None
    after, before = between
    within = (after is None or image.at >= after - _TOLERANCE) and image.at <= before + _TOLERANCE
    entry = (image.after or {}).get(found.change.path)
    return found if within and (entry.state if entry is not None else None) == found.change.after else None


def _dated_otherwise(found: RecordedChange, image: DocumentImage) -> bool:
    """Tell whether a change is known to be of another time, or another write: a call alone may have dated it."""
    if found.occurred_at is None:
        return False
    writes = {e.id for e in found.attribution.evidence if e.source == stream_of(image.document.source)}
    return abs(found.occurred_at - image.at) > _TOLERANCE or not writes <= {image.sequence}


def stream_of(source: str) -> str:
    """Return how evidence names a store's own record of a write."""
    return f"{source} stream"


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


def _gaps(image: DocumentImage, held: HeldDocument | None, listed_at: datetime | None) -> Iterator[Gap]:
    """Name the time since the last write known where this one shows that there was another in between."""
    if held is None:
        if image.before and listed_at is not None and listed_at < image.at:
            yield _interval(image, 1, listed_at, image.at)
    elif not _same(image.before, held):
        yield _interval(image, held.life, held.seen_by(image.at) or image.at, image.at)


def _breaks(image: DocumentImage, others: Sequence[RecordedChange]) -> Iterator[Gap]:
    """Name the time to the writes known before and after a late one, where their states do not fit each other."""
    told = sorted(((_when(change), change) for change in others), key=lambda one: (one[0], one[1].seq))
    before = next((one for one in reversed(told) if one[0] <= image.at), None)
    after = next((one for one in told if one[0] > image.at), None)
    if before is not None and before[1].change.after != _state(image.before, before[1]):
        yield _interval(image, before[1].change.life or 1, before[0], image.at)
    if after is not None and after[1].change.before != _state(image.after, after[1]):
        yield _interval(image, after[1].change.life or 1, image.at, after[0])


def _when(change: RecordedChange) -> datetime:
    between = change.change.occurred_between
    return change.occurred_at or (between[1] if between is not None else change.recorded_at)


def _state(entries: Entries | None, change: RecordedChange) -> FlagState | None:
    entry = (entries or {}).get(change.change.path)
    return None if entry is None else entry.state


def _interval(image: DocumentImage, life: int, first: datetime, last: datetime) -> Gap:
    text = "a write that is known replaced another state than the one known before; writes in between were not seen"
    return Gap(GapClass.INTERVAL, image.document, life, rfc3339(first), rfc3339(last), text)


def within(gap: Gap, known: Sequence[Gap]) -> bool:
    """Tell whether an interval lies within one that is named already."""
    bounds = parse_rfc3339(gap.first), parse_rfc3339(gap.last)
    others = [(parse_rfc3339(g.first), parse_rfc3339(g.last)) for g in known if g.gap_class is GapClass.INTERVAL]
    return any(first <= bounds[0] and bounds[1] <= last for first, last in others)
