"""What a test or a demo forbids, breaks and counts."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from examples.standin.call import Call
from examples.standin.errors import AccessDeniedError, AwsError
from examples.standin.identity import Identity
from examples.standin.parameter_store import names
from examples.standin.records import named_parameters

_PREFIX = {"appconfigdata": "appconfig"}


@dataclass(frozen=True, slots=True)
class Denial:
    """An explicit gap in what an identity may do; None denies everybody."""

    principal: str | None
    action: str
    resource: str = "*"

    def covers(self, call: Call, resource: str) -> bool:
        """Tell whether this is about a call on a resource."""
        return (
            self.principal in {None, call.identity.arn}
            and fnmatchcase(_action(call), self.action)
            and fnmatchcase(resource, self.resource)
        )


@dataclass(slots=True)
class Fault:
    """An error that an operation answers a number of times."""

    service: str
    operation: str
    error: AwsError
    times: int
    after: int = 0

    def takes(self, call: Call) -> bool:
        """Tell whether it strikes a call, and use itself up once if so."""
        if self.times < 1 or (self.service, self.operation) != (call.service, call.operation):
            return False
        if self.after > 0:
            self.after -= 1
            return False
        self.times -= 1
        return True


@dataclass(slots=True)
class Permissions:
    """Denials, faults and the count of calls."""

    denials: list[Denial] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def deny(self, identity: Identity | None, action: str, resource: str = "*") -> None:
        """Refuse an action (wildcards allowed) to an identity from now on."""
        self.denials.append(Denial(identity.arn if identity else None, action, resource))

    def allow(self, identity: Identity | None, action: str) -> None:
        """Take back what was denied in the same words."""
        principal = identity.arn if identity else None
        self.denials = [one for one in self.denials if (one.principal, one.action) != (principal, action)]

    def fail(self, service: str, operation: str, error: AwsError, times: int, after: int = 0) -> None:
        """Have an operation answer an error the next times it is called, or later."""
        self.faults.append(Fault(service, operation, error, times, after))

    def check(self, call: Call) -> None:
        """Count a call and raise what was planned for it."""
        self.counts[f"{call.service}:{call.operation}"] += 1
        for resource in _resources(call):
            if any(denial.covers(call, resource) for denial in self.denials):
                raise _denied(call, resource)
        for fault in self.faults:
            if fault.takes(call):
                denied = fault.error.code.startswith("AccessDenied")
                raise _denied(call, _resources(call)[0]) if denied and not fault.error.message else fault.error


def _action(call: Call) -> str:
    return f"{_PREFIX.get(call.service, call.service)}:{call.operation}"


def _denied(call: Call, resource: str) -> AccessDeniedError:
    on_resource = "" if resource == "*" else f" on resource: {resource}"
    return AccessDeniedError(
        "AccessDeniedException",
        f"User: {call.identity.arn} is not authorized to perform: {_action(call)}{on_resource} "
        f"because no identity-based policy allows the {_action(call)} action",
    )


def _resources(call: Call) -> list[str]:
    """Return the ARNs that IAM judges a call by."""
    if call.service == "ssm":
        found = [names.arn(call.account, call.region, names.bare(name)) for name in named_parameters(call.params)]
        return found or [f"arn:aws:ssm:{call.region}:{call.account}:*"]
    if call.service in {"appconfig", "appconfigdata"}:
        return [_appconfig_arn(call, call.params)]
    return ["*"]


def _appconfig_arn(call: Call, params: dict[str, Any]) -> str:
    base = f"arn:aws:appconfig:{call.region}:{call.account}:"
    for member, kind in (("DeploymentStrategyId", "deploymentstrategy"), ("ExtensionIdentifier", "extension")):
        if member in params and "ApplicationId" not in params:
            return f"{base}{kind}/{params[member]}"
    application = params.get("ApplicationId") or params.get("ApplicationIdentifier")
    if not application:
        return "*"
    arn = f"{base}application/{application}"
    environment = params.get("EnvironmentId") or params.get("EnvironmentIdentifier")
    if environment:
        return f"{arn}/environment/{environment}"
    profile = params.get("ConfigurationProfileId")
    return f"{arn}/configurationprofile/{profile}" if profile else arn
