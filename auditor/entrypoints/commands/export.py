"""``flagtrail export``: the record, or a part of it, as a folder that verifies by itself."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from auditor.entrypoints.cli_options import Context, Moment, command

if TYPE_CHECKING:
    from auditor.adapters.ledger.exports import Manifest
    from auditor.application.ports import UnitOfWork
    from auditor.domain.changes import RecordedChange


@command(
    "table",
    "json",
    examples=(
        "flagtrail export --out audit-2026",
        "flagtrail export --out audit-march --since 2026-03-01 --until 2026-03-31",
        "flagtrail verify audit-2026 --public-key key.pub",
    ),
)
@click.option("--out", required=True, type=click.Path(path_type=Path), metavar="DIR", help="A new folder.")
@click.option("--since", type=Moment(), help="Only what occurred from this time, day or age on.")
@click.option("--until", type=Moment(end=True), help="Only what occurred up to this time, or the end of this day.")
def export(context: Context, out: Path, since: Any, until: Any) -> None:
    """Write the record into a folder that anyone can verify, without the database.

    What was recorded is sealed first, and signed where a key is set. The folder gets
    the sealed entries as compressed JSON Lines with their proofs, the checkpoints, the
    changes as CSV with no cell that a spreadsheet would run, and as OCSF events. With
    --since or --until it holds what occurred then, as history finds it, each entry with
    its own proof. docs/ledger.md describes every file.
    """
    from auditor import bootstrap
    from auditor.adapters.ledger.exports import make_folder
    from auditor.application.sealing import seal_and_sign
    from auditor.entrypoints import output

    begins, ends = since and since(context.moment), until and until(context.moment)
    record = context.open_database(create=False)
    make_folder(out)
    seal_and_sign(record.unit_of_work, bootstrap.vouch(context.settings, record))
    with record.reader() as uow:
        manifest = _write(uow, out, context, begins, ends)
    if context.format == "json":
        output.write_json({"out": str(out), **manifest.to_json()})
        return
    part = "all" if manifest.complete else "selected"
    output.write(f"{manifest.entries} entries ({part}) of the log of {manifest.tree_size} are in {out}.")


def _write(uow: UnitOfWork, out: Path, context: Context, since: datetime | None, until: datetime | None) -> Manifest:
    """Write every file, what says that all is there last."""
    from auditor.adapters.ledger import exports
    from auditor.application.exporting import let_go, proven, selected, whole_log
    from auditor.application.ocsf import ocsf_event
    from auditor.application.ports import HistoryQuery
    from auditor.domain.times import rfc3339

    complete = since is None and until is None
    newest = uow.ledger.newest_checkpoint()
    exports.write_notes(out, ((kept.size, kept.note) for kept in uow.ledger.checkpoints()))
    if complete:
        count = exports.write_entries(out, whole_log(uow.sealed), alone=False, let_go=let_go(uow))
        size = count
    else:
        size = 0 if newest is None else newest.size
        selection = selected(uow, since, until)
        chosen = proven(uow.sealed.entries(), uow.ledger, size, selection)
        count = exports.write_entries(out, chosen, alone=True)
    query = HistoryQuery(since=since, until=until)
    write_csv(out / "changes.csv", uow.changes.query(query))
    exports.write_lines(out / "ocsf.jsonl.gz", map(ocsf_event, uow.changes.query(query)))
    manifest = exports.Manifest(
        context.settings.ledger.origin,
        size,
        complete,
        count,
        rfc3339(context.moment),
        None if since is None else rfc3339(since),
        None if until is None else rfc3339(until),
    )
    exports.write_manifest(out, manifest)
    return manifest


def write_csv(path: Path, changes: Iterator[RecordedChange]) -> None:
    """Write changes as CSV, every cell quoted and none of them the start of a formula."""
    from auditor.entrypoints.commands.history import CSV_COLUMNS, csv_cells
    from auditor.entrypoints.output import cell

    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
        writer.writerow(CSV_COLUMNS)
        for change in changes:
            writer.writerow([cell(value) for value in csv_cells(change.to_json())])
