"""From GetParameterHistory's answer to a reading: which versions are news, which are lost, whose life it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from auditor.adapters.sources._parameter_names import Parameter
from auditor.domain.documents import DocumentReading, HeldDocument, Snapshot, UnreadableVersion
from auditor.domain.errors import MalformedDocumentError
from auditor.domain.flags import FlagEntry, FlagState, JsonValue
from auditor.domain.masking import MASKED_INCOMPARABLE, Fingerprint, mask_text, mask_value
from auditor.domain.times import rfc3339
from auditor.domain.values import load_json, parse_value

# A parameter keeps its 100 newest versions.
_DROPPED = "Parameter Store keeps the 100 newest versions of a parameter; this one was dropped before it was read"

Entry = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class History:
    """All versions a parameter still has, oldest first, at least one; numbered from 1 in each life."""

    parameter: Parameter
    entries: Sequence[Entry]
    read_at: datetime
    fingerprint: Fingerprint | None = None

    def reading(self, held: HeldDocument | None) -> DocumentReading:
        """Return what is there beyond the cursor, or all of it when this is another life than the cursor's."""
        fresh = held is not None and self._restarted(held)
        after = 0 if held is None or fresh else held.ordinal or 0
        news = [entry for entry in self.entries if _number(entry) > after]
        return DocumentReading(
            document=self.parameter.document,
            exists=True,
            read_at=self.read_at,
            snapshots=tuple(self._snapshot(entry) for entry in news),
            labels={mask_text(label): str(_number(e)) for e in self.entries for label in e.get("Labels") or ()},
            unreadable=tuple(_holes(after, [_number(entry) for entry in news])),
            fresh_life=fresh,
        )

    def _restarted(self, held: HeldDocument) -> bool:
        """Tell whether versions began again at 1: the held one has another date, or lies beyond the newest."""
        if held.ordinal is None:
            return not held.alive
        if _number(self.entries[-1]) < held.ordinal:
            return True
        same = next((entry for entry in self.entries if _number(entry) == held.ordinal), None)
        if same is None:
            return not held.alive
        return held.modified_at is not None and _date(same) not in {held.modified_at, None}

    def _snapshot(self, entry: Entry) -> Snapshot:
        author = entry.get("LastModifiedUser")
        value = self._value(entry)
        flag = FlagEntry(self.parameter.flag, self.parameter.environment, FlagState(value))
        return Snapshot(
            version=str(_number(entry)),
            ordinal=_number(entry),
            modified_at=_date(entry),
            modified_by=author if isinstance(author, str) and author.startswith("arn:") else None,
            entries={"": flag},
            metadata=_metadata(entry) | _text(entry, value),
        )

    def _value(self, entry: Entry) -> JsonValue:
        """Return the value to show; a SecureString's, which arrives as ciphertext, is not even looked at."""
        kind = entry.get("Type")
        if kind not in {"String", "StringList"}:
            return dict(MASKED_INCOMPARABLE)
        value = parse_value(str(entry.get("Value", "")), kind=kind)
        return mask_value(value, field_name=self.parameter.flag.key, fingerprint=self.fingerprint)


def _number(entry: Entry) -> int:
    return int(entry["Version"])


def _date(entry: Entry) -> datetime | None:
    date = entry.get("LastModifiedDate")
    return date.astimezone(UTC) if isinstance(date, datetime) else None


def _holes(after: int, numbers: Sequence[int]) -> Iterator[UnreadableVersion]:
    """Yield the versions that must have been there and are not: numbers have no gaps of their own."""
    for number in numbers:
        if number > after + 1:
            yield UnreadableVersion(after + 1, number - 1, _DROPPED)
        after = number


def _metadata(entry: Entry) -> dict[str, JsonValue]:
    """Return what policies and verdicts may need to know of a version; absent where the store does not tell."""
    policies = [_policy(policy) for policy in entry.get("Policies") or () if isinstance(policy, dict)]
    told: dict[str, JsonValue] = {
        "type": entry.get("Type"),
        "description": _masked(entry.get("Description")),
        "tier": entry.get("Tier"),
        "data_type": entry.get("DataType"),
        "allowed_pattern": _masked(entry.get("AllowedPattern")),
        "policies": list(policies) or None,
        "expires_at": _expiry(policies),
    }
    return {name: value for name, value in told.items() if value is not None}


def _text(entry: Entry, shown: JsonValue) -> dict[str, JsonValue]:
    """Return the value's own text, by which it is put back to the letter; nothing where any of it is hidden."""
    kind, text = entry.get("Type"), entry.get("Value")
    if kind not in {"String", "StringList"} or not isinstance(text, str):
        return {}
    return {"text": text} if parse_value(text, kind=kind) == shown else {}


def _masked(text: object) -> str | None:
    return mask_text(text) if isinstance(text, str) and text else None


def _policy(policy: Mapping[str, Any]) -> dict[str, JsonValue]:
    """Return a parameter policy: type, status and attributes, which arrive as JSON inside a text."""
    try:
        text = load_json(str(policy.get("PolicyText")))
    except MalformedDocumentError:
        text = None
    attributes = text.get("Attributes") if isinstance(text, dict) else None
    return {
        "type": str(policy.get("PolicyType")),
        "status": policy.get("PolicyStatus"),
        "attributes": mask_value(attributes, field_name=None, fingerprint=None),
    }


def _expiry(policies: Sequence[Mapping[str, JsonValue]]) -> str | None:
    """Return when a policy deletes the parameter, in UTC, or ``None``."""
    for policy in policies:
        attributes = policy["attributes"]
        moment = attributes.get("Timestamp") if isinstance(attributes, dict) else None
        if policy["type"] == "Expiration" and isinstance(moment, str):
            return _as_utc(moment)
    return None


def _as_utc(text: str) -> str | None:
    """Return a policy's time, which the store takes without an offset as UTC, or ``None`` when it is none."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return rfc3339(moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC))
