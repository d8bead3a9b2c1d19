"""What AppConfig keeps, of one account in one region."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from examples.standin.errors import AwsError

FEATURE_FLAGS = "AWS.AppConfig.FeatureFlags"
FREEFORM = "AWS.Freeform"


@dataclass(slots=True)
class HostedVersion:
    """One stored version of a profile's configuration."""

    number: int
    content: bytes
    content_type: str
    description: str | None = None
    label: str | None = None


@dataclass(slots=True)
class Profile:
    """A configuration profile and, when it is hosted, its versions; oldest first."""

    id: str
    name: str
    location: str
    type: str
    created_at: datetime
    description: str | None = None
    retrieval_role: str | None = None
    validators: list[dict[str, str]] = field(default_factory=list)
    kms_key: str | None = None
    versions: list[HostedVersion] = field(default_factory=list)
    last_number: int = 0
    read_at: datetime | None = None

    @property
    def latest(self) -> HostedVersion | None:
        """Return the newest version still kept; None when there is none."""
        return self.versions[-1] if self.versions else None

    def version(self, number: int) -> HostedVersion | None:
        """Return a version by its number; None when it never was or was deleted."""
        return next((version for version in self.versions if version.number == number), None)


@dataclass(slots=True)
class Environment:
    """A deployment target; its deployments are numbered from 1 across all profiles."""

    id: str
    name: str
    created_at: datetime
    description: str | None = None
    state: str = "ReadyForDeployment"
    monitors: list[dict[str, str]] = field(default_factory=list)
    deployments: list[Any] = field(default_factory=list)
    read_at: datetime | None = None


@dataclass(slots=True)
class Application:
    """An application with its profiles and environments, by id."""

    id: str
    name: str
    description: str | None = None
    profiles: dict[str, Profile] = field(default_factory=dict)
    environments: dict[str, Environment] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Strategy:
    """How a deployment grows."""

    id: str
    name: str
    duration_minutes: int
    growth_factor: float
    growth_type: str = "LINEAR"
    bake_minutes: int = 0
    replicate_to: str = "NONE"
    description: str | None = None

    def as_answer(self) -> dict[str, Any]:
        """Return it as the API shows it."""
        return {
            "Id": self.id,
            "Name": self.name,
            "Description": self.description,
            "DeploymentDurationInMinutes": self.duration_minutes,
            "GrowthType": self.growth_type,
            "GrowthFactor": float(self.growth_factor),
            "FinalBakeTimeInMinutes": self.bake_minutes,
            "ReplicateTo": self.replicate_to,
        }


@dataclass(slots=True)
class Extension:
    """One version of an extension."""

    id: str
    name: str
    number: int
    arn: str
    actions: dict[str, list[dict[str, Any]]]
    description: str | None = None
    parameters: dict[str, dict[str, Any]] = field(default_factory=dict)


@dataclass(slots=True)
class Association:
    """An extension in force for an application, a profile or an environment."""

    id: str
    arn: str
    extension: Extension
    resource_arn: str
    parameters: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class DeletionProtection:
    """The account's setting: what was read within the period may not be deleted."""

    enabled: bool = False
    period: timedelta = timedelta(minutes=60)


@dataclass(slots=True)
class Region:
    """Everything of one account in one region."""

    account: str
    name: str
    applications: dict[str, Application] = field(default_factory=dict)
    strategies: dict[str, Strategy] = field(default_factory=dict)
    extensions: dict[str, list[Extension]] = field(default_factory=dict)
    associations: dict[str, Association] = field(default_factory=dict)
    tags: dict[str, dict[str, str]] = field(default_factory=dict)
    protection: DeletionProtection = field(default_factory=DeletionProtection)

    def arn(self, path: str) -> str:
        """Return the ARN of a resource by its path."""
        return f"arn:aws:appconfig:{self.name}:{self.account}:{path}"

    def application(self, identifier: str) -> Application:
        """Return an application by id or name."""
        for application in self.applications.values():
            if identifier in {application.id, application.name}:
                return application
        raise AwsError(
            "ResourceNotFoundException",
            f"Application with Id {identifier} could not be found for account {self.account}.",
            ResourceName="Application",
        )

    def profile(self, application: Application, identifier: str) -> Profile:
        """Return a configuration profile by id or name."""
        for profile in application.profiles.values():
            if identifier in {profile.id, profile.name}:
                return profile
        raise AwsError(
            "ResourceNotFoundException",
            f"Configuration Profile with Application Id {application.id} and Configuration Profile Id {identifier} "
            f"could not be found for account {self.account}.",
            ResourceName="ConfigurationProfile",
        )

    def environment(self, application: Application, identifier: str) -> Environment:
        """Return an environment by id or name."""
        for environment in application.environments.values():
            if identifier in {environment.id, environment.name}:
                return environment
        raise AwsError(
            "ResourceNotFoundException",
            f"Environment with Application Id {application.id} and Environment Id {identifier} "
            f"could not be found for account {self.account}.",
            ResourceName="Environment",
        )

    def hosted(self, application: Application, profile: Profile, number: int) -> HostedVersion:
        """Return a hosted configuration version."""
        version = profile.version(number)
        if version is None:
            raise AwsError(
                "ResourceNotFoundException",
                f"Hosted Configuration Version with Application Id {application.id}, Configuration Profile Id "
                f"{profile.id}, and Version {number} could not be found for account {self.account}",
                ResourceName="HostedConfigurationVersion",
            )
        return version

    def profile_arn(self, application: Application, profile: Profile) -> str:
        """Return a configuration profile's ARN."""
        return self.arn(f"application/{application.id}/configurationprofile/{profile.id}")

    def environment_arn(self, application: Application, environment: Environment) -> str:
        """Return an environment's ARN."""
        return self.arn(f"application/{application.id}/environment/{environment.id}")

    def associated(self, *resource_arns: str) -> list[Association]:
        """Return the associations of any of the resources."""
        return [one for one in self.associations.values() if one.resource_arn in resource_arns]
