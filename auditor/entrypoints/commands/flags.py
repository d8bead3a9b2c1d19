"""``flagtrail flags``: the inventory."""

from __future__ import annotations

import click

from auditor.entrypoints.cli_options import Context, command

_COLUMNS = (("Flag", 24), ("Store", 9), ("Environment", 11), ("Key or profile", None))


@command(
    "table",
    "json",
    "jsonl",
    examples=(
        "flagtrail flags",
        "flagtrail flags --format json > flags.json    # what `scan --flags` reads",
        "flagtrail flags --application shop",
    ),
)
@click.option("--application", metavar="NAME", help="Only flags of this application.")
def flags(context: Context, application: str | None) -> None:
    """List the flags that exist, as a scan looks for them.

    A parameter is one entry for each environment; an AppConfig flag is one entry,
    whatever it says where.
    """
    from auditor.application.queries import inventory
    from auditor.entrypoints import output

    with context.open_database().reader() as uow:
        found = inventory(uow, context.now)
    specs = [spec for spec in found if application is None or spec.application == application]
    if context.format == "json":
        output.write_json([spec.to_json() for spec in specs])
    elif context.format == "jsonl":
        output.write_jsonl(spec.to_json() for spec in specs)
    elif specs:
        rows = [(s.name or s.key, s.provider, s.environment or "-", s.profile or s.key) for s in specs]
        output.write_table(_COLUMNS, rows)
    else:
        output.remark("No flag is recorded yet; `flagtrail reconcile` reads the stores.")
