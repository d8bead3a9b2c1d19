"""Clients: whose credentials, which retries, and how an error is said."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ClientError
from urllib3 import HTTPResponse

from auditor.adapters.aws import CONFIG, AwsClients, NotInStoreError, answering
from auditor.adapters.pacing import Pacer
from auditor.domain.errors import StoreUnreadableError
from tests.support.aws import ONCE, fail

OWN, OTHER = "123456789012", "444455556666"
REGION = "eu-west-1"


@pytest.fixture
def session():
    return boto3.Session(region_name=REGION)


def sts(session: boto3.Session, lifetime: timedelta = timedelta(hours=1)) -> list[dict[str, Any]]:
    """Have STS answer; return what it was asked."""
    asked: list[dict[str, Any]] = []

    def identity(**_event: Any) -> Any:
        asked.append({"Action": "GetCallerIdentity"})
        return _ok({"Account": OWN})

    def assume(params: dict[str, Any], **_event: Any) -> Any:
        asked.append(params["body"])
        credentials = {
            "AccessKeyId": f"ASIA{len(asked)}",
            "SecretAccessKey": "secret",
            "SessionToken": "token",
            "Expiration": datetime.now(UTC) + lifetime,
        }
        return _ok({"Credentials": credentials})

    session.events.register("before-call.sts.GetCallerIdentity", identity)
    session.events.register("before-call.sts.AssumeRole", assume)
    return asked


def _ok(answer: dict[str, Any]) -> Any:
    return type("Answer", (), {"status_code": 200}), answer


def key_of(client: Any) -> str:
    return client._request_signer._credentials.access_key


def test_nothing_is_asked_before_it_is_needed(session):
    asked = sts(session)
    clients = AwsClients(session=session)

    assert asked == []
    assert (clients.account(), clients.region()) == (OWN, REGION)
    assert clients.account() == OWN
    assert len(asked) == 1


def test_ones_own_account_is_read_with_ones_own_credentials(session):
    asked = sts(session)
    clients = AwsClients(session=session, own_account=OWN)

    client = clients.ssm(OWN, "us-east-1")

    assert client.meta.region_name == "us-east-1"
    assert key_of(client) == "testing"
    assert clients.ssm(OWN, "us-east-1") is client
    assert clients.ssm(OWN, REGION) is not client
    assert asked == []


def test_another_account_is_read_through_its_role(session):
    asked = sts(session)
    clients = AwsClients(session=session, own_account=OWN, read_role="FlagtrailRead", external_id="shop")

    client = clients.appconfig(OTHER, REGION)

    assert key_of(client) == "ASIA1"
    assert clients.appconfig(OTHER, REGION) is client
    (request,) = asked
    assert request["RoleArn"] == f"arn:aws:iam::{OTHER}:role/FlagtrailRead"
    assert request["ExternalId"] == "shop"


def test_the_role_has_the_partition_of_the_region(session):
    asked = sts(session)
    AwsClients(session=session, own_account=OWN, read_role="R", region="cn-north-1").ssm(OTHER, "cn-north-1")

    assert asked[0]["RoleArn"] == f"arn:aws-cn:iam::{OTHER}:role/R"
    assert "ExternalId" not in asked[0]


def test_borrowed_credentials_are_renewed_before_they_run_out(session):
    asked = sts(session, lifetime=timedelta(minutes=4))
    clients = AwsClients(session=session, own_account=OWN, read_role="R")

    first, second = (key_of(clients.ssm(OTHER, REGION)) for _ in range(2))

    assert (first, second) == ("ASIA1", "ASIA2")
    assert len(asked) == 2


def test_without_a_role_no_other_account_is_read(session):
    with pytest.raises(StoreUnreadableError, match=f"{OTHER}.*read_role"):
        AwsClients(session=session, own_account=OWN).ssm(OTHER, REGION)


def test_a_role_that_may_not_be_assumed_is_named(session):
    fail(session, "sts", "AssumeRole", "AccessDenied", status=403, body=_sts_error("AccessDenied"))
    clients = AwsClients(session=session, own_account=OWN, read_role="R", config=ONCE)

    with pytest.raises(StoreUnreadableError, match=f"sts:AssumeRole.*arn:aws:iam::{OTHER}:role/R"):
        clients.ssm(OTHER, REGION)


def _sts_error(code: str) -> bytes:
    return f"<ErrorResponse><Error><Code>{code}</Code><Message>no</Message></Error></ErrorResponse>".encode()


def test_nowhere_is_no_place_to_read(session):
    clients = AwsClients(session=session, own_account=OWN)

    for account, region in (("", REGION), (OWN, ""), ("", "")):
        with pytest.raises(StoreUnreadableError, match="no account and Region"):
            clients.ssm(account, region)


def test_without_a_region_it_is_said_how_to_set_one(monkeypatch):
    monkeypatch.delenv("AWS_DEFAULT_REGION")

    with pytest.raises(StoreUnreadableError, match="AWS_REGION"):
        AwsClients(own_account=OWN).region()


@pytest.mark.parametrize("name", ["AWS_REGION", "AWS_DEFAULT_REGION"])
def test_either_variable_sets_the_region(monkeypatch, name):
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    monkeypatch.setenv(name, "eu-north-1")

    assert AwsClients(own_account=OWN).region() == "eu-north-1"


def test_without_a_region_an_event_tells_where_to_read(monkeypatch):
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    session = boto3.Session()
    sts(session)

    assert AwsClients(session=session).ssm(OWN, REGION).meta.region_name == REGION


def test_a_batch_does_not_wait_for_sts_again_and_again(session):
    made = fail(session, "sts", "GetCallerIdentity", "InternalFailure", status=500, body=_sts_error("InternalFailure"))
    clients = AwsClients(session=session, config=ONCE)
    for _ in range(5):
        with pytest.raises(StoreUnreadableError, match="sts:GetCallerIdentity"):
            clients.ssm(OWN, REGION)

    assert len(made) == 1


def test_without_credentials_it_is_said_so(monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name)

    with pytest.raises(StoreUnreadableError, match="credentials"):
        AwsClients(region=REGION).account()


def test_a_region_that_is_none_is_no_answer(session):
    with pytest.raises(StoreUnreadableError):
        AwsClients(session=session, own_account=OWN, config=ONCE).ssm(OWN, "not a region")


def test_retries_are_few_and_bounded(session, monkeypatch):
    monkeypatch.setattr("botocore.retries.standard.time.sleep", lambda _seconds: None)
    made = fail(session, "ssm", "GetParameterHistory", "ThrottlingException")
    client = AwsClients(session=session, own_account=OWN, config=CONFIG).ssm(OWN, REGION)

    with pytest.raises(ClientError):
        client.get_parameter_history(Name="/x")

    assert len(made) == 3


def test_every_request_to_aws_is_paced_and_to_another_endpoint_none(session, monkeypatch):
    slept: list[float] = []
    pacer = Pacer(rates={"ssm.GetParameterHistory": 1}, sleep=slept.append, clock=lambda: 0.0)

    def calls() -> int:
        client = AwsClients(session=session, own_account=OWN, pacer=pacer, config=ONCE).ssm(OWN, REGION)
        for _ in range(3):
            with pytest.raises(ClientError):
                client.get_parameter_history(Name="/x")
        return len(slept)

    fail(session, "ssm", "GetParameterHistory", "ParameterNotFound")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    elsewhere = calls()
    monkeypatch.delenv("AWS_ENDPOINT_URL")

    assert elsewhere == 0
    assert calls() == 2


def test_all_clients_of_a_process_share_one_budget(session, monkeypatch):
    waited: list[int] = []
    monkeypatch.setattr(Pacer, "wait", lambda self, *_about: waited.append(id(self)))
    fail(session, "ssm", "GetParameterHistory", "ParameterNotFound")
    for _ in range(2):
        client = AwsClients(session=session, own_account=OWN, config=ONCE).ssm(OWN, REGION)
        with pytest.raises(ClientError):
            client.get_parameter_history(Name="/x")

    assert len(waited) == 2
    assert len(set(waited)) == 1


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("AccessDeniedException", "allow ssm:GetParameterHistory to the role that reads"),
        ("ThrottlingException", "throttled"),
        ("InternalServerError", "failed with InternalServerError: out of order"),
    ],
)
def test_an_error_says_what_where_and_what_to_do(code, says):
    error = ClientError({"Error": {"Code": code, "Message": "out of order"}}, "GetParameterHistory")

    with (
        pytest.raises(StoreUnreadableError, match=says) as raised,
        answering("ssm:GetParameterHistory", "/x", OWN, REGION),
    ):
        raise error

    assert f"/x in account {OWN}, {REGION}" in str(raised.value)
    assert raised.value.__cause__ is None


@pytest.mark.parametrize("code", ["ParameterNotFound", "ResourceNotFoundException"])
def test_what_is_not_there_is_an_answer(code):
    response = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPHeaders": {"date": "x"}}}

    with pytest.raises(NotInStoreError) as raised, answering("ssm:GetParameterHistory", "/x", OWN, REGION):
        raise ClientError(response, "GetParameterHistory")

    assert raised.value.response == response


def test_an_answer_that_is_not_aws_is_no_answer(session):
    def portal(request: Any, **_event: Any) -> AWSResponse:
        raw = HTTPResponse(BytesIO(b"<html>sign in with your password"), preload_content=False)
        return AWSResponse(request.url, 200, {}, raw)

    session.events.register("before-send.sts.GetCallerIdentity", portal)

    with pytest.raises(StoreUnreadableError, match="not AWS") as raised:
        AwsClients(session=session, config=ONCE).account()
    assert "password" not in str(raised.value)
    assert json.dumps(str(raised.value))
