"""One transaction over the record."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Self

from auditor.adapters.storage import text_index
from auditor.adapters.storage.calls import SqlCallLog
from auditor.adapters.storage.change_log import SqlChangeLog
from auditor.adapters.storage.deployments import SqlDeploymentLog
from auditor.adapters.storage.documents import SqlDocumentStore
from auditor.adapters.storage.findings import SqlFindingLog
from auditor.adapters.storage.gaps import SqlGapLog
from auditor.adapters.storage.inbox import SqlInbox
from auditor.adapters.storage.ledger import SqlLedger
from auditor.adapters.storage.outbox import SqlOutbox
from auditor.adapters.storage.people import SqlPeople, nobody
from auditor.adapters.storage.references import SqlReferenceStore
from auditor.adapters.storage.retention import SqlRetentionLog
from auditor.adapters.storage.runs import SqlRunLog
from auditor.adapters.storage.sealed_log import SqlSealedLog
from auditor.adapters.storage.session import KnownActors, Session
from auditor.adapters.storage.snoozes import SqlSnoozeLog
from auditor.application.ports import (
    CallLog,
    ChangeLog,
    DeploymentLog,
    DocumentStore,
    FindingLog,
    GapLog,
    Inbox,
    Ledger,
    Outbox,
    PeopleLog,
    ReferenceStore,
    RetentionLog,
    RunLog,
    SealedLog,
    ShownPeople,
    SnoozeLog,
)

if TYPE_CHECKING:
    from sqlalchemy import Engine


class SqlUnitOfWork:
    """All logs on one connection in one transaction, which begins with the first statement.

    Leaving it without ``commit`` undoes everything. After a ``commit`` the next statement begins anew.
    """

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
    retention: RetentionLog
    ledger: Ledger
    sealed: SealedLog
    people: PeopleLog

    def __init__(
        self,
        engine: Engine,
        known_actors: KnownActors,
        mac_key: bytes | None = None,
        shown_people: ShownPeople = nobody,
    ) -> None:
        self._shown_people = shown_people
        self._engine = engine
        self._mac_key = mac_key
        self._known_actors = known_actors

    def __enter__(self) -> Self:
        """Take a connection."""
        self._session = session = Session(self._engine.connect(), self._known_actors, self._mac_key)
        self.people = people = SqlPeople(session, self._shown_people)
        changes, findings = SqlChangeLog(session, people), SqlFindingLog(session)
        references = SqlReferenceStore(session)
        self.inbox = SqlInbox(session)
        self.documents = SqlDocumentStore(session, people)
        self.changes = changes
        self.calls = SqlCallLog(session)
        self.deployments = SqlDeploymentLog(session)
        self.gaps = SqlGapLog(session)
        self.findings = findings
        self.outbox = SqlOutbox(session, changes, findings, references)
        self.references = references
        self.runs = SqlRunLog(session)
        self.snoozes = SqlSnoozeLog(session)
        self.retention = SqlRetentionLog(session)
        self.ledger = SqlLedger(session)
        self.sealed = SqlSealedLog(session)
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Undo what was not committed, and give the connection back."""
        self._session.close()

    def extend_text_index(self) -> bool:
        """Make the index of the next texts that are sealed; return False when there are not enough yet."""
        return text_index.extend(self._session)

    def commit(self) -> None:
        """Make it durable."""
        self._session.commit()
