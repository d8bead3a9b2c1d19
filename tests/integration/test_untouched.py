"""A credential in one flag makes no change of that flag when only its neighbours change, with or without a key."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from auditor.settings import DEFAULT_SOURCES, SourceSettings
from examples.standin import StandIn
from tests.conftest import PROOF
from tests.support.aws import Account, flag_document
from tests.support.recording import Record
from tests.support.stores import Bucket

BEGIN = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SECRET = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
OTHER = "ghp_" + "z9Y8x7W6v5U4t3S2r1Q0p9O8n7M6l5K4j3I2"
IN_BUCKET = SourceSettings("s3", "s3", bucket="flags-123456789012", key="{application}/{environment}/flags.json")


def flags(limit: int, token: str = SECRET) -> dict[str, Any]:
    return {"api": {"enabled": True, "token": token}, "search": {"enabled": True, "limit": limit}}


class Hosted:
    """A profile with a credential in one of its flags."""

    def __init__(self, aws: StandIn) -> None:
        self.client = aws.client("appconfig")
        self.app = self.client.create_application(Name="shop")["Id"]
        self.env = self.client.create_environment(ApplicationId=self.app, Name="prod")["Id"]
        self.profile = self.client.create_configuration_profile(
            ApplicationId=self.app, Name="web", LocationUri="hosted", Type="AWS.AppConfig.FeatureFlags"
        )["Id"]
        self.strategy = self.client.create_deployment_strategy(
            Name="s", DeploymentDurationInMinutes=0, GrowthFactor=100, FinalBakeTimeInMinutes=0, ReplicateTo="NONE"
        )["Id"]

    def save(self, values: dict[str, Any]) -> str:
        attributes = {
            "api": {"name": "api", "attributes": {"token": {"constraints": {"type": "string"}}}},
            "search": {"name": "search", "attributes": {"limit": {"constraints": {"type": "number"}}}},
        }
        ids = {"ApplicationId": self.app, "ConfigurationProfileId": self.profile}
        saved = self.client.create_hosted_configuration_version(
            **ids, Content=flag_document(values, **attributes), ContentType="application/json"
        )
        return str(saved["VersionNumber"])

    def deploy(self, version: str) -> None:
        self.client.start_deployment(
            ApplicationId=self.app,
            ConfigurationProfileId=self.profile,
            EnvironmentId=self.env,
            ConfigurationVersion=version,
            DeploymentStrategyId=self.strategy,
        )


def test_a_flag_that_no_version_touched_has_no_change(aws, record):
    hosted = Hosted(aws)
    for limit in (1, 2, 3):
        aws.advance(timedelta(minutes=1))
        hosted.deploy(hosted.save(flags(limit)))
    record.reconcile()
    aws.advance(timedelta(minutes=1))
    hosted.save(flags(4))
    aws.advance(timedelta(minutes=1))
    hosted.deploy(hosted.save(flags(5)))
    record.reconcile()
    aws.advance(timedelta(minutes=1))
    hosted.deploy("2")
    record.reconcile()

    told = [(row["kind"], row["version_after"]) for row in record.rows() if row["flag"] == "api"]
    assert told == [("saved", "1"), ("deployed", "1")]
    searched = [(row["kind"], row["version_after"]) for row in record.rows() if row["flag"] == "search"]
    assert searched[-3:] == [("saved", "5"), ("deployed", "5"), ("deployed", "2")]


def test_a_credential_that_was_written_anew_is_a_change(aws, record):
    hosted = Hosted(aws)
    for token in (SECRET, OTHER, OTHER):
        aws.advance(timedelta(minutes=1))
        hosted.deploy(hosted.save(flags(1, token)))
        record.reconcile()

    told = [(row["kind"], row["version_after"]) for row in record.rows() if row["flag"] == "api"]
    assert told == [("saved", "1"), ("deployed", "1"), ("saved", "2"), ("deployed", "2")]
    assert SECRET not in json.dumps(record.rows())


def test_a_version_deployed_once_more_changes_nothing(aws, record):
    hosted = Hosted(aws)
    version = hosted.save(flags(1))
    for _ in range(2):
        aws.advance(timedelta(minutes=1))
        hosted.deploy(version)
    record.reconcile()

    assert [row["kind"] for row in record.rows() if row["flag"] == "api"] == ["saved", "deployed"]


@pytest.mark.parametrize("between", [True, False] if PROOF else [True])
def test_a_document_elsewhere_is_compared_as_well(aws, tmp_path, between):
    record = Record(tmp_path, (*DEFAULT_SOURCES, IN_BUCKET))
    client = aws.client("appconfig")
    app = client.create_application(Name="shop")["Id"]
    client.create_configuration_profile(
        ApplicationId=app,
        Name="pointing",
        LocationUri="ssm-parameter:///config/flags",
        RetrievalRoleArn="arn:aws:iam::123456789012:role/read",
    )
    bucket = Bucket(Account(aws, "123456789012"))
    for limit in (1, 2, 3):
        aws.advance(timedelta(minutes=1))
        bucket.put(json.dumps(flags(limit)))
        rules = {
            "api": {"default": {"token": SECRET}, "boolean_type": False},
            "limit": {"default": limit, "boolean_type": False},
        }
        aws.client("ssm").put_parameter(Name="/config/flags", Value=json.dumps(rules), Type="String", Overwrite=True)
        if between or limit == 3:
            record.reconcile()

    told = [(row["source"], row["kind"]) for row in record.rows() if row["flag"] == "api"]
    assert sorted(told) == [("appconfig", "saved"), ("s3", "created")]
    assert len([row for row in record.rows() if row["flag"] in {"limit", "search"}]) == 6
