"""Words for people: values, times, actors and places as short, safe lines of text."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime

from auditor.domain.attribution import Actor, ActorKind, Attribution, Certainty
from auditor.domain.changes import ChangeKind, RecordedChange
from auditor.domain.flags import JsonValue

HIDDEN = "(hidden)"
LONGEST_VALUE = 240
LONGEST_LINE = 600

_STORES = {"ssm": "SSM Parameter Store", "appconfig": "AppConfig", "dynamodb": "DynamoDB", "s3": "S3"}
_VERBS = {
    ChangeKind.CREATED: "created",
    ChangeKind.UPDATED: "changed",
    ChangeKind.DELETED: "deleted",
    ChangeKind.EXPIRED: "expired",
    ChangeKind.LABEL_MOVED: "relabelled",
    ChangeKind.SAVED: "saved, not live yet",
    ChangeKind.DEPLOYED: "deployed",
    ChangeKind.ROLLED_BACK: "rolled back",
    ChangeKind.GUARDRAIL: "less protected",
    ChangeKind.DENIED: "attempt denied",
    ChangeKind.FAILED: "attempt failed",
}


def visible(text: str) -> str:
    """Return a text on one line in which nothing hides: line ends, controls and direction marks as escapes."""
    return "".join(char if char.isprintable() else _escape(char) for char in text)


def _escape(char: str) -> str:
    return json.dumps(char)[1:-1] if ord(char) < _ASCII else char.encode("unicode_escape").decode()


_ASCII = 128


def cut(text: str, longest: int) -> str:
    """Return a text of at most ``longest`` characters; a cut one says how long it was."""
    if len(text) <= longest:
        return text
    ending = f"… ({len(text):,} characters)"
    return text[: max(0, longest - len(ending))] + ending


def line(text: str, longest: int = LONGEST_LINE) -> str:
    """Return foreign text as one safe line."""
    return cut(visible(text), longest)


def value_text(value: JsonValue) -> str:
    """Return a value as short JSON, with what must not be shown hidden."""
    return line(_json(value), LONGEST_VALUE).replace(f'"{HIDDEN}"', HIDDEN)


def is_long(value: JsonValue) -> bool:
    """Tell whether a value is longer than messages show it."""
    return len(visible(_json(value))) > LONGEST_VALUE


def whole_text(value: JsonValue) -> str:
    """Return a value as JSON, however long, with what must not be shown hidden."""
    return _json(value).replace(f'"{HIDDEN}"', HIDDEN)


def _json(value: JsonValue) -> str:
    return json.dumps(_veiled(value), ensure_ascii=False)


def _veiled(value: JsonValue) -> JsonValue:
    if isinstance(value, dict):
        if value.get("masked") is True:
            return HIDDEN
        return {key: _veiled(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_veiled(part) for part in value]
    return value


def store_name(source: str) -> str:
    """Return what people call a store."""
    return _STORES.get(source, source)


def verb(kind: ChangeKind) -> str:
    """Return what happened to a flag, in a word or two."""
    return _VERBS[kind]


def clock_text(moment: datetime) -> str:
    """Return a moment to the second, in UTC."""
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def when_text(change: RecordedChange) -> str:
    """Return when it happened, or what is known of it."""
    if change.occurred_at is not None:
        return clock_text(change.occurred_at)
    if change.change.occurred_between is None:
        return "not known"
    after, before = change.change.occurred_between
    if after is None:
        return f"before {clock_text(before)}; nothing dates it exactly"
    return f"between {clock_text(after)} and {clock_text(before)}; nothing dates it exactly"


def actor_text(actor: Actor) -> str:
    """Return who it was, and what for: a role is not mistaken for a person."""
    if actor.kind is ActorKind.UNKNOWN:
        return "unattributed: nothing names who did it"
    name = actor.name or actor.arn or "no name known"
    through = f", through {actor.via}" if actor.via and actor.via != actor.name else ""
    session = f", session {actor.session}" if actor.session and actor.session not in (actor.name, actor.via) else ""
    origin = f", from {actor.source_ip}" if actor.source_ip else ""
    return line(f"{name} ({actor.kind.value}){through}{session}{origin}")


def knowledge_text(attribution: Attribution) -> str | None:
    """Return how the actor is known and how surely; ``None`` where there is nothing to say."""
    said = [line(evidence.text, LONGEST_VALUE) for evidence in attribution.evidence[:_EVIDENCE]]
    if attribution.certainty is Certainty.NONE:
        return "; ".join(said) or None
    return f"{attribution.certainty.value}: {'; '.join(said)}" if said else attribution.certainty.value


_EVIDENCE = 3


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """Return a number with its noun in the right form."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def listed(words: Iterable[str], most: int = 5) -> str:
    """Return distinct words with commas, in the order they came, the rest counted."""
    distinct = list(dict.fromkeys(words))
    rest = len(distinct) - most
    shown = ", ".join(distinct[:most])
    return f"{shown} and {rest} more" if rest > 0 else shown
