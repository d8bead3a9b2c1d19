"""Reading deployments: when a version went live for whom, what took it back, and what a look costs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from auditor.adapters.sources import build
from auditor.adapters.sources._appconfig_deployments import EventLog
from auditor.adapters.sources.appconfig import AppConfigSource
from auditor.domain.documents import Deployment, EnvironmentRef
from auditor.domain.errors import StoreUnreadableError
from auditor.settings import Settings, SourceSettings
from tests.support.aws import Account, fail, flag_document

EVENTS = Path(__file__).resolve().parents[2] / "events"


@dataclass(slots=True)
class Shop:
    """An application with a profile of two versions and an environment."""

    account: Account
    application: str = ""
    profile: str = ""
    environment: str = ""

    def __post_init__(self) -> None:
        self.application = self.client.create_application(Name="shop")["Id"]
        self.profile = self.make_profile("checkout")
        self.environment = self.client.create_environment(ApplicationId=self.application, Name="prod")["Id"]

    @property
    def client(self) -> Any:
        return self.account.client("appconfig")

    @property
    def ref(self) -> EnvironmentRef:
        return EnvironmentRef(self.account.number, self.account.region, self.application, self.environment)

    @property
    def where(self) -> dict[str, str]:
        return {"ApplicationId": self.application, "EnvironmentId": self.environment}

    def make_profile(self, name: str) -> str:
        profile = self.client.create_configuration_profile(
            ApplicationId=self.application, Name=name, LocationUri="hosted", Type="AWS.AppConfig.FeatureFlags"
        )["Id"]
        for on in (False, True):
            self.account.advance(seconds=1)
            content = flag_document({"a": {"enabled": on}})
            self.client.create_hosted_configuration_version(
                ApplicationId=self.application,
                ConfigurationProfileId=profile,
                Content=content,
                ContentType="application/json",
            )
        return profile

    def deploy(self, version: int = 2, strategy: str = "AppConfig.AllAtOnce", **more: Any) -> int:
        self.account.advance(minutes=1)
        asked = {"ConfigurationProfileId": self.profile, "DeploymentStrategyId": strategy} | more
        return self.client.start_deployment(**self.where, ConfigurationVersion=str(version), **asked)[
            "DeploymentNumber"
        ]

    def finish(self, version: int = 2, **more: Any) -> int:
        number = self.deploy(version, **more)
        self.account.advance(minutes=15)
        return number


@pytest.fixture
def source(account) -> AppConfigSource:
    return build(Settings(), account.clients())["appconfig"]


@pytest.fixture
def shop(account) -> Shop:
    return Shop(account)


def held_of(deployments: list[Deployment], held: Mapping[int, str] = {}) -> dict[int, str]:
    return dict(held) | {d.number: d.state for d in deployments}


def test_a_deployment_names_all_it_is_about(account, shop, source):
    strategy = shop.client.create_deployment_strategy(
        Name="slow", DeploymentDurationInMinutes=10, GrowthFactor=20, GrowthType="LINEAR", FinalBakeTimeInMinutes=5
    )["Id"]
    shop.deploy(strategy=strategy, Description="CHG-1042")
    started = account.aws.now()
    account.advance(minutes=30)

    (deployment,) = source.deployments(shop.ref, {})

    assert (deployment.application, deployment.environment_name, deployment.profile_name) == (
        "shop",
        "prod",
        "checkout",
    )
    assert deployment.profile.name == f"{shop.application}/{shop.profile}"
    assert (deployment.number, deployment.version, deployment.state) == (1, "2", "COMPLETE")
    assert (deployment.strategy, deployment.description, deployment.deployment_type) == ("slow", "CHG-1042", "USER")
    assert deployment.growth == "linear by 20% over 10 min, then 5 min of watching"
    assert deployment.started_at == started
    assert [step.percentage for step in deployment.steps] == [20, 40, 60, 80, 100]
    assert deployment.completed_at is not None
    assert started < deployment.steps[0].at < deployment.steps[-1].at <= deployment.completed_at
    assert (deployment.ended_at, deployment.triggered_by, deployment.cause) == (None, None, None)


def test_a_running_deployment_is_live_for_nobody_yet(account, shop, source):
    shop.deploy(strategy="AppConfig.Canary10Percent20Minutes")

    (running,) = source.deployments(shop.ref, {})
    account.advance(minutes=60)
    (complete,) = source.deployments(shop.ref, held_of([running]))

    assert (running.state, running.completed_at) == ("DEPLOYING", None)
    assert (complete.number, complete.state) == (1, "COMPLETE")
    assert source.deployments(shop.ref, held_of([complete])) == []


def test_a_stopped_deployment_was_taken_back_by_a_person(account, shop, source):
    number = shop.deploy(strategy="AppConfig.Canary10Percent20Minutes")
    account.advance(minutes=2)
    shop.client.stop_deployment(**shop.where, DeploymentNumber=number)
    account.advance(minutes=5)

    (deployment,) = source.deployments(shop.ref, {})

    assert (deployment.state, deployment.completed_at, deployment.triggered_by) == ("ROLLED_BACK", None, "USER")
    assert deployment.ended_at is not None


def test_a_reverted_deployment_was_complete_before(account, shop, source):
    number = shop.finish()
    (complete,) = source.deployments(shop.ref, {})
    shop.client.stop_deployment(**shop.where, DeploymentNumber=number, AllowRevert=True)

    (reverted,) = source.deployments(shop.ref, held_of([complete]))

    assert (reverted.state, reverted.triggered_by, reverted.cause) == ("REVERTED", "USER", "Revert completed")
    assert reverted.completed_at == complete.completed_at
    assert reverted.ended_at == account.aws.now()


def test_an_alarm_is_named_as_the_cause():
    answer = json.loads((EVENTS / "api" / "appconfig-getdeployment-rolled-back-by-alarm.json").read_text())
    for entry in answer["EventLog"]:
        entry["OccurredAt"] = datetime.fromisoformat(entry["OccurredAt"])

    log = EventLog.of(answer)

    assert log.triggered_by == "CLOUDWATCH_ALARM"
    assert log.cause is not None
    assert "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:checkout-5xx-prod" in log.cause
    assert log.ended_at == datetime(2026, 10, 6, 9, 41, 44, 120000, tzinfo=UTC)
    assert [step.percentage for step in log.steps] == [10.0]
    assert log.completed_at is None


def test_a_log_without_details_still_tells_the_end():
    at = datetime(2026, 3, 2, tzinfo=UTC)
    bare = [{"EventType": "ROLLBACK_COMPLETED", "OccurredAt": at}, {"EventType": "PERCENTAGE_UPDATED"}, {}]

    log = EventLog.of({"EventLog": bare})

    assert (log.ended_at, log.triggered_by, log.cause, log.steps) == (at, None, None, ())
    assert EventLog.of({}) == EventLog()


def test_news_come_lowest_number_first_and_cost_one_call_each(account, shop, source):
    held = held_of([])
    for version in (1, 2, 1):
        shop.finish(version)
    account.calls("appconfig")

    first = source.deployments(shop.ref, held)
    calls = account.calls("appconfig")
    again = source.deployments(shop.ref, held_of(first))

    assert [d.number for d in first] == [1, 2, 3]
    assert (calls["ListDeployments"], calls["GetDeployment"]) == (1, 3)
    assert again == []
    assert account.calls("appconfig") == {"ListDeployments": 1}


def pages(session: Any, states: list[str], at: datetime) -> list[int]:
    """Answer a long list of deployments, newest first; return where each page asked for began."""
    asked: list[int] = []

    def answer(params: dict[str, Any], **_event: Any) -> Any:
        begin = int(params["query_string"].get("next_token", 0))
        asked.append(begin)
        numbers = list(range(len(states), 0, -1))[begin : begin + 50]
        items = [
            {
                "DeploymentNumber": n, "State": states[n - 1], "ConfigurationVersion": "1", "ConfigurationName": "checkout",
                "ConfigurationProfileId": "prof001", "CompletedAt": at, "Type": "USER",
            }
            for n in numbers
        ]  # fmt: skip
        more = {"NextToken": str(begin + 50)} if begin + 50 < len(states) else {}
        return type("Answer", (), {"status_code": 200}), {"Items": items} | more

    def one(params: dict[str, Any], **_event: Any) -> Any:
        number = int(params["url_path"].rsplit("/", 1)[1])
        return type("Answer", (), {"status_code": 200}), {
            "DeploymentNumber": number, "State": states[number - 1], "ConfigurationVersion": "1", "EventLog": [],
        }  # fmt: skip

    session.events.register("before-call.appconfig.ListDeployments", answer)
    session.events.register("before-call.appconfig.GetDeployment", one)
    for call in ("GetApplication", "GetEnvironment"):
        session.events.register(
            f"before-call.appconfig.{call}", lambda **_e: (type("A", (), {"status_code": 200}), {"Name": "n"})
        )
    fail(session, "appconfig", "GetConfigurationProfile", "ResourceNotFoundException", status=404)
    return asked


@pytest.mark.parametrize(
    ("held", "began", "news"),
    [
        ({}, [0, 50, 100, 150], list(range(1, 181))),
        (dict.fromkeys(range(1, 181), "COMPLETE"), [0], []),
        (dict.fromkeys(range(1, 179), "COMPLETE"), [0, 50], [179, 180]),
        (dict.fromkeys(range(1, 121), "COMPLETE"), [0, 50, 100], list(range(121, 181))),
        (dict.fromkeys(range(1, 181), "COMPLETE") | {7: "DEPLOYING"}, [0, 50, 100, 150], [7]),
        (dict.fromkeys(range(1, 181), "COMPLETE") | {130: "ROLLING_BACK"}, [0, 50, 100], [130]),
    ],
)
def test_no_more_pages_are_read_than_can_hold_news(account, held, began, news):
    session = account.session()
    at = account.aws.now() - timedelta(days=30)
    asked = pages(session, ["COMPLETE"] * 180, at)
    source = AppConfigSource(account.clients(session), now=account.aws.now)
    environment = EnvironmentRef(account.number, account.region, "app0001", "env0001")

    found = source.deployments(environment, held)

    assert [d.number for d in found] == news
    assert asked == began


def test_a_page_of_deployments_that_may_yet_be_reverted_is_not_the_last_one(account):
    session = account.session()
    asked = pages(session, ["COMPLETE"] * 120, account.aws.now() - timedelta(hours=71))
    source = AppConfigSource(account.clients(session), now=account.aws.now)
    environment = EnvironmentRef(account.number, account.region, "app0001", "env0001")

    assert source.deployments(environment, dict.fromkeys(range(1, 121), "COMPLETE")) == []
    assert asked == [0, 50, 100]


def test_a_listing_that_names_no_profile_is_read_one_by_one(account):
    session = account.session()

    def listing(**_event: Any) -> Any:
        items = [{"DeploymentNumber": n, "State": "COMPLETE", "ConfigurationVersion": "1"} for n in (2, 1)]
        return type("Answer", (), {"status_code": 200}), {"Items": items}

    def one(params: dict[str, Any], **_event: Any) -> Any:
        number = int(params["url_path"].rsplit("/", 1)[1])
        profile = {"ConfigurationProfileId": f"prof00{number}", "ConfigurationName": f"flags-{number}"}
        answer = {"DeploymentNumber": number, "State": "COMPLETE", "ConfigurationVersion": "1", "EventLog": []}
        return type("Answer", (), {"status_code": 200}), answer | profile

    session.events.register("before-call.appconfig.ListDeployments", listing)
    session.events.register("before-call.appconfig.GetDeployment", one)
    for call in ("GetApplication", "GetEnvironment"):
        session.events.register(
            f"before-call.appconfig.{call}", lambda **_e: (type("A", (), {"status_code": 200}), {"Name": "n"})
        )
    fail(session, "appconfig", "GetConfigurationProfile", "ResourceNotFoundException", status=404)
    source = AppConfigSource(account.clients(session), now=account.aws.now)
    found = source.deployments(EnvironmentRef(account.number, account.region, "app0001", "env0001"), {})
    assert [(d.number, d.profile.name) for d in found] == [(1, "app0001/prof001"), (2, "app0001/prof002")]


def test_deployments_of_what_is_not_watched_are_left_out(account, shop):
    other = shop.make_profile("other")
    shop.finish(ConfigurationProfileId=other)
    shop.finish()
    settings = Settings(sources=(SourceSettings("appconfig", "appconfig", profiles=("checkout",)),))
    source = build(settings, account.clients())["appconfig"]

    assert [d.number for d in source.deployments(shop.ref, {})] == [2]


def test_a_deployment_of_a_deleted_profile_keeps_its_name(account, shop, source):
    shop.finish()
    for version in (1, 2):
        shop.client.delete_hosted_configuration_version(
            ApplicationId=shop.application, ConfigurationProfileId=shop.profile, VersionNumber=version
        )
    shop.client.delete_configuration_profile(
        ApplicationId=shop.application, ConfigurationProfileId=shop.profile, DeletionProtectionCheck="BYPASS"
    )

    (deployment,) = source.deployments(shop.ref, {})

    assert deployment.profile_name == "checkout"


def test_a_strategy_that_may_not_be_read_is_known_by_its_id(account, shop, source):
    strategy = shop.client.create_deployment_strategy(Name="own", DeploymentDurationInMinutes=0, GrowthFactor=100)["Id"]
    shop.finish(strategy=strategy)
    account.aws.deny(account.reader, "appconfig:GetDeploymentStrategy")

    (deployment,) = source.deployments(shop.ref, {})

    assert deployment.strategy == strategy


def test_environments_are_listed_with_their_names_known(account, shop, source):
    shop.client.create_environment(ApplicationId=shop.application, Name="dev")
    shop.finish()
    (scope,) = source.scopes()
    environments = list(source.list_environments(scope))
    account.calls("appconfig")

    (deployment,) = source.deployments(shop.ref, {})

    assert shop.ref in environments
    assert len(environments) == 2
    assert deployment.environment_name == "prod"
    assert account.calls("appconfig")["GetEnvironment"] == 0


def test_an_environment_that_is_gone_has_none(account, shop, source):
    gone = EnvironmentRef(account.number, account.region, shop.application, "zzzzzzz")

    assert source.deployments(gone, {}) == []


def test_deployments_that_may_not_be_read_are_no_answer(account, shop, source):
    account.aws.deny(account.reader, "appconfig:ListDeployments")

    with pytest.raises(StoreUnreadableError, match="appconfig:ListDeployments"):
        source.deployments(shop.ref, {})


def test_what_a_deployment_sends_leads_to_it(account, shop, source):
    account.events()
    number = shop.finish()
    hints = [hint for event in account.events() for hint in source.parse(event).deployments]

    assert {(hint.environment, hint.number) for hint in hints} == {(shop.ref, number)}
