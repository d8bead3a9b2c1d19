"""What the scanner asks of a language: which files it takes, and what it finds in one of them."""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Protocol

from auditor.domain.flags import JsonValue
from auditor.domain.references import (
    Certainty,
    Fallback,
    FlagSpec,
    Pattern,
    Reference,
    ReferenceKind,
    Unresolved,
)
from auditor.domain.scan_options import ScanOptions
from scanners.flag_index import FlagIndex
from scanners.keytext import KeyText

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_TEST_FOLDERS = frozenset({"test", "tests", "__tests__"})
_TEST_FILE = re.compile(r"test_.*|.*_test\.[^.]+|.*\.(?:test|spec)\.[^.]+|conftest\.py")


# Why a file is searched as text although its language is known: its source is elsewhere.
MINIFIED = "minified code, searched as text"


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file as it was read: its path below the scanned PATH, and its bytes."""

    path: str
    data: bytes

    @property
    def name(self) -> PurePosixPath:
        """The path, to ask for its name and suffix."""
        return PurePosixPath(self.path)

    @property
    def is_test(self) -> bool:
        """Whether the file is test code."""
        return is_test_path(self.path)

    def text(self) -> str:
        """The file's text: by its byte order mark, as UTF-8, else byte for byte as Latin-1."""
        marked = encoding_mark(self.data)
        if marked is not None:
            return self.data.decode(marked, errors="replace")
        try:
            return self.data.decode("utf-8")
        except UnicodeDecodeError:
            return self.data.decode("latin-1")


def encoding_mark(data: bytes) -> str | None:
    """The encoding that a byte order mark tells; None without one."""
    return next((encoding for mark, encoding in _MARKS if data.startswith(mark)), None)


def is_test_path(path: str) -> bool:
    """Whether a file is test code by its name or by a directory above it."""
    *folders, name = path.split("/")
    return not _TEST_FOLDERS.isdisjoint(folders) or _TEST_FILE.fullmatch(name) is not None


@dataclass(frozen=True, slots=True)
class Setting:
    """An environment variable or setting that a document gives a value, such as a template or a dotenv file.

    A read of the variable is a read of each flag that ``value`` stands for.
    """

    variable: str
    value: KeyText
    path: str
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class FileFindings:
    """What one file says; the scanner joins files, keeps one reference per flag and line, and orders them."""

    references: tuple[Reference, ...] = ()
    unresolved: tuple[Unresolved, ...] = ()
    patterns: tuple[Pattern, ...] = ()
    settings: tuple[Setting, ...] = ()


@dataclass(frozen=True, slots=True)
class ScanContext:
    """What a language may know beside the file: flags, options, and the settings that documents make."""

    flags: FlagIndex
    options: ScanOptions = field(default_factory=ScanOptions)
    settings: Mapping[str, tuple[Setting, ...]] = field(default_factory=dict)


class Language(Protocol):
    """A language whose files are understood one by one.

    A file is asked for only where it holds a key, a last segment of one, or one of ``words``; all it takes
    and gives is picklable, since it may run in a worker process that is stopped when it takes too long.
    """

    name: str
    words: tuple[bytes, ...]
    code: bool

    def takes(self, file: SourceFile) -> bool:
        """Whether the file is of this language, by its name, its suffix or its beginning."""
        ...

    def find(self, file: SourceFile, context: ScanContext) -> FileFindings:
        """Find what the file says of flags; raises UnreadableSourceError when it cannot be understood."""
        ...


def reference(
    file: SourceFile | str,
    flag: FlagSpec,
    kind: ReferenceKind,
    line: int,
    column: int,
    *steps: str,
    certainty: Certainty = Certainty.CERTAIN,
    default: tuple[JsonValue] | None = None,
) -> Reference:
    """Make a reference; in test code every kind becomes ``test``; ``default`` holds the fallback, if any."""
    path = file if isinstance(file, str) else file.path
    return Reference(
        flag=flag,
        path=path,
        line=line,
        column=column,
        kind=ReferenceKind.TEST if is_test_path(path) else kind,
        certainty=certainty,
        resolution=steps,
        default=None if default is None else Fallback(default[0]),
    )
