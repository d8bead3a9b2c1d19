"""What the function answers to whoever invoked it: which messages failed, and what to do with the rest. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from auditor.application.ingest import IngestReport

_SCHEDULED_SOURCES = ("aws.events", "aws.scheduler")


def is_scheduled(event: Mapping[str, Any]) -> bool:
    """Tell whether an invocation is the clock's: a scheduled rule's event, or an input that asks for the job."""
    if event.get("job") == "reconcile":
        return True
    return event.get("detail-type") == "Scheduled Event" and event.get("source") in _SCHEDULED_SOURCES


def is_sealing(event: Mapping[str, Any]) -> bool:
    """Tell whether an invocation asks to seal and sign the log."""
    return event.get("job") == "seal"


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
