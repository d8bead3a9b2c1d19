"""What stands beside a deployment: its alarm, its pipeline and who started it, and protections that are weakened."""

from __future__ import annotations

import itertools
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from auditor.domain.corroboration import guarding
from auditor.settings import DEFAULT_SOURCES
from examples.standin import StandIn
from tests.support.aws import flag_document
from tests.support.recording import Record, sample

BEGIN = datetime(2026, 10, 6, 9, 0, tzinfo=UTC)
ROLE = "arn:aws:iam::123456789012:role/watch"


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


def silencing(aws: StandIn, *names: str, call: str = "DisableAlarmActions", **more: Any) -> dict[str, Any]:
    """Return CloudTrail's record of a call that silenced alarms, in the form of its other records."""
    event = sample("ct-appconfig-updateenvironment-monitors")
    detail = event["detail"] | {
        "eventSource": "monitoring.amazonaws.com",
        "eventName": call,
        "eventID": f"{call}-{names}",
        "requestParameters": {"alarmNames": list(names)},
        "responseElements": None,
    }
    return event | {"id": f"{call}-{names}", "source": "aws.monitoring", "detail": detail | more}


def test_a_silenced_alarm_is_a_guardrail_where_it_guards_something(aws, record):
    World(aws, "checkout-5xx-prod", "errors")
    unknown = record.outcomes(silencing(aws, "errors"))
    record.reconcile()

    outcomes = record.outcomes(
        silencing(aws, "checkout-5xx-prod", "coffee-machine"),
        silencing(aws, "errors", call="DeleteAlarms"),
        silencing(aws, "coffee-machine", call="DeleteAlarms"),
        silencing(aws, "errors", call="EnableAlarmActions"),
        silencing(aws, call="DeleteAlarms"),
        silencing(aws, "checkout-5xx-prod", call="DeleteAlarms", errorCode="AccessDenied"),
    )

    assert unknown == ["ignored"]
    assert outcomes == ["recorded", "recorded", "ignored", "ignored", "ignored", "ignored"]
    assert [
        (row["kind"], row["application"], row["environment"], row["summary"], row["actor"]["name"])
        for row in record.rows()
    ] == [
        (
            "guardrail",
            "shop",
            "prod",
            "alarm checkout-5xx-prod has its actions switched off: it rolls no deployment back any more",
            "mallory",
        ),
        ("guardrail", "shop", "prod", "alarm errors was deleted: it rolls no deployment back any more", "mallory"),
    ]


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


def guards(record: Record, moment: datetime) -> set[str]:
    """Return by their names the alarms that guarded production at a moment, as the record knows it."""
    with record.application.record.unit_of_work() as uow:
        return {arn.rpartition(":")[2] for arn in guarding(uow.calls.signals(), "shop/prod", moment)}


def test_an_alarm_that_was_taken_away_guards_nothing_from_then_on(aws, record):
    world = World(aws, "one", "two")
    world.deploy(on=True)
    aws.advance(timedelta(hours=1))
    record.take(*aws.drain())
    record.reconcile()
    assert guards(record, aws.now()) == {"one", "two"}

    aws.advance(timedelta(minutes=5))
    ids = {"ApplicationId": world.app, "EnvironmentId": world.env}
    world.client.update_environment(**ids, Monitors=[monitor(aws, "two")])
    taken = aws.now()
    (event,) = aws.drain()
    aws.advance(timedelta(minutes=10))
    record.reconcile()  # sees it before CloudTrail tells when
    looked = aws.now()
    assert guards(record, looked) == {"two"}
    assert guards(record, taken) == {"one", "two"}

    record.take(event)
    assert guards(record, taken) == {"two"}
    assert guards(record, taken - timedelta(seconds=1)) == {"one", "two"}

    aws.advance(timedelta(minutes=5))
    world.client.update_environment(**ids, Monitors=[])
    record.take(*aws.drain())
    assert guards(record, aws.now()) == set()
    aws.advance(timedelta(minutes=5))
    world.client.update_environment(**ids, Monitors=[monitor(aws, "one")])
    record.take(*aws.drain())
    assert guards(record, aws.now()) == {"one"}
    assert guards(record, looked) == {"two"}
    record.reconcile()
    assert guards(record, aws.now()) == {"one"}


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


def test_a_deleted_version_matters_where_it_was_deployed(aws, record):
    world = World(aws, minutes=0)
    for on in (True, False, True):
        world.deploy(on=on)
        aws.advance(timedelta(minutes=1))
    ids = {"ApplicationId": world.app, "ConfigurationProfileId": world.profile}
    unused = world.client.create_hosted_configuration_version(
        **ids, Content=flag_document({"dark-mode": {"enabled": False}}), ContentType="application/json"
    )["VersionNumber"]
    record.take(*aws.drain())
    for number in (unused, 1, 3):
        aws.advance(timedelta(minutes=1))
        world.client.delete_hosted_configuration_version(**ids, VersionNumber=number)

    outcomes = [record.outcomes(event)[0] for event in aws.drain()]

    assert outcomes == ["noted", "recorded", "recorded"]
    assert [row["summary"] for row in record.rows() if row["kind"] == "guardrail"] == [
        "hosted version 1 was deleted, which was deployed to prod: nobody can go back to it",
        "hosted version 3 was deleted while it is live in prod",
    ]
    assert record.reconcile().gaps == 0, "what it said is held"


def test_of_a_profile_never_seen_nobody_knows_what_was_deployed(aws, record):
    world = World(aws)
    ids = {"ApplicationId": world.app, "ConfigurationProfileId": world.profile}
    world.client.create_hosted_configuration_version(
        **ids, Content=flag_document({"dark-mode": {"enabled": False}}), ContentType="application/json"
    )
    aws.drain()
    world.client.delete_hosted_configuration_version(**ids, VersionNumber=1)

    record.take(*aws.drain())

    assert record.told("kind", "summary") == [
        ("guardrail", "hosted version 1 was deleted; whether it was deployed is not known")
    ]


def test_a_failed_validation_is_an_attempt_and_a_guardrail(aws, record):
    world = World(aws)
    event = sample("ct-appconfig-startdeployment-accessdenied")
    detail = event["detail"] | {
        "errorCode": "BadRequestException",
        "errorMessage": "Error validating configuration: ref: refs/heads/main: $.limit: must be at most 100",
        "requestParameters": {
            "applicationId": world.app, "environmentId": world.env, "configurationProfileId": world.profile,
            "configurationVersion": "24",
        },
        "eventID": "validation",
    }  # fmt: skip
    aws.drain()

    refused = record.take(event | {"id": "v", "detail": detail})
    other = detail | {"eventID": "other", "errorCode": "ConflictException", "errorMessage": "a deployment is running"}
    busy = record.take(event | {"id": "o", "detail": other})

    assert [report.outcomes[0] for report in (refused, busy)] == ["attempt", "attempt"]
    assert record.told("kind", "environment") == [
        ("failed", world.env),
        ("guardrail", world.env),
        ("failed", world.env),
    ]
    (row,) = [row for row in record.rows() if row["kind"] == "guardrail"]
    assert row["summary"] == "validation failed: version 24 was refused"
    assert row["error"].startswith("BadRequestException: Error validating configuration")
    assert row["actor"]["name"] == "bob@example.com"


def test_values_outside_their_constraints_are_a_guardrail_once(aws, record):
    world = World(aws, minutes=0)
    profile = world.client.create_configuration_profile(
        ApplicationId=world.app,
        Name="elsewhere",
        LocationUri="ssm-parameter:///shop/config/flags",
        RetrievalRoleArn=ROLE,
    )["Id"]
    limits = {"limit": {"constraints": {"type": "number", "maximum": 100}}}
    for limit, on in ((50, True), (500, True), (500, False), (60, False), (900, False)):
        aws.advance(timedelta(minutes=1))
        document = {
            "version": "1",
            "flags": {"search": {"name": "search", "attributes": limits}},
            "values": {"search": {"enabled": on, "limit": limit}},
        }
        aws.client("ssm").put_parameter(
            Name="/shop/config/flags", Value=json.dumps(document), Type="String", Overwrite=True
        )

    record.reconcile()
    record.reconcile()

    told = [(row["flag"], row["version_after"], row["summary"]) for row in record.rows() if row["kind"] == "guardrail"]
    assert told == [
        ("search", "2", "version 2: attribute limit is above its maximum 100"),
        ("search", "5", "version 5: attribute limit is above its maximum 100"),
    ]
    (row,) = [row for row in record.rows() if row["kind"] == "guardrail" and row["version_after"] == "5"]
    assert (row["document"], row["before"], row["after"], row["diff"]) == (f"{world.app}/{profile}", None, None, [])
    assert row["actor"]["name"] == "operator"


def experiment(world: World, call: str, **answer: Any) -> dict[str, Any]:
    """Return CloudTrail's record of a call on a run of an experiment, in the form of AppConfig's other calls."""
    event = sample("ct-appconfig-startdeployment-instant")
    at = world.aws.now().strftime("%Y-%m-%dT%H:%M:%SZ")
    snapshot = {"environmentId": world.env, "configurationProfileId": world.profile, "flagKey": "dark-mode"}
    detail = event["detail"] | {
        "eventName": call,
        "eventTime": at,
        "eventID": f"{call}-{answer}",
        "requestParameters": {"applicationIdentifier": world.app, "experimentDefinitionIdentifier": "abcd123"},
        "responseElements": {"applicationId": world.app, "run": 3, "experimentDefinitionSnapshot": snapshot} | answer,
    }
    return event | {"id": f"{call}-{answer}", "time": at, "detail": detail}


def test_a_run_of_an_experiment_is_evidence_for_what_appconfig_deployed(aws, record):
    world = World(aws, minutes=0)
    world.deploy(on=True)
    aws.drain()
    begun = experiment(world, "StartExperimentRun", exposurePercentage=10)
    more = experiment(world, "UpdateExperimentRun", exposurePercentage=50)
    over = experiment(world, "StopExperimentRun", exposurePercentage=50)
    bare = experiment(world, "UpdateExperimentRun", experimentDefinitionSnapshot=None)

    assert record.outcomes(begun, more, over, bare) == ["recorded", "noted", "noted", "noted"]

    told = evidence(record, "deployed")
    assert (
        "appconfig experiment",
        "run 3 of an experiment with flag dark-mode was started; 10% of its audience see it",
    ) in told
    aws.advance(timedelta(hours=3))
    world.deploy(on=False)
    record.take(*aws.drain())
    later = [row for row in record.rows() if row["kind"] == "deployed"][-1]
    assert "appconfig experiment" not in {piece["source"] for piece in later["attribution"]["evidence"]}


def test_what_was_weakened_before_anybody_listened_is_found(aws, record):
    world = World(aws, "one", "two")
    aws.advance(timedelta(minutes=1))
    world.client.update_environment(ApplicationId=world.app, EnvironmentId=world.env, Monitors=[monitor(aws, "one")])
    aws.advance(timedelta(hours=1))

    record.reconcile()

    assert record.told("kind", "detected_by", "actor") == [("guardrail", "backfill", "operator")]
