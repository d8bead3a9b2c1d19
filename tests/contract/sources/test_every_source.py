"""What every source has to keep, whatever its store is; a new source joins by adding its store below."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import pytest

from auditor.adapters.aws import AwsClients
from auditor.adapters.sources import SOURCES, build
from auditor.application.envelopes import parse_envelope
from auditor.application.ports import FlagSource
from auditor.domain.documents import DocumentRef, Snapshot
from auditor.domain.errors import StoreUnreadableError
from auditor.domain.events import RawEvent
from auditor.settings import DEFAULT_SOURCES, Settings, SourceSettings
from tests.support.aws import ONCE, Account, fail, flag_document, held_after
from tests.support.stores import KEYS, Bucket, Table

SECRET = "AKIA" + "Z7XQW2N5T8RBKM4P"


class Store(Protocol):
    """A store with one watched document, as a person uses it.

    ``numbered``: it counts a document's versions from 1. ``dated``: it keeps them, and tells when each was written.
    """

    account: Account
    numbered: bool
    dated: bool

    def document(self) -> DocumentRef: ...
    def write(self, on: bool) -> None: ...
    def delete(self) -> None: ...
    def events(self) -> list[RawEvent]: ...
    def permission(self) -> str: ...
    def operation(self) -> str: ...


@dataclass(slots=True)
class Parameter:
    account: Account
    name: str = "/shop/prod/features/new-checkout"
    numbered: bool = True
    dated: bool = True

    def document(self) -> DocumentRef:
        return DocumentRef("ssm", self.account.number, self.account.region, self.name)

    def write(self, on: bool) -> None:
        value = str(on).lower()
        self.account.client("ssm").put_parameter(Name=self.name, Value=value, Type="String", Overwrite=True)

    def delete(self) -> None:
        self.account.client("ssm").delete_parameter(Name=self.name)

    def events(self) -> list[RawEvent]:
        return self.account.events()

    def permission(self) -> str:
        return "ssm:GetParameterHistory"

    def operation(self) -> str:
        return "ssm:GetParameterHistory"


@dataclass(slots=True)
class Profile:
    account: Account
    application: str = ""
    profile: str = ""
    numbered: bool = True
    dated: bool = True

    def __post_init__(self) -> None:
        client = self._client()
        self.application = client.create_application(Name="shop")["Id"]
        self.profile = client.create_configuration_profile(
            ApplicationId=self.application, Name="flags", LocationUri="hosted", Type="AWS.AppConfig.FeatureFlags"
        )["Id"]

    def document(self) -> DocumentRef:
        name = f"{self.application}/{self.profile}"
        return DocumentRef("appconfig", self.account.number, self.account.region, name)

    def write(self, on: bool) -> None:
        self._client().create_hosted_configuration_version(
            **self._ids(), ContentType="application/json", Content=flag_document({"new-checkout": {"enabled": on}})
        )

    def delete(self) -> None:
        versions = self._client().list_hosted_configuration_versions(**self._ids())["Items"]
        for version in versions:
            self._client().delete_hosted_configuration_version(**self._ids(), VersionNumber=version["VersionNumber"])
        self._client().delete_configuration_profile(**self._ids())

    def events(self) -> list[RawEvent]:
        return self.account.events()

    def permission(self) -> str:
        return "appconfig:GetConfigurationProfile"

    def operation(self) -> str:
        return "appconfig:GetConfigurationProfile"

    def _client(self) -> Any:
        return self.account.client("appconfig")

    def _ids(self) -> dict[str, str]:
        return {"ApplicationId": self.application, "ConfigurationProfileId": self.profile}


@dataclass(slots=True)
class Item:
    account: Account
    table: Table = field(init=False)
    numbered: bool = False
    dated: bool = False

    def __post_init__(self) -> None:
        self.table = Table(self.account)

    def document(self) -> DocumentRef:
        name = f"{self.table.name}/pk=shop#prod&sk=new-checkout"
        return DocumentRef("dynamodb", self.account.number, self.account.region, name)

    def write(self, on: bool) -> None:
        self.table.put({"enabled": {"BOOL": on}})

    def delete(self) -> None:
        self.table.remove()

    def events(self) -> list[RawEvent]:
        return [parse_envelope(event) for event in [*self.table.records(), *self.table.data_events()]]

    def permission(self) -> str:
        return "dynamodb:GetItem"

    def operation(self) -> str:
        return "dynamodb:GetItem"


@dataclass(slots=True)
class Object:
    account: Account
    bucket: Bucket = field(init=False)
    numbered: bool = False
    dated: bool = True

    def __post_init__(self) -> None:
        self.bucket = Bucket(self.account)

    def document(self) -> DocumentRef:
        return DocumentRef("s3", self.account.number, self.account.region, f"{self.bucket.name}/{self.bucket.key}")

    def write(self, on: bool) -> None:
        self.bucket.put(json.dumps({"new-checkout": {"enabled": on}}))

    def delete(self) -> None:
        client = self.account.client("s3")
        for stored in client.list_object_versions(Bucket=self.bucket.name)["Versions"]:
            client.delete_object(Bucket=self.bucket.name, Key=self.bucket.key, VersionId=stored["VersionId"])

    def events(self) -> list[RawEvent]:
        return [parse_envelope(event) for event in self.bucket.events()]

    def permission(self) -> str:
        return "s3:ListBucketVersions"

    def operation(self) -> str:
        return "s3:ListObjectVersions"


# How services say what went wrong where they do not say it in JSON.
ERRORS = {"s3": f"<Error><Code>{{}}</Code><Message>no luck with {SECRET}</Message></Error>"}
STORES = {"ssm": Parameter, "appconfig": Profile, "dynamodb": Item, "s3": Object}
SETTINGS = Settings(
    sources=(
        *DEFAULT_SOURCES,
        SourceSettings("dynamodb", "dynamodb", table="feature-flags", keys=tuple(KEYS.items())),
        SourceSettings("s3", "s3", bucket="flags", key="{application}/{environment}/flags.json"),
    )
)


def settings_of(store: Store) -> Settings:
    """Return the settings under which a store is watched; a bucket's name is taken for all accounts."""
    bucket = f"flags-{store.account.number}"
    return replace(SETTINGS, sources=tuple(replace(s, bucket=s.bucket and bucket) for s in SETTINGS.sources))


@pytest.fixture(params=STORES)
def store(request, account) -> Store:
    return STORES[request.param](account)


@pytest.fixture
def source(store) -> FlagSource:
    return build(settings_of(store), store.account.clients())[store.document().source]


def is_on(snapshot: Snapshot) -> object:
    """Return what a store's one flag says at a version."""
    (entry,) = snapshot.entries.values()
    value = entry.state.value
    return value["enabled"] if isinstance(value, dict) else value


def test_every_source_is_held_to_this():
    assert STORES.keys() == SOURCES.keys()


def test_a_document_never_written_has_no_versions(store, source):
    reading = source.read(store.document(), None)

    assert (reading.snapshots, reading.unreadable, dict(reading.labels)) == ((), (), {})
    assert reading.document == store.document()


def test_versions_come_oldest_first_each_with_its_state(store, source):
    for on in (False, True, False):
        store.account.advance(minutes=1)
        store.write(on)

    reading = source.read(store.document(), None)
    states = [is_on(s) for s in reading.snapshots]

    assert reading.exists
    assert states == ([False, True, False] if store.dated else [False])
    assert reading.unversioned is not store.dated
    assert len({s.modified_at for s in reading.snapshots}) == len(states)
    assert len({s.version for s in reading.snapshots}) == len(states)
    assert reading.unreadable == ()
    assert not reading.fresh_life
    if store.numbered:
        assert [s.version for s in reading.snapshots] == ["1", "2", "3"]
        assert [s.ordinal for s in reading.snapshots] == [1, 2, 3]


def test_every_flag_has_its_application_and_key(store, source):
    store.write(True)

    (snapshot,) = source.read(store.document(), None).snapshots

    assert [str(entry.flag) for entry in snapshot.entries.values()] == ["shop/new-checkout"]


def test_only_what_is_beyond_the_cursor_is_read(store, source):
    store.write(False)
    first = source.read(store.document(), None)
    again = source.read(store.document(), held_after(first))
    store.account.advance(minutes=1)
    store.write(True)
    later = source.read(store.document(), held_after(first))

    assert again.snapshots == ()
    assert again.exists
    assert [is_on(s) for s in later.snapshots] == [True]
    assert later.unreadable == ()
    assert not later.fresh_life
    assert bool(later.uncovered) is not store.dated
    assert again.uncovered == ()


def test_listing_tells_the_newest_version(store, source):
    store.write(False)
    store.account.advance(minutes=1)
    store.write(True)
    (scope,) = source.scopes()

    (listing,) = source.list_documents(scope)
    newest = source.read(store.document(), None).snapshots[-1]

    assert (scope.source, scope.account, scope.region) == (source.name, store.account.number, store.account.region)
    assert listing.document == store.document()
    assert listing.modified_at in (None, newest.modified_at)
    if listing.entries is None:
        assert listing.version == newest.version
    else:
        assert listing.entries == newest.entries
        assert listing.read_at is not None


def test_a_deleted_document_is_gone(store, source):
    store.write(False)
    held = held_after(source.read(store.document(), None))
    store.delete()
    (scope,) = source.scopes()

    reading = source.read(store.document(), held)

    assert not reading.exists
    assert reading.snapshots == ()
    assert list(source.list_documents(scope)) == []


def test_what_the_store_itself_sends_leads_to_the_document(store, source):
    store.write(False)
    store.account.advance(minutes=1)
    store.write(True)
    told = [source.parse(event) for event in store.events()]
    documents = [one.document for notices in told for one in (*notices.hints, *notices.images)]

    assert len(documents) > 1
    assert set(documents) == {store.document()}


def test_who_made_a_version_is_in_the_calls(store, source):
    store.write(False)
    calls = [call for event in store.events() for call in source.parse(event).calls]
    versions = [target.version for call in calls for target in call.targets if target.document == store.document()]

    assert versions
    assert "1" in versions or not store.numbered
    assert {call.attribution.actor.name for call in calls} == {"alice"}


def test_an_event_of_another_sender_says_nothing(store, source):
    store.write(False)

    for event in store.events():
        for forged in (f"my.{source.name}", "aws.sqs", source.name, "aws.ssm.evil"):
            assert not source.parse(replace(event, source=forged))


def test_a_refused_reading_is_no_answer(store, source):
    store.write(True)
    store.account.aws.deny(store.account.reader, store.operation())

    with pytest.raises(StoreUnreadableError, match=store.permission()) as refused:
        source.read(store.document(), None)

    assert store.account.number in str(refused.value)


@pytest.mark.parametrize("code", ["ThrottlingException", "InternalServerError", "ExpiredTokenException", "Nonsense"])
def test_a_failing_store_is_no_answer(store, code):
    store.write(True)
    session = store.account.session()
    service, operation = store.operation().split(":")
    fail(
        session, service, operation, code, f"no luck with {SECRET}", body=ERRORS.get(service, "").format(code).encode()
    )
    source = build(settings_of(store), store.account.clients(session, config=ONCE))[store.document().source]

    with pytest.raises(StoreUnreadableError, match=store.permission()) as failed:
        source.read(store.document(), None)

    assert SECRET not in str(failed.value)


def test_another_account_is_never_read_with_ones_own_credentials(store, source):
    elsewhere = replace(store.document(), account="999988887777")

    store.account.aws.reset_calls()

    with pytest.raises(StoreUnreadableError, match="999988887777"):
        source.read(elsewhere, None)
    assert store.account.calls(source.name).total() == 0


def test_a_store_out_of_reach_is_no_answer(store, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    clients = AwsClients(own_account=store.account.number, region=store.account.region, config=ONCE)
    source = build(settings_of(store), clients)[store.document().source]
    (scope,) = source.scopes()

    with pytest.raises(StoreUnreadableError, match="no answer"):
        source.read(store.document(), None)
    with pytest.raises(StoreUnreadableError, match="no answer"):
        list(source.list_documents(scope))


def test_a_scope_tells_when_something_else_is_watched(store):
    clients = store.account.clients()
    settings = settings_of(store)
    wider = replace(settings, sources=tuple(
        replace(s, paths=("/x/{flag}",), applications=("other",), table="others", bucket="others")
        for s in settings.sources
    ))  # fmt: skip
    name = store.document().source

    (before,) = build(settings, clients)[name].scopes()
    (after,) = build(wider, clients)[name].scopes()

    assert (before.account, before.region) == (after.account, after.region)
    assert before.fingerprint != after.fingerprint
    assert build(settings, clients)[name].scopes() == (before,)
