from __future__ import annotations

from datetime import UTC, datetime

import pytest

from auditor.adapters.actors.cloudtrail import read_call
from auditor.domain.attribution import CallOutcome
from auditor.domain.errors import MalformedEventError
from tests.support.trail import ACCOUNT, OMITTED, REGION, denied, trail

NAME = {"name": "/shop/prod/features/x"}


def test_a_write_is_read_with_its_person():
    record = read_call(trail("ssm", "PutParameter", NAME, {"version": 3}))

    assert record is not None
    assert (record.name, record.service, record.account, record.region) == ("PutParameter", "ssm", ACCOUNT, REGION)
    assert record.at == datetime(2026, 10, 6, 8, 0, 3, tzinfo=UTC)
    assert record.attribution.actor.name == "alice"
    assert record.attribution.actor.source_ip == "203.0.113.24"
    assert record.refused is None
    assert record.answered("version") == 3


def test_a_read_is_nothing():
    assert read_call(trail("ssm", "GetParameter", NAME, readOnly=True)) is None


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        ("AccessDenied", CallOutcome.DENIED),
        ("AccessDeniedException", CallOutcome.DENIED),
        ("Client.UnauthorizedOperation", CallOutcome.DENIED),
        ("ValidationException", CallOutcome.FAILED),
        ("ThrottlingException", CallOutcome.FAILED),
        (None, None),
        ("", None),
        (7, None),
    ],
)
def test_an_error_code_says_how_a_call_was_refused(code, outcome):
    record = read_call(trail("ssm", "PutParameter", NAME, errorCode=code))

    assert record is not None
    assert record.refused is outcome


def test_the_resource_of_a_denial_is_in_its_message():
    arn = f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/shop/prod/features/x"
    record = read_call(denied("ssm", "PutParameter", arn))

    assert record is not None
    assert record.denied_resource == arn
    assert record.call(CallOutcome.DENIED, ()).error.startswith("AccessDenied: User: ")


def test_null_and_left_out_are_told_apart():
    told = read_call(trail("ssm", "PutParameter", NAME, None))
    left_out = read_call(
        trail("ssm", "PutParameter", OMITTED, OMITTED, requestParameters=OMITTED, responseElements=OMITTED)
    )

    assert told is not None
    assert left_out is not None
    assert (told.response, told.response_told) == (None, True)
    assert (left_out.response, left_out.response_told) == (None, False)
    assert left_out.request == {}
    assert left_out.requested("name") is None


def test_what_an_error_says_is_masked():
    secret = "AKIA" + "Z7XQW2N5T8RBKM4P"
    event = trail("ssm", "PutParameter", NAME | {"description": f"key {secret}"}, errorCode="Bad", errorMessage=secret)
    record = read_call(event)

    assert record is not None
    assert secret not in repr(record.call(CallOutcome.FAILED, ()))


def test_a_failure_without_a_code_says_so():
    record = read_call(trail("ssm", "PutParameter", NAME))

    assert record is not None
    assert record.call(CallOutcome.FAILED, ()).error == "PutParameter was refused; CloudTrail does not say why"
    assert record.call(CallOutcome.SUCCEEDED, ()).error is None


@pytest.mark.parametrize("value", ["true", True])
def test_a_console_session_is_known(value):
    record = read_call(trail("ssm", "PutParameter", NAME, sessionCredentialFromConsole=value))

    assert record is not None
    assert record.from_console


def test_facts_keep_what_was_said_by_which_tool_for_whom():
    identity = {"type": "AWSService", "invokedBy": "cloudformation.amazonaws.com"}
    event = trail("ssm", "PutParameter", NAME | {"description": "CHG-1"}, userIdentity=identity, userAgent="x" * 5000)
    record = read_call(event)

    assert record is not None
    facts = dict(record.facts)
    assert facts["description"] == "CHG-1"
    assert facts["invoked_by"] == "cloudformation.amazonaws.com"
    assert len(facts["user_agent"]) == 512


def test_resources_of_any_shape_are_read():
    listed = [{"ARN": "arn:a", "accountId": ACCOUNT}, {"type": "x"}, "arn:b", {"ARN": 7}]
    record = read_call(trail("ssm", "PutParameter", NAME, resources=listed))
    none = read_call(trail("ssm", "PutParameter", NAME, resources=None))

    assert record is not None
    assert none is not None
    assert record.resources == ("arn:a",)
    assert none.resources == ()


@pytest.mark.parametrize(
    "fault",
    [
        {"eventSource": "s3.amazonaws.com"},
        {"eventSource": OMITTED},
        {"recipientAccountId": "999988887777"},
        {"userIdentity": None},
        {"userIdentity": "alice"},
        {"eventID": OMITTED},
        {"eventID": "x" * 600},
        {"eventName": ""},
        {"eventTime": "noon"},
        {"eventTime": OMITTED},
        {"eventVersion": "2.0"},
    ],
)
def test_a_record_that_contradicts_itself_is_refused(fault):
    with pytest.raises(MalformedEventError):
        read_call(trail("ssm", "PutParameter", NAME, {"version": 1}, **fault))
