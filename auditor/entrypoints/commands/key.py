"""``flagtrail key``: make the key that signs the log."""

from __future__ import annotations

from pathlib import Path

import click

from auditor.domain.errors import UsageError
from auditor.entrypoints.cli_options import Context, command

_PRIVATE, _PUBLIC = "flagtrail.key", "flagtrail.pub"


@command(
    "table",
    "json",
    examples=(
        "flagtrail key                          # as [ledger] says",
        "flagtrail key --out ledger.key --public-key key.pub",
    ),
)
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="The private key; else ledger.key.")
@click.option(
    "--public-key", type=click.Path(path_type=Path), metavar="FILE", help="The public key; else ledger.public_key."
)
def key(context: Context, out: Path | None, public_key: Path | None) -> None:
    """Make the Ed25519 key that signs the log's checkpoints.

    The private key is written to a file that only its owner can read: keep it from those
    who can write the database. The public key goes to everybody who verifies. A file
    that is there already is never written over. Where only the public key is missing of
    those that [ledger] names, it alone is made: for a log of a new name.
    """
    from auditor import bootstrap
    from auditor.entrypoints import output

    ledger = context.settings.ledger
    private = out or ledger.key or Path(_PRIVATE)
    public = public_key or ledger.public_key or private.with_name(_PUBLIC)
    if public.exists():
        raise UsageError(f"{public} is there already; a key is never written over another, remove it first")
    there = out is None and ledger.key is not None and private.exists()
    write = bootstrap.keys().publish_key if there else bootstrap.keys().make_key
    made = write(ledger.origin, private, public)
    if context.format == "json":
        output.write_json({"origin": made.name, "id": made.id.hex(), "key": str(private), "public_key": str(public)})
        return
    output.write(f"The private key is in {private}, the public key in {public}:")
    output.write(f"  {made.to_text()}")
