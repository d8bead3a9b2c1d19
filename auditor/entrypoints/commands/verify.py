"""``flagtrail verify``: is the record still what was sealed, signed and anchored?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from auditor.domain.errors import ConfigurationError, UsageError
from auditor.entrypoints.cli_options import Context, command

if TYPE_CHECKING:
    from auditor.application.verifying import Note, Verdict
    from auditor.domain.ledger.checkpoint import PublicKey

_TAMPERED, _UNCHECKED = 1, 2


@command(
    "table",
    "json",
    examples=(
        "flagtrail verify                       # the record, as [ledger] says",
        "flagtrail verify --public-key key.pub --checkpoints checkpoints",
        "flagtrail verify audit-2026 --public-key key.pub   # an export",
    ),
)
@click.argument("directory", required=False, type=click.Path(path_type=Path), metavar="[DIR]")
@click.option(
    "--public-key",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The public key to trust; else ledger.public_key, else that of ledger.key.",
)
@click.option(
    "--checkpoints",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Where checkpoints were anchored; else every anchor that [ledger] names.",
)
def verify(context: Context, directory: Path | None, public_key: Path | None, checkpoints: Path | None) -> None:
    """Check that nothing recorded was altered, removed, inserted or reordered since.

    Checks the database, or an export in DIR: every entry against the log, every column
    that history shows against the sealed entry, the log against every checkpoint, the
    checkpoints against the public key. Needs no network for a database at hand, a key
    file and a folder of checkpoints. What it cannot show: that what was recorded was
    true, and anything newer than the last checkpoint.

    Ends with status 0 when all is intact, 1 when something was tampered with (the first
    bad entry is named), 2 when it could not check.
    """
    from auditor import bootstrap
    from auditor.application.verifying import Answer, in_words
    from auditor.entrypoints import output

    keys = public_keys(context, public_key)
    notes, hindrances = anchored_notes(context, checkpoints)
    if directory is None:
        verdict = check_record(context, notes, keys, hindrances)
    else:
        verdict = bootstrap.verify_export(
            directory, notes, keys, context.moment, mac_key=mac_key(context), hindrances=hindrances
        )
    if context.format == "json":
        output.write_json(verdict.to_json())
    else:
        for line in in_words(verdict):
            output.write(output.visible(line))
    if verdict.answer is Answer.TAMPERED:
        output.remark(f"flagtrail verify: tampered: {verdict.faults[0].text}")
        context.exit(_TAMPERED)
    if verdict.answer is Answer.UNCHECKED:
        output.remark(f"flagtrail verify: could not check: {'; '.join(verdict.reasons)}")
        context.exit(_UNCHECKED)


def check_record(context: Context, notes: list[Note], keys: list[PublicKey], hindrances: list[str]) -> Verdict:
    """Verify the database."""
    from auditor import bootstrap
    from auditor.application.verifying import verify as verify_log

    fits, mac = bootstrap.signature_check(), mac_key(context)
    with context.open_database(create=False).reader() as uow:
        return verify_log(uow.sealed, notes, keys, fits, context.moment, mac_key=mac, hindrances=hindrances)


def public_keys(context: Context, given: Path | None) -> list[PublicKey]:
    """Return the public key to trust; none where nothing names one."""
    from auditor import bootstrap

    if given is not None:
        return [bootstrap.keys().read_public_key(given)]
    ledger = context.settings.ledger
    if ledger.public_key is not None and ledger.public_key.exists():
        return [bootstrap.keys().read_public_key(ledger.public_key)]
    signer = bootstrap.signer(context.settings)
    if signer is None and ledger.public_key is not None:
        raise UsageError(f"there is no public key {ledger.public_key}; [ledger] names it")
    return [] if signer is None else [signer.key]


def anchored_notes(context: Context, given: Path | None, *, former: bool = True) -> tuple[list[Note], list[str]]:
    """Return the checkpoints that are kept outside, and which place that should hold some holds none.

    Outside is the folder given, else every anchor configured; and what is kept of ``former`` logs.
    """
    from auditor import bootstrap
    from auditor.adapters.ledger.directory import DirectoryAnchor
    from auditor.application.verifying import Note

    notes, hindrances = bootstrap.former_notes(context.settings) if former else ([], [])
    anchors = bootstrap.anchors(context.settings) if given is None else [DirectoryAnchor(given)]
    for anchor in anchors:
        found = anchor.notes()
        notes += [Note(note, f"a checkpoint in {anchor.name}") for note in found]
        if not found:
            hindrances.append(f"{anchor.name} holds no checkpoint to hold the log against")
    return notes, hindrances


def mac_key(context: Context) -> bytes | None:
    """Return the key of those who record, where a configuration names one; none is needed to verify."""
    try:
        return context.settings.ledger.mac_key
    except ConfigurationError:
        return None
