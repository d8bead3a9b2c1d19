"""``flagtrail seal``: put what was recorded into the log, sign it, anchor the signature."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from auditor.domain.errors import UsageError
from auditor.entrypoints.cli_options import Context, command

if TYPE_CHECKING:
    from auditor.adapters.storage import Database
    from auditor.application.sealing import SealReport


@command(
    "table",
    "json",
    examples=(
        "flagtrail seal",
        "flagtrail seal --format json",
        'flagtrail seal --begin-new-log --reason "restored the backup of 3 November"',
    ),
)
@click.option("--begin-new-log", "begin", is_flag=True, help="Take the place of a log that was lost in part.")
@click.option("--reason", metavar="TEXT", help="With --begin-new-log: why; it is recorded for good.")
@click.option("--by", metavar="NAME", help="Who says so; the name you are logged in by unless given.")
@click.option(
    "--former-key",
    "former_keys",
    type=click.Path(path_type=Path),
    multiple=True,
    metavar="FILE",
    help="The public key of the former log, where another key signed it.",
)
def seal(context: Context, reason: str | None, by: str | None, former_keys: tuple[Path, ...], *, begin: bool) -> None:
    """Seal what was recorded; sign the log and anchor the signature where a key is set.

    Sealing needs no key and never keeps anybody from recording. Signing demands that
    the log only grew since it was last signed: a rewritten past gets no signature.
    [ledger] says which key signs and where checkpoints are kept. `flagtrail run` does
    this every minute.

    After the database was restored from a backup, the log is shorter than what was
    signed, and nothing is signed any more. --begin-new-log records, for good, which
    entries are missing and why, and signs a new log of another name: docs/ledger.md
    says what to set before.
    """
    from auditor import bootstrap
    from auditor.application.sealing import seal_and_sign
    from auditor.entrypoints import output

    if not begin and (reason is not None or by is not None or former_keys):
        raise UsageError("--reason, --by and --former-key go with --begin-new-log")
    record = context.open_database(recording=begin)
    if begin:
        _begin(context, record, reason, by, former_keys)
    report = seal_and_sign(record.unit_of_work, bootstrap.vouch(context.settings, record))
    record.index_texts()
    if context.format == "json":
        output.write_json(
            {
                "sealed": report.sealed,
                "size": report.size,
                "busy": report.busy,
                "signed": report.signed,
                "anchored": report.anchored,
            }
        )
        return
    output.write(told(report))
    if bootstrap.signer(context.settings) is None:
        output.remark("Nothing is signed: no key is configured. `flagtrail key` makes one, [ledger] names it.")


def _begin(context: Context, record: Database, reason: str | None, by: str | None, former_keys: Iterable[Path]) -> None:
    """Record what becomes of the former log, and say it."""
    from auditor import bootstrap
    from auditor.entrypoints import output
    from auditor.entrypoints.people import logged_in

    if reason is None:
        raise UsageError("--begin-new-log needs --reason: what happened to the former log")
    keys = [bootstrap.keys().read_public_key(path) for path in former_keys]
    for former in bootstrap.new_log(context.settings, record, reason, by or logged_in(), keys).begin():
        output.remark(
            f"The log {former.origin} had {former.entries} entries; the first {former.kept} go on as "
            f"{context.settings.ledger.origin}, {former.missing} are missing."
        )


def told(report: SealReport) -> str:
    """Return what was done in one line."""
    if report.busy:
        return f"{report.sealed} rows sealed; another process is sealing the rest"
    text = f"{report.sealed} rows sealed, the log has {report.size} entries"
    if report.signed is not None:
        text += f", a checkpoint of {report.signed} is signed"
    return text + (f", {report.anchored} anchored" if report.anchored else "")
