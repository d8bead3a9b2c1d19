"""What becomes live, and what is live again: deployments, rollbacks, stops and reverts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from auditor.domain.changes import ChangeKind, Detection, FlagChange
from auditor.domain.documents import Deployment, DocumentRef, EnvironmentRef, Snapshot
from auditor.domain.flags import FlagEntry, FlagId, FlagState
from auditor.domain.liveness import DeploymentDetecting, End, cause_of, live_changes, transitions

AT = datetime(2026, 10, 6, 9, tzinfo=UTC)
PROD = EnvironmentRef("123456789012", "eu-west-1", "app", "prod")
FLAGS = DocumentRef("appconfig", "123456789012", "eu-west-1", "app/flags")
OTHER = DocumentRef("appconfig", "123456789012", "eu-west-1", "app/other")
NEWS = DeploymentDetecting(Detection.EVENT, new_is_backfill=False)


def deployment(
    number: int, version: str, state: str = "COMPLETE", *, ended: int | None = None, profile: DocumentRef = FLAGS
) -> Deployment:
    """Return a deployment that began ``number`` hours after AT and took half an hour."""
    start = AT + timedelta(hours=number)
    completed = start + timedelta(minutes=30) if state in ("COMPLETE", "REVERTED") else None
    return Deployment(
        environment=PROD,
        number=number,
        application="shop",
        environment_name="prod",
        profile=profile,
        profile_name=profile.name,
        version=version,
        state=state,
        started_at=start,
        completed_at=completed,
        ended_at=None if ended is None else AT + timedelta(hours=ended),
        steps=(),
        cause="stopped" if ended else None,
    )


def snapshot(version: str, **flags: bool) -> Snapshot:
    entries = {f"/{key}": FlagEntry(FlagId("shop", key), None, FlagState({"enabled": on})) for key, on in flags.items()}
    return Snapshot(version, int(version), None, None, entries)


SAVED = {
    "1": snapshot("1", banner=False),
    "2": snapshot("2", banner=True),
    "3": snapshot("3", banner=True, search=True),
}


def told(*deployments: Deployment) -> list[tuple[int, str, str | None, str | None]]:
    return [(t.deployment.number, t.end.value, t.shown, t.live) for t in transitions(deployments)]


def changes(deployments: Sequence[Deployment], *fresh: int) -> list[FlagChange]:
    return list(live_changes(deployments, frozenset(fresh), lambda _, version: SAVED.get(version), NEWS))


def test_each_completion_replaces_what_was_live() -> None:
    assert told(deployment(1, "1"), deployment(2, "2")) == [(1, "completed", None, "1"), (2, "completed", "1", "2")]


def test_a_rollback_leaves_live_what_was_live() -> None:
    stopped = deployment(2, "2", "ROLLED_BACK", ended=3)
    assert told(deployment(1, "1"), stopped)[1] == (2, "rolled_back", "2", "1")


def test_the_latest_number_is_not_always_live() -> None:
    """After a rollback the next deployment replaces the version before the stopped one."""
    history = [deployment(1, "1"), deployment(2, "2", "ROLLED_BACK", ended=3), deployment(4, "3")]
    assert told(*history)[-1] == (4, "completed", "1", "3")


def test_a_revert_gives_back_what_was_replaced() -> None:
    history = [deployment(1, "1"), deployment(2, "2", "REVERTED", ended=5)]
    assert told(*history) == [(1, "completed", None, "1"), (2, "completed", "1", "2"), (2, "reverted", "2", "1")]


def test_profiles_in_one_environment_do_not_touch_each_other() -> None:
    history = [deployment(1, "1"), deployment(2, "7", profile=OTHER), deployment(3, "2")]
    assert told(*history)[-1] == (3, "completed", "1", "2")


@pytest.mark.parametrize("state", ["DEPLOYING", "BAKING", "VALIDATING", "ROLLING_BACK"])
def test_what_is_under_way_has_changed_nothing_yet(state: str) -> None:
    assert told(deployment(1, "1", state)) == []


def test_one_change_per_flag_that_differs() -> None:
    history = [deployment(1, "1"), deployment(2, "2"), deployment(3, "3")]
    rows = [(c.flag, c.kind, c.environment, c.version_before, c.version_after) for c in changes(history, 2, 3)]
    assert rows == [
        ("banner", ChangeKind.DEPLOYED, "prod", "1", "2"),
        ("search", ChangeKind.DEPLOYED, "prod", "2", "3"),
    ]


def test_deploying_the_same_again_changes_nothing() -> None:
    assert changes([deployment(1, "2"), deployment(2, "2")], 2) == []


def test_a_rollback_tells_the_stopped_state_and_the_one_live_again() -> None:
    (row,) = changes([deployment(1, "1"), deployment(2, "2", "ROLLED_BACK", ended=3)], 2)
    assert row.kind is ChangeKind.ROLLED_BACK
    assert (row.before and row.before.value, row.after and row.after.value) == ({"enabled": True}, {"enabled": False})
    assert row.reason == "stopped"
    assert row.cause == cause_of(PROD, 2, End.ROLLED_BACK)


def test_a_first_deployment_that_is_stopped_leaves_nothing_live() -> None:
    (row,) = changes([deployment(1, "2", "ROLLED_BACK", ended=2)], 1)
    assert row.after is None
    assert row.before is not None


def test_a_version_the_record_does_not_hold_gives_no_change() -> None:
    assert changes([deployment(1, "9"), deployment(2, "2")], 1, 2) == []


@pytest.mark.parametrize(
    ("by", "first_hinted", "expected"),
    [
        (Detection.EVENT, 2, [Detection.BACKFILL, Detection.EVENT]),
        (Detection.EVENT, None, [Detection.BACKFILL, Detection.BACKFILL]),
        (Detection.RECONCILE, None, [Detection.BACKFILL, Detection.BACKFILL]),
    ],
)
def test_what_is_older_than_the_first_hint_is_backfill_where_nothing_was_reconciled(
    by: Detection, first_hinted: int | None, expected: list[Detection]
) -> None:
    detecting = DeploymentDetecting(by, new_is_backfill=True, first_hinted=first_hinted)
    assert [detecting.of(deployment(number, "1")) for number in (1, 2)] == expected


def test_in_a_known_scope_everything_is_news() -> None:
    assert NEWS.of(deployment(1, "1")) is Detection.EVENT
