"""Who made a call, from a CloudTrail record's ``userIdentity``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from auditor.domain.attribution import UNKNOWN_ACTOR, Actor, ActorKind, Attribution, Certainty, Evidence
from auditor.domain.principals import (
    Form,
    Principal,
    is_name,
    is_service,
    linked_service,
    parse_principal,
    permission_set,
    role_claim,
    safe_session,
)
from auditor.domain.times import parse_rfc3339

SOURCE = "cloudtrail"

# CloudTrail's word for a name it does not give away.
_HIDDEN = "HIDDEN_DUE_TO_SECURITY_REASONS"
_PIPELINE_SERVICES = frozenset(f"{name}.amazonaws.com" for name in ("codepipeline", "codebuild", "codedeploy"))
# Token issuers whose sessions are programs, customers or staff, not runs of a pipeline.
_OTHER_ISSUERS = (
    "cognito-identity",
    "oidc.eks.",
    "accounts.google.com",
    "www.amazon.com",
    "graph.facebook.com",
    "okta.com",
    "auth0.com",
    "onelogin.com",
    "login.microsoftonline.com",
    "sts.windows.net",
)
_LONGEST = 256

Found = tuple[Actor, str]


@dataclass(frozen=True, slots=True)
class _Identity:
    """A ``userIdentity`` with its members read; ``None`` where one is missing or cannot be what it should be."""

    type: str
    account: str | None
    principal: Principal | None
    principal_id: str | None
    user_name: str | None
    issuer: Principal | None
    issuer_name: str | None
    source_identity: str | None
    provider: str | None
    service: str | None
    behalf: str | None
    identity_store: str | None

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> _Identity:
        context = _mapping(given, "sessionContext")
        issuer = _mapping(context, "sessionIssuer")
        behalf = _mapping(given, "onBehalfOf")
        source, service = _text(context, "sourceIdentity"), _text(given, "invokedBy")
        return cls(
            type=_text(given, "type") or "",
            account=_text(given, "accountId"),
            principal=parse_principal(_text(given, "arn")),
            principal_id=_text(given, "principalId"),
            user_name=_text(given, "userName"),
            issuer=parse_principal(_text(issuer, "arn")),
            issuer_name=_text(issuer, "userName"),
            source_identity=source if is_name(source) else None,
            provider=_text(_mapping(context, "webIdFederationData"), "federatedProvider"),
            service=service if is_service(service) else None,
            behalf=_text(behalf, "userId"),
            identity_store=_text(behalf, "identityStoreArn"),
        )

    @property
    def arn(self) -> str | None:
        return self.principal.arn if self.principal is not None else None

    @property
    def session(self) -> str | None:
        if self.principal is not None and self.principal.session is not None:
            return safe_session(self.principal.session)
        session = (self.principal_id or "").partition(":")[2]
        return safe_session(session) if is_name(session) else None

    @property
    def role(self) -> str | None:
        """The role's name; ``None`` when there is none or when what tells it contradicts itself."""
        told = {self.issuer_name} if self.issuer_name else set()
        for principal in (self.principal, self.issuer):
            if principal is not None and principal.form in {Form.SESSION, Form.ROLE}:
                told.add(principal.name)
        name = told.pop() if len(told) == 1 else None
        return name if is_name(name) else None


def actor_from_cloudtrail(record: Mapping[str, Any]) -> Attribution:
    """Return who made the call of a CloudTrail record (an event's ``detail``), with the record as evidence.

    The identity that AWS proves is named: a source identity, an Identity Center user, an IAM user, the root user; a
    service, a pipeline, another account; else the role. A session name that its caller chose is kept as ``session``
    and names nobody. Unattributed, with the evidence, where nobody is named or the record contradicts itself.
    """
    identity = _Identity.read(_mapping(record, "userIdentity"))
    found = _find(identity)
    actor, words = found if found is not None else (UNKNOWN_ACTOR, "nobody whom it is possible to name")
    address = _text(record, "sourceIPAddress")
    from_console = str(record.get("sessionCredentialFromConsole")).lower() == "true"
    text = f"CloudTrail names {words}{', from the console' if from_console else ''}"
    return Attribution(
        replace(actor, source_ip=address),
        Certainty.NONE if found is None else Certainty.CERTAIN,
        (Evidence(SOURCE, text, id=_text(record, "eventID"), at=_time(record)),),
    )


def _find(identity: _Identity) -> Found | None:
    rule = _RULES.get(identity.type)
    return rule(identity) if rule is not None else None


def _assumed_role(identity: _Identity) -> Found | None:
    role = identity.role
    if role is None:
        return None
    for rule in (_source_identity, _linked, _identity_center, _on_behalf, _web_identity, _service_in_role):
        found = rule(identity, role)
        if found is not None:
            return found
    words = role_claim(role, identity.session)
    return Actor(ActorKind.ROLE, role, identity.arn, session=identity.session), words


def _source_identity(identity: _Identity, role: str) -> Found | None:
    name = safe_session(identity.source_identity)
    if name is None:
        return None
    # It is set when the role is assumed and nobody can change it during the session or in roles assumed from it.
    kind = ActorKind.PIPELINE if _is_pipeline(identity.provider) else ActorKind.PERSON
    words = f"{name} as the source identity of its session in role {role}"
    via = permission_set(role, identity.issuer) or role
    return Actor(kind, name, identity.arn, via=via, session=identity.session), words


def _linked(identity: _Identity, role: str) -> Found | None:
    service = linked_service(role, identity.issuer)
    if service is None:
        return None
    actor = Actor(ActorKind.SERVICE, identity.service or service, identity.arn, via=role, session=identity.session)
    return actor, f"service-linked role {role}"


def _identity_center(identity: _Identity, role: str) -> Found | None:
    permissions = permission_set(role, identity.issuer)
    # The session must stand in the ARN itself, which AWS writes.
    if permissions is None or identity.principal is None or identity.session is None:
        return None
    via = _through(permissions, identity.service)
    words = f"Identity Center user {identity.session} with permission set {permissions}"
    return Actor(ActorKind.PERSON, identity.session, identity.arn, via=via, session=identity.session), words


def _on_behalf(identity: _Identity, role: str) -> Found | None:
    if not is_name(identity.behalf):
        return None
    words = f"Identity Center user id {identity.behalf}, on whose behalf role {role} acted"
    return Actor(ActorKind.PERSON, identity.behalf, identity.arn, via=role, session=identity.session), words


def _web_identity(identity: _Identity, role: str) -> Found | None:
    if not _is_pipeline(identity.provider):
        return None
    issuer = (identity.provider or "").partition("oidc-provider/")[2] or identity.provider or ""
    words = f"role {role}, taken by a job with a token of {issuer}; the person behind the job is not in the record"
    via = _through(issuer, identity.service)
    return Actor(ActorKind.PIPELINE, role, identity.arn, via=via, session=identity.session), words


def _service_in_role(identity: _Identity, role: str) -> Found | None:
    if identity.service is None:
        return None
    kind = ActorKind.PIPELINE if identity.service in _PIPELINE_SERVICES else ActorKind.SERVICE
    words = f"{identity.service}, acting in role {role}"
    return Actor(kind, identity.service, identity.arn, via=role, session=identity.session), words


def _iam_user(identity: _Identity) -> Found | None:
    told = {identity.user_name} if identity.user_name else set()
    if identity.principal is not None and identity.principal.form is Form.USER:
        told.add(identity.principal.name)
    name = told.pop() if len(told) == 1 else None
    if name is None or not is_name(name):
        return None
    words = f"IAM user {name}{f' through {identity.service}' if identity.service else ''}"
    return Actor(ActorKind.PERSON, name, identity.arn, via=identity.service), words


def _root(identity: _Identity) -> Found | None:
    if identity.principal is not None and identity.principal.form is not Form.ROOT:
        return None
    words = f"the root user of account {identity.account}" if _is_account(identity.account) else "the root user"
    return Actor(ActorKind.ROOT, "root", identity.arn, via=identity.service), words


def _federated(identity: _Identity) -> Found | None:
    """Name whose credentials made the token: the token's own name was chosen by whoever asked for it."""
    account = identity.principal.account if identity.principal is not None else identity.account
    if account is None or not _is_account(account):
        return None
    principal = identity.principal
    claimed = safe_session(principal.name) if principal is not None and principal.form is Form.FEDERATED else None
    issuer = identity.issuer
    if issuer is not None and issuer.form is Form.ROOT:
        return Actor(ActorKind.ROOT, "root", identity.arn, via="federation token", session=claimed), "the root user"
    via = f"IAM user {issuer.name}" if issuer is not None and issuer.form is Form.USER else "federation token"
    words = f'a federation token of account {account}, made by {via}; its name "{claimed}" is a claim'
    return Actor(ActorKind.ACCOUNT, account, identity.arn, via=via, session=claimed), words


def _identity_center_user(identity: _Identity) -> Found | None:
    if not is_name(identity.behalf):
        return None
    via = identity.identity_store if _is_store(identity.identity_store) else None
    return Actor(ActorKind.PERSON, identity.behalf, identity.arn, via=via), f"Identity Center user id {identity.behalf}"


def _aws_service(identity: _Identity) -> Found | None:
    name = identity.service or identity.principal_id
    if name is None or not is_service(name):
        return None
    return Actor(ActorKind.SERVICE, name, identity.arn), f"the service {name}"


def _aws_account(identity: _Identity) -> Found | None:
    if identity.account is None or not _is_account(identity.account):
        return None
    actor = Actor(ActorKind.ACCOUNT, identity.account, identity.arn, via=identity.service, session=identity.session)
    return actor, f"account {identity.account}, without the identity that acted there"


_RULES: Mapping[str, Callable[[_Identity], Found | None]] = {
    "IAMUser": _iam_user,
    "AssumedRole": _assumed_role,
    "Role": _assumed_role,
    "Root": _root,
    "FederatedUser": _federated,
    "IdentityCenterUser": _identity_center_user,
    "Unknown": _identity_center_user,
    "AWSService": _aws_service,
    "Service": _aws_service,
    "AWSAccount": _aws_account,
}


def _is_pipeline(provider: str | None) -> bool:
    return provider is not None and not any(issuer in provider for issuer in _OTHER_ISSUERS)


def _is_account(text: str | None) -> bool:
    return text is not None and text.isascii() and text.isdigit()


def _is_store(arn: str | None) -> bool:
    """Tell whether a text is the ARN of an Identity Center store."""
    return arn is not None and arn.startswith("arn:aws") and ":identitystore::" in arn and is_name(arn.split("/")[-1])


def _through(via: str, service: str | None) -> str:
    return f"{via}, {service}" if service else via


def _mapping(given: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = given.get(key)
    return value if isinstance(value, Mapping) else {}


def _text(given: Mapping[str, Any], key: str) -> str | None:
    """Return a member that is text of one printable line and bearable length, else ``None``."""
    value = given.get(key)
    usable = isinstance(value, str) and 0 < len(value) <= _LONGEST and value.isprintable() and value != _HIDDEN
    return value if usable else None


def _time(record: Mapping[str, Any]) -> datetime | None:
    try:
        return parse_rfc3339(_text(record, "eventTime") or "")
    except ValueError:
        return None
