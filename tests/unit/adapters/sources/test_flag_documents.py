"""Documents known by their shape: what holds flags, and what only looks a little like it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from auditor.adapters.sources._flag_documents import read_feature_flags, recognise
from auditor.domain.errors import MalformedDocumentError

CONTENT = Path(__file__).resolve().parents[3] / "events" / "content"


def content(name: str):
    return json.loads((CONTENT / f"{name}.json").read_text(encoding="utf-8"))


def test_the_captured_feature_flags_are_read():
    document = read_feature_flags(content("appconfig-featureflags-stored"), None)
    checkout, refresh, kill = (document.flags[f"/{key}"] for key in ("new_checkout", "ui_refresh", "kill_switch"))

    assert list(document.flags) == ["/new_checkout", "/ui_refresh", "/kill_switch"]
    assert checkout.state.value == {"enabled": True, "color": "blue", "limit": 2}
    assert checkout.state.definition["_deprecation"] == {"status": "planned", "date": "2026-12-31"}
    assert checkout.updated_at == datetime(2026, 10, 6, 8, 58, 20, 101000, tzinfo=UTC)
    assert [v["name"] for v in refresh.state.value["_variants"]][-1] == "Default Variant"
    assert (kill.state.value, kill.state.definition) == ({"enabled": False}, {"name": "Kill switch"})
    assert kill.updated_at == datetime(2026, 8, 1, 9, 12, 54, 984000, tzinfo=UTC)


def test_the_captured_powertools_flags_are_read():
    stored = content("powertools-feature-flags")
    document = recognise(stored, None)

    assert document is not None
    assert {p: f.state.value for p, f in document.flags.items()} == {
        f"/features/{key}": flag for key, flag in stored["features"].items()
    }
    assert [flag.key for flag in document.flags.values()] == ["premium_features", "max_items", "experiment_10pct"]


def test_what_an_application_gets_is_not_what_is_stored():
    assert recognise(content("appconfig-featureflags-retrieved"), None) is None


@pytest.mark.parametrize(
    "broken",
    [
        None,
        [],
        {},
        {"version": "2"},
        {"version": "1", "extra": {}},
        {"version": "1", "flags": []},
        {"version": "1", "values": 7},
    ],
)
def test_what_is_no_feature_flag_document_is_refused(broken):
    with pytest.raises(MalformedDocumentError):
        read_feature_flags(broken, None)


@pytest.mark.parametrize("half", ["flags", "values"])
def test_a_document_may_lack_a_half(half):
    document = read_feature_flags({"version": "1", half: {"a": {"name": "x"}}}, None)

    assert list(document.flags) == ["/a"]
    assert document.flags["/a"].state.has_value is (half == "values")


def test_a_half_that_is_no_object_is_kept_as_it_is():
    flag = read_feature_flags({"version": "1", "values": {"a/b": True}}, None).flags["/a~1b"]

    assert (flag.key, flag.state.value, flag.updated_at) == ("a/b", True, None)


@pytest.mark.parametrize("stamp", [None, 7, "soon", "2026-10-06T08:58:20", "0001-01-01T00:00:00+14:00"])
def test_a_stamp_that_is_none_is_ignored(stamp):
    flag = read_feature_flags({"version": "1", "values": {"a": {"enabled": True, "_updatedAt": stamp}}}, None).flags[
        "/a"
    ]

    assert (flag.state.value, flag.updated_at) == ({"enabled": True}, None)


RULE = {"when_match": True, "conditions": [{"action": "EQUALS", "key": "tier", "value": "premium"}]}


@pytest.mark.parametrize(
    "document",
    [
        {"x": {"default": False}},
        {"x": {"default": True, "rules": {}}},
        {"x": {"default": True, "rules": None}},
        {"x": {"default": 25, "boolean_type": False}},
        {"x": {"default": False, "rules": {"r": RULE}, "description": "text"}, "y": {"default": True}},
    ],
)
@pytest.mark.parametrize("envelope", [(), ("features",), ("config", "shop", "features")])
def test_powertools_flags_are_known_inside_any_envelope(document, envelope):
    wrapped = document
    for key in reversed(envelope):
        wrapped = {key: wrapped, "other": {"level": "INFO"}}
    found = recognise(wrapped, None)

    assert found is not None
    assert list(found.flags) == ["".join(f"/{key}" for key in (*envelope, flag)) for flag in document]


@pytest.mark.parametrize(
    "document",
    [
        {}, [], None, "text", 7,
        {"x": {}}, {"x": {"default": 25}}, {"x": {"default": "on"}}, {"x": True},
        {"x": {"default": True, "type": "boolean"}},
        {"x": {"default": True, "rules": []}}, {"x": {"default": True, "rules": {"r": {}}}},
        {"x": {"default": True, "rules": {"r": {"when_match": True}}}},
        {"x": {"default": True}, "y": 7},
        {"a": {"b": {"c": {"d": {"e": {"x": {"default": True}}}}}}},
    ],
)  # fmt: skip
def test_what_only_resembles_flags_is_none(document):
    assert recognise(document, None) is None
