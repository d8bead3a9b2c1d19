"""States at a time: what each flag said then, and how surely the record can say so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from auditor.application.ports import HistoryQuery, Scope, UnitOfWork
from auditor.application.retaining import incomplete_before
from auditor.domain.changes import ChangeKind, Gap, GapClass, RecordedChange
from auditor.domain.documents import DocumentRef
from auditor.domain.flags import FlagState, JsonValue
from auditor.domain.references import Certainty
from auditor.domain.times import parse_rfc3339, rfc3339

STATE_BEARING = (
    ChangeKind.CREATED,
    ChangeKind.UPDATED,
    ChangeKind.DELETED,
    ChangeKind.EXPIRED,
    ChangeKind.SAVED,
    ChangeKind.DEPLOYED,
    ChangeKind.ROLLED_BACK,
)
# What a state belongs to: a document, a place in it, an environment.
_Place = tuple[DocumentRef, str, str | None]


@dataclass(frozen=True, slots=True)
class StateAt:
    """What a flag said at a time; ``state`` is ``None`` where it did not exist.

    ``as_of`` is the last moment up to the time asked for at which the record vouches for it. ``certainty`` is
    ``POSSIBLE`` where something could have changed since then, or in between, without the record knowing.
    """

    change: RecordedChange
    state: FlagState | None
    as_of: datetime | None
    certainty: Certainty

    def to_json(self) -> dict[str, JsonValue]:
        """Return the state in contract form."""
        change = self.change.change
        return {
            "application": change.application,
            "environment": change.environment,
            "flag": change.flag,
            "state": None if self.state is None else self.state.to_json(),
            "version": change.version_after,
            "as_of": None if self.as_of is None else rfc3339(self.as_of),
            "certainty": self.certainty.value,
        }


def states_at(uow: UnitOfWork, at: datetime | None, as_of: datetime | None = None) -> list[StateAt]:
    """Return the state of every flag in every environment at a time, by application, flag and environment.

    A flag that was there before and is gone has a row without state. Without a time it is the newest state known, at
    the last look. ``as_of`` hides what was recorded later.
    """
    latest = [change for change in uow.changes.latest_states(at, as_of) if change.change.flag is not None]
    doubts = _Doubts(uow, at, as_of)
    verified = _verified(uow, latest, as_of)
    return sorted((_state(change, verified[_place(change)], at, doubts) for change in latest), key=_order)


def _state(change: RecordedChange, seen: datetime, at: datetime | None, doubts: _Doubts) -> StateAt:
    """Return the state a change led to, vouched for up to the last look if nothing else is in doubt."""
    moment = seen if at is None else at
    sure = seen >= moment and not doubts.about(change, moment)
    vouched = min(seen, moment)
    return StateAt(change, change.change.after, vouched, Certainty.CERTAIN if sure else Certainty.POSSIBLE)


def _place(change: RecordedChange) -> _Place:
    return (change.change.document, change.change.path, change.change.environment)


def _order(state: StateAt) -> tuple[str, str, str, str]:
    change = state.change.change
    return (change.application or "", change.flag or "", change.environment or "", str(change.document))


def _verified(uow: UnitOfWork, changes: Sequence[RecordedChange], as_of: datetime | None) -> Mapping[_Place, datetime]:
    """Return when each place was last looked at: by a whole reconcile, or when itself or its environment was read."""
    # Only the newest look at a document is kept, and what was known earlier must not change with later looks.
    scopes = {Scope(d.source, d.account, d.region, "") for d in {change.change.document for change in changes}}
    compared = {(s.source, s.account, s.region): uow.runs.reconciled_at(s, as_of) for s in scopes}
    checked: dict[DocumentRef, datetime] = {}
    if as_of is None:
        checked = {d: held.checked_at for scope in scopes for d, held in uow.documents.held_in(scope).items()}
    # A look at a profile says nothing about deployments; recording one looks at all of its environment.
    moved: dict[tuple[str, str, str | None, str | None], datetime] = {}
    for change in changes:
        key = _environment(change)
        moved[key] = max(moved.get(key, change.recorded_at), change.recorded_at)

    def looks(change: RecordedChange) -> Iterator[datetime]:
        document = change.change.document
        yield change.recorded_at
        yield compared[document.source, document.account, document.region] or change.recorded_at
        yield moved[_environment(change)] if _is_deployed(change) else checked.get(document, change.recorded_at)

    return {_place(change): max(looks(change)) for change in changes}


def _environment(change: RecordedChange) -> tuple[str, str, str | None, str | None]:
    document = change.change.document
    return (document.account, document.region, change.change.application, change.change.environment)


def _is_deployed(change: RecordedChange) -> bool:
    return change.change.kind in (ChangeKind.DEPLOYED, ChangeKind.ROLLED_BACK)


class _Doubts:
    """What could make a state another one than its newest dated change says."""

    def __init__(self, uow: UnitOfWork, at: datetime | None, as_of: datetime | None) -> None:
        self._uow = uow
        self._whole_since = incomplete_before(uow, as_of)
        # Of a change that is only known to lie in an interval, the newest state is after it, a state within it unsure.
        around = () if at is None else uow.changes.query(HistoryQuery(since=at, until=at, as_of=as_of))
        self._floating = {_place(change) for change in around if change.occurred_at is None}
        self._gaps: dict[DocumentRef, list[Gap]] = {}
        for gap in uow.gaps.all(as_of):
            self._gaps.setdefault(gap.document, []).append(gap)

    def about(self, change: RecordedChange, at: datetime) -> bool:
        """Tell whether the state after this change is in doubt at a time."""
        if self._whole_since is not None and at < self._whole_since:
            return True
        return _place(change) in self._floating or any(
            _in_interval(gap, at) if gap.gap_class is GapClass.INTERVAL else self._among_versions(gap, change)
            for gap in self._gaps.get(change.change.document, ())
        )

    def _among_versions(self, gap: Gap, change: RecordedChange) -> bool:
        """Tell whether unreadable versions come between this change's version and the next one that is known."""
        before, first = _number(change.change.version_after), _number(gap.first)
        if change.change.life != gap.life or before is None or first is None or first < before:
            return False
        later = (_number(c.change.version_after) for c in self._after(change))
        return all(number is None or number > first for number in later)

    def _after(self, change: RecordedChange) -> Iterator[RecordedChange]:
        """Yield the changes of the same place that came later and happened by the time asked for or after it."""
        same: Sequence[RecordedChange] = self._uow.changes.of_document(change.change.document, STATE_BEARING)
        for other in same:
            if _place(other) == _place(change) and other.change.life == change.change.life and other.seq > change.seq:
                yield other


def _in_interval(gap: Gap, at: datetime) -> bool:
    """Tell whether the time lies where a store without versions could have changed unseen."""
    return parse_rfc3339(gap.first) <= at < parse_rfc3339(gap.last)


def _number(version: str | None) -> int | None:
    return int(version) if version is not None and version.isdecimal() else None
