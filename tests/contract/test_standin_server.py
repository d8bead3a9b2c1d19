"""The stand-in as a server: identities, accounts, faults, a process of its own, and what it does not do."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

from examples.standin import StandIn
from examples.standin.server import product_environ

START = datetime(2026, 10, 6, 8, 0, 3, 317_000, tzinfo=UTC)
OTHER = "444455556666"


@pytest.fixture
def aws() -> Iterator[StandIn]:
    with StandIn(start=START) as standin:
        yield standin


def code(refused: pytest.ExceptionInfo[ClientError]) -> tuple[str, int]:
    answer = refused.value.response
    return answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]


def test_everyone_is_told_apart(aws: StandIn):
    expected = {
        aws.iam_user("alice"): "arn:aws:iam::123456789012:user/alice",
        aws.role("Deployer", session="run-1"): "arn:aws:sts::123456789012:assumed-role/Deployer/run-1",
        aws.cloudformation(): "arn:aws:sts::123456789012:assumed-role/CloudFormationDeployRole/AWSCloudFormation",
        aws.lambda_role("fn-role", session="fn"): "arn:aws:sts::123456789012:assumed-role/fn-role/fn",
        aws.root(): "arn:aws:iam::123456789012:root",
        aws.root(account=OTHER): f"arn:aws:iam::{OTHER}:root",
    }
    for identity, arn in expected.items():
        who = aws.client("sts", identity=identity).get_caller_identity()
        assert who["Arn"] == identity.arn == arn
        assert who["UserId"] == identity.principal_id
        assert who["Account"] == identity.account
    jane = aws.sso_user("jane.doe@example.com", permission_set="PlatformAdmin")
    assert (
        jane.arn.rsplit("/", 1)[0]
        == aws.sso_user("bob@example.com", permission_set="PlatformAdmin").arn.rsplit("/", 1)[0]
    )
    keys = [identity.access_key_id for identity in (*expected, jane)]
    assert len(set(keys)) == len(keys)


def test_the_same_user_is_the_same_principal_with_another_key(aws: StandIn):
    first, second = aws.iam_user("alice"), aws.iam_user("alice", console=True)
    assert first.principal_id == second.principal_id
    assert first.access_key_id[:4] == "AKIA"
    assert second.access_key_id[:4] == "ASIA"


def test_a_key_that_nobody_holds_is_refused(aws: StandIn):
    stranger = {"aws_access_key_id": "AKIAIOSFODNN7EXAMPLE", "aws_secret_access_key": "x", "region_name": "eu-west-1"}
    ssm = boto3.client("ssm", endpoint_url=aws.url, **stranger)
    with pytest.raises(ClientError) as refused:
        ssm.describe_parameters()
    assert code(refused) == ("UnrecognizedClientException", 400)
    with pytest.raises(ClientError) as refused:
        boto3.client("sts", endpoint_url=aws.url, **stranger).get_caller_identity()
    assert code(refused) == ("InvalidClientTokenId", 403)


def test_accounts_and_regions_do_not_see_each_other(aws: StandIn):
    mine, theirs = aws.iam_user("me"), aws.iam_user("me", account=OTHER)
    aws.client("ssm", identity=mine).put_parameter(Name="/app/flag", Value="1", Type="String")
    aws.client("appconfig", identity=mine).create_application(Name="shop")
    aws.client("dynamodb", identity=mine).create_table(
        TableName="flags",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    for identity, region, seen in ((mine, None, 1), (theirs, None, 0), (mine, "us-east-1", 0)):
        ssm, appconfig, dynamodb = (
            aws.client(service, region=region, identity=identity) for service in ("ssm", "appconfig", "dynamodb")
        )
        assert len(ssm.describe_parameters()["Parameters"]) == seen
        assert len(appconfig.list_applications()["Items"]) == seen
        assert len(dynamodb.list_tables()["TableNames"]) == seen


def test_an_assumed_role_works_in_its_own_account(aws: StandIn):
    caller = aws.client("sts", identity=aws.iam_user("ci", account=OTHER))
    role = "arn:aws:iam::123456789012:role/flag-reader"
    answer = caller.assume_role(RoleArn=role, RoleSessionName="run", DurationSeconds=900)
    credentials = answer["Credentials"]
    assert answer["AssumedRoleUser"]["Arn"] == "arn:aws:sts::123456789012:assumed-role/flag-reader/run"
    assert credentials["Expiration"] == (START + timedelta(minutes=15)).replace(microsecond=0) or (
        credentials["Expiration"] == START + timedelta(minutes=15)
    )
    client = boto3.client(
        "sts",
        endpoint_url=aws.url,
        region_name="eu-west-1",
        aws_access_key_id=credentials["AccessKeyId"],
        aws_secret_access_key=credentials["SecretAccessKey"],
        aws_session_token=credentials["SessionToken"],
    )
    assert client.get_caller_identity()["Account"] == "123456789012"
    with pytest.raises(ClientError, match="is invalid"):
        caller.assume_role(RoleArn="arn:aws:iam::123456789012:user/no-role", RoleSessionName="run")


def test_a_web_identity_needs_no_key_of_its_own(aws: StandIn):
    anonymous = boto3.client(
        "sts", endpoint_url=aws.url, region_name="eu-west-1", config=Config(signature_version=UNSIGNED)
    )
    credentials = anonymous.assume_role_with_web_identity(
        RoleArn="arn:aws:iam::123456789012:role/gha-flag-deployer",
        RoleSessionName="GitHubActions",
        WebIdentityToken="token",
    )["Credentials"]
    ssm = boto3.client(
        "ssm",
        endpoint_url=aws.url,
        region_name="eu-west-1",
        aws_access_key_id=credentials["AccessKeyId"],
        aws_secret_access_key=credentials["SecretAccessKey"],
        aws_session_token=credentials["SessionToken"],
    )
    ssm.put_parameter(Name="/app/flag", Value="1", Type="String")
    *_, event = aws.drain()
    context = event["detail"]["userIdentity"]["sessionContext"]
    assert context["webIdFederationData"]["federatedProvider"] == (
        "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"
    )
    assert event["detail"]["userAgent"].startswith("Boto3/")


def test_what_moto_serves_follows_the_clock_too(aws: StandIn):
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="flags", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    aws.advance(timedelta(days=3))
    s3.put_object(Bucket="flags", Key="a.json", Body=b"{}")
    assert s3.head_object(Bucket="flags", Key="a.json")["LastModified"] == (START + timedelta(days=3)).replace(
        microsecond=0
    )
    assert s3.get_object(Bucket="flags", Key="a.json")["Body"].read() == b"{}"
    secrets = aws.client("secretsmanager")
    secrets.create_secret(Name="s", SecretString="x")
    created = secrets.describe_secret(SecretId="s")["CreatedDate"]
    assert created.astimezone(UTC) == (START + timedelta(days=3)).replace(microsecond=0)
    assert abs(datetime.now(UTC) - START) > timedelta(0)


def test_a_throttled_call_is_answered_so_as_often_as_asked(aws: StandIn):
    ssm = aws.client("ssm")
    ssm.put_parameter(Name="/app/flag", Value="1", Type="String")
    aws.fail("ssm", "GetParameterHistory", code="ThrottlingException", times=2)
    for _ in range(2):
        with pytest.raises(ClientError) as refused:
            ssm.get_parameter_history(Name="/app/flag")
        assert code(refused) == ("ThrottlingException", 400)
        assert refused.value.response["Error"]["Message"] == "Rate exceeded"
    assert len(ssm.get_parameter_history(Name="/app/flag")["Parameters"]) == 1
    aws.fail("appconfig", "ListApplications", code="ThrottlingException")
    aws.fail("sts", "GetCallerIdentity", code="Throttling")
    aws.fail("s3", "ListBuckets", code="SlowDown", status=503)
    with pytest.raises(ClientError) as refused:
        aws.client("appconfig").list_applications()
    assert code(refused) == ("ThrottlingException", 429)
    with pytest.raises(ClientError) as refused:
        aws.client("sts").get_caller_identity()
    assert code(refused) == ("Throttling", 400)
    with pytest.raises(ClientError) as refused:
        aws.client("s3").list_buckets()
    assert code(refused) == ("SlowDown", 503)


def test_a_call_may_fail_after_some_that_do_not(aws: StandIn):
    ssm = aws.client("ssm")
    aws.fail("ssm", "DescribeParameters", code="InternalServerError", after=2, message="Oops", status=500)
    for _ in range(2):
        ssm.describe_parameters()
    with pytest.raises(ClientError) as refused:
        ssm.describe_parameters()
    assert code(refused) == ("InternalServerError", 500)
    ssm.describe_parameters()


def test_a_client_that_tries_again_gets_through(aws: StandIn):
    aws.fail("ssm", "DescribeParameters", times=2)
    patient = boto3.client(
        "ssm",
        endpoint_url=aws.url,
        region_name="eu-west-1",
        config=Config(retries={"total_max_attempts": 3, "mode": "standard"}),
        aws_access_key_id=aws.product.access_key_id,
        aws_secret_access_key="any",
    )
    patient.meta.events.register("needs-retry.*", lambda **_: 0.001 if _["attempts"] < 3 else None)
    assert patient.describe_parameters()["Parameters"] == []
    assert aws.calls()["ssm:DescribeParameters"] == 3


def test_denials_are_by_identity_action_and_resource_until_taken_back(aws: StandIn):
    alice, bob = aws.iam_user("alice"), aws.iam_user("bob")
    aws.deny(alice, "ssm:Get*", resource="*:parameter/secret/*")
    for name in ("/secret/x", "/open/x"):
        aws.client("ssm").put_parameter(Name=name, Value="1", Type="String")
    denied = aws.client("ssm", identity=alice)
    for read in (denied.get_parameter, denied.get_parameter_history):
        with pytest.raises(ClientError, match="not authorized to perform: ssm:GetParameter"):
            read(Name="/secret/x")
        read(Name="/open/x")
    # A path is judged as a path, not by the parameters under it.
    assert len(denied.get_parameters_by_path(Path="/", Recursive=True)["Parameters"]) == 2
    aws.client("ssm", identity=bob).get_parameter(Name="/secret/x")
    aws.allow(alice, "ssm:Get*")
    denied.get_parameter(Name="/secret/x")
    aws.deny(None, "cloudtrail:LookupEvents")
    with pytest.raises(ClientError) as refused:
        aws.client("cloudtrail").lookup_events()
    assert code(refused) == ("AccessDeniedException", 400)


def test_a_denied_fault_is_recorded_like_a_denial(aws: StandIn):
    aws.fail("ssm", "PutParameter", code="AccessDeniedException")
    with pytest.raises(ClientError, match="not authorized to perform: ssm:PutParameter"):
        aws.client("ssm").put_parameter(Name="/app/flag", Value="1", Type="String")
    (event,) = aws.drain()
    assert event["detail"]["errorCode"] == "AccessDenied"


def test_calls_are_counted(aws: StandIn):
    ssm = aws.client("ssm")
    ssm.put_parameter(Name="/app/flag", Value="1", Type="String")
    for _ in range(2):
        ssm.get_parameter(Name="/app/flag")
    aws.client("s3").list_buckets()
    assert aws.calls() == Counter({"ssm:GetParameter": 2, "ssm:PutParameter": 1, "s3:ListBuckets": 1})
    aws.reset_calls()
    assert aws.calls() == Counter()


@pytest.mark.parametrize(
    ("service", "operation", "asked"),
    [
        ("appconfig", "list_experiment_definitions", {}),
        ("ssm", "describe_ops_items", {}),
        ("codepipeline", "get_pipeline_state", {"name": "x"}),
        ("wisdom", "list_assistants", {}),
    ],
)
def test_what_nobody_answers_fails_at_once(aws: StandIn, service: str, operation: str, asked: dict[str, Any]):
    client = boto3.client(
        service,
        endpoint_url=aws.url,
        region_name="eu-west-1",
        aws_access_key_id=aws.product.access_key_id,
        aws_secret_access_key="any",
    )
    attempts: list[str] = []
    client.meta.events.register("before-send.*", lambda **_: attempts.append("sent"))
    with pytest.raises(ClientError) as refused:
        getattr(client, operation)(**asked)
    assert code(refused) == ("NotImplementedByStandIn", 501)
    assert len(attempts) == 1


@pytest.mark.parametrize("body", [b"{not json", b"[]", b'{"Name": 5}', b'{"Name": "/x", "WithDecryption": "yes"}'])
def test_a_body_that_cannot_be_read_is_refused(aws: StandIn, body: bytes):
    scope = f"{aws.product.access_key_id}/20261006/eu-west-1/ssm/aws4_request"
    headers = {
        "Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=any",
        "X-Amz-Target": "AmazonSSM.GetParameter",
        "Content-Type": "application/x-amz-json-1.1",
    }
    request = urllib.request.Request(aws.url, data=body, headers=headers)  # noqa: S310
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=30)  # noqa: S310
    with refused.value as answer:
        assert answer.code == 400
        assert json.loads(answer.read())["__type"] == "SerializationException"
    request.add_header("X-Amz-Target", "AmazonSSM.NoSuchOperation")
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=30)  # noqa: S310
    with refused.value as answer:
        assert answer.code == 501


def test_each_start_begins_with_nothing(aws: StandIn):
    aws.client("ssm").put_parameter(Name="/app/flag", Value="1", Type="String")
    aws.client("s3").create_bucket(Bucket="left-over", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    url = aws.url
    aws.stop()
    aws.stop()
    with pytest.raises(RuntimeError, match="not running"):
        aws.client("ssm")
    with StandIn(start=START) as again:
        assert again.client("s3").list_buckets()["Buckets"] == []
        assert again.client("ssm").describe_parameters()["Parameters"] == []
        assert again.events() == []
        with pytest.raises(RuntimeError, match="already running"):
            again.start()
        with pytest.raises(urllib.error.URLError):
            urllib.request.urlopen(f"{url}/standin/clock", timeout=5)  # noqa: S310


def test_a_stand_in_started_again_begins_at_its_beginning():
    aws = StandIn(start=START)
    alice = aws.iam_user("alice")
    for _ in range(2):
        with aws:
            assert aws.now() == START
            assert aws.events() == []
            ssm = aws.client("ssm", identity=alice)
            assert ssm.put_parameter(Name="/app/flag", Value="1", Type="String")["Version"] == 1
            aws.advance(timedelta(days=1))
        assert len(aws.events()) == 2


def test_times_come_through_to_the_millisecond(aws: StandIn):
    ssm = aws.client("ssm")
    for number in range(40):
        aws.advance(timedelta(hours=7, milliseconds=37 * number + 1))
        ssm.put_parameter(Name="/app/flag", Value="1", Type="String", Overwrite=True)
        assert ssm.get_parameter(Name="/app/flag")["Parameter"]["LastModifiedDate"] == aws.now()


def test_a_seed_gives_the_same_ids_again():
    def ids() -> list[str]:
        with StandIn(start=START, seed=7) as aws:
            aws.client("ssm").put_parameter(Name="/app/flag", Value="1", Type="String")
            return [event["id"] for event in aws.events()]

    assert ids() == ids()


def test_without_a_start_the_clock_runs_and_deployments_with_it():
    with StandIn() as aws:
        before = datetime.now(UTC)
        aws.client("ssm").put_parameter(Name="/app/flag", Value="1", Type="String")
        written = aws.client("ssm").get_parameter(Name="/app/flag")["Parameter"]["LastModifiedDate"]
        assert before - timedelta(seconds=1) <= written <= datetime.now(UTC)
        aws.advance(timedelta(days=1))
        assert aws.now() > before + timedelta(days=1) - timedelta(seconds=1)


def test_the_environment_leads_a_product_here_and_nowhere_else(aws: StandIn):
    environ = product_environ({"PATH": "/bin", "AWS_PROFILE": "private", "AWS_SESSION_TOKEN": "real"}, aws)
    assert environ["PATH"] == "/bin"
    assert "AWS_PROFILE" not in environ
    assert "AWS_SESSION_TOKEN" not in environ
    assert environ["AWS_ENDPOINT_URL"] == aws.url


class Child:
    """The stand-in in a process of its own, spoken to over HTTP only."""

    def __init__(self, root: Path) -> None:
        command = [sys.executable, "-m", "examples.standin", "--port", "0", "--print-url", "--start", START.isoformat()]
        self.process = subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().strip()

    def ask(self, path: str, body: Any = None, method: str | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/standin/{path}", data=data, method=method)  # noqa: S310
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            return json.loads(answer.read())

    def client(self, service: str, credentials: dict[str, Any]) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name="eu-west-1",
            aws_access_key_id=credentials["access_key_id"],
            aws_secret_access_key=credentials["secret_access_key"],
            aws_session_token=credentials["session_token"],
        )


@pytest.fixture
def child(root: Path) -> Iterator[Child]:
    standin = Child(root)
    yield standin
    standin.process.kill()
    standin.process.communicate()


def test_a_process_of_its_own_is_led_over_http(child: Child):
    jane = child.ask("identities", {"kind": "sso_user", "user": "jane@example.com", "permission_set": "Admin"})
    ssm = child.client("ssm", jane)
    ssm.put_parameter(Name="/app/flag", Value="1", Type="String")
    assert child.ask("clock") == {"now": START.isoformat()}
    assert child.ask("clock", {"advance": 60}) == {"now": (START + timedelta(minutes=1)).isoformat()}
    later = (START + timedelta(hours=1)).isoformat()
    assert child.ask("clock", {"now": later}) == {"now": later}
    ssm.put_parameter(Name="/app/flag", Value="2", Overwrite=True)
    first, second = ssm.get_parameter_history(Name="/app/flag")["Parameters"]
    assert (first["LastModifiedDate"], second["LastModifiedDate"]) == (START, START + timedelta(hours=1))
    assert second["LastModifiedUser"] == jane["arn"]
    events = child.ask("events")
    assert [event["source"] for event in events] == ["aws.ssm"] * 4
    assert child.ask("events?drain=1") == events
    assert child.ask("events") == []
    child.ask("deny", {"access_key_id": jane["access_key_id"], "action": "ssm:PutParameter"})
    with pytest.raises(ClientError, match="AccessDeniedException"):
        ssm.put_parameter(Name="/app/flag", Value="3", Overwrite=True)
    child.ask("allow", {"access_key_id": jane["access_key_id"], "action": "ssm:PutParameter"})
    child.ask("fail", {"service": "ssm", "operation": "GetParameter", "code": "InternalServerError", "status": 400})
    with pytest.raises(ClientError, match="InternalServerError"):
        ssm.get_parameter(Name="/app/flag")
    assert child.ask("calls")["ssm:PutParameter"] == 3
    assert child.ask("calls", method="DELETE") == {}
    assert child.ask("calls") == {}
    assert child.ask("environ")["AWS_ENDPOINT_URL"] == child.url
    alarm = child.client("cloudwatch", jane)
    alarm.put_metric_alarm(
        AlarmName="a",
        Namespace="n",
        MetricName="m",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
    )
    alarm.set_alarm_state(AlarmName="a", StateValue="ALARM", StateReason="r")
    assert [event["source"] for event in child.ask("events?drain=1")][-1] == "aws.cloudwatch"
    child.process.send_signal(signal.SIGTERM)
    assert child.process.wait(timeout=30) == 0


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("clock", {"now": "2020-01-01T00:00:00+00:00"}, 400),
        ("clock", {"now": "yesterday"}, 400),
        ("clock", [], 400),
        ("identities", {"kind": "stranger"}, 400),
        ("identities", {"kind": "role"}, 400),
        ("deny", {"access_key_id": "AKIANOBODY", "action": "ssm:*"}, 400),
        ("no-such-thing", {}, 404),
    ],
)
def test_a_wrong_word_over_http_is_told(aws: StandIn, path: str, body: Any, status: int):
    request = urllib.request.Request(f"{aws.url}/standin/{path}", data=json.dumps(body).encode())  # noqa: S310
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=30)  # noqa: S310
    with refused.value as answer:
        assert answer.code == status
        assert json.loads(answer.read())["error"]


def test_the_developers_own_environment_is_left_alone(aws: StandIn):
    before = dict(os.environ)
    aws.environ()
    aws.client("ssm").describe_parameters()
    assert dict(os.environ) == before


def test_the_example_in_the_readme_runs(root: Path, capsys: pytest.CaptureFixture[str]):
    text = (root / "examples" / "standin" / "README.md").read_text()
    block = text.partition("```python\n")[2].partition("```")[0]
    exec(compile(block, "README.md", "exec"), {})  # noqa: S102
    assert capsys.readouterr().out.splitlines() == [
        "Parameter Store Change 2026-10-06T08:00:00Z",
        "AWS API Call via CloudTrail 2026-10-06T08:00:00Z",
    ]
