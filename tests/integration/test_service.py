"""``flagtrail run`` with a real record, AWS's stand-in and a Slack that keeps Slack's rules."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from auditor import bootstrap
from auditor.application.ports import HistoryQuery, Replica
from auditor.entrypoints.cli_options import Context
from auditor.entrypoints.commands.run import build
from examples.standin import StandIn
from examples.standin.slack import SlackServer
from tests.fakes import NOON
from tests.support.cli import flagtrail

PROGRAM = "from auditor.entrypoints.cli import main; main()"
CODE = 'def banner(ssm):\n    return ssm.get_parameter(Name="/shop/prod/features/banner")\n'
CONFIG = """\
[scan]
repositories = ["code"]

[schedule]
reconcile = "1s"
dispatch = "off"
weekly_report = "off"
scan = "off"
seal = "off"
watch = "off"
"""


@pytest.fixture
def aws(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    with StandIn() as running:
        for name, value in running.environ().items():
            monkeypatch.setenv(name, value)
        monkeypatch.delenv("AWS_SESSION_TOKEN")
        running.client("ssm").put_parameter(Name="/shop/prod/features/banner", Value="true", Type="String")
        yield running


@pytest.fixture
def slack(monkeypatch: pytest.MonkeyPatch) -> Iterator[SlackServer]:
    with SlackServer() as running:
        monkeypatch.setenv("SLACK_BOT_TOKEN", running.token)
        monkeypatch.setenv("FLAGTRAIL_SLACK_BASE_URL", running.url)
        yield running


def recorded() -> list[str]:
    record = bootstrap.database("sqlite:///flagtrail.db")
    with record.reader() as uow:
        flags = [str(change.change.flag) for change in uow.changes.query(HistoryQuery())]
    record.close()
    return flags


def test_once_does_everything_one_time(aws, slack, elsewhere):
    (elsewhere / "code").mkdir()
    (elsewhere / "code" / "app.py").write_text(CODE)
    (elsewhere / "flagtrail.toml").write_text('[scan]\nrepositories = ["code"]\n')

    answer = flagtrail("run", "--once", "--reports", "pages")

    assert (answer.status, answer.out) == (0, "")
    assert recorded() == ["banner"]
    (page,) = (elsewhere / "pages").iterdir()
    assert "shop/banner" in page.read_text()
    assert any("filled in" in message.arguments["text"] for message in slack.messages)
    references = flagtrail("show", "shop/banner", "--format", "json").json["references"]
    assert [(place["path"], place["kind"]) for place in references] == [("app.py", "read")]


def test_one_job_that_fails_keeps_no_other_from_its_work(aws, slack, elsewhere):
    aws.deny(None, "ssm:*")

    answer = flagtrail("run", "--once", "--reports", "pages")

    assert answer.status == 2
    assert "ssm:DescribeParameters" in answer.err
    assert len(list((elsewhere / "pages").iterdir())) == 1


def test_without_a_channel_alerts_stay(aws, elsewhere):
    assert flagtrail("run", "--once").status == 0

    assert len(flagtrail("notify", "--dry-run").json) == 2


def test_two_services_on_one_record_share_the_slots(aws, slack, elsewhere):
    context = Context()
    applications = [bootstrap.application(context.settings) for _ in range(2)]
    services = [build(context, application, elsewhere / "pages") for application in applications]

    ran = {
        work.name: [
            service.run_job(mine, NOON) for service in services for mine in service.jobs if mine.name == work.name
        ]
        for work in services[0].jobs
    }

    assert {"reconcile", "dispatch", "weekly_report"} <= ran.keys()
    assert all(runs == [True, False] for runs in ran.values())
    with applications[0].record.reader() as uow:
        assert uow.runs.last_success("reconcile") is not None
    for application in applications:
        application.record.close()


def test_it_runs_until_it_is_told_to_stop(aws, elsewhere, unmeasured):
    (elsewhere / "code").mkdir()
    (elsewhere / "flagtrail.toml").write_text(CONFIG)
    root = Path(__file__).parents[2]
    environment = {**unmeasured, "PYTHONPATH": str(root), "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-c", PROGRAM, "run"]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as running:
        assert running.stderr is not None
        lines = []
        for line in running.stderr:
            lines.append(line.partition(" ")[2].strip())
            if "reconcile:" in line:
                os.kill(running.pid, signal.SIGTERM)
    assert running.returncode == 0
    assert lines[0] == "running reconcile; stop with Ctrl-C"
    assert "reconcile: 1 documents, 1 changes recorded, 0 open gaps" in lines
    assert lines[-1] == "stopped"
    assert recorded() == ["banner"]


def test_what_somebody_took_out_of_the_outbox_is_told_after_all(aws, slack, elsewhere):
    assert flagtrail("run", "--once", "--reports", "pages").status == 0
    aws.client("ssm").put_parameter(Name="/shop/prod/features/banner", Value="false", Type="String", Overwrite=True)
    assert flagtrail("reconcile").status == 0
    assert told() == []
    with closing(sqlite3.connect("flagtrail.db")) as connection:
        for table in ("alert_changes", "alert_ways", "alerts"):
            connection.execute(f"DELETE FROM {table}")  # noqa: S608 - the names above
        connection.commit()

    assert [check["status"] for check in told()] == ["failed"]
    answer = flagtrail("run", "--once", "--reports", "pages")
    assert "watch: 1 changes were told by no alert" in answer.err
    assert flagtrail("notify").status == 0
    assert any("without a message" in message.arguments["text"] for message in slack.messages)
    assert told() == []


def told() -> list[dict[str, str]]:
    """Return what the doctor says of changes that nobody was told of."""
    return [check for check in flagtrail("doctor", "--format", "json").json["checks"] if check["check"] == "told"]


def test_the_doctor_says_who_is_alive_and_which_job_is_late(aws, slack, elsewhere):
    assert flagtrail("run", "--once", "--reports", "pages").status == 0
    record = bootstrap.database("sqlite:///flagtrail.db")
    now = datetime.now(UTC)
    with record.unit_of_work() as uow:
        uow.runs.seen(Replica("lives:1", now - timedelta(hours=3), now, ("seal",)))
        uow.runs.seen(Replica("silent:2", now - timedelta(hours=3), now - timedelta(hours=1)))
        uow.commit()
    with closing(sqlite3.connect("flagtrail.db")) as connection:
        connection.execute("UPDATE job_slots SET finished_us = finished_us - 86400000000 WHERE job = 'reconcile'")
        connection.commit()

    answer = flagtrail("doctor", "--format", "json")

    record.close()
    found = {check["check"]: check for check in answer.json["checks"] if check["check"] != "service"}
    services = [check for check in answer.json["checks"] if check["check"] == "service"]
    assert answer.status == 2
    assert [(check["status"], check["detail"].split()[0]) for check in services] == [
        ("ok", "lives:1"),
        ("remark", "silent:2"),
    ]
    assert services[0]["detail"].endswith("at seal")
    assert found["job reconcile"]["status"] == "failed"
    assert "no success since" in found["job reconcile"]["detail"]
    assert "job seal" not in found
