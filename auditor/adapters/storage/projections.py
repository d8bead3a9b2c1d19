"""What the columns beside a body have to say, made anew from the body: a row that says otherwise was tampered with.

Columns decide what history finds, how it orders and which attribution it joins; a body that is untouched but cannot be
found is as good as gone. Most rows are compared without building their objects; where that does not settle it, all
columns are made the way they were recorded.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import Boolean, Integer, type_coerce

from auditor.adapters.storage.bodies import read_attribution, read_change, read_gap, read_retention, read_snooze
from auditor.adapters.storage.change_log import attribution_columns, columns
from auditor.adapters.storage.gaps import gap_columns
from auditor.adapters.storage.keys import cause_number
from auditor.adapters.storage.runs import reconcile_columns
from auditor.adapters.storage.search import actor_text, searchable_text, state_words
from auditor.adapters.storage.snoozes import snooze_columns
from auditor.adapters.storage.tables import Name, Words, attributions, changes, gaps, reconciles, retentions, snoozes
from auditor.adapters.storage.texts import clean, clip, digest, number, stored
from auditor.application.ports import Scope
from auditor.domain.attribution import Actor, ActorKind, Attribution
from auditor.domain.changes import AttributedChange, RecordedChange, change_id
from auditor.domain.flags import FlagState
from auditor.domain.times import parse_rfc3339, to_micros

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Row, Table

_KINDS: Mapping[str, Table] = {
    "change": changes,
    "attribution": attributions,
    "gap": gaps,
    "reconcile": reconciles,
    "snooze": snoozes,
    "retention": retentions,
}
_UNREADABLE = "its body cannot be read"
# What reading a body raises that somebody else wrote.
_NOT_OURS = (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError)
_NOT_COMPARED = ("seq", "body")
_decode = json.JSONDecoder().raw_decode
_PLAIN_STATE = '{"value":'


class Context:
    """What is known of the changes that attributions are about: the change, and what was learnt of it in order."""

    def __init__(self) -> None:
        self._changes: dict[int, RecordedChange] = {}
        self._learnt: dict[int, list[tuple[int, Attribution]]] = {}

    def add_change(self, seq: int, body: bytes) -> None:
        """Take in a change that attributions on this page are about."""
        with suppress(*_NOT_OURS):  # its own row says so
            self._changes[seq] = read_change(seq, body)

    def add_attribution(self, seq: int, change_seq: int, body: bytes) -> None:
        """Take in what was learnt of such a change, in the order of its numbers."""
        with suppress(*_NOT_OURS):
            self._learnt.setdefault(change_seq, []).append((seq, read_attribution(body)))

    def change(self, seq: int) -> RecordedChange | None:
        """Return the change of this number, or ``None``."""
        return self._changes.get(seq)

    def known_before(self, seq: int, change: RecordedChange) -> list[Attribution]:
        """Return what was known of the change when the attribution of this number was learnt."""
        return [change.attribution, *(known for at, known in self._learnt.get(change.seq, ()) if at < seq)]


def fault_of(kind: str, row: Row[Any], context: Context) -> str | None:
    """Return how a row differs from its own body, or ``None`` when it does not."""
    try:
        if kind == "change" and _same_at_a_glance(row):
            return None
        expected = _EXPECTED[kind](row, context)
    except _NOT_OURS:
        # Whatever somebody wrote there, it is not what the product writes.
        return _UNREADABLE
    return expected if isinstance(expected, str) else _difference(_KINDS[kind], row, expected)


def plain(table: Table) -> Sequence[ColumnElement[Any]]:
    """Return a table's columns as they are stored: what is neither true nor false must not be taken for one of them.

    SQLite lets anybody write a 2 there, which no search finds and which reads as true.
    """
    return [type_coerce(c, Integer).label(c.name) if isinstance(c.type, Boolean) else c for c in table.columns]


def _difference(table: Table, row: Row[Any], expected: Mapping[str, Any]) -> str | None:
    """Return which columns do not say what the body says."""
    differing = [
        column.name
        for column in table.columns
        if column.name not in _NOT_COMPARED
        and not _equal(column.type, row._mapping[column.name], expected[column.name])  # noqa: SLF001 - SQLAlchemy's public name
    ]
    return f"its {', '.join(differing)} is not what its body says" if differing else None


def _equal(kind: Any, found: Any, expected: Any) -> bool:
    if expected is None or found is None:
        return found is expected
    stored = clip(expected) if isinstance(kind, Name) else clean(expected) if isinstance(kind, Words) else expected
    return bool(found == stored)


def _change(row: Row[Any], _context: Context) -> Mapping[str, Any] | str:
    recorded = read_change(row.seq, row.body)
    named = change_id(recorded.change.key)
    if recorded.id != named:
        return "its id does not follow from its natural key"
    return columns(named, AttributedChange(recorded.change, recorded.attribution), recorded.recorded_at)


def _attribution(row: Row[Any], context: Context) -> Mapping[str, Any] | str:
    body = json.loads(row.body)
    change = context.change(row.change_seq)
    if change is None or change.id != body["change"]:
        return "it is joined with another change than its body names"
    at = parse_rfc3339(body["recorded_at"])
    return attribution_columns(change, context.known_before(row.seq, change), read_attribution(row.body), at)


def _gap(row: Row[Any], _context: Context) -> Mapping[str, Any]:
    return gap_columns(read_gap(row.body), parse_rfc3339(json.loads(row.body)["recorded_at"]))


def _reconcile(row: Row[Any], _context: Context) -> Mapping[str, Any]:
    body = json.loads(row.body)
    scope = Scope(body["source"], body["account"], body["region"], body["fingerprint"])
    return reconcile_columns(scope, body["counts"], parse_rfc3339(body["recorded_at"]))


def _snooze(row: Row[Any], _context: Context) -> Mapping[str, Any]:
    return snooze_columns(read_snooze(stored(row.body)))


def _retention(row: Row[Any], _context: Context) -> Mapping[str, Any]:
    body = stored(row.body)
    return {"digest": digest(body.decode()), "recorded_us": to_micros(read_retention(body).at)}


_EXPECTED = {
    "change": _change,
    "attribution": _attribution,
    "gap": _gap,
    "reconcile": _reconcile,
    "snooze": _snooze,
    "retention": _retention,
}


def _same_at_a_glance(row: Row[Any]) -> bool:
    """Tell whether a change that its store dated surely equals its body; False means only that it is not settled."""
    values = tuple(row)
    # Half of the time json.loads takes goes into finding out which encoding bytes have.
    text = values[-1].decode()
    body, end = _decode(text)
    occurred = body["occurred_at"]
    if occurred is None or end != len(text):
        return False
    source, account, region, actor = body["source"], body["account"], body["region"], body["actor"]
    named = body["id"]
    return (
        values[1:-1]
        == (
            named,
            _micros(body["recorded_at"]),
            body["kind"],
            body["application"],
            body["flag"],
            body["environment"],
            source,
            account,
            region,
            _number(source, account, region, body["document"]),
            body["path"],
            body["life"],
            body["version_after"],
            cause_number(body["cause"]),
            True,
            to_micros(parse_rfc3339(occurred)),
            True,
            None,
            None,
            _actor_number(actor["kind"], actor["name"], actor["session"], actor["arn"]),
            _text(body),
        )
        and change_id(body["key"]) == named
    )


@lru_cache(maxsize=50_000)
def _number(*parts: str) -> int:
    return number(*parts)


@lru_cache(maxsize=5_000)
def _micros(moment: str) -> int:
    return to_micros(parse_rfc3339(moment))


@lru_cache(maxsize=10_000)
def _actor_number(kind: str, name: str | None, session: str | None, arn: str | None) -> int | None:
    if kind == ActorKind.UNKNOWN:
        return None
    return number(actor_text(Actor(ActorKind(kind), name, arn, None, session)))


def _text(body: Mapping[str, Any]) -> str:
    words = [body["flag"], body["summary"], body["reason"], body["error"]]
    return clean(searchable_text(words, [*_state_words(body["before"]), *_state_words(body["after"])]))


def _state_words(text: str | None) -> Sequence[str]:
    """Return the words of a state's JSON text; what needs no reading is taken from the text itself."""
    if text is None:
        return ()
    value = text[len(_PLAIN_STATE) : -1]
    if text.startswith(_PLAIN_STATE) and '"definition":' not in text and "\\" not in text and '"has_value"' not in text:
        return (value[1:-1] if value.startswith('"') else value,)
    return list(state_words(FlagState(**json.loads(text))))
