from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.domain.changes import ChangeKind, DeploymentInfo
from auditor.domain.diffing import diff
from auditor.domain.flags import FlagState
from auditor.domain.sentences import MAX_LENGTH, describe_diff, summarize

NOTHING = object()
HIDDEN = {"masked": True, "comparable": False}
UNREADABLE = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def mark(fingerprint):
    return {"masked": True, "comparable": True, "fingerprint": fingerprint}


def sentence(before=NOTHING, after=NOTHING, kind="updated", *, environment="prod", definitions=(None, None), **more):
    old = None if before is NOTHING else FlagState(before, definitions[0])
    new = None if after is NOTHING else FlagState(after, definitions[1])
    facts = {"flag": "x", "application": "shop", "version_before": "1", "version_after": "2"} | more
    return summarize(
        kind=ChangeKind(kind), environment=environment, before=old, after=new, diff=diff(old, new), **facts
    )


def defined(before, after):
    return sentence({"enabled": True}, {"enabled": True}, definitions=(before, after), environment=None)


def variants(*elements):
    return {"_variants": [dict(zip(("name", "enabled", "rule"), element, strict=False)) for element in elements]}


EU = ("EU customers", True, '(eq $country "DE")')
BASE = ("Default", False)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (False, True, "enabled in prod"),
        (True, False, "disabled in prod"),
        (10, 25, "value 10 → 25 in prod"),
        (10, 10.5, "value 10 → 10.5 in prod"),
        (2.0, 3.0, "value 2 → 3 in prod"),
        ("blue", "dark green", 'value blue → "dark green" in prod'),
        ("", "x", 'value "" → x in prod'),
        (None, 5, "value set to 5 in prod"),
        (5, None, "value removed (was 5) in prod"),
        (True, {"enabled": True}, 'value true → {"enabled": true} in prod'),
        ({"enabled": False}, {"enabled": True}, "enabled in prod"),
        ({"enabled": False, "rollout": 10}, {"enabled": True, "rollout": 50}, "enabled, rollout 10% → 50% in prod"),
        ({"rollout": 10}, {"rollout": 50.0}, "rollout 10% → 50% in prod"),
        ({"rolloutPercentage": 0}, {"rolloutPercentage": 100}, "rollout 0% → 100% in prod"),
        ({"pct": 0.1}, {"pct": 0.5}, "rollout 10% → 50% in prod"),
        ({"pct": 1}, {"pct": 5}, "rollout 1% → 5% in prod"),
        ({"eu": {"rollout": 1}}, {"eu": {"rollout": 5}}, "eu.rollout 1% → 5% in prod"),
        ({}, {"rollout": 5}, "rollout set to 5% in prod"),
        ({"rollout": 5}, {}, "rollout removed (was 5%) in prod"),
        ({"rollout": "5"}, {"rollout": "6"}, "rollout 5 → 6 in prod"),
        ({"weight": 1}, {"weight": 3}, "weight 1 → 3 in prod"),
        ({"color": "blue"}, {"color": "green"}, "color blue → green in prod"),
        ({}, {"color": "blue"}, "color set to blue in prod"),
        ({"color": "blue"}, {}, "color removed (was blue) in prod"),
        ({"limits": {"daily": 5}}, {"limits": {"daily": 6}}, "limits.daily 5 → 6 in prod"),
        (["us-east-1"], ["eu-west-1"], "list gained eu-west-1, lost us-east-1 in prod"),
        (["a"], ["a", "b", "c", "d", "e"], "list gained b, c, d and 1 more in prod"),
        (["a", "b"], ["b", "a"], "order of list changed in prod"),
        ({"regions": ["a", "b"]}, {"regions": ["b"]}, "regions lost a in prod"),
        ({"steps": [[1], [2]]}, {"steps": [[1]]}, "steps: 1 entry removed in prod"),
        ([{"name": "a", "limit": 1}], [{"name": "a", "limit": 2}], "“a”.limit 1 → 2 in prod"),
        ([{"limit": 1}], [{"limit": 2}], "#1.limit 1 → 2 in prod"),
        (
            {"s": ["a@example.com"]},
            {"s": ["b@example.com", "c@example.com"]},
            "s gained 2 people, lost 1 (now 2) in prod",
        ),
        ({"users": ["alice", "bob"]}, {"users": ["alice"]}, "users lost 1 person (now 1) in prod"),
        ({"users": ["alice"]}, {}, "users removed (was 1 person) in prod"),
        ({"users": ["alice", "bob"]}, {"users": ["bob", "alice"]}, "users in another order (now 2) in prod"),
        ("v" * 100, "w", f'value "{"v" * 39}…" → w in prod'),
        ("a" * 100 + "1", "a" * 100 + "2", "value changed in prod"),
        ({"enabled": "x"}, {"enabled": True}, "enabled x → true in prod"),
        ({"sound": True}, {"sound": False}, "sound true → false in prod"),
        ({}, {"all": {"key": HIDDEN, "n": 1}}, 'all set to {"key": "…", "n": 1} in prod'),
        ({}, {"all": [HIDDEN, 1]}, "all set to 2 entries in prod"),
        ({"a": list(range(9))}, {"a": {"b": [1]}}, "a 9 entries → 1 field in prod"),
    ],
)
def test_values(before, after, expected):
    assert sentence(before, after) == expected


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (variants(BASE), variants(EU, BASE), "rule “EU customers” added"),
        (variants(EU, BASE), variants(BASE), "rule “EU customers” removed"),
        (variants(BASE), variants(("Dark", True), BASE), "variant “Dark” added"),
        (
            variants(EU, ("QA", True, "x"), BASE),
            variants(("QA", True, "x"), EU, BASE),
            "rule “EU customers” moved to position 2",
        ),
        (
            variants(EU, ("QA", True, "x"), BASE),
            variants(("QA", True, "x"), ("EU customers", False, "y"), BASE),
            "rule “EU customers” moved to position 2 and changed",
        ),
        (variants(EU, BASE), variants(("EU customers", False, EU[2]), BASE), "rule “EU customers” disabled"),
        (
            variants(("Some", True, '(split pct::10 by::$id seed::"a")'), BASE),
            variants(("Some", True, '(split pct::50 by::$id seed::"a")'), BASE),
            "rollout 10% → 50% for “Some”",
        ),
        (
            variants(("Some", True, "(split pct::10 by::$id)"), BASE),
            variants(("Some", True, "(split pct::50 by::$tenant)"), BASE),
            'rule “Some” changed: "(split pct::10 by::$id)" → "(split pct::50 by::$tenant)"'.replace('"', ""),
        ),
        (
            variants(("Some", True, '(eq $email "a@example.com")'), BASE),
            variants(("Some", True, '(eq $email "b@example.com")'), BASE),
            "rule “Some” changed",
        ),
        (variants(("Some", True)), variants(("Some", True, "x")), "rule “Some” given a condition"),
        (variants(("Some", True, "x")), variants(("Some", True)), "rule “Some” made unconditional"),
        (
            {"_variants": [{"name": "A", "attributeValues": {"color": "blue"}}]},
            {"_variants": [{"name": "A", "attributeValues": {"color": "red"}}]},
            "rule “A”: color blue → red",
        ),
        (
            {"_variants": [{"name": "A"}]},
            {"_variants": [{"name": "A", "attributeValues": {"color": "red"}}]},
            'rule “A”: attributeValues set to {"color": "red"}',
        ),
        ({"default": False}, {"default": True}, "enabled by default"),
        ({"default": False}, {"default": False, "rules": {"EU": {"when_match": True}}}, "rule “EU” added"),
        ({"rules": {"EU": {"when_match": True}}}, {}, "rule “EU” removed"),
        ({"rules": {"EU": {}}}, {"rules": {"EU": {}, "US": {}}}, "rule “US” added"),
        (
            {"rules": {"EU": {"when_match": 25}}},
            {"rules": {"EU": {"when_match": 50}}},
            "rule “EU” now gives 50 (was 25)",
        ),
        (
            {"rules": {"EU": {"conditions": [{"action": "EQUALS", "key": "tier", "value": "a"}]}}},
            {"rules": {"EU": {"conditions": [{"action": "EQUALS", "key": "tier", "value": "b"}]}}},
            "rule “EU”: conditions.“tier”.value a → b",
        ),
        ({"rules": [{"x": 1}]}, {"rules": [{"x": 2}]}, "rules.#1.x 1 → 2"),
    ],
)
def test_rules(before, after, expected):
    assert sentence(before, after, environment=None) == expected


def spread(start, end, base=100):
    condition = {"action": "MODULO_RANGE", "key": "user_id", "value": {"BASE": base, "START": start, "END": end}}
    return {"default": False, "rules": {"some": {"when_match": True, "conditions": [condition]}}}


def test_a_range_of_users_is_a_rollout():
    assert sentence(spread(0, 9), spread(0, 49)) == "rollout 10% → 50% for “some” in prod"
    assert sentence(spread(0, 9), spread(10, 29)) == "rollout 10% → 20% for “some” in prod"
    assert sentence(spread(0, 9), spread(10, 19)) == "rule “some”: another range of users in prod"
    assert "rule “some”: another range of users" in sentence(
        {"rules": {"some": {"conditions": [{"value": {}}]}}}, spread(0, 9)
    )
    assert sentence(spread(0, 9), spread(0, 9, base=0)) == "rule “some”: another range of users in prod"


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({}, {"_deprecation": {"status": "planned"}}, "marked short-term"),
        (
            {},
            {"_deprecation": {"status": "planned", "date": "2026-12-01"}},
            "marked short-term, deprecation date set to 2026-12-01",
        ),
        (
            {"_deprecation": {"status": "planned"}},
            {"_deprecation": {"status": "planned", "date": "2026-12-01"}},
            "deprecation date set to 2026-12-01",
        ),
        (
            {"_deprecation": {"date": "2026-11-01"}},
            {"_deprecation": {"date": "2026-12-01"}},
            "deprecation date set to 2026-12-01 (was 2026-11-01)",
        ),
        ({"_deprecation": {"date": "2026-11-01"}}, {"_deprecation": {}}, "deprecation date removed (was 2026-11-01)"),
        ({"_deprecation": {"status": "planned"}}, {}, "no longer marked short-term"),
        ({"_deprecation": {"status": "a"}}, {"_deprecation": {"status": "b"}}, "definition _deprecation.status a → b"),
        (None, {"name": "New"}, "definition added"),
        ({"name": "New"}, None, "definition removed"),
        ({"name": "Old name"}, {"name": "New"}, 'renamed "Old name" → New'),
        ({"description": "a"}, {"description": "b"}, "description changed"),
        ({}, {"description": "b"}, "description added"),
        ({"attributes": {}}, {"attributes": {"color": {}}}, "attribute “color” added"),
        (
            {"attributes": {"n": {"constraints": {"maximum": 5}}}},
            {"attributes": {"n": {"constraints": {"maximum": 10}}}},
            "constraint of attribute “n”: maximum 5 → 10",
        ),
    ],
)
def test_definitions(before, after, expected):
    assert defined(before, after) == expected


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (HIDDEN, dict(HIDDEN), "secret changed (value not shown)"),
        (mark("k:1"), mark("k:2"), "secret changed (value not shown)"),
        (mark("k:1"), mark("j:1"), "secret written under another fingerprint key (cannot tell whether it changed)"),
        ({"api_key": mark("k:1")}, {"api_key": mark("k:2")}, "secret api_key changed (value not shown)"),
        ({}, {"api_key": HIDDEN}, "secret api_key added (value not shown)"),
        ({"api_key": HIDDEN}, {}, "secret api_key removed (value not shown)"),
        ({"key": "x"}, {"key": HIDDEN}, "key x → a secret (value not shown)"),
        (HIDDEN, "plain", "value now plain (was a secret, not shown)"),
        ([HIDDEN], [dict(HIDDEN)], "secret #1 changed (value not shown)"),
    ],
)
def test_secrets(before, after, expected):
    assert sentence(before, after, environment=None) == expected


ALARM = "Rollback initiated by CloudWatch Alarm: arn:aws:cloudwatch:eu-west-1:123456789012:alarm:checkout-5xx-prod"
DENIAL = (
    "AccessDenied: User: arn:aws:sts::123456789012:assumed-role/R/b is not authorized to perform: ssm:PutParameter "
    "on resource: arn:aws:ssm:eu-west-1:123456789012:parameter/shop/prod/features/x because no policy allows it"
)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"after": False, "kind": "created"}, "created as false in prod"),
        ({"after": {"enabled": False}, "kind": "created"}, "created, disabled in prod"),
        ({"after": HIDDEN, "kind": "created"}, "created (value not shown) in prod"),
        ({"after": ["a", "b"], "kind": "created"}, "created as [a, b] in prod"),
        ({"after": variants(EU, BASE), "kind": "created"}, "created (2 variants) in prod"),
        ({"before": True, "kind": "deleted"}, "deleted (was true) in prod"),
        ({"before": {"enabled": True}, "kind": "deleted"}, "deleted (was enabled) in prod"),
        ({"before": HIDDEN, "kind": "deleted"}, "deleted (value not shown) in prod"),
        ({"before": True, "kind": "expired"}, "expired (was true) in prod"),
        ({"after": True, "kind": "updated"}, "now true in prod"),
        ({"before": True, "after": True, "kind": "updated"}, "changed in prod"),
        ({"before": 1, "after": 2, "kind": "label_moved", "label": "stable"}, "label stable moved from version 1 to 2 in prod: value 1 → 2"),
        ({"before": 1, "after": 1, "kind": "label_moved", "label": "stable"}, "label stable moved from version 1 to 2 in prod"),
        ({"after": 1, "kind": "label_moved", "label": "stable", "version_before": None}, "label stable set on version 2 in prod"),
        ({"before": 1, "kind": "label_moved", "label": "stable", "version_after": None}, "label stable removed from version 1 in prod"),
        ({"before": {"enabled": False}, "after": {"enabled": True}, "kind": "saved", "environment": None}, "saved version 2: enabled"),
        ({"after": {"enabled": False}, "kind": "saved", "environment": None}, "saved version 2: new, disabled"),
        ({"before": {"enabled": True}, "kind": "saved", "environment": None}, "saved version 2: gone (was enabled)"),
        (
            {"before": {"enabled": False, "rollout": 10}, "after": {"enabled": True, "rollout": 50}, "kind": "deployed", "version_after": "23"},
            "deployed version 23 to prod: enabled, rollout 10% → 50%",
        ),
        ({"after": {"enabled": True}, "kind": "deployed"}, "deployed version 2 to prod: new, enabled"),
        (
            {"before": {"rollout": 50}, "after": {"rollout": 10}, "kind": "rolled_back", "version_before": "24", "version_after": "23", "reason": ALARM},
            "rolled back from version 24 to version 23 in prod by alarm checkout-5xx-prod: rollout 50% → 10%",
        ),
        (
            {"before": {"rollout": 50}, "kind": "rolled_back", "version_before": "24", "version_after": None, "reason": "by a person"},
            'rolled back from version 24 in prod by a person: gone (was {"rollout": 50})',
        ),
        (
            {"before": 1, "after": 2, "kind": "rolled_back", "deployment": DeploymentInfo(4, "REVERTED"), "reason": "Revert completed"},
            "reverted from version 1 to version 2 in prod (Revert completed): value 1 → 2",
        ),
        ({"kind": "guardrail", "reason": "alarm monitors removed"}, "alarm monitors removed in prod"),
        (
            {"before": 1, "after": 2, "kind": "rolled_back", "environment": None, "version_before": None},
            "rolled back to version 2: value 1 → 2",
        ),
        ({"kind": "guardrail"}, "a protection was weakened in prod"),
        ({"kind": "denied", "error": DENIAL}, "denied in prod: not allowed to call ssm:PutParameter"),
        ({"kind": "failed", "error": "ParameterAlreadyExists: use overwrite", "environment": None}, "failed: ParameterAlreadyExists: use overwrite"),
        ({"kind": "failed"}, "failed in prod: no reason was given"),
    ],
)  # fmt: skip
def test_kinds(facts, expected):
    assert sentence(**facts) == expected


def test_a_definition_without_a_value_is_created_and_deleted_without_one():
    lone = FlagState(None, {"name": "x"}, has_value=False)
    facts = {"flag": "x", "application": "shop", "environment": None, "version_before": None, "version_after": "1"}

    created = summarize(kind=ChangeKind.CREATED, before=None, after=lone, diff=diff(None, lone), **facts)
    deleted = summarize(kind=ChangeKind.DELETED, before=lone, after=None, diff=diff(lone, None), **facts)

    assert (created, deleted) == ("created (without a value)", "deleted (without a value)")


def test_a_flag_that_is_a_share_itself_is_worded_so():
    assert sentence(10, 50, flag="checkout-rollout") == "rollout 10% → 50% in prod"


def test_what_does_not_fit_is_counted():
    old, new = ({f"setting-{n:02}": n + more for n in range(30)} for more in (0, 1))

    told = sentence(old, new)

    assert told.startswith("setting-00 0 → 1, setting-01 1 → 2")
    assert told.endswith(" and 26 more in prod")


def test_long_texts_leave_room_for_the_place():
    told = sentence({"k" * 300: "a" * 300}, {"k" * 300: "b" * 300}, environment="e" * 300, kind="updated")

    assert len(told) <= MAX_LENGTH
    assert "…" in told


@pytest.mark.parametrize("text", ["a\nb", "a\r\n\x1b[31mb", "a\u202eb", "a\u2028b", "a\x00b", "a\u200bb", "a\ud800b"])
def test_no_control_character_reaches_a_sentence(text):
    told = [
        sentence("x", text),
        sentence({text: 1}, {text: 2}, environment=text),
        sentence(1, 2, "label_moved", label=text, version_before=text, version_after=text),
        sentence(1, 2, "rolled_back", reason=text),
        sentence(kind="denied", error=text),
        *describe_diff(diff(FlagState({text: 1}), FlagState({text: [text]}))),
    ]

    for line in told:
        assert not any(unicodedata.category(c) in UNREADABLE for c in line)


def test_credentials_in_free_text_reach_no_sentence():
    canary = "AKIA" + "IOSFODNN7EXAMPLE"
    told = [
        sentence({canary: 1}, {canary: 2}, environment=canary),
        sentence(1, 2, "label_moved", label=canary),
        sentence(1, 2, "rolled_back", reason=f"because of {canary}"),
        sentence(kind="failed", error=f"key {canary} refused"),
        sentence(kind="guardrail", reason=canary),
        sentence(variants(BASE), variants((canary, True, canary), BASE)),
    ]

    assert canary not in json.dumps(told)


def test_lines_name_elements_where_the_states_are_known():
    before, after = (
        FlagState(variants(EU, BASE)),
        FlagState(variants(("EU customers", False, EU[2]), ("Default", True))),
    )
    entries = diff(before, after)

    assert describe_diff(entries, before=before, after=after) == [
        "rule “EU customers” disabled",
        "rule “Default” enabled",
    ]
    assert describe_diff(entries) == ["rule #1 disabled", "rule #2 enabled"]
    assert describe_diff(()) == []


def test_lines_without_states_say_what_the_operations_alone_tell():
    people = diff(FlagState({"users": ["user-1", "user-2"]}), FlagState({"users": ["user-3"]}))
    ranges = diff(FlagState(spread(0, 9)), FlagState(spread(0, 49)))

    assert describe_diff(people) == ["users gained 1 person, lost 2"]
    assert describe_diff(ranges) == ["rule “some”: another range of users"]


TEXT = st.text(max_size=8) | st.sampled_from(
    ["enabled", "rollout", "rules", "_variants", "default", "name", "_deprecation", "conditions", "value", "date", "0"]
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT
    | st.just(HIDDEN)
)
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4), max_leaves=15
)
STATES = st.none() | st.builds(FlagState, JSON, st.none() | st.dictionaries(TEXT, JSON, max_size=3))
WORDS = st.none() | st.text(max_size=300)


@given(st.sampled_from(ChangeKind), STATES, STATES, WORDS, WORDS, WORDS)
def test_every_change_has_a_sentence_of_one_bounded_line(kind, before, after, environment, reason, version):
    entries = diff(before, after)
    told = summarize(
        kind=kind, flag="x", application=None, environment=environment, before=before, after=after, diff=entries,
        version_before=version, version_after=version, label=reason, reason=reason, error=reason,
    )  # fmt: skip

    assert told
    assert told == " ".join(told.split())
    assert len(told) <= MAX_LENGTH
    assert not any(unicodedata.category(c) in UNREADABLE for c in told)
    assert bool(describe_diff(entries, before=before, after=after)) == bool(entries)


@given(st.lists(st.from_regex(r"[a-z]{6,9}@canary\.example", fullmatch=True), min_size=1, max_size=4), STATES)
def test_people_reach_no_sentence(people, other):
    for before, after in ((FlagState({"allow": people}), other), (other, FlagState({"allow": people}))):
        entries = diff(before, after)
        told = [sentence(before=before.value if before else NOTHING, after=after.value if after else NOTHING)]

        assert "@canary" not in " ".join(
            told + describe_diff(entries) + describe_diff(entries, before=before, after=after)
        )
