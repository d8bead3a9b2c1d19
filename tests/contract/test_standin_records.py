"""The stand-in's events against captured samples: the same call gives the same event, but for made-up ids."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from examples.standin import Identity, StandIn

START = datetime(2026, 10, 6, 7, 58, 11, tzinfo=UTC)
FLAG = "/myapp/prod/features/new-checkout"
# What differs from call to call, or stands for the machine and tool that the sample came from.
MADE_UP = {"id", "eventID", "requestID", "accessKeyId", "principalId", "sourceIPAddress", "userAgent", "creationDate"}


@pytest.fixture
def aws() -> Iterator[StandIn]:
    with StandIn(start=START) as standin:
        yield standin


def sample(root: Path, name: str) -> dict[str, Any]:
    return json.loads((root / "tests" / "events" / f"{name}.json").read_text())


def plain(value: Any) -> Any:
    """Return a value with everything made up replaced, and the hexadecimal end of an SSO role's name."""
    if isinstance(value, dict):
        return {key: "made up" if key in MADE_UP else plain(held) for key, held in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, str) and "AWSReservedSSO_" in value:
        head, _, tail = value.partition("AWSReservedSSO_")
        permission_set, _, session = tail.partition("/")
        return f"{head}AWSReservedSSO_{permission_set.rpartition('_')[0]}/{session}"
    return value


def ordered(event: dict[str, Any]) -> str:
    """Return an event as text, its keys in their order: EventBridge's own detail orders are free, a record's are not."""
    return json.dumps(plain(event))


def at(aws: StandIn, event: dict[str, Any]) -> None:
    aws.set_time(datetime.fromisoformat(event["time"]) + timedelta(milliseconds=317))


def put(aws: StandIn, identity: Identity, **asked: Any) -> None:
    aws.client("ssm", identity=identity).put_parameter(**asked)


def seed(aws: StandIn, name: str, versions: int, kind: str = "String", **asked: Any) -> None:
    admin = aws.iam_user("seed")
    for number in range(versions):
        put(aws, admin, Name=name, Value=str(number), Type=kind, Overwrite=True, **asked)
    aws.drain()


def alice(aws: StandIn) -> Identity:
    return aws.iam_user("alice")


def jane(aws: StandIn, *, console: bool = False) -> Identity:
    return aws.sso_user("jane.doe@example.com", permission_set="PlatformAdmin", console=console)


def test_create_by_an_iam_user(aws: StandIn, root: Path):
    record, change = sample(root, "ct-ssm-putparameter-create-iamuser"), sample(root, "ssm-change-create-string")
    at(aws, record)
    put(
        aws,
        alice(aws),
        Name=FLAG,
        Description="New checkout flow. owner=payments@example.com",
        Value="false",
        Type="String",
        Overwrite=False,
        Tags=[{"Key": "team", "Value": "payments"}],
        Tier="Standard",
    )
    first, second = aws.drain()
    assert ordered(first) == ordered(change)
    assert ordered(second) == ordered(record)


def test_update_from_the_console_through_identity_center(aws: StandIn, root: Path):
    record = sample(root, "ct-ssm-putparameter-update-sso-console")
    change = sample(root, "ssm-change-out-of-order-arrives-1st")
    seed(aws, FLAG, 3, Description="New checkout flow. owner=payments@example.com")
    at(aws, record)
    put(aws, jane(aws, console=True), Name=FLAG, Value="false", Overwrite=True)
    first, second = aws.drain()
    assert ordered(first) == ordered(change)
    assert ordered(second) == ordered(record)
    assert second["detail"]["userAgent"] == record["detail"]["userAgent"]


def test_secure_string_by_a_pipeline_through_openid(aws: StandIn, root: Path):
    record = sample(root, "ct-ssm-putparameter-securestring-github-oidc")
    change = sample(root, "ssm-change-update-securestring")
    name = record["detail"]["requestParameters"]["name"]
    seed(aws, name, 11, kind="SecureString", Description=change["detail"]["description"])
    at(aws, record)
    robot = aws.role("gha-flag-deployer", session="GitHubActions", web_identity="token.actions.githubusercontent.com")
    put(
        aws,
        robot,
        Name=name,
        Value="hunter2-never-to-be-seen",
        Type="SecureString",
        KeyId="alias/aws/ssm",
        Overwrite=True,
        Tier="Standard",
    )
    first, second = aws.drain()
    assert ordered(first) == ordered(change)
    assert ordered(second) == ordered(record)
    assert "hunter2" not in json.dumps([first, second])


def test_change_by_cloudformation(aws: StandIn, root: Path):
    record = sample(root, "ct-ssm-putparameter-cloudformation")
    seed(aws, "/myapp/prod/features/rollout-regions", 2, kind="StringList")
    at(aws, record)
    put(
        aws,
        aws.cloudformation(role="CloudFormationDeployRole"),
        Name="/myapp/prod/features/rollout-regions",
        Value="eu,us",
        Type="StringList",
        Overwrite=True,
    )
    _, second = aws.drain()
    assert ordered(second) == ordered(record)
    assert second["detail"]["sourceIPAddress"] == second["detail"]["userAgent"] == "cloudformation.amazonaws.com"


def test_role_assumed_from_another_account(aws: StandIn, root: Path):
    record = sample(root, "ct-ssm-putparameter-role-assumed-from-other-account")
    seed(aws, "/myapp/prod/features/dark-mode", 8)
    at(aws, record)
    caller = aws.client("sts", identity=aws.iam_user("ci", account="444455556666"))
    assumed = caller.assume_role(
        RoleArn="arn:aws:iam::123456789012:role/CrossAccountFlagAdmin",
        RoleSessionName="ci-444455556666-run-8812",
        SourceIdentity="carol@example.com",
    )["Credentials"]
    identity = aws.role("CrossAccountFlagAdmin", "ci-444455556666-run-8812", source_identity="carol@example.com")
    for who in (identity, assumed_identity(identity, assumed)):
        put(aws, who, Name="/myapp/prod/features/dark-mode", Value="on", Overwrite=True)
    _, by_factory, _, by_sts = aws.drain()
    assert ordered(by_factory) == ordered(record)
    by_sts["detail"]["responseElements"]["version"] = 9
    assert ordered(by_sts) == ordered(record)


def assumed_identity(like: Identity, credentials: dict[str, str]) -> Identity:
    from dataclasses import replace

    return replace(
        like,
        access_key_id=credentials["AccessKeyId"],
        secret_access_key=credentials["SecretAccessKey"],
        session_token=credentials["SessionToken"],
    )


def test_change_by_a_lambda_function(aws: StandIn, root: Path):
    record = sample(root, "ct-ssm-putparameter-update-lambda-role")
    seed(aws, FLAG, 4)
    at(aws, record)
    function = aws.lambda_role("flag-kill-switch-role", session="flag-kill-switch")
    put(aws, function, Name=FLAG, Value="false", Type="String", Overwrite=True)
    _, second = aws.drain()
    assert ordered(second) == ordered(record)
    assert "exec-env/AWS_Lambda" in second["detail"]["userAgent"]


def test_labels_moved_and_refused(aws: StandIn, root: Path):
    record, change = sample(root, "ct-ssm-labelparameterversion"), sample(root, "ssm-change-label-move")
    first_change = sample(root, "ssm-change-label-first")
    seed(aws, FLAG, 1, Description="New checkout flow. owner=payments@example.com")
    at(aws, first_change)
    ssm = aws.client("ssm", identity=alice(aws))
    ssm.label_parameter_version(Name=FLAG, ParameterVersion=1, Labels=["stable"])
    assert ordered(aws.drain()[0]) == ordered(first_change)
    seed(aws, FLAG, 1)
    at(aws, record)
    ssm.label_parameter_version(Name=FLAG, ParameterVersion=2, Labels=["stable", "123bad"])
    first, second = aws.drain()
    assert ordered(first) == ordered(change)
    assert ordered(second) == ordered(record)


def test_delete_by_root_from_the_console(aws: StandIn, root: Path):
    record, change = sample(root, "ct-ssm-deleteparameter-root-console"), sample(root, "ssm-change-delete-string")
    seed(aws, "/myapp/prod/features/dark-mode", 1, Description="Dark mode toggle")
    at(aws, record)
    aws.client("ssm", identity=aws.root(console=True)).delete_parameter(Name="/myapp/prod/features/dark-mode")
    first, second = aws.drain()
    assert ordered(first) == ordered(change)
    assert ordered(second) == ordered(record)


def test_delete_of_several_names_announces_only_those_that_were_there(aws: StandIn, root: Path):
    record = sample(root, "ct-ssm-deleteparameters-batch")
    regions, search, never = record["detail"]["requestParameters"]["names"]
    seed(aws, regions, 1)
    seed(aws, search, 1)
    at(aws, record)
    aws.client("ssm", identity=jane(aws)).delete_parameters(Names=[regions, search, never])
    *changes, last = aws.drain()
    assert [(one["detail"]["operation"], one["detail"]["name"]) for one in changes] == [
        ("Delete", regions),
        ("Delete", search),
    ]
    assert ordered(last) == ordered(record)


def test_a_delete_that_found_nothing_looks_like_one_that_did(aws: StandIn, root: Path):
    record = sample(root, "ct-ssm-deleteparameter-not-found")
    at(aws, record)
    ssm = aws.client("ssm", identity=alice(aws))
    with pytest.raises(ssm.exceptions.ParameterNotFound):
        ssm.delete_parameter(Name="/myapp/prod/features/never-existed")
    assert [ordered(one) for one in aws.drain()] == [ordered(record)]


def test_a_refused_create_carries_no_error(aws: StandIn, root: Path):
    record = sample(root, "ct-ssm-putparameter-already-exists")
    seed(aws, FLAG, 1)
    at(aws, record)
    ssm = aws.client("ssm", identity=alice(aws))
    with pytest.raises(ssm.exceptions.ParameterAlreadyExists):
        ssm.put_parameter(Name=FLAG, Value="x", Type="String")
    assert [ordered(one) for one in aws.drain()] == [ordered(record)]


def test_a_denied_attempt_names_the_parameter_only_in_its_message(aws: StandIn, root: Path):
    record = sample(root, "ct-ssm-putparameter-accessdenied")
    bob = aws.role("ReadOnlyEngineer", session="bob@example.com")
    aws.deny(bob, "ssm:PutParameter")
    at(aws, record)
    ssm = aws.client("ssm", identity=bob)
    with pytest.raises(ClientError) as refused:
        ssm.put_parameter(Name=FLAG, Value="true", Type="String")
    assert refused.value.response["Error"]["Code"] == "AccessDeniedException"
    assert refused.value.response["Error"]["Message"] == record["detail"]["errorMessage"]
    assert [ordered(one) for one in aws.drain()] == [ordered(record)]


def test_a_malformed_request_is_recorded_without_its_parameters(aws: StandIn):
    ssm = aws.client("ssm")
    with pytest.raises(ClientError, match="enum value set"):
        ssm.put_parameter(Name=FLAG, Value="true", Type="Boolean")
    (record,) = aws.drain()
    assert record["detail"]["errorCode"] == "ValidationException"
    assert record["detail"]["requestParameters"] is None
    assert "resources" not in record["detail"]


def test_a_read_is_in_the_event_history_and_not_on_the_bus(aws: StandIn, root: Path):
    expected = sample(root, "ct-ssm-getparameter-readonly")["detail"]
    seed(aws, FLAG, 1)
    aws.set_time(datetime.fromisoformat(expected["eventTime"]))
    task = aws.role("myapp-prod-task", session="3f2a9c0e1b7d4e56")
    aws.client("ssm", identity=task).get_parameter(Name=FLAG, WithDecryption=True)
    assert aws.drain() == []
    (listed,) = aws.client("cloudtrail").lookup_events(
        LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "GetParameter"}]
    )["Events"]
    assert ordered(json.loads(listed["CloudTrailEvent"])) == ordered(expected)


def test_another_account_and_region_keep_their_own_envelope(aws: StandIn, root: Path):
    change = sample(root, "ssm-change-forwarded-from-other-account")
    name = change["detail"]["name"]
    shop = aws.iam_user("shop", account="444455556666")
    put(aws, shop, Name=name, Value="0", Type="String", Description="Gift cards")
    aws.drain()
    at(aws, change)
    put(aws, shop, Name=name, Value="1", Overwrite=True)
    first, second = aws.drain()
    assert ordered(first) == ordered(change)
    assert second["account"] == second["detail"]["recipientAccountId"] == "444455556666"
    aws.client("ssm", region="us-east-1", identity=shop).put_parameter(Name=name, Value="0", Type="String")
    first, second = aws.drain()
    assert first["detail"]["operation"] == "Create"
    assert {first["region"], second["region"], second["detail"]["awsRegion"]} == {"us-east-1"}


def test_expiry_is_a_policy_action_without_a_call(aws: StandIn, root: Path):
    event = sample(root, "ssm-policy-action-expiration")
    name = event["detail"]["parameter-name"]
    put(
        aws,
        alice(aws),
        Name=name,
        Value="on",
        Type="String",
        Tier="Advanced",
        Policies=f"[{event['detail']['policy-content']}]",
    )
    aws.drain()
    aws.set_time(datetime(2026, 10, 7, tzinfo=UTC))
    assert [ordered(one) for one in aws.drain()] == [ordered(event)]
    ssm = aws.client("ssm")
    with pytest.raises(ssm.exceptions.ParameterNotFound):
        ssm.get_parameter_history(Name=name)


def test_no_change_for_long_is_a_policy_action_and_a_change_puts_it_off(aws: StandIn, root: Path):
    event = sample(root, "ssm-policy-action-nochange")
    name = event["detail"]["parameter-name"]
    policies = f"[{event['detail']['policy-content']}]"
    put(aws, alice(aws), Name=name, Value="on", Type="String", Tier="Advanced", Policies=policies)
    aws.advance(timedelta(days=59))
    put(aws, alice(aws), Name=name, Value="off", Overwrite=True)
    aws.drain()
    due = aws.now() + timedelta(days=60)
    aws.advance(timedelta(days=61))
    (told,) = aws.drain()
    assert told["time"] == due.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert ordered(told | {"time": event["time"]}) == ordered(event)


def test_every_event_has_an_id_of_its_own(aws: StandIn):
    for number in range(5):
        seed_events = aws.client("ssm")
        seed_events.put_parameter(Name=f"/app/{number}", Value="1", Type="String")
    events = aws.events()
    ids = [event["id"] for event in events] + [event["detail"]["eventID"] for event in events[1::2]]
    assert len(ids) == len(set(ids)) == 15
    assert aws.drain() == events
    assert aws.events() == []


def test_without_a_trail_only_the_event_history_has_the_calls():
    with StandIn(start=START, trail=False) as aws:
        aws.client("ssm").put_parameter(Name=FLAG, Value="1", Type="String")
        assert [event["detail-type"] for event in aws.drain()] == ["Parameter Store Change"]
        assert len(aws.client("cloudtrail").lookup_events()["Events"]) == 1
