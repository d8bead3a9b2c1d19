"""The same data as Markdown, CSV, JSON, JSON Lines and SARIF: complete, and nothing in it does anything."""

from __future__ import annotations

import csv
import json
from importlib import import_module

import pytest

from auditor.domain.errors import UsageError
from reports import REPORTS, stale
from reports.flag import FlagInput
from tests.support.pages import NOW, history_of, judged, place, said, stale_of

HOSTILE = "<b>|*x*`[a](https://evil.example)`\n# =cmd\u202e"


def inputs(text):
    return {
        "stale": stale_of(text),
        "history": history_of(text),
        "flag": FlagInput(judged(text), [said(text)], stale_of(text)),
    }


def written(name, form, folder, text="shop"):
    out = folder / f"{name}.{form}"
    import_module(REPORTS[name]).render(inputs(text)[name], out)
    return out.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", REPORTS)
def test_json_has_the_rows_and_what_is_about_all(name, tmp_path):
    whole = json.loads(written(name, "json", tmp_path))
    lines = [json.loads(line) for line in written(name, "jsonl", tmp_path).splitlines()]
    rows = whole["flags" if name == "stale" else "changes"]

    assert whole["as_of"] == "2026-09-18T09:15:04Z"
    assert rows == lines
    assert {"flag", "application"} <= rows[0].keys()


def test_json_of_nothing_is_json(tmp_path):
    out = tmp_path / "stale.json"
    stale.render(stale.StaleInput([], [], NOW), out)

    assert json.loads(out.read_text())["flags"] == []


@pytest.mark.parametrize("name", REPORTS)
def test_csv_has_a_line_for_each_row(name, tmp_path):
    header, *rows = csv.reader(written(name, "csv", tmp_path, HOSTILE).splitlines(keepends=True))
    lines = written(name, "jsonl", tmp_path, HOSTILE).splitlines()

    assert len(rows) == len(lines)
    assert all(len(row) == len(header) for row in rows)
    assert not [cell for row in rows for cell in row if cell.strip()[:1] in ("=", "+", "-", "@")]


@pytest.mark.parametrize("name", REPORTS)
def test_markdown_says_the_same_and_no_name_becomes_markup(name, tmp_path):
    text = written(name, "md", tmp_path)
    hostile = written(name, "md", tmp_path, HOSTILE)

    assert text.startswith("# ")
    assert "shop" in text
    assert len(text.splitlines()) == len(hostile.splitlines())
    for line in hostile.splitlines():
        assert "<b>" not in line
        assert "](https" not in line
        assert "\u202e" not in line
    bars = [line.replace("\\\\", "").replace("\\|", "").count("|") for line in text.splitlines()]
    assert bars == [line.replace("\\\\", "").replace("\\|", "").count("|") for line in hostile.splitlines()]


def test_sarif_marks_the_places_of_what_can_go(tmp_path):
    out = tmp_path / "stale.sarif"
    go, stay = judged("shop"), judged("other", kept=True)
    places = [place("src/a b.py", flag="shop/shop"), place("src/other.py", flag="other/other")]
    stale.render(stale.StaleInput([go, stay], places, NOW), out)
    (run,) = json.loads(out.read_text())["runs"]

    (result,) = run["results"]
    assert result["ruleId"] == go.reasons[0].code
    assert {rule["id"] for rule in run["tool"]["driver"]["rules"]} == {result["ruleId"]}
    where = result["locations"][0]["physicalLocation"]
    assert (where["artifactLocation"]["uri"], where["region"]) == ("src/a%20b.py", {"startLine": 7, "startColumn": 1})
    assert "shop/shop can go" in result["message"]["text"]


@pytest.mark.parametrize(("name", "form"), [("history", "sarif"), ("stale", "pdf"), ("flag", "xlsx")])
def test_what_there_is_no_form_for_is_said(name, form, tmp_path):
    with pytest.raises(UsageError, match=form):
        written(name, form, tmp_path)

    assert list(tmp_path.iterdir()) == []
