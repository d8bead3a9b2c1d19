"""The ledger from the command line: seal, verify, export, prove, and the second verifier's answer beside the first."""

from __future__ import annotations

import csv
import gzip
import json
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from auditor.domain.changes import ChangeKind
from auditor.domain.flags import FlagState
from tests.support import filled
from tests.support.cli import flagtrail
from tests.support.records import at, by, change

CONFIG = """\
[database]
url = "sqlite:///record.db"

[ledger]
origin = "shop.example.com/flags"
key = "ledger.key"
public_key = "key.pub"
checkpoints = "checkpoints"
"""
HOSTILE = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "|calc",
    "%0A",
    "=cmd|'/C calc'!A0",
    "\uff1d1",
    " =1",
]


@pytest.fixture
def shop(elsewhere: Path) -> Path:
    """A folder with a configuration, a key and a record of twelve changes, sealed and signed in two steps."""
    (elsewhere / "flagtrail.toml").write_text(CONFIG)
    assert flagtrail("key").status == 0
    for start in (1, 7):
        changes = [(change(number), by("dana")) for number in range(start, start + 6)]
        filled.record("sqlite:///record.db", changes)
        assert flagtrail("seal").status == 0
    return elsewhere


def run(statement: str) -> None:
    with closing(sqlite3.connect("record.db")) as connection:
        connection.execute(statement)
        connection.commit()


def second_verifier(root: Path, folder: str, *options: str) -> int:
    """Return the status of the verifier that knows nothing of Flagtrail."""
    program = root / "examples" / "verify_export.py"
    command = [sys.executable, "-I", str(program), folder, "--public-key", "key.pub", *options]
    return subprocess.run(command, check=False, stdout=subprocess.DEVNULL).returncode


def both(root: Path, folder: str) -> int:
    """Return the status of both verifiers, which is the same."""
    first = flagtrail("verify", folder, "--checkpoints", "checkpoints")
    second = second_verifier(root, folder, "--checkpoints", "checkpoints")
    assert first.status == second, first.out
    return second


def test_verify_finds_key_and_checkpoints_through_the_configuration(shop):
    answer = flagtrail("verify")

    assert (answer.status, answer.out) == (0, "Intact: 12 entries, as signed in 2 checkpoints.\n")


def test_verify_needs_no_configuration(shop, monkeypatch, tmp_path_factory):
    monkeypatch.chdir(tmp_path_factory.mktemp("other"))
    options = ["--public-key", str(shop / "key.pub"), "--checkpoints", str(shop / "checkpoints")]

    answer = flagtrail("verify", "--database", f"sqlite:///{shop}/record.db", *options, "--format", "json")

    assert answer.status == 0
    assert answer.json["answer"] == "intact"
    assert (answer.json["entries"], answer.json["signed"], answer.json["anchored"]) == (12, 12, 12)


def test_the_first_bad_entry_is_named(shop):
    run("UPDATE changes SET flag = 'other' WHERE seq IN (5, 9)")

    answer = flagtrail("verify", "--format", "json")

    assert answer.status == 1
    assert answer.json["first_bad"] == {
        "index": 4,
        "entry": "change 5",
        "text": "entry 4 (change 5): its flag is not what its body says",
    }
    assert answer.err.startswith("flagtrail verify: tampered: entry 4 (change 5)")


@pytest.mark.parametrize("statement", ["DELETE FROM changes", "DELETE FROM leaves", "DELETE FROM log_head"])
def test_what_is_emptied_is_tampered_with(shop, statement):
    run(statement)

    assert flagtrail("verify").status == 1


@pytest.mark.parametrize("what", ["a key", "a key file", "checkpoints", "a checkpoint", "a database", "the right key"])
def test_without_something_to_trust_it_says_that_it_could_not_check(shop, what):
    options = ["--public-key", "key.pub", "--checkpoints", "checkpoints", "--database", "sqlite:///record.db"]
    if what == "a key":
        (shop / "flagtrail.toml").unlink()
        options = options[2:]
    elif what == "a key file":
        options[1] = "nowhere.pub"
    elif what == "checkpoints":
        options[3] = "nowhere"
    elif what == "a checkpoint":
        (shop / "empty").mkdir()
        options[3] = "empty"
    elif what == "a database":
        options[5] = "sqlite:///nowhere.db"
    else:
        assert flagtrail("key", "--out", "other.key", "--public-key", "other.pub").status == 0
        options[1] = "other.pub"

    answer = flagtrail("verify", *options)

    assert answer.status == 2
    assert len(answer.err.splitlines()) == 1
    assert not (shop / "nowhere.db").exists()


def test_an_altered_checkpoint_is_a_forgery(shop):
    newest = max((shop / "checkpoints").iterdir())
    newest.write_text(newest.read_text().replace("\n12\n", "\n11\n"))

    assert flagtrail("verify").status == 1


def test_a_database_cut_back_to_an_older_copy_does_not_fit_its_anchor(shop):
    with closing(sqlite3.connect("record.db")) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copy("record.db", "copy.db")
    filled.record("sqlite:///record.db", [(change(20), by("dana"))])
    assert flagtrail("seal").status == 0
    assert flagtrail("verify").status == 0

    answer = flagtrail("verify", "--database", "sqlite:///copy.db")

    assert answer.status == 1
    assert "the log ends before entry 12" in answer.err


def test_sealing_says_what_it_did_and_what_is_missing(shop):
    assert flagtrail("seal", "--format", "json").json == {
        "sealed": 0, "size": 12, "busy": False, "signed": None, "anchored": 0,
    }  # fmt: skip
    (shop / "flagtrail.toml").unlink()

    answer = flagtrail("seal", "--database", "sqlite:///record.db")

    assert answer.status == 0
    assert "no key is configured" in answer.err


def test_a_whole_export_reaches_the_same_answer_twice(shop, root):
    answer = flagtrail("export", "--out", "audit", "--format", "json")

    assert (answer.status, answer.json["complete"], answer.json["entries"]) == (0, True, 12)
    assert both(root, "audit") == 0


def test_a_part_proves_each_of_its_entries(shop, root):
    answer = flagtrail("export", "--out", "part", "--since", "2026-03-02T15:00:00Z", "--until", "2026-03-02T20:00:00Z")

    assert answer.status == 0
    lines = lines_of(shop / "part" / "entries-00000.jsonl.gz")
    assert [json.loads(line["body"])["version_after"] for line in lines] == ["3", "4", "5", "6", "7", "8"]
    assert all(line["proof"] for line in lines)
    assert both(root, "part") == 0


def lines_of(path: Path) -> list[dict]:
    return [json.loads(line) for line in gzip.open(path, "rt", encoding="utf-8")]


def write_lines(path: Path, lines: list[dict]) -> None:
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(line) + "\n" for line in lines)


def edit_a_body(lines):
    lines[2]["body"] = lines[2]["body"].replace("dana", "evil")


def edit_a_body_and_its_hash(lines):
    from auditor.domain.ledger.merkle import leaf_hash

    edit_a_body(lines)
    lines[2]["leaf"] = leaf_hash(f"change {lines[2]['number']}\n{lines[2]['body']}".encode()).hex()


def drop_one(lines):
    del lines[2]


def drop_the_last(lines):
    del lines[-1]


def swap_two(lines):
    lines[1], lines[2] = lines[2], lines[1]


def swap_the_bodies_of_two(lines):
    for name in ("body", "leaf", "number"):
        lines[1][name], lines[2][name] = lines[2][name], lines[1][name]


def add_one(lines):
    lines.append(lines[-1] | {"index": lines[-1]["index"] + 1})


def renumber_one(lines):
    lines[2]["number"] = 99


def empty(lines):
    lines.clear()


def spoil_a_line(lines):
    lines[2] = {"index": 2}


def number_as_text(lines):
    lines[2]["number"] = str(lines[2]["number"])


def place_as_a_fraction(lines):
    lines[2]["index"] = float(lines[2]["index"])


def true_for_one(lines):
    lines[0] |= {"number": True} if lines[0]["number"] == 1 else {"index": True}


def no_mac(lines):
    lines[2]["mac"] = "zz"


def no_proof(lines):
    lines[2]["proof"] = "zz"


def without_end(lines):
    lines[2]["kind"] = json.loads("[" * 500 + "]" * 500)


TAMPERINGS = [
    edit_a_body,
    edit_a_body_and_its_hash,
    drop_one,
    drop_the_last,
    swap_two,
    swap_the_bodies_of_two,
    renumber_one,
    empty,
    spoil_a_line,
    add_one,
]
OF_A_WRONG_KIND = [number_as_text, place_as_a_fraction, true_for_one, no_mac, no_proof, without_end]


@pytest.mark.parametrize("tamper", [*TAMPERINGS, *(pytest.param(t, marks=pytest.mark.proof) for t in OF_A_WRONG_KIND)])
def test_a_whole_export_that_was_tampered_with_is_found_twice(shop, root, tamper):
    flagtrail("export", "--out", "audit")
    path = shop / "audit" / "entries-00000.jsonl.gz"
    lines = lines_of(path)
    tamper(lines)
    write_lines(path, lines)

    assert both(root, "audit") == 1


@pytest.mark.parametrize("tamper", [*TAMPERINGS, *(pytest.param(t, marks=pytest.mark.proof) for t in OF_A_WRONG_KIND)])
def test_a_part_that_was_tampered_with_is_found_twice(shop, root, tamper):
    flagtrail("export", "--out", "part", "--since", "2026-03-02T15:00:00Z")
    path = shop / "part" / "entries-00000.jsonl.gz"
    lines = lines_of(path)
    tamper(lines)
    write_lines(path, lines)

    assert both(root, "part") == 1


def test_a_file_that_is_cut_off_is_found_twice(shop, root):
    flagtrail("export", "--out", "audit")
    path = shop / "audit" / "entries-00000.jsonl.gz"
    path.write_bytes(path.read_bytes()[:-40])

    assert both(root, "audit") == 1


def test_a_part_that_claims_to_be_all_is_found_twice(shop, root):
    flagtrail("export", "--out", "part", "--since", "2026-03-02T15:00:00Z")
    path = shop / "part" / "manifest.json"
    path.write_text(path.read_text().replace('"complete": false', '"complete": true'))

    assert both(root, "part") == 1


def test_a_whole_that_claims_to_be_a_part_could_not_be_checked(shop, root):
    flagtrail("export", "--out", "audit")
    path = shop / "audit" / "manifest.json"
    path.write_text(path.read_text().replace('"complete": true', '"complete": false'))

    assert both(root, "audit") == 2


@pytest.mark.parametrize("said", ["[]", "{", '{"format": "flagtrail-export", "version": 1}', "[" * 100_000])
def test_a_manifest_that_says_nothing_could_not_be_checked(shop, root, said):
    flagtrail("export", "--out", "audit")
    (shop / "audit" / "manifest.json").write_text(said)

    assert both(root, "audit") == 2


@pytest.mark.parametrize("spoiled", [b"", b"\xff\xfe\x00", b"a\r\nb\r\n\r\nc\r\n"])
def test_a_checkpoint_that_cannot_be_read_is_found_twice(shop, root, spoiled):
    flagtrail("export", "--out", "audit")
    (shop / "audit" / "checkpoints" / f"{6:020}").write_bytes(spoiled)

    assert both(root, "audit") == 1


def test_a_checkpoint_with_other_line_ends_is_found_twice(shop, root):
    flagtrail("export", "--out", "audit")
    path = shop / "audit" / "checkpoints" / f"{6:020}"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))

    assert both(root, "audit") == 1


def test_an_export_that_broke_off_could_not_be_checked(shop, root):
    flagtrail("export", "--out", "audit")
    (shop / "audit" / "manifest.json").unlink()

    assert both(root, "audit") == 2


def test_with_another_key_nothing_could_be_checked(shop, root):
    flagtrail("export", "--out", "audit")
    (shop / "key.pub").unlink()
    flagtrail("key", "--out", "other.key", "--public-key", "key.pub")

    assert both(root, "audit") == 2


def test_an_export_is_written_into_a_new_folder_only(shop):
    (shop / "audit").mkdir()
    (shop / "audit" / "file").write_text("")

    assert flagtrail("export", "--out", "audit").status == 2
    assert flagtrail("export", "--out", "flagtrail.toml").status == 2
    assert [path.name for path in (shop / "audit").iterdir()] == ["file"]


def test_no_cell_of_an_export_is_run_by_a_spreadsheet(shop):
    changes = [
        (change(30 + number, flag=text, summary=text, before=FlagState(text), after=FlagState(text)), by(text))
        for number, text in enumerate(HOSTILE)
    ]
    filled.record("sqlite:///record.db", changes)

    assert flagtrail("export", "--out", "audit").status == 0

    with (shop / "audit" / "changes.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    cells = [cell for row in rows[1:] for cell in row]
    assert len(rows) == 12 + len(HOSTILE) + 1
    assert not [cell for cell in cells if cell.lstrip()[:1] in {*"=+-@|%", "\uff1d"} and cell]
    assert sum(cell.startswith("'") for cell in cells) >= len(HOSTILE)


def test_ocsf_events_say_what_happened_to_which_flag_by_whom(shop):
    filled.record("sqlite:///record.db", [(change(40, kind=ChangeKind.DENIED, error="AccessDenied"), by("bob"))])
    flagtrail("export", "--out", "audit")

    events = lines_of(shop / "audit" / "ocsf.jsonl.gz")

    assert len(events) == 13
    denied = next(event for event in events if event["status"] == "Failure")
    assert (denied["class_uid"], denied["category_uid"], denied["type_uid"]) == (3004, 3, 300499)
    assert denied["actor"]["user"]["name"] == "bob"
    updated = [event for event in events if event["activity_id"] == 3]
    assert len(updated) == 12
    assert all(event["type_uid"] == event["class_uid"] * 100 + event["activity_id"] for event in events)
    assert {event["entity"]["name"] for event in updated} == {"shop/new-checkout"}


# Entity Management (3004) of OCSF 1.3.0: what an event must have.
_OCSF_REQUIRED = {"activity_id", "category_uid", "class_uid", "severity_id", "time", "type_uid", "metadata", "actor",
                  "entity", "cloud"}  # fmt: skip


def test_an_ocsf_event_has_what_its_class_demands_and_no_null(shop):
    filled.record(
        "sqlite:///record.db",
        [
            (change(number, kind=kind, version_after=None, after=None), by("bob"))
            for number, kind in enumerate(ChangeKind, start=40)
        ],
    )
    flagtrail("export", "--out", "audit")

    events = lines_of(shop / "audit" / "ocsf.jsonl.gz")

    assert {event["unmapped"]["kind"] for event in events} == {kind.value for kind in ChangeKind}
    for event in events:
        assert event.keys() >= _OCSF_REQUIRED
        assert event["activity_name"] if event["activity_id"] == 99 else event["activity_id"] in {1, 3, 4}
        assert event["metadata"].keys() >= {"product", "version"}
        assert "null" not in json.dumps({name: value for name, value in event.items() if name != "unmapped"})


def test_one_change_is_proved_without_the_others(shop):
    identifier = flagtrail("history", "--format", "json").json[3]["id"]
    proof = flagtrail("prove", identifier)
    (shop / "change.proof").write_text(proof.out)

    assert proof.status == 0
    assert [entry["kind"] for entry in proof.json["entries"]] == ["change"]
    assert len(proof.out) < 5_000
    assert flagtrail("verify-proof", "change.proof", "--public-key", "key.pub").status == 0
    assert flagtrail("verify-proof", "change.proof", "--checkpoints", "checkpoints").status == 0


def test_a_proof_by_number_has_what_was_learnt_of_the_change(shop):
    from auditor.adapters.storage import open_database

    with closing(open_database("sqlite:///record.db")) as database, database.unit_of_work() as uow:
        uow.changes.attribute(next(uow.changes.query(everything())).id, by("erin"), at(40))
        uow.commit()
    flagtrail("seal")

    proof = flagtrail("prove", "12")
    (shop / "change.proof").write_text(proof.out)

    assert [entry["kind"] for entry in proof.json["entries"]] == ["change", "attribution"]
    assert flagtrail("verify-proof", "change.proof").status == 0


def everything():
    from auditor.application.ports import HistoryQuery

    return HistoryQuery()


@pytest.mark.parametrize(
    ("tamper", "status"),
    [
        (lambda p: p["entries"][0].update(body=p["entries"][0]["body"].replace("dana", "evil")), 1),
        (lambda p: p["entries"][0].update(index=4), 1),
        (lambda p: p["entries"][0]["proof"].pop(), 1),
        (lambda p: p.update(checkpoint=p["checkpoint"].replace("\n12\n", "\n13\n")), 1),
        (lambda p: p.update(tree_size=11), 2),
        (lambda p: p.update(change="c0"), 2),
        (lambda p: p.update(version=2), 2),
        (lambda p: p.pop("entries"), 2),
    ],
)
def test_an_altered_proof_proves_nothing(shop, tamper, status):
    proof = flagtrail("prove", "3").json
    tamper(proof)
    (shop / "change.proof").write_text(json.dumps(proof))

    assert flagtrail("verify-proof", "change.proof").status == status


def test_what_is_not_recorded_or_not_signed_has_no_proof(shop):
    filled.record("sqlite:///record.db", [(change(50), by("dana"))])

    for name in ("c0", "99", "13"):
        answer = flagtrail("prove", name)
        assert (answer.status, answer.out) == (2, "")


def test_what_the_key_of_those_who_record_shows(shop):
    (shop / "flagtrail.toml").write_text(CONFIG + 'mac_key_env = "SHOP_MAC_KEY"\n')
    environ = {"SHOP_MAC_KEY": "at least sixteen bytes"}

    answer = flagtrail("verify", environ=environ)

    assert answer.status == 1
    assert "not written by whoever holds the key" in answer.err
    assert "sixteen" not in answer.out + answer.err


RETAIN = ("db", "retain", "--before", "100d", "--reason", "kept for a season", "--by", "lena")


def test_what_is_let_go_leaves_the_proof_valid(shop, root):
    told = flagtrail(*RETAIN, "--dry-run", "--format", "json").json
    assert (told["changes"], told["entries"], told["standing"], told["dry_run"]) == (11, 11, 1, True)

    answer = flagtrail(*RETAIN)
    assert answer.status == 0
    assert answer.out.startswith("11 changes (11 entries) recorded before")
    assert "1 that say what is so now" in answer.out
    assert flagtrail("seal").status == 0

    verified = flagtrail("verify")
    assert verified.status == 0
    assert verified.out.startswith("Intact: 13 entries, as signed in 3 checkpoints.")
    assert "11 entries recorded before" in verified.out
    assert "by lena: kept for a season" in verified.out
    (decision,) = flagtrail("verify", "--format", "json").json["let_go"]
    assert (decision["entries"], decision["by"]) == (11, "lena")
    assert len(flagtrail("history", "--format", "json").json) == 1
    assert "was let go" in flagtrail("history").err
    then = flagtrail("state", "--at", "200d", "--format", "json")
    assert "was let go" in then.err
    assert [state["certainty"] for state in then.json] == ["possible"] * len(then.json)

    assert flagtrail("export", "--out", "audit").status == 0
    assert both(root, "audit") == 0
    assert flagtrail("export", "--out", "part", "--since", "2020-01-01").status == 0
    assert both(root, "part") == 0


@pytest.mark.parametrize("which", ["a body", "the decision"])
def test_an_export_that_lacks_more_than_was_let_go_is_found_twice(shop, root, which):
    flagtrail(*RETAIN)
    flagtrail("seal")
    flagtrail("export", "--out", "audit")
    path = shop / "audit" / "entries-00000.jsonl.gz"
    with gzip.open(path, "rt") as file:
        lines = [json.loads(line) for line in file]
    (kept,) = [line for line in lines if line["kind"] == "change" and line["body"] is not None]
    (decided,) = [line for line in lines if line["kind"] == "retention"]
    (kept if which == "a body" else decided)["body"] = None
    with gzip.open(path, "wt") as file:
        file.writelines(json.dumps(line) + "\n" for line in lines)

    assert both(root, "audit") == 1


def test_a_hold_keeps_all_until_it_is_lifted(shop):
    assert flagtrail("db", "hold", "matter-17", "--reason", "asked for by counsel").out == (
        "matter-17 is held from now on\n"
    )

    refused = flagtrail(*RETAIN)
    assert refused.status == 2
    assert "matter-17" in refused.err
    assert len(flagtrail("history", "--format", "json").json) == 12

    lifted = flagtrail("db", "hold", "--lift", "matter-17", "--reason", "settled", "--format", "json")
    assert lifted.json["act"] == "lift"
    assert flagtrail(*RETAIN).status == 0
    listed = flagtrail("db", "hold", "--list")
    assert [line.split()[2] for line in listed.out.splitlines()[1:] if "20" in line[:4]][:2] == ["matter-17:"] * 2
    acts = [decision["act"] for decision in flagtrail("db", "hold", "--list", "--format", "json").json]
    assert acts == ["hold", "lift", "let_go"]


@pytest.mark.parametrize(
    "words",
    [
        ("db", "hold"),
        ("db", "hold", "name"),
        ("db", "hold", "name", "--lift", "name", "--reason", "both"),
        ("db", "hold", "--lift", "nobody", "--reason", "unknown"),
        ("db", "retain", "--before", "1d", "--reason", "too young"),
        ("db", "retain", "--before", "200d", "--reason", " "),
    ],
)
def test_a_decision_that_cannot_be_is_refused_in_a_sentence(shop, words):
    answer = flagtrail(*words)

    assert (answer.status, answer.out) == (2, "")
    assert len(answer.err.splitlines()) == 1
