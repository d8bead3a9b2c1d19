"""Who did it, how we know, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from auditor.domain.documents import DocumentRef, EnvironmentRef
from auditor.domain.flags import FlagId, JsonValue
from auditor.domain.times import rfc3339


class ActorKind(StrEnum):
    """What an actor is; ``UNKNOWN`` means unattributed, never "system"."""

    PERSON = "person"
    ROLE = "role"
    SERVICE = "service"
    PIPELINE = "pipeline"
    ACCOUNT = "account"
    ROOT = "root"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Actor:
    """An identity as AWS showed it; ``name`` is ``None`` exactly where it is unknown.

    ``via`` is the role, permission set or service the actor worked through, ``session`` the role session's name,
    ``source_ip`` an address or a service's DNS name as CloudTrail wrote it.
    """

    kind: ActorKind
    name: str | None
    arn: str | None = None
    via: str | None = None
    session: str | None = None
    source_ip: str | None = None

    def to_json(self) -> dict[str, JsonValue]:
        """Return the actor as history rows show it."""
        return {
            "kind": self.kind.value,
            "name": self.name,
            "arn": self.arn,
            "via": self.via,
            "session": self.session,
            "source_ip": self.source_ip,
        }


UNKNOWN_ACTOR = Actor(ActorKind.UNKNOWN, None)


class Certainty(StrEnum):
    """How sure an attribution is.

    ``CERTAIN``: AWS names the identity for this very version or call. ``LIKELY``: joined by time and name with one
    candidate, or the identity's own claim (a session name the caller chose). ``NONE``: unattributed.
    """

    CERTAIN = "certain"
    LIKELY = "likely"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Evidence:
    """One piece of evidence: where it is from, its id there, when, and what it says in words."""

    source: str
    text: str
    id: str | None = None
    at: datetime | None = None

    def to_json(self) -> dict[str, JsonValue]:
        """Return the evidence as history rows show it."""
        return {
            "source": self.source,
            "text": self.text,
            "id": self.id,
            "at": None if self.at is None else rfc3339(self.at),
        }


@dataclass(frozen=True, slots=True)
class Attribution:
    """The actor behind a change with the evidence; ``occurred_at`` is set when the evidence also dates the change."""

    actor: Actor
    certainty: Certainty
    evidence: tuple[Evidence, ...] = ()
    occurred_at: datetime | None = None

    @property
    def attributed(self) -> bool:
        """Tell whether somebody or something is named."""
        return self.actor.kind is not ActorKind.UNKNOWN


UNATTRIBUTED = Attribution(UNKNOWN_ACTOR, Certainty.NONE)


class CallOutcome(StrEnum):
    """What a CloudTrail record proves of its call.

    ``AMBIGUOUS``: success and refusal look alike (DeleteParameter); only a look at the store decides.
    """

    SUCCEEDED = "succeeded"
    AMBIGUOUS = "ambiguous"
    DENIED = "denied"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class CallTarget:
    """One thing a call worked on; fields a call does not tell are ``None``.

    ``flag`` and ``environment_name`` are what the document's name alone tells (a path template, a response's name).
    """

    document: DocumentRef | None = None
    environment: EnvironmentRef | None = None
    deployment_number: int | None = None
    version: str | None = None
    label: str | None = None
    flag: FlagId | None = None
    environment_name: str | None = None


@dataclass(frozen=True, slots=True)
class ApiCall:
    """A CloudTrail record of a write that concerns watched flags, reduced to what the record needs.

    ``event_id`` is CloudTrail's ``eventID``. ``attribution`` names who called. ``error`` is a sentence without
    secrets for a denied or failed call. ``details`` keeps few, safe facts (description, user agent, request id,
    invokedBy).
    """

    event_id: str
    name: str
    service: str
    account: str
    region: str
    at: datetime
    outcome: CallOutcome
    targets: tuple[CallTarget, ...]
    attribution: Attribution
    error: str | None = None
    from_console: bool = False
    details: tuple[tuple[str, str], ...] = ()
