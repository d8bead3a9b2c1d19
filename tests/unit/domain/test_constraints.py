from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.domain.constraints import violations
from auditor.domain.flags import FlagState

HIDDEN = {"masked": True, "comparable": False}


def state(constraints, value, **more):
    return FlagState(
        {"enabled": True, "x": value} | more, {"name": "n", "attributes": {"x": {"constraints": constraints}}}
    )


@pytest.mark.parametrize(
    ("constraints", "value", "fault"),
    [
        ({"type": "number", "maximum": 100}, 101, "is above its maximum 100"),
        ({"type": "number", "minimum": 0.5}, 0, "is below its minimum 0.5"),
        ({"type": "number"}, "7", "is no number"),
        ({"type": "number"}, True, "is no number"),
        ({"type": "string", "enum": ["a", "b"]}, "c", "is none of the values allowed"),
        ({"type": "string", "pattern": "^v\\d+$"}, "7", "does not fit its pattern"),
        ({"type": "string"}, 7, "is no text"),
        ({"type": "boolean"}, "true", "is no boolean"),
        ({"type": "array"}, "a", "is no array"),
        ({"type": "array", "elements": {"type": "string", "enum": ["a"]}}, ["a", "z"], "has an element that is none of the values allowed"),
        ({"type": "array", "elements": {"type": "number", "maximum": 3}}, [1, 4], "has an element that is above its maximum 3"),
        ({"type": "string", "required": True}, None, "is required and not given"),
    ],
)  # fmt: skip
def test_what_is_outside_its_constraints_is_told(constraints, value, fault):
    assert violations(state(constraints, value)) == (f"attribute x {fault}",)


@pytest.mark.parametrize(
    ("constraints", "value"),
    [
        ({"type": "number", "minimum": 0, "maximum": 100}, 100),
        ({"type": "number", "maximum": "many"}, 7),
        ({"type": "string", "enum": ["a"]}, "a"),
        ({"type": "string", "enum": []}, "a"),
        ({"type": "string", "pattern": "^v\\d+$"}, "v7"),
        ({"type": "string", "pattern": "("}, "v7"),
        ({"type": "string"}, None),
        ({"type": "string", "enum": ["a"]}, HIDDEN),
        ({"type": "array", "elements": {"type": "string"}}, ["a", HIDDEN]),
        ({"type": "array"}, ["a", 7]),
        ({"type": "date"}, 7),
        ("number", 7),
    ],
)
def test_what_keeps_to_them_or_cannot_be_judged_is_left_alone(constraints, value):
    assert violations(state(constraints, value)) == ()


def test_each_variant_is_judged():
    value = {
        "_variants": [
            {"name": "beta", "enabled": True, "attributeValues": {"x": 900}},
            {"name": "default", "enabled": True},
            "none",
        ]
    }
    limits = {"attributes": {"x": {"constraints": {"type": "number", "maximum": 100, "required": True}}}}

    assert violations(FlagState(value, limits)) == (
        "attribute x in variant beta is above its maximum 100",
        "attribute x in variant default is required and not given",
    )


@pytest.mark.parametrize(
    "definition", [None, {}, {"attributes": []}, {"attributes": {"x": 7}}, {"attributes": {"y": {}}}]
)
def test_without_constraints_there_is_nothing_to_judge(definition):
    assert violations(FlagState({"x": 7}, definition)) == ()
    assert (
        violations(FlagState(None, {"attributes": {"x": {"constraints": {"type": "number"}}}}, has_value=False)) == ()
    )


@pytest.mark.parametrize("pattern", ["^(a+)+$", "^(a|a)*$", "(a*)*b", "a*a*a*a*a*b", "(?:a+)+$", "(.*)\\1", "a*a*a*b"])
def test_a_pattern_made_to_take_ages_is_not_judged(pattern):
    begun = time.process_time()

    assert violations(state({"type": "string", "pattern": pattern}, "a" * 200 + "!")) == ()
    assert time.process_time() - begun < 1


JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5), lambda i: st.lists(i, max_size=3) | st.dictionaries(st.sampled_from(["type", "enum", "pattern", "minimum", "elements", "constraints", "attributes", "x", "required", "_variants", "attributeValues"]), i, max_size=4))  # fmt: skip


@given(JSON, JSON)
def test_no_definition_breaks_the_judgement(definition, value):
    assert isinstance(violations(FlagState(value, definition)), tuple)
