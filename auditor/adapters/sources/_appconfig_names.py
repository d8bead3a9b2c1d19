"""Names behind AppConfig's ids: asked once, remembered for a while, since one document is read many times."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from auditor.adapters.aws import AwsClients, NotInStoreError, answered_at, answering
from auditor.domain.documents import DocumentRef, EnvironmentRef
from auditor.domain.errors import StoreUnreadableError
from auditor.domain.events import Guards

if TYPE_CHECKING:
    from mypy_boto3_appconfig import AppConfigClient

FEATURE_FLAGS = "AWS.AppConfig.FeatureFlags"
HOSTED = "hosted"
# A name can be changed; a process that lives for days must come to know.
_REMEMBERED_FOR = timedelta(minutes=5)
_PREDEFINED = "AppConfig."

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Place:
    """An account and Region."""

    account: str
    region: str


@dataclass(frozen=True, slots=True)
class Profile:
    """A configuration profile: what it is called, where its content is, and what that is."""

    id: str
    name: str
    location: str
    type: str

    @property
    def holds_only_flags(self) -> bool:
        """Tell whether it is a feature-flag profile; a freeform one has to be looked into."""
        return self.type == FEATURE_FLAGS

    @classmethod
    def of(cls, answer: Any) -> Profile:
        """Read a profile, or its summary in a list."""
        return cls(answer["Id"], answer["Name"], answer.get("LocationUri") or "", answer.get("Type") or "")


@dataclass(frozen=True, slots=True)
class AppConfigNames:
    """Finds names by ids.

    Raises ``NotInStoreError`` for what is not there, ``StoreUnreadableError`` when AppConfig gives no answer.
    """

    clients: AwsClients
    now: Callable[[], datetime]
    _known: dict[tuple[str, ...], tuple[datetime, Any]] = field(default_factory=dict)
    _answered: dict[Place, datetime] = field(default_factory=dict)
    _monitors: dict[EnvironmentRef, tuple[str, ...]] = field(default_factory=dict)

    def applications(self, place: Place) -> Iterator[tuple[str, str]]:
        """Yield id and name of every application."""
        pages = self._client(place).get_paginator("list_applications")
        with _asking("ListApplications", "the applications", place):
            for number, page in enumerate(pages.paginate(PaginationConfig={"PageSize": 50})):
                if number == 0:
                    self._answered[place] = answered_at(page, self.now())
                for item in page["Items"]:
                    self._remember((place.account, place.region, item["Id"]), item["Name"])
                    yield item["Id"], item["Name"]

    def answered(self, place: Place) -> datetime:
        """Return when the applications there were listed last, by AppConfig's clock; they have to have been."""
        return self._answered[place]

    def profiles(self, place: Place, application: str) -> Iterator[Profile]:
        """Yield every profile of an application."""
        pages = self._client(place).get_paginator("list_configuration_profiles")
        with _asking("ListConfigurationProfiles", application, place):
            for page in pages.paginate(ApplicationId=application, PaginationConfig={"PageSize": 50}):
                yield from map(Profile.of, page["Items"])

    def environments(self, place: Place, application: str) -> Iterator[EnvironmentRef]:
        """Yield every environment of an application."""
        pages = self._client(place).get_paginator("list_environments")
        with _asking("ListEnvironments", application, place):
            for page in pages.paginate(ApplicationId=application, PaginationConfig={"PageSize": 50}):
                for item in page["Items"]:
                    environment = EnvironmentRef(place.account, place.region, application, item["Id"])
                    self._remember(_key(environment), item["Name"])
                    arns = (monitor.get("AlarmArn") for monitor in item.get("Monitors") or ())
                    self._monitors[environment] = tuple(arn for arn in arns if arn)
                    yield environment

    def guards(self, place: Place) -> Iterator[Guards]:
        """Yield of each environment listed last there the alarms that guard it, with application/name."""
        for environment, arns in self._monitors.items():
            if Place(environment.account, environment.region) == place:
                name = f"{self.application(place, environment.application_id)}/{self.environment(environment)}"
                yield Guards(environment, self._answered.get(place) or self.now(), frozenset(arns), name)

    def application(self, place: Place, application: str) -> str:
        """Return an application's name."""

        def ask(client: AppConfigClient) -> str:
            return client.get_application(ApplicationId=application)["Name"]

        key = (place.account, place.region, application)
        return self._name(key, place, "GetApplication", application, ask)

    def environment(self, environment: EnvironmentRef) -> str:
        """Return an environment's name."""

        def ask(client: AppConfigClient) -> str:
            return client.get_environment(
                ApplicationId=environment.application_id, EnvironmentId=environment.environment_id
            )["Name"]

        place = Place(environment.account, environment.region)
        return self._name(_key(environment), place, "GetEnvironment", environment.environment_id, ask)

    def profile(self, document: DocumentRef, *, fresh: bool = False) -> Profile:
        """Return a document's profile; ``fresh`` asks again, to know that it still exists."""
        application, _, profile = document.name.partition("/")

        def ask(client: AppConfigClient) -> Profile:
            answer = client.get_configuration_profile(ApplicationId=application, ConfigurationProfileId=profile)
            return Profile.of(answer)

        place = Place(document.account, document.region)
        key = (document.account, document.region, document.name)
        if fresh:
            self._known.pop(key, None)
        return self._name(key, place, "GetConfigurationProfile", document.name, ask)

    def strategy(self, place: Place, strategy: str) -> str:
        """Return a deployment strategy's name; its id where AppConfig does not tell the name."""
        if strategy.startswith(_PREDEFINED):
            return strategy

        def ask(client: AppConfigClient) -> str:
            return client.get_deployment_strategy(DeploymentStrategyId=strategy)["Name"]

        key = (place.account, place.region, "strategy", strategy)
        try:
            return self._name(key, place, "GetDeploymentStrategy", strategy, ask)
        except (NotInStoreError, StoreUnreadableError):
            return strategy

    def _name(
        self, key: tuple[str, ...], place: Place, call: str, about: str, ask: Callable[[AppConfigClient], T]
    ) -> T:
        remembered = self._known.get(key)
        if remembered is not None and self.now() - remembered[0] <= _REMEMBERED_FOR:
            value: T = remembered[1]
            return value
        client = self._client(place)
        with _asking(call, about, place):
            value = ask(client)
        self._remember(key, value)
        return value

    def _remember(self, key: tuple[str, ...], value: Any) -> None:
        self._known[key] = (self.now(), value)

    def _client(self, place: Place) -> AppConfigClient:
        return self.clients.appconfig(place.account, place.region)


def _key(environment: EnvironmentRef) -> tuple[str, ...]:
    return environment.account, environment.region, environment.application_id, environment.environment_id


def _asking(call: str, about: str, place: Place) -> Any:
    return answering(f"appconfig:{call}", about, place.account, place.region)
