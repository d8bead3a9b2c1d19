"""Secrets are planted wherever a value can enter, and looked for wherever anything comes out: not one may be there."""

from __future__ import annotations

import base64
import copy
import gzip
import json
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from auditor import bootstrap
from auditor.entrypoints.cli import cli
from auditor.entrypoints.lambda_handler import serve
from auditor.settings import Settings
from examples.standin import StandIn
from examples.standin.slack import SlackServer
from tests.support.aws import Account, flag_document
from tests.support.recording import sample
from tests.support.stores import KEYS, Bucket, Table, data_event

BEGIN = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ACCOUNT = "123456789012"
PLAIN = "/shop/prod/features/"
WORK = (
    "key",
    "reconcile",
    "history",
    "state",
    "flags",
    "show",
    "stale",
    "notify",
    "report",
    "seal",
    "export",
    "verify",
)

CONFIGURATION = f"""
[[source]]
kind = "ssm"
[[source]]
kind = "appconfig"
[[source]]
kind = "dynamodb"
table = "feature-flags"
keys = {{ pk = "{KEYS["pk"]}", sk = "{KEYS["sk"]}" }}
actor = "updated_by"
[[source]]
kind = "s3"
bucket = "canary-flags"
key = "{{application}}/{{environment}}/flags.json"
[slack]
channel = "#flag-changes"
[ledger]
key = "ledger.key"
"""

pytestmark = pytest.mark.filterwarnings("ignore:.*does not match an error shape")


class Canaries:
    """Makes a secret for each place, in a shape that its place would betray."""

    def __init__(self) -> None:
        self.planted: dict[str, str] = {}

    def key(self, place: str) -> str:
        """Return what looks like an AWS access key."""
        return self._plant(place, "AKIA" + "Z7XQW2N5T8RB" + f"C{len(self.planted):03d}")

    def token(self, place: str) -> str:
        """Return what looks like a GitHub token, letters and digits only."""
        return self._plant(place, "ghp" + "_" + f"q9W8e7R6t5Y4u3I2o1P0a9S8d7F6g5H{len(self.planted):05d}")

    def word(self, place: str) -> str:
        """Return a word that only its surroundings tell to be a secret."""
        return self._plant(place, f"correcthorse{len(self.planted):03d}battery")

    def _plant(self, place: str, secret: str) -> str:
        self.planted[secret] = place
        return secret

    def found_in(self, output: bytes) -> list[str]:
        """Return the places whose secrets are in an output, as they are or as base64 at any offset."""
        return [place for secret, place in self.planted.items() if any(form in output for form in _forms(secret))]


def _forms(secret: str) -> Iterator[bytes]:
    raw = secret.encode()
    yield raw
    yield raw[::-1]
    for offset in range(3):
        encoded = base64.b64encode(b"\0" * offset + raw)
        # The ends depend on what stands beside the secret.
        yield encoded[4 if offset else 0 : -4]


@pytest.fixture
def world(tmp_path, monkeypatch) -> Iterator[Account]:
    monkeypatch.chdir(tmp_path)
    Path("flagtrail.toml").write_text(CONFIGURATION)
    with StandIn(BEGIN) as aws:
        for name, value in aws.environ().items():
            monkeypatch.setenv(name, value)
        monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)
        yield Account(aws, ACCOUNT)


@pytest.fixture(params=[None, "a key of the fingerprints, long enough"])
def fingerprint(request, monkeypatch) -> None:
    if request.param is not None:
        monkeypatch.setenv("FLAGTRAIL_FINGERPRINT_KEY", request.param)


def fill_parameters(account: Account, canaries: Canaries) -> None:
    ssm = account.client("ssm")
    ssm.put_parameter(Name=f"{PLAIN}plain", Value=canaries.key("parameter"), Type="String")
    ssm.put_parameter(Name=f"{PLAIN}plain", Value=canaries.token("second value"), Type="String", Overwrite=True)
    ssm.put_parameter(Name=f"{PLAIN}secure", Value=canaries.word("SecureString"), Type="SecureString")
    ssm.put_parameter(Name=f"{PLAIN}list", Value=f"a,{canaries.key('list')}", Type="StringList")
    value = {"enabled": True, "api": {"password": canaries.word("field"), "hint": canaries.key("text in a field")}}
    ssm.put_parameter(
        Name=f"{PLAIN}json",
        Value=json.dumps(value),
        Type="String",
        Description=f"ask for password={canaries.word('description')}",
        AllowedPattern=f".*|{canaries.key('pattern')}",
    )
    ssm.put_parameter(Name=f"{PLAIN}db_password", Value=canaries.word("value by its name"), Type="String")
    ssm.label_parameter_version(Name=f"{PLAIN}json", Labels=[canaries.key("label"), "stable"])
    url = f"https://admin:{canaries.word('URL')}@example.com/"
    ssm.put_parameter(Name=f"{PLAIN}url", Value=url, Type="String")


def fill_profiles(account: Account, canaries: Canaries) -> None:
    client = account.client("appconfig")
    app = client.create_application(Name="shop")["Id"]
    ids = {"ApplicationId": app}
    env = client.create_environment(**ids, Name="prod")["Id"]
    strategy = client.create_deployment_strategy(
        Name="now", DeploymentDurationInMinutes=0, GrowthFactor=100, FinalBakeTimeInMinutes=0, ReplicateTo="NONE"
    )["Id"]
    flags = flag_document(
        {"checkout": {"enabled": True, "token": canaries.word("attribute"), "note": canaries.key("text")}},
        checkout={
            "name": "checkout",
            "description": f"secret_key: {canaries.word('definition')}",
            "attributes": {"token": {"constraints": {"type": "string"}}, "note": {"constraints": {"type": "string"}}},
        },
    )
    rules = {"a": {"default": False, "rules": {canaries.key("rule"): {"when_match": True, "conditions": []}}}}
    freeform = json.dumps({"features": rules})
    for name, kind, content in (("web", "AWS.AppConfig.FeatureFlags", flags), ("rules", "AWS.Freeform", freeform)):
        made = client.create_configuration_profile(**ids, Name=name, LocationUri="hosted", Type=kind)["Id"]
        saved = client.create_hosted_configuration_version(
            **ids,
            ConfigurationProfileId=made,
            Content=content.encode(),
            ContentType="application/json",
            Description=f"password={canaries.word('version description')}",
        )
        client.start_deployment(
            **ids,
            EnvironmentId=env,
            ConfigurationProfileId=made,
            ConfigurationVersion=str(saved["VersionNumber"]),
            DeploymentStrategyId=strategy,
            Description=f"token={canaries.word('deployment description')}",
        )


def fill_table(account: Account, canaries: Canaries) -> list[dict[str, Any]]:
    table = Table(account)
    table.put(
        {"on": {"BOOL": True}, "password": {"S": canaries.word("item")}, "hint": {"S": canaries.key("old image")}}
    )
    table.put({"on": {"BOOL": False}, "note": {"M": {"deep": {"L": [{"S": canaries.token("new image")}]}}}})
    table.put({"on": {"BOOL": True}, "updated_by": {"S": canaries.key("claimed actor")}}, flag="second")
    events = [*table.records(), *table.data_events()]
    table.put({"api_key": {"S": canaries.word("item found by a look")}}, flag="third")
    broken = copy.deepcopy(events[0])
    broken["eventID"] = "broken"
    broken["dynamodb"]["NewImage"]["x"] = {"S": canaries.key("broken image"), "N": "1"}
    bare = copy.deepcopy(events[1])
    bare["eventID"] = "bare"
    del bare["dynamodb"]["OldImage"]
    bare["dynamodb"]["NewImage"]["password"] = {"S": canaries.word("image of a record that waits")}
    return [*events, broken, bare]


def fill_bucket(account: Account, canaries: Canaries) -> list[dict[str, Any]]:
    bucket = Bucket(account, "canary-flags")
    content = {
        "search": {"enabled": True, "client_secret": canaries.word("object")},
        "banner": canaries.key("text in an object"),
        canaries.token("key in an object"): True,
    }
    bucket.put(json.dumps(content))
    bucket.account.advance(minutes=1)
    bucket.put('{"search": "' + canaries.key("broken object"))
    return bucket.events()


def hostile(account: Account, canaries: Canaries) -> list[Any]:
    """Return events that are refused, failed, broken or forged, each with secrets in it."""
    failed = sample("ct-dynamodb-updateitem-conditional-failed")
    failed["detail"]["errorMessage"] = f"no luck with {canaries.key('error message')}"
    denied = sample("ct-ssm-putparameter-accessdenied")
    denied["detail"]["errorMessage"] += f" password={canaries.word('denial')}"
    put = sample("ct-ssm-putparameter-create-iamuser")
    put["detail"]["requestParameters"]["value"] = canaries.word("value that no trail has")
    put["detail"]["requestParameters"]["description"] = f"token={canaries.word('description in a call')}"
    put["detail"]["userAgent"] = f"curl {canaries.key('user agent')}"
    validation = sample("ssm-change-create-async-validation-failed")
    validation["detail"]["name"] = f"{PLAIN}ami"
    validation["detail"]["exception"] = f"{canaries.key('exception of a validation')} is no image"
    policy = sample("ssm-policy-action-nochange")
    policy["detail"] |= {"parameter-name": f"{PLAIN}plain", "action-reason": canaries.key("reason of a policy")}
    content = base64.b64encode(json.dumps({"password": canaries.word("extension call")}).encode()).decode()
    call = sample("lambda-appconfig-extension-precreatehostedconfigurationversion")
    call |= {"Content": content, "Description": canaries.key("description of a call")}
    call["PreviousContent"]["Content"] = base64.b64encode(canaries.word("previous content").encode()).decode()
    bad_call = copy.deepcopy(call) | {"InvocationId": "bad", "Application": {"Id": "!", "Name": canaries.key("name")}}
    no_event = {"hello": canaries.key("no event"), "password": canaries.word("field of no event")}
    label = sample("ssm-change-label-move")
    label["detail"] |= {"name": f"{PLAIN}plain", "label": canaries.key("label in an event")}
    wrong = data_event(account, "ssm", "PutParameter", {"name": f"{PLAIN}x", "value": canaries.key("forged")})
    wrong["source"] = "my.ssm"
    return [failed, denied, put, validation, policy, call, bad_call, no_event, label, wrong]


def run_all(account: Account, canaries: Canaries, outputs: dict[str, bytes]) -> None:
    """Let every command read and write, and keep all they say."""
    fill_parameters(account, canaries)
    fill_profiles(account, canaries)
    events = [*fill_table(account, canaries), *fill_bucket(account, canaries), *hostile(account, canaries)]
    Path("events.json").write_text(json.dumps(events + account.aws.drain()))
    Path("events.json").rename("events.in")
    broken = (
        f'{{"id": "x", "password": "{canaries.word("line of a broken file")}", "key": {canaries.key("broken line")}'
    )
    say(outputs, "key")
    say(outputs, "ingest", "-", stdin=broken)
    account.aws.deny(account.aws.product, "dynamodb:GetItem")
    say(outputs, "ingest", "events.in", "--format", "json")
    account.aws.allow(account.aws.product, "dynamodb:GetItem")
    account.advance(hours=2)
    say(outputs, "reconcile")
    say(outputs, "reconcile", "--debug")
    for words in (
        ["history", "--format", "json"], ["history"], ["history", "--format", "csv"], ["state", "--at", "2027-01-01"],
        ["flags"], ["gaps"], ["show", "json"], ["stale"], ["doctor"], ["notify", "--dry-run"], ["notify"],
        ["report", "history", "--out", "history.html"], ["report", "stale", "--out", "stale.html"],
        ["report", "flag", "json", "--out", "flag.html"], ["seal"], ["export", "--out", "exported"], ["verify"],
    ):  # fmt: skip
        say(outputs, *words)


def say(outputs: dict[str, bytes], *words: str, stdin: str | None = None) -> None:
    done = CliRunner().invoke(cli, list(words), input=stdin)
    outputs[f"flagtrail {' '.join(words)}"] = done.stdout_bytes + done.stderr_bytes
    outputs["statuses"] = outputs.get("statuses", b"") + f"{words[0]} {done.exit_code}\n".encode()
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        outputs[f"exception of {' '.join(words)}"] = "".join(traceback.format_exception(done.exception)).encode()


def files(folder: Path) -> dict[str, bytes]:
    """Return what lies there, packed files unpacked as well; not the input itself."""
    found = {}
    for path in folder.rglob("*"):
        if path.is_file() and path.name != "events.in":
            raw = path.read_bytes()
            found[str(path.relative_to(folder))] = raw + (gzip.decompress(raw) if path.suffix == ".gz" else b"")
    return found


def test_no_secret_comes_out_anywhere(world, fingerprint, tmp_path, monkeypatch, capfd):
    canaries, outputs = Canaries(), dict[str, bytes]()
    with SlackServer() as slack:
        monkeypatch.setenv("SLACK_BOT_TOKEN", slack.token or "")
        monkeypatch.setenv("FLAGTRAIL_SLACK_BASE_URL", f"{slack.url}")
        run_all(world, canaries, outputs)
        outputs["slack"] = json.dumps([list(call) for call in slack.calls], default=str).encode()
    told = capfd.readouterr()
    outputs["terminal"] = (told.out + told.err).encode()
    outputs |= files(tmp_path)

    leaks = {where: canaries.found_in(output) for where, output in outputs.items()}

    assert {where: places for where, places in leaks.items() if places} == {}
    assert len(canaries.planted) > 40
    assert b'"masked"' in outputs["flagtrail history --format json"], "the record has them hidden, not dropped"
    assert len(outputs["slack"]) > 2000
    assert all(f"{name} 0\n" in outputs["statuses"].decode() for name in WORK), outputs["statuses"]
    assert {"history.html", "stale.html", "flag.html"} <= outputs.keys()


def test_the_function_logs_none_either(world, tmp_path, monkeypatch, capfd):
    canaries = Canaries()
    settings = Settings.load({}, config=str(tmp_path / "flagtrail.toml"), database_url=f"sqlite:///{tmp_path}/own.db")
    application = bootstrap.application(settings)
    fill_parameters(world, canaries)
    events = [*fill_table(world, canaries), *fill_bucket(world, canaries), *hostile(world, canaries)]
    records = [
        {"messageId": str(n), "eventSource": "aws:sqs", "body": json.dumps(event)} for n, event in enumerate(events)
    ]
    serve(application, {"Records": records})
    world.advance(hours=1)
    serve(application, {"source": "aws.events", "detail-type": "Scheduled Event", **_scheduled()})
    application.record.close()
    told = capfd.readouterr()

    leaks = {where: canaries.found_in(raw) for where, raw in files(tmp_path).items()}

    assert canaries.found_in((told.out + told.err).encode()) == []
    assert {where: places for where, places in leaks.items() if places} == {}
    assert "ingest" in told.err


def _scheduled() -> dict[str, Any]:
    return {name: value for name, value in sample("scheduled-event-reconcile").items() if name != "detail-type"}


@pytest.mark.parametrize("secret", [Canaries.key, Canaries.token])
def test_the_search_itself_finds_what_is_there(secret):
    canaries = Canaries()
    planted = secret(canaries, "here")

    for offset in range(3):
        assert canaries.found_in(base64.b64encode(b"x" * offset + planted.encode() + b"and more")) == ["here"]
    assert canaries.found_in(b"before " + planted.encode()) == ["here"]
    assert canaries.found_in(b"nothing") == []
