"""AppConfig as a whole."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from examples.standin.appconfig.applications import Applications
from examples.standin.appconfig.data import DataPlane
from examples.standin.appconfig.deployments import Deployments
from examples.standin.appconfig.environments import Environments
from examples.standin.appconfig.extensions import Extensions
from examples.standin.appconfig.notices import Notices
from examples.standin.appconfig.profiles import Profiles
from examples.standin.appconfig.regions import Regions
from examples.standin.appconfig.rollouts import AlarmState, Rollouts
from examples.standin.appconfig.sources import ReadParameter, Sources
from examples.standin.appconfig.tags import Tags
from examples.standin.appconfig.versions import Versions
from examples.standin.call import Call
from examples.standin.clock import Clock
from examples.standin.events import EventLog
from examples.standin.ids import Ids

Operations = Mapping[str, Callable[[Call], dict[str, Any] | None]]


class AppConfig:
    """The control plane and the data plane on one state."""

    def __init__(
        self, clock: Clock, events: EventLog, ids: Ids, read_parameter: ReadParameter, alarm_state: AlarmState
    ) -> None:
        regions = Regions(ids)
        rollouts = Rollouts(clock, Notices(clock, events, ids), alarm_state)
        self._deployments = Deployments(regions, rollouts, Sources(read_parameter))
        self._control = (
            Applications(regions),
            Profiles(regions),
            Versions(regions),
            Environments(regions),
            self._deployments,
            Extensions(regions),
            Tags(regions),
        )
        self._data = DataPlane(regions, ids)

    def operations(self) -> Operations:
        """Return the operations of the service appconfig."""
        return {name: operation for part in self._control for name, operation in part.operations().items()} | {
            "GetConfiguration": self._data.get_configuration
        }

    def data_operations(self) -> Operations:
        """Return the operations of the service appconfigdata."""
        return self._data.operations()

    def alarm_changed(self, account: str, region: str, alarm_arn: str) -> None:
        """Let deployments heed an alarm whose state changed."""
        self._deployments.alarm_changed(account, region, alarm_arn)
