"""Every port of the use cases: what the outside must do for them, as whole contracts."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any, Protocol, Self, runtime_checkable

from auditor.domain.alerts import Alert, Delivery, Head, NewAlert
from auditor.domain.attribution import ApiCall, Attribution
from auditor.domain.changes import AttributedChange, ChangeKind, Gap, RecordedChange
from auditor.domain.documents import (
    Deployment,
    DocumentListing,
    DocumentReading,
    DocumentRef,
    EnvironmentRef,
    HeldDocument,
    Snapshot,
)
from auditor.domain.events import Guards, Notices, Outcome, RawEvent, Signal
from auditor.domain.findings import Finding
from auditor.domain.flags import FlagEntry, FlagId, JsonValue
from auditor.domain.ledger.entries import Entry, SealedEntry
from auditor.domain.ledger.merkle import Frontier
from auditor.domain.references import FlagSpec, Reference, ScanResult
from auditor.domain.retention import Decision
from auditor.domain.sightings import Sweep
from auditor.domain.snoozes import Snooze


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """Return the present as an aware UTC datetime."""
        ...


@dataclass(frozen=True, slots=True)
class Scope:
    """One store in one account and Region, as a source watches it; ``fingerprint`` changes with what is watched."""

    source: str
    account: str
    region: str
    fingerprint: str


class FlagSource(Protocol):
    """A store of flags: says what an event tells of it, lists its watched documents, reads their versions."""

    name: str

    @property
    def trail_calls(self) -> Sequence[str]:
        """Return the names of its writes that CloudTrail's event history keeps; none where it keeps none."""
        ...

    def parse(self, event: RawEvent) -> Notices:
        """Return what the event alone tells, without any input or output; empty when it concerns nothing watched here.

        Raise ``MalformedEventError`` for an event of this store that cannot be understood.
        """
        ...

    def watches_document(self, held: HeldDocument) -> bool:
        """Tell whether a held document is one of those watched here."""
        ...

    def scopes(self) -> Sequence[Scope]:
        """Return the accounts and Regions to reconcile; raise ``StoreUnreadableError`` when they cannot be told."""
        ...

    def list_documents(self, scope: Scope) -> Iterator[DocumentListing]:
        """Yield every watched document that the store holds now, with the marker of its newest version."""
        ...

    def listed_at(self, scope: Scope) -> datetime | None:
        """Return when the newest listing there was first answered, by the store's clock; ``None`` where none tells."""
        ...

    def read(self, document: DocumentRef, held: HeldDocument | None) -> DocumentReading:
        """Read every version the store still holds beyond ``held``, oldest first, with labels and existence.

        When the versions show another life than the held one (same version with another date, or a newest version below
        the held one), return all versions of the present life and set ``fresh_life``. Versions that are listed or
        numbered but cannot be read go to ``unreadable``. Raise ``StoreUnreadableError`` when the store gives no answer;
        a document that is not there is an answer.
        """
        ...


@dataclass(frozen=True, slots=True)
class TrailPage:
    """Some records of calls, as they arrive live, and CloudTrail's own time when it gave them."""

    events: tuple[RawEvent, ...]
    read_at: datetime


class Trail(Protocol):
    """The calls of the last months, for what no live record told."""

    def pages(self, account: str, region: str, call: str, since: datetime | None) -> Iterator[TrailPage]:
        """Yield the records of calls of this name since then, newest first, or all that are still kept.

        At least one page is given. Raise ``StoreUnreadableError`` when there is no answer.
        """
        ...


@runtime_checkable
class DeploymentSource(Protocol):
    """A store whose documents go live by deployments (AppConfig)."""

    name: str

    def list_environments(self, scope: Scope) -> Iterator[EnvironmentRef]:
        """Yield the environments whose deployments concern watched documents."""
        ...

    def guards(self, scope: Scope) -> Sequence[Guards]:
        """Return of each environment that was listed last there which alarms guard it, with its name."""
        ...

    def deployments(self, environment: EnvironmentRef, held: Mapping[int, str]) -> Sequence[Deployment]:
        """Return the deployments that are new or in another state than ``held`` (number to state), lowest number first.

        One held with an empty state is returned whatever its state.
        Raise ``StoreUnreadableError`` when the store gives no answer; an environment that is gone gives none.
        """
        ...


class Inbox(Protocol):
    """The memory of events taken: exactly-once by id, dead letters, and what waits for a readable store."""

    def taken(self, keys: Sequence[str]) -> bool:
        """Tell whether any of these event keys was taken before (a deferred event is not taken)."""
        ...

    def take(self, keys: Sequence[str], outcome: Outcome, at: datetime) -> None:
        """Remember the event's keys and outcome, and settle a deferred event of these keys; twice changes nothing."""
        ...

    def reject(self, text: str, error: str, at: datetime, message_id: str | None) -> None:
        """Keep what cannot be understood in the dead-letter table, credential-looking text masked."""
        ...

    def defer(self, keys: Sequence[str], payload: Mapping[str, Any], document: str, error: str, at: datetime) -> None:
        """Keep an understood event whole until the store can be read; deferring it again only updates the error."""
        ...

    def deferred(self) -> Sequence[tuple[int, Mapping[str, Any]]]:
        """Return the waiting events with their row ids, oldest first."""
        ...

    def settle(self, row: int, at: datetime) -> None:
        """Mark a deferred event as done."""
        ...


class DocumentStore(Protocol):
    """What the record holds of documents and their versions."""

    def held(self, document: DocumentRef) -> HeldDocument | None:
        """Return the cursor of a document, or ``None`` when it was never held."""
        ...

    def held_in(self, scope: Scope) -> Mapping[DocumentRef, HeldDocument]:
        """Return the cursors of all documents held of one source in one account and Region."""
        ...

    def version(self, document: DocumentRef, version: str, life: int | None = None) -> Snapshot | None:
        """Return one held version (of the newest life that has it, unless ``life`` is given), or ``None``."""
        ...

    def metadata(
        self, wanted: Collection[DocumentRef], as_of: datetime | None = None
    ) -> Mapping[DocumentRef, Mapping[str, JsonValue]]:
        """Return the metadata of the newest version held (``as_of``: by then) of each that has one."""
        ...

    def since(self, document: DocumentRef, moment: datetime) -> tuple[int, Snapshot] | None:
        """Return the first held version written at this moment or later, in any life, with its life, or ``None``."""
        ...

    def hold(self, document: DocumentRef, life: int, snapshots: Sequence[Snapshot], at: datetime) -> None:
        """Hold versions; holding one twice changes nothing."""
        ...

    def checked(
        self,
        document: DocumentRef,
        life: int,
        at: datetime,
        *,
        alive: bool,
        labels: Mapping[str, str],
        title: str | None,
    ) -> None:
        """Remember that the document was read at ``at``, in which life, whether it exists and which labels it has."""
        ...

    def confirmed(self, seen: Sequence[DocumentRef], at: datetime) -> None:
        """Remember that these held documents were seen at ``at`` to say what is held."""
        ...


@dataclass(frozen=True, slots=True)
class HistoryQuery:
    """What to show of the record, newest first; ``None`` and empty mean no restriction.

    ``environment`` ``"-"`` selects rows without environment. ``since``/``until`` match intervals by overlap.
    ``text`` is looked for without case in flag, summary, values, reason and error. ``after`` continues behind the
    row of that number. ``as_of`` hides rows and attributions recorded later.
    """

    flag: str | None = None
    application: str | None = None
    environment: str | None = None
    actor: str | None = None
    source: str | None = None
    kinds: tuple[ChangeKind, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    text: str | None = None
    account: str | None = None
    region: str | None = None
    unattributed: bool = False
    changes_only: bool = False
    limit: int | None = None
    after: int | None = None
    as_of: datetime | None = None


@dataclass(frozen=True, slots=True)
class FlagSpan:
    """A flag's newest change, when its earliest occurred (``None``: nobody knows), since when it is in the record."""

    newest: RecordedChange
    began_at: datetime | None
    known_since: datetime


class ChangeLog(Protocol):
    """The insert-only log of changes and of what was learnt about them later."""

    def append(self, change: AttributedChange, at: datetime) -> RecordedChange | None:
        """Record a change with its attribution; return ``None`` when its natural key is recorded already."""
        ...

    def attribute(self, change_id: str, attribution: Attribution, at: datetime) -> bool:
        """Append an attribution learnt later; return False when the same evidence is recorded already."""
        ...

    def query(self, query: HistoryQuery) -> Iterator[RecordedChange]:
        """Yield matching changes, the newest occurrence first, joined with the best attribution."""
        ...

    def get(self, change_id: str) -> RecordedChange | None:
        """Return one change, or ``None``."""
        ...

    def numbered(self, seq: int) -> RecordedChange | None:
        """Return the change of this number in the history, or ``None``."""
        ...

    def of_version(self, document: DocumentRef, version: str) -> Sequence[RecordedChange]:
        """Return the changes whose ``version_after`` is this version of the document, in any life, without attempts."""
        ...

    def of_cause(self, cause: str) -> Sequence[RecordedChange]:
        """Return the changes of one cause."""
        ...

    def of_document(self, document: DocumentRef, kinds: Sequence[ChangeKind]) -> Sequence[RecordedChange]:
        """Return the document's changes of these kinds, oldest first."""
        ...

    def latest_states(self, at: datetime | None, as_of: datetime | None) -> Iterator[RecordedChange]:
        """Yield, per document, path and environment, the newest state-bearing change that occurred by ``at``.

        State-bearing are created, updated, deleted, expired, saved, deployed, rolled_back. Deleted ones are yielded
        too.
        """
        ...

    def states_held(self) -> int:
        """Return how many ``latest_states`` there are now."""
        ...

    def spans(self, as_of: datetime | None = None) -> Iterator[tuple[FlagId, FlagSpan]]:
        """Yield of each flag ever recorded when it came and what changed it last.

        Refused and failed calls and moved labels change no flag.
        """
        ...


class CallLog(Protocol):
    """CloudTrail's records of writes, kept to say who, whenever the change itself turns up."""

    def add(self, call: ApiCall, at: datetime) -> bool:
        """Keep a call; return False when its CloudTrail id is held already."""
        ...

    def get(self, event_id: str) -> ApiCall | None:
        """Return the call with this CloudTrail id, or ``None``."""
        ...

    def since(self, moment: datetime) -> Sequence[ApiCall]:
        """Return the calls made since a moment, oldest first, as far as they are among the newest that were kept."""
        ...

    def of_document(self, document: DocumentRef) -> Sequence[ApiCall]:
        """Return the calls that name this document, oldest first."""
        ...

    def of_deployment(self, environment: EnvironmentRef, number: int) -> Sequence[ApiCall]:
        """Return the calls that name this deployment, oldest first."""
        ...

    def of_environment(self, environment: EnvironmentRef) -> Sequence[ApiCall]:
        """Return the calls that name this environment itself and no deployment in it, oldest first."""
        ...

    def signal(self, event_id: str, signal: Signal, at: datetime) -> None:
        """Keep evidence that announces no change; keeping it twice changes nothing."""
        ...

    def signals(self, as_of: datetime | None = None) -> Sequence[Signal]:
        """Return the signals kept, oldest first."""
        ...


class DeploymentLog(Protocol):
    """The deployments of AppConfig environments in every state they were seen in."""

    def held(self, environment: EnvironmentRef) -> Sequence[Deployment]:
        """Return each deployment in its newest held state, lowest number first."""
        ...

    def of_profile(self, profile: DocumentRef) -> Sequence[Deployment]:
        """Return the deployments of one profile to any environment, each in its newest held state."""
        ...

    def add(self, deployment: Deployment, at: datetime) -> bool:
        """Hold a deployment in its present state; return False when that state is held already."""
        ...


class GapLog(Protocol):
    """What the record cannot vouch for."""

    def add(self, gap: Gap, at: datetime) -> bool:
        """Record a gap; return False when it is recorded already."""
        ...

    def all(self, as_of: datetime | None = None) -> Sequence[Gap]:
        """Return the gaps, in the order of document, life and beginning."""
        ...


class FindingLog(Protocol):
    """Findings about changes, recorded with them."""

    def add(self, finding: Finding, at: datetime) -> bool:
        """Record a finding; return False when the same one is recorded already."""
        ...

    def of_changes(self, change_keys: Sequence[str], as_of: datetime | None = None) -> Sequence[Finding]:
        """Return the findings about these changes (natural keys)."""
        ...


ShownPeople = Callable[[str | None, str | None], bool]
"""Tells whether the people whom a flag lists may be shown by their names, by its application and key."""


@dataclass(frozen=True, slots=True)
class ErasedPerson:
    """What an erasure took away: names beside the record, and events that waited or were rejected."""

    names: int
    events: int


class PeopleLog(Protocol):
    """The names of people whom flags list; what is recorded of them are pseudonyms."""

    def standing(self, person: str) -> Sequence[FlagEntry]:
        """Return the flags that name a person in the newest version held of them."""
        ...

    def erase(self, person: str, at: datetime) -> ErasedPerson:
        """Forget a person's name; nothing that was recorded changes, and nothing leads from it to the person again."""
        ...


class SnoozeLog(Protocol):
    """The snoozes of flags, recorded and never changed."""

    def add(self, snooze: Snooze) -> bool:
        """Record a snooze; return False when just this one is recorded already."""
        ...

    def all(self, as_of: datetime | None = None) -> Sequence[Snooze]:
        """Return the snoozes, oldest first."""
        ...


@dataclass(frozen=True, slots=True)
class OldEntry:
    """A sealed entry that may be let go: its place in the log, and how it differs from what was sealed, if it does.

    A change also has its id and the flag it is about.
    """

    index: int
    kind: str
    number: int
    change_id: str | None = None
    application: str | None = None
    flag: str | None = None
    fault: str | None = None

    @property
    def name(self) -> str:
        """Return what the entry is called where a person reads of it."""
        return f"{self.kind} {self.number}"


class RetentionLog(Protocol):
    """What the record lets go: the decisions, recorded and never changed, and what they are about."""

    def add(self, decision: Decision) -> bool:
        """Record a decision; return False when just this one is recorded already."""
        ...

    def all(self, as_of: datetime | None = None) -> Sequence[Decision]:
        """Return the decisions, oldest first."""
        ...

    def standing_changes(self) -> AbstractSet[int]:
        """Return the numbers of the changes that say what is so now; they are never let go."""
        ...

    def old_changes(self, before: datetime, size: int, after: int, limit: int) -> Sequence[Sequence[OldEntry]]:
        """Return changes that were recorded before then, each with all that was learnt of it, by their numbers.

        Only those that stand, with all that was learnt, in the first ``size`` places of the log, and whose alerts do
        not wait. ``after`` is the number to continue behind.
        """
        ...

    def old_reconciles(self, before: datetime, size: int, limit: int) -> Sequence[OldEntry]:
        """Return reconciles that ended before then and are not the newest of what they compared."""
        ...

    def remove(self, entries: Sequence[OldEntry]) -> None:
        """Take the rows of these entries away, and what was only there for them; their places in the log stay."""
        ...

    def remove_beside(self, before: datetime) -> None:
        """Take away what lies beside the log and is older: calls, signals, settled alerts, runs, old versions."""
        ...


class Outbox(Protocol):
    """Alerts on their way: written with the change, claimed with a lease, never lost, never sent twice unsaid."""

    def put(self, alert: NewAlert, at: datetime) -> bool:
        """Add an alert; return False when its key is there already.

        A key that is there and still pending takes the further changes in: a digest grows while its run goes on. One
        that was sent meanwhile waits again, to edit its message.
        """
        ...

    def tell(self, alert: NewAlert, at: datetime) -> str:
        """Add an alert, or let the recent one grow that it belongs to; return the key of the one that tells.

        An alert with a burst joins one of the same burst that happened close to it and tells of other documents; one
        that would head a thread joins the alert that heads it. What was sent already waits again, to edit its message.
        """
        ...

    def heads(self, keys: Sequence[str]) -> Sequence[Head]:
        """Return those of these alerts that head a thread and were not given up."""
        ...

    def follow(self, key: str, facts: Sequence[tuple[str, JsonValue]], at: datetime) -> bool:
        """Let the alert that heads a thread carry these facts; return False where it carries just them.

        One that was sent already waits again, to edit its message.
        """
        ...

    def recent(self, route: str | None, now: datetime) -> int:
        """Return how many messages about changes were put for a channel in the hour of ``now``."""
        ...

    def routes(self) -> Sequence[str]:
        """Return the names of the channels for which anything waits."""
        ...

    def release(self, key: str) -> None:
        """Let a held-back alert (``not_before``) go at once; nothing happens when there is none."""
        ...

    def claim(
        self,
        channel: str,
        now: datetime,
        *,
        lease_seconds: int,
        limit: int,
        keys: Sequence[str] | None = None,
        route: str | None = None,
    ) -> Sequence[Alert]:
        """Claim due alerts (all, or only those with these keys), oldest first, with everything a message needs.

        Only those are claimed that go by ``route``; ``None``: that go by none.

        An alert whose lease ran out while it was being sent comes back with ``attempt`` counted up: the channel must
        look whether it arrived.
        """
        ...

    def settle(self, alert: Alert, channel: str, delivery: Delivery, now: datetime) -> None:
        """Remember what became of a claimed alert: sent, due later, dead after a refusal, or unknown."""
        ...

    def pending(self, now: datetime | None = None, limit: int | None = None) -> Sequence[Alert]:
        """Return what waits (due or not), without claiming it: for a dry run and for the doctor."""
        ...

    def untold(self, since: datetime, until: datetime) -> Iterator[RecordedChange]:
        """Yield the changes recorded between two times that no alert tells of; whether one had to, is not asked."""
        ...

    def message_of(self, change_id: str) -> str | None:
        """Return the channel's id of the message that told of this change, or ``None``."""
        ...

    def dead(self) -> Sequence[tuple[int, str]]:
        """Return the alerts that no channel will take, with the reason."""
        ...

    def revive(self, now: datetime) -> int:
        """Let the alerts that were given up wait again, due at once; return how many there were."""
        ...


@dataclass(frozen=True, slots=True)
class StoredScan:
    """When which repository was scanned at which commit, and whether every file was read."""

    repository: str
    commit: str | None
    scanned_at: datetime
    complete: bool
    unread: int


class ReferenceStore(Protocol):
    """Results of scans, with commit and time."""

    def save(self, repository: str, result: ScanResult, at: datetime) -> None:
        """Keep a scan's result; the newest one of a repository counts."""
        ...

    def scans(self, as_of: datetime | None = None) -> Sequence[StoredScan]:
        """Return the newest scan of each repository."""
        ...

    def references(self, as_of: datetime | None = None) -> Sequence[Reference]:
        """Return the references of the newest scan of each repository."""
        ...

    def of_flag(self, spec: FlagSpec, as_of: datetime | None = None) -> Sequence[Reference] | None:
        """Return the references of one flag, or ``None`` when nothing was ever scanned."""
        ...

    def sweeps(self, names: Collection[str], as_of: datetime | None = None) -> Sequence[Sweep]:
        """Return every scan, oldest first, with what it found that ``sightings.named_in`` gives such a name."""
        ...


@dataclass(frozen=True, slots=True)
class JobRun:
    """One run of a job: of which slot, when it was claimed or last renewed, and how it ended, if it did."""

    job: str
    slot: str
    claimed_at: datetime
    finished_at: datetime | None
    error: str | None


@dataclass(frozen=True, slots=True)
class Replica:
    """A process that runs jobs: since when, when it was last seen, and which jobs it was at then."""

    name: str
    started_at: datetime
    seen_at: datetime
    running: tuple[str, ...] = ()


class RunLog(Protocol):
    """Which scopes have a baseline, and when which job last succeeded."""

    def baselined(self, scope: Scope) -> bool:
        """Tell whether a reconcile of this scope was completed before; an empty fingerprint asks for any."""
        ...

    def reconciled(self, scope: Scope, at: datetime, counts: Mapping[str, int]) -> None:
        """Record a completed reconcile that began at ``at``, with its counts: nothing happened is recorded as well."""
        ...

    def reconciled_at(self, scope: Scope, as_of: datetime | None = None) -> datetime | None:
        """Return when the newest completed reconcile of this scope began, of any fingerprint, or ``None``."""
        ...

    def newest_counts(self, scope: Scope) -> Mapping[str, int] | None:
        """Return the counts of the newest completed reconcile of this scope and fingerprint, or ``None``."""
        ...

    def claim_slot(self, job: str, slot: str, at: datetime, abandoned_before: datetime | None = None) -> bool:
        """Claim one run of a job; return False when another process has it.

        A claim that nobody renewed since ``abandoned_before``, and whose run never ended, is taken over.
        """
        ...

    def renew(self, job: str, slot: str, at: datetime) -> None:
        """Say that a claimed run still goes on."""
        ...

    def finished(self, job: str, slot: str, at: datetime, error: str | None) -> None:
        """Record how a claimed run ended."""
        ...

    def last_success(self, job: str) -> datetime | None:
        """Return when a job last succeeded, or ``None``."""
        ...

    def last_error(self, job: str) -> str | None:
        """Return with what the job's newest ended run failed, or ``None`` when it succeeded or never ended."""
        ...

    def first_run(self, job: str) -> datetime | None:
        """Return when a run of a job was claimed first, or ``None``."""
        ...

    def newest_run(self, job: str) -> JobRun | None:
        """Return the run of a job that was claimed last by the clock, or ``None``."""
        ...

    def seen(self, replica: Replica) -> None:
        """Remember that a process which runs jobs is alive; those not seen for a day are forgotten."""
        ...

    def left(self, name: str) -> None:
        """Forget a process that ended by itself."""
        ...

    def replicas(self) -> Sequence[Replica]:
        """Return the processes that run jobs, the one seen last first."""
        ...


@dataclass(frozen=True, slots=True)
class HeldCheckpoint:
    """A signed checkpoint as the record keeps it: of which size, the note, the log's frontier then, anchored or not."""

    size: int
    note: str
    frontier: bytes
    anchored: bool = False


class Ledger(Protocol):
    """The log over all recorded rows: one process at a time seals, and nobody who records waits for it."""

    def take_head(self) -> Frontier | None:
        """Take the head for this transaction and return the log as it is; ``None`` while another process seals.

        Raise ``DatabaseError`` when head and leaves do not fit each other.
        """
        ...

    def unsealed(self, limit: int) -> Sequence[Entry]:
        """Return what waits to be sealed, in the order it was recorded as far as a batch shows it."""
        ...

    def append(self, head: Frontier, entries: Sequence[Entry], hashes: Sequence[bytes]) -> Frontier:
        """Put the entries with their leaf hashes behind the head that was taken, and return the new head."""
        ...

    def hashes(self, start: int, end: int) -> Iterator[bytes]:
        """Yield the leaf hashes from one place up to, and without, another; raise ``DatabaseError`` where one lacks."""
        ...

    def checkpoints(self) -> Sequence[HeldCheckpoint]:
        """Return the signed checkpoints, the smallest first."""
        ...

    def newest_checkpoint(self) -> HeldCheckpoint | None:
        """Return the checkpoint of the largest log, or ``None``."""
        ...

    def keep_checkpoint(self, checkpoint: HeldCheckpoint, at: datetime) -> bool:
        """Keep a signed checkpoint; return False when there is one of this size."""
        ...

    def anchored(self, size: int, at: datetime) -> None:
        """Remember that the checkpoint of this size is kept outside of the database."""
        ...

    def waiting(self) -> tuple[int, datetime | None]:
        """Return how many rows wait to be sealed, and when the oldest of them was recorded."""
        ...


class SealedLog(Protocol):
    """The log as somebody finds it who trusts nothing: a database, or an export."""

    def head(self) -> tuple[int, bytes] | None:
        """Return the size and the frontier's bytes that the log claims; ``None`` where it keeps no head."""
        ...

    def entries(self) -> Iterator[SealedEntry]:
        """Yield the leaves by their place, with the row each stands for and how that differs from its own body."""
        ...

    def loose(self) -> Iterator[str]:
        """Yield a sentence for each row that neither is sealed nor waits, and for each that waits and is gone."""
        ...

    def waiting(self) -> tuple[int, datetime | None]:
        """Return how many rows wait to be sealed, and when the oldest of them was recorded."""
        ...

    def of_change(self, change_id: str) -> Sequence[SealedEntry]:
        """Return the sealed entries of one change and of what was learnt of it, in the order of the log."""
        ...

    def unsealed(self) -> Iterator[SealedEntry]:
        """Yield the rows that wait to be sealed, without a place or a hash."""
        ...

    def notes(self) -> Sequence[str]:
        """Return the signed checkpoints that are kept with the log, the smallest first."""
        ...


class UnitOfWork(Protocol):
    """One transaction over the record; leaving it without ``commit`` undoes everything."""

    inbox: Inbox
    documents: DocumentStore
    changes: ChangeLog
    calls: CallLog
    deployments: DeploymentLog
    gaps: GapLog
    findings: FindingLog
    outbox: Outbox
    references: ReferenceStore
    runs: RunLog
    snoozes: SnoozeLog
    people: PeopleLog
    retention: RetentionLog
    ledger: Ledger
    sealed: SealedLog

    def __enter__(self) -> Self:
        """Begin."""
        ...

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Undo what was not committed."""
        ...

    def commit(self) -> None:
        """Make it durable."""
        ...


UnitOfWorkFactory = Callable[[], UnitOfWork]


class AlertChannel(Protocol):
    """Carries alerts to people."""

    name: str

    def send(self, alert: Alert) -> Delivery:
        """Send one alert and say what became of it; never sleep, never retry, never raise for what the channel did."""
        ...


class Progress(Protocol):
    """Shows long work on a terminal; silent elsewhere."""

    def __call__(self, done: int, total: int | None, what: str) -> None:
        """Say how far it is."""
        ...
