"""Hosted configuration versions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from examples.standin.appconfig import flags
from examples.standin.appconfig.model import FEATURE_FLAGS, Application, HostedVersion, Profile
from examples.standin.appconfig.regions import Regions
from examples.standin.call import Call
from examples.standin.errors import AwsError

KILOBYTE = 1024
MAX_KILOBYTES = 2048


class Versions:
    """The versions that hosted profiles keep."""

    def __init__(self, regions: Regions) -> None:
        self._regions = regions

    def operations(self) -> dict[str, Callable[[Call], dict[str, Any] | None]]:
        """Return the operations answered here."""
        return {
            "CreateHostedConfigurationVersion": self.create,
            "GetHostedConfigurationVersion": self.get,
            "ListHostedConfigurationVersions": self.list_all,
            "DeleteHostedConfigurationVersion": self.delete,
        }

    def create(self, call: Call) -> dict[str, Any]:
        """Store a version; of the same content as the latest, the latest is answered instead."""
        asked = call.params
        application, profile = self._regions.profile_of(call)
        content = _content(asked)
        _check(asked, profile)
        if profile.type == FEATURE_FLAGS:
            content = flags.store(content, profile.latest.content if profile.latest else None, call.at)
        version = profile.latest
        if version is None or version.content != content:
            profile.last_number += 1
            version = HostedVersion(
                profile.last_number,
                content,
                asked["ContentType"],
                asked.get("Description"),
                asked.get("VersionLabel"),
            )
            profile.versions.append(version)
        echo = {"Description": ""} if asked.get("Description") == "" else {}
        return _whole(application, profile, version) | echo

    def get(self, call: Call) -> dict[str, Any]:
        """Answer one version with its content."""
        application, profile = self._regions.profile_of(call)
        number = int(call.params["VersionNumber"])
        return _whole(application, profile, self._regions.of(call).hosted(application, profile, number))

    def list_all(self, call: Call) -> dict[str, Any]:
        """Answer a page of the versions, newest first, without their contents."""
        application, profile = self._regions.profile_of(call)
        wanted = call.params.get("VersionLabel")
        return self._regions.page(
            call,
            [
                _summary(application, profile, version)
                for version in reversed(profile.versions)
                if wanted is None or _has_label(version, wanted)
            ],
        )

    def delete(self, call: Call) -> None:
        """Delete a version; its number is not given again."""
        application, profile = self._regions.profile_of(call)
        number = int(call.params["VersionNumber"])
        profile.versions.remove(self._regions.of(call).hosted(application, profile, number))


def _content(asked: dict[str, Any]) -> bytes:
    content = asked.get("Content")
    if not content:
        raise AwsError(
            "BadRequestException",
            "1 validation error detected: Value at 'content' failed to satisfy constraint: Member must not be null",
        )
    raw = content if isinstance(content, bytes) else str(content).encode()
    if len(raw) > MAX_KILOBYTES * KILOBYTE:
        raise AwsError(
            "PayloadTooLargeException",
            "Content size limit exceeded.",
            Measure="KILOBYTES",
            Limit=float(MAX_KILOBYTES),
            Size=float(-(-len(raw) // KILOBYTE)),
        )
    return raw


def _check(asked: dict[str, Any], profile: Profile) -> None:
    if profile.location != "hosted":
        raise AwsError(
            "BadRequestException", f"Configuration profile {profile.id} is not a hosted configuration profile."
        )
    latest = profile.latest.number if profile.latest else 0
    expected = asked.get("LatestVersionNumber")
    if expected is not None and int(expected) != latest:
        raise AwsError(
            "ConflictException", f"Expected latest version {expected} does not match actual latest version {latest}"
        )
    label = asked.get("VersionLabel")
    holder = next((version for version in profile.versions if label and version.label == label), None)
    if holder is not None:
        raise AwsError(
            "BadRequestException",
            f"The version label '{label}' has already been assigned to hosted configuration version {holder.number}. "
            "Please provide a different version label to create your hosted configuration version.",
        )


def _has_label(version: HostedVersion, wanted: str) -> bool:
    if wanted.endswith("*"):
        return bool(version.label) and str(version.label).startswith(wanted[:-1])
    return version.label == wanted


def _summary(application: Application, profile: Profile, version: HostedVersion) -> dict[str, Any]:
    return {
        "ApplicationId": application.id,
        "ConfigurationProfileId": profile.id,
        "VersionNumber": version.number,
        "Description": version.description or None,
        "ContentType": version.content_type,
        "VersionLabel": version.label,
    }


def _whole(application: Application, profile: Profile, version: HostedVersion) -> dict[str, Any]:
    described = {"Description": version.description} if version.description else {}
    return {
        "ApplicationId": application.id,
        "ConfigurationProfileId": profile.id,
        "VersionNumber": version.number,
        **described,
        "Content": version.content,
        "ContentType": version.content_type,
        "VersionLabel": version.label,
    }
