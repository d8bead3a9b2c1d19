"""Deployments as they run: growth, baking, completion, rollback and revert."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial

from examples.standin.appconfig.deployment import Deployment
from examples.standin.appconfig.model import Region
from examples.standin.appconfig.notices import Notices
from examples.standin.appconfig.strategies import EVERYONE, timetable
from examples.standin.clock import Clock
from examples.standin.errors import AwsError

ROLLBACK_TIME = timedelta(seconds=30)
REVERT_WINDOW = timedelta(hours=72)
_ALARMING = frozenset({"ALARM", "INSUFFICIENT_DATA"})

AlarmState = Callable[[str, str], tuple[str, bool] | None]
"""Of an alarm's ARN seen from an account: its state and whether its actions are enabled; None when it is not there."""


class Rollouts:
    """Moves deployments on as the clock does."""

    def __init__(self, clock: Clock, notices: Notices, alarm_state: AlarmState) -> None:
        self._clock = clock
        self._notices = notices
        self._alarm_state = alarm_state

    def begin(self, region: Region, deployment: Deployment) -> None:
        """Start a deployment; one without time to grow or bake is complete at once."""
        now, strategy = self._clock.now(), deployment.strategy
        deployment.applied_extensions = self._notices.applied(region, deployment)
        deployment.environment.state = "Deploying"
        actions = self._notices.tell(region, deployment, "ON_DEPLOYMENT_START")
        deployment.note("DEPLOYMENT_STARTED", "USER", "Deployment started", now, actions)
        if strategy.duration_minutes == 0 and strategy.bake_minutes == 0:
            deployment.percentage = EVERYONE
            self._complete(region, deployment, "Deployment completed instantly")
            return
        deployment.appointments = [
            self._clock.at(now + after, partial(self._step, region, deployment, share))
            for after, share in timetable(strategy)
        ]
        self.heed_alarms(region, deployment)
        self._clock.settle()

    def stop(self, region: Region, deployment: Deployment, *, allow_revert: bool) -> None:
        """Roll back what still runs, or revert what is complete when that is allowed; raises AppConfig's refusals."""
        now = self._clock.now()
        if deployment.running:
            self.roll_back(region, deployment, "USER", f"Rollback initiated by account: {region.account}")
            return
        if deployment.state != "COMPLETE" or not allow_revert:
            raise AwsError(
                "BadRequestException",
                f"Deployment {deployment.number} cannot be stopped: its state is {deployment.state}.",
            )
        if deployment.completed_at is None or now - deployment.completed_at > REVERT_WINDOW:
            raise AwsError(
                "BadRequestException", "A deployment can be reverted only within 72 hours of its completion."
            )
        deployment.state = "REVERTED"
        deployment.environment.state = "Reverted"
        deployment.note("REVERT_COMPLETED", "USER", "Revert completed", now)

    def roll_back(self, region: Region, deployment: Deployment, by: str, why: str) -> None:
        """Begin a rollback, which ends a moment later."""
        now = self._clock.now()
        deployment.call_off()
        deployment.state = "ROLLING_BACK"
        deployment.environment.state = "RollingBack"
        deployment.note("ROLLBACK_STARTED", by, why, now)
        self._clock.at(now + ROLLBACK_TIME, partial(self._rolled_back, region, deployment, by))

    def heed_alarms(self, region: Region, deployment: Deployment) -> bool:
        """Roll a running deployment back if an alarm of its environment says so, and tell whether one did."""
        if not deployment.running:
            return False
        for monitor in deployment.environment.monitors:
            found = self._alarm_state(region.account, monitor["AlarmArn"])
            if found and found[0] in _ALARMING and found[1]:
                why = f"Rollback initiated by CloudWatch Alarm: {monitor['AlarmArn']}"
                self.roll_back(region, deployment, "CLOUDWATCH_ALARM", why)
                return True
        return False

    def _step(self, region: Region, deployment: Deployment, share: float) -> None:
        if self.heed_alarms(region, deployment):
            return
        now = self._clock.now()
        deployment.percentage = share
        actions = self._notices.tell(region, deployment, "ON_DEPLOYMENT_STEP")
        text = f"Configuration available to {share:.2f}% of clients"
        deployment.note("PERCENTAGE_UPDATED", "APPCONFIG", text, now, actions)
        if share >= EVERYONE:
            self._bake(region, deployment)

    def _bake(self, region: Region, deployment: Deployment) -> None:
        now = self._clock.now()
        deployment.state = "BAKING"
        actions = self._notices.tell(region, deployment, "ON_DEPLOYMENT_BAKING")
        deployment.note("BAKE_TIME_STARTED", "APPCONFIG", "Deployment bake time started", now, actions)
        due = now + timedelta(minutes=deployment.strategy.bake_minutes)
        deployment.appointments = [self._clock.at(due, partial(self._baked, region, deployment))]

    def _baked(self, region: Region, deployment: Deployment) -> None:
        if not self.heed_alarms(region, deployment):
            self._complete(region, deployment, "Deployment completed")

    def _complete(self, region: Region, deployment: Deployment, text: str) -> None:
        now = self._clock.now()
        deployment.state = "COMPLETE"
        deployment.completed_at = now
        deployment.environment.state = "ReadyForDeployment"
        actions = self._notices.tell(region, deployment, "ON_DEPLOYMENT_COMPLETE")
        deployment.note("DEPLOYMENT_COMPLETED", "APPCONFIG", text, now, actions)

    def _rolled_back(self, region: Region, deployment: Deployment, by: str) -> None:
        now = self._clock.now()
        deployment.state = "ROLLED_BACK"
        deployment.completed_at = now
        deployment.environment.state = "RolledBack"
        actions = self._notices.tell(region, deployment, "ON_DEPLOYMENT_ROLLED_BACK")
        deployment.note("ROLLBACK_COMPLETED", by, "Rollback completed", now, actions)
