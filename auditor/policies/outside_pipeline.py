"""A production flag was changed by somebody else than the pipeline."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from auditor.domain.attribution import ActorKind
from auditor.domain.changes import ChangeKind, RecordedChange
from auditor.domain.findings import Finding, Severity
from auditor.policies._examples import actor, change, on_change
from auditor.policies.base import PRODUCTION, ChangeContext, finding, fits, option

_WRITES = frozenset(kind for kind in ChangeKind if not kind.is_attempt and kind is not ChangeKind.EXPIRED)


@dataclass(frozen=True, slots=True)
class OutsidePipeline:
    """Where flags are changed by a pipeline, every other way goes round its checks."""

    code: str = "outside-pipeline"
    rule: str = "A production flag was changed by somebody else than a pipeline or an allowed actor."
    severity: Severity = Severity.HIGH
    enabled: bool = False
    environments: tuple[str, ...] = option(PRODUCTION, "The environments that count, by patterns.")
    allowed: tuple[str, ...] = option(
        ("appconfig.amazonaws.com",), "Names or ARNs of actors, or their roles, that may change flags, by patterns."
    )

    VALID: ClassVar = (
        on_change("by a pipeline", change(by=actor(ActorKind.PIPELINE, "shop-deploy"))),
        on_change("by a person in staging", change(environment="staging")),
        on_change("nobody is named: another policy's matter", change(by=actor(ActorKind.UNKNOWN))),
        on_change("rolled back by AppConfig", change(by=actor(ActorKind.SERVICE, "appconfig.amazonaws.com"))),
        on_change(
            "by an allowed role", change(by=actor(ActorKind.ROLE, "flag-admin")), options={"allowed": ("flag-*",)}
        ),
    )
    INVALID: ClassVar = (
        on_change("by a person"),
        on_change("by a role that is not allowed", change(by=actor(ActorKind.ROLE, "laptop"))),
    )

    def check(self, change: RecordedChange, context: ChangeContext) -> Iterator[Finding]:  # noqa: ARG002 -- the port's
        """Report a change by an actor that is named, and neither a pipeline nor allowed."""
        about, actor = change.change, change.attribution.actor
        if about.kind not in _WRITES or not change.attribution.attributed or actor.kind is ActorKind.PIPELINE:
            return
        if not fits(self.environments, about.environment):
            return
        names = [name for name in (actor.name, actor.via, actor.arn) if name]
        if not (self.allowed and any(fits(self.allowed, name) for name in names)):
            yield finding(self, change, f"{actor.name or actor.kind.value} changed it outside the pipeline")
