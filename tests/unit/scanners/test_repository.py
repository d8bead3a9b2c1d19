from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from auditor.domain.errors import UsageError
from scanners.repository import list_files


def make(root: Path, *paths: str, text: str = "") -> None:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)


def listed(root: Path) -> list[str]:
    return [file.path for file in list_files(str(root)).files]


def skipped(root: Path) -> dict[str, str]:
    return {one.path: one.reason for one in list_files(str(root)).skipped}


@pytest.mark.parametrize("git", [True, False])
def test_gitignore_is_heeded_in_a_checkout_and_outside(git, tmp_path):
    if git:
        subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    make(tmp_path, "a.py", "logs/x.log", "sub/keep.tmp", "sub/b.tmp", "sub/deep/c.tmp", "gen/d.py", "gen/e/f.py")
    (tmp_path / ".gitignore").write_text("*.log\n/gen/\n*.tmp\n")
    (tmp_path / "sub" / ".gitignore").write_text("!keep.tmp\n")
    assert set(listed(tmp_path)) == {".gitignore", "a.py", "sub/.gitignore", "sub/keep.tmp"}
    assert skipped(tmp_path)["gen/"] == "named by .gitignore"
    assert skipped(tmp_path)["logs/x.log"] == "named by .gitignore"


def test_gitignore_above_the_path_counts_up_to_the_repository(tmp_path):
    subprocess.run(["git", "init", "-q", str(tmp_path / "repo")], check=True)
    make(tmp_path / "repo", "app/src/a.py", "app/src/b.tmp", "app/src/c.py")
    (tmp_path / ".gitignore").write_text("*.py\n")
    (tmp_path / "repo" / ".gitignore").write_text("*.tmp\n/app/src/c.py\n")
    assert listed(tmp_path / "repo" / "app") == ["src/a.py"]


def test_trees_that_nobody_wrote_here_are_left_out_and_said(tmp_path):
    make(
        tmp_path,
        "a.py",
        ".github/workflows/x.yml",
        ".hidden/b.py",
        "node_modules/m/x.js",
        "vendor/v.py",
        "app/__pycache__/a.pyc",
        "env/pyvenv.cfg",
        "env/lib/x.py",
        ".venv/lib/x.py",
        "web/package.json",
        "web/dist/app.js",
        "web/app.min.js",
        "api_pb2.py",
        "dist/x.py",
    )
    assert set(listed(tmp_path)) == {
        "a.py",
        ".github/workflows/x.yml",
        ".hidden/b.py",
        "web/package.json",
        "dist/x.py",
    }
    assert set(skipped(tmp_path)) == {
        "node_modules/",
        "vendor/",
        "app/__pycache__/",
        "env/",
        ".venv/",
        "web/dist/",
        "web/app.min.js",
        "api_pb2.py",
    }


def test_one_file_is_a_path_too(tmp_path):
    make(tmp_path, "a.py")
    assert listed(tmp_path / "a.py") == ["a.py"]


@pytest.mark.parametrize("path", ["missing", "pipe", "nul\0"])
def test_a_path_that_cannot_be_scanned_is_refused(path, tmp_path):
    if path == "pipe":
        import os

        os.mkfifo(tmp_path / path)
    with pytest.raises(UsageError):
        list_files(str(tmp_path / path))


def test_the_commit_is_read_from_the_files_of_git(tmp_path):
    run = ["git", "-C", str(tmp_path), "-c", "user.name=n", "-c", "user.email=e@example.org"]
    assert list_files(str(tmp_path)).commit is None
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    assert list_files(str(tmp_path)).commit is None
    subprocess.run([*run, "commit", "-q", "--allow-empty", "-m", "one"], check=True)
    head = subprocess.run([*run, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
    assert list_files(str(tmp_path)).commit == head
    subprocess.run([*run, "pack-refs", "--all"], check=True)
    assert list_files(str(tmp_path)).commit == head
    subprocess.run([*run, "checkout", "-q", "--detach"], check=True)
    (tmp_path / "sub").mkdir()
    assert list_files(str(tmp_path / "sub")).commit == head


def test_a_work_tree_beside_the_repository_has_its_commit(tmp_path):
    run = ["git", "-C", str(tmp_path / "a"), "-c", "user.name=n", "-c", "user.email=e@example.org"]
    subprocess.run(["git", "init", "-q", str(tmp_path / "a")], check=True)
    subprocess.run([*run, "commit", "-q", "--allow-empty", "-m", "one"], check=True)
    subprocess.run([*run, "worktree", "add", "-q", str(tmp_path / "b")], check=True)
    head = subprocess.run([*run, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
    assert list_files(str(tmp_path / "b")).commit == head


def test_names_that_are_no_text_are_shown(tmp_path):
    import os

    (tmp_path / os.fsdecode(b"\xff.py")).write_text("")
    assert listed(tmp_path) == ["\\xff.py"]


def git(folder: Path, *words: str) -> None:
    who = ["-c", "user.name=n", "-c", "user.email=e@example.org", "-c", "protocol.file.allow=always"]
    subprocess.run(["git", "-C", str(folder), *who, *words], check=True, capture_output=True)


def commit_all(root: Path) -> None:
    root.mkdir(exist_ok=True)
    git(root, "init", "-q")
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "one")


def test_a_folder_whose_content_is_ignored_may_have_some_of_it_back(tmp_path):
    make(tmp_path, "bar/keep.py", "bar/z.py", "bar/deep/keep.py", "x/bar/a.py", "foo/a/b.py")
    (tmp_path / ".gitignore").write_text("bar/**\n!bar/keep.py\n*.py\n!foo/**\n")
    assert listed(tmp_path) == [".gitignore", "foo/a/b.py"]
    (tmp_path / ".gitignore").write_text("bar/**  \n!bar/keep.py\n")
    assert listed(tmp_path) == [".gitignore", "bar/keep.py", "foo/a/b.py", "x/bar/a.py"]


def test_what_a_repository_excludes_for_itself_counts_in_its_other_work_trees(tmp_path):
    make(tmp_path / "repo", "a.py")
    commit_all(tmp_path / "repo")
    git(tmp_path / "repo", "worktree", "add", "-q", "-b", "other", str(tmp_path / "other"))
    (tmp_path / "repo" / ".git" / "info" / "exclude").write_text("own.py\n")
    make(tmp_path / "other", "own.py")
    assert listed(tmp_path / "other") == ["a.py"]


def test_a_submodule_that_is_not_here_is_said(tmp_path):
    make(tmp_path / "sub", "s.py")
    commit_all(tmp_path / "sub")
    make(tmp_path / "repo", "app/a.py")
    commit_all(tmp_path / "repo")
    git(tmp_path / "repo", "submodule", "add", "-q", str(tmp_path / "sub"), "app/libs/sub")
    git(tmp_path / "repo", "commit", "-q", "-m", "two")
    assert "app/libs/sub/s.py" in listed(tmp_path / "repo")
    assert list_files(str(tmp_path / "repo")).unread == []

    subprocess.run(["git", "clone", "-q", str(tmp_path / "repo"), str(tmp_path / "clone")], check=True)
    for place, path in (("clone", "app/libs/sub"), ("clone/app", "libs/sub")):
        (unread,) = list_files(str(tmp_path / place)).unread
        assert (unread.path, unread.reason.split(";")[0]) == (path, "a submodule that is not here")
    (tmp_path / "all").mkdir()
    (tmp_path / "clone").rename(tmp_path / "all" / "clone")
    assert [one.path for one in list_files(str(tmp_path / "all")).unread] == ["clone/app/libs/sub"]


def test_files_of_the_commit_that_are_not_checked_out_are_said(tmp_path):
    make(tmp_path / "repo", "a/a.py", "b/b.py")
    commit_all(tmp_path / "repo")
    subprocess.run(["git", "clone", "-q", "--no-checkout", str(tmp_path / "repo"), str(tmp_path / "clone")], check=True)
    (unread,) = list_files(str(tmp_path / "clone")).unread
    assert unread.reason == "nothing of the commit is checked out here; add --committed"

    git(tmp_path / "repo", "sparse-checkout", "set", "a")
    (unread,) = list_files(str(tmp_path / "repo")).unread
    assert unread.reason.startswith("a sparse checkout")
    git(tmp_path / "repo", "sparse-checkout", "disable")
    assert list_files(str(tmp_path / "repo")).unread == []


def test_a_bare_repository_has_no_files_to_list(tmp_path):
    subprocess.run(["git", "init", "-q", "--bare", str(tmp_path)], check=True)
    with pytest.raises(UsageError, match=r"bare git repository.*add --committed"):
        list_files(str(tmp_path))
