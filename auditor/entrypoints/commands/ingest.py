"""``flagtrail ingest``: events from files into the record."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from auditor.domain.errors import UsageError
from auditor.entrypoints.cli_options import Context, command

if TYPE_CHECKING:
    from auditor.application.ingest import IngestReport
    from auditor.domain.events import ReceivedEvent

_BAD_INPUT = 2


@command(
    "table",
    "json",
    examples=(
        "flagtrail ingest event.json",
        "flagtrail ingest monday.jsonl tuesday.jsonl --format json",
        "aws sqs receive-message ... | flagtrail ingest -",
    ),
)
@click.argument("files", nargs=-1, required=True, metavar="FILE...|-")
def ingest(context: Context, files: Sequence[str]) -> None:
    """Take events into the record: from files, or from standard input with -.

    A file holds one JSON object, an array, or JSON Lines: EventBridge events, SQS
    batches, stream batches, AppConfig extension calls, as a Lambda gets them. An event is
    a hint: what changed is read from the store. Giving one twice adds nothing.

    Ends with status 2 if an event was rejected, or deferred because its store could not
    be read; all others are recorded. Deferred ones are taken up by the next run.
    """
    from auditor import bootstrap
    from auditor.application.ingest import Ingest
    from auditor.application.sealing import seal
    from auditor.entrypoints import output

    events = list(_events(files))
    record = context.open_database(recording=True)
    recorder = bootstrap.recorder(context.settings, record)
    report = Ingest(recorder).run(events)
    if context.format == "json":
        output.write_json(report.to_json())
    else:
        _write(report)
    seal(record.unit_of_work)
    if not report.complete:
        output.remark(f"flagtrail ingest: {_trouble(report)}")
        context.exit(_BAD_INPUT)


def _events(files: Sequence[str]) -> Iterator[ReceivedEvent]:
    """Yield the events of all files, numbered through; raise ``UsageError`` before the first if a file is not there."""
    from auditor.application.envelopes import read_events

    texts = [_text(file) for file in files]
    events = (event for text in texts for event in read_events(text))
    for index, event in enumerate(events):
        yield replace(event, index=index)


def _text(file: str) -> str:
    """Return a file's text; bytes that are no UTF-8 are kept in a form that makes their event a rejected one."""
    try:
        raw = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise UsageError(f"ingest: {file} cannot be read: {error.strerror}; name a file of events, or -") from error
    return raw.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogateescape")


def _write(report: IngestReport) -> None:
    """Say in a few lines what became of the events."""
    from auditor.domain.events import Outcome
    from auditor.entrypoints import output

    counted = [(outcome, report.count(outcome)) for outcome in Outcome if report.count(outcome)]
    told = ", ".join(f"{count} {outcome.value}" for outcome, count in counted) or "none"
    output.write(f"{len(report.outcomes)} events: {told}.")
    output.write(f"{report.recorded} changes recorded; `flagtrail history` shows them.")


def _trouble(report: IngestReport) -> str:
    """Return what went wrong with which events, in one line."""
    first = [f"event {event.index}: {event.error}" for event in report.rejected]
    first += [f"event {event.index}: {event.error}" for event in report.deferred]
    counts = f"{len(report.rejected)} rejected, {len(report.deferred)} deferred"
    more = f"; and {len(first) - 1} more" if len(first) > 1 else ""
    return f"{counts}; {first[0]}{more}"
