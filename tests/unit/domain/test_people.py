from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.domain.diffing import diff
from auditor.domain.flags import FlagState
from auditor.domain.people import (
    PSEUDONYM,
    PeopleChange,
    conceal,
    counted,
    counted_diff,
    is_people,
    key_of,
    lacks_people,
    lists_people,
    names_in,
    names_person,
    people_change,
    people_view,
    pseudonyms_in,
    reveal,
)


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
        (["ann", "bob"], "allowed_user_list"),
        (["ann", "bob"], "usernames"),
        (["person#abcdefabcdefabcdefab", "person:erased-abcdefabcdefabcdefab"], None),
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
        (["user-search", "user-export"], "enabled_for"),
        (["customer-basic", "customer-pro"], "plans"),
        (["eu-west-1", "us-east-1"], "user-regions"),
        ([10, 20], "customer_limits"),
        (["a", "b"], "list"),
        (["a", "b"], "ids"),
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


NAMES = st.sampled_from([f"{name}@example.com" for name in ("ann", "bob", "cem", "dee", "eve", "fay")])
LISTS = st.lists(NAMES, max_size=6)
RULES = st.builds('(or (eq $email "{}") (eq $tier "gold"))'.format, NAMES)
VALUES = st.recursive(
    st.booleans() | st.integers(0, 9) | LISTS | st.lists(st.sampled_from(["eu", "us"]), max_size=3),
    lambda inner: (
        st.dictionaries(st.sampled_from(["a", "users", "value", "x/y"]), inner, max_size=3)
        | st.fixed_dictionaries({"rule": RULES, "n": inner})
    ),
    max_leaves=8,
)
STATES = st.builds(FlagState, VALUES, st.none() | st.dictionaries(st.just("d"), VALUES, max_size=1))


def pseudonyms(*states):
    keys = sorted({key_of(name) for state in states for name in names_in(state, "flag")})
    return {key: f"{PSEUDONYM}{number:020x}" for number, key in enumerate(keys)}


@given(STATES)
def test_what_is_concealed_names_nobody_and_is_revealed_as_it_was(state):
    known = pseudonyms(state)
    hidden = conceal(state, known, "flag")

    assert "@example.com" not in json.dumps(hidden.to_json())
    assert reveal(hidden, {pseudonym: json.loads(key) for key, pseudonym in known.items()}) == state
    assert lists_people(state, "flag") == bool(known)
    assert set(pseudonyms_in(hidden)) == set(known.values())


@given(STATES, STATES)
def test_what_is_shown_of_a_change_names_nobody_and_counts_everybody(before, after):
    known = pseudonyms(before, after)
    old, new = (conceal(state, known, "flag") for state in (before, after))
    shown = counted_diff(diff(old, new), old, new)
    text = json.dumps([entry.to_json() for entry in shown] + [counted(old).to_json(), counted(new).to_json()])

    assert bool(shown) == bool(diff(before, after)), "a change stays one"
    assert "@example.com" not in text
    assert PSEUDONYM not in text


@given(st.lists(NAMES, min_size=1, max_size=6), st.lists(NAMES, min_size=1, max_size=6))
def test_the_numbers_are_those_of_the_lists(before, after):
    states = FlagState({"users": before}), FlagState({"users": after})
    known = pseudonyms(*states)
    old, new = (conceal(state, known, "flag") for state in states)
    told = counted_diff(diff(old, new), old, new)
    change = people_change(before, after)

    if before == after:
        assert told == ()
    else:
        (entry,) = told
        assert (entry.op, entry.path, entry.before) == ("replace", "/value/users", {"people": change.before})
        assert entry.after == {"people": change.after, "added": change.added, "removed": change.removed}


def test_a_list_that_came_or_went_is_counted_where_it_stood():
    users = {"users": ["ann@example.com", "bob@example.com"]}
    known = pseudonyms(FlagState(users))
    old, new = conceal(FlagState({}), known, None), conceal(FlagState(users), known, None)

    assert [(e.op, e.path, e.after) for e in counted_diff(diff(old, new), old, new)] == [
        ("add", "/value/users", {"people": 2})
    ]
    assert [(e.op, e.before) for e in counted_diff(diff(new, None), new, None)] == [
        ("remove", {"users": {"people": 2}})
    ]
    assert counted(None) is None


def test_an_erased_person_stays_one_person_and_is_never_taken_for_a_new_one():
    state = FlagState({"users": ["ann", "bob"], "rule": '(eq $email "ann@example.com")'})
    known = pseudonyms(state)
    hidden = conceal(state, known, None)
    left = {known[key_of("bob")]: "bob"}
    erased = reveal(hidden, left)

    assert list(names_in(erased, None)) == ["bob"]
    assert conceal(erased, {key_of("bob"): known[key_of("bob")]}, None) == hidden
    assert erased.value["users"][1] == "bob"
    assert lacks_people(erased.value)
    assert lacks_people(counted(hidden).value)
    assert not lacks_people(state.value)


def test_a_number_is_another_person_than_the_same_digits():
    assert key_of(17) != key_of("17")
