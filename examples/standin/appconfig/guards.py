"""What keeps AppConfig's resources from being made twice or deleted too early, and how they are answered."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from examples.standin.appconfig.model import Application, Environment, Profile, Region
from examples.standin.call import Call
from examples.standin.errors import AwsError

Answer = dict[str, Any]
Resource = Application | Profile | Environment
# What was made within the hour is not protected unless the caller asks for the check.
_FRESH = timedelta(hours=1)


def refuse_taken(call: Call, others: Iterable[Resource], own_id: str | None, kind: str, place: str) -> None:
    """Refuse a name that another resource of the kind has."""
    for other in others:
        if other.name == call.params.get("Name") and other.id != own_id:
            raise AwsError(
                "BadRequestException", f"{kind} with name {other.name} already exists with id {other.id} {place}"
            )


def refuse_associated(region: Region, arn: str, kind: str) -> None:
    """Refuse to delete what an extension is associated with."""
    if region.associated(arn):
        raise AwsError(
            "BadRequestException",
            f"Cannot delete {kind} {arn} because there are extensions associated with it. "
            f"Please remove the extension associations to this {kind} first.",
        )


def refuse_protected(call: Call, region: Region, resource: Profile | Environment, named: str) -> None:
    """Refuse to delete what was read of late, when the account or the call asks for that."""
    check = call.params.get("DeletionProtectionCheck") or "ACCOUNT_DEFAULT"
    fresh = call.at - resource.created_at < _FRESH
    applies = check == "APPLY" or (check == "ACCOUNT_DEFAULT" and region.protection.enabled and not fresh)
    if applies and resource.read_at and call.at - resource.read_at <= region.protection.period:
        raise AwsError(
            "BadRequestException",
            f"Cannot delete {named} because it was read within the deletion protection period. "
            "To delete it nevertheless, set DeletionProtectionCheck to BYPASS.",
        )


def refuse_in_use(environment: Environment, profile: Profile | None = None) -> None:
    """Refuse to delete what a deployment is still under way with."""
    for deployment in environment.deployments:
        if deployment.unfinished and (profile is None or profile is deployment.profile):
            raise AwsError(
                "ConflictException", f"Deployment number {deployment.number} to {environment.id} is still in progress."
            )


def update(resource: Resource, call: Call) -> None:
    """Take over a new name and description."""
    resource.name = call.params.get("Name") or resource.name
    if call.params.get("Description") is not None:
        resource.description = call.params["Description"]


def echo(call: Call) -> Answer:
    """Return the empty description that only the call which set it answers; reads leave it out."""
    return {"Description": ""} if call.params.get("Description") == "" else {}


def present(answer: Answer) -> Answer:
    """Return an answer without what there is not."""
    return {member: value for member, value in answer.items() if value not in (None, "", [])}
