from __future__ import annotations

import json
import time

import pytest

from auditor.domain.references import FlagSpec
from scanners.flag_index import FlagIndex
from scanners.languages.base import ScanContext, SourceFile
from scanners.languages.documents import Documents, find_in_text, keys_of_document
from scanners.unreadable import UnreadableSourceError
from tests.support.languages import CHECKOUT, FLAGS, SHIPPING, findings, held, lines

APPCONFIG = """{
  "version": "1",
  "flags": {
    "dark-mode": {"name": "dark-mode", "description": "search and dark-mode"},
    "dark-mode-v2": {"name": "Another"}
  },
  "values": {
    "dark-mode": {"enabled": true, "_variants": [{"name": "search"}]}
  }
}
"""

CASES = {
    "an AppConfig document declares its keys in both halves, and nothing else in it counts": (
        "flags.json",
        APPCONFIG,
        ["4:5 define dark-mode", "8:5 define dark-mode"],
    ),
    "the same as YAML, with a comment": (
        "config/flags.yml",
        """# dark-mode is for the night
version: "1"
flags:
  dark-mode: {name: Dark}
values:
  dark-mode: # search, as a plain word, is none
    enabled: true
""",
        ["1:3 doc dark-mode", "4:3 define dark-mode", "6:3 define dark-mode"],
    ),
    "Powertools' schema; a rule's name is no flag": (
        "features.json",
        """{
  "dark-mode": {
    "default": false,
    "rules": {
      "search": {"when_match": true, "conditions": [{"action": "EQUALS", "key": "dark-mode", "value": "search"}]}
    }
  },
  "search": {"default": "dark-mode", "boolean_type": false}
}
""",
        ["2:3 define dark-mode", "8:3 define search"],
    ),
    "Powertools' schema in an envelope": (
        "features.yaml",
        "app:\n  features:\n    dark-mode:\n      default: true\n    search: {default: false}\n",
        ["3:5 define dark-mode", "5:5 define search"],
    ),
    "a document as AppConfig gives it": (
        "sample.json",
        '{"dark-mode": {"enabled": true},\n "search": {"enabled": false, "tier": "dark-mode"}}',
        ["1:2 define dark-mode", "2:2 define search"],
    ),
    "a flagd document declares OpenFeature's flags": (
        "flagd.json",
        '{"flags": {\n "beta-search": {"state": "ENABLED", "variants": {"on": true}, "defaultVariant": "on"}\n}}',
        ["2:2 define beta-search"],
    ),
    "a LaunchDarkly data file": (
        "ld.json",
        '{"flagValues": {\n "old-cart": true,\n "old-cart-2": false}}',
        ["2:2 define old-cart"],
    ),
    "JSON in a YAML block": (
        "chart.yaml",
        'content: |\n  {\n    "version": "1",\n    "values": {\n      "dark-mode": {"enabled": true}\n    }\n  }\n',
        ["5:7 define dark-mode"],
    ),
    "JSON in a JSON string": (
        "event.json",
        json.dumps({"Content": APPCONFIG}, indent=1),
        ["2:60 define dark-mode"],
    ),
    "a mapping of flags of unknown shape is possible": (
        "settings.yaml",
        "features:\n  dark-mode: on\n  search: true\nother:\n  search: true\n",
        ["2:3 possible define dark-mode", "3:3 possible define search"],
    ),
    "an unrelated mapping is none": (
        "package.json",
        '{"dependencies": {"dark-mode": "^1.0", "search": "2"}}',
        [],
    ),
    "a longer or shorter key and another case are none": (
        "flags.json",
        '{"version": "1", "values": {"dark-mode-v2": {}, "Dark-Mode": {}, "mode": {}, "dark": {}}}',
        [],
    ),
    "a parameter's record declares it": (
        "seed.json",
        f'[{{"Name": "{CHECKOUT}",\n  "Type": "String", "Value": "true"}}]',
        [f"1:11 define {CHECKOUT}"],
    ),
    "a parameter's name as a value is possible": (
        "app.yaml",
        f"checkout:\n  parameter: {CHECKOUT}\n  old: {CHECKOUT}/x\n",
        [f"2:14 possible bind {CHECKOUT}"],
    ),
    "variables of a compose file, both forms": (
        "compose.yml",
        f"services:\n  web:\n    environment:\n      FLAG: {CHECKOUT}\n      NEW_TAX: '1'\n"
        f"  job:\n    environment:\n      - SHIP={SHIPPING}\n      - OTHER=1\n",
        [f"4:13 bind {CHECKOUT}", "5:7 bind NEW_TAX", f"8:14 bind {SHIPPING}"],
    ),
    "variables of a pod": (
        "pod.yaml",
        f"spec:\n  containers:\n  - env:\n    - name: FLAG\n      value: {CHECKOUT}\n    - name: NEW_TAX\n      value: 'true'\n",
        [f"5:14 bind {CHECKOUT}", "6:13 bind NEW_TAX"],
    ),
    "a container's secret is read from the parameter": (
        "task.json",
        f'{{"secrets": [{{"name": "FLAG",\n "valueFrom": "arn:aws:ssm:eu-central-1:123456789012:parameter{CHECKOUT}"}}]}}',
        [f"2:15 read {CHECKOUT}"],
    ),
    "a workflow: variables, scripts and what they are handed": (
        ".github/workflows/deploy.yml",
        f"""on: push
env:
  FLAG: {CHECKOUT}
jobs:
  deploy:
    steps:
      - run: aws ssm put-parameter --name "$FLAG" --value true --overwrite
        env:
          FLAG: {SHIPPING}
      - run: |
          # free text
          aws ssm get-parameter \\
            --name {CHECKOUT}
""",
        [f"3:9 bind {CHECKOUT}", f"7:43 write {SHIPPING}", f"9:17 bind {SHIPPING}", f"13:20 read {CHECKOUT}"],
    ),
    "a build's variables and commands": (
        "buildspec.yml",
        f"""env:
  variables:
    PREFIX: /shop/prod/features
  parameter-store:
    ON: {CHECKOUT}
phases:
  build:
    commands:
      - aws ssm put-parameter --name "$PREFIX/free-shipping" --value true
""",
        [f"5:9 read {CHECKOUT}", f"9:38 write {SHIPPING}"],
    ),
    "a state machine's task": (
        "machine.asl.json",
        f'{{"States": {{"A": {{"Resource": "arn:aws:states:::aws-sdk:ssm:getParameter",\n "Parameters": {{"Name": "{CHECKOUT}"}}}}}}}}',
        [f"2:25 read {CHECKOUT}"],
    ),
    "a deployment's reference": (
        "serverless.yml",
        f"custom:\n  on: ${{ssm:{CHECKOUT}}}\n  off: ${{ssm:/shop/${{opt:stage}}/features/free-shipping}}\n",
        [f"2:7 read {CHECKOUT}", f"3:8 possible read {SHIPPING}"],
    ),
    "a statement of a policy names it": (
        "policy.json",
        f'{{"Statement": [{{"Effect": "Allow", "Action": "ssm:GetParameter", "Resource": [\n'
        f' "arn:aws:ssm:*:*:parameter{CHECKOUT}",\n "arn:aws:ssm:*:*:parameter/shop/prod/features/*"]}}]}}',
        [f"2:2 define {CHECKOUT}"],
    ),
    "any place of a test's document": (
        "tests/data/x.json",
        '{"old-cart": {"x": "dark-mode"}, "search": 1}',
        ["1:20 test dark-mode", "1:2 test old-cart"],
    ),
    "a service's variables that are filled": (
        "serverless.yml",
        f"provider:\n  environment:\n    FLAG: ${{ssm:{CHECKOUT}}}\n",
        [f"3:11 read {CHECKOUT}"],
    ),
    "JSON in a YAML string, quoted either way": (
        "a.yaml",
        """one: '{"version": "1", "description": "it''s", "values": {"dark-mode": {}}}'
two: '{"version": "1", "values": {"dark-mode": {"x": "it''s"}}}'
three: "{\\"version\\": \\"1\\", \\"values\\": {\\"search\\": {\\"u\\": \\"\\u00e9\\x41\\n\\"}}}"
""",
        ["2:35 define dark-mode", "3:43 define search"],
    ),
    "test files": ("tests/data/flags.json", APPCONFIG, ["4:5 test dark-mode", "8:5 test dark-mode"]),
}


@pytest.mark.parametrize("name", CASES)
def test_finds(name):
    path, source, expected = CASES[name]
    assert lines(findings(Documents(), path, source)) == expected


def test_settings_are_handed_on():
    source = (
        f"env:\n  FLAG: {CHECKOUT}\n  LEVEL: search\n  STAGED: /shop/${{STAGE}}/features/new-checkout\n  OTHER: /x/y\n"
    )
    found = held(findings(Documents(), "a.yaml", source))
    assert found == [f"2:9 FLAG = {CHECKOUT}", "4:11 STAGED = /shop/*/features/new-checkout"]


def test_one_key_in_two_applications_is_possible_for_each():
    flags = [FlagSpec("a-b", "appconfig", application=name, profile="p") for name in ("shop", "bank")]
    found = lines(findings(Documents(), "f.json", '{"version": "1", "values": {"a-b": {}}}', flags))
    assert found == ["1:29 possible define a-b", "1:29 possible define a-b"]


def test_other_stores_do_not_count():
    flags = [FlagSpec("a-b", "launchdarkly"), FlagSpec("a-b", "env"), FlagSpec("a-b", "generic"), FlagSpec("a-b", "s3")]
    found = findings(Documents(), "f.json", '{"version": "1", "values": {"a-b": {}}}', flags).references
    assert {(one.flag.provider, one.certainty.value) for one in found} == {("generic", "certain"), ("s3", "possible")}


BOMBS = {
    "nested brackets": ("a.json", "[" * 100_000),
    "nested objects": ("a.json", '{"a":' * 100_000),
    "nested flow": ("a.yaml", "dark-mode: " + "[" * 100_000),
    "nested blocks": ("a.yaml", "".join(" " * n + "a:\n" for n in range(1_000))),
    "not closed": ("a.json", '{"dark-mode": "'),
    "no YAML": ("a.yaml", "a: b: c\n\t- dark-mode: ]"),
    "null bytes": ("a.yaml", "dark-mode: \0"),
    "too large": ("a.json", '"' + "x" * (9 << 20) + '"'),
}


@pytest.mark.parametrize("name", BOMBS)
def test_what_cannot_be_understood_says_so_at_once(name):
    path, source = BOMBS[name]
    begun = time.process_time()
    with pytest.raises(UnreadableSourceError):
        findings(Documents(), path, source)
    assert time.process_time() - begun < 5


def test_aliases_are_looked_at_once():
    bomb = "a0: &a0 {dark-mode: {enabled: true}}\n"
    bomb += "".join(f"a{n}: &a{n} {{{', '.join(f'k{m}: *a{n - 1}' for m in range(9))}}}\n" for n in range(1, 30))
    assert lines(findings(Documents(), "a.yaml", bomb)) == ["1:10 possible define dark-mode"]
    assert lines(findings(Documents(), "a.yaml", "a: &a [*a, dark-mode]")) == ["1:12 possible bind dark-mode"]


def test_a_template_of_a_document_is_another_language():
    source = b"{{- if .Values.x }}\nflag: dark-mode\n{{- end }}\n"
    assert not Documents().takes(SourceFile("chart/templates/a.yaml", source))
    assert not Documents().takes(SourceFile("chart/templates/a.yaml", b"a: {{ .Values.x }}"))
    assert Documents().takes(SourceFile("templates/a.yml", b"a: ${{ env.x }}"))


def test_documents_in_strings_of_code():
    context = ScanContext(FlagIndex(FLAGS))
    file = SourceFile("app/a.py", b"")
    text = '{"version": "1",\n "values": {"dark-mode": {}}}'
    assert lines(find_in_text(text, file, context, 10, 5)) == ["11:13 define dark-mode"]
    assert lines(find_in_text(text, file, context, 10, 5, one_line=True)) == ["10:5 define dark-mode"]
    assert not find_in_text("dark-mode is on", file, context, 1, 1).references


def test_keys_of_a_parsed_document():
    assert list(keys_of_document(json.loads(APPCONFIG))) == ["dark-mode", "dark-mode-v2"]
    assert list(keys_of_document({"x": {"a": {"default": True}}})) == ["a"]
    assert list(keys_of_document({"x": {"a": {"b": True}}})) == []
    assert list(keys_of_document(["a"])) == []
