"""Ingest: events become a complete record, each event by itself, so that a bad one never harms its neighbours."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from auditor.application.attempts import attempt_changes, guardrail_changes, keep_guards
from auditor.application.envelopes import event_keys, parse_envelope
from auditor.application.ports import UnitOfWork
from auditor.application.recording import DeploymentTrigger, Finish, Recorder, Tally
from auditor.application.retrying import retried
from auditor.application.safekeeping import keepable
from auditor.domain.attribution import CallOutcome
from auditor.domain.changes import Detection
from auditor.domain.corroboration import ALARM, MONITOR
from auditor.domain.derivation import CLOCK_TOLERANCE
from auditor.domain.documents import DocumentRef, EnvironmentRef
from auditor.domain.errors import MalformedEventError, StoreUnreadableError
from auditor.domain.events import DocumentHint, Notices, Operation, Outcome, ReceivedEvent, merged
from auditor.domain.flags import JsonValue
from auditor.domain.images import order

_REFUSED = (CallOutcome.DENIED, CallOutcome.FAILED)


@dataclass(frozen=True, slots=True)
class RejectedEvent:
    """An event that cannot be understood, and why."""

    index: int
    error: str
    message_id: str | None = None

    def to_json(self) -> dict[str, JsonValue]:
        """Return the entry in contract form."""
        entry: dict[str, JsonValue] = {"index": self.index, "error": self.error}
        if self.message_id is not None:
            entry["message_id"] = self.message_id
        return entry


@dataclass(frozen=True, slots=True)
class DeferredEvent:
    """An event that waits until its store can be read, and why."""

    index: int
    document: str
    error: str
    message_id: str | None = None

    def to_json(self) -> dict[str, JsonValue]:
        """Return the entry in contract form."""
        return {"index": self.index, "document": self.document, "error": self.error}


@dataclass(frozen=True, slots=True)
class IngestReport:
    """What became of a batch: one outcome an event, in order; ``recorded`` counts change rows, the others events.

    ``alerts`` are the keys of the alerts put into the outbox, for sending right after the commit; ``changes`` the ids
    of the rows that were written.
    """

    outcomes: tuple[Outcome, ...]
    recorded: int
    rejected: tuple[RejectedEvent, ...] = ()
    deferred: tuple[DeferredEvent, ...] = ()
    alerts: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Tell whether every event was taken: none rejected, none deferred."""
        return not self.rejected and not self.deferred

    def count(self, outcome: Outcome) -> int:
        """Return how many events had this outcome."""
        return self.outcomes.count(outcome)

    def to_json(self) -> dict[str, JsonValue]:
        """Return the answer in contract form."""
        return {
            "received": len(self.outcomes),
            "recorded": self.recorded,
            "noted": self.count(Outcome.NOTED),
            "duplicate": self.count(Outcome.DUPLICATE),
            "ignored": self.count(Outcome.IGNORED),
            "attempts": self.count(Outcome.ATTEMPT),
            "outcomes": [outcome.value for outcome in self.outcomes],
            "rejected": [event.to_json() for event in self.rejected],
            "deferred": [event.to_json() for event in self.deferred],
        }


@dataclass(frozen=True, slots=True)
class _Parsed:
    """An event as far as it could be understood: ``error`` says what is wrong, ``notices`` what it tells."""

    keys: tuple[str, ...]
    notices: Notices
    error: str | None = None


@dataclass(slots=True)
class _Batch:
    """What one call shares between its events: hints by document, what was read already, and what could not be."""

    started: datetime
    tally: Tally = field(default_factory=Tally)
    hints: dict[DocumentRef, list[DocumentHint]] = field(default_factory=lambda: defaultdict(list))
    first_deployments: dict[EnvironmentRef, int] = field(default_factory=dict)
    read: set[DocumentRef | EnvironmentRef] = field(default_factory=set)
    unreadable: dict[DocumentRef | EnvironmentRef, str] = field(default_factory=dict)

    def hints_of(self, document: DocumentRef) -> Sequence[DocumentHint]:
        """Return every hint of this batch about a document."""
        return self.hints.get(document, ())

    def share(self, notices: Notices) -> None:
        """Let the whole batch know what one event hints at."""
        for hint in notices.hints:
            self.hints[hint.document].append(hint)
        for deployment in notices.deployments:
            if deployment.number is not None:
                known = self.first_deployments.get(deployment.environment, deployment.number)
                self.first_deployments[deployment.environment] = min(known, deployment.number)


Step = Callable[[Finish | None], int]
"""One look or write an event asks for; returns the rows written, and ends its transaction with the callback."""


@dataclass(frozen=True, slots=True)
class Ingest:
    """The use case behind ``flagtrail ingest`` and the Lambda handler."""

    recorder: Recorder

    def run(self, events: Sequence[ReceivedEvent]) -> IngestReport:
        """Take every event by itself, then take up what earlier calls had to defer."""
        batch = _Batch(self.recorder.clock.now())
        parsed = [self._parse(event) for event in events]
        for item in parsed:
            batch.share(item.notices)
        rejected: list[RejectedEvent] = []
        deferred: list[DeferredEvent] = []
        outcomes = [Outcome.IGNORED] * len(events)
        for place in _in_order(parsed):
            event, item = events[place], parsed[place]
            try:
                outcome = self._take(event, item, batch)
            except StoreUnreadableError as error:
                document = self._defer(event, item, str(error))
                deferred.append(DeferredEvent(event.index, document, str(error), event.message_id))
                outcome = Outcome.DEFERRED
            if outcome is Outcome.REJECTED:
                rejected.append(RejectedEvent(event.index, item.error or "", event.message_id))
            outcomes[place] = outcome
        self._take_up_deferred(batch, skip={item.keys for item in parsed})
        tally = batch.tally
        return IngestReport(
            tuple(outcomes),
            tally.recorded,
            tuple(sorted(rejected, key=lambda event: event.index)),
            tuple(sorted(deferred, key=lambda event: event.index)),
            tuple(dict.fromkeys(tally.alerts)),
            tuple(tally.changes),
        )

    def take_up_deferred(self, tally: Tally) -> None:
        """Try the events again that earlier calls had to defer; those that still cannot be read go on waiting."""
        self._take_up_deferred(_Batch(self.recorder.clock.now(), tally), skip=set())

    def _take_up_deferred(self, batch: _Batch, skip: set[tuple[str, ...]]) -> None:
        with self.recorder.unit_of_work() as uow:
            waiting = [(row, ReceivedEvent(0, payload)) for row, payload in uow.inbox.deferred()]
        items = [(row, event, self._parse(event)) for row, event in waiting]
        for _, _, item in items:
            batch.share(item.notices)
        for row, event, item in items:
            if item.keys in skip:
                continue
            try:
                outcome = self._take(event, item, batch)
            except StoreUnreadableError:
                continue
            if outcome is Outcome.DUPLICATE:
                # Taken meanwhile under another of its ids; else taking it has settled it.
                self._settle(row)

    @retried
    def _settle(self, row: int) -> None:
        with self.recorder.unit_of_work() as uow:
            uow.inbox.settle(row, self.recorder.clock.now())
            uow.commit()

    def _parse(self, event: ReceivedEvent) -> _Parsed:
        """Return the event understood as far as it goes."""
        if event.payload is None:
            return _Parsed((), Notices(), event.error or "the event is empty")
        keys: tuple[str, ...] = ()
        try:
            raw = parse_envelope(event.payload, received=self.recorder.clock.now())
            keys = event_keys(raw)
            parts = [source.parse(raw) for source in self.recorder.sources.values()]
        except MalformedEventError as error:
            return _Parsed(keys, Notices(), str(error))
        return _Parsed(keys, merged(parts))

    @retried
    def _take(self, event: ReceivedEvent, item: _Parsed, batch: _Batch) -> Outcome:
        now = self.recorder.clock.now()
        with self.recorder.unit_of_work() as uow:
            if item.keys and uow.inbox.taken(item.keys):
                return Outcome.DUPLICATE
            if item.error is not None:
                uow.inbox.reject(_text_of(event), item.error, now, event.message_id)
            if item.error is not None or not item.notices or self._guards_nothing(uow, item):
                outcome = Outcome.IGNORED if item.error is None else Outcome.REJECTED
                uow.inbox.take(item.keys, outcome, now)
                uow.commit()
                return outcome
        if any(call.outcome in _REFUSED for call in item.notices.calls):
            return self._take_attempt(item, batch)
        return self._take_notices(item, batch)

    def _guards_nothing(self, uow: UnitOfWork, item: _Parsed) -> bool:
        """Tell whether an event is of an alarm that guards no environment as far as the record knows.

        While it does not know what any alarm guards, the alarm is kept all the same: it may turn out to be why
        something was rolled back.
        """
        alarms = {signal.about for signal in item.notices.signals if signal.code == ALARM}
        silenced = {hint.alarm for hint in item.notices.guardrails if hint.alarm is not None}
        if not silenced and (not alarms or item.notices != Notices(signals=item.notices.signals)):
            return False
        monitors = {signal.about for signal in uow.calls.signals() if signal.code == MONITOR}
        for signal in () if monitors else item.notices.signals:
            uow.calls.signal(item.keys[0], signal, self.recorder.clock.now())
        return not (alarms | silenced) & monitors

    @retried
    def _defer(self, event: ReceivedEvent, item: _Parsed, error: str) -> str:
        document = _subject(item.notices)
        payload = keepable(event.payload or {})
        with self.recorder.unit_of_work() as uow:
            uow.inbox.defer(item.keys, payload, document, error, self.recorder.clock.now())
            uow.commit()
        return document

    def _take_attempt(self, item: _Parsed, batch: _Batch) -> Outcome:
        with self.recorder.unit_of_work() as uow:
            changes = [change for call in item.notices.calls for change in attempt_changes(uow, call)]
            changes += guardrail_changes(uow, item.notices)

        def finish(uow: UnitOfWork, _written: int) -> None:
            uow.inbox.take(item.keys, Outcome.ATTEMPT, self.recorder.clock.now())

        self.recorder.record_changes(changes, batch.tally, batch.started, finish)
        return Outcome.ATTEMPT

    def _take_notices(self, item: _Parsed, batch: _Batch) -> Outcome:
        """Keep who did it, look at what is hinted at, and take the event with the last look's transaction.

        A crash in between loses nothing: the event is not taken, and doing the rest again adds nothing twice.
        """
        for call in item.notices.calls:
            self.recorder.keep_call(call, batch.tally)
        self.recorder.corroborate(item.notices.signals, batch.tally)
        steps = list(self._steps(item.notices, batch))
        written = 0

        def finish(uow: UnitOfWork, last: int) -> None:
            outcome = Outcome.RECORDED if written + last else Outcome.NOTED
            for signal in item.notices.signals:
                uow.calls.signal(item.keys[0], signal, self.recorder.clock.now())
            keep_guards(uow, item.notices.guards, self.recorder.clock.now())
            uow.inbox.take(item.keys, outcome, self.recorder.clock.now())

        if not steps:
            steps.append(lambda end: self.recorder.record_changes((), batch.tally, batch.started, end))
        for step in steps[:-1]:
            written += step(None)
        return Outcome.RECORDED if written + steps[-1](finish) else Outcome.NOTED

    def _steps(self, notices: Notices, batch: _Batch) -> Iterator[Step]:
        for hint in notices.hints:
            if hint.document not in batch.read and not self._held_already(hint):
                yield partial(self._look_at_document, hint.document, batch)
        for deployment in notices.deployments:
            if deployment.environment not in batch.read:
                yield partial(self._look_at_environment, deployment.environment, batch)
        for image in notices.images:
            yield partial(self.recorder.record_image, image, batch.tally, batch.started)
        if notices.guardrails:
            yield partial(self._record_guardrails, notices, batch)

    def _look_at_document(self, document: DocumentRef, batch: _Batch, finish: Finish | None) -> int:
        with _remembering(document, batch):
            hints = batch.hints_of(document)
            return self.recorder.sync_document(document, Detection.EVENT, hints, batch.tally, batch.started, finish)

    def _look_at_environment(self, environment: EnvironmentRef, batch: _Batch, finish: Finish | None) -> int:
        with _remembering(environment, batch):
            trigger = DeploymentTrigger(Detection.EVENT, batch.first_deployments.get(environment), batch.hints_of)
            return self.recorder.sync_environment(environment, trigger, batch.tally, batch.started, finish)

    def _record_guardrails(self, notices: Notices, batch: _Batch, finish: Finish | None) -> int:
        with self.recorder.unit_of_work() as uow:
            changes = list(guardrail_changes(uow, notices))
        return self.recorder.record_changes(changes, batch.tally, batch.started, finish)

    def _held_already(self, hint: DocumentHint) -> bool:
        """Tell whether the record holds the very version a hint names, so that the store need not be asked."""
        if hint.version is None or hint.operation is not Operation.TOUCHED:
            return False
        with self.recorder.unit_of_work() as uow:
            snapshot = uow.documents.version(hint.document, hint.version)
        if snapshot is None:
            return False
        if hint.document.source == "appconfig":
            return True
        return snapshot.modified_at is not None and abs(snapshot.modified_at - hint.at) <= CLOCK_TOLERANCE


@contextmanager
def _remembering(subject: DocumentRef | EnvironmentRef, batch: _Batch) -> Iterator[None]:
    """Look at a document once a batch: everything in the batch happened before; a failure counts for all its events."""
    if subject in batch.unreadable:
        raise StoreUnreadableError(batch.unreadable[subject])
    try:
        yield
    except StoreUnreadableError as error:
        batch.unreadable[subject] = str(error)
        raise
    batch.read.add(subject)


def _text_of(event: ReceivedEvent) -> str:
    if event.text is not None:
        return event.text
    try:
        return json.dumps(keepable(event.payload or {}), ensure_ascii=False, default=str)
    except RecursionError:
        return "(nested too deeply to be kept)"


def _in_order(parsed: Sequence[_Parsed]) -> list[int]:
    """Return the places of a batch in the order to take them: as they stand, writes of one document by their number."""
    places = list(range(len(parsed)))
    of_document: dict[DocumentRef, list[int]] = defaultdict(list)
    for place, item in enumerate(parsed):
        for image in item.notices.images[:1]:
            of_document[image.document].append(place)
    for mine in of_document.values():
        sorted_ones = sorted(mine, key=lambda place: order(parsed[place].notices.images[0].sequence))
        for slot, place in zip(mine, sorted_ones, strict=True):
            places[slot] = place
    return places


def _subject(notices: Notices) -> str:
    """Return the name of what could not be read, for the report."""
    for hint in notices.hints:
        return hint.document.name
    for deployment in notices.deployments:
        return f"{deployment.environment.application_id}/{deployment.environment.environment_id}"
    return "-"
