"""Names of parameters: which are watched, and which flag each one is."""

from __future__ import annotations

import re
from dataclasses import dataclass

from auditor.adapters.sources._reach import Reach
from auditor.domain.attribution import CallTarget
from auditor.domain.documents import DocumentRef
from auditor.domain.flags import FlagId
from auditor.domain.templates import PathTemplates

# What Systems Manager takes as a name; anything else can only be a refused try.
_POSSIBLE = re.compile(r"[a-zA-Z0-9_.\-/]{1,2048}", re.ASCII)
_ARN = re.compile(r"arn:[a-z0-9-]+:ssm:([a-z0-9-]+):(\d{12}):parameter/(.+)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Parameter:
    """A watched parameter and the flag it holds."""

    document: DocumentRef
    flag: FlagId
    environment: str | None

    @property
    def possible(self) -> bool:
        """Tell whether a parameter of this name can exist."""
        return _POSSIBLE.fullmatch(self.document.name) is not None

    def target(self, version: str | None = None, label: str | None = None) -> CallTarget:
        """Return the parameter as what a call worked on."""
        return CallTarget(
            document=self.document, version=version, label=label, flag=self.flag, environment_name=self.environment
        )


@dataclass(frozen=True, slots=True)
class ParameterNames:
    """Finds the watched parameter that a name or an ARN means."""

    source: str
    templates: PathTemplates
    reach: Reach

    def find(self, name: str, account: str, region: str) -> Parameter | None:
        """Return the parameter of this name, or ``None`` when it is not watched."""
        if not self.reach.covers(account, region):
            return None
        return self.named(DocumentRef(self.source, account, region, name))

    def named(self, document: DocumentRef) -> Parameter | None:
        """Return the parameter that a document is, or ``None`` when no template fits its name."""
        found = self.templates.match(document.name)
        if found is None:
            return None
        return Parameter(document, FlagId(found.get("application", ""), found["flag"]), found.get("environment"))

    def find_arn(self, arn: str, account: str, region: str) -> Parameter | None:
        """Return the parameter of an ARN in this account and Region, or ``None`` when it is not watched.

        The ARN drops a leading slash, and only a name without any other slash can do without.
        """
        found = _ARN.fullmatch(arn)
        if found is None or (found[2], found[1]) != (account, region):
            return None
        rooted = self.find(f"/{found[3]}", account, region)
        return rooted if rooted is not None or "/" in found[3] else self.find(found[3], account, region)
