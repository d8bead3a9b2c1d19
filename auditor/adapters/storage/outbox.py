"""Alerts on their way: written with the change, claimed with a lease, never lost, never sent twice unsaid.

An alert is pending, being sent, sent, unknown (it may have arrived) or dead. ``due_us`` says from when the next sender
may take it; while it is being sent, that is the end of the lease.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, exists, func, or_, select, update

from auditor.adapters.storage.change_log import SqlChangeLog
from auditor.adapters.storage.findings import SqlFindingLog
from auditor.adapters.storage.history import STATE_BEARING
from auditor.adapters.storage.packing import pack_json
from auditor.adapters.storage.references import SqlReferenceStore
from auditor.adapters.storage.session import PAGE, Session, numbers_of
from auditor.adapters.storage.tables import alert_changes, alert_ways, alerts, change_keys, changes
from auditor.adapters.storage.texts import digest
from auditor.domain.alerts import Alert, AlertKind, AlertState, Delivery, DeliveryOutcome, Head, NewAlert
from auditor.domain.changes import RecordedChange, change_id
from auditor.domain.flags import FlagId, JsonValue
from auditor.domain.references import FlagSpec, Reference
from auditor.domain.routing import hour_of
from auditor.domain.times import from_micros, to_micros

Facts = tuple[tuple[str, JsonValue], ...]

_SECOND = 1_000_000
_MICROSECOND = timedelta(microseconds=1)
_FIRST_WAIT = 10 * _SECOND
_LONGEST_WAIT = 15 * 60 * _SECOND
_WAITING = (AlertState.PENDING.value, AlertState.SENDING.value, AlertState.UNKNOWN.value)


@dataclass(frozen=True, slots=True)
class SqlOutbox:
    """Alerts in one table, what they tell of in another; the rest is read from the record at the moment of sending."""

    session: Session
    changes: SqlChangeLog
    findings: SqlFindingLog
    references: SqlReferenceStore

    def put(self, alert: NewAlert, at: datetime) -> bool:
        """Add an alert; return False when its key is there already.

        A key that is there and still pending takes the further changes in: a digest grows while its run goes on. One
        that was sent meanwhile waits again, to edit its message.
        A change that another alert tells of already is left to that one.
        """
        row = {
            "key": alert.key,
            "kind": alert.kind.value,
            "cause": alert.cause,
            "facts": pack_json(alert.facts),
            "created_us": to_micros(at),
            "state": AlertState.PENDING.value,
            "due_us": to_micros(at if alert.not_before is None else alert.not_before),
            "doubts": 0,
            "tries": 0,
            "channel": None,
            "message_id": None,
            "error": None,
            "settled_us": None,
        }
        number = self.session.number(alerts, row)
        if number is not None:
            self._send_its_way(alert, number)
        self._tell(alert, number)
        return number is not None

    def tell(self, alert: NewAlert, at: datetime) -> str:
        """Add an alert, or let the recent one grow that it belongs to; return the key of the one that tells.

        An alert with a burst joins one of the same burst that happened close to it and tells of other documents; one
        that would head a thread joins the alert that heads it. What was sent already waits again, to edit its message.
        """
        head = self._head(alert.key) if alert.thread == alert.key else None
        if head is not None:
            self._grow(head, alert)
            return alert.key
        found = self._joinable(alert) if alert.burst is not None else None
        if found is None or alert.burst is None:
            self.put(alert, at)
            return alert.key
        self._grow(found, alert)
        newest = update(alert_ways).where(
            alert_ways.c.alert_id == found.id, alert_ways.c.newest_us < to_micros(alert.burst.at)
        )
        self.session.run(newest.values(newest_us=to_micros(alert.burst.at)))
        key: str = found.key
        return key

    def heads(self, keys: Sequence[str]) -> Sequence[Head]:
        """Return those of these alerts that head a thread and were not given up."""
        own = and_(alert_ways.c.alert_id == alerts.c.id, alert_ways.c.thread == alerts.c.key)
        heads = select(alerts.c.key, alerts.c.facts, alert_ways.c.route).join(alert_ways, own)
        open_ones = heads.where(alerts.c.key.in_(list(keys)), alerts.c.state != AlertState.DEAD.value)
        return [Head(row.key, _facts(row.facts), row.route) for row in self.session.rows(open_ones)]

    def follow(self, key: str, facts: Sequence[tuple[str, JsonValue]], at: datetime) -> bool:
        """Let the alert that heads a thread carry these facts; return False where it carries just them.

        One that was sent already waits again, to edit its message.
        """
        row, packed = self._head(key), pack_json(tuple(facts))
        if row is None or row.facts == packed:
            return False
        fresh: dict[str, Any] = {"facts": packed}
        if row.state == AlertState.SENT.value:
            fresh |= {"state": AlertState.PENDING.value, "due_us": to_micros(at), "doubts": 0, "tries": 0}
        self.session.run(update(alerts).where(alerts.c.id == row.id).values(fresh))
        return True

    def recent(self, route: str | None, now: datetime) -> int:
        """Return how many messages about changes were put for a channel in the hour of ``now``."""
        since = to_micros(hour_of(now))
        wanted = select(func.count()).where(
            alerts.c.kind == AlertKind.CHANGE.value, alerts.c.created_us >= since, _goes_by(route)
        )
        return self.session.connection.scalar(wanted) or 0

    def routes(self) -> Sequence[str]:
        """Return the names of the channels for which anything waits."""
        ways = select(alert_ways.c.route).join(alerts, alerts.c.id == alert_ways.c.alert_id)
        waiting = ways.where(alert_ways.c.route.is_not(None), alerts.c.state.in_(_WAITING)).distinct()
        return [row.route for row in self.session.rows(waiting.order_by(alert_ways.c.route))]

    def release(self, key: str) -> None:
        """Let a held-back alert (``not_before``) go at once; nothing happens when there is none."""
        held_back = update(alerts).where(
            alerts.c.key == key, alerts.c.state == AlertState.PENDING.value, alerts.c.tries == 0
        )
        self.session.run(held_back.values(due_us=alerts.c.created_us))

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
        """Claim due alerts (all, or only those with these keys), oldest first, with everything a message needs.

        Only those are claimed that go by ``route``; ``None``: that go by none.

        An alert whose lease ran out while it was being sent comes back with ``attempt`` counted up: the channel must
        look whether it arrived.
        """
        due = select(alerts).where(_waits(), alerts.c.due_us <= to_micros(now), _goes_by(route))
        if keys is not None:
            due = due.where(alerts.c.key.in_(list(keys)))
        found = due.order_by(alerts.c.id).limit(limit).with_for_update(skip_locked=True)
        return [self._claimed(row, channel, now, lease_seconds) for row in self.session.rows(found)]

    def settle(self, alert: Alert, channel: str, delivery: Delivery, now: datetime) -> None:
        """Remember what became of a claimed alert: sent, due later, dead after a refusal, or unknown."""
        row = self.session.first(select(alerts).where(alerts.c.id == alert.id).with_for_update())
        if row is None or row.state == AlertState.SENT.value:
            return
        outcome = delivery.outcome
        if outcome is not DeliveryOutcome.SENT and (row.state, row.channel, row.doubts + 1) != (
            AlertState.SENDING.value,
            channel,
            alert.attempt,
        ):
            return  # its lease ran out, and whoever has it now knows better; only "sent" is true whoever says it
        settled = {"error": delivery.error} | _settled(row, delivery, now)
        if outcome is DeliveryOutcome.SENT and self._grew(alert, _facts(row.facts)):
            settled |= {"state": AlertState.PENDING.value, "due_us": to_micros(now), "doubts": 0, "tries": 0}
        self.session.run(update(alerts).where(alerts.c.id == alert.id).values(settled))

    def pending(self, now: datetime | None = None, limit: int | None = None) -> Sequence[Alert]:
        """Return what waits (due or not), without claiming it: for a dry run and for the doctor."""
        waiting = select(alerts).where(alerts.c.state.in_(_WAITING)).order_by(alerts.c.id).limit(limit)
        if now is not None:
            waiting = waiting.where(alerts.c.created_us <= to_micros(now))
        return [self._alert(row, row.doubts) for row in self.session.rows(waiting)]

    def untold(self, since: datetime, until: datetime) -> Iterator[RecordedChange]:
        """Yield the changes recorded between two times that no alert tells of; whether one had to, is not asked."""
        told = exists(select(1).where(alert_changes.c.told == changes.c.id)).label("told")
        newest_first = select(changes.c.seq, changes.c.id, changes.c.recorded_us, told).order_by(changes.c.seq.desc())
        start, end = to_micros(since), to_micros(until)
        rows = self.session.rows(newest_first.limit(PAGE))
        # Numbers are given in the order of recording: no index over it is needed to find what is new.
        while rows:
            missing = [row.id for row in rows if not row.told and start <= row.recorded_us <= end]
            yield from self.changes.with_ids(missing)
            last = rows[-1]
            rows = self.session.rows(newest_first.where(changes.c.seq < last.seq).limit(PAGE))
            if last.recorded_us < start:
                return

    def message_of(self, change_id: str) -> str | None:
        """Return the channel's id of the message that told of this change, or ``None``."""
        sent = (
            select(alerts.c.message_id)
            .join(alert_changes, alert_changes.c.alert_id == alerts.c.id)
            .where(alert_changes.c.told == change_id, alerts.c.state == AlertState.SENT.value)
        )
        row = self.session.first(sent)
        return None if row is None else row.message_id

    def dead(self) -> Sequence[tuple[int, str]]:
        """Return the alerts that no channel will take, with the reason."""
        refused = select(alerts.c.id, alerts.c.error).where(alerts.c.state == AlertState.DEAD.value)
        return [(row.id, row.error or "") for row in self.session.rows(refused.order_by(alerts.c.id))]

    def revive(self, now: datetime) -> int:
        """Let the alerts that were given up wait again, due at once; return how many there were."""
        again = {"state": AlertState.PENDING.value, "due_us": to_micros(now), "settled_us": None}
        given_up = update(alerts).where(alerts.c.state == AlertState.DEAD.value)
        return self.session.run(given_up.values(again | {"doubts": 0, "tries": 0}))

    def _tell(self, alert: NewAlert, number: int | None) -> None:
        """Let an alert tell of its changes, if it is new or still waits."""
        if number is not None:
            self._add(alert, number, 0)
            return
        row = self.session.first(select(alerts).where(alerts.c.key == alert.key).with_for_update())
        if row is not None and (row.state == AlertState.PENDING.value or alert.kind is AlertKind.DIGEST):
            self._grow(row, alert)

    def _head(self, key: str) -> Row[Any] | None:
        """Return the alert of this key, for changing it, if it heads a thread and was not given up."""
        if not self.heads([key]):
            return None
        return self.session.first(select(alerts).where(alerts.c.key == key).with_for_update())

    def _grow(self, row: Row[Any], alert: NewAlert) -> None:
        """Let an alert tell of more; one that was sent waits again, unless it tells of all that already."""
        last = select(func.max(alert_changes.c.position)).where(alert_changes.c.alert_id == row.id)
        first: int = (self.session.connection.scalar(last) or 0) + 1
        before = self._count(row.id)
        self._add(alert, row.id, first)
        if row.state == AlertState.SENT.value and self._count(row.id) > before:
            again = {"state": AlertState.PENDING.value, "due_us": row.settled_us, "doubts": 0, "tries": 0}
            self.session.run(update(alerts).where(alerts.c.id == row.id).values(again))

    def _add(self, alert: NewAlert, number: int, first: int) -> None:
        """Note what an alert tells of, from a position on; what another alert tells of is left to that one."""
        tells = alert.kind is not AlertKind.UPDATE
        told = [
            {"alert_id": number, "change_id": one, "position": position, "told": one if tells else None}
            for position, one in enumerate(dict.fromkeys(map(change_id, alert.change_keys)), first)
        ]
        self.session.keep_all(alert_changes, told)

    def _count(self, number: int) -> int:
        wanted = select(func.count()).where(alert_changes.c.alert_id == number)
        return self.session.connection.scalar(wanted) or 0

    def _send_its_way(self, alert: NewAlert, number: int) -> None:
        """Note which way an alert goes, and what it may grow by; an edit goes where the message went."""
        route = alert.route
        if alert.kind is AlertKind.UPDATE:
            told = select(alert_ways.c.route).join(alert_changes, alert_changes.c.alert_id == alert_ways.c.alert_id)
            row = self.session.first(told.where(alert_changes.c.told.in_(map(change_id, alert.change_keys))).limit(1))
            route = None if row is None else row.route
        if route is None and alert.burst is None and alert.thread is None and alert.kind is not AlertKind.DIGEST:
            return
        way = {
            "alert_id": number,
            "route": route,
            "burst": None if alert.burst is None else digest(alert.burst.key),
            "newest_us": None if alert.burst is None else to_micros(alert.burst.at),
            "shown": 0,
            "thread": alert.thread,
        }
        self.session.add(alert_ways, way)

    def _joinable(self, alert: NewAlert) -> Row[Any] | None:
        """Return the recent alert of the same burst, unless it tells of one of these changes' documents already."""
        if alert.burst is None:
            return None
        at, within = to_micros(alert.burst.at), alert.burst.within // _MICROSECOND
        ways = select(alert_ways.c.alert_id).where(
            alert_ways.c.burst == digest(alert.burst.key), alert_ways.c.newest_us.between(at - within, at + within)
        )
        sure = and_(alerts.c.state == AlertState.PENDING.value, alerts.c.doubts == 0)
        open_ones = or_(sure, alerts.c.state.in_((AlertState.SENT.value, AlertState.SENDING.value)))
        newest = select(alerts).where(alerts.c.id.in_(ways), open_ones).order_by(alerts.c.id.desc()).limit(1)
        found = self.session.first(newest.with_for_update())
        return None if found is None or self._tells_of_same(found.id, alert) else found

    def _tells_of_same(self, number: int, alert: NewAlert) -> bool:
        mine = select(changes.c.document_hash).where(changes.c.seq.in_(numbers_of(map(change_id, alert.change_keys))))
        told = select(change_keys.c.seq).join(alert_changes, alert_changes.c.change_id == change_keys.c.id)
        told = told.where(alert_changes.c.alert_id == number)
        both = select(changes.c.seq).where(changes.c.seq.in_(told), changes.c.document_hash.in_(mine)).limit(1)
        return self.session.first(both) is not None

    def _grew(self, alert: Alert, facts: Facts) -> bool:
        """Tell whether an alert tells of more, or else, by now than the message that was surely sent."""
        wanted = select(alert_ways.c.shown, alert_ways.c.thread).where(alert_ways.c.alert_id == alert.id)
        way = self.session.first(wanted)
        if way is None or alert.kind is AlertKind.REPLY:
            return False
        # A message that was found, not sent, is as an earlier attempt made it.
        sure = alert.attempt == 1 or alert.sent_as is not None
        if way.thread is not None and facts and (not sure or facts != alert.facts):
            return True
        return self._count(alert.id) > (len(alert.changes) if sure else way.shown)

    def _claimed(self, row: Row[Any], channel: str, now: datetime, lease_seconds: int) -> Alert:
        # Sent and never settled: the sender died, or its connection did.
        doubts = row.doubts + (row.state == AlertState.SENDING.value)
        lease = {
            "state": AlertState.SENDING.value,
            "due_us": to_micros(now) + lease_seconds * _SECOND,
            "doubts": doubts,
            "tries": row.tries + 1,
            "channel": channel,
        }
        self.session.run(update(alerts).where(alerts.c.id == row.id).values(lease))
        claimed = self._alert(row, doubts)
        if doubts == 0:
            shown = update(alert_ways).where(alert_ways.c.alert_id == row.id)
            self.session.run(shown.values(shown=len(claimed.changes)))
        return claimed

    def _alert(self, row: Row[Any], doubts: int) -> Alert:
        kind, facts = AlertKind(row.kind), _facts(row.facts)
        ids = select(alert_changes.c.change_id).where(alert_changes.c.alert_id == row.id)
        named = [one.change_id for one in self.session.rows(ids.order_by(alert_changes.c.position))]
        if kind is AlertKind.UPDATE:
            original = self._original(named)
            named = self._told_with(named) or named
            facts = facts if original is None else _facts(original.facts)
        told = self.changes.with_ids(named)
        return Alert(
            id=row.id,
            key=row.key,
            kind=kind,
            cause=row.cause,
            attempt=doubts + 1,
            created_at=from_micros(row.created_us),
            changes=tuple(told),
            findings=tuple(self.findings.of_changes([one.change.key for one in told])),
            references=self._references(told),
            facts=facts,
            sent_as=self._message(named) if kind is AlertKind.UPDATE else row.message_id,
            superseded=self._superseded(told),
            thread=self._thread(row.id) if kind is AlertKind.REPLY else None,
            commit=self._commit() if told else None,
        )

    def _commit(self) -> str | None:
        """Return the commit that was scanned, where it is one."""
        scans = self.references.scans()
        return scans[0].commit if len(scans) == 1 else None

    def _original(self, ids: Sequence[str]) -> Row[Any] | None:
        """Return the facts of the alert that tells of these changes."""
        told = select(alerts.c.facts).join(alert_changes, alert_changes.c.alert_id == alerts.c.id)
        return self.session.first(told.where(alert_changes.c.told.in_(ids)).limit(1))

    def _thread(self, number: int) -> str | None:
        """Return the channel's id of the message in whose thread an alert stands."""
        own = select(alert_ways.c.thread).where(alert_ways.c.alert_id == number).scalar_subquery()
        row = self.session.first(select(alerts.c.message_id).where(alerts.c.key == own))
        return None if row is None else row.message_id

    def _told_with(self, ids: Sequence[str]) -> list[str]:
        """Return all that the message tells of that told of these."""
        original = select(alert_changes.c.alert_id).where(alert_changes.c.told.in_(ids)).limit(1).scalar_subquery()
        together = select(alert_changes.c.change_id).where(alert_changes.c.alert_id == original)
        return [one.change_id for one in self.session.rows(together.order_by(alert_changes.c.position))]

    def _message(self, ids: Sequence[str]) -> str | None:
        return next((message for one in ids if (message := self.message_of(one)) is not None), None)

    def _references(self, told: Sequence[RecordedChange]) -> tuple[Reference, ...] | None:
        """Return where code names the flags; ``None`` when nothing was scanned since they are known."""
        scans = self.references.scans()
        if not scans:
            return None
        specs = dict.fromkeys(spec for one in told if (spec := _spec(one)) is not None)
        found = [reference for spec in specs for reference in self.references.of_flag(spec) or ()]
        # A scan looks for the flags that the record had then: of a newer one it says nothing.
        looked = to_micros(min(scan.scanned_at for scan in scans))
        if not found and not all(self._was_known(one, looked) for one in told if one.change.flag is not None):
            return None
        # One place may stand for the flag in several environments.
        return tuple({(one.flag, one.path, one.line, one.column): one for one in found}.values())

    def _was_known(self, one: RecordedChange, moment: int) -> bool:
        table, c = changes.c, one.change
        former = select(table.seq).where(
            table.flag == c.flag,
            table.application.is_not_distinct_from(c.application),
            table.recorded_us <= moment,
        )
        return self.session.first(former.limit(1)) is not None

    def _superseded(self, told: Sequence[RecordedChange]) -> tuple[str, ...]:
        """Return the ids of those changes that a later change of the same flag and environment has overtaken."""
        return tuple(one.id for one in told if one.change.flag is not None and self._overtaken(one))

    def _overtaken(self, one: RecordedChange) -> bool:
        table, c = changes.c, one.change
        own = select(table.sort_us).where(table.seq == one.seq).scalar_subquery()
        later = select(table.seq).where(
            table.flag == c.flag,
            table.application.is_not_distinct_from(c.application),
            table.environment.is_not_distinct_from(c.environment),
            table.kind.in_([kind.value for kind in STATE_BEARING]),
            or_(table.sort_us > own, and_(table.sort_us == own, table.seq > one.seq)),
        )
        return self.session.first(later.limit(1)) is not None


def _waits() -> ColumnElement[bool]:
    """Say that an alert is to be sent; one that edits a message, or answers it, waits until that message is settled."""
    told = alert_changes.alias()
    original = alerts.alias()
    unsettled = exists(
        select(1)
        .select_from(alert_changes)
        .join(told, told.c.told == alert_changes.c.change_id)
        .join(original, original.c.id == told.c.alert_id)
        .where(alert_changes.c.alert_id == alerts.c.id, original.c.state.in_(_WAITING))
        .correlate(alerts)
    )
    head = alerts.alias()
    unheaded = exists(
        select(1)
        .select_from(alert_ways)
        .join(head, head.c.key == alert_ways.c.thread)
        .where(alert_ways.c.alert_id == alerts.c.id, head.c.state.in_(_WAITING))
        .correlate(alerts)
    )
    waiting = alerts.c.state.in_(_WAITING)
    edits, replies = alerts.c.kind == AlertKind.UPDATE.value, alerts.c.kind == AlertKind.REPLY.value
    return and_(waiting, or_(~edits, ~unsettled), or_(~replies, ~unheaded))


def _facts(text: str) -> Facts:
    return tuple((name, value) for name, value in json.loads(text))


def _goes_by(route: str | None) -> ColumnElement[bool]:
    """Say that an alert goes by this route; ``None``: by none."""
    own = select(1).select_from(alert_ways).where(alert_ways.c.alert_id == alerts.c.id).correlate(alerts)
    if route is None:
        return ~exists(own.where(alert_ways.c.route.is_not(None)))
    return exists(own.where(alert_ways.c.route == route))


def _settled(row: Row[Any], delivery: Delivery, now: datetime) -> dict[str, Any]:
    at = to_micros(now)
    if delivery.outcome is DeliveryOutcome.SENT:
        return {"state": AlertState.SENT.value, "message_id": delivery.message_id, "settled_us": at}
    if delivery.outcome is DeliveryOutcome.REFUSED:
        return {"state": AlertState.DEAD.value, "settled_us": at}
    due = _next(row, delivery, at)
    if delivery.outcome is DeliveryOutcome.LATER:
        return {"state": AlertState.PENDING.value, "due_us": due}
    return {"state": AlertState.UNKNOWN.value, "due_us": due, "doubts": row.doubts + 1}


def _next(row: Row[Any], delivery: Delivery, at: int) -> int:
    if delivery.not_before is not None:
        return to_micros(delivery.not_before)
    wait: int = _FIRST_WAIT << min(max(row.tries - 1, 0), 10)
    return at + min(wait, _LONGEST_WAIT)


def _spec(one: RecordedChange) -> FlagSpec | None:
    """Return how a scan knows the flag of a change."""
    c = one.change
    if c.flag is None:
        return None
    key = c.document.name if c.document.source == "ssm" else c.flag
    name = str(FlagId(c.application or "", c.flag))
    return FlagSpec(key, c.document.source, c.application, c.environment, name=name)
