"""Reading back who called: attributes what nobody was named for, and finds the calls that were refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from auditor.application.attempts import attempt_changes, guardrail_changes
from auditor.application.ports import Scope, Trail
from auditor.application.recording import Recorder, Tally
from auditor.application.retrying import retried
from auditor.domain.attribution import CallOutcome
from auditor.domain.changes import Detection
from auditor.domain.errors import MalformedEventError, StoreUnreadableError
from auditor.domain.events import DocumentHint, Notices, Operation, RawEvent, merged
from auditor.domain.times import from_micros, to_micros

TRAIL = "cloudtrail"
# Records appear minutes late and out of order: so far back is looked again.
OVERLAP = timedelta(minutes=30)

_REFUSED = (CallOutcome.DENIED, CallOutcome.FAILED)
Place = tuple[str, str]


@dataclass(frozen=True, slots=True)
class TrailReader:
    """Takes CloudTrail's records of calls into the record, each once, and goes on where it stopped."""

    recorder: Recorder
    trail: Trail

    def read(self, place: Place, calls: Sequence[str], tally: Tally, started: datetime) -> str | None:
        """Read the calls of these names in an account and Region; return a sentence when CloudTrail gave no answer.

        What was read until then is kept. Nothing depends on it: the changes themselves come from the stores.
        """
        scope = Scope(TRAIL, *place, "")
        with self.recorder.unit_of_work() as uow:
            known = uow.runs.newest_counts(scope)
        done = dict(known or {})
        trouble = None
        for call in calls:
            since = from_micros(done[call]) - OVERLAP if call in done else None
            by = Detection.RECONCILE if call in done else Detection.BACKFILL
            try:
                done[call] = self._read_call(place, call, since, by, tally, started) or done.get(call, 0)
            except StoreUnreadableError as error:
                trouble = str(error)
                break
        if done != known:
            self._remember(scope, done)
        return trouble

    @retried
    def _remember(self, scope: Scope, done: Mapping[str, int]) -> None:
        with self.recorder.unit_of_work() as uow:
            uow.runs.reconciled(scope, self.recorder.clock.now(), done)
            uow.commit()

    def _read_call(
        self, place: Place, call: str, since: datetime | None, by: Detection, tally: Tally, started: datetime
    ) -> int | None:
        """Read the calls of one name and return until when, in microseconds of CloudTrail's clock."""
        until, newest_first = None, list[RawEvent]()
        for page in self.trail.pages(*place, call, since):
            until = until or to_micros(page.read_at)
            newest_first.extend(page.events)
        # What was there before a call is known from the calls before it.
        for event in reversed(newest_first):
            self._take(event, by, tally, started)
        return until

    @retried
    def _take(self, event: RawEvent, by: Detection, tally: Tally, started: datetime) -> None:
        notices = self._understood(event)
        attempts = [call for call in notices.calls if call.outcome in _REFUSED]
        for call in notices.calls:
            if call.outcome not in _REFUSED:
                self.recorder.keep_call(call, tally)
        with self.recorder.unit_of_work() as uow:
            for signal in notices.signals:
                uow.calls.signal(f"{TRAIL}|{event.id}", signal, self.recorder.clock.now())
            changes = [change for call in attempts for change in attempt_changes(uow, call, by)]
            changes += guardrail_changes(uow, notices, by)
            moved = [hint for hint in notices.hints if self._moved_label(hint)]
            uow.commit()
        if changes:
            self.recorder.record_changes(changes, tally, started)
        for hint in moved:
            self.recorder.sync_document(hint.document, Detection.RECONCILE, (hint,), tally, started)

    def _understood(self, event: RawEvent) -> Notices:
        """Return what a record tells; nothing where it cannot be understood: it is no event that anybody sent us."""
        try:
            parts = [source.parse(event) for source in self.recorder.sources.values()]
        except MalformedEventError:
            return Notices()
        return merged(parts)

    def _moved_label(self, hint: DocumentHint) -> bool:
        """Tell whether a label moved that is not held where this call put it; no listing tells of labels."""
        if hint.operation is not Operation.LABELLED or hint.label is None:
            return False
        with self.recorder.unit_of_work() as uow:
            held = uow.documents.held(hint.document)
        if held is None or not held.alive or held.checked_at >= hint.at:
            return False
        return held.labels.get(hint.label) != hint.version
