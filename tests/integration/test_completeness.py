"""The law of the record: whatever is lost, doubled or shuffled on the way, the record equals what was done.

A random history of fifty flags in three environments is made with boto3 calls on the stand-in. Of its events a fifth is
dropped, a third doubled, some come late, all are shuffled and arrive in random batches; reconcile runs at random times.
What a store still told at one of those looks is in the record once, as it was; what it did not tell any more is named
as a gap, and nothing else is.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from auditor import bootstrap
from auditor.application.envelopes import CLOUDTRAIL_CALL as CLOUDTRAIL
from auditor.application.envelopes import unpack
from auditor.application.ingest import Ingest
from auditor.application.policing import Policing
from auditor.application.ports import HistoryQuery
from auditor.application.reconcile import Reconcile
from auditor.application.recording import Recorder
from auditor.domain.changes import ChangeKind, Gap, GapClass, RecordedChange
from auditor.domain.documents import DocumentRef
from auditor.domain.times import parse_rfc3339
from auditor.settings import DEFAULT_SOURCES, Settings, SourceSettings
from examples.standin import StandIn
from tests.conftest import PROOF
from tests.support.aws import Account
from tests.support.random_history import (
    ENVIRONMENTS,
    MOST_VERSIONS,
    Items,
    Life,
    Objects,
    Parameters,
    Profile,
    World,
    Write,
    key_of,
)
from tests.support.recording import TABLE

START = datetime(2026, 9, 1, 8, tzinfo=UTC)
SEEDS, STEPS = (range(200), 80) if PROOF else (range(2), 40)
FILES = "{application}/{environment}/flags.json"
SOURCES = (
    *DEFAULT_SOURCES,
    TABLE,
    SourceSettings("s3", "kept", bucket="kept", key=FILES),
    SourceSettings("s3", "bare", bucket="bare", key=FILES),
)
WRITTEN = (ChangeKind.CREATED, ChangeKind.UPDATED, ChangeKind.DELETED)


@dataclass
class Story:
    """What was done, who looked when, which events came, and what the record says of all that."""

    world: World
    parameters: Parameters
    profile: Profile
    items: Items
    kept: Objects
    bare: Objects
    looks: list[datetime] = field(default_factory=list)
    arrived: list[tuple[datetime, dict[str, Any]]] = field(default_factory=list)
    rows: list[RecordedChange] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    held: dict[tuple[str, int], set[str]] = field(default_factory=dict)
    labels: dict[str, Mapping[str, str]] = field(default_factory=dict)

    def act(self) -> None:
        """Do one random thing."""
        self.world.account.advance(seconds=self.world.chance.randint(31, 4000))
        part = self.world.chance.choice([*[self.parameters] * 3, *[self.profile] * 3, self.items, self.kept, self.bare])
        self.world.chance.choice(part.acts())()

    def events(self) -> list[dict[str, Any]]:
        """Return what AWS would have delivered since the last time."""
        account, table = self.world.account, self.items.table
        parts = [account.aws.drain(), table.records(), table.data_events()]
        return [
            dict(event) for part in [*parts, self.kept.bucket.events(), self.bare.bucket.events()] for event in part
        ]

    def rows_of(self, source: str, name: str | None = None, *kinds: ChangeKind) -> list[RecordedChange]:
        """Return rows of a store, or of a document, oldest first."""
        return [
            row
            for row in self.rows
            if row.change.document.source == source
            and name in (None, row.change.document.name)
            and (not kinds or row.change.kind in kinds)
        ]

    def gaps_of(self, source: str, name: str, gap_class: GapClass, life: int | None = None) -> list[Gap]:
        """Return the gaps of a document."""
        return [
            gap
            for gap in self.gaps
            if (gap.document.source, gap.document.name, gap.gap_class) == (source, name, gap_class)
            and life in (None, gap.life)
        ]

    def arrivals(self, source: str, about: Callable[[Any], bool]) -> list[datetime]:
        """Return when events of a store's own came for the first time that are about a document."""
        first: dict[str, datetime] = {}
        for at, event in self.arrived:
            if event.get("source") == source and event["detail-type"] != CLOUDTRAIL and about(event["detail"]):
                first.setdefault(event["id"], at)
        return list(first.values())

    def looked(self, name: str, life: Life) -> list[datetime]:
        """Return when somebody surely looked at a parameter while it lived."""
        looks = [*self.looks, *self.arrivals("aws.ssm", lambda detail: detail.get("name") == name)]
        return sorted(look for look in looks if life.lasted(look))


class Post:
    """Carries events: some never, some twice, some late, none in order."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._late: list[dict[str, Any]] = []

    def batches(self, events: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
        """Yield the batches in which these events arrive, and those that were late the last times."""
        chance = self._chance
        sent = [event for event in events if chance.random() >= 0.2]
        sent += [*self._late, *[event for event in sent if chance.random() < 0.3]]
        self._late = [event for event in sent if chance.random() < 0.2]
        arriving = [event for event in sent if event not in self._late]
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


@dataclass
class Player:
    """Makes a history, lets its events arrive as they do, and looks at times."""

    story: Story
    recorder: Recorder
    chance: random.Random
    post: Post

    def look(self) -> int:
        """Reconcile, and return how many changes that found."""
        report = Reconcile(self.recorder).run()
        assert report.errors == ()
        self.story.looks.append(self.story.world.now)
        return report.recorded

    def deliver(self) -> None:
        """Let the events arrive that were sent since the last time."""
        for batch in self.post.batches(self.story.events()):
            report = Ingest(self.recorder).run(unpack(batch))
            assert report.complete, report.to_json()
            self.story.arrived += [(self.story.world.now, event) for event in batch]

    def play(self, overflow: int | None) -> None:
        """Do it all; at one step a parameter may be written too often to be kept whole."""
        self.look()
        for step in range(STEPS):
            self.story.act()
            if step == overflow:
                self.story.parameters.overflow()
            if self.chance.random() < 0.2:
                self.deliver()
            if self.chance.random() < 0.05:
                self.look()
        self.look()
        assert self.look() == 0, "a second look finds nothing new"


def play(seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Story:
    """Play a history of this seed, and return all of it with what the record says."""
    chance = random.Random(seed)
    with StandIn(start=START, seed=seed) as aws, environment(aws.environ(), monkeypatch):
        account = Account(aws, aws.account)
        people = {"alice": account.writer, "jane@example.com": aws.sso_user("jane@example.com")}
        world = World(account, chance, people)
        story = Story(
            world, Parameters(world), Profile(world), Items(world), Objects(world, True), Objects(world, False)
        )
        application = bootstrap.application(Settings(database_url=f"sqlite:///{tmp_path}/{seed}.db", sources=SOURCES))
        # What policies say of a change alters nothing that is recorded of it.
        recorder = replace(application.recorder, clock=aws, policies=Policing())
        Player(story, recorder, chance, Post(chance)).play(chance.randrange(STEPS) if seed % 5 == 0 else None)
        with application.record.unit_of_work() as uow:
            story.rows = sorted(uow.changes.query(HistoryQuery()), key=lambda row: row.seq)
            story.gaps = list(uow.gaps.all())
            for scope in {scope for source in recorder.sources.values() for scope in source.scopes()}:
                for document, held in uow.documents.held_in(scope).items():
                    story.labels[document.name] = held.labels if held.alive else {}
            story.held = versions_held(uow, story)
        application.record.close()
        return story


def versions_held(uow: Any, story: Story) -> dict[tuple[str, int], set[str]]:
    """Return which numbered versions the record holds, by document and life."""
    account, found = story.world.account, dict[tuple[str, int], set[str]]()

    def keep(source: str, name: str, life: int, most: int) -> None:
        document = DocumentRef(source, account.number, account.region, name)
        numbers = map(str, range(1, most + 1))
        found[name, life] = {number for number in numbers if uow.documents.version(document, number, life) is not None}

    for name, lives in story.parameters.lives.items():
        for life in range(1, len(lives) + 1):
            keep("ssm", name, life, max(len(one.writes) for one in lives))
    keep("appconfig", profile_of(story), 1, len(story.profile.saved))
    return found


def profile_of(story: Story) -> str:
    return f"{story.profile.application}/{story.profile.profile}"


@pytest.mark.parametrize("seed", SEEDS)
def test_the_record_equals_what_was_done(seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    story = play(seed, tmp_path, monkeypatch)
    check_parameters(story)
    check_labels(story)
    check_saves(story)
    check_deployments(story)
    check_items(story)
    check_files(story, story.kept)
    check_files(story, story.bare)
    assert len({row.change.key for row in story.rows}) == len(story.rows), "each change is recorded once"


def describe(row: RecordedChange) -> tuple[Any, ...]:
    """Return what a failed comparison needs to show of a row."""
    change = row.change
    before, after = change.before and change.before.value, change.after and change.after.value
    return row.seq, change.kind, row.occurred_at, change.occurred_between, before, after, change.version_after


def interval(gap: Gap) -> tuple[datetime, datetime]:
    return parse_rfc3339(gap.first), parse_rfc3339(gap.last)


def covered(moment: datetime, gaps: Iterable[Gap]) -> bool:
    """Tell whether a gap names this moment; times are told to the second at worst."""
    return any(first <= moment <= last for first, last in map(interval, gaps))


def happened(row: RecordedChange, moment: datetime) -> bool:
    """Tell whether a row says that it happened at this moment, as precisely as it says it."""
    if row.occurred_at is not None:
        return row.occurred_at == moment
    assert row.change.occurred_between is not None
    after, before = row.change.occurred_between
    return (after is None or after <= moment) and moment <= before


def check_actor(row: RecordedChange, who: str) -> None:
    """A wrong name is worse than none."""
    assert not row.attribution.attributed or row.attribution.actor.name == who, describe(row)


def runs(numbers: Iterable[int]) -> list[tuple[str, str]]:
    """Return numbers as ranges, both ends inclusive."""
    ranges: list[tuple[int, int]] = []
    for number in sorted(numbers):
        if ranges and ranges[-1][1] == number - 1:
            ranges[-1] = (ranges[-1][0], number)
        else:
            ranges.append((number, number))
    return [(str(first), str(last)) for first, last in ranges]


# Parameters


def check_parameters(story: Story) -> None:
    for name, lives in story.parameters.lives.items():
        seen = 0
        for life in lives:
            if story.looked(name, life) or _is_recorded(story, name, life):
                seen += 1
                check_life(story, name, seen, life)
            else:
                check_unseen_life(story, name, life)
        told = {row.change.life for row in story.rows_of("ssm", name, *WRITTEN)}
        assert told == set(range(1, seen + 1)), (name, told)


def _is_recorded(story: Story, name: str, life: Life) -> bool:
    """Tell whether a look fell into a life that did not have to: by when its versions were written."""
    dates = {(str(number), write.at) for number, write in enumerate(life.writes, start=1)}
    return any((row.change.version_after, row.occurred_at) in dates for row in story.rows_of("ssm", name))


def check_life(story: Story, name: str, number: int, life: Life) -> None:
    held = {int(version) for version in story.held[name, number]}
    looked = [life.before(look) for look in story.looked(name, life)]
    readable = {v for newest in looked for v in range(max(1, newest - MOST_VERSIONS + 1), newest + 1)}
    assert readable <= held <= set(range(1, len(life.writes) + 1)), name
    if life.ended is None:
        assert max(held) == len(life.writes), name
    lost = set(range(1, max(held) + 1)) - held
    gaps = story.gaps_of("ssm", name, GapClass.VERSION, number)
    assert [(gap.first, gap.last) for gap in gaps] == runs(lost), name
    check_versions(story, name, number, life, sorted(held))
    check_end(story, name, number, life, held)


def check_versions(story: Story, name: str, number: int, life: Life, held: list[int]) -> None:
    rows = {int(row.change.version_after or 0): row for row in story.rows_of("ssm", name, ChangeKind.CREATED, ChangeKind.UPDATED)
            if row.change.life == number}  # fmt: skip
    before: Any = None
    for version in held:
        write = life.writes[version - 1]
        if write.says == before:
            assert version not in rows, "a write that changes nothing gives no change"
            continue
        row = rows.pop(version)
        assert (row.change.after and row.change.after.value) == write.says
        assert (row.change.before and row.change.before.value) == before
        assert row.occurred_at == write.at
        assert row.attribution.actor.name == write.who
        assert row.change.version_before == (str(version - 1) if version > 1 else None)
        before = write.says
    assert rows == {}, "a change that nobody made"


def check_end(story: Story, name: str, number: int, life: Life, held: set[int]) -> None:
    ends = [row for row in story.rows_of("ssm", name, ChangeKind.DELETED) if row.change.life == number]
    gaps = [gap for gap in story.gaps_of("ssm", name, GapClass.INTERVAL, number) if "deleted" in gap.reason]
    if life.ended is None:
        assert (ends, gaps) == ([], []), name
        return
    (end,), (gap,) = ends, gaps
    assert happened(end, life.ended), name
    check_actor(end, "alice") if end.attribution.actor.name == "alice" else None
    first, last = interval(gap)
    assert first <= life.ended <= last, name
    assert all(covered(write.at, gaps) for n, write in enumerate(life.writes, 1) if n > max(held)), name
    assert first >= max(story.looked(name, life), default=first), "the interval begins with the last look"
    after = [look for look in story.looks if look >= life.ended]
    assert last <= after[0], "the interval ends with the next look"


def check_unseen_life(story: Story, name: str, life: Life) -> None:
    """A life that nobody looked into is named if any event told of it after it was over."""
    assert life.ended is not None, name
    gaps = story.gaps_of("ssm", name, GapClass.INTERVAL)
    for at, event in story.arrived:
        if event.get("source") == "aws.ssm" and event["detail"].get("name") == name and at >= life.ended:
            told = parse_rfc3339(event["time"])
            if event["detail"]["operation"] in ("Create", "Update") and life.lasted(told):
                assert covered(told, gaps), name


# Labels


def check_labels(story: Story) -> None:
    for name, lives in story.parameters.lives.items():
        alive = lives[-1].ended is None
        assert story.labels.get(name, {}) == (story.parameters.labels(name) if alive else {}), name
    moves = {(move.parameter, move.label, move.version, move.at) for move in story.parameters.moves}
    rows = story.rows_of("ssm", None, ChangeKind.LABEL_MOVED)
    for _, event in story.arrived:
        if event.get("source") == "aws.ssm" and event["detail"].get("operation") == "LabelParameterVersion":
            check_told_move(story, rows, event)
    for row in rows:
        change = row.change
        named = (change.document.name, change.label, change.version_after)
        assert any(move[:3] == named and happened(row, move[3]) for move in moves), row.change.summary


def check_told_move(story: Story, rows: Iterable[RecordedChange], event: Mapping[str, Any]) -> None:
    """A move that an event told of is recorded, or lies in an interval, or moved nothing."""
    detail, at = event["detail"], parse_rfc3339(event["time"])
    name, to = detail["name"], (detail["label"], detail["toVersion"])
    recorded = any(
        row.change.document.name == name and (row.change.label, row.change.version_after) == to and happened(row, at)
        for row in rows
    )
    assert (
        recorded
        or detail["fromVersion"] == detail["toVersion"]
        or covered(at, story.gaps_of("ssm", name, GapClass.INTERVAL))
    ), (name, detail)


# The profile: versions, and what is live


def check_saves(story: Story) -> None:
    saved, name = story.profile.saved, profile_of(story)
    held = {int(version) for version in story.held[name, 1]}
    for number, write in enumerate(saved, start=1):
        gone = story.profile.removed.get(number)
        seen = any(write.at <= look and (gone is None or look < gone) for look in story.looks)
        assert number in held or not seen, number
    lost = set(range(1, max(held, default=0) + 1)) - held
    gaps = story.gaps_of("appconfig", name, GapClass.VERSION)
    assert [(gap.first, gap.last) for gap in gaps] == runs(lost)
    assert story.gaps_of("appconfig", name, GapClass.INTERVAL) == []
    expected = []
    before: dict[str, bool] = {}
    for number in sorted(held):
        flags = saved[number - 1].says
        expected += [
            (str(number), key) for key in sorted(before.keys() | flags.keys()) if before.get(key) != flags.get(key)
        ]
        before = flags
    rows = story.rows_of("appconfig", name, ChangeKind.SAVED)
    assert sorted((str(row.change.version_after), str(row.change.flag)) for row in rows) == sorted(expected)
    for row in rows:
        number = int(row.change.version_after or 0)
        since = max((version for version in held if version < number), default=0)
        # A flag may bear the date of a version in between, which nobody could read.
        made = [write for write in saved[since:number] if happened(row, write.at)]
        assert made, describe(row)
        assert not row.attribution.attributed or row.attribution.actor.name in {write.who for write in made}
        write = saved[number - 1]
        assert (row.change.after is not None and enabled(row.change.after)) == write.says.get(row.change.flag, False)


def enabled(state: Any) -> Any:
    return state.value["enabled"]


def check_deployments(story: Story) -> None:
    """Replay what was deployed, stopped and reverted, and compare with the record flag by flag."""
    now = story.world.now
    for place in ENVIRONMENTS:
        live: dict[str, bool] = {}
        replaced: dict[int, dict[str, bool]] = {}
        expected = set()
        for one in story.profile.rollouts[place]:
            shown = story.profile.saved[one.version - 1].says
            if one.completed(now):
                replaced[one.number] = live
                expected |= differing(one.number, ChangeKind.DEPLOYED, one.completes, live, shown)
                live = shown
            if one.rolled_back is not None and one.rolled_back <= now:
                expected |= differing(one.number, ChangeKind.ROLLED_BACK, one.rolled_back, shown, live)
            if one.reverted is not None:
                expected |= differing(one.number, ChangeKind.ROLLED_BACK, one.reverted, shown, replaced[one.number])
                live = replaced[one.number]
        rows = [row for row in story.rows_of("appconfig") if row.change.environment == place and row.change.deployment]
        assert {told(row) for row in rows} == expected, place
        assert len(rows) == len(expected), "each change of what is live is recorded once"


Told = tuple[int, ChangeKind, datetime | None, str, bool | None, bool | None]


def differing(
    number: int, kind: ChangeKind, at: datetime, before: Mapping[str, bool], after: Mapping[str, bool]
) -> set[Told]:
    keys = [key for key in before.keys() | after.keys() if before.get(key) != after.get(key)]
    return {(number, kind, at, key, before.get(key), after.get(key)) for key in keys}


def told(row: RecordedChange) -> Told:
    change = row.change
    assert change.deployment is not None
    before = None if change.before is None else enabled(change.before)
    after = None if change.after is None else enabled(change.after)
    return change.deployment.number, change.kind, row.occurred_at, str(change.flag), before, after


# Stores that keep no versions, and files that have some


def check_items(story: Story) -> None:
    arrived = set()
    for _, event in story.arrived:
        if event.get("eventSource") == "aws:dynamodb":
            keys, created = event["dynamodb"]["Keys"], event["dynamodb"]["ApproximateCreationDateTime"]
            arrived.add((f"pk={keys['pk']['S']}&sk={keys['sk']['S']}", datetime.fromtimestamp(created, UTC)))
    for (place, flag), writes in story.items.writes.items():
        name = f"pk=shop#{place}&sk={flag}"
        document = f"{story.items.table.name}/{name}"
        images = {number for number, write in enumerate(writes) if (name, write.at) in arrived}
        rows = story.rows_of("dynamodb", document, *WRITTEN)
        for number in images:
            mine = [row for row in rows if row.occurred_at == writes[number].at]
            assert len(mine) == 1, (document, writes[number], [describe(row) for row in rows])
        observed = images | {number - 1 for number in images} | seen_at(writes, story.looks)
        check_replay(story, rows, "", writes, story.looks)
        check_unseen(story, "dynamodb", document, writes, observed, story.looks)


def check_files(story: Story, files: Objects) -> None:
    for place, writes in files.writes.items():
        document = f"{files.bucket.name}/{key_of(place)}"
        came = story.arrivals("aws.s3", partial(is_about, files.bucket.name, key_of(place)))
        looks = sorted([*story.looks, *came])
        rows = story.rows_of("s3", document, *WRITTEN)
        for key in files.flags:
            mine = [replace(write, says=(write.says or {}).get(key)) for write in writes]
            check_replay(story, rows, f"/{key}", mine, [write.at for write in writes] if files.versioned else looks)
        if files.versioned:
            assert (
                story.gaps_of("s3", document, GapClass.VERSION) + story.gaps_of("s3", document, GapClass.INTERVAL) == []
            )
            assert all(row.occurred_at is not None for row in rows)
        else:
            # Of what was never held nothing tells that somebody looked in vain.
            held_from = min((at for row in rows if (at := row.occurred_at) is not None), default=story.world.now)
            sure = [look for look in looks if look in story.looks or look >= held_from]
            check_unseen(story, "s3", document, writes, seen_at(writes, looks), sure)


def is_about(bucket: str, key: str, detail: Mapping[str, Any]) -> bool:
    return (detail["bucket"]["name"], detail["object"]["key"]) == (bucket, key)


def check_replay(
    story: Story, rows: Iterable[RecordedChange], path: str, writes: list[Write], looks: Iterable[datetime]
) -> None:
    """What the rows tell is what was written, and at every look just what the store said."""
    mine = [row for row in rows if row.change.path == path]
    for row in mine:
        says = None if row.change.after is None else row.change.after.value
        made = [write for write in writes if write.says == says and happened(row, write.at)]
        assert made, (row.change.summary, row.occurred_at, row.change.occurred_between)
        if row.occurred_at is not None:
            check_actor(row, made[0].who)
    mine.sort(key=lambda row: (row.occurred_at or (row.change.occurred_between or (None, START))[1], row.seq))
    for look in looks:
        there = [write.says for write in writes if write.at <= look]
        told = [row for row in mine if (row.occurred_at or (row.change.occurred_between or (None, START))[1]) <= look]
        after = told[-1].change.after.value if told and told[-1].change.after is not None else None
        assert after == (there[-1] if there else None), (path, look)


def seen_at(writes: list[Write], looks: Iterable[datetime]) -> set[int]:
    """Return which writes were the newest at any look."""
    return {sum(write.at <= look for write in writes) - 1 for look in looks}


def check_unseen(
    story: Story, source: str, name: str, writes: list[Write], observed: set[int], looks: Iterable[datetime]
) -> None:
    """What came and went unseen lies in an interval, unless it left things as they were; each interval has a cause."""
    gaps = story.gaps_of(source, name, GapClass.INTERVAL)
    unseen = [number for number in range(len(writes)) if number not in observed]
    for number in unseen:
        before = max((one for one in observed if one < number), default=-1)
        after = min(one for one in observed if one > number)
        if (writes[before].says if before >= 0 else None) != writes[after].says:
            assert covered(writes[number].at, gaps), (name, writes[number], gaps)
    for first, last in map(interval, gaps):
        assert not any(first < look < last for look in looks), (name, first, last)
