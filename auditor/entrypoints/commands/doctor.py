"""``flagtrail doctor``: is everything in place, and if not, what to do."""

from __future__ import annotations

from collections.abc import Iterator

import click

from auditor.entrypoints.cli_options import Context, command
from auditor.entrypoints.health import MEND_DATABASE, Check, failing, of_record, of_slack, of_stores, report

_FAILURE = 2
_SIGNS = {"ok": "ok", "remark": "--", "failed": "!!"}


@command(
    "table",
    "json",
    examples=(
        "flagtrail doctor",
        "flagtrail doctor --config staging.toml",
        "flagtrail doctor --function flagtrail-Function-1A2B   # what is deployed",
        "flagtrail doctor --format json",
    ),
)
@click.option(
    "--function", metavar="NAME", help="The deployed function (FunctionName of the stack): look at all around it."
)
def doctor(context: Context, *, function: str | None) -> None:
    """Check the installation: configuration, database, AWS and Slack.

    Reads only: one call to STS, one listing for each store, one auth.test. With
    --function the deployed function is asked to look from where it stands, with its own
    rights, and the trail, the rules, AppConfig's extension and the queues around it are
    looked at from here. Each failure comes with its remedy. Ends with status 2 if a check
    failed.
    """
    from auditor.entrypoints import output

    found: list[Check] = []
    for check in _checks(context) if function is None else _deployed(context, function):
        found.append(check)
        if context.format != "json":
            _say(check)
    failed = sum(check.status == "failed" for check in found)
    if context.format == "json":
        output.write_json(report(found))
    elif not failed:
        output.write("\nAll is in place.")
    if failed:
        output.remark(f"flagtrail doctor: {failed} of {len(found)} checks failed; each says what to do")
        context.exit(_FAILURE)


def _say(check: Check) -> None:
    from auditor.entrypoints import output

    output.write(output.visible(f"{_SIGNS[check.status]}  {check.name}: {check.detail}"))
    if check.remedy:
        output.write(output.visible(f"    -> {check.remedy}"))


def _checks(context: Context) -> Iterator[Check]:
    """Yield each check when it is done; without a readable configuration the others would check something else."""
    first = list(
        failing(
            "configuration",
            "mend the file; examples/flagtrail.toml shows every option",
            lambda: _configuration(context),
        )
    )
    yield from first
    if any(check.status == "failed" for check in first):
        return
    settings = context.settings
    yield from failing("database", MEND_DATABASE, lambda: of_record(context.open_database(), settings))
    yield from failing("aws", "", lambda: of_stores(settings))
    yield from failing("slack", "", lambda: of_slack(settings))


def _deployed(context: Context, function: str) -> Iterator[Check]:
    """Yield what the deployed function finds, then what is around it."""
    from auditor import bootstrap
    from auditor.entrypoints.deployed import of_function, of_surroundings

    clients = bootstrap.aws(context.settings)
    answers: list[dict[str, str]] = []
    yield from failing("function", "", lambda: of_function(clients, function, answers.append))
    yield from of_surroundings(clients, answers[0] if answers else None)


def _configuration(context: Context) -> Iterator[Check]:
    settings = context.settings
    watched = ", ".join(source.name for source in settings.sources)
    if settings.config_path is None:
        yield Check(
            "configuration",
            "remark",
            f"no flagtrail.toml here: watching {watched} as usual",
            "`flagtrail init` proposes a file from what the account holds",
        )
    else:
        yield Check("configuration", "ok", f"{settings.config_path}: watching {watched}")
