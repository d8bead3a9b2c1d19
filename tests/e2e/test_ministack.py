"""The whole template on MiniStack: an event on the bus becomes a row and a message, a broken one a dead letter.

What MiniStack cannot do is left out here and said in docs/install.md: it makes no NAT gateway, no right to a bus and no
Object Lock, enforces no permission, and sends no event when a parameter changes.
"""

from __future__ import annotations

import json
import shutil
import statistics
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import psycopg
import pytest
from botocore.exceptions import ClientError

from auditor.adapters.ledger.keys import ed25519_fits
from auditor.adapters.storage import open_database
from auditor.application.ports import HistoryQuery
from auditor.domain.errors import FlagtrailError
from auditor.domain.ledger.checkpoint import PublicKey, open_note
from deploy.packaging.lambda_zip import Target
from examples.standin.slack import SlackServer
from tests.support.ministack import REGION, MiniStack, for_this_machine, running
from tests.support.postgres import make_database, running_server
from tests.support.tls_postgres import encrypted

if TYPE_CHECKING:
    from sqlalchemy.engine import URL

pytestmark = pytest.mark.proof

AUDIT, MEMBER = "111122223333", "444455556666"
PATIENCE = 60.0
CHANGES = 20
CONFIG = """\
[aws]
read_role = "flagtrail-read"

[[source]]
kind = "ssm"
accounts = ["111122223333", "444455556666"]
regions = ["eu-central-1"]
"""


def until(what: Callable[[], Any], patience: float = PATIENCE) -> Any:
    """Return the first true answer, or the last one."""
    deadline = time.monotonic() + patience
    while not (found := what()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return found


def parameter_event(name: str, operation: str, account: str) -> dict[str, Any]:
    """Return the entry by which Parameter Store tells of a change."""
    return {
        "Source": "aws.ssm",
        "DetailType": "Parameter Store Change",
        "Time": datetime.now(UTC),
        "Resources": [f"arn:aws:ssm:{REGION}:{account}:parameter{name}"],
        "Detail": json.dumps({"name": name, "type": "String", "operation": operation}),
    }


@dataclass
class Installed:
    """The stack, the database behind it, and the Slack it tells."""

    stack: MiniStack
    slack: SlackServer
    database: URL
    outputs: dict[str, str] = field(default_factory=dict)

    def client(self, service: str, account: str = AUDIT) -> Any:
        return self.stack.client(service, account)

    def put(self, value: str, name: str, account: str = AUDIT) -> dict[str, Any]:
        """Change a parameter by boto3, and return the event that AWS sends of it and MiniStack does not."""
        version = self.client("ssm", account).put_parameter(Name=name, Value=value, Type="String", Overwrite=True)
        return parameter_event(name, "Create" if version["Version"] == 1 else "Update", account)

    def send(self, event: dict[str, Any], account: str = AUDIT) -> None:
        answer = self.client("events", account).put_events(Entries=[event])
        assert answer["FailedEntryCount"] == 0

    def rows(self) -> list[Any]:
        try:
            record = open_database(self.database.render_as_string(hide_password=False), create=False)
        except FlagtrailError:
            return []
        with record.reader() as uow:
            found = list(uow.changes.query(HistoryQuery()))
        record.close()
        return found

    def messages(self, word: str) -> list[Any]:
        return [message for message in self.slack.messages if word in json.dumps(message.arguments)]

    def waiting(self, queue: str) -> int:
        told = self.client("sqs").get_queue_attributes(
            QueueUrl=self.outputs[queue], AttributeNames=["ApproximateNumberOfMessages"]
        )
        return int(told["Attributes"]["ApproximateNumberOfMessages"])

    def invoke(self, function: str, job: str) -> Any:
        answer = self.client("lambda").invoke(
            FunctionName=self.outputs[function], Payload=json.dumps({"job": job}).encode()
        )
        return json.loads(answer["Payload"].read())


@pytest.fixture(scope="module")
def installed(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    folder = tmp_path_factory.mktemp("ministack")
    packages = with_config(root / "build" / "package", folder)
    python = root / ".venv-ministack" / "bin" / "python"
    with running_server() as server, SlackServer() as slack:
        database = make_database(server)
        socket_file = Path(str(database.query["host"])) / ".s.PGSQL.5432"
        with encrypted(socket_file, folder) as port, running(python, folder) as stack:
            made = Installed(stack, slack, database)
            made.outputs = install(made, packages, root / "deploy" / "template.yaml", port, server)
            yield made


def with_config(packages: Path, folder: Path) -> Path:
    """Return a folder with the packages, the function's with a configuration as `make package` puts it in."""
    for name in (Target.here().name, Target.here().layer):
        shutil.copyfile(packages / name, folder / name)
    with zipfile.ZipFile(folder / Target.here().name, "a") as package:
        package.writestr("flagtrail.toml", CONFIG)
    return folder


def install(made: Installed, packages: Path, template: Path, port: int, server: URL) -> dict[str, str]:
    """Upload the packages, keep the secrets, and deploy the template with a database of one's own."""
    s3, secrets = made.client("s3"), made.client("secretsmanager")
    s3.create_bucket(Bucket="packages", CreateBucketConfiguration={"LocationConstraint": REGION})
    for name in (Target.here().name, Target.here().layer):
        s3.upload_file(str(packages / name), "packages", name)
    password = "let-me-in-0123456789"
    plain = server.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE flagtrail LOGIN SUPERUSER PASSWORD '{password}'")
    keep = {
        "DatabaseSecretArn": json.dumps({"username": "flagtrail", "password": password}),
        "SlackTokenSecretArn": made.slack.token,
        "FingerprintKeySecretArn": uuid4().hex,
        "MacKeySecretArn": uuid4().hex,
    }
    arns = {name: secrets.create_secret(Name=name, SecretString=text)["ARN"] for name, text in keep.items()}
    body = for_this_machine(
        template.read_text(), f"s3://packages/{Target.here().name}", f"s3://packages/{Target.here().layer}"
    )
    return made.stack.deploy(AUDIT, "flagtrail", body, {
        "DatabaseUrl": f"postgresql://flagtrail@127.0.0.1:{port}/{made.database.database}",
        "Network": "none",
        "SlackChannel": "C0FLAGS01",
        "SlackBaseUrl": made.slack.url,
        "MemberAccountIds": MEMBER,
        "LockMode": "GOVERNANCE",
        "LockDays": "1",
        "RunSchedules": "no",
        **arns,
    })  # fmt: skip


def test_a_change_is_a_row_and_a_message_within_seconds(installed, capfd):
    assert installed.invoke("UpgradeFunctionName", "upgrade")["before"] is None
    installed.invoke("FunctionName", "reconcile")  # nothing is told as the past of an unknown account
    took = []

    for number in range(CHANGES):
        flag = f"banner-{number}"
        begun = time.monotonic()
        installed.send(installed.put("true", f"/shop/prod/features/{flag}"))
        assert until(lambda flag=flag: installed.messages(f"{flag}")), installed.stack.log.read_text()[-3000:]
        took.append(time.monotonic() - begun)

    flags = {str(row.change.flag) for row in installed.rows()}
    assert {f"banner-{number}" for number in range(CHANGES)} <= flags
    took.sort()
    p95 = took[int(0.95 * len(took)) - 1]
    figures = f"median {statistics.median(took):.2f} s, p95 {p95:.2f} s, n={len(took)}"
    with capfd.disabled():
        sys.stdout.write(f"\nevent to message on MiniStack: {figures}\n")
    assert p95 < 10


def test_a_poison_message_is_one_dead_letter(installed):
    sqs = installed.client("sqs")
    # Five attempts half an hour apart are what the template waits; nobody waits for that here.
    sqs.set_queue_attributes(QueueUrl=installed.outputs["QueueUrl"], Attributes={"VisibilityTimeout": "1"})
    before = len(installed.rows())

    sqs.send_message(QueueUrl=installed.outputs["QueueUrl"], MessageBody="{no JSON")
    installed.send(installed.put("true", "/shop/prod/features/neighbour"))

    assert until(lambda: installed.waiting("DeadLettersUrl") == 1)
    assert until(lambda: len(installed.rows()) == before + 1), "its neighbour is recorded"
    time.sleep(3)
    assert installed.waiting("DeadLettersUrl") == 1
    (dead,) = sqs.receive_message(QueueUrl=installed.outputs["DeadLettersUrl"])["Messages"]
    assert dead["Body"] == "{no JSON"


def test_the_log_is_signed_by_kms_and_the_signature_kept(installed):
    answer = installed.invoke("SealFunctionName", "seal")

    s3, vault = installed.client("s3"), installed.outputs["VaultName"]
    (kept,) = s3.list_objects_v2(Bucket=vault, Prefix="checkpoints/")["Contents"]
    note = s3.get_object(Bucket=vault, Key=kept["Key"])["Body"].read().decode()
    public = installed.client("kms").get_public_key(KeyId=installed.outputs["SigningKeyArn"])["PublicKey"]
    origin = f"flagtrail/{AUDIT}/{REGION}/flagtrail"
    checkpoint = open_note(note, [PublicKey(origin, public[-32:])], ed25519_fits)
    assert (answer["signed"], answer["anchored"]) == (checkpoint.size, 1)
    assert checkpoint.size >= len(installed.rows())


def test_the_page_of_the_week_is_made_by_the_layer_and_told(installed):
    page = installed.invoke("ReportFunctionName", "weekly_report")["page"]

    bucket, _, key = page.removeprefix("s3://").partition("/")
    assert b"<html" in installed.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    installed.invoke("FunctionName", "dispatch")
    assert until(lambda: installed.messages(page))


def test_the_canary_is_heard_and_the_doctor_says_so(installed):
    canary = "/flagtrail/canary/features/heartbeat"
    (name,) = (
        one["FunctionName"]
        for one in installed.client("lambda").list_functions()["Functions"]
        if "CanaryFunction" in one["FunctionName"]
    )
    installed.outputs["CanaryFunctionName"] = name
    assert installed.invoke("CanaryFunctionName", "canary") == {"parameter": canary, "version": 1}
    told = len(installed.slack.messages)

    installed.send(parameter_event(canary, "Create", AUDIT))
    assert until(lambda: [row for row in installed.rows() if row.change.document.name == canary])

    answer = installed.invoke("FunctionName", "doctor")
    found = {check["check"]: check["status"] for check in answer["checks"]}
    assert (found["canary"], found["database"], found["slack"]) == ("ok", "ok", "ok")
    assert len(installed.slack.messages) == told
    events = installed.client("events")
    rules = answer["installation"]["rules"].split(",")
    assert {events.describe_rule(Name=rule)["State"] for rule in rules} == {"ENABLED"}


def test_a_member_account_forwards_and_is_read(installed, root):
    installed.client("events").put_permission(
        StatementId="members", Action="events:PutEvents", Principal=MEMBER, EventBusName="default"
    )
    template = (root / "deploy" / "member.yaml").read_text()
    installed.stack.deploy(MEMBER, "flagtrail-member", template, {
        "AuditAccountId": AUDIT,
        "AuditRegion": REGION,
        "ReadRoleRegion": REGION,
        "ReaderRoleArn": installed.outputs["FunctionRoleArn"],
    })  # fmt: skip

    installed.send(installed.put("on", "/pay/prod/features/from-afar", MEMBER), MEMBER)

    assert until(lambda: installed.messages("from-afar")), installed.stack.log.read_text()[-3000:]
    (row,) = (row for row in installed.rows() if str(row.change.flag) == "from-afar")
    assert row.change.document.account == MEMBER


def test_a_wrong_parameter_is_refused_before_anything_is_made(installed, root):
    body = for_this_machine(
        (root / "deploy" / "template.yaml").read_text(), "s3://packages/x.zip", "s3://packages/y.zip"
    )

    for wrong, said in (({"DatabaseUrl": "sqlite:///flagtrail.db"}, "SQLite"), ({"Network": "none"}, "Aurora cluster")):
        with pytest.raises(ClientError, match=said):
            installed.stack.deploy(AUDIT, "wrong", body, wrong)
