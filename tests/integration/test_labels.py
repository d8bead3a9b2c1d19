"""Labels of parameters: the store tells only where each is now."""

from __future__ import annotations

from datetime import timedelta

import pytest

from auditor.settings import DEFAULT_SOURCES
from examples.standin import StandIn
from tests.support.recording import Record

NAME = "/shop/prod/features/new-checkout"


@pytest.fixture
def record(aws, tmp_path) -> Record:
    client = aws.client("ssm")
    for value in ("false", "true"):
        client.put_parameter(Name=NAME, Value=value, Type="String", Overwrite=value == "true")
        aws.advance(timedelta(minutes=1))
    made = Record(tmp_path, DEFAULT_SOURCES)
    made.reconcile()
    aws.drain()
    return made


def move(aws: StandIn, version: int) -> None:
    aws.client("ssm").label_parameter_version(Name=NAME, ParameterVersion=version, Labels=["stable"])
    aws.advance(timedelta(minutes=1))


def moves(record: Record) -> list[tuple]:
    kept = [row for row in record.told("kind", "version_before", "version_after") if row[0] == "label_moved"]
    return [row[1:] for row in kept]


@pytest.mark.parametrize("own", [True, False], ids=["its own event", "CloudTrail"])
def test_a_label_that_moved_on_unseen_is_a_named_interval(aws, record, own):
    move(aws, 1)
    move(aws, 2)
    events = [event for event in aws.drain() if (event["detail-type"] == "Parameter Store Change") is own]

    record.take(*events)

    assert moves(record) == [(None, "2")]
    (gap,) = record.gaps()
    assert (gap["class"], gap["from"], gap["to"]) == ("interval", "2026-03-02T09:02:00Z", "2026-03-02T09:02:00Z")
    record.take(*events)
    assert len(record.gaps()) == 1


def test_labels_seen_one_by_one_leave_no_gap(aws, record):
    for version in (1, 2, 1):
        move(aws, version)
        record.take(*aws.drain())

    assert moves(record) == [(None, "1"), ("1", "2"), ("2", "1")]
    assert record.gaps() == []


def test_a_label_put_where_it_is_leaves_no_gap(aws, record):
    move(aws, 1)
    record.take(*aws.drain())
    move(aws, 1)
    record.take(*aws.drain())

    assert moves(record) == [(None, "1")]
    assert record.gaps() == []


def test_a_label_that_was_set_and_taken_off_unseen_is_a_named_interval(aws, record):
    move(aws, 1)
    aws.client("ssm").unlabel_parameter_version(Name=NAME, ParameterVersion=1, Labels=["stable"])
    record.take(*aws.drain())

    assert moves(record) == []
    assert [gap["from"] for gap in record.gaps()] == ["2026-03-02T09:02:00Z"]
