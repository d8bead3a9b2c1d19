"""Profiles whose content is elsewhere: AppConfig only points to a parameter, an object or a secret.

What the place keeps of its versions is read there. A SecureString or a secret is never read: its new version is a
change of something hidden. Documents of Systems Manager and artifacts of CodePipeline are not read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from auditor.adapters.aws import AwsClients, NotInStoreError, answered_at, answering
from auditor.adapters.sources._appconfig_names import Profile
from auditor.adapters.sources._flag_documents import FlagDocument, recognise
from auditor.adapters.sources._s3_objects import Stored, of_page
from auditor.adapters.sources._structured import LARGEST, load_document
from auditor.domain.documents import DocumentReading, DocumentRef, HeldDocument, Snapshot, UnreadableVersion
from auditor.domain.errors import MalformedDocumentError
from auditor.domain.flags import FlagEntry, FlagId, FlagState
from auditor.domain.masking import MASKED_INCOMPARABLE, Fingerprint

PARAMETER, OBJECT, SECRET = "ssm-parameter://", "s3://", "secretsmanager://"
_DROPPED = "the place the profile points to does not keep this version any more"


def is_pointed(location: str) -> bool:
    """Tell whether a profile's content is at a place that is read."""
    return location.startswith((PARAMETER, OBJECT, SECRET))


@dataclass(frozen=True, slots=True)
class PointedVersion:
    """A version where the profile points to; ``raw`` reads its content, ``None`` where it must not be read."""

    version: str
    ordinal: int | None
    modified_at: datetime | None
    modified_by: str | None
    raw: Callable[[], bytes] | None


@dataclass(frozen=True, slots=True)
class PointedVersions:
    """The versions of the content behind one profile."""

    clients: AwsClients
    document: DocumentRef
    profile: Profile
    application: str
    fingerprint: Fingerprint | None
    now: Callable[[], datetime]

    def reading(self, held: HeldDocument | None, *, explicit: bool) -> DocumentReading:
        """Return what there is beyond ``held``; nothing where it holds no flags, and no name asks for it."""
        versions, read_at = self._listed()
        title = f"{self.application}/{self.profile.name}"
        if not self.holds_flags(versions, explicit=explicit):
            return DocumentReading(self.document, exists=True, read_at=read_at, title=title, staged=True)
        snapshots, lost = self._read(list(_beyond(versions, held)), held)
        return DocumentReading(
            self.document,
            exists=True,
            read_at=read_at,
            snapshots=tuple(snapshots),
            unreadable=tuple(lost),
            title=title,
            staged=True,
        )

    def newest(self, *, explicit: bool) -> PointedVersion | None:
        """Return the newest version of content that holds flags, ``None`` where it holds none."""
        versions, _ = self._listed()
        return versions[-1] if versions and self.holds_flags(versions, explicit=explicit) else None

    def holds_flags(self, versions: Sequence[PointedVersion], *, explicit: bool) -> bool:
        """Tell whether the newest version is a flag document; of a hidden one only a configured name says so."""
        if not versions or versions[-1].raw is None:
            return bool(versions) and explicit
        try:
            return bool(self._flags(versions[-1].raw()))
        except (MalformedDocumentError, NotInStoreError):
            return False

    def _read(
        self, news: Sequence[PointedVersion], held: HeldDocument | None
    ) -> tuple[list[Snapshot], list[UnreadableVersion]]:
        snapshots: list[Snapshot] = []
        lost: list[UnreadableVersion] = []
        after = 0 if held is None else held.ordinal or 0
        for one in news:
            if one.ordinal is not None and one.ordinal > after + 1:
                lost.append(UnreadableVersion(after + 1, one.ordinal - 1, _DROPPED))
            after = one.ordinal or after
            try:
                entries = self._entries(one)
            except (MalformedDocumentError, NotInStoreError) as error:
                lost.append(UnreadableVersion(one.ordinal or one.version, one.ordinal or one.version, str(error)))
            else:
                metadata = {"profile_type": self.profile.type, "location": self.profile.location}
                by, at = one.modified_by, one.modified_at
                snapshots.append(Snapshot(one.version, one.ordinal, at, by, entries, metadata))
        return snapshots, lost

    def _entries(self, one: PointedVersion) -> dict[str, FlagEntry]:
        if one.raw is None:
            hidden = FlagState(dict(MASKED_INCOMPARABLE))
            return {"": FlagEntry(FlagId(self.application, self.profile.name), None, hidden)}
        found = self._flags(one.raw())
        flags = found.flags if found is not None else {}
        return {path: FlagEntry(FlagId(self.application, f.key), None, f.state) for path, f in flags.items()}

    def _flags(self, raw: bytes) -> FlagDocument | None:
        return recognise(load_document(raw, yaml=False), self.fingerprint)

    def _listed(self) -> tuple[list[PointedVersion], datetime]:
        """Return the versions kept there, oldest first; none where nothing is there."""
        location = self.profile.location
        try:
            if location.startswith(PARAMETER):
                return self._of_parameter(location.removeprefix(PARAMETER))
            if location.startswith(OBJECT):
                bucket, _, key = location.removeprefix(OBJECT).partition("/")
                return self._of_object(bucket, key)
            return self._of_secret(location.removeprefix(SECRET))
        except NotInStoreError as error:
            return [], answered_at(error.response, self.now())

    def _of_parameter(self, name: str) -> tuple[list[PointedVersion], datetime]:
        client = self.clients.ssm(*self._place)
        entries: list[Any] = []
        read_at = None
        with answering("ssm:GetParameterHistory", name, *self._place):
            for page in client.get_paginator("get_parameter_history").paginate(Name=name, WithDecryption=False):
                read_at = read_at or answered_at(page, self.now())
                entries.extend(page["Parameters"])
        return [_of_entry(e) for e in sorted(entries, key=lambda e: e["Version"])], read_at or self.now()

    def _of_object(self, bucket: str, key: str) -> tuple[list[PointedVersion], datetime]:
        client = self.clients.s3(*self._place)
        found: list[Stored] = []
        read_at = None
        with answering("s3:ListBucketVersions", bucket, *self._place):
            for page in client.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=key):
                read_at = read_at or answered_at(page, self.now())
                found.extend(stored for stored in of_page(page) if stored.key == key and not stored.deleted)

        def content(version: str) -> bytes:
            with answering("s3:GetObjectVersion", f"{bucket}/{key}", *self._place):
                answer = client.get_object(Bucket=bucket, Key=key, VersionId=version)
                return answer["Body"].read(LARGEST + 1)

        found.reverse()
        found.sort(key=lambda stored: stored.modified_at)
        versions = [
            PointedVersion(s.version_id, None, s.modified_at, None, partial(content, s.version_id)) for s in found
        ]
        return versions, read_at or self.now()

    def _of_secret(self, name: str) -> tuple[list[PointedVersion], datetime]:
        client = self.clients.client("secretsmanager", *self._place)
        with answering("secretsmanager:ListSecretVersionIds", name, *self._place):
            answer = client.list_secret_version_ids(SecretId=name, IncludeDeprecated=True)
        listed = sorted(answer.get("Versions") or (), key=lambda version: version["CreatedDate"])
        versions = [PointedVersion(v["VersionId"], None, v["CreatedDate"].astimezone(UTC), None, None) for v in listed]
        return versions, answered_at(answer, self.now())

    @property
    def _place(self) -> tuple[str, str]:
        return self.document.account, self.document.region


def _of_entry(entry: Any) -> PointedVersion:
    author, text = entry.get("LastModifiedUser"), str(entry.get("Value", ""))
    shown = entry.get("Type") in {"String", "StringList"}
    return PointedVersion(
        version=str(entry["Version"]),
        ordinal=entry["Version"],
        modified_at=entry["LastModifiedDate"].astimezone(UTC),
        modified_by=author if isinstance(author, str) and author.startswith("arn:") else None,
        raw=text.encode if shown else None,
    )


def _beyond(versions: Sequence[PointedVersion], held: HeldDocument | None) -> Iterator[PointedVersion]:
    names = [one.version for one in versions]
    if held is None or held.version is None:
        yield from versions
    elif held.version in names:
        yield from versions[names.index(held.version) + 1 :]
    else:
        after = held.modified_at
        yield from (one for one in versions if after is None or one.modified_at is None or one.modified_at > after)
