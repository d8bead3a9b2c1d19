"""Policies at work: what they need to know is gathered from the record, once for all of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from auditor.application.ports import HistoryQuery, UnitOfWork
from auditor.application.staleness import recorded_flags
from auditor.domain.attribution import ApiCall
from auditor.domain.changes import ChangeKind, Detection, RecordedChange
from auditor.domain.corroboration import firing
from auditor.domain.findings import Finding
from auditor.domain.flags import FlagId
from auditor.domain.lifetimes import Lifetime, LifetimeRules, lifetime_of
from auditor.domain.liveness import environment_of
from auditor.domain.references import FlagSpec, Reference
from auditor.domain.verdicts import StaleRules
from auditor.policies.base import ChangeContext, ChangePolicy, FlagContext, FlagPolicy, Freeze, Rulebook, Traits
from auditor.policies.under_alarm import UnderAlarm

LOOK_BACK = timedelta(days=14)
"""How far back former states of a flag are gathered."""

_SWITCHES = (ChangeKind.UPDATED, ChangeKind.DEPLOYED, ChangeKind.ROLLED_BACK)
_NO_RULES: Rulebook[ChangePolicy] = Rulebook(())


@dataclass(frozen=True, slots=True)
class Policing:
    """The policies on changes as they are configured; without any, nothing is found."""

    rules: Rulebook[ChangePolicy] = _NO_RULES
    freezes: tuple[Freeze, ...] = ()
    lifetimes: LifetimeRules = field(default_factory=LifetimeRules)

    def look(
        self, uow: UnitOfWork, change: RecordedChange, now: datetime, as_of: datetime | None = None
    ) -> Iterator[Finding]:
        """Yield what the policies say about a change, from what the record knows (``as_of``: knew then)."""
        about = change.change
        policies = tuple(self.rules.choose(about.application, (about.environment,), self._traits(uow, change)))
        if policies:
            context = self._context(uow, change, now, as_of)
            if any(isinstance(policy, UnderAlarm) for policy in policies):
                # All alarms there ever were: looked through only for whom it matters.
                context = replace(context, alarms=_alarms(uow, change, as_of))
            for policy in policies:
                yield from policy.check(change, context)

    def _traits(self, uow: UnitOfWork, change: RecordedChange) -> Traits:
        """Return the flag's type and tags, where thresholds depend on them."""
        if not self.rules.by_traits:
            return Traits()
        life = _lifetime(uow, change, self.lifetimes)
        return Traits() if life is None else Traits(life.type, life.tags)

    def _context(self, uow: UnitOfWork, change: RecordedChange, now: datetime, as_of: datetime | None) -> ChangeContext:
        return ChangeContext(
            now=now,
            references=_references(uow, change, as_of),
            earlier=tuple(_earlier(uow, change, as_of)),
            from_console=_from_console(uow, change),
            freezes=self.freezes,
        )


def owner_of(uow: UnitOfWork, change: RecordedChange, rules: LifetimeRules) -> str | None:
    """Return who owns the flag of a change, by its store's tags, its description or the configuration."""
    life = _lifetime(uow, change, rules)
    return None if life is None else life.owner


def _lifetime(uow: UnitOfWork, change: RecordedChange, rules: LifetimeRules) -> Lifetime | None:
    """Return what is declared of the flag of a change, or ``None`` where it is about no flag."""
    about = change.change
    if about.flag is None:
        return None
    state, held = about.after or about.before, uow.documents.held(about.document)
    metadata = held.metadata if held is not None else {}
    definition = state.definition if state is not None else None
    return lifetime_of(FlagId(about.application or "", about.flag), definition, metadata, rules)


def _references(uow: UnitOfWork, change: RecordedChange, as_of: datetime | None) -> tuple[Reference, ...] | None:
    """Return the places in code that name a flag that is gone; ``None``: still there, or never scanned."""
    about = change.change
    if about.after is not None or about.flag is None or about.kind.is_attempt:
        return None
    key = about.document.name if about.document.source == "ssm" else about.flag
    name = str(FlagId(about.application or "", about.flag))
    spec = FlagSpec(key, about.document.source, about.application, about.environment, name=name)
    found = uow.references.of_flag(spec, as_of)
    return None if found is None else tuple(found)


def _earlier(uow: UnitOfWork, change: RecordedChange, as_of: datetime | None) -> Iterator[RecordedChange]:
    """Yield the former switches of the same flag in the same place, newest first; the filled-in past has none."""
    about, when = change.change, change.occurred_at
    if when is None or about.kind not in _SWITCHES or about.detected_by is Detection.BACKFILL:
        return
    query = HistoryQuery(
        flag=about.flag,
        application=about.application,
        environment=about.environment or "-",
        kinds=_SWITCHES,
        since=when - LOOK_BACK,
        until=when,
        as_of=as_of,
    )
    for other in uow.changes.query(query):
        same = (other.change.document, other.change.path) == (about.document, about.path)
        if same and other.seq != change.seq:
            yield other


def _alarms(uow: UnitOfWork, change: RecordedChange, as_of: datetime | None) -> tuple[str, ...]:
    """Return the alarms that guard the environment of a change and were in alarm when it happened."""
    about, when = change.change, change.occurred_at
    if when is None or about.environment is None or about.detected_by is Detection.BACKFILL:
        return ()
    return tuple(firing(uow.calls.signals(as_of), f"{about.application or ''}/{about.environment}", when))


def _from_console(uow: UnitOfWork, change: RecordedChange) -> bool | None:
    """Tell whether a call that the attribution stands on came from the console; ``None`` where no call is known."""
    named = {e.id for e in change.attribution.evidence if e.source == "cloudtrail" and e.id is not None}
    if not named:
        return None
    calls = [call for call in _calls(uow, change) if call.event_id in named]
    return any(call.from_console for call in calls) if calls else None


def _calls(uow: UnitOfWork, change: RecordedChange) -> Sequence[ApiCall]:
    deployment, environment = change.change.deployment, environment_of(change.change)
    if deployment is not None and environment is not None:
        return uow.calls.of_deployment(environment, deployment.number)
    return uow.calls.of_document(change.change.document)


@dataclass(frozen=True, slots=True)
class FlagFindings:
    """What the policies say about one flag."""

    flag: FlagId
    owner: str | None
    findings: tuple[Finding, ...]


def flag_findings(
    uow: UnitOfWork, rules: Rulebook[FlagPolicy], stale: StaleRules, now: datetime, as_of: datetime | None = None
) -> Iterator[FlagFindings]:
    """Yield the flags of which the policies have something to say, by name."""
    for record in sorted(recorded_flags(uow, stale, as_of, gone=True), key=lambda r: r.facts.flag):
        facts = record.facts
        context = FlagContext(now, record.places, stale.lifetimes, record.gone)
        environments = [e.environment for e in facts.environments]
        traits = Traits(facts.lifetime.type, facts.lifetime.tags)
        policies = rules.choose(facts.flag.application or None, environments, traits)
        found = tuple(finding for policy in policies for finding in policy.check(facts, context))
        if found:
            yield FlagFindings(facts.flag, facts.lifetime.owner, found)


@dataclass(frozen=True, slots=True)
class BackTest:
    """What one policy would have said: its findings about recorded changes, or about the flags as they are."""

    code: str
    rule: str
    enabled: bool
    findings: tuple[tuple[Finding, RecordedChange | None], ...]


def back_test(
    uow: UnitOfWork, policing: Policing, policies: Iterable[ChangePolicy], since: datetime, now: datetime
) -> Iterator[BackTest]:
    """Yield for each policy what it would have said about the changes since then, switched on or not.

    The wait for a person is over for every change that is that old now; all else is as known now.
    """
    changes = list(uow.changes.query(HistoryQuery(since=since, as_of=now)))
    for policy in policies:
        alone = Policing(policing.rules.only(policy), policing.freezes, policing.lifetimes)
        found = [(finding, change) for change in changes for finding in alone.look(uow, change, now, now)]
        yield BackTest(policy.code, policy.rule, policy.enabled, tuple(found))


def back_test_flags(
    uow: UnitOfWork, rules: Rulebook[FlagPolicy], policies: Iterable[FlagPolicy], stale: StaleRules, now: datetime
) -> Iterator[BackTest]:
    """Yield for each policy what it says about the flags as known at ``now``, switched on or not."""
    for policy in policies:
        alone = rules.only(policy)
        found = [(finding, None) for about in flag_findings(uow, alone, stale, now, now) for finding in about.findings]
        yield BackTest(policy.code, policy.rule, policy.enabled, tuple(found))
