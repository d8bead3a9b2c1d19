"""What PutParameter checks and decides before a version is written."""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from typing import Any

from examples.standin.call import Call
from examples.standin.errors import AwsError
from examples.standin.ids import Ids
from examples.standin.parameter_store import policies
from examples.standin.parameter_store.model import MAX_VERSIONS, Parameter, Version

STANDARD_SIZE = 4096
ADVANCED_SIZE = 8192
DATA_TYPES = frozenset({"text", "aws:ec2:image", "aws:ssm:integration", "boolean", "integer", "json", "url"})
INTEGRATIONS = "/d9d01087-4a3f-49e0-b0b4-d568d7826553/ssm/integrations"
_EXISTS = "The parameter already exists. To overwrite this value, set the overwrite option in the request to true."


def next_version(call: Call, parameter: Parameter | None, ids: Ids) -> Version:
    """Return the version that a PutParameter makes, of a new parameter when there is none; raises its refusals."""
    asked = call.params
    former = parameter.current if parameter else None
    _check_overwrite(asked, parameter)
    kind = _type(asked, former)
    inherited = _inherited(asked, former)
    asked_policies = asked.get("Policies")
    kept = tuple(replace(policy, status="Pending") for policy in (former.policies if former else ()))
    active = policies.read(asked_policies) if asked_policies is not None else kept
    tier = _tier(asked, former, has_policies=bool(active))
    if inherited["AllowedPattern"]:
        _check_pattern(asked["Value"], inherited["AllowedPattern"])
    _check_value(asked["Value"])
    _check_data_type(asked["Name"], inherited["DataType"])
    secret = kind == "SecureString"
    return Version(
        number=former.number + 1 if former else 1,
        type=kind,
        value=asked["Value"],
        ciphertext=_ciphertext(asked["Value"], ids) if secret else None,
        modified_at=call.at,
        modified_by=call.identity.arn,
        description=inherited["Description"],
        key_id=(inherited["KeyId"] or "alias/aws/ssm") if secret else None,
        allowed_pattern=inherited["AllowedPattern"],
        tier=tier,
        data_type=inherited["DataType"],
        policies=active,
    )


def _check_overwrite(asked: dict[str, Any], parameter: Parameter | None) -> None:
    overwrite = bool(asked.get("Overwrite"))
    if overwrite and asked.get("Tags"):
        raise AwsError(
            "ValidationException",
            "Invalid request: tags and overwrite can't be used together. To create a parameter with tags, please "
            "remove overwrite flag. To update tags for an existing parameter, please use AddTagsToResource or "
            "RemoveTagsFromResource.",
        )
    if parameter is None:
        return
    if not overwrite:
        raise AwsError("ParameterAlreadyExists", _EXISTS)
    oldest = parameter.versions[0]
    if len(parameter.versions) >= MAX_VERSIONS and oldest.labels:
        raise AwsError(
            "ParameterMaxVersionLimitExceeded",
            f"You attempted to create a new version of {parameter.name} by calling the PutParameter API with the "
            f"overwrite flag. Version {oldest.number}, the oldest version, can't be deleted because it has a label "
            "associated with it. Move the label to another version of the parameter, and try again.",
        )


def _type(asked: dict[str, Any], former: Version | None) -> str:
    kind = asked.get("Type")
    if former is None:
        if kind is None:
            raise AwsError("ValidationException", "A parameter type is required when you create a parameter.")
        return str(kind)
    return str(kind or former.type)


def _inherited(asked: dict[str, Any], former: Version | None) -> dict[str, Any]:
    """Return what a new version takes over from the former one unless the call says otherwise."""
    held = {
        "Description": former.description if former else None,
        "KeyId": former.key_id if former else None,
        "AllowedPattern": former.allowed_pattern if former else None,
        "DataType": former.data_type if former else "text",
    }
    return {member: value if asked.get(member) is None else asked[member] for member, value in held.items()}


def _tier(asked: dict[str, Any], former: Version | None, *, has_policies: bool) -> str:
    size = len(asked["Value"].encode())
    tier = asked.get("Tier") or (former.tier if former else "Standard")
    if tier == "Intelligent-Tiering":
        needs_advanced = size > STANDARD_SIZE or has_policies or (former is not None and former.tier == "Advanced")
        tier = "Advanced" if needs_advanced else "Standard"
    if former is not None and former.tier == "Advanced" and tier == "Standard":
        raise AwsError(
            "ValidationException",
            "This parameter uses the advanced-parameter tier. You can't downgrade a parameter from the "
            "advanced-parameter tier to the standard-parameter tier. If necessary, you can delete the advanced "
            "parameter and recreate it as a standard parameter. Be aware that standard parameters have a value "
            "limit of 4096 characters.",
        )
    if tier == "Standard" and size > STANDARD_SIZE:
        raise AwsError(
            "ValidationException",
            "Standard tier parameters support a maximum parameter value of 4096 characters. To create a larger "
            "parameter value, upgrade the parameter to use the advanced-parameter tier. For more information, see "
            "https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html",
        )
    if size > ADVANCED_SIZE:
        raise AwsError(
            "ValidationException", "Advanced tier parameters support a maximum parameter value of 8192 characters."
        )
    if tier == "Standard" and has_policies:
        raise AwsError(
            "ValidationException",
            "You can't assign parameter policies to a standard-parameter tier. You must upgrade the parameter to use "
            "the advanced-parameter tier. For more information, see "
            "https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html",
        )
    return str(tier)


def _check_value(value: str) -> None:
    if re.search(r"\{\{.*\}\}", value):
        raise AwsError(
            "ValidationException",
            f"Parameter value: '{value}' failed to satisfy constraint: Parameter value can't nest another parameter. "
            'Do not use "{{}}" in the value.',
        )


def _check_data_type(name: str, data_type: str) -> None:
    if data_type not in DATA_TYPES:
        raise AwsError(
            "ValidationException",
            f"The following data type is not supported: {data_type}. (Data type names are all lowercase.)",
        )
    if data_type == "aws:ssm:integration" and not name.startswith(INTEGRATIONS):
        raise AwsError(
            "ValidationException",
            f"Parameters with data type: {data_type} must start with prefix: {INTEGRATIONS}",
        )


def _check_pattern(value: str, pattern: str) -> None:
    try:
        matches = re.search(pattern, value) is not None
    except re.error:
        raise AwsError(
            "InvalidAllowedPatternException", "The syntax of the allowedPattern parameter is invalid."
        ) from None
    if not matches:
        raise AwsError(
            "ParameterPatternMismatchException",
            f"Parameter value, cannot be validated against allowedPattern: {pattern}",
        )


def _ciphertext(value: str, ids: Ids) -> str:
    """Return what stands for the encrypted value: of its length, and of nothing else of it."""
    return base64.b64encode(b"\x01\x02\x02\x00\x78" + ids.octets(150 + len(value.encode()))).decode()
