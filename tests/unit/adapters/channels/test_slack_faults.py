"""What Slack's answers and silences come to, against a Slack that misbehaves on purpose."""

from __future__ import annotations

import socket
from dataclasses import replace
from datetime import timedelta

import pytest

from auditor.adapters.channels.slack import SlackChannel
from auditor.domain.alerts import Alert, AlertKind, DeliveryOutcome
from auditor.domain.errors import ConfigurationError
from examples.standin.slack import Answer, Fault, SlackServer
from tests.fakes import ClockFake
from tests.support.alerts import alert
from tests.support.slack_server import ScriptedSlack

CHANNEL = "C0FLAGS01"
SENT, LATER, REFUSED, UNKNOWN = DeliveryOutcome
DOUBTFUL = [fault for fault in Fault if fault is not Fault.LIMITED]


def patience(fault: Fault) -> float:
    """Return how long to wait for an answer: a moment only where none will come."""
    return 0.3 if fault.manner == "timeout" else 20


@pytest.fixture
def slack():
    with ScriptedSlack() as running:
        yield running


def channel_of(slack: SlackServer, **fields) -> SlackChannel:
    usual = {"token": slack.token, "channel": CHANNEL, "clock": ClockFake(), "base_url": slack.url, "timeout": 20}
    return SlackChannel(**{**usual, **fields})


def again(told: Alert) -> Alert:
    return replace(told, attempt=told.attempt + 1)


def posts(slack: SlackServer) -> int:
    return sum(method == "chat.postMessage" for method, _ in slack.calls)


@pytest.mark.parametrize("fault", DOUBTFUL)
def test_a_lost_answer_is_doubt_and_nothing_is_posted_again_by_itself(slack, fault):
    slack.faults.append(fault)

    delivery = channel_of(slack, timeout=patience(fault)).send(alert())

    assert delivery.outcome is UNKNOWN
    assert delivery.error
    assert len(slack.messages) == posts(slack) == int(fault.stores)


@pytest.mark.parametrize("fault", DOUBTFUL)
def test_after_doubt_the_channel_holds_the_message_once(slack, fault):
    slack.faults.append(fault)
    told = alert()
    outcomes = [channel_of(slack, timeout=patience(fault)).send(told).outcome]
    channel, told = channel_of(slack), again(told)
    while outcomes[-1] is not SENT:
        outcomes.append(channel.send(told).outcome)
        told = again(told)

    assert len(slack.messages) == 1
    # Found by the first look, or posted again after two looks that found nothing.
    assert outcomes == ([UNKNOWN, SENT] if fault.stores else [UNKNOWN, UNKNOWN, SENT])


def test_a_found_message_keeps_its_id(slack):
    slack.faults.append(Fault.LOST_RESET)
    channel = channel_of(slack)
    channel.send(alert())

    found = channel.send(again(alert()))

    assert found.message_id == f"{CHANNEL}:{slack.messages[0].ts}"
    assert posts(slack) == 1


def test_other_messages_are_not_taken_for_it(slack):
    channel = channel_of(slack)
    for number in range(3):
        channel.send(alert(key=f"another|{number}"))

    assert channel.send(again(alert())).outcome is UNKNOWN
    assert channel.send(again(again(alert()))).outcome is SENT
    assert len(slack.messages) == 4


def test_a_look_goes_through_the_pages(slack):
    channel = channel_of(slack)
    channel.send(alert())
    for number in range(450):
        slack.answer("chat.postMessage", {"channel": CHANNEL, "text": f"chatter {number}"}, slack.token)

    assert channel.send(again(alert())).outcome is SENT
    assert len([1 for method, _ in slack.calls if method == "conversations.history"]) == 3
    assert len(slack.messages) == 451


def test_a_look_that_ends_before_the_history_does_leaves_the_doubt(slack):
    for number in range(3100):
        slack.answer("chat.postMessage", {"channel": CHANNEL, "text": f"chatter {number}"}, slack.token)

    delivery = channel_of(slack).send(replace(alert(), attempt=3))

    assert delivery.outcome is UNKNOWN
    assert "3,000" in (delivery.error or "")
    assert len(slack.messages) == 3100


def test_a_channel_given_by_name_is_looked_up_for_the_look_only(slack):
    slack.faults.append(Fault.LOST_CLOSED)
    channel = channel_of(slack, channel="#flag-changes")

    assert channel.send(alert()).outcome is UNKNOWN
    assert channel.send(again(alert())).message_id == f"{CHANNEL}:{slack.messages[0].ts}"


def test_a_look_that_is_not_allowed_leaves_the_doubt_and_says_what_to_do(slack):
    slack.scripted.append(Answer({"ok": False, "error": "missing_scope"}))

    delivery = channel_of(slack).send(replace(alert(), attempt=3))

    assert delivery.outcome is UNKNOWN
    assert "channels:history" in (delivery.error or "")


@pytest.mark.parametrize(
    ("error", "remedy"),
    [
        ("invalid_auth", "SLACK_BOT_TOKEN"),
        ("account_inactive", "SLACK_BOT_TOKEN"),
        ("channel_not_found", "channel"),
        ("not_in_channel", "/invite"),
        ("missing_scope", "chat:write"),
        ("is_archived", "archived"),
        ("something_new", "something_new"),
    ],
)
def test_a_refusal_says_what_to_do(slack, error, remedy):
    slack.scripted.append(Answer({"ok": False, "error": error}))

    delivery = channel_of(slack).send(alert())

    assert delivery.outcome is REFUSED
    assert error in (delivery.error or "")
    assert remedy in (delivery.error or "")


def test_a_channel_that_is_not_there_is_refused(slack):
    delivery = channel_of(slack, channel="C0NOWHERE").send(alert())

    assert (delivery.outcome, "channel_not_found" in (delivery.error or "")) == (REFUSED, True)


@pytest.mark.parametrize("error", ["fatal_error", "internal_error", "service_unavailable"])
def test_half_done_by_slacks_own_word_is_doubt(slack, error):
    slack.scripted.append(Answer({"ok": False, "error": error}))

    assert channel_of(slack).send(alert()).outcome is UNKNOWN


@pytest.mark.parametrize(("status", "outcome"), [(404, LATER), (407, LATER), (500, UNKNOWN), (503, UNKNOWN)])
def test_an_address_that_is_not_slack(slack, status, outcome):
    slack.scripted.append(Answer("<html>no</html>", status, {"Content-Type": "text/html"}))

    delivery = channel_of(slack).send(alert())

    assert delivery.outcome is outcome
    assert str(status) in (delivery.error or "")


@pytest.mark.parametrize("body", ["[1]", '"ok"', "7", "null", "", "{}", '{"ok": 0}'])
def test_an_answer_that_is_not_slacks_is_doubt(slack, body):
    slack.scripted.append(Answer(body))

    assert channel_of(slack).send(alert()).outcome is UNKNOWN


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ({"Retry-After": "41"}, 41),
        ({"retry-after": "0"}, 1),
        ({}, 30),
        ({"Retry-After": "soon"}, 30),
        ({"Retry-After": "999999"}, 3600),
    ],
)
def test_the_time_to_wait_is_slacks_to_the_second(slack, header, seconds):
    slack.scripted.append(Answer({"ok": False, "error": "ratelimited"}, 429, header))
    clock = ClockFake()

    delivery = channel_of(slack, clock=clock).send(alert())

    assert (delivery.outcome, delivery.error) == (LATER, None)
    assert delivery.not_before == clock.now() + timedelta(seconds=seconds)


def test_a_refused_connection_is_for_later():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, but nobody listens
        channel = SlackChannel(
            token="xoxb-1", channel=CHANNEL, clock=ClockFake(), base_url=f"http://127.0.0.1:{taken.getsockname()[1]}"
        )
        delivery = channel.send(alert())

    assert delivery.outcome is LATER
    assert delivery.not_before is not None
    assert "reached" in (delivery.error or "")


def test_an_update_edits_the_message_and_keeps_its_key(slack):
    channel = channel_of(slack)
    sent = channel.send(alert())
    before = dict(slack.messages[0].arguments)

    edited = channel.send(alert(kind=AlertKind.UPDATE, key="update|1", sent_as=sent.message_id))

    (message,) = slack.messages
    assert edited.message_id == sent.message_id
    assert message.edits == 1
    assert message.arguments["metadata"] == before["metadata"]
    assert "More is known" in str(message.arguments["blocks"])


@pytest.mark.parametrize("sent_as", [None, "console:7", "m1"])
def test_an_update_of_no_message_of_this_channel_is_posted(slack, sent_as):
    delivery = channel_of(slack).send(alert(kind=AlertKind.UPDATE, sent_as=sent_as))

    assert delivery.outcome is SENT
    assert len(slack.messages) == 1


def test_an_update_of_a_deleted_message_is_refused(slack):
    delivery = channel_of(slack).send(alert(kind=AlertKind.UPDATE, sent_as=f"{CHANNEL}:1.5"))

    assert (delivery.outcome, "deleted" in (delivery.error or "")) == (REFUSED, True)


def test_a_doubtful_edit_is_done_again_without_a_look(slack):
    channel = channel_of(slack)
    sent = channel.send(alert())

    edited = channel.send(alert(kind=AlertKind.UPDATE, sent_as=sent.message_id, attempt=2))

    assert edited.outcome is SENT
    assert [method for method, _ in slack.calls] == ["chat.postMessage", "chat.update"]


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://127.0.0.1/", "slack.example"])
def test_an_address_that_is_no_web_address_is_a_configuration_error(url):
    with pytest.raises(ConfigurationError, match="FLAGTRAIL_SLACK_BASE_URL"):
        SlackChannel(token="xoxb-1", channel=CHANNEL, clock=ClockFake(), base_url=url)


def test_the_token_is_in_no_text(slack):
    channel = channel_of(slack, token="xoxb-secret-canary")

    assert "canary" not in repr(channel) + str(channel.send(alert()))
