"""Parameter policies: what an advanced parameter does by itself when its time comes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from examples.standin.errors import AwsError

MAX_POLICIES = 10
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

    def as_answer(self) -> dict[str, str]:
        """Return it as GetParameterHistory and DescribeParameters show it."""
        return {"PolicyText": self.text, "PolicyType": self.type, "PolicyStatus": self.status}

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
        raise AwsError("InvalidPolicyTypeException", "The policies are not a JSON array of policies.") from None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise AwsError("InvalidPolicyTypeException", "The policies are not a JSON array of policies.")
    if len(entries) > MAX_POLICIES:
        raise AwsError("PoliciesLimitExceededException", f"A parameter can have at most {MAX_POLICIES} policies.")
    policies = tuple(_read_one(entry) for entry in entries if entry)
    if sum(policy.type == "Expiration" for policy in policies) > 1:
        raise AwsError("IncompatiblePolicyException", "A parameter can have only one Expiration policy.")
    return policies


def _read_one(entry: dict[str, Any]) -> Policy:
    kind, attributes = entry.get("Type"), entry.get("Attributes")
    if kind not in _ATTRIBUTES:
        raise AwsError("InvalidPolicyTypeException", f"The policy type {kind} is not valid.")
    policy = Policy(kind, json.dumps(entry, separators=(",", ":")), attributes if isinstance(attributes, dict) else {})
    if set(policy.attributes) != _ATTRIBUTES[kind] or not _sound(policy):
        raise AwsError("InvalidPolicyAttributeException", f"The attributes of the policy {kind} are not valid.")
    return policy


def _sound(policy: Policy) -> bool:
    try:
        if policy.type == "Expiration":
            return _timestamp(policy.attributes["Timestamp"]) is not None
        amount = policy.attributes.get("Before") or policy.attributes.get("After")
        return int(str(amount)) > 0 and policy.attributes["Unit"] in _UNITS
    except ValueError:
        return False


def _timestamp(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
