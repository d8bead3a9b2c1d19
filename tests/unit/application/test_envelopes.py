"""Taking batches and files apart: every event by itself, whatever stands beside it."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.application.bounded_json import MAX_BATCH_BYTES, MAX_EVENT_BYTES, loads_bounded
from auditor.application.envelopes import event_keys, parse_envelope, read_events, unpack
from auditor.domain.errors import MalformedEventError

EVENTS = Path(__file__).resolve().parents[2] / "events"
BOMB = '{"a":' * 5000 + "1" + "}" * 5000


def sample(name: str) -> dict:
    return json.loads((EVENTS / f"{name}.json").read_text(encoding="utf-8"))


def event(number: int = 1, **other: object) -> dict:
    return {
        "version": "0",
        "id": f"0000000{number}-0000-0000-0000-000000000000",
        "detail-type": "Parameter Store Change",
        "source": "aws.ssm",
        "account": "123456789012",
        "time": "2026-10-06T08:00:03Z",
        "region": "eu-west-1",
        "resources": [],
        "detail": {"name": "/shop/prod/features/x", "operation": "Update", "type": "String"},
    } | other


def numbers(events) -> list:
    """Return which event stands where, ``None`` for one that cannot be read."""
    return [None if e.payload is None else int(e.payload["id"][:8]) for e in events]


def text(number: int) -> str:
    return json.dumps(event(number))


def test_one_event_is_one_event():
    (received,) = unpack(event())

    assert (received.index, received.payload, received.error) == (0, event(), None)


def test_a_queue_batch_gives_its_messages_with_their_ids():
    first, poison, last = unpack(sample("lambda-sqs-batch-one-poison-message"))

    assert [first.index, poison.index, last.index] == [0, 1, 2]
    assert first.payload is not None
    assert first.payload["id"] == "ef62e098-8127-5a90-ac32-2fcee2807ba0"
    assert first.message_id == "2c3e23fc-96b1-558d-9eef-1d88b6a912b8"
    assert (poison.payload, poison.text) == (None, '{"version":"0","id":"truncated')
    assert poison.message_id == "1731c319-73b5-5323-bcf5-86f3038abf10"
    assert poison.error
    assert last.payload is not None


def test_a_stream_batch_gives_its_records_by_their_position():
    (record,) = unpack(sample("lambda-dynamodb-stream-modify"))
    raw = parse_envelope(record.payload)

    assert record.message_id == "300000000000000000001"
    assert (raw.source, raw.account, raw.region) == ("aws.dynamodb", "123456789012", "eu-west-1")
    assert raw.time == datetime(2026, 10, 6, 9, 30, 54, tzinfo=UTC)
    assert event_keys(raw) == ("123456789012|eu-west-1|6f8f57715090da2632453988d9a1501b",)


def test_records_from_a_pipe_come_without_a_batch_around_them():
    records = sample("lambda-dynamodb-stream-modify")["Records"]
    messages = sample("lambda-sqs-batch-one-poison-message")["Records"]

    assert len(unpack(records)) == 1
    assert [e.payload is None for e in unpack(messages)] == [False, True, False]


def test_a_message_may_hold_several_events():
    record = {"eventSource": "aws:sqs", "messageId": "m", "body": f"[{text(1)},{text(2)}]"}
    events = unpack({"Records": [record]})

    assert numbers(events) == [1, 2]
    assert {e.message_id for e in events} == {"m"}


@pytest.mark.parametrize("body", [None, 7, {"id": "x"}])
def test_a_message_without_text_is_named(body):
    (received,) = unpack({"Records": [{"eventSource": "aws:sqs", "messageId": "m", "body": body}]})

    assert (received.payload, received.message_id) == (None, "m")


def test_endless_wrapping_ends():
    wrapped: object = event()
    for _ in range(10):
        wrapped = {"Records": [wrapped]}

    (received,) = unpack(wrapped)

    assert received.error
    assert received.text is not None


@pytest.mark.parametrize("payload", [None, 7, "text", True, [1]])
def test_what_is_no_object_is_no_event(payload):
    (received,) = unpack(payload)

    assert received.payload is None
    assert received.error


def test_an_object_too_deep_is_refused_without_exhausting_the_stack():
    deep: object = 1
    for _ in range(100_000):
        deep = [deep]

    (received,) = unpack({"detail": deep})

    assert received.payload is None


def test_an_extension_call_is_an_event_without_a_place():
    (received,) = unpack(sample("lambda-appconfig-extension-precreatehostedconfigurationversion"))
    at = datetime(2026, 3, 1, tzinfo=UTC)
    raw = parse_envelope(received.payload, at)

    assert (raw.id, raw.source, raw.account, raw.time) == ("vlns753", "aws.appconfig", "", at)
    assert event_keys(raw) == ("||vlns753",)


@pytest.mark.parametrize("payload", [{}, sample("scheduled-event-reconcile")])
def test_a_scheduled_input_is_known(payload):
    (received,) = unpack(payload)
    raw = parse_envelope(received.payload)

    assert (raw.source, raw.detail_type) == ("aws.events", "Scheduled Event")
    assert bool(event_keys(raw)) is bool(payload)


@pytest.mark.parametrize(
    "fault",
    [
        {"id": ""}, {"id": 5}, {"id": "x" * 300}, {"source": None}, {"detail-type": []},
        {"account": "1234"}, {"account": "12345678901२"}, {"account": None},
        {"region": "Mars"}, {"region": 1},
        {"time": "yesterday"}, {"time": "2026-10-06T08:00:03"}, {"time": "0001-01-01T00:00:00+14:00"}, {"time": None},
        {"detail": "text"}, {"detail": None},
    ],
)  # fmt: skip
def test_a_broken_envelope_is_refused(fault):
    with pytest.raises(MalformedEventError):
        parse_envelope(event(**fault))


@pytest.mark.parametrize("missing", ["id", "source", "detail-type", "account", "region", "time", "detail"])
def test_a_truncated_envelope_is_refused(missing):
    whole = event()
    del whole[missing]

    with pytest.raises(MalformedEventError):
        parse_envelope(whole)


@pytest.mark.parametrize(
    "payload",
    [
        {"hello": "world"},
        {"InvocationId": "", "Type": "PreCreate", "Application": {}},
        {"InvocationId": "a", "Type": "PreCreate"},
        {"eventSource": "aws:dynamodb", "dynamodb": {"ApproximateCreationDateTime": 1}},
        {"eventSource": "aws:s3", "s3": {}},
    ],
)
def test_an_unknown_form_is_refused(payload):
    (received,) = unpack(payload)

    with pytest.raises(MalformedEventError):
        parse_envelope(received.payload)


@pytest.mark.parametrize("created", [None, "now", True, 1e30, float("nan")])
def test_a_stream_record_needs_its_time(created):
    record = sample("lambda-dynamodb-stream-modify")["Records"][0]
    record["dynamodb"]["ApproximateCreationDateTime"] = created

    with pytest.raises(MalformedEventError):
        parse_envelope(record)


def test_resources_that_are_no_texts_are_left_out():
    assert parse_envelope(event(resources=["arn:x", 7, None])).resources == ("arn:x",)
    assert parse_envelope(event(resources="arn:x")).resources == ()


def test_a_cloudtrail_record_is_known_again_by_its_own_id():
    raw = parse_envelope(sample("ct-ssm-putparameter-create-iamuser"))

    assert event_keys(raw) == (
        "123456789012|eu-west-1|bafb0f0c-696a-5be6-b3c7-1c3692824e46",
        "cloudtrail|245e28dd-2aad-5781-8eae-cf4c6413f42b",
    )


def test_a_custom_event_cannot_use_up_the_id_of_a_cloudtrail_record():
    forged = parse_envelope(sample("ct-ssm-putparameter-create-iamuser") | {"source": "my.ssm", "id": "other"})

    assert event_keys(forged) == ("123456789012|eu-west-1|other",)


@pytest.mark.parametrize(
    "content",
    [
        f"[{text(1)},{text(2)},{text(3)}]",
        "\n".join([text(1), text(2), text(3)]),
        "\r\n".join(["", text(1), "", text(2), text(3), ""]),
        text(1) + text(2) + text(3),
        "\n".join(json.dumps(event(n), indent=2) for n in (1, 2, 3)),
        json.dumps([event(n) for n in (1, 2, 3)], indent=1),
        "\ufeff" + json.dumps([event(n) for n in (1, 2, 3)]),
        f"[{text(1)},{text(2)}]\n{text(3)}",
        json.dumps({"Records": [event(1), event(2), event(3)]}),
    ],
)
def test_a_file_may_be_written_in_any_way(content):
    events = read_events(content)

    assert numbers(events) == [1, 2, 3]
    assert [e.index for e in events] == [0, 1, 2]


@pytest.mark.parametrize("broken", ["{", '{"id": "trunc', "not json", "[1,", '{"a":1,"a":2}', BOMB, "NaN", '"\\ud800"'])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_broken_line_costs_its_neighbours_nothing(broken, place):
    lines = [text(1), text(2)]
    lines.insert(place, broken)

    events = read_events("\n".join(lines))

    assert [n for n in numbers(events) if n is not None] == [1, 2]
    assert events[place].payload is None
    assert events[place].text in {broken, broken.strip("[,")}


@pytest.mark.parametrize("broken", ['{"a":1,"a":2}', BOMB, '{"a": nope}', '{"a": "\\ud800"}', "7"])
@pytest.mark.parametrize("indent", [None, 2])
def test_a_broken_element_costs_its_neighbours_nothing(broken, indent):
    whole = [json.dumps(event(n), indent=indent) for n in (1, 2)]

    assert numbers(read_events(f"[{whole[0]},{broken},{whole[1]}]")) == [1, None, 2]


def test_an_array_cut_off_keeps_what_is_whole():
    assert numbers(read_events(f"[{text(1)},{text(2)},{text(3)[:40]}")) == [1, 2, None]
    assert numbers(read_events(f'[\n{text(1)},\n{{"id": "open,\n{text(2)}\n]')) == [1, None, 2]


def test_a_broken_object_is_one_rejection_and_not_one_a_line():
    (received,) = read_events(json.dumps(event(), indent=2)[:-20])

    assert received.payload is None


def test_bytes_that_are_no_text_reject_their_line_only():
    content = b"\n".join([text(1).encode(), b'{"id": "\xff\xfe"}', text(2).encode()])

    events = read_events(content.decode("utf-8", "surrogateescape"))

    assert numbers(events) == [1, None, 2]
    assert events[1].text is not None
    assert events[1].text.encode()


@pytest.mark.parametrize("content", ["", "  \n\n ", "\ufeff", "[]", '{"Records": []}'])
def test_nothing_is_no_event(content):
    assert read_events(content) == []


def test_an_event_above_the_size_is_refused_a_batch_is_not():
    large = json.dumps(event(padding="x" * MAX_EVENT_BYTES))
    several = json.dumps([event(n, padding="x" * (MAX_EVENT_BYTES // 2)) for n in (1, 2, 3)])

    assert numbers(read_events(large)) == [None]
    assert numbers(read_events(several)) == [1, 2, 3]
    assert numbers(read_events(f"{text(1)}\n{large}\n{text(2)}")) == [1, None, 2]
    assert numbers(read_events(f"[{text(1)},{large},{text(2)}]")) == [1, None, 2]


def test_json_beyond_the_bounds_is_refused():
    for content in ("x" * (MAX_BATCH_BYTES + 1), "9" * 5000, BOMB, "[" * 101 + "]" * 101, '{"a":1,"a":1}', "Infinity"):
        with pytest.raises(MalformedEventError):
            loads_bounded(content, MAX_BATCH_BYTES)

    assert loads_bounded("[" * 100 + "]" * 100)


@given(st.text())
def test_whatever_is_in_a_file_it_is_read(content):
    for received in read_events(content):
        assert (received.payload is None) == (received.error is not None)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(), lambda v: st.lists(v) | st.dictionaries(st.text(), v)
    )
)
def test_whatever_a_lambda_is_handed_it_is_understood_or_refused(payload):
    for received in unpack(payload):
        if received.payload is not None:
            with suppress(MalformedEventError):
                assert parse_envelope(received.payload).source


@given(st.lists(st.sampled_from([1, 2, 3]), max_size=4), st.booleans())
def test_lines_and_arrays_say_the_same(order, pretty):
    lines = "\n".join(map(text, order))
    array = json.dumps([event(n) for n in order], indent=2 if pretty else None)

    assert numbers(read_events(lines)) == numbers(read_events(array)) == order
