"""flagtrail ingest, reconcile, doctor and init against the AWS stand-in, over HTTP."""

from __future__ import annotations

import json
import threading
import tomllib
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from auditor.adapters.storage import open_database
from auditor.domain.alerts import AlertKind, Delivery, DeliveryOutcome, NewAlert
from auditor.settings import Settings
from examples.standin import StandIn
from examples.standin.slack import SlackServer
from tests.support.cli import flagtrail

# The stand-in denies by an error that AppConfig's model does not name; moto remarks on that.
pytestmark = pytest.mark.filterwarnings("ignore:.*does not match an error shape")

EVENTS = Path(__file__).parent.parent / "events"
NOW = datetime(2026, 3, 2, tzinfo=UTC)
FLAGS = {"version": "1", "flags": {"dark-mode": {"name": "Dark mode"}}, "values": {"dark-mode": {"enabled": True}}}


@pytest.fixture
def aws(elsewhere, monkeypatch):
    with StandIn() as aws:
        for name, value in aws.environ().items():
            monkeypatch.setenv(name, value)
        monkeypatch.delenv("AWS_SESSION_TOKEN")
        yield aws


def put(aws, name, value, **options):
    aws.client("ssm").put_parameter(Name=name, Value=value, Type="String", **options)


def make_profile(aws, application="shop", profile="web-flags", kind="AWS.AppConfig.FeatureFlags"):
    client = aws.client("appconfig")
    app = client.create_application(Name=application)["Id"]
    made = client.create_configuration_profile(ApplicationId=app, Name=profile, LocationUri="hosted", Type=kind)["Id"]
    client.create_hosted_configuration_version(
        ApplicationId=app,
        ConfigurationProfileId=made,
        Content=json.dumps(FLAGS).encode(),
        ContentType="application/json",
    )
    return app, made


def test_reconcile_reads_what_is_there_and_the_second_time_nothing(aws):
    put(aws, "/shop/prod/features/x", "true")
    put(aws, "/shop/prod/db/password", "no flag")
    make_profile(aws)

    first = flagtrail("reconcile", "--format", "json")
    second = flagtrail("reconcile", "--format", "json")

    assert (first.status, first.err) == (0, "")
    assert first.json == {"documents": 2, "versions": 2, "recorded": 2, "gaps": 0}
    assert second.json == {"documents": 2, "versions": 0, "recorded": 0, "gaps": 0}
    assert [flag["name"] for flag in flagtrail("flags", "--format", "json").json] == ["shop/dark-mode", "shop/x"]


def test_one_source_by_its_kind_or_its_name(aws):
    put(aws, "/shop/prod/features/x", "true")
    make_profile(aws)
    Path("flagtrail.toml").write_text('[[source]]\nkind = "ssm"\nname = "ours"\n[[source]]\nkind = "appconfig"\n')

    assert flagtrail("reconcile", "--source", "ours", "--format", "json").json["documents"] == 1
    assert flagtrail("reconcile", "--source", "appconfig", "--format", "json").json["recorded"] == 1
    assert "choose from ours, appconfig" in flagtrail("reconcile", "--source", "theirs").err


def test_a_name_is_only_its_own_part_of_a_store(aws):
    for team in ("shop", "blog"):
        put(aws, f"/{team}/prod/features/x", "true")
    paths = 'paths = ["/{team}/{environment}/features/{flag}"]'
    tables = [
        f'[[source]]\nkind = "ssm"\nname = "{team}"\n{paths.replace("{team}", team)}' for team in ("shop", "blog")
    ]
    Path("flagtrail.toml").write_text("\n".join(tables))
    flagtrail("reconcile")
    aws.advance(timedelta(hours=1))
    for team in ("shop", "blog"):
        put(aws, f"/{team}/prod/features/x", "false", Overwrite=True)
        put(aws, f"/{team}/prod/features/y", "true")
    aws.client("ssm").delete_parameter(Name="/blog/prod/features/y")
    aws.reset_calls()

    one = flagtrail("reconcile", "--source", "shop", "--format", "json")
    calls = aws.calls()["ssm:GetParameterHistory"]
    rest = flagtrail("reconcile", "--format", "json")

    assert (one.json["documents"], one.json["recorded"], calls) == (2, 2, 2)
    assert rest.json["recorded"] == 1
    kinds = {(row["document"], row["kind"]) for row in flagtrail("history", "--format", "json").json}
    assert ("/blog/prod/features/x", "deleted") not in kinds


def test_what_cannot_be_read_is_said_and_the_rest_recorded(aws):
    put(aws, "/shop/prod/features/x", "true")
    aws.deny(aws.product, "appconfig:ListApplications")

    answer = flagtrail("reconcile", "--format", "json")

    assert answer.status == 2
    assert answer.json["recorded"] == 1
    assert answer.err.startswith("flagtrail reconcile: AWS denied appconfig:ListApplications")
    assert answer.err.count("\n") == 1


def test_events_of_a_change_are_taken_once(aws):
    put(aws, "/shop/prod/features/x", "true")
    flagtrail("reconcile")
    aws.drain()
    put(aws, "/shop/prod/features/x", "false", Overwrite=True)
    Path("events.jsonl").write_text("\n".join(json.dumps(event) for event in aws.drain()))

    first = flagtrail("ingest", "events.jsonl", "--format", "json")
    again = flagtrail("ingest", "-", "--format", "json", stdin=Path("events.jsonl").read_text())

    assert (first.status, first.err) == (0, "")
    assert first.json["received"] == len(first.json["outcomes"]) == 2
    assert first.json["recorded"] == 1
    assert set(again.json["outcomes"]) == {"duplicate"}
    assert again.json["duplicate"] == 2
    assert [row["kind"] for row in flagtrail("history", "--format", "json").json] == ["updated", "created"]


def test_a_store_that_gives_no_answer_defers_its_event(aws):
    put(aws, "/shop/prod/features/x", "true")
    aws.deny(aws.product, "ssm:GetParameterHistory")
    Path("event.json").write_text(json.dumps(aws.drain()[0]))

    answer = flagtrail("ingest", "event.json", "--format", "json")
    aws.allow(aws.product, "ssm:GetParameterHistory")
    later = flagtrail("ingest", str(EVENTS / "cloudwatch-alarm-state-change.json"), "--format", "json")

    assert answer.status == 2
    assert answer.json["outcomes"] == ["deferred"]
    (deferred,) = answer.json["deferred"]
    assert (deferred["index"], deferred["document"]) == (0, "/shop/prod/features/x")
    assert "0 rejected, 1 deferred; event 0: AWS denied ssm:GetParameterHistory" in answer.err
    assert (later.json["outcomes"], later.json["recorded"]) == (["ignored"], 1)


def test_neighbours_of_what_cannot_be_understood_are_taken(aws):
    put(aws, "/shop/prod/features/x", "true")
    good = json.dumps(aws.drain()[0])
    Path("events.jsonl").write_text(f'{{"truncated": \n{good}\n[1]\n')

    answer = flagtrail("ingest", "events.jsonl", "--format", "json")

    assert answer.status == 2
    assert answer.json["outcomes"] == ["rejected", "recorded", "rejected"]
    assert [entry["index"] for entry in answer.json["rejected"]] == [0, 2]
    assert answer.err.startswith("flagtrail ingest: 2 rejected, 0 deferred; event 0: ")


def test_events_of_several_files_are_numbered_through(elsewhere):
    ignored = str(EVENTS / "cloudwatch-alarm-state-change.json")
    Path("bad.json").write_bytes(b"\xff\xfe{")
    Path("empty.json").write_text("")

    answer = flagtrail("ingest", ignored, "empty.json", "bad.json", ignored, "--format", "json")

    assert answer.json["outcomes"] == ["ignored", "rejected", "duplicate"]
    assert [entry["index"] for entry in answer.json["rejected"]] == [1]


def test_what_needs_no_store_is_decided_without_aws(elsewhere):
    denied = str(EVENTS / "ct-ssm-putparameter-accessdenied.json")

    answer = flagtrail("ingest", denied, "--format", "json")

    assert (answer.status, answer.json["outcomes"], answer.json["attempts"]) == (0, ["attempt"], 1)
    assert "1 attempt" in flagtrail("ingest", denied.replace("accessdenied", "already-exists")).out


def check(answer, name):
    """Return the check of this name."""
    return next(check for check in answer.json["checks"] if check["check"] == name)


def test_the_doctor_finds_all_in_place(aws):
    put(aws, "/shop/prod/features/x", "true")
    make_profile(aws)
    flagtrail("reconcile")

    with SlackServer() as slack:
        environ = {"SLACK_BOT_TOKEN": slack.token, "FLAGTRAIL_SLACK_BASE_URL": slack.url}
        answer = flagtrail("doctor", "--format", "json", environ=environ)
        text = flagtrail("doctor", environ=environ)

    assert (answer.status, answer.json["ok"]) == (0, True)
    assert "account 123456789012, Region eu-west-1" in check(answer, "aws")["detail"]
    assert "/shop/prod/features/x for one" in check(answer, "source ssm")["detail"]
    assert check(answer, "source appconfig")["status"] == "ok"
    assert check(answer, "slack")["status"] == "ok"
    assert text.out.rstrip().endswith("All is in place.")
    assert slack.messages == []


def test_the_doctor_writes_nothing_to_aws(aws):
    flagtrail("doctor")

    assert [call for call in aws.calls() if not call.partition(":")[2].startswith(("Get", "List", "Describe"))] == []


def test_the_doctor_names_each_failure_with_its_remedy(aws):
    aws.deny(aws.product, "ssm:DescribeParameters")
    environ = {"SLACK_BOT_TOKEN": "xoxb-wrong", "FLAGTRAIL_SLACK_BASE_URL": "http://127.0.0.1:9/"}

    answer = flagtrail("doctor", "--format", "json", environ=environ)

    assert (answer.status, answer.json["ok"]) == (2, False)
    assert "ssm:DescribeParameters" in check(answer, "source ssm")["detail"]
    assert "Slack cannot be reached" in check(answer, "slack")["detail"]
    assert "xoxb-wrong" not in answer.out + answer.err
    assert answer.err.count("\n") == 1


def test_the_doctor_without_anything_says_what_to_do(elsewhere, monkeypatch):
    monkeypatch.delenv("AWS_DEFAULT_REGION")

    answer = flagtrail("doctor", "--format", "json")

    assert answer.status == 2
    assert check(answer, "configuration")["remedy"].startswith("`flagtrail init`")
    assert check(answer, "aws")["remedy"].startswith("set AWS_REGION")
    assert check(answer, "slack")["status"] == "remark"


def test_the_doctor_shows_a_broken_configuration_whole(elsewhere):
    Path("flagtrail.toml").write_text("[slakc]\n[stale]\ngrace = 3\n")

    answer = flagtrail("doctor", "--format", "json")

    (only,) = answer.json["checks"]
    assert only["status"] == "failed"
    assert "flagtrail.toml:1" in only["detail"]
    assert "flagtrail.toml:3" in only["detail"]


def test_the_doctor_sees_what_waits_and_what_was_given_up(aws):
    put(aws, "/shop/prod/features/x", "true")
    aws.deny(aws.product, "ssm:GetParameterHistory")
    Path("event.json").write_text(json.dumps(aws.drain()[0]))
    flagtrail("ingest", "event.json")
    give_up("sqlite:///flagtrail.db")

    answer = flagtrail("doctor", "--format", "json")

    assert answer.status == 2
    assert check(answer, "deferred events")["detail"].startswith("1 wait for a store")
    assert "1 given up: Slack refused: channel_not_found" in check(answer, "alerts")["detail"]


def give_up(url):
    """Leave an alert in the outbox that no channel takes."""

    def work(uow):
        uow.outbox.put(NewAlert("test", AlertKind.TEST, "test"), NOW)
        (claimed,) = uow.outbox.claim("slack", NOW, lease_seconds=60, limit=1)
        refused = Delivery(DeliveryOutcome.REFUSED, error="Slack refused: channel_not_found")
        uow.outbox.settle(claimed, "slack", refused, NOW)

    database = open_database(url)
    database.run(work)
    database.close()


def test_the_doctor_asks_for_slack_only_where_it_is_wanted(aws):
    Path("flagtrail.toml").write_text('[notify]\nchannel = "console"\n')
    console = flagtrail("doctor", "--format", "json")
    Path("flagtrail.toml").write_text('[slack]\nchannel = "C0123"\n')
    slack = flagtrail("doctor", "--format", "json")

    assert check(console, "slack")["status"] == "ok"
    assert check(slack, "slack")["status"] == "failed"
    assert check(slack, "slack")["remedy"].startswith("set SLACK_BOT_TOKEN")


class Scopes(BaseHTTPRequestHandler):
    """Answers as Slack does for a token with too few rights."""

    def do_POST(self):
        body = b'{"ok": true, "team": "Shop", "user": "flagtrail"}'
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(200)
        self.send_header("x-oauth-scopes", "channels:read, users:read")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def test_the_doctor_names_a_missing_scope(aws):
    with ThreadingHTTPServer(("127.0.0.1", 0), Scopes) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        environ = {
            "SLACK_BOT_TOKEN": "xoxb-narrow",
            "FLAGTRAIL_SLACK_BASE_URL": f"http://127.0.0.1:{server.server_port}/api",
        }
        answer = flagtrail("doctor", "--format", "json", environ=environ)
        server.shutdown()

    assert check(answer, "slack")["detail"] == "the token of flagtrail in Shop lacks chat:write"


def test_the_doctor_tells_a_wrong_token(aws):
    with SlackServer() as slack:
        environ = {"SLACK_BOT_TOKEN": "xoxb-wrong", "FLAGTRAIL_SLACK_BASE_URL": slack.url}
        answer = flagtrail("doctor", "--format", "json", environ=environ)

    assert "invalid_auth" in check(answer, "slack")["detail"]
    assert "SLACK_BOT_TOKEN" in check(answer, "slack")["remedy"]


def test_init_proposes_what_it_finds_and_writes_nothing_to_aws(aws):
    for name in ("/shop/prod/features/a", "/shop/dev/features/a", "/acme/pay/prod/toggles/b", "/shop/prod/db/url"):
        put(aws, name, "true")
    make_profile(aws)
    aws.reset_calls()

    answer = flagtrail("init")
    ssm, appconfig = tomllib.loads(answer.out)["source"]

    assert answer.status == 0
    assert ssm["paths"] == [
        "/acme/{application}/{environment}/toggles/{flag}",
        "/{application}/{environment}/features/{flag}",
    ]
    assert (ssm["accounts"], ssm["regions"]) == (["123456789012"], ["eu-west-1"])
    assert appconfig["applications"] == ["shop"]
    assert "1 in /shop/prod/db" in answer.out
    assert "shop/web-flags (feature flags)" in answer.out
    assert [call for call in aws.calls() if not call.partition(":")[2].startswith(("Get", "List", "Describe"))] == []


def test_what_init_proposes_works(aws):
    put(aws, "/acme/pay/prod/toggles/b", "true")
    make_profile(aws)

    flagtrail("init", "--out", "flagtrail.toml")

    assert Settings.from_env({}).config_path == Path("flagtrail.toml")
    assert flagtrail("reconcile", "--format", "json").json["documents"] == 2


def test_init_overwrites_only_when_told(aws):
    Path("flagtrail.toml").write_text("mine")

    refused = flagtrail("init", "--out", "flagtrail.toml")
    kept = Path("flagtrail.toml").read_text()
    forced = flagtrail("init", "--out", "flagtrail.toml", "--force", "--format", "json")

    assert (refused.status, kept) == (2, "mine")
    assert "give --force" in refused.err
    assert (forced.status, forced.json["out"]) == (0, "flagtrail.toml")
    assert Path("flagtrail.toml").read_text() == forced.json["text"]


def test_init_says_what_it_could_not_read(aws):
    put(aws, "/shop/prod/features/a", "true")
    aws.deny(aws.product, "appconfig:ListApplications")

    answer = flagtrail("init", "--region", "eu-west-1")

    assert answer.status == 2
    assert "appconfig:ListApplications" in answer.err
    assert [source["kind"] for source in tomllib.loads(answer.out)["source"]] == ["ssm"]


def test_init_proposes_nothing_where_it_cannot_write(aws):
    answer = flagtrail("init", "--out", "none/flagtrail.toml")

    assert answer.status == 2
    assert "none/flagtrail.toml cannot be written" in answer.err


def test_an_upgrade_makes_a_database_and_leaves_one_as_it_is(elsewhere):
    first = flagtrail("db", "upgrade", "--format", "json")
    second = flagtrail("db", "upgrade", "--format", "json")

    assert first.json["from"] is None
    assert second.json == {"from": first.json["to"], "to": first.json["to"]}
    assert "already" in flagtrail("db", "upgrade").out
    assert flagtrail("history", "--format", "json").json == []
