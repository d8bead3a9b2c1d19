"""``flagtrail gaps``: what the record cannot vouch for."""

from __future__ import annotations

from auditor.domain.changes import GapClass
from auditor.entrypoints.cli_options import Context, command

_COLUMNS = (("Class", 8), ("Document", 30), ("From", 12), ("To", 12), ("Why", None))
_FINDINGS = 1


@command(
    "table",
    "json",
    examples=("flagtrail gaps", "flagtrail gaps --format json"),
)
def gaps(context: Context) -> None:
    """List what the record cannot vouch for.

    A version gap is a version that the store numbers and that can no longer be read. An
    interval gap is a time in which a store without versions could have changed unseen.
    Ends with status 1 if a version gap is open.
    """
    from auditor.entrypoints import output

    with context.open_database().reader() as uow:
        found = uow.gaps.all(context.now)
    if context.format == "json":
        output.write_json([gap.to_json() for gap in found])
    elif found:
        rows = [(g.gap_class.value, g.document.name, g.first, g.last, g.reason) for g in found]
        output.write_table(_COLUMNS, rows)
    else:
        output.write("No gaps: every version is in the record.")
    if any(gap.gap_class is GapClass.VERSION for gap in found):
        context.exit(_FINDINGS)
