"""Who did it, read back from CloudTrail's event history where no live record told."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from examples.standin import StandIn
from tests.support.aws import flag_document
from tests.support.cli import flagtrail

BEGIN = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
NAME = "/shop/prod/features/search"

pytestmark = pytest.mark.filterwarnings("ignore:.*does not match an error shape")


@pytest.fixture
def aws(monkeypatch) -> Iterator[StandIn]:
    with StandIn(BEGIN, lookup_delay=timedelta(seconds=100)) as aws:
        for name, value in aws.environ().items():
            monkeypatch.setenv(name, value)
        yield aws


def save(aws: StandIn, on: bool, ids: dict[str, str] | None = None) -> dict[str, str]:
    client = aws.client("appconfig", identity=aws.sso_user("jane@example.com"))
    if ids is None:
        app = client.create_application(Name="shop")["Id"]
        made = client.create_configuration_profile(
            ApplicationId=app, Name="web", LocationUri="hosted", Type="AWS.AppConfig.FeatureFlags"
        )
        ids = {"ApplicationId": app, "ConfigurationProfileId": made["Id"]}
    content = flag_document({"dark-mode": {"enabled": on}})
    client.create_hosted_configuration_version(**ids, Content=content, ContentType="application/json")
    return ids


def test_what_was_saved_before_anybody_listened_gets_its_person(aws, record):
    save(aws, on=True)
    aws.advance(timedelta(days=30))

    record.reconcile()

    assert record.told("kind", "actor", "detected_by") == [("saved", "jane@example.com", "backfill")]
    assert record.rows()[0]["occurred_at"] is not None


def test_a_record_that_appears_late_is_taken_by_the_next_look(aws, record):
    ids = save(aws, on=True)
    record.reconcile()
    aws.drain()
    save(aws, on=False, ids=ids)
    record.reconcile()
    unknown = record.told("actor")
    aws.advance(timedelta(minutes=10))
    record.reconcile()

    assert unknown[1] == (None,)
    assert record.told("actor") == [("jane@example.com",), ("jane@example.com",)]


def test_a_deletion_gets_its_person_and_its_time(aws, record):
    client = aws.client("ssm", identity=aws.iam_user("alice"))
    client.put_parameter(Name=NAME, Value="true", Type="String")
    record.reconcile()
    aws.advance(timedelta(hours=1))
    client.delete_parameter(Name=NAME)
    deleted = aws.now()
    aws.advance(timedelta(hours=1))

    record.reconcile()

    row = record.rows()[1]
    assert (row["kind"], row["actor"]["name"], row["occurred_at"]) == (
        "deleted", "alice", deleted.isoformat().replace("+00:00", "Z"),
    )  # fmt: skip


def test_refused_calls_are_found_as_attempts_once(aws, record):
    mallory = aws.iam_user("mallory")
    aws.deny(mallory, "ssm:PutParameter")
    record.reconcile()
    with pytest.raises(Exception, match="AccessDenied"):
        aws.client("ssm", identity=mallory).put_parameter(Name=NAME, Value="x", Type="String")
    aws.advance(timedelta(minutes=5))
    events = aws.drain()

    report = record.reconcile()
    record.reconcile()
    record.take(*events)

    assert report.recorded == 0
    assert record.told("kind", "actor", "flag", "detected_by") == [("denied", "mallory", "search", "reconcile")]


def test_old_refusals_alert_nobody(aws, record):
    mallory = aws.iam_user("mallory")
    aws.deny(mallory, "ssm:PutParameter")
    with pytest.raises(Exception, match="AccessDenied"):
        aws.client("ssm", identity=mallory).put_parameter(Name=NAME, Value="x", Type="String")
    aws.advance(timedelta(days=3))

    report = record.reconcile()

    assert record.told("kind", "detected_by") == [("denied", "backfill")]
    assert [key.partition("|")[0] for key in report.alerts] == ["summary"]


def test_a_weakened_protection_is_found(aws, record):
    client = aws.client("appconfig")
    app = client.create_application(Name="shop")["Id"]
    alarm = {
        "AlarmArn": f"arn:aws:cloudwatch:{aws.region}:{aws.account}:alarm:errors",
        "AlarmRoleArn": f"arn:aws:iam::{aws.account}:role/watch",
    }
    env = client.create_environment(ApplicationId=app, Name="prod", Monitors=[alarm])["Id"]
    record.reconcile()
    aws.drain()
    client.update_environment(ApplicationId=app, EnvironmentId=env, Monitors=[])
    aws.advance(timedelta(minutes=5))

    record.reconcile()

    assert record.told("kind", "actor", "environment") == [("guardrail", "operator", "prod")]


def test_a_label_set_for_the_first_time_is_found(aws, record):
    client = aws.client("ssm", identity=aws.iam_user("alice"))
    client.put_parameter(Name=NAME, Value="true", Type="String")
    record.reconcile()
    aws.advance(timedelta(minutes=1))
    client.label_parameter_version(Name=NAME, Labels=["stable"])
    moved = aws.now()
    aws.advance(timedelta(minutes=5))
    aws.drain()

    record.reconcile()
    record.reconcile()

    assert record.told("kind", "actor", "occurred_at")[1:] == [
        ("label_moved", "alice", moved.isoformat().replace("+00:00", "Z"))
    ]


def test_it_goes_on_where_it_stopped(aws, record):
    client = aws.client("ssm", identity=aws.iam_user("alice"))
    for number in range(101):
        client.put_parameter(Name=f"/shop/prod/features/flag-{number}", Value="true", Type="String")
    aws.advance(timedelta(hours=1))
    aws.reset_calls()
    record.reconcile()
    first = aws.calls()["cloudtrail:LookupEvents"]
    aws.advance(timedelta(hours=1))
    aws.reset_calls()
    record.reconcile()

    names = {name for source in record.application.recorder.sources.values() for name in source.trail_calls}
    assert first == len(names) + 2, "three pages of one name"
    assert aws.calls()["cloudtrail:LookupEvents"] == len(names)


def test_an_answer_that_fails_in_between_costs_only_time(aws, record):
    client = aws.client("ssm", identity=aws.iam_user("alice"))
    client.put_parameter(Name=NAME, Value="true", Type="String")
    aws.advance(timedelta(hours=1))
    client.delete_parameter(Name=NAME)
    aws.advance(timedelta(hours=1))
    mallory = aws.iam_user("mallory")
    aws.deny(mallory, "ssm:DeleteParameter")
    with pytest.raises(Exception, match="AccessDenied"):
        aws.client("ssm", identity=mallory).delete_parameter(Name=NAME)
    aws.advance(timedelta(hours=1))
    aws.deny(aws.product, "cloudtrail:LookupEvents")

    refused = record.application.reconcile().run()
    aws.allow(aws.product, "cloudtrail:LookupEvents")
    record.reconcile()

    assert (refused.errors, len(refused.remarks)) == ((), 1)
    assert "cloudtrail:LookupEvents" in refused.remarks[0]
    assert record.told("kind", "actor") == [("denied", "mallory")]


def test_the_command_says_so_and_is_still_fine(aws, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    aws.deny(aws.product, "cloudtrail:LookupEvents")
    aws.client("ssm").put_parameter(Name=NAME, Value="true", Type="String")

    answer = flagtrail("reconcile", "--format", "json")

    assert (answer.status, answer.json["recorded"]) == (0, 1)
    assert "cloudtrail:LookupEvents" in answer.err
