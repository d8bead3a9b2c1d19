"""What the template promises: parameters that refuse what cannot work, and nothing lost or left open."""

from __future__ import annotations

import json
from importlib import import_module
from typing import get_args

import pytest
import yaml

from auditor import bootstrap
from auditor.adapters.aws import Service
from auditor.adapters.ledger.naming import FOLDER
from auditor.adapters.storage.engine import parse_url
from auditor.application.serving import Job, job_of
from auditor.domain.ledger.checkpoint import PublicKey
from auditor.domain.templates import DEFAULT_SSM_TEMPLATES, PathTemplates
from auditor.entrypoints import health, telemetry
from auditor.settings import DatabaseLogin, Settings
from deploy.packaging.contents import CERTIFICATES
from deploy.packaging.lambda_zip import Target
from tests.support.templates import Template

URL = "postgresql://flagtrail@db.example.com:5432/flagtrail"
SECRET = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:{}-AbC12d"
USER = "arn:aws:rds-db:eu-west-1:123456789012:dbuser:cluster-ABCDEFGHIJ/flagtrail"
TABLE, BUCKET = "arn:aws:dynamodb:eu-west-1:123456789012:table/flags", "arn:aws:s3:::flags.example.com"
OWN_DATABASE = {"DatabaseUrl": URL, "DatabaseSecretArn": SECRET.format("rds!cluster-1")}
OWN_NETWORK = {
    "Network": "existing",
    "VpcId": "vpc-0a1b2c3d",
    "SubnetIds": "subnet-0a1b2c3d,subnet-0123456789abcdef0",
    "SecurityGroupIds": "sg-0a1b2c3d",
}
GIVEN = {
    **OWN_DATABASE,
    **OWN_NETWORK,
    "SlackTokenSecretArn": SECRET.format("flagtrail/slack"),
    "SlackChannel": "C0123456789",
    "SlackBaseUrl": "https://slack-gateway.example.com/api/",
    "FingerprintKeySecretArn": SECRET.format("flagtrail/key"),
    "MacKeySecretArn": SECRET.format("flagtrail/mac"),
    "AlarmTopicArn": "arn:aws:sns:eu-west-1:123456789012:on-call",
    "MessageTopicArn": "arn:aws:sns:eu-west-1:123456789012:flags",
    "MemberAccountIds": "444455556666,111122223333",
    "TableArns": TABLE,
    "BucketArns": f"{BUCKET},arn:aws:s3:::other",
    "ExtraReadPolicyArn": "arn:aws:iam::123456789012:policy/flagtrail/documents",
    "LogOrigin": "flagtrail.example.com/shop",
}
REFUSED = {
    "DatabaseUrl": [
        "sqlite:///flagtrail.db",
        "sqlite:////tmp/flagtrail.db",
        "mysql://flagtrail@db.example.com/flagtrail",
        "postgresql://flagtrail:secret@db.example.com/flagtrail",
        "postgresql://db.example.com/flagtrail",
    ],
    "DatabaseSecretArn": ["flagtrail/db", SECRET.format("a") + "}}{{resolve:ssm:x"],
    "DatabaseUserArn": ["flagtrail", USER.replace("/flagtrail", "/*"), SECRET.format("a")],
    "SlackTokenSecretArn": ["xoxb-1234", "arn:aws:ssm:eu-west-1:123456789012:parameter/x"],
    "FingerprintKeySecretArn": ["0123456789abcdef"],
    "MacKeySecretArn": ["0123456789abcdef"],
    "SlackChannel": ["flag changes", "<!channel>", "#a#b"],
    "SlackBaseUrl": ["slack.example.com", "https://a b"],
    "AlarmTopicArn": ["on-call", "arn:aws:sqs:eu-west-1:123456789012:on-call"],
    "MessageTopicArn": ["flags"],
    "MemberAccountIds": ["1234", "444455556666, 111122223333", "444455556666,"],
    "VpcId": ["vpc", "subnet-0a1b2c3d"],
    "SubnetIds": ["vpc-0a1b2c3d", "subnet-0a1b2c3d, subnet-0a1b2c3e"],
    "SecurityGroupIds": ["default"],
    "ParameterPrefix": ["", "shop", "/shop/*"],
    "TableArns": ["flags", TABLE + "/*", f"{TABLE}, {TABLE}"],
    "BucketArns": ["flags", BUCKET + "/*", "arn:aws:s3:::*"],
    "ExtraReadPolicyArn": ["AdministratorAccess", "arn:aws:iam::aws:policy/AdministratorAccess"],
    "ReadRoleName": ["", "path/flagtrail-read", "*"],
    "ReconcileEvery": ["", "15 minutes", "rate(1 minutes)", "rate(15 minute)", "rate(0 minutes)"],
    "SealEvery": ["", "often"],
    "LogOrigin": ["two words", "a+b"],
    "CanaryParameter": ["heartbeat", "/heartbeat", "/a/b/", "/a/*"],
}
TAKEN = {
    "DatabaseUrl": ["", "postgresql+psycopg://a@b/c?sslmode=verify-full&sslrootcert=/var/task/ca.pem"],
    "DatabaseUserArn": [USER],
    "ReconcileEvery": ["rate(15 minutes)", "rate(1 hour)", "cron(0/30 * * * ? *)"],
    "ParameterPrefix": ["/", "/shop/prod/"],
    "SlackChannel": ["#flag-changes", "änderungen"],
    "CanaryParameter": ["", "/shop/canary/features/heartbeat"],
    "TableArns": [f"{TABLE},arn:aws:dynamodb:eu-central-1:444455556666:table/a.b-c_d"],
}
# Each set of values that does not go together, and a word of what is said of it.
TOGETHER = [
    ({"Network": "existing"}, "needs VpcId and SubnetIds"),
    ({"Network": "existing", "VpcId": "vpc-0a1b2c3d"}, "needs VpcId and SubnetIds"),
    ({"VpcId": "vpc-0a1b2c3d"}, "go with Network=existing"),
    ({"Network": "none", **OWN_DATABASE, "SubnetIds": "subnet-0a1b2c3d"}, "go with Network=existing"),
    ({"MakeEndpoints": "yes"}, "go with Network=existing"),
    ({"Network": "none"}, "The Aurora cluster is in a network"),
    ({"DatabaseSecretArn": SECRET.format("a")}, "go with DatabaseUrl"),
    ({"DatabaseUserArn": USER}, "go with DatabaseUrl"),
    ({"DatabaseUrl": URL}, "either DatabaseSecretArn or DatabaseUserArn"),
    ({**OWN_DATABASE, "DatabaseUserArn": USER}, "either DatabaseSecretArn or DatabaseUserArn"),
    ({"SlackChannel": "C0123456789"}, "SlackChannel needs SlackTokenSecretArn"),
]
WAYS = [
    {},
    GIVEN,
    OWN_NETWORK,
    {**OWN_DATABASE, "Network": "none"},
    {"DatabaseUrl": URL, "DatabaseUserArn": USER, "Network": "none"},
    {**OWN_NETWORK, "SecurityGroupIds": "", "MakeEndpoints": "yes"},
]


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


@pytest.mark.parametrize(("given", "said"), TOGETHER)
def test_values_that_do_not_go_together_are_refused_with_a_sentence(given, said):
    (refusal,) = Template.read("template.yaml", **given).refusals()

    assert said in refusal


@pytest.mark.parametrize("given", WAYS)
def test_each_way_to_install_is_taken(given):
    assert Template.read("template.yaml", **given).refusals() == []


TEMPLATES = ["template.yaml", "member.yaml", "appconfig-application.yaml", "dynamodb-table.yaml"]


@pytest.mark.parametrize("name", TEMPLATES)
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


def variables(name, **given):
    return Template.read("template.yaml", **given).functions()[name]["Environment"]["Variables"]


def test_the_function_understands_its_environment():
    found = variables("Function", **GIVEN)

    # What stands in the environment names secrets; the function reads them itself.
    settings = Settings.from_env(found)

    assert parse_url(settings.database_url).get_backend_name() == "postgresql"
    assert parse_url(settings.database_url).password is None
    assert settings.database_login == DatabaseLogin(secret=GIVEN["DatabaseSecretArn"])
    assert (settings.slack.channel, settings.slack.base_url) == ("C0123456789", GIVEN["SlackBaseUrl"])
    assert settings.canary == "/flagtrail/canary/features/heartbeat"
    assert found["PGSSLMODE"] == "require"  # PostgreSQL's own
    assert {name.removesuffix("_SECRET_ARN") for name in found if name.endswith("_SECRET_ARN")} == {
        *bootstrap.SECRETS, "FLAGTRAIL_DATABASE"
    }  # fmt: skip
    assert {variable for variable in health.INSTALLATION.values() if found.get(variable)} == set(
        health.INSTALLATION.values()
    )
    assert len(found["FLAGTRAIL_RULES"].split(",")) == len(
        Template.read("template.yaml", **GIVEN).resources("AWS::Events::Rule")
    )


@pytest.mark.parametrize("function", ["Function", "SealFunction", "ReportFunction", "UpgradeFunction"])
def test_a_role_logs_in_where_no_password_is_given(function):
    own = Settings.from_env(variables(function, DatabaseUrl=URL, DatabaseUserArn=USER))

    assert own.database_login == DatabaseLogin(iam=True)
    assert own.database_url == URL
    assert variables(function)["FLAGTRAIL_DATABASE_URL"].startswith(
        "postgresql://flagtrail@<Cluster.Endpoint.Address>:"
    )
    assert variables(function)["FLAGTRAIL_DATABASE_IAM"] == "1"


def test_only_the_upgrade_knows_the_master():
    known = {
        name
        for name in Template.read("template.yaml").functions()
        if "FLAGTRAIL_DATABASE_MASTER_SECRET_ARN" in variables(name)
    }

    assert known == {"UpgradeFunction"}
    assert "FLAGTRAIL_DATABASE_MASTER_SECRET_ARN" not in variables("UpgradeFunction", **OWN_DATABASE)


def test_the_signer_understands_its_environment():
    ledger = Settings.from_env(variables("SealFunction", **GIVEN)).ledger

    assert (ledger.kms_key, ledger.bucket, ledger.origin) == ("<SigningKey.Arn>", "<Vault>", GIVEN["LogOrigin"])
    unnamed = Settings.from_env(variables("SealFunction", **OWN_DATABASE, Network="none")).ledger
    assert PublicKey(unnamed.origin, b"." * 32).name == "flagtrail/123456789012/eu-west-1/flagtrail"


def test_no_secret_stands_in_any_environment(template):
    for function in template.functions().values():
        for value in function["Environment"]["Variables"].values():
            assert "resolve:" not in value


def test_a_certificate_to_verify_by_is_the_packages_own():
    found = variables("Function", **OWN_DATABASE, Network="none", DatabaseTls="verify-full")

    assert (found["PGSSLMODE"], found["PGSSLROOTCERT"]) == ("verify-full", f"/var/task/{CERTIFICATES}")
    assert "PGSSLROOTCERT" not in variables("Function", **OWN_DATABASE, Network="none")


def test_every_function_is_the_package_that_is_built(template):
    layers = template.resources("AWS::Serverless::LayerVersion")
    for function in template.functions().values():
        target = Target(function["Runtime"].removeprefix("python"), *function["Architectures"])
        module, _, name = function["Handler"].rpartition(".")
        assert function["CodeUri"] == f"../dist/lambda/{target.name}"
        assert callable(getattr(import_module(module), name))
        for layer in function.get("Layers", ()):
            assert layers[layer.strip("<>")]["ContentUri"] == f"../dist/layer/{target.layer}"


def test_what_needs_the_layer_has_it(template):
    assert {name for name, function in template.functions().items() if "Layers" in function} == {
        "ReportFunction", "UpgradeFunction",
    }  # fmt: skip


def test_a_failed_message_comes_back_and_in_the_end_lies_among_the_dead(template):
    function = template.functions()["Function"]
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


def test_the_clock_asks_each_function_for_its_own_job(template):
    schedules = template.resources("AWS::Scheduler::Schedule").values()
    asked = {(s["Target"]["Arn"], job_of(json.loads(s["Target"]["Input"]))) for s in schedules}

    assert asked == {
        ("<Function.Arn>", Job.RECONCILE),
        ("<Function.Arn>", Job.DISPATCH),
        ("<Function.Arn>", Job.WATCH),
        ("<SealFunction.Arn>", Job.SEAL),
        ("<ReportFunction.Arn>", Job.WEEKLY_REPORT),
        ("<CanaryFunction.Arn>", Job.CANARY),
    }


def test_where_the_service_runs_no_clock_asks():
    quiet = Template.read("template.yaml", RunSchedules="no")

    assert quiet.resources("AWS::Scheduler::Schedule") == {}
    assert "ScheduleRole" not in quiet.resources()
    assert not {"CanaryIsSilent", "AlertsWait"} & set(quiet.resources("AWS::CloudWatch::Alarm"))


def test_without_a_canary_nothing_flips_and_nothing_waits_for_it():
    bare = Template.read("template.yaml", CanaryParameter="")

    assert "CanaryFunction" not in bare.functions()
    assert not {name for name in bare.resources("AWS::CloudWatch::Alarm") if "Canary" in name}
    assert "FLAGTRAIL_CANARY" not in bare.functions()["Function"]["Environment"]["Variables"]


def test_the_canary_is_a_flag_by_what_is_built_in():
    name = Template.read("template.yaml").parameters["CanaryParameter"]["Default"]

    assert PathTemplates.parse(DEFAULT_SSM_TEMPLATES).match(name)["flag"] == "heartbeat"


def test_the_metrics_that_alarms_wait_for_are_written(root):
    written = (root / "auditor" / "entrypoints" / "telemetry.py").read_text()
    alarms = Template.read("template.yaml").resources("AWS::CloudWatch::Alarm").values()
    own = [alarm for alarm in alarms if alarm["Namespace"] == telemetry.NAMESPACE]

    assert len(own) == 4
    for alarm in own:
        assert f'"{alarm["MetricName"]}"' in written
        assert alarm["Dimensions"] == [{"Name": "Function", "Value": "<Function>"}]


def test_a_database_is_made_where_none_is_given():
    made, own = Template.read("template.yaml"), Template.read("template.yaml", **OWN_DATABASE)
    (cluster,) = made.resources("AWS::RDS::DBCluster").values()
    (instance,) = made.resources("AWS::RDS::DBInstance").values()
    (parameters,) = made.resources("AWS::RDS::DBClusterParameterGroup").values()

    assert own.resources("AWS::RDS::DBCluster") == own.resources("AWS::RDS::DBInstance") == {}
    assert cluster["StorageEncrypted"] is cluster["EnableIAMDatabaseAuthentication"] is True
    assert cluster["ManageMasterUserPassword"] is True
    assert "MasterUserPassword" not in cluster
    assert instance["PubliclyAccessible"] is False
    assert parameters["Parameters"]["rds.force_ssl"] == "1"
    assert made.body["Resources"]["Cluster"]["DeletionPolicy"] == "Snapshot"
    assert parameters["Family"] == "aurora-postgresql" + cluster["EngineVersion"].partition(".")[0]


@pytest.mark.parametrize("given", WAYS)
def test_every_function_that_opens_the_record_has_a_way_to_it(given):
    template = Template.read("template.yaml", **given)
    inside = given.get("Network") != "none"
    made = template.resources()

    for name, function in template.functions().items():
        opens = "FLAGTRAIL_DATABASE_URL" in function["Environment"]["Variables"]
        assert ("VpcConfig" in function) is (opens and inside), name
        for group in function.get("VpcConfig", {}).get("SecurityGroupIds", ()):
            assert group.startswith("sg-") or group.strip("<>") in made
        for subnet in function.get("VpcConfig", {}).get("SubnetIds", ()):
            assert subnet.startswith("subnet-") or subnet.strip("<>") in made


def test_a_network_that_is_made_leads_out_and_nothing_leads_in():
    made = Template.read("template.yaml").resources()

    assert made["PrivateRoute"]["NatGatewayId"] == "<Nat>"
    assert not [name for name, one in made.items() if one.get("MapPublicIpOnLaunch")]
    (rule,) = made["DatabaseGroup"]["SecurityGroupIngress"]
    assert (rule["SourceSecurityGroupId"], rule["FromPort"]) == ("<FunctionGroup>", 5432)
    assert {"WayToS3", "WayToDynamoDB"} <= set(made)
    assert {
        name for name in Template.read("template.yaml", **OWN_NETWORK).resources() if name.startswith("WayTo")
    } == set()


def test_endpoints_are_made_for_every_service_that_is_called_by_name():
    made = Template.read("template.yaml", **OWN_NETWORK, MakeEndpoints="yes").resources("AWS::EC2::VPCEndpoint")
    services = {endpoint["ServiceName"].rpartition(".")[2] for endpoint in made.values()}

    assert services == {*get_args(Service), "secretsmanager", "kms"}
    assert all(endpoint["PrivateDnsEnabled"] for endpoint in made.values())


def test_checkpoints_cannot_be_taken_away(template):
    (bucket,) = template.resources("AWS::S3::Bucket").values()
    (policy,) = template.resources("AWS::S3::BucketPolicy").values()
    tls, own = policy["PolicyDocument"]["Statement"]

    retention = bucket["ObjectLockConfiguration"]["Rule"]["DefaultRetention"]
    assert (retention["Mode"], int(retention["Days"])) == ("COMPLIANCE", 365)
    assert all(bucket["PublicAccessBlockConfiguration"].values())
    assert (tls["Effect"], tls["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})
    assert own["Effect"] == "Deny"
    assert own["Resource"].endswith(f"/{FOLDER}/*")
    assert own["Condition"] == {"ArnNotEquals": {"aws:PrincipalArn": "<SealFunctionRole.Arn>"}}
    assert {template.body["Resources"][name]["DeletionPolicy"] for name in ("Vault", "SigningKey")} == {"Retain"}


def test_one_role_signs_and_nobody_else(template):
    (key,) = template.resources("AWS::KMS::Key").values()
    statements = {one["Sid"]: one for one in key["KeyPolicy"]["Statement"]}

    assert (key["KeySpec"], key["KeyUsage"]) == ("ECC_NIST_EDWARDS25519", "SIGN_VERIFY")
    assert statements["OneFunctionSigns"]["Principal"] == {"AWS": "<SealFunctionRole.Arn>"}
    assert statements["NobodyElseSigns"]["Effect"] == "Deny"
    assert statements["NobodyElseSigns"]["Condition"] == {
        "ArnNotEquals": {"aws:PrincipalArn": "<SealFunctionRole.Arn>"}
    }


def test_every_function_has_a_role_and_a_log_of_its_own(template):
    functions = template.functions().values()

    assert len({function["Role"] for function in functions}) == len(functions)
    assert len({function["LoggingConfig"]["LogGroup"] for function in functions}) == len(functions)
    assert all(log["RetentionInDays"] for log in template.resources("AWS::Logs::LogGroup").values())
    assert all(function["ReservedConcurrentExecutions"] for function in functions)
    bare = Template.read("template.yaml", ReservedConcurrency="0").functions()
    assert not [name for name, function in bare.items() if "ReservedConcurrentExecutions" in function]


def test_a_stream_comes_in_parts_and_what_is_given_up_is_kept():
    given = {"FunctionName": "flagtrail-Function-1", "StreamArn": f"{TABLE}/stream/2026-01-01T00:00:00.000"}
    template = Template.read("dynamodb-table.yaml", **given, DeadLettersArn="arn:aws:sqs:eu-west-1:123456789012:dead")
    (mapping,) = template.resources("AWS::Lambda::EventSourceMapping").values()

    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert mapping["DestinationConfig"] == {"OnFailure": {"Destination": "arn:aws:sqs:eu-west-1:123456789012:dead"}}
    assert template.refusals() == []
    assert not template.accepts("StreamArn", TABLE)


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
        "CanarySeconds", "AlertsWaiting", "Unreadable",
    }  # fmt: skip
    assert all(alarm["AlarmActions"] == [GIVEN["AlarmTopicArn"]] for alarm in alarms.values())
    watched = {one["Value"] for alarm in alarms.values() for one in alarm["Dimensions"]}
    assert {f"<{name}>" for name in template.functions()} - watched == {"<UpgradeFunction>"}


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
