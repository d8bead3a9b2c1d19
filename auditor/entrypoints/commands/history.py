"""``flagtrail history``: who changed what, newest first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

import click

from auditor.domain.changes import ChangeKind
from auditor.entrypoints.cli_options import Context, Moment, command

if TYPE_CHECKING:
    from auditor.application.ports import HistoryQuery
    from auditor.domain.changes import RecordedChange

_SHOWN = 30
_COLUMNS = (("When (UTC)", 10), ("Flag", 24), ("Change", None), ("Who", 17))
CSV_COLUMNS = (
    "id", "seq", "kind", "application", "environment", "flag", "source", "account", "region", "document", "life",
    "version_before", "version_after", "occurred_at", "occurred_after", "occurred_before", "recorded_at", "before",
    "after", "diff", "summary", "actor_kind", "actor_name", "actor_arn", "actor_via", "actor_session",
    "actor_source_ip", "certainty", "evidence", "reason", "detected_by", "deployment", "error", "label",
)  # fmt: skip


@command(
    "table",
    "json",
    "jsonl",
    "csv",
    examples=(
        "flagtrail history --since 7d --environment prod",
        "flagtrail history --flag shop/new-checkout --format json",
        "flagtrail history --kind deployed --kind rolled_back --limit 5",
        "flagtrail history --unattributed --changes-only",
        "flagtrail history --since 2026-03-01 --until 2026-03-31 --format csv",
        "flagtrail history --after 120       # the page behind row number 120",
    ),
)
@click.option("--flag", metavar="NAME", help="Only this flag: its key, or application/key.")
@click.option("--application", metavar="NAME", help="Only flags of this application.")
@click.option("--environment", metavar="NAME", help="Only this environment; - for changes without one.")
@click.option("--actor", metavar="TEXT", help="Only by this person, role or service: name, ARN or session.")
@click.option("--source", metavar="STORE", help="Only from this store: ssm, appconfig, dynamodb, s3.")
@click.option(
    "--kind",
    "kinds",
    multiple=True,
    type=click.Choice([kind.value for kind in ChangeKind]),
    metavar="KIND",
    help=f"Only this kind; may be given several times: {', '.join(kind.value for kind in ChangeKind)}.",
)
@click.option("--since", type=Moment(), help="From this time, day or age on: 2026-03-01T08:00:00Z, 2026-03-01, 7d.")
@click.option("--until", type=Moment(end=True), help="Up to this time, the end of this day, or this age.")
@click.option("--text", metavar="TEXT", help="Only with this text in flag, summary, values, reason or error.")
@click.option("--account", metavar="ID", help="Only in this AWS account.")
@click.option("--region", metavar="REGION", help="Only in this Region.")
@click.option("--unattributed", is_flag=True, help="Only changes that nobody is known to have made.")
@click.option("--changes-only", is_flag=True, help="Leave out attempts: denied and failed calls.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="At most this many rows; a table has 30.")
@click.option("--after", type=click.IntRange(min=1), metavar="SEQ", help="Continue behind the row of this number.")
def history(context: Context, **filters: Any) -> None:
    """Show what changed, newest first: when, which flag, from what to what, by whom.

    A change that no source dates has an interval instead of a time; --since and
    --until find it when the interval overlaps. Without --limit, json, jsonl and csv
    give all rows.
    """
    query = _query(context, filters)
    if context.format == "table" and query.limit is None:
        _show(context, query)
        return
    with context.open_database().reader() as uow:
        _write(context.format, uow.changes.query(query))


def _query(context: Context, filters: dict[str, Any]) -> HistoryQuery:
    """Return what is asked for; a flag given as application/key stands for both."""
    from auditor.application.ports import HistoryQuery

    since, until = filters.pop("since"), filters.pop("until")
    kinds = tuple(ChangeKind(kind) for kind in filters.pop("kinds"))
    application, slash, key = (filters["flag"] or "").rpartition("/")
    if slash and application and filters["application"] is None:
        filters |= {"application": application, "flag": key}
    return HistoryQuery(
        **filters,
        kinds=kinds,
        since=since and since(context.moment),
        until=until and until(context.moment),
        as_of=context.now,
    )


def _show(context: Context, query: HistoryQuery) -> None:
    """Show the newest rows, and how to see the next ones."""
    from auditor.application.retaining import incomplete_before
    from auditor.entrypoints.output import remark

    with context.open_database().reader() as uow:
        found = list(islice(uow.changes.query(query), _SHOWN + 1))
        whole_since = incomplete_before(uow, query.as_of)
    if whole_since is not None and (query.since is None or query.since < whole_since):
        remark(f"What was recorded before {whole_since:%Y-%m-%d} was let go, but for what says how a flag stands.")
    _write("table", found[:_SHOWN])
    if len(found) > _SHOWN:
        remark(f"The newest {_SHOWN}; the next ones: --after {found[_SHOWN - 1].seq}, or all: --limit N")


def _write(form: str, changes: Iterable[RecordedChange]) -> None:
    """Write the rows in the form asked for."""
    from auditor.entrypoints import output

    if form == "json":
        output.write_json_list(change.to_json() for change in changes)
    elif form == "jsonl":
        output.write_jsonl(change.to_json() for change in changes)
    elif form == "csv":
        output.write_csv(CSV_COLUMNS, (csv_cells(change.to_json()) for change in changes))
    else:
        _write_table(changes)


def _write_table(changes: Iterable[RecordedChange]) -> None:
    from auditor.entrypoints import output

    rows = [tuple(table_cells(change)) for change in changes]
    if not rows:
        output.remark("No change is recorded that fits; `flagtrail reconcile` reads the stores.")
        return
    output.write_table(_COLUMNS, rows)


def table_cells(change: RecordedChange) -> Iterator[str]:
    """Yield the cells of a table row: when, where, what, who."""
    from auditor.domain.flags import FlagId

    about = change.change
    at, between = change.occurred_at, about.occurred_between
    yield _stacked(at) if at or not between else _interval(*between)
    name = str(FlagId(about.application or "", about.flag)) if about.flag else about.document.name
    yield f"{name}\n{about.environment or '-'} #{change.seq}"
    told = about.summary
    if about.reason and about.reason not in told:
        told += f"\n{about.reason}"
    yield told if not about.kind.is_attempt else f"{about.kind.value.upper()} {told}"
    actor = change.attribution.actor
    via = f"\nvia {actor.via}" if actor.via and actor.via != actor.name else ""
    yield f"{actor.name or 'unattributed'}{via}"


def _interval(after: datetime | None, before: datetime) -> str:
    """Return an interval in few lines."""
    return f"{_stacked(after)} to\n{_stacked(before)}" if after else f"by\n{_stacked(before)}"


def _stacked(at: datetime | None) -> str:
    """Return a day above its time."""
    from auditor.entrypoints.output import moment

    return moment(at).replace(" ", "\n")


def csv_cells(row: dict[str, Any]) -> list[Any]:
    """Return a history row as CSV has it: actor, certainty, evidence and interval in columns of their own."""
    after, before = row["occurred_between"] or (None, None)
    flat = {
        **row,
        **{f"actor_{key}": value for key, value in row["actor"].items()},
        **row["attribution"],
        "occurred_after": after,
        "occurred_before": before,
    }
    return [flat.get(column) for column in CSV_COLUMNS]
