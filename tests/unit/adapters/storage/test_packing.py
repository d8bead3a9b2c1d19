"""Domain objects are kept as JSON and read back without loss."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.adapters.storage.packing import pack, pack_map, unpack, unpack_map
from auditor.domain.attribution import ApiCall, Attribution, Evidence
from auditor.domain.documents import Deployment, DeploymentStep
from auditor.domain.events import Signal
from auditor.domain.findings import Finding
from auditor.domain.flags import FlagEntry, FlagState
from auditor.domain.references import Fallback, FlagSpec, Reference, ReferenceKind

JsonValue: TypeAlias = Any


class Colour(StrEnum):
    RED = "red"


@dataclass(frozen=True)
class Inner:
    name: str
    at: datetime | None = None


@dataclass(frozen=True)
class Outer:
    value: JsonValue
    inner: Inner | None
    many: tuple[Inner, ...]
    pair: tuple[str, float]
    pairs: tuple[tuple[str, JsonValue], ...]
    named: Mapping[str, Inner]
    colour: Colour = Colour.RED


AT = datetime(2026, 3, 2, 12, 0, 0, 1, tzinfo=UTC)
WHOLE = Outer({"a": [1.0, None]}, Inner("x", AT), (Inner("y"),), ("z", 1.5), (("k", [1]),), {"n": Inner("m")})


def test_an_object_is_read_back_as_it_was():
    assert unpack(Outer, pack(WHOLE)) == WHOLE


def test_a_field_of_a_later_release_takes_its_default_from_older_rows():
    assert unpack(Inner, '{"name": "x"}') == Inner("x")


def test_a_field_of_a_later_release_is_passed_over_by_an_older_one():
    assert unpack(Inner, '{"name": "x", "at": null, "new": 1}') == Inner("x")


def test_a_type_without_a_form_is_a_mistake():
    @dataclass
    class Odd:
        things: set[str]

    with pytest.raises((TypeError, NameError)):
        pack(Odd({"x"}))


def test_a_mapping_is_read_back():
    assert unpack_map(Inner, pack_map(Inner, {"a": Inner("x", AT), "": Inner("y")})) == {
        "a": Inner("x", AT),
        "": Inner("y"),
    }


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=4,
)
TIMES = st.datetimes(timezones=st.just(UTC)).map(lambda moment: moment.replace(fold=0))
MAYBE = st.none() | TIMES
EVIDENCE = st.lists(st.builds(Evidence, at=MAYBE), max_size=2).map(tuple)
STEPS = st.lists(st.builds(DeploymentStep, at=TIMES, percentage=st.floats(0, 100)), max_size=2).map(tuple)
KEPT = {
    ApiCall: st.builds(
        ApiCall,
        at=TIMES,
        attribution=st.builds(Attribution, evidence=EVIDENCE, occurred_at=MAYBE),
        details=st.just((("a", "b"),)),
    ),
    Deployment: st.builds(Deployment, started_at=MAYBE, completed_at=MAYBE, ended_at=MAYBE, steps=STEPS),
    FlagEntry: st.builds(FlagEntry, state=st.builds(FlagState, VALUES, VALUES, st.booleans())),
    Finding: st.builds(Finding),
    Reference: st.builds(Reference, default=st.none() | st.builds(Fallback, VALUES)),
    Signal: st.builds(Signal, at=TIMES),
}


@pytest.mark.parametrize("kind", KEPT)
@given(data=st.data())
def test_what_the_record_keeps_is_read_back(kind, data):
    whole = data.draw(KEPT[kind])

    assert repr(unpack(kind, pack(whole))) == repr(whole)


def test_no_default_is_not_the_default_none():
    bare = {"flag": FlagSpec("k", "env"), "path": "a.py", "line": 1, "column": 1, "kind": ReferenceKind.READ}
    assert unpack(Reference, pack(Reference(**bare))).default is None
    assert unpack(Reference, pack(Reference(**bare, default=Fallback(None)))).default == Fallback(None)
