"""Applications, configuration profiles and environments."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from examples.standin.appconfig.model import (
    FEATURE_FLAGS,
    FREEFORM,
    Application,
    DeletionProtection,
    Environment,
    Profile,
)
from examples.standin.appconfig.regions import Regions
from examples.standin.call import Call
from examples.standin.errors import AwsError

Answer = dict[str, Any]
_SCHEMES = ("ssm-parameter://", "ssm-document://", "s3://", "secretsmanager://", "codepipeline://", "arn:")
# What was made within the hour is not protected unless the caller asks for the check.
_FRESH = timedelta(hours=1)


class Resources:
    """What deployments are made of, except versions and strategies."""

    def __init__(self, regions: Regions) -> None:
        self._regions = regions

    def operations(self) -> dict[str, Callable[[Call], Answer | None]]:
        """Return the operations answered here."""
        return {
            "CreateApplication": self.create_application,
            "GetApplication": self.get_application,
            "ListApplications": self.list_applications,
            "UpdateApplication": self.update_application,
            "DeleteApplication": self.delete_application,
            "CreateConfigurationProfile": self.create_profile,
            "GetConfigurationProfile": self.get_profile,
            "ListConfigurationProfiles": self.list_profiles,
            "UpdateConfigurationProfile": self.update_profile,
            "DeleteConfigurationProfile": self.delete_profile,
            "CreateEnvironment": self.create_environment,
            "GetEnvironment": self.get_environment,
            "ListEnvironments": self.list_environments,
            "UpdateEnvironment": self.update_environment,
            "DeleteEnvironment": self.delete_environment,
            "GetAccountSettings": self.get_settings,
            "UpdateAccountSettings": self.update_settings,
        }

    def create_application(self, call: Call) -> Answer:
        """Make an application."""
        region = self._regions.of(call)
        self._refuse_taken(call, region.applications.values(), None, "Application", f"in account {call.account}")
        application = Application(self._regions.new_id(), call.params["Name"], call.params.get("Description"))
        region.applications[application.id] = application
        self._regions.tag(call, region.arn(f"application/{application.id}"))
        return _application(application) | _echo(call)

    def get_application(self, call: Call) -> Answer:
        """Answer one application."""
        return _application(self._regions.of(call).application(call.params["ApplicationId"]))

    def list_applications(self, call: Call) -> Answer:
        """Answer a page of the applications."""
        return self._regions.page(call, [_application(one) for one in self._regions.of(call).applications.values()])

    def update_application(self, call: Call) -> Answer:
        """Rename or describe an application."""
        region = self._regions.of(call)
        application = region.application(call.params["ApplicationId"])
        self._refuse_taken(
            call, region.applications.values(), application.id, "Application", f"in account {call.account}"
        )
        _update(application, call)
        return _application(application) | _echo(call)

    def delete_application(self, call: Call) -> None:
        """Delete an application that is empty."""
        region = self._regions.of(call)
        application = region.application(call.params["ApplicationId"])
        arn = region.arn(f"application/{application.id}")
        self._refuse_associated(call, arn, "application")
        for kind, children in (
            ("environments", application.environments),
            ("configuration profiles", application.profiles),
        ):
            if children:
                raise AwsError(
                    "BadRequestException",
                    f"Cannot delete application {application.id}, because there are still {kind} existing under it.",
                )
        del region.applications[application.id]

    def create_profile(self, call: Call) -> Answer:
        """Make a configuration profile."""
        asked = call.params
        region = self._regions.of(call)
        application = region.application(asked["ApplicationId"])
        place = f"in application {application.id} account {call.account}"
        self._refuse_taken(call, application.profiles.values(), None, "ConfigurationProfile", place)
        kind = asked.get("Type") or FREEFORM
        _check_profile(asked, kind)
        profile = Profile(
            id=self._regions.new_id(),
            name=asked["Name"],
            location=asked["LocationUri"],
            type=kind,
            created_at=call.at,
            description=asked.get("Description"),
            retrieval_role=asked.get("RetrievalRoleArn"),
            validators=list(asked.get("Validators") or ()),
            kms_key=asked.get("KmsKeyIdentifier"),
        )
        application.profiles[profile.id] = profile
        self._regions.tag(call, region.profile_arn(application, profile))
        return _profile(application, profile) | _echo(call)

    def get_profile(self, call: Call) -> Answer:
        """Answer one configuration profile."""
        return _profile(*self._regions.profile_of(call))

    def list_profiles(self, call: Call) -> Answer:
        """Answer a page of an application's configuration profiles."""
        application = self._regions.of(call).application(call.params["ApplicationId"])
        wanted = call.params.get("Type")
        summaries = [
            {
                "ApplicationId": application.id,
                "Id": profile.id,
                "Name": profile.name,
                "LocationUri": profile.location,
                "ValidatorTypes": [one["Type"] for one in profile.validators] or None,
                "Type": profile.type,
            }
            for profile in application.profiles.values()
            if wanted in {None, profile.type}
        ]
        return self._regions.page(call, summaries)

    def update_profile(self, call: Call) -> Answer:
        """Change a configuration profile's name, description, validators, role or key."""
        asked = call.params
        application, profile = self._regions.profile_of(call)
        place = f"in application {application.id} account {call.account}"
        self._refuse_taken(call, application.profiles.values(), profile.id, "ConfigurationProfile", place)
        _update(profile, call)
        if asked.get("Validators") is not None:
            profile.validators = list(asked["Validators"])
        profile.retrieval_role = asked.get("RetrievalRoleArn") or profile.retrieval_role
        profile.kms_key = asked.get("KmsKeyIdentifier", profile.kms_key)
        return _profile(application, profile) | _echo(call)

    def delete_profile(self, call: Call) -> None:
        """Delete a configuration profile without versions, unless deletion protection holds it."""
        application, profile = self._regions.profile_of(call)
        self._refuse_associated(call, self._regions.of(call).profile_arn(application, profile), "configuration profile")
        self._refuse_protected(call, profile, f"configuration profile {profile.id}")
        for environment in application.environments.values():
            _refuse_in_use(environment, profile)
        if profile.versions:
            raise AwsError(
                "BadRequestException",
                f"Cannot delete configuration profile {profile.id} because there are still hosted configuration "
                "versions existing under it.",
            )
        del application.profiles[profile.id]

    def create_environment(self, call: Call) -> Answer:
        """Make an environment."""
        asked = call.params
        region = self._regions.of(call)
        application = region.application(asked["ApplicationId"])
        place = f"in application {application.id} and account {call.account}"
        self._refuse_taken(call, application.environments.values(), None, "Environment", place)
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
        return _environment(application, environment) | _echo(call)

    def get_environment(self, call: Call) -> Answer:
        """Answer one environment."""
        return _environment(*self._regions.environment_of(call))

    def list_environments(self, call: Call) -> Answer:
        """Answer a page of an application's environments."""
        application = self._regions.of(call).application(call.params["ApplicationId"])
        return self._regions.page(call, [_environment(application, one) for one in application.environments.values()])

    def update_environment(self, call: Call) -> Answer:
        """Change an environment's name, description or monitors; an empty list takes the monitors away."""
        application, environment = self._regions.environment_of(call)
        place = f"in application {application.id} and account {call.account}"
        self._refuse_taken(call, application.environments.values(), environment.id, "Environment", place)
        _update(environment, call)
        if call.params.get("Monitors") is not None:
            _check_monitors(call.params["Monitors"])
            environment.monitors = list(call.params["Monitors"])
        answer = _environment(application, environment) | _echo(call)
        return answer | ({"Monitors": []} if call.params.get("Monitors") == [] else {})

    def delete_environment(self, call: Call) -> None:
        """Delete an environment, unless deletion protection holds it."""
        application, environment = self._regions.environment_of(call)
        self._refuse_associated(call, self._regions.of(call).environment_arn(application, environment), "environment")
        self._refuse_protected(call, environment, f"environment {environment.id}")
        _refuse_in_use(environment)
        del application.environments[environment.id]

    def get_settings(self, call: Call) -> Answer:
        """Answer the account's settings."""
        protection = self._regions.of(call).protection
        return {
            "DeletionProtection": {
                "Enabled": protection.enabled,
                "ProtectionPeriodInMinutes": protection.period // timedelta(minutes=1),
            }
        }

    def update_settings(self, call: Call) -> Answer:
        """Switch deletion protection on or off."""
        region = self._regions.of(call)
        asked = call.params.get("DeletionProtection") or {}
        minutes = asked.get("ProtectionPeriodInMinutes") or region.protection.period // timedelta(minutes=1)
        region.protection = DeletionProtection(
            enabled=bool(asked.get("Enabled", region.protection.enabled)), period=timedelta(minutes=minutes)
        )
        return self.get_settings(call)

    @staticmethod
    def _refuse_taken(call: Call, others: Any, own_id: str | None, kind: str, place: str) -> None:
        for other in others:
            if other.name == call.params.get("Name") and other.id != own_id:
                raise AwsError(
                    "BadRequestException", f"{kind} with name {other.name} already exists with id {other.id} {place}"
                )

    def _refuse_associated(self, call: Call, arn: str, kind: str) -> None:
        if self._regions.of(call).associated(arn):
            raise AwsError(
                "BadRequestException",
                f"Cannot delete {kind} {arn} because there are extensions associated with it. "
                f"Please remove the extension associations to this {kind} first.",
            )

    def _refuse_protected(self, call: Call, resource: Profile | Environment, named: str) -> None:
        protection = self._regions.of(call).protection
        check = call.params.get("DeletionProtectionCheck") or "ACCOUNT_DEFAULT"
        fresh = call.at - resource.created_at < _FRESH
        applies = check == "APPLY" or (check == "ACCOUNT_DEFAULT" and protection.enabled and not fresh)
        if applies and resource.read_at and call.at - resource.read_at <= protection.period:
            raise AwsError(
                "BadRequestException",
                f"Cannot delete {named} because it was read within the deletion protection period. "
                "To delete it nevertheless, set DeletionProtectionCheck to BYPASS.",
            )


def _refuse_in_use(environment: Environment, profile: Profile | None = None) -> None:
    for deployment in environment.deployments:
        if deployment.unfinished and (profile is None or profile is deployment.profile):
            raise AwsError(
                "ConflictException", f"Deployment number {deployment.number} to {environment.id} is still in progress."
            )


def _check_profile(asked: dict[str, Any], kind: str) -> None:
    location, role = asked["LocationUri"], asked.get("RetrievalRoleArn")
    hosted = location == "hosted"
    if kind not in {FREEFORM, FEATURE_FLAGS}:
        raise AwsError(
            "ResourceNotFoundException",
            f"Invalid type, must be one of: {FREEFORM}, {FEATURE_FLAGS}",
            ResourceName="ConfigurationProfileType",
        )
    if kind == FEATURE_FLAGS and not hosted:
        raise AwsError(
            "BadRequestException",
            f"ConfigurationProfiles of type '{FEATURE_FLAGS}' can only have a locationUri of 'hosted'",
        )
    if not hosted and not location.startswith(_SCHEMES):
        raise AwsError("BadRequestException", f"The Uri: {location} is of an unsupported type")
    if not hosted and role is None and not location.startswith("codepipeline://"):
        raise AwsError(
            "BadRequestException",
            "1 validation error detected: Value null at 'retrievalRoleArn' failed to satisfy constraint: "
            f"Member must not be null if the request has the following uri: {location}",
        )
    if hosted and role is not None:
        raise AwsError(
            "BadRequestException",
            f"1 validation error detected: Value {role} at 'retrievalRoleArn' failed to satisfy constraint: "
            "Member must be null if the request has the following uri: hosted",
        )


def _check_monitors(monitors: list[dict[str, str]] | None) -> None:
    if any(not monitor.get("AlarmRoleArn") for monitor in monitors or ()):
        raise AwsError(
            "BadRequestException",
            "1 validation error detected: Value null at 'alarmRoleArn' failed to satisfy constraint: "
            "Member must not be null.",
        )


def _update(resource: Application | Profile | Environment, call: Call) -> None:
    resource.name = call.params.get("Name") or resource.name
    if call.params.get("Description") is not None:
        resource.description = call.params["Description"]


def _echo(call: Call) -> Answer:
    """Return the empty description that only the call which set it answers; reads leave it out."""
    return {"Description": ""} if call.params.get("Description") == "" else {}


def _present(answer: Answer) -> Answer:
    return {member: value for member, value in answer.items() if value not in (None, "", [])}


def _application(application: Application) -> Answer:
    return _present({"Id": application.id, "Name": application.name, "Description": application.description})


def _profile(application: Application, profile: Profile) -> Answer:
    return _present(
        {
            "ApplicationId": application.id,
            "Id": profile.id,
            "Name": profile.name,
            "Description": profile.description,
            "LocationUri": profile.location,
            "RetrievalRoleArn": profile.retrieval_role,
            "Validators": profile.validators,
            "Type": profile.type,
            "KmsKeyIdentifier": profile.kms_key,
        }
    )


def _environment(application: Application, environment: Environment) -> Answer:
    return _present(
        {
            "ApplicationId": application.id,
            "Id": environment.id,
            "Name": environment.name,
            "Description": environment.description,
            "State": environment.state,
            "Monitors": environment.monitors,
        }
    )
