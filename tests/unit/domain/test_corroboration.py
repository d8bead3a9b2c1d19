"""Which alarms were firing where a flag changed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from auditor.domain.corroboration import ALARM, MONITOR, firing
from auditor.domain.events import Signal

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
ARN = "arn:aws:cloudwatch:eu-central-1:111122223333:alarm:"


def monitor(name="errors", guarded="shop/prod"):
    return Signal(None, NOON - timedelta(days=1), MONITOR, ARN + name, ARN + name, guarded)


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
    ],
)
def test_what_is_known_by_then_counts(signals, expected):
    assert firing(signals, "shop/prod", NOON) == expected
