"""Where a configuration comes from, and the validators that judge it before it is deployed."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from examples.standin.appconfig.model import FEATURE_FLAGS, Application, Profile, Region
from examples.standin.errors import AwsError

PARAMETER = "ssm-parameter://"

ReadParameter = Callable[[tuple[str, str], str, str], str | None]
"""Of an account and region, a parameter's name and version: its value; None when it is not kept."""


@dataclass(frozen=True, slots=True)
class Source:
    """A configuration at one version."""

    version: str
    content: bytes
    content_type: str
    label: str | None = None


class Sources:
    """Reads hosted versions and Parameter Store; other places are refused, not invented."""

    def __init__(self, read_parameter: ReadParameter) -> None:
        self._read_parameter = read_parameter

    def read(self, region: Region, application: Application, profile: Profile, wanted: str) -> Source:
        """Return a profile's configuration at a version, which for a hosted one may be named by its label."""
        if profile.location == "hosted":
            labelled = next((one for one in profile.versions if one.label == wanted), None)
            number = int(wanted) if wanted.isdigit() else -1
            version = labelled or region.hosted(application, profile, number)
            return Source(str(version.number), version.content, version.content_type, version.label)
        if profile.location.startswith(PARAMETER):
            name = profile.location.removeprefix(PARAMETER)
            value = self._read_parameter((region.account, region.name), name, wanted)
            if value is None:
                raise AwsError("BadRequestException", f"Version {wanted} of the parameter {name} could not be read.")
            return Source(wanted, value.encode(), "text/plain")
        raise AwsError(
            "NotImplementedByStandIn",
            f"The stand-in cannot read configurations from {profile.location}.",
            status=501,
        )

    @staticmethod
    def validate(profile: Profile, content: bytes) -> None:
        """Run the JSON Schema validators; flags were checked when they were stored."""
        schemas = [one["Content"] for one in profile.validators if one["Type"] == "JSON_SCHEMA"]
        if profile.type == FEATURE_FLAGS or not schemas:
            return
        # Only some profiles carry a schema, and what demos need does not include a judge of schemas.
        try:
            import jsonschema  # noqa: PLC0415
        except ImportError:
            raise AwsError(
                "NotImplementedByStandIn", "JSON Schema validators need the package jsonschema.", status=501
            ) from None
        for schema in schemas:
            try:
                jsonschema.Draft7Validator(json.loads(schema)).validate(json.loads(content))
            except (ValueError, jsonschema.ValidationError, jsonschema.SchemaError) as error:
                raise AwsError(
                    "BadRequestException",
                    # AppConfig says this too when the schema is sound and the configuration is at fault.
                    f"Could not build JSON schema from invalid input:\n {schema}.\n Original error message:\n{error}",
                ) from error
