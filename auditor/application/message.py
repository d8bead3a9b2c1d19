"""A message to people, in no channel's own form."""

from __future__ import annotations

from dataclasses import dataclass

from auditor.domain.alerts import AlertKind
from auditor.domain.references import Reference


@dataclass(frozen=True, slots=True)
class DiffLine:
    """One difference: where in the flag, and what it said before and after (``None``: it was not, or is not, there).

    ``cut``: one of them is longer than it is shown.
    """

    path: str
    before: str | None
    after: str | None
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Told:
    """One change in a message: its id, a sentence, its differences, and how many of them are left out."""

    id: str
    sentence: str
    diff: tuple[DiffLine, ...] = ()
    left_out: int = 0

    @property
    def cut(self) -> bool:
        """Whether a value in its differences is longer than it is shown."""
        return any(entry.cut for entry in self.diff)


@dataclass(frozen=True, slots=True)
class Fact:
    """A labelled line: the label is ours, the text may hold foreign words."""

    label: str
    text: str


@dataclass(frozen=True, slots=True)
class Place:
    """A place in code: what is said of it, and which it is, for a channel that can link."""

    text: str
    reference: Reference


@dataclass(frozen=True, slots=True)
class Page:
    """A change on a published page, for a channel that can link: its id and the names that page goes by."""

    change: str
    application: str | None
    flag: str | None


@dataclass(frozen=True, slots=True)
class Revert:
    """How to put it back: a command to run as it stands (``None``: there is none) and what to mind.

    ``account`` is the AWS account whose credentials it needs.
    """

    command: str | None
    notes: tuple[str, ...]
    account: str | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """A message that any channel can render: plain text on single lines, already shortened, nothing masked shown.

    ``key`` is the outbox's. ``changes_left_out`` and ``places_left_out`` count what did not fit. ``broadcast``: a reply
    that the whole channel is to see, not its thread alone. ``commit`` is that of the scanned code, where it is one.
    ``pages`` are the changes that it is about, the first ones; ``pages_left_out`` counts the others, ``pages_later``
    says that they stand there only once a deployment is live. ``report`` is the address of a page of ours.
    """

    kind: AlertKind
    key: str
    title: str
    lines: tuple[str, ...] = ()
    changes: tuple[Told, ...] = ()
    changes_left_out: int = 0
    facts: tuple[Fact, ...] = ()
    findings: tuple[Fact, ...] = ()
    code: str | None = None
    places: tuple[Place, ...] = ()
    places_left_out: int = 0
    reverts: tuple[Revert, ...] = ()
    footer: str = ""
    broadcast: bool = False
    commit: str | None = None
    pages: tuple[Page, ...] = ()
    pages_left_out: int = 0
    pages_later: bool = False
    report: str | None = None
