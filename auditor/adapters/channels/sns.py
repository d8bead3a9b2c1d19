"""SNS: publishes each message as plain text, with what it is about as attributes that subscriptions filter by."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from auditor.adapters.channels import _links
from auditor.adapters.channels._links import NO_LINKS, Links
from auditor.application.message import Message, Told
from auditor.application.messages import compose
from auditor.application.ports import Clock
from auditor.application.threads import said_otherwise
from auditor.domain.alerts import Alert, Delivery, DeliveryOutcome
from auditor.domain.errors import ConfigurationError
from auditor.domain.findings import Severity

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient

ARN = re.compile(r"arn:aws[\w-]*:sns:(?P<region>[a-z0-9-]+):\d{12}:[\w-]{1,256}(?P<fifo>\.fifo)?")
LONGEST_TEXT = 200_000
_LONGEST_SUBJECT = 99
_WAIT = timedelta(seconds=30)
_THROTTLED = frozenset({"Throttled", "Throttling", "ThrottledException", "TooManyRequestsException"})
_REMEDIES = {
    "AuthorizationError": "allow sns:Publish on the topic",
    "AuthorizationErrorException": "allow sns:Publish on the topic",
    "AccessDenied": "allow sns:Publish on the topic",
    "InvalidClientTokenId": "check the credentials of the process",
    "SignatureDoesNotMatch": "check the credentials of the process",
    "ExpiredToken": "renew the credentials of the process",
    "NotFound": "check the topic's ARN in the configuration",
    "NotFoundException": "check the topic's ARN in the configuration",
    "KMSAccessDenied": "allow the topic's KMS key for the publisher",
}
_SERVER_ERROR = 500


class SnsChannel:
    """One topic. A message cannot be edited there: one that learns more, or grows, is published again and says so."""

    def __init__(
        self,
        *,
        topic: str,
        clock: Clock,
        client: Callable[[str], SNSClient] | None = None,
        name: str = "sns",
        links: Links = NO_LINKS,
    ) -> None:
        """Remember where to publish; ``client`` makes a client for a Region when it is first needed."""
        match = ARN.fullmatch(topic)
        if match is None:
            raise ConfigurationError(f"sns: {topic!r} is no topic; write its ARN, arn:aws:sns:REGION:ACCOUNT:NAME")
        self.name = name
        self._topic = topic
        self._region, self._fifo = match["region"], match["fifo"] is not None
        self._clock = clock
        self._links = links
        self._make = client or _client

    def send(self, alert: Alert) -> Delivery:
        """Publish one message and say what became of it; nobody can look whether a doubtful one arrived.

        A topic has no threads: what a deployment's message would say at a step is published once, as the step.

        A doubtful one is published again, with ``attempt`` among its attributes to say so. A FIFO topic drops it by
        itself where the first one arrived within five minutes.
        """
        from botocore.exceptions import (  # noqa: PLC0415 -- a handler without SNS need not pay for it
            BotoCoreError,
            ClientError,
            ConnectTimeoutError,
            EndpointConnectionError,
            NoCredentialsError,
        )

        if said_otherwise(alert):
            return Delivery(DeliveryOutcome.SENT, message_id=alert.sent_as)
        try:
            answer = self._sns.publish(**self._request(alert))
        except ClientError as error:
            return _of_error(error.response, self._clock.now())
        except NoCredentialsError:
            return Delivery(DeliveryOutcome.REFUSED, error="SNS refused: no AWS credentials; give the process some")
        except (EndpointConnectionError, ConnectTimeoutError) as error:
            return Delivery(DeliveryOutcome.LATER, error=f"SNS cannot be reached: {type(error).__name__}")
        except BotoCoreError as error:
            what = f"the connection to SNS broke before its answer ({type(error).__name__})"
            return Delivery(DeliveryOutcome.UNKNOWN, error=what)
        return Delivery(DeliveryOutcome.SENT, message_id=f"sns:{answer['MessageId']}")

    def _request(self, alert: Alert) -> dict[str, Any]:
        message = compose(alert)
        again = ["This replaces what was published before about the same."] if alert.sent_as else []
        text = "\n".join([message.title, "", *again, *lines(message, self._links)])
        request = {
            "TopicArn": self._topic,
            "Subject": _subject(message.title),
            "Message": text[:LONGEST_TEXT],
            "MessageAttributes": {name: _attribute(value) for name, value in attributes(alert).items() if value},
        }
        if self._fifo:
            state = f"{alert.key}|{alert.sent_as}|{len(alert.changes)}"
            request["MessageDeduplicationId"] = hashlib.sha256(state.encode()).hexdigest()
            request["MessageGroupId"] = "flagtrail"
        return request

    @cached_property
    def _sns(self) -> SNSClient:
        return self._make(self._region)


def lines(message: Message, links: Links = NO_LINKS) -> Iterable[str]:
    """Yield a message's lines below its title."""
    yield from message.lines
    bullet = "- " if len(message.changes) > 1 else ""
    for told in message.changes:
        yield f"{bullet}{told.sentence}"
        yield from _differences(told)
    if message.changes_left_out:
        yield f"… and {message.changes_left_out} more changes"
    yield from _links.lines(links, message)
    yield from (f"{fact.label}: {fact.text}" for fact in message.facts)
    yield from (f"! {finding.label}: {finding.text}" for finding in message.findings)
    yield from _code(message, links)
    for revert in message.reverts:
        yield f"To put it back: {' '.join(revert.notes)}"
        if revert.command is not None:
            yield f"  (account {revert.account}) {revert.command}"
    if message.footer:
        yield f"({message.footer})"


def _code(message: Message, links: Links) -> Iterable[str]:
    if message.code is not None:
        yield message.code
    for place in message.places:
        yield f"  {place.text}"
        url = _links.of_place(links, message, place)
        yield from () if url is None else (f"    {url}",)
    if message.places_left_out:
        yield f"  … {message.places_left_out} more"


def _differences(told: Told) -> Iterable[str]:
    for entry in told.diff:
        yield f"    {entry.path}: {entry.before or '(absent)'} → {entry.after or '(absent)'}"
    if told.left_out:
        yield f"    … {told.left_out} more"


def attributes(alert: Alert) -> dict[str, str | list[str]]:
    """Return what subscriptions may filter by."""
    about = [change.change for change in alert.changes]
    worst = max((f.severity for f in alert.findings), key=list(Severity).index, default=None)
    return {
        "kind": alert.kind.value,
        "change": _distinct(change.kind.value for change in about),
        "application": _distinct(change.application for change in about),
        "environment": _distinct(change.environment for change in about),
        "flag": _distinct(change.flag for change in about),
        "severity": "" if worst is None else worst.value,
        "attempt": str(alert.attempt) if alert.attempt > 1 else "",
    }


def _distinct(names: Iterable[str | None]) -> list[str]:
    return list(dict.fromkeys(name for name in names if name))[:10]


def _attribute(value: str | list[str]) -> dict[str, str]:
    if isinstance(value, str):
        return {"DataType": "String", "StringValue": value}
    return {"DataType": "String.Array", "StringValue": json.dumps(value)}


def _subject(title: str) -> str:
    """Return the title as SNS takes a subject: ASCII without controls, beginning with a letter or digit, short."""
    plain = "".join(char if " " <= char <= "~" else "?" for char in title)
    return f"Flags: {plain}"[:_LONGEST_SUBJECT]


def _of_error(response: Any, now: datetime) -> Delivery:
    """Return what SNS's refusal means."""
    code = str(response.get("Error", {}).get("Code", ""))
    status = int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    if code in _THROTTLED:
        return Delivery(DeliveryOutcome.LATER, not_before=now + _WAIT)
    if status >= _SERVER_ERROR:
        return Delivery(DeliveryOutcome.UNKNOWN, error=f"SNS answered {status} without saying what became of it")
    remedy = _REMEDIES.get(code, "see the code in the documentation of SNS Publish")
    return Delivery(DeliveryOutcome.REFUSED, error=f"SNS refused: {code or status}; {remedy}")


def _client(region: str) -> SNSClient:
    """Make a client that never tries again by itself: a retry after a lost answer publishes twice."""
    import boto3  # noqa: PLC0415 -- loaded when it is first needed
    from botocore.config import Config  # noqa: PLC0415 -- as above

    config = Config(retries={"total_max_attempts": 1}, connect_timeout=3, read_timeout=5, user_agent_extra="flagtrail")
    return boto3.client("sns", region_name=region, config=config)
