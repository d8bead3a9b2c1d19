"""Deployment strategies and deployments: the operations on them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from examples.standin.appconfig.deployment import Deployment
from examples.standin.appconfig.model import Application, Environment, Strategy
from examples.standin.appconfig.regions import Regions
from examples.standin.appconfig.rollouts import Rollouts
from examples.standin.appconfig.sources import Sources
from examples.standin.appconfig.strategies import PREDEFINED
from examples.standin.call import Call
from examples.standin.errors import AwsError

Answer = dict[str, Any]


class Deployments:
    """What sends configurations to environments."""

    def __init__(self, regions: Regions, rollouts: Rollouts, sources: Sources) -> None:
        self._regions = regions
        self._rollouts = rollouts
        self._sources = sources

    def operations(self) -> dict[str, Callable[[Call], Answer | None]]:
        """Return the operations answered here."""
        return {
            "CreateDeploymentStrategy": self.create_strategy,
            "GetDeploymentStrategy": self.get_strategy,
            "ListDeploymentStrategies": self.list_strategies,
            "UpdateDeploymentStrategy": self.update_strategy,
            "DeleteDeploymentStrategy": self.delete_strategy,
            "StartDeployment": self.start,
            "StopDeployment": self.stop,
            "GetDeployment": self.get,
            "ListDeployments": self.list_all,
            "ValidateConfiguration": self.validate,
        }

    def create_strategy(self, call: Call) -> Answer:
        """Make a strategy."""
        asked = call.params
        strategy = Strategy(
            id=self._regions.new_id(),
            name=asked["Name"],
            duration_minutes=asked["DeploymentDurationInMinutes"],
            growth_factor=asked["GrowthFactor"],
            growth_type=asked.get("GrowthType") or "LINEAR",
            bake_minutes=asked.get("FinalBakeTimeInMinutes") or 0,
            replicate_to=asked.get("ReplicateTo") or "NONE",
            description=asked.get("Description") or None,
        )
        region = self._regions.of(call)
        region.strategies[strategy.id] = strategy
        self._regions.tag(call, region.arn(f"deploymentstrategy/{strategy.id}"))
        return strategy.as_answer()

    def get_strategy(self, call: Call) -> Answer:
        """Answer one strategy, predefined or made."""
        return self._strategy(call).as_answer()

    def list_strategies(self, call: Call) -> Answer:
        """Answer a page of the strategies, the predefined ones first."""
        known = [*PREDEFINED.values(), *self._regions.of(call).strategies.values()]
        return self._regions.page(call, [strategy.as_answer() for strategy in known])

    def update_strategy(self, call: Call) -> Answer:
        """Change a strategy; deployments under way keep the one they began with."""
        asked, strategy = call.params, self._strategy(call)
        if strategy.id in PREDEFINED:
            raise AwsError("BadRequestException", f"Cannot update predefined Deployment Strategy {strategy.id}")
        given = {
            "description": asked.get("Description"),
            "duration_minutes": asked.get("DeploymentDurationInMinutes"),
            "bake_minutes": asked.get("FinalBakeTimeInMinutes"),
            "growth_factor": asked.get("GrowthFactor"),
            "growth_type": asked.get("GrowthType"),
        }
        changed = replace(strategy, **{name: value for name, value in given.items() if value is not None})
        self._regions.of(call).strategies[strategy.id] = changed
        return changed.as_answer()

    def delete_strategy(self, call: Call) -> None:
        """Delete a strategy that somebody made."""
        strategy = self._strategy(call)
        if strategy.id in PREDEFINED:
            raise AwsError("BadRequestException", f"Cannot delete predefined Deployment Strategy {strategy.id}.")
        del self._regions.of(call).strategies[strategy.id]

    def start(self, call: Call) -> Answer:
        """Start a deployment; an environment takes one at a time."""
        asked = call.params
        application, environment = self._regions.environment_of(call)
        region = self._regions.of(call)
        profile = region.profile(application, asked["ConfigurationProfileId"])
        strategy = self._strategy(call)
        latest = environment.deployments[-1] if environment.deployments else None
        if latest is not None and latest.unfinished:
            raise AwsError(
                "ConflictException",
                f"Deployment number {latest.number} is already in progress in environment {environment.id}.",
            )
        expected = asked.get("LatestDeploymentNumber")
        if expected is not None and expected != (latest.number if latest else 0):
            raise AwsError("ConflictException", f"The latest deployment number is not {expected}.")
        source = self._sources.read(region, application, profile, asked["ConfigurationVersion"])
        self._sources.validate(profile, source.content)
        deployment = Deployment(
            number=latest.number + 1 if latest else 1,
            application=application,
            environment=environment,
            profile=profile,
            strategy=strategy,
            version=source.version,
            version_label=source.label,
            content=source.content,
            content_type=source.content_type,
            started_at=call.at,
            description=asked.get("Description") or None,
        )
        environment.deployments.append(deployment)
        self._rollouts.begin(region, deployment)
        return deployment.as_answer()

    def stop(self, call: Call) -> Answer:
        """Stop a deployment, or revert a complete one."""
        deployment = self._deployment(call)
        answer = deployment.as_stopped()
        allow_revert = bool(call.params.get("AllowRevert"))
        self._rollouts.stop(self._regions.of(call), deployment, allow_revert=allow_revert)
        return answer

    def get(self, call: Call) -> Answer:
        """Answer one deployment with its event log, newest entry first."""
        return self._deployment(call).as_answer()

    def list_all(self, call: Call) -> Answer:
        """Answer a page of an environment's deployments, newest first."""
        _, environment = self._regions.environment_of(call)
        return self._regions.page(call, [one.as_summary() for one in reversed(environment.deployments)])

    def validate(self, call: Call) -> None:
        """Run a profile's validators on a version."""
        application, profile = self._regions.profile_of(call)
        version = call.params["ConfigurationVersion"]
        source = self._sources.read(self._regions.of(call), application, profile, version)
        self._sources.validate(profile, source.content)

    def alarm_changed(self, account: str, region_name: str, alarm_arn: str) -> None:
        """Let the deployments that an alarm watches heed its new state."""
        region = self._regions.at(account, region_name)
        for environment in self._environments(account, region_name):
            watched = any(monitor["AlarmArn"] == alarm_arn for monitor in environment.monitors)
            if watched and environment.deployments:
                self._rollouts.heed_alarms(region, environment.deployments[-1])

    def _environments(self, account: str, region_name: str) -> list[Environment]:
        applications: list[Application] = list(self._regions.at(account, region_name).applications.values())
        return [environment for one in applications for environment in one.environments.values()]

    def _strategy(self, call: Call) -> Strategy:
        wanted = call.params["DeploymentStrategyId"]
        strategy = PREDEFINED.get(wanted) or self._regions.of(call).strategies.get(wanted)
        if strategy is None:
            raise AwsError(
                "ResourceNotFoundException",
                f"DeploymentStrategy with Id {wanted} could not be found.",
                ResourceName="DeploymentStrategy",
            )
        return strategy

    def _deployment(self, call: Call) -> Deployment:
        application, environment = self._regions.environment_of(call)
        wanted = int(call.params["DeploymentNumber"])
        deployments: list[Deployment] = environment.deployments
        for deployment in deployments:
            if deployment.number == wanted:
                return deployment
        raise AwsError(
            "ResourceNotFoundException",
            f"Deployment with Application Id {application.id}, Environment Id {environment.id}, and Deployment "
            f"Number {wanted} could not be found for account {call.account}.",
            ResourceName="Deployment",
        )
