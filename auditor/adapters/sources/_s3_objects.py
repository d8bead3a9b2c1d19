"""S3 objects that hold flags: which are watched, which flags are in one, and what its versions were."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from auditor.adapters.sources._flag_documents import FlagDocument, read_flag, read_members
from auditor.adapters.sources._reach import Reach
from auditor.adapters.sources._structured import load_document, value_at
from auditor.domain.attribution import CallTarget
from auditor.domain.documents import DocumentRef
from auditor.domain.flags import FlagEntry, FlagId
from auditor.domain.masking import Fingerprint
from auditor.domain.templates import PathTemplate
from auditor.domain.times import rfc3339

_YAML = re.compile(r"\.ya?ml$", re.IGNORECASE)
_NULL = "null"
_LONGEST_KEY = 1024


@dataclass(frozen=True, slots=True)
class BucketWatch:
    """Objects of a bucket whose keys fit a template; the flags stand at ``pointer`` in them."""

    bucket: str
    template: PathTemplate
    pointer: str = ""
    reach: Reach = Reach()  # noqa: RUF009 -- frozen


@dataclass(frozen=True, slots=True)
class FlagObject:
    """A watched object, and what its key tells."""

    document: DocumentRef
    watch: BucketWatch
    key: str
    told: Mapping[str, str]

    def target(self, version: str | None = None) -> CallTarget:
        """Return the object as what a call worked on."""
        flag = FlagId(self._application, self.told["flag"]) if "flag" in self.told else None
        return CallTarget(document=self.document, version=version, flag=flag, environment_name=self._environment)

    def flags(self, raw: bytes, content_type: str, fingerprint: Fingerprint | None) -> FlagDocument:
        """Return the flags in an object's content by their path; raise ``MalformedDocumentError`` when it is broken."""
        yaml = "yaml" in content_type or _YAML.search(self.key) is not None
        there, value = value_at(load_document(raw, yaml=yaml), self.watch.pointer)
        if not there:
            return FlagDocument()
        pointer = self.watch.pointer
        if "flag" in self.told:
            return FlagDocument({pointer: read_flag(self.told["flag"], value, fingerprint)})
        return read_members(value, pointer, fingerprint)

    def entries(self, flags: FlagDocument) -> dict[str, FlagEntry]:
        """Return flags of its content as what they are flags of."""
        return {
            path: FlagEntry(FlagId(self._application, flag.key), self._environment, flag.state)
            for path, flag in flags.flags.items()
        }

    @property
    def _application(self) -> str:
        return self.told.get("application", "")

    @property
    def _environment(self) -> str | None:
        return self.told.get("environment")


def find_object(
    source: str, watches: tuple[BucketWatch, ...], bucket: str, key: str, account: str, region: str
) -> FlagObject | None:
    """Return a watched object by bucket and key, or ``None``."""
    for watch in watches if len(key) <= _LONGEST_KEY else ():
        if watch.bucket == bucket and watch.reach.covers(account, region):
            told = watch.template.match(key)
            if told is not None:
                return FlagObject(DocumentRef(source, account, region, f"{bucket}/{key}"), watch, key, told)
    return None


@dataclass(frozen=True, slots=True)
class Stored:
    """One version of an object, or the marker that it was deleted, as ListObjectVersions tells it."""

    key: str
    version_id: str
    etag: str
    modified_at: datetime
    latest: bool
    deleted: bool

    @property
    def unversioned(self) -> bool:
        """Tell whether the next write replaces it: the bucket keeps, or kept then, no versions."""
        return self.version_id == _NULL

    @property
    def version(self) -> str:
        """Return S3's id of the version; without one, content and time, which is all that tells two writes apart."""
        return f"null {self.etag} {rfc3339(self.modified_at)}" if self.unversioned else self.version_id

    @classmethod
    def of(cls, answer: Mapping[str, Any], *, deleted: bool) -> Stored:
        """Read an entry of ListObjectVersions."""
        return cls(
            key=answer["Key"],
            version_id=answer.get("VersionId") or _NULL,
            etag=str(answer.get("ETag", "")).strip('"'),
            modified_at=answer["LastModified"].astimezone(UTC),
            latest=bool(answer.get("IsLatest")),
            deleted=deleted,
        )


def of_page(page: Mapping[str, Any]) -> Iterator[Stored]:
    """Yield what a page of ListObjectVersions lists, markers last."""
    yield from (Stored.of(entry, deleted=False) for entry in page.get("Versions") or ())
    yield from (Stored.of(entry, deleted=True) for entry in page.get("DeleteMarkers") or ())
