"""``flagtrail init``: proposes a configuration from what AWS holds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from auditor.domain.errors import UsageError
from auditor.entrypoints.cli_options import Context, command

if TYPE_CHECKING:
    from auditor.application.proposal import Discovery

_FAILURE = 2


@command(
    "toml",
    "json",
    examples=(
        "flagtrail init                              # look at the proposal",
        "flagtrail init --out flagtrail.toml",
        "flagtrail init --region eu-central-1 --region us-east-1",
    ),
)
@click.option("--out", metavar="FILE", help="Write the proposal to this file instead of standard output.")
@click.option("--force", is_flag=True, help="Overwrite the file if it is there.")
@click.option("--region", "regions", multiple=True, metavar="REGION", help="Look here; may be given several times.")
def init(context: Context, out: str | None, regions: Sequence[str], *, force: bool) -> None:
    """Propose a commented flagtrail.toml from what the account holds.

    Only names are read, never a value, and nothing is written to AWS: parameters are
    grouped into path templates, AppConfig applications and profiles are listed. The
    credentials, the Region and the endpoint are AWS's own (AWS_PROFILE, AWS_REGION, ...).
    """
    from auditor.application.proposal import propose
    from auditor.entrypoints import output

    if out is not None and Path(out).exists() and not force:
        raise UsageError(f"init: {out} exists and is left as it is; choose another --out, or give --force")
    found = _discover(context, regions)
    text = propose(found)
    if out is not None:
        _write(Path(out), text)
        output.remark(f"{out} written. Read it, then `flagtrail doctor` and `flagtrail reconcile`.")
    if context.format == "json":
        output.write_json({"out": out, "text": text})
    elif out is None:
        output.write(text.rstrip("\n"))
    unread = [reason for one in found for reason in one.unread]
    if unread:
        output.remark(f"flagtrail init: not all could be read: {'; '.join(unread)}")
        context.exit(_FAILURE)


def _discover(context: Context, regions: Sequence[str]) -> list[Discovery]:
    """Look into each Region; without credentials there is nothing to propose."""
    from auditor import bootstrap
    from auditor.adapters.discovery import discover

    clients = bootstrap.aws_at_hand()
    with context.progress() as progress:
        return [discover(clients, region, progress) for region in regions or (clients.region(),)]


def _write(path: Path, text: str) -> None:
    """Write the file; raise ``UsageError`` when that cannot be."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"init: {path} cannot be written: {error.strerror}; choose another --out") from error
