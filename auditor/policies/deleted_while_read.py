"""A flag was deleted while code still reads it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from auditor.domain.changes import ChangeKind, RecordedChange
from auditor.domain.findings import Finding, Severity
from auditor.domain.references import Certainty, Reference, ReferenceKind
from auditor.policies._examples import change, on_change, place
from auditor.policies.base import ChangeContext, finding, names_of_places

_IN_USE = (ReferenceKind.READ, ReferenceKind.WRITE, ReferenceKind.BIND)


@dataclass(frozen=True, slots=True)
class DeletedWhileRead:
    """Code that asks for a flag that is gone falls back to whatever it has, or fails."""

    code: str = "deleted-while-read"
    rule: str = "A flag was deleted or renamed while code still reads it."
    severity: Severity = Severity.CRITICAL
    enabled: bool = True

    VALID: ClassVar = (
        on_change("it was changed, not deleted", references=(place(),)),
        on_change("deleted, and no code reads it", change(kind=ChangeKind.DELETED, after=None), references=()),
        on_change("deleted, but code was never scanned", change(kind=ChangeKind.DELETED, after=None)),
        on_change(
            "deleted, only a test and a document name it",
            change(kind=ChangeKind.DELETED, after=None),
            references=(place(kind=ReferenceKind.TEST), place(kind=ReferenceKind.DOC)),
        ),
        on_change("a denied deletion", change(kind=ChangeKind.DENIED, after=None), references=(place(),)),
    )
    INVALID: ClassVar = (
        on_change("deleted while code reads it", change(kind=ChangeKind.DELETED, after=None), references=(place(),)),
        on_change("expired while code reads it", change(kind=ChangeKind.EXPIRED, after=None), references=(place(),)),
        on_change(
            "left out of the version that went live",
            change(kind=ChangeKind.DEPLOYED, after=None),
            references=(place(), place("shop/cart.py", 3, certainty=Certainty.POSSIBLE)),
        ),
    )

    def check(self, change: RecordedChange, context: ChangeContext) -> Iterator[Finding]:
        """Report a flag that is gone with the places that ask for it."""
        about = change.change
        if about.after is not None or about.kind.is_attempt or about.kind is ChangeKind.GUARDRAIL or not about.flag:
            return
        places = sorted(filter(_uses_it, context.references or ()), key=lambda r: (r.kind.rank, r.path, r.line))
        if places:
            when = "in the version that was saved" if about.kind is ChangeKind.SAVED else "now"
            yield finding(self, change, f"it is gone {when}, and code still reads it: {names_of_places(places)}")


def _uses_it(reference: Reference) -> bool:
    return reference.kind in _IN_USE
