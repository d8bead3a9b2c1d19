"""The samples that belong together, as they came from AWS: one change with its person, in whatever order they arrive."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from auditor.domain.times import parse_rfc3339
from examples.standin import StandIn
from tests.conftest import PROOF
from tests.support.aws import flag_document
from tests.support.recording import Record, sample

BEGIN = datetime(2026, 10, 6, 7, 0, tzinfo=UTC)
ARRIVALS = ("one by one", "the other way round", "in one batch", "in one batch, turned")
TRIED = ARRIVALS if PROOF else ARRIVALS[:2]


def arrive(record: Record, how: str, *events: dict[str, Any]) -> None:
    ordered = list(events) if how in {ARRIVALS[0], ARRIVALS[2]} else list(reversed(events))
    for batch in [ordered] if "batch" in how else [[event] for event in ordered]:
        record.take(*batch)


def put(aws: StandIn, name: str, value: str, who: Any = None, **more: Any) -> None:
    more = {"Type": "String", "Overwrite": True} | more
    aws.client("ssm", identity=who).put_parameter(Name=name, Value=value, **more)


def versions_before(aws: StandIn, name: str, number: int, when: str, **more: Any) -> None:
    """Write the versions before ``number``, some minutes earlier, and let the clock stand where the sample does."""
    aws.set_time(parse_rfc3339(when) - timedelta(minutes=20))
    for version in range(1, number):
        put(aws, name, f"value {version}", **more)
        aws.advance(timedelta(seconds=10))
    aws.set_time(parse_rfc3339(when) + timedelta(milliseconds=460))


def created(aws: StandIn, record: Record, name: str, when: str) -> None:
    versions_before(aws, name, 1, when)
    put(aws, name, "false", aws.iam_user("alice"), Overwrite=False)


def updated(aws: StandIn, record: Record, name: str, when: str) -> None:
    versions_before(aws, name, 4, when)
    put(aws, name, "false", aws.sso_user("jane.doe@example.com", console=True))


def hidden(aws: StandIn, record: Record, name: str, when: str) -> None:
    versions_before(aws, name, 12, when, Type="SecureString")
    job = aws.role("gha-flag-deployer", "GitHubActions", web_identity="token.actions.githubusercontent.com")
    put(aws, name, "s3cr3t", job, Type="SecureString")


def labelled(aws: StandIn, record: Record, name: str, when: str) -> None:
    versions_before(aws, name, 3, when)
    client = aws.client("ssm", identity=aws.iam_user("alice"))
    client.label_parameter_version(Name=name, ParameterVersion=1, Labels=["stable"])
    record.reconcile()
    client.label_parameter_version(Name=name, ParameterVersion=2, Labels=["stable"])


def deleted(aws: StandIn, record: Record, name: str, when: str) -> None:
    versions_before(aws, name, 2, when)
    record.reconcile()
    aws.client("ssm", identity=aws.root(console=True)).delete_parameter(Name=name)


Prepare = Callable[[StandIn, Record, str, str], None]
PAIRS: dict[tuple[str, str], tuple[Prepare, str, tuple[str, str, str]]] = {
    ("ssm-change-create-string", "ct-ssm-putparameter-create-iamuser"): (created, "created", ("person", "alice", "1")),
    ("ssm-change-out-of-order-arrives-1st", "ct-ssm-putparameter-update-sso-console"): (
        updated, "updated", ("person", "jane.doe@example.com", "4"),
    ),
    ("ssm-change-update-securestring", "ct-ssm-putparameter-securestring-github-oidc"): (
        hidden, "updated", ("pipeline", "gha-flag-deployer", "12"),
    ),
    ("ssm-change-label-move", "ct-ssm-labelparameterversion"): (labelled, "label_moved", ("person", "alice", "2")),
    ("ssm-change-delete-string", "ct-ssm-deleteparameter-root-console"): (deleted, "deleted", ("root", "root", None)),
}  # fmt: skip


@pytest.mark.parametrize("how", TRIED)
@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair[0])
def test_the_stores_event_and_cloudtrails_record_give_one_change_with_its_person(aws, record, pair, how):
    prepare, kind, (actor, name, version) = PAIRS[pair]
    told, called = map(sample, pair)
    prepare(aws, record, told["detail"]["name"], called["detail"]["eventTime"])
    aws.drain()
    before = len(record.rows())

    arrive(record, how, told, called)
    record.take(told, called)

    rows = [row for row in record.rows()[before:] if row["kind"] == kind and row["version_after"] == version]
    assert [(row["actor"]["kind"], row["actor"]["name"]) for row in rows] == [(actor, name)]
    (row,) = rows
    assert called["detail"]["eventID"] in {piece["id"] for piece in row["attribution"]["evidence"]}
    assert row["attribution"]["certainty"] == "certain"
    assert row["actor"]["source_ip"] == called["detail"]["sourceIPAddress"]
    assert row["occurred_at"][:19] == called["detail"]["eventTime"][:19]
    report = record.reconcile()
    assert (report.recorded, report.gaps) == (0, 0), "and nothing is left for a look to find"


def test_of_two_updates_each_has_its_own_value_whichever_event_arrives_first(aws, record):
    """Reading what is there when an event arrives would give the first update the second one's value (9.2)."""
    first, second = (sample(f"ssm-change-out-of-order-arrives-{n}") for n in ("2nd", "1st"))
    name = first["detail"]["name"]
    versions_before(aws, name, 3, first["time"])
    put(aws, name, '{"enabled": true, "rollout": 10}')
    aws.set_time(parse_rfc3339(second["time"]))
    put(aws, name, "false")
    aws.drain()

    record.take(second)
    record.take(first)

    last = [(row["version_after"], row["after"]["value"], row["occurred_at"][:19]) for row in record.rows()[-2:]]
    assert last == [
        ("3", {"enabled": True, "rollout": 10}, "2026-10-06T08:24:51"),
        ("4", False, "2026-10-06T08:25:09"),
    ]


class Checkout:
    """The application of the samples, with its ids put in place of theirs."""

    def __init__(self, aws: StandIn) -> None:
        self.aws, client = aws, aws.client("appconfig")
        aws.set_time(BEGIN + timedelta(minutes=5))
        arn = f"arn:aws:cloudwatch:{aws.region}:{aws.account}:alarm:checkout-5xx-prod"
        self.app = client.create_application(Name="checkout")["Id"]
        self.env = client.create_environment(
            ApplicationId=self.app,
            Name="prod",
            Monitors=[{"AlarmArn": arn, "AlarmRoleArn": "arn:aws:iam::123456789012:role/r"}],
        )["Id"]
        self.profile = client.create_configuration_profile(
            ApplicationId=self.app, Name="checkout-flags", LocationUri="hosted", Type="AWS.AppConfig.FeatureFlags"
        )["Id"]
        self.strategy = client.create_deployment_strategy(
            Name="s", DeploymentDurationInMinutes=10, GrowthFactor=50, FinalBakeTimeInMinutes=5, ReplicateTo="NONE"
        )["Id"]

    def save(self, *, on: bool, who: Any = None) -> int:
        made = self.aws.client("appconfig", identity=who).create_hosted_configuration_version(
            ApplicationId=self.app,
            ConfigurationProfileId=self.profile,
            Content=flag_document({"new_checkout": {"enabled": on}}),
            ContentType="application/json",
        )
        return int(made["VersionNumber"])

    def deploy(self, version: int, who: Any = None) -> int:
        made = self.aws.client("appconfig", identity=who).start_deployment(
            ApplicationId=self.app,
            EnvironmentId=self.env,
            ConfigurationProfileId=self.profile,
            ConfigurationVersion=str(version),
            DeploymentStrategyId=self.strategy,
        )
        return int(made["DeploymentNumber"])

    def sample(self, name: str, *, version: int, number: int, **times: str) -> dict[str, Any]:
        """Return a sample as this application would have sent it."""
        text = json.dumps(sample(name))
        for theirs, ours in (("ba8toh7", self.app), ("ga3tqep", self.profile), ("pgil2o7", self.env)):
            text = text.replace(theirs, ours)
        event = json.loads(text)
        detail = event["detail"]
        for key, value in (("ConfigurationVersion", str(version)), ("DeploymentNumber", number)):
            if key in detail:
                detail[key] = value
        for part in (detail.get("requestParameters") or {}, detail.get("responseElements") or {}):
            for key, value in (
                ("versionNumber", version),
                ("configurationVersion", str(version)),
                ("deploymentNumber", number),
            ):
                if key in part:
                    part[key] = value
        return event


SAVED, STARTED = "ct-appconfig-createhostedconfigurationversion", "ct-appconfig-startdeployment-gradual"
STAGES = tuple(f"appconfig-on-deployment-{stage}" for stage in ("start", "step", "baking", "complete"))


@pytest.mark.parametrize("seed", range(6) if PROOF else [5])
def test_a_version_its_deployment_and_the_stages_give_each_change_once_with_its_person(aws, record, seed):
    checkout = Checkout(aws)
    checkout.deploy(checkout.save(on=False))
    aws.advance(timedelta(minutes=30))
    record.reconcile()
    aws.set_time(parse_rfc3339(sample(SAVED)["detail"]["eventTime"]))
    version = checkout.save(on=True, who=aws.sso_user("jane.doe@example.com"))
    aws.set_time(parse_rfc3339(sample(STARTED)["detail"]["eventTime"]))
    number = checkout.deploy(version)
    aws.advance(timedelta(minutes=40))
    aws.drain()
    names = list(itertools.permutations((SAVED, STARTED, *STAGES)))[seed * 131]
    before = len(record.rows())

    for name in names:
        record.take(checkout.sample(name, version=version, number=number))

    told = [(row["kind"], row["environment"], row["actor"]["name"]) for row in record.rows()[before:]]
    assert sorted(told) == [("deployed", "prod", "gha-flag-deployer"), ("saved", None, "jane.doe@example.com")]
    assert record.reconcile().recorded == 0


ALARM, ROLLED_BACK = "cloudwatch-alarm-state-change", "appconfig-on-deployment-rolled-back"


@pytest.mark.parametrize("how", TRIED)
def test_the_alarm_and_the_rollback_give_one_change_with_its_cause(aws, record, how):
    client = aws.client("cloudwatch")
    client.put_metric_alarm(
        AlarmName="checkout-5xx-prod", MetricName="5XX", Namespace="N", Period=60, EvaluationPeriods=1,
        Statistic="Sum", Threshold=5, ComparisonOperator="GreaterThanThreshold",
    )  # fmt: skip
    client.set_alarm_state(AlarmName="checkout-5xx-prod", StateValue="OK", StateReason="fine")
    checkout = Checkout(aws)
    checkout.deploy(checkout.save(on=False))
    aws.advance(timedelta(minutes=30))
    record.reconcile()
    alarm = sample(ALARM)
    aws.set_time(parse_rfc3339(alarm["time"]) - timedelta(minutes=4))
    version = checkout.save(on=True)
    number = checkout.deploy(version)
    aws.set_time(parse_rfc3339(alarm["time"]))
    client.set_alarm_state(AlarmName="checkout-5xx-prod", StateValue="ALARM", StateReason="61.0")
    aws.advance(timedelta(minutes=3))
    aws.drain()

    arrive(record, how, alarm, checkout.sample(ROLLED_BACK, version=version, number=number))

    (row,) = [row for row in record.rows() if row["kind"] == "rolled_back"]
    assert (row["actor"]["kind"], row["actor"]["via"]) == ("service", "alarm checkout-5xx-prod")
    assert "alarm:checkout-5xx-prod" in row["reason"]
    assert {"cloudwatch", "appconfig event log"} <= {piece["source"] for piece in row["attribution"]["evidence"]}
    assert (row["before"]["value"]["enabled"], row["after"]["value"]["enabled"]) == (True, False)
