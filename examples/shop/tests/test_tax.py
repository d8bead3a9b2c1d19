"""Tests of a tax rule whose code is gone: only this file still knows its flag."""

import boto3


def test_legacy_tax_can_be_switched() -> None:
    ssm = boto3.client("ssm")
    ssm.put_parameter(Name="/shop/prod/features/tmp-legacy-tax", Value="false", Overwrite=True)
    value = ssm.get_parameter(Name="/shop/prod/features/tmp-legacy-tax")["Parameter"]["Value"]
    assert value == "false"
