"""The scheduled service: who runs which slot, and what a failing job leaves alone."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.application.ports import JobRun, Replica
from auditor.domain.errors import DatabaseError, StoreUnreadableError
from auditor.domain.schedules import When
from auditor.entrypoints.scheduler import ABANDONED, Job, Service, jobs_of, missed_slot, slot_of, trigger_of
from auditor.settings import ScheduleSettings
from tests.fakes import NOON

HOURLY = When(every=timedelta(hours=1))
WEEKLY = When(cron="0 8 * * mon")


@dataclass
class Memory:
    """The record's memory of slots, shared by services."""

    runs: dict[tuple[str, str], JobRun] = field(default_factory=dict)
    beats: list[tuple[Replica, dict[str, str]]] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def claim(self, job: str, slot: str, at: datetime, abandoned_before: datetime) -> bool:
        with self.lock:
            held = self.runs.get((job, slot))
            if held is not None and (held.finished_at is not None or held.claimed_at >= abandoned_before):
                return False
            self.runs[job, slot] = JobRun(job, slot, at, None, None)
            return True

    def finish(self, job: str, slot: str, at: datetime, error: str | None) -> None:
        with self.lock:
            self.runs[job, slot] = replace(self.runs[job, slot], finished_at=at, error=error)

    def beat(self, replica: Replica, claims: Mapping[str, str]) -> None:
        with self.lock:
            self.beats.append((replica, dict(claims)))
            for name in claims.items():
                self.runs[name] = replace(self.runs[name], claimed_at=replica.seen_at)

    def newest_run(self, job: str) -> JobRun | None:
        with self.lock:
            own = [run for run in self.runs.values() if run.job == job and not run.slot.startswith("by hand")]
        return max(own, key=lambda run: run.claimed_at, default=None)

    def leave(self, name: str) -> None:
        self.said.append(f"{name} left")

    @property
    def ended(self) -> dict[tuple[str, str], str | None]:
        return {name: run.error for name, run in self.runs.items() if run.finished_at is not None}

    def service(self, *jobs: Job) -> Service:
        return Service(jobs, self, self.said.append, name="here")


def job(name="reconcile", when=HOURLY, run=lambda: "fine"):
    return Job(name, when, run)


def failing(error):
    def run():
        raise error

    return run


def test_a_slot_is_run_by_one_of_two_services():
    memory, ran = Memory(), []
    work = job(run=lambda: ran.append(1) or "done")
    first, second = memory.service(work), memory.service(work)

    assert first.run_job(work, NOON)
    assert not second.run_job(work, NOON + timedelta(minutes=59))
    assert ran == [1]
    assert second.run_job(work, NOON + timedelta(hours=1))
    assert ran == [1, 1]


def test_what_a_job_says_is_said_with_its_name():
    memory = Memory()
    work = job(run=lambda: "3 documents")

    memory.service(work).run_job(work, NOON)

    assert memory.said == ["reconcile: 3 documents"]
    assert list(memory.ended.values()) == [None]


def test_a_failing_job_is_remembered_and_stops_no_other():
    memory, ran = Memory(), []
    broken = job("reconcile", run=failing(StoreUnreadableError("SSM gives no answer")))
    works = job("dispatch", run=lambda: ran.append("dispatch") or "1 sent")

    assert not memory.service(broken, works).run_all_once()
    assert ran == ["dispatch"]
    assert {name: error for (name, _), error in memory.ended.items()} == {
        "reconcile": "SSM gives no answer",
        "dispatch": None,
    }


def test_a_bug_is_remembered_by_its_name_only_and_rises():
    memory = Memory()
    broken = job(run=failing(KeyError("a value of a flag")))

    with pytest.raises(KeyError):
        memory.service(broken).run_job(broken, NOON)
    assert list(memory.ended.values()) == ["KeyError"]


def test_once_runs_every_job_whoever_has_its_slot():
    memory, ran = Memory(), []
    work = job(run=lambda: ran.append(1) or "done")
    memory.service(work).run_job(work, datetime.now(UTC))

    assert memory.service(work).run_all_once()
    assert ran == [1, 1]


@given(st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)), st.integers(1, 7 * 86_400), st.integers(0, 10**12))  # noqa: DTZ001
def test_slots_of_an_interval_are_as_long_as_it(moment, seconds, later):
    when, now = When(every=timedelta(seconds=seconds)), moment.replace(tzinfo=UTC)
    then = now + timedelta(microseconds=later)

    slots = int(slot_of(when, then)) - int(slot_of(when, now))
    assert abs(later / 1_000_000 / seconds - slots) < 1


def test_a_cron_lines_slot_is_the_minute_in_utc():
    east = NOON.astimezone().replace(second=59)

    assert slot_of(WEEKLY, NOON) == slot_of(WEEKLY, east) == "2026-03-02T12:00"


def test_the_weekly_report_comes_on_monday_morning_in_utc():
    tuesday = datetime(2026, 3, 3, 9, 0, tzinfo=UTC)

    assert trigger_of(WEEKLY).get_next_fire_time(None, tuesday) == datetime(2026, 3, 9, 8, 0, tzinfo=UTC)


def test_an_interval_begins_when_the_service_does():
    trigger = trigger_of(HOURLY)

    assert trigger.get_next_fire_time(NOON, NOON) == NOON + timedelta(hours=1)


def test_jobs_are_those_switched_on_that_have_work():
    schedule = ScheduleSettings(dispatch=None)
    work = {"reconcile": lambda: "", "dispatch": lambda: "", "weekly_report": lambda: ""}

    assert [job.name for job in jobs_of(schedule, work)] == ["reconcile", "weekly_report"]


@pytest.fixture
def handlers():
    """Put signal handlers back."""
    kept = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield kept
    for number, handler in kept.items():
        signal.signal(number, handler)


def test_the_service_runs_by_the_clock_and_ends_when_it_is_told_to(handlers):
    memory = Memory()

    def work():
        os.kill(os.getpid(), signal.SIGTERM)
        return "done"

    stop = threading.Event()
    memory.service(job(when=When(every=timedelta(seconds=1)), run=work)).serve(stop)

    assert stop.is_set()
    assert memory.said == ["running reconcile; stop with Ctrl-C", "reconcile: done", "here left", "stopped"]
    assert list(memory.ended.values()) == [None]
    assert memory.beats[0][0].name == "here"


def test_a_bug_in_one_job_rises_when_the_others_are_through():
    memory, ran = Memory(), []
    broken = job("reconcile", run=failing(KeyError("a value of a flag")))
    works = job("dispatch", run=lambda: ran.append("dispatch") or "1 sent")

    with pytest.raises(KeyError):
        memory.service(broken, works).run_all_once()
    assert ran == ["dispatch"]


def test_a_job_that_hangs_or_breaks_keeps_no_other_from_running():
    memory, release, ran = Memory(), threading.Event(), threading.Event()
    each_second = When(every=timedelta(seconds=1))
    service = memory.service(
        job("hangs", each_second, lambda: str(release.wait(20))),
        job("breaks", each_second, failing(KeyError("bug"))),
        job("fails", each_second, failing(StoreUnreadableError("no answer"))),
        job("works", each_second, lambda: ran.set() or "done"),
    )
    scheduler = service.start()
    try:
        assert ran.wait(10)
        assert "hangs" in service.running
        ran.clear()
        assert ran.wait(10)
    finally:
        release.set()
        scheduler.shutdown(wait=True)
    assert {name for name, _ in memory.ended} == {"hangs", "breaks", "fails", "works"}


def run(slot, *, finished=True, ago=timedelta(), name="reconcile"):
    at = NOON - ago
    return JobRun(name, slot, at, at if finished else None, None)


THIS_HOUR = slot_of(HOURLY, NOON)


@pytest.mark.parametrize(
    ("when", "newest", "missed"),
    [
        (HOURLY, None, None),
        (HOURLY, run(THIS_HOUR), None),
        (HOURLY, run(str(int(THIS_HOUR) - 1)), THIS_HOUR),
        (HOURLY, run(str(int(THIS_HOUR) - 30)), THIS_HOUR),
        (HOURLY, run(THIS_HOUR, finished=False), None),
        (HOURLY, run(THIS_HOUR, finished=False, ago=2 * ABANDONED), THIS_HOUR),
        (HOURLY, run("2026-03-02T08:00"), None),
        (HOURLY, run(str(int(THIS_HOUR) * 60)), None),
        (WEEKLY, None, None),
        (WEEKLY, run("2026-03-02T08:00"), None),
        (WEEKLY, run("2026-02-23T08:00"), "2026-03-02T08:00"),
        (WEEKLY, run("2025-12-01T08:00"), "2026-03-02T08:00"),
        (WEEKLY, run("2026-03-02T08:00", finished=False, ago=2 * ABANDONED), "2026-03-02T08:00"),
        (WEEKLY, run("2026-03-02T08:00", finished=False), None),
        (WEEKLY, run("17"), None),
    ],
)
def test_the_newest_slot_that_was_missed_is_caught_up(when, newest, missed):
    assert missed_slot(when, newest, NOON) == missed


def test_a_slot_whose_process_died_is_taken_over_and_one_that_takes_long_is_not():
    memory = Memory()
    work = job()
    assert memory.claim("reconcile", THIS_HOUR, NOON, NOON - ABANDONED)
    later = NOON + ABANDONED + timedelta(seconds=1)

    memory.beat(Replica("other", NOON, NOON + timedelta(minutes=4)), {"reconcile": THIS_HOUR})
    assert not memory.service(work).run_job(work, later, THIS_HOUR)
    later += timedelta(minutes=4)
    assert memory.service(work).run_job(work, later, THIS_HOUR)


def test_what_was_missed_runs_with_the_first_beat():
    memory, ran = Memory(), threading.Event()
    memory.runs["weekly", "2026-02-23T08:00"] = run("2026-02-23T08:00", name="weekly")
    service = memory.service(job("weekly", WEEKLY, lambda: ran.set() or "done"))

    scheduler = service.start()
    assert ran.wait(10)
    scheduler.shutdown(wait=True)
    caught_up = [slot for _, slot in memory.ended if slot != "2026-02-23T08:00"]
    assert len(caught_up) == 1


def test_a_record_out_of_reach_stops_no_beat():
    class Unreachable(Memory):
        def beat(self, replica, claims):
            raise DatabaseError("the database cannot be used")

    memory = Unreachable()
    memory.service(job()).beat(None, NOON)

    assert memory.said == ["beat failed: the database cannot be used"]
