from __future__ import annotations

from datetime import timedelta

import pytest

from auditor.application.dispatch import DispatchReport, dispatch, waiting_alerts
from auditor.domain.alerts import AlertKind, AlertState, Delivery, DeliveryOutcome, NewAlert
from auditor.domain.documents import Snapshot
from tests.fakes import NOON, ChannelFake, ClockFake, RecordFake
from tests.support.alerts import PARAMETER, recorded


def record_of(*keys: str, **fields) -> RecordFake:
    record = RecordFake()
    for key in keys:
        record.outbox.put(NewAlert(key, AlertKind.TEST, key, **fields), NOON)
    return record


def test_everything_due_is_sent_oldest_first():
    record, channel = record_of("a", "b", "c"), ChannelFake()

    report = dispatch(record, channel, ClockFake())

    assert report == DispatchReport(sent=3)
    assert [alert.key for alert in channel.given] == ["a", "b", "c"]
    assert set(record.outbox.states().values()) == {AlertState.SENT}


def test_nothing_waits_nothing_happens():
    assert dispatch(record_of(), ChannelFake(), ClockFake()) == DispatchReport()


def test_only_the_asked_keys_are_sent():
    record, channel = record_of("a", "b", "c"), ChannelFake()

    dispatch(record, channel, ClockFake(), keys=["b", "unknown"])

    assert [alert.key for alert in channel.given] == ["b"]


def test_no_keys_means_none():
    record, channel = record_of("a"), ChannelFake()

    assert dispatch(record, channel, ClockFake(), keys=[]) == DispatchReport()
    assert channel.given == []


def test_sending_happens_outside_of_transactions():
    record = record_of("a")

    class Looking(ChannelFake):
        def send(self, alert):
            assert not record.open
            assert record.commits == 1  # the claim is durable before anything leaves
            return super().send(alert)

    dispatch(record, Looking(), ClockFake())

    assert record.commits == 2


def test_a_channel_that_asks_to_wait_ends_the_run():
    wait = Delivery(DeliveryOutcome.LATER, not_before=NOON + timedelta(seconds=20))
    record, channel, clock = record_of("a", "b"), ChannelFake([wait]), ClockFake()

    assert dispatch(record, channel, clock) == DispatchReport(later=1)
    assert record.outbox.states() == {"a": AlertState.PENDING, "b": AlertState.PENDING}
    clock.move(19)
    assert dispatch(record, channel, clock) == DispatchReport(sent=1)  # only b is due
    clock.move(1)
    assert dispatch(record, channel, clock) == DispatchReport(sent=1)
    assert [alert.key for alert in channel.given] == ["a", "b", "a"]


def test_a_refusal_does_not_take_the_others_along():
    refused = Delivery(DeliveryOutcome.REFUSED, error="Slack refused: invalid_auth")
    record, channel = record_of("a", "b", "c"), ChannelFake([refused])

    assert dispatch(record, channel, ClockFake()) == DispatchReport(dead=1, errors=("Slack refused: invalid_auth",))
    assert record.outbox.dead() == [(1, "Slack refused: invalid_auth")]
    assert [alert.key for alert in record.outbox.pending()] == ["b", "c"]


def test_one_put_off_without_a_time_lets_the_others_go():
    record = record_of("a", "b")

    report = dispatch(record, ChannelFake([Delivery(DeliveryOutcome.LATER)]), ClockFake())

    assert report == DispatchReport(sent=1, later=1)


def test_doubt_is_kept_as_doubt_and_said_once():
    unknown = Delivery(DeliveryOutcome.UNKNOWN, error="broke")
    record = record_of("a", "b")

    report = dispatch(record, ChannelFake([unknown, unknown]), ClockFake())

    assert report == DispatchReport(unknown=2, errors=("broke",))
    assert set(record.outbox.states().values()) == {AlertState.UNKNOWN}


def test_an_alert_due_again_at_once_is_not_sent_in_a_circle():
    record = record_of("a")
    record.outbox.back_off = timedelta(0)
    channel = ChannelFake([Delivery(DeliveryOutcome.LATER)] * 5)

    assert dispatch(record, channel, ClockFake()) == DispatchReport(later=1)


@pytest.mark.parametrize("limit", [0, 1, 2])
def test_the_limit_counts_tries(limit):
    record = record_of("a", "b", "c")

    assert dispatch(record, ChannelFake(), ClockFake(), limit=limit).sent == limit
    assert len(record.outbox.pending()) == 3 - limit


def test_the_deadline_ends_the_run_and_leaves_the_rest_unclaimed():
    record, clock = record_of("a", "b", "c"), ClockFake()

    class Slow(ChannelFake):
        def send(self, alert):
            clock.move(4)
            return super().send(alert)

    report = dispatch(record, Slow(), clock, deadline=NOON + timedelta(seconds=6))

    assert report.sent == 2
    assert record.outbox.states()["c"] is AlertState.PENDING


def test_a_dead_process_leaves_one_alert_and_the_channel_is_told():
    record, clock = record_of("a", "b"), ClockFake()

    class Killed(ChannelFake):
        def send(self, alert):
            raise SystemExit

    with pytest.raises(SystemExit):
        dispatch(record, Killed(), clock)
    channel = ChannelFake()
    dispatch(record, channel, clock)
    assert [alert.key for alert in channel.given] == ["b"]

    clock.move(121)
    dispatch(record, channel, clock)
    assert [(alert.key, alert.attempt) for alert in channel.given] == [("b", 1), ("a", 2)]


def test_a_message_gets_the_version_before():
    first, second = recorded(number=1), recorded(number=2, key="other")
    record = RecordFake()
    record.outbox.changes = {"first": first, "second": second}
    metadata = {"type": "String", "text": "false"}
    record.versions[PARAMETER, "3", 1] = Snapshot("3", 3, None, None, {}, metadata)
    record.outbox.put(NewAlert("u", AlertKind.UPDATE, first.change.cause, ("first", "second")), NOON)

    (alert,) = waiting_alerts(record)

    assert alert.changes == (first, second)
    assert alert.former == {first.id: metadata, second.id: metadata}
    assert record.outbox.states() == {"u": AlertState.PENDING}
    assert record.commits == 0
