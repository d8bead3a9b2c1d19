"""What the clock asks of the function, one job an invocation; roles can be told apart by the job they may do."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from auditor import bootstrap
from auditor.application.serving import Job
from auditor.domain.errors import ConfigurationError, FlagtrailError
from auditor.domain.templates import PathTemplates

if TYPE_CHECKING:
    from auditor.bootstrap import Application
    from auditor.domain.flags import JsonValue
    from auditor.settings import Settings

Facts: TypeAlias = "dict[str, JsonValue]"


def seal_and_sign(application: Application) -> Facts:
    """Seal all that waits and sign it; a role that may sign should run this and nothing else."""
    report = application.seal()
    return {"sealed": report.sealed, "size": report.size, "signed": report.signed, "anchored": report.anchored}


def watch(application: Application) -> Facts:
    """Look whether every change was told to somebody; what was not is told now."""
    found = application.watch()
    return {"untold": found.untold, "late": [job.name for job in found.late]}


def weekly_report(application: Application) -> Facts:
    """Write the weekly page into the bucket that keeps it, and put the week's messages into the outbox."""
    from auditor.entrypoints.weekly_page import report_week

    bucket = application.settings.ledger.bucket
    if bucket is None:
        raise ConfigurationError("no bucket keeps the weekly page; set FLAGTRAIL_CHECKPOINT_BUCKET or [ledger] bucket")
    keep: Callable[[Path], str] = partial(bootstrap.keep_page, application.settings)
    try:
        with tempfile.TemporaryDirectory() as folder:
            return {"page": report_week(application, Path(folder), keep)}
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"the weekly page needs {error.name}, which is in the layer beside the package; attach it to this function"
        ) from None


OF_THE_RECORD: Mapping[Job, Callable[[Application], Facts]] = {
    Job.SEAL: seal_and_sign,
    Job.WATCH: watch,
    Job.WEEKLY_REPORT: weekly_report,
}
"""Jobs that need the record and nothing else of an invocation."""


def flip_canary(settings: Settings) -> Facts:
    """Flip the canary's flag; the record must hear of it, and a metric tells how soon it did."""
    name = settings.canary
    if name is None:
        raise ConfigurationError("no canary is configured; set FLAGTRAIL_CANARY to the name of its parameter")
    watched = [path for source in settings.sources if source.kind == "ssm" for path in source.paths]
    if PathTemplates.parse(watched).match(name) is None:
        paths = ", ".join(watched) or "none"
        raise ConfigurationError(f"the canary {name} is no flag by the paths watched ({paths}); give it another name")
    return bootstrap.flip_canary(settings, name)


def upgrade(settings: Settings) -> Facts:
    """Let the database's user in where a master is known, then make the tables, or bring them up to date."""
    login = settings.database_login
    facts: Facts = {}
    if login.master is not None:
        facts["login_made"] = bootstrap.give_login(settings.database_url, login.master)
    try:
        done = bootstrap.upgrade(settings.database_url, login)
    except FlagtrailError as error:
        advice = "; attach the layer beside the package" if "Alembic" in str(error) else ""
        raise type(error)(f"{error}{advice}") from None
    return {**facts, "before": done.before, "after": done.after}
