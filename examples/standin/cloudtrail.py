"""CloudTrail: a record of each call, on the event bus and in the event history."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from examples.standin import records
from examples.standin.call import Call
from examples.standin.clock import Clock
from examples.standin.errors import AccessDeniedError, AwsError, MalformedRequestError
from examples.standin.events import EventLog
from examples.standin.ids import Ids
from examples.standin.paging import page

RETENTION = timedelta(days=90)
DETAIL_TYPE = "AWS API Call via CloudTrail"


@dataclass(slots=True)
class CloudTrail:
    """The trail of every account and region."""

    clock: Clock
    events: EventLog
    ids: Ids
    delivers: bool = True
    lookup_delay: timedelta = timedelta(0)
    _records: dict[tuple[str, str], list[dict[str, Any]]] = field(default_factory=dict)

    def operations(self) -> dict[str, Callable[[Call], dict[str, Any] | None]]:
        """Return the operation on the event history; trails themselves are moto's."""
        return {"LookupEvents": self.lookup}

    def succeeded(self, call: Call, result: Mapping[str, Any] | None) -> None:
        """Record a call that was answered."""
        self._keep(call, records.request_of(call), records.response_of(call, result or {}))

    def refused(self, call: Call, error: AwsError) -> None:
        """Record a call that was refused, in the form in which its service records refusals.

        Denied or malformed: the error and no request. Refused by Parameter Store itself: no error at all, only an
        empty answer. Refused by AppConfig itself: the error beside the request.
        """
        if isinstance(error, AccessDeniedError):
            self._keep(call, None, None, ("AccessDenied", error.message))
        elif isinstance(error, MalformedRequestError):
            self._keep(call, None, None, (error.code, error.message))
        elif call.service == "ssm":
            self._keep(call, records.request_of(call), None)
        else:
            self._keep(call, records.request_of(call), None, (error.code, error.message))

    def lookup(self, call: Call) -> dict[str, Any]:
        """Answer the event history of the caller's account in one region, newest first."""
        asked = call.params
        attributes = asked.get("LookupAttributes") or []
        if len(attributes) > 1:
            raise AwsError("InvalidLookupAttributesException", "You can specify only one lookup attribute.")
        start, end = _moment(asked.get("StartTime")), _moment(asked.get("EndTime"))
        if start and end and start > end:
            raise AwsError("InvalidTimeRangeException", "The start time is later than the end time.")
        if asked.get("EventCategory"):
            return {"Events": []}
        visible = self.clock.now() - self.lookup_delay
        oldest = max(start or datetime.min.replace(tzinfo=UTC), self.clock.now() - RETENTION)
        newest = min(end or visible, visible)
        found = [
            record
            for record in reversed(self._records.get(call.scope, []))
            if oldest <= datetime.fromisoformat(record["eventTime"]) <= newest
            and all(_matches(record, attribute) for attribute in attributes)
        ]
        cut, token = page(
            found,
            size=asked.get("MaxResults") or 50,
            token=asked.get("NextToken"),
            query=[call.scope, attributes, asked.get("StartTime"), asked.get("EndTime")],
            error=AwsError("InvalidNextTokenException", "The token is not valid, or of another request."),
        )
        return {"Events": [_listed(record) for record in cut], "NextToken": token}

    def _keep(
        self,
        call: Call,
        request: dict[str, Any] | None,
        response: dict[str, Any] | None,
        error: tuple[str, str] | None = None,
    ) -> None:
        record = records.frame(call, self.ids.uuid(), request, response, error)
        self._records.setdefault(call.scope, []).append(record)
        if self.delivers and not record["readOnly"]:
            self.events.emit(
                source=f"aws.{call.service}",
                detail_type=DETAIL_TYPE,
                account=call.account,
                region=call.region,
                time=call.at,
                resources=[],
                detail=record,
            )


def _moment(value: datetime | None) -> datetime | None:
    return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value


def _matches(record: Mapping[str, Any], attribute: Mapping[str, str]) -> bool:
    held: dict[str, Any] = {
        "EventId": record["eventID"],
        "EventName": record["eventName"],
        "ReadOnly": str(record["readOnly"]).lower(),
        "Username": _username(record),
        "EventSource": record["eventSource"],
        "AccessKeyId": record["userIdentity"].get("accessKeyId"),
    }
    return held.get(attribute["AttributeKey"]) == attribute["AttributeValue"]


def _username(record: Mapping[str, Any]) -> str:
    identity = record["userIdentity"]
    if identity["type"] == "Root":
        return "root"
    return str(identity.get("userName") or identity["arn"].rsplit("/", 1)[-1])


def _listed(record: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "EventId": record["eventID"],
        "EventName": record["eventName"],
        "ReadOnly": str(record["readOnly"]).lower(),
        "AccessKeyId": record["userIdentity"].get("accessKeyId"),
        "EventTime": datetime.fromisoformat(record["eventTime"]),
        "EventSource": record["eventSource"],
        "Username": _username(record),
        "Resources": [],
        "CloudTrailEvent": json.dumps(record),
    }
