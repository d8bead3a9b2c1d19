"""The records that CloudTrail makes of calls."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from examples.standin import seams
from examples.standin.call import Call
from examples.standin.events import to_second
from examples.standin.parameter_store import names

MASK = "HIDDEN_DUE_TO_SECURITY_REASONS"
MAX_TEXT = 1024
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


def frame(
    call: Call,
    event_id: str,
    request: dict[str, Any] | None,
    response: dict[str, Any] | None,
    error: tuple[str, str] | None,
) -> dict[str, Any]:
    """Return the record of a call: its request and answer, or its error, in the order of CloudTrail's keys."""
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
        "userAgent": (service_name or identity.user_agent or call.user_agent)[:MAX_TEXT],
    }
    if error:
        record["errorCode"], record["errorMessage"] = error[0], error[1][:MAX_TEXT]
    record |= {
        "requestParameters": request,
        "responseElements": response,
        "requestID": call.request_id,
        "eventID": event_id,
        "readOnly": call.operation.startswith(_READS),
    }
    if call.service == "ssm" and error is None and (resources := _resources(call)):
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


def request_of(call: Call) -> dict[str, Any] | None:
    """Return what a record keeps of a request: everything but secrets."""
    shape = seams.service_model(call.service).operation_model(call.operation).input_shape
    written = _camel(shape, call.params)
    return _masked(written) or None


def response_of(call: Call, result: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what a record keeps of an answer; None of reads, and of what has nothing to say."""
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
