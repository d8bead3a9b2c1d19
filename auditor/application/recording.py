"""Recording: one look at a document or an environment becomes changes, findings and alerts in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from auditor.application.alerting import Desk, Tellable, plan_alerts
from auditor.application.policing import Policing, owner_of
from auditor.application.ports import (
    Clock,
    DeploymentSource,
    FlagSource,
    HistoryQuery,
    Scope,
    Trail,
    UnitOfWork,
    UnitOfWorkFactory,
)
from auditor.application.retrying import recounted, retried
from auditor.application.threads import Looked, keep_up, named_since
from auditor.domain.alerts import AlertKind, NewAlert
from auditor.domain.attribution import (
    UNATTRIBUTED,
    UNKNOWN_ACTOR,
    ApiCall,
    Attribution,
    CallOutcome,
    Certainty,
    Evidence,
)
from auditor.domain.changes import AttributedChange, ChangeKind, Detection, FlagChange, Gap, GapClass, RecordedChange
from auditor.domain.corroboration import TELLING, WINDOW, corroborated
from auditor.domain.derivation import (
    CLOCK_TOLERANCE,
    Derived,
    Detecting,
    derive,
    is_move,
    labelled,
    unread_gaps,
    written_unseen,
)
from auditor.domain.documents import (
    Deployment,
    DocumentReading,
    DocumentRef,
    EnvironmentRef,
    HeldDocument,
    Snapshot,
)
from auditor.domain.errors import StoreUnreadableError
from auditor.domain.events import DocumentHint, DocumentImage, Signal
from auditor.domain.findings import Severity
from auditor.domain.identities import actor_from_arn, best
from auditor.domain.images import WRITTEN, derive_image, stream_of, within
from auditor.domain.joining import TIMED_STORES, attributions_for, may_have_made, rollback_attribution
from auditor.domain.liveness import DeploymentDetecting, End, brought, cause_of, live_changes
from auditor.domain.progress import RUNNING
from auditor.domain.releases import RUNS_FOR, is_release, made_by_release, with_release
from auditor.domain.routing import Routing, worst_of
from auditor.domain.sessions import OPENINGS, SESSION, opening_id, with_opener
from auditor.domain.times import from_micros

Finish = Callable[[UnitOfWork, int], None]
"""Called inside the recording transaction with the number of changes recorded, before it commits."""


@dataclass(slots=True)
class Tally:
    """What a call or run added: rows written with their ids, versions held, back-fill counted, alerts put."""

    recorded: int = 0
    versions: int = 0
    backfilled: int = 0
    gaps: int = 0
    alerts: list[str] = field(default_factory=list)
    changes: list[str] = field(default_factory=list)

    def restore(self, former: Tally) -> None:
        """Be as this one was: what was counted in a transaction that came to nothing was not added."""
        self.recorded, self.versions = former.recorded, former.versions
        self.backfilled, self.gaps = former.backfilled, former.gaps
        self.alerts[:], self.changes[:] = former.alerts, former.changes


# Under this name a version keeps the id of the request that wrote it.
REQUEST = "request_id"
# Under this name a completed reconcile keeps when it listed its documents, in microseconds of the store's clock.
LISTED = "listed_us"

_NO_POLICIES = Policing()
_NO_ROUTES = Routing()
_WAITS_FOR_A_PERSON = timedelta(days=30)


def _no_hints(_document: DocumentRef) -> Sequence[DocumentHint]:
    return ()


@dataclass(frozen=True, slots=True)
class DeploymentTrigger:
    """Why an environment is looked at: by what, from which deployment on, and what is hinted at its documents."""

    by: Detection
    first_hinted: int | None = None
    hints_of: Callable[[DocumentRef], Sequence[DocumentHint]] = _no_hints


@dataclass(frozen=True, slots=True)
class Recorder:
    """The one way into the record; everything it does twice changes nothing the second time."""

    unit_of_work: UnitOfWorkFactory
    sources: Mapping[str, FlagSource]
    clock: Clock
    policies: Policing = _NO_POLICIES
    deployments: DeploymentSource | None = None
    trail: Trail | None = None
    routing: Routing = _NO_ROUTES

    def sync_document(
        self,
        document: DocumentRef,
        by: Detection,
        hints: Sequence[DocumentHint],
        tally: Tally,
        started: datetime,
        finish: Finish | None = None,
    ) -> int:
        """Read a document, record what is not held, and return the number of change rows written.

        Raise ``StoreUnreadableError`` when the store gives no answer; then nothing is recorded.
        """
        source = self.sources[document.source]
        while True:
            with self.unit_of_work() as uow:
                listed_at = _listed_at(uow, source, document)
                held = _as_listed(uow.documents.held(document), listed_at)
                backfill = held is None and not uow.runs.baselined(scope_of(document))
            reading = source.read(document, held)
            detecting = Detecting(by, backfill, tuple(hints), listed_at)
            recorded = self._record_reading(reading, held, detecting, tally, started, finish)
            if recorded is not None:
                return recorded

    @recounted
    def _record_reading(
        self,
        reading: DocumentReading,
        held: HeldDocument | None,
        detecting: Detecting,
        tally: Tally,
        started: datetime,
        finish: Finish | None,
    ) -> int | None:
        """Record one reading; return ``None`` when another worker moved the cursor to another life meanwhile."""
        document, now = reading.document, self.clock.now()
        with self.unit_of_work() as uow:
            present = _as_listed(uow.documents.held(document), detecting.listed_at)
            if _life_of(present) != _life_of(held):
                return None
            reading = _with_requests(reading, detecting.hints)
            derived = derive(reading, present, detecting, lambda version: uow.documents.version(document, version))
            arns = _modifiers(derived)
            calls = _all_informed(uow, uow.calls.of_document(document)) if derived.changes else ()
            requests = {s.version: _requests_of(s) for s in derived.held.snapshots} if derived.held is not None else {}
            recorded = [
                self._record(uow, change, self._first_attribution(change, arns, calls, requests), now)
                for change in derived.changes
            ]
            _hold(uow, reading, derived, present, now)
            tally.gaps += sum(uow.gaps.add(gap, now) for gap in derived.gaps)
            tally.gaps += sum(uow.gaps.add(gap, now) for gap in _unread(uow, reading, present, derived, detecting))
            tally.versions += len(derived.held.snapshots) if derived.held is not None else 0
            return self._conclude(uow, recorded, tally, started, now, finish)

    @retried
    def sync_environment(
        self,
        environment: EnvironmentRef,
        trigger: DeploymentTrigger,
        tally: Tally,
        started: datetime,
        finish: Finish | None = None,
    ) -> int:
        """Read an environment's deployments, record what became live by them, and return the number of rows written."""
        if self.deployments is None:
            return 0
        with self.unit_of_work() as uow:
            held = {d.number: d.state for d in uow.deployments.held(environment)}
        # One that runs is asked for again: its steps show in no state.
        fresh = self.deployments.deployments(
            environment, {number: "" if state in RUNNING else state for number, state in held.items()}
        )
        written = sum(self._hold_deployed_version(d, trigger, tally, started) for d in fresh)
        now = self.clock.now()
        with self.unit_of_work() as uow:
            new = frozenset(d.number for d in fresh if uow.deployments.add(d, now))
            known = uow.deployments.held(environment)
            backfill = not held and not uow.runs.baselined(_scope("appconfig", environment.account, environment.region))
            detecting = DeploymentDetecting(trigger.by, backfill, trigger.first_hinted)
            by_number = {d.number: d for d in known}
            changes = list(live_changes(known, new, uow.documents.version, detecting))
            signals = uow.calls.signals() if changes else ()
            whose = [self._deployment_attribution(uow, change, by_number, environment) for change in changes]
            recorded = [
                self._record(uow, change, corroborated(who, change, signals), now)
                for change, who in zip(changes, whose, strict=True)
            ]
            looked = [self._looked(uow, d, known, detecting) for d in fresh if _is_news(d, detecting)]
            tally.alerts.extend(keep_up(uow.outbox, looked, self._desk(uow, now)))
            return written + self._conclude(uow, recorded, tally, started, now, finish)

    def _looked(
        self, uow: UnitOfWork, deployment: Deployment, known: Sequence[Deployment], detecting: DeploymentDetecting
    ) -> Looked:
        """Return a deployment with what it brings once it is complete, as far as the record tells."""
        brings = tuple(brought(known, deployment, uow.documents.version, detecting))
        if not brings:
            return Looked(deployment, (), UNATTRIBUTED)
        who = self._deployment_attribution(uow, brings[0], {deployment.number: deployment}, deployment.environment)
        recorded = RecordedChange("", 0, self.clock.now(), brings[0], who)
        owner = owner_of(uow, recorded, self.policies.lifetimes) if self.routing.by_owner else None
        return Looked(deployment, brings, who, owner)

    def _desk(self, uow: UnitOfWork, now: datetime) -> Desk:
        return Desk(
            now, self.routing, lambda route: uow.outbox.recent(route, now), lambda key: bool(uow.outbox.heads([key]))
        )

    def _hold_deployed_version(
        self, deployment: Deployment, trigger: DeploymentTrigger, tally: Tally, started: datetime
    ) -> int:
        """Make sure that a deployed version is held, since its flags are what became live."""
        with self.unit_of_work() as uow:
            if uow.documents.version(deployment.profile, deployment.version) is not None:
                return 0
        hints = trigger.hints_of(deployment.profile)
        return self.sync_document(deployment.profile, trigger.by, hints, tally, started)

    @recounted
    def record_image(self, image: DocumentImage, tally: Tally, started: datetime, finish: Finish | None = None) -> int:
        """Record one write that its store told whole, and return the number of change rows written.

        A write that a look at the store found before only says when it happened.
        """
        now = self.clock.now()
        with self.unit_of_work() as uow:
            listed_at = _listed_at(uow, self.sources[image.document.source], image.document)
            held = _as_listed(uow.documents.held(image.document), listed_at)
            found = uow.changes.of_document(image.document, WRITTEN) if held is not None else ()
            told = derive_image(image, held, found, listed_at)
            found_calls = uow.calls.of_document(image.document) if told.changes or told.twins else ()
            calls = _all_informed(uow, found_calls)
            recorded = [
                self._record(uow, change, combined([*attributions_for(change, calls), image.attribution]), now)
                for change in told.changes
            ]
            for twin in told.twins:
                self._date(uow, twin, image, calls, tally, now)
            derived = told.derived
            if derived is not None and derived.held is not None:
                uow.documents.hold(image.document, derived.life, derived.held.snapshots, now)
                life, alive = derived.life, derived.alive
                uow.documents.checked(image.document, life, image.at, alive=alive, labels={}, title=None)
                tally.versions += len(derived.held.snapshots)
            known = _gaps_of(uow, image.document) if told.gaps else ()
            tally.gaps += sum(uow.gaps.add(gap, now) for gap in told.gaps if not within(gap, known))
            return self._conclude(uow, recorded, tally, started, now, finish)

    def _date(
        self,
        uow: UnitOfWork,
        twin: RecordedChange,
        image: DocumentImage,
        calls: Sequence[ApiCall],
        tally: Tally,
        now: datetime,
    ) -> None:
        """Append to a change that a look had found when it happened, and whoever can be told now."""
        text = "the store's own record of this write"
        evidence = Evidence(stream_of(image.document.source), text, image.sequence, image.at)
        undated = replace(twin.change, occurred_at=image.at, occurred_between=None)
        who = combined([twin.attribution, *attributions_for(undated, calls), image.attribution])
        if not who.attributed:
            who = Attribution(UNKNOWN_ACTOR, Certainty.NONE)
        dated = replace(who, evidence=(*who.evidence, evidence), occurred_at=image.at)
        self._learn(uow, twin, dated, tally, now)

    @recounted
    def record_changes(
        self, pairs: Sequence[AttributedChange], tally: Tally, started: datetime, finish: Finish | None = None
    ) -> int:
        """Record changes that need no reading (attempts, guardrails) and return the number of rows written."""
        now = self.clock.now()
        with self.unit_of_work() as uow:
            recorded = [self._record(uow, pair.change, pair.attribution, now) for pair in pairs]
            return self._conclude(uow, recorded, tally, started, now, finish)

    @recounted
    def corroborate(self, signals: Sequence[Signal], tally: Tally) -> None:
        """Append what signals say of deployments that are recorded already: an alarm, a pipeline, who started it."""
        told = [signal for signal in signals if signal.code in TELLING]
        if not told:
            return
        first, last = min(s.at for s in told) - WINDOW, max(s.at for s in told) + WINDOW
        query = HistoryQuery(
            source="appconfig", kinds=(ChangeKind.DEPLOYED, ChangeKind.ROLLED_BACK), since=first, until=last
        )
        with self.unit_of_work() as uow:
            known = [*uow.calls.signals(), *told]
            for change in list(uow.changes.query(query)):
                attribution = corroborated(change.attribution, change.change, known)
                if attribution != change.attribution:
                    self._learn(uow, change, attribution, tally, self.clock.now())
            uow.commit()

    @recounted
    def keep_call(self, call: ApiCall, tally: Tally) -> None:
        """Keep who made a call, and attribute the changes it made that are recorded already."""
        now = self.clock.now()
        with self.unit_of_work() as uow:
            uow.calls.add(call, now)
            for made in _explained_by(uow, call):
                self._attribute_by(uow, made, tally, now)
            self._attribute_by(uow, _informed(uow, call), tally, now)
            uow.commit()

    def _attribute_by(self, uow: UnitOfWork, call: ApiCall, tally: Tally, now: datetime) -> None:
        """Attribute to a call the changes that it made, and the running deployments that it began."""
        tally.alerts.extend(self._name_starter(uow, call, now))
        for change in _changes_of_call(uow, call):
            about, requests = _calls_about(uow, call, change), _requests_held(uow, change.change)
            signals = uow.calls.signals() if change.change.deployment is not None else ()
            for attribution in attributions_for(_as_dated(change), about, requests):
                if any(evidence.id == call.event_id for evidence in attribution.evidence):
                    self._learn(uow, change, corroborated(attribution, change.change, signals), tally, now)

    def _name_starter(self, uow: UnitOfWork, call: ApiCall, now: datetime) -> Iterator[str]:
        """Yield the keys of the messages of running deployments that learn from a call who began them."""
        if call.name != "StartDeployment" or call.outcome in (CallOutcome.DENIED, CallOutcome.FAILED):
            return
        for target in call.targets:
            if target.environment is not None and target.deployment_number is not None:
                cause = cause_of(target.environment, target.deployment_number, End.COMPLETED)
                yield from named_since(uow.outbox, cause, call.attribution, self._desk(uow, now))

    def _learn(
        self, uow: UnitOfWork, change: RecordedChange, attribution: Attribution, tally: Tally, now: datetime
    ) -> None:
        dated = attribution.occurred_at or change.attribution.occurred_at
        learnt = replace(with_evidence_of(attribution, [change.attribution]), occurred_at=dated)
        if not uow.changes.attribute(change.id, learnt, now):
            return
        known = uow.changes.get(change.id)
        if known is None:
            return
        self._check(uow, known, now)
        if known.attribution.actor == change.attribution.actor or uow.outbox.message_of(change.id) is None:
            return
        evidence = attribution.evidence[0].id if attribution.evidence else None
        key = f"update|{change.change.cause}|{evidence or attribution.actor.arn}"
        if uow.outbox.put(NewAlert(key, AlertKind.UPDATE, change.change.cause, (change.change.key,)), now):
            tally.alerts.append(key)

    def _record(
        self, uow: UnitOfWork, change: FlagChange, attribution: Attribution, now: datetime
    ) -> RecordedChange | None:
        recorded = uow.changes.append(AttributedChange(change, attribution), now)
        if recorded is not None:
            self._check(uow, recorded, now)
        return recorded

    @recounted
    def look_again(self, tally: Tally) -> None:
        """Look again at changes that still name nobody; what is found now goes into the message that told of them."""
        now = self.clock.now()
        with self.unit_of_work() as uow:
            lately = HistoryQuery(unattributed=True, changes_only=True, since=now - _WAITS_FOR_A_PERSON)
            for change in list(uow.changes.query(lately)):
                if self._check(uow, change, now) and uow.outbox.message_of(change.id) is not None:
                    key = f"update|{change.change.cause}|unattributed"
                    alert = NewAlert(key, AlertKind.UPDATE, change.change.cause, (change.change.key,))
                    if uow.outbox.put(alert, now):
                        tally.alerts.append(key)
            uow.commit()

    def _check(self, uow: UnitOfWork, change: RecordedChange, now: datetime) -> int:
        """Record what the policies say about a change; return how much of it is new."""
        return sum(uow.findings.add(finding, now) for finding in self.policies.look(uow, change, now))

    def _conclude(
        self,
        uow: UnitOfWork,
        recorded: Sequence[RecordedChange | None],
        tally: Tally,
        started: datetime,
        now: datetime,
        finish: Finish | None,
    ) -> int:
        news = [change for change in recorded if change is not None]
        planned = plan_alerts(self._tellable(uow, news), started, self._desk(uow, now))
        keys = [uow.outbox.tell(alert, now) for alert in planned]
        if finish is not None:
            finish(uow, len(news))
        uow.commit()
        tally.alerts.extend(keys)
        tally.changes.extend(change.id for change in news)
        tally.recorded += sum(not change.change.kind.is_attempt for change in news)
        tally.backfilled += sum(change.change.detected_by is Detection.BACKFILL for change in news)
        return len(news)

    def _tellable(self, uow: UnitOfWork, news: Sequence[RecordedChange]) -> list[Tellable]:
        """Return changes with what decides which channel tells of each, and when."""
        found: dict[str | None, list[Severity]] = {}
        for finding in uow.findings.of_changes([one.change.key for one in news]) if news else ():
            found.setdefault(finding.change_key, []).append(finding.severity)
        by_owner, rules = self.routing.by_owner, self.policies.lifetimes
        owners = [owner_of(uow, one, rules) if by_owner else None for one in news]
        return [
            Tellable(one, owner, worst_of(found.get(one.change.key, [])))
            for one, owner in zip(news, owners, strict=True)
        ]

    def _first_attribution(
        self,
        change: FlagChange,
        arns: Mapping[str, str],
        calls: Sequence[ApiCall],
        requests: Mapping[str, Sequence[str]],
    ) -> Attribution:
        known = list(attributions_for(change, calls, requests.get(_version_of(change), ())))
        arn = arns.get(change.version_after or "")
        if arn is not None and change.kind is not ChangeKind.LABEL_MOVED:
            known.append(actor_from_arn(arn))
        return combined(known)

    def _deployment_attribution(
        self,
        uow: UnitOfWork,
        change: FlagChange,
        deployments: Mapping[int, Deployment],
        environment: EnvironmentRef,
    ) -> Attribution:
        if change.deployment is None:
            return UNATTRIBUTED
        calls = _all_informed(uow, uow.calls.of_deployment(environment, change.deployment.number))
        known = list(attributions_for(change, calls))
        if change.kind is ChangeKind.ROLLED_BACK:
            rolled_back = rollback_attribution(deployments[change.deployment.number])
            if rolled_back is not None:
                known.append(rolled_back)
        return combined(known)


def _is_news(deployment: Deployment, detecting: DeploymentDetecting) -> bool:
    """Tell whether people may want to follow a deployment: the filled-in past is over."""
    return detecting.of(deployment) is not Detection.BACKFILL


def combined(attributions: Sequence[Attribution]) -> Attribution:
    """Return the best attribution with the evidence of all that name the same identity."""
    if not attributions:
        return UNATTRIBUTED
    chosen = best(attributions)
    return with_evidence_of(chosen, [a for a in attributions if a is not chosen])


def with_evidence_of(attribution: Attribution, others: Sequence[Attribution]) -> Attribution:
    """Return an attribution with the evidence of others added where they name the same identity."""
    same = [o for o in others if o.attributed and o.actor.arn == attribution.actor.arn]
    added = tuple(e for other in same for e in other.evidence if e not in attribution.evidence)
    return replace(attribution, evidence=attribution.evidence + added)


def scope_of(document: DocumentRef) -> Scope:
    """Return the scope a document belongs to, for asking whether it was reconciled before."""
    return _scope(document.source, document.account, document.region)


def _scope(source: str, account: str, region: str) -> Scope:
    return Scope(source, account, region, "")


def _life_of(held: HeldDocument | None) -> tuple[int, bool] | None:
    return None if held is None else (held.life, held.alive)


def _modifiers(derived: Derived) -> dict[str, str]:
    """Map versions to the ARN the store names as their author."""
    snapshots: Sequence[Snapshot] = derived.held.snapshots if derived.held is not None else ()
    return {s.version: s.modified_by for s in snapshots if s.modified_by is not None}


def _listed_at(uow: UnitOfWork, source: FlagSource, document: DocumentRef) -> datetime | None:
    """Return when a reconcile that was completed last listed the documents, by the store's clock, if any did."""
    if not uow.runs.baselined(scope_of(document)):
        return None
    place = (document.account, document.region)
    try:
        scope = next((scope for scope in source.scopes() if (scope.account, scope.region) == place), None)
    except StoreUnreadableError:
        return None  # a write that its store told whole needs nobody to be asked
    listed = (uow.runs.newest_counts(scope) or {}).get(LISTED) if scope is not None else None
    return None if listed is None else from_micros(listed)


def _as_listed(held: HeldDocument | None, listed_at: datetime | None) -> HeldDocument | None:
    """Return a cursor that tells when the newest complete listing showed the document as it is held."""
    return None if held is None else replace(held, listed_at=listed_at)


def _unread(
    uow: UnitOfWork,
    reading: DocumentReading,
    held: HeldDocument | None,
    derived: Derived,
    detecting: Detecting,
) -> Sequence[Gap]:
    """Name the writes that events told of and that nobody can read any more, where no gap names them yet."""
    told = written_unseen(reading, held, derived, detecting.hints)
    missing = [hint for hint in told if not _is_held(uow, hint, alive=derived.alive)]
    missing += _unseen_moves(uow, reading, held, detecting.hints)
    if not missing:
        return ()
    known, life = _gaps_of(uow, reading.document), derived.life + (not derived.alive)
    named = {gap.first for gap in known if gap.gap_class is GapClass.VERSION}
    missing = [hint for hint in missing if hint.version not in named]
    return unread_gaps(reading.document, life, missing, detecting.hints, known)


def _unseen_moves(
    uow: UnitOfWork, reading: DocumentReading, held: HeldDocument | None, hints: Sequence[DocumentHint]
) -> list[DocumentHint]:
    """Return the hints at labels that were moved again before anybody looked: the store tells only where they are."""
    before: Mapping[str, str] = held.labels if held is not None else {}
    moved = [hint for hint in labelled(hints, reading.read_at) if before.get(hint.label or "") != hint.version]
    rows = uow.changes.of_document(reading.document, (ChangeKind.LABEL_MOVED,)) if moved else ()
    return [hint for hint in moved if not any(is_move(row.change, hint) for row in rows)]


def _gaps_of(uow: UnitOfWork, document: DocumentRef) -> list[Gap]:
    return [gap for gap in uow.gaps.all() if gap.document == document]


def _is_held(uow: UnitOfWork, hint: DocumentHint, *, alive: bool) -> bool:
    """Tell whether the record holds the version a hint is of, or knows that it lies between versions that it holds."""
    if hint.document.source != "ssm" and hint.version is not None:
        return uow.documents.version(hint.document, hint.version) is not None
    found = uow.documents.since(hint.document, hint.at - CLOCK_TOLERANCE)
    if found is None:
        return alive  # the store shows nothing later, so this is its newest version, dated a little differently
    _, following = found
    if following.modified_at is not None and following.modified_at <= hint.at + CLOCK_TOLERANCE:
        return True
    # Numbers have no gaps of their own: what was written in between is held, or named as missing.
    return following.ordinal is not None and following.ordinal > 1


def _hold(
    uow: UnitOfWork, reading: DocumentReading, derived: Derived, present: HeldDocument | None, now: datetime
) -> None:
    if derived.held is not None:
        uow.documents.hold(reading.document, derived.held.life, derived.held.snapshots, now)
    if present is None and not reading.exists:
        return
    title = reading.title or (present.title if present is not None else None)
    uow.documents.checked(
        reading.document,
        derived.life,
        reading.read_at,
        alive=derived.alive,
        labels=derived.labels,
        title=title,
    )


def _requests_of(snapshot: Snapshot) -> Sequence[str]:
    """Return the ids of the requests that the store's own events name for a version."""
    request = snapshot.metadata.get(REQUEST)
    return (request,) if isinstance(request, str) else ()


def _requests_held(uow: UnitOfWork, change: FlagChange) -> Sequence[str]:
    """Return the same for a recorded change of a store whose events name requests."""
    if change.document.source not in TIMED_STORES:
        return ()
    snapshot = uow.documents.version(change.document, _version_of(change), change.life)
    return () if snapshot is None else _requests_of(snapshot)


def _version_of(change: FlagChange) -> str:
    """Return the version a change is of, also where it is made up to tell one state of a document from the next."""
    return change.version_after or change.cause.rpartition("|")[2]


def _with_requests(reading: DocumentReading, hints: Sequence[DocumentHint]) -> DocumentReading:
    """Return a reading whose versions keep which request wrote them, where a hint tells."""
    told = {hint.version: hint.request for hint in hints if hint.request is not None and hint.version is not None}
    if not told:
        return reading
    snapshots = tuple(
        replace(s, metadata={**s.metadata, REQUEST: told[s.version]}) if s.version in told else s
        for s in reading.snapshots
    )
    return replace(reading, snapshots=snapshots)


def _informed(uow: UnitOfWork, call: ApiCall) -> ApiCall:
    """Return a call with what is known of who opened the session that it was made in, or of the release behind it."""
    who, session = call.attribution, dict(call.details).get(SESSION)
    if session is not None:
        who = with_opener(who, uow.calls.get(opening_id(session)))
    if made_by_release(call):
        who = with_release(who, call, uow.calls.since(call.at - RUNS_FOR))
    return call if who is call.attribution else replace(call, attribution=who)


def _all_informed(uow: UnitOfWork, calls: Sequence[ApiCall]) -> list[ApiCall]:
    return [_informed(uow, call) for call in calls]


def _explained_by(uow: UnitOfWork, call: ApiCall) -> list[ApiCall]:
    """Return the calls made in a session, or by a release, whose beginning only now comes to be known."""
    if call.name in OPENINGS and call.service == "sts":
        later = uow.calls.since(call.at - CLOCK_TOLERANCE)
        return _all_informed(uow, [c for c in later if opening_id(dict(c.details).get(SESSION) or "") == call.event_id])
    if is_release(call):
        later = uow.calls.since(call.at)
        return _all_informed(uow, [c for c in later if made_by_release(c) and c.at <= call.at + RUNS_FOR])
    return []


def _calls_about(uow: UnitOfWork, call: ApiCall, change: RecordedChange) -> Sequence[ApiCall]:
    """Return the call with the others that may have made the same change."""
    timed = change.change.document.source in TIMED_STORES
    if not timed and (change.change.version_after is None or change.change.deployment is not None):
        return (_informed(uow, call),)
    return _all_informed(uow, uow.calls.of_document(change.change.document))


def _as_dated(recorded: RecordedChange) -> FlagChange:
    """Return a change with the time that was learnt of it since."""
    change = recorded.change
    if change.occurred_at is not None or recorded.occurred_at is None:
        return change
    return replace(change, occurred_at=recorded.occurred_at, occurred_between=None)


def _changes_of_call(uow: UnitOfWork, call: ApiCall) -> list[RecordedChange]:
    """Return the recorded changes a call may have made, each once."""
    found: dict[str, RecordedChange] = {}
    removed = (ChangeKind.DELETED, ChangeKind.LABEL_MOVED)
    for target in call.targets:
        candidates: list[RecordedChange] = []
        if target.document is not None:
            if target.version is not None:
                candidates.extend(uow.changes.of_version(target.document, target.version))
            timed = target.document.source in TIMED_STORES
            others = uow.changes.of_document(target.document, WRITTEN if timed else removed)
            candidates.extend(c for c in others if not timed or may_have_made(call, _as_dated(c)))
        if target.environment is not None and target.deployment_number is not None:
            for end in End:
                candidates.extend(uow.changes.of_cause(cause_of(target.environment, target.deployment_number, end)))
        found.update({change.id: change for change in candidates})
    return list(found.values())
