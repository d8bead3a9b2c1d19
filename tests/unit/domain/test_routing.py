"""Which channel tells of a change, and when it may."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.domain.changes import ChangeKind
from auditor.domain.findings import Severity
from auditor.domain.routing import Destination, Quiet, Route, Routing
from tests.support.alerts import recorded

NIGHT = Quiet(time(20), time(7, 30))


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("quiet", "now", "until"),
    [
        (Quiet(), "2026-03-04 03:00", None),
        (NIGHT, "2026-03-04 12:00", None),
        (NIGHT, "2026-03-04 20:00", "2026-03-05 07:30"),
        (NIGHT, "2026-03-04 23:59", "2026-03-05 07:30"),
        (NIGHT, "2026-03-05 07:29", "2026-03-05 07:30"),
        (NIGHT, "2026-03-05 07:30", None),
        (Quiet(time(12), time(13)), "2026-03-04 12:30", "2026-03-04 13:00"),
        (Quiet(time(12), time(13)), "2026-03-04 13:00", None),
        (Quiet(time(9), time(9)), "2026-03-04 09:00", None),
        (Quiet(days=("sat", "sun")), "2026-03-07 10:00", "2026-03-09 00:00"),
        (Quiet(days=("sat",)), "2026-03-06 23:59", None),
        (Quiet(time(20), time(7), ("sat", "sun")), "2026-03-06 21:00", "2026-03-09 07:00"),
        (Quiet(time(22), time(6), timezone="America/New_York"), "2026-03-04 04:00", "2026-03-04 11:00"),
        (Quiet(time(22), time(6), timezone="Asia/Tokyo"), "2026-03-04 12:59", None),
        # The night in which clocks go forward is an hour shorter.
        (Quiet(time(22), time(6), timezone="Europe/Berlin"), "2026-03-28 22:00", "2026-03-29 04:00"),
    ],
)
def test_quiet_hours(quiet, now, until):
    assert quiet.until(at(now)) == (None if until is None else at(until))


@given(
    st.times(), st.times(), st.sets(st.sampled_from(["mon", "tue", "wed", "thu", "fri", "sat", "sun"]), max_size=6),
    st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu"]),
    st.integers(0, 730 * 24 * 60),
)  # fmt: skip
def test_quiet_ends_later_and_is_over_then(begin, end, days, zone, moment):
    quiet = Quiet(begin.replace(second=0, microsecond=0), end.replace(second=0, microsecond=0), tuple(days), zone)
    now = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=moment)
    until = quiet.until(now)

    if until is not None:
        assert now < until <= now + timedelta(days=9)
        assert quiet.until(until) is None


def test_quiet_for_ever_still_lets_a_digest_through():
    always = Quiet(days=("mon", "tue", "wed", "thu", "fri", "sat", "sun"))

    assert at("2026-03-04 12:00") < always.until(at("2026-03-04 12:00")) <= at("2026-03-19 00:00")


@pytest.mark.parametrize(
    ("route", "taken"),
    [
        (Route("x"), True),
        (Route("x", application="SHOP"), True),
        (Route("x", application="pay"), False),
        (Route("x", environment="pro*"), True),
        (Route("x", environment="staging"), False),
        (Route("x", owner="@shop/*"), True),
        (Route("x", owner="@pay/*"), False),
        (Route("x", severity=Severity.MEDIUM), True),
        (Route("x", severity=Severity.CRITICAL), False),
        (Route("x", kinds=(ChangeKind.UPDATED, ChangeKind.DELETED)), True),
        (Route("x", kinds=(ChangeKind.DEPLOYED,)), False),
        (Route("x", application="shop", kinds=(ChangeKind.DEPLOYED,)), False),
    ],
)
def test_a_route_takes_what_fits_all_it_says(route, taken):
    assert route.takes(recorded(), "@shop/checkout", Severity.HIGH) is taken


def test_what_is_not_known_fits_no_pattern_and_no_severity():
    assert not Route("x", owner="*").takes(recorded(), None, None)
    assert not Route("x", environment="*").takes(recorded(environment=None), None, None)
    assert not Route("x", severity=Severity.INFO).takes(recorded(), None, None)


def test_the_first_route_that_fits_counts_and_a_channel_that_is_gone_is_the_usual_one():
    usual, team = Destination(), Destination("team")
    ways = (Route("gone", environment="staging"), Route("team", application="shop"), Route("other"))
    routing = Routing(ways, {"team": team}, usual)

    assert routing.destination(recorded(), None, None) is team
    assert routing.destination(recorded(environment="staging"), None, None) is usual
    assert routing.destination(recorded(application="pay"), None, None) is usual


NOON = at("2026-03-04 12:20")


@pytest.mark.parametrize(
    ("destination", "recent", "worst", "held"),
    [
        (Destination(), 10_000, None, None),
        (Destination("x", budget=3), 2, None, None),
        (Destination("x", budget=3), 3, None, ("budget", at("2026-03-04 13:00"))),
        (Destination("x", budget=3), 9, Severity.CRITICAL, None),
        (Destination("x", budget=3), 9, Severity.HIGH, ("budget", at("2026-03-04 13:00"))),
        (Destination("x", budget=3, urgent=Severity.HIGH), 9, Severity.HIGH, None),
        (Destination("x", Quiet(time(12), time(13)), 3), 9, None, ("quiet", at("2026-03-04 13:00"))),
    ],
)
def test_what_holds_a_message_back(destination, recent, worst, held):
    assert destination.held_until(NOON, recent, worst) == held
