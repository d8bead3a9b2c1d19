"""A source: flags kept as files of a mounted folder, ``<application>/<environment>/<flag>`` with one value in each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from auditor.application.ports import Scope
from auditor.domain.documents import DocumentListing, DocumentReading, DocumentRef, HeldDocument, Snapshot
from auditor.domain.errors import StoreUnreadableError
from auditor.domain.events import Notices, RawEvent
from auditor.domain.flags import FlagEntry, FlagId, FlagState
from auditor.domain.masking import mask_value
from auditor.domain.values import parse_value


@dataclass(frozen=True, slots=True)
class FolderSource:
    """Files of a folder: each is a document with one flag, and keeps no versions but its newest."""

    root: Path
    name: str = "folder"
    trail_calls: tuple[str, ...] = ()

    def parse(self, event: RawEvent) -> Notices:  # noqa: ARG002 -- the port's signature
        """Return nothing: a folder sends no events, so reconcile finds what changed."""
        return Notices()

    def scopes(self) -> tuple[Scope, ...]:
        """Return the folder; another folder is another thing to watch."""
        return (Scope(self.name, "-", "-", str(self.root)),)

    def watches_document(self, held: HeldDocument) -> bool:
        """Tell whether a held document lies in the folder."""
        return held.document.source == self.name

    def list_documents(self, scope: Scope) -> Iterator[DocumentListing]:
        """Yield every file that is there."""
        for path in sorted(self.root.glob("*/*/*")):
            name = path.relative_to(self.root).as_posix()
            document = DocumentRef(self.name, scope.account, scope.region, name)
            yield DocumentListing(document, str(path.stat().st_mtime_ns), _written(path))

    def listed_at(self, scope: Scope) -> datetime | None:  # noqa: ARG002 -- the port's signature
        """Return nothing: a folder has no clock of its own."""
        return None

    def read(self, document: DocumentRef, held: HeldDocument | None) -> DocumentReading:
        """Read the file unless its version is held; raise ``StoreUnreadableError`` when it cannot be read."""
        path, now = self.root / document.name, datetime.now(UTC)
        try:
            version, text = str(path.stat().st_mtime_ns), path.read_text(encoding="utf-8").strip()
        except FileNotFoundError:
            return DocumentReading(document, exists=False, read_at=now)
        except OSError as error:
            raise StoreUnreadableError(f"{path} cannot be read: {error.strerror}") from error
        if held is not None and held.alive and held.version == version:
            return DocumentReading(document, exists=True, read_at=now, unversioned=True)
        application, environment, key = document.name.split("/")
        value = mask_value(parse_value(text, kind="String"), field_name=key, fingerprint=None)
        entry = FlagEntry(FlagId(application, key), environment, FlagState(value))
        snapshot = Snapshot(version, None, _written(path), None, {"": entry})
        return DocumentReading(document, exists=True, read_at=now, snapshots=(snapshot,), unversioned=True)


def _written(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)
