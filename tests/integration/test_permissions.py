"""The function may do what it does, and nothing else: the template's statements against the calls made."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from pathlib import Path
from typing import get_args

import botocore.session
import pytest
from botocore import xform_name

from auditor import bootstrap
from auditor.adapters.aws import Service
from auditor.entrypoints.lambda_handler import serve
from auditor.settings import AwsSettings, Settings
from examples.standin import StandIn
from tests.support.aws import flag_document
from tests.support.templates import PSEUDO, Template

BEGIN = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
MEMBER = "444455556666"
ADAPTERS = Path(bootstrap.__file__).parent / "adapters"
# Whoever has credentials may ask whose they are; no policy can refuse it.
FREE = {"sts:GetCallerIdentity"}
# What functions with a role of their own call, and whoever runs `flagtrail doctor`.
OTHERS = {ADAPTERS / "canary.py", ADAPTERS / "deployment.py"}
# Asked for only where a profile points to a document of Systems Manager: whoever has one allows it.
WHERE_POINTED = {"ssm:GetDocument", "ssm:ListDocumentVersions"}
# How an expression ends whose methods are calls: a client, or what makes one.
_CLIENT = re.compile(r"(\bclient|\b_sts\(.*\))$")
LAMBDAS_OWN = {"TakeFromQueue", "WriteLog", "AttachToNetwork"}
ANY_RESOURCE = {"ListParameters", "ListApplications", "ReadCallHistory", "AttachToNetwork"}
EVERYTHING = {"MemberAccountIds": MEMBER, "SubnetIds": "subnet-12345678", "SecurityGroupIds": "sg-12345678"}


def listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def actions(statements: list[dict], effect: str) -> set[str]:
    """Return the actions that statements about the function's own code name."""
    return {
        action
        for statement in statements
        if statement["Effect"] == effect and statement["Sid"] not in LAMBDAS_OWN
        for action in listed(statement["Action"])
    }


def allows(statements: list[dict], action: str, resource: str) -> bool:
    """Tell whether statements let a call through, conditions left aside."""
    covering = [
        statement["Effect"]
        for statement in statements
        if any(fnmatchcase(action, named) for named in listed(statement["Action"]))
        and any(fnmatchcase(resource, named) for named in listed(statement["Resource"]))
        and not ("Condition" in statement and statement["Effect"] == "Deny")
    ]
    return "Allow" in covering and "Deny" not in covering


def function_statements(**given: str) -> list[dict]:
    return Template.read("template.yaml", **given).statements("FunctionRole")


@pytest.fixture(scope="module")
def called(tmp_path_factory) -> set[str]:
    """Return every call the function makes: for events, of two accounts, and when its schedule wakes it."""
    record = tmp_path_factory.mktemp("record") / "flagtrail.db"
    settings = Settings(database_url=f"sqlite:///{record}", aws=AwsSettings(read_role="flagtrail-read"))
    with StandIn(BEGIN) as aws, pytest.MonkeyPatch.context() as environment:
        for name, value in aws.environ().items():
            environment.setenv(name, value)
        application = bootstrap.application(settings)
        events = [json.dumps(event) for event in changes(aws)]
        records = [{"eventSource": "aws:sqs", "messageId": str(n), "body": body} for n, body in enumerate(events)]
        aws.reset_calls()
        assert serve(application, {"Records": records}) == {"batchItemFailures": []}
        aws.advance(timedelta(hours=1))
        serve(application, {"job": "reconcile"})
        application.record.close()
        return set(aws.calls())


def changes(aws: StandIn) -> list[dict]:
    """Change flags everywhere, and return what EventBridge delivers of it."""
    ssm, member = aws.client("ssm"), aws.client("ssm", identity=aws.iam_user("carol", account=MEMBER))
    for client in (ssm, member):
        client.put_parameter(Name="/shop/prod/features/search", Value="true", Type="String")
    appconfig = aws.client("appconfig")
    application = appconfig.create_application(Name="shop")["Id"]
    environment = appconfig.create_environment(ApplicationId=application, Name="prod")["Id"]
    profile = appconfig.create_configuration_profile(
        ApplicationId=application, Name="checkout", LocationUri="hosted", Type="AWS.AppConfig.FeatureFlags"
    )["Id"]
    appconfig.create_hosted_configuration_version(
        ApplicationId=application,
        ConfigurationProfileId=profile,
        Content=flag_document({"express": {"enabled": True}}),
        ContentType="application/json",
    )
    strategy = appconfig.create_deployment_strategy(
        Name="slow", DeploymentDurationInMinutes=10, GrowthFactor=50, FinalBakeTimeInMinutes=1, ReplicateTo="NONE"
    )["Id"]
    appconfig.start_deployment(
        ApplicationId=application,
        EnvironmentId=environment,
        DeploymentStrategyId=strategy,
        ConfigurationProfileId=profile,
        ConfigurationVersion="1",
    )
    return aws.drain()


def written() -> Iterator[str]:
    """Yield the calls that stand in the adapters' source: of a client's method, or by a paginator's name.

    Services that only some configurations read are left out: the template's function has none of them.
    """
    models = {service: botocore.session.get_session().get_service_model(service) for service in get_args(Service)}
    operations = {xform_name(name): f"{s}:{name}" for s, model in models.items() for name in model.operation_names}
    for path in sorted(set(ADAPTERS.rglob("*.py")) - OTHERS):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            if node.func.attr == "get_paginator":
                named = ast.literal_eval(node.args[0])
                yield from [operations[named]] if named in operations else []
            elif _CLIENT.search(ast.unparse(node.func.value)) and node.func.attr in operations:
                yield operations[node.func.attr]


def test_the_function_is_allowed_what_it_calls_and_no_more(called):
    assert actions(function_statements(MemberAccountIds=MEMBER), "Allow") == called - FREE


def test_every_call_in_the_source_was_made(called):
    assert set(written()) - WHERE_POINTED == called


def test_a_member_lets_the_same_be_read(called):
    statements = Template.read("member.yaml", ReadRoleRegion=PSEUDO["AWS::Region"]).statements("ReadRole")

    assert actions(statements, "Allow") == called - FREE - {"sts:AssumeRole"}
    assert actions(statements, "Deny") == actions(function_statements(), "Deny")


def test_an_account_without_members_assumes_no_role(called):
    assert actions(function_statements(), "Allow") == called - FREE - {"sts:AssumeRole"}


def test_nothing_the_function_does_is_denied_to_it(called):
    denied = actions(function_statements(**EVERYTHING), "Deny")

    assert denied & called == set()
    assert {"kms:Decrypt", "ssm:GetParameter", "ssm:GetParametersByPath"} <= denied


@pytest.mark.parametrize("role", ["FunctionRole", "ScheduleRole"])
def test_no_action_is_a_pattern_and_resources_are_named(role):
    statements = Template.read("template.yaml", **EVERYTHING).statements(role)

    for statement in (s for s in statements if s["Effect"] == "Allow"):
        assert not any("*" in action for action in listed(statement["Action"]))
        anything = "*" in listed(statement["Resource"])
        assert anything == (statement["Sid"] in ANY_RESOURCE), statement["Sid"]
        assert not anything or statement["Condition"] == {"StringEquals": {"aws:RequestedRegion": "eu-west-1"}}


@pytest.mark.parametrize(
    ("action", "resource", "allowed"),
    [
        ("ssm:GetParameterHistory", "arn:aws:ssm:eu-west-1:123456789012:parameter/shop/prod/features/search", True),
        ("ssm:GetParameterHistory", "arn:aws:ssm:eu-west-1:123456789012:parameter/other/prod/features/search", False),
        ("ssm:GetParameterHistory", "arn:aws:ssm:eu-west-2:123456789012:parameter/shop/prod/features/search", False),
        ("ssm:GetParameter", "arn:aws:ssm:eu-west-1:123456789012:parameter/shop/prod/features/search", False),
        ("appconfig:GetDeployment", "arn:aws:appconfig:eu-west-1:123456789012:application/a/environment/b/deployment/1", True),
        ("appconfig:GetDeployment", "arn:aws:appconfig:eu-west-1:444455556666:application/a/environment/b/deployment/1", False),
        ("appconfig:GetLatestConfiguration", "arn:aws:appconfig:eu-west-1:123456789012:application/a", False),
        ("sts:AssumeRole", "arn:aws:iam::444455556666:role/flagtrail-read", True),
        ("sts:AssumeRole", "arn:aws:iam::444455556666:role/admin", False),
    ],
)  # fmt: skip
def test_the_function_reads_where_it_should(action, resource, allowed):
    statements = function_statements(**EVERYTHING, ParameterPrefix="/shop/")

    assert allows(statements, action, resource) is allowed


def test_decryption_is_denied_for_parameters_only():
    (deny,) = (s for s in function_statements() if s["Sid"] == "NeverDecryptParameters")

    assert (deny["Action"], deny["Resource"]) == ("kms:Decrypt", "*")
    assert deny["Condition"] == {"Null": {"kms:EncryptionContext:PARAMETER_ARN": "false"}}
