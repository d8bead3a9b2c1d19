"""What every channel promises: an answer for every outcome, no sleep, no exception, nothing sent twice unsaid."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import boto3
import pytest
from botocore.config import Config

from auditor.adapters.channels import CHANNELS
from auditor.adapters.channels.console import ConsoleChannel
from auditor.adapters.channels.slack import SlackChannel
from auditor.adapters.channels.sns import SnsChannel
from auditor.application.ports import AlertChannel
from auditor.domain.alerts import AlertKind, DeliveryOutcome
from examples.standin.slack import Fault, SlackServer
from tests.fakes import ClockFake
from tests.support.alerts import alert
from tests.support.messages import cases
from tests.support.sns_server import TOPIC, SnsServer


@dataclass
class Bench:
    """One channel in front of something that can be told to misbehave.

    ``waits`` is how many seconds a limited channel asks to wait, ``remedy`` a word of what to do about a refusal.
    """

    channel: AlertChannel
    arrived: Callable[[], int]
    down: Callable[[], None]
    limit: Callable[[], None] = lambda: None
    refuse: Callable[[], None] = lambda: None
    clock: ClockFake = field(default_factory=ClockFake)
    waits: int = 7
    remedy: str = "SLACK_BOT_TOKEN"


def slack_bench() -> Iterator[Bench]:
    clock = ClockFake()
    with SlackServer(retry_after=7) as slack:
        channel = SlackChannel(token=slack.token, channel="C0FLAGS01", clock=clock, base_url=slack.url)

        def refuse() -> None:
            slack.token = "xoxb-another"

        def limit() -> None:
            slack.faults.append(Fault.LIMITED)

        yield Bench(channel, lambda: len(slack.messages), slack.stop, limit, refuse, clock)


def sns_bench() -> Iterator[Bench]:
    clock = ClockFake()
    with SnsServer() as sns:

        def client(region: str) -> Any:
            config = Config(retries={"total_max_attempts": 1})
            return boto3.client("sns", region_name=region, endpoint_url=sns.url, config=config)

        yield Bench(
            SnsChannel(topic=TOPIC, clock=clock, client=client),
            lambda: len(sns.published),
            sns.stop,
            lambda: sns.faults.append((400, "Throttled")),
            lambda: sns.faults.append((403, "AuthorizationError")),
            clock,
            waits=30,
            remedy="sns:Publish",
        )


def console_bench() -> Iterator[Bench]:
    lines: list[str] = []
    gone: list[bool] = []

    def write(text: str) -> None:
        if gone:
            raise BrokenPipeError(32, "Broken pipe")
        lines.append(text)

    def messages() -> int:
        return sum(set(line) == {"─"} for line in lines)

    yield Bench(ConsoleChannel(write), messages, lambda: gone.append(True))


# A console takes whatever it is given: nothing limits it, and it refuses nothing.
REMOTE = ("slack", "sns")
BENCHES: dict[str, Callable[[], Iterator[Bench]]] = {
    "slack": slack_bench,
    "console": console_bench,
    "sns": sns_bench,
}


def test_every_registered_channel_is_on_the_bench():
    assert set(BENCHES) == set(CHANNELS)


@pytest.fixture(params=sorted(BENCHES))
def bench(request: Any) -> Iterator[Bench]:
    yield from BENCHES[request.param]()


@pytest.mark.parametrize("kind", [kind for kind in AlertKind if kind not in (AlertKind.UPDATE, AlertKind.REPLY)])
def test_sent_once_with_an_id(bench, kind):
    delivery = bench.channel.send(alert(kind=kind))

    assert (delivery.outcome, delivery.error) == (DeliveryOutcome.SENT, None)
    assert delivery.message_id
    assert bench.arrived() == 1


@pytest.mark.parametrize("case", ["reply", "reply-of-a-step"])
def test_a_reply_follows_its_message(bench, case):
    first = bench.channel.send(alert())
    reply = bench.channel.send(replace(cases()[case], id=2, thread=first.message_id))

    assert (reply.outcome, reply.error) == (DeliveryOutcome.SENT, None)
    assert reply.message_id != first.message_id


def test_an_update_leads_to_the_message_it_edits(bench):
    first = bench.channel.send(alert())
    edit = bench.channel.send(alert(kind=AlertKind.UPDATE, id=2, sent_as=first.message_id))

    assert edit.outcome is DeliveryOutcome.SENT
    assert edit.message_id


@pytest.mark.parametrize("bench", REMOTE, indirect=True)
def test_rate_limited_names_the_time_and_does_not_sleep(bench):
    bench.limit()
    began = time.monotonic()
    delivery = bench.channel.send(alert())

    assert time.monotonic() - began < 7
    assert delivery.outcome is DeliveryOutcome.LATER
    assert delivery.not_before is not None
    assert (delivery.not_before - bench.clock.now()).total_seconds() == bench.waits
    assert bench.arrived() == 0
    assert bench.channel.send(replace(alert(), attempt=3)).outcome is DeliveryOutcome.SENT
    assert bench.arrived() == 1


@pytest.mark.parametrize("bench", REMOTE, indirect=True)
def test_refused_says_what_to_do(bench):
    bench.refuse()
    delivery = bench.channel.send(alert())

    assert delivery.outcome is DeliveryOutcome.REFUSED
    assert bench.remedy in (delivery.error or "")
    assert bench.arrived() == 0


def test_down_is_for_later(bench):
    bench.down()
    delivery = bench.channel.send(alert())

    assert delivery.outcome is DeliveryOutcome.LATER
    assert delivery.error
    assert bench.arrived() == 0
