"""A deployment's message and its thread: begun with its start, kept up with every look, joined by what it changes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from auditor.application.alerting import Desk, headed
from auditor.application.ports import Outbox
from auditor.application.wording import actor_text, visible
from auditor.domain.alerts import Alert, AlertKind, Head, NewAlert
from auditor.domain.attribution import Attribution
from auditor.domain.changes import ChangeKind, FlagChange, RecordedChange
from auditor.domain.documents import Deployment
from auditor.domain.flags import JsonValue
from auditor.domain.progress import Progress, news, progress_of
from auditor.domain.routing import Destination
from auditor.domain.sentences import summarize

DEPLOYMENT = "deployment"
"""Under this name an alert carries how far its deployment is."""


@dataclass(frozen=True, slots=True)
class Looked:
    """A deployment as it was just found, with what it brings, who began it and who owns what it brings."""

    deployment: Deployment
    brings: tuple[FlagChange, ...]
    who: Attribution
    owner: str | None = None


def keep_up(outbox: Outbox, looked: Sequence[Looked], desk: Desk) -> Iterator[str]:
    """Begin or keep up the messages of these deployments; yield the keys of the alerts that have something to send.

    A running deployment that changes flags gets its message at once, unless its channel is to be left in peace. One
    that has a message gets it edited, and a reply for each stage that it reached.
    """
    for one in looked:
        if not one.brings:
            continue
        heads = outbox.heads(_keys(one, desk))
        now = _progress(one)
        if not heads and now.running:
            yield from _begin(outbox, one, now, desk)
        for head in heads:
            yield from _continue(outbox, head, now, desk)


def named_since(outbox: Outbox, cause: str, who: Attribution, desk: Desk) -> Iterator[str]:
    """Let the message of a deployment say who began it, now that it is known; yield the keys of those that learnt."""
    for head in outbox.heads(headed_on_all_ways(cause, desk)):
        known = progress_in(head.facts)
        if (
            known is not None
            and known.who is None
            and outbox.follow(head.key, _facts(replace(known, who=visible(actor_text(who.actor)))), desk.now)
        ):
            yield head.key


def headed_on_all_ways(cause: str, desk: Desk) -> list[str]:
    """Return the keys that the message of a deployment may have, whichever way it went."""
    names = {None, desk.routing.fallback.name, *(way.name for way in desk.routing.destinations.values())}
    return [key for name in sorted(names, key=str) if (key := headed(cause, name)) is not None]


def progress_in(facts: Sequence[tuple[str, JsonValue]]) -> Progress | None:
    """Return how far the deployment of an alert is, if it carries that."""
    kept = dict(facts).get(DEPLOYMENT)
    return Progress.from_json(kept) if isinstance(kept, dict) else None


def said_otherwise(alert: Alert) -> bool:
    """Tell whether a channel without threads may leave an alert out, because another says the same.

    The stages of a running deployment come by themselves; the last one is said by its message.
    """
    progress = progress_in(alert.facts)
    if progress is None:
        return False
    if alert.kind is AlertKind.REPLY:
        return not progress.running
    return alert.sent_as is not None and progress.running


def _facts(progress: Progress) -> tuple[tuple[str, JsonValue], ...]:
    return ((DEPLOYMENT, progress.to_json()),)


def _keys(one: Looked, desk: Desk) -> list[str]:
    return headed_on_all_ways(one.brings[0].cause, desk)


def _begin(outbox: Outbox, one: Looked, now: Progress, desk: Desk) -> Iterator[str]:
    way, wait = _way(one, desk)
    key = headed(one.brings[0].cause, way.name)
    if wait or key is None:
        return
    cause = one.brings[0].cause
    alert = NewAlert(key, AlertKind.CHANGE, cause, facts=_facts(now), route=way.name, thread=key)
    if outbox.put(alert, desk.now):
        yield key


def _continue(outbox: Outbox, head: Head, now: Progress, desk: Desk) -> Iterator[str]:
    before = progress_in(head.facts)
    if before is not None:
        kept = before.changes or now.changes
        now = replace(now, who=now.who or before.who, live=before.live, coming=before.coming, changes=kept)
    if not outbox.follow(head.key, _facts(now), desk.now):
        return
    yield head.key
    stages = tuple(news(before, now))
    if not stages:
        return
    turned = now.taken_back and not (before is not None and before.taken_back)
    quiet = desk.routing.destinations.get(head.route or "", desk.routing.fallback).quiet.until(desk.now) is not None
    facts: tuple[tuple[str, JsonValue], ...] = (
        (DEPLOYMENT, now.to_json()),
        ("stages", list(stages)),
        ("broadcast", turned and not quiet),
    )
    key = f"reply|{now.state}|{len(now.steps)}|{head.key}"
    reply = NewAlert(key, AlertKind.REPLY, head.key, facts=facts, route=head.route, thread=head.key)
    if outbox.put(reply, desk.now):
        yield key


def _way(one: Looked, desk: Desk) -> tuple[Destination, bool]:
    """Return which channel tells of a deployment that begins, and whether it is to be left in peace now."""
    change = RecordedChange("", 0, desk.now, one.brings[0], one.who)
    way = desk.routing.destination(change, one.owner, None)
    recent = 0 if way.budget is None else desk.recent(way.name)
    return way, way.held_until(desk.now, recent, None) is not None


def _progress(one: Looked) -> Progress:
    who = actor_text(one.who.actor) if one.who.attributed else None
    return progress_of(one.deployment, one.brings, [_sentence(change) for change in one.brings], who)


def _sentence(change: FlagChange) -> str:
    """Return what a deployment brings to one flag, without which version and where, which its message says once."""
    kind = ChangeKind.UPDATED
    if change.before is None or change.after is None:
        kind = ChangeKind.CREATED if change.before is None else ChangeKind.DELETED
    text = summarize(
        kind=kind,
        flag=change.flag,
        application=change.application,
        environment=None,
        before=change.before,
        after=change.after,
        diff=change.diff,
        version_before=None,
        version_after=None,
    )
    return visible(f"{change.flag}: {text}")
