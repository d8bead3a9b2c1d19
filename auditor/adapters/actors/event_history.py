"""CloudTrail's event history: who called what in the last 90 days, for what no live record told."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from auditor.adapters.actors.cloudtrail import DETAIL_TYPE
from auditor.adapters.aws import AwsClients, answered_at, answering, utc_now
from auditor.application.ports import TrailPage
from auditor.domain.events import RawEvent
from auditor.domain.times import parse_rfc3339

if TYPE_CHECKING:
    from mypy_boto3_cloudtrail import CloudTrailClient

_PAGE = 50


@dataclass(frozen=True, slots=True)
class EventHistory:
    """LookupEvents, one name of a call at a time: AWS takes one condition, and reads would bury the writes."""

    clients: AwsClients
    now: Callable[[], datetime] = utc_now

    def pages(self, account: str, region: str, call: str, since: datetime | None) -> Iterator[TrailPage]:
        """Yield the records of calls of this name since then, newest first, or all that CloudTrail still has.

        Raise ``StoreUnreadableError`` when CloudTrail gives no answer.
        """
        client: CloudTrailClient = self.clients.client("cloudtrail", account, region)
        asked: dict[str, Any] = {"LookupAttributes": [{"AttributeKey": "EventName", "AttributeValue": call}]}
        if since is not None:
            asked["StartTime"] = since
        pages = client.get_paginator("lookup_events")
        with answering("cloudtrail:LookupEvents", f"calls of {call}", account, region):
            for page in pages.paginate(**asked, PaginationConfig={"PageSize": _PAGE}):
                events = tuple(_events(page.get("Events") or (), account, region))
                yield TrailPage(events, answered_at(page, self.now()))


def _events(listed: Any, account: str, region: str) -> Iterator[RawEvent]:
    """Yield records in the form in which they arrive live; what is no record is passed over."""
    for entry in listed:
        try:
            detail = json.loads(entry.get("CloudTrailEvent") or "null")
        except ValueError:
            continue
        if not isinstance(detail, dict):
            continue
        service, _, rest = str(detail.get("eventSource")).partition(".")
        moment = _time(detail.get("eventTime"))
        if rest == "amazonaws.com" and moment is not None:
            event_id = str(detail.get("eventID", ""))
            yield RawEvent(event_id, f"aws.{service}", DETAIL_TYPE, account, region, moment, detail)


def _time(text: object) -> datetime | None:
    try:
        return parse_rfc3339(text) if isinstance(text, str) else None
    except (ValueError, OverflowError):
        return None
