"""What was kept of earlier scans saves work and changes no result, whatever happens to the files in between."""

from __future__ import annotations

import os
import random
import signal
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from auditor.domain.references import EVERY_REQUEST, FlagSpec, ScanResult
from auditor.domain.scan_options import ScanOptions
from scanners import cached, engine, parsed
from scanners.beside import Looking
from scanners.cache import Cache, open_cache
from scanners.languages.python import following
from tests.support.scan_cases import Case, read_cases

pytestmark = pytest.mark.usefixtures("large")
CASES = [case for case in read_cases() if len(case.files) > 1 and all(path.endswith(".py") for path in case.files)]
TOGETHER = 12


@pytest.fixture
def large(monkeypatch) -> None:
    """Every tree is followed file by file, as only large ones are."""
    monkeypatch.setattr(engine, "_SMALL_PROJECT", -1)


@pytest.fixture
def cache(tmp_path) -> Cache:
    made = open_cache(tmp_path / "cache")
    assert made is not None
    return made


class Repository:
    """Several cases side by side in one tree, and what can happen to it."""

    def __init__(self, root: Path, cases: list[Case], chance: random.Random) -> None:
        self.root, self.chance, self.number = root, chance, 0
        self.flags = list(dict.fromkeys(flag for case in cases for flag in case.flags))
        options = [case.options for case in cases]
        self.options = ScanOptions(
            accessors=tuple(one for each in options for one in each.accessors),
            overrides=tuple(one for each in options for one in each.overrides),
            models=tuple(one for each in options for one in each.models),
            workers=2,
        )
        for number, case in enumerate(cases):
            for path, lines in case.files.items():
                self.write(root / f"part{number}" / path, "\n".join(lines) + "\n")

    def write(self, place: Path, text: str) -> None:
        """Write a file that is old already: a young one is only read again."""
        self.number += 1
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
        os.utime(place, ns=(self.number, self.number))

    @property
    def files(self) -> list[Path]:
        return sorted(self.root.rglob("*.py"))

    def edit(self) -> str:
        """Do one of the things that people do to a file."""
        file = self.chance.choice(self.files)
        what = self.chance.choice([self.append, self.drop, self.copy, self.rename, self.remove, self.swap, self.take])
        what(file)
        return f"{what.__name__} {file.relative_to(self.root)}"

    def append(self, file: Path) -> None:
        self.write(file, f"{file.read_text()}\nADDED = {self.chance.choice(self.flags).key!r}\n")

    def drop(self, file: Path) -> None:
        lines = file.read_text().splitlines(keepends=True)
        begin = self.chance.randrange(len(lines) + 1)
        self.write(file, "".join(lines[:begin]))

    def copy(self, file: Path) -> None:
        self.write(self.chance.choice(self.files).with_name(f"copy_{self.number}.py"), file.read_text())

    def rename(self, file: Path) -> None:
        file.rename(file.with_name(self.chance.choice(["keys.py", "flags.py", "__init__.py", f"n{self.number}.py"])))

    def remove(self, file: Path) -> None:
        file.unlink()

    def swap(self, file: Path) -> None:
        one, other = self.chance.choice(self.flags).key, self.chance.choice(self.flags).key
        self.write(file, file.read_text().replace(one, other))

    def take(self, file: Path) -> None:
        other = self.chance.choice(self.files)
        self.write(file, f"from {other.stem} import *\n{file.read_text()}")

    def scan(self, cache: Cache | None, **options: object) -> ScanResult:
        wanted = replace(self.options, **options)
        return cached.scan([str(self.root)], self.flags, wanted, None, cache)


def edited(tmp_path: Path, seed: int, steps: int) -> Iterator[tuple[str, Repository]]:
    chance = random.Random(seed)
    repository = Repository(tmp_path / "tree", chance.sample(CASES, TOGETHER), chance)
    yield "as it was", repository
    for _ in range(steps):
        yield ", ".join(repository.edit() for _ in range(chance.choice([1, 1, 3]))), repository


@pytest.mark.parametrize("seed", range(3))
def test_a_scan_with_a_cache_gives_what_one_without_gives(tmp_path, cache, seed):
    for what, repository in edited(tmp_path, seed, 4):
        assert repository.scan(cache) == repository.scan(None, workers=1), what


@pytest.mark.proof
@pytest.mark.parametrize("seed", range(100, 160))
def test_a_scan_with_a_cache_gives_what_one_without_gives_after_many_edits(tmp_path, cache, seed):
    for what, repository in edited(tmp_path, seed, 12):
        assert repository.scan(cache) == repository.scan(None, workers=1), what


FLAGS = [FlagSpec("/shop/prod/features/new-checkout", "ssm"), FlagSpec("gift-wrap", "launchdarkly")]
FILES = {
    "shop/__init__.py": "",
    "shop/keys.py": 'CHECKOUT = "/shop/prod/features/new-checkout"\n',
    "shop/store.py": "import boto3\ndef value(name):\n    return boto3.client('ssm').get_parameter(Name=name)\n",
    "shop/cart.py": "from shop.keys import CHECKOUT\nfrom shop.store import value\ntotal = value(CHECKOUT)\n",
    "shop/other.py": "def wrap(client):\n    return client.variation('gift-wrap', {}, False)\n",
    "shop/none.py": "def nothing(a):\n    return a\n",
}


@pytest.fixture
def shop(tmp_path) -> Repository:
    made = Repository(tmp_path / "tree", [], random.Random(1))
    made.flags = FLAGS
    for path, text in FILES.items():
        made.write(made.root / path, text)
    return made


class Here:
    """Does the work of a crew in this process."""

    def __init__(self, work, *_):
        self.work, self.told, self.seconds = work, None, 1.0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None

    def hear(self, news):
        self.work.hear(news)

    def all(self, jobs):
        parsed.ask = self.told or parsed.ask
        return [(number, self.work(job)) for number, job in enumerate(jobs)]

    def surely(self, jobs, _few=0):
        return self.all(jobs)

    def one(self, job):
        return self.work(job)


@pytest.fixture
def followed(monkeypatch) -> list[str]:
    """The files that are followed, in order; in this process, so that they can be seen."""
    seen: list[str] = []
    follow = following.follow_file

    def noted(project, world, path):
        seen.append(path)
        return follow(project, world, path)

    monkeypatch.setattr(engine, "follow_file", noted)
    monkeypatch.setattr(parsed, "ask", parsed.ask)
    monkeypatch.setattr(engine, "Crew", Here)
    return seen


def reads(result: ScanResult) -> set[tuple[str, int, str]]:
    return {(one.path, one.line, one.flag.key) for one in result.references if one.kind.value == "read"}


def test_only_files_that_reach_a_changed_one_are_followed_again(shop, cache, followed):
    first = shop.scan(cache)
    assert reads(first) == {("shop/cart.py", 3, FLAGS[0].key), ("shop/other.py", 2, "gift-wrap")}
    assert set(followed) == {"shop/keys.py", "shop/store.py", "shop/cart.py", "shop/other.py"}

    followed.clear()
    shop.write(shop.root / "shop/store.py", "\n" + FILES["shop/store.py"])
    assert reads(shop.scan(cache)) == reads(first)
    assert set(followed) == {"shop/store.py", "shop/cart.py"}

    followed.clear()
    shop.write(shop.root / "shop/none.py", "def nothing(a):\n    return a + 1\n")
    shop.scan(cache)
    assert not followed


def test_what_the_code_around_a_read_says_holds_only_as_long_as_that_code_is_the_same(shop, cache, monkeypatch):
    store = "import boto3\n\ndef value(name):\n    return boto3.client('ssm').get_parameter(Name=name)\n"
    shop.write(shop.root / "shop/store.py", store)
    shop.write(
        shop.root / "shop/page.py",
        "from shop.keys import CHECKOUT\nfrom shop.store import value\n\n@app.get('/')\ndef page():\n"
        "    # flag owner: team-cart, expires: 2027-01-01\n    return value(CHECKOUT)\n",
    )

    def page(result: ScanResult) -> bool:
        [read] = [one for one in result.references if one.path == "shop/page.py" and one.line == 7]
        return any(step.startswith(EVERY_REQUEST) for step in read.resolution)

    assert page(shop.scan(cache))
    # Nothing is looked at again where nothing that was looked at changed.
    looked = []
    look = Looking.__call__
    monkeypatch.setattr(Looking, "__call__", lambda self, group: looked.append(group) or look(self, group))
    shop.write(shop.root / "shop/none.py", "def nothing(a):\n    return a + 1\n")
    assert page(shop.scan(cache))
    assert not looked
    # The way to the store may end before it now, in a file other than that of the read.
    shop.write(
        shop.root / "shop/store.py",
        store.replace("    return", "    if name in KEPT:\n        return KEPT[name]\n    return"),
    )
    assert not page(shop.scan(cache))
    assert shop.scan(cache) == shop.scan(None, workers=1)


def test_another_settings_module_counts_where_settings_are_asked_of_the_framework(shop, cache):
    shop.write(
        shop.root / "shop/views.py",
        "import boto3\nfrom django.conf import settings\n\ndef view():\n"
        "    return boto3.client('ssm').get_parameter(Name=settings.CHECKOUT_NAME)\n",
    )
    shop.write(shop.root / "shop/settings.py", f"CHECKOUT_NAME = {FLAGS[0].key!r}\n")
    assert ("shop/views.py", 5, FLAGS[0].key) in reads(shop.scan(cache))
    shop.write(shop.root / "other/settings.py", f"CHECKOUT_NAME = {FLAGS[0].key!r}\n")
    assert shop.scan(cache) == shop.scan(None, workers=1)
    (shop.root / "other/settings.py").unlink()
    assert shop.scan(cache) == shop.scan(None, workers=1)


def test_a_file_that_only_a_later_round_told_of_comes_as_late_in_the_next_scan(shop, cache, followed):
    shop.write(
        shop.root / "shop/late.py",
        "# a reader is named in prose only: get_parameter\nfrom shop.other import wrap\n\ndef gift():\n    return wrap(None)\n",
    )
    shop.write(shop.root / "shop/cart.py", "from shop.late import gift\n" + FILES["shop/cart.py"] + "gift()\n")
    lone = f"import boto3\nx = boto3.client('ssm').get_parameter(Name={FLAGS[0].key!r})\n"
    shop.write(shop.root / "shop/lone.py", lone)
    shop.scan(cache)
    assert followed.index("shop/late.py") > followed.index("shop/store.py")

    followed.clear()
    shop.write(shop.root / "shop/lone.py", "\n" + lone)
    shop.scan(cache)
    assert set(followed) == {"shop/lone.py"}


def test_a_file_is_followed_again_for_a_name_only_where_it_has_to_do_with_whose_name_it_is(shop, cache, followed):
    calls = "KEY = '/shop/prod/features/new-checkout'\ndef ask(shop, key):\n    return {}(key)\n"
    shop.write(shop.root / "shop/__init__.py", "from shop.store import value\n")
    shop.write(shop.root / "apart.py", calls.format("shop.value"))
    shop.write(shop.root / "prices.py", calls.replace("shop", "list").format("list.value"))
    shop.write(shop.root / "taken.py", "from shop import value\n" + calls.format("value") + "ask(None, KEY)\n")
    assert ("taken.py", 5, FLAGS[0].key) in reads(shop.scan(cache))
    assert [followed.count(path) for path in ("apart.py", "prices.py", "taken.py")] == [2, 1, 2]


def test_a_module_that_comes_to_be_is_taken_up_by_who_imported_nothing_before(shop, cache):
    late = "from shop.late import LATE\nfrom shop.store import value\ntotal = value(LATE)\n"
    shop.write(shop.root / "shop/cart.py", late)
    assert ("shop/cart.py", 3, FLAGS[0].key) not in reads(shop.scan(cache))

    shop.write(shop.root / "shop/late.py", f"LATE = {FLAGS[0].key!r}\n")
    assert ("shop/cart.py", 3, FLAGS[0].key) in reads(shop.scan(cache))

    (shop.root / "shop/late.py").unlink()
    assert ("shop/cart.py", 3, FLAGS[0].key) not in reads(shop.scan(cache))


def test_other_flags_are_looked_for_anew(shop, cache):
    shop.scan(cache)
    shop.flags = [FlagSpec("gift-wrap", "launchdarkly")]
    assert reads(shop.scan(cache)) == {("shop/other.py", 2, "gift-wrap")}


def test_a_file_that_cannot_be_parsed_is_told_each_time_and_searched_as_text(shop, cache):
    shop.write(shop.root / "shop/old.py", f"print 'x'\nKEY = {FLAGS[0].key!r}\n")
    for text in ("x = 1\n", "x = 2\n"):
        shop.write(shop.root / "shop/none.py", text)
        result = shop.scan(cache)
        assert [one.path for one in result.unread] == ["shop/old.py"]
        assert any(one.path == "shop/old.py" for one in result.references)
        assert result == shop.scan(None)


def test_beside_other_threads_files_are_followed_in_processes_that_share_nothing(shop, cache):
    alone = shop.scan(None)
    over = threading.Event()
    beside = threading.Thread(target=over.wait)
    beside.start()
    try:
        assert shop.scan(None) == alone
        assert shop.scan(cache) == alone
    finally:
        over.set()
        beside.join()


def test_a_file_that_kills_who_follows_it_is_unread_and_searched_as_text(shop, monkeypatch):
    follow = following.follow_file

    def killed(project, world, path):
        if path == "shop/keys.py":
            os.kill(os.getpid(), signal.SIGSEGV)
        return follow(project, world, path)

    monkeypatch.setattr(engine, "follow_file", killed)
    result = shop.scan(None)
    assert [(one.path, one.reason) for one in result.unread] == [
        ("shop/keys.py", "the parser crashed on it (signal 11)")
    ]
    assert reads(result) == {("shop/cart.py", 3, FLAGS[0].key), ("shop/other.py", 2, "gift-wrap")}
    assert any(one.path == "shop/keys.py" for one in result.references)
    assert not result.complete
