"""``flagtrail reconcile``: finds what no event told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from auditor.domain.errors import UsageError
from auditor.entrypoints.cli_options import Context, command

if TYPE_CHECKING:
    from auditor.application.ports import FlagSource
    from auditor.settings import Settings

_FAILURE = 2


@command(
    "table",
    "json",
    examples=(
        "flagtrail reconcile",
        "flagtrail reconcile --source ssm --format json",
    ),
)
@click.option(
    "--source", metavar="NAME", help="Only this store (ssm, appconfig, dynamodb, s3), or the [[source]] of this name."
)
def reconcile(context: Context, source: str | None) -> None:
    """Compare the stores with the record and record what is missing.

    The first run takes in all that the stores still know, as back-fill: it makes one
    summary message, no alert. Later runs find what no event told. Run it as often as you
    like; `flagtrail run` does it by the clock.

    Ends with status 2 if something could not be read; the rest is recorded.
    """
    from auditor import bootstrap
    from auditor.application.reconcile import Reconcile
    from auditor.application.sealing import seal
    from auditor.entrypoints import output

    named = {} if source is None else _named(source, context.settings)
    record = context.open_database(recording=True)
    recorder = bootstrap.recorder(context.settings, record)
    with context.progress() as progress:
        report = Reconcile(recorder, named).run(source, progress)
    if context.format == "json":
        output.write_json(report.to_json())
    else:
        output.write(f"{report.documents} documents looked at, {report.versions} versions read.")
        output.write(f"{report.recorded} changes recorded, {report.gaps} version gaps open.")
    seal(record.unit_of_work)
    for remark in report.remarks:
        output.remark(f"flagtrail reconcile: {remark}; changes are recorded, who made them may not be known")
    if report.errors:
        count, first = len(report.errors), report.errors[0]
        output.remark(f"flagtrail reconcile: {first}" + (f"; and {count - 1} more" if count > 1 else ""))
        context.exit(_FAILURE)


def _named(name: str, settings: Settings) -> dict[str, FlagSource]:
    """Return the sources by their names; raise ``UsageError`` when none has this name and none is of this kind."""
    from auditor import bootstrap

    if not any(name in (source.name, source.kind) for source in settings.sources):
        known = ", ".join(dict.fromkeys(source.name for source in settings.sources))
        raise UsageError(f"reconcile: no source is called {name!r}; choose from {known}")
    return bootstrap.named_sources(settings)
