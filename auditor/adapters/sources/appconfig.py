"""Flags kept in AWS AppConfig: hosted feature-flag profiles, and freeform ones that hold a flag document."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from fnmatch import fnmatchcase
from functools import partial
from typing import TYPE_CHECKING

from auditor.adapters.actors.beside import is_beside, parse_beside
from auditor.adapters.actors.cloudtrail import DETAIL_TYPE as CLOUDTRAIL
from auditor.adapters.aws import AwsClients, NotInStoreError, answered_at, utc_now
from auditor.adapters.sources._appconfig_calls import parse_call
from auditor.adapters.sources._appconfig_deployments import EnvironmentDeployments
from auditor.adapters.sources._appconfig_events import (
    Named,
    is_deployment_event,
    parse_deployment_event,
    parse_extension_call,
)
from auditor.adapters.sources._appconfig_names import HOSTED, AppConfigNames, Place, Profile
from auditor.adapters.sources._appconfig_places import Asking, is_pointed
from auditor.adapters.sources._appconfig_pointed import PointedVersions
from auditor.adapters.sources._appconfig_surroundings import PARSERS
from auditor.adapters.sources._appconfig_versions import HostedVersions
from auditor.adapters.sources._listing import ListingTimes
from auditor.adapters.sources._reach import Reach, scopes
from auditor.application.envelopes import EXTENSION_CALL
from auditor.application.ports import Scope
from auditor.domain.documents import (
    Deployment,
    DocumentListing,
    DocumentReading,
    DocumentRef,
    EnvironmentRef,
    HeldDocument,
)
from auditor.domain.errors import StoreUnreadableError
from auditor.domain.events import Guards, Notices, RawEvent
from auditor.domain.masking import Fingerprint

if TYPE_CHECKING:
    from auditor.settings import SourceSettings


# What changes a flag, what is live, or a protection; other calls are evidence for nothing by themselves.
TRAIL_CALLS = (
    "CreateHostedConfigurationVersion",
    "DeleteHostedConfigurationVersion",
    "StartDeployment",
    "StopDeployment",
    "CreateEnvironment",
    "UpdateEnvironment",
    "DeleteEnvironment",
    "CreateConfigurationProfile",
    "UpdateConfigurationProfile",
    "DeleteConfigurationProfile",
    "DeleteApplication",
    "UpdateAccountSettings",
)


@dataclass(frozen=True, slots=True)
class AppConfigWatch:
    """Profiles by their application and themselves: patterns of names, or ids; none means all.

    ``pointer`` says where in a freeform document the flags are; ``None``: only what plainly holds flags does.
    """

    applications: Sequence[str] = ()
    profiles: Sequence[str] = ()
    pointer: str | None = None
    reach: Reach = Reach()  # noqa: RUF009 -- frozen

    def wants_application(self, application: Named) -> bool:
        """Tell whether profiles of an application may be watched."""
        return _fits(self.applications, application)

    def wants(self, application: Named, profile: Named) -> bool:
        """Tell whether a profile is watched."""
        return self.wants_application(application) and _fits(self.profiles, profile)


@dataclass(slots=True)
class AppConfigSource:
    """Profiles that hold flags: a version is only saved until a deployment puts it before users."""

    clients: AwsClients
    watches: Sequence[AppConfigWatch] = (AppConfigWatch(),)
    fingerprint: Fingerprint | None = None
    now: Callable[[], datetime] = utc_now
    name: str = "appconfig"
    _names: AppConfigNames = field(init=False)
    _times: ListingTimes = field(default_factory=ListingTimes)

    def __post_init__(self) -> None:
        self._names = AppConfigNames(self.clients, self.now)

    @classmethod
    def from_settings(
        cls, clients: AwsClients, tables: Iterable[SourceSettings], fingerprint: Fingerprint | None
    ) -> AppConfigSource:
        """Build the source of all its tables."""
        watches = [AppConfigWatch(t.applications, t.profiles, t.pointer, Reach(t.accounts, t.regions)) for t in tables]
        return cls(clients, tuple(watches), fingerprint)

    def parse(self, event: RawEvent) -> Notices:
        """Return what an event tells of a profile or an environment; empty when it tells nothing of one.

        An extension call does not say where it comes from: only then the account of the credentials is asked for.
        """
        if is_beside(event):
            return parse_beside(event)
        around = PARSERS.get((event.source, event.detail_type))
        if event.source != "aws.appconfig" and around is None:
            return Notices()
        if event.detail_type == EXTENSION_CALL:
            return parse_extension_call(event, self._home, self._watches)
        if not any(watch.reach.covers(event.account, event.region) for watch in self.watches):
            return Notices()
        if around is not None:
            return around(event)
        if event.detail_type == CLOUDTRAIL:
            return parse_call(event)
        if is_deployment_event(event):
            return parse_deployment_event(event, partial(self._watches, event.account, event.region))
        return Notices()

    @property
    def trail_calls(self) -> tuple[str, ...]:
        """Return the names of its writes that CloudTrail's event history keeps."""
        return TRAIL_CALLS

    def scopes(self) -> tuple[Scope, ...]:
        """Return the accounts and Regions to reconcile; raise ``StoreUnreadableError`` when they cannot be told."""
        watched = ((w.reach, (*w.applications, "/", *w.profiles, *_told(w.pointer))) for w in self.watches)
        return scopes(self.name, self.clients, watched)

    def watches_document(self, held: HeldDocument) -> bool:
        """Tell whether a held document is one of those watched here."""
        document = held.document
        ids, names = document.name.partition("/"), (held.title or "").partition("/")
        return self._watches(document.account, document.region, (ids[0], names[0]), (ids[2], names[2]))

    def list_documents(self, scope: Scope) -> Iterator[DocumentListing]:
        """Yield every watched profile with the number of its newest version."""
        place = Place(scope.account, scope.region)
        self._times.begin(scope)
        for application, name in self._applications(place):
            self._times.answered(scope, self._names.answered(place))
            try:
                for profile in self._names.profiles(place, application):
                    document = DocumentRef(self.name, place.account, place.region, f"{application}/{profile.id}")
                    if self._is_watched(document, profile, name):
                        yield from self._listing(document, profile, name)
            except NotInStoreError:
                continue  # deleted while it was being listed
        self._times.answered(scope, self._names.answered(place))

    def listed_at(self, scope: Scope) -> datetime | None:
        """Return when the newest listing there was first answered, by the store's clock."""
        return self._times.of(scope)

    def read(self, document: DocumentRef, held: HeldDocument | None) -> DocumentReading:
        """Read every hosted version beyond ``held``; raise ``StoreUnreadableError`` when AppConfig gives no answer.

        A profile that is not watched (its content is elsewhere, or holds no flags) is there, without versions.
        """
        try:
            return self._reading(document, held)
        except NotInStoreError as error:
            at = answered_at(error.response, self.now())
            return DocumentReading(document, exists=False, read_at=at, title=held.title if held else None, staged=True)

    def list_environments(self, scope: Scope) -> Iterator[EnvironmentRef]:
        """Yield the environments of watched applications."""
        place = Place(scope.account, scope.region)
        for application, _ in self._applications(place):
            try:
                yield from self._names.environments(place, application)
            except NotInStoreError:
                continue  # deleted while it was being listed

    def guards(self, scope: Scope) -> list[Guards]:
        """Return of each environment that was listed last there which alarms guard it, with its name."""
        return list(self._names.guards(Place(scope.account, scope.region)))

    def deployments(self, environment: EnvironmentRef, held: Mapping[int, str]) -> list[Deployment]:
        """Return the deployments that are new or in another state than held; none of an environment that is gone."""
        client = self.clients.appconfig(environment.account, environment.region)
        try:
            return EnvironmentDeployments(client, self._names, environment, self._deploys_flags, self.now()).news(held)
        except NotInStoreError:
            return []

    def _reading(self, document: DocumentRef, held: HeldDocument | None) -> DocumentReading:
        profile = self._names.profile(document, fresh=True)
        application = self._names.application(_place(document), document.name.partition("/")[0])
        title = f"{application}/{profile.name}"
        if not self._is_watched(document, profile, application):
            return DocumentReading(document, exists=True, read_at=self.now(), title=title, staged=True)
        if is_pointed(profile.location):
            explicit = self._is_named(document, profile, application)
            return self._pointed(document, profile, application).reading(held, explicit=explicit)
        versions = self._versions(document, profile, application)
        listed = versions.beyond(held.ordinal or 0 if held is not None else 0, self.now())
        if _never_held(held) and not self._holds_flags(versions, listed.numbers[-1:]):
            return DocumentReading(document, exists=True, read_at=listed.read_at, title=title, staged=True)
        snapshots, unreadable = versions.read(listed, held)
        return DocumentReading(
            document,
            exists=True,
            read_at=listed.read_at,
            snapshots=tuple(snapshots),
            unreadable=tuple(unreadable),
            title=title,
            staged=True,
        )

    def _listing(self, document: DocumentRef, profile: Profile, application: str) -> Iterator[DocumentListing]:
        if is_pointed(profile.location):
            yield from self._pointed_listing(document, profile, application)
            return
        versions = self._versions(document, profile, application)
        newest = versions.newest()
        if self._holds_flags(versions, [] if newest is None else [newest]):
            version = None if newest is None else str(newest)
            yield DocumentListing(document, version, modified_at=None, title=f"{application}/{profile.name}")

    def _pointed_listing(self, document: DocumentRef, profile: Profile, application: str) -> Iterator[DocumentListing]:
        explicit = self._is_named(document, profile, application)
        title = f"{application}/{profile.name}"
        try:
            found = self._pointed(document, profile, application).newest(explicit=explicit)
        except StoreUnreadableError:
            # One place that may not be read must not hide all other profiles: reading it by itself says why. What
            # nobody asked for by name, and was never held, need not hold flags at all.
            if explicit:
                yield DocumentListing(document, None, modified_at=None, title=title)
            return
        if found is not None:
            yield DocumentListing(document, found.version, modified_at=None, title=title)

    def _holds_flags(self, versions: HostedVersions, newest: Sequence[int]) -> bool:
        """Tell whether a profile is one of flags: by its type, else by what its newest version holds."""
        if versions.profile.holds_only_flags:
            return True
        return any(versions.content(number).document is not None for number in newest)

    def _versions(self, document: DocumentRef, profile: Profile, application: str) -> HostedVersions:
        client = self.clients.appconfig(document.account, document.region)
        pointer = self._pointer(document, profile, application)
        return HostedVersions(client, document, profile, application, self.fingerprint, pointer)

    def _pointed(self, document: DocumentRef, profile: Profile, application: str) -> PointedVersions:
        asking = Asking(self.clients, document, profile, application, self.now)
        return PointedVersions(asking, self.fingerprint, self._pointer(document, profile, application))

    def _is_named(self, document: DocumentRef, profile: Profile, application: str) -> bool:
        """Tell whether the configuration asks for a profile by name, not only for all that hold flags."""
        return any(watch.profiles for watch in self._wanting(document, profile, application))

    def _pointer(self, document: DocumentRef, profile: Profile, application: str) -> str | None:
        """Return where the configuration says that the flags of a profile are; the first that says so counts."""
        told = (watch.pointer for watch in self._wanting(document, profile, application))
        return next((pointer for pointer in told if pointer is not None), None)

    def _wanting(self, document: DocumentRef, profile: Profile, application: str) -> Iterator[AppConfigWatch]:
        named = (document.name.partition("/")[0], application), (profile.id, profile.name)
        reaching = (w for w in self.watches if w.reach.covers(document.account, document.region))
        return (watch for watch in reaching if watch.wants(*named))

    def _applications(self, place: Place) -> Iterator[tuple[str, str]]:
        watches = [watch for watch in self.watches if watch.reach.covers(place.account, place.region)]
        for application in self._names.applications(place):
            if any(watch.wants_application(application) for watch in watches):
                yield application

    def _deploys_flags(self, document: DocumentRef, configuration_name: str) -> bool:
        """Tell whether deployments of a profile are of interest; one that is gone may have been watched."""
        application_id, _, profile_id = document.name.partition("/")
        application = self._names.application(_place(document), application_id)
        try:
            profile = self._names.profile(document)
        except NotInStoreError:
            profile = Profile(profile_id, configuration_name, HOSTED, "")
        return self._is_watched(document, profile, application)

    def _is_watched(self, document: DocumentRef, profile: Profile, application: str) -> bool:
        named = document.name.partition("/")[0], application
        readable = profile.location == HOSTED or is_pointed(profile.location)
        return readable and self._watches(document.account, document.region, named, (profile.id, profile.name))

    def _watches(self, account: str, region: str, application: Named, profile: Named) -> bool:
        return any(w.reach.covers(account, region) and w.wants(application, profile) for w in self.watches)

    def _home(self) -> tuple[str, str]:
        """Return where the credentials are, empty where nobody tells: reading then refuses."""
        try:
            return self.clients.account(), self.clients.region()
        except StoreUnreadableError:
            return "", ""


def _place(document: DocumentRef) -> Place:
    return Place(document.account, document.region)


def _fits(patterns: Sequence[str], named: Named) -> bool:
    """Tell whether an id and name are among those configured; none configured means all are."""
    own_id, name = named
    return not patterns or any(pattern == own_id or fnmatchcase(name, pattern) for pattern in patterns)


def _told(pointer: str | None) -> tuple[str, ...]:
    return () if pointer is None else ("#", pointer)


def _never_held(held: HeldDocument | None) -> bool:
    return held is None or held.ordinal is None
