from __future__ import annotations

from datetime import UTC, datetime

import pytest

from auditor.domain.documents import DocumentRef, Snapshot
from auditor.domain.untouched import is_same_in, is_untouched, same_as

PROFILE = DocumentRef("appconfig", "123456789012", "eu-west-1", "app1234/prof123")
NOW = datetime(2026, 3, 2, tzinfo=UTC)


def held(version, former=None, paths=("/api",)):
    metadata = {} if former is None else same_as(former, paths)
    return Snapshot(version, None, NOW, None, {}, metadata)


def test_only_the_version_that_was_compared_counts():
    snapshot = held("2", "1")

    assert is_untouched(snapshot, "/api", "1")
    assert not is_untouched(snapshot, "/search", "1")
    assert not is_untouched(snapshot, "/api", "0")
    assert not is_untouched(held("1"), "/api", None)


def test_nothing_alike_leaves_no_trace():
    assert same_as("1", ()) == {}


@pytest.mark.parametrize("told", [7, {"version": 1, "paths": ["/api"]}, {"version": "1", "paths": "/api"}, {}])
def test_what_somebody_else_wrote_says_nothing(told):
    assert not is_untouched(Snapshot("2", None, NOW, None, {}, {"same_as": told}), "/api", "1")


VERSIONS = {v.version: v for v in (held("a"), held("b", "a"), held("c", "b"), held("d", "c", ["/x"]), held("e", "d"))}


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [("a", "c", True), ("c", "a", True), ("b", "b", True), ("c", "d", False), ("e", "a", False), ("e", "d", True), ("a", "z", False)],
)  # fmt: skip
def test_sameness_goes_from_each_version_to_the_next(one, other, same):
    assert is_same_in("/api", PROFILE, one, other, lambda _, version: VERSIONS.get(version)) is same
