"""Environments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from examples.standin.appconfig.guards import (
    echo,
    present,
    refuse_associated,
    refuse_in_use,
    refuse_protected,
    refuse_taken,
    update,
)
from examples.standin.appconfig.model import Application, Environment
from examples.standin.appconfig.regions import Regions
from examples.standin.call import Call
from examples.standin.errors import AwsError

Answer = dict[str, Any]


class Environments:
    """What configurations are deployed to, and the alarms that watch it."""

    def __init__(self, regions: Regions) -> None:
        self._regions = regions

    def operations(self) -> dict[str, Callable[[Call], Answer | None]]:
        """Return the operations answered here."""
        return {
            "CreateEnvironment": self.create,
            "GetEnvironment": self.get,
            "ListEnvironments": self.list_all,
            "UpdateEnvironment": self.update,
            "DeleteEnvironment": self.delete,
        }

    def create(self, call: Call) -> Answer:
        """Make an environment."""
        asked = call.params
        region = self._regions.of(call)
        application = region.application(asked["ApplicationId"])
        place = f"in application {application.id} and account {call.account}"
        refuse_taken(call, application.environments.values(), None, "Environment", place)
        _check_monitors(asked.get("Monitors"))
        environment = Environment(
            id=self._regions.new_id(),
            name=asked["Name"],
            created_at=call.at,
            description=asked.get("Description"),
            monitors=list(asked.get("Monitors") or ()),
        )
        application.environments[environment.id] = environment
        self._regions.tag(call, region.environment_arn(application, environment))
        return _environment(application, environment) | echo(call)

    def get(self, call: Call) -> Answer:
        """Answer one environment."""
        return _environment(*self._regions.environment_of(call))

    def list_all(self, call: Call) -> Answer:
        """Answer a page of an application's environments."""
        application = self._regions.of(call).application(call.params["ApplicationId"])
        return self._regions.page(call, [_environment(application, one) for one in application.environments.values()])

    def update(self, call: Call) -> Answer:
        """Change an environment's name, description or monitors; an empty list takes the monitors away."""
        application, environment = self._regions.environment_of(call)
        place = f"in application {application.id} and account {call.account}"
        refuse_taken(call, application.environments.values(), environment.id, "Environment", place)
        update(environment, call)
        if call.params.get("Monitors") is not None:
            _check_monitors(call.params["Monitors"])
            environment.monitors = list(call.params["Monitors"])
        answer = _environment(application, environment) | echo(call)
        return answer | ({"Monitors": []} if call.params.get("Monitors") == [] else {})

    def delete(self, call: Call) -> None:
        """Delete an environment, unless deletion protection holds it."""
        application, environment = self._regions.environment_of(call)
        region = self._regions.of(call)
        refuse_associated(region, region.environment_arn(application, environment), "environment")
        refuse_protected(call, region, environment, f"environment {environment.id}")
        refuse_in_use(environment)
        del application.environments[environment.id]


def _check_monitors(monitors: list[dict[str, str]] | None) -> None:
    if any(not monitor.get("AlarmRoleArn") for monitor in monitors or ()):
        raise AwsError(
            "BadRequestException",
            "1 validation error detected: Value null at 'alarmRoleArn' failed to satisfy constraint: "
            "Member must not be null.",
        )


def _environment(application: Application, environment: Environment) -> Answer:
    return present(
        {
            "ApplicationId": application.id,
            "Id": environment.id,
            "Name": environment.name,
            "Description": environment.description,
            "State": environment.state,
            "Monitors": environment.monitors,
        }
    )
