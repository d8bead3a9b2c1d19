"""A deployment is one message with a thread: from AppConfig's events to Slack, rolled back by its alarm."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from auditor.adapters.channels._links import Links
from auditor.adapters.channels.slack import SlackChannel
from auditor.application.dispatch import dispatch_all
from auditor.domain.corroboration import MONITOR
from auditor.settings import DEFAULT_SOURCES
from examples.standin import StandIn
from examples.standin.slack import Posted, SlackServer
from tests.integration.test_surroundings import World
from tests.support.recording import Record

PAGES = "https://flags.example/{application}/{flag}.html#{change}"
BEGIN = datetime(2026, 10, 6, 9, 0, tzinfo=UTC)
ALARM = "checkout-5xx-prod"


class Watched:
    """An AppConfig application that is watched, and the Slack in which it is told of."""

    def __init__(self, aws: StandIn, path: Any, slack: SlackServer) -> None:
        self.aws, self.slack = aws, slack
        self.world = World(aws, ALARM, minutes=20)
        self.record = Record(path, DEFAULT_SOURCES)
        object.__setattr__(self.record.application.recorder, "clock", self)
        self.record.reconcile()
        self.world.deploy(on=False)
        aws.advance(timedelta(minutes=30))
        self.hear()

    def now(self) -> datetime:
        return self.aws.now()

    def hear(self) -> list[Posted]:
        """Take what AWS has to tell, send what it gives, and return what Slack shows of the last deployment."""
        self.record.take(*self.aws.drain())
        self.send()
        return self.shown()

    def shown(self) -> list[Posted]:
        """Return what Slack shows of the last deployment: its message and its thread."""
        return [m for m in self.slack.messages[self.former :] if "saved" not in title(m)]

    def send(self) -> None:
        channel = SlackChannel(
            token=self.slack.token, channel="C0FLAGS01", clock=self, base_url=self.slack.url, links=Links(pages=PAGES)
        )
        for _ in range(3):
            dispatch_all(self.record.application.record.unit_of_work, lambda _route: channel, self)

    former = 0

    def begin(self) -> None:
        self.former = len(self.slack.messages)
        self.world.deploy(on=True)

    def pass_time(self, **time: float) -> None:
        self.aws.advance(timedelta(**time))

    def raise_alarm(self) -> None:
        self.aws.client("cloudwatch").set_alarm_state(AlarmName=ALARM, StateValue="ALARM", StateReason="61.0")


@pytest.fixture
def slack() -> Iterator[SlackServer]:
    with SlackServer() as running:
        yield running


@pytest.fixture
def watched(monkeypatch, tmp_path, slack) -> Iterator[Watched]:
    with StandIn(BEGIN) as aws:
        for name, value in aws.environ().items():
            monkeypatch.setenv(name, value)
        yield Watched(aws, tmp_path, slack)


def title(message: Posted) -> str:
    return str(message.arguments["blocks"][0]["text"]["text"])


def everything(message: Posted) -> str:
    return str(message.arguments["blocks"])


def test_a_rollback_names_its_alarm_and_is_shown_to_the_whole_channel(watched):
    watched.begin()
    (begun,) = watched.hear()
    assert title(begun) == "Deployment 2 of shop/web to prod: started"
    assert "dark-mode: enabled" in everything(begun)
    watched.pass_time(minutes=12)
    watched.raise_alarm()
    watched.pass_time(minutes=1)

    head, *replies = watched.hear()

    assert title(head) == "shop/dark-mode rolled back in prod"
    assert ALARM in everything(head)
    assert f"by alarm {ALARM}" in everything(replies[-1])
    assert [reply.in_channel for reply in replies] == [True]
    assert "stop-deployment" not in everything(head)


def test_what_is_linked_while_it_runs_is_the_change_that_is_recorded_at_its_end(watched):
    watched.begin()
    first = [everything(message) for message in watched.hear()]
    watched.pass_time(minutes=30)
    last = [everything(message) for message in watched.hear()]

    (change,) = [row["id"] for row in watched.record.rows() if row["kind"] == "deployed"][-1:]
    link = f"https://flags.example/shop/dark-mode.html#{change}"
    assert ["Once live, on its page: " in text for text in first] == [True]
    assert len(last) > 1
    assert [text for text in first + last if link not in text] == []


def test_a_look_keeps_which_alarm_guards_which_environment(watched):
    with watched.record.application.record.unit_of_work() as uow:
        guards = [(one.about, one.group) for one in uow.calls.signals() if one.code == MONITOR and one.group]

    assert guards == [(f"arn:aws:cloudwatch:{watched.aws.region}:{watched.aws.account}:alarm:{ALARM}", "shop/prod")]
