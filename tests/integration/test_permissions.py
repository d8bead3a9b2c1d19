"""The function may do what it does, and nothing else: the template's statements against the calls made."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from pathlib import Path

import botocore.session
import pytest
from botocore import xform_name

from auditor import bootstrap
from auditor.entrypoints.lambda_handler import serve
from auditor.settings import DEFAULT_SOURCES, AwsSettings, Settings, SourceSettings
from deploy.packaging.contents import SERVICES
from examples.standin import StandIn
from tests.support.aws import Account, flag_document
from tests.support.stores import KEYS, Bucket, Table
from tests.support.templates import PSEUDO, Template

BEGIN = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
MEMBER = "444455556666"
ADAPTERS = Path(bootstrap.__file__).parent / "adapters"
# Whoever has credentials may ask whose they are; no policy can refuse it.
FREE = {"sts:GetCallerIdentity"}
# Adapters that only some functions use, by the function's role; the rest is what reads stores.
OF_ROLES = {
    "SealFunctionRole": {"ledger/bucket.py", "ledger/kms.py", "secrets.py"},
    "ReportFunctionRole": {"report_shelf.py", "secrets.py"},
    "CanaryFunctionRole": {"canary.py"},
    "UpgradeFunctionRole": {"secrets.py"},
}
# Whoever runs `flagtrail doctor` or `flagtrail init` does so with rights of their own.
BY_PEOPLE = {"deployment.py", "discovery.py"}
OTHERS = {ADAPTERS / name for names in (*OF_ROLES.values(), BY_PEOPLE, {"channels/sns.py"}) for name in names}
# Asked for only where a profile points there: whoever has one allows it by ExtraReadPolicyArn.
WHERE_POINTED = {
    "ssm:GetDocument", "ssm:ListDocumentVersions", "secretsmanager:ListSecretVersionIds",
    "codepipeline:ListActionExecutions",
}  # fmt: skip
# Rights are not always named as calls are.
NAMED_OTHERWISE = {
    "s3:GetObject": {"s3:GetObject", "s3:GetObjectVersion"},
    "s3:ListObjectVersions": {"s3:ListBucketVersions"},
    "s3:ListObjectsV2": {"s3:ListBucket"},
}
# How an expression ends whose methods are calls: a client, or what makes one.
_CLIENT = re.compile(r"(\bclient|\b_sns|\b_?client\(.*\)|\b_sts\(.*\)|\bclients\.\w+\(.*\))$")
LAMBDAS_OWN = {"TakeFromQueue", "WriteLog", "AttachToNetwork", "TakeFromStreams", "KeepLostRecords"}
# What is no call, but the way in: a role signs for itself.
LOGIN = {"LogInToDatabase"}
ANY_RESOURCE = {"ListParameters", "ListApplications", "ReadCallHistory", "AttachToNetwork"}
SECRET = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:{}-AbC12d"
STORES = {
    "TableArns": "arn:aws:dynamodb:eu-west-1:123456789012:table/feature-flags,arn:aws:dynamodb:eu-west-1:444455556666:table/other",
    "BucketArns": "arn:aws:s3:::flags-123456789012,arn:aws:s3:::other",
}
EVERYTHING = {
    "MemberAccountIds": MEMBER,
    "Network": "existing",
    "VpcId": "vpc-12345678",
    "SubnetIds": "subnet-12345678",
    "SecurityGroupIds": "sg-12345678",
    "DatabaseUrl": "postgresql://flagtrail@db.example.com/flagtrail",
    "DatabaseSecretArn": SECRET.format("database"),
    "SlackTokenSecretArn": SECRET.format("slack"),
    "FingerprintKeySecretArn": SECRET.format("key"),
    "MacKeySecretArn": SECRET.format("mac"),
    "MessageTopicArn": "arn:aws:sns:eu-west-1:123456789012:flags",
    **STORES,
}
ROLES = ["FunctionRole", "ScheduleRole", *OF_ROLES]


def listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def actions(statements: list[dict], effect: str) -> set[str]:
    """Return the actions that statements about the function's own code name."""
    return {
        action
        for statement in statements
        if statement["Effect"] == effect and statement["Sid"] not in LAMBDAS_OWN | LOGIN
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


def rights(calls: set[str]) -> set[str]:
    """Return the actions that IAM names these calls by."""
    return {action for call in calls for action in NAMED_OTHERWISE.get(call, {call})}


def function_statements(**given: str) -> list[dict]:
    return Template.read("template.yaml", **given).statements("FunctionRole")


@pytest.fixture(scope="module")
def called(tmp_path_factory) -> set[str]:
    """Return every call the function makes: for events, of two accounts, and when its schedule wakes it."""
    record = tmp_path_factory.mktemp("record") / "flagtrail.db"
    settings = Settings(
        database_url=f"sqlite:///{record}",
        aws=AwsSettings(read_role="flagtrail-read"),
        sources=(
            *DEFAULT_SOURCES,
            SourceSettings("dynamodb", "dynamodb", table="feature-flags", keys=tuple(KEYS.items())),
            SourceSettings("s3", "s3", bucket="flags-123456789012", key="{application}/{environment}/flags.json"),
        ),
    )
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
    own = Account(aws, aws.account)
    table, bucket = Table(own, view="KEYS_ONLY"), Bucket(own)
    table.put({"enabled": {"BOOL": True}})
    bucket.put('{"search": true}')
    return [*aws.drain(), *table.records(), *table.data_events(), *bucket.events()]


def written(*paths: Path) -> Iterator[str]:
    """Yield the calls that stand in adapters' source: of a client's method, or by a paginator's name."""
    models = {name: botocore.session.get_session().get_service_model(name) for name in SERVICES - {"dynamodbstreams"}}
    operations = {xform_name(name): f"{s}:{name}" for s, model in models.items() for name in model.operation_names}
    # Names that several services have: the store that is read, and not the pipeline that passes by.
    operations |= {"get_object": "s3:GetObject", "list_object_versions": "s3:ListObjectVersions"}
    operations |= {"sign": "kms:Sign", "get_deployment": "appconfig:GetDeployment", "publish": "sns:Publish"}
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            if node.func.attr == "get_paginator":
                yield operations[ast.literal_eval(node.args[0])]
            elif _CLIENT.search(ast.unparse(node.func.value)) and node.func.attr in operations:
                yield operations[node.func.attr]


def of_stores() -> set[str]:
    return set(written(*sorted(set(ADAPTERS.rglob("*.py")) - OTHERS)))


def test_the_function_is_allowed_what_it_calls_and_no_more(called):
    allowed = actions(function_statements(**{**STORES, "MemberAccountIds": MEMBER}), "Allow")

    assert allowed == rights(called) - FREE


def test_every_call_in_the_source_was_made(called):
    assert of_stores() - WHERE_POINTED == called


@pytest.mark.parametrize("role", OF_ROLES)
def test_each_other_role_may_do_what_its_own_adapters_call(role):
    template = Template.read("template.yaml", **EVERYTHING)
    calls = rights(set(written(*(ADAPTERS / name for name in OF_ROLES[role]))))
    (key,) = template.resources("AWS::KMS::Key").values()
    by_the_key = [
        action
        for statement in key["KeyPolicy"]["Statement"]
        if statement["Principal"] == {"AWS": f"<{role}.Arn>"}
        for action in statement["Action"]
    ]

    assert actions(template.statements(role), "Allow") | set(by_the_key) == calls


def test_secrets_and_topics_are_read_only_where_they_are_named():
    bare = actions(function_statements(), "Allow")
    full = actions(function_statements(**EVERYTHING), "Allow")
    called = set(written(ADAPTERS / "secrets.py", ADAPTERS / "channels" / "sns.py"))

    assert called == {"secretsmanager:GetSecretValue", "sns:Publish"}
    assert bare & called == set()
    assert called <= full
    named = [s["Resource"] for s in function_statements(**EVERYTHING) if s["Action"] == "secretsmanager:GetSecretValue"]
    assert sorted(named) == sorted(value for name, value in EVERYTHING.items() if name.endswith("SecretArn"))


def test_a_role_logs_in_as_one_user_of_one_cluster():
    for role in ("FunctionRole", "SealFunctionRole", "ReportFunctionRole", "UpgradeFunctionRole"):
        (login,) = (s for s in Template.read("template.yaml").statements(role) if s["Sid"] in LOGIN)
        assert login["Action"] == "rds-db:connect"
        assert login["Resource"].endswith(":dbuser:<Cluster.DBClusterResourceId>/flagtrail")
    assert not [s for s in Template.read("template.yaml").statements("CanaryFunctionRole") if s["Sid"] in LOGIN]


def test_a_member_lets_the_same_be_read(called):
    statements = Template.read("member.yaml", ReadRoleRegion=PSEUDO["AWS::Region"], **STORES).statements("ReadRole")

    assert actions(statements, "Allow") == rights(called) - FREE - {"sts:AssumeRole"}
    outside = {name: EVERYTHING[name] for name in ("DatabaseUrl", "DatabaseSecretArn")} | {"Network": "none"}
    assert actions(statements, "Deny") == actions(function_statements(**outside), "Deny")


def test_an_account_without_members_tables_and_buckets_reads_none(called):
    stores = {action for action in rights(called) if action.startswith(("s3:", "dynamodb:"))}

    assert actions(function_statements(), "Allow") == rights(called) - FREE - stores - {"sts:AssumeRole"}


def test_nothing_the_function_does_is_denied_to_it(called):
    denied = actions(function_statements(**EVERYTHING), "Deny")

    assert denied & rights(called) == set()
    assert {"kms:Decrypt", "ssm:GetParameter", "ssm:GetParametersByPath"} <= denied


@pytest.mark.parametrize("role", ROLES)
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
        ("s3:GetObjectVersion", "arn:aws:s3:::flags-123456789012/shop/prod/flags.json", True),
        ("s3:GetObjectVersion", "arn:aws:s3:::other/flags.json", True),
        ("s3:GetObjectVersion", "arn:aws:s3:::orders/flags.json", False),
        ("s3:ListBucketVersions", "arn:aws:s3:::flags-123456789012", True),
        ("s3:PutObject", "arn:aws:s3:::other/flags.json", False),
        ("dynamodb:Scan", "arn:aws:dynamodb:eu-west-1:123456789012:table/feature-flags", True),
        ("dynamodb:Scan", "arn:aws:dynamodb:eu-west-1:123456789012:table/orders", False),
        ("dynamodb:GetRecords", "arn:aws:dynamodb:eu-west-1:123456789012:table/feature-flags/stream/2026-01-01T00:00:00.000", True),
        ("dynamodb:PutItem", "arn:aws:dynamodb:eu-west-1:123456789012:table/feature-flags", False),
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
