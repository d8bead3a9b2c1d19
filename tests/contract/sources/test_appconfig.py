"""Reading AppConfig: several flags in a profile, versions without date or author, and what a look costs."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from auditor.adapters.sources import build
from auditor.adapters.sources.appconfig import AppConfigSource
from auditor.application.envelopes import parse_envelope
from auditor.domain.documents import DocumentReading, DocumentRef
from auditor.domain.errors import StoreUnreadableError
from auditor.domain.events import Operation
from auditor.domain.times import parse_rfc3339
from auditor.settings import Settings, SourceSettings
from tests.support.aws import Account, fail, flag_document, held_after

FEATURE_FLAGS = "AWS.AppConfig.FeatureFlags"
POWERTOOLS = {"features": {"dark-mode": {"default": False, "rules": {"beta": {"when_match": True, "conditions": []}}}}}


@dataclass(slots=True)
class Shop:
    """An application with one profile, as its people use it."""

    account: Account
    name: str = "shop"
    type: str = FEATURE_FLAGS
    location: str = "hosted"
    application: str = ""
    profile: str = ""

    def __post_init__(self) -> None:
        self.application = self.application or self.client.create_application(Name=self.name)["Id"]
        self.profile = self.make_profile("checkout", self.type, self.location)

    @property
    def client(self) -> Any:
        return self.account.client("appconfig")

    @property
    def ids(self) -> dict[str, str]:
        return {"ApplicationId": self.application, "ConfigurationProfileId": self.profile}

    @property
    def document(self) -> DocumentRef:
        name = f"{self.application}/{self.profile}"
        return DocumentRef("appconfig", self.account.number, self.account.region, name)

    def make_profile(self, name: str, kind: str = FEATURE_FLAGS, location: str = "hosted") -> str:
        role = {} if location == "hosted" else {"RetrievalRoleArn": f"arn:aws:iam::{self.account.number}:role/reader"}
        return self.client.create_configuration_profile(
            ApplicationId=self.application, Name=name, LocationUri=location, Type=kind, **role
        )["Id"]

    def save(self, content: Any, kind: str = "application/json", **more: Any) -> datetime:
        """Write a version and return when."""
        self.account.advance(minutes=1)
        text = content if isinstance(content, str | bytes) else json.dumps(content)
        self.client.create_hosted_configuration_version(**self.ids, Content=text, ContentType=kind, **more)
        return self.account.aws.now()

    def flags(self, **enabled: bool) -> datetime:
        return self.save(flag_document({key: {"enabled": on} for key, on in enabled.items()}))

    def drop(self, *versions: int) -> None:
        for version in versions:
            self.client.delete_hosted_configuration_version(**self.ids, VersionNumber=version)


@pytest.fixture
def source(account) -> AppConfigSource:
    return build(Settings(), account.clients())["appconfig"]


@pytest.fixture
def shop(account) -> Shop:
    return Shop(account)


def states(reading: DocumentReading) -> list[dict[str, Any]]:
    return [{e.flag.key: e.state.value for e in s.entries.values()} for s in reading.snapshots]


def test_every_flag_of_a_profile_is_an_entry_with_both_halves(shop, source):
    content = json.loads(flag_document({"a": {"enabled": True, "limit": 3}, "b": {"enabled": False}}))
    content["flags"]["a"] |= {
        "_deprecation": {"status": "planned", "date": "2026-12-31"},
        "attributes": {"limit": {"constraints": {"type": "number"}}},
    }
    shop.save(content, Description="two flags")

    reading = source.read(shop.document, None)
    (snapshot,) = reading.snapshots
    entry = snapshot.entries["/a"]

    assert list(snapshot.entries) == ["/a", "/b"]
    assert (str(entry.flag), entry.environment, entry.state.has_value) == ("shop/a", None, True)
    assert entry.state.value == {"enabled": True, "limit": 3}
    assert entry.state.definition == content["flags"]["a"]
    assert (reading.title, reading.staged) == ("shop/checkout", True)
    assert snapshot.metadata["description"] == "two flags"
    assert snapshot.metadata["profile_type"] == FEATURE_FLAGS


def test_a_flag_may_lack_either_half(shop, source):
    shop.save({"version": "1", "flags": {"planned": {"name": "Planned"}}, "values": {}})

    (snapshot,) = source.read(shop.document, None).snapshots
    entry = snapshot.entries["/planned"]

    assert (entry.state.has_value, entry.state.value, entry.state.definition) == (False, None, {"name": "Planned"})


def test_versions_are_dated_by_their_newest_flag(shop, source):
    first = shop.flags(a=False, b=False)
    second = shop.flags(a=False, b=True)
    third = shop.flags(b=True)  # removing a flag leaves no date

    snapshots = source.read(shop.document, None).snapshots
    stamps = snapshots[1].metadata["updated_at"]

    assert [s.modified_at for s in snapshots] == [first, second, None]
    assert third > second
    assert {path: parse_rfc3339(at) for path, at in stamps.items()} == {"/a": first, "/b": second}


def test_the_cursor_dates_the_version_after_it(shop, source):
    shop.flags(a=False, b=False)
    held = held_after(source.read(shop.document, None))
    second = shop.flags(a=False, b=True)
    reading = source.read(shop.document, held)
    later = held_after(reading, held)
    shop.flags(b=True)

    assert [s.modified_at for s in reading.snapshots] == [second]
    assert [s.modified_at for s in source.read(shop.document, later).snapshots] == [None]


def test_a_version_after_a_lost_one_is_not_dated(shop, source):
    shop.flags(a=False)
    shop.flags(a=True)
    shop.flags(b=True)
    shop.drop(2)

    reading = source.read(shop.document, None)

    assert [(s.version, s.modified_at is None) for s in reading.snapshots] == [("1", False), ("3", True)]
    assert [(u.first, u.last) for u in reading.unreadable] == [(2, 2)]


def test_versions_deleted_before_they_were_read_are_named(shop, source):
    for on in (True, False, True, False, True, False):
        shop.flags(a=on)
    shop.drop(1, 3, 4)
    held = replace(held_after(source.read(shop.document, None)), version="2", ordinal=2)

    first, later = source.read(shop.document, None), source.read(shop.document, held)

    assert [(u.first, u.last) for u in first.unreadable] == [(1, 1), (3, 4)]
    assert [(u.first, u.last) for u in later.unreadable] == [(3, 4)]
    assert [s.version for s in later.snapshots] == ["5", "6"]


def test_a_newest_version_deleted_is_no_new_life(shop, source):
    shop.flags(a=True)
    shop.flags(a=False)
    held = held_after(source.read(shop.document, None))
    shop.drop(2)

    reading = source.read(shop.document, held)

    assert (reading.exists, reading.fresh_life, reading.snapshots, reading.unreadable) == (True, False, (), ())


def test_a_version_that_goes_while_it_is_read_is_named(account, shop):
    shop.flags(a=True)
    shop.flags(a=False)
    session = account.session()
    fail(session, "appconfig", "GetHostedConfigurationVersion", "ResourceNotFoundException", status=404)
    source = build(Settings(), account.clients(session))["appconfig"]

    reading = source.read(shop.document, None)

    assert reading.snapshots == ()
    assert [(u.first, u.last) for u in reading.unreadable] == [(1, 2)]


def test_a_secret_in_a_flag_is_masked(shop, source):
    secret = "AKIA" + "Z7XQW2N5T8RBKM4P"
    attributes = {"key": {"constraints": {"type": "string"}}}
    content = json.loads(flag_document({"a": {"enabled": True, "key": secret}}))
    content["flags"]["a"] |= {"attributes": attributes, "description": f"uses {secret}"}
    shop.save(content, Description=f"for {secret}")

    assert secret not in repr(source.read(shop.document, None))


@pytest.mark.parametrize(
    "content",
    [POWERTOOLS, POWERTOOLS["features"], {"version": "1", "flags": {}, "values": {"dark-mode": {"enabled": True}}}],
)
def test_a_freeform_profile_that_holds_flags_is_watched(account, source, content):
    shop = Shop(account, type="AWS.Freeform")
    shop.save(content)
    (scope,) = source.scopes()

    reading = source.read(shop.document, None)

    assert [list(s) for s in states(reading)] == [["dark-mode"]]
    assert [entry.document for entry in source.list_documents(scope)] == [shop.document]


def test_a_powertools_flag_is_found_where_it_stands(account, source):
    shop = Shop(account, type="AWS.Freeform")
    shop.save({"logging": {"level": "INFO"}, **POWERTOOLS})

    (snapshot,) = source.read(shop.document, None).snapshots

    assert {path: entry.state.value for path, entry in snapshot.entries.items()} == {
        "/features/dark-mode": POWERTOOLS["features"]["dark-mode"]
    }


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        ({"logging": {"level": "INFO"}}, "application/json"),
        ({"properties": {"x": {"type": "boolean", "default": True}}}, "application/json"),
        ({"version": "1"}, "application/json"),
        ("features: {}", "application/x-yaml"),
        ("{broken", "text/plain"),
        (b"\xff\xfe", "application/octet-stream"),
    ],
)
def test_a_freeform_profile_without_flags_is_not(account, source, content, kind):
    shop = Shop(account, type="AWS.Freeform")
    shop.save(content, kind)
    (scope,) = source.scopes()

    reading = source.read(shop.document, None)

    assert (reading.exists, reading.snapshots, reading.unreadable) == (True, (), ())
    assert list(source.list_documents(scope)) == []


def test_a_freeform_profile_that_loses_its_flags_shows_it(account, source):
    shop = Shop(account, type="AWS.Freeform")
    shop.save(POWERTOOLS)
    held = held_after(source.read(shop.document, None))
    shop.save({"logging": {}})

    (snapshot,) = source.read(shop.document, held).snapshots

    assert (snapshot.version, dict(snapshot.entries)) == ("2", {})


def test_content_kept_elsewhere_is_not_watched(account, source):
    account.client("ssm").put_parameter(Name="/shop/checkout", Value="{}", Type="String")
    shop = Shop(account, type="AWS.Freeform", location="ssm-parameter:///shop/checkout")
    (scope,) = source.scopes()

    assert source.read(shop.document, None).snapshots == ()
    assert list(source.list_documents(scope)) == []


def test_a_broken_flag_document_is_named_as_unreadable(account, shop):
    shop.flags(a=True)
    shop.flags(a=False)
    session = account.session()
    session.events.register("after-call.appconfig.GetHostedConfigurationVersion", _break_the_first)
    source = build(Settings(), account.clients(session))["appconfig"]

    reading = source.read(shop.document, None)

    assert [(u.first, u.last) for u in reading.unreadable] == [(1, 1)]
    assert "flag document" in reading.unreadable[0].reason
    assert [s.version for s in reading.snapshots] == ["2"]


def _break_the_first(parsed: dict[str, Any], **_event: Any) -> None:
    if parsed["VersionNumber"] == 1:
        parsed["Content"].read()
        parsed["Content"] = type("Body", (), {"read": lambda _self: b'{"version":"2"}'})()


def test_stamps_of_the_future_say_nothing(account, shop):
    shop.flags(a=True)
    session = account.session()
    session.events.register("after-call.appconfig.GetHostedConfigurationVersion", _stamp_later)
    source = build(Settings(), account.clients(session))["appconfig"]

    (snapshot,) = source.read(shop.document, None).snapshots

    assert snapshot.modified_at is None
    assert snapshot.metadata["updated_at"] == {}


def _stamp_later(parsed: dict[str, Any], **_event: Any) -> None:
    parsed["Content"].read()
    later = {"enabled": True, "_updatedAt": "2999-01-01T00:00:00.000Z"}
    body = json.dumps({"version": "1", "values": {"a": later, "b": later | {"_updatedAt": "soon"}}}).encode()
    parsed["Content"] = type("Body", (), {"read": lambda _self: body})()


def test_only_what_is_configured_is_watched(account):
    shop, other = Shop(account), Shop(account, name="billing")
    shop.make_profile("experiments")
    for one in (shop, other):
        one.flags(a=True)

    def watched(**table: Any) -> set[str | None]:
        settings = Settings(sources=(SourceSettings("appconfig", "appconfig", **table),))
        source = build(settings, account.clients())["appconfig"]
        (scope,) = source.scopes()
        return {entry.title for entry in source.list_documents(scope)}

    assert watched() == {"shop/checkout", "shop/experiments", "billing/checkout"}
    assert watched(applications=("shop",)) == {"shop/checkout", "shop/experiments"}
    assert watched(applications=(other.application,)) == {"billing/checkout"}
    assert watched(profiles=("check*",)) == {"shop/checkout", "billing/checkout"}
    assert watched(applications=("nobody",)) == set()
    assert watched(accounts=("999988887777", account.number)[1:]) == watched()


def test_a_profile_that_is_not_watched_is_not_read(account, shop):
    shop.flags(a=True)
    settings = Settings(sources=(SourceSettings("appconfig", "appconfig", applications=("billing",)),))
    source = build(settings, account.clients())["appconfig"]

    assert source.read(shop.document, None).snapshots == ()


def test_nothing_changed_costs_one_look_a_profile(account, shop, source):
    for profile in ("one", "two"):
        shop.make_profile(profile)
    shop.flags(**{f"flag-{n}": True for n in range(100)})
    (scope,) = source.scopes()
    account.calls("appconfig")

    assert len(list(source.list_documents(scope))) == 3
    assert account.calls("appconfig") == {
        "ListApplications": 1,
        "ListConfigurationProfiles": 1,
        "ListHostedConfigurationVersions": 3,
    }


def test_a_look_reads_each_new_version_once(account, shop, source):
    shop.flags(a=True)
    held = held_after(source.read(shop.document, None))
    shop.flags(a=False)
    shop.flags(a=True)
    account.calls("appconfig")

    assert len(source.read(shop.document, held).snapshots) == 2
    assert account.calls("appconfig") == {
        "GetConfigurationProfile": 1,
        "ListHostedConfigurationVersions": 1,
        "GetHostedConfigurationVersion": 2,
    }


def test_a_renamed_application_is_known_by_its_new_name_in_time(account, shop):
    shop.flags(a=True)
    now = account.aws.now()
    source = AppConfigSource(account.clients(), now=lambda: now)
    before = source.read(shop.document, None).title
    account.client("appconfig").update_application(ApplicationId=shop.application, Name="store")
    soon = source.read(shop.document, None).title
    now += timedelta(minutes=6)

    assert (before, soon, source.read(shop.document, None).title) == (
        "shop/checkout",
        "shop/checkout",
        "store/checkout",
    )


def test_a_deleted_profile_is_told_with_its_name(account, shop, source):
    shop.flags(a=True)
    held = held_after(source.read(shop.document, None))
    shop.drop(1)
    account.events()
    account.client("appconfig").delete_configuration_profile(**shop.ids)
    (hint,) = [hint for event in account.events() for hint in source.parse(event).hints]

    reading = source.read(shop.document, held)

    assert (reading.exists, reading.title) == (False, "shop/checkout")
    assert (hint.operation, hint.document) == (Operation.DELETED, shop.document)


def test_an_application_that_goes_while_it_is_listed_is_passed_over(account, shop):
    shop.flags(a=True)
    session = account.session()
    for operation in ("ListConfigurationProfiles", "ListEnvironments"):
        fail(session, "appconfig", operation, "ResourceNotFoundException", status=404)
    source = build(Settings(), account.clients(session))["appconfig"]
    (scope,) = source.scopes()

    assert list(source.list_documents(scope)) == []
    assert list(source.list_environments(scope)) == []


def test_an_extension_call_is_a_hint_where_the_credentials_are(account, shop, source):
    payload = {
        "InvocationId": "vlns753",
        "Parameters": {},
        "Type": "PreCreateHostedConfigurationVersion",
        "Application": {"Id": shop.application, "Name": "shop"},
        "ConfigurationProfile": {"Id": shop.profile, "Name": "checkout"},
        "ContentVersion": "1",
    }
    (hint,) = source.parse(parse_envelope(payload)).hints

    assert (hint.document, hint.version) == (shop.document, "1")


def test_an_extension_call_waits_where_nobody_knows_whose_it_is(account, shop, monkeypatch):
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    session = account.session()
    fail(session, "sts", "GetCallerIdentity", "AccessDenied", status=403)
    source = build(Settings(), account.clients(session))["appconfig"]
    payload = {
        "InvocationId": "vlns753",
        "Type": "PreCreateHostedConfigurationVersion",
        "Application": {"Id": shop.application, "Name": "shop"},
        "ConfigurationProfile": {"Id": shop.profile, "Name": "checkout"},
    }
    (hint,) = source.parse(parse_envelope(payload)).hints

    with pytest.raises(StoreUnreadableError, match="no account"):
        source.read(hint.document, None)


@pytest.mark.parametrize("falling", [True, False])
def test_the_newest_version_is_found_in_whatever_order_they_are_listed(account, shop, falling):
    """AWS documents no order: over several pages the newest may come first or last."""
    shop.flags(a=True)
    numbers = sorted(range(1, 121), reverse=falling)

    def answer(params, **_event):
        begin = int(params["query_string"].get("next_token", 0))
        items = [{"VersionNumber": number} for number in numbers[begin : begin + 50]]
        more = {"NextToken": str(begin + 50)} if begin + 50 < len(numbers) else {}
        return type("Answer", (), {"status_code": 200}), {"Items": items, **more}

    session = account.session()
    session.events.register("before-call.appconfig.ListHostedConfigurationVersions", answer)
    source = build(Settings(), account.clients(session))["appconfig"]
    (scope,) = source.scopes()
    held = held_after(source.read(shop.document, None))

    (listing,) = source.list_documents(scope)
    later = source.read(shop.document, replace(held, version="60", ordinal=60))

    assert listing.version == "120"
    assert [(one.first, one.last) for one in later.unreadable] == [(61, 120)]
    assert source.read(shop.document, replace(held, version="120", ordinal=120)).unreadable == ()
