"""What every anchor promises: each checkpoint is kept under its size, and none is ever replaced."""

from __future__ import annotations

import subprocess
from concurrent.futures import ThreadPoolExecutor

import boto3
import pytest
from botocore.stub import Stubber
from moto import mock_aws

from auditor.adapters.ledger.bucket import BucketAnchor
from auditor.adapters.ledger.directory import DirectoryAnchor
from auditor.adapters.ledger.git import GitAnchor
from auditor.application.sealing import ForkError
from auditor.domain.errors import FlagtrailError, UsageError

ONE, TWO, OTHER = "one\n\n— a b\n", "two\n\n— a b\n", "other\n\n— a b\n"


def git(repository, *words):
    done = subprocess.run(["git", "-C", str(repository), *words], check=True, capture_output=True, text=True)
    return done.stdout


@pytest.fixture
def repository(tmp_path):
    folder = tmp_path / "repository"
    git(tmp_path, "init", "--quiet", str(folder))
    return folder


@pytest.fixture
def bucket():
    with mock_aws():
        client = boto3.client("s3", region_name="eu-central-1")
        client.create_bucket(
            Bucket="audit",
            ObjectLockEnabledForBucket=True,
            CreateBucketConfiguration={"LocationConstraint": "eu-central-1"},
        )
        yield client


@pytest.fixture(params=["directory", "git", "bucket"])
def anchor(request, tmp_path):
    if request.param == "directory":
        return DirectoryAnchor(tmp_path / "checkpoints")
    if request.param == "git":
        return GitAnchor(request.getfixturevalue("repository"))
    return BucketAnchor("audit", "shop/", request.getfixturevalue("bucket"))


def test_an_empty_anchor_holds_nothing(anchor):
    assert (anchor.newest(), list(anchor.notes())) == (None, [])
    assert anchor.name


def test_notes_are_kept_in_the_order_of_their_size(anchor):
    anchor.put(1207, TWO)
    anchor.put(55, ONE)

    assert list(anchor.notes()) == [ONE, TWO]
    assert anchor.newest() == TWO


def test_the_same_note_twice_is_fine_and_another_one_is_a_fork(anchor):
    anchor.put(55, ONE)
    anchor.put(55, ONE)

    with pytest.raises(ForkError, match="55 entries"):
        anchor.put(55, OTHER)
    assert list(anchor.notes()) == [ONE]


def test_a_folder_has_one_file_for_each_and_no_drafts(tmp_path):
    anchor = DirectoryAnchor(tmp_path / "checkpoints")
    anchor.put(55, ONE)
    (tmp_path / "checkpoints" / "README").write_text("about this folder")

    assert sorted(path.name for path in anchor.folder.iterdir()) == ["00000000000000000055", "README"]
    assert list(anchor.notes()) == [ONE]


def test_of_many_that_write_at_once_one_wins(tmp_path):
    anchor = DirectoryAnchor(tmp_path / "checkpoints")

    def put(number):
        try:
            anchor.put(55, f"{number}\n")
        except ForkError:
            return 0
        return 1

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(put, range(8))) == 1


def test_what_cannot_be_written_or_read_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    anchor = DirectoryAnchor(tmp_path / "file")
    with pytest.raises(UsageError):
        anchor.notes()
    with pytest.raises(FlagtrailError, match="file"):
        anchor.put(1, ONE)

    folder = DirectoryAnchor(tmp_path / "checkpoints")
    (tmp_path / "checkpoints" / "00000000000000000001").mkdir(parents=True)
    with pytest.raises(UsageError, match="00000000000000000001"):
        folder.notes()


def test_a_repository_gets_a_commit_each_and_keeps_its_own_files(repository):
    (repository / "README").write_text("about this repository")
    git(repository, "add", "README")
    git(repository, "commit", "--quiet", "-m", "Begin")
    anchor = GitAnchor(repository)
    anchor.put(55, ONE)
    anchor.put(1207, TWO)

    assert git(repository, "log", "--format=%s").split("\n")[:2] == [
        "Checkpoint of 1207 entries",
        "Checkpoint of 55 entries",
    ]
    assert git(repository, "show", "HEAD:checkpoints/00000000000000000055") == ONE
    assert git(repository, "show", "HEAD:README") == "about this repository"


def test_no_program_that_a_repository_names_is_run(repository, tmp_path):
    marker = tmp_path / "marker"
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {marker}\ncat\n")
    program.chmod(0o755)
    for key in (
        *("core.fsmonitor", "core.editor", "core.pager", "core.sshCommand", "gpg.program", "diff.external"),
        *("filter.x.clean", "filter.x.smudge", "filter.x.process", "credential.helper", "core.askPass"),
    ):
        git(repository, "config", key, str(program))
    git(repository, "config", "commit.gpgSign", "true")
    (repository / ".git" / "info" / "attributes").write_text("* filter=x diff=x\n")
    hooks = repository / ".git" / "hooks"
    hooks.mkdir(exist_ok=True)
    for hook in ("pre-commit", "post-commit", "reference-transaction", "post-index-change", "commit-msg"):
        (hooks / hook).write_text(program.read_text())
        (hooks / hook).chmod(0o755)
    anchor = GitAnchor(repository)

    anchor.put(55, ONE)
    anchor.put(1207, TWO)
    assert list(anchor.notes()) == [ONE, TWO]

    assert not marker.exists()


def test_what_is_no_repository_is_said(tmp_path):
    with pytest.raises(FlagtrailError, match="git repository"):
        GitAnchor(tmp_path).put(1, ONE)


def test_an_object_that_was_put_over_is_read_in_its_first_version(bucket):
    anchor = BucketAnchor("audit", "", bucket)
    anchor.put(55, ONE)
    bucket.put_object(Bucket="audit", Key="checkpoints/00000000000000000055", Body=OTHER.encode())

    assert list(anchor.notes()) == [ONE]
    with pytest.raises(ForkError):
        anchor.put(55, OTHER)


@pytest.fixture
def stubbed():
    client = boto3.client("s3", region_name="eu-central-1")
    with Stubber(client) as stub:
        yield BucketAnchor("audit", "", client), stub


def test_a_name_that_exists_is_asked_for_by_its_condition(stubbed):
    anchor, stub = stubbed
    asked = {
        "Bucket": "audit",
        "Key": "checkpoints/00000000000000000055",
        "Body": ONE.encode(),
        "ContentType": "text/plain; charset=utf-8",
        "IfNoneMatch": "*",
        "ChecksumAlgorithm": "SHA256",
    }
    stub.add_response("put_object", {}, asked)

    anchor.put(55, ONE)

    stub.assert_no_pending_responses()


def test_what_s3_refuses_is_said(stubbed):
    anchor, stub = stubbed
    stub.add_client_error("put_object", "AccessDenied", "not allowed", 403)
    with pytest.raises(FlagtrailError, match="cannot be written"):
        anchor.put(55, ONE)
    stub.add_client_error("list_objects_v2", "AccessDenied", "not allowed", 403)
    with pytest.raises(FlagtrailError, match="cannot be listed"):
        anchor.notes()
