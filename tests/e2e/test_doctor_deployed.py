"""flagtrail doctor --function: what is deployed, looked at from the function and from around it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from auditor import bootstrap
from auditor.adapters.aws import AwsClients
from auditor.adapters.deployment import Surroundings
from auditor.entrypoints.deployed import of_surroundings
from auditor.entrypoints.journal import Journal
from auditor.entrypoints.lambda_handler import serve
from auditor.settings import Settings
from examples.demo.delivery import as_batch
from examples.standin import StandIn
from examples.standin.slack import SlackServer
from tests.support.cli import flagtrail
from tests.support.lambda_server import serving

# The stand-in denies by an error that the model does not name; moto remarks on that.
pytestmark = pytest.mark.filterwarnings("ignore:.*does not match an error shape")

CANARY = "/flagtrail/canary/features/heartbeat"
RULES = ("parameter-changed", "parameter-called")
TRAIL_BUCKET = "trail"


@dataclass
class Installation:
    """What a stack makes in the stand-in, and the function behind Lambda's Invoke."""

    aws: StandIn
    application: bootstrap.Application
    queues: dict[str, str] = field(default_factory=dict)
    extension: str = ""

    def doctor(self):
        with serving({"flagtrail": self.invoke}) as url:
            return flagtrail(
                "doctor", "--function", "flagtrail", "--format", "json", environ={"AWS_ENDPOINT_URL_LAMBDA": url}
            )

    def invoke(self, event):
        return serve(self.application, event, journal=Journal.silent())

    def heartbeat(self):
        self.invoke({"job": "canary"})
        self.invoke(as_batch(self.aws.drain()))


def client(aws, service):
    return aws.client(service)


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """Give one installation; a test that breaks something of it mends it."""
    tmp_path = tmp_path_factory.mktemp("installation")
    # The canary is heard now: the stand-in's clock has to be that of the record.
    with StandIn() as aws, SlackServer() as slack, pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.chdir(tmp_path)
        for name, value in aws.environ().items():
            monkeypatch.setenv(name, value)
        settings = Settings.from_env({
            "FLAGTRAIL_DATABASE_URL": f"sqlite:///{tmp_path}/record.db",
            "FLAGTRAIL_CANARY": CANARY,
            "FLAGTRAIL_SLACK_BASE_URL": slack.url,
            "SLACK_BOT_TOKEN": slack.token,
        })  # fmt: skip
        made = Installation(aws, bootstrap.application(settings))
        make_trail(aws)
        for name in RULES:
            client(aws, "events").put_rule(Name=name, EventPattern='{"source": ["aws.ssm"]}')
        for name in ("events", "dead"):
            made.queues[name] = client(aws, "sqs").create_queue(QueueName=name)["QueueUrl"]
        for name in RULES:
            point(aws, name)
        monkeypatch.setenv("FLAGTRAIL_RULES", ",".join(RULES))
        monkeypatch.setenv("FLAGTRAIL_QUEUE_URL", made.queues["events"])
        monkeypatch.setenv("FLAGTRAIL_DEAD_LETTERS_URL", made.queues["dead"])
        make_application(aws, tells=True)
        made.invoke({"job": "reconcile"})
        made.heartbeat()
        yield made
        made.application.record.close()


def point(aws, rule):
    arn = f"arn:aws:sqs:{aws.region}:{aws.account}:events"
    client(aws, "events").put_targets(Rule=rule, Targets=[{"Id": "queue", "Arn": arn}])


def make_trail(aws):
    with suppress(client(aws, "s3").exceptions.BucketAlreadyOwnedByYou):
        client(aws, "s3").create_bucket(
            Bucket=TRAIL_BUCKET, CreateBucketConfiguration={"LocationConstraint": aws.region}
        )
    client(aws, "cloudtrail").create_trail(Name="audit", S3BucketName=TRAIL_BUCKET)
    client(aws, "cloudtrail").start_logging(Name="audit")
    keep_writes(aws)


def keep_writes(aws):
    """Set what AWS gives a new trail by itself, and moto does not."""
    selectors = [{"ReadWriteType": "All", "IncludeManagementEvents": True}]
    client(aws, "cloudtrail").put_event_selectors(TrailName="audit", EventSelectors=selectors)


def make_application(aws, *, tells):
    appconfig = client(aws, "appconfig")
    made = appconfig.create_application(Name="shop" if tells else "mute")["Id"]
    if tells:
        appconfig.create_extension_association(
            ExtensionIdentifier="AWS.AppConfig.DeploymentNotificationsToEventBridge",
            ResourceIdentifier=f"arn:aws:appconfig:{aws.region}:{aws.account}:application/{made}",
        )
    return made


def found(answer):
    return {check["check"]: check for check in answer.json["checks"]}


def failed(answer):
    return [check for check in answer.json["checks"] if check["status"] == "failed"]


def test_all_is_in_place(installed):
    answer = installed.doctor()

    assert (answer.status, answer.json["ok"], failed(answer)) == (0, True, [])
    assert {"function", "database", "canary", "slack", "trail", "extensions", "rules", "queue", "dead letters"} <= set(
        found(answer)
    )
    assert found(answer)["rules"]["detail"] == "2 rules are enabled and have a target"
    assert "/flagtrail/canary/features/heartbeat for one" in found(answer)["source ssm"]["detail"]


def only_failure(installed):
    """Return the one check that failed; each has to say what to do."""
    answer = installed.doctor()
    (only,) = failed(answer)
    assert (answer.status, answer.json["ok"]) == (2, False)
    assert only["remedy"]
    return only


def test_a_trail_that_is_switched_off_is_named(installed):
    client(installed.aws, "cloudtrail").stop_logging(Name="audit")

    assert "audit (is switched off)" in only_failure(installed)["detail"]
    client(installed.aws, "cloudtrail").start_logging(Name="audit")


@pytest.mark.parametrize(
    ("selectors", "fits"),
    [
        ({"EventSelectors": [{"ReadWriteType": "ReadOnly", "IncludeManagementEvents": True}]}, False),
        ({"EventSelectors": [{"ReadWriteType": "All", "IncludeManagementEvents": False}]}, False),
        ({"EventSelectors": [{"ReadWriteType": "WriteOnly", "IncludeManagementEvents": True}]}, True),
        ({"AdvancedEventSelectors": [{"FieldSelectors": [{"Field": "eventCategory", "Equals": ["Data"]}]}]}, False),
        ({"AdvancedEventSelectors": [{"FieldSelectors": [{"Field": "eventCategory", "Equals": ["Management"]}]}]}, True),
        (
            {"AdvancedEventSelectors": [{"FieldSelectors": [
                {"Field": "eventCategory", "Equals": ["Management"]}, {"Field": "readOnly", "Equals": ["true"]},
            ]}]},
            False,
        ),
    ],
)  # fmt: skip
def test_a_trail_has_to_keep_the_calls_that_write(installed, selectors, fits):
    client(installed.aws, "cloudtrail").put_event_selectors(TrailName="audit", **selectors)

    (trail,) = Surroundings(AwsClients()).trails()
    keep_writes(installed.aws)

    assert (trail.name, trail.logging, trail.writes) == ("audit", True, fits)


def test_without_a_trail_changes_have_no_names(installed):
    client(installed.aws, "cloudtrail").delete_trail(Name="audit")

    assert "no trail sees this Region" in only_failure(installed)["detail"]
    make_trail(installed.aws)


def test_an_application_that_does_not_tell_is_named_with_its_id(installed):
    number = make_application(installed.aws, tells=False)

    only = only_failure(installed)
    client(installed.aws, "appconfig").delete_application(ApplicationId=number)

    assert "mute" in only["detail"]
    assert number in only["remedy"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda events: events.disable_rule(Name=RULES[0]), "is disabled"),
        (lambda events: events.remove_targets(Rule=RULES[0], Ids=["queue"]), "has no target"),
    ],
)
def test_a_rule_that_lets_nothing_through_is_named(installed, change, said):
    events = client(installed.aws, "events")
    change(events)

    only = only_failure(installed)
    events.enable_rule(Name=RULES[0])
    point(installed.aws, RULES[0])

    assert only["detail"] == f"the rule {RULES[0]} {said}"


def test_a_rule_that_is_gone_is_named(installed, monkeypatch):
    monkeypatch.setenv("FLAGTRAIL_RULES", f"{RULES[0]},other")

    assert only_failure(installed)["detail"] == "the rule other is gone"


def test_dead_letters_are_counted(installed):
    client(installed.aws, "sqs").send_message(QueueUrl=installed.queues["dead"], MessageBody="{}")

    assert only_failure(installed)["detail"] == "1 events could not be recorded"
    client(installed.aws, "sqs").purge_queue(QueueUrl=installed.queues["dead"])


def test_what_the_function_may_not_do_is_its_own_check(installed):
    installed.aws.deny(installed.aws.product, "ssm:DescribeParameters")

    assert "AWS denied ssm:DescribeParameters" in only_failure(installed)["detail"]
    installed.aws.allow(installed.aws.product, "ssm:DescribeParameters")


def test_what_i_may_not_look_at_is_no_silence(installed):
    installed.aws.deny(None, "cloudtrail:DescribeTrails")

    only = only_failure(installed)
    installed.aws.allow(None, "cloudtrail:DescribeTrails")
    assert only["check"] == "trail"
    assert "allow cloudtrail:DescribeTrails" in only["remedy"]


def test_a_function_that_is_not_there_leaves_the_rest(installed):
    with serving({}) as url:
        answer = flagtrail("doctor", "--function", "gone", "--format", "json", environ={"AWS_ENDPOINT_URL_LAMBDA": url})

    assert answer.status == 2
    assert found(answer)["function"]["detail"].startswith("the function gone")
    assert found(answer)["trail"]["status"] == "ok"
    assert found(answer)["rules"]["status"] == "remark"


@pytest.mark.parametrize(
    ("answer", "said"), [(b"pong", "is it Flagtrail's?"), ([1], "is it Flagtrail's?"), (None, "is it Flagtrail's?")]
)
def test_a_function_of_somebody_else_is_told(installed, answer, said):
    with serving({"other": lambda _event: answer}) as url:
        told = flagtrail("doctor", "--function", "other", "--format", "json", environ={"AWS_ENDPOINT_URL_LAMBDA": url})

    assert said in f"{found(told)['function']['detail']} {found(told)['function']['remedy']}"


def test_a_function_that_fails_says_why(installed):
    def broken(_event):
        raise RuntimeError("no way to the database")

    with serving({"flagtrail": broken}) as url:
        told = flagtrail("doctor", "--function", "flagtrail", "--format", "json", environ={"AWS_ENDPOINT_URL_LAMBDA": url})  # fmt: skip

    assert "no way to the database" in found(told)["function"]["detail"]


def test_a_silent_canary_is_a_failure(installed, monkeypatch):
    monkeypatch.setattr("auditor.entrypoints.health.CANARY_SILENCE", timedelta(0))

    only = only_failure(installed)

    assert only["check"] == "canary"
    assert CANARY in only["detail"]


def test_a_function_that_knows_nothing_of_its_rules_is_remarked(installed, monkeypatch):
    for name in ("FLAGTRAIL_RULES", "FLAGTRAIL_QUEUE_URL", "FLAGTRAIL_DEAD_LETTERS_URL"):
        monkeypatch.delenv(name)

    answer = installed.doctor()

    assert answer.status == 0
    assert found(answer)["rules"]["status"] == "remark"
    assert "queue" not in found(answer)


def test_no_application_needs_no_extension(installed):
    elsewhere = AwsClients(region="eu-north-1")

    assert list(Surroundings(elsewhere).applications()) == []
    assert [(check.name, check.status) for check in of_surroundings(elsewhere, None)][1] == ("extensions", "ok")


def age(aws, seconds):
    client(aws, "cloudwatch").put_metric_data(
        Namespace="AWS/SQS",
        MetricData=[{
            "MetricName": "ApproximateAgeOfOldestMessage",
            "Dimensions": [{"Name": "QueueName", "Value": "events"}],
            "Timestamp": datetime.now(UTC) - timedelta(minutes=2),
            "Value": seconds,
        }],
    )  # fmt: skip


# The last one: what CloudWatch was told stays.
def test_an_event_that_waits_for_long_is_a_failure(installed):
    age(installed.aws, 60)
    assert found(installed.doctor())["queue"]["detail"] == "0 events wait, the oldest for 60 s"

    age(installed.aws, 7200)
    assert only_failure(installed)["detail"] == "0 events wait, the oldest for 7200 s"
