"""The stand-in's event history: who did what, newest first, in pages."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from examples.standin import StandIn

START = datetime(2026, 10, 6, 8, 0, 3, 317_000, tzinfo=UTC)


@pytest.fixture
def aws() -> Iterator[StandIn]:
    with StandIn(start=START) as standin:
        yield standin


def by(key: str, value: str) -> list[dict[str, str]]:
    return [{"AttributeKey": key, "AttributeValue": value}]


def written(aws: StandIn, count: int) -> Any:
    ssm = aws.client("ssm", identity=aws.iam_user("alice"))
    for number in range(count):
        ssm.put_parameter(Name=f"/app/{number}", Value="1", Type="String")
        aws.advance(timedelta(seconds=1))
    return aws.client("cloudtrail")


def test_a_listed_event_has_no_resources_and_the_record_as_text(aws: StandIn):
    trail = written(aws, 1)
    (listed,) = trail.lookup_events()["Events"]
    assert listed["Resources"] == []
    assert (listed["EventName"], listed["ReadOnly"], listed["Username"]) == ("PutParameter", "false", "alice")
    assert listed["EventTime"] == START.replace(microsecond=0)
    record = json.loads(listed["CloudTrailEvent"])
    (event,) = [one for one in aws.events() if one["detail-type"] == "AWS API Call via CloudTrail"]
    assert record == event["detail"]
    assert listed["EventId"] == record["eventID"] != event["id"]


def test_pages_of_fifty_newest_first(aws: StandIn):
    trail = written(aws, 60)
    first = trail.lookup_events(LookupAttributes=by("EventName", "PutParameter"))
    second = trail.lookup_events(LookupAttributes=by("EventName", "PutParameter"), NextToken=first["NextToken"])
    assert [len(first["Events"]), len(second["Events"])] == [50, 10]
    names = [json.loads(one["CloudTrailEvent"])["requestParameters"]["name"] for one in first["Events"]]
    assert names[0] == "/app/59"
    assert "NextToken" not in second
    with pytest.raises(ClientError, match="InvalidNextTokenException"):
        trail.lookup_events(LookupAttributes=by("EventName", "DeleteParameter"), NextToken=first["NextToken"])


@pytest.mark.parametrize(
    ("key", "value", "count"),
    [
        ("EventName", "PutParameter", 2),
        ("EventSource", "ssm.amazonaws.com", 2),
        ("Username", "alice", 2),
        ("ReadOnly", "true", 0),
        # The real service lists no resources for Parameter Store, so this finds nothing.
        ("ResourceName", "/app/0", 0),
    ],
)
def test_one_attribute_filters(aws: StandIn, key: str, value: str, count: int):
    trail = written(aws, 2)
    assert len(trail.lookup_events(LookupAttributes=by(key, value))["Events"]) == count


def test_a_time_range_filters_and_the_history_ends_after_ninety_days(aws: StandIn):
    trail = written(aws, 10)
    start, end = START + timedelta(seconds=3), START + timedelta(seconds=5)
    assert len(trail.lookup_events(StartTime=start, EndTime=end)["Events"]) == 2
    aws.advance(timedelta(days=91))
    assert trail.lookup_events()["Events"] == []


def test_what_makes_no_sense_is_refused(aws: StandIn):
    trail = aws.client("cloudtrail")
    with pytest.raises(ClientError, match="InvalidTimeRangeException"):
        trail.lookup_events(StartTime=START + timedelta(days=1), EndTime=START)
    with pytest.raises(ClientError, match="InvalidLookupAttributesException"):
        trail.lookup_events(LookupAttributes=by("EventName", "A") + by("EventSource", "b"))


def test_each_account_and_region_has_its_own_history(aws: StandIn):
    written(aws, 1)
    other = aws.iam_user("bob", account="444455556666")
    assert aws.client("cloudtrail", identity=other).lookup_events()["Events"] == []
    assert aws.client("cloudtrail", region="us-east-1").lookup_events()["Events"] == []


def test_the_history_may_lag_behind_the_bus():
    with StandIn(start=START, lookup_delay=timedelta(minutes=2)) as aws:
        trail = written(aws, 1)
        assert len(aws.events()) == 2
        assert trail.lookup_events()["Events"] == []
        aws.advance(timedelta(minutes=2))
        assert len(trail.lookup_events()["Events"]) == 1
