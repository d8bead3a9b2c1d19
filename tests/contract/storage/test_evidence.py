"""Calls, signals, deployments, gaps, findings and runs: kept once, found again, read back as they were."""

from __future__ import annotations

from dataclasses import replace

import pytest

from auditor.application.ports import Scope
from auditor.domain.attribution import ApiCall, CallOutcome, CallTarget
from auditor.domain.changes import Gap, GapClass
from auditor.domain.documents import Deployment, DeploymentStep, EnvironmentRef
from auditor.domain.events import Signal
from auditor.domain.findings import Finding, Severity
from auditor.domain.flags import FlagId
from tests.support.alerts import PROFILE
from tests.support.records import OTHER, PARAMETER, at, by

PROD = EnvironmentRef("111122223333", "eu-central-1", "abc1234", "prod567")


def call(name="PutParameter", hour=1.0, *targets, **fields):
    usual = {
        "event_id": f"{name}-{hour}",
        "name": name,
        "service": "ssm.amazonaws.com",
        "account": "111122223333",
        "region": "eu-central-1",
        "at": at(hour),
        "outcome": CallOutcome.SUCCEEDED,
        "targets": targets,
        "attribution": by("dana"),
    }
    return ApiCall(**usual | fields)


class TestCalls:
    def test_a_call_is_kept_once_and_found_by_document(self, database):
        own = CallTarget(
            PARAMETER, version="4", label="live", flag=FlagId("shop", "new-checkout"), environment_name="prod"
        )
        late = call("PutParameter", 2, own, CallTarget(OTHER), details=(("userAgent", "console"),), from_console=True)
        early = call("DeleteParameter", 1, own, error="ü", outcome=CallOutcome.AMBIGUOUS)
        with database.unit_of_work() as uow:
            assert [uow.calls.add(one, at(3)) for one in (late, early, late)] == [True, True, False]
            uow.commit()

        with database.reader() as uow:
            assert uow.calls.of_document(PARAMETER) == [early, late]
            assert uow.calls.of_document(OTHER) == [late]
            assert uow.calls.of_document(PROFILE) == []

    def test_a_call_is_found_by_deployment(self, database):
        one = call("StartDeployment", 1, CallTarget(environment=PROD, deployment_number=7))
        other = call("StartDeployment", 2, CallTarget(environment=PROD, deployment_number=8))
        with database.unit_of_work() as uow:
            for made in (one, other, call("StopDeployment", 3, CallTarget(environment=PROD))):
                uow.calls.add(made, at(4))

            assert uow.calls.of_deployment(PROD, 7) == [one]
            assert uow.calls.of_deployment(PROD, 9) == []
            assert uow.calls.of_deployment(replace(PROD, environment_id="x"), 7) == []

    def test_a_call_that_names_two_versions_is_told_once(self, database):
        made = call("LabelParameterVersion", 1, CallTarget(PARAMETER, version="1"), CallTarget(PARAMETER, version="2"))
        with database.unit_of_work() as uow:
            uow.calls.add(made, at(1))

            assert uow.calls.of_document(PARAMETER) == [made]

    def test_a_call_on_nothing_named_is_kept(self, database):
        with database.unit_of_work() as uow:
            assert uow.calls.add(call("PutParameter", 1), at(1))
            assert not uow.calls.add(call("PutParameter", 1), at(1))


class TestSignals:
    def test_signals_come_oldest_first_and_once(self, database):
        late, early = Signal(PARAMETER, at(2), "no-change", "14 days"), Signal(None, at(1), "invalid", "ü")
        with database.unit_of_work() as uow:
            for one in (late, early, late):
                uow.calls.signal("event-1", one, at(3))
            uow.calls.signal("event-2", early, at(9))
            uow.commit()

            assert uow.calls.signals() == [early, early, late]
            assert uow.calls.signals(at(3)) == [early, late]
            assert uow.calls.signals(at(2)) == []


def deployment(number=7, state="DEPLOYING", **fields):
    usual = {
        "environment": PROD,
        "number": number,
        "application": "shop",
        "environment_name": "prod",
        "profile": PROFILE,
        "profile_name": "checkout-flags",
        "version": "3",
        "state": state,
        "started_at": at(1),
        "completed_at": None,
        "ended_at": None,
        "steps": (DeploymentStep(at(1), 0.5), DeploymentStep(at(2), 100.0)),
    }
    return Deployment(**usual | fields)


class TestDeployments:
    def test_each_state_is_held_once_and_the_newest_counts(self, database):
        begun, done, other = deployment(), deployment(state="COMPLETE", completed_at=at(2)), deployment(6, cause="ü")
        with database.unit_of_work() as uow:
            added = [uow.deployments.add(one, at(3)) for one in (begun, done, other, begun)]
            uow.commit()

        with database.reader() as uow:
            assert added == [True, True, True, False]
            assert uow.deployments.held(PROD) == [other, done]
            assert uow.deployments.held(replace(PROD, region="us-east-1")) == []


def gap(first, last, **fields):
    usual = {"gap_class": GapClass.VERSION, "document": PARAMETER, "life": 1, "reason": "only 100 versions are kept"}
    return Gap(first=str(first), last=str(last), **usual | fields)


class TestGaps:
    def test_gaps_are_recorded_once_and_come_in_order(self, database):
        spans = [gap(10, 12), gap(9, 9), gap(2, 5, life=2), gap(1, 1, document=OTHER)]
        interval = gap("2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z", gap_class=GapClass.INTERVAL)
        with database.unit_of_work() as uow:
            assert all([uow.gaps.add(one, at(1)) for one in spans])  # noqa: C419 - all of them are recorded first
            assert not uow.gaps.add(gap(10, 12, reason="told otherwise"), at(2))
            assert uow.gaps.add(interval, at(3))
            uow.commit()

        with database.reader() as uow:
            first, second, third, last = spans
            assert uow.gaps.all() == [interval, second, first, third, last]
            assert uow.gaps.all(as_of=at(2)) == [second, first, third, last]
            assert uow.gaps.all(as_of=at(0)) == []


class TestFindings:
    def test_findings_are_recorded_once_and_found_by_change(self, database):
        risky = Finding("friday", Severity.HIGH, "ü", FlagId("shop", "x"), "prod", "key-1")
        stale = Finding("stale", Severity.LOW, "old", FlagId("shop", "x"))
        other = replace(risky, change_key="key-2")
        with database.unit_of_work() as uow:
            added = [uow.findings.add(one, at(1)) for one in (risky, stale, other, risky)]
            later = replace(risky, code="unattributed")
            uow.findings.add(later, at(5))
            uow.commit()

        with database.reader() as uow:
            assert added == [True, True, True, False]
            assert uow.findings.of_changes(["key-1"]) == [risky, later]
            assert uow.findings.of_changes(["key-1", "key-2", "key-3"], as_of=at(1)) == [risky, other]
            assert uow.findings.of_changes([]) == []

    def test_more_changes_than_a_statement_may_name(self, database):
        with database.unit_of_work() as uow:
            for number in (0, 1500, 2999):
                uow.findings.add(Finding("x", Severity.LOW, "x", change_key=f"key-{number}"), at(1))

            assert len(uow.findings.of_changes([f"key-{number}" for number in range(3000)])) == 3


class TestRuns:
    scope = Scope("ssm", "111122223333", "eu-central-1", "one")

    def test_a_scope_has_a_baseline_after_a_reconcile(self, database):
        with database.unit_of_work() as uow:
            assert not uow.runs.baselined(self.scope)
            for hour in (1, 2):
                uow.runs.reconciled(self.scope, at(hour), {"documents": 3, "recorded": 0})
            uow.commit()

        with database.reader() as uow:
            assert uow.runs.baselined(self.scope)
            assert uow.runs.baselined(replace(self.scope, fingerprint=""))
            assert not uow.runs.baselined(replace(self.scope, fingerprint="other"))
            assert not uow.runs.baselined(replace(self.scope, region="us-east-1", fingerprint=""))

    def test_a_slot_has_one_claimant(self, database):
        with database.unit_of_work() as uow:
            assert uow.runs.claim_slot("reconcile", "2026-03-02T12", at(1))
            assert not uow.runs.claim_slot("reconcile", "2026-03-02T12", at(2))
            assert uow.runs.claim_slot("reconcile", "2026-03-02T13", at(2))
            assert uow.runs.claim_slot("scan", "2026-03-02T12", at(2))

    def test_the_last_success_is_remembered(self, database):
        ends = [("a", 1, None), ("b", 2, None), ("c", 3, "it broke")]
        with database.unit_of_work() as uow:
            assert uow.runs.last_success("scan") is None
            for slot, hour, error in ends:
                uow.runs.claim_slot("scan", slot, at(0))
                uow.runs.finished("scan", slot, at(hour), error)
            uow.runs.claim_slot("scan", "d", at(4))

            assert uow.runs.last_success("scan") == at(2)
            assert uow.runs.last_success("reconcile") is None


@pytest.mark.parametrize("zone_hours", [0, 5, -7])
def test_times_are_kept_to_the_microsecond_whatever_their_zone(database, zone_hours):
    from datetime import timedelta, timezone

    moment = at(1).replace(microsecond=123_457).astimezone(timezone(timedelta(hours=zone_hours)))
    with database.unit_of_work() as uow:
        uow.runs.claim_slot("scan", "a", moment)
        uow.runs.finished("scan", "a", moment, None)
        uow.calls.add(call("PutParameter", 1, CallTarget(PARAMETER), at=moment), moment)

        assert uow.runs.last_success("scan") == moment
        assert uow.calls.of_document(PARAMETER)[0].at == moment
