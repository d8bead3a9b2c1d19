"""The AWS Lambda function: events in, record and messages out.

Importing this module must stay light: it is every cold start. Parts are built at the first invocation and kept.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Protocol

from auditor import bootstrap
from auditor.application.envelopes import unpack
from auditor.application.ingest import Ingest, IngestReport
from auditor.application.serving import batch_failures, is_batch, is_scheduled
from auditor.domain.errors import FlagtrailError, StoreUnreadableError
from auditor.settings import Settings

SENDING_BUDGET = timedelta(seconds=5)
"""How long the function sends what it has just stored; the schedule sends the rest."""

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
    if is_scheduled(event):
        return _reconcile(application, context)
    report = Ingest(application.recorder).run(unpack(event))
    _log("ingest", report.to_json())
    _send(application, report.alerts, context)
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
    _log("reconcile", {**report.to_json(), "errors": list(report.errors)})
    _send(application, None, context)
    if report.errors:
        raise StoreUnreadableError("; ".join(report.errors))
    return dict(report.to_json())


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
        _log("dispatch", sent.to_json())


def _budget(context: LambdaContext | None) -> timedelta:
    if context is None:
        return SENDING_BUDGET
    left = timedelta(milliseconds=context.get_remaining_time_in_millis()) - _RESERVE
    return max(timedelta(), min(left, SENDING_BUDGET))


def _log(action: str, facts: Mapping[str, Any]) -> None:
    """Write one line of JSON to the function's log; counts and sentences only, never a flag's value."""
    line = {"at": datetime.now(UTC).isoformat(), "action": action, **facts}
    sys.stderr.write(json.dumps(line, ensure_ascii=True, default=str) + "\n")
