"""What Parameter Store's own events tell: that a parameter changed, never to what, never by whom."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from auditor.adapters.sources._parameter_names import Parameter, ParameterNames
from auditor.domain.errors import MalformedDocumentError, MalformedEventError
from auditor.domain.events import DocumentHint, Notices, Operation, RawEvent, Signal
from auditor.domain.masking import mask_text
from auditor.domain.values import load_json

CHANGE = "Parameter Store Change"
POLICY_ACTION = "Parameter Store Policy Action"

_OPERATIONS = {
    "Create": Operation.TOUCHED,
    "Update": Operation.TOUCHED,
    "Delete": Operation.DELETED,
    "LabelParameterVersion": Operation.LABELLED,
}
_POLICIES = {
    "NoChangeNotification": "policy_no_change",
    "ExpirationNotification": "policy_expiration_notice",
    "Expiration": "policy_expiration",
}


def parse_change(event: RawEvent, names: ParameterNames) -> Notices:
    """Return what a Parameter Store Change tells."""
    parameter = _parameter(event, "name", names)
    if parameter is None:
        return Notices()
    if "exception" in event.detail:
        return Notices(signals=(_failed_validation(event, parameter),))
    operation = _OPERATIONS.get(str(event.detail.get("operation")))
    if operation is None:
        raise MalformedEventError(f"the event about {parameter.document.name} has an operation that is not known")
    if operation is not Operation.LABELLED:
        return Notices(hints=(DocumentHint(parameter.document, event.time, operation),))
    label, version = mask_text(_text(event.detail, "label")), _text(event.detail, "toVersion")
    return Notices(hints=(DocumentHint(parameter.document, event.time, operation, version=version, label=label),))


def parse_policy_action(event: RawEvent, names: ParameterNames) -> Notices:
    """Return what a Parameter Store Policy Action tells: an expiry is a change, anything else a signal."""
    parameter = _parameter(event, "parameter-name", names)
    if parameter is None:
        return Notices()
    policy, status = _text(event.detail, "policy-type"), _text(event.detail, "action-status")
    reason = event.detail.get("action-reason")
    said = mask_text(reason) if isinstance(reason, str) else None
    if (policy, status) == ("Expiration", "SUCCESS"):
        hint = DocumentHint(parameter.document, event.time, Operation.EXPIRED, said or "the parameter's policy expired")
        return Notices(hints=(hint,))
    code = "policy_failed" if status == "FAILURE" else _POLICIES.get(policy, "policy_notice")
    text = said or _policy_text(policy, status, event.detail.get("policy-content"))
    return Notices(signals=(Signal(parameter.document, event.time, code, text),))


def _parameter(event: RawEvent, key: str, names: ParameterNames) -> Parameter | None:
    parameter = names.find(_text(event.detail, key), event.account, event.region)
    if parameter is not None and not parameter.possible:
        raise MalformedEventError("the event names a parameter that cannot exist")
    return parameter


def _failed_validation(event: RawEvent, parameter: Parameter) -> Signal:
    reason, data_type = event.detail.get("exception"), event.detail.get("dataType")
    text = f"the value was refused as {data_type}: {mask_text(str(reason))}; nothing was written"
    return Signal(parameter.document, event.time, "validation_failed", text)


def _policy_text(policy: str, status: str, content: object) -> str:
    """Return a policy's notice in words."""
    attributes = _attributes(content)
    if policy == "NoChangeNotification" and attributes:
        return f"not changed for {attributes.get('After')} {str(attributes.get('Unit')).lower()}"
    if policy == "ExpirationNotification" and attributes:
        return f"expires in {attributes.get('Before')} {str(attributes.get('Unit')).lower()}"
    return f"policy {mask_text(policy)}: {mask_text(status)}"


def _attributes(content: object) -> Mapping[str, Any]:
    """Return the attributes of a policy, which arrives as JSON inside a text."""
    try:
        policy = load_json(content) if isinstance(content, str) else None
    except MalformedDocumentError:
        return {}
    attributes = policy.get("Attributes") if isinstance(policy, dict) else None
    return attributes if isinstance(attributes, dict) else {}


def _text(detail: Mapping[str, Any], key: str) -> str:
    value = detail.get(key)
    if not isinstance(value, str) or not value:
        raise MalformedEventError(f"the Parameter Store event has no {key}")
    return value
