"""Policies on a real record: found with the change, found again when more is known, tried before they are switched on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from auditor import bootstrap
from auditor.adapters.storage import Database
from auditor.application.policing import Policing, flag_findings
from auditor.application.recording import Recorder, Tally
from auditor.domain.alerts import AlertKind, Delivery, DeliveryOutcome
from auditor.domain.attribution import UNATTRIBUTED, ActorKind, ApiCall, CallOutcome, CallTarget
from auditor.domain.changes import AttributedChange, ChangeKind
from auditor.domain.corroboration import ALARM, MONITOR
from auditor.domain.documents import Snapshot
from auditor.domain.events import Signal
from auditor.domain.findings import Severity
from auditor.domain.flags import FlagEntry, FlagId, FlagState
from auditor.domain.lifetimes import FlagType
from auditor.domain.references import FlagSpec, ReferenceKind, ScanResult
from auditor.domain.verdicts import StaleRules
from auditor.policies import CHANGE_POLICIES, FLAG_POLICIES
from auditor.policies.base import Override, Rulebook
from auditor.settings import Settings
from tests.fakes import ClockFake
from tests.support.alerts import AT, DANA, PARAMETER, change, reference
from tests.support.cli import flagtrail

NAME = PARAMETER.name
SPEC = FlagSpec(NAME, "ssm", "shop", "prod", name="shop/new-checkout")


class Bench:
    """A recorder on a real database, with a clock that is moved."""

    def __init__(self, database: Database, policing: Policing | None = None) -> None:
        self.database = database
        self.clock = ClockFake(AT)
        self.recorder = Recorder(database.unit_of_work, {}, self.clock, policing or Policing(Rulebook(CHANGE_POLICIES)))
        self.tally = Tally()

    def record(self, made, attribution=DANA):
        self.recorder.record_changes([AttributedChange(made, attribution)], self.tally, AT)

    def scan(self, *found):
        with self.database.unit_of_work() as uow:
            uow.references.save("/shop", ScanResult(found), self.clock.now())
            uow.commit()

    def findings(self, key=None):
        with self.database.reader() as uow:
            found = uow.findings.of_changes([key or change().key])
        return {finding.code: finding.message for finding in found}

    def sent(self):
        """Send all that is due and return it."""
        with self.database.unit_of_work() as uow:
            alerts = uow.outbox.claim("fake", self.clock.now(), lease_seconds=60, limit=99)
            for alert in alerts:
                uow.outbox.settle(alert, "fake", Delivery(DeliveryOutcome.SENT, f"m{alert.id}"), self.clock.now())
            uow.commit()
        return alerts


@pytest.fixture
def database(elsewhere) -> Iterator[Database]:
    opened = bootstrap.database("sqlite:///flagtrail.db")
    yield opened
    opened.close()


@pytest.fixture
def bench(database) -> Bench:
    return Bench(database)


def deletion(**fields):
    return change(key="gone", cause="gone", kind=ChangeKind.DELETED, after=None, version_after=None, **fields)


def test_a_deletion_names_the_places_that_still_read_the_flag_in_its_one_message(bench):
    bench.scan(
        reference("shop/checkout.py", 12, flag=SPEC),
        reference("tests/test_checkout.py", 3, flag=SPEC, kind=ReferenceKind.TEST),
        reference("shop/other.py", 9, flag=replace(SPEC, key="/shop/prod/features/other", name="shop/other")),
    )
    bench.record(deletion())

    (alert,) = bench.sent()
    (finding,) = [finding for finding in alert.findings if finding.code == "deleted-while-read"]
    assert finding.message == "it is gone now, and code still reads it: shop/checkout.py:12"
    assert finding.severity == "critical"


def test_a_change_by_the_console_is_found_when_the_trail_says_so(bench):
    bench.record(change(), UNATTRIBUTED)
    assert bench.findings() == {}

    evidence = replace(DANA.evidence[0], source="cloudtrail", id="e-9")
    target = CallTarget(document=PARAMETER, version="4")
    call = ApiCall(
        "e-9", "PutParameter", "ssm", "111122223333", "eu-central-1", AT, CallOutcome.SUCCEEDED, (target,),
        replace(DANA, evidence=(evidence,)), from_console=True,
    )  # fmt: skip
    bench.recorder.keep_call(call, bench.tally)

    assert set(bench.findings()) == {"console-change"}


def test_nobody_named_is_said_once_after_the_wait_in_the_message_that_told_of_the_change(bench):
    bench.record(change(), UNATTRIBUTED)
    assert [alert.kind for alert in bench.sent()] == [AlertKind.CHANGE]

    bench.clock.move(29 * 60)
    bench.recorder.look_again(bench.tally)
    assert (bench.findings(), bench.sent()) == ({}, [])

    bench.clock.move(60)
    bench.recorder.look_again(bench.tally)
    bench.recorder.look_again(bench.tally)
    (edit,) = bench.sent()
    assert (edit.kind, edit.sent_as) == (AlertKind.UPDATE, "m1")
    assert [finding.code for finding in edit.findings] == ["unattributed-change"]
    assert bench.sent() == []


def test_switching_back_and_forth_is_seen_across_the_record(bench):
    for number in range(4):
        minute = timedelta(minutes=number)
        before, after = FlagState(bool(number % 2)), FlagState(not number % 2)
        bench.record(change(key=f"k{number}", cause=f"c{number}", occurred_at=AT + minute, before=before, after=after))

    assert [set(bench.findings(f"k{number}")) for number in range(4)] == [set(), set(), {"flip-flop"}, {"flip-flop"}]


def test_a_change_while_an_alarm_fires_that_guards_its_environment_is_found(database):
    bench = Bench(database)
    arn = "arn:aws:cloudwatch:eu-central-1:111122223333:alarm:errors"
    text = "alarm errors went from OK to ALARM: 61.0"
    with database.unit_of_work() as uow:
        uow.calls.signal("m", Signal(None, AT - timedelta(days=9), MONITOR, arn, arn, "shop/prod"), AT)
        uow.calls.signal("a", Signal(None, AT - timedelta(minutes=9), ALARM, text, arn, "errors"), AT)
        uow.commit()
    elsewhere = change(key="other", environment="staging")

    bench.record(change())
    bench.record(elsewhere)

    assert bench.findings()["under-alarm"] == "changed while alarm errors fired"
    assert "under-alarm" not in bench.findings(elsewhere.key)


def test_thresholds_of_a_tag_hold_for_flags_with_that_tag(database):
    loud = replace(next(p for p in CHANGE_POLICIES if p.code == "root-change"), severity=Severity.CRITICAL)
    bench = Bench(database, Policing(Rulebook(CHANGE_POLICIES, (Override(loud, tag="tier=gold"),))))
    root = replace(DANA, actor=replace(DANA.actor, kind=ActorKind.ROOT))
    found = []
    for tags in ({"tier": "gold"}, {"tier": "silver"}):
        made = change(key=str(tags), document=replace(PARAMETER, name=f"/shop/prod/features/{len(tags)}{tags['tier']}"))
        with database.unit_of_work() as uow:
            entry = FlagEntry(FlagId("shop", "new-checkout"), "prod", FlagState(True))
            held = Snapshot("4", 4, AT, None, {"": entry}, {"tags": tags})
            uow.documents.hold(made.document, 1, [held], AT)
            uow.documents.checked(made.document, 1, AT, alive=True, labels={}, title=None)
            uow.commit()
        bench.record(made, root)
        with database.reader() as uow:
            found += [f.severity for f in uow.findings.of_changes([made.key]) if f.code == "root-change"]

    assert found == [Severity.CRITICAL, Severity.HIGH]


def test_thresholds_of_a_type_hold_for_flags_of_that_type(database):
    usual = next(policy for policy in CHANGE_POLICIES if policy.code == "root-change")
    denied = next(policy for policy in CHANGE_POLICIES if policy.code == "denied-attempt")
    loud = Override(replace(denied, severity=Severity.CRITICAL), type=FlagType.RELEASE)
    bench = Bench(database, Policing(Rulebook((usual, denied), (loud,))))
    for flag in ("release-cart", "cart"):
        bench.record(change(key=flag, cause=flag, flag=flag, kind=ChangeKind.DENIED, before=None, after=None, diff=()))

    with database.reader() as uow:
        found = uow.findings.of_changes(["release-cart", "cart"])
    assert {finding.flag.key: finding.severity for finding in found} == {"release-cart": "critical", "cart": "medium"}


def test_code_that_reads_a_flag_that_is_gone_is_found(bench):
    bench.record(change())
    bench.record(deletion(occurred_at=AT + timedelta(hours=1), version_before="4"))
    bench.clock.move(7200)
    bench.scan(reference("shop/checkout.py", 12, flag=SPEC))

    with bench.database.reader() as uow:
        (found,) = flag_findings(uow, Rulebook(FLAG_POLICIES), StaleRules(), bench.clock.now())
    assert str(found.flag) == "shop/new-checkout"
    assert [finding.code for finding in found.findings] == ["dangling-reference"]


def test_the_nightly_scan_still_looks_for_flags_that_are_gone(bench, tmp_path):
    bench.record(change())
    bench.record(deletion(occurred_at=AT + timedelta(hours=1), version_before="4"))
    code = tmp_path / "code"
    code.mkdir()
    (code / "a.py").write_text(f'import boto3\nboto3.client("ssm").get_parameter(Name="{NAME}")\n')

    (result,) = bootstrap.scan_and_keep(Settings(), bench.database, [code])

    assert [(found.path, found.line) for found in result.references] == [("a.py", 2)]


def test_a_policy_is_tried_before_it_is_switched_on(bench):
    night = AT.replace(hour=2)
    for number in range(3):
        when = night + timedelta(days=number)
        bench.record(change(key=f"k{number}", cause=f"c{number}", occurred_at=when, version_after=str(number + 9)))

    answer = flagtrail(
        "policy", "test", "--since", "2026-03-03T00:00:00Z", "--policy", "out-of-hours", "--format", "json"
    )
    (tried,) = answer.json["policies"]
    assert (answer.status, tried["enabled"], tried["would_have_flagged"]) == (0, False, 2)
    assert [finding["flag"] for finding in tried["findings"]] == ["shop/new-checkout"] * 2
    assert all(finding["change"].startswith("c") for finding in tried["findings"])
    table = flagtrail("policy", "test", "--since", "2026-03-01", "--policy", "out-of-hours").out
    assert "out-of-hours (switched off): would have flagged 3 cases" in table
    assert bench.findings("k0") == {}, "trying records nothing"


def test_trying_all_policies_tries_those_on_flags_as_well(bench):
    bench.record(change(flag="New-Checkout"))

    tried = {
        one["code"]: one for one in flagtrail("policy", "test", "--since", "9000d", "--format", "json").json["policies"]
    }

    assert set(tried) == {policy.code for policy in (*CHANGE_POLICIES, *FLAG_POLICIES)}
    assert tried["flag-naming"]["would_have_flagged"] == 1
    assert tried["flag-naming"]["findings"][0]["change"] is None


def test_a_policy_that_is_none_is_answered_with_the_nearest(bench):
    answer = flagtrail("policy", "test", "--since", "7d", "--policy", "flipflop")

    assert answer.status == 2
    assert "did you mean 'flip-flop'?" in answer.err


def test_findings_about_flags_are_listed_with_status_1(bench):
    bench.record(change())

    answer = flagtrail("policy", "check", "--format", "json", "--now", "2026-03-03T00:00:00Z")
    (about,) = answer.json
    assert (answer.status, about["application"], about["flag"]) == (1, "shop", "new-checkout")
    assert {finding["code"] for finding in about["findings"]} == {"missing-metadata"}
    assert flagtrail("policy", "check", "--application", "pay", "--format", "json").json == []
    assert "missing-metadata" in flagtrail("policy", "check").out


def test_every_policy_is_listed_with_its_rule(elsewhere):
    (elsewhere / "flagtrail.toml").write_text("[policy.flip-flop]\nenabled = false\nreturns = 5\n")

    rows = {row["code"]: row for row in flagtrail("policy", "list", "--format", "json").json}

    assert set(rows) == {policy.code for policy in (*CHANGE_POLICIES, *FLAG_POLICIES)}
    assert (rows["flip-flop"]["enabled"], rows["flip-flop"]["options"]["returns"]) == (False, "5")
    assert "deleted-while-read" in flagtrail("policy", "list").out


def test_show_tells_what_was_found(bench):
    bench.record(change(key="denied", cause="denied", kind=ChangeKind.DENIED, before=None, after=None, diff=()))
    bench.record(change())

    view = flagtrail("show", "new-checkout", "--format", "json").json
    assert [finding["code"] for finding in view["findings"]] == ["denied-attempt"]
    assert "denied-attempt in prod" in flagtrail("show", "new-checkout").out
