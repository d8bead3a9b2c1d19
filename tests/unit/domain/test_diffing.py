from __future__ import annotations

import copy
import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.domain.changes import DiffEntry
from auditor.domain.diffing import MAX_LIST_EDITS, apply, diff, differs
from auditor.domain.errors import MalformedDocumentError
from auditor.domain.flags import FlagState
from auditor.domain.masking import keyed_fingerprint, mask_value
from auditor.domain.sentences import describe_diff
from auditor.domain.values import MAX_DEPTH

HIDDEN = {"masked": True, "comparable": False}


def known(fingerprint: str) -> dict:
    return {"masked": True, "comparable": True, "fingerprint": fingerprint}


def compact(entries):
    return [(e.op, e.path, e.before, e.after) for e in entries]


def changes(before, after):
    return compact(diff(FlagState(before), FlagState(after)))


NAMES = st.sampled_from(["a", "b", "name", "id", "enabled", "x/y", "~t", "", "0"])
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.floats(-2, 2).map(lambda x: round(x, 1))
    | st.sampled_from(["a", "b", "", "1"])
)
JSON = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(NAMES, inner, max_size=4)
        | st.lists(
            st.fixed_dictionaries({"name": st.sampled_from("abcdef")}, optional={"rule": inner, "enabled": SCALARS}),
            max_size=5,
            unique_by=lambda element: element["name"],
        )
    ),
    max_leaves=25,
)
STATES = st.none() | st.builds(FlagState, JSON, st.none() | st.dictionaries(NAMES, JSON, max_size=3))


def spelled(state):
    """A state with every number in one spelling: 1 and 1.0 are the same number, true is none."""
    return None if state is None else json.dumps(floats(state.to_json()), sort_keys=True)


def floats(value):
    if isinstance(value, dict):
        return {key: floats(member) for key, member in value.items()}
    if isinstance(value, list):
        return [floats(element) for element in value]
    return value if isinstance(value, bool | str | None) else float(value) + 0.0


@given(STATES, STATES)
def test_the_diff_leads_from_one_state_to_the_other(before, after):
    assert spelled(apply(diff(before, after), before)) == spelled(after)


@given(STATES, STATES)
def test_states_differ_exactly_when_their_diff_is_not_empty(before, after):
    assert differs(before, after) == bool(diff(before, after)) == (spelled(before) != spelled(after))


@given(STATES)
def test_an_equal_state_has_no_diff(state):
    assert diff(state, copy.deepcopy(state)) == ()


@given(STATES, STATES)
def test_a_diff_alters_neither_state(before, after):
    old, new = spelled(before), spelled(after)

    apply(diff(before, after), before)

    assert (spelled(before), spelled(after)) == (old, new)


@given(st.lists(st.integers(0, 6), max_size=12), st.data())
def test_moves_in_a_list_are_told(before, data):
    after = data.draw(st.permutations(before))

    result = apply(diff(FlagState(before), FlagState(after)), FlagState(before))

    assert result == FlagState(after)


@given(STATES, st.randoms())
def test_what_changes_nothing_has_no_diff(state, random):
    assert diff(state, noisy(state, random)) == ()


def noisy(state, random):
    return None if state is None else FlagState(_noisy(state.value, random), _noisy(state.definition, random))


def _noisy(value, random):
    if isinstance(value, dict):
        members = [(key, _noisy(member, random)) for key, member in value.items()]
        members += [("_createdAt", random.random()), ("_updatedAt", "2026-03-01T00:00:00.000Z")]
        random.shuffle(members)
        return dict(members)
    if isinstance(value, list):
        return [_noisy(element, random) for element in value]
    return float(value) if type(value) is int else value


SECRETS = [f"{head}_{'a1B2c3D4e5' * 4}" for head in ("ghp", "gho", "ghs")]
PLANTED = st.recursive(
    SCALARS | st.sampled_from(SECRETS),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES | st.just("password"), inner, max_size=4),
    max_leaves=15,
)


@given(PLANTED, PLANTED, st.booleans())
def test_no_difference_shows_what_is_hidden(before, after, keyed):
    key = keyed_fingerprint(b"0123456789abcdef") if keyed else None
    old, new = (FlagState(mask_value(value, field_name=None, fingerprint=key)) for value in (before, after))
    entries = diff(old, new)
    told = json.dumps([entry.to_json() for entry in entries]) + " ".join(describe_diff(entries, before=old, after=new))

    assert not any(secret in told for secret in SECRETS)
    assert spelled(apply(entries, old)) == spelled(new)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (False, True, [("replace", "/value", False, True)]),
        (1, True, [("replace", "/value", 1, True)]),
        (0, False, [("replace", "/value", 0, False)]),
        (1, 1.0, []),
        (0.0, -0.0, []),
        (2**70, float(2**70), []),
        (2**70, 2**70 + 1, [("replace", "/value", 2**70, 2**70 + 1)]),
        (1, "1", [("replace", "/value", 1, "1")]),
        (None, False, [("replace", "/value", None, False)]),
        ({"a": 1}, {"a": 2, "b": 3}, [("replace", "/value/a", 1, 2), ("add", "/value/b", None, 3)]),
        ({"a": 1, "b": None}, {"a": 1}, [("remove", "/value/b", None, None)]),
        ({"x/y": 1, "~": 2}, {"x/y": 2, "~": 3}, [("replace", "/value/x~1y", 1, 2), ("replace", "/value/~0", 2, 3)]),
        ({"": 1}, {"": 2}, [("replace", "/value/", 1, 2)]),
        ({"a": 1}, [1], [("replace", "/value", {"a": 1}, [1])]),
        ([1, 2, 3], [1, 3], [("remove", "/value/1", 2, None)]),
        ([1, 3], [1, 2, 3], [("add", "/value/1", None, 2)]),
        ([1, 2, 3], [1, 5, 3], [("replace", "/value/1", 2, 5)]),
        ([1, 2, 3], [3, 1, 2], [("remove", "/value/2", 3, None), ("add", "/value/0", None, 3)]),
        ([{"a": 1}, {"a": 2}], [{"a": 1}, {"a": 3}], [("replace", "/value/1/a", 2, 3)]),
        ([True], [1], [("replace", "/value/0", True, 1)]),
        ([[1]], [[1, 2]], [("add", "/value/0/1", None, 2)]),
        ([1, 1], [1], [("remove", "/value/1", 1, None)]),
    ],
)
def test_single_differences(before, after, expected):
    assert json.dumps(changes(before, after)) == json.dumps([list(entry) for entry in expected])


def variants(*pairs):
    return {"_variants": [{"name": name, "enabled": on} for name, on in pairs]}


def test_elements_with_a_name_are_followed_wherever_they_stand():
    before = variants(("QA", True), ("EU", False), ("Default", False))
    after = variants(("New", True), ("QA", True), ("EU", True), ("Default", False))

    assert changes(before, after) == [
        ("add", "/value/_variants/0", None, {"name": "New", "enabled": True}),
        ("replace", "/value/_variants/2/enabled", False, True),
    ]


def test_a_named_element_is_not_taken_for_an_edited_other_one():
    assert changes(variants(("A", True)), variants(("B", True))) == [
        ("remove", "/value/_variants/0", {"name": "A", "enabled": True}, None),
        ("add", "/value/_variants/0", None, {"name": "B", "enabled": True}),
    ]


def test_a_renamed_element_with_an_id_is_the_same_element():
    before = [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}]
    after = [{"id": 2, "name": "c"}]

    assert changes(before, after) == [
        ("remove", "/value/0", {"id": 1, "name": "a"}, None),
        ("replace", "/value/0/name", "b", "c"),
    ]


def test_doubled_names_name_nothing():
    before = [{"key": "tier", "value": 1}, {"key": "tier", "value": 2}]
    after = [{"key": "tier", "value": 1}, {"key": "tier", "value": 3}]

    assert changes(before, after) == [("replace", "/value/1/value", 2, 3)]


def test_names_one_and_true_are_two_names():
    assert changes([{"id": 1}, {"id": True}], [{"id": True}]) == [("remove", "/value/0", {"id": 1}, None)]


def test_creation_and_deletion_go_by_the_parts_of_a_state():
    state = FlagState({"enabled": False}, {"name": "New"})

    assert compact(diff(None, state)) == [
        ("add", "/definition", None, {"name": "New"}),
        ("add", "/value", None, {"enabled": False}),
    ]
    assert compact(diff(state, None)) == [
        ("remove", "/definition", {"name": "New"}, None),
        ("remove", "/value", {"enabled": False}, None),
    ]
    assert diff(None, None) == ()
    assert apply(diff(None, state), None) == state
    assert apply(diff(state, None), state) is None
    assert apply((), None) is None


def test_null_is_a_state_and_no_state_is_none():
    assert compact(diff(None, FlagState(None))) == [("add", "/value", None, None)]
    assert apply(diff(None, FlagState(None)), None) == FlagState(None)


def test_a_definition_without_a_value_stays_one():
    before = FlagState(None, {"name": "x"}, has_value=False)
    after = FlagState(None, {"name": "y"}, has_value=False)

    assert apply(diff(before, after), before) == after


def test_a_hidden_value_that_cannot_be_compared_is_always_another():
    assert changes(HIDDEN, dict(HIDDEN)) == [("replace", "/value", HIDDEN, HIDDEN)]
    assert changes({"a": [1, dict(HIDDEN)]}, {"a": [1, dict(HIDDEN)]}) == [("replace", "/value/a/1", HIDDEN, HIDDEN)]


def test_hidden_values_compare_by_their_fingerprints_and_are_shown_whole():
    assert changes(known("k:1"), known("k:1")) == []
    assert changes(known("k:1"), known("k:2")) == [("replace", "/value", known("k:1"), known("k:2"))]
    assert changes({"a": known("k:1")}, {"a": {"b": 1}}) == [("replace", "/value/a", known("k:1"), {"b": 1})]
    assert changes(known("k:1"), HIDDEN) == [("replace", "/value", known("k:1"), HIDDEN)]


def test_operations_come_in_one_order_whatever_the_order_of_keys():
    before = {"b": 1, "a": [3, 1], "c": 1}
    after = {"c": 2, "a": [1], "d": 1}
    turned = dict(reversed(list(after.items())))

    assert changes(before, after) == changes(before, turned)
    assert [path for _, path, _, _ in changes(before, after)] == ["/value/a/0", "/value/b", "/value/c", "/value/d"]


def test_a_diff_shows_no_injected_timestamps():
    added = {"enabled": True, "_updatedAt": "2026-03-01T00:00:00Z"}

    assert changes({}, {"flag": added}) == [("add", "/value/flag", None, {"enabled": True})]


def nested(depth, leaf=1):
    value = leaf
    for level in range(depth):
        value = [value] if level % 2 else {"a": value}
    return value


@pytest.mark.parametrize("depth", [MAX_DEPTH + 1, 1000, 20_000])
def test_a_nesting_bomb_is_refused_with_a_sentence(depth):
    bomb = nested(depth)
    for compare in (diff, differs):
        with pytest.raises(MalformedDocumentError, match="nested deeper"):
            compare(FlagState(bomb), FlagState(1))
        with pytest.raises(MalformedDocumentError, match="nested deeper"):
            compare(None, FlagState(1, bomb))


def test_deep_values_are_compared_to_the_leaf():
    before, after = FlagState(nested(MAX_DEPTH, 1)), FlagState(nested(MAX_DEPTH, 2))

    (entry,) = diff(before, after)

    assert (entry.op, entry.before, entry.after) == ("replace", 1, 2)
    assert apply([entry], before) == after


def test_a_large_document_takes_reasonable_time():
    def document(seed):
        return {
            f"flag-{n}": {"enabled": n % 7 == seed, "list": list(range(n % 40)), "text": "x" * 20} for n in range(6000)
        }

    before, after = FlagState(document(1)), FlagState(document(2))
    assert len(json.dumps(before.value)) > 800_000

    begun = time.process_time()
    entries = diff(before, after)
    result = apply(entries, before)

    assert time.process_time() - begun < 10
    assert result == after
    assert len(entries) == sum(n % 7 in (1, 2) for n in range(6000))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (list(range(20_000)), list(range(20_000))[::-1]),
        ([0] * 20_000, [1] * 20_000),
        ([n % 3 for n in range(20_000)], [n % 5 for n in range(18_000)]),
        (nested(MAX_DEPTH - 1, list(range(4_000))), nested(MAX_DEPTH - 1, list(range(1, 4_001)))),
    ],
    ids=["turned", "replaced", "repeated", "deep"],
)
def test_large_lists_take_reasonable_time_and_few_operations(before, after):
    begun = time.process_time()
    entries = diff(FlagState(before), FlagState(after))

    assert time.process_time() - begun < 10
    assert 0 < len(entries) <= MAX_LIST_EDITS
    assert apply(entries, FlagState(before)) == FlagState(after)


@pytest.mark.parametrize(
    "entry",
    [
        DiffEntry("remove", "/value/b"),
        DiffEntry("replace", "/value/a/b", 1, 2),
        DiffEntry("remove", "/value/list/7"),
        DiffEntry("add", "/value/list/x", after=1),
        DiffEntry("add", "/nothing/here", after=1),
    ],
)
def test_a_diff_that_does_not_fit_is_refused(entry):
    with pytest.raises(MalformedDocumentError, match="does not fit"):
        apply([entry], FlagState({"a": 1, "list": [1]}))
