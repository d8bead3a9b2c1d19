"""Reconcile: find by the clock what no event told, by the same path as an event."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from auditor.application.alerting import digests_of, summary_alert
from auditor.application.attempts import keep_guards
from auditor.application.ingest import Ingest
from auditor.application.ports import FlagSource, Progress, Scope
from auditor.application.recording import LISTED, DeploymentTrigger, Recorder, Tally
from auditor.application.retrying import retried
from auditor.application.trail import Place, TrailReader
from auditor.domain.changes import Detection, GapClass
from auditor.domain.documents import DocumentListing, DocumentRef, HeldDocument
from auditor.domain.errors import StoreUnreadableError
from auditor.domain.events import Guards
from auditor.domain.flags import JsonValue
from auditor.domain.times import to_micros

# Each costs a call of the few that Parameter Store allows a second.
_LABELLED_A_RUN = 50


def _silent(done: int, total: int | None, what: str) -> None:
    """Show no progress."""


@dataclass(frozen=True, slots=True)
class ReconcileReport:
    """What one run did; ``gaps`` counts the version gaps now open.

    ``errors`` are sentences about what could not be read, ``remarks`` about what only would have told more.
    """

    documents: int
    versions: int
    recorded: int
    gaps: int
    errors: tuple[str, ...] = ()
    alerts: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()

    def to_json(self) -> dict[str, JsonValue]:
        """Return the answer in contract form."""
        return {
            "documents": self.documents,
            "versions": self.versions,
            "recorded": self.recorded,
            "gaps": self.gaps,
        }


@dataclass(slots=True)
class _Run:
    started: datetime
    tally: Tally = field(default_factory=Tally)
    documents: int = 0
    errors: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    trails: dict[Place, list[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reconcile:
    """The use case behind ``flagtrail reconcile`` and the scheduled job."""

    recorder: Recorder
    named: Mapping[str, FlagSource] = field(default_factory=dict)

    def run(self, source: str | None = None, progress: Progress = _silent) -> ReconcileReport:
        """Compare every watched document with the record and record what is missing.

        ``source`` narrows it to one store, or to the part of a store that is configured under this name.
        What cannot be read is named in ``errors`` and tried again by the next run; the rest is recorded.
        """
        run = _Run(self.recorder.clock.now())
        for watched in self._chosen(source):
            self._reconcile_source(watched, run, progress)
        self._read_trail(run, progress)
        Ingest(self.recorder).take_up_deferred(run.tally)
        self.recorder.look_again(run.tally)
        gaps = self._conclude(run)
        return ReconcileReport(
            run.documents,
            run.tally.versions,
            run.tally.recorded,
            gaps,
            tuple(run.errors),
            tuple(dict.fromkeys(run.tally.alerts)),
            tuple(run.remarks),
        )

    def _chosen(self, source: str | None) -> Sequence[FlagSource]:
        if source is None:
            return tuple(self.recorder.sources.values())
        chosen = self.recorder.sources.get(source) or self.named.get(source)
        return () if chosen is None else (chosen,)

    def _read_trail(self, run: _Run, progress: Progress) -> None:
        """Read back who called; without an answer the record is as complete as before, only less is attributed."""
        if self.recorder.trail is None:
            return
        reader = TrailReader(self.recorder, self.recorder.trail)
        for done, (place, calls) in enumerate(run.trails.items(), start=1):
            trouble = reader.read(place, tuple(dict.fromkeys(calls)), run.tally, run.started)
            if trouble is not None:
                run.remarks.append(trouble)
            progress(done, len(run.trails), "reading who called")

    def _reconcile_source(self, source: FlagSource, run: _Run, progress: Progress) -> None:
        try:
            scopes = source.scopes()
        except StoreUnreadableError as error:
            run.errors.append(str(error))
            return
        for scope in scopes:
            if source.trail_calls:
                run.trails.setdefault((scope.account, scope.region), []).extend(source.trail_calls)
            begun = self.recorder.clock.now()
            before = (len(run.errors), run.documents, run.tally.versions, run.tally.recorded)
            self._reconcile_scope(source, scope, run, progress)
            if len(run.errors) == before[0] and self._is_whole(scope):
                self._complete(scope, run, before, begun, source.listed_at(scope))

    def _is_whole(self, scope: Scope) -> bool:
        """Tell whether a scope is all that is watched of its store there; a part vouches for nothing else."""
        store = self.recorder.sources.get(scope.source)
        return store is not None and scope in store.scopes()

    @retried
    def _complete(
        self, scope: Scope, run: _Run, before: tuple[int, int, int, int], begun: datetime, listed_at: datetime | None
    ) -> None:
        """Record that the scope was looked at whole, as of when that began: that nothing happened is worth a row."""
        counts = {
            "documents": run.documents - before[1],
            "versions": run.tally.versions - before[2],
            "recorded": run.tally.recorded - before[3],
        }
        if listed_at is not None:
            counts[LISTED] = to_micros(listed_at)
        with self.recorder.unit_of_work() as uow:
            uow.runs.reconciled(scope, begun, counts)
            uow.commit()

    def _reconcile_scope(self, source: FlagSource, scope: Scope, run: _Run, progress: Progress) -> None:
        with self.recorder.unit_of_work() as uow:
            held = uow.documents.held_in(scope)
        try:
            moved = list(self._moved(source, scope, held, run, progress))
        except StoreUnreadableError as error:
            run.errors.append(str(error))
            return
        wanted = [*moved, *_labelled(held, frozenset(moved))]
        for done, document in enumerate(wanted, start=1):
            self._sync(document, run)
            progress(done, len(wanted), f"reading {scope.source} {scope.account} {scope.region}")
        self._reconcile_environments(scope, run, progress)

    def _moved(
        self,
        source: FlagSource,
        scope: Scope,
        held: Mapping[DocumentRef, HeldDocument],
        run: _Run,
        progress: Progress,
    ) -> Iterator[DocumentRef]:
        """Yield the documents whose newest version is not held, and those held that the store no longer lists."""
        listed: set[DocumentRef] = set()
        same: dict[DocumentRef, datetime] = {}
        for listing in source.list_documents(scope):
            listed.add(listing.document)
            run.documents += 1
            progress(len(listed), None, f"listing {scope.source} {scope.account} {scope.region}")
            if not _unmoved(listing, held.get(listing.document)):
                yield listing.document
            elif listing.read_at is not None:
                same[listing.document] = listing.read_at
        self._confirm(same)
        for document, known in held.items():
            if known.alive and document not in listed and source.watches_document(known):
                yield document

    @retried
    def _confirm(self, same: Mapping[DocumentRef, datetime]) -> None:
        """Remember that these documents say what is held: what is found later happened after that."""
        if same:
            with self.recorder.unit_of_work() as uow:
                uow.documents.confirmed(list(same), min(same.values()))
                uow.commit()

    def _sync(self, document: DocumentRef, run: _Run) -> None:
        try:
            self.recorder.sync_document(document, Detection.RECONCILE, (), run.tally, run.started)
        except StoreUnreadableError as error:
            run.errors.append(str(error))

    def _reconcile_environments(self, scope: Scope, run: _Run, progress: Progress) -> None:
        deployments = self.recorder.deployments
        if deployments is None or deployments.name != scope.source:
            return
        try:
            environments = list(deployments.list_environments(scope))
        except StoreUnreadableError as error:
            run.errors.append(str(error))
            return
        self._remember_guards(deployments.guards(scope))
        trigger = DeploymentTrigger(Detection.RECONCILE)
        for done, environment in enumerate(environments, start=1):
            try:
                self.recorder.sync_environment(environment, trigger, run.tally, run.started)
            except StoreUnreadableError as error:
                run.errors.append(str(error))
            progress(done, len(environments), f"deployments {scope.account} {scope.region}")

    @retried
    def _remember_guards(self, guards: Sequence[Guards]) -> None:
        """Keep which alarms guard something and which no longer do, so that it is known when their state matters."""
        with self.recorder.unit_of_work() as uow:
            keep_guards(uow, guards, self.recorder.clock.now())
            uow.commit()

    @retried
    def _conclude(self, run: _Run) -> int:
        """Let the digest go, put the one summary of a back-fill, and return the number of open version gaps."""
        now = self.recorder.clock.now()
        with self.recorder.unit_of_work() as uow:
            for key in digests_of(run.tally.alerts, run.started):
                uow.outbox.release(key)
            if run.tally.backfilled:
                summary = summary_alert(
                    run.started,
                    documents=run.documents,
                    versions=run.tally.versions,
                    changes=run.tally.backfilled,
                    gaps=run.tally.gaps,
                )
                uow.outbox.put(summary, now)
                run.tally.alerts.append(summary.key)
            gaps = sum(gap.gap_class is GapClass.VERSION for gap in uow.gaps.all())
            uow.commit()
        return gaps


def _labelled(held: Mapping[DocumentRef, HeldDocument], moved: frozenset[DocumentRef]) -> list[DocumentRef]:
    """Return documents whose labels may have moved, which no listing tells: a few a run, the longest unseen first."""
    labelled = [known for known in held.values() if known.alive and known.labels and known.document not in moved]
    labelled.sort(key=lambda known: (known.checked_at, known.document))
    return [known.document for known in labelled[:_LABELLED_A_RUN]]


def _unmoved(listing: DocumentListing, held: HeldDocument | None) -> bool:
    """Tell whether the store shows just what is held: same version, same date, alive; or the same flags."""
    if held is None or not held.alive:
        return False
    if listing.entries is not None:
        # A hidden value that cannot be compared is no news here: no version tells that it was written again.
        return listing.entries == held.entries
    if listing.version is None or listing.version != held.version:
        return False
    return listing.modified_at is None or held.modified_at is None or listing.modified_at == held.modified_at
