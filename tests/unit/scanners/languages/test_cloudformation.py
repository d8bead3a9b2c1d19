from __future__ import annotations

import pytest

from scanners.languages.documents import Documents
from tests.support.languages import CHECKOUT, FLAGS, SHIPPING, STAGING, findings, held, lines

HEAD = 'AWSTemplateFormatVersion: "2010-09-09"\n'

CASES = {
    "a parameter is declared; its value and description are none": (
        f"""Resources:
  Flag:
    Type: AWS::SSM::Parameter
    Properties:
      Name: {CHECKOUT}
      Type: String
      Value: "true"
      Description: {SHIPPING}
""",
        [f"6:13 define {CHECKOUT}"],
    ),
    "a parameter with an unknown part is possible for each flag": (
        """Resources:
  Flag:
    Type: AWS::SSM::Parameter
    Properties:
      Name: !Sub "/shop/${AWS::StackName}/features/new-checkout"
""",
        [f"6:18 possible define {CHECKOUT}", f"6:18 possible define {STAGING}"],
    ),
    "a template's parameter with a default stands for it, and for others perhaps": (
        """Parameters:
  Stage: {Type: String, Default: prod}
Resources:
  Flag:
    Type: AWS::SSM::Parameter
    Properties:
      Name: !Join ["/", ["", shop, !Ref Stage, features, new-checkout]]
""",
        [f"8:13 define {CHECKOUT}", f"8:13 possible define {STAGING}"],
    ),
    "an unknown last segment is none": (
        "Resources:\n  Flag:\n    Type: AWS::SSM::Parameter\n    Properties:\n      Name: !Sub '/shop/prod/features/${Name}'\n",
        [],
    ),
    "a template's parameter that Parameter Store fills": (
        f"Parameters:\n  Flag:\n    Type: AWS::SSM::Parameter::Value<String>\n    Default: {CHECKOUT}\n",
        [f"5:14 read {CHECKOUT}"],
    ),
    "dynamic references, with a version and with an unknown part": (
        """Resources:
  F:
    Type: AWS::Lambda::Function
    Properties:
      Environment:
        Variables:
          ON: '{{resolve:ssm:/shop/prod/features/new-checkout:3}}'
          OFF: !Sub "{{resolve:ssm:/shop/${Stage}/features/free-shipping}}"
""",
        [f"8:15 read {CHECKOUT}", f"9:21 possible read {SHIPPING}"],
    ),
    "a hosted configuration as JSON in a block": (
        """Resources:
  Version:
    Type: AWS::AppConfig::HostedConfigurationVersion
    Properties:
      ApplicationId: !Ref App
      Description: dark-mode
      Content: |
        {
          "version": "1",
          "flags": {
            "dark-mode": {"name": "search"}
          }
        }
""",
        ["12:13 define dark-mode"],
    ),
    "a hosted configuration of another application is none": (
        """Resources:
  App:
    Type: AWS::AppConfig::Application
    Properties: {Name: bank}
  Version:
    Type: AWS::AppConfig::HostedConfigurationVersion
    Properties:
      ApplicationId: !Ref App
      Content: '{"version": "1", "values": {"dark-mode": {"enabled": true}}}'
""",
        [],
    ),
    "permissions name it: a statement, and policy templates with and without a slash": (
        """Resources:
  F:
    Type: AWS::Serverless::Function
    Properties:
      Policies:
        - SSMParameterReadPolicy:
            ParameterName: shop/prod/features/new-checkout
        - Statement:
            - Effect: Allow
              Action: ssm:GetParameter
              Resource: !Sub arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:parameter/shop/*/features/free-shipping
        - SSMParameterReadPolicy:
            ParameterName: !Sub shop/${Stage}/features/old
""",
        [f"8:28 define {CHECKOUT}", f"12:30 possible define {SHIPPING}"],
    ),
    "variables bound to a key: as text, by a reference to the resource, and by the value": (
        f"""Globals:
  Function:
    Environment:
      Variables:
        FLAG: {CHECKOUT}
        NEW_TAX: "true"
Resources:
  Shipping:
    Type: AWS::SSM::Parameter
    Properties:
      Name: {SHIPPING}
  F:
    Type: AWS::Serverless::Function
    Properties:
      Environment:
        Variables:
          NAME: !Ref Shipping
          VALUE: !GetAtt Shipping.Value
""",
        [
            f"6:15 bind {CHECKOUT}",
            "7:9 bind NEW_TAX",
            f"12:13 define {SHIPPING}",
            f"18:22 bind {SHIPPING}",
            f"19:26 read {SHIPPING}",
        ],
    ),
    "mappings": (
        """Mappings:
  Flags:
    prod: {name: /shop/prod/features/new-checkout}
    staging: {name: /shop/staging/features/new-checkout}
Resources:
  F:
    Type: AWS::Lambda::Function
    Properties:
      Environment:
        Variables:
          FLAG: !FindInMap [Flags, prod, name]
          ANY: !FindInMap [Flags, !Ref Stage, name]
""",
        [
            f"4:18 bind {CHECKOUT}",
            f"5:21 bind {STAGING}",
            f"12:17 bind {CHECKOUT}",
            f"13:16 bind {CHECKOUT}",
            f"13:16 bind {STAGING}",
        ],
    ),
    "code and scripts inside": (
        f"""Resources:
  F:
    Type: AWS::Lambda::Function
    Properties:
      Code:
        ZipFile: |
          import boto3
          boto3.client("ssm").get_parameter(Name="{CHECKOUT}")
  I:
    Type: AWS::EC2::Instance
    Properties:
      UserData:
        Fn::Base64: !Sub |
          #!/bin/bash
          aws ssm get-parameter --name {SHIPPING} --region ${{AWS::Region}}
""",
        [f"9:50 possible read {CHECKOUT}", f"16:40 read {SHIPPING}"],
    ),
    "alternatives": (
        """Resources:
  F:
    Type: AWS::Lambda::Function
    Properties:
      Environment:
        Variables:
          FLAG: !If [IsProd, /shop/prod/features/new-checkout, /shop/staging/features/new-checkout]
""",
        [f"8:17 bind {CHECKOUT}", f"8:17 bind {STAGING}"],
    ),
    "comments": (f"# {CHECKOUT}, for now\nResources: {{}}\n", [f"2:3 doc {CHECKOUT}"]),
    "other names are none": (
        f"Resources:\n  Topic:\n    Type: AWS::SNS::Topic\n    Properties: {{TopicName: dark-mode, Tags: [{{Key: a, Value: {CHECKOUT}/x}}]}}\n",
        [],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_finds(name):
    source, expected = CASES[name]
    assert lines(findings(Documents(), "template.yaml", HEAD + source)) == expected


def test_a_template_in_json():
    source = """{"Resources": {
 "Flag": {"Type": "AWS::SSM::Parameter", "Properties": {"Name":
   {"Fn::Sub": ["/shop/${Stage}/features/new-checkout", {"Stage": "prod"}]}}},
 "F": {"Type": "AWS::Lambda::Function", "Properties": {"Environment": {"Variables": {
   "FLAG": {"Ref": "Flag"}, "ON": {"Fn::GetAtt": ["Flag", "Value"]}}}}}
}}"""
    found = findings(Documents(), "stack.template", "AWS::".join(source.split("AWS::")))
    assert lines(found) == [f"3:4 define {CHECKOUT}", f"5:35 read {CHECKOUT}"]


def test_settings_are_handed_on():
    source = (
        HEAD
        + """Resources:
  Flag: {Type: AWS::SSM::Parameter, Properties: {Name: /shop/prod/features/new-checkout}}
  F:
    Type: AWS::Lambda::Function
    Properties:
      Environment:
        Variables:
          A: !Ref Flag
          B: !GetAtt Flag.Value
          C: !Sub /shop/${Stage}/features/free-shipping
          D: '{{resolve:ssm:/shop/prod/features/free-shipping}}'
          E: plain
"""
    )
    assert held(findings(Documents(), "t.yaml", source)) == [
        f"9:19 A = {CHECKOUT}",
        f"10:22 B = {CHECKOUT}",
        "11:19 C = /shop/*/features/free-shipping",
        f"12:14 D = {SHIPPING}",
    ]


def test_what_is_partly_known_is_a_pattern_or_unresolved():
    source = (
        HEAD
        + "Outputs:\n  A: {Value: !Sub '{{resolve:ssm:/shop/${S}/features/new-checkout}}'}\n  B: {Value: !Sub '{{resolve:ssm:/shop/${S}/none}}'}\n"
    )
    found = findings(Documents(), "t.yaml", source, FLAGS)
    assert [(one.pattern, one.line, one.flags) for one in found.patterns] == [
        ("/shop/*/features/new-checkout", 3, (CHECKOUT, STAGING))
    ]
    assert [one.line for one in found.unresolved] == [4]
