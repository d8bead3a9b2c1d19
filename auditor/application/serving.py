"""What the function answers to whoever invoked it: which messages failed, and what to do with the rest. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from auditor.application.ingest import IngestReport

_SCHEDULED_SOURCES = ("aws.events", "aws.scheduler")


class Job(StrEnum):
    """What the function can be asked for, as ``{"job": "seal"}``; each may be a function with a role of its own."""

    RECONCILE = "reconcile"
    DISPATCH = "dispatch"
    SEAL = "seal"
    WATCH = "watch"
    WEEKLY_REPORT = "weekly_report"
    CANARY = "canary"
    UPGRADE = "upgrade"
    DOCTOR = "doctor"


def job_of(event: Mapping[str, Any]) -> Job | None:
    """Return the job that the clock, or a person, asks for; ``None`` where an invocation is no job.

    A scheduled rule's event asks for what is found without an event.
    """
    if event.get("detail-type") == "Scheduled Event" and event.get("source") in _SCHEDULED_SOURCES:
        return Job.RECONCILE
    asked = event.get("job")
    return Job(asked) if asked in set(Job) else None


def is_batch(event: Mapping[str, Any]) -> bool:
    """Tell whether an invocation is a batch that may be answered in part (SQS, a stream)."""
    return isinstance(event.get("Records"), list)


def batch_failures(report: IngestReport) -> dict[str, Any]:
    """Return the partial-batch answer: what was rejected or deferred comes again, then goes to the dead letters.

    See "Handling errors for an SQS event source in Lambda" in the AWS Lambda Developer Guide.
    """
    failed = [event.message_id for event in report.rejected] + [event.message_id for event in report.deferred]
    named = dict.fromkeys(identifier for identifier in failed if identifier is not None)
    return {"batchItemFailures": [{"itemIdentifier": identifier} for identifier in named]}
