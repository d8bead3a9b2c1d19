"""ARNs of identities: which user, role or session AWS speaks of."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from auditor.domain.credentials import mask_text

_PRINCIPAL = re.compile(r"arn:aws[a-z-]*:(?P<service>iam|sts)::(?P<account>\d{12}):(?P<resource>\S+)", re.ASCII)
# All that IAM allows in names: whatever else comes along is no identity.
_NAME = re.compile(r"[\w+=,.@-]{1,128}", re.ASCII)
_PATH = re.compile(r"[!-~]{0,511}")
_SERVICE = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)*\.(?:amazonaws\.com(?:\.cn)?|amazon\.com|aws\.internal)")

_SSO_ROLE = re.compile(r"AWSReservedSSO_(?P<set>[\w+=,.@-]+)_[0-9a-f]{16}", re.ASCII)
_SSO_PATH = "aws-reserved/sso.amazonaws.com"
_LINKED_ROLE = "AWSServiceRoleFor"
_LINKED_PATH = "aws-service-role"


class Form(Enum):
    """What an ARN names."""

    ROOT = "root"
    USER = "user"
    ROLE = "role"
    SESSION = "assumed-role"
    FEDERATED = "federated-user"


@dataclass(frozen=True, slots=True)
class Principal:
    """An identity's ARN, read: ``path`` is IAM's path (empty in a session's ARN), ``session`` a role session's name."""

    arn: str
    form: Form
    account: str
    name: str
    path: str = ""
    session: str | None = None


def parse_principal(arn: str | None) -> Principal | None:
    """Return what an ARN names, or ``None`` when it is no identity's ARN."""
    found = _PRINCIPAL.fullmatch(arn or "")
    if found is None:
        return None
    head, *parts = found["resource"].split("/")
    form = next((form for form in Form if form.value == head), None)
    if form is None or (found["service"] == "sts") != (form in {Form.SESSION, Form.FEDERATED}):
        return None
    return _principal(found[0], form, found["account"], parts)


def _principal(arn: str, form: Form, account: str, parts: list[str]) -> Principal | None:
    match form, parts:
        case Form.ROOT, []:
            return Principal(arn, form, account, "root")
        case ((Form.USER | Form.ROLE), [*path, name]) if is_name(name) and _PATH.fullmatch("/".join(path)):
            return Principal(arn, form, account, name, path="/".join(path))
        case Form.SESSION, [role, session] if is_name(role) and is_name(session):
            return Principal(arn, form, account, role, session=session)
        case Form.FEDERATED, [name] if is_name(name):
            return Principal(arn, form, account, name)
        case _:
            return None


def is_name(text: str | None) -> bool:
    """Tell whether a text can be the name of a user, a role, a session or a source identity."""
    return text is not None and _NAME.fullmatch(text) is not None


def is_service(text: str | None) -> bool:
    """Tell whether a text is the DNS name AWS knows a service by."""
    return text is not None and _SERVICE.fullmatch(text) is not None


def permission_set(role: str, issuer: Principal | None) -> str | None:
    """Return the permission set of a role that Identity Center made, or ``None`` for any other role.

    Only Identity Center can make roles under its path; where the role's own ARN is known, it must stand there.
    """
    found = _SSO_ROLE.fullmatch(role)
    if found is None or (issuer is not None and not _is_under(issuer, _SSO_PATH)):
        return None
    return found["set"]


def linked_service(role: str, issuer: Principal | None) -> str | None:
    """Return the service a service-linked role belongs to (the role's name where no path tells), or ``None``."""
    if issuer is None:
        return role if role.startswith(_LINKED_ROLE) else None
    if not _is_under(issuer, _LINKED_PATH):
        return None
    service = issuer.path.partition("/")[2]
    return service if is_service(service) else role


def role_claim(role: str, session: str | None) -> str:
    """Return in words which role acted, and that a session's name proves nothing."""
    if session is None:
        return f"role {role}"
    return f'role {role}; its session name "{session}" is the caller\'s own claim'


def safe_session(session: str | None) -> str | None:
    """Return a session's name as it may be shown: callers put anything into it."""
    return None if session is None else mask_text(session)


def _is_under(issuer: Principal, path: str) -> bool:
    return issuer.form is Form.ROLE and f"{issuer.path}/".startswith(f"{path}/")
