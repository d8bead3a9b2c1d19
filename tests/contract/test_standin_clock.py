"""The stand-in's clock: it stands still, it is set, and what falls due on the way happens at its own time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from examples.standin.clock import Clock

START = datetime(2026, 10, 6, 8, 0, 3, 460_999, tzinfo=UTC)


def test_it_stands_still_to_the_millisecond_and_in_utc():
    clock = Clock(START.astimezone(timezone(timedelta(hours=5))))
    assert clock.now() == clock.now() == START.replace(microsecond=460_000)
    assert clock.now().tzinfo is UTC


def test_what_falls_due_happens_in_order_and_at_its_own_time():
    clock = Clock(START)
    seen: list[tuple[str, datetime]] = []
    for name, minutes in (("late", 9), ("early", 3), ("never", 30)):
        due = clock.now() + timedelta(minutes=minutes)
        clock.at(due, lambda name=name: seen.append((name, clock.now())))
    begin = clock.now()
    clock.advance(timedelta(minutes=10))
    assert seen == [("early", begin + timedelta(minutes=3)), ("late", begin + timedelta(minutes=9))]
    assert clock.now() == begin + timedelta(minutes=10)


def test_an_action_may_plan_another_within_the_same_step():
    clock = Clock(START)
    seen: list[datetime] = []

    def again() -> None:
        seen.append(clock.now())
        if len(seen) < 3:
            clock.at(clock.now() + timedelta(minutes=1), again)

    clock.at(clock.now(), again)
    clock.advance(timedelta(minutes=5))
    assert [moment.minute for moment in seen] == [0, 1, 2]


def test_what_is_called_off_does_not_happen():
    clock = Clock(START)
    seen: list[int] = []
    appointment = clock.at(clock.now() + timedelta(minutes=1), lambda: seen.append(1))
    appointment.cancel()
    clock.advance(timedelta(hours=1))
    assert seen == []


def test_it_refuses_to_run_backwards_and_to_guess_a_zone():
    clock = Clock(START)
    with pytest.raises(ValueError, match="backwards"):
        clock.set(START - timedelta(seconds=1))
    with pytest.raises(ValueError, match="zone"):
        clock.set(datetime(2027, 1, 1))  # noqa: DTZ001


def test_without_a_start_it_runs_with_the_machine_until_it_is_set():
    clock = Clock()
    before = datetime.now(UTC)
    assert abs(clock.now() - before) < timedelta(minutes=1)
    seen: list[int] = []
    clock.at(clock.now(), lambda: seen.append(1))
    clock.settle()
    assert seen == [1]
    clock.set(before + timedelta(days=1))
    assert clock.now() == clock.now() >= before + timedelta(days=1) - timedelta(milliseconds=1)
