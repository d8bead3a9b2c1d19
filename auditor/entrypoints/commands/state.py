"""``flagtrail state``: what every flag said at a time."""

from __future__ import annotations

from typing import Any

import click

from auditor.entrypoints.cli_options import Context, Moment, command

_COLUMNS = (("Flag", 26), ("Environment", 11), ("Version", 7), ("Says", None), ("Sure", 8))


@command(
    "table",
    "json",
    "jsonl",
    examples=(
        "flagtrail state                            # as last seen",
        "flagtrail state --at 2026-03-05T14:00:00Z  # during the incident",
        "flagtrail state --at 1d --environment prod --format json",
    ),
)
@click.option("--at", type=Moment(end=True), help="The time: 2026-03-05T14:00:00Z, the end of a day, or an age: 1d.")
@click.option("--flag", metavar="NAME", help="Only this flag: its key, or application/key.")
@click.option("--environment", metavar="NAME", help="Only this environment; - for states without one.")
def state(context: Context, at: Any, flag: str | None, environment: str | None) -> None:
    """Show what every flag said at a time, in every environment; without --at, when it was last looked at.

    An AppConfig flag has a state in each environment it was deployed to, which is what
    users saw, and one without environment, which is what was saved. "possible" means
    that the record cannot rule out another state: the store was last read before that
    time ("as_of" says when), or a version in between can no longer be read.
    """
    from auditor.application.retaining import incomplete_before
    from auditor.application.states import StateAt, states_at
    from auditor.entrypoints import output

    moment = at(context.moment) if at else None
    with context.open_database().reader() as uow:
        found = states_at(uow, moment, context.now)
        whole_since = incomplete_before(uow, context.now)
    if moment is not None and whole_since is not None and moment < whole_since:
        output.remark(f"What was recorded before {whole_since:%Y-%m-%d} was let go: flags of that time may be missing.")

    def wanted(state: StateAt) -> bool:
        about = state.change.change
        named = flag is None or flag in (about.flag, f"{about.application}/{about.flag}")
        return named and (environment is None or environment == (about.environment or "-"))

    rows = [state for state in found if wanted(state)]
    if context.format == "json":
        output.write_json([row.to_json() for row in rows])
    elif context.format == "jsonl":
        output.write_jsonl(row.to_json() for row in rows)
    elif rows:
        output.write_table(_COLUMNS, [cells(row.to_json()) for row in rows])
    else:
        output.remark("No flag is recorded for that time; `flagtrail reconcile` reads the stores.")


def cells(row: dict[str, Any]) -> tuple[str, ...]:
    """Return the cells of a table row."""
    name = f"{row['application']}/{row['flag']}" if row["application"] else str(row["flag"])
    return (name, row["environment"] or "-", row["version"] or "-", said(row["state"]), row["certainty"])


def said(state: dict[str, Any] | None) -> str:
    """Return a state in one short text."""
    from auditor.entrypoints.output import to_json

    if state is None:
        return "(does not exist)"
    value = state["value"]
    if isinstance(value, dict) and value.get("masked"):
        return "(masked)"
    return value if isinstance(value, str) else to_json(value)
