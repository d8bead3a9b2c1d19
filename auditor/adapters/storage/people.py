"""Who the pseudonyms in recorded bodies stand for: names that can be erased while every body stays as it was sealed."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, text, update

from auditor.adapters.storage.packing import unpack_map
from auditor.adapters.storage.session import Session, chunks
from auditor.adapters.storage.tables import dead_letters, deferred_events, documents, people, versions
from auditor.adapters.storage.texts import clean
from auditor.application.ports import ErasedPerson, ShownPeople
from auditor.domain.changes import FlagChange, RecordedChange
from auditor.domain.diffing import diff
from auditor.domain.flags import FlagEntry, FlagState, JsonValue
from auditor.domain.people import (
    PSEUDONYM,
    conceal,
    counted,
    counted_diff,
    key_of,
    lists_people,
    names_in,
    pseudonyms_in,
    reveal,
)
from auditor.domain.times import to_micros

_DIGITS = 10
_ERASED = "(erased)"


def nobody(_application: str | None, _flag: str | None) -> bool:
    """Show the people of no flag by their names."""
    return False


@dataclass(frozen=True, slots=True)
class SqlPeople:
    """One row a person; a row without a name is of somebody who was erased."""

    session: Session
    shown: ShownPeople = nobody

    def conceal_change(self, change: FlagChange) -> FlagChange:
        """Return a change as it is recorded: a pseudonym for each person."""
        states = (change.before, change.after)
        if not any(lists_people(state, change.flag) for state in states):
            return change
        known = self._pseudonyms(name for state in states for name in names_in(state, change.flag))
        before, after = (conceal(state, known, change.flag) for state in states)
        return replace(change, before=before, after=after, diff=diff(before, after))

    def show(self, recorded: RecordedChange) -> RecordedChange:
        """Return a recorded change as it is shown: counts in place of people, names only where that is allowed."""
        change = recorded.change
        if self.shown(change.application, change.flag):
            return replace(recorded, change=self.reveal_change(change))
        before, after = counted(change.before), counted(change.after)
        told = counted_diff(change.diff, change.before, change.after)
        return replace(recorded, change=replace(change, before=before, after=after, diff=told))

    def reveal_change(self, change: FlagChange) -> FlagChange:
        """Return a recorded change as the store said it; somebody who was erased stays so."""
        states = (change.before, change.after)
        names = self._names(one for state in states for one in pseudonyms_in(state))
        before, after = (reveal(state, names) for state in states)
        return replace(change, before=before, after=after, diff=diff(before, after))

    def conceal_entries(self, entries: Mapping[str, FlagEntry]) -> Mapping[str, FlagEntry]:
        """Return the flags of a version as they are held."""
        listing = {path: e for path, e in entries.items() if lists_people(e.state, e.flag.key)}
        known = self._pseudonyms(name for e in listing.values() for name in names_in(e.state, e.flag.key))
        concealed = {path: _with(e, conceal(e.state, known, e.flag.key)) for path, e in listing.items()}
        return {**entries, **concealed} if concealed else entries

    def reveal_entries(self, entries: Mapping[str, FlagEntry]) -> Mapping[str, FlagEntry]:
        """Return the flags of a held version as the store said them."""
        names = self._names(one for entry in entries.values() for one in pseudonyms_in(entry.state))
        return {path: _with(entry, reveal(entry.state, names)) for path, entry in entries.items()}

    def standing(self, person: str) -> Sequence[FlagEntry]:
        """Return the flags that name a person in the newest version held of them."""
        found: list[FlagEntry] = []
        for pseudonym in self._held([key_of(spelled) for spelled in _spellings(person)]).values():
            newest = select(versions.c.entries).join(documents, documents.c.version_id == versions.c.id)
            naming = newest.where(documents.c.alive, versions.c.entries.contains(pseudonym))
            for row in self.session.rows(naming):
                entries = unpack_map(FlagEntry, row.entries).values()
                found.extend(entry for entry in entries if pseudonym in pseudonyms_in(entry.state))
        return found

    def erase(self, person: str, at: datetime) -> ErasedPerson:
        """Forget a person's name, in waiting and rejected events too; nothing that was recorded changes."""
        if not self.session.postgresql:
            self.session.run(text("PRAGMA secure_delete = ON"))
        keys = [key_of(spelled) for spelled in _spellings(person)]
        gone = update(people).where(people.c.name_key.in_(keys))
        names = self.session.run(gone.values(name_key=None, name=None, erased_us=to_micros(at)))
        events = self._erase_in(dead_letters, "text", person) + self._erase_in(deferred_events, "payload", person)
        return ErasedPerson(names, events)

    def _erase_in(self, table: Any, column: str, person: str) -> int:
        """Take a name out of texts that are no part of what is proved."""
        kept = table.c[column]
        touched = 0
        for spelled in dict.fromkeys([person, json.dumps(person)[1:-1]]):
            within = update(table).where(kept.contains(spelled, autoescape=True))
            touched += self.session.run(within.values({column: func.replace(kept, spelled, _ERASED)}))
        return touched

    def _pseudonyms(self, persons: Iterable[JsonValue]) -> Mapping[str, str]:
        """Return a pseudonym for each person, the one they have or a new one."""
        # In one order everywhere, so that two transactions that bring the same people seldom wait for each other.
        wanted = sorted({key_of(person) for person in persons})
        known: dict[str, str] = {}
        for some in chunks(wanted):
            known |= self._held(some)
            new = [name for name in some if name not in known]
            if new:
                self.session.keep_all(people, [_row(name) for name in new])
                known |= self._held(new)
        return known

    def _held(self, names: list[str]) -> dict[str, str]:
        rows = self.session.rows(select(people.c.name, people.c.pseudonym).where(people.c.name_key.in_(names)))
        held = {row.name: row.pseudonym for row in rows}
        return {name: held[clean(name)] for name in names if clean(name) in held}

    def _names(self, pseudonyms: Iterable[str]) -> Mapping[str, JsonValue]:
        found: dict[str, JsonValue] = {}
        for some in chunks(sorted(set(pseudonyms))):
            asked = select(people.c.pseudonym, people.c.name).where(people.c.pseudonym.in_(some))
            found |= {row.pseudonym: json.loads(row.name) for row in self.session.rows(asked) if row.name is not None}
        return found


def _row(name: str) -> dict[str, Any]:
    return {"pseudonym": PSEUDONYM + secrets.token_hex(_DIGITS), "name_key": name, "name": name, "erased_us": None}


def _spellings(person: str) -> list[JsonValue]:
    """Return what a person named on a command line may be in a flag: a text, or a number."""
    numeric = person.isascii() and person.isdigit() and len(person) <= _LONGEST_NUMBER
    return [person, int(person)] if numeric else [person]


_LONGEST_NUMBER = 20


def _with(entry: FlagEntry, state: FlagState | None) -> FlagEntry:
    return entry if state is None or state == entry.state else replace(entry, state=state)
