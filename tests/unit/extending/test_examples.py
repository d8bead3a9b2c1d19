"""The examples of CONTRIBUTING.md do what they say, by the same doors as the parts that are built in."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from jinja2 import ChoiceLoader, FileSystemLoader

from auditor.adapters.storage import open_database
from auditor.application.ports import HistoryQuery
from auditor.application.reconcile import Reconcile
from auditor.application.recording import Recorder
from auditor.bootstrap import SystemClock
from auditor.domain.alerts import AlertKind, DeliveryOutcome
from auditor.domain.documents import DocumentRef
from auditor.domain.errors import StoreUnreadableError
from examples.extending.channel import FileChannel
from examples.extending.language import Ruby
from examples.extending.policy import BigStep
from examples.extending.report import OwnersInput, render
from examples.extending.source import FolderSource
from reports.render import environment
from tests.support.alerts import alert
from tests.support.languages import CHECKOUT, SHIPPING, findings, lines
from tests.support.pages import NOW, Page, judged


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "flags"
    (root / "shop" / "prod").mkdir(parents=True)
    return root


@pytest.fixture
def record(tmp_path):
    opened = open_database(f"sqlite:///{tmp_path / 'flagtrail.db'}")
    yield opened
    opened.close()


def write(folder: Path, name: str, text: str, second: int) -> None:
    path = folder / "shop" / "prod" / name
    path.write_text(text)
    moment = datetime(2026, 3, 2, 12, 0, second, tzinfo=UTC).timestamp()
    os.utime(path, (moment, moment))


def reconcile(record, folder):
    source = FolderSource(folder)
    report = Reconcile(Recorder(record.unit_of_work, {source.name: source}, SystemClock())).run()
    assert report.errors == ()
    return report.recorded


def test_the_source_is_reconciled_into_the_record(record, folder):
    write(folder, "banner", "false", 1)
    write(folder, "api-token", "AKIA" + "Z7XQW2N5T8RBKM4P", 1)
    assert reconcile(record, folder) == 2
    write(folder, "banner", "true", 2)
    assert reconcile(record, folder) == 1
    (folder / "shop" / "prod" / "banner").unlink()
    assert (reconcile(record, folder), reconcile(record, folder)) == (1, 0)

    with record.reader() as uow:
        rows = [row.to_json() for row in uow.changes.query(HistoryQuery(flag="banner"))]
        (token,) = uow.changes.query(HistoryQuery(flag="api-token"))
    assert [row["kind"] for row in rows] == ["deleted", "updated", "created"]
    assert [row["after"] and row["after"]["value"] for row in rows] == [None, True, False]
    assert token.change.after.value == {"masked": True, "comparable": False}


def test_the_source_tells_what_it_cannot_read(folder):
    (folder / "shop" / "prod" / "banner").mkdir()
    document = DocumentRef("folder", "-", "-", "shop/prod/banner")

    with pytest.raises(StoreUnreadableError, match="banner cannot be read"):
        FolderSource(folder).read(document, None)


@pytest.mark.parametrize("case", [*BigStep.VALID, *BigStep.INVALID], ids=lambda case: case.words)
def test_the_policy_keeps_its_own_cases(case):
    found = list(replace(BigStep(), **dict(case.options)).check(case.subject, case.context))

    assert len(found) == (case in BigStep.INVALID)
    assert all(finding.code == "big-step" for finding in found)


def test_the_language_finds_reads_and_comments():
    source = f"""\
# asks for {CHECKOUT}
on = ssm.get_parameter(name: "{CHECKOUT}").parameter.value
other = ssm.get_parameter(
  name: '{SHIPPING}')
unknown = ssm.get_parameter(name: "/shop/#{{env}}/features/new-checkout")
mine = cache.fetch("{SHIPPING}")
"""

    assert lines(findings(Ruby(), "app/shop.rb", source)) == [
        f"1:12 doc {CHECKOUT}",
        f"2:30 read {CHECKOUT}",
        f"4:9 read {SHIPPING}",
    ]


def test_the_report_is_a_page(tmp_path, monkeypatch, root):
    ours = FileSystemLoader(root / "examples" / "extending")
    monkeypatch.setattr(environment(), "loader", ChoiceLoader([environment().loader, ours]))

    render(OwnersInput([judged("<b>team</b>"), judged("shop"), judged("shop", kept=True)], NOW), tmp_path / "page.html")

    page = Page.of(tmp_path / "page.html")
    assert "shop : 2 flags, 1 can go" in page.text
    assert "<b>team</b> : 1 flags, 1 can go" in page.text


def test_the_channel_keeps_the_promises_of_a_channel(tmp_path):
    channel = FileChannel(tmp_path / "alerts.jsonl")

    for number, kind in enumerate(kind for kind in AlertKind if kind is not AlertKind.UPDATE):
        delivery = channel.send(alert(kind=kind, id=number))
        assert (delivery.outcome, delivery.message_id) == (DeliveryOutcome.SENT, f"file:{number}")
    first = json.loads((tmp_path / "alerts.jsonl").read_text().splitlines()[0])
    assert first["lines"][0] == "shop/new-checkout changed in prod"


def test_a_channel_that_cannot_write_leaves_the_alert_for_later(tmp_path):
    delivery = FileChannel(tmp_path / "gone" / "alerts.jsonl").send(alert())

    assert delivery.outcome is DeliveryOutcome.LATER
    assert "cannot be written" in delivery.error
