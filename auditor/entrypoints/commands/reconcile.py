"""``flagtrail reconcile``: finds what no event told."""

from __future__ import annotations

import click

from auditor.domain.errors import UsageError
from auditor.entrypoints.cli_options import Context, command

_FAILURE = 2


@command(
    "table",
    "json",
    examples=(
        "flagtrail reconcile",
        "flagtrail reconcile --source ssm --format json",
    ),
)
@click.option("--source", metavar="NAME", help="Only this store: ssm or appconfig.")
def reconcile(context: Context, source: str | None) -> None:
    """Compare the stores with the record and record what is missing.

    The first run takes in all that the stores still know, as back-fill: it makes one
    summary message, no alert. Later runs find what no event told. Run it as often as you
    like; `flagtrail run` does it by the clock.

    Ends with status 2 if something could not be read; the rest is recorded.
    """
    from auditor import bootstrap
    from auditor.application.reconcile import Reconcile
    from auditor.entrypoints import output

    recorder = bootstrap.recorder(context.settings, context.open_database())
    if source is not None and source not in recorder.sources:
        known = ", ".join(recorder.sources)
        raise UsageError(f"reconcile: no source is called {source!r}; choose from {known}")
    with context.progress() as progress:
        report = Reconcile(recorder).run(source, progress)
    if context.format == "json":
        output.write_json(report.to_json())
    else:
        output.write(f"{report.documents} documents looked at, {report.versions} versions read.")
        output.write(f"{report.recorded} changes recorded, {report.gaps} version gaps open.")
    if report.errors:
        count, first = len(report.errors), report.errors[0]
        output.remark(f"flagtrail reconcile: {first}" + (f"; and {count - 1} more" if count > 1 else ""))
        context.exit(_FAILURE)
