"""A database that was restored from a backup goes on as a new log, and everybody who verifies is told what is missing."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.support import filled
from tests.support.cli import flagtrail
from tests.support.records import by, change

CONFIG = """\
[database]
url = "sqlite:///record.db"

[ledger]
origin = "shop.example.com/flags"
key = "ledger.key"
public_key = "key.pub"
checkpoints = "checkpoints"
"""
NEW = """\
[database]
url = "sqlite:///record.db"

[ledger]
origin = "shop.example.com/flags-2"
key = "ledger.key"
public_key = "key-2.pub"
checkpoints = "checkpoints-2"
former_checkpoints = ["checkpoints"]
"""
BEGIN = ("seal", "--begin-new-log", "--reason", "restored from the backup of Monday", "--by", "dana")


def record(first: int, last: int) -> None:
    filled.record("sqlite:///record.db", [(change(number), by("dana")) for number in range(first, last + 1)])


@pytest.fixture
def restored(elsewhere: Path) -> Path:
    """A folder with a record that was brought back to its first six of twelve signed changes, with three since."""
    (elsewhere / "flagtrail.toml").write_text(CONFIG)
    assert flagtrail("key").status == 0
    record(1, 6)
    assert flagtrail("seal").status == 0
    with closing(sqlite3.connect("record.db")) as old, closing(sqlite3.connect("backup.db")) as backup:
        old.backup(backup)
    record(7, 12)
    assert flagtrail("seal").status == 0
    for file in elsewhere.glob("record.db*"):
        file.unlink()
    shutil.copyfile("backup.db", "record.db")
    record(20, 22)
    return elsewhere


@pytest.fixture
def begun(restored: Path) -> Path:
    """The same, as a new log."""
    (restored / "flagtrail.toml").write_text(NEW)
    assert flagtrail("key").status == 0
    answer = flagtrail(*BEGIN)
    assert answer.status == 0, answer.err
    assert "The log shop.example.com/flags had 12 entries; the first 6 go on" in answer.err
    assert "6 are missing" in answer.err
    return restored


def second_verifier(root: Path, folder: str, key: str, *options: str) -> tuple[int, str]:
    program = root / "examples" / "verify_export.py"
    command = [sys.executable, "-I", str(program), folder, "--public-key", key, *options]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    return done.returncode, done.stdout


def run(statement: str) -> None:
    with closing(sqlite3.connect("record.db")) as connection:
        connection.execute(statement)
        connection.commit()


def test_what_is_restored_is_not_signed_any_more_and_the_way_on_is_named(restored):
    answer = flagtrail("seal")

    assert answer.status == 2
    assert "a checkpoint of 12 is signed; entries are missing" in answer.err
    assert "flagtrail seal --begin-new-log" in answer.err
    assert flagtrail("verify").status == 1


def test_the_new_log_verifies_and_says_what_is_missing(begun):
    answer = flagtrail("verify")

    # Six that were kept, three since, and the decision.
    assert answer.status == 0
    first, *notes = answer.out.splitlines()
    assert first == "Intact: 10 entries, as signed in 1 checkpoint; 6 entries of former logs are missing."
    assert any("the log shop.example.com/flags was given up" in note and "by dana: restored" in note for note in notes)
    (former,) = flagtrail("verify", "--format", "json").json["former_logs"]
    assert (former["entries"], former["kept"], former["missing"]) == (12, 6, 6)
    assert "a new log begins, with 6 entries" in flagtrail("db", "hold", "--list").out


def test_it_goes_on_being_signed(begun):
    record(30, 31)

    assert "a checkpoint of 12 is signed" in flagtrail("seal").out
    assert "12 entries, as signed in 2 checkpoints; 6 entries" in flagtrail("verify").out
    assert sorted(path.name for path in (begun / "checkpoints-2").iterdir()) == [f"{size:020}" for size in (10, 12)]


def test_who_knows_the_former_key_alone_does_not_take_it_for_the_former_log(begun):
    former = flagtrail("verify", "--public-key", "key.pub", "--checkpoints", "checkpoints")

    assert former.status == 1
    assert "12" in former.out


def test_it_begins_once(begun):
    answer = flagtrail(*BEGIN)

    assert answer.status == 2
    assert "checkpoints-2 holds checkpoints already" in answer.err


@pytest.mark.parametrize(
    ("line", "instead", "said"),
    [
        ('origin = "shop.example.com/flags-2"', 'origin = "shop.example.com/flags"', "needs a name of its own"),
        ('checkpoints = "checkpoints-2"', 'checkpoints = "checkpoints"', "needs a place of its own"),
        ('former_checkpoints = ["checkpoints"]', 'former_checkpoints = ["nowhere"]', "nowhere holds no checkpoint"),
        ('key = "ledger.key"', "", "needs a key that signs it"),
    ],
)
def test_what_a_new_log_lacks_is_said_and_nothing_is_recorded(restored, line, instead, said):
    (restored / "flagtrail.toml").write_text(NEW.replace(line, instead, 1))

    answer = flagtrail(*BEGIN)

    assert answer.status == 2
    assert said in answer.err
    assert "new log" not in flagtrail("db", "hold", "--list").out


def test_it_needs_a_reason_and_options_need_it(restored):
    (restored / "flagtrail.toml").write_text(NEW)

    assert "needs --reason" in flagtrail("seal", "--begin-new-log").err
    assert "go with --begin-new-log" in flagtrail("seal", "--reason", "why").err
    assert flagtrail("seal", "--begin-new-log", "--reason", "  ").status == 2


def test_where_nothing_was_ever_signed_there_is_nothing_to_give_up(elsewhere):
    (elsewhere / "flagtrail.toml").write_text(NEW.replace('former_checkpoints = ["checkpoints"]', ""))
    assert flagtrail("key").status == 0
    record(1, 3)

    answer = flagtrail(*BEGIN)

    assert answer.status == 2
    assert "no checkpoint of a former log is known" in answer.err


@pytest.mark.proof
def test_a_new_key_names_the_former_one(restored):
    (restored / "ledger.key").unlink()
    (restored / "flagtrail.toml").write_text(NEW)
    assert flagtrail("key").status == 0

    assert "name its public key with --former-key" in flagtrail(*BEGIN).err
    assert flagtrail(*BEGIN, "--former-key", "key.pub").status == 0
    assert "6 entries of former logs are missing" in flagtrail("verify").out


def test_a_key_is_changed_the_same_way_and_nothing_is_missing(elsewhere):
    (elsewhere / "flagtrail.toml").write_text(CONFIG)
    assert flagtrail("key").status == 0
    record(1, 6)
    assert flagtrail("seal").status == 0
    (elsewhere / "ledger.key").unlink()
    (elsewhere / "flagtrail.toml").write_text(NEW)
    assert flagtrail("key").status == 0
    assert flagtrail(*BEGIN, "--former-key", "key.pub").status == 0

    answer = flagtrail("verify")
    assert answer.status == 0
    assert answer.out.splitlines()[0] == "Intact: 7 entries, as signed in 1 checkpoint."


@pytest.mark.proof
def test_a_log_that_was_lost_whole_begins_anew(restored):
    for file in restored.glob("record.db*"):
        file.unlink()
    record(1, 2)
    (restored / "flagtrail.toml").write_text(NEW)
    assert flagtrail("key").status == 0

    assert flagtrail(*BEGIN).status == 0
    assert "12 entries of former logs are missing" in flagtrail("verify").out


@pytest.mark.proof
def test_a_second_restore_is_told_beside_the_first(begun):
    for file in begun.glob("record.db*"):
        file.unlink()
    shutil.copyfile("backup.db", "record.db")
    third = NEW.replace("flags-2", "flags-3").replace("key-2", "key-3").replace("checkpoints-2", "checkpoints-3")
    third = third.replace('["checkpoints"]', '["checkpoints", "checkpoints-2"]')
    (begun / "flagtrail.toml").write_text(third)
    assert flagtrail("key").status == 0
    assert flagtrail(*BEGIN).status == 0

    former = flagtrail("verify", "--format", "json").json["former_logs"]
    assert {one["origin"]: (one["entries"], one["missing"]) for one in former} == {
        "shop.example.com/flags": (12, 6),
        "shop.example.com/flags-2": (10, 10),
    }


class TestTampering:
    def test_what_was_kept_of_the_former_log_is_held_against_its_checkpoints(self, begun, monkeypatch):
        """Somebody with the new log's key rewrites what stood in the former one, and signs it anew."""
        run("DELETE FROM checkpoints WHERE size = 10")
        run("UPDATE leaves SET hash = randomblob(32) WHERE position = 2")
        shutil.rmtree(begun / "checkpoints-2")
        from auditor.adapters.storage import open_database
        from auditor.domain.ledger.merkle import Frontier

        with closing(open_database("sqlite:///record.db")) as database, database.unit_of_work() as uow:
            frontier = Frontier().extended(uow.ledger.hashes(0, 10))
            uow._session.connection.exec_driver_sql("UPDATE log_head SET frontier = ?", (frontier.to_bytes(),))
            uow.commit()
        assert flagtrail("seal").status == 2  # the signer itself demands what was kept

    def test_an_anchor_that_knows_of_more_than_the_new_log_says_is_tampering(self, begun, tmp_path_factory):
        """The checkpoint of 12 is hidden when the new log begins, and turns up again."""
        hidden = tmp_path_factory.mktemp("hidden")
        shutil.move(begun / "checkpoints" / f"{12:020}", hidden)
        for file in begun.glob("record.db*"):
            file.unlink()
        shutil.copyfile("backup.db", "record.db")
        shutil.rmtree(begun / "checkpoints-2")
        assert flagtrail(*BEGIN).status == 0
        assert flagtrail("verify").status == 0

        shutil.move(hidden / f"{12:020}", begun / "checkpoints")
        answer = flagtrail("verify")
        assert answer.status == 1
        assert "signed 12 entries of the former log shop.example.com/flags, the new one names 6" in answer.out

    def test_a_decision_that_nobody_signed_gives_up_nothing(self, begun):
        """Without the new log's checkpoint over it, what an entry says of a former log is not believed."""
        run("DELETE FROM checkpoints WHERE size = 10")
        shutil.rmtree(begun / "checkpoints-2")

        assert flagtrail("verify").status == 2

    @pytest.mark.proof
    def test_an_altered_decision_is_found(self, begun):
        run("""UPDATE retentions SET body = replace(CAST(body AS TEXT), '"kept":6', '"kept":9')""")

        assert flagtrail("verify").status == 1


class TestExports:
    def test_both_verifiers_say_what_is_missing(self, begun, root):
        assert flagtrail("export", "--out", "all").status == 0

        answer = flagtrail("verify", "all")
        assert (answer.status, answer.out.splitlines()[0]) == (
            0,
            "Intact: 10 entries, as signed in 1 checkpoint; 6 entries of former logs are missing.",
        )
        places = ("--checkpoints", "checkpoints-2", "--checkpoints", "checkpoints")
        status, said = second_verifier(root, "all", "key-2.pub", *places)
        assert (status, "6 entries of former logs are missing" in said) == (0, True)

    @pytest.mark.proof
    def test_of_a_part_too(self, begun, root):
        assert flagtrail("export", "--out", "part", "--since", "2026-03-02T20:00:00Z").status == 0
        manifest = json.loads((begun / "part" / "manifest.json").read_text())
        assert manifest["complete"] is False

        assert flagtrail("verify", "part").status == 0
        status, said = second_verifier(root, "part", "key-2.pub", "--checkpoints", "checkpoints")
        assert (status, "6 entries of former logs are missing" in said) == (0, True)

    @pytest.mark.proof
    def test_the_former_key_does_not_verify_it(self, begun, root):
        assert flagtrail("export", "--out", "all").status == 0

        assert flagtrail("verify", "all", "--public-key", "key.pub").status in (1, 2)
        assert second_verifier(root, "all", "key.pub", "--checkpoints", "checkpoints")[0] == 1

    def test_a_proof_of_the_new_log_needs_the_new_key(self, begun):
        named = flagtrail("history", "--format", "json").json[0]["id"]
        (begun / "one.proof").write_text(flagtrail("prove", named).out)

        assert flagtrail("verify-proof", "one.proof").status == 0
        assert flagtrail("verify-proof", "one.proof", "--public-key", "key.pub").status == 2
