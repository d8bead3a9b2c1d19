"""``flagtrail seal``: put what was recorded into the log, sign it, anchor the signature."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.entrypoints.cli_options import Context, command

if TYPE_CHECKING:
    from auditor.application.sealing import SealReport


@command(
    "table",
    "json",
    examples=(
        "flagtrail seal",
        "flagtrail seal --format json",
    ),
)
def seal(context: Context) -> None:
    """Seal what was recorded; sign the log and anchor the signature where a key is set.

    Sealing needs no key and never keeps anybody from recording. Signing demands that
    the log only grew since it was last signed: a rewritten past gets no signature.
    [ledger] says which key signs and where checkpoints are kept. `flagtrail run` does
    this every minute.
    """
    from auditor import bootstrap
    from auditor.application.sealing import seal_and_sign
    from auditor.entrypoints import output

    record = context.open_database()
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


def told(report: SealReport) -> str:
    """Return what was done in one line."""
    if report.busy:
        return f"{report.sealed} rows sealed; another process is sealing the rest"
    text = f"{report.sealed} rows sealed, the log has {report.size} entries"
    if report.signed is not None:
        text += f", a checkpoint of {report.signed} is signed"
    return text + (f", {report.anchored} anchored" if report.anchored else "")
