"""Declarations: which flags files declare, and what they say of owner and end."""

from __future__ import annotations

import json

import pytest

from scanners.declarations import declarations


def declared(tmp_path, name, text):
    file = tmp_path / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return {one.key: one for one in declarations([str(tmp_path)])}


TEMPLATE = """\
Resources:
  Plain:
    Type: AWS::SSM::Parameter
    Properties:
      Name: /shop/prod/features/plain
      Tags: {owner: pay}
  Made:
    Type: AWS::SSM::Parameter
    Properties:
      Name: !Sub "/shop/${Stage}/features/made"
      Description: owner=pay, remove by 2027-01-31
      Policies: '[{"Type":"Expiration","Version":"1.0","Attributes":{"Timestamp":"2027-02-28T00:00:00Z"}}]'
  Long:
    Type: AWS::SSM::Parameter
    Properties:
      Name: {"Fn::Sub": ["/shop/${X}/features/long", {X: y}]}
      Tags: [{Key: owner, Value: pay}]
  Joined:
    Type: AWS::SSM::Parameter
    Properties: {Name: !Join ["/", [a, b]]}
  Content:
    Type: AWS::AppConfig::HostedConfigurationVersion
    Properties:
      Content: |
        {"version": "1", "flags": {"gift": {"name": "Gift"}}, "values": {"gift": {"enabled": true}}}
"""

TERRAFORM = """\
resource "aws_ssm_parameter" "one" {
  name        = "/shop/${var.stage}/features/one"
  description = "owner: pay"
  tags        = { expires = "2027-01-31" }
}
resource "aws_appconfig_hosted_configuration_version" "flags" {
  content = jsonencode({ version = "1", flags = { gift = { description = "owner: pay" } }, values = {} })
}
resource "aws_appconfig_hosted_configuration_version" "more" {
  content = <<EOT
{"version": "1", "flags": {"wrap": {"name": "Wrap"}}, "values": {"wrap": {"enabled": false}}}
EOT
}
"""


def test_a_template_declares_parameters_and_flags(tmp_path):
    found = declared(tmp_path, "template.yaml", TEMPLATE)

    assert set(found) == {"/shop/prod/features/plain", "/shop/*/features/made", "/shop/*/features/long", "gift"}
    assert found["/shop/prod/features/plain"].metadata["tags"] == {"owner": "pay"}
    assert found["/shop/*/features/long"].metadata["tags"] == {"owner": "pay"}
    assert found["/shop/*/features/made"].metadata["expires_at"] == "2027-02-28T00:00:00Z"
    assert (found["gift"].line, found["gift"].definition) == (25, {"name": "Gift"})


def test_terraform_declares_parameters_and_flags(tmp_path):
    found = declared(tmp_path, "main.tf", TERRAFORM)

    assert set(found) == {"/shop/*/features/one", "gift", "wrap"}
    assert found["/shop/*/features/one"].metadata == {"description": "owner: pay", "tags": {"expires": "2027-01-31"}}
    assert found["gift"].definition == {"description": "owner: pay"}
    assert found["wrap"].line == 11


def test_a_flag_document_declares_its_flags(tmp_path):
    document = {"version": "1", "flags": {"gift": {"name": "Gift"}}, "values": {"gift": {"enabled": True}}}

    assert list(declared(tmp_path, "flags.json", json.dumps(document))) == ["gift"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("tests/template.yaml", TEMPLATE),
        ("notes.txt", TEMPLATE),
        ("broken.json", '{"flags": {"a": '),
        ("other.json", '{"flags": ["a", "b"]}'),
        ("flags.yaml", "flags: [a\n"),
    ],
)
def test_tests_other_files_and_broken_ones_declare_nothing(tmp_path, name, text):
    assert declared(tmp_path, name, text) == {}
