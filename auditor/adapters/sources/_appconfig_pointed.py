"""Profiles whose content is elsewhere: AppConfig points to it, and the versions that the place keeps are read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from auditor.adapters.aws import NotInStoreError
from auditor.adapters.sources._appconfig_places import Asking, PointedVersion
from auditor.adapters.sources._flag_documents import FlagDocument, FoundFlag, read_freeform
from auditor.domain.documents import DocumentReading, DocumentRef, HeldDocument, Snapshot, UnreadableVersion
from auditor.domain.errors import MalformedDocumentError
from auditor.domain.flags import FlagEntry, FlagId, FlagState, JsonValue
from auditor.domain.masking import MASKED_INCOMPARABLE, Fingerprint

_DROPPED = "the place the profile points to does not keep this version any more"


@dataclass(frozen=True, slots=True)
class PointedVersions:
    """The versions of the content behind one profile."""

    asking: Asking
    fingerprint: Fingerprint | None
    pointer: str | None = None

    @property
    def document(self) -> DocumentRef:
        """Return the profile as a document."""
        return self.asking.document

    def reading(self, held: HeldDocument | None, *, explicit: bool) -> DocumentReading:
        """Return what there is beyond ``held``; nothing where it holds no flags, and no name asks for it."""
        versions, read_at = self.asking.versions()
        title = f"{self.asking.application}/{self.asking.profile.name}"
        if not self.holds_flags(versions, explicit=explicit):
            return DocumentReading(self.document, exists=True, read_at=read_at, title=title, staged=True)
        news = list(_beyond(versions, held))
        # Only without a key of fingerprints is there anything that a look at the former version tells.
        wanted = held.version if held is not None and self.fingerprint is None and news else None
        former = next((one for one in versions if one.version == wanted), None)
        snapshots, lost = self._read(news, held, former)
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
        versions, _ = self.asking.versions()
        return versions[-1] if versions and self.holds_flags(versions, explicit=explicit) else None

    def holds_flags(self, versions: Sequence[PointedVersion], *, explicit: bool) -> bool:
        """Tell whether the newest version is a flag document; of a hidden one only a configured name says so."""
        if not versions or versions[-1].raw is None:
            return bool(versions) and explicit
        try:
            return self._flags(versions[-1].raw()) is not None
        except (MalformedDocumentError, NotInStoreError):
            return False

    def _read(
        self, news: Sequence[PointedVersion], held: HeldDocument | None, former: PointedVersion | None
    ) -> tuple[list[Snapshot], list[UnreadableVersion]]:
        snapshots: list[Snapshot] = []
        lost: list[UnreadableVersion] = []
        after = 0 if held is None else held.ordinal or 0
        known = None if former is None else self._known(former)
        for one in news:
            if one.ordinal is not None and one.ordinal > after + 1:
                lost.append(UnreadableVersion(after + 1, one.ordinal - 1, _DROPPED))
            after = one.ordinal or after
            try:
                flags = self._flags_of(one)
            except (MalformedDocumentError, NotInStoreError) as error:
                lost.append(UnreadableVersion(one.ordinal or one.version, one.ordinal or one.version, str(error)))
            else:
                same = {} if known is None or not flags.sealed else flags.same_as(*known)
                known = one.version, flags
                snapshots.append(self._snapshot(one, flags, same))
        return snapshots, lost

    def _snapshot(self, one: PointedVersion, flags: FlagDocument, same: Mapping[str, JsonValue]) -> Snapshot:
        metadata = {"profile_type": self.asking.profile.type, "location": self.asking.profile.location, **same}
        owner = self.asking.application
        entries = {path: FlagEntry(FlagId(owner, f.key), None, f.state) for path, f in flags.flags.items()}
        return Snapshot(one.version, one.ordinal, one.modified_at, one.modified_by, entries, metadata)

    def _known(self, former: PointedVersion) -> tuple[str, FlagDocument] | None:
        """Read the version once more that is held: what is hidden in it cannot be compared otherwise."""
        try:
            return former.version, self._flags_of(former)
        except (MalformedDocumentError, NotInStoreError):
            return None

    def _flags_of(self, one: PointedVersion) -> FlagDocument:
        if one.raw is None:
            hidden = FlagState(dict(MASKED_INCOMPARABLE))
            return FlagDocument({"": FoundFlag(self.asking.profile.name, hidden)})
        return self._flags(one.raw()) or FlagDocument()

    def _flags(self, raw: bytes) -> FlagDocument | None:
        return read_freeform(raw, self.fingerprint, pointer=self.pointer)


def _beyond(versions: Sequence[PointedVersion], held: HeldDocument | None) -> Iterator[PointedVersion]:
    names = [one.version for one in versions]
    if held is None or held.version is None:
        yield from versions
    elif held.version in names:
        yield from versions[names.index(held.version) + 1 :]
    else:
        after = held.modified_at
        yield from (one for one in versions if after is None or one.modified_at is None or one.modified_at > after)
