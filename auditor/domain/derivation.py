"""From what a store tells to changes: pure, in version order, the same for events, reconcile and back-fill."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from auditor.domain.changes import ChangeKind, Detection, FlagChange, Gap, GapClass
from auditor.domain.constraints import violations
from auditor.domain.diffing import diff, differs
from auditor.domain.documents import DocumentReading, DocumentRef, HeldDocument, Snapshot
from auditor.domain.events import DocumentHint, Operation
from auditor.domain.flags import FlagEntry
from auditor.domain.sentences import summarize
from auditor.domain.times import parse_rfc3339, rfc3339
from auditor.domain.untouched import is_untouched

# EventBridge and CloudTrail round to whole seconds and may lag a little behind the store's own time.
CLOCK_TOLERANCE = timedelta(seconds=5)
# A store tells when it answered in whole seconds.
_ROUNDED = timedelta(seconds=1)

Moment = tuple[datetime | None, tuple[datetime | None, datetime] | None]


@dataclass(frozen=True, slots=True)
class Detecting:
    """How a document came to be read: decides between news and back-fill.

    ``new_is_backfill`` is True where nothing of this scope was ever reconciled, so that what a first look finds may be
    older than the installation. ``hints`` are all hints of the present batch about the document. ``listed_at`` is when
    the store was last listed whole, so that a document that is not held was not there (``None``: not known).
    """

    by: Detection
    new_is_backfill: bool
    hints: tuple[DocumentHint, ...] = ()
    listed_at: datetime | None = None

    def of(self, snapshot: Snapshot, *, newest: bool) -> Detection:
        """Tell how one version was detected when its document was not held before."""
        if not self.new_is_backfill:
            return self.by
        if self.by is not Detection.EVENT:
            return Detection.BACKFILL
        return Detection.EVENT if self._hinted(snapshot, newest=newest) else Detection.BACKFILL

    def of_label(self, label: str) -> Detection:
        """Tell how a label was detected when its document was not held before."""
        if not self.new_is_backfill:
            return self.by
        hinted = any(hint.label == label for hint in self.hints)
        return Detection.EVENT if hinted else Detection.BACKFILL

    def _hinted(self, snapshot: Snapshot, *, newest: bool) -> bool:
        return any(_announces(hint, snapshot, newest=newest) for hint in self.hints)


def _announces(hint: DocumentHint, snapshot: Snapshot, *, newest: bool) -> bool:
    """Tell whether a version is what a hint tells of, or newer: a hint always comes after what it hints at."""
    labelled = hint.operation is Operation.LABELLED
    if not labelled and hint.version is not None and hint.version.isdigit() and snapshot.ordinal is not None:
        return snapshot.ordinal >= int(hint.version)
    if snapshot.modified_at is None:
        return newest and not labelled
    return snapshot.modified_at >= hint.at - CLOCK_TOLERANCE


@dataclass(frozen=True, slots=True)
class DerivedLife:
    """Versions of one life to hold."""

    life: int
    snapshots: tuple[Snapshot, ...]


@dataclass(frozen=True, slots=True)
class Derived:
    """What one reading adds to the record, and how the document's cursor stands afterwards."""

    life: int
    alive: bool
    labels: Mapping[str, str]
    held: DerivedLife | None
    changes: tuple[FlagChange, ...]
    gaps: tuple[Gap, ...]


def derive(
    reading: DocumentReading,
    held: HeldDocument | None,
    detecting: Detecting,
    version_of: Callable[[str], Snapshot | None],
) -> Derived:
    """Return what a reading adds to what is held; nothing when the store shows what is held already.

    ``version_of`` gives a held version of the document's present life, for the states that labels point at.
    """
    if not reading.exists:
        return _derive_absence(reading, held, detecting)
    if held is None:
        begun = _derive_presence(reading, None, 1, detecting, version_of)
        return replace(begun, gaps=begun.gaps + tuple(_unwatched_beginning(reading, 1, detecting.listed_at)))
    if reading.fresh_life:
        end = _ended_life(reading, held, detecting)
        begun = _derive_presence(reading, None, held.life + 1, detecting, version_of)
        absent_at = None if held.alive else held.seen_by(reading.read_at)
        beginning = tuple(_unwatched_beginning(reading, begun.life, absent_at))
        return Derived(
            life=begun.life,
            alive=True,
            labels=begun.labels,
            held=begun.held,
            changes=end.changes + begun.changes,
            gaps=end.gaps + begun.gaps + beginning,
        )
    return _derive_presence(reading, held, held.life, detecting, version_of)


def _derive_absence(reading: DocumentReading, held: HeldDocument | None, detecting: Detecting) -> Derived:
    if held is not None and held.alive:
        return _ended_life(reading, held, detecting)
    return Derived(held.life if held is not None else 0, alive=False, labels={}, held=None, changes=(), gaps=())


def _unwatched_beginning(reading: DocumentReading, life: int, absent_at: datetime | None) -> Iterator[Gap]:
    """Name the time since a document was last known not to be there, where its store shows only the newest write."""
    if not reading.unversioned or absent_at is None or not reading.snapshots:
        return
    first = reading.snapshots[0].modified_at or reading.read_at
    if absent_at < first:
        text = "the store keeps no versions; writes between the document's beginning and this one can no longer be read"
        yield Gap(GapClass.INTERVAL, reading.document, life, rfc3339(absent_at), rfc3339(first), text)


def written_unseen(
    reading: DocumentReading, held: HeldDocument | None, derived: Derived, hints: Sequence[DocumentHint]
) -> Iterator[DocumentHint]:
    """Yield the hints at writes that a reading need not answer for: from before what it shows, or of what is gone.

    A version that is only staged is listed even when it cannot be read. A store that dates nothing says by itself
    what it may have overwritten.
    """
    dated = any(s.modified_at for s in reading.snapshots) or (held is not None and held.modified_at is not None)
    if reading.staged or (reading.exists and reading.unversioned and not dated):
        return
    for hint in hints:
        if hint.operation is Operation.TOUCHED and not (derived.alive and hint.at > reading.read_at):
            yield hint


def labelled(hints: Sequence[DocumentHint], by: datetime) -> Iterator[DocumentHint]:
    """Yield the hints at labels that were put on a version by then."""
    for hint in hints:
        told = hint.operation is Operation.LABELLED and hint.label is not None and hint.version is not None
        if told and hint.at <= by:
            yield hint


def is_move(change: FlagChange, hint: DocumentHint) -> bool:
    """Tell whether a recorded move of a label is the one that a hint tells of."""
    if (change.label, change.version_after) != (hint.label, hint.version):
        return False
    if change.occurred_at is not None:
        return abs(change.occurred_at - hint.at) <= CLOCK_TOLERANCE
    after, before = change.occurred_between or (None, hint.at)
    return (after is None or after - CLOCK_TOLERANCE <= hint.at) and hint.at <= before + CLOCK_TOLERANCE


def unread_gaps(
    document: DocumentRef,
    life: int,
    missing: Sequence[DocumentHint],
    hints: Sequence[DocumentHint],
    known: Sequence[Gap],
) -> list[Gap]:
    """Return the intervals of writes that came and went before they could be read, each up to its known end.

    ``known`` are the document's gaps; what lies within one of its intervals is named already.
    """
    intervals = [(gap.first, gap.last) for gap in known if gap.gap_class is GapClass.INTERVAL]
    ends = sorted(hint.at for hint in hints if hint.operation in (Operation.DELETED, Operation.EXPIRED))
    found: list[tuple[datetime, datetime]] = []
    for at in sorted(hint.at for hint in missing):
        if any(parse_rfc3339(first) <= at <= parse_rfc3339(last) for first, last in intervals):
            continue
        end = next((moment for moment in ends if moment >= at), at)
        if found and at <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((at, end))
    text = "it came and went, or was written or labelled again, before it could be read; what it said is not known"
    return [Gap(GapClass.INTERVAL, document, life, rfc3339(first), rfc3339(last), text) for first, last in found]


def _ended_life(reading: DocumentReading, held: HeldDocument, detecting: Detecting) -> Derived:
    """Derive the end of the held life: one removal per flag, and the interval nobody can vouch for."""
    if not held.alive:
        return Derived(held.life, alive=False, labels={}, held=None, changes=(), gaps=())
    kind, moment = _moment_of_end(reading, held, detecting)
    changes = tuple(
        document_change(
            reading.document,
            held.life,
            path,
            kind=kind,
            key_tail=f"deleted|{path}",
            cause=f"deleted|{reading.document}|{held.life}",
            before=entry,
            after=None,
            version_before=held.version,
            version_after=None,
            moment=moment,
            detected_by=detecting.by,
            reason=next((hint.reason for hint in detecting.hints if hint.reason), None),
        )
        for path, entry in sorted(held.entries.items())
    )
    return Derived(
        held.life, alive=False, labels={}, held=None, changes=changes, gaps=(_end_gap(reading, held, moment),)
    )


def _moment_of_end(reading: DocumentReading, held: HeldDocument, detecting: Detecting) -> tuple[ChangeKind, Moment]:
    """Date the end of a life by an event where one tells, else by the looks before and after it."""
    latest = reading.snapshots[0].modified_at if reading.snapshots else None
    latest = latest or reading.read_at
    ends = [
        hint
        for hint in detecting.hints
        if hint.operation in (Operation.DELETED, Operation.EXPIRED)
        and (held.modified_at is None or hint.at >= held.modified_at - CLOCK_TOLERANCE)
        and (not reading.snapshots or hint.at <= latest + CLOCK_TOLERANCE)
    ]
    if ends:
        first = min(ends, key=lambda hint: hint.at)
        expired = any(hint.operation is Operation.EXPIRED for hint in ends)
        return (ChangeKind.EXPIRED if expired else ChangeKind.DELETED), (first.at, None)
    after = held.seen_by(latest)
    kind = ChangeKind.EXPIRED if _expiry_passed(held, latest) else ChangeKind.DELETED
    return kind, (None, (after, latest))


def _expiry_passed(held: HeldDocument, by: datetime) -> bool:
    """Tell whether an expiration policy of the newest version fell due by then."""
    expires = held.metadata.get("expires_at")
    return isinstance(expires, str) and parse_rfc3339(expires) <= by


def _end_gap(reading: DocumentReading, held: HeldDocument, moment: Moment) -> Gap:
    at, between = moment
    last = at if at is not None else between[1] if between is not None else reading.read_at
    if reading.snapshots and reading.snapshots[0].modified_at is not None:
        # Another life began since: a whole life may have come and gone between the two.
        last = max(last, reading.snapshots[0].modified_at)
    first = held.seen_by(last) or held.checked_at
    newest = f"after version {held.version}" if held.version else "since the last look"
    return Gap(
        GapClass.INTERVAL,
        reading.document,
        held.life,
        rfc3339(min(first, last)),
        rfc3339(last),
        f"the document was deleted; versions written {newest} and before the deletion, if any, can no longer be read",
    )


def _derive_presence(
    reading: DocumentReading,
    held: HeldDocument | None,
    life: int,
    detecting: Detecting,
    version_of: Callable[[str], Snapshot | None],
) -> Derived:
    news = [snapshot for snapshot in reading.snapshots if held is None or _is_beyond(snapshot, held, version_of)]
    changes = list(_version_changes(reading, held, life, news, detecting))
    states: dict[str, Snapshot] = {snapshot.version: snapshot for snapshot in reading.snapshots}

    def state_at(version: str) -> Snapshot | None:
        return states.get(version) or (version_of(version) if held is not None else None)

    held_labels: Mapping[str, str] = held.labels if held is not None else {}
    changes.extend(_label_changes(reading, held, life, held_labels, detecting, state_at))
    return Derived(
        life=life,
        alive=True,
        labels=dict(reading.labels),
        held=DerivedLife(life, tuple(news)) if news else None,
        changes=tuple(changes),
        gaps=tuple(_reading_gaps(reading, life)) + tuple(_label_gaps(reading, life, changes)),
    )


def _is_beyond(snapshot: Snapshot, held: HeldDocument, version_of: Callable[[str], Snapshot | None]) -> bool:
    """Tell whether a version is newer than the cursor: another worker may have recorded some meanwhile."""
    if snapshot.ordinal is not None and held.ordinal is not None:
        return snapshot.ordinal > held.ordinal
    return snapshot.version != held.version and version_of(snapshot.version) is None


def _reading_gaps(reading: DocumentReading, life: int) -> Iterator[Gap]:
    for lost in reading.unreadable:
        yield Gap(GapClass.VERSION, reading.document, life, str(lost.first), str(lost.last), lost.reason)
    for time in reading.uncovered:
        yield Gap(GapClass.INTERVAL, reading.document, life, rfc3339(time.first), rfc3339(time.last), time.reason)


def _label_gaps(reading: DocumentReading, life: int, changes: Sequence[FlagChange]) -> Iterator[Gap]:
    """Name when a label moved that no event told of: moves in between are not to be seen."""
    for change in changes:
        between = change.occurred_between
        if change.kind is not ChangeKind.LABEL_MOVED or change.detected_by is Detection.BACKFILL:
            continue
        if between is not None and between[0] is not None:
            text = f"label {change.label} was found moved; moves in between, if any, can no longer be read"
            yield Gap(GapClass.INTERVAL, reading.document, life, rfc3339(between[0]), rfc3339(between[1]), text)


def _version_changes(
    reading: DocumentReading,
    held: HeldDocument | None,
    life: int,
    news: Sequence[Snapshot],
    detecting: Detecting,
) -> Iterator[FlagChange]:
    entries: Mapping[str, FlagEntry] = held.entries if held is not None else {}
    version = held.version if held is not None else None
    modified_at = held.modified_at if held is not None else None
    checked_at = held.seen_by(reading.read_at) if held is not None else detecting.listed_at
    not_before = checked_at if held is not None else None
    known = held is not None
    for snapshot in news:
        directly_before = None if reading.unversioned else _version_before(snapshot, version)
        begins = not known and directly_before is None
        detected_by = detecting.by if held is not None else detecting.of(snapshot, newest=snapshot is news[-1])
        for path in sorted(entries.keys() | snapshot.entries.keys()):
            before, after = entries.get(path), snapshot.entries.get(path)
            if before is not None and after is not None and not _entry_differs(before, after):
                continue
            if is_untouched(snapshot, path, version):
                continue
            yield document_change(
                reading.document,
                life,
                path,
                kind=_version_kind(reading, snapshot, before, after, detecting, begins=begins or known),
                key_tail=f"{snapshot.version}|{path}",
                cause=f"version|{reading.document}|{life}|{snapshot.version}",
                before=before,
                after=after,
                version_before=directly_before,
                version_after=None if reading.unversioned else snapshot.version,
                moment=_moment_of_version(snapshot, path, modified_at, checked_at, reading.read_at, not_before),
                detected_by=detected_by,
                reason=None if begins or known else "earlier versions could no longer be read",
            )
        yield from _outside_constraints(reading, life, snapshot, entries, directly_before, detected_by)
        entries, version, known = snapshot.entries, snapshot.version, True
        modified_at = snapshot.modified_at or modified_at
        checked_at = None


def _outside_constraints(
    reading: DocumentReading,
    life: int,
    snapshot: Snapshot,
    before: Mapping[str, FlagEntry],
    directly_before: str | None,
    detected_by: Detection,
) -> Iterator[FlagChange]:
    """Yield a guardrail for each flag that this version put outside the constraints of its own definition."""
    for path, entry in sorted(snapshot.entries.items()):
        known = violations(before[path].state) if path in before else ()
        faults = [fault for fault in violations(entry.state) if fault not in known]
        if not faults:
            continue
        text = f"version {snapshot.version}: {'; '.join(faults)}"
        moment = _moment_of_version(snapshot, path, None, None, reading.read_at)
        yield guardrail_change(
            reading.document, life, path, entry, snapshot.version, directly_before, moment, detected_by, text
        )


def _entry_differs(before: FlagEntry, after: FlagEntry) -> bool:
    return (before.flag, before.environment) != (after.flag, after.environment) or differs(before.state, after.state)


def _version_before(snapshot: Snapshot, held_version: str | None) -> str | None:
    """Return the version directly before, even where it was never held (a gap) or changed nothing."""
    if snapshot.ordinal is not None:
        return str(snapshot.ordinal - 1) if snapshot.ordinal > 1 else None
    return held_version


def _version_kind(
    reading: DocumentReading,
    snapshot: Snapshot,
    before: FlagEntry | None,
    after: FlagEntry | None,
    detecting: Detecting,
    *,
    begins: bool,
) -> ChangeKind:
    if reading.staged:
        return ChangeKind.SAVED
    if before is None:
        # The first version that can be read of a longer history: what it replaced is not known, but it is no creation.
        return ChangeKind.CREATED if begins else ChangeKind.UPDATED
    if after is not None:
        return ChangeKind.UPDATED
    # A version without flags can be one that the store itself put there when a document's time was over.
    expired = any(h.operation is Operation.EXPIRED and h.version == snapshot.version for h in detecting.hints)
    return ChangeKind.EXPIRED if expired and not snapshot.entries else ChangeKind.DELETED


def _moment_of_version(
    snapshot: Snapshot,
    path: str,
    previous: datetime | None,
    checked: datetime | None,
    read_at: datetime,
    not_before: datetime | None = None,
) -> Moment:
    """Date a flag's change by its own stamp, else by its version's date, else by the looks before and after it.

    A stamp is AppConfig's, which bears the date of an older version where those in between were deleted: one from
    before the last look cannot be that of a version that was not there then.
    """
    earliest = max((at for at in (previous, not_before and not_before - _ROUNDED) if at is not None), default=None)
    dated = snapshot.metadata.get("updated_at")
    if isinstance(dated, dict):
        own = dated.get(path)
        if isinstance(own, str) and (earliest is None or parse_rfc3339(own) >= earliest):
            return parse_rfc3339(own), None
    if snapshot.modified_at is not None:
        return snapshot.modified_at, None
    after = checked if checked is not None and checked <= read_at else previous
    return None, (after, read_at)


def _label_changes(
    reading: DocumentReading,
    held: HeldDocument | None,
    life: int,
    held_labels: Mapping[str, str],
    detecting: Detecting,
    state_at: Callable[[str], Snapshot | None],
) -> Iterator[FlagChange]:
    for label in sorted(held_labels.keys() | reading.labels.keys()):
        source, target = held_labels.get(label), reading.labels.get(label)
        if source == target:
            continue
        pointed_before = state_at(source) if source is not None else None
        pointed_after = state_at(target) if target is not None else None
        snapshot = pointed_after or pointed_before
        moment = _moment_of_label(reading, held, label, target, detecting, pointed_after)
        for path in sorted(snapshot.entries) if snapshot is not None else ():
            yield document_change(
                reading.document,
                life,
                path,
                kind=ChangeKind.LABEL_MOVED,
                key_tail=_label_key(label, source, target, moment, path),
                cause=f"label|{reading.document}|{life}|{label}|{target or '-'}|{_moment_key(moment)}",
                before=pointed_before.entries.get(path) if pointed_before is not None else None,
                after=pointed_after.entries.get(path) if pointed_after is not None else None,
                version_before=source,
                version_after=target,
                moment=moment,
                detected_by=detecting.by if held is not None else detecting.of_label(label),
                reason=None,
                label=label,
            )


def _label_key(label: str, source: str | None, target: str | None, moment: Moment, path: str) -> str:
    return f"label|{label}|{source or '-'}>{target or '-'}|{_moment_key(moment)}|{path}"


def _moment_key(moment: Moment) -> str:
    """Return what tells one move of a label from the next: its time, or what is known of it."""
    at, between = moment
    if at is not None:
        return rfc3339(at)
    return rfc3339(between[0]) if between is not None and between[0] is not None else "-"


def _moment_of_label(
    reading: DocumentReading,
    held: HeldDocument | None,
    label: str,
    target: str | None,
    detecting: Detecting,
    pointed: Snapshot | None,
) -> Moment:
    """Date a label's move by the event that tells of this very move, else by the looks before and after it."""
    moves = [
        hint
        for hint in detecting.hints
        if hint.operation is Operation.LABELLED and hint.label == label and hint.version == target
    ]
    if moves:
        return max(moves, key=lambda hint: hint.at).at, None
    after = held.checked_at if held is not None else pointed.modified_at if pointed is not None else None
    return None, (after if after is None or after <= reading.read_at else None, reading.read_at)


def guardrail_change(  # noqa: PLR0913 - one place that puts a change together
    document: DocumentRef,
    life: int,
    path: str,
    entry: FlagEntry,
    version: str,
    version_before: str | None,
    moment: Moment,
    detected_by: Detection,
    text: str,
) -> FlagChange:
    """Return that a protection of a flag did not hold in a version; the flag's states stand in other changes."""
    occurred_at, occurred_between = moment
    return FlagChange(
        key=f"{document.source}|{document.account}|{document.region}|{document.name}|{life}|{version}|{path}|guardrail",
        cause=f"version|{document}|{life}|{version}",
        kind=ChangeKind.GUARDRAIL,
        document=document,
        life=life,
        application=entry.flag.application,
        flag=entry.flag.key,
        environment=entry.environment,
        path=path,
        version_before=version_before,
        version_after=version,
        occurred_at=occurred_at,
        occurred_between=occurred_between,
        before=None,
        after=None,
        diff=(),
        summary=text,
        detected_by=detected_by,
        reason=text,
    )


def document_change(  # noqa: PLR0913 - one place that puts a change together
    document: DocumentRef,
    life: int,
    path: str,
    *,
    kind: ChangeKind,
    key_tail: str,
    cause: str,
    before: FlagEntry | None,
    after: FlagEntry | None,
    version_before: str | None,
    version_after: str | None,
    moment: Moment,
    detected_by: Detection,
    reason: str | None,
    label: str | None = None,
    key_life: str | None = None,
) -> FlagChange:
    """Return a change of one flag in a document, with its difference and its sentence."""
    entry = after or before
    if entry is None:
        msg = "a change needs a state before or after"
        raise ValueError(msg)
    old = before.state if before is not None else None
    new = after.state if after is not None else None
    entries = diff(old, new)
    occurred_at, occurred_between = moment
    where = f"{document.source}|{document.account}|{document.region}|{document.name}"
    return FlagChange(
        key=f"{where}|{key_life or life}|{key_tail}|{kind.value}",
        cause=cause,
        kind=kind,
        document=document,
        life=life,
        application=entry.flag.application,
        flag=entry.flag.key,
        environment=entry.environment,
        path=path,
        version_before=version_before,
        version_after=version_after,
        occurred_at=occurred_at,
        occurred_between=occurred_between,
        before=old,
        after=new,
        diff=entries,
        summary=summarize(
            kind=kind,
            flag=entry.flag.key,
            application=entry.flag.application,
            environment=entry.environment,
            before=old,
            after=new,
            diff=entries,
            version_before=version_before,
            version_after=version_after,
            label=label,
            reason=reason,
        ),
        detected_by=detected_by,
        reason=reason,
        label=label,
    )
