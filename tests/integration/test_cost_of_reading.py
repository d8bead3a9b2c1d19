"""What reconcile costs: calls counted, rates kept, work taken up where it stopped, and all of it shown."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import urllib3
from botocore.awsrequest import AWSResponse

from auditor.adapters.actors.event_history import EventHistory
from auditor.adapters.pacing import PUBLISHED_RATES, Pacer
from auditor.adapters.sources import build
from auditor.application.reconcile import Reconcile, ReconcileReport
from auditor.settings import DEFAULT_SOURCES, Settings
from examples.standin import StandIn
from tests.conftest import PROOF
from tests.support.aws import Account, flag_document
from tests.support.recording import Record

BEGIN = datetime(2026, 3, 2, 9, tzinfo=UTC)
PARAMETERS, FLAGS = (10_000, 500) if PROOF else (60, 25)
# Five applications with one profile and one environment each, and the calls of CloudTrail's event history.
SMALL_CONSTANT = 60


def put(aws: StandIn, numbers: range, value: str = "true") -> None:
    client = aws.client("ssm")
    for number in numbers:
        name = f"/shop/prod/features/flag-{number}"
        client.put_parameter(Name=name, Value=value, Type="String", Overwrite=True)


@dataclass(slots=True)
class Shops:
    """Applications with a profile of flags each, all of it deployed."""

    aws: StandIn
    many: int
    flags: int
    profiles: list[dict[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        client = self.aws.client("appconfig")
        strategy = client.create_deployment_strategy(
            Name="instant", DeploymentDurationInMinutes=0, GrowthFactor=100.0, ReplicateTo="NONE"
        )["Id"]
        for number in range(self.many):
            application = client.create_application(Name=f"shop-{number}")["Id"]
            environment = client.create_environment(ApplicationId=application, Name="prod")["Id"]
            profile = client.create_configuration_profile(
                ApplicationId=application, Name="flags", LocationUri="hosted", Type="AWS.AppConfig.FeatureFlags"
            )["Id"]
            self.profiles.append({"ApplicationId": application, "ConfigurationProfileId": profile})
            self.save(number, True)
            client.start_deployment(
                **self.profiles[-1], EnvironmentId=environment, ConfigurationVersion="1", DeploymentStrategyId=strategy
            )

    def save(self, number: int, on: bool) -> None:
        content = flag_document({f"flag_{n}": {"enabled": on} for n in range(self.flags)})
        self.aws.client("appconfig").create_hosted_configuration_version(
            **self.profiles[number], Content=content, ContentType="application/json"
        )


def calls_of(aws: StandIn) -> Counter[str]:
    made = aws.calls()
    aws.reset_calls()
    return made


def test_nothing_changed_costs_a_call_a_page_and_a_change_one_more(
    aws: StandIn, record: Record, record_property: Callable[[str, object], None]
) -> None:
    put(aws, range(PARAMETERS))
    shops = Shops(aws, 5, FLAGS // 5)
    assert record.reconcile().recorded == PARAMETERS + 2 * FLAGS
    calls_of(aws)

    again = record.reconcile()
    idle = calls_of(aws)
    assert (again.documents, again.versions, again.recorded) == (PARAMETERS + 5, 0, 0)
    assert idle.total() <= math.ceil(PARAMETERS / 10) + SMALL_CONSTANT, idle
    assert idle["ssm:DescribeParameters"] == math.ceil(PARAMETERS / 50)
    assert idle["appconfig:ListHostedConfigurationVersions"] == 5
    # History and content only of what moved.
    assert not idle.keys() & {"ssm:GetParameterHistory", "appconfig:GetHostedConfigurationVersion"}

    put(aws, range(3), "false")
    shops.save(0, False)
    assert record.reconcile().recorded == 3 + FLAGS // 5
    moved = calls_of(aws)
    assert moved["ssm:GetParameterHistory"] == 3
    assert moved["appconfig:GetHostedConfigurationVersion"] == 1
    record_property("calls", idle.total())


@dataclass(slots=True)
class Time:
    """A clock that only moves when somebody sleeps."""

    now: float = 0.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def read(self) -> float:
        return self.now


class Wire:
    """Carries requests that were meant for AWS to the stand-in, and notes when each was sent."""

    def __init__(self, aws: StandIn, time: Time) -> None:
        self._aws, self._time, self._pool = aws, time, urllib3.PoolManager()
        self.sent: dict[str, list[float]] = defaultdict(list)

    def __call__(self, request: Any, event_name: str, **_event: Any) -> AWSResponse:
        _, service, operation = event_name.split(".")
        self.sent[f"{service}.{operation}"].append(self._time.now)
        url = f"{self._aws.url}/{request.url.split('/', 3)[3]}"
        answer = self._pool.request(
            request.method, url, body=request.body, headers=dict(request.headers), preload_content=False
        )
        body = urllib3.HTTPResponse(BytesIO(answer.read()), preload_content=False)
        return AWSResponse(request.url, answer.status, dict(answer.headers), body)


def reconciled_over(wire: Wire, aws: StandIn, tmp_path: Path, pacer: Pacer) -> ReconcileReport:
    """Reconcile as production does: towards AWS's own addresses, over a wire that leads to the stand-in."""
    account = Account(aws, aws.account, aws.region)
    session = account.session()
    clients = account.clients(session, pacer=pacer)
    recorder = Record(tmp_path, DEFAULT_SOURCES).application.recorder
    watched = build(Settings(sources=DEFAULT_SOURCES), clients)
    # The wire is the last to be asked, so that the pacer of the client comes first.
    session.events.register_last("before-send", wire)
    recorder = replace(
        recorder, sources=watched, deployments=watched["appconfig"], trail=EventHistory(clients)
    )  # fmt: skip
    return Reconcile(recorder).run()


def test_no_api_is_asked_faster_than_it_allows(aws: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(aws, range(20))
    Shops(aws, 5, 5)
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    time = Time()
    wire = Wire(aws, time)

    report = reconciled_over(wire, aws, tmp_path, Pacer(sleep=time.sleep, clock=time.read))

    assert (report.errors, report.recorded) == ((), 20 + 2 * 25)
    assert len(wire.sent["ssm.GetParameterHistory"]) == 20
    for family, rate in PUBLISHED_RATES.items():
        sent = sorted(at for call, times in wire.sent.items() if fnmatchcase(call, family) for at in times)
        if family == "ssm.GetParameter*":
            continue  # GetParameterHistory has a rate of its own
        for first, at in enumerate(sent):
            # A second's worth may be sent at once; from then on only as fast as the rate.
            assert first <= rate * (at - sent[0]) + rate, (family, first, at)
    assert time.now >= (20 - 3) / 3


def test_what_is_throttled_is_tried_again(aws: StandIn, record: Record) -> None:
    put(aws, range(3))
    aws.fail("ssm", "GetParameterHistory", code="ThrottlingException")

    report = record.reconcile()

    assert (report.errors, report.recorded) == ((), 3)
    assert calls_of(aws)["ssm:GetParameterHistory"] == 4


class StoppedError(Exception):
    """The process is stopped in the middle."""


def test_a_run_that_was_stopped_is_taken_up_where_it_stopped(aws: StandIn, record: Record) -> None:
    put(aws, range(20))
    calls_of(aws)

    def stop(done: int, _total: int | None, what: str) -> None:
        if what.startswith("reading") and done == 8:
            raise StoppedError

    with pytest.raises(StoppedError):
        Reconcile(record.application.recorder).run(progress=stop)
    assert len(record.rows()) == 8
    assert calls_of(aws)["ssm:GetParameterHistory"] == 8

    assert record.reconcile().recorded == 12
    assert calls_of(aws)["ssm:GetParameterHistory"] == 12
    assert len(record.rows()) == 20


def test_what_could_not_be_read_is_all_that_is_read_again(aws: StandIn, record: Record) -> None:
    put(aws, range(10))
    aws.fail("ssm", "GetParameterHistory", code="AccessDenied", times=4, after=6)
    first = Reconcile(record.application.recorder).run()
    calls_of(aws)

    second = record.reconcile()

    assert (first.recorded, len(first.errors), second.recorded) == (6, 4, 4)
    assert calls_of(aws)["ssm:GetParameterHistory"] == 4


def test_progress_counts_up_to_the_end(aws: StandIn, record: Record) -> None:
    put(aws, range(5))
    Shops(aws, 2, 3)
    shown: dict[str, list[tuple[int, int | None]]] = defaultdict(list)

    def show(done: int, total: int | None, what: str) -> None:
        shown[what].append((done, total))

    Reconcile(record.application.recorder).run(progress=show)

    place = f"{aws.account} {aws.region}"
    assert shown[f"listing ssm {place}"] == [(number, None) for number in range(1, 6)]
    assert shown[f"reading ssm {place}"] == [(number, 5) for number in range(1, 6)]
    assert shown[f"deployments {place}"] == [(1, 2), (2, 2)]
    assert shown["reading who called"][-1] == (1, 1)
