"""AppConfig's identifiers: how they name documents and environments, in calls and in ARNs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from auditor.domain.documents import DocumentRef, EnvironmentRef
from auditor.domain.errors import MalformedEventError

_MAX_DIGITS = 12
# AWS makes them of four to seven letters and digits. A name given instead of one cannot be looked up here.
_ID = re.compile(r"[a-z0-9]{4,32}", re.ASCII)
_ARN = re.compile(r"arn:[a-z0-9-]+:appconfig:([a-z0-9-]+):(\d{12}):(.+)", re.ASCII)


@dataclass(frozen=True, slots=True)
class AppConfigIds:
    """Where something in AppConfig is, as far as it is told."""

    account: str
    region: str
    application: str | None = None
    environment: str | None = None
    profile: str | None = None

    @property
    def document(self) -> DocumentRef | None:
        """Return the profile as a document, or ``None`` when it is not told."""
        if self.application is None or self.profile is None:
            return None
        return DocumentRef("appconfig", self.account, self.region, f"{self.application}/{self.profile}")

    @property
    def environment_ref(self) -> EnvironmentRef | None:
        """Return the environment, or ``None`` when it is not told."""
        if self.application is None or self.environment is None:
            return None
        return EnvironmentRef(self.account, self.region, self.application, self.environment)

    @classmethod
    def of_arn(cls, arn: str, account: str, region: str) -> AppConfigIds:
        """Return what an ARN names in this account and Region; nothing when it is somewhere else."""
        found = _ARN.fullmatch(arn)
        if found is None or (found[2], found[1]) != (account, region):
            return cls(account, region)
        words = found[3].split("/")
        named = dict(zip(words[::2], words[1::2], strict=False))
        return cls(
            account,
            region,
            an_id(named.get("application")),
            an_id(named.get("environment")),
            an_id(named.get("configurationprofile")),
        )


def an_id(value: object) -> str | None:
    """Return a value that is an id, else ``None``."""
    return value if isinstance(value, str) and _ID.fullmatch(value) else None


def required_id(value: object, what: str) -> str:
    """Return a value that has to be an id; raise ``MalformedEventError`` when it is none."""
    found = an_id(value)
    if found is None:
        raise MalformedEventError(f"the AppConfig event names no {what}")
    return found


def a_number(value: Any) -> int | None:
    """Return a version or deployment number, which may stand as text; ``None`` for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS else None
