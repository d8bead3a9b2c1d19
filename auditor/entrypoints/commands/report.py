"""``flagtrail report``: self-contained HTML pages."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from auditor.application.ports import HistoryQuery
from auditor.domain.errors import ConfigurationError, UsageError
from auditor.entrypoints.cli_options import Context, Rfc3339, command, group

if TYPE_CHECKING:
    from reports.history import Ledger

_OUT = click.option(
    "--out",
    type=click.Path(path_type=Path),
    required=True,
    metavar="FILE.html",
    help="Where to write: a page, or the same as .md, .csv, .json, .jsonl or .sarif.",
)


@group(
    examples=(
        "flagtrail report stale --out stale.html",
        "flagtrail report history --since 2026-03-01T00:00:00Z --out march.html",
        "flagtrail report flag shop/new-checkout --out flag.html",
        "flagtrail report stale --out stale.sarif    # also .md, .csv, .json, .jsonl",
    )
)
def report() -> None:
    """Write a page for people: one file that opens without a network."""


@command("table", "json", examples=("flagtrail report stale --out stale.html",))
@_OUT
def stale(context: Context, out: Path) -> None:
    """Write the stale-flag report: what can go, what is not known, what stays."""
    from auditor import bootstrap
    from reports import stale as page

    page.render(bootstrap.stale_input(context.settings, context.open_database(), context.moment, context.now), out)
    _wrote(context, out)


@command("table", "json", examples=("flagtrail report history --since 2026-03-01T00:00:00Z --out march.html",))
@_OUT
@click.option("--since", type=Rfc3339(), metavar="T", help="From this time on.")
@click.option("--until", type=Rfc3339(), metavar="T", help="Up to this time.")
@click.option("--environment", metavar="NAME", help="Only this environment; - for changes without one.")
@click.option("--application", metavar="NAME", help="Only this application.")
def history(
    context: Context,
    out: Path,
    since: datetime | None,
    until: datetime | None,
    environment: str | None,
    application: str | None,
) -> None:
    """Write the change history: who touched what, when, how we know, and what nobody can vouch for."""
    from auditor import bootstrap
    from reports import history as page

    query = HistoryQuery(since=since, until=until, environment=environment, application=application, as_of=context.now)
    filters = [(k, v) for k, v in (("environment", environment), ("application", application)) if v is not None]
    ledger = _ledger(context)
    with context.open_database().reader() as uow:
        gaps = uow.gaps.all(context.now)
        changes = partial(uow.changes.query, query)
        data = page.HistoryInput(
            changes, gaps, context.moment, since, until, filters, ledger, bootstrap.working_hours(context.settings)
        )
        page.render(data, out)
    _wrote(context, out)


@command("table", "json", examples=("flagtrail report flag shop/new-checkout --out flag.html",))
@click.argument("flag")
@_OUT
def flag(context: Context, flag: str, out: Path) -> None:
    """Write the page of one FLAG (application/key, or its key alone): its whole life and the code that reads it."""
    from auditor import bootstrap
    from auditor.application.lives import code_history
    from auditor.application.queries import show
    from reports import flag as page

    data = bootstrap.stale_input(context.settings, context.open_database(), context.moment, context.now)
    found = [j for j in data.judgements if flag in (str(j.facts.flag), j.facts.flag.key)]
    if len(found) != 1:
        names = ", ".join(str(j.facts.flag) for j in found)
        hint = f"name one of {names}" if names else "`flagtrail flags` lists them"
        raise UsageError(f"{flag} is {'more than one flag' if found else 'no recorded flag'}; {hint}")
    about = found[0].facts.flag
    query = HistoryQuery(flag=about.key, application=about.application or None, as_of=context.now)
    with context.open_database().reader() as uow:
        changes = list(uow.changes.query(query))
        scans = code_history(uow, show(uow, str(about), context.now).specs, context.now)
    hours = bootstrap.working_hours(context.settings)
    page.render(page.FlagInput(found[0], changes, data, scans, hours), out)
    _wrote(context, out)


def _ledger(context: Context) -> Ledger | None:
    """Check the record for the page, and return what that gave; ``None`` where nothing is sealed.

    A page about an earlier time says nothing of how the record is now: it is to come out the same whenever it is made.
    """
    from auditor.application.verifying import in_words
    from auditor.entrypoints.commands.verify import anchored_notes, check_record, public_keys
    from reports.history import Ledger

    if context.now is not None:
        words = "This page tells of an earlier time. flagtrail verify checks the record as it is."
        return Ledger("not checked", (words,))
    with context.open_database().reader() as uow:
        newest = uow.ledger.newest_checkpoint()
    try:
        notes, hindrances = anchored_notes(context, None)
        verdict = check_record(context, notes, public_keys(context, None), hindrances)
    except (UsageError, ConfigurationError) as error:
        return Ledger("not checked", (str(error),), None if newest is None else newest.note)
    if not verdict.size:
        return None
    return Ledger(verdict.answer.value, tuple(in_words(verdict)), None if newest is None else newest.note)


def _wrote(context: Context, out: Path) -> None:
    """Answer with the file that was written."""
    from json import dumps

    click.echo(dumps({"out": str(out)}) if context.format == "json" else f"wrote {out}")


for _page in (stale, history, flag):
    report.add_command(_page)
