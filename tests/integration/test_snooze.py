"""Snoozing a flag: bounded, counted, shown, recorded for good, and sealed with the rest."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from auditor import bootstrap
from auditor.adapters.storage.bodies import read_snooze, snooze_body
from auditor.domain.flags import FlagId
from auditor.domain.snoozes import Snooze
from tests.support.alerts import change
from tests.support.cli import flagtrail
from tests.support.filled import record


@pytest.fixture
def url(elsewhere):
    return record("sqlite:///flagtrail.db", [change()])


def day(days):
    return f"{datetime.now(UTC) + timedelta(days=days):%Y-%m-%d}"


def snooze(days=30, *words, flag="new-checkout", reason="the audit in December"):
    return flagtrail("snooze", flag, "--until", day(days), "--reason", reason, "--by", "dana", *words)


def judged():
    (row,) = flagtrail("stale", "--format", "json").json
    return row


def test_a_snoozed_flag_keeps_its_verdict_and_reasons_and_shows_until_when(url):
    before = judged()
    assert snooze().status == 0
    after = judged()

    assert "snoozed" not in before
    assert (after["verdict"], after["reasons"], after["missing"]) == (
        before["verdict"],
        before["reasons"],
        before["missing"],
    )
    assert after["snoozed"]["until"].startswith(day(30))
    assert (after["snoozed"]["reason"], after["snoozed"]["by"], after["snoozed"]["times"]) == (
        "the audit in December",
        "dana",
        1,
    )
    assert f"snoozed until {day(30)} by dana: the audit in December" in flagtrail("stale").out
    assert any("snoozed until" in signal["signal"] for signal in after["evidence"])


def test_each_one_is_counted_and_the_newest_counts(url):
    snooze(60)
    answer = snooze(20, "--format", "json", reason="still the audit")

    assert (answer.json["name"], answer.json["times"]) == ("shop/new-checkout", 2)
    assert judged()["snoozed"]["until"].startswith(day(20))
    assert "2 times" in flagtrail("stale").out
    listed = flagtrail("snooze", "--list", "--format", "json").json
    assert [(one["reason"], one["times"], one["active"]) for one in listed] == [
        ("the audit in December", 1, True),
        ("still the audit", 2, True),
    ]
    assert "shop/new-checkout" in flagtrail("snooze", "--list").out


def test_it_ends_by_itself_and_was_not_there_before_it_was_recorded(url):
    snooze(2)
    later = flagtrail("stale", "--format", "json", "--now", f"{day(4)}T00:00:00Z").json
    before = flagtrail("stale", "--format", "json", "--now", f"{day(-4)}T00:00:00Z").json

    assert "snoozed" not in later[0]
    assert any("snoozed until" in signal["signal"] for signal in later[0]["evidence"])
    assert not any("snoozed until" in signal["signal"] for row in before for signal in row["evidence"])
    assert flagtrail("snooze", "--list", "--format", "json", "--now", f"{day(4)}T00:00:00Z").json[0]["active"] is False


@pytest.mark.parametrize(
    ("days", "fields", "said"),
    [
        (-1, {}, "has passed"),
        (92, {}, "may be 90 days off"),
        (30, {"reason": "  "}, "says nothing"),
        (30, {"reason": "x" * 501}, "500 are enough"),
        (30, {"flag": "new-chekout"}, "did you mean new-checkout"),
    ],
)
def test_what_is_refused_and_why(url, days, fields, said):
    answer = snooze(days, **fields)

    assert (answer.status, answer.out) == (2, "")
    assert said in answer.err
    assert flagtrail("snooze", "--list", "--format", "json").json == []


def test_the_bound_is_configurable(url, elsewhere):
    (elsewhere / "flagtrail.toml").write_text('[stale]\nsnooze_at_most = "1w"\n')

    assert snooze(9).status == 2
    assert snooze(7).status == 0


def test_a_reason_with_a_credential_is_recorded_without_it(url):
    snooze(reason="until token AKIAIOSFODNN7EXAMPLE is rotated")

    assert "AKIAIOSFODNN7EXAMPLE" not in flagtrail("snooze", "--list", "--format", "json").out


def test_without_its_words_it_says_which_it_needs(url):
    assert "needs FLAG, --until and --reason" in flagtrail("snooze", "new-checkout").err


def test_it_waits_to_be_sealed_like_every_recorded_row(url):
    snooze()
    database = bootstrap.database(url)
    with database.reader() as uow:
        assert [entry.kind for entry in uow.ledger.unsealed(10)] == ["change", "snooze"]
    database.close()


def test_its_body_is_read_back_as_it_was():
    now = datetime(2026, 3, 2, 9, 15, 4, 5, tzinfo=UTC)
    made = Snooze(FlagId("", "größe"), now + timedelta(days=3), 'a "reason"', "dana", now)

    assert read_snooze(snooze_body(made)) == made
