"""Tables of flags, from a write to the record: streams, data events and looks, alone and in any order."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from auditor.domain.times import rfc3339
from examples.standin import StandIn
from tests.support.aws import Account
from tests.support.recording import TABLE, Record, sample
from tests.support.stores import Table

BEGIN = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
WRITE, WHO = sample("lambda-dynamodb-stream-modify")["Records"][0], sample("ct-dynamodb-putitem")


@pytest.fixture
def offline(tmp_path, monkeypatch) -> Record:
    """A record with no AWS at all: what is decided without it needs none."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    return Record(tmp_path, (TABLE,))


@pytest.fixture
def table(monkeypatch) -> Iterator[Table]:
    with StandIn(BEGIN) as aws:
        account = Account(aws, "123456789012")
        for name, value in aws.environ().items():
            monkeypatch.setenv(name, value)
        yield Table(account)


@pytest.fixture
def record(table, tmp_path) -> Record:
    return Record(tmp_path, (TABLE,))


def at(table: Table) -> str:
    return rfc3339(table.account.aws.now())


def written(number: int, before: dict[str, Any] | None, after: dict[str, Any] | None, **more: Any) -> dict[str, Any]:
    """Return the stream's record of one write of the sample's item, ``number`` seconds later."""
    name = "INSERT" if before is None else "REMOVE" if after is None else "MODIFY"
    keys = WRITE["dynamodb"]["Keys"]
    images = {"OldImage": before, "NewImage": after}
    told = {
        **{image: {**keys, **value} for image, value in images.items() if value is not None},
        "Keys": keys,
        "SequenceNumber": str(3 * 10**20 + number),
        "ApproximateCreationDateTime": WRITE["dynamodb"]["ApproximateCreationDateTime"] + number,
        "StreamViewType": "NEW_AND_OLD_IMAGES",
    }
    return {**WRITE, "eventID": f"record-{number}", "eventName": name, "dynamodb": told} | more


def rollout(percent: int) -> dict[str, Any]:
    return {"rollout": {"N": str(percent)}}


def test_a_write_is_recorded_without_aws(offline):
    assert offline.outcomes(sample("lambda-dynamodb-stream-modify")) == ["recorded"]

    (row,) = offline.rows()
    assert (row["kind"], row["application"], row["environment"], row["flag"]) == (
        "updated", "myapp", "prod", "new_checkout",
    )  # fmt: skip
    assert row["before"] == {"value": {"enabled": False, "rollout": 0, "updated_by": "bob"}}
    assert row["after"] == {"value": {"enabled": True, "rollout": 10, "updated_by": "alice"}}
    assert (row["version_after"], row["occurred_at"]) == ("300000000000000000001", "2026-10-06T09:30:54Z")
    assert (row["detected_by"], row["actor"]["kind"], row["life"]) == ("event", "unknown", 1)


def test_pipes_hand_over_the_records_alone(offline):
    assert offline.outcomes(*sample("lambda-dynamodb-stream-modify")["Records"]) == ["recorded"]


@pytest.mark.parametrize("order", list(itertools.permutations((WRITE, WHO))))
def test_the_data_event_says_who_in_either_order(offline, order):
    outcomes = [offline.outcomes(event)[0] for event in order]

    (row,) = offline.rows()
    assert sorted(outcomes) == ["noted", "recorded"]
    assert (row["actor"]["name"], row["attribution"]["certainty"]) == ("alice", "likely")
    assert row["attribution"]["evidence"][0]["id"] == WHO["detail"]["eventID"]


def test_a_time_to_live_that_is_over_is_an_expiry(offline):
    assert offline.outcomes(sample("lambda-dynamodb-stream-ttl-remove")) == ["recorded"]

    (row,) = offline.rows()
    assert (row["kind"], row["flag"], row["after"]) == ("expired", "black_friday_banner", None)
    assert row["actor"] == {
        "kind": "service", "name": "dynamodb.amazonaws.com", "arn": None, "via": "time to live", "session": None,
        "source_ip": None,
    }  # fmt: skip


def test_nobody_is_credited_with_an_expiry(offline):
    removal = sample("ct-dynamodb-deleteitem")
    removal["detail"]["requestParameters"]["key"] = {"pk": "myapp#prod", "sk": "black_friday_banner"}
    removal["detail"]["eventTime"] = removal["time"] = "2026-10-06T09:30:54Z"

    offline.take(sample("lambda-dynamodb-stream-ttl-remove"), removal)

    assert offline.told("kind", "actor") == [("expired", "dynamodb.amazonaws.com")]


def test_a_condition_that_failed_is_a_failed_attempt(offline):
    assert offline.outcomes(sample("ct-dynamodb-updateitem-conditional-failed")) == ["attempt"]

    (row,) = offline.rows()
    assert (row["kind"], row["flag"], row["environment"], row["actor"]["name"]) == (
        "failed", "new_checkout", "prod", "alice",
    )  # fmt: skip
    assert row["error"] == "ConditionalCheckFailedException: The conditional request failed"
    assert (row["before"], row["after"], row["version_after"]) == (None, None, None)


@pytest.mark.parametrize("name", ["ct-dynamodb-updateitem", "ct-dynamodb-deleteitem", "ct-dynamodb-putitem"])
def test_who_alone_is_no_change(offline, name):
    assert offline.outcomes(sample(name)) == ["noted"]
    assert offline.rows() == []


def test_another_table_is_none_of_ours(offline):
    other = sample("lambda-dynamodb-stream-modify")
    other["Records"][0]["eventSourceARN"] = other["Records"][0]["eventSourceARN"].replace("feature-flags", "orders")

    assert offline.outcomes(other) == ["ignored"]


@pytest.mark.parametrize(
    "more",
    [
        {"eventName": "UPSERT"},
        {"awsRegion": "eu-west-2"},
        {"eventSourceARN": "arn:aws:dynamodb:eu-west-1:123456789012:table/"},
        {"dynamodb": {**WRITE["dynamodb"], "Keys": {}}},
        {"dynamodb": {**WRITE["dynamodb"], "SequenceNumber": "one"}},
        {"dynamodb": {**WRITE["dynamodb"], "NewImage": {"pk": {"S": "myapp#prod"}, "sk": {"S": "x"}, "on": "yes"}}},
        {"dynamodb": {**WRITE["dynamodb"], "Keys": {"pk": {"M": {}}}}},
    ],
)
def test_a_record_that_contradicts_itself_is_rejected_without_aws(offline, more):
    assert offline.outcomes({**WRITE, **more}) == ["rejected"]


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_the_order_of_arrival_does_not_matter_within_a_batch(offline, order):
    history = [
        written(0, None, rollout(10)),
        written(1, rollout(10), rollout(20)),
        written(2, rollout(20), None),
        written(3, None, rollout(30)),
    ]

    report = offline.take(*(history[place] for place in order))

    assert [outcome.value for outcome in report.outcomes] == ["recorded"] * 4
    assert offline.told("kind", "life") == [("created", 1), ("updated", 1), ("deleted", 1), ("created", 2)]
    assert [row["version_before"] for row in offline.rows()[:2]] == [None, "300000000000000000000"]
    assert offline.gaps() == []


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_writes_that_come_one_by_one_in_any_order_are_each_recorded_once(offline, order):
    history = [written(n, rollout(n), rollout(n + 1)) for n in range(3)]

    for place in [*order, *order]:
        again = {**history[place], "eventID": f"another-{place}"}
        offline.take(history[place], again)

    rows = sorted(offline.rows(), key=lambda row: row["version_after"])
    assert [row["after"]["value"]["rollout"] for row in rows] == [1, 2, 3]
    assert [row["before"]["value"]["rollout"] for row in rows] == [0, 1, 2]


def test_a_write_that_nobody_saw_is_a_named_interval(offline):
    offline.take(written(0, None, rollout(10)))
    offline.take(written(9, rollout(20), rollout(30)))

    (gap,) = offline.gaps()
    assert (gap["class"], gap["from"], gap["to"]) == ("interval", "2026-10-06T09:30:54Z", "2026-10-06T09:31:03Z")


@pytest.mark.parametrize(
    ("number", "said"),
    [("0.1", 0.1), ("10", 10), ("1E+2", 100), ("0.12345678901234567890123456789", "0.12345678901234567890123456789"),
     ("12345678901234567890123456789012345678", 12345678901234567890123456789012345678), ("-1.50", -1.5)],
)  # fmt: skip
def test_numbers_are_exact(offline, number, said):
    offline.take(written(0, None, {"limit": {"N": number}}))

    assert offline.rows()[0]["after"] == {"value": {"limit": said}}


def test_every_type_has_a_form(offline):
    attributes = {
        "set": {"SS": ["b", "a"]}, "numbers": {"NS": ["10", "9"]}, "list": {"L": [{"BOOL": True}, {"NULL": True}]},
        "map": {"M": {"deep": {"S": "x"}}}, "bytes": {"B": "aGVsbG8="},
    }  # fmt: skip
    offline.take(written(0, None, attributes))

    assert offline.rows()[0]["after"]["value"] == {
        "set": ["a", "b"], "numbers": [9, 10], "list": [True, None], "map": {"deep": "x"}, "bytes": "aGVsbG8=",
    }  # fmt: skip


def test_two_people_at_once_are_not_told_apart(offline):
    other = sample("ct-dynamodb-putitem")
    other["id"], other["detail"]["eventID"] = "other", "other"
    other["detail"]["userIdentity"] |= {"userName": "mallory", "arn": "arn:aws:iam::123456789012:user/mallory"}

    offline.take(other)
    offline.take(WHO)
    offline.take(WRITE)

    assert offline.told("actor") == [(None,)]


def test_the_application_may_say_who(tmp_path):
    record = Record(tmp_path, (replace(TABLE, actor="updated_by"),))

    record.take(WRITE)
    claimed = record.rows()[0]
    record.take(WHO)
    known = record.rows()[0]

    assert (claimed["actor"]["name"], claimed["attribution"]["certainty"]) == ("alice", "likely")
    assert "updated_by" not in claimed["after"]["value"]
    assert known["actor"]["arn"] == "arn:aws:iam::123456789012:user/alice"


def test_partiql_names_its_item_only_where_cloudtrail_left_the_key(offline):
    plain = sample("ct-dynamodb-updateitem")
    statement = "UPDATE \"feature-flags\" SET enabled=***(Redacted) WHERE pk='myapp#prod' AND sk='new_checkout'"
    plain["detail"] |= {"eventName": "ExecuteStatement", "requestParameters": {"statement": statement}}
    plain["detail"]["eventTime"] = "2026-10-06T09:30:54Z"
    hidden = sample("ct-dynamodb-updateitem")
    hidden["id"], hidden["detail"]["eventID"] = "hidden", "hidden"
    redacted = statement.replace("'myapp#prod'", "***(Redacted)")
    hidden["detail"] |= {"eventName": "ExecuteStatement", "requestParameters": {"statement": redacted}}

    assert offline.outcomes(WRITE, plain, hidden) == ["recorded", "noted", "ignored"]
    assert offline.told("actor") == [("myapp-admin-task",)]


def test_a_transaction_names_every_item(offline):
    event = sample("ct-dynamodb-updateitem")
    keys = [{"pk": "myapp#prod", "sk": "new_checkout"}, {"pk": "myapp#prod", "sk": "other"}]
    members = [{"update": {"tableName": "feature-flags", "key": key}} for key in keys]
    event["detail"] |= {"eventName": "TransactWriteItems", "requestParameters": {"transactItems": members}}
    event["detail"]["eventTime"] = "2026-10-06T09:30:54Z"

    offline.take(WRITE, event)

    assert offline.told("actor") == [("myapp-admin-task",)]


def test_a_stream_without_images_is_only_a_hint(table, record):
    table.put({"enabled": {"BOOL": True}})
    (bare,) = table.records()
    del bare["dynamodb"]["NewImage"]

    assert record.outcomes(bare) == ["recorded"]
    assert [row["after"] for row in record.rows()] == [{"value": {"enabled": True}}]


def test_a_look_finds_what_no_record_told(table, record):
    table.put({"enabled": {"BOOL": False}})
    table.account.advance(minutes=1)
    first = at(table)
    assert record.reconcile().recorded == 1
    table.account.advance(minutes=10)
    seen = at(table)
    assert record.reconcile().recorded == 0, "nothing changed"
    table.account.advance(minutes=10)
    table.put({"enabled": {"BOOL": True}})
    table.account.advance(minutes=10)
    found = at(table)
    assert record.reconcile().recorded == 1
    assert record.reconcile().recorded == 0

    created, updated = record.rows()
    assert (created["kind"], created["detected_by"], created["occurred_between"]) == (
        "created",
        "backfill",
        [None, first],
    )
    assert (updated["kind"], updated["detected_by"], updated["occurred_between"]) == (
        "updated",
        "reconcile",
        [seen, found],
    )
    assert (updated["version_before"], updated["version_after"], updated["occurred_at"]) == (None, None, None)
    (gap,) = record.gaps()
    assert (gap["class"], gap["from"], gap["to"]) == ("interval", seen, found)


def test_a_write_found_by_a_look_is_dated_by_its_late_record(table, record):
    record.reconcile()
    table.account.advance(minutes=5)
    table.put({"enabled": {"BOOL": True}})
    written_at = at(table)
    table.account.advance(minutes=5)
    record.reconcile()

    assert record.outcomes(*table.records(), *table.data_events()) == ["noted", "noted"]
    (row,) = record.rows()
    assert (row["occurred_at"], row["occurred_between"], row["actor"]["name"]) == (written_at, None, "alice")


def test_a_call_between_two_looks_says_nothing_until_the_write_is_dated(table, record):
    record.reconcile()
    table.account.advance(minutes=5)
    table.put({"enabled": {"BOOL": True}})
    written_at = at(table)
    table.account.advance(minutes=5)
    record.reconcile()

    record.take(*table.data_events())
    (row,) = record.rows()
    assert (row["occurred_at"], row["actor"]["name"], row["attribution"]["certainty"]) == (None, None, "none")
    assert record.outcomes(*table.records()) == ["noted"], "it is the write that the look found"
    assert record.told("occurred_at", "actor") == [(written_at, "alice")]


def test_the_call_behind_the_state_before_is_nobody_for_the_next(table, record):
    record.reconcile()
    table.account.advance(minutes=5)
    table.put({"enabled": {"BOOL": True}})
    record.take(*table.records())
    (made,) = table.data_events()
    table.account.advance(minutes=5)
    table.put({"enabled": {"BOOL": False}})
    table.account.advance(minutes=5)
    record.reconcile()

    record.take(made)
    assert record.told("kind", "actor") == [("created", "alice"), ("updated", None)]


def test_an_item_first_seen_by_a_look_may_have_been_others_before(table, record):
    record.reconcile()
    listed = at(table)
    table.account.advance(minutes=5)
    table.put({"enabled": {"BOOL": True}})
    table.account.advance(minutes=5)
    table.put({"enabled": {"BOOL": False}})
    table.account.advance(minutes=5)
    record.reconcile()

    (row,), (gap,) = record.rows(), record.gaps()
    assert row["occurred_between"] == [listed, at(table)]
    assert (gap["class"], gap["from"], gap["to"]) == ("interval", listed, at(table))


def test_a_first_record_that_replaced_something_tells_of_a_write_before(table, record):
    record.reconcile()
    listed = at(table)
    table.account.advance(minutes=5)
    table.put({"enabled": {"BOOL": True}})
    table.account.advance(minutes=5)
    table.put({"enabled": {"BOOL": False}})
    record.take(table.records()[1])

    (gap,) = record.gaps()
    assert (gap["from"], gap["to"]) == (listed, at(table))


def test_a_late_record_shows_that_another_was_lost(offline):
    offline.take(written(0, None, rollout(10)))
    offline.take(written(9, rollout(10), rollout(30)))
    assert offline.gaps() == []

    offline.take(written(3, rollout(10), rollout(20)))

    (gap,) = offline.gaps()
    assert (gap["from"], gap["to"]) == ("2026-10-06T09:30:57Z", "2026-10-06T09:31:03Z")
    offline.take(written(2, rollout(5), rollout(10)))
    assert [gap["from"] for gap in offline.gaps()] == ["2026-10-06T09:30:54Z", "2026-10-06T09:30:57Z"]


def test_a_deletion_is_found_and_then_dated(table, record):
    table.put({"enabled": {"BOOL": True}})
    record.take(*table.records())
    table.account.advance(minutes=5)
    table.remove()
    removed = at(table)
    table.account.advance(minutes=5)
    record.reconcile()
    assert record.told("kind", "occurred_at") == [("created", rfc3339(BEGIN)), ("deleted", None)]

    record.take(*table.records(), *table.data_events())
    assert record.told("kind", "occurred_at", "actor") == [
        ("created", rfc3339(BEGIN), "alice"),
        ("deleted", removed, "alice"),
    ]
    table.account.advance(minutes=5)
    table.put({"enabled": {"BOOL": False}})
    record.reconcile()
    assert record.told("kind", "life")[2:] == [("created", 2)]


def test_a_table_that_is_not_there_deletes_nothing(table, record, tmp_path):
    table.put({"enabled": {"BOOL": True}})
    record.reconcile()
    table.account.client("dynamodb").delete_table(TableName=table.name)

    report = record.application.reconcile().run()

    assert "feature-flags" in report.errors[0]
    assert record.told("kind") == [("created",)]


def test_looking_costs_one_call_a_page(table, record):
    for number in range(120):
        table.put({"enabled": {"BOOL": True}}, flag=f"flag-{number}")
    record.reconcile()
    table.account.aws.reset_calls()

    record.reconcile()

    assert (
        table.account.calls("dynamodb") == {"Scan": 1, "DescribeTable": 0}
        or table.account.calls("dynamodb").total() <= 1
    )


def test_looks_between_records_lose_nothing(table, record):
    seen = []
    for number in range(6):
        table.account.advance(minutes=7)
        table.put(rollout(number))
        seen.append(number)
        if number % 2:
            record.take(*table.records())
        else:
            record.reconcile()
    table.account.aws.advance(timedelta(minutes=1))
    record.take(*table.records())

    assert sorted(row["after"]["value"]["rollout"] for row in record.rows()) == seen
    assert record.reconcile().recorded == 0
