"""Erasing a person from the record: the name goes, everything that was recorded and sealed stays as it is."""

from __future__ import annotations

from datetime import datetime

from auditor.application.ports import ErasedPerson, UnitOfWork
from auditor.domain.errors import UsageError
from auditor.domain.flags import FlagEntry

_NAMED = 5


def erase_person(uow: UnitOfWork, person: str, at: datetime) -> ErasedPerson:
    """Forget a person whom flags list, by user id, e-mail address or whatever stands in the list; the caller commits.

    Raise ``UsageError`` while a flag still names them, because its next change would record the name anew, and where
    nothing names them. No message repeats the name.
    """
    if not person.strip():
        raise UsageError("erase: PERSON says nothing; give the user id or address as flags list it")
    standing = uow.people.standing(person)
    if standing:
        where = sorted({_place(entry) for entry in standing})
        more = f" and {len(where) - _NAMED} more" if len(where) > _NAMED else ""
        raise UsageError(
            f"erase: the person stands in {', '.join(where[:_NAMED])}{more}; take them out there first, and reconcile"
        )
    erased = uow.people.erase(person, at)
    if not erased.names and not erased.events:
        raise UsageError("erase: nobody is recorded by this name; write it as the flag listed it")
    return erased


def _place(entry: FlagEntry) -> str:
    return f"{entry.flag} in {entry.environment}" if entry.environment else str(entry.flag)
