"""Delivery: AWS's events on their way to the function, through a queue that loses, doubles and swaps some."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from examples.demo.story import Step
from examples.standin import StandIn

Event = dict[str, Any]


def play(aws: StandIn, steps: Sequence[Step], start: datetime) -> Iterator[tuple[Step, list[list[Event]]]]:
    """Play the steps, each at its own time, and yield the batches of events that arrive after it."""
    held: list[Event] = []
    for step in steps:
        aws.set_time(start + step.at)
        passed = aws.drain()
        step.act()
        happened = aws.drain()
        batches = [passed, *_arrivals(step, happened), held]
        held = happened if step.fate == "swapped" else []
        yield step, [batch for batch in batches if batch]


def _arrivals(step: Step, happened: list[Event]) -> list[list[Event]]:
    """Return what arrives of a step's events, and how often."""
    if step.fate in ("lost", "swapped"):
        return []
    return [happened, happened] if step.fate == "doubled" else [happened]


def as_batch(events: Sequence[Event]) -> dict[str, Any]:
    """Return events as SQS hands them to a function: each body is a whole EventBridge event."""
    records = [
        {
            "messageId": f"message-{number}-{event['id']}",
            "eventSource": "aws:sqs",
            "body": json.dumps(event),
            "attributes": {"ApproximateReceiveCount": "1"},
        }
        for number, event in enumerate(events)
    ]
    return {"Records": records}
