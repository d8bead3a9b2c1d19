"""What Parameter Store keeps and does by itself: parameters by name, their events, and their policies at work."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from examples.standin.call import Call
from examples.standin.clock import Clock
from examples.standin.errors import AwsError
from examples.standin.events import EventLog
from examples.standin.parameter_store import names
from examples.standin.parameter_store.model import Parameter, Version
from examples.standin.parameter_store.policies import Policy


class Shelf:
    """The parameters of every account and region."""

    def __init__(self, clock: Clock, events: EventLog) -> None:
        self._clock = clock
        self._events = events
        self._parameters: dict[tuple[str, str], dict[str, Parameter]] = {}

    def all(self, call: Call) -> list[Parameter]:
        """Return the parameters that a call may see, in the order in which they were made."""
        return list(self._kept(call.scope).values())

    def find(self, call: Call, name: str) -> Parameter | None:
        """Return a parameter by its name; None when there is none."""
        return self._kept(call.scope).get(names.key(name))

    def require(self, call: Call, text: str) -> Parameter:
        """Return a parameter by its name or ARN; raises ParameterNotFound."""
        parameter = self.find(call, names.reference(text)[0])
        if parameter is None:
            raise AwsError("ParameterNotFound")
        return parameter

    def value_of(self, scope: tuple[str, str], name: str, version: str) -> str | None:
        """Return a parameter's value at a version, as another AWS service reads it; None when it is not kept."""
        parameter = self._kept(scope).get(names.key(name))
        found = parameter.numbered(int(version)) if parameter and version.isdigit() else None
        return found.value if found else None

    def selected(self, call: Call, text: str) -> tuple[Parameter, Version, str | None]:
        """Return a parameter, the version that a selector names or the newest, and the selector."""
        name, selector = names.reference(text)
        parameter = self.require(call, name)
        if selector is None:
            return parameter, parameter.current, None
        if selector.isdigit():
            return parameter, numbered(parameter, int(selector)), selector
        version = parameter.labelled(selector)
        if version is None:
            raise AwsError(
                "ParameterVersionNotFound",
                f"Systems Manager could not find a version of {name} that has the specified label, {selector}. "
                "Verify the parameter label and try again.",
            )
        return parameter, version, selector

    def keep(self, parameter: Parameter) -> None:
        """Begin a parameter's life."""
        self._kept((parameter.account, parameter.region))[names.key(parameter.name)] = parameter

    def drop(self, parameter: Parameter) -> None:
        """End a parameter's life, with its history, labels, tags and policies."""
        for appointment in parameter.appointments:
            appointment.cancel()
        del self._kept((parameter.account, parameter.region))[names.key(parameter.name)]

    def announce(self, parameter: Parameter, operation: str, **label: str) -> None:
        """Send the service's event about a change."""
        current = parameter.current
        described = {"description": current.description} if current.description else {}
        self._emit(
            parameter,
            "Parameter Store Change",
            described | {"name": parameter.name, "operation": operation, "type": current.type} | label,
        )

    def schedule(self, parameter: Parameter, version: Version) -> None:
        """Plan what the newest version's policies do; those of the version before no longer count."""
        for appointment in parameter.appointments:
            appointment.cancel()
        expires_at = next((moment for policy in version.policies if (moment := policy.expires_at())), None)
        plans: Sequence[tuple[Policy, Any]] = [
            (policy, policy.due(version.modified_at, expires_at)) for policy in version.policies
        ]
        parameter.appointments = [
            self._clock.at(due, partial(self._act, parameter, policy)) for policy, due in plans if due is not None
        ]

    def _kept(self, scope: tuple[str, str]) -> dict[str, Parameter]:
        return self._parameters.setdefault(scope, {})

    def _emit(self, parameter: Parameter, detail_type: str, detail: dict[str, str]) -> None:
        self._events.emit(
            source="aws.ssm",
            detail_type=detail_type,
            account=parameter.account,
            region=parameter.region,
            time=self._clock.now(),
            resources=[parameter.arn],
            detail=detail,
        )

    def _act(self, parameter: Parameter, policy: Policy) -> None:
        policy.status = "Finished"
        detail = {
            "policy-type": policy.type,
            "parameter-name": parameter.name,
            "parameter-type": parameter.current.type,
            "action-status": "SUCCESS",
            "policy-content": policy.text,
        }
        if policy.type == "Expiration":
            detail["action-reason"] = "Parameter expired and was deleted"
        self._emit(parameter, "Parameter Store Policy Action", detail)
        if policy.type == "Expiration":
            self.drop(parameter)


def numbered(parameter: Parameter, number: int | None) -> Version:
    """Return a version by its number, the newest without one; raises ParameterVersionNotFound."""
    version = parameter.current if number is None else parameter.numbered(number)
    if version is None:
        raise AwsError(
            "ParameterVersionNotFound",
            f"Systems Manager could not find version {number} of {parameter.name}. Verify the version and try again.",
        )
    return version
