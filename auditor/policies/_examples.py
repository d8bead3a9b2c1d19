"""What the cases of policies are made of: a usual change and a usual flag, and ways to vary them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, TypeVar

from auditor.domain.attribution import UNATTRIBUTED, Actor, ActorKind, Attribution, Certainty, Evidence
from auditor.domain.changes import ChangeKind, DeploymentInfo, Detection, DiffEntry, FlagChange, RecordedChange
from auditor.domain.documents import DeploymentStep, DocumentRef
from auditor.domain.flags import FlagId, FlagState, JsonValue
from auditor.domain.lifetimes import FlagType, Lifetime
from auditor.domain.references import Fallback, FlagSpec, Reference, ReferenceKind
from auditor.domain.verdicts import EnvironmentFacts, FlagFacts, ReferenceFacts
from auditor.policies.base import ChangeContext, FlagContext

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)  # a Wednesday
KEY = "new-checkout"
_DOCUMENT = DocumentRef("ssm", "111122223333", "eu-central-1", f"/shop/prod/features/{KEY}")

Subject = TypeVar("Subject", RecordedChange, FlagFacts)
Known = TypeVar("Known", ChangeContext, FlagContext)


@dataclass(frozen=True, slots=True)
class Example(Generic[Subject, Known]):
    """A case of a policy: what it looks at, what it knows, and in words what this is about.

    ``options`` are thresholds that the case needs to be set.
    """

    words: str
    subject: Subject
    context: Known
    options: tuple[tuple[str, Any], ...] = ()


def on_change(
    words: str, subject: RecordedChange | None = None, *, options: dict[str, Any] | None = None, **known: Any
) -> Example[RecordedChange, ChangeContext]:
    """Return a case about a change; ``known`` are fields of the context."""
    context = ChangeContext(**{"now": NOON, **known})
    return Example(words, subject or change(), context, tuple((options or {}).items()))


def on_flag(
    words: str, subject: FlagFacts | None = None, *, options: dict[str, Any] | None = None, **known: Any
) -> Example[FlagFacts, FlagContext]:
    """Return a case about a flag; ``known`` are fields of the context."""
    context = FlagContext(**{"now": NOON, **known})
    return Example(words, subject or flag(), context, tuple((options or {}).items()))


def actor(kind: ActorKind, name: str | None = None, via: str | None = None) -> Attribution:
    """Return an attribution to somebody of this kind; nobody for ``UNKNOWN``."""
    if kind is ActorKind.UNKNOWN:
        return UNATTRIBUTED
    evidence = Evidence("cloudtrail", "CloudTrail names the caller", "e-1")
    return Attribution(Actor(kind, name or kind.value, via=via), Certainty.CERTAIN, (evidence,))


def change(*, by: Attribution | None = None, minutes: int = 0, **fields: Any) -> RecordedChange:
    """Return a change of a flag in production by a person at noon, so many minutes later, with these fields instead."""
    when = NOON + timedelta(minutes=minutes)
    usual: dict[str, Any] = {
        "key": f"ssm|{KEY}|{minutes}",
        "cause": f"version|{KEY}|{minutes}",
        "kind": ChangeKind.UPDATED,
        "document": _DOCUMENT,
        "life": 1,
        "application": "shop",
        "flag": KEY,
        "environment": "prod",
        "path": "",
        "version_before": "3",
        "version_after": "4",
        "occurred_at": when,
        "occurred_between": None,
        "before": FlagState(False),
        "after": FlagState(True),
        "diff": (DiffEntry("replace", "/value", False, True),),
        "summary": "enabled in prod",
        "detected_by": Detection.EVENT,
    }
    made = FlagChange(**{**usual, **fields})
    who = by if by is not None else actor(ActorKind.PERSON, "dana@example.com")
    return RecordedChange(f"c{minutes}", minutes, when, made, who)


def deployed(*shares: float, environment: str = "prod") -> RecordedChange:
    """Return a change that a deployment made live by these steps."""
    steps = tuple(DeploymentStep(NOON + timedelta(minutes=n), share) for n, share in enumerate(shares))
    info = DeploymentInfo(7, "COMPLETE", steps)
    return change(kind=ChangeKind.DEPLOYED, life=None, environment=environment, deployment=info)


def place(path: str = "shop/checkout.py", line: int = 12, **fields: Any) -> Reference:
    """Return a place in code that reads the flag."""
    usual: dict[str, Any] = {"flag": FlagSpec(KEY, "ssm"), "column": 5, "kind": ReferenceKind.READ}
    return Reference(**{**usual, "path": path, "line": line, **fields})


def falling_back(value: JsonValue, path: str = "shop/checkout.py") -> Reference:
    """Return a read that falls back to this value."""
    return place(path, default=Fallback(value))


def scanned(*, complete: bool = True, days: int = 1, possible: int = 0, **certain: int) -> ReferenceFacts:
    """Return what a scan so many days ago found."""
    return ReferenceFacts(dict(certain), dict(certain), possible, ago(days), complete)


def ago(days: float) -> datetime:
    """Return the time so many days before noon."""
    return NOON - timedelta(days=days)


def state(environment: str | None, value: JsonValue, days: float = 60) -> EnvironmentFacts:
    """Return what a flag says in an environment since so many days."""
    return EnvironmentFacts(environment, FlagState(value), ago(days), "dana")


def flag(*environments: EnvironmentFacts, key: str = KEY, days: float = 60, **fields: Any) -> FlagFacts:
    """Return a described, owned flag that is read by code, on in production, and was made so many days ago."""
    life = Lifetime(FlagType.OPS, "a tag", owner="@shop", description="Turns the new checkout on.")
    usual: dict[str, Any] = {
        "created_at": ago(days),
        "changed_at": ago(days),
        "changed_by": "dana",
        "lifetime": life,
        "references": scanned(read=1),
    }
    given = {**usual, **fields}
    return FlagFacts(FlagId("shop", key), environments or (state("prod", True, days),), **given)


def declared(**fields: Any) -> Lifetime:
    """Return what is declared of a flag's life, by these fields instead of the usual."""
    usual = Lifetime(FlagType.OPS, "a tag", owner="@shop", description="Turns the new checkout on.")
    return replace(usual, **fields)
