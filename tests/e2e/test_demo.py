"""The demo's record against the script of what was done: each planted change once, with its person and both values.

The table is written from the story, not from what the program printed.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from examples.demo import __main__ as demo

PROGRAM = "from auditor.entrypoints.cli import main; main()"
START = datetime(2026, 11, 2, tzinfo=UTC)  # a Monday
JANE, PIPELINE, ALICE = "jane.doe@example.com", "gha-flag-deployer", "alice"
HIDDEN = {"masked": True, "comparable": False}
ROLLOUT = {"enabled": True, "rollout": 10}

# kind, flag, environment, when, who, what it is, value before, value after
SCRIPT: list[tuple[str, str, str | None, str, str, str, Any, Any]] = [
    ("created", "new-checkout", "staging", "02T09:10", JANE, "person", None, {"enabled": True, "rollout": 100}),
    ("created", "new-checkout", "prod", "02T09:12", JANE, "person", None, ROLLOUT),
    ("created", "beta-search", "prod", "03T11:20", ALICE, "person", None, False),
    ("updated", "new-checkout", "prod", "03T14:30", PIPELINE, "pipeline", ROLLOUT, ROLLOUT | {"rollout": 50}),
    ("updated", "free-shipping", "prod", "04T10:05", "cloudformation.amazonaws.com", "service", True, False),
    ("updated", "free-shipping", "prod", "04T16:40", JANE, "person", False, True),
    ("created", "delivery-slots", "prod", "05T10:00", PIPELINE, "pipeline", None, ["mon", "tue"]),
    ("updated", "delivery-slots", "prod", "05T11:00", PIPELINE, "pipeline", ["mon", "tue"], ["mon", "tue", "wed"]),
    ("updated", "delivery-slots", "prod", "05T11:01", ALICE, "person", ["mon", "tue", "wed"], ["mon", "tue", "wed", "thu"]),
    ("denied", "new-checkout", "prod", "09T15:02", "bob@example.com", "person", None, None),
    ("updated", "payment-token", "prod", "10T08:45", PIPELINE, "pipeline", HIDDEN, HIDDEN),
    ("deleted", "beta-search", "prod", "11T09:00", JANE, "person", False, None),
    ("created", "beta-search", "prod", "11T09:31", ALICE, "person", None, True),
    ("updated", "search-v2", "prod", "11T17:20", ALICE, "person", True, False),
    ("label_moved", "new-checkout", "prod", "12T10:10", PIPELINE, "pipeline", None, ROLLOUT | {"rollout": 50}),
    ("updated", "new-checkout", "prod", "13T09:55", JANE, "person", ROLLOUT | {"rollout": 50}, ROLLOUT | {"rollout": 100}),
    ("label_moved", "new-checkout", "prod", "13T10:00", PIPELINE, "pipeline", ROLLOUT | {"rollout": 50}, ROLLOUT | {"rollout": 100}),
    ("updated", "free-shipping", "prod", "14T03:12", "root", "root", True, False),
]  # fmt: skip


@dataclass(frozen=True)
class Played:
    """Where a played demo left its files, and what its record holds."""

    out: Path
    history: list[dict[str, Any]]

    def flagtrail(self, *words: str) -> str:
        """Run the command on the demo's record and return its answer."""
        options = ["--config", str(self.out / "flagtrail.toml")]
        command = [sys.executable, "-c", PROGRAM, *options, *words]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    out = tmp_path_factory.mktemp("demo") / "demo"
    demo.run(out, START)
    played = Played(out, [])
    return Played(out, json.loads(played.flagtrail("history", "--format", "json")))


def values(row: dict[str, Any]) -> tuple[Any, Any]:
    """Return the values before and after, ``None`` where the flag was not there."""
    return tuple(None if row[side] is None else row[side]["value"] for side in ("before", "after"))


def when(row: dict[str, Any]) -> str:
    return str(row["occurred_at"])[8:16]


@pytest.mark.parametrize("planted", SCRIPT, ids=lambda p: f"{p[0]} {p[1]} {p[3]}")
def test_each_parameter_change_is_recorded_once_with_its_person_and_values(
    played: Played, planted: tuple[str, str, str | None, str, str, str, Any, Any]
) -> None:
    kind, flag, environment, moment, who, what, before, after = planted
    rows = [r for r in played.history if (r["kind"], r["flag"], when(r)) == (kind, flag, moment)]
    assert [(r["environment"], r["application"]) for r in rows] == [(environment, "shop")]
    assert values(rows[0]) == (before, after)
    assert (rows[0]["actor"]["name"], rows[0]["actor"]["kind"]) == (who, what)
    assert rows[0]["attribution"]["certainty"] == "certain"


def test_nothing_else_is_recorded_of_the_fortnights_parameters(played: Played) -> None:
    recorded = [r for r in played.history if r["source"] == "ssm" and r["detected_by"] != "backfill"]
    assert len(recorded) == len(SCRIPT)


def test_the_lost_change_was_found_by_reconcile_and_all_others_by_events(played: Played) -> None:
    found = {r["flag"]: when(r) for r in played.history if r["detected_by"] == "reconcile"}
    assert found == {"search-v2": "11T17:20"}


def test_the_past_is_backfilled_with_the_stores_own_times(played: Played) -> None:
    past = {(r["kind"], r["flag"]): r["occurred_at"] for r in played.history if r["detected_by"] == "backfill"}
    assert past["updated", "search-v2"] == "2026-07-05T10:00:00Z"
    assert past["created", "old-loyalty-banner"] == "2026-07-25T10:00:00Z"
    assert past["deployed", "gift_wrap"] is not None


def test_a_deployment_is_told_apart_from_a_save_and_from_a_rollback(played: Played) -> None:
    rows = [r for r in played.history if r["flag"] == "recommendations" and r["detected_by"] == "event"]
    told = [(r["kind"], r["environment"], r["version_before"], r["version_after"], r["actor"]["name"]) for r in rows]
    assert told == [
        ("rolled_back", "prod", "3", "2", "appconfig.amazonaws.com"),
        ("saved", None, "2", "3", JANE),
        ("deployed", "prod", "1", "2", PIPELINE),
        ("saved", None, "1", "2", PIPELINE),
    ]
    rolled_back, _, deployed, _ = rows
    assert "checkout-5xx-prod" in rolled_back["reason"]
    assert rolled_back["after"] == deployed["after"]
    assert [step["percentage"] for step in deployed["deployment"]["steps"]] == [20.0, 40.0, 60.0, 80.0, 100.0]
    assert deployed["occurred_at"] > deployed["deployment"]["steps"][-1]["at"]


def test_a_remade_parameter_is_another_life_and_its_end_leaves_an_interval(played: Played) -> None:
    lives = [(r["kind"], r["life"], r["version_after"]) for r in played.history if r["flag"] == "beta-search"]
    assert lives == [("created", 2, "1"), ("deleted", 1, None), ("created", 1, "1")]
    gaps = json.loads(played.flagtrail("gaps", "--format", "json"))
    assert [(g["class"], g["document"]) for g in gaps] == [("interval", "/shop/prod/features/beta-search")]


def test_verdicts_join_the_record_with_the_scan(played: Played) -> None:
    verdicts = {v["flag"]: v for v in json.loads(played.flagtrail("stale", "--format", "json"))}
    reasons = {flag: {reason["code"] for reason in v["reasons"]} for flag, v in verdicts.items()}
    assert verdicts["one_click_buy"]["verdict"] == "remove"
    assert "past-end-date" in reasons["one_click_buy"]
    assert "short-term-overdue" in reasons["gift_wrap"]
    assert {"past-lifetime", "only-in-tests"} <= reasons["tmp-legacy-tax"]
    assert "unreferenced" in reasons["old-loyalty-banner"]
    assert verdicts["new-checkout"]["verdict"] == "keep"
    assert verdicts["new-checkout"]["references"]["read"] == 1


def test_slack_was_told_of_each_cause_once_of_the_past_in_one_summary_and_of_the_late_in_one_digest(
    played: Played,
) -> None:
    messages = [json.loads(line) for line in (played.out / "slack.jsonl").read_text().splitlines()]
    keys = [message["metadata"]["event_payload"]["outbox_key"] for message in messages]
    kinds = [message["metadata"]["event_payload"]["kind"] for message in messages]
    parameters, saves, deployments = len(SCRIPT) - 1, 2, 2  # one parameter's change was lost on the way
    stages = [kind for kind in kinds if kind == "reply"]
    assert [kind for kind in kinds if kind != "reply"] == [
        "summary", *["change"] * (parameters + saves + deployments), "digest"
    ]  # fmt: skip
    assert 0 < len(stages) <= deployments
    assert len(set(keys)) == len(keys)


def test_a_message_names_the_person_the_code_and_the_way_back(played: Played) -> None:
    lines = (played.out / "slack.jsonl").read_text().splitlines()
    message = next(line for line in lines if "rollout 10% → 50%" in line)
    assert PIPELINE in message
    assert "src/shop/checkout.py:" in message
    assert "aws ssm put-parameter --name /shop/prod/features/new-checkout" in message


def test_the_record_is_sealed_signed_anchored_and_found_intact(played: Played) -> None:
    database, key, kept = played.out / "flagtrail.db", played.out / "key.pub", played.out / "checkpoints"
    options = ["--public-key", str(key), "--checkpoints", str(kept)]
    verdict = json.loads(
        played.flagtrail("verify", "--database", f"sqlite:///{database}", *options, "--format", "json")
    )
    assert (verdict["answer"], verdict["remarks"]) == ("intact", [])
    assert verdict["entries"] == verdict["anchored"] > len(played.history)
    assert len(list(kept.iterdir())) == verdict["checkpoints"] > 5


def test_no_secret_value_is_anywhere(played: Played) -> None:
    for path in sorted(played.out.rglob("*")):
        if path.is_file():
            assert b"s3cr3t" not in path.read_bytes(), path


@pytest.mark.parametrize("name", ["stale.html", "history.html"])
def test_pages_open_without_a_network(played: Played, name: str) -> None:
    page = (played.out / name).read_text(encoding="utf-8")
    assert not re.search(r"""(?:src|href)=["']?(?:https?:)?//""", page)
    assert "default-src 'none'" in page
