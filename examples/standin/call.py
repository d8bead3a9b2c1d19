"""One call of one AWS operation, and how it is read from HTTP and answered."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from xml.etree import ElementTree as ET

from examples.standin import seams
from examples.standin.errors import AwsError
from examples.standin.identity import Identity

# The names that requests are signed with, where they are not botocore's name of the service.
_SIGNED_AS = {"monitoring": "cloudwatch", "email": "ses", "states": "stepfunctions"}
# What REST services answer with where their model names no status.
_USUAL_STATUS = {"AccessDeniedException": 403, "AccessDenied": 403, "ThrottlingException": 429}
_APPCONFIG_DATA_PATHS = ("/configurationsessions", "/configuration")


@dataclass(frozen=True, slots=True)
class Call:
    """What a service is asked: by whom, where, when, and with what."""

    service: str
    operation: str
    params: dict[str, Any]
    identity: Identity
    region: str
    at: datetime
    request_id: str
    user_agent: str

    @property
    def account(self) -> str:
        """Return the account that the call works in: the caller's."""
        return self.identity.account

    @property
    def scope(self) -> tuple[str, str]:
        """Return account and region, which no resource is seen across."""
        return (self.account, self.region)


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back over HTTP."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Signature:
    """What the Authorization header tells: whose key, for which region and service."""

    access_key_id: str
    region: str
    service: str


def read_signature(request: seams.Request) -> Signature | None:
    """Return what a request is signed with; None when it is not signed."""
    header = request.headers.get("Authorization", "")
    _, found, rest = header.partition("Credential=")
    parts = rest.split(",")[0].split("/")
    if not found or len(parts) < 5:  # noqa: PLR2004
        return None
    return Signature(parts[0], parts[2], parts[3])


def service_of(signed_as: str, path: str) -> str:
    """Return botocore's name of the service that a request is for."""
    if signed_as == "appconfig" and path.startswith(_APPCONFIG_DATA_PATHS):
        return "appconfigdata"
    return _SIGNED_AS.get(signed_as, signed_as)


def answer_with(call: Call, content_type: str, result: Mapping[str, Any] | None) -> Answer:
    """Return the answer to a call that succeeded."""
    status, headers, body = seams.serialize(call.service, call.operation, content_type, result or {})
    return Answer(status, headers | _request_id(call.request_id), body)


def refuse_with(service: str, content_type: str, error: AwsError, request_id: str) -> Answer:
    """Return the answer to a call that was refused, in the service's protocol."""
    protocol = seams.protocol(service, content_type)
    shape = seams.error_shape(service, error.code)
    modelled = shape.metadata.get("error", {}).get("httpStatusCode") if shape else None
    usual = _USUAL_STATUS.get(error.code, 400) if protocol.startswith("rest") else 400
    status = error.status or modelled or usual
    headers = {"x-amzn-ErrorType": error.code} | _request_id(request_id)
    if "json" not in protocol:
        return Answer(status, headers | {"Content-Type": "text/xml"}, _error_xml(protocol, error, request_id))
    message = "Message" if shape and "Message" in shape.members else "message"
    told = {message: error.message} if error.message else {}
    body = json.dumps({"__type": error.code} | told | error.members).encode()
    return Answer(status, headers | {"Content-Type": "application/json"}, body)


def _error_xml(protocol: str, error: AwsError, request_id: str) -> bytes:
    told = ET.Element("Error")
    for name, text in (("Type", "Sender"), ("Code", error.code), ("Message", error.message)):
        ET.SubElement(told, name).text = text
    if protocol == "rest-xml":
        return ET.tostring(told)
    whole = ET.Element("ErrorResponse")
    whole.append(told)
    ET.SubElement(whole, "RequestId").text = request_id
    return ET.tostring(whole)


def refuse_unknown(error: AwsError, request_id: str) -> Answer:
    """Return a refusal for a service of which not even the protocol is known."""
    body = json.dumps({"__type": error.code, "message": error.message}).encode()
    headers = {"Content-Type": "application/json", "x-amzn-errortype": error.code}
    return Answer(error.status or 400, headers | _request_id(request_id), body)


def _request_id(request_id: str) -> dict[str, str]:
    return {"x-amzn-RequestId": request_id}
