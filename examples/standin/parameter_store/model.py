"""What Parameter Store keeps: parameters and the versions of each."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from examples.standin.clock import Appointment
from examples.standin.parameter_store import names
from examples.standin.parameter_store.policies import Policy

MAX_VERSIONS = 100


@dataclass(slots=True)
class Version:
    """One version: as it was written, by whom, and the labels it carries now."""

    number: int
    type: str
    value: str
    ciphertext: str | None
    modified_at: datetime
    modified_by: str
    description: str | None
    key_id: str | None
    allowed_pattern: str | None
    tier: str
    data_type: str
    policies: tuple[Policy, ...]
    labels: list[str] = field(default_factory=list)

    def shown(self, *, decrypt: bool) -> str:
        """Return the value as a reader gets it: of a SecureString the ciphertext, unless it is decrypted."""
        return self.value if decrypt or self.ciphertext is None else self.ciphertext


@dataclass(slots=True)
class Parameter:
    """One life of a parameter, from its creation until it is deleted; oldest version first."""

    account: str
    region: str
    name: str
    versions: list[Version] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)
    appointments: list[Appointment] = field(default_factory=list)

    @property
    def arn(self) -> str:
        """Return the parameter's ARN."""
        return names.arn(self.account, self.region, self.name)

    @property
    def current(self) -> Version:
        """Return the newest version."""
        return self.versions[-1]

    def numbered(self, number: int) -> Version | None:
        """Return a version by its number; None when it never was or is no longer kept."""
        return next((version for version in self.versions if version.number == number), None)

    def labelled(self, label: str) -> Version | None:
        """Return the version that carries a label; None when none does."""
        return next((version for version in self.versions if label in version.labels), None)

    def add(self, version: Version) -> None:
        """Append a version; beyond the cap the oldest goes."""
        self.versions.append(version)
        del self.versions[:-MAX_VERSIONS]

    def as_parameter(self, version: Version, *, decrypt: bool, selector: str | None = None) -> dict[str, Any]:
        """Return the answer of GetParameter, GetParameters and GetParametersByPath."""
        answer = {
            "Name": self.name,
            "Type": version.type,
            "Value": version.shown(decrypt=decrypt),
            "Version": version.number,
            "LastModifiedDate": version.modified_at,
            "ARN": self.arn,
            "DataType": version.data_type,
        }
        return answer if selector is None else answer | {"Selector": f":{selector}"}

    def as_history(self, version: Version, *, decrypt: bool) -> dict[str, Any]:
        """Return one entry of GetParameterHistory."""
        return self._described(version) | {
            "Value": version.shown(decrypt=decrypt),
            "Labels": list(version.labels),
            "Policies": [policy.as_written() for policy in version.policies],
        }

    def as_metadata(self) -> dict[str, Any]:
        """Return one entry of DescribeParameters."""
        return self._described(self.current) | {
            "ARN": self.arn,
            "Policies": [policy.as_planned() for policy in self.current.policies],
        }

    def _described(self, version: Version) -> dict[str, Any]:
        described = {
            "Name": self.name,
            "Type": version.type,
            "KeyId": version.key_id,
            "LastModifiedDate": version.modified_at,
            "LastModifiedUser": version.modified_by,
            "Description": version.description,
            "AllowedPattern": version.allowed_pattern,
            "Version": version.number,
            "Tier": version.tier,
            "DataType": version.data_type,
        }
        return {member: value for member, value in described.items() if value is not None}
