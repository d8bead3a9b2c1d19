"""What SNS is given: every kind of message within its limits, attributes to filter by, and what its answers mean."""

from __future__ import annotations

import json
from collections.abc import Iterator

import boto3
import pytest
from botocore.config import Config

from auditor.adapters.channels._links import NO_LINKS, Links
from auditor.adapters.channels.sns import SnsChannel
from auditor.domain.alerts import DeliveryOutcome
from auditor.domain.errors import ConfigurationError
from tests.fakes import ClockFake
from tests.support.alerts import alert, recorded
from tests.support.messages import CODE_LINK, PAGE_LINK, cases
from tests.support.sns_server import TOPIC, SnsServer


@pytest.fixture
def sns() -> Iterator[SnsServer]:
    with SnsServer() as running:
        yield running


def channel_of(sns: SnsServer, topic: str = TOPIC, links: Links = NO_LINKS) -> SnsChannel:
    config = Config(retries={"total_max_attempts": 1}, connect_timeout=2, read_timeout=2)
    return SnsChannel(
        topic=topic,
        clock=ClockFake(),
        client=lambda region: boto3.client("sns", region_name=region, endpoint_url=sns.url, config=config),
        links=links,
    )


@pytest.mark.parametrize("name", sorted(cases()))
def test_every_kind_of_message_is_taken_and_hides_what_is_hidden(sns, name):
    told = cases()[name]

    delivery = channel_of(sns).send(told)

    assert delivery.outcome is DeliveryOutcome.SENT, delivery.error
    if name in ("deployment-half", "reply-at-the-end"):
        assert (sns.published, delivery.message_id) == ([], told.sent_as), "another message says the same"
        return
    (published,) = sns.published
    assert published["Message"].strip()
    assert "comparable" not in published["Message"]
    assert sns.attributes()["kind"] == told.kind.value


def test_a_subscription_can_filter_by_what_it_is_about(sns):
    channel_of(sns).send(cases()["updated"])

    attributes = sns.attributes()
    assert json.loads(attributes["application"]) == ["shop"]
    assert json.loads(attributes["environment"]) == ["prod"]
    assert json.loads(attributes["flag"]) == ["new-checkout"]
    assert json.loads(attributes["change"]) == ["updated"]
    assert attributes["severity"] == "high"
    assert "attempt" not in attributes


def test_the_text_says_what_who_where_and_how_to_put_it_back(sns):
    channel_of(sns).send(cases()["updated"])

    text = sns.published[0]["Message"]
    assert "enabled in prod" in text
    assert "/value: false → true" in text
    assert "dana@example.com" in text
    assert "aws ssm put-parameter --name /shop/prod/features/new-checkout" in text


def test_the_text_has_each_address_on_a_line_of_its_own(sns):
    channel_of(sns, links=Links(CODE_LINK, PAGE_LINK)).send(cases()["updated-with-links"])

    text = sns.published[0]["Message"].splitlines()
    assert f"  https://flags.example/shop/new-checkout.html#c{1:020}" in text
    assert text[text.index("  shop/checkout.py:12  read") + 1] == (
        "    https://code.example/shop/blob/0123abc/shop/checkout.py#L12"
    )
    assert "  … 1 more" in text


@pytest.mark.parametrize("name", ["updated-and-cut", "reply-of-a-step", "deployment-started"])
def test_whatever_stands_by_itself_says_where_to_read_more(sns, name):
    channel_of(sns, links=Links(None, PAGE_LINK)).send(cases()[name])

    assert "  https://flags.example/shop/new-checkout.html#c" in sns.published[0]["Message"]


def test_a_doubtful_message_is_published_again_and_says_so(sns):
    channel_of(sns).send(alert(attempt=2))

    assert sns.attributes()["attempt"] == "2"


def test_what_cannot_be_edited_is_published_again_and_says_so(sns):
    channel_of(sns).send(alert(recorded(), sent_as="sns:m-1"))

    assert "This replaces what was published before" in sns.published[0]["Message"]


def test_a_fifo_topic_drops_the_same_message_and_takes_one_that_grew(sns):
    channel = channel_of(sns, f"{TOPIC}.fifo")
    one, more = alert(recorded()), alert(recorded(), recorded(number=2), sent_as="sns:m-1")
    for told in (one, one, more):
        channel.send(told)

    keys = [published["MessageDeduplicationId"] for published in sns.published]
    assert keys[0] == keys[1] != keys[2]


@pytest.mark.parametrize(
    ("status", "code", "outcome"),
    [
        (400, "Throttled", DeliveryOutcome.LATER),
        (429, "ThrottledException", DeliveryOutcome.LATER),
        (500, "InternalError", DeliveryOutcome.UNKNOWN),
        (503, "ServiceUnavailable", DeliveryOutcome.UNKNOWN),
        (404, "NotFound", DeliveryOutcome.REFUSED),
        (403, "AuthorizationError", DeliveryOutcome.REFUSED),
        (400, "InvalidParameter", DeliveryOutcome.REFUSED),
    ],
)
def test_what_an_answer_means(sns, status, code, outcome):
    sns.faults.append((status, code))

    delivery = channel_of(sns).send(alert())

    assert delivery.outcome is outcome
    assert outcome is DeliveryOutcome.LATER or delivery.error
    assert sns.published == []


@pytest.mark.parametrize("topic", ["", "flag-changes", "arn:aws:sqs:eu-central-1:111122223333:q"])
def test_a_topic_is_named_by_its_arn(topic):
    with pytest.raises(ConfigurationError, match="ARN"):
        SnsChannel(topic=topic, clock=ClockFake())
