"""Who opened the session of a role: what STS told when it gave out the credentials that a later call was made with.

A record of a call shows the role and a session's name that anybody may choose. The record of the session's opening
shows who asked for it, and both name the same access key.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from auditor.domain.attribution import (
    UNKNOWN_ACTOR,
    Actor,
    ActorKind,
    ApiCall,
    Attribution,
    Certainty,
    Evidence,
)
from auditor.domain.credentials import mask_text
from auditor.domain.identities import actor_from_cloudtrail

OPENINGS = frozenset({"AssumeRole", "AssumeRoleWithSAML", "AssumeRoleWithWebIdentity"})
"""The calls of STS that open a session."""

SESSION = "session"
"""Under this name a call keeps which session it was made in."""

SOURCE = "sts"
_DIGITS = 32
_LONGEST = 200


def session_of(access_key: object) -> str | None:
    """Return what a session is known by: never the key's own id, and ``None`` for the key of a user."""
    if not isinstance(access_key, str) or not access_key.startswith("ASIA"):
        return None
    return hashlib.sha256(access_key.encode()).hexdigest()[:_DIGITS]


def opening_id(session: str) -> str:
    """Return under which id the opening of a session is kept."""
    return f"{SESSION}|{session}"


def opened_by(record: Mapping[str, Any]) -> Attribution:
    """Return who opened a session, from CloudTrail's record of the call (an event's ``detail``).

    A person whom the company's own sign-in vouches for (SAML) is one; of a web identity's token only the subject is
    told, which may be a job, a pod or a person.
    """
    identity = record.get("userIdentity")
    told = identity if isinstance(identity, dict) else {}
    name, provider = _text(told.get("userName")), _text(told.get("identityProvider"))
    known = actor_from_cloudtrail(record)
    if told.get("type") == "SAMLUser" and name:
        actor = Actor(ActorKind.PERSON, name, via=f"SAML {provider}" if provider else "SAML")
        return _attribution(actor, f"{name}, whom SAML provider {provider or 'unknown'} vouches for", known)
    if told.get("type") == "WebIdentityUser" and name:
        return _attribution(UNKNOWN_ACTOR, f"a token of {provider or 'a provider'} for {name}", known)
    words = known.evidence[0].text.removeprefix("CloudTrail names ") if known.evidence else "nobody"
    return replace(known, evidence=_evidence(words, known))


def with_opener(attribution: Attribution, opening: ApiCall | None) -> Attribution:
    """Return an attribution with what is known of who opened its session; a person behind a role is then named."""
    if opening is None or any(piece.source == SOURCE for piece in attribution.evidence):
        return attribution
    opener, actor = opening.attribution, attribution.actor
    if actor.kind is ActorKind.ROLE and opener.actor.kind is ActorKind.PERSON:
        person = replace(opener.actor, arn=actor.arn, via=actor.name, session=actor.session, source_ip=actor.source_ip)
        attribution = replace(attribution, actor=person)
    return replace(attribution, evidence=attribution.evidence + opener.evidence)


def _attribution(actor: Actor, words: str, known: Attribution) -> Attribution:
    certainty = Certainty.NONE if actor.kind is ActorKind.UNKNOWN else Certainty.CERTAIN
    return Attribution(actor, certainty, _evidence(words, known))


def _evidence(words: str, known: Attribution) -> tuple[Evidence, ...]:
    text = mask_text(f"the session was opened by {words}")
    of_record = known.evidence[0] if known.evidence else None
    return (Evidence(SOURCE, text, of_record.id if of_record else None, of_record.at if of_record else None),)


def _text(value: object) -> str | None:
    usable = isinstance(value, str) and 0 < len(value) <= _LONGEST and value.isprintable()
    return mask_text(str(value)) if usable else None
