from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.domain.errors import MalformedDocumentError
from auditor.domain.values import MAX_DEPTH, load_json, parse_value, refuse_deep, texts

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(), children, max_size=4),
    max_leaves=20,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("true", True),
        ("false", False),
        ("TRUE", True),
        ("False", False),
        (" true\n", True),
        ("null", None),
        ("10", 10),
        ("-0.5", -0.5),
        ("1e3", 1000.0),
        ("12345678901234567890123456789", 12345678901234567890123456789),
        ('"quoted"', "quoted"),
        ('{"enabled": true, "rollout": 10}', {"enabled": True, "rollout": 10}),
        ("[1, 2]", [1, 2]),
        ("", ""),
        ("on", "on"),
        ("yes", "yes"),
        ("eu-west-1,us-east-1", "eu-west-1,us-east-1"),
        ("007", "007"),
        ("+5", "+5"),
        ("1_000", "1_000"),
        ("2026-12-01", "2026-12-01"),
        ("'single'", "'single'"),
        ("{broken", "{broken"),
        ("None", "None"),
        ("grün", "grün"),
    ],
)
def test_text_is_read_as_what_it_says(text, expected):
    value = parse_value(text, kind="String")

    assert (type(value), value) == (type(expected), expected)


@pytest.mark.parametrize(
    "text",
    [
        "NaN",
        "Infinity",
        "-Infinity",
        '{"a": NaN}',
        "1e999",
        '{"a": [-1e999]}',
        '{"a": 1, "a": 2}',
        '[{"deep": {"a": 1, "a": 1}}]',
        "9" * 5000,
        '"\\ud800"',
        '{"\\udfff": 1}',
        "[" * 101 + "]" * 101,
        "[" * 4000,
        "[" * 100_000 + "]" * 100_000,
        '{"a":' * 50_000 + "1" + "}" * 50_000,
    ],
)
def test_what_cannot_be_kept_as_json_stays_the_text(text):
    assert parse_value(text, kind="String") == text


def test_nesting_up_to_the_limit_is_read():
    assert parse_value("[" * MAX_DEPTH + "]" * MAX_DEPTH, kind="String") != "[" * MAX_DEPTH + "]" * MAX_DEPTH


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a,b", ["a", "b"]),
        ("a", ["a"]),
        ("1,true", ["1", "true"]),
        ("a,,b", ["a", "", "b"]),
        ("a, b", ["a", " b"]),
    ],
)
def test_a_string_list_is_a_list_of_its_texts(text, expected):
    assert parse_value(text, kind="StringList") == expected


@pytest.mark.parametrize(
    ("text", "word"), [("{", "line 1"), ('{"a":1,"a":2}', "twice"), ("NaN", "NaN"), ("[" * 200_000, "deeper")]
)
def test_strict_reading_says_what_is_wrong_and_quotes_nothing(text, word):
    with pytest.raises(MalformedDocumentError, match=word):
        load_json(text)


def test_an_error_carries_nothing_of_the_text():
    with pytest.raises(MalformedDocumentError) as caught:
        load_json('{"password": "canary-4711" oops')

    assert "canary" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_every_text_of_a_value_is_found():
    assert sorted(texts({"a": ["b", {"c": "d"}], "e": 1})) == ["a", "b", "c", "d", "e"]


def test_a_wide_value_is_not_deep():
    refuse_deep([[1] * 1000] * 1000)


@given(JSON)
def test_json_text_comes_back_as_its_value(value):
    said = json.dumps(value)

    assert json.dumps(parse_value(said, kind="String")) == said


@given(st.text(alphabet='{}[]",:0123456789eE.-+truefalsn\\u \n', max_size=200))
def test_reading_never_fails(text):
    value = parse_value(text, kind="String")

    assert json.dumps(value)
