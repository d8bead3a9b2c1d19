"""CloudTrail: a record of each call, on the event bus and in the event history."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from examples.standin import seams
from examples.standin.call import Call
from examples.standin.clock import Clock
from examples.standin.errors import AccessDeniedError, AwsError, MalformedRequestError
from examples.standin.events import EventLog, to_second
from examples.standin.ids import Ids
from examples.standin.paging import page
from examples.standin.parameter_store import names

MASK = "HIDDEN_DUE_TO_SECURITY_REASONS"
RETENTION = timedelta(days=90)
DETAIL_TYPE = "AWS API Call via CloudTrail"
_READS = ("Get", "List", "Describe", "Lookup", "Validate")
_TLS = {
    "ssm": ("TLSv1.2", "ECDHE-RSA-AES128-GCM-SHA256"),
    "appconfig": ("TLSv1.3", "TLS_AES_128_GCM_SHA256"),
}
# A hosted version's content comes back masked, and the mask as the dump of the Java buffer that holds it.
_MASK_BUFFER = {
    "hb": list(MASK.encode()),
    "offset": 0,
    "isReadOnly": False,
    "bigEndian": True,
    "nativeByteOrder": False,
    "mark": -1,
    "position": 0,
    "limit": len(MASK),
    "capacity": len(MASK),
    "address": 8,
}
# SSM's answers that CloudTrail keeps; the others are null on success too.
_SSM_ANSWERED = frozenset({"PutParameter", "DeleteParameters", "LabelParameterVersion", "UnlabelParameterVersion"})


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
        self._keep(call, self._frame(call, _request(call), _response(call, result or {})))

    def refused(self, call: Call, error: AwsError) -> None:
        """Record a call that was refused, in the form in which its service records refusals.

        Denied or malformed: the error and no request. Refused by Parameter Store itself: no error at all, only an
        empty answer. Refused by AppConfig itself: the error beside the request.
        """
        if isinstance(error, AccessDeniedError):
            self._keep(call, self._frame(call, None, None, ("AccessDenied", error.message), named=False))
        elif isinstance(error, MalformedRequestError):
            self._keep(call, self._frame(call, None, None, (error.code, error.message), named=False))
        elif call.service == "ssm":
            self._keep(call, self._frame(call, _request(call), None))
        else:
            record = self._frame(call, _request(call), None, (error.code, error.message), named=False)
            self._keep(call, record)

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

    def _keep(self, call: Call, record: dict[str, Any]) -> None:
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

    def _frame(
        self,
        call: Call,
        request: dict[str, Any] | None,
        response: dict[str, Any] | None,
        error: tuple[str, str] | None = None,
        *,
        named: bool = True,
    ) -> dict[str, Any]:
        identity = call.identity
        service_name = identity.invoked_by
        record: dict[str, Any] = {
            "eventVersion": "1.11",
            "userIdentity": identity.user_identity(),
            "eventTime": to_second(call.at),
            "eventSource": f"{call.service}.amazonaws.com",
            "eventName": call.operation,
            "awsRegion": call.region,
            "sourceIPAddress": service_name or identity.source_ip,
            "userAgent": service_name or identity.user_agent or call.user_agent,
        }
        if error:
            record["errorCode"], record["errorMessage"] = error
        record |= {
            "requestParameters": request,
            "responseElements": response,
            "requestID": call.request_id,
            "eventID": self.ids.uuid(),
            "readOnly": call.operation.startswith(_READS),
        }
        if named and call.service == "ssm" and (resources := _resources(call)):
            record["resources"] = resources
        record |= {
            "eventType": "AwsApiCall",
            "managementEvent": True,
            "recipientAccountId": call.account,
            "eventCategory": "Management",
        }
        if identity.console:
            record["sessionCredentialFromConsole"] = "true"
        elif not service_name and call.service in _TLS:
            version, suite = _TLS[call.service]
            record["tlsDetails"] = {
                "tlsVersion": version,
                "cipherSuite": suite,
                "clientProvidedHostHeader": f"{call.service}.{call.region}.amazonaws.com",
            }
        return record


def _request(call: Call) -> dict[str, Any] | None:
    shape = seams.service_model(call.service).operation_model(call.operation).input_shape
    written = _camel(shape, call.params)
    return _masked(written) or None


def _response(call: Call, result: Mapping[str, Any]) -> dict[str, Any] | None:
    if call.operation.startswith(_READS) or (call.service == "ssm" and call.operation not in _SSM_ANSWERED):
        return None
    shape = seams.service_model(call.service).operation_model(call.operation).output_shape
    if shape is None or not result:
        return None
    written = _camel(shape, dict(result))
    if "Content" in result:
        written["content"] = _MASK_BUFFER
    return _masked(written)


def _masked(written: dict[str, Any]) -> dict[str, Any]:
    masked = dict(written)
    for member in ("value", "content"):
        if member in masked and not isinstance(masked[member], dict):
            masked[member] = MASK
    if "validators" in masked:
        masked["validators"] = [one | {"content": MASK} for one in masked["validators"]]
    return masked


def _camel(shape: Any, value: Any) -> Any:
    """Return a request or an answer as CloudTrail spells it: members in lower camel case, times in text."""
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if shape.type_name == "structure":
        return {
            name[:1].lower() + name[1:]: _camel(shape.members[name], member) if name in shape.members else member
            for name, member in value.items()
            if member is not None
        }
    if shape.type_name == "list":
        return [_camel(shape.member, item) for item in value]
    if shape.type_name == "map":
        return {key: _camel(shape.value, item) for key, item in value.items()}
    return value


def _resources(call: Call) -> list[dict[str, str]]:
    return [
        {"ARN": names.arn(call.account, call.region, names.bare(name)), "accountId": call.account}
        for name in named_parameters(call.params)
    ]


def named_parameters(params: Mapping[str, Any]) -> Iterable[str]:
    """Return the names of parameters in a request, whether they exist or not."""
    if isinstance(params.get("Names"), list):
        return list(params["Names"])
    name = params.get("Name") or params.get("Path") or params.get("ResourceId")
    return [name] if isinstance(name, str) else []


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
