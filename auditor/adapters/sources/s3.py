"""Flags kept in JSON or YAML objects of S3: versions where the bucket keeps them, else only the present."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from auditor.adapters.actors.beside import is_beside, parse_beside
from auditor.adapters.actors.cloudtrail import DETAIL_TYPE as CLOUDTRAIL
from auditor.adapters.aws import AwsClients, NotInStoreError, answered_at, answering, utc_now
from auditor.adapters.sources._flag_documents import FlagDocument
from auditor.adapters.sources._listing import ListingTimes
from auditor.adapters.sources._reach import Reach, scopes
from auditor.adapters.sources._s3_events import CREATED, DELETED, parse_data_event, parse_object_event
from auditor.adapters.sources._s3_objects import BucketWatch, FlagObject, Stored, find_object, of_page
from auditor.adapters.sources._structured import LARGEST
from auditor.application.ports import Scope
from auditor.domain.documents import (
    DocumentListing,
    DocumentReading,
    DocumentRef,
    HeldDocument,
    Snapshot,
    Uncovered,
    UnreadableVersion,
)
from auditor.domain.errors import MalformedDocumentError, StoreUnreadableError
from auditor.domain.events import Notices, RawEvent
from auditor.domain.flags import JsonValue
from auditor.domain.masking import Fingerprint, hides
from auditor.domain.templates import PathTemplate

if TYPE_CHECKING:
    from auditor.settings import SourceSettings

_NO_VERSIONS = "the bucket keeps no versions of it; writes before this one, if any, can no longer be read"
_REMOVED = "the version known last was removed from the bucket; versions after it may have been as well"
_AGAIN = " again after "
_GONE = "the version was removed from the bucket before it was read"


@dataclass(frozen=True, slots=True)
class S3Source:
    """Objects whose keys fit templates: each is a document with one flag or many."""

    clients: AwsClients
    watches: tuple[BucketWatch, ...]
    fingerprint: Fingerprint | None = None
    now: Callable[[], datetime] = utc_now
    name: str = "s3"
    _times: ListingTimes = field(default_factory=ListingTimes)

    @classmethod
    def from_settings(
        cls, clients: AwsClients, tables: Iterable[SourceSettings], fingerprint: Fingerprint | None
    ) -> S3Source:
        """Build the source of all its tables; raise ``ConfigurationError`` for a key that is no template."""
        watches = [
            BucketWatch(t.bucket or "", PathTemplate.parse(t.key or ""), t.pointer or "", Reach(t.accounts, t.regions))
            for t in tables
        ]
        return cls(clients, tuple(watches), fingerprint)

    def parse(self, event: RawEvent) -> Notices:
        """Return what an event tells of a watched object; empty when it tells nothing of one."""
        if is_beside(event):
            return parse_beside(event)
        if event.source != "aws.s3":
            return Notices()
        if event.detail_type in {CREATED, DELETED}:
            return parse_object_event(event, self._find)
        return parse_data_event(event, self._find) if event.detail_type == CLOUDTRAIL else Notices()

    @property
    def trail_calls(self) -> tuple[str, ...]:
        """Return the names of its writes that CloudTrail's event history keeps: none, they are data events."""
        return ()

    def scopes(self) -> tuple[Scope, ...]:
        """Return the accounts and Regions to reconcile; raise ``StoreUnreadableError`` when they cannot be told."""
        texts = ((w.reach, (w.bucket, str(w.template), w.pointer)) for w in self.watches)
        return scopes(self.name, self.clients, texts)

    def watches_document(self, held: HeldDocument) -> bool:
        """Tell whether a held document is one of those watched here."""
        return self._object(held.document) is not None

    def list_documents(self, scope: Scope) -> Iterator[DocumentListing]:
        """Yield every watched object with its newest version, the marker of a deletion included.

        ListObjectVersions works on every bucket, whether or not it keeps versions, so that nobody has to ask which.
        """
        self._times.begin(scope)
        for watch in self.watches:
            if watch.reach.covers(scope.account, scope.region):
                pages = self._pages(watch.bucket, watch.template.prefix, scope.account, scope.region)
                for page, read_at in pages:
                    self._times.answered(scope, read_at)
                    yield from self._listings(watch, page, scope)

    def listed_at(self, scope: Scope) -> datetime | None:
        """Return when the newest listing there was first answered, by the store's clock."""
        return self._times.of(scope)

    def read(self, document: DocumentRef, held: HeldDocument | None) -> DocumentReading:
        """Read every version beyond ``held`` that the bucket still has; a delete marker is a version without flags.

        Raise ``StoreUnreadableError`` when S3 gives no answer, or the key is not watched.
        """
        found = self._object(document)
        if found is None:
            raise StoreUnreadableError(f"{document.name} is in no bucket or fits no key of the watched ones any more")
        pages = list(self._pages(found.watch.bucket, found.key, document.account, document.region))
        read_at = pages[0][1]
        mine = [stored for page, _ in pages for stored in page if stored.key == found.key]
        if not mine:
            return DocumentReading(document, exists=False, read_at=read_at)
        mine.reverse()  # of two writes in one second only the order in which they are listed tells which was first
        mine.sort(key=lambda stored: (stored.modified_at, stored.latest))
        return self._reading(found, mine, read_at, held)

    def _reading(
        self, found: FlagObject, versions: Sequence[Stored], read_at: datetime, held: HeldDocument | None
    ) -> DocumentReading:
        """Return what a document's versions, oldest first, add to what is held."""
        alive = held if held is not None and held.alive else None
        news, uncovered = _news(versions, alive, read_at)
        back = alive is not None and not news and versions[-1].version != _own(alive.version)
        snapshots: list[Snapshot] = []
        lost: list[UnreadableVersion] = []
        former = self._former(found, versions, alive) if news else None
        for stored in [versions[-1]] if back else news:
            try:
                flags, metadata = self._read(found, stored)
                if former is not None:
                    metadata |= flags.same_as(*former)
                former = stored.version, flags
                entries = found.entries(flags)
                snapshots.append(Snapshot(stored.version, None, stored.modified_at, None, entries, metadata))
            except NotInStoreError:
                lost.append(UnreadableVersion(stored.version, stored.version, _GONE))
            except MalformedDocumentError as error:
                reason = f"its content is no flag document: {error}"
                lost.append(UnreadableVersion(stored.version, stored.version, reason))
        if back and alive is not None:
            snapshots = [_brought_back(snapshot, alive) for snapshot in snapshots]
        return DocumentReading(
            found.document,
            exists=True,
            read_at=read_at,
            snapshots=tuple(snapshots),
            unreadable=tuple(lost),
            fresh_life=held is not None and not held.alive,
            unversioned=back or versions[-1].unversioned,
            uncovered=uncovered,
        )

    def _listings(self, watch: BucketWatch, page: Sequence[Stored], scope: Scope) -> Iterator[DocumentListing]:
        for stored in (one for one in page if one.latest):
            found = self._find(watch.bucket, stored.key, scope.account, scope.region)
            if found is not None and found.watch is watch:
                yield DocumentListing(found.document, stored.version, stored.modified_at)

    def _former(
        self, found: FlagObject, versions: Sequence[Stored], held: HeldDocument | None
    ) -> tuple[str, FlagDocument] | None:
        """Read the held version once more where its hidden values cannot be compared otherwise."""
        if held is None or self.fingerprint is not None or not any(hides(e.state.value) for e in held.entries.values()):
            return None
        stored = next((one for one in versions if one.version == _own(held.version)), None)
        if stored is None or stored.unversioned:
            return None
        try:
            return str(held.version), self._read(found, stored)[0]
        except (NotInStoreError, MalformedDocumentError):
            return None

    def _read(self, found: FlagObject, stored: Stored) -> tuple[FlagDocument, dict[str, JsonValue]]:
        """Return the flags of one version and what is told of it; the marker of a deletion has no flags."""
        if stored.deleted:
            return FlagDocument(), {"delete_marker": True}
        raw, content_type = self._content(found, stored)
        flags = found.flags(raw, content_type, self.fingerprint)
        return flags, {"content_type": content_type, "etag": stored.etag}

    def _content(self, found: FlagObject, stored: Stored) -> tuple[bytes, str]:
        document, bucket = found.document, found.watch.bucket
        client = self.clients.s3(document.account, document.region)
        call = "GetObject" if stored.unversioned else "GetObjectVersion"
        with answering(f"s3:{call}", document.name, document.account, document.region):
            if stored.unversioned:
                answer = client.get_object(Bucket=bucket, Key=found.key)
            else:
                answer = client.get_object(Bucket=bucket, Key=found.key, VersionId=stored.version_id)
            raw = answer["Body"].read(LARGEST + 1)
        if stored.unversioned and answer["ETag"].strip('"') != stored.etag:
            raise StoreUnreadableError(f"{document.name} was written again while it was read; it is tried again later")
        return raw, answer.get("ContentType") or ""

    def _pages(self, bucket: str, prefix: str, account: str, region: str) -> Iterator[tuple[list[Stored], datetime]]:
        """Yield what lies under a prefix, page by page, each key newest first, with when S3 said so."""
        pages = self.clients.s3(account, region).get_paginator("list_object_versions")
        with _asking("ListBucketVersions", bucket, account, region):
            for page in pages.paginate(Bucket=bucket, Prefix=prefix):
                yield list(of_page(page)), answered_at(page, self.now())

    def _find(self, bucket: str, key: str, account: str, region: str) -> FlagObject | None:
        return find_object(self.name, self.watches, bucket, key, account, region)

    def _object(self, document: DocumentRef) -> FlagObject | None:
        bucket, _, key = document.name.partition("/")
        return self._find(bucket, key, document.account, document.region)


def _news(
    versions: Sequence[Stored], held: HeldDocument | None, read_at: datetime
) -> tuple[Sequence[Stored], tuple[Uncovered, ...]]:
    """Return the versions after the held one, and the time in which others may have come and gone."""
    if held is None or held.version is None:
        return versions, ()
    names = [stored.version for stored in versions]
    if _own(held.version) in names:
        return versions[names.index(_own(held.version)) + 1 :], ()
    after = held.modified_at or held.checked_at
    news = [stored for stored in versions if stored.modified_at >= after]
    first = news[0] if news else None
    reason = _NO_VERSIONS if first is not None and first.unversioned else _REMOVED
    last = first.modified_at if first is not None else read_at
    return news, (Uncovered(held.seen_by(last) or min(after, last), last, reason),)


def _own(version: str | None) -> str:
    """Return S3's own name of a held version, which is the newest one for the first time or again."""
    return (version or "").partition(_AGAIN)[0]


def _brought_back(snapshot: Snapshot, held: HeldDocument) -> Snapshot:
    """Return an older version that is the newest again, because those after it were removed."""
    version = f"{snapshot.version}{_AGAIN}{_own(held.version)}"
    return Snapshot(version, None, None, None, snapshot.entries, snapshot.metadata)


@contextmanager
def _asking(call: str, bucket: str, account: str, region: str) -> Iterator[None]:
    """Turn what a call raises into errors with a sentence; that a bucket is not there is one too."""
    try:
        with answering(f"s3:{call}", f"bucket {bucket}", account, region):
            yield
    except NotInStoreError as error:
        # A mistyped name must not look as if every flag had been deleted.
        raise StoreUnreadableError(f"{error}; correct bucket in flagtrail.toml, or take the source out") from None
