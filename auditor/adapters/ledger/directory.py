"""A folder as an anchor."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from auditor.adapters.ledger.naming import LONGEST, NAME, forked, name_of
from auditor.domain.errors import FlagtrailError, UsageError


@dataclass(frozen=True, slots=True)
class DirectoryAnchor:
    """A folder with one file a checkpoint, made only where there is none."""

    folder: Path

    @property
    def name(self) -> str:
        """Return where it is."""
        return str(self.folder)

    def newest(self) -> str | None:
        """Return the note of the largest log, or ``None``."""
        names = self._names()
        return self._read(names[-1]) if names else None

    def notes(self) -> Sequence[str]:
        """Return every note, the smallest log first; raise ``UsageError`` when the folder cannot be read."""
        return [self._read(name) for name in self._names()]

    def put(self, size: int, note: str) -> None:
        """Keep a note; raise ``ForkError`` when another one of that size is kept."""
        path = self.folder / name_of(size)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._create(path, note)
        except FileExistsError:
            if self._read(path.name) != note:
                raise forked(str(path), size) from None
        except OSError as error:
            raise FlagtrailError(f"{path} cannot be written: {error.strerror}") from error

    def _create(self, path: Path, note: str) -> None:
        """Make the file whole or not at all, and never over another: a link to a name that exists is refused."""
        handle, draft = tempfile.mkstemp(dir=self.folder, prefix=".draft-")
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
                file.write(note)
                file.flush()
                os.fsync(file.fileno())
            Path(draft).chmod(0o644)
            os.link(draft, path)
        finally:
            with suppress(OSError):
                Path(draft).unlink()

    def _names(self) -> list[str]:
        if not self.folder.exists():
            return []
        try:
            return sorted(entry.name for entry in self.folder.iterdir() if NAME.fullmatch(entry.name))
        except OSError as error:
            raise UsageError(f"the checkpoints in {self.folder} cannot be read: {error.strerror}") from error

    def _read(self, name: str) -> str:
        try:
            with (self.folder / name).open("rb") as file:
                return file.read(LONGEST).decode("utf-8", "replace")
        except OSError as error:
            raise UsageError(f"the checkpoint {self.folder / name} cannot be read: {error.strerror}") from error
