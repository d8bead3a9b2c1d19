"""Configuration profiles."""

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
from examples.standin.appconfig.model import FEATURE_FLAGS, FREEFORM, Application, Profile
from examples.standin.appconfig.regions import Regions
from examples.standin.call import Call
from examples.standin.errors import AwsError

Answer = dict[str, Any]
_SCHEMES = ("ssm-parameter://", "ssm-document://", "s3://", "secretsmanager://", "codepipeline://", "arn:")


class Profiles:
    """Where a configuration comes from, and of what kind it is."""

    def __init__(self, regions: Regions) -> None:
        self._regions = regions

    def operations(self) -> dict[str, Callable[[Call], Answer | None]]:
        """Return the operations answered here."""
        return {
            "CreateConfigurationProfile": self.create,
            "GetConfigurationProfile": self.get,
            "ListConfigurationProfiles": self.list_all,
            "UpdateConfigurationProfile": self.update,
            "DeleteConfigurationProfile": self.delete,
        }

    def create(self, call: Call) -> Answer:
        """Make a configuration profile."""
        asked = call.params
        region = self._regions.of(call)
        application = region.application(asked["ApplicationId"])
        place = f"in application {application.id} account {call.account}"
        refuse_taken(call, application.profiles.values(), None, "ConfigurationProfile", place)
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
        return _profile(application, profile) | echo(call)

    def get(self, call: Call) -> Answer:
        """Answer one configuration profile."""
        return _profile(*self._regions.profile_of(call))

    def list_all(self, call: Call) -> Answer:
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

    def update(self, call: Call) -> Answer:
        """Change a configuration profile's name, description, validators, role or key."""
        asked = call.params
        application, profile = self._regions.profile_of(call)
        place = f"in application {application.id} account {call.account}"
        refuse_taken(call, application.profiles.values(), profile.id, "ConfigurationProfile", place)
        update(profile, call)
        if asked.get("Validators") is not None:
            profile.validators = list(asked["Validators"])
        profile.retrieval_role = asked.get("RetrievalRoleArn") or profile.retrieval_role
        profile.kms_key = asked.get("KmsKeyIdentifier", profile.kms_key)
        return _profile(application, profile) | echo(call)

    def delete(self, call: Call) -> None:
        """Delete a configuration profile without versions, unless deletion protection holds it."""
        application, profile = self._regions.profile_of(call)
        region = self._regions.of(call)
        refuse_associated(region, region.profile_arn(application, profile), "configuration profile")
        refuse_protected(call, region, profile, f"configuration profile {profile.id}")
        for environment in application.environments.values():
            refuse_in_use(environment, profile)
        if profile.versions:
            raise AwsError(
                "BadRequestException",
                f"Cannot delete configuration profile {profile.id} because there are still hosted configuration "
                "versions existing under it.",
            )
        del application.profiles[profile.id]


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


def _profile(application: Application, profile: Profile) -> Answer:
    return present(
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
