"""The insert-only log of changes, and of what was learnt about them later."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select

from auditor.adapters.storage.bodies import attribution_body, change_body, read_attribution, read_change
from auditor.adapters.storage.history import ChangeRow, change_rows, latest_rows, span_rows
from auditor.adapters.storage.keys import cause_number, document_number
from auditor.adapters.storage.people import SqlPeople
from auditor.adapters.storage.search import actor_number, actor_text, names, searchable
from auditor.adapters.storage.session import PAGE, Session, among, chunks, numbers_of, with_numbers
from auditor.adapters.storage.standing import standing_numbers
from auditor.adapters.storage.tables import attributions, changes
from auditor.adapters.storage.texts import number
from auditor.application.ports import FlagSpan, HistoryQuery
from auditor.domain.attribution import Attribution
from auditor.domain.changes import AttributedChange, ChangeKind, FlagChange, RecordedChange, change_id
from auditor.domain.documents import DocumentRef
from auditor.domain.flags import FlagId
from auditor.domain.identities import best
from auditor.domain.people import PSEUDONYM
from auditor.domain.times import from_micros, to_micros

_ATTEMPTS = tuple(kind.value for kind in ChangeKind if kind.is_attempt)
# As far as a column of either database goes.
_HIGHEST = 2**63 - 1
_BODY = (changes.c.seq, changes.c.body)
_NAMES_PEOPLE = PSEUDONYM.encode()


@dataclass(frozen=True, slots=True)
class SqlChangeLog:
    """Changes and attributions in one table each; rows are inserted and never touched again.

    ``people`` has the names of those whom flags list: rows hold pseudonyms, and what is read shows counts.
    """

    session: Session
    people: SqlPeople

    def append(self, change: AttributedChange, at: datetime) -> RecordedChange | None:
        """Record a change with its attribution; return ``None`` when its natural key is recorded already."""
        key = change_id(change.change.key)
        seq = self.session.number_once(key, at)
        if seq is None:
            return None
        told = replace(change, change=self.people.conceal_change(change.change))
        row = {"seq": seq, **columns(key, told, at)}
        self.session.add(changes, row)
        self.session.seal_later("change", seq, row["body"])
        self._know(change.attribution)
        recorded = RecordedChange(key, seq, at, told.change, change.attribution)
        return recorded if told.change is change.change else self.people.show(recorded)

    def attribute(self, change_id: str, attribution: Attribution, at: datetime) -> bool:
        """Append an attribution learnt later; return False when the same evidence is recorded already."""
        # Two processes that learn about one change at once would each count what the other does not know.
        found = self.session.first(select(*_BODY).where(changes.c.seq.in_(numbers_of([change_id]))).with_for_update())
        if found is None:
            raise LookupError(f"no change {change_id} is recorded")
        recorded = read_change(found.seq, found.body)
        known = [recorded.attribution, *self._attributions([found.seq], None).get(found.seq, [])]
        if any(_tells_nothing_new(attribution, held) for held in known):
            return False
        row = attribution_columns(recorded, known, attribution, at)
        seq = self.session.number(attributions, row)
        if seq is None:  # pragma: no cover - only a database without row locks lets two come this far
            return False
        self.session.seal_later("attribution", seq, row["body"])
        self._know(attribution)
        return True

    def query(self, query: HistoryQuery) -> Iterator[RecordedChange]:
        """Yield matching changes, the newest occurrence first, joined with the best attribution."""
        size = PAGE if query.limit is None else min(query.limit, PAGE)
        left = query.limit
        if size <= 0:
            return
        for page in chunks(change_rows(self.session, query, size), size):
            for recorded in self._joined(page, query.as_of):
                if _is_by(recorded.attribution, query):
                    yield recorded
                    left = None if left is None else left - 1
                    if left == 0:
                        return

    def get(self, change_id: str) -> RecordedChange | None:
        """Return one change, or ``None``."""
        return next(iter(self.with_ids([change_id])), None)

    def numbered(self, seq: int) -> RecordedChange | None:
        """Return the change of this number in the history, or ``None``."""
        return next(iter(self._select(changes.c.seq == seq)), None) if seq <= _HIGHEST else None

    def with_ids(self, ids: Sequence[str]) -> Sequence[RecordedChange]:
        """Return the changes with these ids that are recorded, in the order of the ids."""
        found: dict[str, RecordedChange] = {}
        for some in chunks(ids):
            rows = self.session.rows(select(*_BODY).where(changes.c.seq.in_(numbers_of(some))))
            found |= {recorded.id: recorded for recorded in self._joined(rows, None)}
        return [found[one] for one in ids if one in found]

    def of_version(self, document: DocumentRef, version: str) -> Sequence[RecordedChange]:
        """Return the changes whose ``version_after`` is this version of the document, in any life, without attempts."""
        found = self._select(
            changes.c.document_hash == document_number(document),
            changes.c.version_after == version,
            changes.c.kind.not_in(_ATTEMPTS),
        )
        return [one for one in found if one.change.document == document]

    def of_cause(self, cause: str) -> Sequence[RecordedChange]:
        """Return the changes of one cause."""
        found = self._select(changes.c.cause_hash == cause_number(cause))
        return [one for one in found if one.change.cause == cause]

    def of_document(self, document: DocumentRef, kinds: Sequence[ChangeKind]) -> Sequence[RecordedChange]:
        """Return the document's changes of these kinds, oldest first, with the people in them as the store has them."""
        found = self._select(
            changes.c.document_hash == document_number(document),
            changes.c.kind.in_([kind.value for kind in kinds]),
            whole=True,
        )
        own = [one for one in found if one.change.document == document]
        return sorted(own, key=lambda one: (_moment(one.change, one.attribution)[0], one.seq))

    def latest_states(self, at: datetime | None, as_of: datetime | None) -> Iterator[RecordedChange]:
        """Yield, per document, path and environment, the newest state-bearing change that occurred by ``at``.

        State-bearing are created, updated, deleted, expired, saved, deployed, rolled_back. Deleted ones are yielded
        too.
        """
        if at is None and as_of is None:
            newest = self._in_order(standing_numbers(self.session))
        else:
            newest = [row.seq for row in self.session.rows(latest_rows(at, as_of))]
        for some in chunks(newest):
            rows = self.session.rows(select(*_BODY).where(among(changes.c.seq, some)))
            bodies = {row.seq: row for row in rows}
            yield from self._joined([bodies[seq] for seq in some], as_of)

    def states_held(self) -> int:
        """Return how many ``latest_states`` there are now."""
        return len(standing_numbers(self.session))

    def spans(self, as_of: datetime | None = None) -> Iterator[tuple[FlagId, FlagSpan]]:
        """Yield of each flag ever recorded when it came and what changed it last.

        Refused and failed calls and moved labels change no flag.
        """
        for some in chunks(self.session.rows(span_rows(as_of))):
            rows = self.session.rows(select(*_BODY).where(changes.c.seq.in_([row.seq for row in some])))
            newest = {recorded.seq: recorded for recorded in self._joined(rows, as_of)}
            for row in some:
                began = None if row.began_us is None else from_micros(row.began_us)
                told = newest[row.seq].change
                span = FlagSpan(newest[row.seq], began, from_micros(row.known_us))
                yield FlagId(told.application or "", told.flag or ""), span

    def _in_order(self, numbers: Sequence[int]) -> Sequence[int]:
        """Return the numbers of changes in the order of their flags."""
        names = select(changes.c.seq, changes.c.application, changes.c.flag, changes.c.environment)
        rows = with_numbers(self.session, names, changes.c.seq, numbers)
        found = [(row.application or "", row.flag or "", row.environment or "", row.seq) for row in rows]
        return [seq for _, _, _, seq in sorted(found)]

    def _select(self, *conditions: Any, whole: bool = False) -> Sequence[RecordedChange]:
        rows = self.session.rows(select(*_BODY).where(*conditions).order_by(changes.c.seq))
        return [recorded for some in chunks(rows) for recorded in self._joined(some, None, whole=whole)]

    def _joined(
        self, rows: Sequence[Row[Any] | ChangeRow], as_of: datetime | None, *, whole: bool = False
    ) -> Iterator[RecordedChange]:
        """Yield the changes in these rows with the best attribution known, and people as counts unless ``whole``."""
        later = self._attributions([row.seq for row in rows], as_of)
        for row in rows:
            recorded = read_change(row.seq, row.body)
            if _NAMES_PEOPLE in row.body:
                revealed = replace(recorded, change=self.people.reveal_change(recorded.change)) if whole else None
                recorded = revealed or self.people.show(recorded)
            if row.seq in later:
                recorded = replace(recorded, attribution=best([recorded.attribution, *later[row.seq]]))
            yield recorded

    def _attributions(self, seqs: Iterable[int], as_of: datetime | None) -> dict[int, list[Attribution]]:
        """Return what was learnt later about these changes, oldest first."""
        table = attributions.c
        learnt: dict[int, list[Attribution]] = {}
        for some in chunks(seqs):
            about = select(table.change_seq, table.body).where(among(table.change_seq, some)).order_by(table.seq)
            if as_of is not None:
                about = about.where(table.recorded_us <= to_micros(as_of))
            for row in self.session.rows(about):
                learnt.setdefault(row.change_seq, []).append(read_attribution(row.body))
        return learnt

    def _know(self, attribution: Attribution) -> None:
        """Let the actor be found by name, from the commit on."""
        key = actor_number(attribution)
        if key is not None:
            self.session.know(key, actor_text(attribution.actor))


def columns(key: str, recorded: AttributedChange, at: datetime) -> dict[str, Any]:
    """Return the row of a change: its body, and what finds it, made of the same facts."""
    c = recorded.change
    when, exact = _moment(c, recorded.attribution)
    start, end = c.occurred_between or (None, None)
    return {
        "id": key,
        "recorded_us": to_micros(at),
        "kind": c.kind.value,
        "application": c.application,
        "flag": c.flag,
        "environment": c.environment,
        "source": c.document.source,
        "account": c.document.account,
        "region": c.document.region,
        "document_hash": document_number(c.document),
        "path": c.path,
        "life": c.life,
        "version_after": c.version_after,
        "cause_hash": cause_number(c.cause),
        "dated": c.occurred_at is not None,
        "sort_us": when,
        "exact": exact,
        "start_us": None if start is None else to_micros(start),
        "end_us": None if end is None else to_micros(end),
        "actor_hash": actor_number(recorded.attribution),
        "text": searchable(c),
        "body": change_body(key, recorded, at),
    }


def attribution_columns(
    recorded: RecordedChange, known: Sequence[Attribution], attribution: Attribution, at: datetime
) -> dict[str, Any]:
    """Return the row of what was learnt of a change: its body, and what finds it, made of all that is known by then."""
    standing = best([*known, attribution])
    when, exact = _moment(recorded.change, standing)
    return {
        "change_seq": recorded.seq,
        "evidence_hash": number(*_evidence(attribution)),
        "recorded_us": to_micros(at),
        "actor_hash": actor_number(standing),
        "moves": recorded.change.occurred_at is None,
        "sort_us": when,
        "exact": exact,
        "body": attribution_body(recorded.id, attribution, at),
    }


def _moment(change: FlagChange, attribution: Attribution) -> tuple[int, bool]:
    """Return where the change stands in time, and whether it occurred then or at that time at the latest."""
    occurred = change.occurred_at or attribution.occurred_at
    if occurred is not None:
        return to_micros(occurred), True
    if change.occurred_between is None:
        raise ValueError(f"{change.key} says neither when it occurred nor between which times")
    return to_micros(change.occurred_between[1]), False


def _is_by(attribution: Attribution, query: HistoryQuery) -> bool:
    if query.unattributed and attribution.attributed:
        return False
    return query.actor is None or names(attribution.actor, query.actor)


def _evidence(attribution: Attribution) -> tuple[str, ...]:
    """Return what makes an attribution the same one when it is learnt again."""
    actor = [f"{key}={value}" for key, value in attribution.actor.to_json().items()]
    pieces = sorted(f"{piece.source} {piece.id or piece.text}" for piece in attribution.evidence)
    return (*actor, attribution.certainty.value, str(attribution.occurred_at), *pieces)


def _tells_nothing_new(new: Attribution, held: Attribution) -> bool:
    same = (new.actor, new.certainty, new.occurred_at) == (held.actor, held.certainty, held.occurred_at)
    return same and {(e.source, e.id or e.text) for e in new.evidence} <= {
        (e.source, e.id or e.text) for e in held.evidence
    }
