"""Committed trees of repositories: fetched and read without running or following anything in them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from auditor.domain.errors import FlagtrailError, UsageError
from auditor.domain.references import FlagSpec
from auditor.domain.scan_options import ScanOptions
from scanners import cached
from scanners.cache import open_cache
from scanners.checkouts import committed, is_url, shown

FLAGS = [FlagSpec("/shop/x", "ssm")]
READS = 'import boto3\nboto3.client("ssm").get_parameter(Name="/shop/x")\n'


def git(folder: Path, *words: str, stdin: str | None = None) -> str:
    who = ["-c", "user.name=n", "-c", "user.email=e@example.org", "-c", "protocol.file.allow=always"]
    command = ["git", "-C", str(folder), *who, *words]
    return subprocess.run(command, check=True, capture_output=True, text=True, input=stdin).stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = tmp_path / "repository"
    (root / "app").mkdir(parents=True)
    git(root, "init", "-q")
    (root / "app" / "a.py").write_text(READS)
    (root / "app" / "link.py").symlink_to("/etc/passwd")
    (root / ".gitignore").write_text("*.log\n")
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "one")
    return root


def scan(place: str, **options: bool) -> list[tuple[str, int]]:
    result = cached.scan([place], FLAGS, ScanOptions(), None, None, **options)
    return [(one.path, one.line) for one in result.references]


def test_a_url_is_fetched_and_scanned(repository):
    result = cached.scan([f"file://{repository}"], FLAGS, ScanOptions())
    assert [(one.path, one.line) for one in result.references] == [("app/a.py", 2)]
    assert result.commit == git(repository, "rev-parse", "HEAD")
    assert {one.path: one.reason for one in result.skipped}["app/link.py"] == "a symbolic link that leaves the tree"


def test_the_committed_tree_is_scanned_when_asked_for(repository, tmp_path):
    (repository / "app" / "a.py").write_text("x = 1\n")
    (repository / "new.py").write_text(READS)
    assert scan(str(repository)) == [("new.py", 2)]
    assert scan(str(repository), committed=True) == [("app/a.py", 2)]
    assert scan(str(repository / "app"), committed=True) == [("a.py", 2)]
    cache = open_cache(tmp_path / "cache")
    twice = [cached.scan([str(repository)], FLAGS, ScanOptions(), None, cache, committed=True) for _ in range(2)]
    assert twice[0] == twice[1]


def test_nothing_of_the_repository_is_run(repository, tmp_path):
    marker, program = tmp_path / "ran", tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {marker}\n")
    program.chmod(0o755)
    for hook in ("post-checkout", "post-merge", "reference-transaction"):
        (repository / ".git" / "hooks").mkdir(exist_ok=True)
        (repository / ".git" / "hooks" / hook).symlink_to(program)
    (repository / ".gitattributes").write_text("* filter=x diff=x\n")
    (repository / ".gitmodules").write_text(f'[submodule "s"]\n\tpath = s\n\turl = ext::{program}\n')
    git(repository, "add", "-A")
    git(repository, "commit", "-q", "-m", "two")
    marker.unlink(missing_ok=True)
    keys = ("fsmonitor", "hooksPath", "pager", "editor", "sshCommand", "askPass", "gitProxy", "alternateRefsCommand")
    config = "[core]\n" + "".join(f"\t{key} = {program}\n" for key in keys)
    config += f'[filter "x"]\n\tclean = {program}\n\tsmudge = {program}\n\trequired = true\n'
    config += f'[remote "origin"]\n\turl = ext::{program}\n\tpromisor = true\n\tuploadpack = {program}\n'
    config += f"[uploadpack]\n\tpackObjectsHook = {program}\n"
    with (repository / ".git" / "config").open("a") as file:
        file.write(config)

    assert scan(str(repository), committed=True) == [("app/a.py", 2)]
    assert scan(f"file://{repository}") == [("app/a.py", 2)]
    assert not marker.exists()


def test_a_missing_object_is_not_fetched(repository):
    blob = git(repository, "rev-parse", "HEAD:app/a.py")
    (repository / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    with pytest.raises(FlagtrailError, match=r"lacks an object of 'a\.py'"):
        scan(str(repository), committed=True)


@pytest.mark.parametrize("name", ["..", ".git", ".GIT"])
def test_a_name_that_leads_out_is_refused(name, repository):
    blob = git(repository, "rev-parse", "HEAD:app/a.py")
    inner = git(repository, "mktree", stdin=f"100644 blob {blob}\tx.py\n")
    line = f"40000 {name}\0".encode() + bytes.fromhex(inner)
    tree = subprocess.run(
        ["git", "-C", str(repository), "hash-object", "-t", "tree", "--literally", "-w", "--stdin"],
        input=line,
        check=True,
        capture_output=True,
    ).stdout.decode()
    commit = git(repository, "commit-tree", tree.strip(), "-m", "bad")
    git(repository, "update-ref", "HEAD", commit)
    with pytest.raises(FlagtrailError, match="is no name for a file"):
        scan(str(repository), committed=True)


@pytest.mark.parametrize(
    "place", ["ext::sh -c touch% /tmp/x", "http://example.org/x", "git://example.org/x", "fd::7", "ftp://example.org/x"]
)
def test_other_protocols_are_refused(place):
    with pytest.raises(UsageError, match="only https, ssh and file"):
        is_url(place)


def test_what_is_a_url(tmp_path, monkeypatch):
    assert is_url("https://user:secret@git.example.org/shop.git")
    assert is_url("git@git.example.org:shop.git")
    assert is_url("ssh://git@git.example.org/shop.git")
    assert not is_url("services/shop")
    assert not is_url("-oProxyCommand=x@y:z")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a@b:c").mkdir()
    assert not is_url("a@b:c")


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("https://user:secret@git.example.org/shop.git", "https://git.example.org/shop.git"),
        ("HTTPS://secret@git.example.org/shop.git", "HTTPS://git.example.org/shop.git"),
        ("http://us er:secret@@git.example.org/a", "http://git.example.org/a"),
        ("https://user:sec/ret@git.example.org/a", "https://git.example.org/a"),
        ("https://git.example.org/a?private_token=secret&b=c", "https://git.example.org/a?private_token=...&b=..."),
        ("ssh://git:secret@git.example.org:22/a", "ssh://git@git.example.org:22/a"),
        ("git:secret@git.example.org:a/b", "git@git.example.org:a/b"),
        ("git@git.example.org:a/b@c", "git@git.example.org:a/b@c"),
        ("https://git.example.org:443/@scope/a", "https://git.example.org:443/@scope/a"),
        ("file:///srv/a@b", "file:///srv/a@b"),
    ],
)
def test_no_password_of_a_url_is_shown(url, told):
    assert shown(url) == told


def test_what_looks_like_a_login_is_refused_without_the_password():
    with pytest.raises(UsageError, match=r"^git@git\.example\.org:a: only https") as refused:
        is_url("git:secret@git.example.org:a")
    assert "secret" not in str(refused.value)


def test_a_submodule_is_said_not_to_be_there(repository, tmp_path):
    git(repository, "clone", "-q", str(repository), str(tmp_path / "other"))
    git(repository, "submodule", "add", "-q", str(tmp_path / "other"), "lib")
    git(repository, "commit", "-q", "-m", "two")
    result = cached.scan([f"file://{repository}"], FLAGS, ScanOptions())
    assert [one.path for one in result.unread] == ["lib"]
    assert not result.complete


def test_a_repository_without_a_commit_is_said(tmp_path):
    git(tmp_path, "init", "-q")
    with pytest.raises(FlagtrailError, match="has no commit yet"):
        scan(str(tmp_path), committed=True)


def test_a_failure_names_the_place_without_the_password(tmp_path):
    with pytest.raises(FlagtrailError) as failed, committed(f"file://{tmp_path}/none"):
        pass
    assert "none: git cannot read it" in str(failed.value)
    with pytest.raises(FlagtrailError, match="cannot read it"), committed(str(tmp_path)):
        pass
