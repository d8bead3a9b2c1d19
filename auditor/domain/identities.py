"""From identities as AWS shows them to actors: the person where AWS names one, never a guess."""

from __future__ import annotations

from collections.abc import Iterable

from auditor.domain.attribution import UNATTRIBUTED, Actor, ActorKind, Attribution, Certainty, Evidence
from auditor.domain.principals import (
    Form,
    Principal,
    is_service,
    linked_service,
    parse_principal,
    permission_set,
    role_claim,
    safe_session,
)
from auditor.domain.trail_identities import actor_from_cloudtrail

__all__ = ["HISTORY_SOURCE", "actor_from_arn", "actor_from_cloudtrail", "best", "better"]

HISTORY_SOURCE = "ssm history"

_CERTAINTIES = (Certainty.NONE, Certainty.LIKELY, Certainty.CERTAIN)
_KINDS = {
    ActorKind.UNKNOWN: 0,
    ActorKind.ROLE: 1,
    ActorKind.PIPELINE: 2,
    ActorKind.SERVICE: 2,
    ActorKind.ACCOUNT: 2,
    ActorKind.ROOT: 2,
    ActorKind.PERSON: 3,
}


def actor_from_arn(arn: str | None) -> Attribution:
    """Return who wrote a parameter's version, from the ``LastModifiedUser`` of its history.

    AWS itself names the identity for this version, so it is certain; but a session name that its caller chose is a
    claim and names nobody. Unattributed for anything that is no identity.
    """
    if is_service(arn):
        actor = Actor(ActorKind.SERVICE, arn)
        return _attributed(actor, f"the version's history names the service {arn}")
    principal = parse_principal(arn)
    if principal is None:
        return UNATTRIBUTED
    actor, words = _from_principal(principal)
    return _attributed(actor, f"the version's history names {words}")


def better(first: Attribution, second: Attribution) -> Attribution:
    """Return the attribution that counts, ``second`` being the later one.

    Higher certainty, then a person before what acts by itself before a role, then the one that knows from where,
    then the later.
    """
    return first if _rank(first) > _rank(second) else second


def best(attributions: Iterable[Attribution]) -> Attribution:
    """Return the attribution that counts among several, oldest first; unattributed when there is none."""
    chosen = UNATTRIBUTED
    for attribution in attributions:
        chosen = better(chosen, attribution)
    return chosen


def _rank(attribution: Attribution) -> tuple[int, int, bool]:
    actor = attribution.actor
    return _CERTAINTIES.index(attribution.certainty), _KINDS[actor.kind], actor.source_ip is not None


def _attributed(actor: Actor, text: str) -> Attribution:
    return Attribution(actor, Certainty.CERTAIN, (Evidence(HISTORY_SOURCE, text),))


def _from_principal(principal: Principal) -> tuple[Actor, str]:
    arn, name = principal.arn, principal.name
    if principal.form is Form.ROOT:
        return Actor(ActorKind.ROOT, "root", arn), f"the root user of account {principal.account}"
    if principal.form is Form.USER:
        return Actor(ActorKind.PERSON, name, arn), f"IAM user {name}"
    if principal.form is Form.FEDERATED:
        session = safe_session(name)
        actor = Actor(ActorKind.ACCOUNT, principal.account, arn, via="federation token", session=session)
        return actor, f'a federation token of account {principal.account}; its name "{session}" is a claim'
    return _from_role(principal)


def _from_role(principal: Principal) -> tuple[Actor, str]:
    arn, role, session = principal.arn, principal.name, safe_session(principal.session)
    issuer = principal if principal.form is Form.ROLE else None
    service = linked_service(role, issuer)
    if service is not None:
        return Actor(ActorKind.SERVICE, service, arn, via=role, session=session), f"service-linked role {role}"
    permissions = permission_set(role, issuer)
    if permissions is not None and session is not None:
        words = f"Identity Center user {session} with permission set {permissions}"
        return Actor(ActorKind.PERSON, session, arn, via=permissions, session=session), words
    return Actor(ActorKind.ROLE, role, arn, session=session), role_claim(role, session)
