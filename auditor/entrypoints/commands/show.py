"""``flagtrail show``: all about one flag."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from auditor.entrypoints.cli_options import Context, command

if TYPE_CHECKING:
    from auditor.application.queries import FlagView

_CHANGES = 10
_STATES = (("Environment", 14), ("Version", 7), ("Says", None), ("Sure", 8))
_HISTORY = (("When (UTC)", 10), ("Where", 16), ("Change", None), ("Who", 17))
_REFERENCES = (("Kind", 8), ("Where", None), ("Sure", 8), ("Since", 10))
_COMMENTS = (("What", 10), ("Says", 20), ("Where", None))
_LEFT = (("Kind", 8), ("Where", None), ("First seen", 15), ("Gone", 24))


@command(
    "table",
    "json",
    examples=(
        "flagtrail show new-checkout",
        "flagtrail show shop/new-checkout --format json",
        "flagtrail show /shop/prod/features/new-checkout",
    ),
)
@click.argument("flag", metavar="FLAG")
def show(context: Context, flag: str) -> None:
    """Show one flag: what it says where, its changes, and where code names it.

    FLAG is its key, application/key, or the full name of its parameter.
    """
    from auditor.application.queries import show as all_about
    from auditor.entrypoints import output

    with context.open_database().reader() as uow:
        view = all_about(uow, flag, context.now)
    if context.format == "json":
        output.write_json(view.to_json())
    else:
        _write(view)


def _write(view: FlagView) -> None:
    from auditor.entrypoints import output
    from auditor.entrypoints.commands.history import table_cells
    from auditor.entrypoints.commands.state import cells

    output.write(output.visible(view.name))
    for spec in view.specs:
        output.write(output.visible(f"  {spec.provider}  {spec.profile or spec.key}"))
    output.write("")
    output.write_table(_STATES, [cells(state.to_json())[1:] for state in view.states])
    output.write("")
    recent = [tuple(table_cells(change)) for change in view.changes[:_CHANGES]]
    rows = [(when, where.partition("\n")[2], what, who) for when, where, what, who in recent]
    output.write_table(_HISTORY, rows, title=f"Changes: {len(view.changes)}, newest first")
    for finding in view.findings:
        place = f" in {finding.environment}" if finding.environment else ""
        output.write(output.visible(f"  {finding.severity.value:8} {finding.code}{place}: {finding.message}"))
    output.write("")
    if view.references is None:
        output.write("References: not known; no code was scanned since the flag was recorded.")
    elif not view.references:
        output.write(f"References: none in the code scanned at {output.moment(view.scanned_at)}.")
    else:
        since = {(one.reference.path, one.reference.kind): f"{one.first.at:%Y-%m-%d}" for one in view.sightings}
        found = [
            (r.kind.value, f"{r.path}:{r.line}", r.certainty.value, since.get((r.path, r.kind), "?"))
            for r in view.references
        ]
        output.write_table(_REFERENCES, found, title=f"References, scanned at {output.moment(view.scanned_at)}")
    if view.annotations:
        said = [(a.kind.value, a.value, f"{a.path}:{a.line}") for a in view.annotations]
        output.write("")
        output.write_table(_COMMENTS, said, title="What comments in code say")
    left = [one for one in view.sightings if one.gone is not None]
    if left:
        rows = [
            (s.reference.kind.value, f"{s.reference.path}:{s.reference.line}", str(s.first), s.departure or "")
            for s in left
        ]
        output.write("")
        output.write_table(_LEFT, rows, title="No longer in code")
