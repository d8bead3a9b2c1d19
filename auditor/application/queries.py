"""Questions about the record that change nothing: the inventory of flags, and all about one of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches

from auditor.application.ports import HistoryQuery, Scope, StoredScan, UnitOfWork
from auditor.application.staleness import said_of
from auditor.application.states import StateAt, states_at
from auditor.domain.changes import ChangeKind, RecordedChange
from auditor.domain.documents import DocumentRef
from auditor.domain.errors import UsageError
from auditor.domain.findings import Finding
from auditor.domain.flags import FlagId, JsonValue
from auditor.domain.references import Annotation, FlagSpec, Reference
from auditor.domain.sightings import Sighting, sightings
from auditor.domain.times import rfc3339

_GONE = (ChangeKind.DELETED, ChangeKind.EXPIRED)


def inventory(uow: UnitOfWork, as_of: datetime | None = None) -> list[FlagSpec]:
    """Return every flag that exists as known at ``as_of``, in the form of a flags file, by name."""
    return sorted(dict.fromkeys(spec for _, spec in _existing(uow, as_of)), key=_name_first)


def ever_recorded(uow: UnitOfWork) -> list[FlagSpec]:
    """Return every flag that exists or once did, in the form of a flags file: code may ask for one that is gone."""
    latest = [change for change in uow.changes.latest_states(None, None) if change.change.flag is not None]
    titles = _titles(uow, latest)
    specs = dict.fromkeys(spec_of(change, titles.get(change.change.document)) for change in latest)
    return sorted(specs, key=_name_first)


def _existing(uow: UnitOfWork, as_of: datetime | None) -> Iterator[tuple[RecordedChange, FlagSpec]]:
    """Yield, of each existing flag, the newest change in each document and environment, and how code asks for it."""
    latest = [change for change in uow.changes.latest_states(None, as_of) if change.change.flag is not None]
    titles = _titles(uow, latest)
    # What a deleted profile put before users has no end of its own.
    gone = {(c.change.document, c.change.path) for c in latest if c.change.kind in _GONE}
    for change in latest:
        here = (change.change.document, change.change.path)
        if change.change.after is not None and here not in gone:
            yield change, spec_of(change, titles.get(change.change.document))


def spec_of(change: RecordedChange, title: str | None) -> FlagSpec:
    """Return how code asks for the flag of a change; ``title`` is the document's name for people, if it has one."""
    about = change.change
    application, key = about.application or None, about.flag or ""
    name = str(FlagId(about.application or "", key))
    if about.document.source == "ssm":
        return FlagSpec(about.document.name, "ssm", application, about.environment, name=name)
    if about.document.source == "appconfig":
        return FlagSpec(key, "appconfig", application, profile=_profile(about.document, application, title), name=name)
    return FlagSpec(key, about.document.source, application, about.environment, name=name)


def _profile(document: DocumentRef, application: str | None, title: str | None) -> str:
    """Return a profile's name, its id where the name was never told."""
    if title is None:
        return document.name.rpartition("/")[2]
    known = f"{application}/"
    return title.removeprefix(known) if title.startswith(known) else title.rpartition("/")[2]


def _titles(uow: UnitOfWork, changes: Iterable[RecordedChange]) -> dict[DocumentRef, str | None]:
    """Return the names for people of the documents whose own names are made of ids."""
    documents = {change.change.document for change in changes if change.change.document.source == "appconfig"}
    scopes = {Scope(d.source, d.account, d.region, "") for d in documents}
    return {d: held.title for scope in scopes for d, held in uow.documents.held_in(scope).items()}


def _name_first(spec: FlagSpec) -> tuple[str, ...]:
    return (spec.name or "", spec.provider, spec.environment or "", spec.profile or "", spec.key)


@dataclass(frozen=True, slots=True)
class FlagView:
    """All about one flag: how code asks for it, its states, its changes newest first, where code names it.

    ``references`` is ``None`` when nothing was scanned since the flag is known, which is not the same as none.
    ``sightings`` say since when each place names it, those included that are gone.
    """

    name: str
    application: str | None
    flag: str
    specs: tuple[FlagSpec, ...]
    states: tuple[StateAt, ...]
    changes: tuple[RecordedChange, ...]
    references: tuple[Reference, ...] | None
    scanned_at: datetime | None
    findings: tuple[Finding, ...] = ()
    sightings: tuple[Sighting, ...] = ()

    @property
    def annotations(self) -> tuple[Annotation, ...]:
        """Return what comments beside its places in code say of its life."""
        return said_of(self.references or ())

    def to_json(self) -> dict[str, JsonValue]:
        """Return the view for outputs."""
        return {
            "name": self.name,
            "application": self.application,
            "flag": self.flag,
            "stores": [spec.to_json() for spec in self.specs],
            "states": [_located(state) for state in self.states],
            "changes": [change.to_json() for change in self.changes],
            "references": None if self.references is None else [r.to_json() for r in self.references],
            "scanned_at": None if self.scanned_at is None else rfc3339(self.scanned_at),
            "findings": [finding.to_json() for finding in self.findings],
            "sightings": [sighting.to_json() for sighting in self.sightings],
            "annotations": [annotation.to_json() for annotation in self.annotations],
        }


def _located(state: StateAt) -> dict[str, JsonValue]:
    """Return a state with where it is kept: one flag may be in several accounts."""
    document = state.change.change.document
    where: dict[str, JsonValue] = {
        "source": document.source,
        "account": document.account,
        "region": document.region,
        "document": document.name,
    }
    return {**state.to_json(), **where}


def show(uow: UnitOfWork, wanted: str, as_of: datetime | None = None) -> FlagView:
    """Return all about the flag of this name: its key, ``application/key``, or a parameter's full name.

    Raise ``UsageError`` when no flag has it, with the nearest names, or when several have.
    """
    states = states_at(uow, None, as_of)
    flag = _chosen(wanted, states)
    own = tuple(state for state in states if _flag(state) == flag)
    documents = {state.change.change.document for state in own}
    titles = _titles(uow, (state.change for state in own))
    specs = dict.fromkeys(spec_of(state.change, titles.get(state.change.change.document)) for state in own)
    query = HistoryQuery(flag=flag.key, application=flag.application, as_of=as_of)
    changes = tuple(change for change in uow.changes.query(query) if change.change.document in documents)
    scans = uow.references.scans(as_of)
    return FlagView(
        str(flag),
        flag.application or None,
        flag.key,
        tuple(sorted(specs, key=_name_first)),
        own,
        changes,
        _references(uow, specs, as_of) or (() if scans and _was_looked_for(changes, scans) else None),
        max((scan.scanned_at for scan in scans), default=None),
        tuple(uow.findings.of_changes([change.change.key for change in changes], as_of)),
        tuple(sightings(uow.references.sweeps({str(flag), *(spec.key for spec in specs)}, as_of))) if scans else (),
    )


def _was_looked_for(changes: Sequence[RecordedChange], scans: Sequence[StoredScan]) -> bool:
    """Tell whether the record had the flag when each of the newest scans was made."""
    known_since = min((change.recorded_at for change in changes), default=None)
    return known_since is not None and all(known_since <= scan.scanned_at for scan in scans)


def _references(uow: UnitOfWork, specs: Iterable[FlagSpec], as_of: datetime | None) -> tuple[Reference, ...] | None:
    """Return the references of a flag in all its stores, each place once; ``None`` when nothing was ever scanned."""
    found: dict[tuple[str, int, int, str], Reference] = {}
    for spec in specs:
        references = uow.references.of_flag(spec, as_of)
        if references is None:
            return None
        found.update({(r.path, r.line, r.column, r.kind.value): r for r in references})
    return tuple(found[place] for place in sorted(found))


def _flag(state: StateAt) -> FlagId:
    change = state.change.change
    return FlagId(change.application or "", change.flag or "")


def flag_called(uow: UnitOfWork, wanted: str) -> FlagId:
    """Return the flag of this name: its key, ``application/key``, or a parameter's full name.

    Raise ``UsageError`` when no flag has it, with the nearest names, or when several have.
    """
    return _chosen(wanted, states_at(uow, None))


def _chosen(wanted: str, states: Iterable[StateAt]) -> FlagId:
    """Return the one flag that is meant."""
    names: dict[str, set[FlagId]] = {}
    for state in states:
        flag = _flag(state)
        for name in (str(flag), flag.key, state.change.change.document.name):
            names.setdefault(name, set()).add(flag)
    found = sorted(names.get(wanted, ()))
    if len(found) == 1:
        return found[0]
    if found:
        raise UsageError(f"several flags are called {wanted!r}; name one of {', '.join(map(str, found))}")
    near = get_close_matches(wanted, names, n=3)
    remedy = f"did you mean {' or '.join(near)}?" if near else "`flagtrail flags` lists those that are"
    raise UsageError(f"no flag {wanted!r} is in the record; {remedy}")
