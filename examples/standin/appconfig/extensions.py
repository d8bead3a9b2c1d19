"""Extensions and their associations: what makes AppConfig tell EventBridge of deployments.

Only actions on the default event bus act here. An extension that would call Lambda, SNS or SQS is refused, because
the stand-in could not do what it says.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from examples.standin.appconfig.model import Association, Extension, Region
from examples.standin.appconfig.notices import TOLD
from examples.standin.appconfig.regions import Regions
from examples.standin.call import Call
from examples.standin.errors import AwsError

TO_EVENTBRIDGE = "AWS.AppConfig.DeploymentNotificationsToEventBridge"
_AUTHORED_POINTS = ("ON_DEPLOYMENT_START", "ON_DEPLOYMENT_COMPLETE", "ON_DEPLOYMENT_ROLLED_BACK")
_BUS = re.compile(r"arn:aws[a-z-]*:events:[a-z0-9-]+:\d{12}:event-bus/default")


class Extensions:
    """The extensions of every region and their associations."""

    def __init__(self, regions: Regions) -> None:
        self._regions = regions

    def operations(self) -> dict[str, Callable[[Call], dict[str, Any] | None]]:
        """Return the operations answered here."""
        return {
            "CreateExtension": self.create,
            "GetExtension": self.get,
            "ListExtensions": self.list_all,
            "DeleteExtension": self.delete,
            "CreateExtensionAssociation": self.associate,
            "GetExtensionAssociation": self.get_association,
            "ListExtensionAssociations": self.list_associations,
            "DeleteExtensionAssociation": self.dissociate,
        }

    def create(self, call: Call) -> dict[str, Any]:
        """Make an extension; of a name that is taken, its next version when the caller knows the latest."""
        asked = call.params
        region = self._regions.of(call)
        for point, actions in asked["Actions"].items():
            _check_action(point, actions[0])
        known = next((one for one in region.extensions.values() if one[-1].name == asked["Name"]), None)
        latest = asked.get("LatestVersionNumber")
        if known and latest is None:
            return _extension(known[-1])
        if known and latest != known[-1].number:
            raise AwsError("ConflictException", f"The latest version of the extension is {known[-1].number}.")
        identifier = known[-1].id if known else self._regions.new_id()
        number = known[-1].number + 1 if known else 1
        extension = Extension(
            id=identifier,
            name=asked["Name"],
            number=number,
            arn=region.arn(f"extension/{identifier}/{number}"),
            actions={point: list(actions) for point, actions in asked["Actions"].items()},
            description=asked.get("Description"),
            parameters=_parameters(asked.get("Parameters") or {}),
        )
        region.extensions.setdefault(identifier, []).append(extension)
        return _extension(extension)

    def get(self, call: Call) -> dict[str, Any]:
        """Answer one extension, its latest version unless one is asked for."""
        return _extension(self._find(call, call.params.get("VersionNumber")))

    def list_all(self, call: Call) -> dict[str, Any]:
        """Answer a page of the extensions, AWS's own among them."""
        region = self._regions.of(call)
        found = [_authored(region), *(versions[-1] for versions in region.extensions.values())]
        name = call.params.get("Name")
        return self._regions.page(
            call,
            [
                {"Id": one.id, "Name": one.name, "VersionNumber": one.number, "Arn": one.arn,
                 "Description": one.description}
                for one in found
                if name in {None, one.name}
            ],
        )  # fmt: skip

    def delete(self, call: Call) -> None:
        """Delete a version of an extension that no association uses."""
        region = self._regions.of(call)
        extension = self._find(call, call.params.get("VersionNumber"))
        if any(one.extension is extension for one in region.associations.values()):
            raise AwsError("BadRequestException", f"Cannot delete extension {extension.arn} while it is associated.")
        region.extensions[extension.id].remove(extension)
        if not region.extensions[extension.id]:
            del region.extensions[extension.id]

    def associate(self, call: Call) -> dict[str, Any]:
        """Put an extension in force for an application, a profile or an environment."""
        asked = call.params
        region = self._regions.of(call)
        extension = self._find(call, asked.get("ExtensionVersionNumber"))
        self._check_resource(region, asked["ResourceIdentifier"])
        identifier = self._regions.new_id()
        association = Association(
            id=identifier,
            arn=region.arn(f"extensionassociation/{identifier}"),
            extension=extension,
            resource_arn=asked["ResourceIdentifier"],
            parameters=dict(asked.get("Parameters") or {}),
        )
        region.associations[identifier] = association
        return _association(association)

    def get_association(self, call: Call) -> dict[str, Any]:
        """Answer one association."""
        return _association(self._association(call))

    def list_associations(self, call: Call) -> dict[str, Any]:
        """Answer a page of the associations."""
        resource, extension = call.params.get("ResourceIdentifier"), call.params.get("ExtensionIdentifier")
        return self._regions.page(
            call,
            [
                {"Id": one.id, "ExtensionArn": one.extension.arn, "ResourceArn": one.resource_arn}
                for one in self._regions.of(call).associations.values()
                if resource in {None, one.resource_arn}
                and extension in {None, one.extension.id, one.extension.name, one.extension.arn}
            ],
        )

    def dissociate(self, call: Call) -> None:
        """Delete an association."""
        del self._regions.of(call).associations[self._association(call).id]

    def _find(self, call: Call, number: int | None) -> Extension:
        region, wanted = self._regions.of(call), call.params["ExtensionIdentifier"]
        for versions in ([_authored(region)], *region.extensions.values()):
            for version in reversed(versions):
                if wanted == version.arn or (
                    wanted in {version.id, version.name, version.arn.rpartition("/")[0]}
                    and number in {None, version.number}
                ):
                    return version
        raise AwsError("ResourceNotFoundException", f"Extension {wanted} could not be found.", ResourceName="Extension")

    def _association(self, call: Call) -> Association:
        wanted = call.params["ExtensionAssociationId"]
        association = self._regions.of(call).associations.get(wanted)
        if association is None:
            raise AwsError(
                "ResourceNotFoundException",
                f"Extension association {wanted} could not be found.",
                ResourceName="ExtensionAssociation",
            )
        return association

    @staticmethod
    def _check_resource(region: Region, arn: str) -> None:
        found = re.fullmatch(
            re.escape(region.arn("application/")) + r"([^/]+)(?:/(environment|configurationprofile)/([^/]+))?", arn
        )
        if found is None:
            raise AwsError("BadRequestException", f"Resource identifier {arn} is not valid.")
        application = region.application(found.group(1))
        if found.group(2) == "environment":
            region.environment(application, found.group(3))
        elif found.group(2):
            region.profile(application, found.group(3))


def _authored(region: Region) -> Extension:
    bus = f"arn:aws:events:{region.name}:{region.account}:event-bus/default"
    return Extension(
        id=TO_EVENTBRIDGE,
        name="AppConfig deployment events to Amazon EventBridge",
        number=1,
        arn=f"arn:aws:appconfig:{region.name}::extension/{TO_EVENTBRIDGE}/1",
        actions={point: [{"Name": point, "Uri": bus}] for point in _AUTHORED_POINTS},
        description="Sends events to Amazon EventBridge when a configuration is deployed.",
    )


def _check_action(point: str, action: dict[str, Any]) -> None:
    if not _BUS.fullmatch(action.get("Uri") or ""):
        raise AwsError(
            "NotImplementedByStandIn",
            f"The stand-in acts only on the default event bus, not on {action.get('Uri')}.",
            status=501,
        )
    if point not in TOLD:
        raise AwsError("BadRequestException", f"The action point {point} cannot be sent to an event bus.")


def _parameters(asked: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    both = [name for name, one in asked.items() if one.get("Required") and one.get("Dynamic")]
    if both:
        raise AwsError(
            "BadRequestException", f"Extension parameters {', '.join(both)} can not be both required and dynamic"
        )
    return {
        name: one | {"Required": bool(one.get("Required")), "Dynamic": bool(one.get("Dynamic"))}
        for name, one in asked.items()
    }


def _extension(extension: Extension) -> dict[str, Any]:
    return {
        "Id": extension.id,
        "Name": extension.name,
        "VersionNumber": extension.number,
        "Arn": extension.arn,
        "Description": extension.description,
        "Actions": extension.actions,
        "Parameters": extension.parameters or None,
    }


def _association(association: Association) -> dict[str, Any]:
    return {
        "Id": association.id,
        "ExtensionArn": association.extension.arn,
        "ResourceArn": association.resource_arn,
        "Arn": association.arn,
        "Parameters": association.parameters or None,
        "ExtensionVersionNumber": association.extension.number,
    }
