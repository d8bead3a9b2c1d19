"""Dispatch: what waits in the outbox is claimed, sent, and marked with what became of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from auditor.application.ports import AlertChannel, Clock, UnitOfWork, UnitOfWorkFactory
from auditor.application.retrying import retried
from auditor.domain.alerts import Alert, Delivery, DeliveryOutcome
from auditor.domain.changes import RecordedChange
from auditor.domain.flags import JsonValue

LEASE_SECONDS = 120
"""Longer than any channel may take to look for a message and to post it."""


@dataclass(frozen=True, slots=True)
class DispatchReport:
    """How many alerts were sent, put off, given up (``dead``) or left in doubt, and what the channel said of those."""

    sent: int = 0
    later: int = 0
    dead: int = 0
    unknown: int = 0
    errors: tuple[str, ...] = ()

    def to_json(self) -> dict[str, JsonValue]:
        """Return the report for outputs."""
        return {
            "sent": self.sent,
            "later": self.later,
            "dead": self.dead,
            "unknown": self.unknown,
            "errors": list(self.errors),
        }


def dispatch_all(
    uow_factory: UnitOfWorkFactory,
    carry: Callable[[str | None], AlertChannel | None],
    clock: Clock,
    *,
    keys: Collection[str] | None = None,
    deadline: datetime | None = None,
) -> DispatchReport | None:
    """Send what is due on every way, the usual one first; ``None`` where no way has a channel.

    ``carry`` builds the channel of a route. What one channel refuses or puts off keeps no other from sending.
    """
    with uow_factory() as uow:
        routes = [None, *uow.outbox.routes()]
    reports = []
    for route in routes:
        channel = carry(route)
        if channel is not None:
            reports.append(dispatch(uow_factory, channel, clock, keys=keys, deadline=deadline, route=route))
    return together(reports) if reports else None


def together(reports: Sequence[DispatchReport]) -> DispatchReport:
    """Return what several channels sent as one report."""
    return DispatchReport(
        sum(one.sent for one in reports),
        sum(one.later for one in reports),
        sum(one.dead for one in reports),
        sum(one.unknown for one in reports),
        tuple(dict.fromkeys(error for one in reports for error in one.errors)),
    )


def report_of(deliveries: Sequence[Delivery]) -> DispatchReport:
    """Return the report of these deliveries, each error once."""
    outcomes = [delivery.outcome for delivery in deliveries]
    return DispatchReport(
        sent=outcomes.count(DeliveryOutcome.SENT),
        later=outcomes.count(DeliveryOutcome.LATER),
        dead=outcomes.count(DeliveryOutcome.REFUSED),
        unknown=outcomes.count(DeliveryOutcome.UNKNOWN),
        errors=tuple(dict.fromkeys(delivery.error for delivery in deliveries if delivery.error is not None)),
    )


def dispatch(
    uow_factory: UnitOfWorkFactory,
    channel: AlertChannel,
    clock: Clock,
    *,
    keys: Collection[str] | None = None,
    deadline: datetime | None = None,
    limit: int | None = None,
    route: str | None = None,
) -> DispatchReport:
    """Send what is due (``keys``: only these) until nothing is, the deadline has come or ``limit`` were tried.

    Only what goes by ``route`` is sent; ``None``: what goes by none.

    One alert at a time is claimed, so that a process that dies leaves one in doubt at most. Nothing sleeps: a channel
    that asks to wait, or that refuses, ends the run, and the next one goes on. The deadline is checked before a send,
    which may still take the channel's own timeout.
    """
    deliveries: list[Delivery] = []
    waiting = None if keys is None else dict.fromkeys(keys)
    seen: set[int] = set()
    while waiting != {} and not _is_over(len(deliveries), clock.now(), deadline, limit):
        alert = _claim(uow_factory, channel, clock, None if waiting is None else list(waiting), route)
        # One that grew while it was sent is due again at once, to be edited.
        if alert is None or (alert.id in seen and alert.sent_as is None):
            break
        seen.add(alert.id)
        delivery = channel.send(alert)
        _settle(uow_factory, channel, alert, delivery, clock)
        deliveries.append(delivery)
        if waiting is not None:
            waiting.pop(alert.key, None)
        if _is_closed(delivery):
            break
    return report_of(deliveries)


def _is_over(tried: int, now: datetime, deadline: datetime | None, limit: int | None) -> bool:
    return (deadline is not None and now >= deadline) or (limit is not None and tried >= limit)


def _is_closed(delivery: Delivery) -> bool:
    """Tell whether trying the next alert now is wrong: the channel named a time, or refused.

    A refusal is mostly about the channel (a wrong token): going on would have every waiting alert refused as well.
    """
    asked_to_wait = delivery.outcome is DeliveryOutcome.LATER and delivery.not_before is not None
    return asked_to_wait or delivery.outcome is DeliveryOutcome.REFUSED


@retried
def _settle(
    uow_factory: UnitOfWorkFactory, channel: AlertChannel, alert: Alert, delivery: Delivery, clock: Clock
) -> None:
    """Remember what became of an alert, in a transaction of its own: the message cannot be taken back."""
    with uow_factory() as uow:
        uow.outbox.settle(alert, channel.name, delivery, clock.now())
        uow.commit()


@retried
def _claim(
    uow_factory: UnitOfWorkFactory, channel: AlertChannel, clock: Clock, keys: list[str] | None, route: str | None
) -> Alert | None:
    """Claim the oldest due alert in a transaction of its own; ``None``: nothing is due."""
    with uow_factory() as uow:
        claimed = uow.outbox.claim(
            channel.name, clock.now(), lease_seconds=LEASE_SECONDS, limit=1, keys=keys, route=route
        )
        if not claimed:
            return None
        alert = completed(uow, claimed[0])
        uow.commit()
    return alert


def waiting_alerts(uow_factory: UnitOfWorkFactory, now: datetime | None = None) -> list[Alert]:
    """Return what waits (``now``: and was there by then), as it would be sent, without claiming it."""
    with uow_factory() as uow:
        return [completed(uow, alert) for alert in uow.outbox.pending(now)]


def completed(uow: UnitOfWork, alert: Alert) -> Alert:
    """Return an alert with what its message needs besides."""
    former = {change.id: metadata for change in alert.changes if (metadata := _former(uow, change)) is not None}
    held = {change.change.document: uow.documents.held(change.change.document) for change in alert.changes}
    titles = {document.name: found.title for document, found in held.items() if found is not None and found.title}
    return replace(alert, former=former, titles=titles)


def _former(uow: UnitOfWork, recorded: RecordedChange) -> Mapping[str, JsonValue] | None:
    """Return the metadata of the version before a change, for putting its text back exactly."""
    change = recorded.change
    if change.version_before is None or change.life is None:
        return None
    snapshot = uow.documents.version(change.document, change.version_before, change.life)
    return None if snapshot is None else snapshot.metadata
