"""Small real classes that stand for ports in tests: each keeps its port's whole contract, in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from auditor.domain.alerts import Alert, AlertState, Delivery, DeliveryOutcome, Head, NewAlert
from auditor.domain.changes import RecordedChange
from auditor.domain.flags import JsonValue

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@dataclass(slots=True)
class ClockFake:
    """A clock that stands until it is moved."""

    at: datetime = NOON

    def now(self) -> datetime:
        return self.at

    def move(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


@dataclass(slots=True)
class _Waiting:
    alert: Alert
    state: AlertState = AlertState.PENDING
    due: datetime | None = None
    error: str | None = None
    message_id: str | None = None
    route: str | None = None


@dataclass(slots=True)
class OutboxFake:
    """An outbox in memory; ``changes`` are those that alerts may tell of, by natural key."""

    changes: dict[str, RecordedChange] = field(default_factory=dict)
    rows: list[_Waiting] = field(default_factory=list)
    back_off: timedelta = timedelta(seconds=30)
    doubt: timedelta = timedelta(seconds=10)

    def put(self, alert: NewAlert, at: datetime) -> bool:
        known = self._row(alert.key)
        told = tuple(self.changes[key] for key in alert.change_keys if key in self.changes)
        if known is not None:
            if known.state is AlertState.PENDING:
                more = tuple(change for change in told if change not in known.alert.changes)
                known.alert = replace(known.alert, changes=known.alert.changes + more)
            return False
        row = Alert(
            id=len(self.rows) + 1,
            key=alert.key,
            kind=alert.kind,
            cause=alert.cause,
            attempt=1,
            created_at=at,
            changes=told,
            facts=alert.facts,
        )
        self.rows.append(_Waiting(row, due=alert.not_before, route=alert.route))
        return True

    def tell(self, alert: NewAlert, at: datetime) -> str:
        self.put(alert, at)
        return alert.key

    def heads(self, keys: Sequence[str]) -> Sequence[Head]:
        return ()

    def follow(self, key: str, facts: Sequence[tuple[str, JsonValue]], at: datetime) -> bool:
        return False

    def recent(self, route: str | None, now: datetime) -> int:
        return len(self.rows)

    def routes(self) -> Sequence[str]:
        return sorted({row.route for row in self.rows if row.route is not None})

    def release(self, key: str) -> None:
        row = self._row(key)
        if row is not None and row.state is AlertState.PENDING:
            row.due = None

    def claim(
        self,
        channel: str,
        now: datetime,
        *,
        lease_seconds: int,
        limit: int,
        keys: Sequence[str] | None = None,
        route: str | None = None,
    ) -> Sequence[Alert]:
        claimed = [row for row in self.rows if self._is_due(row, now) and (keys is None or row.alert.key in keys)]
        claimed = [row for row in claimed if row.route == route]
        for row in claimed[:limit]:
            if row.state is AlertState.SENDING:
                self._doubt(row)
            row.state = AlertState.SENDING
            row.due = now + timedelta(seconds=lease_seconds)
        return [row.alert for row in claimed[:limit]]

    def settle(self, alert: Alert, channel: str, delivery: Delivery, now: datetime) -> None:
        row = next(row for row in self.rows if row.alert.id == alert.id)
        row.error = delivery.error
        if delivery.outcome is DeliveryOutcome.SENT:
            row.state, row.message_id = AlertState.SENT, delivery.message_id
        elif delivery.outcome is DeliveryOutcome.LATER:
            row.state, row.due = AlertState.PENDING, delivery.not_before or now + self.back_off
        elif delivery.outcome is DeliveryOutcome.UNKNOWN:
            row.state, row.due = AlertState.UNKNOWN, now + self.doubt
            self._doubt(row)
        else:
            row.state = AlertState.DEAD

    def pending(self, now: datetime | None = None, limit: int | None = None) -> Sequence[Alert]:
        waiting = [row.alert for row in self.rows if row.state not in (AlertState.SENT, AlertState.DEAD)]
        return waiting[:limit]

    def message_of(self, change_id: str) -> str | None:
        sent = [row for row in self.rows if any(change.id == change_id for change in row.alert.changes)]
        return next((row.message_id for row in sent if row.message_id), None)

    def dead(self) -> Sequence[tuple[int, str]]:
        return [(row.alert.id, row.error or "") for row in self.rows if row.state is AlertState.DEAD]

    def revive(self, now: datetime) -> int:
        given_up = [row for row in self.rows if row.state is AlertState.DEAD]
        for row in given_up:
            row.state, row.due = AlertState.PENDING, now
        return len(given_up)

    def states(self) -> dict[str, AlertState]:
        """Tell where every alert stands, by its key."""
        return {row.alert.key: row.state for row in self.rows}

    def _row(self, key: str) -> _Waiting | None:
        return next((row for row in self.rows if row.alert.key == key), None)

    def _doubt(self, row: _Waiting) -> None:
        """Count an attempt of which nobody knows whether it arrived."""
        row.alert = replace(row.alert, attempt=row.alert.attempt + 1)

    def _is_due(self, row: _Waiting, now: datetime) -> bool:
        if row.state in (AlertState.SENT, AlertState.DEAD):
            return False
        return row.due is None or row.due <= now


@dataclass(slots=True)
class ChannelFake:
    """A channel that answers as it is told to, and remembers what it was given."""

    answers: list[Delivery] = field(default_factory=list)
    given: list[Alert] = field(default_factory=list)
    name: str = "fake"

    def send(self, alert: Alert) -> Delivery:
        self.given.append(alert)
        sent = Delivery(DeliveryOutcome.SENT, message_id=f"m{alert.id}")
        return self.answers.pop(0) if self.answers else sent


@dataclass(slots=True)
class RecordFake:
    """What dispatch needs of a unit of work: an outbox, and held versions."""

    outbox: OutboxFake = field(default_factory=OutboxFake)
    versions: dict[tuple[Any, str, int | None], Any] = field(default_factory=dict)
    titled: dict[Any, Any] = field(default_factory=dict)
    commits: int = 0
    open: bool = False

    @property
    def documents(self) -> RecordFake:
        return self

    def version(self, document: Any, version: str, life: int | None = None) -> Any:
        return self.versions.get((document, version, life))

    def held(self, document: Any) -> Any:
        return self.titled.get(document)

    def __call__(self) -> Any:
        return self

    def __enter__(self) -> Self:
        assert not self.open, "one transaction at a time"
        self.open = True
        return self

    def __exit__(self, *_: object) -> None:
        self.open = False

    def commit(self) -> None:
        self.commits += 1
