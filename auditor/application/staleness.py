"""Stale flags: join the record with the references found in code, and judge every flag."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from fnmatch import fnmatchcase

from auditor.application.ports import StoredScan, UnitOfWork
from auditor.domain.changes import ChangeKind, RecordedChange
from auditor.domain.flags import FlagId, JsonValue
from auditor.domain.lifetimes import lifetime_of
from auditor.domain.references import Annotation, Certainty, Reference, ReferenceKind
from auditor.domain.relations import dependents, successors
from auditor.domain.sightings import Sighting, named_in, sightings
from auditor.domain.snoozes import Snooze
from auditor.domain.verdicts import (
    EnvironmentFacts,
    FlagFacts,
    Judgement,
    ReferenceFacts,
    StaleRules,
    Verdict,
    judge,
)

_GONE = (ChangeKind.DELETED, ChangeKind.EXPIRED)
_ORDER = {Verdict.REMOVE: 0, Verdict.UNKNOWN: 1, Verdict.KEEP: 2}


@dataclass(slots=True)
class Gathered:
    """What the record says of one flag while it is gathered: its newest state in each place, and when it came."""

    states: list[RecordedChange] = field(default_factory=list)
    created_at: datetime | None = None
    changed: RecordedChange | None = None
    known_since: datetime | None = None
    metadata: dict[str, JsonValue] = field(default_factory=dict)
    keys: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class RecordedFlag:
    """A flag with all that is known of it, the places in code that name it (``None``: not known), and if it is gone.

    ``names`` are those by which a reference belongs to it.
    """

    facts: FlagFacts
    places: tuple[Reference, ...] | None
    gone: bool
    names: frozenset[str] = frozenset()


def stale_flags(
    uow: UnitOfWork, rules: StaleRules, now: datetime, as_of: datetime | None = None
) -> Sequence[Judgement]:
    """Return the verdict on every flag that exists, removals first, then what is not known; oldest change first."""
    judgements = {facts.flag: judge(facts, rules, now) for facts in _with_what_left(uow, rules, as_of)}
    return sorted(keep_what_is_needed(judgements, rules, now).values(), key=_rank)


def _with_what_left(uow: UnitOfWork, rules: StaleRules, as_of: datetime | None) -> Iterator[FlagFacts]:
    """Yield the facts of every flag, with the places that scans saw go where code no longer uses it."""
    records = list(recorded_flags(uow, rules, as_of))
    unused = {record.facts.flag: record.names for record in records if _is_unused(record.facts.references)}
    left: dict[str, list[Sighting]] = defaultdict(list)
    if unused:
        for one in sightings(uow.references.sweeps(frozenset().union(*unused.values()), as_of)):
            if one.left_code:
                left[named_in(one.reference)].append(one)
    for record in records:
        own = [one for name in sorted(unused.get(record.facts.flag, ())) for one in left.get(name, ())]
        yield replace(record.facts, left=tuple(own)) if own else record.facts


def _is_unused(references: ReferenceFacts | None) -> bool:
    return references is not None and not references.in_code


def keep_what_is_needed(
    judgements: Mapping[FlagId, Judgement], rules: StaleRules, now: datetime
) -> Mapping[FlagId, Judgement]:
    """Judge again every flag on which another depends that stays itself; what only goes with it keeps nothing."""
    known = dict(judgements)
    needed = dependents({flag: judgement.facts.lifetime.requires for flag, judgement in known.items()})
    waiting = list(needed)
    while waiting:
        flag = waiting.pop()
        staying = tuple(sorted(other for other in needed[flag] if known[other].verdict is not Verdict.REMOVE))
        if staying == known[flag].facts.needed_by:
            continue
        known[flag] = judge(replace(known[flag].facts, needed_by=staying), rules, now)
        waiting += [other for other in needed if flag in needed[other]]
    return known


def recorded_flags(
    uow: UnitOfWork, rules: StaleRules, as_of: datetime | None = None, *, gone: bool = False
) -> Iterator[RecordedFlag]:
    """Yield every flag that exists as known at ``as_of``; those that are ``gone`` everywhere only when asked for."""
    scans = uow.references.scans(as_of)
    references = by_flag(uow.references.references(as_of))
    notices = notices_of(uow, as_of)
    snoozes = _snoozes(uow, as_of)
    gathered = _gather(uow, as_of)
    follows = successors(flag for flag, found in gathered.items() if any(map(exists, found.states)))
    for flag, found in gathered.items():
        is_gone = not any(exists(change) for change in found.states)
        if is_gone and not gone:
            continue
        places = places_of(found, references, scans)
        counted = None if places is None else counted_in(places, scans, rules)
        facts = replace(
            facts_of(flag, found, counted, notices, rules, said_of(places or ())),
            snoozes=tuple(snoozes.get(flag, ())),
            successor=follows.get(flag),
        )
        if facts.lifetime.owner is None:
            facts = replace(facts, lifetime=replace(facts.lifetime, owner=owner_in_code(places or ())))
        yield RecordedFlag(facts, places, is_gone, frozenset({str(flag), *found.keys}))


def owner_in_code(places: Iterable[Reference]) -> str | None:
    """Return who owns the code that reads a flag, or else that names it, as CODEOWNERS says: those of most places."""
    owned = [one for one in places if one.owners and one.kind not in {ReferenceKind.TEST, ReferenceKind.DOC}]
    reads = [one for one in owned if one.kind is ReferenceKind.READ]
    most = Counter(one.owners for one in reads or owned).most_common()
    return ", ".join(min(owners for owners, count in most if count == most[0][1])) if most else None


def said_of(places: Iterable[Reference]) -> tuple[Annotation, ...]:
    """Return what comments beside these places say, each once, in the order of the files."""
    said = dict.fromkeys(one for place in places for one in place.annotations)
    return tuple(sorted(said, key=lambda one: (one.path, one.line, one.kind.value, one.value)))


def _rank(judgement: Judgement) -> tuple[int, float, str]:
    changed = judgement.facts.changed_at
    return _ORDER[judgement.verdict], changed.timestamp() if changed else 0.0, str(judgement.facts.flag)


def _gather(uow: UnitOfWork, as_of: datetime | None) -> dict[FlagId, Gathered]:
    """Group the newest states by flag, those of flags that are gone included."""
    gathered: dict[FlagId, Gathered] = defaultdict(Gathered)
    latest = [change for change in uow.changes.latest_states(None, as_of) if change.change.flag is not None]
    metadata = uow.documents.metadata({change.change.document for change in latest}, as_of)
    for change in latest:
        found = gathered[FlagId(change.change.application or "", change.change.flag or "")]
        found.states.append(change)
        found.metadata.update(metadata.get(change.change.document, {}))
        found.keys.add(store_key(change))
    for flag, span in uow.changes.spans(as_of):
        if flag in gathered:
            one = gathered[flag]
            one.changed, one.created_at, one.known_since = span.newest, span.began_at, span.known_since
    return gathered


def exists(change: RecordedChange) -> bool:
    """Tell whether a change left a flag behind."""
    return change.change.kind not in _GONE and change.change.after is not None


def store_key(change: RecordedChange) -> str:
    """Return the key by which code asks for the flag: the parameter's full name, else the key in the document."""
    return change.change.document.name if change.change.path == "" else change.change.flag or ""


def facts_of(
    flag: FlagId,
    found: Gathered,
    references: ReferenceFacts | None,
    notices: Mapping[str, Sequence[tuple[str, datetime]]],
    rules: StaleRules,
    annotations: tuple[Annotation, ...] = (),
) -> FlagFacts:
    """Return the facts that a verdict is found by."""
    definition = next((s.change.after.definition for s in found.states if s.change.after is not None), None)
    changed = found.changed
    return FlagFacts(
        flag=flag,
        environments=tuple(_environments(found.states)),
        created_at=found.created_at,
        changed_at=changed.occurred_at if changed is not None else None,
        changed_by=changed.attribution.actor.name if changed is not None else None,
        lifetime=lifetime_of(flag, definition, found.metadata, rules.lifetimes, annotations),
        references=references,
        notices=tuple(notice for key in sorted(found.keys) for notice in notices.get(key, ())),
        annotations=annotations,
    )


def _environments(states: Sequence[RecordedChange]) -> Iterator[EnvironmentFacts]:
    """Yield the environments; what AppConfig only saved counts where nothing is deployed at all."""
    live = [s for s in states if s.change.kind is not ChangeKind.SAVED]
    for change in sorted(live or states, key=lambda s: s.change.environment or ""):
        if exists(change):
            name = change.attribution.actor.name
            yield EnvironmentFacts(change.change.environment, change.change.after, change.occurred_at, name)


def by_flag(references: Iterable[Reference]) -> Mapping[str, Sequence[Reference]]:
    """Group references by the flag that they name."""
    grouped: dict[str, list[Reference]] = defaultdict(list)
    for reference in references:
        grouped[named_in(reference)].append(reference)
    return grouped


def places_of(
    found: Gathered, references: Mapping[str, Sequence[Reference]], scans: Sequence[StoredScan]
) -> tuple[Reference, ...] | None:
    """Return the references of one flag.

    A flag that was recorded after a scan was not looked for by it: then nothing is known, not even that there is none.
    """
    scanned_at = min((scan.scanned_at for scan in scans), default=None)
    if scanned_at is None or (found.known_since is not None and found.known_since > scanned_at):
        return None
    flag = found.states[0].change
    name = str(FlagId(flag.application or "", flag.flag or ""))
    mine = list(references.get(name, ()))
    mine.extend(r for key in sorted(found.keys) for r in references.get(key, ()) if r.flag.name is None)
    return tuple(mine)


def counted_in(mine: Sequence[Reference], scans: Sequence[StoredScan], rules: StaleRules) -> ReferenceFacts:
    """Count references; the oldest of the newest scans says how fresh that is."""
    known = [scan.repository for scan in scans]
    unscanned = tuple(pattern for pattern in rules.deployed if not any(fnmatchcase(name, pattern) for name in known))
    return ReferenceFacts(
        counts=Counter(r.kind.value for r in mine),
        certain=Counter(r.kind.value for r in mine if r.certainty is Certainty.CERTAIN),
        possible=sum(r.certainty is Certainty.POSSIBLE for r in mine),
        scanned_at=min(scan.scanned_at for scan in scans),
        complete=all(scan.complete for scan in scans),
        unscanned=unscanned,
    )


def _snoozes(uow: UnitOfWork, as_of: datetime | None) -> Mapping[FlagId, Sequence[Snooze]]:
    grouped: dict[FlagId, list[Snooze]] = defaultdict(list)
    for snooze in uow.snoozes.all(as_of):
        grouped[snooze.flag].append(snooze)
    return grouped


def notices_of(uow: UnitOfWork, as_of: datetime | None) -> Mapping[str, Sequence[tuple[str, datetime]]]:
    """Return what the stores' own policies announced, by document."""
    grouped: dict[str, list[tuple[str, datetime]]] = defaultdict(list)
    for signal in uow.calls.signals(as_of):
        if signal.document is not None:
            grouped[signal.document.name].append((signal.text, signal.at))
    return grouped
