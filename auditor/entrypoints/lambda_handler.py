"""The AWS Lambda function: events in, record and messages out.

Importing this module must stay light: it is every cold start. Parts are built at the first invocation and kept.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Protocol

from auditor import bootstrap
from auditor.application.envelopes import unpack
from auditor.application.ingest import Ingest, IngestReport
from auditor.application.serving import batch_failures, is_batch, is_scheduled, is_sealing
from auditor.domain.errors import FlagtrailError, StoreUnreadableError
from auditor.domain.events import Outcome
from auditor.entrypoints import telemetry
from auditor.settings import Settings

SENDING_BUDGET = timedelta(seconds=5)
"""How long the function sends what it has just stored; the schedule sends the rest."""

# What leaves nothing to seal.
_WITHOUT_TRACE = {Outcome.DUPLICATE, Outcome.IGNORED, Outcome.REJECTED, Outcome.DEFERRED}
_RESERVE = timedelta(seconds=3)


class LambdaContext(Protocol):
    """What the runtime tells of an invocation."""

    def get_remaining_time_in_millis(self) -> int:
        """Return how long this invocation may still run."""
        ...


@cache
def _application() -> bootstrap.Application:
    """Build the parts once an execution environment; settings are read from its variables only."""
    return bootstrap.application(Settings.from_env(os.environ))


def handler(event: dict[str, Any], context: LambdaContext | None = None) -> dict[str, Any]:
    """Take an event, a batch or a scheduled input; answer batches with what failed in them.

    Raise ``StoreUnreadableError`` for a single event whose store cannot be read, so that Lambda delivers it again.
    """
    return serve(_application(), event, context)


def serve(
    application: bootstrap.Application, event: dict[str, Any], context: LambdaContext | None = None
) -> dict[str, Any]:
    """Serve one invocation with these parts."""
    if is_sealing(event):
        return _seal_and_sign(application)
    if is_scheduled(event):
        return _reconcile(application, context)
    events = unpack(event)
    report = Ingest(application.recorder).run(events)
    _log("ingest", {**report.to_json(), **telemetry.correlation(events, report), **_request(context)})
    _measure(telemetry.ingest_metrics(events, report, application.recorder.clock.now()))
    _send(application, report.alerts, context)
    if set(report.outcomes) - _WITHOUT_TRACE:
        _seal(application)
    if is_batch(event):
        return batch_failures(report)
    if report.deferred:
        raise StoreUnreadableError(report.deferred[0].error)
    return _answer(report)


def _answer(report: IngestReport) -> dict[str, Any]:
    """Return what became of a direct invocation; an AppConfig extension reads nothing in it that changes a version."""
    return {"outcomes": [outcome.value for outcome in report.outcomes]}


def _reconcile(application: bootstrap.Application, context: LambdaContext | None) -> dict[str, Any]:
    report = application.reconcile().run()
    _log("reconcile", {**report.to_json(), "errors": list(report.errors), **_request(context)})
    _send(application, None, context)
    with application.record.reader() as uow:
        waiting = len(uow.outbox.pending())
    _measure(telemetry.reconcile_metrics(report, waiting))
    _seal(application)
    if report.errors:
        raise StoreUnreadableError("; ".join(report.errors))
    return dict(report.to_json())


def _seal_and_sign(application: bootstrap.Application) -> dict[str, Any]:
    """Seal all that waits and sign it; a role that may sign should run this and nothing else."""
    report = application.seal()
    facts = {"sealed": report.sealed, "size": report.size, "signed": report.signed, "anchored": report.anchored}
    _log("seal", facts)
    return facts


def _seal(application: bootstrap.Application) -> None:
    """Seal what was just stored if nobody else is at it; what fails here waits for the next time."""
    try:
        report = application.seal_only()
    except FlagtrailError as error:
        _log("seal", {"error": str(error)})
        return
    if report.sealed:
        _log("seal", {"sealed": report.sealed, "size": report.size})


def _send(application: bootstrap.Application, keys: tuple[str, ...] | None, context: LambdaContext | None) -> None:
    """Send what was just stored; what a channel does wrong is kept in the outbox and never fails the record."""
    if keys is not None and not keys:
        return
    deadline = datetime.now(UTC) + _budget(context)
    try:
        sent = application.dispatch(keys=keys, deadline=deadline)
    except FlagtrailError as error:
        _log("dispatch", {"error": str(error)})
        return
    if sent is not None:
        _log("dispatch", {**sent.to_json(), **_request(context)})
        _measure(telemetry.dispatch_metrics(sent))


def _budget(context: LambdaContext | None) -> timedelta:
    if context is None:
        return SENDING_BUDGET
    left = timedelta(milliseconds=context.get_remaining_time_in_millis()) - _RESERVE
    return max(timedelta(), min(left, SENDING_BUDGET))


def _log(action: str, facts: Mapping[str, Any]) -> None:
    """Write one line of JSON to the function's log; counts and sentences only, never a flag's value."""
    sys.stderr.write(telemetry.log_line(datetime.now(UTC), action, facts) + "\n")


def _measure(metrics: Sequence[telemetry.Metric]) -> None:
    """Write the line that CloudWatch makes metrics of; no call is made."""
    line = telemetry.metrics_line(datetime.now(UTC), os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "local"), metrics)
    if line is not None:
        sys.stdout.write(line + "\n")


def _request(context: LambdaContext | None) -> dict[str, str]:
    """Return the id by which Lambda's own lines name this invocation."""
    found = getattr(context, "aws_request_id", None)
    return {} if found is None else {"request": str(found)}
