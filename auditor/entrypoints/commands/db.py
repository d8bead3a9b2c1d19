"""``flagtrail db``: the record's schema, and what it keeps."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from auditor.domain.errors import UsageError
from auditor.entrypoints.cli_options import Context, Moment, command, group
from auditor.entrypoints.people import logged_in

if TYPE_CHECKING:
    from auditor.adapters.storage import Database
    from auditor.application.retaining import Retained, Retention

_DECISIONS = (("When", 20), ("What", 34), ("By", 14), ("Reason", None))


@group()
def db() -> None:
    """Look after the database that holds the record."""


@command(
    "table",
    "json",
    examples=(
        "flagtrail db upgrade",
        "flagtrail db upgrade --database postgresql://db.example.com/flagtrail",
    ),
)
def upgrade(context: Context) -> None:
    """Bring the database to this version's schema, or make one that is not there.

    Nothing that was recorded is altered. A database that is at the schema already stays
    as it is, so this can run before every start.
    """
    from auditor import bootstrap
    from auditor.entrypoints import output

    done = bootstrap.upgrade(context.database_url)
    if context.format == "json":
        output.write_json({"from": done.before, "to": done.after})
    elif done.before == done.after:
        output.write(f"The database is at schema {done.after} already.")
    else:
        output.write(f"The database went from {done.before or 'nothing'} to schema {done.after}.")


@command(
    "table",
    "json",
    examples=(
        'flagtrail db hold matter-17 --reason "counsel asks"   # everything',
        'flagtrail db hold m-18 --application shop --flag banner --reason "claim"',
        'flagtrail db hold --lift matter-17 --reason "settled"',
        "flagtrail db hold --list",
    ),
)
@click.argument("name", required=False, metavar="[NAME]")
@click.option("--application", metavar="NAME", help="Hold only this application's flags.")
@click.option("--flag", metavar="KEY", help="Hold only flags of this key.")
@click.option("--reason", metavar="TEXT", help="Why; it is recorded for good.")
@click.option("--by", metavar="NAME", help="Who says so; the name you are logged in by unless given.")
@click.option("--lift", metavar="NAME", help="Lift this hold instead.")
@click.option("--list", "listed", is_flag=True, help="Show every decision about what the record keeps.")
def hold(
    context: Context,
    name: str | None,
    application: str | None,
    flag: str | None,
    reason: str | None,
    by: str | None,
    lift: str | None,
    *,
    listed: bool,
) -> None:
    """Let nothing go of the record, or of one flag, until the hold is lifted.

    While any hold stands, `flagtrail db retain` lets go of other flags' changes at the
    most, and under a hold of everything it refuses. Holds and their end are recorded and
    sealed like everything else.
    """
    from auditor.entrypoints import output

    if listed:
        _list(context)
        return
    if (name is None) == (lift is None) or reason is None:
        raise UsageError("db hold: needs NAME and --reason, or --lift NAME and --reason, or --list alone")
    retention = _retention(context.open_database(recording=True), reason, by)
    made = retention.hold(name, application, flag) if name is not None else retention.lift(lift or "")
    if context.format == "json":
        output.write_json(made.to_json())
    else:
        output.write(output.visible(f"{made.name} is {'lifted' if name is None else 'held'} from now on"))


def _list(context: Context) -> None:
    from auditor.domain.retention import Act
    from auditor.entrypoints import output

    with context.open_database().reader() as uow:
        found = uow.retention.all(context.now)
    if context.format == "json":
        output.write_json([one.to_json() for one in found])
        return
    rows = []
    for one in found:
        about = "/".join(part for part in (one.application, one.flag) if part) or "everything"
        what = {
            Act.HOLD: f"{one.name}: holds {about}",
            Act.LIFT: f"{one.name}: lifted",
            Act.LET_GO: f"{len(one.entries)} entries let go",
            Act.NEW_LOG: f"a new log begins, with {one.former.kept if one.former else 0} entries of the former one",
        }[one.act]
        rows.append((f"{one.at:%Y-%m-%d %H:%M}", what, one.by, one.reason))
    output.write_table(_DECISIONS, rows)


@command(
    "table",
    "json",
    examples=(
        'flagtrail db retain --before 2024-01-01 --reason "two years" --dry-run',
        'flagtrail db retain --before 730d --reason "two years"',
    ),
)
@click.option("--before", type=Moment(), required=True, help="Let go of what was recorded before this time or age.")
@click.option("--reason", metavar="TEXT", required=True, help="Why; it is recorded for good.")
@click.option("--by", metavar="NAME", help="Who says so; the name you are logged in by unless given.")
@click.option("--most", type=click.IntRange(min=1), default=100_000, show_default=True, help="About so many entries.")
@click.option("--dry-run", is_flag=True, help="Only say what would be let go.")
def retain(
    context: Context,
    before: Callable[[datetime], datetime],
    reason: str,
    by: str | None,
    most: int,
    *,
    dry_run: bool,
) -> None:
    """Let go of what is old and superseded; the proof of all that stays, stays valid.

    Gone are changes that were recorded before that time and no longer say what is so,
    with all that was learnt of them; old reconciles; calls, settled alerts and runs. What
    says how a flag stands now is kept, and everything under a hold. The hash of each
    entry stays in the log; a decision that is sealed as well says which ones were let go,
    when, by whom and why, and `flagtrail verify` says so. An entry that is not what was
    sealed stops it.
    """
    from auditor.application.sealing import seal
    from auditor.entrypoints import output

    record = context.open_database(recording=True)
    done = _retention(record, reason, by).let_go(before(datetime.now(UTC)), most=most, dry_run=dry_run)
    dropped = []
    if not dry_run:
        seal(record.unit_of_work)
        dropped = [f"{name[8:12]}-{name[13:]}" for name in record.give_back(done.before)]
    if context.format == "json":
        output.write_json({**done.to_json(), "dry_run": dry_run, "months": dropped})
        return
    output.write(_told(done, dry_run=dry_run))
    for month in dropped:
        output.write(f"The partition of {month} is gone.")


def _told(done: Retained, *, dry_run: bool) -> str:
    act = "would be let go" if dry_run else "were let go"
    text = f"{done.changes} changes ({done.entries} entries) recorded before {done.before:%Y-%m-%d} {act}"
    text += f"; kept: {done.standing} that say what is so now, {done.held} under a hold"
    return text + ("; there is more, run it again." if done.more else ".")


def _retention(record: Database, reason: str, by: str | None) -> Retention:
    from auditor import bootstrap
    from auditor.application.retaining import Retention

    return Retention(record.unit_of_work, bootstrap.SystemClock(), by or logged_in(), reason)


db.add_command(upgrade)
db.add_command(hold)
db.add_command(retain)
