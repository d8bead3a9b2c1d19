"""Flag files in S3, from a write to the record: with versions and without, by events, data events and looks."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from auditor.domain.times import rfc3339
from auditor.settings import SourceSettings
from examples.standin import StandIn
from tests.support.aws import Account
from tests.support.recording import Record, sample
from tests.support.stores import Bucket

BEGIN = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ACCOUNT = "123456789012"
KEY = "{application}/{environment}/flags.json"


@pytest.fixture
def account(monkeypatch) -> Iterator[Account]:
    with StandIn(BEGIN) as aws:
        for name, value in aws.environ().items():
            monkeypatch.setenv(name, value)
        yield Account(aws, ACCOUNT)


Watched = Callable[..., tuple[Bucket, Record]]


@pytest.fixture
def watched(account, tmp_path) -> Watched:
    def made(
        versioned: bool = True, key: str = KEY, pointer: str | None = None, **bucket: Any
    ) -> tuple[Bucket, Record]:
        source = SourceSettings("s3", "s3", bucket="example-flag-config", key=key, pointer=pointer)
        return Bucket(account, "example-flag-config", versioned=versioned, **bucket), Record(tmp_path, (source,))

    return made


def flags(**values: Any) -> str:
    return json.dumps(values)


def now(bucket: Bucket) -> str:
    return rfc3339(bucket.account.aws.now())


def test_each_version_is_a_change_of_the_flags_that_differ(watched):
    bucket, record = watched()
    record.reconcile()
    bucket.put(flags(search=True, limit=10))
    first = bucket.account.advance(minutes=1)
    bucket.put(flags(search=False, limit=10, banner={"enabled": True}))
    bucket.account.advance(minutes=1)
    bucket.put(json.dumps({"limit": 10, "search": False, "banner": {"enabled": True}}, indent=4))

    assert record.outcomes(*bucket.events()) == ["recorded", "noted", "noted", "noted", "noted", "noted"]
    assert record.told("kind", "application", "environment", "flag", "actor") == [
        ("created", "shop", "prod", "limit", "alice"),
        ("created", "shop", "prod", "search", "alice"),
        ("created", "shop", "prod", "banner", "alice"),
        ("updated", "shop", "prod", "search", "alice"),
    ]
    row = record.rows()[3]
    assert (row["before"], row["after"]) == ({"value": True}, {"value": False})
    assert (row["occurred_at"], row["attribution"]["certainty"]) == (rfc3339(first), "certain")
    assert row["version_before"] == record.rows()[0]["version_after"]
    assert record.gaps() == []


@pytest.mark.parametrize("lost", range(4))
@pytest.mark.parametrize("look", [True, False])
def test_a_lost_event_costs_only_time(watched, lost, look):
    bucket, record = watched()
    for number in range(4):
        bucket.account.advance(minutes=5)
        bucket.put(flags(search=number))
        events = bucket.events()
        if number != lost:
            record.take(*events)
        elif look:
            record.reconcile()
    record.reconcile()

    assert [row["after"]["value"] for row in record.rows()] == [0, 1, 2, 3]
    assert all(row["occurred_at"] for row in record.rows())
    assert record.gaps() == []


def test_a_delete_marker_ends_the_flags_and_a_new_version_begins_them_again(watched):
    bucket, record = watched()
    bucket.put(flags(search=True))
    bucket.account.advance(minutes=1)
    bucket.remove()
    removed = now(bucket)
    bucket.account.advance(minutes=1)
    bucket.put(flags(search=True))

    record.take(*bucket.events())
    assert record.told("kind", "occurred_at", "actor")[:2] == [
        ("created", rfc3339(BEGIN), "alice"),
        ("deleted", removed, "alice"),
    ]
    assert record.told("kind")[2:] == [("created",)]
    assert record.reconcile().recorded == 0


def test_a_lifecycle_rule_is_an_expiry_by_nobody(watched):
    bucket, record = watched()
    bucket.put(flags(search=True))
    bucket.account.advance(days=30)
    bucket.remove(by_lifecycle=True)

    record.take(*bucket.events())

    row = record.rows()[1]
    assert (row["kind"], row["actor"]["kind"]) == ("expired", "unknown")


@pytest.mark.parametrize("order", list(itertools.permutations(range(2))))
def test_the_samples_of_one_write_give_one_change_with_its_person(watched, order):
    bucket, record = watched(key="{application}/{environment}/flags.json")
    bucket.key = "myapp/prod/flags.json"
    bucket.account.aws.set_time(datetime(2026, 10, 6, 9, 50, tzinfo=UTC))
    bucket.put(flags(new_checkout=True))
    version = bucket.events()[0]["detail"]["object"]["version-id"]
    event, call = sample("s3-object-created"), sample("ct-s3-putobject")
    event["detail"]["object"]["version-id"] = call["detail"]["responseElements"]["x-amz-version-id"] = version

    outcomes = [record.outcomes((event, call)[place])[0] for place in order]

    assert sorted(outcomes) == ["noted", "recorded"]
    assert record.told("application", "environment", "flag", "actor") == [("myapp", "prod", "new_checkout", "alice")]


def test_the_request_id_says_who_where_the_data_event_names_no_version(watched):
    bucket, record = watched()
    bucket.put(flags(search=True))
    event, call = bucket.events()
    call["detail"]["responseElements"] = None
    call["detail"]["eventTime"] = "2026-03-02T09:00:40Z"  # too far off for the time alone

    record.take(event)
    record.take(call)

    assert record.told("actor") == [("alice",)]


def test_the_sample_of_a_delete_marker(watched):
    bucket, record = watched()
    bucket.key = "myapp/prod/flags.json"
    bucket.put(flags(new_checkout=True))
    record.take(*bucket.events())
    bucket.account.aws.set_time(datetime(2026, 10, 6, 9, 52, tzinfo=UTC))
    bucket.remove()

    assert record.outcomes(sample("s3-object-deleted-marker")) == ["recorded"]
    assert record.told("kind", "occurred_at")[1] == ("deleted", "2026-10-06T09:52:00Z")


def test_the_sample_without_versions_and_with_a_key_of_any_script(watched):
    bucket, record = watched(versioned=False, key="{application}/{environment}/größe flags+новый.json")
    bucket.account.aws.set_time(datetime(2026, 10, 6, 9, 53, 10, tzinfo=UTC))
    bucket.put(flags(new_checkout=True), key="myapp/prod/größe flags+новый.json")

    assert record.outcomes(sample("s3-object-created-unicode-key")) == ["recorded"]
    (row,) = record.rows()
    assert row["document"] == "example-flag-config/myapp/prod/größe flags+новый.json"
    assert (row["version_after"], row["occurred_at"]) == (None, "2026-10-06T09:53:10Z")


def test_a_key_that_arrives_encoded_is_found(watched):
    bucket, record = watched(key="{application}/{environment}/größe flags.json")
    bucket.put(flags(search=True), key="shop/prod/größe flags.json")
    event = bucket.events()[0]
    event["detail"]["object"]["key"] = "shop/prod/gr%C3%B6%C3%9Fe+flags.json"

    assert record.outcomes(event) == ["recorded"]


def test_without_versions_each_write_that_was_read_is_a_change(watched):
    bucket, record = watched(versioned=False)
    for on in (True, False):
        bucket.account.advance(minutes=1)
        bucket.put(flags(search=on))
        record.take(*bucket.events())

    assert [(r["kind"], r["after"], r["version_after"], r["actor"]["name"]) for r in record.rows()] == [
        ("created", {"value": True}, None, "alice"),
        ("updated", {"value": False}, None, "alice"),
    ]
    assert record.rows()[1]["attribution"]["certainty"] == "likely"
    (gap,) = record.gaps()
    assert (gap["class"], gap["from"], gap["to"]) == ("interval", "2026-03-02T09:01:00Z", "2026-03-02T09:02:00Z")


def test_without_versions_a_deletion_is_dated_by_its_event(watched):
    bucket, record = watched(versioned=False)
    bucket.put(flags(search=True))
    record.take(*bucket.events())
    bucket.account.advance(minutes=3)
    bucket.remove()
    removed = now(bucket)
    record.take(*bucket.events())
    bucket.account.advance(minutes=3)
    bucket.put(flags(search=False))
    record.take(*bucket.events())

    assert record.told("kind", "life", "actor") == [
        ("created", 1, "alice"), ("deleted", 1, "alice"), ("created", 2, "alice"),
    ]  # fmt: skip
    assert record.rows()[1]["occurred_at"] == removed


def test_what_is_overwritten_unread_is_a_named_interval(watched):
    bucket, record = watched(versioned=False)
    bucket.put(flags(search=1))
    record.take(*bucket.events())
    for number in (2, 3):
        bucket.account.advance(minutes=5)
        bucket.put(flags(search=number))

    assert record.reconcile().recorded == 1
    assert record.reconcile().recorded == 0
    assert [(g["class"], g["from"], g["to"]) for g in record.gaps()] == [
        ("interval", "2026-03-02T09:00:00Z", "2026-03-02T09:10:00Z")
    ]


def test_a_broken_file_is_a_named_version_and_changes_no_flag(watched):
    bucket, record = watched()
    bucket.put(flags(search=True))
    bucket.account.advance(minutes=1)
    bucket.put('{"search": tru')
    bucket.account.advance(minutes=1)
    bucket.put(flags(search=False))

    record.take(*bucket.events())

    assert [row["after"]["value"] for row in record.rows()] == [True, False]
    (gap,) = record.gaps()
    assert gap["class"] == "version"
    assert gap["from"] == gap["to"]
    assert "no JSON" in gap["reason"]


def test_a_version_removed_for_good_gives_back_the_one_before(watched):
    bucket, record = watched()
    for on in (True, False):
        bucket.account.advance(minutes=1)
        bucket.put(flags(search=on))
    record.take(*bucket.events())
    client = bucket.account.client("s3")
    newest = client.list_object_versions(Bucket=bucket.name)["Versions"][0]["VersionId"]
    bucket.account.advance(minutes=1)
    client.delete_object(Bucket=bucket.name, Key=bucket.key, VersionId=newest)

    assert record.reconcile().recorded == 1
    assert record.reconcile().recorded == 0
    row = record.rows()[-1]
    assert (row["kind"], row["before"], row["after"], row["version_after"]) == (
        "updated", {"value": False}, {"value": True}, None,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("key", "pointer", "content", "expected"),
    [
        ("{application}/flags.json", None, '{"a": 1}', [("shop", None, "a", 1)]),
        ("{application}/{environment}/flags.yaml", None, "a: true\nb:\n  deep: [1, 2]\n",
         [("shop", "prod", "a", True), ("shop", "prod", "b", {"deep": [1, 2]})]),
        ("{application}/{environment}/all.json", "/features/on", '{"features": {"on": {"a": 1}}, "x": 2}',
         [("shop", "prod", "a", 1)]),
        ("{application}/{environment}/{flag}.json", None, '{"enabled": true}', [("shop", "prod", "search", {"enabled": True})]),
        ("{application}/{environment}/all.json", None,
         '{"features": {"a": {"default": true}}, "logging": {"level": "INFO"}}', [("shop", "prod", "a", {"default": True})]),
        ("{application}/{environment}/all.json", None,
         '{"version": "1", "flags": {"a": {"name": "A"}}, "values": {"a": {"enabled": true}}}',
         [("shop", "prod", "a", {"enabled": True})]),
    ],
)  # fmt: skip
def test_where_the_flags_are_in_a_file(watched, key, pointer, content, expected):
    place = key.format(application="shop", environment="prod", flag="search")
    bucket, record = watched(key=key, pointer=pointer)
    bucket.put(content, key=place)

    record.reconcile()

    assert [(r["application"], r["environment"], r["flag"], r["after"]["value"]) for r in record.rows()] == expected


@pytest.mark.parametrize(
    "content",
    [
        "a: 1\na: 2\n",
        "a: !!python/object/apply:os.system ['true']\n",
        "[1, 2]",
        "a: .nan\n",
        "x0: &x0 [1,1,1,1,1,1,1,1,1,1]\n" + "".join(f"x{n}: &x{n} [{','.join([f'*x{n - 1}'] * 10)}]\n" for n in range(1, 9)),
        "\xff",
    ],
)  # fmt: skip
def test_hostile_yaml_is_named_and_nothing_else(watched, content):
    bucket, record = watched(key="{application}/{environment}/flags.yaml")
    bucket.put(content.encode("latin-1"), key="shop/prod/flags.yaml")

    record.reconcile()

    assert record.rows() == []
    assert [gap["class"] for gap in record.gaps()] == ["version"]


def test_another_bucket_and_another_key_are_none_of_ours(watched):
    bucket, record = watched()
    bucket.put(flags(search=True), key="shop/prod/notes.txt")
    foreign = sample("s3-object-created")
    foreign["detail"]["bucket"]["name"] = "somebody-elses"
    tagged = sample("s3-object-created")
    tagged |= {"detail-type": "Object Tags Added", "id": "tagged"}

    assert record.outcomes(*bucket.events(), foreign, tagged) == ["ignored"] * 4
    assert record.reconcile().documents == 0


def test_a_bucket_that_is_not_there_deletes_nothing(watched):
    bucket, record = watched()
    bucket.put(flags(search=True))
    record.reconcile()
    client = bucket.account.client("s3")
    for stored in client.list_object_versions(Bucket=bucket.name)["Versions"]:
        client.delete_object(Bucket=bucket.name, Key=bucket.key, VersionId=stored["VersionId"])
    client.delete_bucket(Bucket=bucket.name)

    report = record.application.reconcile().run()

    assert bucket.name in report.errors[0]
    assert record.told("kind") == [("created",)]


def test_looking_costs_one_call_where_nothing_changed(watched):
    bucket, record = watched()
    for number in range(40):
        bucket.put(flags(search=True), key=f"shop/env-{number}/flags.json")
    record.reconcile()
    bucket.account.aws.reset_calls()

    record.reconcile()

    assert bucket.account.calls("s3") == {"ListObjectVersions": 1}
