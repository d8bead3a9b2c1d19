"""Flags kept as parameters of SSM Parameter Store, found by path templates."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from auditor.adapters.actors.beside import is_beside, parse_beside
from auditor.adapters.actors.cloudtrail import DETAIL_TYPE as CLOUDTRAIL
from auditor.adapters.aws import AwsClients, NotInStoreError, answered_at, answering, utc_now
from auditor.adapters.sources._listing import ListingTimes
from auditor.adapters.sources._parameter_calls import parse_call
from auditor.adapters.sources._parameter_events import CHANGE, POLICY_ACTION, parse_change, parse_policy_action
from auditor.adapters.sources._parameter_history import History
from auditor.adapters.sources._parameter_names import Parameter, ParameterNames, ParameterWatch
from auditor.adapters.sources._reach import Reach, scopes
from auditor.application.ports import Scope
from auditor.domain.documents import DocumentListing, DocumentReading, DocumentRef, HeldDocument
from auditor.domain.errors import StoreUnreadableError
from auditor.domain.events import Notices, RawEvent
from auditor.domain.masking import Fingerprint
from auditor.domain.templates import PathTemplates

if TYPE_CHECKING:
    from mypy_boto3_ssm.type_defs import ParameterStringFilterTypeDef

    from auditor.settings import SourceSettings

_PARSERS: Mapping[str, Callable[[RawEvent, ParameterNames], Notices]] = {
    CHANGE: parse_change,
    POLICY_ACTION: parse_policy_action,
    CLOUDTRAIL: parse_call,
}
_PAGE = 50
TRAIL_CALLS = (
    "PutParameter",
    "DeleteParameter",
    "DeleteParameters",
    "LabelParameterVersion",
    "UnlabelParameterVersion",
)


@dataclass(frozen=True, slots=True)
class ParameterStoreSource:
    """Parameters whose names fit a template: each is a document with one flag, one version after the other."""

    clients: AwsClients
    watches: Sequence[ParameterWatch]
    fingerprint: Fingerprint | None = None
    now: Callable[[], datetime] = utc_now
    name: str = "ssm"
    _times: ListingTimes = field(default_factory=ListingTimes)

    @classmethod
    def from_settings(
        cls, clients: AwsClients, tables: Iterable[SourceSettings], fingerprint: Fingerprint | None
    ) -> ParameterStoreSource:
        """Build the source of all its tables; raise ``ConfigurationError`` for a path that is no template."""
        watches = [
            ParameterWatch(PathTemplates.parse(t.paths, required=("flag",)), Reach(t.accounts, t.regions))
            for t in tables
        ]
        return cls(clients, tuple(watches), fingerprint)

    def parse(self, event: RawEvent) -> Notices:
        """Return what an event tells of a watched parameter; empty when it tells nothing of one.

        Only AWS itself can send as ``aws.ssm``: an event of any other source says nothing here.
        """
        if is_beside(event):
            return parse_beside(event)
        parser = _PARSERS.get(event.detail_type) if event.source == "aws.ssm" else None
        return Notices() if parser is None else parser(event, self._names)

    @property
    def trail_calls(self) -> tuple[str, ...]:
        """Return the names of its writes that CloudTrail's event history keeps."""
        return TRAIL_CALLS

    def scopes(self) -> tuple[Scope, ...]:
        """Return the accounts and Regions to reconcile; raise ``StoreUnreadableError`` when they cannot be told."""
        watched = ((watch.reach, map(str, watch.templates)) for watch in self.watches)
        return scopes(self.name, self.clients, watched)

    def watches_document(self, held: HeldDocument) -> bool:
        """Tell whether a held document is one of those watched here."""
        document = held.document
        return self._names.find(document.name, document.account, document.region) is not None

    def list_documents(self, scope: Scope) -> Iterator[DocumentListing]:
        """Yield every watched parameter with its newest version and that one's date.

        DescribeParameters gives 50 a call and no value at all. GetParametersByPath would take five times the
        calls, and from the very rate that running programs read their flags with.
        """
        self._times.begin(scope)
        client = self.clients.ssm(scope.account, scope.region)
        pages = client.get_paginator("describe_parameters")
        for path in self._names.paths(scope.account, scope.region):
            with answering("ssm:DescribeParameters", path, scope.account, scope.region):
                for page in pages.paginate(ParameterFilters=_below(path), PaginationConfig={"PageSize": _PAGE}):
                    self._times.answered(scope, answered_at(page, self.now()))
                    yield from self._listings(page["Parameters"], scope)

    def listed_at(self, scope: Scope) -> datetime | None:
        """Return when the newest listing there was first answered, by the store's clock."""
        return self._times.of(scope)

    def read(self, document: DocumentRef, held: HeldDocument | None) -> DocumentReading:
        """Read every version beyond ``held`` that the parameter still has; nothing is ever decrypted.

        Raise ``StoreUnreadableError`` when Parameter Store gives no answer, or the name is not watched.
        """
        parameter = self._names.find(document.name, document.account, document.region)
        if parameter is None:
            raise StoreUnreadableError(f"{document.name} fits no path of the watched ones any more")
        try:
            history = self._history(parameter)
        except NotInStoreError as error:
            return DocumentReading(document, exists=False, read_at=answered_at(error.response, self.now()))
        return history.reading(held)

    def _history(self, parameter: Parameter) -> History:
        document = parameter.document
        client = self.clients.ssm(document.account, document.region)
        pages = client.get_paginator("get_parameter_history")
        entries: list[Mapping[str, Any]] = []
        read_at = None
        with answering("ssm:GetParameterHistory", document.name, document.account, document.region):
            # The answer is as of its first page: what is written meanwhile is beyond it.
            for page in pages.paginate(Name=document.name, WithDecryption=False, PaginationConfig={"PageSize": _PAGE}):
                read_at = read_at or answered_at(page, self.now())
                entries.extend(page["Parameters"])
        if not entries or read_at is None:
            raise StoreUnreadableError(f"Parameter Store answered for {document.name} without any version")
        return History(parameter, sorted(entries, key=lambda e: e["Version"]), read_at, self.fingerprint)

    def _listings(self, listed: Sequence[Mapping[str, Any]], scope: Scope) -> Iterator[DocumentListing]:
        names = self._names
        for entry in listed:
            parameter = names.find(entry["Name"], scope.account, scope.region)
            if parameter is not None:
                version, date = entry.get("Version"), entry.get("LastModifiedDate")
                yield DocumentListing(
                    parameter.document,
                    version=None if version is None else str(version),
                    modified_at=None if date is None else date.astimezone(UTC),
                )

    @property
    def _names(self) -> ParameterNames:
        return ParameterNames(self.name, self.watches)


def _below(path: str) -> list[ParameterStringFilterTypeDef]:
    """Return the filter for a folder; none for the root, which not every name begins with."""
    return [] if path == "/" else [{"Key": "Path", "Option": "Recursive", "Values": [path]}]
