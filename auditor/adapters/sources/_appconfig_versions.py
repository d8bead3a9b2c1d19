"""Hosted configuration versions: content becomes flags; AppConfig tells neither who wrote one nor when."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from auditor.adapters.aws import NotInStoreError, answered_at, answering
from auditor.adapters.sources._appconfig_names import Profile
from auditor.adapters.sources._flag_documents import FlagDocument, read_feature_flags, read_freeform
from auditor.domain.documents import DocumentRef, HeldDocument, Snapshot, UnreadableVersion
from auditor.domain.errors import MalformedDocumentError
from auditor.domain.flags import FlagEntry, FlagId, JsonValue
from auditor.domain.masking import Fingerprint, mask_text
from auditor.domain.times import parse_rfc3339, rfc3339
from auditor.domain.values import load_json

if TYPE_CHECKING:
    from mypy_boto3_appconfig import AppConfigClient

_DELETED = "the hosted version was deleted before it was read"
_CLOCK_TOLERANCE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Listed:
    """The numbers of the versions beyond a cursor, oldest first, and when AppConfig said so."""

    numbers: tuple[int, ...]
    read_at: datetime


@dataclass(frozen=True, slots=True)
class Content:
    """One version as stored: its flags (``None``: a document without any), and what is said about it."""

    number: int
    document: FlagDocument | None
    metadata: Mapping[str, JsonValue]


@dataclass(frozen=True, slots=True)
class HostedVersions:
    """The versions of one hosted profile."""

    client: AppConfigClient
    document: DocumentRef
    profile: Profile
    application: str
    fingerprint: Fingerprint | None
    pointer: str | None = None

    def beyond(self, after: int, now: datetime) -> Listed:
        """List the versions after a number; where the newest come first, no page is asked in vain."""
        numbers: list[int] = []
        read_at = None
        for found, at in self._pages(now):
            read_at = read_at or at
            numbers.extend(number for number in found if number > after)
            if _is_falling(found) and found[-1] <= after:
                break
        return Listed(tuple(sorted(numbers)), read_at or now)

    def newest(self) -> int | None:
        """Return the newest version's number, or ``None`` when there is none."""
        newest: int | None = None
        for found, _ in self._pages(None):
            newest = max(found, default=newest) if newest is None else max(newest, *found)
            if _is_falling(found):
                break
        return newest

    def _pages(self, now: datetime | None) -> Iterator[tuple[list[int], datetime]]:
        """Yield the numbers listed, page by page, and when; in which order they come is not documented."""
        pages = self.client.get_paginator("list_hosted_configuration_versions")
        with self._asking("ListHostedConfigurationVersions"):
            for page in pages.paginate(**self._ids, PaginationConfig={"PageSize": 50}):
                at = answered_at(page, now or datetime.now(UTC))
                yield [item["VersionNumber"] for item in page["Items"]], at

    def content(self, number: int) -> Content:
        """Read one version; raise ``NotInStoreError`` when it is gone, ``MalformedDocumentError`` when it is broken."""
        with self._asking("GetHostedConfigurationVersion"):
            answer = self.client.get_hosted_configuration_version(**self._ids, VersionNumber=number)
            raw = answer["Content"].read()
        kind = answer.get("ContentType") or ""
        told: dict[str, JsonValue] = {
            "profile_type": self.profile.type,
            "content_type": kind,
            "description": _masked(answer.get("Description")),
            "version_label": _masked(answer.get("VersionLabel")),
        }
        metadata = {name: value for name, value in told.items() if value}
        return Content(number, self._flags(raw, kind), metadata)

    def _flags(self, raw: bytes, kind: str) -> FlagDocument | None:
        if self.profile.holds_only_flags:
            return read_feature_flags(_json(raw), self.fingerprint)
        try:
            return read_freeform(raw, self.fingerprint, pointer=self.pointer, content_type=kind)
        except MalformedDocumentError:
            return None  # freeform content need not be any of what is read here

    def read(self, listed: Listed, held: HeldDocument | None) -> tuple[list[Snapshot], list[UnreadableVersion]]:
        """Read the listed versions, oldest first; what is missing among them, gone or broken is named."""
        after = 0 if held is None else held.ordinal or 0
        snapshots: list[Snapshot] = []
        lost: list[UnreadableVersion] = []
        dating = _Dating.after(held, listed.read_at)
        former: tuple[str, FlagDocument] | None = None
        for number in listed.numbers:
            if number > after + 1:
                lost.append(UnreadableVersion(after + 1, number - 1, _DELETED))
            after = number
            try:
                content = self.content(number)
            except NotInStoreError:
                lost.append(UnreadableVersion(number, number, _DELETED))
            except MalformedDocumentError as error:
                lost.append(UnreadableVersion(number, number, f"its content is no flag document: {error}"))
            else:
                flags = content.document or FlagDocument()
                if flags.sealed and former is None:
                    former = self._held_flags(held)
                same = {} if former is None else flags.same_as(*former)
                former = str(number), flags
                snapshots.append(self._snapshot(content, dating, same))
        return snapshots, list(_merged(lost))

    def _held_flags(self, held: HeldDocument | None) -> tuple[str, FlagDocument] | None:
        """Read the version once more that is held: what is hidden in it cannot be compared otherwise."""
        if held is None or held.ordinal is None:
            return None
        try:
            return str(held.ordinal), self.content(held.ordinal).document or FlagDocument()
        except (NotInStoreError, MalformedDocumentError):
            return None

    def _snapshot(self, content: Content, dating: _Dating, same: Mapping[str, JsonValue]) -> Snapshot:
        flags = content.document.flags if content.document is not None else {}
        updated = {path: flag.updated_at for path, flag in flags.items() if flag.updated_at is not None}
        modified_at, stamps = dating.date(content.number, updated)
        return Snapshot(
            version=str(content.number),
            ordinal=content.number,
            modified_at=modified_at,
            modified_by=None,
            entries={
                path: FlagEntry(FlagId(self.application, flag.key), None, flag.state) for path, flag in flags.items()
            },
            metadata={**content.metadata, **same, "updated_at": stamps},
        )

    @property
    def _ids(self) -> Any:
        application, _, profile = self.document.name.partition("/")
        return {"ApplicationId": application, "ConfigurationProfileId": profile}

    def _asking(self, call: str) -> Any:
        return answering(f"appconfig:{call}", self.document.name, self.document.account, self.document.region)


@dataclass(slots=True)
class _Dating:
    """Dates versions by the newest stamp of their flags: only where the version directly before had an older one.

    Anything else leaves it open which version brought the stamp; stamps of the future say nothing at all.
    """

    number: int
    newest: datetime | None
    read_at: datetime

    @classmethod
    def after(cls, held: HeldDocument | None, read_at: datetime) -> _Dating:
        if held is None or held.ordinal is None:
            return cls(0, None, read_at)
        stamps = held.metadata.get("updated_at")
        known = [parse_rfc3339(s) for s in stamps.values() if isinstance(s, str)] if isinstance(stamps, dict) else []
        return cls(held.ordinal, max(known, default=None), read_at)

    def date(self, number: int, updated: Mapping[str, datetime]) -> tuple[datetime | None, dict[str, JsonValue]]:
        """Return when a version was written, as far as its stamps prove it, and the stamps to keep."""
        believed = {path: at for path, at in updated.items() if at <= self.read_at + _CLOCK_TOLERANCE}
        newest = max(believed.values(), default=None)
        follows = number == self.number + 1
        newer = newest is not None and (self.newest is None or newest > self.newest)
        self.number, self.newest = number, newest or self.newest
        return (newest if follows and newer else None), {path: rfc3339(at) for path, at in believed.items()}


def _is_falling(numbers: Sequence[int]) -> bool:
    """Tell whether the newest come first; a single one tells nothing."""
    return len(numbers) > 1 and numbers[0] > numbers[-1]


def _json(raw: bytes) -> JsonValue:
    try:
        return load_json(raw.decode())
    except UnicodeDecodeError:
        raise MalformedDocumentError("it is not UTF-8") from None


def _masked(text: object) -> str | None:
    return mask_text(text) if isinstance(text, str) and text else None


def _merged(lost: Sequence[UnreadableVersion]) -> Iterator[UnreadableVersion]:
    """Join neighbours that were lost for the same reason."""
    waiting: UnreadableVersion | None = None
    for one in lost:
        follows = waiting is not None and isinstance(waiting.last, int) and waiting.last + 1 == one.first
        if waiting is not None and follows and waiting.reason == one.reason:
            waiting = UnreadableVersion(waiting.first, one.last, one.reason)
            continue
        if waiting is not None:
            yield waiting
        waiting = one
    if waiting is not None:
        yield waiting
