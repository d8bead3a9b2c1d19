"""Events that had to wait for a readable store: taken up once, by whatever id they come again."""

from __future__ import annotations

import copy

from examples.standin import StandIn
from tests.support.recording import Record

NAME = "/shop/prod/features/new-checkout"


def waiting(record: Record) -> int:
    with record.application.record.unit_of_work() as uow:
        return len(uow.inbox.deferred())


def written(aws: StandIn) -> dict:
    """Write a parameter and return CloudTrail's event of it."""
    aws.client("ssm").put_parameter(Name=NAME, Value="true", Type="String")
    (event,) = [event for event in aws.drain() if event["detail-type"] == "AWS API Call via CloudTrail"]
    return dict(event)


def test_a_deferred_event_that_comes_again_by_another_id_waits_no_longer(aws, record):
    event = written(aws)
    aws.deny(aws.product, "ssm:GetParameterHistory")
    assert record.outcomes(event) == ["deferred"]
    aws.allow(aws.product, "ssm:GetParameterHistory")
    replayed = copy.deepcopy(event) | {"id": "from-an-archive"}

    assert record.outcomes(replayed) == ["recorded"]

    assert waiting(record) == 0
    assert record.told("kind", "flag") == [("created", "new-checkout")]


def test_a_deferred_event_is_taken_up_by_the_next_reconcile_once(aws, record):
    event = written(aws)
    aws.deny(aws.product, "ssm:GetParameterHistory")
    record.take(event)
    aws.allow(aws.product, "ssm:GetParameterHistory")

    record.reconcile()

    assert waiting(record) == 0
    assert record.outcomes(event) == ["duplicate"]
    assert record.told("kind", "actor") == [("created", "operator")]
