"""Which alarms were firing where a flag changed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.domain.corroboration import (
    ALARM,
    MONITOR,
    MONITOR_REMOVED,
    firing,
    guarded_by,
    guarding,
    news_of_guards,
)
from auditor.domain.documents import EnvironmentRef
from auditor.domain.events import Guards, Signal

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
ARN = "arn:aws:cloudwatch:eu-central-1:111122223333:alarm:"


def monitor(name="errors", guarded="shop/prod", minutes=-1440):
    return Signal(None, NOON + timedelta(minutes=minutes), MONITOR, "here", ARN + name, guarded)


def taken_away(minutes, name="errors", guarded="shop/prod"):
    return Signal(None, NOON + timedelta(minutes=minutes), MONITOR_REMOVED, "here", ARN + name, guarded)


def went(state, minutes, name="errors", before="OK"):
    text = f"alarm {name} went from {before} to {state}: 61.0 went from 1 to ALARM: high"
    return Signal(None, NOON + timedelta(minutes=minutes), ALARM, text, ARN + name, name)


@pytest.mark.parametrize(
    ("signals", "expected"),
    [
        ([monitor(), went("ALARM", -5)], ["errors"]),
        ([monitor(), went("ALARM", -5), went("OK", -1, before="ALARM")], []),
        ([monitor(), went("OK", -5), went("ALARM", 1)], []),
        ([monitor(), went("INSUFFICIENT_DATA", -5)], []),
        ([monitor(guarded="shop/staging"), went("ALARM", -5)], []),
        ([monitor(guarded=None), went("ALARM", -5)], []),
        ([went("ALARM", -5)], []),
        ([monitor(), monitor("latency"), went("ALARM", -9, "latency"), went("ALARM", -5)], ["latency", "errors"]),
        ([monitor("a went from OK to ALARM: b"), went("OK", -5, "a went from OK to ALARM: b")], []),
        ([monitor()], []),
        ([monitor(), taken_away(-60), went("ALARM", -5)], []),
        ([monitor(), taken_away(60), went("ALARM", -5)], ["errors"]),
        ([monitor(), taken_away(-60), monitor(minutes=-30), went("ALARM", -5)], ["errors"]),
        ([monitor(minutes=60), went("ALARM", -5)], []),
        ([monitor(), taken_away(-60, guarded="shop/staging"), went("ALARM", -5)], ["errors"]),
    ],
)
def test_what_is_known_by_then_counts(signals, expected):
    assert firing(signals, "shop/prod", NOON) == expected


ENVIRONMENTS = [EnvironmentRef("111122223333", region, "app", "env") for region in ("eu-central-1", "us-east-1")]
LOOKS = st.lists(
    st.tuples(
        st.sampled_from(ENVIRONMENTS), st.integers(0, 9), st.frozensets(st.sampled_from(["errors", "latency", "cost"]))
    ),
    min_size=1,
    max_size=8,
    unique_by=lambda look: (look[0], look[1]),
)


@given(LOOKS)
def test_each_look_is_true_of_its_time(looks):
    """Two environments of one name: at the time of each look exactly its alarms guard there."""
    held: list[Signal] = []
    for environment, minute, names in sorted(looks, key=lambda look: look[1]):
        told = Guards(environment, NOON + timedelta(minutes=minute), frozenset(names))
        held += news_of_guards(held, told, "shop/prod")
        assert news_of_guards(held, told, "shop/prod") == []

    for environment, minute, names in looks:
        own = [one for one in held if one.text.split("|")[1] == environment.region]
        assert guarding(own, "shop/prod", NOON + timedelta(minutes=minute)) == names


def test_an_alarm_that_was_taken_away_everywhere_guards_nothing():
    signals = [monitor(), taken_away(-60), monitor(guarded=None)]
    assert guarded_by(signals, ARN + "errors", NOON) is None
    assert guarded_by(signals, ARN + "errors", NOON - timedelta(hours=2)).group == "shop/prod"
    assert guarded_by([monitor(guarded=None)], ARN + "errors", NOON).group is None
    assert guarded_by([*signals, monitor(guarded="shop/live")], ARN + "errors", NOON).group == "shop/live"
