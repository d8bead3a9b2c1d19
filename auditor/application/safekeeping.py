"""What of an event may be kept when it waits or was rejected: all that says what to look at, and no value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from auditor.domain.credentials import MASK, mask_text
from auditor.domain.secret_names import hides_text, secrecy

# Whole documents and items that an event carries; what waits is read from the store, and needs none of them.
_CONTENTS = frozenset({"Content", "PreviousContent"})
_IMAGES = frozenset({"NewImage", "OldImage"})


def keepable(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return an event without the contents it carries, everything that looks like a credential masked."""
    kept = {name: member for name, member in payload.items() if name not in _CONTENTS}
    written = kept.get("dynamodb")
    if isinstance(written, dict):
        kept["dynamodb"] = {name: member for name, member in written.items() if name not in _IMAGES}
    masked: dict[str, Any] = _masked(kept, None)
    return masked


def _masked(value: Any, name: str | None) -> Any:
    if isinstance(value, dict):
        return {mask_text(str(key)): _masked(member, str(key)) for key, member in value.items()}
    if isinstance(value, list):
        return [_masked(member, name) for member in value]
    if isinstance(value, str):
        return MASK if hides_text(secrecy(name), value) else mask_text(value)
    return value
