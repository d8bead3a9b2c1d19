"""Joining calls with changes: the person of this very change, never of a similar one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from auditor.domain.attribution import (
    Actor,
    ActorKind,
    ApiCall,
    Attribution,
    CallOutcome,
    CallTarget,
    Certainty,
    Evidence,
)
from auditor.domain.changes import ChangeKind, DeploymentInfo, Detection, FlagChange
from auditor.domain.documents import Deployment, DocumentRef, EnvironmentRef
from auditor.domain.joining import alarm_name, attributions_for, rollback_attribution
from auditor.domain.liveness import End, cause_of

AT = datetime(2026, 10, 6, 8, 0, 3, tzinfo=UTC)
NAME = DocumentRef("ssm", "123456789012", "eu-west-1", "/shop/prod/features/x")
PROFILE = DocumentRef("appconfig", "123456789012", "eu-west-1", "app/profile")
PROD = EnvironmentRef("123456789012", "eu-west-1", "app", "prod")


def call(name: str, target: CallTarget, *, at: datetime = AT, who: str = "alice", outcome: CallOutcome = CallOutcome.SUCCEEDED) -> ApiCall:  # fmt: skip
    evidence = (Evidence("cloudtrail", f"CloudTrail names {who}", id=f"{name}-{who}"),)
    attribution = Attribution(Actor(ActorKind.PERSON, who), Certainty.CERTAIN, evidence)
    return ApiCall(f"{name}-{who}", name, "ssm", "123456789012", "eu-west-1", at, outcome, (target,), attribution)


CHANGE = FlagChange(
    key="k",
    cause="c",
    kind=ChangeKind.UPDATED,
    document=NAME,
    life=1,
    application="shop",
    flag="x",
    environment="prod",
    path="",
    version_before="1",
    version_after="2",
    occurred_at=AT + timedelta(milliseconds=460),
    occurred_between=None,
    before=None,
    after=None,
    diff=(),
    summary="",
    detected_by=Detection.EVENT,
)
PUT = CallTarget(document=NAME, version="2")
DELETED = replace(CHANGE, kind=ChangeKind.DELETED, version_after=None)
LABELLED = replace(CHANGE, kind=ChangeKind.LABEL_MOVED, label="stable")


SAVED = replace(CHANGE, kind=ChangeKind.SAVED, document=PROFILE)


def names(change: FlagChange, *calls: ApiCall) -> list[str | None]:
    return [a.actor.name for a in attributions_for(change, calls)]


def test_a_flag_of_an_earlier_date_was_not_changed_by_the_call_of_its_version() -> None:
    saved = call("CreateHostedConfigurationVersion", CallTarget(document=PROFILE, version="2"))
    assert names(SAVED, saved) == ["alice"]
    assert names(replace(SAVED, occurred_at=AT - timedelta(hours=1)), saved) == []


def test_a_write_is_joined_by_version_and_time() -> None:
    assert names(CHANGE, call("PutParameter", PUT)) == ["alice"]


@pytest.mark.parametrize(
    "other",
    [
        call("PutParameter", CallTarget(document=NAME, version="3")),
        call("PutParameter", PUT, at=AT - timedelta(minutes=1)),
        call("PutParameter", CallTarget(document=replace(NAME, name="/shop/prod/features/y"), version="2")),
        call("PutParameter", CallTarget(document=replace(NAME, account="111122223333"), version="2")),
        call("PutParameter", CallTarget(document=replace(NAME, region="us-east-1"), version="2")),
        call("PutParameter", PUT, outcome=CallOutcome.DENIED),
        call("PutParameter", PUT, outcome=CallOutcome.FAILED),
        call("AddTagsToResource", PUT),
        call("DeleteParameter", CallTarget(document=NAME)),
    ],
)
def test_a_call_that_did_something_else_names_nobody(other: ApiCall) -> None:
    assert names(CHANGE, other) == []


def test_the_same_version_of_another_life_names_nobody() -> None:
    """Versions begin again after a deletion: the time tells the lives apart."""
    assert names(replace(CHANGE, life=2), call("PutParameter", PUT, at=AT - timedelta(days=3))) == []


def test_a_deletion_is_joined_by_time() -> None:
    target = CallTarget(document=NAME)
    assert names(DELETED, call("DeleteParameter", target, outcome=CallOutcome.AMBIGUOUS)) == ["alice"]
    assert names(DELETED, call("DeleteParameter", target, at=AT + timedelta(minutes=1))) == []


def test_an_undated_deletion_is_dated_by_the_call_that_falls_between_the_looks() -> None:
    undated = replace(DELETED, occurred_at=None, occurred_between=(AT - timedelta(hours=1), AT + timedelta(hours=1)))
    (found,) = attributions_for(undated, [call("DeleteParameter", CallTarget(document=NAME))])
    assert found.occurred_at == AT
    early = call("DeleteParameter", CallTarget(document=NAME), at=AT - timedelta(hours=2))
    assert names(undated, early) == []


def test_a_label_is_joined_by_its_name_and_version() -> None:
    target = CallTarget(document=NAME, version="2", label="stable")
    assert names(LABELLED, call("LabelParameterVersion", target)) == ["alice"]
    assert names(LABELLED, call("LabelParameterVersion", replace(target, label="beta"))) == []
    assert names(LABELLED, call("UnlabelParameterVersion", replace(target, version="1"))) == []
    removed = replace(LABELLED, version_before="2", version_after=None)
    assert names(removed, call("UnlabelParameterVersion", target)) == ["alice"]


def test_of_two_saves_answered_with_one_version_the_earlier_made_it() -> None:
    saved = replace(CHANGE, kind=ChangeKind.SAVED, document=PROFILE, occurred_at=None, occurred_between=(None, AT))
    target = CallTarget(document=PROFILE, version="2")
    later = call("CreateHostedConfigurationVersion", target, at=AT + timedelta(hours=1), who="bob")
    assert names(saved, later, call("CreateHostedConfigurationVersion", target)) == ["alice"]


def test_a_deployment_is_joined_by_its_number_and_its_end() -> None:
    info = DeploymentInfo(7, "COMPLETE")
    live = replace(CHANGE, kind=ChangeKind.DEPLOYED, deployment=info, cause=cause_of(PROD, 7, End.COMPLETED))
    back = replace(live, kind=ChangeKind.ROLLED_BACK, cause=cause_of(PROD, 7, End.ROLLED_BACK))
    target = CallTarget(environment=PROD, deployment_number=7)
    start, stop = call("StartDeployment", target), call("StopDeployment", target, who="jane")
    assert names(live, start, stop) == ["alice"]
    assert names(back, start, stop) == ["jane"]
    assert names(live, call("StartDeployment", replace(target, deployment_number=8))) == []
    assert names(live, call("StartDeployment", CallTarget(document=PROFILE))) == []
    elsewhere = replace(PROD, environment_id="staging")
    assert names(live, call("StartDeployment", replace(target, environment=elsewhere))) == []


def rolled_back(triggered_by: str | None, cause: str | None) -> Deployment:
    return Deployment(PROD, 7, "shop", "prod", PROFILE, "profile", "2", "ROLLED_BACK", AT, None, AT, (), triggered_by=triggered_by, cause=cause)  # fmt: skip


def test_a_rollback_by_an_alarm_names_appconfig_and_the_alarm() -> None:
    arn = "Rollback initiated by CloudWatch Alarm: arn:aws:cloudwatch:eu-west-1:123456789012:alarm:checkout-5xx"
    found = rollback_attribution(rolled_back("CLOUDWATCH_ALARM", arn))
    assert found is not None
    assert (found.actor.name, found.actor.via) == ("appconfig.amazonaws.com", "alarm checkout-5xx")


def test_a_rollback_by_appconfig_itself_names_no_alarm() -> None:
    found = rollback_attribution(rolled_back("INTERNAL_ERROR", None))
    assert found is not None
    assert (found.actor.kind, found.actor.via) == (ActorKind.SERVICE, None)
    unnamed = rollback_attribution(rolled_back("CLOUDWATCH_ALARM", "no name in it"))
    assert unnamed is not None
    assert unnamed.actor.via == "alarm"


@pytest.mark.parametrize("triggered_by", ["USER", None])
def test_a_rollback_by_a_person_is_left_to_the_call_that_stopped_it(triggered_by: str | None) -> None:
    assert rollback_attribution(rolled_back(triggered_by, None)) is None


def test_an_alarm_name_is_read_out_of_its_arn() -> None:
    assert alarm_name("by arn:aws:cloudwatch:eu-west-1:1:alarm:a-b, see there") == "a-b"
    assert alarm_name("no alarm here") is None
    assert alarm_name("arn:aws:cloudwatch:eu-west-1:1:alarm: ") is None
