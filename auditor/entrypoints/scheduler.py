"""The scheduled service: reconcile, dispatch, scan and the weekly report, each in its own time.

Schedules come from the settings at every start (APScheduler's memory job store; its SQL store unpickles rows and lets
two processes run one job twice). A row in the record decides who runs a slot, so that any number of replicas may run.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

from auditor.domain.errors import FlagtrailError
from auditor.domain.times import rfc3339, to_micros
from auditor.settings import ScheduleSettings, When

_GRACE_SECONDS = 3_600
Say = Callable[[str], None]
Claim = Callable[[str, str, datetime], bool]
Finish = Callable[[str, str, datetime, str | None], None]


@dataclass(frozen=True, slots=True)
class Job:
    """One job: its name, when it runs, and what it does, answering with a sentence."""

    name: str
    when: When
    run: Callable[[], str]


@dataclass(frozen=True, slots=True)
class Service:
    """Runs jobs by the clock; ``claim`` and ``finish`` are the record's memory of who ran which slot."""

    jobs: tuple[Job, ...]
    claim: Claim
    finish: Finish
    say: Say

    def run_job(self, job: Job, now: datetime, slot: str | None = None) -> bool:
        """Run one slot of a job unless somebody has it; return whether it succeeded.

        A failure is remembered and never stops the other jobs; a bug is remembered and rises.
        """
        slot = slot or slot_of(job.when, now)
        if not self.claim(job.name, slot, now):
            return False
        error: str | None = None
        try:
            self.say(f"{job.name}: {job.run()}")
        except FlagtrailError as failure:
            error = str(failure)
            self.say(f"{job.name} failed: {error}")
        except BaseException as failure:
            self.finish(job.name, slot, datetime.now(UTC), type(failure).__name__)
            raise
        self.finish(job.name, slot, datetime.now(UTC), error)
        return error is None

    def run_all_once(self) -> bool:
        """Run every job one time now, whoever has its slot; return whether all of them succeeded."""
        now = datetime.now(UTC)
        done = [self.run_job(job, now, f"by hand {rfc3339(now)}") for job in self.jobs]
        return all(done)

    def start(self) -> BackgroundScheduler:
        """Start the schedules in threads and return them; the caller stops them."""
        scheduler = BackgroundScheduler(
            timezone=UTC,
            job_defaults={"misfire_grace_time": _GRACE_SECONDS, "coalesce": True, "max_instances": 1},
        )
        for job in self.jobs:
            scheduler.add_job(
                lambda job=job: self.run_job(job, datetime.now(UTC)), trigger_of(job.when), id=job.name, name=job.name
            )
        scheduler.start()
        return scheduler

    def serve(self, stop: threading.Event) -> None:
        """Run until told to stop; a job that is under way ends first."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        scheduler = self.start()
        self.say(f"running {', '.join(job.name for job in self.jobs)}; stop with Ctrl-C")
        stop.wait()
        scheduler.shutdown(wait=True)
        self.say("stopped")


def jobs_of(schedule: ScheduleSettings, work: Mapping[str, Callable[[], str]]) -> Iterator[Job]:
    """Yield the jobs that are switched on and have work."""
    for name, when in (
        ("reconcile", schedule.reconcile),
        ("dispatch", schedule.dispatch),
        ("scan", schedule.scan),
        ("weekly_report", schedule.weekly_report),
        ("seal", schedule.seal),
    ):
        if when is not None and name in work:
            yield Job(name, when, work[name])


def trigger_of(when: When) -> IntervalTrigger | CronTrigger:
    """Return APScheduler's trigger."""
    if when.every is not None:
        return IntervalTrigger(seconds=int(when.every.total_seconds()), timezone=UTC)
    return CronTrigger.from_crontab(when.cron or "", timezone=UTC)


def slot_of(when: When, now: datetime) -> str:
    """Return the name of the slot a moment falls into: equal on every replica."""
    if when.every is not None:
        every = int(when.every.total_seconds() * 1_000_000)
        return str(to_micros(now) // every)
    return now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M")
