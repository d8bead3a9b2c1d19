"""A deployment is one message from its start to its end, with a thread that has each stage."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import time
from typing import Any

import pytest

from auditor import bootstrap
from auditor.adapters.channels.slack import SlackChannel
from auditor.adapters.channels.sns import SnsChannel
from auditor.application.dispatch import dispatch_all
from auditor.application.ports import HistoryQuery
from auditor.domain.alerts import AlertKind, Delivery, DeliveryOutcome
from auditor.domain.changes import Detection
from auditor.domain.routing import Destination, Quiet, Route, Routing
from examples.standin.slack import Fault, Posted, SlackServer
from tests.support.deployments import PROD, Rollout
from tests.support.records import by

ALL_DAY = Quiet(time(0), time(23, 59))


@pytest.fixture(scope="module")
def slack() -> Iterator[SlackServer]:
    with SlackServer() as running:
        yield running


@pytest.fixture
def rollout(tmp_path, slack) -> Iterator[Rollout]:
    slack.messages.clear()
    database = bootstrap.database(f"sqlite:///{tmp_path / 'record.db'}")
    yield Rollout(database)
    database.close()


@pytest.fixture
def send(rollout, slack):
    channel = SlackChannel(token=slack.token, channel="C0FLAGS01", clock=rollout.clock, base_url=slack.url)

    def send() -> list[Posted]:
        """Send what is due and return what Slack shows."""
        dispatch_all(rollout.database.unit_of_work, lambda _route: channel, rollout.clock)
        return list(slack.messages)

    return send


def title(message: Posted) -> str:
    return str(message.arguments["blocks"][0]["text"]["text"])


def everything(message: Posted) -> str:
    return str(message.arguments["blocks"])


def told_by(rollout: Rollout) -> Counter[str | None]:
    """Count the changes that each message tells of."""
    with rollout.database.reader() as uow:
        return Counter(uow.outbox.message_of(row.id) for row in uow.changes.query(HistoryQuery()))


def test_the_start_is_told_with_what_it_brings_and_how_to_stop_it(rollout, send):
    rollout.start(version=2)
    rollout.look()

    (told,) = send()

    assert title(told) == "Deployment 1 of shop/checkout to prod: started"
    assert "flag-0: created, enabled" in everything(told)
    assert "aws appconfig stop-deployment" in everything(told)
    assert "none → 2" in everything(told)
    assert "linear by 20%" in everything(told)


def test_its_message_is_kept_up_and_its_thread_has_the_stages(rollout, send):
    rollout.start()
    rollout.look()
    send()
    rollout.step(20)
    rollout.look(Detection.RECONCILE)
    head, step = send()

    assert title(head) == "Deployment 1 of shop/checkout to prod: 20 % of targets"
    assert step.arguments["thread_ts"] == head.ts
    assert "Reached 20 % of targets at 12:01:00 UTC." in everything(step)
    assert not step.in_channel

    rollout.step(100)
    rollout.move(state="BAKING")
    rollout.look()
    rollout.complete()
    rollout.look()
    head, _, baking, last = send()

    assert title(head) == "shop/flag-0 deployed in prod"
    assert "AppConfig watches the alarms" in everything(baking)
    assert "Complete in prod at" in everything(last)
    assert told_by(rollout) == {f"C0FLAGS01:{head.ts}": 1}


def test_a_look_that_finds_nothing_new_says_nothing(rollout, send):
    rollout.start()
    rollout.look()
    send()

    assert rollout.look() == []
    assert rollout.look(Detection.RECONCILE) == []
    assert len(send()) == 1


def test_a_rollback_names_its_alarm_once_to_the_whole_channel(rollout, send):
    rollout.start()
    rollout.look()
    send()
    rollout.roll_back(state="ROLLING_BACK")
    rollout.look()
    rollout.roll_back()
    rollout.look()

    head, turned, ended = send()

    assert title(head) == "shop/flag-0 rolled back in prod"
    assert "by alarm checkout-errors" in everything(turned)
    assert "by alarm checkout-errors" in everything(ended)
    assert [turned.in_channel, ended.in_channel] == [True, False]


@pytest.mark.parametrize("alarm", ["checkout-errors", None])
def test_what_is_reverted_after_the_end_comes_to_the_same_message(rollout, send, alarm):
    rollout.start()
    rollout.complete()
    rollout.look()
    send()
    rollout.roll_back(state="REVERTED", alarm=alarm)
    rollout.look()

    head, reply = send()

    assert title(head) == "shop/flag-0 rolled back in prod"
    assert reply.in_channel
    assert "Reverted in prod at" in everything(reply)
    assert "start-deployment" not in everything(head), "what was taken back needs no command for it"
    assert "1 → none" in everything(head)
    assert "none → 1" not in everything(head)
    assert told_by(rollout) == {f"C0FLAGS01:{head.ts}": 2}


@pytest.mark.parametrize("fault", [Fault.LOST_RESET, Fault.RESET, Fault.LIMITED])
def test_a_reply_whose_answer_was_lost_is_looked_for_in_its_thread(rollout, send, slack, fault):
    rollout.start()
    rollout.look()
    send()
    rollout.step(20)
    rollout.look()
    slack.faults.append(fault)
    for _ in range(4):
        send()
        rollout.clock.move(300)

    head, *replies = slack.messages
    assert [reply.arguments["thread_ts"] for reply in replies] == [head.ts]


def test_a_message_that_was_found_after_a_doubt_is_brought_up_to_date(rollout, send, slack):
    rollout.start()
    rollout.look()
    slack.faults.append(Fault.LOST_RESET)
    send()
    rollout.step(20)
    rollout.look()
    for _ in range(4):
        rollout.clock.move(300)
        send()

    head, *replies = slack.messages
    assert title(head) == "Deployment 1 of shop/checkout to prod: 20 % of targets"
    assert len(replies) == 1


def test_what_is_learnt_while_a_message_is_sent_edits_it(rollout, send):
    rollout.start()
    rollout.look()
    with rollout.database.unit_of_work() as uow:
        (alert,) = uow.outbox.claim("slack", rollout.clock.now(), lease_seconds=60, limit=1)
        uow.commit()
    rollout.step(20)
    rollout.look()
    with rollout.database.unit_of_work() as uow:
        uow.outbox.settle(alert, "slack", Delivery(DeliveryOutcome.SENT, "C0FLAGS01:1.0"), rollout.clock.now())
        uow.commit()
        (again,) = uow.outbox.claim("slack", rollout.clock.now(), lease_seconds=60, limit=1)

    assert (again.id, again.sent_as) == (alert.id, "C0FLAGS01:1.0")
    assert "20" in str(again.facts)


def test_who_began_it_is_added_when_cloudtrail_tells(rollout, send):
    rollout.start()
    rollout.look()
    (head,) = send()
    assert "not known yet" in everything(head)

    rollout.told_who(by("dana"))
    send()

    assert "dana (person), through ShopAdmin" in everything(head)
    assert rollout.told_who(by("dana")) == []


def test_who_is_named_after_the_end_is_named_in_the_same_message(rollout, send):
    rollout.start()
    rollout.look()
    rollout.complete()
    rollout.look()
    head, *_ = send()
    rollout.told_who(by("dana"))

    messages = send()

    assert "dana (person)" in everything(head)
    assert len(messages) == 2


def test_a_quiet_channel_is_not_woken_by_a_start(rollout, send):
    rollout.routing = Routing(fallback=Destination(quiet=ALL_DAY))
    rollout.start()
    assert rollout.look() == []
    rollout.complete()
    rollout.look()

    assert send() == []
    with rollout.database.reader() as uow:
        assert [alert.kind for alert in uow.outbox.pending()] == [AlertKind.DIGEST]


def test_what_began_before_the_quiet_ends_in_its_own_message(rollout, send):
    rollout.start()
    rollout.look()
    (head,) = send()
    rollout.routing = Routing(fallback=Destination(quiet=ALL_DAY))
    rollout.roll_back()
    rollout.look()

    _, reply = send()

    assert title(head) == "shop/flag-0 rolled back in prod"
    assert not reply.in_channel, "a thread wakes nobody"


def test_what_goes_another_way_is_told_there_and_only_there(rollout, send):
    rollout.start()
    rollout.look()
    rollout.routing = Routing((Route("web", environment="prod"),), {"web": Destination("web")})
    rollout.complete()
    rollout.look()

    head, *_ = send()

    assert title(head) == "Deployment 1 of shop/checkout to prod: complete"
    assert len(told_by(rollout)) == 1
    assert f"C0FLAGS01:{head.ts}" not in told_by(rollout)


def test_a_start_that_changes_no_flag_is_not_told(rollout, send):
    rollout.start()
    rollout.complete()
    rollout.look()
    send()
    rollout.start(number=2)

    assert rollout.look() == []


def test_the_past_that_is_filled_in_begins_no_thread(rollout):
    other = replace(PROD, account="444455556666")
    rollout.start()
    rollout.aws.now[1] = replace(rollout.aws.now[1], environment=other)

    assert rollout.look(Detection.RECONCILE, other) == []


class Topic:
    """What SNS was given."""

    def __init__(self) -> None:
        self.titles: list[str] = []

    def publish(self, **request: Any) -> dict[str, str]:
        self.titles.append(request["Message"].splitlines()[0])
        return {"MessageId": str(len(self.titles))}


def test_a_topic_has_no_threads_and_hears_each_stage_once(rollout):
    topic = Topic()
    name = "arn:aws:sns:eu-central-1:111122223333:flags"
    channel = SnsChannel(topic=name, clock=rollout.clock, client=lambda _region: topic)  # type: ignore[arg-type,return-value]
    rollout.start()
    for stage in (rollout.look, lambda: rollout.step(20), rollout.complete):
        stage()
        rollout.look()
        dispatch_all(rollout.database.unit_of_work, lambda _route: channel, rollout.clock)

    assert topic.titles == [
        "Deployment 1 of shop/checkout to prod: started",
        "Deployment 1 of shop/checkout to prod: 20 % of targets",
        "shop/flag-0 deployed in prod",
    ]
