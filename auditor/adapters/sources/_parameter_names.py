"""Names of parameters: which are watched, and which flag each one is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from auditor.adapters.sources._reach import Reach
from auditor.domain.attribution import CallTarget
from auditor.domain.documents import DocumentRef
from auditor.domain.flags import FlagId
from auditor.domain.templates import PathTemplates

# What Systems Manager takes as a name; anything else can only be a refused try.
_POSSIBLE = re.compile(r"[a-zA-Z0-9_.\-/]+", re.ASCII)
_LONGEST = 2048
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
class ParameterWatch:
    """Parameters whose names fit a template, in some accounts and Regions."""

    templates: PathTemplates
    reach: Reach = Reach()  # noqa: RUF009 -- frozen


@dataclass(frozen=True, slots=True)
class ParameterNames:
    """Finds the watched parameter that a name or an ARN means."""

    source: str
    watches: Sequence[ParameterWatch]

    def find(self, name: str, account: str, region: str) -> Parameter | None:
        """Return the parameter of this name, or ``None`` when it is not watched."""
        for watch in self.watches if len(name) <= _LONGEST else ():
            found = watch.templates.match(name) if watch.reach.covers(account, region) else None
            if found is not None:
                document = DocumentRef(self.source, account, region, name)
                flag = FlagId(found.get("application", ""), found["flag"])
                return Parameter(document, flag, found.get("environment"))
        return None

    def paths(self, account: str, region: str) -> list[str]:
        """Return the folders to list there, without those inside another one of them."""
        templates = [t for w in self.watches if w.reach.covers(account, region) for t in w.templates]
        return list(PathTemplates(tuple(templates)).paths)

    def find_arn(self, arn: str, account: str, region: str) -> Parameter | None:
        """Return the parameter of an ARN in this account and Region, or ``None`` when it is not watched.

        The ARN drops a leading slash, and only a name without any other slash can do without.
        """
        found = _ARN.fullmatch(arn)
        if found is None or (found[2], found[1]) != (account, region):
            return None
        rooted = self.find(f"/{found[3]}", account, region)
        return rooted if rooted is not None or "/" in found[3] else self.find(found[3], account, region)
