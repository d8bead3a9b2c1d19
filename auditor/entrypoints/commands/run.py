"""``flagtrail run``: the scheduled service."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from auditor.domain.errors import StoreUnreadableError
from auditor.entrypoints.cli_options import Context, command

if TYPE_CHECKING:
    from auditor.bootstrap import Application
    from auditor.entrypoints.scheduler import Service


@command(
    "table",
    examples=(
        "flagtrail run                        # until it is told to stop",
        "flagtrail run --once                 # every job one time, for cron",
        "flagtrail run --reports /srv/pages   # where the weekly page goes",
    ),
)
@click.option("--once", is_flag=True, help="Run every job one time now and end.")
@click.option(
    "--reports", type=click.Path(path_type=Path), default="reports", metavar="DIR", help="Where weekly pages go."
)
def run(context: Context, *, once: bool, reports: Path) -> None:
    """Run the scheduled jobs: reconcile, dispatch, scan, seal and the weekly report.

    When each one runs stands under [schedule] in flagtrail.toml. Several replicas may
    run at once: each slot of a job is run by one of them.
    """
    from auditor import bootstrap

    service = build(context, bootstrap.application(context.settings), reports)
    if once:
        context.exit(0 if service.run_all_once() else 2)
    service.serve(threading.Event())


def build(context: Context, application: Application, reports: Path) -> Service:
    """Put the jobs together."""
    from auditor.entrypoints.scheduler import Service, jobs_of

    record = application.record

    def claim(job: str, slot: str, at: datetime) -> bool:
        with record.unit_of_work() as uow:
            mine = uow.runs.claim_slot(job, slot, at)
            uow.commit()
        return mine

    def finish(job: str, slot: str, at: datetime, error: str | None) -> None:
        with record.unit_of_work() as uow:
            uow.runs.finished(job, slot, at, error)
            uow.commit()

    jobs = tuple(jobs_of(context.settings.schedule, _work(context, application, reports)))
    return Service(jobs, claim, finish, lambda line: click.echo(f"{datetime.now(UTC):%H:%M:%S} {line}", err=True))


def _work(context: Context, application: Application, reports: Path) -> Mapping[str, Callable[[], str]]:
    """Return what each job does; a scan needs repositories to be configured."""
    from auditor.entrypoints.weekly_page import report_week

    work: dict[str, Callable[[], str]] = {
        "reconcile": lambda: _reconcile(application),
        "dispatch": lambda: _dispatch(application),
        "weekly_report": lambda: f"wrote {report_week(application, reports)}",
        "seal": lambda: _seal(application),
    }
    if context.settings.repositories:
        work["scan"] = lambda: _scan(context, application)
    return work


def _reconcile(application: Application) -> str:
    report = application.reconcile().run()
    if report.errors:
        raise StoreUnreadableError("; ".join(report.errors))
    return f"{report.documents} documents, {report.recorded} changes recorded, {report.gaps} open gaps"


def _dispatch(application: Application) -> str:
    report = application.dispatch()
    if report is None:
        return "no channel is configured; alerts stay pending"
    return f"{report.sent} sent, {report.later} later, {report.dead} refused, {report.unknown} in doubt"


def _scan(context: Context, application: Application) -> str:
    from auditor import bootstrap

    results = bootstrap.scan_and_keep(context.settings, application.record, context.settings.repositories)
    found = sum(len(result.references) for result in results)
    return f"{len(results)} repositories, {found} references"


def _seal(application: Application) -> str:
    from auditor.entrypoints.commands.seal import told

    return told(application.seal())
