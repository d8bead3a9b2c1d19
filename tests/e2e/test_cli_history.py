"""flagtrail history, flags, show, state and gaps on a record made by hand."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest

from auditor.domain.attribution import UNATTRIBUTED
from auditor.domain.changes import ChangeKind, Gap, GapClass
from auditor.domain.documents import DocumentRef
from auditor.domain.flags import FlagState
from auditor.domain.references import ScanResult
from tests.support.alerts import AT, PARAMETER, PROFILE, change, deployed, reference
from tests.support.cli import flagtrail
from tests.support.filled import RECORDED, record

STAGING = DocumentRef("ssm", "111122223333", "eu-central-1", "/shop/staging/features/new-checkout")
GLOBAL = DocumentRef("ssm", "444455556666", "eu-west-1", "/pay/features/3ds")
HOUR = timedelta(hours=1)


def saved(number=1, **fields):
    """Return the change of one AppConfig flag by a saved version."""
    usual = {
        "key": f"appconfig|saved|{number}",
        "cause": f"version|saved|{number}",
        "kind": ChangeKind.SAVED,
        "environment": None,
        "occurred_at": AT - HOUR,
        "deployment": None,
    }
    return deployed(number=number, **{**usual, **fields}).change


@pytest.fixture
def url(elsewhere):
    changes = [
        change(),
        change(
            key="created",
            cause="created",
            kind=ChangeKind.CREATED,
            version_before=None,
            version_after="3",
            before=None,
            after=FlagState(False),
            occurred_at=AT - HOUR,
            summary="new-checkout was created in prod: off.",
        ),
        (
            change(
                key="staging",
                cause="staging",
                document=STAGING,
                environment="staging",
                occurred_at=AT + HOUR,
                summary="new-checkout was turned on in staging.",
            ),
            UNATTRIBUTED,
        ),
        change(
            key="pay",
            cause="pay",
            document=GLOBAL,
            application="pay",
            flag="3ds",
            environment=None,
            kind=ChangeKind.DELETED,
            after=None,
            version_after=None,
            occurred_at=None,
            occurred_between=(AT - 3 * HOUR, AT - 2 * HOUR),
            reason="it was gone when it was looked for",
            summary="3ds was deleted.",
        ),
        change(
            key="denied",
            cause="denied",
            kind=ChangeKind.DENIED,
            before=None,
            after=None,
            diff=(),
            error="AccessDenied: not allowed",
            occurred_at=AT + 2 * HOUR,
            version_before=None,
            version_after=None,
            summary="A change of new-checkout was denied.",
        ),
        saved(),
        deployed().change,
    ]
    return record(
        "sqlite:///flagtrail.db",
        changes,
        gaps=[Gap(GapClass.VERSION, PARAMETER, 1, "1", "2", "older than the history that AWS keeps")],
        checked=[(PARAMETER, None), (STAGING, None), (GLOBAL, None), (PROFILE, "shop/checkout-flags")],
    )


def keys(*words):
    """Return which rows a history shows, by their summaries' first words and kinds."""
    return [row["summary"] for row in flagtrail("history", *words, "--format", "json").json]


def test_newest_first_with_every_key_of_the_contract(url):
    rows = flagtrail("history", "--format", "json").json

    assert [row["kind"] for row in rows] == [
        "denied", "updated", "deployed", "updated", "saved", "created", "deleted",
    ]  # fmt: skip
    row = rows[3]
    assert {key: row[key] for key in ("application", "environment", "flag", "source", "account", "region", "life")} == {
        "application": "shop",
        "environment": "prod",
        "flag": "new-checkout",
        "source": "ssm",
        "account": "111122223333",
        "region": "eu-central-1",
        "life": 1,
    }
    assert (row["document"], row["version_before"], row["version_after"]) == (PARAMETER.name, "3", "4")
    assert (row["before"], row["after"]) == ({"value": False}, {"value": True})
    assert row["diff"] == [{"op": "replace", "path": "/value", "before": False, "after": True}]
    assert (row["occurred_at"], row["occurred_between"]) == ("2026-03-02T09:15:04Z", None)
    assert row["actor"]["name"] == "dana@example.com"
    assert row["attribution"]["certainty"] == "certain"
    assert rows[-1]["occurred_between"] == ["2026-03-02T06:15:04Z", "2026-03-02T07:15:04Z"]
    assert rows[0]["error"] == "AccessDenied: not allowed"
    assert "error" not in row
    assert rows[2]["deployment"]["number"] == 7


@pytest.mark.parametrize(
    ("words", "count"),
    [
        ((), 7),
        (("--flag", "new-checkout"), 4),
        (("--flag", "shop/new-checkout"), 4),
        (("--flag", "pay/new-checkout"), 0),
        (("--application", "pay"), 1),
        (("--environment", "staging"), 1),
        (("--environment", "-"), 2),
        (("--actor", "dana@example.com"), 6),
        (("--source", "appconfig"), 2),
        (("--kind", "updated"), 2),
        (("--kind", "updated", "--kind", "deleted"), 3),
        (("--since", "2026-03-02T09:15:04Z"), 4),
        (("--since", "2026-03-02"), 7),
        (("--since", "2026-03-03"), 0),
        (("--until", "2026-03-01"), 0),
        (("--until", "2026-03-02"), 7),
        (("--until", "2026-03-02T07:00:00Z"), 1),
        (("--since", "2026-03-02T07:00:00Z", "--until", "2026-03-02T07:05:00Z"), 1),
        (("--now", "2026-03-09T09:00:00Z", "--since", "7d"), 4),
        (("--now", "2026-03-02T10:00:00Z"), 0),
        (("--text", "TURNED ON in staging"), 1),
        (("--text", "accessdenied"), 1),
        (("--account", "444455556666"), 1),
        (("--region", "eu-west-1"), 1),
        (("--unattributed",), 1),
        (("--changes-only",), 6),
        (("--limit", "2"), 2),
    ],
)
def test_filters(url, words, count):
    assert len(keys(*words)) == count


def test_pages_follow_each_other(url):
    rows = flagtrail("history", "--format", "jsonl").rows
    pages = []
    after = ()
    while page := flagtrail("history", "--format", "jsonl", "--limit", "3", *after).rows:
        pages += page
        after = ("--after", str(page[-1]["seq"]))

    assert pages == rows


def test_jsonl_and_json_say_the_same(url):
    assert flagtrail("history", "--format", "jsonl").rows == flagtrail("history", "--format", "json").json


def test_csv_has_a_cell_for_everything(url):
    rows = list(csv.DictReader(io.StringIO(flagtrail("history", "--format", "csv").out)))

    assert len(rows) == 7
    assert rows[3]["before"] == '{"value": false}'
    assert rows[3]["actor_name"] == "dana@example.com"
    assert (rows[6]["occurred_at"], rows[6]["occurred_after"]) == ("", "2026-03-02T06:15:04Z")


FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "\uff1d1", "|calc", "\u200b=1", "a;=1"]


@pytest.mark.parametrize("formula", FORMULAS)
def test_no_csv_cell_starts_a_formula(elsewhere, formula):
    record("sqlite:///flagtrail.db", [change(flag=formula, summary=formula, after=FlagState(formula), reason=formula)])

    out = flagtrail("history", "--format", "csv").out
    cells = [cell for row in csv.reader(io.StringIO(out)) for cell in row]

    assert [cell for cell in cells if cell.strip("\t\r\n \u200b")[:1] in set("=+-@|\uff1d")] == []
    assert all(line.startswith('"') for line in out.split("\n") if line and not line.startswith("="))


def test_the_table_fits_80_columns_and_tells_the_story(url):
    answer = flagtrail("history")

    assert max(map(len, answer.out.splitlines())) <= 80
    assert "2026-03-02" in answer.out
    assert "09:15" in answer.out
    assert "shop/new-checkout" in answer.out
    assert "dana@example.com" in answer.out
    assert "unattributed" in answer.out
    assert "DENIED" in answer.out
    assert answer.err == ""


def test_a_long_table_says_how_to_go_on(elsewhere):
    record("sqlite:///flagtrail.db", [change(key=f"k{n}", cause=f"c{n}") for n in range(31)])

    answer = flagtrail("history")

    assert answer.err == "The newest 30; the next ones: --after 2, or all: --limit N\n"
    assert len(flagtrail("history", "--after", "2", "--format", "jsonl").rows) == 1
    assert flagtrail("history", "--limit", "31").err == ""


def test_a_value_cannot_disturb_the_terminal(elsewhere):
    hostile = "x\x1b[2J\x07[red]\u202eabc"
    record("sqlite:///flagtrail.db", [change(summary=hostile, flag="f")])

    for words in (("history",), ("show", "f")):
        out = flagtrail(*words).out
        assert "\x1b" not in out
        assert "\x07" not in out
        assert "[red]" in out.replace("\n", "").replace(" ", "")


def test_text_that_is_no_unicode_comes_out_as_json(elsewhere):
    record("sqlite:///flagtrail.db", [change(summary="caf\u00e9 \u4e2d", after=FlagState("caf\u00e9"))])

    (row,) = flagtrail("history", "--format", "json").json

    assert row["summary"] == "caf\u00e9 \u4e2d"


def test_the_inventory_is_a_flags_file(url):
    assert flagtrail("flags", "--format", "json").json == [
        {
            "key": "flag-1",
            "provider": "appconfig",
            "application": "shop",
            "profile": "checkout-flags",
            "name": "shop/flag-1",
        },
        {
            "key": "/shop/prod/features/new-checkout",
            "provider": "ssm",
            "application": "shop",
            "environment": "prod",
            "name": "shop/new-checkout",
        },
        {
            "key": "/shop/staging/features/new-checkout",
            "provider": "ssm",
            "application": "shop",
            "environment": "staging",
            "name": "shop/new-checkout",
        },
    ]
    assert flagtrail("flags", "--application", "pay", "--format", "jsonl").rows == []
    assert max(map(len, flagtrail("flags").out.splitlines())) <= 80


def test_what_was_not_recorded_yet_is_no_flag(url):
    assert flagtrail("flags", "--now", "2026-03-02T12:00:00Z", "--format", "json").json == []


def state(*words):
    """Return the states by place."""
    rows = flagtrail("state", *words, "--format", "json").json
    return {(row["application"], row["environment"], row["flag"]): row for row in rows}


def test_the_state_at_a_time(url):
    before, after = state("--at", "2026-03-02T09:00:00Z"), state("--at", "2026-03-02T09:30:00Z")
    place = ("shop", "prod", "new-checkout")

    assert before[place] == {
        "application": "shop",
        "environment": "prod",
        "flag": "new-checkout",
        "state": {"value": False},
        "version": "3",
        "as_of": "2026-03-02T09:00:00Z",
        "certainty": "certain",
    }
    assert (after[place]["state"], after[place]["version"]) == ({"value": True}, "4")
    assert ("shop", "staging", "new-checkout") not in after
    assert ("shop", "prod", "flag-1") not in before
    assert after[("shop", "prod", "flag-1")]["state"]["value"] == {"enabled": True}
    assert after[("shop", None, "flag-1")]["state"]["definition"] == {"name": "Flag"}
    assert flagtrail("state", "--at", "2026-03-02T09:30:00Z", "--environment", "-", "--format", "jsonl").rows


def test_a_state_after_the_last_look_is_only_possible(url):
    found = state("--at", "2026-03-04")[("shop", "prod", "new-checkout")]

    assert (found["as_of"], found["certainty"]) == (RECORDED.strftime("%Y-%m-%dT%H:%M:%SZ"), "possible")


def test_without_a_time_it_is_the_state_at_the_last_look(url):
    found = state()[("shop", "prod", "new-checkout")]

    assert (found["as_of"], found["certainty"]) == (RECORDED.strftime("%Y-%m-%dT%H:%M:%SZ"), "certain")
    assert found["state"] == {"value": True}


def test_a_state_in_the_interval_of_a_change_is_only_possible(elsewhere):
    gone = change(
        key="gone",
        cause="gone",
        kind=ChangeKind.DELETED,
        after=None,
        version_after=None,
        occurred_at=None,
        occurred_between=(AT + HOUR, AT + 3 * HOUR),
    )
    record("sqlite:///flagtrail.db", [change(), gone], checked=[(PARAMETER, None)])
    place = ("shop", "prod", "new-checkout")

    assert state("--at", "2026-03-02T10:00:00Z")[place]["certainty"] == "certain"
    within = state("--at", "2026-03-02T11:00:00Z")[place]
    assert (within["state"], within["certainty"]) == ({"value": True}, "possible")
    assert state("--at", "2026-03-02T13:00:00Z")[place]["state"] is None


@pytest.mark.parametrize(
    ("gap", "certainty"),
    [
        (Gap(GapClass.VERSION, PARAMETER, 1, "1", "2", "x"), "certain"),
        (Gap(GapClass.VERSION, PARAMETER, 1, "5", "6", "x"), "possible"),
        (Gap(GapClass.VERSION, PARAMETER, 1, "9", "9", "x"), "certain"),
        (Gap(GapClass.VERSION, PARAMETER, 2, "5", "6", "x"), "certain"),
        (Gap(GapClass.VERSION, STAGING, 1, "5", "6", "x"), "certain"),
        (Gap(GapClass.INTERVAL, PARAMETER, 1, "2026-03-02T09:00:00Z", "2026-03-02T10:00:00Z", "x"), "possible"),
        (Gap(GapClass.INTERVAL, PARAMETER, 1, "2026-03-01T09:00:00Z", "2026-03-02T09:20:00Z", "x"), "certain"),
    ],
)
def test_a_gap_lowers_the_certainty_where_it_counts(elsewhere, gap, certainty):
    later = change(key="later", cause="later", version_before="6", version_after="7", occurred_at=AT + 5 * HOUR)
    record("sqlite:///flagtrail.db", [change(), later], gaps=[gap], checked=[(PARAMETER, None)])

    assert state("--at", "2026-03-02T09:30:00Z")[("shop", "prod", "new-checkout")]["certainty"] == certainty


def test_the_state_reads_on_a_terminal(url):
    answer = flagtrail("state", "--at", "2026-03-02T12:00:00Z")

    assert max(map(len, answer.out.splitlines())) <= 80
    assert "shop/new-checkout" in answer.out
    assert "(does not exist)" in answer.out


def test_all_about_one_flag(url):
    found = flagtrail("show", "new-checkout", "--format", "json").json

    assert found["name"] == "shop/new-checkout"
    assert [row["environment"] for row in found["states"]] == ["prod", "staging"]
    assert found["states"][0]["document"] == PARAMETER.name
    assert len(found["changes"]) == 4
    assert found["references"] is None
    for other in ("shop/new-checkout", PARAMETER.name, STAGING.name):
        assert flagtrail("show", other, "--format", "json").json["name"] == "shop/new-checkout"


def test_references_are_shown_where_code_was_scanned(url, scanned):
    scanned(reference())

    found = flagtrail("show", "new-checkout", "--format", "json").json
    text = flagtrail("show", "new-checkout").out

    assert [(r["path"], r["line"]) for r in found["references"]] == [("shop/checkout.py", 12)]
    assert found["scanned_at"] == "2026-03-03T09:15:04Z"
    assert "shop/checkout.py:12" in text
    assert "none in the code" in flagtrail("show", "flag-1").out


@pytest.fixture
def scanned(url):
    def scanned(found):
        from dataclasses import replace

        from auditor.adapters.storage import open_database

        known = replace(found, flag=replace(found.flag, key=PARAMETER.name))
        open_database(url).run(lambda uow: uow.references.save("shop", ScanResult(references=(known,)), RECORDED))

    return scanned


def test_a_place_in_code_is_shown_with_the_scans_that_saw_it_first_and_no_more(url, scanned):
    from auditor.adapters.storage import open_database

    scanned(reference())
    later = RECORDED + timedelta(days=3)
    open_database(url).run(lambda uow: uow.references.save("shop", ScanResult(commit="abc1234def"), later))

    (seen,) = flagtrail("show", "new-checkout", "--format", "json").json["sightings"]
    text = flagtrail("show", "new-checkout").out

    assert (seen["repository"], seen["path"], seen["line"], seen["kind"]) == ("shop", "shop/checkout.py", 12, "read")
    assert seen["first_seen"] == seen["last_seen"] == {"scanned_at": "2026-03-03T09:15:04Z", "commit": None}
    assert seen["gone_since"] == {"scanned_at": "2026-03-06T09:15:04Z", "commit": "abc1234def"}
    assert "No longer in code" in text
    assert "abc1234," in text
    assert max(map(len, text.splitlines())) <= 80


def test_one_flag_reads_on_a_terminal(url):
    answer = flagtrail("show", "new-checkout")

    assert max(map(len, answer.out.splitlines())) <= 80
    assert answer.out.startswith("shop/new-checkout\n")
    assert "no code was scanned since the flag was recorded" in answer.out


def test_a_name_that_several_flags_have_is_refused(elsewhere):
    other = change(key="o", cause="o", application="pay", document=GLOBAL)
    record("sqlite:///flagtrail.db", [change(), other])

    answer = flagtrail("show", "new-checkout")

    assert "name one of pay/new-checkout, shop/new-checkout" in answer.err
    assert answer.status == 2


def test_a_name_nearly_right_is_answered_with_the_right_one(url):
    assert "did you mean new-checkout" in flagtrail("show", "new-chekout").err


def test_gaps_are_findings(url):
    answer = flagtrail("gaps", "--format", "json")

    assert answer.status == 1
    (gap,) = answer.json
    assert {key: gap[key] for key in ("class", "document", "life", "from", "to", "reason")} == {
        "class": "version",
        "document": PARAMETER.name,
        "life": 1,
        "from": "1",
        "to": "2",
        "reason": "older than the history that AWS keeps",
    }
    assert flagtrail("gaps").status == 1
    assert flagtrail("gaps", "--now", "2026-03-02T12:00:00Z", "--format", "json").json == []


def test_an_interval_alone_is_no_finding(elsewhere):
    interval = Gap(GapClass.INTERVAL, PARAMETER, 1, "2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z", "labels")
    record("sqlite:///flagtrail.db", gaps=[interval])

    answer = flagtrail("gaps")

    assert answer.status == 0
    assert "labels" in answer.out


def test_a_record_without_gaps_says_so(elsewhere):
    answer = flagtrail("gaps")

    assert (answer.status, answer.out) == (0, "No gaps: every version is in the record.\n")
