"""One deployment: its state, its log, and how both are shown."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from examples.standin.appconfig.model import Application, Environment, Profile, Strategy
from examples.standin.clock import Appointment

RUNNING = frozenset({"DEPLOYING", "BAKING"})
UNFINISHED = RUNNING | {"VALIDATING", "ROLLING_BACK"}


@dataclass(slots=True)
class Deployment:
    """One configuration version on its way to one environment."""

    number: int
    application: Application
    environment: Environment
    profile: Profile
    strategy: Strategy
    version: str
    content: bytes
    content_type: str
    started_at: datetime
    version_label: str | None = None
    description: str | None = None
    state: str = "DEPLOYING"
    percentage: float = 0.0
    completed_at: datetime | None = None
    log: list[dict[str, Any]] = field(default_factory=list)
    applied_extensions: list[dict[str, Any]] = field(default_factory=list)
    appointments: list[Appointment] = field(default_factory=list)

    @property
    def running(self) -> bool:
        """Tell whether it still grows or bakes."""
        return self.state in RUNNING

    @property
    def unfinished(self) -> bool:
        """Tell whether it keeps another deployment from starting."""
        return self.state in UNFINISHED

    def note(
        self, kind: str, by: str, description: str, at: datetime, actions: list[dict[str, Any]] | None = None
    ) -> None:
        """Put an entry at the head of the event log."""
        entry: dict[str, Any] = {"EventType": kind, "TriggeredBy": by, "Description": description}
        if actions:
            entry["ActionInvocations"] = actions
        self.log.insert(0, entry | {"OccurredAt": at})

    def call_off(self) -> None:
        """Cancel the steps not yet taken."""
        for appointment in self.appointments:
            appointment.cancel()
        self.appointments.clear()

    def as_answer(self) -> dict[str, Any]:
        """Return the whole deployment; what botocore's model lacks of it only CloudTrail shows."""
        described = {"Description": self.description} if self.description else {}
        return {
            "ApplicationId": self.application.id,
            "EnvironmentId": self.environment.id,
            "DeploymentStrategyId": self.strategy.id,
            "ConfigurationProfileId": self.profile.id,
            "DeploymentNumber": self.number,
            "ConfigurationName": self.profile.name,
            "ConfigurationLocationUri": self.profile.location,
            "ConfigurationVersion": self.version,
            **described,
            "DeploymentDurationInMinutes": self.strategy.duration_minutes,
            "GrowthType": self.strategy.growth_type,
            "GrowthFactor": float(self.strategy.growth_factor),
            "FinalBakeTimeInMinutes": self.strategy.bake_minutes,
            "State": self.state,
            "EventLog": [dict(entry) for entry in self.log],
            "PercentageComplete": self.percentage,
            "StartedAt": self.started_at,
            "CompletedAt": self.completed_at,
            "AppliedExtensions": self.applied_extensions,
            "VersionLabel": self.version_label,
            "Type": "USER",
        }

    def as_summary(self) -> dict[str, Any]:
        """Return one item of ListDeployments."""
        whole = self.as_answer()
        return {
            member: whole[member]
            for member in (
                "DeploymentNumber", "ConfigurationProfileId", "ConfigurationName", "ConfigurationVersion",
                "DeploymentDurationInMinutes", "GrowthType", "GrowthFactor", "FinalBakeTimeInMinutes", "State",
                "PercentageComplete", "StartedAt", "CompletedAt", "VersionLabel", "Type",
            )
        }  # fmt: skip

    def as_stopped(self) -> dict[str, Any]:
        """Return the little that StopDeployment answers."""
        return {
            "DeploymentNumber": self.number,
            "DeploymentDurationInMinutes": self.strategy.duration_minutes,
            "GrowthFactor": float(self.strategy.growth_factor),
            "FinalBakeTimeInMinutes": self.strategy.bake_minutes,
            "PercentageComplete": self.percentage,
        }
