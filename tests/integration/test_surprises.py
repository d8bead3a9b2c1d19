"""What one would take for granted of AWS and is not so: a test for each surprise, by its number in the list of facts.

1 the service event has no value, no person and no version; 2 what is there when an event arrives may be newer than the
event; 3 no value stands in CloudTrail, of a plain String neither; 4 no error code is no success; 5 no id is shared by
event and record; 6 both are delivered at best; 7 a flag changes without an event of a flag; 8 a new AppConfig version
changes nothing until it is deployed.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from auditor.domain.flags import FlagState
from auditor.domain.readings import Position, read_state
from examples.standin import StandIn
from tests.support.aws import flag_document
from tests.support.recording import TABLE, Record, sample

BEGIN = datetime(2026, 10, 6, 7, 0, tzinfo=UTC)
CHECKOUT = "/myapp/prod/features/new-checkout"


def put(aws: StandIn, value: str, **more: Any) -> None:
    aws.advance(timedelta(minutes=1))
    aws.client("ssm").put_parameter(**{"Name": CHECKOUT, "Value": value, "Type": "String", "Overwrite": True} | more)


def test_surprise_1_what_an_event_says_of_value_person_and_version_is_not_believed(aws, record):
    put(aws, "false")
    (event,) = [one for one in aws.drain() if one["detail-type"] == "Parameter Store Change"]
    assert event["detail"].keys() <= {"name", "operation", "type", "description"}
    forged = event["detail"] | {"value": "true", "new_value": "true", "user": "mallory", "version": 7}

    record.take(event | {"detail": forged})

    (row,) = record.rows()
    assert (row["after"], row["version_after"], row["actor"]["name"]) == ({"value": False}, "1", "operator")


def test_surprise_2_an_event_is_never_given_a_newer_value(aws, record):
    put(aws, "1")
    put(aws, "2")
    events = [one for one in aws.drain() if one["detail-type"] == "Parameter Store Change"]

    record.take(events[0])  # by now the parameter says 2

    assert [(row["version_after"], row["after"]["value"]) for row in record.rows()] == [("1", 1), ("2", 2)]
    assert record.outcomes(events[1]) == ["noted"]


def test_surprise_3_the_value_comes_from_the_store_and_never_from_cloudtrail(aws, record):
    put(aws, "blue")
    (called,) = [one for one in aws.drain() if one["detail-type"] == "AWS API Call via CloudTrail"]
    assert called["detail"]["requestParameters"]["value"] == "HIDDEN_DUE_TO_SECURITY_REASONS"

    record.take(called)

    (row,) = record.rows()
    assert row["after"] == {"value": "blue"}
    assert "HIDDEN_DUE_TO" not in json.dumps(record.rows())


def test_surprise_4_a_call_without_an_error_code_need_not_have_succeeded(aws, record):
    exists, gone = sample("ct-ssm-putparameter-already-exists"), sample("ct-ssm-deleteparameter-not-found")
    assert not any("errorCode" in one["detail"] for one in (exists, gone))

    assert record.outcomes(exists, gone) == ["attempt", "noted"]
    assert record.told("kind", "actor") == [("failed", "alice")]


def test_surprise_5_event_and_record_are_joined_by_place_name_and_second(aws, record):
    put(aws, "true")
    told, called = sorted(aws.drain(), key=lambda one: one["detail-type"], reverse=True)
    assert not set(map(str, told["detail"].values())) & {called["id"], called["detail"]["eventID"]}
    identity = {"type": "IAMUser", "arn": "arn:aws:iam::123456789012:user/mallory", "userName": "mallory"}
    elsewhere = called["detail"] | {"userIdentity": identity, "eventID": "later", "eventTime": "2026-10-06T07:59:00Z"}

    record.take(told, called)
    record.take(called | {"id": "later", "detail": elsewhere})

    (row,) = record.rows()
    assert row["actor"]["name"] == "operator"
    assert {piece["id"] for piece in row["attribution"]["evidence"]} == {called["detail"]["eventID"], None}


def test_surprise_6_a_look_finds_what_neither_event_nor_record_told(aws, record):
    put(aws, "false")
    record.reconcile()
    put(aws, "true")
    aws.drain()  # both are lost
    aws.deny(aws.product, "cloudtrail:LookupEvents")

    record.application.reconcile().run()

    row = record.rows()[-1]
    assert (row["detected_by"], row["actor"]["name"]) == ("reconcile", "operator")
    assert {piece["source"] for piece in row["attribution"]["evidence"]} == {"ssm history"}


def test_surprise_7_a_label_moves_without_an_update(aws, record):
    put(aws, "false")
    put(aws, "true")
    client = aws.client("ssm")
    client.label_parameter_version(Name=CHECKOUT, ParameterVersion=1, Labels=["live"])
    record.reconcile()
    client.label_parameter_version(Name=CHECKOUT, ParameterVersion=2, Labels=["live"])

    record.take(*aws.drain())

    row = record.rows()[-1]
    assert (row["kind"], row["before"]["value"], row["after"]["value"]) == ("label_moved", False, True)


def test_surprise_7_a_policy_removes_a_parameter_without_a_call(aws, record):
    expiry = {"Type": "Expiration", "Version": "1.0", "Attributes": {"Timestamp": "2026-10-06T08:00:00.000Z"}}
    put(aws, "true", Tier="Advanced", Policies=json.dumps([expiry]))
    record.take(*aws.drain())
    aws.advance(timedelta(hours=2))

    events = aws.drain()
    assert not any(one["detail"].get("eventName") == "DeleteParameter" for one in events)
    record.take(*events)

    row = record.rows()[-1]
    assert (row["kind"], row["actor"]["kind"]) == ("expired", "unknown")


def test_surprise_7_a_time_to_live_removes_an_item_without_a_call(tmp_path):
    record = Record(tmp_path, (TABLE,))

    record.take(sample("lambda-dynamodb-stream-ttl-remove"))

    (row,) = record.rows()
    assert (row["kind"], row["actor"]["kind"], row["actor"]["name"]) == ("expired", "service", "dynamodb.amazonaws.com")


def test_surprise_7_a_rule_that_goes_by_the_clock_is_never_taken_for_settled():
    by_clock = {
        "action": "SCHEDULE_BETWEEN_TIME_RANGE",
        "key": "CURRENT_TIME",
        "value": {"START": "09:00", "END": "17:00"},
    }
    flag = {"default": False, "rules": {"office hours": {"when_match": True, "conditions": [by_clock]}}}

    assert read_state(FlagState(flag)).position is Position.BETWEEN


class World:
    """An application with two environments."""

    def __init__(self, aws: StandIn) -> None:
        self.aws, self.client = aws, aws.client("appconfig")
        self.app = self.client.create_application(Name="shop")["Id"]
        self.profile = self.client.create_configuration_profile(
            ApplicationId=self.app, Name="web", LocationUri="hosted", Type="AWS.AppConfig.FeatureFlags"
        )["Id"]
        self.environments = {
            name: self.client.create_environment(ApplicationId=self.app, Name=name)["Id"]
            for name in ("prod", "staging")
        }
        self.strategy = self.client.create_deployment_strategy(
            Name="s", DeploymentDurationInMinutes=0, GrowthFactor=100, FinalBakeTimeInMinutes=0, ReplicateTo="NONE"
        )["Id"]

    def save(self, *, on: bool) -> str:
        self.aws.advance(timedelta(minutes=1))
        ids = {"ApplicationId": self.app, "ConfigurationProfileId": self.profile}
        content = flag_document({"search": {"enabled": on}})
        made = self.client.create_hosted_configuration_version(**ids, Content=content, ContentType="application/json")
        return str(made["VersionNumber"])

    def deploy(self, version: str, environment: str = "prod") -> int:
        self.aws.advance(timedelta(minutes=1))
        made = self.client.start_deployment(
            ApplicationId=self.app,
            ConfigurationProfileId=self.profile,
            EnvironmentId=self.environments[environment],
            ConfigurationVersion=version,
            DeploymentStrategyId=self.strategy,
        )
        return int(made["DeploymentNumber"])


def test_surprise_7_a_revert_changes_what_is_live_without_a_version(aws, record):
    world = World(aws)
    world.deploy(world.save(on=False))
    number = world.deploy(world.save(on=True))
    record.take(*aws.drain())
    aws.advance(timedelta(minutes=1))
    world.client.stop_deployment(
        ApplicationId=world.app, EnvironmentId=world.environments["prod"], DeploymentNumber=number, AllowRevert=True
    )

    record.take(*aws.drain())

    row = record.rows()[-1]
    assert (row["kind"], row["after"]["value"]["enabled"], row["deployment"]["state"]) == (
        "rolled_back",
        False,
        "REVERTED",
    )


def test_surprise_8_a_version_is_only_saved_until_each_environment_has_it(aws, record):
    world = World(aws)
    version = world.save(on=True)
    record.take(*aws.drain())
    assert record.told("kind", "environment") == [("saved", None)]

    world.deploy(version, "staging")
    record.take(*aws.drain())
    assert record.told("kind", "environment") == [("saved", None), ("deployed", "staging")], "not in prod (7)"

    world.deploy(version)
    record.reconcile()
    assert record.told("kind", "environment")[2:] == [("deployed", "prod")]
