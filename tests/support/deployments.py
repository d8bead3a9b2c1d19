"""Deployments of an AppConfig profile, made step by step, and a recorder that looks at them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from auditor.adapters.storage import Database
from auditor.application.policing import Policing
from auditor.application.ports import Scope
from auditor.application.recording import DeploymentTrigger, Recorder, Tally
from auditor.domain.attribution import ApiCall, Attribution, CallOutcome, CallTarget
from auditor.domain.changes import Detection
from auditor.domain.documents import Deployment, DeploymentStep, EnvironmentRef, Snapshot
from auditor.domain.events import Guards
from auditor.domain.flags import FlagEntry, FlagId, FlagState
from auditor.domain.routing import Routing
from tests.fakes import ClockFake
from tests.support.alerts import PROFILE

PROD = EnvironmentRef(PROFILE.account, PROFILE.region, "abc1234", "env9876")
SCOPE = Scope("appconfig", PROFILE.account, PROFILE.region, "")


@dataclass
class Deployments:
    """AppConfig, as far as its deployments go."""

    now: dict[int, Deployment] = field(default_factory=dict)
    name: str = "appconfig"

    def list_environments(self, scope: Scope) -> Sequence[EnvironmentRef]:
        return (PROD,)

    def guards(self, scope: Scope) -> Sequence[Guards]:
        return ()

    def deployments(self, environment: EnvironmentRef, held: Mapping[int, str]) -> Sequence[Deployment]:
        return [one for number, one in sorted(self.now.items()) if held.get(number) != one.state]


@dataclass
class Rollout:
    """A profile in production, whose deployments move as the tests say; ``look`` records what is there to see."""

    database: Database
    routing: Routing = field(default_factory=Routing)
    clock: ClockFake = field(default_factory=ClockFake)
    aws: Deployments = field(default_factory=Deployments)
    flags: int = 1

    def __post_init__(self) -> None:
        with self.database.unit_of_work() as uow:
            uow.documents.hold(PROFILE, 1, [self.version(number) for number in range(1, 6)], self.clock.now())
            uow.documents.checked(PROFILE, 1, self.clock.now(), alive=True, labels={}, title=None)
            uow.runs.reconciled(SCOPE, self.clock.now(), {})
            uow.commit()

    def version(self, number: int) -> Snapshot:
        """Return a version in which every flag is on when its number is even."""
        names = [f"flag-{one}" for one in range(self.flags)]
        entries = {
            f"/{name}": FlagEntry(FlagId("shop", name), None, FlagState({"enabled": number % 2 == 0})) for name in names
        }
        return Snapshot(str(number), number, self.clock.now(), None, entries)

    @property
    def recorder(self) -> Recorder:
        return Recorder(self.database.unit_of_work, {}, self.clock, Policing(), self.aws, routing=self.routing)

    def start(self, number: int = 1, version: int = 1, state: str = "DEPLOYING") -> None:
        """Begin a deployment."""
        began = self.clock.now()
        self.aws.now[number] = Deployment(
            PROD, number, "shop", "prod", PROFILE, "checkout", str(version), state, began, None, None, (),
            growth="linear by 20% over 10 min, then 5 min of watching",
        )  # fmt: skip

    def move(self, number: int = 1, **fields: object) -> None:
        self.clock.move(60)
        self.aws.now[number] = replace(self.aws.now[number], **fields)  # type: ignore[arg-type]

    def step(self, share: float, number: int = 1) -> None:
        steps = self.aws.now[number].steps
        self.clock.move(60)
        self.move(number, steps=(*steps, DeploymentStep(self.clock.now(), share)))

    def complete(self, number: int = 1) -> None:
        self.move(number, state="COMPLETE", completed_at=self.clock.now() + timedelta(seconds=60))

    def roll_back(self, number: int = 1, state: str = "ROLLED_BACK", alarm: str | None = "checkout-errors") -> None:
        arn = f"arn:aws:cloudwatch:eu-central-1:111122223333:alarm:{alarm}"
        triggered, cause = ("CLOUDWATCH_ALARM", f"Alarm {arn} went off") if alarm else ("USER", None)
        ended = self.clock.now() + timedelta(seconds=60)
        self.move(number, state=state, ended_at=ended, triggered_by=triggered, cause=cause)

    def look(self, by: Detection = Detection.EVENT, where: EnvironmentRef = PROD) -> list[str]:
        """Record what is there to see, and return the keys of the alerts that it gives."""
        tally = Tally()
        self.recorder.sync_environment(where, DeploymentTrigger(by), tally, self.clock.now())
        return list(dict.fromkeys(tally.alerts))

    def told_who(self, who: Attribution, number: int = 1) -> list[str]:
        """Let CloudTrail tell who began a deployment."""
        tally = Tally()
        target = CallTarget(None, environment=PROD, deployment_number=number)
        call = ApiCall(
            who.evidence[0].id or "", "StartDeployment", "appconfig.amazonaws.com", PROD.account, PROD.region,
            self.clock.now(), CallOutcome.SUCCEEDED, (target,), who,
        )  # fmt: skip
        self.recorder.keep_call(call, tally)
        return list(tally.alerts)
