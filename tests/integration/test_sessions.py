"""Who is behind a session or a release: a token's subject, the person behind a role, what CodeDeploy was at."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from examples.standin import StandIn

BEGIN = datetime(2026, 10, 6, 8, 0, tzinfo=UTC)
CHECKOUT = "/myapp/prod/features/new-checkout"
GITHUB = "token.actions.githubusercontent.com"
WEB = {
    "type": "WebIdentityUser",
    "principalId": f"arn:aws:iam::123456789012:oidc-provider/{GITHUB}:sts.amazonaws.com:repo:acme/shop:ref:refs/heads/main",
    "userName": "repo:acme/shop:ref:refs/heads/main",
    "identityProvider": f"arn:aws:iam::123456789012:oidc-provider/{GITHUB}",
}
SAML = {"type": "SAMLUser", "principalId": "x:jane.doe@example.com", "userName": "jane.doe@example.com",
        "identityProvider": "arn:aws:iam::123456789012:saml-provider/ADFS"}  # fmt: skip
ALICE = {
    "type": "IAMUser",
    "arn": "arn:aws:iam::123456789012:user/alice",
    "accountId": "123456789012",
    "userName": "alice",
}
ELSEWHERE = {"type": "AWSAccount", "principalId": "AIDACKCEVSQ6C2EXAMPLE", "accountId": "444455556666"}


def opening(call: str, identity: dict[str, Any], key: str, **more: Any) -> dict[str, Any]:
    """Return STS's record of a session that was opened, in the form of CloudTrail's other records."""
    detail = {
        "eventVersion": "1.11",
        "userIdentity": identity,
        "eventTime": "2026-10-06T08:00:00Z",
        "eventSource": "sts.amazonaws.com",
        "eventName": call,
        "awsRegion": "eu-west-1",
        "sourceIPAddress": "192.0.2.61",
        "requestParameters": {"roleArn": "arn:aws:iam::123456789012:role/deployer", "roleSessionName": "run-1"},
        "responseElements": {"credentials": {"accessKeyId": key, "expiration": "Oct 6, 2026, 9:00:00 AM"}},
        "requestID": "r",
        "eventID": f"{call} of {key}",
        "readOnly": True,
        "eventType": "AwsApiCall",
        "recipientAccountId": "123456789012",
    }
    return {
        "version": "0", "id": f"opening-{key}", "detail-type": "AWS API Call via CloudTrail", "source": "aws.sts",
        "account": "123456789012", "time": "2026-10-06T08:00:00Z", "region": "eu-west-1", "resources": [],
        "detail": detail | more,
    }  # fmt: skip


def written(aws: StandIn, who: Any) -> list[dict[str, Any]]:
    aws.advance(timedelta(minutes=1))
    aws.client("ssm", identity=who).put_parameter(Name=CHECKOUT, Value="true", Type="String", Overwrite=True)
    return aws.drain()


@pytest.mark.parametrize("opened_first", [True, False])
def test_the_subject_of_a_jobs_token_is_evidence(aws, record, opened_first):
    job = aws.role("gha-flag-deployer", "GitHubActions", web_identity=GITHUB)
    begun, events = opening("AssumeRoleWithWebIdentity", WEB, job.access_key_id), written(aws, job)

    for batch in ([begun], events) if opened_first else (events, [begun]):
        record.take(*batch)

    (row,) = record.rows()
    assert (row["actor"]["kind"], row["actor"]["name"]) == ("pipeline", "gha-flag-deployer")
    (piece,) = [piece for piece in row["attribution"]["evidence"] if piece["source"] == "sts"]
    assert "for repo:acme/shop:ref:refs/heads/main" in piece["text"]
    assert piece["id"] == f"AssumeRoleWithWebIdentity of {job.access_key_id}"
    assert job.access_key_id not in piece["text"]


@pytest.mark.parametrize("opened_first", [True, False])
@pytest.mark.parametrize(
    ("call", "identity", "name"),
    [("AssumeRoleWithSAML", SAML, "jane.doe@example.com"), ("AssumeRole", ALICE, "alice")],
)
def test_the_person_who_took_a_role_is_named(aws, record, call, identity, name, opened_first):
    session = aws.role("FlagAdmin", "somebody-else@example.com")
    begun, events = opening(call, identity, session.access_key_id), written(aws, session)

    for batch in ([begun], events) if opened_first else (events, [begun]):
        record.take(*batch)

    (row,) = record.rows()
    assert (row["actor"]["kind"], row["actor"]["name"], row["actor"]["via"]) == ("person", name, "FlagAdmin")
    assert row["actor"]["session"] == "somebody-else@example.com"
    assert row["attribution"]["certainty"] == "certain"


def test_of_another_account_the_account_is_evidence_and_the_role_stays(aws, record):
    session = aws.role("CrossAccountFlagAdmin", "ci-run-8812")

    record.take(opening("AssumeRole", ELSEWHERE, session.access_key_id), *written(aws, session))

    (row,) = record.rows()
    assert (row["actor"]["kind"], row["actor"]["name"]) == ("role", "CrossAccountFlagAdmin")
    assert any("account 444455556666" in piece["text"] for piece in row["attribution"]["evidence"])


def test_another_session_says_nothing_of_this_one(aws, record):
    session, other = aws.role("FlagAdmin", "x"), aws.role("FlagAdmin", "x")

    outcomes = record.outcomes(opening("AssumeRole", ALICE, other.access_key_id))
    record.take(*written(aws, session))

    assert outcomes == ["noted"]
    assert record.told("actor") == [("FlagAdmin",)]


@pytest.mark.parametrize(
    "more",
    [
        {"eventName": "GetCallerIdentity"},
        {"eventSource": "iam.amazonaws.com"},
        {"responseElements": None, "errorCode": "AccessDenied"},
        {"responseElements": {"credentials": {"accessKeyId": 7}}},
        {"responseElements": {"credentials": {"accessKeyId": "AKIAIOSFODNN7EXAMPLE"}}},
    ],
)
def test_what_opened_no_session_is_ignored(record, more):
    assert record.outcomes(opening("AssumeRole", ALICE, "ASIAIOSFODNN7EXAMPLE", **more)) == ["ignored"]


def release(aws: StandIn, number: str, **more: Any) -> dict[str, Any]:
    """Return CloudTrail's record of a deployment of CodeDeploy that was begun."""
    begun = opening("CreateDeployment", ALICE, number)
    at = aws.now().strftime("%Y-%m-%dT%H:%M:%SZ")
    detail = begun["detail"] | {
        "eventSource": "codedeploy.amazonaws.com",
        "eventTime": at,
        "eventID": f"begun-{number}",
        "readOnly": False,
        "requestParameters": {"applicationName": "shop", "deploymentGroupName": "prod"},
        "responseElements": {"deploymentId": number},
    }
    return begun | {"source": "aws.codedeploy", "time": at, "detail": detail | more}


def released(aws: StandIn) -> list[dict[str, Any]]:
    """Let a role write a flag on behalf of CodeDeploy, and return what AWS tells of it."""
    events = written(aws, aws.role("CodeDeployServiceRole", "CodeDeploy"))
    for event in events:
        if "userIdentity" in event["detail"]:
            event["detail"]["userIdentity"]["invokedBy"] = "codedeploy.amazonaws.com"
    return events


@pytest.mark.parametrize("begun_first", [True, False])
def test_the_one_release_that_ran_is_evidence_and_names_nobody(aws, record, begun_first):
    begun = release(aws, "d-ABC")
    events = released(aws)

    for batch in ([begun], events) if begun_first else (events, [begun]):
        record.take(*batch)

    (row,) = record.rows()
    assert (row["actor"]["kind"], row["actor"]["name"]) == ("pipeline", "codedeploy.amazonaws.com")
    told = [piece["text"] for piece in row["attribution"]["evidence"] if piece["source"] == "codedeploy"]
    assert told == [
        "deployment d-ABC of shop was the only one that CodeDeploy had begun in the hour before; alice had it begun"
    ]


def test_of_two_releases_neither_is_evidence(aws, record):
    begun = [release(aws, "d-ABC"), release(aws, "d-DEF")]

    record.take(*begun, *released(aws))

    (row,) = record.rows()
    assert "codedeploy" not in {piece["source"] for piece in row["attribution"]["evidence"]}


@pytest.mark.parametrize("more", [{"eventName": "StopDeployment"}, {"responseElements": None}, {"readOnly": True}])
def test_what_began_no_release_is_ignored(aws, record, more):
    assert record.outcomes(release(aws, "d-ABC", **more)) == ["ignored"]
