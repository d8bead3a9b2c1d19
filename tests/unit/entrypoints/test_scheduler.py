"""The scheduled service: who runs which slot, and what a failing job leaves alone."""

from __future__ import annotations

import os
import signal
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.domain.errors import StoreUnreadableError
from auditor.entrypoints.scheduler import Job, Service, jobs_of, slot_of, trigger_of
from auditor.settings import ScheduleSettings, When
from tests.fakes import NOON

HOURLY = When(every=timedelta(hours=1))
WEEKLY = When(cron="0 8 * * mon")


@dataclass
class Memory:
    """The record's memory of slots, shared by services."""

    slots: dict[tuple[str, str], str | None] = field(default_factory=dict)
    ended: dict[tuple[str, str], str | None] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def claim(self, job: str, slot: str, at: datetime) -> bool:
        with self.lock:
            return self.slots.setdefault((job, slot), f"{id(at)}") == f"{id(at)}"

    def finish(self, job: str, slot: str, at: datetime, error: str | None) -> None:
        self.ended[job, slot] = error

    def service(self, *jobs: Job) -> Service:
        return Service(jobs, self.claim, self.finish, self.said.append)


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
    assert memory.said == ["running reconcile; stop with Ctrl-C", "reconcile: done", "stopped"]
    assert list(memory.ended.values()) == [None]
