"""Which recorded changes become alerts, on which way: at once, in a digest, or only counted. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from auditor.domain.alerts import AlertKind, Burst, NewAlert
from auditor.domain.changes import ChangeKind, Detection, RecordedChange
from auditor.domain.findings import Severity
from auditor.domain.liveness import thread_of
from auditor.domain.routing import Destination, Routing, worst_of
from auditor.domain.times import rfc3339

LATE = timedelta(hours=1)
DIGEST_HOLD = timedelta(minutes=15)
_WRITES = (ChangeKind.CREATED, ChangeKind.UPDATED, ChangeKind.DELETED)


@dataclass(frozen=True, slots=True)
class Tellable:
    """A recorded change with what decides its way: who owns the flag, and the worst that a policy said of it."""

    change: RecordedChange
    owner: str | None = None
    worst: Severity | None = None


def _none_recent(_route: str | None) -> int:
    return 0


def _none_headed(_key: str) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Desk:
    """Where alerts are planned: the routes, the hour, and how many messages a channel got in it (by its name).

    ``heads`` tells whether an alert of this key heads a thread already.
    """

    now: datetime
    routing: Routing = field(default_factory=Routing)
    recent: Callable[[str | None], int] = _none_recent
    heads: Callable[[str], bool] = _none_headed


@dataclass(slots=True)
class _Heap:
    """Changes that go the same way together."""

    destination: Destination
    changes: list[Tellable] = field(default_factory=list)

    def keys(self) -> tuple[str, ...]:
        return tuple(one.change.change.key for one in self.changes)

    def worst(self) -> Severity | None:
        return worst_of([one.worst for one in self.changes if one.worst is not None])


def plan_alerts(recorded: Iterable[Tellable], run_started: datetime, desk: Desk) -> Iterator[NewAlert]:
    """Yield the alerts that tell of these changes: each alertable change in exactly one, one cause in one message.

    Back-fill alerts nobody. What reconcile finds more than an hour late goes into the run's one digest, held back until
    the run lets it go (or dies). Where a channel wants to be left in peace, or has had its share of this hour, changes
    wait for its digest, unless a policy found something urgent.
    """
    prompt: dict[tuple[str, str | None], _Heap] = {}
    late: dict[str | None, _Heap] = {}
    for item in recorded:
        if not is_told(item.change, desk.routing):
            continue
        way = desk.routing.destination(item.change, item.owner, item.worst)
        begun = headed(item.change.change.cause, way.name)
        joins = begun is not None and desk.heads(begun)
        found_late = item.change.change.detected_by is Detection.RECONCILE and is_late(item.change, desk.now)
        if found_late and not joins:
            late.setdefault(way.name, _Heap(way)).changes.append(item)
        else:
            prompt.setdefault((item.change.change.cause, way.name), _Heap(way)).changes.append(item)
    yield from _prompt(prompt, desk)
    for route, heap in late.items():
        key = routed(digest_key(run_started), route)
        hold = desk.now + DIGEST_HOLD
        yield NewAlert(key, AlertKind.DIGEST, key, heap.keys(), not_before=hold, route=route)


def is_told(recorded: RecordedChange, routing: Routing) -> bool:
    """Tell whether people hear of a change: not of back-fill, of failed calls, and of documents nobody is told of."""
    change = recorded.change
    if change.kind in _WRITES and change.document.name in routing.untold:
        return False
    return change.detected_by is not Detection.BACKFILL and change.kind is not ChangeKind.FAILED


def _prompt(prompt: dict[tuple[str, str | None], _Heap], desk: Desk) -> Iterator[NewAlert]:
    """Yield what is told at once, and what waits for a channel's digest."""
    planned: Counter[str | None] = Counter()
    held: dict[str, NewAlert] = {}
    for (cause, route), heap in prompt.items():
        thread = headed(cause, route)
        if thread is not None and desk.heads(thread):
            # Its message is there: what grows wakes nobody.
            yield NewAlert(thread, AlertKind.CHANGE, cause, heap.keys(), route=route, thread=thread)
            continue
        # Counting asks the record, which only a channel with a budget is worth.
        recent = 0 if heap.destination.budget is None else desk.recent(route) + planned[route]
        wait = heap.destination.held_until(desk.now, recent, heap.worst())
        if wait is None:
            planned[route] += 1
            yield NewAlert(
                thread or routed(f"change|{cause}", route),
                AlertKind.CHANGE,
                cause,
                heap.keys(),
                route=route,
                burst=_burst(heap, desk),
                thread=thread,
            )
            continue
        why, until = wait
        key = routed(f"digest|{why}|{rfc3339(until)}", route)
        usual = NewAlert(key, AlertKind.DIGEST, key, (), (("held_back", why),), not_before=until, route=route)
        known = held.get(key, usual)
        held[key] = replace(known, change_keys=(*known.change_keys, *heap.keys()))
    yield from held.values()


def _burst(heap: _Heap, desk: Desk) -> Burst | None:
    """Return what one act may have in common with others: who wrote, in which store, at about the same time.

    Only single writes by somebody who is named are taken together: applying a plan writes many parameters one by one.
    """
    if len(heap.changes) != 1 or not desk.routing.group_within:
        return None
    (item,) = heap.changes
    change, attribution = item.change.change, item.change.attribution
    if change.kind not in _WRITES or change.occurred_at is None or not attribution.attributed:
        return None
    document, actor = change.document, attribution.actor
    who = actor.arn or f"{actor.kind}:{actor.name}"
    return Burst(
        "|".join((document.source, document.account, document.region, who, heap.destination.name or "")),
        change.occurred_at,
        desk.routing.group_within,
    )


def routed(key: str, route: str | None) -> str:
    """Return the key of an alert on its way: what goes two ways is two alerts."""
    return key if route is None else f"{key}|to|{route}"


def headed(cause: str, route: str | None) -> str | None:
    """Return the key of the alert that tells of a whole deployment on a way; ``None``: the cause is no deployment."""
    thread = thread_of(cause)
    return None if thread is None else routed(f"change|{thread}", route)


def is_late(item: RecordedChange, now: datetime) -> bool:
    """Tell whether a change happened more than an hour before it was found; an undated one by its earliest bound."""
    change = item.change
    if change.occurred_at is not None:
        return now - change.occurred_at > LATE
    if change.occurred_between is None or change.occurred_between[0] is None:
        return True
    return now - change.occurred_between[0] > LATE


def digest_key(run_started: datetime) -> str:
    """Return the key of the digest of one reconcile run."""
    return f"digest|{rfc3339(run_started)}"


def digests_of(keys: Sequence[str], run_started: datetime) -> list[str]:
    """Return those of these alerts that are digests of one reconcile run, one for each channel."""
    own = digest_key(run_started)
    return [key for key in dict.fromkeys(keys) if key == own or key.startswith(f"{own}|to|")]


def summary_alert(run_started: datetime, *, documents: int, versions: int, changes: int, gaps: int) -> NewAlert:
    """Return the one message about a back-fill."""
    key = f"summary|{rfc3339(run_started)}"
    facts = (("documents", documents), ("versions", versions), ("changes", changes), ("gaps", gaps))
    return NewAlert(key, AlertKind.SUMMARY, key, facts=facts)
