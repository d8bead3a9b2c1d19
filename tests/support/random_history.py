"""A random history of flags in every store, made with boto3 calls on the stand-in, and the truth about it.

Fifty flags in three environments: parameters, a feature-flag profile with its deployments, items of a table, and
files of two buckets, of which one keeps versions.
"""

from __future__ import annotations

import json
import random
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from examples.standin import Identity
from tests.support.aws import Account, flag_document
from tests.support.stores import Bucket, Table

ENVIRONMENTS = ("prod", "staging", "dev")
PARAMETERS = [f"flag-{n}" for n in range(20)]
PROFILE = [f"flag_{n}" for n in range(20, 32)]
ITEMS = [f"flag-{n}" for n in range(32, 42)]
KEPT = [f"flag-{n}" for n in range(42, 46)]
BARE = [f"flag-{n}" for n in range(46, 50)]

# Parameter Store keeps so many versions of a parameter.
MOST_VERSIONS = 100
_VALUES = ("true", "false", '{"enabled": true, "rollout": 10}', '{"enabled": true, "rollout": 50}', "blue")

# How long a deployment grows and is watched, by the name of its strategy.
_STRATEGIES = {"instant": (0, 0), "gradual": (30, 10)}
_ROLLBACK = timedelta(seconds=30)
_REVERTIBLE = timedelta(hours=72)

Act = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Write:
    """What somebody made a document say: its flags by key, ``None`` where it was removed."""

    says: Any
    at: datetime
    who: str


@dataclass(slots=True)
class Life:
    """All that was written between a document's creation and its end."""

    writes: list[Write] = field(default_factory=list)
    ended: datetime | None = None

    def before(self, moment: datetime) -> int:
        """Return how many writes there were by then."""
        return sum(write.at <= moment for write in self.writes)

    def lasted(self, moment: datetime) -> bool:
        """Tell whether it was there at this moment."""
        return self.writes[0].at <= moment and (self.ended is None or moment < self.ended)


@dataclass(frozen=True, slots=True)
class Move:
    """A label that was put on a version."""

    parameter: str
    label: str
    version: str
    at: datetime


@dataclass(slots=True)
class Rollout:
    """A deployment, and what became of it."""

    number: int
    version: int
    started: datetime
    completes: datetime
    rolled_back: datetime | None = None
    reverted: datetime | None = None

    def completed(self, by: datetime) -> bool:
        """Tell whether it was ever complete by then."""
        return self.rolled_back is None and self.completes <= by


@dataclass(slots=True)
class World:
    """An account, the people who write there, and chance."""

    account: Account
    chance: random.Random
    people: Mapping[str, Identity]

    @property
    def now(self) -> datetime:
        """Return the time in AWS."""
        return self.account.aws.now()

    def somebody(self) -> str:
        """Let some person be the one who writes, and return the name."""
        name = self.chance.choice(sorted(self.people))
        self.account.writer = self.people[name]
        return name

    def place(self) -> str:
        """Return some environment."""
        return self.chance.choice(ENVIRONMENTS)


@dataclass(slots=True)
class Parameters:
    """Parameters: written, labelled, deleted and made again."""

    world: World
    lives: dict[str, list[Life]] = field(default_factory=lambda: defaultdict(list))
    moves: list[Move] = field(default_factory=list)

    def acts(self) -> list[Act]:
        """Return what can be done, as often as it should happen."""
        return [*[self.write] * 5, self.delete, self.delete, self.label]

    def write(self) -> None:
        """Write some parameter."""
        chance = self.world.chance
        self._put(f"/shop/{self.world.place()}/features/{chance.choice(PARAMETERS)}", chance.choice(_VALUES))

    def overflow(self) -> None:
        """Write one parameter more often than Parameter Store keeps versions."""
        name = f"/shop/prod/features/{self.world.chance.choice(PARAMETERS)}"
        for number in range(MOST_VERSIONS + self.world.chance.randint(1, 30)):
            self._put(name, str(number))
            self.world.account.advance(seconds=1)

    def delete(self) -> None:
        """Delete some parameter."""
        if names := self._living():
            name = self.world.chance.choice(names)
            self.world.somebody()
            self.world.account.client("ssm").delete_parameter(Name=name)
            self.lives[name][-1].ended = self.world.now
            # A parameter cannot be made again at once.
            self.world.account.advance(seconds=31)

    def label(self) -> None:
        """Put a label on some version that is still there."""
        if names := self._living():
            name, label = self.world.chance.choice(names), self.world.chance.choice(["stable", "canary"])
            newest = len(self.lives[name][-1].writes)
            version = self.world.chance.randint(max(1, newest - 3), newest)
            self.world.somebody()
            self.world.account.client("ssm").label_parameter_version(
                Name=name, ParameterVersion=version, Labels=[label]
            )
            self.moves.append(Move(name, label, str(version), self.world.now))

    def labels(self, name: str) -> dict[str, str]:
        """Return the labels that a parameter has now, each with its version."""
        began = self.lives[name][-1].writes[0].at
        return {move.label: move.version for move in self.moves if move.parameter == name and move.at >= began}

    def _living(self) -> list[str]:
        return sorted(name for name, lives in self.lives.items() if lives[-1].ended is None)

    def _put(self, name: str, value: str) -> None:
        lives, who = self.lives[name], self.world.somebody()
        alive = bool(lives) and lives[-1].ended is None
        kind: dict[str, Any] = {"Overwrite": True} if alive else {"Type": "String"}
        self.world.account.client("ssm").put_parameter(Name=name, Value=value, **kind)
        if not alive:
            lives.append(Life())
        lives[-1].writes.append(Write(_parsed(value), self.world.now, who))


@dataclass(slots=True)
class Profile:
    """A feature-flag profile: versions are saved, deleted and deployed; deployments are stopped and reverted."""

    world: World
    application: str = ""
    profile: str = ""
    environments: dict[str, str] = field(default_factory=dict)
    strategies: dict[str, str] = field(default_factory=dict)
    saved: list[Write] = field(default_factory=list)
    removed: dict[int, datetime] = field(default_factory=dict)
    rollouts: dict[str, list[Rollout]] = field(default_factory=lambda: defaultdict(list))

    def __post_init__(self) -> None:
        client = self._client()
        self.application = client.create_application(Name="shop")["Id"]
        for name in ENVIRONMENTS:
            self.environments[name] = client.create_environment(ApplicationId=self.application, Name=name)["Id"]
        self.profile = client.create_configuration_profile(
            ApplicationId=self.application, Name="flags", LocationUri="hosted", Type="AWS.AppConfig.FeatureFlags"
        )["Id"]
        for name, (minutes, bake) in _STRATEGIES.items():
            self.strategies[name] = client.create_deployment_strategy(
                Name=name,
                DeploymentDurationInMinutes=minutes,
                GrowthFactor=25.0,
                FinalBakeTimeInMinutes=bake,
                ReplicateTo="NONE",
            )["Id"]
        account = self.world.account
        client.create_extension_association(
            ExtensionIdentifier="AWS.AppConfig.DeploymentNotificationsToEventBridge",
            ResourceIdentifier=f"arn:aws:appconfig:{account.region}:{account.number}:application/{self.application}",
        )

    def acts(self) -> list[Act]:
        """Return what can be done, as often as it should happen."""
        return [self.save, self.save, self.remove, *[self.deploy] * 4, self.stop, self.revert]

    def save(self) -> None:
        """Save a version with other flags than the one before."""
        chance = self.world.chance
        says = dict(self.saved[-1].says) if self.saved else {}
        for key in chance.sample(PROFILE, 3):
            if key in says and chance.random() < 0.3:
                del says[key]
            else:
                says[key] = chance.random() < 0.5
        if self.saved and says == self.saved[-1].says:
            return  # AppConfig answers with the version it has
        who = self.world.somebody()
        document = flag_document({key: {"enabled": on} for key, on in says.items()})
        self._client().create_hosted_configuration_version(
            **self._ids, Content=document.encode(), ContentType="application/json"
        )
        self.saved.append(Write(says, self.world.now, who))

    def remove(self) -> None:
        """Delete a version for good that nothing shows any more."""
        shown = {rollout.version for rollouts in self.rollouts.values() for rollout in rollouts}
        idle = [number for number in self._kept() if number not in shown]
        if len(self._kept()) > 2 and idle and self.world.chance.random() < 0.3:
            number = self.world.chance.choice(idle)
            self.world.somebody()
            self._client().delete_hosted_configuration_version(**self._ids, VersionNumber=number)
            self.removed[number] = self.world.now

    def deploy(self) -> None:
        """Begin a deployment where none is under way."""
        place, kept = self.world.place(), self._kept()
        if kept and not self._unfinished(place):
            self.world.somebody()
            version, strategy = self.world.chance.choice(kept), self.world.chance.choice(sorted(_STRATEGIES))
            number = self._client().start_deployment(
                ApplicationId=self.application,
                EnvironmentId=self.environments[place],
                ConfigurationProfileId=self.profile,
                ConfigurationVersion=str(version),
                DeploymentStrategyId=self.strategies[strategy],
            )["DeploymentNumber"]
            takes = timedelta(minutes=sum(_STRATEGIES[strategy]))
            self.rollouts[place].append(Rollout(number, version, self.world.now, self.world.now + takes))
            if self.world.chance.random() < 0.3:
                self.world.account.advance(minutes=self.world.chance.randint(1, 25))
                self._stop(place)

    def stop(self) -> None:
        """Stop a deployment that is under way, if there is one."""
        self._stop(self.world.place())

    def revert(self) -> None:
        """Take back the newest deployment, if it is complete."""
        place = self.world.place()
        newest = self.rollouts[place][-1] if self.rollouts[place] else None
        if newest is None or newest.reverted or not newest.completed(self.world.now):
            return
        if self.world.now - newest.completes <= _REVERTIBLE:
            self.world.somebody()
            self._client().stop_deployment(**self._deployment(place), AllowRevert=True)
            newest.reverted = self.world.now

    def _stop(self, place: str) -> None:
        newest = self.rollouts[place][-1] if self.rollouts[place] else None
        if newest is not None and newest.rolled_back is None and self.world.now < newest.completes:
            self.world.somebody()
            self._client().stop_deployment(**self._deployment(place))
            newest.rolled_back = self.world.now + _ROLLBACK

    def _unfinished(self, place: str) -> bool:
        newest = self.rollouts[place][-1] if self.rollouts[place] else None
        return newest is not None and self.world.now < (newest.rolled_back or newest.completes)

    def _kept(self) -> list[int]:
        return [number for number in range(1, len(self.saved) + 1) if number not in self.removed]

    def _deployment(self, place: str) -> dict[str, Any]:
        number = self.rollouts[place][-1].number
        environment = self.environments[place]
        return {"ApplicationId": self.application, "EnvironmentId": environment, "DeploymentNumber": number}

    @property
    def _ids(self) -> dict[str, str]:
        return {"ApplicationId": self.application, "ConfigurationProfileId": self.profile}

    def _client(self) -> Any:
        return self.world.account.client("appconfig")


@dataclass(slots=True)
class Items:
    """Items of a table: its stream tells each write whole, and keeps nothing."""

    world: World
    table: Table = field(init=False)
    writes: dict[tuple[str, str], list[Write]] = field(default_factory=lambda: defaultdict(list))

    def __post_init__(self) -> None:
        self.table = Table(self.world.account)

    def acts(self) -> list[Act]:
        """Return what can be done, as often as it should happen."""
        return [*[self.write] * 3, self.remove]

    def write(self) -> None:
        """Write some item whole, other than it is."""
        place, flag = self.world.place(), self.world.chance.choice(ITEMS)
        says = {"enabled": self.world.chance.random() < 0.5, "rollout": self.world.chance.choice([0, 10, 50])}
        if not self.writes[place, flag] or self.writes[place, flag][-1].says != says:
            who = self.world.somebody()
            item = {"enabled": {"BOOL": says["enabled"]}, "rollout": {"N": str(says["rollout"])}}
            self.table.put(item, flag, f"shop#{place}")
            self.writes[place, flag].append(Write(says, self.world.now, who))

    def remove(self) -> None:
        """Delete some item."""
        there = sorted(key for key, writes in self.writes.items() if writes and writes[-1].says is not None)
        if there:
            place, flag = self.world.chance.choice(there)
            who = self.world.somebody()
            self.table.remove(flag, f"shop#{place}")
            self.writes[place, flag].append(Write(None, self.world.now, who))


@dataclass(slots=True)
class Objects:
    """A file of flags for each environment, in a bucket that keeps versions or not."""

    world: World
    versioned: bool
    bucket: Bucket = field(init=False)
    writes: dict[str, list[Write]] = field(default_factory=lambda: defaultdict(list))

    def __post_init__(self) -> None:
        self.bucket = Bucket(self.world.account, "kept" if self.versioned else "bare", versioned=self.versioned)

    @property
    def flags(self) -> Sequence[str]:
        """Return the keys of the flags in each file."""
        return KEPT if self.versioned else BARE

    def acts(self) -> list[Act]:
        """Return what can be done, as often as it should happen."""
        return [*[self.write] * 4, self.remove]

    def write(self) -> None:
        """Write some file whole."""
        place, chance = self.world.place(), self.world.chance
        says = {key: chance.choice([True, False, {"rollout": 10}]) for key in self.flags if chance.random() < 0.8}
        who = self.world.somebody()
        self.bucket.put(json.dumps(says), key_of(place))
        self.writes[place].append(Write(says, self.world.now, who))

    def remove(self) -> None:
        """Delete some file."""
        there = sorted(place for place, writes in self.writes.items() if writes[-1].says is not None)
        if there:
            place, who = self.world.chance.choice(there), self.world.somebody()
            self.bucket.remove(key_of(place))
            self.writes[place].append(Write(None, self.world.now, who))


def key_of(place: str) -> str:
    """Return the key of an environment's file."""
    return f"shop/{place}/flags.json"


def _parsed(value: str) -> Any:
    try:
        return json.loads(value)
    except ValueError:
        return value
