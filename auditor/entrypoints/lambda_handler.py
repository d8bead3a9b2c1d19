"""The AWS Lambda function: events in, record and messages out.

Importing this module must stay light: it is every cold start. Parts are built at the first invocation and kept.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Protocol

from auditor import bootstrap
from auditor.application.envelopes import unpack
from auditor.application.ingest import Ingest, IngestReport
from auditor.application.serving import Job, batch_failures, is_batch, job_of
from auditor.domain.errors import FlagtrailError, StoreUnreadableError
from auditor.domain.events import Outcome
from auditor.entrypoints import telemetry, tracing
from auditor.entrypoints.journal import Journal
from auditor.entrypoints.warm import Warm
from auditor.settings import Settings

SENDING_BUDGET = timedelta(seconds=5)
"""How long the function sends what it has just stored; the schedule sends the rest."""

# What leaves nothing to seal.
_WITHOUT_TRACE = {Outcome.DUPLICATE, Outcome.IGNORED, Outcome.REJECTED, Outcome.DEFERRED}
_RESERVE = timedelta(seconds=3)
_WITHOUT_RECORD = {Job.CANARY, Job.UPGRADE}
_JOURNAL = Journal()


class LambdaContext(Protocol):
    """What the runtime tells of an invocation."""

    def get_remaining_time_in_millis(self) -> int:
        """Return how long this invocation may still run."""
        ...


@cache
def _warm() -> Warm:
    return Warm(os.environ)


def _application() -> bootstrap.Application:
    """Return the parts of this execution environment; they are built once, from its variables and the secrets named."""
    return _warm().application()


def handler(event: dict[str, Any], context: LambdaContext | None = None) -> dict[str, Any]:
    """Take an event, a batch or a job; answer batches with what failed in them.

    Raise ``StoreUnreadableError`` for a single event whose store cannot be read, so that Lambda delivers it again.
    """
    job = job_of(event)
    if job in _WITHOUT_RECORD:
        return _alone(job, _warm().settings(), context)
    return serve(_application(), event, context)


def serve(
    application: bootstrap.Application,
    event: dict[str, Any],
    context: LambdaContext | None = None,
    journal: Journal = _JOURNAL,
) -> dict[str, Any]:
    """Serve one invocation with these parts, telling the journal what was done."""
    invocation = _Invocation(application, context, journal)
    job = job_of(event)
    if job in _WITHOUT_RECORD:
        return _alone(job, application.settings, context, journal)
    with tracing.span("ingest" if job is None else str(job)) as facts:
        facts.update(_request(context))
        return invocation.take(event, facts) if job is None else invocation.run(job)


def _alone(
    job: Job | None, settings: Settings, context: LambdaContext | None, journal: Journal = _JOURNAL
) -> dict[str, Any]:
    """Do a job that does not open the record: a role that may flip the canary need not reach the database."""
    from auditor.entrypoints import jobs

    done = jobs.flip_canary(settings) if job is Job.CANARY else jobs.upgrade(settings)
    journal.tell(str(job), {**done, **_request(context)})
    return done


@dataclass(frozen=True, slots=True)
class _Invocation:
    """One invocation: the parts, what the runtime tells of it, and where it writes what it did."""

    application: bootstrap.Application
    context: LambdaContext | None
    journal: Journal

    def take(self, event: dict[str, Any], facts: dict[str, str | int | bool]) -> dict[str, Any]:
        """Record an event or a batch, tell people, and answer with what failed; ``facts`` is told what came of it."""
        application = self.application
        events = unpack(event)
        report = Ingest(application.recorder).run(events)
        self._log("ingest", {**report.to_json(), **telemetry.correlation(events, report)})
        facts.update(received=len(events), recorded=report.recorded, rejected=len(report.rejected))
        now = application.recorder.clock.now()
        metrics = telemetry.ingest_metrics(events, report, now)
        self.journal.measure([*metrics, *telemetry.canary_metrics(events, report, now, application.settings.canary)])
        self._send(report.alerts)
        if set(report.outcomes) - _WITHOUT_TRACE:
            self._seal()
        if is_batch(event):
            return batch_failures(report)
        if report.deferred:
            raise StoreUnreadableError(report.deferred[0].error)
        return _answer(report)

    def run(self, job: Job) -> dict[str, Any]:
        """Do a job and return what came of it."""
        if job is Job.RECONCILE:
            return self._reconcile()
        if job is Job.DISPATCH:
            self._send(None)
            return self._waiting()
        from auditor.entrypoints import health, jobs

        if job is Job.DOCTOR:
            checks = health.report(health.of_application(self.application))
            self._log("doctor", {"ok": checks["ok"]})
            return {**checks, "installation": health.installation()}
        done = jobs.OF_THE_RECORD[job](self.application)
        self._log(str(job), done)
        return done

    def _reconcile(self) -> dict[str, Any]:
        report = self.application.reconcile().run()
        self._log("reconcile", {**report.to_json(), "errors": list(report.errors)})
        self._watch()
        self._send(None)
        self.journal.measure(telemetry.reconcile_metrics(report))
        self._waiting()
        self._seal()
        if report.errors:
            raise StoreUnreadableError("; ".join(report.errors))
        return dict(report.to_json())

    def _waiting(self) -> dict[str, Any]:
        """Measure how many alerts nobody has yet."""
        with self.application.record.reader() as uow:
            waiting = len(uow.outbox.pending())
        self.journal.measure(telemetry.waiting_metrics(waiting))
        return {"waiting": waiting}

    def _watch(self) -> None:
        """Tell of changes that no alert tells of; what fails here waits for the next time."""
        try:
            watched = self.application.watch()
        except FlagtrailError as error:
            self._log("watch", {"error": str(error)})
            return
        if watched.untold or watched.late:
            self._log("watch", {"untold": watched.untold, "late": [job.name for job in watched.late]})

    def _seal(self) -> None:
        """Seal what was just stored if nobody else is at it; what fails here waits for the next time."""
        try:
            report = self.application.seal_only()
        except FlagtrailError as error:
            self._log("seal", {"error": str(error)})
            return
        if report.sealed:
            self._log("seal", {"sealed": report.sealed, "size": report.size})

    def _send(self, keys: tuple[str, ...] | None) -> None:
        """Send what was just stored; what a channel does wrong is kept in the outbox and never fails the record."""
        if keys is not None and not keys:
            return
        deadline = datetime.now(UTC) + _budget(self.context)
        try:
            with tracing.span("send"):
                sent = self.application.dispatch(keys=keys, deadline=deadline)
        except FlagtrailError as error:
            self._log("dispatch", {"error": str(error)})
            return
        if sent is not None:
            alerts = {} if keys is None else {"alerts": list(keys)}
            self._log("dispatch", {**sent.to_json(), **alerts})
            self.journal.measure(telemetry.dispatch_metrics(sent))

    def _log(self, action: str, facts: Mapping[str, Any]) -> None:
        self.journal.tell(action, {**facts, **_request(self.context)})


def _answer(report: IngestReport) -> dict[str, Any]:
    """Return what became of a direct invocation; an AppConfig extension reads nothing in it that changes a version."""
    return {"outcomes": [outcome.value for outcome in report.outcomes]}


def _budget(context: LambdaContext | None) -> timedelta:
    if context is None:
        return SENDING_BUDGET
    left = timedelta(milliseconds=context.get_remaining_time_in_millis()) - _RESERVE
    return max(timedelta(), min(left, SENDING_BUDGET))


def _request(context: LambdaContext | None) -> dict[str, str]:
    """Return the id by which Lambda's own lines name this invocation."""
    found = getattr(context, "aws_request_id", None)
    return {} if found is None else {"request": str(found)}
