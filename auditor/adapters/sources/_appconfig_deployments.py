"""Deployments: what AppConfig's list and event log tell of how a version went live, stopped or came back."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from auditor.adapters.aws import NotInStoreError, answering
from auditor.adapters.sources._appconfig_names import AppConfigNames, Place, Profile
from auditor.domain.documents import Deployment, DeploymentStep, DocumentRef, EnvironmentRef
from auditor.domain.masking import mask_text

if TYPE_CHECKING:
    from mypy_boto3_appconfig import AppConfigClient

# A complete deployment can be reverted for three days; only then, or when taken back, nothing more can happen to it.
_REVERT_WINDOW = timedelta(hours=72)
_TAKEN_BACK = frozenset({"ROLLED_BACK", "REVERTED"})
_COMPLETE = "COMPLETE"
_PERCENTAGE = re.compile(r"(\d+(?:\.\d+)?)\s*%")

Answer = Mapping[str, Any]
Watched = Callable[[DocumentRef, str], bool]
"""Tells whether deployments of a profile, with this name, are of interest."""


@dataclass(frozen=True, slots=True)
class EnvironmentDeployments:
    """The deployments of one environment, as far as they concern watched profiles."""

    client: AppConfigClient
    names: AppConfigNames
    environment: EnvironmentRef
    watched: Watched
    now: datetime

    def news(self, held: Mapping[int, str]) -> list[Deployment]:
        """Return the deployments that are new or in another state than held, lowest number first."""
        changed = [item for item in self._recent(held) if held.get(item["DeploymentNumber"]) != item["State"]]
        found = (self._deployment(item) for item in sorted(changed, key=lambda item: item["DeploymentNumber"]))
        return [deployment for deployment in found if self.watched(deployment.profile, deployment.profile_name)]

    def _recent(self, held: Mapping[int, str]) -> Iterator[Answer]:
        """Yield the watched deployments, newest first, down to where nothing can be new.

        That is after a page without any news, once nothing held further down can still move.
        """
        pages = self.client.get_paginator("list_deployments")
        ids = self._ids
        with self._asking("ListDeployments"):
            for page in pages.paginate(**ids, PaginationConfig={"PageSize": 50}):
                items = [item for item in page["Items"] if self._is_watched(item)]
                yield from items
                if page["Items"] and not self._may_hide_news(page["Items"], items, held):
                    return

    def _may_hide_news(self, page: Sequence[Any], watched: Sequence[Answer], held: Mapping[int, str]) -> bool:
        """Tell whether pages further down may hold news, given one page: its items, and those watched among them."""
        lowest = min(item["DeploymentNumber"] for item in page)
        if any(number < lowest and not _is_final(state) for number, state in held.items()):
            return True
        same = all(held.get(item["DeploymentNumber"]) == item["State"] for item in watched)
        return not watched or not same or self._may_be_reverted(watched[-1])

    def _may_be_reverted(self, item: Answer) -> bool:
        completed = _utc(item.get("CompletedAt"))
        return item["State"] == _COMPLETE and completed is not None and completed >= self.now - _REVERT_WINDOW

    def _is_watched(self, item: Answer) -> bool:
        """Tell whether a listed deployment may be of a watched profile: a listing need not name the profile."""
        if "ConfigurationProfileId" not in item:
            return True
        return self.watched(self._document(item), item.get("ConfigurationName") or "")

    def _deployment(self, summary: Answer) -> Deployment:
        number = summary["DeploymentNumber"]
        with self._asking("GetDeployment"):
            answer: Answer = {**summary, **self.client.get_deployment(**self._ids, DeploymentNumber=number)}
        log = EventLog.of(answer)
        state = answer["State"]
        return Deployment(
            environment=self.environment,
            number=number,
            application=self.names.application(self._place, self.environment.application_id),
            environment_name=self.names.environment(self.environment),
            profile=self._document(answer),
            profile_name=self._profile_name(answer),
            version=answer["ConfigurationVersion"],
            state=state,
            started_at=_utc(answer.get("StartedAt")) or log.started_at,
            completed_at=log.completed_at or (_utc(answer.get("CompletedAt")) if state == _COMPLETE else None),
            ended_at=log.ended_at or (_utc(answer.get("CompletedAt")) if state in _TAKEN_BACK else None),
            steps=log.steps,
            strategy=self._strategy(answer),
            growth=_growth(answer),
            description=_masked(answer.get("Description")),
            triggered_by=log.triggered_by,
            cause=log.cause,
            deployment_type=summary.get("Type"),
        )

    def _strategy(self, answer: Answer) -> str | None:
        strategy = answer.get("DeploymentStrategyId")
        return self.names.strategy(self._place, strategy) if strategy else None

    def _profile_name(self, answer: Answer) -> str:
        try:
            profile: Profile = self.names.profile(self._document(answer))
        except NotInStoreError:
            return str(answer.get("ConfigurationName") or answer["ConfigurationProfileId"])
        return profile.name

    def _document(self, item: Answer) -> DocumentRef:
        environment = self.environment
        name = f"{environment.application_id}/{item['ConfigurationProfileId']}"
        return DocumentRef("appconfig", environment.account, environment.region, name)

    @property
    def _place(self) -> Place:
        return Place(self.environment.account, self.environment.region)

    @property
    def _ids(self) -> Any:
        return {"ApplicationId": self.environment.application_id, "EnvironmentId": self.environment.environment_id}

    def _asking(self, call: str) -> Any:
        about = f"{self.environment.application_id}/{self.environment.environment_id}"
        return answering(f"appconfig:{call}", about, self.environment.account, self.environment.region)


@dataclass(frozen=True, slots=True)
class EventLog:
    """A deployment's event log, read: when what happened, and who or what took it back."""

    started_at: datetime | None = None
    completed_at: datetime | None = None
    ended_at: datetime | None = None
    steps: tuple[DeploymentStep, ...] = ()
    triggered_by: str | None = None
    cause: str | None = None

    @classmethod
    def of(cls, answer: Answer) -> EventLog:
        """Read the log of GetDeployment's answer, which has its newest entry first."""
        entries = list(reversed(answer.get("EventLog") or ()))
        entries.sort(key=_moment)
        began_back = _last(entries, "ROLLBACK_STARTED") or _last(entries, "ROLLBACK_COMPLETED")
        taken_back = _last(entries, "REVERT_COMPLETED") or began_back
        return cls(
            started_at=_at(_last(entries, "DEPLOYMENT_STARTED")),
            completed_at=_at(_last(entries, "DEPLOYMENT_COMPLETED")),
            ended_at=_at(_last(entries, "REVERT_COMPLETED") or _last(entries, "ROLLBACK_COMPLETED")),
            steps=tuple(_steps(entries)),
            triggered_by=None if taken_back is None else taken_back.get("TriggeredBy"),
            cause=None if taken_back is None else _masked(taken_back.get("Description")),
        )


def _steps(entries: Sequence[Answer]) -> Iterator[DeploymentStep]:
    """Yield when which share was reached: AppConfig tells the share in a text only."""
    for entry in entries:
        found = _PERCENTAGE.search(entry.get("Description") or "")
        at = _at(entry)
        if entry.get("EventType") == "PERCENTAGE_UPDATED" and found is not None and at is not None:
            yield DeploymentStep(at, float(found[1]))


def _last(entries: Sequence[Answer], event_type: str) -> Answer | None:
    return next((entry for entry in reversed(entries) if entry.get("EventType") == event_type), None)


def _at(entry: Answer | None) -> datetime | None:
    return None if entry is None else _utc(entry.get("OccurredAt"))


def _moment(entry: Answer) -> datetime:
    return _at(entry) or datetime.min.replace(tzinfo=UTC)


def _utc(moment: object) -> datetime | None:
    return moment.astimezone(UTC) if isinstance(moment, datetime) else None


def _is_final(state: str) -> bool:
    return state in _TAKEN_BACK or state == _COMPLETE


def _growth(answer: Answer) -> str | None:
    """Return how the deployment grows, in words."""
    growth, factor = answer.get("GrowthType"), answer.get("GrowthFactor")
    if growth is None or factor is None:
        return None
    minutes, bake = answer.get("DeploymentDurationInMinutes", 0), answer.get("FinalBakeTimeInMinutes", 0)
    return f"{str(growth).lower()} by {factor:g}% over {minutes} min, then {bake} min of watching"


def _masked(text: object) -> str | None:
    return mask_text(text) if isinstance(text, str) and text else None
