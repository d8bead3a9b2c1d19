"""The feature flag document: what AppConfig checks, and what it makes of it when it stores it.

The rules are those of the type reference for AWS.AppConfig.FeatureFlags; the words of the refusals, the order of
keys, the timestamps on both halves and what is left out are those that the service was seen to use.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from examples.standin.appconfig import schema
from examples.standin.errors import AwsError

Document = dict[str, Any]
TIMES = ("_createdAt", "_updatedAt")
_REFUSAL = "Error invoking extension AppConfig Feature Flags Helper: Invalid 'Content' data"


def store(content: bytes, latest: bytes | None, now: datetime) -> bytes:
    """Return the document as AppConfig stores it after the latest one; raises its refusals.

    A definition or a value that is as it was keeps its times; one that differs keeps the time of its creation.
    """
    document = _parse(content)
    faults = schema.faults(document)
    if faults:
        raise AwsError(
            "BadRequestException",
            _REFUSAL,
            Reason="InvalidConfiguration",
            Details={"InvalidConfiguration": faults},
        )
    former: Document = json.loads(latest) if latest else {}
    stored: Document = {"version": document["version"]}
    for half in ("flags", "values"):
        entries = document.get(half) or {}
        if entries:
            known = former.get(half, {})
            stored[half] = {key: _timed(_coerced(half, entry), known.get(key), now) for key, entry in entries.items()}
    return _written(stored)


def retrieved(content: bytes) -> bytes:
    """Return what a reader gets: per flag whether it is on, and its attributes only when it is."""
    values = json.loads(content).get("values", {})
    return _written({key: _served(value) for key, value in values.items()})


def _served(value: Document) -> Document:
    variants = value.get("_variants")
    if variants:
        chosen = variants[-1]
        served = {"_variant": chosen["name"], "enabled": bool(chosen.get("enabled"))}
        return served | (chosen.get("attributeValues") or {}) if served["enabled"] else served
    if not value.get("enabled"):
        return {"enabled": False}
    return {name: held for name, held in value.items() if name not in TIMES}


def _parse(content: bytes) -> Document:
    try:
        document = json.loads(content)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise AwsError("BadRequestException", _REFUSAL)
    return document


def _coerced(half: str, entry: Document) -> Document:
    """Return an entry as it is kept: without what the schema does not know, and with a real ``enabled``."""
    if half == "flags":
        return {name: held for name, held in entry.items() if name in schema.DEFINITION and held not in ({}, None, "")}
    if "_variants" in entry:
        variants = [_variant(variant) for variant in entry["_variants"]]
        return {"_variants": variants} if variants else {}
    return entry | {"enabled": schema.as_boolean(entry.get("enabled")) or False}


def _variant(variant: Document) -> Document:
    known = {name: held for name, held in variant.items() if name in schema.VARIANT and held not in ({}, None, "")}
    return known | {"enabled": schema.as_boolean(variant.get("enabled")) or False}


def _timed(entry: Document, former: Document | None, now: datetime) -> Document:
    bare = _without_times(entry)
    if former is None:
        return bare | dict.fromkeys(TIMES, stamp(now))
    if bare == _without_times(former):
        return former
    return bare | {"_createdAt": former["_createdAt"], "_updatedAt": stamp(now)}


def _without_times(entry: Document) -> Document:
    return {name: held for name, held in entry.items() if name not in TIMES}


def stamp(moment: datetime) -> str:
    """Return a time as flag documents carry it: to the millisecond, without trailing zeros."""
    whole, thousandths = moment.strftime("%Y-%m-%dT%H:%M:%S"), moment.microsecond // 1000
    fraction = f".{thousandths:03d}".rstrip("0") if thousandths else ""
    return f"{whole}{fraction}Z"


def _written(document: Document) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
