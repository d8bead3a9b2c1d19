"""Parameter policies: what an advanced parameter does by itself when its time comes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from examples.standin.errors import AwsError

MAX_POLICIES = 10
MAX_SPAN = 8760000
_UNITS = {"Days": timedelta(days=1), "Hours": timedelta(hours=1)}
_ATTRIBUTES = {
    "Expiration": {"Timestamp"},
    "ExpirationNotification": {"Before", "Unit"},
    "NoChangeNotification": {"After", "Unit"},
}


@dataclass(slots=True)
class Policy:
    """One policy of one version of a parameter."""

    type: str
    text: str
    attributes: dict[str, str]
    status: str = "Pending"

    def as_written(self) -> dict[str, str]:
        """Return it as GetParameterHistory shows it."""
        return {"PolicyText": self.text, "PolicyType": self.type}

    def as_planned(self) -> dict[str, str]:
        """Return it as DescribeParameters shows it: with what has become of it."""
        return self.as_written() | {"PolicyStatus": self.status}

    def due(self, modified_at: datetime, expires_at: datetime | None) -> datetime | None:
        """Return when it acts; None for a notice before an expiration that is not set."""
        if self.type == "Expiration":
            return expires_at
        if self.type == "NoChangeNotification":
            return modified_at + self._span("After")
        return None if expires_at is None else expires_at - self._span("Before")

    def expires_at(self) -> datetime | None:
        """Return the moment of an expiration; None for the other kinds."""
        return _timestamp(self.attributes["Timestamp"]) if self.type == "Expiration" else None

    def _span(self, attribute: str) -> timedelta:
        return int(self.attributes[attribute]) * _UNITS[self.attributes["Unit"]]


def read(text: str | None) -> tuple[Policy, ...]:
    """Return the policies that PutParameter's ``Policies`` names; an empty policy in it removes them all."""
    if text is None:
        return ()
    try:
        entries = json.loads(text)
    except ValueError:
        raise AwsError("ValidationException", f"Invalid policies input: {text}.") from None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise AwsError("ValidationException", f"Invalid policies input: {text}.")
    if len(entries) > MAX_POLICIES:
        raise AwsError("PoliciesLimitExceededException", f"A parameter can have at most {MAX_POLICIES} policies.")
    return tuple(_read_one(entry) for entry in entries if entry)


def _read_one(entry: dict[str, Any]) -> Policy:
    kind, attributes = entry.get("Type"), entry.get("Attributes")
    if kind not in _ATTRIBUTES:
        raise AwsError("InvalidPolicyTypeException", f"Policy type {kind} is not supported.")
    policy = Policy(kind, json.dumps(entry, separators=(",", ":")), attributes if isinstance(attributes, dict) else {})
    for name in sorted(_ATTRIBUTES[kind]):
        _check_attribute(name, policy.attributes.get(name))
    return policy


def _check_attribute(name: str, value: Any) -> None:
    if name == "Unit":
        if value not in _UNITS:
            raise AwsError("InvalidPolicyAttributeException", f"Attribute Unit must be one of {', '.join(_UNITS)}.")
    elif name == "Timestamp":
        try:
            _timestamp(str(value))
        except ValueError:
            raise AwsError("InvalidPolicyAttributeException", f"Attribute {name} must be an ISO 8601 time.") from None
    elif not str(value).isdigit():
        raise AwsError(
            "InvalidPolicyAttributeException",
            f"Attribute {name} must be a positive integer smaller than {MAX_SPAN} .",
        )
    elif int(value) < 1:
        raise AwsError("InvalidPolicyAttributeException", f"Attribute {name} must be a positive integer.")


def _timestamp(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
