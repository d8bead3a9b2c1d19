"""``flagtrail snooze``: lets a flag be for a while, and says so wherever the flag is judged."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import click

from auditor.domain.errors import UsageError
from auditor.entrypoints.cli_options import Context, Moment, command
from auditor.entrypoints.people import logged_in

_SNOOZES = (("Until", 10), ("Flag", 28), ("Times", 5), ("By", 14), ("Reason", None))


@command(
    "table",
    "json",
    examples=(
        'flagtrail snooze new-checkout --until 2026-12-31 --reason "audit until then"',
        "flagtrail snooze --list",
    ),
)
@click.argument("flag", metavar="[FLAG]", required=False)
@click.option("--until", type=Moment(end=True), help="Until when; at most as long as [stale] snooze_at_most says.")
@click.option("--reason", metavar="TEXT", help="Why the flag has to stay that long.")
@click.option("--by", metavar="NAME", help="Who says so; the name you are logged in by unless given.")
@click.option("--list", "listed", is_flag=True, help="Show every snooze, those that are over included.")
def snooze(
    context: Context,
    flag: str | None,
    until: Callable[[datetime], datetime] | None,
    reason: str | None,
    by: str | None,
    *,
    listed: bool,
) -> None:
    """Let a flag be for a while: it keeps its verdict, and is shown as snoozed.

    FLAG is its key, application/key, or the full name of its parameter. A snooze is
    recorded for good: who, until when and why. It has an end, each one is counted, and
    the weekly report names those that end soon.
    """
    if listed:
        _list(context)
    elif flag is None or until is None or reason is None:
        raise UsageError("snooze: needs FLAG, --until and --reason, or --list alone")
    else:
        _record(context, flag, until, reason, by or logged_in())


def _record(context: Context, flag: str, until: Callable[[datetime], datetime], reason: str, by: str) -> None:
    from auditor import bootstrap
    from auditor.application.snoozing import counted
    from auditor.application.snoozing import snooze as record
    from auditor.entrypoints import output

    now = datetime.now(UTC)
    most = bootstrap.stale_rules(context.settings).snooze_days
    with context.open_database().unit_of_work() as uow:
        made = record(uow, flag, until(now), reason, by, most=most, now=now)
        times = sum(one.flag == made.flag for one, _ in counted(uow))
        uow.commit()
    if context.format == "json":
        output.write_json({"name": str(made.flag), **made.to_json(times, now)})
    else:
        often = "" if times == 1 else f"; it was snoozed {times} times by now"
        output.write(output.visible(f"{made.flag} is let be until {made.until:%Y-%m-%d}{often}"))


def _list(context: Context) -> None:
    from auditor.application.snoozing import counted
    from auditor.entrypoints import output

    with context.open_database().reader() as uow:
        found = list(counted(uow, context.now))
    if context.format == "json":
        output.write_json([{"name": str(one.flag), **one.to_json(times, context.moment)} for one, times in found])
        return
    rows = []
    for one, times in found:
        over = "" if one.is_active(context.moment) else " (over)"
        rows.append((f"{one.until:%Y-%m-%d}", f"{one.flag}{over}", str(times), one.by, one.reason))
    output.write_table(_SNOOZES, rows)
