"""``flagtrail db``: the record's schema."""

from __future__ import annotations

from auditor.entrypoints.cli_options import Context, command, group


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


db.add_command(upgrade)
