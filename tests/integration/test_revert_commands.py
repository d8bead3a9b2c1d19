"""The printed commands, run as they stand by a shell and the AWS CLI against the stand-in."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from auditor.domain.changes import ChangeKind, RecordedChange
from auditor.domain.documents import DocumentRef
from auditor.domain.flags import FlagState
from auditor.domain.revert import revert_command
from auditor.domain.values import parse_value
from examples.standin.server import StandIn, product_environ
from tests.support.alerts import deployed, recorded
from tests.support.children import unmeasured

NAME = "/shop/prod/features/new-checkout"


@pytest.fixture(scope="module")
def aws() -> Iterator[StandIn]:
    with StandIn(datetime(2026, 3, 2, 9, 0, tzinfo=UTC)) as running:
        yield running


@pytest.fixture(autouse=True)
def clean(aws: StandIn) -> None:
    ssm = aws.client("ssm")
    found = ssm.describe_parameters()["Parameters"]
    if found:
        ssm.delete_parameters(Names=[parameter["Name"] for parameter in found])


def run(command: str | None, aws: StandIn) -> None:
    """Run a command as a person would who copied it."""
    assert command is not None
    environ = product_environ(unmeasured(), aws) | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    }
    del environ["AWS_DEFAULT_REGION"], environ["AWS_REGION"]  # the command has to name its Region
    done = subprocess.run(
        ["sh", "-c", command], env=environ, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}"


def parameter(aws: StandIn) -> DocumentRef:
    return DocumentRef("ssm", aws.account, aws.region, NAME)


def ssm_change(aws: StandIn, **fields: Any) -> RecordedChange:
    return recorded(document=parameter(aws), **fields)


VALUES = [
    pytest.param("False", id="spelling"),
    pytest.param('it\'s "quoted" \\ $HOME $(id) ;|*?!', id="shell"),
    pytest.param("`id` && <b>&amp;</b>", id="chat"),
    pytest.param("--overwrite", id="option"),
    pytest.param("file:///etc/hostname", id="file"),
    pytest.param("http://127.0.0.1:9/flags", id="address"),
    pytest.param('{"b": 1,  "a": [true, null], "ä": "日本 🎉"}', id="json"),
    pytest.param(" two\nlines\tand a tab \n", id="lines"),
    pytest.param("turned \u202e round \u00a0", id="invisible"),
]


@pytest.mark.parametrize("value", VALUES)
def test_an_update_is_put_back_to_the_letter(aws, value):
    ssm = aws.client("ssm")
    ssm.put_parameter(Name=NAME, Value=value, Type="String")
    ssm.put_parameter(Name=NAME, Value="something else", Overwrite=True)
    change = ssm_change(aws, version_before="1", version_after="2", before=FlagState(parse_value(value, kind="String")))

    found = revert_command(change, {"type": "String", "text": value, "tier": "Standard"})

    assert found is not None
    assert "\n" not in (found.text or "")
    run(found.text, aws)
    after = ssm.get_parameter(Name=NAME)["Parameter"]
    assert (after["Value"], after["Version"], after["Type"]) == (value, 3, "String")


@pytest.mark.parametrize("text", ["TRUE", "x" * 3000])
def test_without_the_text_or_too_long_the_store_hands_it_back_itself(aws, text):
    ssm = aws.client("ssm")
    ssm.put_parameter(Name=NAME, Value=text, Type="String")
    ssm.put_parameter(Name=NAME, Value="no", Overwrite=True)
    change = ssm_change(aws, version_before="1", version_after="2", before=FlagState(parse_value(text, kind="String")))

    found = revert_command(change, {"type": "String", "text": text} if len(text) > 10 else None)

    assert found is not None
    assert text not in (found.text or "")
    run(found.text, aws)
    assert ssm.get_parameter(Name=NAME)["Parameter"]["Value"] == text


def test_a_list_is_put_back(aws):
    ssm = aws.client("ssm")
    ssm.put_parameter(Name=NAME, Value="de,fr, it", Type="StringList")
    ssm.put_parameter(Name=NAME, Value="de", Type="StringList", Overwrite=True)
    change = ssm_change(aws, version_before="1", version_after="2", before=FlagState(["de", "fr", " it"]))

    run(revert_command(change, {"type": "StringList", "text": "de,fr, it"}).text, aws)

    assert ssm.get_parameter(Name=NAME)["Parameter"]["Value"] == "de,fr, it"


def test_a_created_one_is_deleted(aws):
    ssm = aws.client("ssm")
    ssm.put_parameter(Name=NAME, Value="true", Type="String")

    run(revert_command(ssm_change(aws, kind=ChangeKind.CREATED, before=None)).text, aws)

    assert ssm.describe_parameters()["Parameters"] == []


def test_a_deleted_one_comes_back_as_it_was(aws):
    ssm = aws.client("ssm")
    change = ssm_change(aws, kind=ChangeKind.DELETED, after=None, before=FlagState(["a", "b"]))
    metadata = {
        "type": "StringList",
        "text": "a,b",
        "tier": "Advanced",
        "description": "What's on",
        "allowed_pattern": "[a-z,]+",
    }

    run(revert_command(change, metadata).text, aws)

    (found,) = ssm.describe_parameters()["Parameters"]
    shown = {key: found.get(key) for key in ("Type", "Tier", "Description", "AllowedPattern")}
    assert shown == {
        "Type": "StringList",
        "Tier": "Advanced",
        "Description": "What's on",
        "AllowedPattern": "[a-z,]+",
    }
    assert ssm.get_parameter(Name=NAME)["Parameter"]["Value"] == "a,b"


def test_putting_a_deleted_one_back_does_not_overwrite_a_new_one(aws):
    ssm = aws.client("ssm")
    ssm.put_parameter(Name=NAME, Value="made anew", Type="String")
    change = ssm_change(aws, kind=ChangeKind.EXPIRED, after=None)

    with pytest.raises(AssertionError, match="ParameterAlreadyExists"):
        run(revert_command(change, {"type": "String", "text": "false"}).text, aws)

    assert ssm.get_parameter(Name=NAME)["Parameter"]["Value"] == "made anew"


@pytest.mark.parametrize(("before", "after"), [("1", "2"), (None, "2"), ("1", None)])
def test_a_label_goes_back(aws, before, after):
    ssm = aws.client("ssm")
    for value in ("a", "b"):
        ssm.put_parameter(Name=NAME, Value=value, Type="String", Overwrite=value == "b")
    if after is not None:
        ssm.label_parameter_version(Name=NAME, ParameterVersion=int(after), Labels=["live"])
    fields = {"kind": ChangeKind.LABEL_MOVED, "label": "live", "version_before": before, "version_after": after}

    run(revert_command(ssm_change(aws, **fields)).text, aws)

    history = ssm.get_parameter_history(Name=NAME)["Parameters"]
    held = [str(version["Version"]) for version in history if "live" in version["Labels"]]
    assert held == ([before] if before else [])


class Rollouts:
    """An application with two versions of its flags, and their deployments to one environment."""

    def __init__(self, aws: StandIn, name: str) -> None:
        self.aws = aws
        self.client = aws.client("appconfig")
        application = self.client.create_application(Name=name)["Id"]
        environment = self.client.create_environment(ApplicationId=application, Name="prod")["Id"]
        self.where = {"ApplicationId": application, "EnvironmentId": environment}
        profile = self.client.create_configuration_profile(
            ApplicationId=application, Name="flags", LocationUri="hosted", Type="AWS.AppConfig.FeatureFlags"
        )
        self.profile = {"ApplicationId": application, "ConfigurationProfileId": profile["Id"]}
        for enabled in (False, True):
            flags = {"version": "1", "flags": {"pay": {"name": "pay"}}, "values": {"pay": {"enabled": enabled}}}
            self.client.create_hosted_configuration_version(
                **self.profile, Content=json.dumps(flags).encode(), ContentType="application/json"
            )

    def deploy(self, version: str, strategy: str = "AppConfig.AllAtOnce") -> int:
        started = self.client.start_deployment(
            **self.where,
            DeploymentStrategyId=strategy,
            ConfigurationProfileId=self.profile["ConfigurationProfileId"],
            ConfigurationVersion=version,
        )
        return int(started["DeploymentNumber"])

    def change(self, number: int, state: str = "COMPLETE") -> RecordedChange:
        application, environment = self.where.values()
        account, region = self.aws.account, self.aws.region
        return deployed(
            state=state,
            document=DocumentRef("appconfig", account, region, "/".join(self.profile.values())),
            cause=f"deployment|{account}|{region}|{application}|{environment}|{number}|completed",
            version_before="1",
            version_after="2",
        )

    def state(self, number: int) -> tuple[str, str]:
        found = self.client.get_deployment(**self.where, DeploymentNumber=number)
        return found["ConfigurationVersion"], found["State"]


def test_a_deployment_is_followed_by_one_of_the_former_version(aws):
    rollouts = Rollouts(aws, "shop")
    for version in ("1", "2"):
        last = rollouts.deploy(version)
        aws.advance(timedelta(hours=1))
    assert rollouts.state(last) == ("2", "COMPLETE")

    run(revert_command(rollouts.change(last)).text, aws)
    aws.advance(timedelta(hours=1))

    assert rollouts.state(last + 1) == ("1", "COMPLETE")


def test_a_running_deployment_is_stopped(aws):
    rollouts = Rollouts(aws, "billing")
    rollouts.deploy("1")
    aws.advance(timedelta(hours=1))
    running = rollouts.deploy("2", "AppConfig.Linear20PercentEvery6Minutes")
    aws.advance(timedelta(minutes=7))
    assert rollouts.state(running) == ("2", "DEPLOYING")

    run(revert_command(rollouts.change(running, "DEPLOYING")).text, aws)

    aws.advance(timedelta(minutes=1))
    assert rollouts.state(running)[1] == "ROLLED_BACK"
