"""Reading parameters: kinds of values, labels, lives, lost versions, and what it costs."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from auditor.adapters.aws import answered_at
from auditor.adapters.sources import build
from auditor.adapters.sources.parameter_store import ParameterStoreSource
from auditor.domain.documents import DocumentReading, DocumentRef, HeldDocument, UnreadableVersion
from auditor.domain.errors import StoreUnreadableError
from auditor.domain.masking import keyed_fingerprint
from auditor.domain.templates import PathTemplates
from auditor.settings import Settings, SourceSettings
from tests.support.aws import Account, held_after

NAME = "/shop/prod/features/new-checkout"
CANARY = "correct-horse-battery-staple"
KEY = b"a key that only this test knows of"


@pytest.fixture
def source(account) -> ParameterStoreSource:
    return build(Settings(), account.clients())["ssm"]


def document(account: Account, name: str = NAME) -> DocumentRef:
    return DocumentRef("ssm", account.number, account.region, name)


def put(account: Account, value: str, name: str = NAME, **more: Any) -> None:
    account.advance(seconds=1)
    account.client("ssm").put_parameter(**({"Name": name, "Value": value, "Type": "String", "Overwrite": True} | more))


def value(reading: DocumentReading) -> Any:
    return reading.snapshots[-1].entries[""].state.value


@pytest.mark.parametrize(
    ("text", "kind", "said"),
    [
        ("true", "String", True),
        ("FALSE", "String", False),
        ("25", "String", 25),
        ("0.5", "String", 0.5),
        ("blue", "String", "blue"),
        ("{broken", "String", "{broken"),
        ('{"enabled": true, "rollout": 10}', "String", {"enabled": True, "rollout": 10}),
        ("eu-west-1,eu-central-1", "StringList", ["eu-west-1", "eu-central-1"]),
    ],
)
def test_a_value_is_read_as_what_it_says(account, source, text, kind, said):
    put(account, text, Type=kind)

    assert value(source.read(document(account), None)) == said


def test_a_version_knows_who_and_when(account, source):
    at = account.advance(seconds=1)
    put(account, "true")

    (snapshot,) = source.read(document(account), None).snapshots

    assert snapshot.modified_by == f"arn:aws:iam::{account.number}:user/alice"
    assert snapshot.modified_at == at + timedelta(seconds=1)


def test_a_securestring_is_never_decrypted_nor_shown(account, source):
    put(account, CANARY, Type="SecureString")
    put(account, CANARY + "2", Type="SecureString")

    reading = source.read(document(account), None)

    assert [s.entries[""].state.value for s in reading.snapshots] == [{"masked": True, "comparable": False}] * 2
    assert CANARY not in repr(reading)


def test_a_parameter_may_become_secure(account, source):
    put(account, "true")
    put(account, CANARY, Type="SecureString")

    reading = source.read(document(account), None)

    assert [s.metadata["type"] for s in reading.snapshots] == ["String", "SecureString"]
    assert CANARY not in repr(reading)


def test_a_credential_in_plain_text_is_masked_and_can_be_compared(account):
    secret = "AKIA" + "Z7XQW2N5T8RBKM4P"
    settings = Settings(fingerprint_key=KEY)
    source = build(settings, account.clients())["ssm"]
    for text in (secret, "AKIA" + "ABCDEFGH23456723", secret):
        put(account, text, Description=f"was {secret}")

    reading = source.read(document(account), None)
    first, second, third = (s.entries[""].state.value for s in reading.snapshots)

    assert first == {"masked": True, "comparable": True, "fingerprint": keyed_fingerprint(KEY)(secret)}
    assert first == third != second
    assert secret not in repr(reading)


def test_a_version_tells_what_policies_need(account, source):
    expiry = {"Type": "Expiration", "Version": "1.0", "Attributes": {"Timestamp": "2030-01-01T00:00:00.000Z"}}
    notice = {"Type": "NoChangeNotification", "Version": "1.0", "Attributes": {"After": "60", "Unit": "Days"}}
    put(
        account,
        "1",
        Tier="Advanced",
        Description="temporary",
        AllowedPattern="[0-9]+",
        Policies=json.dumps([expiry, notice]),
    )

    metadata = source.read(document(account), None).snapshots[0].metadata

    assert metadata["expires_at"] == "2030-01-01T00:00:00Z"
    assert metadata["tier"] == "Advanced"
    assert metadata["description"] == "temporary"
    assert metadata["allowed_pattern"] == "[0-9]+"
    assert [(p["type"], p["attributes"]) for p in metadata["policies"]] == [
        ("Expiration", expiry["Attributes"]),
        ("NoChangeNotification", notice["Attributes"]),
    ]


def test_labels_are_read_with_every_look(account, source):
    put(account, "false")
    put(account, "true")
    ssm = account.client("ssm")
    ssm.label_parameter_version(Name=NAME, ParameterVersion=1, Labels=["stable", "beta"])
    first = source.read(document(account), None)
    ssm.label_parameter_version(Name=NAME, ParameterVersion=2, Labels=["stable"])
    ssm.unlabel_parameter_version(Name=NAME, ParameterVersion=1, Labels=["beta"])
    second = source.read(document(account), held_after(first))

    assert first.labels == {"stable": "1", "beta": "1"}
    assert second.labels == {"stable": "2"}
    assert second.snapshots == ()


def recreate(account: Account, *values: str) -> None:
    account.client("ssm").delete_parameter(Name=NAME)
    account.advance(seconds=60)
    for text in values:
        put(account, text)


@pytest.mark.parametrize("after", [["x"], ["x", "y"], ["x", "y", "z"]])
def test_a_parameter_made_again_is_another_life(account, source, after):
    put(account, "a")
    put(account, "b")
    held = held_after(source.read(document(account), None))
    recreate(account, *after)

    reading = source.read(document(account), held)

    assert reading.fresh_life
    assert [s.entries[""].state.value for s in reading.snapshots] == after
    assert reading.unreadable == ()


def test_a_deletion_that_was_none_is_the_same_life(account, source):
    put(account, "a")
    held = replace(held_after(source.read(document(account), None)), alive=False)
    put(account, "b")

    reading = source.read(document(account), held)

    assert not reading.fresh_life
    assert [s.version for s in reading.snapshots] == ["2"]


def test_a_life_seen_to_end_does_not_go_on_where_nothing_proves_it(account, source):
    for number in range(102):
        put(account, str(number))
    gone = HeldDocument(document(account), 1, "1", 1, None, {}, {}, alive=False, checked_at=datetime.now(UTC))

    assert source.read(document(account), gone).fresh_life
    assert not source.read(document(account), replace(gone, alive=True)).fresh_life
    assert source.read(document(account), replace(gone, version=None, ordinal=None)).fresh_life


def test_versions_beyond_the_hundredth_are_named_as_lost(account, source):
    put(account, "first")
    held = held_after(source.read(document(account), None))
    for number in range(103):
        put(account, str(number))
    account.calls("ssm")

    first_look = source.read(document(account), None)
    next_look = source.read(document(account), held)

    assert [(u.first, u.last) for u in first_look.unreadable] == [(1, 4)]
    assert [(u.first, u.last) for u in next_look.unreadable] == [(2, 4)]
    assert [s.ordinal for s in next_look.snapshots] == list(range(5, 105))
    assert isinstance(first_look.unreadable[0], UnreadableVersion)
    assert account.calls("ssm") == {"GetParameterHistory": 4}


def test_listing_costs_a_call_for_fifty_and_shows_no_value(account, source):
    for number in range(60):
        put(account, "true", name=f"/shop/prod/features/flag-{number}")
        put(account, "true", name=f"/shop/prod/other/thing-{number}")
    (scope,) = source.scopes()
    account.calls("ssm")

    listed = list(source.list_documents(scope))

    assert sorted(entry.document.name for entry in listed) == sorted(f"/shop/prod/features/flag-{n}" for n in range(60))
    assert account.calls("ssm") == {"DescribeParameters": 3}


def test_listing_ten_thousand_costs_two_hundred_calls(account):
    at = datetime(2026, 3, 2, tzinfo=UTC)
    names = [f"/shop/prod/features/flag-{number}" for number in range(10_000)]
    asked: list[Any] = []

    def answer(params: dict[str, Any], **_event: Any) -> Any:
        asked.append(json.loads(params["body"]))
        begin = int(asked[-1].get("NextToken", 0))
        end = begin + asked[-1]["MaxResults"]
        page = {"Parameters": [{"Name": n, "Version": 7, "LastModifiedDate": at} for n in names[begin:end]]}
        return type("Answer", (), {"status_code": 200}), page | ({"NextToken": str(end)} if end < len(names) else {})

    session = account.session()
    session.events.register("before-call.ssm.DescribeParameters", answer)
    source = build(Settings(), account.clients(session))["ssm"]
    (scope,) = source.scopes()

    listed = list(source.list_documents(scope))

    assert [(entry.document.name, entry.version, entry.modified_at) for entry in listed[::9999]] == [
        (names[0], "7", at),
        (names[-1], "7", at),
    ]
    assert len(listed) == 10_000
    assert len(asked) == 200


def test_only_the_folders_of_the_templates_are_listed(account):
    tables = tuple(
        SourceSettings("ssm", "ssm", paths=(path,)) for path in ("/shop/prod/{flag}", "/shop/{flag}", "/x/{flag}")
    )
    source = build(Settings(sources=tables), account.clients())["ssm"]
    for name in ("/shop/a", "/shop/prod/b", "/shop/dev/c", "/x/d", "/y/e"):
        put(account, "true", name=name)
    (scope,) = source.scopes()
    account.calls("ssm")

    assert sorted(e.document.name for e in source.list_documents(scope)) == ["/shop/a", "/shop/prod/b", "/x/d"]
    assert account.calls("ssm") == {"DescribeParameters": 2}


def test_a_name_that_is_not_watched_is_not_read(account, source):
    put(account, CANARY, name="/shop/prod/database/password")
    account.calls("ssm")

    with pytest.raises(StoreUnreadableError, match="/shop/prod/database/password"):
        source.read(document(account, "/shop/prod/database/password"), None)
    assert account.calls("ssm").total() == 0


def test_an_answer_without_versions_is_no_answer(account):
    session = account.session()
    answer = (type("Answer", (), {"status_code": 200}), {"Parameters": []})
    session.events.register("before-call.ssm.GetParameterHistory", lambda **_event: answer)
    source = build(Settings(), account.clients(session))["ssm"]

    with pytest.raises(StoreUnreadableError):
        source.read(document(account), None)


def test_what_is_odd_in_an_answer_is_left_out(account):
    version = {
        "Name": NAME, "Version": 1, "Type": "String", "Value": "on", "LastModifiedUser": "N/A",
        "Policies": ["repr", {"PolicyType": "Expiration", "PolicyText": "{"}, {"PolicyType": "Expiration", "PolicyText": '{"Attributes":{"Timestamp":"soon"}}'}],
    }  # fmt: skip
    session = account.session()
    answer = (type("Answer", (), {"status_code": 200}), {"Parameters": [version]})
    session.events.register("before-call.ssm.GetParameterHistory", lambda **_event: answer)
    source = build(Settings(), account.clients(session))["ssm"]

    (snapshot,) = source.read(document(account), None).snapshots

    assert (snapshot.modified_by, snapshot.modified_at) == (None, None)
    assert "expires_at" not in snapshot.metadata


def test_the_answer_is_dated_by_the_store():
    otherwise = datetime(2026, 1, 1, tzinfo=UTC)

    def dated(date: object) -> datetime:
        return answered_at({"ResponseMetadata": {"HTTPHeaders": {"date": date}}}, otherwise)

    assert dated("Mon, 02 Mar 2026 09:00:00 GMT") == datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
    assert dated("Mon, 02 Mar 2026 10:00:00 +0100") == datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
    assert dated("Mon, 02 Mar 2026 09:00:00 -0000") == datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
    assert dated("lately") == dated(None) == answered_at({}, otherwise) == otherwise


def test_templates_without_an_application_give_a_flag_without_one(account):
    source = build(Settings(sources=(SourceSettings("ssm", "ssm", paths=("/{flag}",)),)), account.clients())["ssm"]
    put(account, "true", name="/dark-mode")

    (entry,) = source.read(document(account, "/dark-mode"), None).snapshots[0].entries.values()

    assert (entry.flag.application, entry.flag.key, entry.environment) == ("", "dark-mode", None)
    assert PathTemplates.parse(("/{flag}",)).match("/dark-mode")
