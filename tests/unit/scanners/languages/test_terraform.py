from __future__ import annotations

from contextlib import suppress

import pytest

from scanners.languages.terraform import Terraform
from scanners.unreadable import UnreadableSourceError
from tests.support.languages import CHECKOUT, SHIPPING, STAGING, findings, held, lines

CASES = {
    "parameters declared and read": (
        f"""# {CHECKOUT} is for everybody
resource "aws_ssm_parameter" "checkout" {{
  name        = "{CHECKOUT}"
  type        = "String"
  description = "{SHIPPING}"
  value       = "true"
}}
data "aws_ssm_parameter" "shipping" {{ name = "{SHIPPING}" }}
""",
        [f"1:3 doc {CHECKOUT}", f"3:17 define {CHECKOUT}", f"8:46 read {SHIPPING}"],
    ),
    "locals, and variables with and without a default": (
        """locals {
  prefix = "/shop/prod"
}
variable "stage" { default = "prod" }
variable "other" {}
data "aws_ssm_parameter" "a" { name = "${local.prefix}/features/free-shipping" }
data "aws_ssm_parameter" "b" { name = "/shop/${var.stage}/features/new-checkout" }
data "aws_ssm_parameter" "c" { name = "/shop/${var.other}/features/new-checkout" }
data "aws_ssm_parameter" "d" { name = format("%s/features/%s", local.prefix, "new-checkout") }
data "aws_ssm_parameter" "e" { name = join("/", ["", "shop", "prod", "features", "new-checkout"]) }
""",
        [
            f"6:39 read {SHIPPING}",
            f"7:39 read {CHECKOUT}",
            f"7:39 possible read {STAGING}",
            f"8:39 possible read {CHECKOUT}",
            f"8:39 possible read {STAGING}",
            f"9:39 read {CHECKOUT}",
            f"10:39 read {CHECKOUT}",
        ],
    ),
    "for each": (
        """locals { flags = { new-checkout = "true", other = "false" } }
resource "aws_ssm_parameter" "all" {
  for_each = local.flags
  name     = "/shop/prod/features/${each.key}"
}
resource "aws_ssm_parameter" "listed" {
  for_each = toset(["free-shipping", "x"])
  name     = "/shop/prod/features/${each.value}"
}
""",
        [f"4:14 define {CHECKOUT}", f"8:14 define {SHIPPING}"],
    ),
    "a hosted configuration, encoded and as a heredoc": (
        """resource "aws_appconfig_hosted_configuration_version" "a" {
  content = jsonencode({
    version = "1"
    flags = {
      "dark-mode" = { name = "dark-mode" }
    }
    values = { search = { enabled = true } }
  })
}
resource "aws_appconfig_hosted_configuration_version" "b" {
  content = <<-EOT
    {"version": "1", "values": {
      "dark-mode": {"enabled": ${var.on}}
    }}
  EOT
}
""",
        ["5:7 define dark-mode", "7:16 define search", "13:7 define dark-mode"],
    ),
    "a hosted configuration of another application": (
        """resource "aws_appconfig_application" "bank" { name = "bank" }
resource "aws_appconfig_hosted_configuration_version" "a" {
  application_id = aws_appconfig_application.bank.id
  content        = jsonencode({ version = "1", values = { "dark-mode" = { enabled = true } } })
}
""",
        [],
    ),
    "permissions": (
        f"""data "aws_iam_policy_document" "p" {{
  statement {{
    actions   = ["ssm:GetParameter"]
    resources = ["arn:aws:ssm:${{var.region}}:${{local.account}}:parameter{CHECKOUT}", aws_ssm_parameter.s.arn]
  }}
}}
resource "aws_ssm_parameter" "s" {{ name = "{SHIPPING}" }}
resource "aws_iam_role_policy" "q" {{
  policy = jsonencode({{ Statement = [{{
    Effect   = "Allow"
    Resource = "arn:aws:ssm:*:*:parameter/shop/prod/features/*"
    }}, {{
    Effect   = "Allow"
    Resource = aws_ssm_parameter.s.arn
  }}] }})
}}
""",
        [f"4:106 define {SHIPPING}", f"4:18 define {CHECKOUT}", f"7:43 define {SHIPPING}", f"14:16 define {SHIPPING}"],
    ),
    "variables of a function": (
        f"""resource "aws_ssm_parameter" "s" {{ name = "{SHIPPING}" }}
resource "aws_lambda_function" "f" {{
  environment {{
    variables = {{
      FLAG    = "{CHECKOUT}"
      NAME    = aws_ssm_parameter.s.name
      VALUE   = aws_ssm_parameter.s.value
      NEW_TAX = "1"
    }}
  }}
}}
""",
        [
            f"1:43 define {SHIPPING}",
            f"5:17 bind {CHECKOUT}",
            f"6:17 bind {SHIPPING}",
            f"7:17 read {SHIPPING}",
            "8:7 bind NEW_TAX",
        ],
    ),
    "names that are given a key": (
        f"""variable "flag" {{
  default = "{CHECKOUT}"
}}
module "f" {{
  source = "./f"
  flag   = "{SHIPPING}"
  title  = "{SHIPPING}"
}}
resource "x" "y" {{
  anything = "{CHECKOUT}"
  longer   = "{CHECKOUT}-old"
  within   = "see {CHECKOUT}"
}}
""",
        [f"2:13 bind {CHECKOUT}", f"6:12 bind {SHIPPING}", f"10:14 possible bind {CHECKOUT}"],
    ),
    "a container": (
        f"""resource "aws_ecs_task_definition" "t" {{
  container_definitions = jsonencode([{{
    environment = [{{ name = "FLAG", value = "{CHECKOUT}" }}]
    secrets = [{{ name = "ON", valueFrom = "arn:aws:ssm:eu-central-1:123456789012:parameter{SHIPPING}" }}]
  }}])
}}
""",
        [f"3:45 bind {CHECKOUT}", f"4:43 read {SHIPPING}"],
    ),
    "other providers, items and commands": (
        f"""resource "launchdarkly_feature_flag" "f" {{ key = "old-cart" }}
resource "aws_dynamodb_table_item" "i" {{
  item = jsonencode({{ pk = {{ S = "gift-wrap" }} }})
}}
resource "null_resource" "n" {{
  provisioner "local-exec" {{
    command = "aws ssm put-parameter --name {CHECKOUT} --value ${{var.on}}"
  }}
}}
""",
        ["1:50 define old-cart", "3:34 define gift-wrap", f"7:45 write {CHECKOUT}"],
    ),
    "a condition": (
        f'data "aws_ssm_parameter" "c" {{ name = var.prod ? "{CHECKOUT}" : "{STAGING}" }}\n',
        [f"1:39 read {CHECKOUT}", f"1:39 read {STAGING}"],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_finds(name):
    source, expected = CASES[name]
    assert lines(findings(Terraform(), "infra/main.tf", source)) == expected


def test_values_files():
    assert lines(findings(Terraform(), "prod.tfvars", f'flag = "{CHECKOUT}"\n')) == [f"1:8 bind {CHECKOUT}"]


def test_settings_are_handed_on():
    source = f"""data "aws_ssm_parameter" "s" {{ name = "{SHIPPING}" }}
resource "aws_lambda_function" "f" {{
  environment {{
    variables = merge({{ A = "{CHECKOUT}", B = data.aws_ssm_parameter.s.value }}, local.more)
  }}
}}
"""
    assert held(findings(Terraform(), "a.tf", source)) == [f"4:29 A = {CHECKOUT}", f"4:69 B = {SHIPPING}"]


def test_unknown_keys_are_said():
    source = (
        'data "aws_ssm_parameter" "s" { name = "/shop/${var.x}/none" }\ndata "aws_ssm_parameter" "t" { name = var.n }\n'
    )
    assert [one.line for one in findings(Terraform(), "a.tf", source).unresolved] == [1, 2]


HOSTILE = [
    "a {" * 100_000,
    "a = " + "[" * 100_000,
    "a = " + "{" * 100_000,
    'a = "' + "${" * 100_000,
    "a = " + "!" * 100_000 + "x",
    "a = <<EOF\n" + "x" * 100_000,
    "a = " + " + ".join(["1"] * 50_000),
    "a = " + "x ? " * 50_000,
    "}" * 100_000,
    "\0" * 1_000 + "= = = ] ) for",
    "a = {for x in y : z} \nb = [for x in y : (z]\n",
    "locals { a = local.b\n b = local.a }\n" + 'data "aws_ssm_parameter" "x" { name = local.a }',
]


@pytest.mark.parametrize("number", range(len(HOSTILE)))
def test_hostile_files_end(number):
    with suppress(UnreadableSourceError):
        assert not findings(Terraform(), "a.tf", HOSTILE[number]).references
