"""The stand-in's deployments: they grow with the clock, heed alarms, and tell EventBridge when asked to."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from examples.standin import StandIn
from examples.standin.appconfig.model import Strategy
from examples.standin.appconfig.strategies import timetable

START = datetime(2026, 10, 6, 9, 0, 1, 204_000, tzinfo=UTC)
CANARY = "AppConfig.Canary10Percent20Minutes"
TO_EVENTBRIDGE = "AWS.AppConfig.DeploymentNotificationsToEventBridge"
MINUTE = timedelta(minutes=1)


@pytest.fixture
def aws() -> Iterator[StandIn]:
    with StandIn(start=START) as standin:
        yield standin


class Shop:
    """An application with one flag profile, one environment and an alarm that watches it."""

    def __init__(self, aws: StandIn, **who: Any) -> None:
        self.aws = aws
        self.client = aws.client("appconfig", **who)
        self.application = self.client.create_application(Name="MyApp")["Id"]
        self.profile = self.client.create_configuration_profile(
            ApplicationId=self.application,
            Name="checkout-flags",
            LocationUri="hosted",
            Type="AWS.AppConfig.FeatureFlags",
        )["Id"]
        self.cloudwatch = aws.client("cloudwatch")
        self.cloudwatch.put_metric_alarm(
            AlarmName="checkout-5xx-prod",
            AlarmDescription="5xx on checkout",
            Namespace="AWS/ApiGateway",
            MetricName="5XXError",
            Dimensions=[{"Name": "ApiName", "Value": "checkout"}],
            Statistic="Sum",
            Period=60,
            EvaluationPeriods=1,
            Threshold=5,
            ComparisonOperator="GreaterThanThreshold",
        )
        self.alarm = "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:checkout-5xx-prod"
        monitor = {"AlarmArn": self.alarm, "AlarmRoleArn": "arn:aws:iam::123456789012:role/appconfig-alarms"}
        self.environment = self.client.create_environment(
            ApplicationId=self.application, Name="prod", Monitors=[monitor]
        )["Id"]
        self.place = {"ApplicationId": self.application, "EnvironmentId": self.environment}
        for number in range(1, 4):
            self.write({"checkout": {"enabled": True}, "step": {"enabled": number % 2 == 0}})
        aws.drain()

    def write(self, values: dict[str, Any]) -> int:
        return self.client.create_hosted_configuration_version(
            ApplicationId=self.application,
            ConfigurationProfileId=self.profile,
            Content=json.dumps({"version": "1", "values": values}),
            ContentType="application/json",
        )["VersionNumber"]

    def deploy(self, version: int = 1, strategy: str = CANARY, **asked: Any) -> dict[str, Any]:
        answer = self.client.start_deployment(
            **self.place,
            ConfigurationProfileId=self.profile,
            ConfigurationVersion=str(version),
            DeploymentStrategyId=strategy,
            **asked,
        )
        del answer["ResponseMetadata"]
        return answer

    def deployment(self, number: int = 1) -> dict[str, Any]:
        return self.client.get_deployment(**self.place, DeploymentNumber=number)

    def state(self, number: int = 1) -> tuple[str, float, str]:
        deployment = self.deployment(number)
        environment = self.client.get_environment(**self.place)
        return deployment["State"], deployment["PercentageComplete"], environment["State"]

    def log(self, number: int = 1) -> list[tuple[str, str, str, float]]:
        """Return the event log as type, trigger, text and minutes after the first entry; newest first."""
        entries = self.deployment(number)["EventLog"]
        begin = entries[-1]["OccurredAt"]
        return [
            (one["EventType"], one["TriggeredBy"], one["Description"], (one["OccurredAt"] - begin) / MINUTE)
            for one in entries
        ]

    def strategy(self, duration: int, growth: float, kind: str = "LINEAR", bake: int = 0) -> str:
        return self.client.create_deployment_strategy(
            Name=f"{kind}-{growth}-{duration}-{bake}",
            DeploymentDurationInMinutes=duration,
            GrowthFactor=growth,
            GrowthType=kind,
            FinalBakeTimeInMinutes=bake,
            ReplicateTo="NONE",
        )["Id"]

    def ring(self, state: str = "ALARM") -> None:
        self.cloudwatch.set_alarm_state(AlarmName="checkout-5xx-prod", StateValue=state, StateReason=f"set to {state}")

    def associate(self, extension: str = TO_EVENTBRIDGE) -> str:
        answer = self.client.create_extension_association(
            ExtensionIdentifier=extension,
            ResourceIdentifier=f"arn:aws:appconfig:eu-west-1:123456789012:application/{self.application}",
        )
        self.aws.drain()
        return answer["Arn"]

    def told(self) -> list[dict[str, Any]]:
        return [event for event in self.aws.drain() if event["detail-type"].startswith("On Deployment")]


@pytest.fixture
def shop(aws: StandIn) -> Shop:
    return Shop(aws)


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        (Strategy("s", "s", 600, 20), [(2, 20), (4, 40), (6, 60), (8, 80), (10, 100)]),
        (Strategy("s", "s", 180, 40), [(1, 40), (2, 80), (3, 100)]),
        (Strategy("s", "s", 420, 2, "EXPONENTIAL"), [(1, 2), (2, 4), (3, 8), (4, 16), (5, 32), (6, 64), (7, 100)]),
        (Strategy("s", "s", 0, 100), [(0, 100)]),
    ],
)
def test_growth_as_documented(strategy: Strategy, expected: list[tuple[int, float]]):
    assert [(after / timedelta(hours=1), share) for after, share in timetable(strategy)] == expected


def test_predefined_strategies_are_there_and_stay(shop: Shop):
    listed = {one["Id"]: one for one in shop.client.list_deployment_strategies()["Items"]}
    shown = {
        name: (
            one["DeploymentDurationInMinutes"],
            one["GrowthType"],
            one["GrowthFactor"],
            one["FinalBakeTimeInMinutes"],
        )
        for name, one in listed.items()
    }
    assert shown == {
        "AppConfig.AllAtOnce": (0, "LINEAR", 100.0, 10),
        "AppConfig.Linear50PercentEvery30Seconds": (1, "LINEAR", 50.0, 1),
        "AppConfig.Canary10Percent20Minutes": (20, "EXPONENTIAL", 10.0, 10),
        "AppConfig.Linear20PercentEvery6Minutes": (30, "LINEAR", 20.0, 30),
    }
    with pytest.raises(ClientError, match=r"Cannot update predefined Deployment Strategy AppConfig\.AllAtOnce"):
        shop.client.update_deployment_strategy(DeploymentStrategyId="AppConfig.AllAtOnce", Description="x")
    with pytest.raises(ClientError, match=r"Cannot delete predefined Deployment Strategy AppConfig\.AllAtOnce"):
        shop.client.delete_deployment_strategy(DeploymentStrategyId="AppConfig.AllAtOnce")
    own = shop.strategy(10, 25)
    shop.client.update_deployment_strategy(DeploymentStrategyId=own, GrowthFactor=50)
    assert shop.client.get_deployment_strategy(DeploymentStrategyId=own)["GrowthFactor"] == 50
    shop.client.delete_deployment_strategy(DeploymentStrategyId=own)
    assert len(shop.client.list_deployment_strategies()["Items"]) == 4


def test_a_gradual_deployment_grows_bakes_and_completes(shop: Shop):
    shop.deploy()
    assert shop.state() == ("DEPLOYING", 0.0, "Deploying")
    shop.aws.advance(11 * MINUTE)
    assert shop.state() == ("DEPLOYING", 20.0, "Deploying")
    shop.aws.advance(10 * MINUTE)
    assert shop.state() == ("BAKING", 100.0, "Deploying")
    shop.aws.advance(timedelta(days=1))
    assert shop.state() == ("COMPLETE", 100.0, "ReadyForDeployment")
    assert shop.deployment()["CompletedAt"] == START + 30 * MINUTE
    steps = [(4, "10.00"), (8, "20.00"), (12, "40.00"), (16, "80.00"), (20, "100.00")]
    assert shop.log() == [
        ("DEPLOYMENT_COMPLETED", "APPCONFIG", "Deployment completed", 30),
        ("BAKE_TIME_STARTED", "APPCONFIG", "Deployment bake time started", 20),
        *[
            ("PERCENTAGE_UPDATED", "APPCONFIG", f"Configuration available to {share}% of clients", minute)
            for minute, share in reversed(steps)
        ],
        ("DEPLOYMENT_STARTED", "USER", "Deployment started", 0),
    ]


def test_all_at_once_bakes_at_once(shop: Shop):
    answer = shop.deploy(strategy="AppConfig.AllAtOnce")
    assert (answer["State"], answer["PercentageComplete"]) == ("BAKING", 100.0)
    shop.aws.advance(10 * MINUTE)
    assert shop.state()[0] == "COMPLETE"


def test_an_instant_deployment_is_recorded_as_it_was_seen(aws: StandIn, root: Path):
    shop = Shop(aws, identity=aws.iam_user("alice"))
    text = (root / "tests" / "events" / "ct-appconfig-startdeployment-instant.json").read_text()
    strategy = shop.strategy(0, 100)
    for number in range(42):
        shop.deploy(number % 3 + 1, strategy)
    for number in range(22):
        shop.write({"step": {"enabled": number % 2 == 0}})
    aws.set_time(datetime(2026, 10, 6, 10, 0, 1, 4_000, tzinfo=UTC))
    aws.drain()
    shop.deploy(25, strategy)
    (event,) = aws.drain()
    for theirs, ours in (
        ("ba8toh7", shop.application),
        ("pgil2o7", shop.environment),
        ("ga3tqep", shop.profile),
        ("schpcy6", strategy),
        ("10:00:01.006Z", "10:00:01.004Z"),  # the stand-in's clock does not move within a call
        ("srauvub", event["detail"]["responseElements"]["appliedExtensions"][0]["extensionAssociationId"]),
    ):
        text = text.replace(theirs, ours)
    wanted = json.loads(text)["detail"]
    for part in ("requestParameters", "responseElements"):
        assert json.dumps(event["detail"][part]) == json.dumps(wanted[part])


def test_an_alarm_rolls_a_deployment_back_and_is_named(shop: Shop, root: Path):
    expected = json.loads(
        (root / "tests" / "events" / "api" / "appconfig-getdeployment-rolled-back-by-alarm.json").read_text()
    )
    shop.deploy()
    shop.aws.advance(5 * MINUTE)
    shop.ring()
    assert shop.state() == ("ROLLING_BACK", 10.0, "RollingBack")
    shop.aws.advance(5 * MINUTE)
    assert shop.state() == ("ROLLED_BACK", 10.0, "RolledBack")
    deployment = shop.deployment()
    assert [(one["EventType"], one["TriggeredBy"], one["Description"]) for one in deployment["EventLog"]] == [
        (one["EventType"], one["TriggeredBy"], one["Description"]) for one in expected["EventLog"]
    ]
    assert deployment["EventLog"][1]["OccurredAt"] == START + 5 * MINUTE
    assert deployment["CompletedAt"] == deployment["EventLog"][0]["OccurredAt"] > START + 5 * MINUTE
    shop.aws.advance(timedelta(hours=1))
    assert len(shop.deployment()["EventLog"]) == 4


def test_the_alarm_tells_of_its_change_as_cloudwatch_does(shop: Shop, root: Path):
    expected = json.loads((root / "tests" / "events" / "cloudwatch-alarm-state-change.json").read_text())
    shop.ring()
    shop.ring()
    (event,) = shop.aws.drain()
    assert list(event) == list(expected)
    assert event["resources"] == expected["resources"]
    detail, wanted = event["detail"], expected["detail"]
    assert list(detail) == list(wanted)
    assert (detail["previousState"]["value"], detail["state"]["value"]) == ("OK", "ALARM")
    assert detail["state"]["timestamp"] == "2026-10-06T09:00:01.204+0000"
    assert detail["state"]["reason"] == "set to ALARM"
    metric = detail["configuration"]["metrics"][0]
    assert metric | {"id": "made up"} == wanted["configuration"]["metrics"][0] | {"id": "made up"}


@pytest.mark.parametrize("state", ["ALARM", "INSUFFICIENT_DATA"])
def test_an_alarm_that_rings_already_stops_a_deployment_at_its_start(shop: Shop, state: str):
    shop.ring(state)
    shop.deploy()
    assert shop.state()[0] == "ROLLING_BACK"


def test_an_alarm_whose_actions_are_off_is_not_heeded(shop: Shop):
    shop.cloudwatch.disable_alarm_actions(AlarmNames=["checkout-5xx-prod"])
    shop.deploy()
    shop.ring()
    shop.aws.advance(timedelta(hours=1))
    assert shop.state()[0] == "COMPLETE"


def test_a_monitor_taken_away_no_longer_guards(shop: Shop):
    shop.deploy()
    shop.client.update_environment(**shop.place, Monitors=[])
    shop.ring()
    shop.aws.advance(timedelta(hours=1))
    assert shop.state()[0] == "COMPLETE"


def test_an_alarm_in_bake_time_rolls_back_and_after_it_does_not(shop: Shop):
    shop.deploy(strategy="AppConfig.AllAtOnce")
    shop.aws.advance(9 * MINUTE)
    shop.ring()
    shop.aws.advance(MINUTE)
    assert shop.state()[0] == "ROLLED_BACK"
    shop.ring("OK")
    shop.deploy(2, "AppConfig.AllAtOnce")
    shop.aws.advance(11 * MINUTE)
    shop.ring()
    assert shop.state(2)[0] == "COMPLETE"


def test_a_person_stops_a_deployment(aws: StandIn, root: Path):
    shop = Shop(aws, identity=aws.sso_user("jane.doe@example.com", permission_set="PlatformAdmin", console=True))
    expected = json.loads((root / "tests/events/ct-appconfig-stopdeployment-user.json").read_text())["detail"]
    shop.deploy()
    shop.aws.advance(6 * MINUTE)
    aws.drain()
    shop.client.stop_deployment(**shop.place, DeploymentNumber=1)
    (event,) = aws.drain()
    assert list(event["detail"]) == list(expected)
    assert event["detail"]["responseElements"] == expected["responseElements"] | {"deploymentNumber": 1}
    assert event["detail"]["requestParameters"] == {
        "applicationId": shop.application,
        "environmentId": shop.environment,
        "deploymentNumber": 1,
    }
    shop.aws.advance(MINUTE)
    assert shop.state()[0] == "ROLLED_BACK"
    newest, before, *_ = shop.log()
    assert (newest[0], newest[1], before[0], before[1]) == ("ROLLBACK_COMPLETED", "USER", "ROLLBACK_STARTED", "USER")
    assert "123456789012" in before[2]


def test_a_complete_deployment_is_reverted_only_when_allowed_and_within_three_days(shop: Shop):
    shop.deploy(1, shop.strategy(0, 100))
    shop.deploy(2, "AppConfig.AllAtOnce")
    shop.aws.advance(10 * MINUTE)
    with pytest.raises(ClientError, match="BadRequestException"):
        shop.client.stop_deployment(**shop.place, DeploymentNumber=2)
    shop.aws.advance(timedelta(hours=72))
    shop.client.stop_deployment(**shop.place, DeploymentNumber=2, AllowRevert=True)
    assert shop.state(2) == ("REVERTED", 100.0, "Reverted")
    assert shop.log(2)[0][:2] == ("REVERT_COMPLETED", "USER")
    shop.aws.advance(timedelta(hours=1))
    with pytest.raises(ClientError, match="72 hours"):
        shop.client.stop_deployment(**shop.place, DeploymentNumber=1, AllowRevert=True)


def test_one_deployment_at_a_time_in_an_environment(shop: Shop):
    shop.deploy()
    with pytest.raises(ClientError) as refused:
        shop.deploy(2)
    assert refused.value.response["Error"]["Code"] == "ConflictException"
    for busy in (
        lambda: shop.client.delete_environment(**shop.place),
        lambda: shop.client.delete_configuration_profile(
            ApplicationId=shop.application, ConfigurationProfileId=shop.profile
        ),
    ):
        with pytest.raises(ClientError, match="ConflictException"):
            busy()
    other = shop.client.create_environment(ApplicationId=shop.application, Name="staging")["Id"]
    elsewhere = shop.client.start_deployment(
        ApplicationId=shop.application,
        EnvironmentId=other,
        ConfigurationProfileId=shop.profile,
        ConfigurationVersion="2",
        DeploymentStrategyId=CANARY,
    )
    assert elsewhere["DeploymentNumber"] == 1


def test_a_deployment_may_expect_which_was_the_latest(shop: Shop):
    instant = shop.strategy(0, 100)
    shop.deploy(1, instant, LatestDeploymentNumber=0)
    with pytest.raises(ClientError, match="ConflictException"):
        shop.deploy(2, instant, LatestDeploymentNumber=0)
    assert shop.deploy(2, instant, LatestDeploymentNumber=1)["DeploymentNumber"] == 2


def test_deployments_are_listed_newest_first(shop: Shop):
    instant = shop.strategy(0, 100)
    for version in (1, 2, 3):
        shop.deploy(version, instant)
    pages = list(shop.client.get_paginator("list_deployments").paginate(**shop.place, PaginationConfig={"PageSize": 2}))
    items = [item for page in pages for item in page["Items"]]
    assert [(one["DeploymentNumber"], one["ConfigurationVersion"], one["Type"]) for one in items] == [
        (3, "3", "USER"),
        (2, "2", "USER"),
        (1, "1", "USER"),
    ]
    assert [len(page["Items"]) for page in pages] == [2, 1]
    assert "EventLog" not in items[0]
    assert items[0]["ConfigurationProfileId"] == shop.profile


def test_a_version_that_is_not_there_cannot_be_deployed(shop: Shop):
    for wanted in ("99", "no-such-label"):
        with pytest.raises(ClientError, match="ResourceNotFoundException"):
            shop.client.start_deployment(
                **shop.place,
                ConfigurationProfileId=shop.profile,
                ConfigurationVersion=wanted,
                DeploymentStrategyId=CANARY,
            )
    assert shop.client.list_deployments(**shop.place)["Items"] == []


def test_nothing_is_told_until_an_extension_is_associated(shop: Shop):
    shop.deploy()
    shop.aws.advance(timedelta(hours=1))
    assert shop.told() == []


def test_the_authored_extension_tells_of_start_and_end(shop: Shop, root: Path):
    association = shop.associate()
    shop.deploy()
    shop.aws.advance(timedelta(hours=1))
    started, completed = shop.told()
    shop.deploy(2)
    shop.ring()
    shop.aws.advance(MINUTE)
    *_, rolled_back = shop.told()
    for event, sample in ((started, "start"), (completed, "complete"), (rolled_back, "rolled-back")):
        expected = json.loads((root / "tests" / "events" / f"appconfig-on-deployment-{sample}.json").read_text())
        assert list(event) == list(expected)
        assert list(event["detail"]) == list(expected["detail"])
        assert event["detail-type"] == expected["detail-type"]
        assert event["detail"]["Type"] == expected["detail"]["Type"]
        assert event["resources"] == [association]
        assert event["detail"]["Environment"] == {"Id": shop.environment, "Name": "prod"}
    assert completed["time"] == "2026-10-06T09:30:01Z"
    assert (rolled_back["detail"]["DeploymentNumber"], rolled_back["detail"]["ConfigurationVersion"]) == (2, "2")
    invocation = shop.deployment()["EventLog"][-1]["ActionInvocations"][0]
    assert invocation["InvocationId"] == started["detail"]["InvocationId"]


def test_a_custom_extension_tells_of_steps_and_baking_too(shop: Shop):
    bus = "arn:aws:events:eu-west-1:123456789012:event-bus/default"
    points = ("ON_DEPLOYMENT_START", "ON_DEPLOYMENT_STEP", "ON_DEPLOYMENT_BAKING", "ON_DEPLOYMENT_COMPLETE")
    actions = {point: [{"Name": "tell", "Uri": bus, "RoleArn": "arn:aws:iam::123456789012:role/x"}] for point in points}
    extension = shop.client.create_extension(Name="tell-all", Actions=actions)
    shop.associate(extension["Id"])
    shop.deploy()
    shop.aws.advance(timedelta(hours=1))
    told = [event["detail-type"] for event in shop.told()]
    assert told == [
        "On Deployment Start",
        *["On Deployment Step"] * 5,
        "On Deployment Baking",
        "On Deployment Complete",
    ]


def test_an_extension_that_could_not_act_is_refused(shop: Shop):
    uri = "arn:aws:lambda:eu-west-1:123456789012:function:f"
    actions = {"PRE_CREATE_HOSTED_CONFIGURATION_VERSION": [{"Name": "check", "Uri": uri}]}
    with pytest.raises(ClientError) as refused:
        shop.client.create_extension(Name="checks", Actions=actions)
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501


def test_associations_are_listed_kept_and_taken_away(shop: Shop):
    shop.associate()
    (one,) = shop.client.list_extension_associations()["Items"]
    with pytest.raises(ClientError, match="because there are extensions associated with it"):
        shop.client.delete_application(ApplicationId=shop.application)
    assert TO_EVENTBRIDGE in {extension["Id"] for extension in shop.client.list_extensions()["Items"]}
    shop.client.delete_extension_association(ExtensionAssociationId=one["Id"])
    assert shop.client.list_extension_associations()["Items"] == []
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        shop.client.create_extension_association(
            ExtensionIdentifier=TO_EVENTBRIDGE,
            ResourceIdentifier="arn:aws:appconfig:eu-west-1:123456789012:application/zzzzzzz",
        )


class Reader:
    """A reader of one configuration that keeps its token."""

    def __init__(self, shop: Shop, **asked: Any) -> None:
        self.client = shop.aws.client("appconfigdata")
        self.token = self.client.start_configuration_session(
            ApplicationIdentifier="MyApp",
            EnvironmentIdentifier="prod",
            ConfigurationProfileIdentifier="checkout-flags",
            **asked,
        )["InitialConfigurationToken"]

    def read(self) -> Any:
        answer = self.client.get_latest_configuration(ConfigurationToken=self.token)
        self.token = answer["NextPollConfigurationToken"]
        body = answer["Configuration"].read()
        return json.loads(body) if body else None


def test_readers_get_the_simple_form_and_nothing_while_nothing_changes(shop: Shop):
    instant = shop.strategy(0, 100)
    shop.write({"on": {"enabled": True}, "off": {"enabled": False}})
    shop.deploy(4, instant)
    reader = Reader(shop)
    assert reader.read() == {"on": {"enabled": True}, "off": {"enabled": False}}
    assert reader.read() is None
    shop.deploy(2, instant)
    assert reader.read() == {"checkout": {"enabled": True}, "step": {"enabled": True}}


def test_readers_get_attributes_only_of_what_is_on_and_the_default_variant(shop: Shop):
    attributes = {"color": {"constraints": {"type": "string"}}}
    rule = '(eq $tier "premium")'
    content = {
        "version": "1",
        "flags": {name: {"attributes": attributes} for name in ("on", "off", "many", "unset")},
        "values": {
            "on": {"enabled": True, "color": "blue"},
            "off": {"enabled": False, "color": "hidden"},
            "many": {
                "_variants": [
                    {"name": "blue", "enabled": True, "rule": rule, "attributeValues": {"color": "blue"}},
                    {"name": "fallback", "enabled": True, "attributeValues": {"color": "green"}},
                ]
            },
        },
    }
    version = shop.client.create_hosted_configuration_version(
        ApplicationId=shop.application,
        ConfigurationProfileId=shop.profile,
        Content=json.dumps(content),
        ContentType="application/json",
    )["VersionNumber"]
    shop.deploy(version, shop.strategy(0, 100))
    assert Reader(shop).read() == {
        "on": {"enabled": True, "color": "blue"},
        "off": {"enabled": False},
        "many": {"_variant": "fallback", "enabled": True, "color": "green"},
    }


def test_a_gradual_deployment_reaches_readers_one_after_another(shop: Shop):
    shop.deploy(1, shop.strategy(0, 100))
    shop.deploy(2, shop.strategy(100, 10))
    shop.aws.advance(55 * MINUTE)
    readers = [Reader(shop) for _ in range(60)]
    reached = sum(reader.read()["step"]["enabled"] for reader in readers)
    assert 5 < reached < 55
    shop.client.stop_deployment(**shop.place, DeploymentNumber=2)
    shop.aws.advance(MINUTE)
    assert not any(Reader(shop).read()["step"]["enabled"] for _ in range(10))


def test_a_token_serves_once_and_not_for_ever(shop: Shop):
    shop.deploy(1, shop.strategy(0, 100))
    reader = Reader(shop, RequiredMinimumPollIntervalInSeconds=60)
    first = reader.token
    reader.read()

    def problem(token: str) -> str:
        with pytest.raises(ClientError) as refused:
            reader.client.get_latest_configuration(ConfigurationToken=token)
        return refused.value.response["Details"]["InvalidParameters"]["ConfigurationToken"]["Problem"]

    assert problem(first) == "Corrupted"
    assert problem(reader.token) == "PollIntervalNotSatisfied"
    shop.aws.advance(MINUTE)
    reader.read()
    shop.aws.advance(timedelta(hours=25))
    assert problem(reader.token) == "Expired"


def test_nothing_deployed_is_nothing_to_read(shop: Shop):
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        Reader(shop).read()


def test_the_older_read_is_closed_to_flags_and_open_to_the_rest(aws: StandIn, shop: Shop):
    with pytest.raises(ClientError, match="must be accessed via AWS AppConfig Data's GetLatestConfiguration API"):
        shop.client.get_configuration(
            Application="MyApp", Environment="prod", Configuration="checkout-flags", ClientId="me"
        )
    aws.client("ssm").put_parameter(Name="/shop/config", Value="a: 1", Type="String")
    profile = shop.client.create_configuration_profile(
        ApplicationId=shop.application,
        Name="free",
        LocationUri="ssm-parameter:///shop/config",
        RetrievalRoleArn="arn:aws:iam::123456789012:role/reader",
    )["Id"]
    shop.client.start_deployment(
        **shop.place,
        ConfigurationProfileId=profile,
        ConfigurationVersion="1",
        DeploymentStrategyId=shop.strategy(0, 100),
    )
    answer = shop.client.get_configuration(Application="MyApp", Environment="prod", Configuration="free", ClientId="me")
    assert answer["Content"].read() == b"a: 1"
    assert answer["ConfigurationVersion"] == "1"


def test_a_schema_keeps_a_bad_configuration_from_being_deployed(shop: Shop):
    schema = {"type": "object", "properties": {"count": {"type": "integer", "minimum": 1}}, "required": ["count"]}
    profile = shop.client.create_configuration_profile(
        ApplicationId=shop.application,
        Name="free",
        LocationUri="hosted",
        Validators=[{"Type": "JSON_SCHEMA", "Content": json.dumps(schema)}],
    )["Id"]
    ids = {"ApplicationId": shop.application, "ConfigurationProfileId": profile}
    for content in ('{"count": 0}', '{"count": 2}'):
        shop.client.create_hosted_configuration_version(**ids, Content=content, ContentType="application/json")
    for refused in (
        lambda: shop.client.validate_configuration(**ids, ConfigurationVersion="1"),
        lambda: shop.client.start_deployment(
            **ids, EnvironmentId=shop.environment, ConfigurationVersion="1", DeploymentStrategyId=CANARY
        ),
    ):
        with pytest.raises(ClientError, match="Could not build JSON schema from invalid input"):
            refused()
    shop.client.validate_configuration(**ids, ConfigurationVersion="2")
