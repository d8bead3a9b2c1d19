"""What the template promises: parameters that refuse what cannot work, and nothing lost or left open."""

from __future__ import annotations

import json
from importlib import import_module

import pytest
import yaml

from auditor.adapters.storage.engine import parse_url
from auditor.application.serving import Job, job_of
from auditor.settings import Settings
from deploy.packaging.lambda_zip import Target
from tests.support.templates import Template

URL = "postgresql://flagtrail@db.example.com:5432/flagtrail"
SECRET = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:{}-AbC12d"
GIVEN = {
    "DatabaseUrl": URL,
    "DatabaseSecretArn": SECRET.format("rds!cluster-1"),
    "SlackTokenSecretArn": SECRET.format("flagtrail/slack"),
    "SlackChannel": "C0123456789",
    "FingerprintKeySecretArn": SECRET.format("flagtrail/key"),
    "AlarmTopicArn": "arn:aws:sns:eu-west-1:123456789012:on-call",
    "MemberAccountIds": "444455556666,111122223333",
    "SubnetIds": "subnet-0a1b2c3d,subnet-0123456789abcdef0",
    "SecurityGroupIds": "sg-0a1b2c3d",
}
REFUSED = {
    "DatabaseUrl": [
        "sqlite:///flagtrail.db",
        "sqlite:////tmp/flagtrail.db",
        "mysql://flagtrail@db.example.com/flagtrail",
        "postgresql://flagtrail:secret@db.example.com/flagtrail",
        "postgresql://db.example.com/flagtrail",
        "",
    ],
    "DatabaseSecretArn": ["", "flagtrail/db", SECRET.format("a") + "}}{{resolve:ssm:x"],
    "SlackTokenSecretArn": ["xoxb-1234", "arn:aws:ssm:eu-west-1:123456789012:parameter/x"],
    "FingerprintKeySecretArn": ["0123456789abcdef"],
    "SlackChannel": ["flag changes", "<!channel>", "#a#b"],
    "AlarmTopicArn": ["on-call", "arn:aws:sqs:eu-west-1:123456789012:on-call"],
    "MemberAccountIds": ["1234", "444455556666, 111122223333", "444455556666,"],
    "SubnetIds": ["vpc-0a1b2c3d", "subnet-0a1b2c3d, subnet-0a1b2c3e"],
    "SecurityGroupIds": ["default"],
    "ParameterPrefix": ["", "shop", "/shop/*"],
    "ReadRoleName": ["", "path/flagtrail-read", "*"],
    "ReconcileEvery": ["", "15 minutes", "rate(1 minutes)", "rate(15 minute)", "rate(0 minutes)"],
}
TAKEN = {
    "DatabaseUrl": ["postgresql+psycopg://a@b/c?sslmode=verify-full&sslrootcert=/var/task/ca.pem"],
    "ReconcileEvery": ["rate(15 minutes)", "rate(1 hour)", "cron(0/30 * * * ? *)"],
    "ParameterPrefix": ["/", "/shop/prod/"],
    "SlackChannel": ["#flag-changes", "änderungen"],
}


@pytest.fixture(scope="module")
def template() -> Template:
    return Template.read("template.yaml", **GIVEN)


def patterns(name: str) -> list[str]:
    return [key for key, parameter in Template.read(name).parameters.items() if "AllowedPattern" in parameter]


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in REFUSED.items() for value in values])
def test_a_wrong_parameter_is_refused(template, name, value):
    assert not template.accepts(name, value)


@pytest.mark.parametrize(
    ("name", "value"), [*GIVEN.items(), *((name, value) for name, values in TAKEN.items() for value in values)]
)
def test_a_right_parameter_is_taken(template, name, value):
    assert template.accepts(name, value)


@pytest.mark.parametrize("name", ["template.yaml", "member.yaml"])
def test_every_free_text_is_checked_and_says_what_it_wants(name):
    parameters = Template.read(name).parameters

    for key, parameter in parameters.items():
        assert parameter["Description"], key
        assert "AllowedPattern" in parameter or "AllowedValues" in parameter or "MinValue" in parameter, key
        assert "ConstraintDescription" in parameter or "AllowedValues" in parameter, key


@pytest.mark.parametrize("key", patterns("template.yaml"))
def test_every_default_passes_its_own_check(template, key):
    parameter = template.parameters[key]

    assert "Default" not in parameter or template.accepts(key, parameter["Default"])


def test_the_function_understands_its_environment(template):
    function = template.resources("AWS::Serverless::Function")["Function"]
    variables = function["Environment"]["Variables"]

    settings = Settings.from_env(variables)

    assert parse_url(settings.database_url).get_backend_name() == "postgresql"
    assert parse_url(settings.database_url).password is None
    assert settings.slack.token == "{{resolve:secretsmanager:" + GIVEN["SlackTokenSecretArn"] + ":SecretString}}"
    assert settings.slack.channel == "C0123456789"
    assert settings.fingerprint_key is not None
    # These two are PostgreSQL's own.
    assert variables["PGPASSWORD"].endswith(":SecretString:password}}")
    assert variables["PGSSLMODE"] == "require"


def test_a_secret_that_is_not_given_leaves_no_variable():
    bare = Template.read("template.yaml", DatabaseUrl=URL)
    variables = bare.resources("AWS::Serverless::Function")["Function"]["Environment"]["Variables"]

    assert set(variables) == {"FLAGTRAIL_DATABASE_URL", "PGPASSWORD", "PGSSLMODE"}


def test_the_function_is_the_package_that_is_built(template):
    function = template.resources("AWS::Serverless::Function")["Function"]
    target = Target(function["Runtime"].removeprefix("python"), *function["Architectures"])
    module, _, name = function["Handler"].rpartition(".")

    assert function["CodeUri"] == f"../dist/lambda/{target.name}"
    assert callable(getattr(import_module(module), name))


def test_a_failed_message_comes_back_and_in_the_end_lies_among_the_dead(template):
    function = template.resources("AWS::Serverless::Function")["Function"]
    queue = template.resources("AWS::SQS::Queue")["Queue"]
    mapping = function["Events"]["Queue"]["Properties"]

    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert queue["VisibilityTimeout"] > 6 * function["Timeout"]
    assert queue["RedrivePolicy"]["deadLetterTargetArn"] == "<DeadLetters.Arn>"
    assert mapping["ScalingConfig"]["MaximumConcurrency"] < function["ReservedConcurrentExecutions"]


def test_queues_are_encrypted_and_only_the_rules_send_to_them(template):
    rules = {f"<{name}.Arn>" for name in template.resources("AWS::Events::Rule")}
    policies = template.resources("AWS::SQS::QueuePolicy").values()

    assert all(queue["SqsManagedSseEnabled"] for queue in template.resources("AWS::SQS::Queue").values())
    assert len(policies) == len(template.resources("AWS::SQS::Queue"))
    for policy in policies:
        allowed, denied = policy["PolicyDocument"]["Statement"]
        assert (allowed["Principal"], allowed["Action"]) == ({"Service": "events.amazonaws.com"}, "sqs:SendMessage")
        assert set(allowed["Condition"]["ArnEquals"]["aws:SourceArn"]) == rules
        assert (denied["Effect"], denied["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})


def test_every_rule_sends_to_the_queue_and_keeps_what_it_cannot_send(template):
    for rule in template.resources("AWS::Events::Rule").values():
        (target,) = rule["Targets"]
        assert (target["Arn"], target["DeadLetterConfig"]) == ("<Queue.Arn>", {"Arn": "<DeadLetters.Arn>"})


def test_the_schedule_asks_for_what_the_function_does(template):
    schedule = template.resources("AWS::Scheduler::Schedule")["ReconcileSchedule"]

    assert job_of(json.loads(schedule["Target"]["Input"])) is Job.RECONCILE


def test_an_application_announces_its_deployments():
    template = Template.read("appconfig-application.yaml", ApplicationId="ba8toh7")
    (made,) = template.resources("AWS::AppConfig::ExtensionAssociation").values()

    assert made["ResourceIdentifier"] == "arn:aws:appconfig:eu-west-1:123456789012:application/ba8toh7"
    assert template.accepts("ApplicationId", "ba8toh7")
    assert not template.accepts("ApplicationId", "checkout-service")


def test_alarms_tell_somebody(template):
    alarms = template.resources("AWS::CloudWatch::Alarm")

    assert {alarm["MetricName"] for alarm in alarms.values()} == {
        "Errors", "Invocations", "ApproximateAgeOfOldestMessage", "ApproximateNumberOfMessagesVisible",
    }  # fmt: skip
    assert all(alarm["AlarmActions"] == [GIVEN["AlarmTopicArn"]] for alarm in alarms.values())


def test_only_members_may_send_events(template):
    (policy,) = template.resources("AWS::Events::EventBusPolicy").values()

    assert policy["Statement"]["Principal"] == {"AWS": ["444455556666", "111122223333"]}
    assert Template.read("template.yaml").resources("AWS::Events::EventBusPolicy") == {}


def test_the_read_role_is_made_once_an_account_for_one_reader():
    given = {"ReaderRoleArn": "arn:aws:iam::123456789012:role/flagtrail", "ExternalId": "flagtrail"}
    roles = Template.read("member.yaml", ReadRoleRegion="eu-west-1", **given).resources("AWS::IAM::Role")
    (trust,) = roles["ReadRole"]["AssumeRolePolicyDocument"]["Statement"]

    assert trust["Principal"] == {"AWS": given["ReaderRoleArn"]}
    assert trust["Condition"] == {"StringEquals": {"sts:ExternalId": "flagtrail"}}
    assert roles["ReadRole"]["RoleName"] == Template.read("template.yaml").parameters["ReadRoleName"]["Default"]
    elsewhere = Template.read("member.yaml", ReadRoleRegion="eu-central-1", **given)
    assert set(elsewhere.resources("AWS::IAM::Role")) == {"ForwardRole"}


def test_no_template_has_anchors_which_cloudformation_refuses(root):
    for path in (root / "deploy").glob("*.yaml"):
        tokens = [type(token) for token in yaml.scan(path.read_text())]
        assert yaml.AnchorToken not in tokens
        assert yaml.AliasToken not in tokens
