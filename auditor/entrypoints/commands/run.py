"""``flagtrail run``: the scheduled service."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from auditor.domain.errors import StoreUnreadableError
from auditor.entrypoints.cli_options import Context, command

if TYPE_CHECKING:
    from auditor.adapters.storage import Database
    from auditor.application.ports import JobRun, Replica, UnitOfWork
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
    """Run the scheduled jobs: reconcile, dispatch, scan, seal, watch and the weekly report.

    When each one runs stands under [schedule] in flagtrail.toml. Several replicas may
    run at once: each slot of a job is run by one of them, a slot whose process died is
    taken over, and what was missed while none ran is caught up. A job that fails or
    hangs stops no other. `flagtrail doctor` says which are alive and what is late.
    """
    from auditor import bootstrap

    service = build(context, bootstrap.application(context.settings), reports)
    if once:
        context.exit(0 if service.run_all_once() else 2)
    service.serve(threading.Event())


def build(context: Context, application: Application, reports: Path) -> Service:
    """Put the jobs together."""
    from auditor.entrypoints.scheduler import Service, jobs_of

    jobs = tuple(jobs_of(context.settings.schedule, _work(context, application, reports)))
    return Service(
        jobs, RecordBook(application.record), lambda line: click.echo(f"{datetime.now(UTC):%H:%M:%S} {line}", err=True)
    )


@dataclass(frozen=True, slots=True)
class RecordBook:
    """Who ran which slot, kept in the record: each call is a transaction."""

    record: Database

    def claim(self, job: str, slot: str, at: datetime, abandoned_before: datetime) -> bool:
        """Claim a slot, or take over one whose claim was not renewed since then; return False when somebody has it."""
        return self.record.run(lambda uow: uow.runs.claim_slot(job, slot, at, abandoned_before))

    def finish(self, job: str, slot: str, at: datetime, error: str | None) -> None:
        """Remember how a claimed run ended."""
        self.record.run(lambda uow: uow.runs.finished(job, slot, at, error))

    def beat(self, replica: Replica, claims: Mapping[str, str]) -> None:
        """Remember that a process is alive and still runs these jobs, each with its slot."""

        def note(uow: UnitOfWork) -> None:
            uow.runs.seen(replica)
            for job, slot in claims.items():
                uow.runs.renew(job, slot, replica.seen_at)

        self.record.run(note)

    def newest_run(self, job: str) -> JobRun | None:
        """Return the run of a job that was claimed last by the clock, or ``None``."""
        with self.record.reader() as uow:
            return uow.runs.newest_run(job)

    def leave(self, name: str) -> None:
        """Forget a process that ends by itself."""
        self.record.run(lambda uow: uow.runs.left(name))


def _work(context: Context, application: Application, reports: Path) -> Mapping[str, Callable[[], str]]:
    """Return what each job does; a scan needs repositories to be configured."""
    from auditor.entrypoints.weekly_page import report_week

    work: dict[str, Callable[[], str]] = {
        "reconcile": lambda: _reconcile(application),
        "dispatch": lambda: _dispatch(application),
        "weekly_report": lambda: f"wrote {report_week(application, reports)}",
        "seal": lambda: _seal(application),
        "watch": lambda: application.watch().in_words(),
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

    results = bootstrap.scan_and_keep(context.settings, application.record, context.settings.repositories, fresh=False)
    found = sum(len(result.references) for result in results)
    return f"{len(results)} repositories, {found} references"


def _seal(application: Application) -> str:
    from auditor.entrypoints.commands.seal import told

    return told(application.seal())
