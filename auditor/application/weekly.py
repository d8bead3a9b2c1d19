"""The weekly report's messages: one for all with the page, and one for each team with what is its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from auditor.application.lives import year_of
from auditor.application.policing import FlagFindings, flag_findings
from auditor.application.ports import UnitOfWork
from auditor.application.staleness import recorded_flags, stale_flags
from auditor.domain.alerts import AlertKind, NewAlert
from auditor.domain.findings import Severity
from auditor.domain.flags import FlagId, JsonValue
from auditor.domain.lives import Point
from auditor.domain.routing import Routing
from auditor.domain.verdicts import Judgement, StaleRules, Verdict
from auditor.policies.base import FlagPolicy, Rulebook

WEEK = timedelta(days=7)
_TREND = 8
_SEVERITIES = list(Severity)
_NO_POLICIES: Rulebook[FlagPolicy] = Rulebook(())
_NAMED = 20


@dataclass(frozen=True, slots=True)
class Week:
    """What a week was like: the verdicts at its end and at its beginning, and who owned what has gone since.

    ``log`` is what the newest checkpoint says: everybody who keeps the message holds it against the record.
    ``findings`` are what the policies say about flags, ``weeks`` how many flags could go at the end of each of the
    last weeks, this one included.
    """

    now: datetime
    judgements: tuple[Judgement, ...]
    before: tuple[Judgement, ...]
    removed: tuple[tuple[FlagId, str | None], ...]
    log: str | None = None
    findings: tuple[FlagFindings, ...] = ()
    weeks: tuple[Point, ...] = ()


def week_of(uow: UnitOfWork, rules: StaleRules, now: datetime, policies: Rulebook[FlagPolicy] = _NO_POLICIES) -> Week:
    """Return the week that ends now, from what the record knows and what it knew seven days ago."""
    then = now - WEEK
    judgements = tuple(stale_flags(uow, rules, now, now))
    here = {judgement.facts.flag for judgement in judgements}
    owners = {record.facts.flag: record.facts.lifetime.owner for record in recorded_flags(uow, rules, then)}
    removed = tuple((flag, owner) for flag, owner in sorted(owners.items()) if flag not in here)
    before = tuple(stale_flags(uow, rules, then, then))
    findings = tuple(flag_findings(uow, policies, rules, now, now))
    weeks = year_of(uow, rules, now, now).points[-_TREND:]
    return Week(now, judgements, before, removed, _log(uow), findings, tuple(weeks))


def _log(uow: UnitOfWork) -> str | None:
    """Return size and root of the newest checkpoint as it spells them, or ``None`` where nothing is signed."""
    newest = uow.ledger.newest_checkpoint()
    if newest is None:
        return None
    _, size, root, *_ = newest.note.split("\n")
    return f"{size} entries, root {root}"


def weekly_alerts(week: Week, page: str, routing: Routing) -> Iterator[NewAlert]:
    """Yield the messages of a week; asking twice in a week gives the same ones.

    The first goes the usual way and tells of all. Each team with something to do or to be proud of has one of its own,
    on the first way that asks for it as an owner.
    """
    yield _report(_key(week.now), None, week, week.judgements, page)
    for team in sorted({owner for owner in _owners(week) if owner}):
        own = [judgement for judgement in week.judgements if judgement.facts.lifetime.owner == team]
        alert = _report(f"{_key(week.now)}|{team}", team, week, own, page, routing.way_of_owner(team))
        if any(dict(alert.facts)[name] for name in ("can_go", "new_since_last_week", "removed", "snoozes_ending")):
            yield alert


def _key(now: datetime) -> str:
    year, number, _ = now.astimezone(UTC).isocalendar()
    return f"report|{year}-W{number:02d}"


def _owners(week: Week) -> list[str | None]:
    return [j.facts.lifetime.owner for j in week.judgements] + [owner for _, owner in week.removed]


def _report(
    key: str, team: str | None, week: Week, own: Sequence[Judgement], page: str, route: str | None = None
) -> NewAlert:
    """Return the message about these flags, which are a team's or all."""
    removable, before = _removable(own, week.now), _removable(week.before, week.now - WEEK)
    mine = [j.facts.flag for j in week.before if team is None or j.facts.lifetime.owner == team]
    removed = [flag for flag, owner in week.removed if team is None or owner == team]
    facts: tuple[tuple[str, JsonValue], ...] = (
        *(() if team is None else (("team", team),)),
        ("flags", len(own)),
        ("remove", len(removable)),
        ("remove_last_week", len([flag for flag in mine if flag in before])),
        ("snoozed", sum(j.verdict is Verdict.REMOVE for j in own) - len(removable)),
        ("unknown", sum(j.verdict is Verdict.UNKNOWN for j in own)),
        ("keep", sum(j.verdict is Verdict.KEEP for j in own)),
        ("can_go", _names(removable)),
        ("new_since_last_week", _names([flag for flag in removable if flag not in before])),
        ("removed", _names(removed)),
        ("snoozes_ending", _ending(own, week.now)),
        ("policies_say", _said([one for one in week.findings if team is None or one.owner == team])),
        *_trend(week, team),
        ("page", page),
        *(() if team is not None or week.log is None else (("sealed_log", week.log),)),
    )
    return NewAlert(key, AlertKind.REPORT, key, facts=facts, route=route)


def _said(findings: Sequence[FlagFindings]) -> list[JsonValue]:
    """Return how often each policy has something to say, the worst first; the page says of which flags."""
    found = Counter((finding.severity, finding.code) for one in findings for finding in one.findings)
    ranked = sorted(found.items(), key=lambda item: (-_SEVERITIES.index(item[0][0]), item[0][1]))
    return [f"{code} ({severity.value}): {number}" for (severity, code), number in ranked]


def _trend(week: Week, team: str | None) -> Iterator[tuple[str, JsonValue]]:
    """Yield how many flags could go at the end of each week, of a team's or of all, where there ever was one."""
    points = [
        point.counts.get(Verdict.REMOVE, 0) if team is None else point.could_go.get(team, 0) for point in week.weeks
    ]
    if any(points):
        yield "could_go_each_week", " → ".join(map(str, points))


def _removable(judgements: Sequence[Judgement], now: datetime) -> list[FlagId]:
    """Return the flags that can go and that nobody asked to let be, in the order they were judged."""
    return [j.facts.flag for j in judgements if j.verdict is Verdict.REMOVE and j.facts.snoozed(now) is None]


def _ending(judgements: Sequence[Judgement], now: datetime) -> list[JsonValue]:
    """Return the snoozes that end within the coming week, by their end."""
    active = [(snooze, j.facts.flag) for j in judgements if (snooze := j.facts.snoozed(now)) is not None]
    soon = sorted((s.until, str(flag), s.by) for s, flag in active if s.until - now <= WEEK)
    return [f"{flag} on {until:%Y-%m-%d} ({by})" for until, flag, by in soon[:_NAMED]]


def _names(flags: Sequence[FlagId]) -> list[JsonValue]:
    shown: list[JsonValue] = [str(flag) for flag in flags[:_NAMED]]
    rest = len(flags) - len(shown)
    return [*shown, f"{rest} more"] if rest > 0 else shown
