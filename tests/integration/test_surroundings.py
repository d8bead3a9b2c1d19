"""What stands beside a deployment: its alarm, its pipeline and who started it, and protections that are weakened."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from auditor.settings import DEFAULT_SOURCES
from examples.standin import StandIn
from tests.support.aws import flag_document
from tests.support.recording import Record, sample

BEGIN = datetime(2026, 10, 6, 9, 0, tzinfo=UTC)
ROLE = "arn:aws:iam::123456789012:role/watch"


@pytest.fixture
def aws(monkeypatch) -> Iterator[StandIn]:
    with StandIn(BEGIN) as aws:
        for name, value in aws.environ().items():
            monkeypatch.setenv(name, value)
        yield aws


@pytest.fixture
def record(aws, tmp_path) -> Record:
    return Record(tmp_path, DEFAULT_SOURCES)


def monitor(aws: StandIn, name: str) -> dict[str, str]:
    return {"AlarmArn": f"arn:aws:cloudwatch:{aws.region}:{aws.account}:alarm:{name}", "AlarmRoleArn": ROLE}


def alarm(aws: StandIn, name: str) -> None:
    aws.client("cloudwatch").put_metric_alarm(
        AlarmName=name, MetricName="5XXError", Namespace="AWS/ApiGateway", Period=60, EvaluationPeriods=1,
        Statistic="Sum", Threshold=5, ComparisonOperator="GreaterThanThreshold",
    )  # fmt: skip
    aws.client("cloudwatch").set_alarm_state(AlarmName=name, StateValue="OK", StateReason="fine")


class World:
    """An application with one environment, guarded by an alarm, and a gradual deployment."""

    def __init__(self, aws: StandIn, *monitors: str, minutes: int = 20) -> None:
        self.aws, self.client = aws, aws.client("appconfig")
        for name in monitors:
            alarm(aws, name)
        self.app = self.client.create_application(Name="shop")["Id"]
        self.env = self.client.create_environment(
            ApplicationId=self.app, Name="prod", Monitors=[monitor(aws, name) for name in monitors]
        )["Id"]
        self.profile = self.client.create_configuration_profile(
            ApplicationId=self.app,
            Name="web",
            LocationUri="hosted",
            Type="AWS.AppConfig.FeatureFlags",
            Validators=[{"Type": "JSON_SCHEMA", "Content": json.dumps({"type": "object"})}],
        )["Id"]
        self.strategy = self.client.create_deployment_strategy(
            Name="s", DeploymentDurationInMinutes=minutes, GrowthFactor=50, FinalBakeTimeInMinutes=0, ReplicateTo="NONE"
        )["Id"]
        arn = f"arn:aws:appconfig:{aws.region}:{aws.account}:application/{self.app}"
        extension = "AWS.AppConfig.DeploymentNotificationsToEventBridge"
        self.client.create_extension_association(ExtensionIdentifier=extension, ResourceIdentifier=arn)

    def deploy(self, *, on: bool) -> int:
        ids = {"ApplicationId": self.app, "ConfigurationProfileId": self.profile}
        content = flag_document({"dark-mode": {"enabled": on}})
        saved = self.client.create_hosted_configuration_version(**ids, Content=content, ContentType="application/json")
        started = self.client.start_deployment(
            **ids,
            EnvironmentId=self.env,
            ConfigurationVersion=str(saved["VersionNumber"]),
            DeploymentStrategyId=self.strategy,
        )
        return int(started["DeploymentNumber"])


def evidence(record: Record, kind: str) -> list[tuple[str, str]]:
    (row,) = [row for row in record.rows() if row["kind"] == kind]
    return [(piece["source"], piece["text"]) for piece in row["attribution"]["evidence"]]


@pytest.mark.parametrize("alarm_first", [True, False])
def test_an_alarm_is_evidence_for_its_rollback_in_either_order(aws, record, alarm_first):
    world = World(aws, "checkout-5xx-prod")
    world.deploy(on=True)
    aws.advance(timedelta(minutes=30))
    record.take(*aws.drain())
    world.deploy(on=False)
    aws.advance(timedelta(minutes=12))
    reason = "Threshold Crossed: 61.0"
    aws.client("cloudwatch").set_alarm_state(AlarmName="checkout-5xx-prod", StateValue="ALARM", StateReason=reason)
    aws.advance(timedelta(minutes=1))
    events = aws.drain()
    alarms = [event for event in events if event["source"] == "aws.cloudwatch"]
    others = [event for event in events if event["source"] != "aws.cloudwatch"]

    for batch in (alarms, others) if alarm_first else (others, alarms):
        record.take(*batch)

    told = evidence(record, "rolled_back")
    assert ("cloudwatch", f"alarm checkout-5xx-prod went from OK to ALARM: {reason}") in told
    (row,) = [row for row in record.rows() if row["kind"] == "rolled_back"]
    assert row["actor"]["via"] == "alarm checkout-5xx-prod"


def test_an_alarm_that_guards_nothing_here_is_ignored(aws, record):
    event = sample("cloudwatch-alarm-state-change")
    unknown = record.outcomes(event)
    World(aws, "checkout-5xx-prod", "errors")
    record.take(*aws.drain())
    known = record.outcomes({**event, "id": "known"})
    other = json.loads(json.dumps(event).replace("checkout-5xx-prod", "coffee-machine")) | {"id": "other"}

    assert unknown == ["ignored"], "nobody knows yet what guards what"
    assert (known, record.outcomes(other)) == (["noted"], ["ignored"])
    assert record.rows() == []


def test_an_alarm_that_comes_before_anything_is_known_is_evidence_still(aws, record):
    world = World(aws, "checkout-5xx-prod")
    world.deploy(on=True)
    aws.advance(timedelta(minutes=30))
    world.deploy(on=False)
    aws.advance(timedelta(minutes=12))
    aws.drain()
    aws.client("cloudwatch").set_alarm_state(AlarmName="checkout-5xx-prod", StateValue="ALARM", StateReason="61.0")
    aws.advance(timedelta(minutes=1))

    record.take(*aws.drain())

    assert ("cloudwatch", "alarm checkout-5xx-prod went from OK to ALARM: 61.0") in evidence(record, "rolled_back")


def test_a_look_knows_which_alarms_guard_something(aws, tmp_path):
    World(aws, "checkout-5xx-prod")
    aws.drain()
    aws.deny(aws.product, "cloudtrail:LookupEvents")
    record = Record(tmp_path, DEFAULT_SOURCES)
    event = sample("cloudwatch-alarm-state-change")
    record.reconcile()

    assert record.outcomes(event) == ["noted"]


def pipeline(world: World, number: int) -> list[dict[str, Any]]:
    """Return the events of the pipeline's run that made a deployment."""
    deployed = sample("codepipeline-action-succeeded-appconfig-deploy")
    at = world.aws.now().strftime("%Y-%m-%dT%H:%M:%SZ")
    result = deployed["detail"]["execution-result"]
    result["external-execution-url"] = result["external-execution-url"].replace("ba8toh7", world.app)
    result["external-execution-id"] = str(number)
    trigger = {"trigger-type": "StartPipelineExecution", "trigger-detail": "arn:aws:iam::123456789012:user/dana"}
    started = deployed | {
        "id": "started",
        "detail-type": "CodePipeline Pipeline Execution State Change",
        "detail": {
            "pipeline": "flags-pipeline",
            "execution-id": deployed["detail"]["execution-id"],
            "state": "STARTED",
            "execution-trigger": trigger,
        },
    }
    return [started | {"time": at}, deployed | {"time": at}]


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_who_started_a_pipeline_is_evidence_for_what_it_deployed(aws, record, order):
    world = World(aws, minutes=0)
    number = world.deploy(on=True)
    batches = [aws.drain(), *([event] for event in pipeline(world, number))]

    for place in order:
        record.take(*batches[place])

    told = evidence(record, "deployed")
    run = "pipeline flags-pipeline, execution 415211fe-7e65-52f0-84ed-23b140917f0a: action DeployFlags deployed"
    assert ("codepipeline", run) in told
    start = "pipeline flags-pipeline was started by StartPipelineExecution: arn:aws:iam::123456789012:user/dana"
    assert ("codepipeline trigger", start) in told
    (row,) = [row for row in record.rows() if row["kind"] == "deployed"]
    assert row["actor"]["name"] == "operator", "a trigger names nobody for sure"


def test_the_samples_of_a_pipeline_are_evidence_and_no_change(record):
    deployed = sample("codepipeline-action-succeeded-appconfig-deploy")
    other = sample("codepipeline-action-succeeded-appconfig-deploy") | {"id": "other"}
    other["detail"]["type"]["provider"] = "S3"

    assert record.outcomes(deployed, other) == ["noted", "ignored"]
    assert record.rows() == []


def test_fewer_monitors_are_a_guardrail_and_as_many_are_none(aws, record):
    world = World(aws, "one", "two", "three")
    ids = {"ApplicationId": world.app, "EnvironmentId": world.env}
    for names in (["one", "two", "three"], ["one", "two"], ["two", "three"], ["one", "two", "three"], [], []):
        aws.advance(timedelta(minutes=1))
        world.client.update_environment(**ids, Monitors=[monitor(aws, name) for name in names])

    for event in aws.drain():
        record.take(event)

    assert [(row["kind"], row["environment"], row["summary"]) for row in record.rows()] == [
        ("guardrail", "prod", "alarm monitors were removed: fewer alarms roll a deployment back"),
        ("guardrail", "prod", "all alarm monitors were removed: no alarm rolls a deployment back any more"),
    ]


def test_fewer_validators_are_a_guardrail(aws, record):
    world = World(aws)
    ids = {"ApplicationId": world.app, "ConfigurationProfileId": world.profile}
    aws.advance(timedelta(minutes=1))
    world.client.update_configuration_profile(**ids, Name="renamed")
    aws.advance(timedelta(minutes=1))
    world.client.update_configuration_profile(**ids, Validators=[])

    record.take(*aws.drain())

    assert record.told("kind", "summary") == [
        ("guardrail", "all validators were removed: a broken version is no longer refused")
    ]


def test_what_was_weakened_before_anybody_listened_is_found(aws, record):
    world = World(aws, "one", "two")
    aws.advance(timedelta(minutes=1))
    world.client.update_environment(ApplicationId=world.app, EnvironmentId=world.env, Monitors=[monitor(aws, "one")])
    aws.advance(timedelta(hours=1))

    record.reconcile()

    assert record.told("kind", "detected_by", "actor") == [("guardrail", "backfill", "operator")]
