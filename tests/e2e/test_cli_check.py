"""``flagtrail check``: what a change to code does to flags."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from auditor.domain.changes import ChangeKind
from auditor.domain.documents import DocumentRef
from tests.support.alerts import PARAMETER, change
from tests.support.cli import flagtrail
from tests.support.filled import record

CHECKOUT = "/shop/prod/features/new-checkout"
FLAGS = [
    {"key": CHECKOUT, "provider": "ssm", "application": "shop", "environment": "prod", "name": "shop/new-checkout"},
    {"key": "free-gift", "provider": "openfeature"},
]
READS = f'import boto3\nssm = boto3.client("ssm")\nvalue = ssm.get_parameter(Name="{CHECKOUT}")\n'
CLIENT = "from openfeature import api\nclient = api.get_client()\n"
UNOWNED = "Resources:\n  A:\n    Type: AWS::SSM::Parameter\n    Properties:\n      Name: /shop/prod/features/fresh\n"


@pytest.fixture
def flags(elsewhere):
    Path("flags.json").write_text(json.dumps(FLAGS))
    Path("code").mkdir()
    return "flags.json"


def write(**files):
    for name, text in files.items():
        Path("code", name.replace("_", ".")).write_text(text)


def codes(answer):
    return [(one["code"], one["path"], one["line"]) for one in answer.json["findings"]]


def check(*words):
    return flagtrail("check", "code", "--format", "json", *words)


def test_code_that_reads_known_flags_is_clean_and_needs_no_database(flags):
    write(app_py=READS)

    answer = check("--flags", flags)

    assert (answer.status, answer.json["findings"]) == (0, [])
    assert len(answer.json["unchecked"]) == 2
    assert sorted(path.name for path in Path().iterdir()) == ["code", "flags.json"]


def test_a_read_of_a_parameter_that_is_in_no_store_fails(flags):
    write(app_py=READS.replace("new-checkout", "new-chekout"))

    answer = check("--flags", flags)

    assert codes(answer) == [("unknown-flag", "app.py", 3)]
    assert answer.status == 1


def test_another_parameter_is_no_flag(flags):
    write(app_py=READS.replace("features/new-checkout", "database/password"))

    assert check("--flags", flags).status == 0


def test_what_the_change_itself_declares_is_known(flags):
    template = f"{UNOWNED}      Description: owner=pay, remove by 2030-01-31\n"
    write(app_py=READS.replace("new-checkout", "fresh"), template_yaml=template)

    assert check("--flags", flags).json["findings"] == []


def test_a_key_asked_for_as_known_ones_are_is_missed_in_the_store(flags):
    asked = 'a = client.get_boolean_value("free-gift", False)\nb = client.get_boolean_value("free-gft", False)\n'
    other = 'import shelf\nc = shelf.get_boolean_value("anything", 1)\nd = {}.get("free-gft")\n'
    write(app_py=CLIENT + asked, other_py=other)

    assert codes(check("--flags", flags)) == [("unknown-flag", "app.py", 4)]


def test_a_new_flag_needs_an_owner_and_an_end(flags):
    write(template_yaml=UNOWNED)

    answer = check("--flags", flags)

    assert codes(answer) == [("new-flag-undeclared", "template.yaml", 5)]
    assert answer.json["findings"][0]["text"] == "the new flag shop/fresh has no owner and no end date"


def test_what_comments_beside_a_new_flag_say_is_known(flags):
    reads = READS.replace("new-checkout", "fresh").replace("value =", "# owner: @pay, expires 2030-01-31\nvalue =")
    write(template_yaml=UNOWNED, app_py=reads)

    assert check("--flags", flags).json["findings"] == []


@pytest.mark.parametrize(
    ("name", "said", "lacking"),
    [
        ("fresh", "owner=pay", ["end date"]),
        ("fresh", "remove by 2030-01-31", ["owner"]),
        ("fresh", "owner=pay; remove by 2030-01-31", []),
        ("kill-switch", "owner=pay", []),
        ("new-checkout", "nothing", []),
    ],
)
def test_a_flag_that_stays_needs_no_end_and_a_known_one_nothing(flags, name, said, lacking):
    write(template_yaml=UNOWNED.replace("fresh", name) + f"      Description: {said}\n")

    texts = [one["text"] for one in check("--flags", flags).json["findings"]]

    assert texts == [f"the new flag shop/{name} has no {missing}" for missing in lacking]


def test_different_fallbacks_of_one_flag_fail(flags):
    write(
        one_py=f'{CLIENT}a = client.get_boolean_value("free-gift", False)\n',
        two_py=f'{CLIENT}a = client.get_boolean_value("free-gift", True)\n',
    )

    answer = check("--flags", flags)

    assert codes(answer) == [("default-differs", "one.py", 3), ("default-differs", "two.py", 3)]
    assert answer.json["findings"][0]["text"] == "free-gift falls back to false here, to true at two.py:3"


def based(flags):
    Path("base.json").write_text(flagtrail("scan", "code", "--flags", flags, "--format", "json").out)
    return ("--flags", flags, "--base", "base.json")


def test_what_the_code_before_had_is_no_finding(flags):
    write(one_py=f'{CLIENT}a = client.get_boolean_value("free-gift", False)\n')
    write(two_py=f'{CLIENT}a = client.get_boolean_value("free-gift", True)\n')

    assert check(*based(flags)).json["findings"] == []


def test_a_last_use_that_goes_is_told_and_fails_nothing(flags):
    write(app_py=READS)
    words = based(flags)
    write(app_py="")
    Path("code/test_app.py").write_text(f'KEY = "{CHECKOUT}"\n')

    answer = check(*words)

    (notice,) = answer.json["notices"]
    assert (answer.status, notice["code"], notice["flag"]) == (0, "last-reference-removed", "shop/new-checkout")
    assert "now safe to delete in AWS" in notice["text"]
    assert "1 test" in notice["text"]


def test_the_given_files_are_no_uses_where_they_lie_in_the_code(flags):
    write(app_py=READS)
    Path("code/flags.json").write_text(json.dumps(FLAGS))
    Path("code/base.json").write_text(flagtrail("scan", "code", "--flags", flags, "--format", "json").out)
    write(app_py="")

    answer = check("--flags", "code/flags.json", "--base", "code/base.json")

    assert [one["code"] for one in answer.json["notices"]] == ["last-reference-removed"]


def test_a_use_that_goes_from_unread_code_is_not_called_safe(flags):
    write(app_py=READS)
    words = based(flags)
    write(app_py="")
    Path("code/broken.py").write_text(f'def new-checkout(:\n  "{CHECKOUT[:12]}", features, new-checkout')

    answer = check(*words)

    assert answer.json["complete"] is False
    assert "safe" not in answer.json["notices"][0]["text"]


def test_the_record_tells_what_is_past_its_end_and_what_was_deleted(elsewhere):
    Path("code").mkdir()
    old = DocumentRef("ssm", PARAMETER.account, PARAMETER.region, "/shop/prod/features/release-old")
    gone = DocumentRef("ssm", PARAMETER.account, PARAMETER.region, "/shop/prod/features/gone")
    made = datetime(2026, 1, 2, tzinfo=UTC)
    url = record(
        "sqlite:///record.db",
        [
            change(document=old, flag="release-old", kind=ChangeKind.CREATED, before=None, occurred_at=made),
            change(key="g", cause="g", document=gone, flag="gone", kind=ChangeKind.DELETED, after=None),
        ],
        at=made,
    )
    before = Path("record.db").read_bytes()
    write(
        old_py=READS.replace("new-checkout", "release-old"),
        gone_py=READS.replace("new-checkout", "gone"),
    )

    answer = check("--database", url)

    assert codes(answer) == [("unknown-flag", "gone.py", 3), ("expired-flag", "old.py", 3)]
    assert "was deleted" in answer.json["findings"][0]["text"]
    assert "40" in answer.json["findings"][1]["text"]
    assert Path("record.db").read_bytes() == before


def test_a_table_and_sarif_say_the_same(flags):
    write(template_yaml=UNOWNED)

    table = flagtrail("check", "code", "--flags", flags)
    sarif = flagtrail("check", "code", "--flags", flags, "--format", "sarif")

    (result,) = sarif.json["runs"][0]["results"]
    where = result["locations"][0]["physicalLocation"]
    assert (result["ruleId"], result["level"]) == ("new-flag-undeclared", "error")
    assert (where["artifactLocation"]["uri"], where["region"]["startLine"]) == ("template.yaml", 5)
    assert "new-flag-undeclared" in table.out
    assert (table.status, sarif.status) == (1, 1)
    assert flagtrail("check", "code/nothing", "--flags", flags).status == 2


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"references": [{}]}', '{"references": [1]}', '{"references": 1}'])
def test_a_base_that_is_no_scan_is_bad_use(flags, text):
    Path("base.json").write_text(text)

    answer = check("--flags", flags, "--base", "base.json")

    assert (answer.status, answer.out) == (2, "")
    assert answer.err.startswith("flagtrail: base.json: is no ")


def test_a_base_that_is_not_there_is_bad_use(flags):
    assert check("--flags", flags, "--base", "gone.json").status == 2


def test_annotations_stand_at_the_lines_as_a_workflow_sees_them(flags):
    write(template_yaml=UNOWNED, app_py=READS.replace("new-checkout", "a,b:c%").replace('"/', '"/'))
    Path("code/bad%,name.yaml").write_text(UNOWNED.replace("fresh", "fresher"))

    lines = flagtrail("check", "code", "--flags", flags, "--format", "github").out.splitlines()
    alone = flagtrail("check", "code/template.yaml", "--flags", flags, "--format", "github").out.splitlines()

    title = "title=A new flag has no owner or no end date"
    assert (
        f"::error file=code/template.yaml,line=5,col=13,{title}::the new flag shop/fresh has no owner and no end date"
        in lines
    )
    assert any(line.startswith("::error file=code/bad%25%2Cname.yaml,line=5") for line in lines)
    assert any(line.startswith("::error file=code/template.yaml,line=5") for line in alone)
    assert [line for line in lines if not line.startswith(("::error ", "::debug::"))] == []
