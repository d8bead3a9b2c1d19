"""The scheduled service: every job in its own time, each slot by one process, however many run and whichever dies.

Schedules come from the settings at every start (APScheduler's memory job store; its SQL store unpickles rows and lets
two processes run one job twice). A row in the record decides who runs a slot. Whoever runs one renews its claim with
every beat, so that a slot whose process was killed is taken over, and one that only takes long is not. What was missed
while nobody ran is caught up: the newest slot that passed, once.
"""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

from auditor.application.ports import JobRun, Replica
from auditor.domain.errors import FlagtrailError
from auditor.domain.schedules import When
from auditor.domain.times import rfc3339, to_micros
from auditor.settings import ScheduleSettings

BEAT = timedelta(seconds=30)
ABANDONED = timedelta(minutes=5)
"""After how long without a beat the process that claimed a slot counts as dead."""

_GRACE_SECONDS = 3_600
_MOST_MISSED = 10_000
Say = Callable[[str], None]


class Book(Protocol):
    """The record's memory of who ran which slot, and of who is alive; each call is a transaction of its own."""

    def claim(self, job: str, slot: str, at: datetime, abandoned_before: datetime) -> bool:
        """Claim a slot, or take over one whose claim was not renewed since then; return False when somebody has it."""
        ...

    def finish(self, job: str, slot: str, at: datetime, error: str | None) -> None:
        """Remember how a claimed run ended."""
        ...

    def beat(self, replica: Replica, claims: Mapping[str, str]) -> None:
        """Remember that this process is alive and still runs these jobs, each with its slot."""
        ...

    def newest_run(self, job: str) -> JobRun | None:
        """Return the run of a job that was claimed last by the clock, or ``None``."""
        ...

    def leave(self, name: str) -> None:
        """Forget a process that ends by itself."""
        ...


@dataclass(frozen=True, slots=True)
class Job:
    """One job: its name, when it runs, and what it does, answering with a sentence."""

    name: str
    when: When
    run: Callable[[], str]


def _own_name() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"


def _present() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Service:
    """Runs jobs by the clock; ``book`` is the record's memory of who ran which slot."""

    jobs: tuple[Job, ...]
    book: Book
    say: Say
    name: str = field(default_factory=_own_name)
    started_at: datetime = field(default_factory=_present)
    running: dict[str, str] = field(default_factory=dict)
    """Which jobs run in this process now, and in which slot."""

    def run_job(self, job: Job, now: datetime, slot: str | None = None) -> bool:
        """Run one slot of a job unless somebody has it; return whether it succeeded.

        A failure is remembered and never stops the other jobs; a bug is remembered and rises.
        """
        slot = slot or slot_of(job.when, now)
        if not self.book.claim(job.name, slot, now, now - ABANDONED):
            return False
        self.running[job.name] = slot
        error: str | None = None
        try:
            self.say(f"{job.name}: {job.run()}")
        except FlagtrailError as failure:
            error = str(failure)
            self.say(f"{job.name} failed: {error}")
        except BaseException as failure:
            error = type(failure).__name__
            raise
        finally:
            del self.running[job.name]
            self.book.finish(job.name, slot, datetime.now(UTC), error)
        return error is None

    def run_all_once(self) -> bool:
        """Run every job one time now, whoever has its slot; return whether all of them succeeded.

        A bug in one of them rises when the others are through.
        """
        now = datetime.now(UTC)
        done, bugs = [], []
        for job in self.jobs:
            try:
                done.append(self.run_job(job, now, f"by hand {rfc3339(now)}"))
            except Exception as bug:  # noqa: BLE001 - it rises below
                bugs.append(bug)
        if bugs:
            raise bugs[0]
        return all(done)

    def beat(self, scheduler: BackgroundScheduler, now: datetime) -> None:
        """Say that this process is alive, and catch up what is missed; a record out of reach is tried again."""
        try:
            claims = dict(self.running)
            self.book.beat(Replica(self.name, self.started_at, now, tuple(sorted(claims))), claims)
            for job in self.jobs:
                slot = None if job.name in claims else missed_slot(job.when, self.book.newest_run(job.name), now)
                if slot is not None:
                    self._catch_up(scheduler, job, slot)
        except FlagtrailError as failure:
            self.say(f"beat failed: {failure}")

    def _catch_up(self, scheduler: BackgroundScheduler, job: Job, slot: str) -> None:
        scheduler.add_job(
            lambda: self.run_job(job, datetime.now(UTC), slot), id=f"{job.name} {slot}", replace_existing=True
        )

    def start(self) -> BackgroundScheduler:
        """Start the schedules in threads, one for each job and the beat, and return them; the caller stops them."""
        scheduler = BackgroundScheduler(
            timezone=UTC,
            executors={"default": ThreadPoolExecutor(2 * len(self.jobs) + 1)},
            job_defaults={"misfire_grace_time": _GRACE_SECONDS, "coalesce": True, "max_instances": 1},
        )
        for job in self.jobs:
            scheduler.add_job(
                lambda job=job: self.run_job(job, datetime.now(UTC)), trigger_of(job.when), id=job.name, name=job.name
            )
        every = IntervalTrigger(seconds=int(BEAT.total_seconds()), timezone=UTC)
        scheduler.add_job(
            lambda: self.beat(scheduler, datetime.now(UTC)), every, id="beat", next_run_time=datetime.now(UTC)
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
        self.book.leave(self.name)
        self.say("stopped")


def jobs_of(schedule: ScheduleSettings, work: Mapping[str, Callable[[], str]]) -> Iterator[Job]:
    """Yield the jobs that are switched on and have work."""
    return (Job(name, when, work[name]) for name, when in schedule.jobs().items() if name in work)


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


def missed_slot(when: When, newest: JobRun | None, now: datetime) -> str | None:
    """Return the newest slot that passed and that nobody ran, or that was begun by a process which died; else ``None``.

    A job that never ran has missed nothing: its first slot is still to come.
    """
    if newest is None:
        return None
    passed = _newest_passed(when, newest.slot, now)
    if passed is not None:
        return passed
    dead = newest.finished_at is None and newest.claimed_at < now - ABANDONED
    return newest.slot if dead else None


def _newest_passed(when: When, ran: str, now: datetime) -> str | None:
    """Return the newest slot behind the one that ran that has come by now; ``None`` where there is none."""
    if when.every is not None:
        current = slot_of(when, now)
        # The length of the slots may have been set anew meanwhile: then nothing can be told from their numbers.
        return current if ran.isdecimal() and int(ran) < int(current) else None
    try:
        moment = datetime.strptime(ran, "%Y-%m-%dT%H:%M").replace(tzinfo=UTC)
    except ValueError:
        return None
    trigger, found = trigger_of(when), None
    for _ in range(_MOST_MISSED):
        following = trigger.get_next_fire_time(None, moment + timedelta(minutes=1))
        if following is None or following > now:
            break
        found = moment = following
    return None if found is None else slot_of(when, found)
