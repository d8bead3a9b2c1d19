"""What a scan of a repository says: where code names a flag, how that is known, and what was not read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from auditor.domain.flags import JsonValue

EVERY_REQUEST = "asked of the store on every request"
"""How the step of a resolution begins that says so."""


class ReferenceKind(StrEnum):
    """What a place in code does with a flag, the strongest first."""

    READ = "read"
    WRITE = "write"
    DEFINE = "define"
    BIND = "bind"
    TEST = "test"
    DOC = "doc"

    @property
    def rank(self) -> int:
        """The place in the order in which one kind wins over another on the same line."""
        return tuple(ReferenceKind).index(self)


class Certainty(StrEnum):
    """Whether a reference surely names the flag, or may."""

    CERTAIN = "certain"
    POSSIBLE = "possible"


@dataclass(frozen=True, slots=True)
class FlagSpec:
    """A flag a scan looks for; None means that the field is not known or does not apply."""

    key: str
    provider: str
    application: str | None = None
    environment: str | None = None
    profile: str | None = None
    name: str | None = None

    def to_json(self) -> dict[str, JsonValue]:
        """The form of a flags file; fields that are None are left out."""
        fields = {
            "key": self.key,
            "provider": self.provider,
            "application": self.application,
            "environment": self.environment,
            "profile": self.profile,
            "name": self.name,
        }
        return {name: value for name, value in fields.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Fallback:
    """The value the code falls back to at a read, which may well be None."""

    value: JsonValue

    def __hash__(self) -> int:
        """Values that are equal spell the same; lists and objects have no hash of their own."""
        return hash(str(self.value))


class AnnotationKind(StrEnum):
    """What a comment in code says of a flag's life."""

    END_DATE = "end date"
    NOT_BEFORE = "not before"
    TYPE = "type"
    MARK = "mark"
    STAGE = "stage"
    OWNER = "owner"
    CREATED = "created"


@dataclass(frozen=True, slots=True)
class Annotation:
    """What a comment beside a flag's place in code says of it; ``value`` is one word, ``text`` the line it stands in.

    The text is bounded, and masked where it looks like a credential.
    """

    path: str
    line: int
    kind: AnnotationKind
    value: str
    text: str

    def to_json(self) -> dict[str, JsonValue]:
        """The annotation for outputs."""
        return {"path": self.path, "line": self.line, "kind": self.kind.value, "value": self.value, "text": self.text}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A place in code that names a flag, step by step how that was found out, and who owns the file.

    ``annotations`` are what comments beside the place say of the flag.
    """

    flag: FlagSpec
    path: str
    line: int
    column: int
    kind: ReferenceKind
    certainty: Certainty = Certainty.CERTAIN
    resolution: tuple[str, ...] = ()
    default: Fallback | None = None
    owners: tuple[str, ...] = ()
    annotations: tuple[Annotation, ...] = ()

    def to_json(self) -> dict[str, JsonValue]:
        """The reference as the scan prints it; ``default`` is present only where the code gives one."""
        shown: dict[str, JsonValue] = {
            "flag": self.flag.key,
            "provider": self.flag.provider,
            "application": self.flag.application,
            "environment": self.flag.environment,
            "profile": self.flag.profile,
            "path": self.path,
            "line": self.line,
            "column": self.column,
            "kind": self.kind.value,
            "certainty": self.certainty.value,
            "resolution": list(self.resolution),
        }
        if self.default is not None:
            shown["default"] = self.default.value
        return shown


@dataclass(frozen=True, slots=True)
class Unresolved:
    """A read whose key cannot be known, or a key that the code spoils; a remark, never a reference."""

    path: str
    line: int
    column: int
    reason: str

    def to_json(self) -> dict[str, JsonValue]:
        """The remark as the scan prints it."""
        return {"path": self.path, "line": self.line, "column": self.column, "reason": self.reason}


@dataclass(frozen=True, slots=True)
class Unread:
    """A file that could not be read or understood, and why."""

    path: str
    reason: str

    def to_json(self) -> dict[str, JsonValue]:
        """The file as the scan prints it."""
        return {"path": self.path, "reason": self.reason}


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file or tree that a scan leaves out on purpose, and why."""

    path: str
    reason: str

    def to_json(self) -> dict[str, JsonValue]:
        """The file or tree as the scan prints it."""
        return {"path": self.path, "reason": self.reason}


@dataclass(frozen=True, slots=True)
class Pattern:
    """A read whose key is only partly known, ``*`` standing for the rest, and the keys it can match."""

    pattern: str
    provider: str | None
    path: str
    line: int
    column: int
    flags: tuple[str, ...]
    reason: str

    def to_json(self) -> dict[str, JsonValue]:
        """The pattern as the scan prints it."""
        return {
            "pattern": self.pattern,
            "provider": self.provider,
            "path": self.path,
            "line": self.line,
            "column": self.column,
            "flags": list(self.flags),
            "reason": self.reason,
        }


@dataclass(frozen=True, slots=True)
class ScanResult:
    """All that a scan found, in a stable order; ``complete`` is False when any file was not read."""

    references: tuple[Reference, ...] = ()
    unresolved: tuple[Unresolved, ...] = ()
    unread: tuple[Unread, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    patterns: tuple[Pattern, ...] = ()
    complete: bool = True
    commit: str | None = None

    @classmethod
    def joined(cls, results: Iterable[ScanResult]) -> ScanResult:
        """Several scans as one; the commit is known where they have the same."""
        together = list(results)
        commits = {result.commit for result in together}
        return cls(
            tuple(one for result in together for one in result.references),
            tuple(one for result in together for one in result.unresolved),
            tuple(one for result in together for one in result.unread),
            tuple(one for result in together for one in result.skipped),
            tuple(one for result in together for one in result.patterns),
            all(result.complete for result in together),
            commits.pop() if len(commits) == 1 else None,
        )

    def to_json(self) -> dict[str, JsonValue]:
        """The whole result as ``flagtrail scan --format json`` prints it."""
        return {
            "references": [reference.to_json() for reference in self.references],
            "unresolved": [remark.to_json() for remark in self.unresolved],
            "unread": [file.to_json() for file in self.unread],
            "skipped": [entry.to_json() for entry in self.skipped],
            "patterns": [pattern.to_json() for pattern in self.patterns],
            "complete": self.complete,
            "commit": self.commit,
        }
