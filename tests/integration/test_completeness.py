"""The law of the record: whatever is lost, doubled or shuffled on the way, the record equals what was done.

A random history of parameters and deployments is made with boto3 calls on the stand-in. Of its events a fifth is
dropped, a third doubled, all are shuffled and arrive in random batches; reconcile runs at random times. What the store
still tells at one of those looks is in the record once; what it never told is named as a gap.
"""

from __future__ import annotations

import json
import os
import random
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from auditor import bootstrap
from auditor.application.envelopes import unpack
from auditor.application.ingest import Ingest
from auditor.application.ports import HistoryQuery
from auditor.domain.changes import ChangeKind, RecordedChange
from auditor.settings import Settings
from examples.standin import Identity, StandIn

START = datetime(2026, 9, 1, 8, tzinfo=UTC)
SEEDS = range(200) if os.environ.get("FLAGTRAIL_PROOF") == "1" else range(3)
STEPS = 70
INSTANT = {"DeploymentDurationInMinutes": 0, "GrowthFactor": 100.0, "FinalBakeTimeInMinutes": 0, "ReplicateTo": "NONE"}


@dataclass
class Life:
    """What was really done to one parameter between its creation and its end."""

    versions: list[tuple[str, datetime, str]] = field(default_factory=list)  # value, when, who
    ended: bool = False


@dataclass
class World:
    """The stand-in, the people in it, and the truth about what they did."""

    aws: StandIn
    chance: random.Random
    people: dict[str, Identity]
    lives: dict[str, list[Life]] = field(default_factory=lambda: defaultdict(list))
    labels: dict[str, list[tuple[str, str]]] = field(default_factory=lambda: defaultdict(list))
    saved: list[dict[str, bool]] = field(default_factory=list)
    deployed: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    ids: dict[str, str] = field(default_factory=dict)

    def act(self) -> None:
        """Do one random thing."""
        self.aws.advance(timedelta(seconds=self.chance.randint(31, 4000)))
        self.chance.choice([self.write, self.write, self.write, self.delete, self.label, self.save, self.deploy])()

    def write(self) -> None:
        name = f"/shop/{self.chance.choice(['prod', 'staging', 'dev'])}/features/flag-{self.chance.randrange(12)}"
        who = self.chance.choice(sorted(self.people))
        value = self.chance.choice(["true", "false", '{"enabled": true, "rollout": 10}', "blue"])
        alive = bool(self.lives[name]) and not self.lives[name][-1].ended
        kind: dict[str, Any] = {"Overwrite": True} if alive else {"Type": "String"}
        self.aws.client("ssm", identity=self.people[who]).put_parameter(Name=name, Value=value, **kind)
        if not alive:
            self.lives[name].append(Life())
        self.lives[name][-1].versions.append((value, self.aws.now(), who))

    def living(self) -> list[str]:
        return sorted(name for name, lives in self.lives.items() if lives and not lives[-1].ended)

    def delete(self) -> None:
        if names := self.living():
            name = self.chance.choice(names)
            self.aws.client("ssm", identity=self.people["alice"]).delete_parameter(Name=name)
            self.lives[name][-1].ended = True
            # A parameter cannot be made again at once.
            self.aws.advance(timedelta(seconds=31))

    def label(self) -> None:
        if names := self.living():
            name = self.chance.choice(names)
            version = self.chance.randint(1, len(self.lives[name][-1].versions))
            client = self.aws.client("ssm", identity=self.people["alice"])
            client.label_parameter_version(Name=name, ParameterVersion=version, Labels=["stable"])

    def prepare(self) -> None:
        client = self.aws.client("appconfig", identity=self.people["alice"])
        app = client.create_application(Name="shop")["Id"]
        for name in ("prod", "staging"):
            self.ids[name] = client.create_environment(ApplicationId=app, Name=name)["Id"]
        self.ids["app"] = app
        self.ids["profile"] = client.create_configuration_profile(
            ApplicationId=app, Name="flags", LocationUri="hosted", Type="AWS.AppConfig.FeatureFlags"
        )["Id"]
        self.ids["strategy"] = client.create_deployment_strategy(Name="instant", **INSTANT)["Id"]
        arn = f"arn:aws:appconfig:{self.aws.region}:{self.aws.account}:application/{app}"
        extension = "AWS.AppConfig.DeploymentNotificationsToEventBridge"
        client.create_extension_association(ExtensionIdentifier=extension, ResourceIdentifier=arn)

    def save(self) -> None:
        flags = {f"flag_{n}": self.chance.random() < 0.5 for n in range(4) if self.chance.random() < 0.8}
        if self.saved and flags == self.saved[-1]:
            return  # AppConfig answers with the version it has
        document = {
            "version": "1",
            "flags": {key: {"name": key} for key in flags},
            "values": {key: {"enabled": on} for key, on in flags.items()},
        }
        self.aws.client("appconfig", identity=self.people["jane"]).create_hosted_configuration_version(
            ApplicationId=self.ids["app"],
            ConfigurationProfileId=self.ids["profile"],
            Content=json.dumps(document).encode(),
            ContentType="application/json",
        )
        self.saved.append(flags)

    def deploy(self) -> None:
        if not self.saved:
            return
        environment = self.chance.choice(["prod", "staging"])
        version = self.chance.randint(1, len(self.saved))
        self.aws.client("appconfig", identity=self.people["jane"]).start_deployment(
            ApplicationId=self.ids["app"],
            EnvironmentId=self.ids[environment],
            ConfigurationProfileId=self.ids["profile"],
            ConfigurationVersion=str(version),
            DeploymentStrategyId=self.ids["strategy"],
        )
        self.deployed[environment].append(version)


def spoil(events: list[dict[str, Any]], chance: random.Random) -> Iterator[list[dict[str, Any]]]:
    """Yield the batches in which events arrive: some never, some twice, none in order."""
    arriving = [event for event in events if chance.random() >= 0.2]
    arriving += [event for event in arriving if chance.random() < 0.3]
    chance.shuffle(arriving)
    while arriving:
        size = chance.randint(1, 6)
        yield arriving[:size]
        arriving = arriving[size:]


@contextmanager
def environment(values: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.delenv("AWS_SESSION_TOKEN", raising=False)
        for name, value in values.items():
            patch.setenv(name, value)
        yield


def play(seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[World, list[RecordedChange], list[Any]]:
    chance = random.Random(seed)
    with StandIn(start=START, seed=seed) as aws, environment(aws.environ(), monkeypatch):
        people = {"alice": aws.iam_user("alice"), "jane": aws.sso_user("jane@example.com")}
        world = World(aws, chance, people)
        world.prepare()
        application = bootstrap.application(Settings(database_url=f"sqlite:///{tmp_path}/{seed}.db"))
        application.reconcile().run()
        waiting: list[dict[str, Any]] = []
        for _ in range(STEPS):
            world.act()
            waiting += aws.drain()
            if chance.random() < 0.2:
                for batch in spoil(waiting, chance):
                    report = Ingest(application.recorder).run(unpack(batch))
                    assert report.complete, report.to_json()
                waiting = []
            if chance.random() < 0.05:
                assert application.reconcile().run().errors == ()
        last = application.reconcile().run()
        again = application.reconcile().run()
        assert (last.errors, again.recorded) == ((), 0), "a second look finds nothing new"
        with application.record.unit_of_work() as uow:
            history = list(uow.changes.query(HistoryQuery()))
            gaps = list(uow.gaps.all())
        application.record.close()
        return world, history, gaps


def parsed(value: str) -> Any:
    try:
        return json.loads(value)
    except ValueError:
        return value


@pytest.mark.parametrize("seed", SEEDS)
def test_the_record_equals_what_was_done(seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world, history, gaps = play(seed, tmp_path, monkeypatch)
    check_parameters(world, history, gaps)
    check_deployments(world, history)


def check_parameters(world: World, history: list[RecordedChange], gaps: list[Any]) -> None:
    written: dict[str, dict[int, dict[int, RecordedChange]]] = defaultdict(lambda: defaultdict(dict))
    for item in history:
        change = item.change
        if change.document.source != "ssm" or change.kind not in (ChangeKind.CREATED, ChangeKind.UPDATED):
            continue
        versions = written[change.document.name][change.life or 0]
        assert int(change.version_after or 0) not in versions, "a version is recorded once"
        versions[int(change.version_after or 0)] = item
    for name, lives in world.lives.items():
        seen = [life for life in lives if not life.ended or _was_seen(written[name], life)]
        assert len(written[name]) == len(seen), name
        for number, life in enumerate(seen, start=1):
            check_life(life, written[name][number])
    assert {gap.gap_class.value for gap in gaps} <= {"interval"}, "no version of a living parameter is missing"
    ended = {(gap.document.name, gap.life) for gap in gaps}
    deleted = {
        (i.change.document.name, i.change.life)
        for i in history
        if i.change.kind is ChangeKind.DELETED and i.change.life
    }
    assert deleted <= ended, "each end of a life has its interval"


def _was_seen(recorded: dict[int, dict[int, RecordedChange]], life: Life) -> bool:
    """Tell whether any look fell into a life: its first version's time is in the record."""
    return any(item.occurred_at == life.versions[0][1] for versions in recorded.values() for item in versions.values())


def check_life(life: Life, recorded: dict[int, RecordedChange]) -> None:
    """Compare one life: all of a living one, and of an ended one what could be read before its end."""
    before: Any = None
    highest = len(life.versions) if not life.ended else max(recorded)
    for number, (value, at, who) in enumerate(life.versions[:highest], start=1):
        after = parsed(value)
        if after == before:
            assert number not in recorded, "a write that changes nothing gives no change"
            continue
        item = recorded[number]
        assert (item.change.after and item.change.after.value) == after
        assert (item.change.before and item.change.before.value) == before
        assert item.occurred_at == at
        assert item.attribution.actor.name == ("alice" if who == "alice" else "jane@example.com")
        assert item.change.version_before == (str(number - 1) if number > 1 else None)
        before = after


def check_deployments(world: World, history: list[RecordedChange]) -> None:
    """Replay what was saved and deployed, and compare with the record flag by flag."""
    rows = [item.change for item in reversed(history) if item.change.document.source == "appconfig"]
    expected_saves = []
    before: dict[str, bool] = {}
    for number, flags in enumerate(world.saved, start=1):
        expected_saves += [
            (str(number), key) for key in sorted(before.keys() | flags.keys()) if before.get(key) != flags.get(key)
        ]
        before = flags
    saves = sorted((str(c.version_after), str(c.flag)) for c in rows if c.kind is ChangeKind.SAVED)
    assert saves == sorted(expected_saves)
    for environment, versions in world.deployed.items():
        live: dict[str, bool] = {}
        expected = []
        for number, version in enumerate(versions, start=1):
            flags = world.saved[version - 1]
            expected += [(number, key) for key in sorted(live.keys() | flags.keys()) if live.get(key) != flags.get(key)]
            live = flags
        deployed = sorted(
            (c.deployment.number, str(c.flag))
            for c in rows
            if c.kind is ChangeKind.DEPLOYED and c.environment == environment and c.deployment is not None
        )
        assert deployed == sorted(expected)
