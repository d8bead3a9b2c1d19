"""The sources on MiniStack, an emulator of AWS that is not ours: a second judge beside the stand-in.

A stand-in written by the same hands as the code agrees with its mistakes. Where MiniStack does otherwise than what is
known of AWS, that counts; each such place is named here with its reason, and fails when it is no longer so.
"""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest

from auditor.adapters.actors.event_history import EventHistory
from auditor.adapters.aws import AwsClients
from auditor.adapters.sources import build
from auditor.application.ports import FlagSource
from auditor.settings import DEFAULT_SOURCES, SourceSettings
from tests.contract.sources import test_every_source as suite
from tests.support.aws import flag_document
from tests.support.ministack import REGION, MiniStack, running
from tests.support.recording import TABLE, Record
from tests.support.stores import Bucket, Table

pytestmark = pytest.mark.proof

_NUMBERS = itertools.count(200_000_000_001)
INSTANT = {"DeploymentDurationInMinutes": 0, "GrowthFactor": 100.0, "FinalBakeTimeInMinutes": 0, "ReplicateTo": "NONE"}
GRADUAL = {**INSTANT, "DeploymentDurationInMinutes": 10, "GrowthFactor": 10.0}
POWERTOOLS = {"banner": {"default": False, "rules": {"EU": {"when_match": True, "conditions": [
    {"action": "EQUALS", "key": "region", "value": "eu"}]}}}}  # fmt: skip

LAWS: list[Callable[..., None]] = [
    suite.test_a_document_never_written_has_no_versions,
    suite.test_versions_come_oldest_first_each_with_its_state,
    suite.test_every_flag_has_its_application_and_key,
    suite.test_only_what_is_beyond_the_cursor_is_read,
    suite.test_listing_tells_the_newest_version,
    suite.test_a_deleted_document_is_gone,
]
# By law and store: what MiniStack does, and why that does not count.
OTHERWISE = {
    ("test_versions_come_oldest_first_each_with_its_state", "appconfig"): (
        "MiniStack gives content back as it came; AppConfig stamps each flag that changed with _updatedAt (a capture of "
        "AWS shows it), which is all that dates a version"
    ),
}


@dataclass
class JudgeAccount:
    """An account of MiniStack, with what the stores need of one; its clock is the machine's."""

    stack: MiniStack
    number: str
    region: str = REGION
    aws: Any = field(default_factory=lambda: SimpleNamespace(now=lambda: datetime.now(UTC)))
    writer: Any = field(default_factory=lambda: SimpleNamespace(user_identity=dict))

    def client(self, service: str, _identity: object = None) -> Any:
        return self.stack.client(service, self.number)

    def clients(self, session: boto3.Session | None = None, **settings: Any) -> AwsClients:
        mine = boto3.Session(region_name=self.region, **self.stack.credentials(self.number))
        return AwsClients(session=session or mine, **settings)

    def advance(self, **_by: float) -> datetime:
        # A little is enough: MiniStack dates to the millisecond.
        time.sleep(0.05)
        return datetime.now(UTC)


@pytest.fixture(scope="module")
def stack(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MiniStack]:
    python = root / ".venv-ministack" / "bin" / "python"
    if not python.exists():
        pytest.skip(f"NO SECOND JUDGE: {python} is not there; `make proof` makes it")
    with running(python, tmp_path_factory.mktemp("ministack"), CLOUDTRAIL_RECORDING="1") as started:
        yield started


@pytest.fixture
def account(stack: MiniStack, monkeypatch: pytest.MonkeyPatch) -> JudgeAccount:
    number = str(next(_NUMBERS))
    monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)
    monkeypatch.setenv("AWS_ENDPOINT_URL", stack.url)
    monkeypatch.setenv("AWS_REGION", REGION)
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", number)
    return JudgeAccount(stack, number)


def cases() -> Iterator[Any]:
    for law, kind in itertools.product(LAWS, suite.STORES):
        why = OTHERWISE.get((law.__name__, kind))
        marks = [pytest.mark.xfail(strict=True, reason=why)] if why else []
        yield pytest.param(law, kind, marks=marks, id=f"{kind}-{law.__name__.removeprefix('test_')}")


@pytest.mark.parametrize(("law", "kind"), list(cases()))
def test_the_same_holds_before_the_second_judge(law: Callable[..., None], kind: str, account: Any) -> None:
    store = suite.STORES[kind](account)
    source: FlagSource = build(suite.settings_of(store), account.clients())[kind]

    law(store, source)


@dataclass
class Deployed:
    """An application with a profile and an environment."""

    account: Any
    application: str = ""
    environment: str = ""

    def __post_init__(self) -> None:
        self.application = self.client.create_application(Name="shop")["Id"]
        self.environment = self.client.create_environment(ApplicationId=self.application, Name="prod")["Id"]

    @property
    def client(self) -> Any:
        return self.account.client("appconfig")

    def profile(self, name: str, **kind: str) -> str:
        made = self.client.create_configuration_profile(
            ApplicationId=self.application, Name=name, LocationUri="hosted", **kind
        )
        return str(made["Id"])

    def save(self, profile: str, content: str) -> str:
        saved = self.client.create_hosted_configuration_version(
            ApplicationId=self.application,
            ConfigurationProfileId=profile,
            ContentType="application/json",
            Content=content,
        )
        return str(saved["VersionNumber"])

    def deploy(self, profile: str, version: str, strategy: dict[str, Any]) -> int:
        made = self.client.create_deployment_strategy(Name=f"strategy-{time.monotonic_ns()}", **strategy)
        started = self.client.start_deployment(
            ApplicationId=self.application,
            EnvironmentId=self.environment,
            ConfigurationProfileId=profile,
            ConfigurationVersion=version,
            DeploymentStrategyId=made["Id"],
        )
        return int(started["DeploymentNumber"])

    def stop(self, number: int, **how: bool) -> None:
        self.client.stop_deployment(
            ApplicationId=self.application, EnvironmentId=self.environment, DeploymentNumber=number, **how
        )


def record_of(tmp_path: Path, *sources: SourceSettings) -> Record:
    return Record(tmp_path, sources or DEFAULT_SOURCES)


def test_parameters_through_their_lives(account: Any, tmp_path: Path) -> None:
    name, ssm, record = "/shop/prod/features/new-checkout", account.client("ssm"), record_of(tmp_path)
    record.reconcile()
    ssm.put_parameter(Name=name, Value="false", Type="String")
    ssm.put_parameter(Name=name, Value="true", Type="String", Overwrite=True)
    ssm.label_parameter_version(Name=name, ParameterVersion=1, Labels=["stable"])
    record.reconcile()
    ssm.delete_parameter(Name=name)
    record.reconcile()
    ssm.put_parameter(Name=name, Value="blue", Type="String")
    record.reconcile()

    assert record.told("kind", "life", "version_after") == [
        ("created", 1, "1"),
        ("updated", 1, "2"),
        ("label_moved", 1, "1"),
        ("deleted", 1, None),
        ("created", 2, "1"),
    ]
    assert [row["after"] and row["after"]["value"] for row in record.rows()] == [False, True, False, None, "blue"]
    (gap,) = [gap for gap in record.gaps() if "deleted" in gap["reason"]]
    assert (gap["class"], gap["life"]) == ("interval", 1)
    assert record.reconcile().recorded == 0


def test_a_hidden_parameter_is_never_read(account: Any, tmp_path: Path) -> None:
    record = record_of(tmp_path)
    record.reconcile()
    for value in ("hunter2-one", "hunter2-two"):
        account.client("ssm").put_parameter(
            Name="/shop/prod/features/key", Value=value, Type="SecureString", Overwrite=True
        )
    record.reconcile()

    assert record.told("kind") == [("created",), ("updated",)]
    assert {str(row["after"]["value"]) for row in record.rows()} == {"{'masked': True, 'comparable': False}"}
    assert "hunter2" not in json.dumps(record.rows())


def test_deployments_stopped_and_reverted(account: Any, tmp_path: Path) -> None:
    record, shop = record_of(tmp_path), Deployed(account)
    profile = shop.profile("flags", Type="AWS.AppConfig.FeatureFlags")
    record.reconcile()
    first = shop.save(profile, flag_document({"banner": {"enabled": False}}))
    second = shop.save(profile, flag_document({"banner": {"enabled": True}}))
    one = shop.deploy(profile, first, INSTANT)
    two = shop.deploy(profile, second, INSTANT)
    stopped = shop.deploy(profile, first, GRADUAL)
    shop.stop(stopped)
    # A rollback takes MiniStack a moment, as it does AppConfig.
    time.sleep(1)
    record.reconcile()
    shop.stop(two, AllowRevert=True)
    record.reconcile()

    live = [row for row in record.rows() if row["environment"] == "prod"]
    seen = [(row["kind"], row["deployment"]["number"], row["deployment"]["state"], on(row["after"])) for row in live]
    assert seen == [
        ("deployed", one, "COMPLETE", False),
        ("deployed", two, "COMPLETE", True),
        ("rolled_back", stopped, "ROLLED_BACK", True),
        ("rolled_back", two, "REVERTED", False),
    ]
    assert [row["version_after"] for row in record.rows() if row["kind"] == "saved"] == [first, second]
    assert record.reconcile().recorded == 0


def on(state: Any) -> object:
    return None if state is None else state["value"]["enabled"]


def test_freeform_flags_go_live(account: Any, tmp_path: Path) -> None:
    record, shop = record_of(tmp_path), Deployed(account)
    profile, other = shop.profile("powertools"), shop.profile("limits")
    record.reconcile()
    shop.save(other, json.dumps({"threads": 4}))
    shop.deploy(profile, shop.save(profile, json.dumps(POWERTOOLS)), INSTANT)
    record.reconcile()

    assert record.told("kind", "flag", "environment") == [("saved", "banner", None), ("deployed", "banner", "prod")]
    assert record.rows()[0]["after"]["value"] == POWERTOOLS["banner"]


def test_a_version_that_is_gone_is_a_named_gap(account: Any, tmp_path: Path) -> None:
    record, shop = record_of(tmp_path), Deployed(account)
    profile = shop.profile("flags", Type="AWS.AppConfig.FeatureFlags")
    record.reconcile()
    for enabled in (False, True, False):
        shop.save(profile, flag_document({"banner": {"enabled": enabled}}))
    shop.client.delete_hosted_configuration_version(
        ApplicationId=shop.application, ConfigurationProfileId=profile, VersionNumber=2
    )
    record.reconcile()

    assert [(gap["class"], gap["from"], gap["to"]) for gap in record.gaps()] == [("version", "2", "2")]


def test_items_by_their_stream_and_by_looks(account: Any, tmp_path: Path) -> None:
    table, record = Table(account), record_of(tmp_path, TABLE)
    record.reconcile()
    table.put({"enabled": {"BOOL": False}})
    time.sleep(1)
    record.reconcile()
    table.put({"enabled": {"BOOL": True}})
    table.remove()
    record.reconcile()

    assert record.told("kind") == [("created",), ("deleted",)]
    assert [gap["class"] for gap in record.gaps()] == ["interval", "interval"]
    assert record.reconcile().recorded == 0


@pytest.mark.parametrize("versioned", [True, False])
def test_files(account: Any, tmp_path: Path, versioned: bool) -> None:
    source = SourceSettings("s3", "s3", bucket=f"flags-{account.number}", key="{application}/{environment}/flags.json")
    bucket, record = Bucket(account, versioned=versioned), record_of(tmp_path, source)
    record.reconcile()
    bucket.put('{"search": true}')
    time.sleep(1)
    record.reconcile()
    bucket.put('{"search": false}')
    account.advance()
    bucket.put('{"search": 10}')
    record.reconcile()
    bucket.remove()
    record.reconcile()

    said = [row["after"] and row["after"]["value"] for row in record.rows()]
    assert said == ([True, False, 10, None] if versioned else [True, 10, None])
    assert [gap["class"] for gap in record.gaps()] == ([] if versioned else ["interval"] * 3)
    assert record.reconcile().recorded == 0


def test_calls_are_read_back_and_only_what_aws_would_say_is_believed(account: Any, tmp_path: Path) -> None:
    """LookupEvents is MiniStack's own; what its records say is not AWS's.

    It spells requestParameters with capitals, leaves responseElements out and names calls of AppConfig by their path. A
    capture of AWS shows ``name`` and ``responseElements.version``, without which a PutParameter did not succeed. So such
    a record names no parameter, and nobody is credited by it.
    """
    record = record_of(tmp_path)
    record.reconcile()
    for value in ("true", "false"):
        account.client("ssm").put_parameter(
            Name="/shop/prod/features/x", Value=value, Type="String", Overwrite=value == "false"
        )
    record.reconcile()

    looked_up = account.client("cloudtrail").lookup_events(
        LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "PutParameter"}]
    )["Events"]
    pages = EventHistory(account.clients()).pages(account.number, REGION, "PutParameter", None)
    read = [event for page in pages for event in page.events]
    assert [event.id for event in read] == [event["EventId"] for event in looked_up]
    assert len(read) == 2
    assert {(event.source, event.account, event.region) for event in read} == {("aws.ssm", account.number, REGION)}
    assert record.told("kind") == [("created",), ("updated",)]
    evidence = {one["id"] for row in record.rows() for one in row["attribution"]["evidence"]}
    assert evidence.isdisjoint(event.id for event in read)
