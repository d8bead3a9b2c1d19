"""What a text or an actor is looked for in: folded once when recorded, so that a search compares bytes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from auditor.adapters.storage.texts import fold, number
from auditor.domain.attribution import Actor, Attribution
from auditor.domain.changes import FlagChange
from auditor.domain.flags import FlagState, JsonValue

_SEPARATOR = "\n"


def searchable(change: FlagChange) -> str:
    """Return flag, summary, values, reason and error of a change as one folded text."""
    words = [change.flag, change.summary, change.reason, change.error]
    return searchable_text(words, [*state_words(change.before), *state_words(change.after)])


def searchable_text(words: Iterable[str | None], values: Iterable[str]) -> str:
    """Return the words that are there and the values as one folded text, each once."""
    return fold(_SEPARATOR.join(dict.fromkeys([*(word for word in words if word), *values])))


def actor_text(actor: Actor) -> str:
    """Return name, session and ARN of an actor as one folded text."""
    return fold(_SEPARATOR.join(word for word in (actor.name, actor.session, actor.arn) if word))


def actor_number(attribution: Attribution) -> int | None:
    """Return the number rows by this actor are found by; ``None`` when nobody is named."""
    return number(actor_text(attribution.actor)) if attribution.attributed else None


def names(actor: Actor, wanted: str) -> bool:
    """Tell whether the wanted text is part of the actor's name, session or ARN, without case."""
    return fold(wanted) in actor_text(actor)


def state_words(state: FlagState | None) -> Iterator[str]:
    """Yield what a state can be looked for by."""
    if state is not None:
        yield from _words(state.value)
        if state.definition is not None:
            yield from _words(state.definition)


def _words(value: JsonValue) -> Iterator[str]:
    """Yield the value as it is read: a text bare, else as JSON, and bare as well what JSON would escape in it."""
    if isinstance(value, str):
        yield value
        return
    yield json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    yield from _escaped(value)


def _escaped(value: JsonValue) -> Iterator[str]:
    if isinstance(value, str):
        if any(character in value for character in '"\\\n\r\t'):
            yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _escaped(item)
    elif isinstance(value, list):
        for item in value:
            yield from _escaped(item)
