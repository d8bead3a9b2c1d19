"""``flagtrail prove`` and ``verify-proof``: one change, shown to be in the log without showing the log."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from auditor.domain.errors import UsageError
from auditor.entrypoints.cli_options import Context, command

if TYPE_CHECKING:
    from auditor.application.ports import UnitOfWork
    from auditor.application.verifying import ProvenEntry, Verdict

FORMAT, VERSION = "flagtrail-proof", 1


@command(
    "json",
    examples=(
        "flagtrail prove c0123456789abcdef0123 > change.proof",
        "flagtrail prove 42 > change.proof          # by its number in the history",
        "flagtrail verify-proof change.proof --public-key key.pub",
    ),
)
@click.argument("change")
def prove(context: Context, change: str) -> None:
    """Print a proof that a change is in the signed log.

    It holds the change, all that was learnt of it, and the few hashes that lead from
    each to a signed checkpoint. CHANGE is its id, or its number. `flagtrail
    verify-proof` checks it without a database.
    """
    from auditor.adapters.ledger.exports import entry_line
    from auditor.application.exporting import proven
    from auditor.entrypoints import output

    with context.open_database(create=False).reader() as uow:
        named = _id_of(uow, change)
        checkpoint = uow.ledger.newest_checkpoint()
        entries = uow.sealed.of_change(named)
        if checkpoint is None or not entries or entries[0].index >= checkpoint.size:
            raise UsageError(f"{named} is not in a signed log yet; `flagtrail seal` seals and signs where a key is set")
        signed = [entry for entry in entries if entry.index < checkpoint.size]
        lines = [entry_line(one, alone=True) for one in proven(signed, uow.ledger, checkpoint.size)]
    output.write_json(
        {
            "format": FORMAT,
            "version": VERSION,
            "change": named,
            "tree_size": checkpoint.size,
            "checkpoint": checkpoint.note,
            "entries": lines,
        }
    )


def _id_of(uow: UnitOfWork, change: str) -> str:
    """Return the id of the change that is meant; raise ``UsageError`` when none is recorded."""
    number = change.lstrip("#")
    found = uow.changes.numbered(int(number)) if number.isdecimal() else uow.changes.get(change)
    if found is None:
        raise UsageError(f"no change {change} is recorded; `flagtrail history --format json` shows their ids")
    return found.id


@command(
    "table",
    "json",
    name="verify-proof",
    examples=(
        "flagtrail verify-proof change.proof --public-key key.pub",
        "flagtrail verify-proof change.proof --checkpoints checkpoints",
    ),
)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--public-key", type=click.Path(path_type=Path), metavar="FILE", help="The public key to trust.")
@click.option("--checkpoints", type=click.Path(path_type=Path), metavar="DIR", help="Where checkpoints were anchored.")
def verify_proof(context: Context, file: Path, public_key: Path | None, checkpoints: Path | None) -> None:
    """Check a proof that `flagtrail prove` printed; needs the public key and nothing else.

    With --checkpoints the proof's own checkpoint also has to be the one anchored there.
    Ends with status 0 when the change is in the signed log as shown, 1 when it is not, 2
    when it could not check.
    """
    from auditor.application.verifying import Answer, in_words
    from auditor.entrypoints import output

    verdict = _verdict(context, _read(file), public_key, checkpoints)
    if context.format == "json":
        output.write_json(verdict.to_json())
    else:
        for line in in_words(verdict):
            output.write(output.visible(line))
    if verdict.answer is not Answer.INTACT:
        told = verdict.faults[0].text if verdict.faults else "; ".join(verdict.reasons)
        output.remark(f"flagtrail verify-proof: {verdict.answer.value}: {told}")
        context.exit(1 if verdict.answer is Answer.TAMPERED else 2)


def _read(file: Path) -> dict[str, Any]:
    """Read a proof; raise ``UsageError`` when the file holds none."""
    try:
        given = json.loads(file.read_bytes())
        if (given["format"], given["version"]) != (FORMAT, VERSION) or type(given["tree_size"]) is not int:
            raise UsageError(f"{file} is no proof of a form that this version of Flagtrail reads")
    except OSError as error:
        raise UsageError(f"the proof {file} cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise UsageError(f"{file} is no proof as `flagtrail prove` prints it") from error
    return dict(given)


def _verdict(context: Context, given: dict[str, Any], public_key: Path | None, checkpoints: Path | None) -> Verdict:
    from auditor import bootstrap
    from auditor.application.verifying import Note, verify_selection
    from auditor.entrypoints.commands.verify import anchored_notes, mac_key, public_keys

    notes = [Note(str(given.get("checkpoint")), "the proof's checkpoint", outside=False)]
    hindrances: list[str] = []
    if checkpoints is not None:
        anchored, hindrances = anchored_notes(context, checkpoints, former=False)
        notes += anchored
    keys, fits = public_keys(context, public_key), bootstrap.signature_check()
    size = given["tree_size"]
    return verify_selection(_entries(given), size, notes, keys, fits, mac_key=mac_key(context), hindrances=hindrances)


def _entries(given: dict[str, Any]) -> list[ProvenEntry]:
    """Return the entries; raise ``UsageError`` for what is none, or where they are not of the change that is named."""
    from auditor.adapters.ledger.exports import read_entry

    try:
        entries = [read_entry(line) for line in given["entries"]]
        bodies = [(one.entry.kind, json.loads(one.entry.body or b"")) for one in entries]
        about = {body["id"] if kind == "change" else body["change"] for kind, body in bodies}
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise UsageError("an entry of the proof cannot be read") from error
    if about != {given.get("change")} or [kind for kind, _ in bodies].count("change") != 1:
        raise UsageError(f"the proof does not show the change {given.get('change')} that it names")
    return entries
