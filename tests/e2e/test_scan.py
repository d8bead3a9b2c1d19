from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.cli import flagtrail

CODE = 'import boto3\nboto3.client("ssm").get_parameter(Name="/shop/x")\n'
KEYS = {
    "flag",
    "provider",
    "application",
    "environment",
    "profile",
    "path",
    "line",
    "column",
    "kind",
    "certainty",
    "resolution",
}


@pytest.fixture
def repo(elsewhere: Path) -> Path:
    (elsewhere / "repo").mkdir()
    (elsewhere / "repo" / "a.py").write_text(CODE)
    (elsewhere / "repo" / "bad.py").write_text("def (:\n")
    (elsewhere / "flags.json").write_text(json.dumps([{"key": "/shop/x", "provider": "ssm"}]))
    return elsewhere


def as_process(repo: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    start = "from auditor.entrypoints.cli import main; main()"
    command = [sys.executable, "-c", start, *arguments]
    environ = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(Path(__file__).parents[2])}
    return subprocess.run(command, cwd=repo, env=environ, capture_output=True, text=True, check=False)


def test_json_holds_the_whole_result_and_no_database_appears(repo):
    done = flagtrail("scan", "repo", "--flags", "flags.json", "--format", "json")
    assert done.status == 0
    held = json.loads(done.out)
    assert set(held) == {"references", "unresolved", "unread", "skipped", "patterns", "complete", "commit"}
    (reference,) = held["references"]
    assert set(reference) == KEYS
    assert (reference["path"], reference["line"], reference["column"], reference["kind"]) == ("a.py", 2, 40, "read")
    assert held["unread"][0]["path"] == "bad.py"
    assert held["unread"][0]["reason"]
    assert held["complete"] is False
    assert not (repo / "flagtrail.db").exists()


def test_jsonl_is_one_reference_a_line(repo):
    done = flagtrail("scan", "repo", "--flags", "flags.json", "--format", "jsonl")
    assert [set(json.loads(line)) for line in done.out.splitlines()] == [KEYS]
    assert done.err == ""


def test_sarif_says_where(repo):
    done = flagtrail("scan", "repo", "--flags", "flags.json", "--format", "sarif")
    held = json.loads(done.out)
    assert held["version"] == "2.1.0"
    (result,) = held["runs"][0]["results"]
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "a.py"
    assert place["region"] == {"startLine": 2, "startColumn": 40}
    assert result["ruleId"] in {rule["id"] for rule in held["runs"][0]["tool"]["driver"]["rules"]}


def test_a_table_is_for_people(repo):
    done = flagtrail("scan", "repo", "--flags", "flags.json")
    assert done.status == 0
    assert "a.py:2" in done.out
    assert "bad.py" in done.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("scan", "missing", "--flags", "flags.json"), "missing"),
        (("scan", "repo", "--flags", "none.json"), "none.json"),
        (("scan", "repo", "--flags", "repo/a.py"), "repo/a.py"),
        (("scan", "repo", "--flags", "wrong.json"), "flag 1"),
    ],
)
def test_bad_input_is_one_line_and_status_2(repo, arguments, said):
    (repo / "wrong.json").write_text('[{"key": "x", "provider": "nobody"}]')
    done = flagtrail(*arguments)
    assert done.status == 2
    assert done.out == ""
    assert len(done.err.splitlines()) == 1
    assert said in done.err


def test_without_a_file_the_inventory_is_looked_for(repo):
    done = flagtrail("scan", "repo", "--format", "json", "--database", f"sqlite:///{repo}/trail.db")
    assert done.status == 0
    assert json.loads(done.out)["references"] == []
    assert sqlite3.connect(repo / "trail.db").execute("select count(*) from sqlite_master").fetchone()[0] > 0


def test_the_same_scan_gives_the_same_bytes(repo):
    runs = {as_process(repo, "scan", "repo", "--flags", "flags.json", "--format", "json").stdout for _ in range(3)}
    assert len(runs) == 1
