"""What is recorded has one canonical form, is read back without loss, and every column can be made from it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from auditor.adapters.storage import bodies
from auditor.adapters.storage.change_log import columns
from auditor.application.ports import Scope
from auditor.domain.attribution import Actor, ActorKind, Attribution, Certainty, Evidence
from auditor.domain.changes import (
    AttributedChange,
    ChangeKind,
    DeploymentInfo,
    Detection,
    DiffEntry,
    FlagChange,
    Gap,
    GapClass,
)
from auditor.domain.documents import DeploymentStep, DocumentRef
from auditor.domain.flags import FlagState

AT = datetime(2026, 3, 2, 12, tzinfo=UTC)
WORDS = st.text(max_size=12)  # without lone surrogates, which have no canonical form
MAYBE = st.none() | WORDS
TIMES = st.datetimes(datetime(1970, 1, 1), datetime(9000, 1, 1), timezones=st.just(UTC)).map(  # noqa: DTZ001
    lambda moment: moment.replace(fold=0)
)
NUMBERS = st.integers() | st.floats(allow_nan=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(st.characters(exclude_categories=()), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=8,
)
DOCUMENTS = st.builds(DocumentRef, WORDS, WORDS, WORDS, WORDS)
STATES = st.none() | st.builds(FlagState, VALUES, VALUES, st.booleans())
ATTRIBUTIONS = st.builds(
    Attribution,
    st.builds(Actor, st.sampled_from(ActorKind), MAYBE, MAYBE, MAYBE, MAYBE, MAYBE),
    st.sampled_from(Certainty),
    st.lists(st.builds(Evidence, WORDS, WORDS, MAYBE, st.none() | TIMES), max_size=2).map(tuple),
    st.none() | TIMES,
)
STEPS = st.lists(st.builds(DeploymentStep, TIMES, st.floats(0, 100)), max_size=2).map(tuple)
CHANGES = st.builds(
    FlagChange,
    key=WORDS,
    cause=WORDS,
    kind=st.sampled_from(ChangeKind),
    document=DOCUMENTS,
    life=st.none() | st.integers(1, 2**31),
    application=MAYBE,
    flag=MAYBE,
    environment=MAYBE,
    path=WORDS,
    version_before=MAYBE,
    version_after=MAYBE,
    occurred_at=TIMES,
    occurred_between=st.none(),
    before=STATES,
    after=STATES,
    diff=st.lists(st.builds(DiffEntry, WORDS, WORDS, VALUES, VALUES), max_size=2).map(tuple),
    summary=WORDS,
    detected_by=st.sampled_from(Detection),
    reason=MAYBE,
    deployment=st.none() | st.builds(DeploymentInfo, st.integers(1, 2**31), WORDS, STEPS),
    error=MAYBE,
    label=MAYBE,
) | st.builds(
    lambda start, end: replace(PLAIN, occurred_at=None, occurred_between=(start, end)), st.none() | TIMES, TIMES
)
PLAIN = FlagChange(
    key="key",
    cause="cause",
    kind=ChangeKind.DELETED,
    document=DocumentRef("ssm", "1", "eu", "/x"),
    life=1,
    application="shop",
    flag="x",
    environment=None,
    path="",
    version_before="1",
    version_after=None,
    occurred_at=AT,
    occurred_between=None,
    before=None,
    after=None,
    diff=(),
    summary="gone",
    detected_by=Detection.EVENT,
)


@given(CHANGES, ATTRIBUTIONS, TIMES)
def test_a_change_is_canonical_and_read_back(change, attribution, at):
    body = bodies.change_body("c1", AttributedChange(change, attribution), at)

    if b"\\ud" not in body.lower():
        assert body == rfc8785.dumps(json.loads(body))
    read = bodies.read_change(7, body)
    assert (read.id, read.seq, read.recorded_at) == ("c1", 7, at)
    assert repr((read.change, read.attribution)) == repr((change, attribution))


@given(ATTRIBUTIONS, TIMES)
def test_an_attribution_is_canonical_and_read_back(attribution, at):
    body = bodies.attribution_body("c1", attribution, at)

    assert body == rfc8785.dumps(json.loads(body))
    assert bodies.read_attribution(body) == attribution


@given(st.builds(Gap, st.sampled_from(GapClass), DOCUMENTS, st.integers(1, 99), WORDS, WORDS, WORDS), TIMES)
def test_a_gap_is_canonical_and_read_back(gap, at):
    body = bodies.gap_body(gap, at)

    assert body == rfc8785.dumps(json.loads(body))
    assert bodies.read_gap(body) == gap


def test_a_reconcile_is_canonical():
    body = bodies.reconcile_body(Scope("ssm", "1", "eu", "ü"), {"versions": 2, "documents": 1}, AT)

    assert body == rfc8785.dumps(json.loads(body))
    assert json.loads(body)["counts"] == {"documents": 1, "versions": 2}


@given(
    st.dictionaries(st.text(st.characters(codec="ascii")), MAYBE | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1))
)
def test_within_its_domain_the_encoder_is_that_of_the_rfc(body):
    assert bodies.canonical(body) == rfc8785.dumps(body)


def test_a_lone_surrogate_survives_as_an_escape():
    body = bodies.change_body("c1", AttributedChange(replace(PLAIN, summary="a \ud800 b")), AT)

    assert bodies.read_change(1, body).change.summary == "a \ud800 b"
    body.decode()


def test_the_zone_of_a_time_does_not_show():
    elsewhere = AT.astimezone(timezone(timedelta(hours=5)))

    assert bodies.change_body("c1", AttributedChange(PLAIN), AT) == bodies.change_body(
        "c1", AttributedChange(replace(PLAIN, occurred_at=elsewhere)), elsewhere
    )


@given(CHANGES, ATTRIBUTIONS, TIMES)
def test_the_columns_can_be_made_from_the_body(change, attribution, at):
    """So a column that was altered can be told by the body that is sealed."""
    row = columns("c1", AttributedChange(change, attribution), at)
    read = bodies.read_change(1, row["body"])

    assert columns(read.id, AttributedChange(read.change, read.attribution), read.recorded_at) == row


def test_the_body_of_a_change_is_what_was_written_down():
    """A change of this text is a new format: old rows stay as they are, and their seals with them."""
    change = replace(PLAIN, before=FlagState({"b": 1.0, "a": "ü"}), diff=(DiffEntry("remove", "/value", 1.0),))
    dana = Attribution(Actor(ActorKind.PERSON, "dana"), Certainty.LIKELY, (Evidence("ssm", "says so", at=AT),))

    assert bodies.change_body("c1", AttributedChange(change, dana), AT).decode() == (
        '{"account":"1","actor":{"arn":null,"kind":"person","name":"dana","session":null,"source_ip":null,"via":null},'
        '"after":null,"application":"shop","attribution":{"certainty":"likely","evidence":[{"at":"2026-03-02T12:00:00Z",'
        '"id":null,"source":"ssm","text":"says so"}],"occurred_at":null},'
        '"before":"{\\"value\\":{\\"b\\":1.0,\\"a\\":\\"ü\\"}}","cause":"cause","deployment":null,"detected_by":"event",'
        '"diff":"[{\\"op\\":\\"remove\\",\\"path\\":\\"/value\\",\\"before\\":1.0,\\"after\\":null}]","document":"/x",'
        '"environment":null,"error":null,"flag":"x","id":"c1","key":"key","kind":"deleted","label":null,"life":1,'
        '"occurred_at":"2026-03-02T12:00:00Z","occurred_between":null,"path":"","reason":null,'
        '"recorded_at":"2026-03-02T12:00:00Z","region":"eu","source":"ssm","summary":"gone","type":"change","v":1,'
        '"version_after":null,"version_before":"1"}'
    )
