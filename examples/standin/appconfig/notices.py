"""What associated extensions do with a deployment: they are listed in it, and tell EventBridge of it."""

from __future__ import annotations

from typing import Any

from examples.standin.appconfig.deployment import Deployment
from examples.standin.appconfig.model import FEATURE_FLAGS, Association, Region
from examples.standin.clock import Clock
from examples.standin.events import EventLog
from examples.standin.ids import Ids

# Action point: the event's detail-type, and the Type inside it.
TOLD = {
    "ON_DEPLOYMENT_START": ("On Deployment Start", "OnDeploymentStart"),
    "ON_DEPLOYMENT_STEP": ("On Deployment Step", "OnDeploymentStep"),
    "ON_DEPLOYMENT_BAKING": ("On Deployment Baking", "OnDeploymentBaking"),
    "ON_DEPLOYMENT_COMPLETE": ("On Deployment Complete", "OnDeploymentComplete"),
    "ON_DEPLOYMENT_ROLLED_BACK": ("On Deployment Rollback", "OnDeploymentRolledBack"),
}


class Notices:
    """Nothing is told of a deployment unless an association asks for it."""

    def __init__(self, clock: Clock, events: EventLog, ids: Ids) -> None:
        self._clock = clock
        self._events = events
        self._ids = ids
        self._flag_association = ids.resource()

    def applied(self, region: Region, deployment: Deployment) -> list[dict[str, Any]]:
        """Return what a deployment lists as its extensions; the flags' own is always there."""
        flags = deployment.profile.type == FEATURE_FLAGS
        own: list[tuple[str, str, int, dict[str, str]]] = [(FEATURE_FLAGS, self._flag_association, 1, {})]
        others = [
            (one.extension.id, one.id, one.extension.number, dict(one.parameters))
            for one in self._in_force(region, deployment)
        ]
        return [
            {
                "ProvidedIdentifier": identifier,
                "ExtensionId": identifier,
                "ExtensionAssociationId": association,
                "VersionNumber": number,
                "Parameters": parameters,
            }
            for identifier, association, number, parameters in (*(own if flags else ()), *others)
        ]

    def tell(self, region: Region, deployment: Deployment, point: str) -> list[dict[str, Any]]:
        """Send a deployment's event through every association that asks for it; return the invocations."""
        invocations = []
        for association in self._in_force(region, deployment):
            actions = association.extension.actions.get(point)
            if actions:
                invocation = self._ids.resource()
                self._send(region, deployment, association, point, invocation)
                invocations.append(
                    {
                        "ExtensionIdentifier": association.extension.arn,
                        "ActionName": actions[0]["Name"],
                        "Uri": actions[0]["Uri"],
                        "InvocationId": invocation,
                    }
                )
        return invocations

    def _send(
        self, region: Region, deployment: Deployment, association: Association, point: str, invocation: str
    ) -> None:
        detail_type, kind = TOLD[point]
        detail: dict[str, Any] = {
            "InvocationId": invocation,
            "Parameters": dict(association.parameters),
            "Type": kind,
            "Application": {"Id": deployment.application.id, "Name": deployment.application.name},
            "Environment": {"Id": deployment.environment.id, "Name": deployment.environment.name},
            "ConfigurationProfile": {"Id": deployment.profile.id, "Name": deployment.profile.name},
            "DeploymentNumber": deployment.number,
            "ConfigurationVersion": deployment.version,
        }
        if deployment.description:
            detail["Description"] = deployment.description
        self._events.emit(
            source="aws.appconfig",
            detail_type=detail_type,
            account=region.account,
            region=region.name,
            time=self._clock.now(),
            resources=[association.arn],
            detail=detail,
        )

    @staticmethod
    def _in_force(region: Region, deployment: Deployment) -> list[Association]:
        application = deployment.application
        return region.associated(
            region.arn(f"application/{application.id}"),
            region.profile_arn(application, deployment.profile),
            region.environment_arn(application, deployment.environment),
        )
