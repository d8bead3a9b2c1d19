"""A cache saves time and changes no result, whatever is done to it."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import time
from pathlib import Path

import pytest

from auditor.domain.references import FlagSpec, ScanResult
from auditor.domain.scan_options import ScanOptions
from scanners import cached, engine
from scanners.cache import Cache, Facts, Packs, blob_id, default_folder, open_cache
from scanners.repository import list_files

FLAGS = [FlagSpec("/shop/x", "ssm"), FlagSpec("gift-wrap", "generic")]
READS = 'import boto3\nKEY = "/shop/x"\nboto3.client("ssm").get_parameter(Name=KEY)\n'


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    made = open_cache(tmp_path / "cache")
    assert made is not None
    return made


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "tree"
    (root / "shop").mkdir(parents=True)
    (root / "shop" / "a.py").write_text(READS)
    (root / "shop" / "b.py").write_text("from shop.a import KEY\nx = 1\n")
    (root / "bad.py").write_text('KEY = "/shop/x"\nprint "x"\n')
    (root / "flags.sh").write_text("aws ssm get-parameter --name /shop/x\n")
    settle(root)
    return root


def settle(root: Path) -> None:
    """Wait no second for the files to be old: what is younger is only read again."""
    for path in root.rglob("*.py"):
        os.utime(path, ns=(1, 1))


def scan(tree: Path, cache: Cache | None, flags: list[FlagSpec] = FLAGS) -> ScanResult:
    return cached.scan([str(tree)], flags, ScanOptions(), None, cache)


def records(cache: Cache) -> list[Path]:
    return [path for path in cache.folder.rglob("*") if path.is_file()]


def refuse(*_: object) -> ScanResult:
    raise AssertionError("scanned again")


def test_an_unchanged_tree_is_not_scanned_again(tree, cache, monkeypatch):
    first = scan(tree, cache)
    monkeypatch.setattr(engine, "scan_listing", refuse)
    assert scan(tree, cache) == first == scan_without(tree, monkeypatch)


def scan_without(tree: Path, monkeypatch: pytest.MonkeyPatch) -> ScanResult:
    monkeypatch.undo()
    return scan(tree, None)


@pytest.mark.parametrize(
    "change",
    [
        lambda root: (root / "shop" / "a.py").write_text("x = 1\n"),
        lambda root: (root / "shop" / "c.py").write_text(READS),
        lambda root: (root / "shop" / "a.py").unlink(),
        lambda root: (root / "shop" / "a.py").rename(root / "shop" / "d.py"),
        lambda root: (root / ".gitignore").write_text("a.py\n"),
        lambda root: (root / "flags.sh").write_text("true\n"),
    ],
)
def test_whatever_changes_is_seen(change, tree, cache):
    scan(tree, cache)
    change(tree)
    assert scan(tree, cache) == scan(tree, None)


def test_a_change_that_keeps_size_and_time_is_seen(tree, cache):
    scan(tree, cache)
    path = tree / "shop" / "a.py"
    before = path.stat()
    path.write_text(READS.replace("/shop/x", "/shop/y"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert scan(tree, cache) == scan(tree, None)


def test_other_flags_and_options_are_another_scan(tree, cache):
    scan(tree, cache)
    other = [FlagSpec("/shop/x", "generic", "shop")]
    assert scan(tree, cache, other) == scan(tree, None, other)


def test_a_new_flag_parses_nothing_again(tree, cache, monkeypatch):
    scan(tree, cache)

    def no_parse(_: object, task: object) -> None:
        raise AssertionError(task)

    more = [*FLAGS, FlagSpec("/shop/other", "ssm")]
    (tree / "bad.py").unlink()
    expected = scan(tree, None, more)
    monkeypatch.setattr(engine, "parse", no_parse)
    assert scan(tree, cache, more) == expected


@pytest.mark.parametrize("damage", [b"", b"\0" * 100, os.urandom(4000)])
def test_damage_is_as_if_there_were_no_cache(damage, tree, cache):
    expected = scan(tree, cache)
    for path in records(cache):
        path.write_bytes(damage)
    assert scan(tree, cache) == expected


class Run:
    """Touches a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> object:
        return (os.mkdir, (str(self.path),))


def test_nothing_that_a_record_holds_is_run(tree, cache, tmp_path):
    expected = scan(tree, cache)
    marker = tmp_path / "ran"
    for path in records(cache):
        if "seen" not in path.parts:
            name = str(path.relative_to(cache.folder))
            cache._write(name, pickle.dumps(Run(marker)))
    assert scan(tree, cache) == expected
    assert not marker.exists()


def test_a_folder_that_others_may_write_is_not_used(tmp_path):
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    assert open_cache(tmp_path / "open") is None
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    assert open_cache(tmp_path / "link") is None
    (tmp_path / "file").write_text("")
    assert open_cache(tmp_path / "file") is None


def test_a_cache_that_cannot_be_written_harms_nothing(tree, cache, monkeypatch):
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    (cache.folder / "trees").rmdir()
    (cache.folder / "trees").touch()
    assert scan(tree, cache) == scan(tree, None)
    assert records(cache) == [cache.folder / "trees"]


def test_it_stays_small(tree, cache, monkeypatch):
    monkeypatch.setattr("scanners.cache._MOST_RESULTS", 3)
    monkeypatch.setattr("scanners.cache._MOST_BYTES", 0)
    for number in range(6):
        scan(tree, cache, [FlagSpec(f"/shop/{number}", "ssm")])
    assert len(list((cache.folder / "results").iterdir())) == 3
    assert [path for path in records(cache) if {"facts", "trees"} & set(path.parts)] == []


def test_a_file_read_too_soon_after_its_change_is_read_again(tree, cache):
    files = list_files(str(tree)).files
    cache.identities("root", files)
    assert not cache._seen(next(f"seen/{path.name}" for path in (cache.folder / "seen").iterdir()))
    time.sleep(1.1)
    assert cache.identities("root", files) == cache.identities("root", files)
    assert len(cache._seen(next(f"seen/{path.name}" for path in (cache.folder / "seen").iterdir()))) == len(files)


def test_files_are_named_as_git_names_them():
    assert blob_id(b"hello\n") == "ce013625030ba8dba906f756967f9e9ca394464a"


def test_where_a_cache_is(monkeypatch):
    monkeypatch.setenv("FLAGTRAIL_CACHE_DIR", "/a/b")
    assert default_folder() == Path("/a/b")
    monkeypatch.delenv("FLAGTRAIL_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", "/c")
    assert default_folder() == Path("/c/flagtrail")


def test_a_file_too_large_to_be_held_is_known_by_its_times(tmp_path, cache, monkeypatch):
    monkeypatch.setattr("scanners.cache._LARGEST_HELD", 3)
    (tmp_path / "t").mkdir()
    (tmp_path / "t" / "a.py").write_text("abc")
    (tmp_path / "t" / "b.py").write_text("abcd")
    known = cache.identities("t", list_files(str(tmp_path / "t")).files)
    assert known["a.py"] == blob_id(b"abc")
    assert known["b.py"] not in {blob_id(b"abcd"), blob_id(b"abc"), blob_id(b"")}


def test_what_nobody_asked_for_this_time_is_kept_as_long_as_the_file_is_the_same(tree, cache):
    def facts() -> Facts:
        return Facts.of(cache, str(tree), list_files(str(tree)).files)

    first = facts()
    for path in ("shop/a.py", "shop/b.py"):
        first.table("numbers").put(path, 7)
    first.settle()
    (tree / "shop" / "b.py").write_text("x = 2\n")
    second = facts()
    second.table("numbers").put("bad.py", 8)
    second.settle()
    held = facts().table("numbers").held
    assert {path: value for path, (_, value) in held.items()} == {"shop/a.py": 7, "bad.py": 8}


def test_each_process_keeps_records_behind_one_another_in_a_pack_of_its_own(tmp_path):
    packs = Packs(tmp_path)
    values = [FLAGS[0], FLAGS[1], None, "x" * 100_000]
    places = [packs.keep(value) for value in values]
    with multiprocessing.get_context("fork").Pool(1) as pool:
        other = pool.apply(packs.keep, ("other",))
    assert None not in places
    assert [packs.get(place) for place in (*places, other)] == [*values, "other"]
    assert len({place.pack for place in places}) == 1 != len(list(tmp_path.iterdir())) == 2


def test_a_record_that_is_not_what_was_written_is_none(tmp_path):
    packs = Packs(tmp_path)
    place = packs.keep("value")
    assert packs.get(place._replace(begin=1)) is None
    assert packs.get(place._replace(size=3)) is None
    assert packs.get(place._replace(pack="gone")) is None
    (tmp_path / place.pack).write_bytes(b"")
    assert packs.get(place) is None
