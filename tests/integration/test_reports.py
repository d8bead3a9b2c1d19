"""Reports from a real record: the year in them, what is known of a flag's life, and that a past week comes out the same."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from auditor import bootstrap
from auditor.application.lives import code_history, year_of
from auditor.application.staleness import stale_flags
from auditor.domain.changes import AttributedChange, ChangeKind, DeploymentInfo
from auditor.domain.documents import DeploymentStep, DocumentRef, Snapshot
from auditor.domain.flags import FlagEntry, FlagId, FlagState
from auditor.domain.readings import Position
from auditor.domain.references import FlagSpec, ReferenceKind, ScanResult
from auditor.domain.snoozes import Snooze
from auditor.domain.times import rfc3339
from auditor.domain.verdicts import StaleRules, Verdict
from tests.support.alerts import PROFILE, deployed, reference
from tests.support.cli import flagtrail
from tests.support.pages import Page
from tests.support.records import by, change

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
RULES = StaleRules()


def ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


class Shop:
    """A record of a few flags over more than a year."""

    def __init__(self, folder: Path) -> None:
        self.url = f"sqlite:///{folder / 'flagtrail.db'}"
        self.database = bootstrap.database(self.url)
        self.number = 0

    def flag(self, name: str) -> DocumentRef:
        return DocumentRef("ssm", "111122223333", "eu-central-1", f"/shop/prod/features/{name}")

    def set(
        self,
        name: str,
        value: object,
        days: float,
        recorded: float | None = None,
        description: str | None = None,
        **fields: object,
    ) -> None:
        """Set a flag so many days ago."""
        self.number += 1
        number, document = self.number, self.flag(name)
        after = None if value is None else FlagState(value)  # type: ignore[arg-type]
        usual = {
            "document": document, "flag": name, "occurred_at": ago(days), "after": after, "summary": f"{name} set",
            "before": None, "version_after": str(number),
        }  # fmt: skip
        made = change(number, **{**usual, **fields})
        entries = {} if after is None else {"": FlagEntry(FlagId("shop", name), "prod", after)}
        metadata = {"description": f"owner=team-{number}" if description is None else description}
        at = ago(days if recorded is None else recorded)
        with self.database.unit_of_work() as uow:
            uow.documents.hold(document, 1, [Snapshot(str(number), number, ago(days), None, entries, metadata)], at)
            uow.changes.append(AttributedChange(made, by("dana")), at)
            uow.commit()

    def scan(self, days: float, *places: tuple[str, int], flag: str = "old") -> None:
        spec = FlagSpec(self.flag(flag).name, "ssm", "shop", "prod", name=f"shop/{flag}")
        found = tuple(reference(path, line, flag=spec, kind=ReferenceKind.READ) for path, line in places)
        with self.database.unit_of_work() as uow:
            uow.references.save("/shop", ScanResult(found, commit=f"c{days}"), ago(days))
            uow.commit()

    def year(self):
        with self.database.reader() as uow:
            return year_of(uow, RULES, NOW)


@pytest.fixture
def shop(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shop = Shop(tmp_path)
    shop.set("old", True, 500)
    shop.set("old", {"enabled": True, "rollout": 10}, 300)
    shop.set("old", True, 200)
    shop.set("gone", False, 250)
    shop.set("gone", None, 100, kind=ChangeKind.DELETED, version_after=None)
    shop.set("young", True, 5)
    shop.scan(30, ("a.py", 1), ("b.py", 2))
    shop.scan(3, ("a.py", 1))
    yield shop
    shop.database.close()


def test_the_last_week_of_the_year_is_what_the_verdicts_say(shop):
    with shop.database.reader() as uow:
        now = Counter(judgement.verdict for judgement in stale_flags(uow, RULES, NOW))
    points = shop.year().points

    assert len(points) == 53
    assert points[-1].at == NOW
    assert points[-1].counts == {verdict: now[verdict] for verdict in Verdict}
    assert (points[0].total, points[20].total, points[-5].total, points[-1].total) == (1, 2, 1, 2)


def test_what_can_go_could_not_before_it_was_scanned(shop):
    counts = [(point.at, point.counts[Verdict.REMOVE]) for point in shop.year().points]

    assert {count for at, count in counts if at < ago(30)} == {0}
    assert {count for at, count in counts if at > ago(30)} == {1}


def test_a_flags_year_is_its_states_by_environment_and_its_last_changes(shop):
    life = shop.year().lives[FlagId("shop", "old")]

    assert [(span.since, span.position) for span in life.spans["prod"]] == [
        (None, Position.ON),
        (ago(300), Position.BETWEEN),
        (ago(200), Position.ON),
    ]
    assert [moment.at for moment in life.recent] == [ago(200), ago(300), ago(500)]
    gone = shop.year().lives[FlagId("shop", "gone")]
    assert [span.position for span in gone.spans["prod"]] == [Position.OFF, Position.ABSENT]


def test_a_change_that_nothing_dates_counts_once_when_it_had_surely_happened(shop):
    between = (ago(50), ago(10))
    shop.set("undated", True, 50, recorded=10, occurred_at=None, occurred_between=between)
    life = shop.year().lives[FlagId("shop", "undated")]

    assert [span.since for span in life.spans["prod"]] == [ago(10)]
    assert len(life.recent) == 1


def test_what_others_depend_on_stays_until_they_go_and_a_name_may_be_superseded(shop):
    for name, description in (("base", ""), ("leaf", "requires=middle"), ("middle", "requires=base"), ("base-v2", "")):
        shop.set(name, True, 100, description=description)
    shop.scan(2, ("a.py", 1), flag="base")
    with shop.database.reader() as uow:
        alone = {j.facts.flag.key: j for j in stale_flags(uow, RULES, NOW)}
    shop.set("leaf", False, 3, description="requires=middle")
    with shop.database.reader() as uow:
        needed = {j.facts.flag.key: j for j in stale_flags(uow, RULES, NOW)}
    weeks = shop.year().points

    assert {alone[name].verdict for name in ("base", "middle", "leaf")} == {Verdict.REMOVE}
    assert "superseded" in {reason.code for reason in alone["base"].reasons}
    assert {needed[name].verdict for name in ("base", "middle", "leaf")} == {Verdict.KEEP}
    assert needed["base"].reasons[0].text == "shop/middle depends on it"
    assert weeks[-1].counts == {verdict: Counter(j.verdict for j in needed.values())[verdict] for verdict in Verdict}


def test_scans_that_found_something_else_are_told_with_what_came_and_went(shop):
    spec = FlagSpec(shop.flag("old").name, "ssm", "shop", "prod", name="shop/old")
    shop.scan(1, ("a.py", 1))
    with shop.database.reader() as uow:
        found = code_history(uow, [spec])

    assert [(one.at, sorted(one.places)) for one in found] == [(ago(3), ["a.py:1"]), (ago(30), ["a.py:1", "b.py:2"])]


def report(shop: Shop, name: str, *words: str, now: datetime = NOW, form: str = "html") -> str:
    out = f"page.{form}"
    told = ("report", *name.split(), "--out", out, "--now", rfc3339(now), "--database", shop.url, *words)
    answer = flagtrail(*told)
    assert (answer.status, answer.err) == (0, "")
    return Path(out).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "form", ["html", *(pytest.param(form, marks=pytest.mark.proof) for form in ("json", "md", "csv"))]
)
@pytest.mark.parametrize("name", ["stale", "history", "flag shop/old"])
def test_a_past_week_made_again_is_the_same_to_the_byte(shop, name, form):
    first = report(shop, name, form=form)
    shop.set("old", False, -1)
    shop.set("new", True, -2)
    shop.scan(-1)
    with shop.database.unit_of_work() as uow:
        uow.snoozes.add(Snooze(FlagId("shop", "old"), ago(-20), "later", "dana", ago(-1)))
        uow.commit()

    assert report(shop, name, form=form) == first
    assert report(shop, name, now=NOW + timedelta(days=3), form=form) != first


def test_the_page_shows_the_year_the_teams_and_each_flags_lanes(shop):
    report(shop, "stale")
    page = Page.of(Path("page.html"))

    assert "2 flags, 1 more than last week" in page.text
    assert "The last 52 weeks" in page.text
    assert "old set, dana" in page.text
    assert "team-3 (1)" in page.text
    labels = page.attributes("aria-label")
    assert f"on before that; between from {ago(300):%Y-%m-%d}; on from {ago(200):%Y-%m-%d}" in labels
    assert any(label.startswith("Flags each week from") and "2 now, of which 1 can go" in label for label in labels)


def test_the_flag_page_has_its_deployments_with_their_steps_and_what_scans_found(shop):
    steps = (DeploymentStep(ago(40), 20.0), DeploymentStep(ago(39), 100.0))
    shop.set(
        "old", True, 39, kind=ChangeKind.DEPLOYED, document=PROFILE, path="/old", deployment=DeploymentInfo(7, "COMPLETE", steps)
    )  # fmt: skip
    assert deployed().change.kind is ChangeKind.DEPLOYED
    report(shop, "flag shop/old")
    text = Page.of(Path("page.html")).text
    _, _, life = text.partition("Its life, newest first")

    assert "deployment 7, complete: 20 % at 12:00:00, 100 % at 12:00:00" in life
    assert life.index("1 place in code name it: 0 came, 1 went") < life.index("First scanned: 2 places in code name it")
    assert "\u2212 b.py:2" in life


def test_the_history_says_whether_the_record_is_what_was_sealed(shop):
    now = flagtrail("report", "history", "--out", "page.html", "--database", shop.url)
    unsealed = Path("page.html").read_text()
    flagtrail("seal", "--database", shop.url)
    flagtrail("report", "history", "--out", "page.html", "--database", shop.url)
    sealed = Page.of(Path("page.html")).text

    assert now.status == 0
    assert "Nothing was sealed yet" in unsealed
    assert "Could not check" in sealed, "nothing is signed here"
    assert "not checked" in report(shop, "history")


def test_the_same_data_is_written_for_programs(shop):
    whole = json.loads(report(shop, "stale", form="json"))

    assert len(whole["weeks"]) == 53
    assert whole["remove"] == whole["weeks"][-1]["remove"] == 1


def removed(shop):
    with shop.database.reader() as uow:
        (judged,) = (one for one in stale_flags(uow, RULES, NOW) if one.facts.flag.key == "old")
    return [(one.value, one.as_of) for one in judged.evidence if one.signal == "removed from code"]


def test_a_verdict_names_the_commit_that_no_longer_had_the_last_use(shop):
    assert removed(shop) == []  # a use is left

    shop.scan(2)

    last, former = removed(shop)
    assert last == (f"a.py:1 removed by commit c2, {ago(2):%Y-%m-%d}", ago(2))
    assert former == (f"b.py:2 removed by commit c3, {ago(3):%Y-%m-%d}", ago(3))


def test_a_scan_that_could_not_read_every_file_removes_nothing(shop):
    with shop.database.unit_of_work() as uow:
        uow.references.save("/shop", ScanResult(complete=False, commit="broken"), ago(2))
        uow.commit()

    assert [as_of for _, as_of in removed(shop)] == [ago(3)]


def test_many_places_that_went_at_once_are_counted(shop):
    shop.scan(2, *((f"p{n}.py", n) for n in range(1, 6)))
    shop.scan(1)

    assert removed(shop)[0][0].startswith("p1.py:1, p2.py:2, p3.py:3 and 2 more removed by commit c1, ")


def test_the_flag_page_names_the_commits_where_places_came_and_went(shop):
    shop.scan(2)
    with shop.database.unit_of_work() as uow:
        uow.references.save("/till", ScanResult(complete=False, commit=None), ago(1))
        spec = FlagSpec(shop.flag("old").name, "ssm", "shop", "prod", name="shop/old")
        uow.references.save("/till", ScanResult((reference("c.py", 9, flag=spec),), complete=False), ago(0.5))
        uow.commit()

    told = report(shop, "flag shop/old", form="md").replace("\\", "")
    page = report(shop, "flag shop/old")

    assert "1 place in code name it: 0 came, 1 went (commit c3)" in told
    assert "First scanned: 2 places in code name it (commit c30)" in told
    assert "0 places in code name it: 0 came, 1 went (commit c2)" in told
    assert "1 place in code name it: 1 came, 0 not seen, but not every file was read" in told
    assert "a.py:1 removed by commit c2" not in page  # the other repository uses it


def test_the_flag_page_shows_the_commit_that_removed_the_last_use(shop):
    shop.scan(2)

    assert "a.py:1 removed by commit c2" in report(shop, "flag shop/old")
