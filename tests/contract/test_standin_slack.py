"""The Slack that stands in for Slack keeps Slack's rules, asked by Slack's own client."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from examples.standin.slack import SlackServer

CHANNEL = "C0FLAGS01"


@pytest.fixture
def slack() -> Iterator[SlackServer]:
    with SlackServer() as running:
        yield running


@pytest.fixture
def client(slack: SlackServer) -> WebClient:
    return WebClient(token=slack.token, base_url=slack.url, retry_handlers=[])


def section(text: str, kind: str = "plain_text") -> dict[str, object]:
    return {"type": "section", "text": {"type": kind, "text": text}}


def header(text: str, kind: str = "plain_text") -> dict[str, object]:
    return {"type": "header", "text": {"type": kind, "text": text}}


def refused(call, *args, **fields) -> str:
    with pytest.raises(SlackApiError) as caught:
        call(*args, **fields)
    return caught.value.response["error"]


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"blocks": [section("x")] * 51}, "invalid_blocks"),
        ({"blocks": [section("x" * 3001)]}, "invalid_blocks"),
        ({"blocks": [section("")]}, "invalid_blocks"),
        ({"blocks": [header("x" * 151)]}, "invalid_blocks"),
        ({"blocks": [header("x", "mrkdwn")]}, "invalid_blocks"),
        ({"blocks": [{"type": "section"}]}, "invalid_blocks"),
        ({"blocks": [{"type": "section", "fields": [{"type": "mrkdwn", "text": "x"}] * 11}]}, "invalid_blocks"),
        ({"blocks": [{"type": "section", "fields": [{"type": "mrkdwn", "text": "x" * 2001}]}]}, "invalid_blocks"),
        ({"blocks": [{"type": "context", "elements": []}]}, "invalid_blocks"),
        ({"blocks": [{"type": "banner"}]}, "invalid_blocks"),
        ({"blocks": [{**section("x"), "colour": "red"}]}, "invalid_blocks"),
        ({"blocks": ["x"]}, "invalid_blocks"),
        ({"blocks": [section("x" * 2900)] * 5}, "msg_blocks_too_long"),
        ({"text": "x" * 40_001}, "msg_too_long"),
        ({"text": ""}, "no_text"),
        ({"text": "x", "metadata": {"event_type": "a b", "event_payload": {}}}, "invalid_metadata_format"),
        ({"text": "x", "metadata": {"event_type": "a"}}, "invalid_metadata_format"),
        ({"text": "x", "metadata": {"event_type": "a", "event_payload": {"k": "x" * 9000}}}, "invalid_metadata_format"),
        ({"text": "x", "channel": "C0NOWHERE"}, "channel_not_found"),
    ],
)
def test_what_slack_refuses_is_refused(slack, client, fields, error):
    message = {"channel": CHANNEL, "text": "t", **fields}
    assert refused(client.api_call, "chat.postMessage", json=message) == error
    assert slack.messages == []


@pytest.mark.parametrize(
    "blocks",
    [
        [section("x")] * 50,
        [section("x" * 3000)],
        [header("x" * 150)],
        [{"type": "divider"}],
        [{"type": "section", "fields": [{"type": "mrkdwn", "text": "x" * 2000, "verbatim": True}]}],
        [{"type": "context", "elements": [{"type": "plain_text", "text": "x", "emoji": False}]}],
    ],
)
def test_what_slack_takes_is_taken(slack, client, blocks):
    assert client.chat_postMessage(channel=CHANNEL, text="t", blocks=blocks)["ok"]
    assert len(slack.messages) == 1


def test_who_one_is(slack, client):
    assert client.auth_test()["user"] == "flagtrail"
    assert refused(WebClient(token="xoxb-other", base_url=slack.url, retry_handlers=[]).auth_test) == "invalid_auth"
    assert refused(WebClient(base_url=slack.url, retry_handlers=[]).auth_test) == "not_authed"
    assert refused(client.api_call, "chat.doWhatever", json={}) == "unknown_method"


def test_a_channel_takes_one_message_a_second():
    now = [1000.0]
    with SlackServer(seconds_per_message=1, clock=lambda: now[0]) as slack:
        client = WebClient(token=slack.token, base_url=slack.url, retry_handlers=[])
        client.chat_postMessage(channel=CHANNEL, text="one")
        with pytest.raises(SlackApiError) as caught:
            client.chat_postMessage(channel=CHANNEL, text="two")
        assert caught.value.response.status_code == 429
        assert caught.value.response.headers["Retry-After"] == "2"
        now[0] += 1
        client.chat_postMessage(channel=CHANNEL, text="two")

        assert [message.arguments["text"] for message in slack.messages] == ["one", "two"]


def test_the_history_is_newest_first_in_pages_with_metadata_on_request(client):
    metadata = {"event_type": "kind", "event_payload": {"key": "v"}}
    stamps = [client.chat_postMessage(channel=CHANNEL, text=text, metadata=metadata)["ts"] for text in "abc"]

    first = client.conversations_history(channel=CHANNEL, limit=2, include_all_metadata=True)
    assert [(m["text"], m["metadata"]) for m in first["messages"]] == [("c", metadata), ("b", metadata)]
    rest = client.conversations_history(channel=CHANNEL, cursor=first["response_metadata"]["next_cursor"])
    assert [("metadata" in m, m["text"]) for m in rest["messages"][:1]] == [(False, "a")]
    newer = client.conversations_history(channel=CHANNEL, oldest=stamps[1])
    assert [m["text"] for m in newer["messages"]] == ["c"]
    assert refused(client.conversations_history, channel="flag-changes") == "channel_not_found"


def test_an_edit_changes_the_message_and_keeps_its_metadata(slack, client):
    metadata = {"event_type": "kind", "event_payload": {"key": "v"}}
    stamp = client.chat_postMessage(channel="#flag-changes", text="before", metadata=metadata)["ts"]

    client.chat_update(channel=CHANNEL, ts=stamp, text="after")

    (message,) = slack.messages
    assert (message.arguments["text"], message.posted["text"], message.edits) == ("after", "before", 1)
    assert message.arguments["metadata"] == metadata
    assert refused(client.chat_update, channel=CHANNEL, ts="1.0", text="x") == "message_not_found"
    assert refused(client.chat_update, channel="#flag-changes", ts=stamp, text="x") == "channel_not_found"
    assert refused(client.chat_update, channel=CHANNEL, ts=stamp, text="x", blocks=["x"]) == "invalid_blocks"


def test_channels_are_listed(client):
    assert [(c["id"], c["name"]) for c in client.conversations_list()["channels"]] == [(CHANNEL, "flag-changes")]
