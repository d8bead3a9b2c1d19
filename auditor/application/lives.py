"""The last year of all flags, in one pass over the record: their verdicts each week, and what each was set to.

Each week's verdicts are found from what had happened and had been scanned by then, so that a past week's report that is
made anew says the same of its weeks. No more than a month of changes is held at a time.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from operator import itemgetter

from auditor.application.ports import HistoryQuery, StoredScan, UnitOfWork
from auditor.application.staleness import (
    Gathered,
    by_flag,
    counted_in,
    exists,
    facts_of,
    keep_what_is_needed,
    notices_of,
    owner_in_code,
    places_of,
    said_of,
    store_key,
)
from auditor.domain.changes import ChangeKind, RecordedChange
from auditor.domain.documents import DocumentRef
from auditor.domain.flags import FlagId, JsonValue
from auditor.domain.lives import RECENT, Life, Moment, Point, Scanned, Span, Year
from auditor.domain.readings import Position, read_state
from auditor.domain.references import Certainty, FlagSpec, Reference
from auditor.domain.relations import successors
from auditor.domain.verdicts import FlagFacts, StaleRules, Verdict, judge, verdict_of

WEEK = timedelta(days=7)
WEEKS = 52
_AT_ONCE = 4  # weeks; they divide the year
_MOST_SPANS = 60
_MOST_SCANS = 200
_INSTANT = timedelta(microseconds=1)
_STATES = frozenset(
    {
        ChangeKind.CREATED,
        ChangeKind.UPDATED,
        ChangeKind.DELETED,
        ChangeKind.EXPIRED,
        ChangeKind.SAVED,
        ChangeKind.DEPLOYED,
        ChangeKind.ROLLED_BACK,
    }
)


@dataclass(slots=True)
class _Running:
    """What is known of one flag as the year goes on."""

    gathered: Gathered = field(default_factory=Gathered)
    states: dict[tuple[DocumentRef, str, str | None], RecordedChange] = field(default_factory=dict)
    life: Life = field(default_factory=Life)


def year_of(uow: UnitOfWork, rules: StaleRules, now: datetime, as_of: datetime | None = None) -> Year:
    """Return the last 52 weeks as the record tells of them now (``as_of``: told then)."""
    begin = now - WEEKS * WEEK
    passing = _Passing(uow, rules, as_of)
    passing.begin(begin)
    points = [passing.point(begin)]
    for number in range(0, WEEKS, _AT_ONCE):
        points += passing.weeks(begin + number * WEEK)
    return Year(tuple(points), {flag: one.life for flag, one in passing.flags.items()}, begin)


def code_history(uow: UnitOfWork, specs: Sequence[FlagSpec], as_of: datetime | None = None) -> Sequence[Scanned]:
    """Return what the scans that are kept found of one flag, newest first, each that found something else."""
    found: list[Scanned] = []
    moment = as_of
    for _ in range(_MOST_SCANS):
        scans = uow.references.scans(moment)
        if not scans:
            break
        newest = max(scans, key=lambda scan: scan.scanned_at)
        at = newest.scanned_at
        named = [one for spec in specs for one in uow.references.of_flag(spec, moment) or ()]
        places = frozenset(f"{one.path}:{one.line}" for one in named if one.certainty is Certainty.CERTAIN)
        if found and found[-1].places == places:
            found.pop()  # the earlier scan found it first
        found.append(Scanned(at, places, newest.commit, newest.complete))
        moment = at - _INSTANT
    return found


@dataclass(slots=True)
class _Passing:
    """The pass itself."""

    uow: UnitOfWork
    rules: StaleRules
    as_of: datetime | None
    flags: dict[FlagId, _Running] = field(default_factory=dict)
    seen: set[int] = field(default_factory=set)
    scans: dict[tuple[tuple[str, datetime], ...], tuple[Mapping[str, Sequence[Reference]], Sequence[StoredScan]]] = (
        field(default_factory=dict)
    )
    notices: Mapping[str, Sequence[tuple[str, datetime]]] = field(default_factory=dict)
    metadata: dict[DocumentRef, Mapping[str, JsonValue]] = field(default_factory=dict)

    def begin(self, moment: datetime) -> None:
        """Take in all that happened before the year."""
        self.notices = notices_of(self.uow, self.as_of)
        for change in self.uow.changes.query(HistoryQuery(changes_only=True, until=moment, as_of=self.as_of)):
            one = self._of(change)
            if one is None or not _is_over(change, moment):
                continue
            self._see(change, moment)
            _date(one.gathered, change, newer=False)
            if len(one.life.recent) < RECENT:
                one.life.recent.append(_moment(change))
        for change in self.uow.changes.latest_states(moment, self.as_of):
            one = self._of(change)
            if one is not None and _is_over(change, moment):
                self._set(one, change, None)

    def weeks(self, begin: datetime) -> Iterator[Point]:
        """Take in what happened in some weeks, and yield how things stood at the end of each."""
        until = begin + _AT_ONCE * WEEK
        query = HistoryQuery(changes_only=True, since=begin, until=until, as_of=self.as_of)
        found = self.uow.changes.query(query)
        dated = [(end, change.seq, change) for change in found if (end := self._news(change, until)) is not None]
        news = deque(change for _, _, change in sorted(dated, key=itemgetter(0, 1)))
        for number in range(1, _AT_ONCE + 1):
            end = begin + number * WEEK
            while news and _is_over(news[0], end):
                self._take(news.popleft())
            yield self.point(end)

    def _news(self, change: RecordedChange, until: datetime) -> datetime | None:
        """Return when a change had surely happened if that is by then; the next question may give it once more."""
        if change.seq in self.seen or not _is_over(change, until):
            return None
        self._see(change, until)
        return _end(change)

    def _take(self, change: RecordedChange) -> None:
        one = self._of(change)
        if one is None:
            return
        _date(one.gathered, change, newer=True)
        one.life.recent.appendleft(_moment(change))
        if change.change.kind in _STATES:
            self._set(one, change, _end(change))

    def point(self, moment: datetime) -> Point:
        """Judge every flag that exists at a moment."""
        references, scans = self._references(moment)
        standing = {flag: one for flag, one in self.flags.items() if any(map(exists, one.states.values()))}
        follows = successors(standing)
        facts, named = {}, {}
        for flag, one in standing.items():
            one.gathered.states = list(one.states.values())
            places = places_of(one.gathered, references, scans)
            known = None if places is None else counted_in(places, scans, self.rules)
            named[flag] = places or ()
            own = facts_of(flag, one.gathered, known, self.notices, self.rules, said_of(places or ()))
            facts[flag] = replace(own, successor=follows[flag]) if flag in follows else own
        verdicts = dict(_verdicts(facts, self.rules, moment))
        counts = Counter(verdicts.values())
        removable = (flag for flag, verdict in verdicts.items() if verdict is Verdict.REMOVE)
        owners = Counter(facts[flag].lifetime.owner or owner_in_code(named[flag]) for flag in removable)
        return Point(moment, {verdict: counts[verdict] for verdict in Verdict}, owners)

    def _see(self, change: RecordedChange, until: datetime) -> None:
        """Remember a change that the next week's question gives again: one at its border, or one not dated exactly."""
        if change.occurred_at is None or change.occurred_at == until:
            self.seen.add(change.seq)

    def _of(self, change: RecordedChange) -> _Running | None:
        about = change.change
        if about.flag is None or about.kind is ChangeKind.LABEL_MOVED or about.kind.is_attempt:
            return None
        return self.flags.setdefault(FlagId(about.application or "", about.flag), _Running())

    def _set(self, one: _Running, change: RecordedChange, since: datetime | None) -> None:
        about = change.change
        one.states[about.document, about.path, about.environment] = change
        one.gathered.keys.add(store_key(change))
        one.gathered.metadata.update(self._metadata(change))
        if about.kind is ChangeKind.SAVED:
            return  # nobody has it yet
        position = read_state(about.after).position if exists(change) else Position.ABSENT
        spans = one.life.spans.setdefault(about.environment, [])
        if not spans or spans[-1].position is not position:
            spans.append(Span(since, position))
            del spans[:-_MOST_SPANS]

    def _metadata(self, change: RecordedChange) -> Mapping[str, JsonValue]:
        document = change.change.document
        if document not in self.metadata:
            self.metadata[document] = self.uow.documents.metadata([document], self.as_of).get(document, {})
        return self.metadata[document]

    def _references(self, moment: datetime) -> tuple[Mapping[str, Sequence[Reference]], Sequence[StoredScan]]:
        """Return what the scans made by then found; read once for each set of newest scans."""
        then = moment if self.as_of is None else min(moment, self.as_of)
        scans = self.uow.references.scans(then)
        key = tuple((scan.repository, scan.scanned_at) for scan in scans)
        if key not in self.scans:
            self.scans.clear()
            self.scans[key] = by_flag(self.uow.references.references(then)), scans
        return self.scans[key]


def _verdicts(
    facts: Mapping[FlagId, FlagFacts], rules: StaleRules, moment: datetime
) -> Iterator[tuple[FlagId, Verdict]]:
    """Yield each flag with its verdict; only where flags depend on others do these have to be judged together."""
    if any(one.lifetime.requires for one in facts.values()):
        judged = {flag: judge(one, rules, moment) for flag, one in facts.items()}
        judged = dict(keep_what_is_needed(judged, rules, moment))
        yield from ((flag, judgement.verdict) for flag, judgement in judged.items())
    else:
        yield from ((flag, verdict_of(one, rules, moment)) for flag, one in facts.items())


def _is_over(change: RecordedChange, moment: datetime) -> bool:
    """Tell whether a change had happened for sure by then."""
    end = _end(change)
    return end is not None and end <= moment


def _end(change: RecordedChange) -> datetime | None:
    if change.occurred_at is not None:
        return change.occurred_at
    return None if change.change.occurred_between is None else change.change.occurred_between[1]


def _date(found: Gathered, change: RecordedChange, *, newer: bool) -> None:
    """Note when a flag came and last changed; changes come newest first, or (``newer``) each after the ones before."""
    if newer or found.changed is None:
        found.changed = change
    if found.known_since is None or change.recorded_at < found.known_since:
        found.known_since = change.recorded_at
    when = change.occurred_at
    if when is not None and (found.created_at is None or when < found.created_at):
        found.created_at = when


def _moment(change: RecordedChange) -> Moment:
    return Moment(change.occurred_at, change.change.summary, change.attribution.actor.name)
