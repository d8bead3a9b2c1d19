"""Slack: posts through a bot token, edits its messages, and looks before it sends anything twice."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import cached_property
from http.client import HTTPException
from typing import TYPE_CHECKING, Any, TypeVar

from auditor.adapters.channels import _slack_answers as answers
from auditor.adapters.channels._links import NO_LINKS, Links
from auditor.adapters.channels._slack_blocks import EVENT_TYPE, edit_payload, metadata_key, payload
from auditor.application.messages import compose
from auditor.application.ports import Clock
from auditor.domain.alerts import Alert, AlertKind, Delivery, DeliveryOutcome
from auditor.domain.errors import ConfigurationError

if TYPE_CHECKING:
    from slack_sdk import WebClient

TIMEOUT_SECONDS = 5
DEFAULT_BASE_URL = "https://slack.com/api/"
# The two clocks may differ, and a message is never older than its alert.
_CLOCK_MARGIN = timedelta(hours=1)
_PAGE = 200
_PAGES = 15
_CHANNEL_ID = re.compile(r"[CDG][A-Z0-9]{5,}")

# What Slack says of a message that nobody can edit any more.
_CLOSED = frozenset({"message_not_found", "cant_update_message", "edit_window_closed"})

Answer = TypeVar("Answer")


class SlackChannel:
    """One Slack channel; its messages carry the alert's key, by which a doubtful one is looked for."""

    def __init__(
        self,
        *,
        token: str,
        channel: str,
        clock: Clock,
        base_url: str | None = None,
        timeout: int = TIMEOUT_SECONDS,
        name: str = "slack",
        links: Links = NO_LINKS,
    ) -> None:
        """Remember where to post; nothing is connected or loaded before the first message."""
        url = base_url or DEFAULT_BASE_URL
        if not url.startswith(("https://", "http://")):
            raise ConfigurationError(f"FLAGTRAIL_SLACK_BASE_URL: {url!r} is no http or https address")
        self.name = name
        self._token = token
        self._channel = channel
        self._clock = clock
        self._base_url = url if url.endswith("/") else f"{url}/"
        self._timeout = timeout
        self._links = links

    def send(self, alert: Alert) -> Delivery:
        """Post or edit one message and say what became of it; where there is no message to edit, it is posted anew.

        An alert whose earlier attempt is in doubt is looked for first. Every further post needs two looks that found
        nothing, one by each attempt, because a message may take a moment to show.
        """
        channel, _, timestamp = (alert.sent_as or "").rpartition(":")
        if timestamp and _CHANNEL_ID.fullmatch(channel):
            return self._told(lambda: self._edit(alert, channel, timestamp))
        if alert.attempt > 1:
            found = self._told(lambda: self._look(alert))
            if found is not None and found.outcome is DeliveryOutcome.REFUSED:
                # What Slack refused is the look: whether the message arrived stays open.
                return Delivery(DeliveryOutcome.UNKNOWN, error=f"cannot look whether it arrived: {found.error}")
            if found is not None:
                return found
            if alert.attempt % 2 == 0:
                return Delivery(
                    DeliveryOutcome.UNKNOWN, error="not in the channel yet; looking once more before it is sent again"
                )
        return self._told(lambda: self._post(alert))

    def _post(self, alert: Alert) -> Delivery:
        sent = payload(compose(alert), self._channel, _timestamp(alert.thread), self._links)
        answer = self._call("chat.postMessage", json=sent)
        return answers.sent(str(answer.get("channel") or self._channel), str(answer.get("ts")))

    def _edit(self, alert: Alert, channel: str, timestamp: str) -> Delivery:
        """Edit the message that was sent; doing so twice changes nothing, so doubt means to do it again.

        A message that cannot be edited any more is told anew: what it would say now is said nowhere else.
        """
        from slack_sdk.errors import SlackApiError  # noqa: PLC0415 -- loaded by _client below anyway

        try:
            self._call("chat.update", json=edit_payload(compose(alert), channel, timestamp, self._links))
        except SlackApiError as error:
            response: Any = error.response
            if alert.kind is AlertKind.UPDATE or response.get("error") not in _CLOSED:
                raise
            # An earlier attempt may have told it anew already.
            return (self._look(alert) if alert.attempt > 1 else None) or self._post(alert)
        return answers.sent(channel, timestamp)

    def _look(self, alert: Alert) -> Delivery | None:
        """Return the delivery of an alert that is in the channel already, or ``None``; unknown after too many pages."""
        channel, key, thread = self._channel_id(), metadata_key(alert.key), _timestamp(alert.thread)
        method, about = ("conversations.history", {}) if thread is None else ("conversations.replies", {"ts": thread})
        oldest = str((alert.created_at - _CLOCK_MARGIN).timestamp())
        cursor = ""
        for _ in range(_PAGES):
            page = self._call(
                method,
                params={
                    "channel": channel,
                    **about,
                    "oldest": oldest,
                    "limit": _PAGE,
                    "cursor": cursor,
                    "include_all_metadata": True,
                },
            )
            for message in page.get("messages") or ():
                if _key_of(message) == key:
                    return answers.sent(channel, str(message.get("ts")))
            cursor = (page.get("response_metadata") or {}).get("next_cursor") or ""
            if not cursor:
                return None
        return Delivery(DeliveryOutcome.UNKNOWN, error=f"not among the last {_PAGE * _PAGES:,} messages of the channel")

    def _channel_id(self) -> str:
        """Return the channel's id, which its history is asked by; a name that Slack does not list stays as it is."""
        if _CHANNEL_ID.fullmatch(self._channel):
            return self._channel
        wanted = self._channel.removeprefix("#")
        return next((str(found["id"]) for found in self._channels() if found.get("name") == wanted), self._channel)

    def _channels(self) -> Iterator[dict[str, Any]]:
        cursor = ""
        for _ in range(_PAGES):
            params = {
                "limit": _PAGE,
                "cursor": cursor,
                "exclude_archived": True,
                "types": "public_channel,private_channel",
            }
            page = self._call("conversations.list", params=params)
            yield from page.get("channels") or ()
            cursor = (page.get("response_metadata") or {}).get("next_cursor") or ""
            if not cursor:
                return

    def _told(self, call: Callable[[], Answer]) -> Answer | Delivery:
        """Return what a call to Slack came to, its errors and silences included."""
        from slack_sdk.errors import SlackApiError  # noqa: PLC0415 -- loaded by _client below anyway

        try:
            return call()
        except SlackApiError as error:
            response: Any = error.response
            code = str(response.get("error") or "no error named")
            return answers.of_error(response.status_code, response.headers, code, self._clock.now())
        except (OSError, HTTPException, UnicodeDecodeError) as error:
            return answers.of_silence(error, self._clock.now())

    def _call(self, method: str, **arguments: Any) -> dict[str, Any]:
        try:
            answer: Any = self._client.api_call(method, **arguments)
        except AttributeError as error:
            # The client takes every JSON for an object, also what a proxy in between answers.
            raise HTTPException("an answer that is not Slack's") from error
        return dict(answer.data)

    @cached_property
    def _client(self) -> WebClient:
        """Make the client when it is first needed: loading it takes longer than the rest of a handler's start."""
        from slack_sdk import WebClient  # noqa: PLC0415 -- a handler without alerts need not pay for it

        quiet = logging.getLogger(f"{__name__}.client")
        quiet.addHandler(logging.NullHandler())
        quiet.propagate = False
        # Its own retries post twice after a lost answer, and sleep inside the call.
        return WebClient(
            token=self._token, base_url=self._base_url, timeout=self._timeout, retry_handlers=[], logger=quiet
        )


def _timestamp(message_id: str | None) -> str | None:
    """Return by which timestamp Slack knows a message that was sent; ``None``: it was sent by no Slack."""
    channel, _, timestamp = (message_id or "").rpartition(":")
    return timestamp if timestamp and _CHANNEL_ID.fullmatch(channel) else None


def _key_of(message: dict[str, Any]) -> str | None:
    """Return the outbox key that a message in the channel carries, or ``None``."""
    metadata = message.get("metadata") or {}
    if metadata.get("event_type") != EVENT_TYPE:
        return None
    key = (metadata.get("event_payload") or {}).get("outbox_key")
    return key if isinstance(key, str) else None
