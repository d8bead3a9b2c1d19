from __future__ import annotations

from contextlib import suppress

import pytest

from auditor.domain.scan_options import ScanOptions
from scanners.keytext import KeyText
from scanners.languages.base import Setting
from scanners.languages.shell import Shell
from scanners.unreadable import UnreadableSourceError
from tests.support.languages import CHECKOUT, SHIPPING, STAGING, findings, lines

CASES = {
    "parameters are set, deleted, labelled and tagged": (
        f"""aws ssm put-parameter --name {CHECKOUT} --value true --overwrite
aws --profile ops ssm delete-parameter --name={CHECKOUT}
aws ssm delete-parameters --names "{CHECKOUT}" '{SHIPPING}' --region eu-central-1
aws ssm label-parameter-version --name {CHECKOUT}:3 --labels live
aws ssm add-tags-to-resource --resource-type Parameter --resource-id {CHECKOUT} --tags Key=a,Value=b
""",
        [
            f"1:30 write {CHECKOUT}",
            f"2:47 write {CHECKOUT}",
            f"3:70 write {SHIPPING}",
            f"3:35 write {CHECKOUT}",
            f"4:40 write {CHECKOUT}",
            f"5:70 write {CHECKOUT}",
        ],
    ),
    "parameters are read; a whole path is none": (
        f"""ON=$(aws ssm get-parameter --name {CHECKOUT} --query Parameter.Value --output text)
aws ssm get-parameters \\
  --names {CHECKOUT} \\
          {SHIPPING}
aws ssm get-parameters-by-path --path /shop/prod/features
""",
        [f"1:35 read {CHECKOUT}", f"3:11 read {CHECKOUT}", f"4:11 read {SHIPPING}"],
    ),
    "variables of the same file": (
        f"""#!/bin/bash
KEY={CHECKOUT}
aws ssm get-parameter --name "$KEY"
PREFIX=/shop/prod/features
aws ssm get-parameter --name "${{PREFIX}}/free-shipping"
KEY={SHIPPING}
aws ssm put-parameter --name $KEY --value x
""",
        [
            f"2:5 bind {CHECKOUT}",
            f"3:30 read {CHECKOUT}",
            f"5:30 read {SHIPPING}",
            f"6:5 bind {SHIPPING}",
            f"7:30 write {SHIPPING}",
        ],
    ),
    "a variable that either branch sets": (
        f"""if [ "$1" = prod ]; then
  KEY={CHECKOUT}
else
  KEY={STAGING}
fi
aws ssm get-parameter --name "$KEY"
""",
        [f"2:7 bind {CHECKOUT}", f"4:7 bind {STAGING}", f"6:30 read {CHECKOUT}", f"6:30 read {STAGING}"],
    ),
    "a part that is not known": (
        "aws ssm get-parameter --name /shop/$STAGE/features/new-checkout\naws ssm get-parameter --name /shop/$STAGE/$X\n",
        [f"1:30 possible read {CHECKOUT}", f"1:30 possible read {STAGING}"],
    ),
    "a function is followed to its calls": (
        """flag() {
  aws ssm get-parameter --name "/shop/prod/features/$1" --query Parameter.Value
}
flag new-checkout
flag old
if [ "$(flag free-shipping)" = true ]; then echo on; fi
""",
        [f"4:6 read {CHECKOUT}", f"6:14 read {SHIPPING}"],
    ),
    "a loop": (
        """for f in new-checkout free-shipping; do
  aws ssm delete-parameter --name "/shop/prod/features/$f"
done
""",
        [f"2:35 write {SHIPPING}", f"2:35 write {CHECKOUT}"],
    ),
    "input as JSON, old substitutions and other quotes": (
        f"""aws ssm put-parameter --cli-input-json '{{"Name": "{CHECKOUT}", "Value": "true"}}'
ON=`aws ssm get-parameter --name {SHIPPING}`
aws ssm get-parameter --name $'{CHECKOUT}'
function off {{
  aws ssm delete-parameter --name "$1"
}}
off {SHIPPING}
cat <(aws ssm get-parameter --name {CHECKOUT}) <<< "text" > out 2>&1
aws ssm get-parameter --name "$(pick)" || echo "$KEY-\\$x"
""",
        [
            f"1:50 write {CHECKOUT}",
            f"2:34 read {SHIPPING}",
            f"3:30 read {CHECKOUT}",
            f"7:5 write {SHIPPING}",
            f"8:36 read {CHECKOUT}",
        ],
    ),
    "where the command line says which document": (
        """aws appconfig get-configuration --application shop --environment prod --configuration flags --client-id 1 out.json
jq -e '."dark-mode".enabled' out.json
aws appconfig list-applications
""",
        ["2:7 possible read dark-mode"],
    ),
    "a list": (
        f"""NAMES=("{CHECKOUT}" # the first
  '{SHIPPING}')
for n in "${{NAMES[@]}}"; do aws ssm delete-parameter --name "$n"; done
""",
        [f"1:8 bind {CHECKOUT}", f"2:3 bind {SHIPPING}", f"3:60 write {SHIPPING}", f"3:60 write {CHECKOUT}"],
    ),
    "a fallback of a part": (
        'STAGE="${1:-prod}"\naws ssm get-parameter --name "/shop/${STAGE}/features/new-checkout"\n',
        [f"2:30 read {CHECKOUT}", f"2:30 possible read {STAGING}"],
    ),
    "a fallback": (
        f'aws ssm get-parameter --name "${{KEY:-{CHECKOUT}}}"\n',
        [f"1:30 read {CHECKOUT}"],
    ),
    "a flag document is written": (
        """aws appconfig create-hosted-configuration-version --application-id a --content '{
  "version": "1",
  "values": {"dark-mode": {"enabled": true}}}' out.json
cat > flags.json <<EOF
{"version": "1",
 "values": {"search": {"enabled": true}}}
EOF
""",
        ["3:14 write dark-mode", "6:13 define search"],
    ),
    "what a filter takes from a document": (
        """aws appconfigdata get-latest-configuration --configuration-token "$T" /dev/stdout | jq '.["dark-mode"].enabled // false'
curl -s http://localhost:2772/applications/shop/environments/prod/configurations/flags | jq -r .search.enabled
curl -s http://localhost:2772/applications/bank/environments/prod/configurations/flags | jq .search
echo '{}' | jq .old
""",
        ['1:88 possible read dark-mode = "false"', "2:96 read search"],
    ),
    "the agent is asked for one flag": (
        'curl "http://localhost:2772/applications/shop/environments/prod/configurations/flags?flag=dark-mode"\n'
        'curl "http://localhost:2772/applications/$A/environments/prod/configurations/flags?flag=search"\n',
        ["1:6 read dark-mode", "2:6 possible read search"],
    ),
    "items": (
        """aws dynamodb get-item --table-name flags --key '{"pk": {"S": "gift-wrap"}}'
aws dynamodb put-item --table-name flags \\
  --item '{"pk": {"S": "gift-wrap"}}'
""",
        ["1:62 read gift-wrap", "3:24 write gift-wrap"],
    ),
    "environment variables that are flags": (
        "export NEW_TAX=1\n",
        ["1:8 write NEW_TAX"],
    ),
    "an environment variable that is a flag is read": (
        'if [ "${NEW_TAX:-0}" = 1 ]; then run; fi\n',
        ['1:7 read NEW_TAX = "0"'],
    ),
    "comments": (f"# {CHECKOUT}: ask ops\nrun # not {CHECKOUT}-old, search\n", [f"1:3 doc {CHECKOUT}"]),
    "an unknown command is possible, printing is none": (
        f"./flagctl enable {CHECKOUT}\necho {CHECKOUT}\necho 'see {CHECKOUT}'\n",
        [f"1:18 possible read {CHECKOUT}"],
    ),
    "longer, shorter and other keys are none": (
        f"aws ssm put-parameter --name {CHECKOUT}-old --value 1\naws ssm put-parameter --name new-checkout --value 1\n"
        f"aws ssm put-parameter --name {CHECKOUT.upper()} --value 1\naws s3 cp a s3://b{CHECKOUT}\n",
        [],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_finds(name):
    source, expected = CASES[name]
    assert lines(findings(Shell(), "deploy.sh", source)) == expected


def test_a_makefile():
    source = f"""FLAG := {CHECKOUT}
on: ## turn it on
\t@aws ssm put-parameter --name $(FLAG) --value true
\t-aws ssm get-parameter --name "$$KEY"
\tKEY={SHIPPING}; aws ssm get-parameter --name $$KEY
"""
    found = findings(Shell(), "Makefile", source)
    assert lines(found) == [f"1:9 bind {CHECKOUT}", f"3:32 write {CHECKOUT}", f"5:70 read {SHIPPING}"]


def test_a_dockerfile():
    source = f"FROM x\nENV FLAG={CHECKOUT} NEW_TAX=1\nRUN aws ssm get-parameter --name {SHIPPING}\n"
    found = findings(Shell(), "Dockerfile", source)
    assert lines(found) == [f"2:10 bind {CHECKOUT}", "2:43 bind NEW_TAX", f"3:34 read {SHIPPING}"]


def test_a_script_by_its_first_line():
    source = f"#!/usr/bin/env bash\naws ssm get-parameter --name {CHECKOUT}\n"
    assert lines(findings(Shell(), "bin/run", source)) == [f"2:30 read {CHECKOUT}"]


def test_test_code():
    assert lines(findings(Shell(), "tests/run.sh", f"K={CHECKOUT}\n")) == [f"1:3 test {CHECKOUT}"]


def test_a_variable_set_by_a_document():
    settings = {"FLAG": (Setting("FLAG", KeyText.known(CHECKOUT), ".env", 1, 6),)}
    found = findings(Shell(), "a.sh", 'aws ssm get-parameter --name "$FLAG"\n', settings=settings)
    assert lines(found) == [f"1:31 read {CHECKOUT}"]
    assert not found.unresolved


def test_unknown_keys_are_said():
    found = findings(Shell(), "a.sh", 'aws ssm get-parameter --name "$1"\n')
    assert [(one.line, one.reason) for one in found.unresolved] == [(1, "aws ssm get-parameter: the key is not known")]


def test_another_table_is_none():
    options = ScanOptions(tables=("flags",))
    source = """aws dynamodb get-item --table-name carts --key '{"pk": {"S": "gift-wrap"}}'\n"""
    assert lines(findings(Shell(), "a.sh", source, options=options)) == []


@pytest.mark.parametrize(
    "source",
    [
        "$(" * 100_000,
        "`" * 99_999,
        "((" * 50_000,
        "'" * 50_001,
        '"$' * 50_000,
        "${" * 50_000,
        "a=$a " * 9_000,
        'a$a"b"' * 6_000,
    ],
)
def test_hostile_scripts_end(source):
    with suppress(UnreadableSourceError):
        assert not findings(Shell(), "a.sh", source).references


def test_functions_that_call_themselves_end():
    source = "f() {\n" + "f $1 $1\n" * 30 + f"aws ssm get-parameter --name $1\n}}\nf {CHECKOUT}\n"
    assert lines(findings(Shell(), "a.sh", source)) == [f"34:3 read {CHECKOUT}"]


def test_calls_beyond_a_number_are_said():
    calls = "".join(f"f {number} $1\n" for number in range(60))
    found = findings(Shell(), "a.sh", "f() {\n" + calls + f"}}\naws ssm get-parameter --name {CHECKOUT}\nf a\n")
    assert lines(found) == [f"63:30 read {CHECKOUT}"]
    assert [remark.reason for remark in found.unresolved] == [
        "functions are called so often that not every call was followed"
    ]


def test_a_long_script_is_followed_to_its_end():
    found = findings(Shell(), "a.sh", "x\n" * 20_500 + f"aws ssm get-parameter --name {CHECKOUT}\n")
    assert lines(found) == [f"20501:30 read {CHECKOUT}"]
