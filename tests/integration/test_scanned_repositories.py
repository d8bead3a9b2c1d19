"""A scan's result in the record: whose code it is, under which name it is kept, and from which tree."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from auditor import bootstrap
from auditor.application.recording import Recorder, Tally
from auditor.application.staleness import owner_in_code
from auditor.configuration.loader import load_file
from auditor.domain.changes import AttributedChange
from auditor.domain.references import FlagSpec, Reference, ReferenceKind
from tests.fakes import ClockFake
from tests.support.alerts import AT, DANA, PARAMETER, change
from tests.support.cli import flagtrail

READS = f'import boto3\nboto3.client("ssm").get_parameter(Name="{PARAMETER.name}")\n'


@pytest.fixture
def code(elsewhere: Path, tmp_path: Path) -> Path:
    """A repository that reads the one flag of the record."""
    database = bootstrap.database("sqlite:///flagtrail.db")
    recorder = Recorder(database.unit_of_work, {}, ClockFake(AT))
    recorder.record_changes([AttributedChange(change(), DANA)], Tally(), AT)
    database.close()
    root = tmp_path / "code"
    root.mkdir()
    (root / "a.py").write_text(READS)
    (root / "CODEOWNERS").write_text("* @org/shop\n")
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "one"]):
        who = ["-c", "user.name=n", "-c", "user.email=e@example.org"]
        subprocess.run(["git", "-C", str(root), *who, *words], check=True)
    return root


def kept() -> list[str]:
    database = bootstrap.database("sqlite:///flagtrail.db")
    with database.reader() as uow:
        names = [scan.repository for scan in uow.references.scans()]
    database.close()
    return names


def owners() -> list[str | None]:
    return [entry["owner"] for entry in json.loads(flagtrail("stale", "--format", "json").out)]


def test_the_owner_of_a_flag_is_who_owns_the_code_that_reads_it(code):
    assert owners() == [None]
    assert flagtrail("scan", str(code)).status == 0
    assert owners() == ["@org/shop"]


def test_a_url_is_kept_by_its_name(code):
    answer = flagtrail("scan", f"file://{code}", "--format", "json")
    assert [one["path"] for one in answer.json["references"]] == ["a.py"]
    assert kept() == [f"file://{code}"]


def test_what_is_committed_is_kept_as_the_repository(code):
    (code / "a.py").write_text("")
    assert flagtrail("scan", str(code), "--committed", "--format", "json").json["references"]
    assert kept() == [str(code)]


def test_the_commit_that_removed_the_last_use_is_named(code):
    def evidence():
        (entry,) = json.loads(flagtrail("stale", "--format", "json").out)
        return [one["value"].rpartition(", ")[0] for one in entry["evidence"] if one["signal"] == "removed from code"]

    def git(*words):
        who = ["-c", "user.name=n", "-c", "user.email=e@example.org"]
        return subprocess.run(["git", "-C", str(code), *who, *words], check=True, capture_output=True, text=True).stdout

    first = git("rev-parse", "HEAD").strip()
    assert flagtrail("scan", str(code)).status == 0
    (code / "a.py").write_text(f"# further down\n{READS}")
    assert flagtrail("scan", str(code)).status == 0
    assert evidence() == []
    (code / "a.py").write_text("")
    assert flagtrail("scan", str(code)).status == 0
    assert evidence() == [f"a.py:3 no longer found at commit {first[:7]}"]

    assert flagtrail("scan", str(code), "--committed").status == 0
    assert evidence() == []
    git("commit", "-qam", "two")
    assert flagtrail("scan", str(code), "--committed").status == 0
    second = git("rev-parse", "HEAD").strip()
    assert evidence() == [f"a.py:2 removed by commit {second[:7]}"]
    (seen,) = flagtrail("show", PARAMETER.name, "--format", "json").json["sightings"]
    assert [seen[key]["commit"] for key in ("first_seen", "last_seen", "gone_since")] == [first, first, second]


def test_what_comments_say_is_evidence_with_its_place_and_heeded(code):
    def stale() -> dict:
        assert flagtrail("scan", str(code)).status == 0
        (entry,) = json.loads(flagtrail("stale", "--format", "json").out)
        said = [(one["signal"], one["value"]) for one in entry["evidence"] if "comment" in one["signal"]]
        return {"verdict": entry["verdict"], "codes": [r["code"] for r in entry["reasons"]], "said": said, **entry}

    assert "declared type or end date" in stale()["missing"]
    (code / "a.py").write_text(READS.replace("boto3.client", "# TODO(@cart): remove after 2026-08-01\nboto3.client"))
    overdue = stale()
    assert (overdue["verdict"], overdue["owner"]) == ("remove", "@cart")
    assert "past-end-date" in overdue["codes"]
    assert "declared type or end date" not in overdue["missing"]
    assert overdue["said"] == [
        ("end date in the comment at a.py:2", "2026-08-01"),
        ("owner in the comment at a.py:2", "@cart"),
    ]

    (code / "a.py").write_text(READS.replace("boto3.client", "# expires: 2126-10-01\nboto3.client"))
    assert (stale()["verdict"], stale()["codes"]) == ("keep", ["not-yet"])

    shown = flagtrail("show", PARAMETER.name)
    assert "What comments in code say" in shown.out
    assert "2126-10-01" in shown.out
    (said,) = flagtrail("show", PARAMETER.name, "--format", "json").json["annotations"]
    assert said == {"path": "a.py", "line": 2, "kind": "end date", "value": "2126-10-01", "text": "expires: 2126-10-01"}

    assert flagtrail("report", "stale", "--out", "stale.html").status == 0
    assert "<code>a.py:2</code> <q>expires: 2126-10-01</q>" in Path("stale.html").read_text()


def test_a_file_name_that_no_terminal_should_see_is_spelled_out(code):
    """Nor does a name that is no UTF-8 break the answer."""
    name = os.fsdecode(b"a\x1b[31m\xff.py")
    (code / "a.py").unlink()
    (code / name).write_text(READS.replace("boto3.client", "# remove after 2026-08-01 \x07\nboto3.client"))
    assert flagtrail("scan", str(code)).status == 0

    told = flagtrail("stale").out
    assert r"(the comment at a\x1b[31m\xff.py:2)" in " ".join(told.split())
    assert "\x1b" not in told
    (entry,) = flagtrail("stale", "--format", "json").json
    assert any(one["signal"].endswith(".py:2") for one in entry["evidence"])
    assert flagtrail("show", PARAMETER.name).status == 0
    assert flagtrail("report", "stale", "--out", "stale.html").status == 0
    assert flagtrail("report", "stale", "--out", "stale.md").status == 0
    assert flagtrail("report", "stale", "--out", "stale.sarif").status == 0


def test_of_a_flag_that_is_newer_than_the_scan_nobody_says_that_no_code_reads_it(code):
    assert flagtrail("scan", str(code)).status == 0
    database = bootstrap.database("sqlite:///flagtrail.db")
    recorder = Recorder(database.unit_of_work, {}, ClockFake(datetime.now(UTC)))
    newer = replace(PARAMETER, name="/shop/prod/features/newer")
    made = change(key="newer", cause="newer", flag="newer", document=newer, occurred_at=AT + timedelta(days=1))
    recorder.record_changes([AttributedChange(made, DANA)], Tally(), AT)
    database.close()

    def told() -> list[str]:
        texts = [json.dumps(message) for message in flagtrail("notify", "--dry-run").json]
        return [text for text in texts if "shop/newer" in text]

    assert "nobody can say whether any reads it" in told()[0]
    assert flagtrail("show", "newer", "--format", "json").json["references"] is None

    assert flagtrail("scan", str(code)).status == 0
    assert "The last scan found no code that names it." in told()[0]
    assert flagtrail("show", "newer", "--format", "json").json["references"] == []


def test_a_repository_that_cannot_be_fetched_is_one_line_and_leaves_the_record_alone(code):
    answer = flagtrail("scan", f"file://{code}/none")
    assert answer.status == 2
    assert answer.err.startswith("flagtrail: file://")
    assert answer.err.count("\n") == 1
    assert kept() == []


def test_repositories_of_the_configuration_may_be_urls(code, elsewhere):
    path = elsewhere / "flagtrail.toml"
    path.write_text(f'[scan]\nrepositories = ["file://{code}", "../code"]\n')
    settings = load_file(path, {})
    assert settings.repositories == (f"file://{code}", elsewhere / "../code")


def place(kind: ReferenceKind, *owners: str) -> Reference:
    return Reference(flag=FlagSpec("x", "ssm"), path="a.py", line=1, column=1, kind=kind, owners=owners)


def test_readers_count_before_other_places_and_most_places_before_few():
    read, test, bind = ReferenceKind.READ, ReferenceKind.TEST, ReferenceKind.BIND
    assert owner_in_code([]) is None
    assert owner_in_code([place(test, "@qa"), place(read)]) is None
    assert owner_in_code([place(bind, "@keys"), place(bind, "@keys"), place(read, "@a", "@b")]) == "@a, @b"
    assert owner_in_code([place(read, "@b"), place(read, "@a"), place(read, "@b"), place(test, "@a")]) == "@b"
    assert owner_in_code([place(read, "@b"), place(read, "@a")]) == "@a"
