from __future__ import annotations

import json

import pytest

from auditor.domain.people import PeopleChange, is_people, names_person, people_change, people_view


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (["a@example.com", "b@example.com"], None),
        (["user-17", "user-18"], None),
        (["usr_17", "cus_18"], "anything"),
        (["7f3c1a52-9d4e-4b8a-8c11-2e5d6f7a8b90"], "allowlist"),
        ([17, 18], "user_ids"),
        (["alice", "bob"], "betaUsers"),
        (["acme", "globex"], "tenants"),
    ],
)
def test_lists_of_people_are_known(value, name):
    assert is_people(value, name)
    assert people_view(value, field_name=name) == {"people": len(value)}


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (["eu-west-1", "us-east-1"], "regions"),
        (["a@example.com", "everybody"], "audience"),
        ([1, 2, 3], "thresholds"),
        ([], "users"),
        ("a@example.com", "users"),
        ([{"enabled": True}], "users"),
        ([True, False], "users"),
        (["user interface", "api"], "areas"),
    ],
)
def test_other_lists_are_not_taken_for_people(value, name):
    assert not is_people(value, name)
    assert people_view(value, field_name=name) == value


def test_a_change_of_people_is_told_in_numbers():
    before = ["a@example.com", "b@example.com", "b@example.com"]
    after = ["b@example.com", "c@example.com", "d@example.com"]

    assert people_change(before, after) == PeopleChange(before=2, after=3, added=2, removed=1)


def test_a_view_hides_people_at_any_depth_and_keeps_the_rest():
    value = {
        "enabled": True,
        "rules": [{"key": "email", "action": "IN", "value": ["x.y", "z"]}, {"key": "tier", "value": ["gold"]}],
        "allow": {"testers": ["alice", "bob", "alice"]},
    }

    assert people_view(value) == {
        "enabled": True,
        "rules": [{"key": "email", "action": "IN", "value": {"people": 2}}, {"key": "tier", "value": ["gold"]}],
        "allow": {"testers": {"people": 2}},
    }
    assert "alice" not in json.dumps(people_view(value))


@pytest.mark.parametrize(
    ("text", "expected"), [('(eq $email "a@example.com")', True), ("(eq $tier gold)", False), ("@", False)]
)
def test_addresses_in_a_text_are_seen(text, expected):
    assert names_person(text) is expected
