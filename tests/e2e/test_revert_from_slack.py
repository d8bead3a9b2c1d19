"""From a change in AWS to Slack, and back by the command that the message shows."""

from __future__ import annotations

import html
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from auditor import bootstrap
from auditor.entrypoints.lambda_handler import serve
from auditor.settings import Settings
from examples.standin import StandIn
from examples.standin.server import product_environ
from examples.standin.slack import SlackServer
from examples.standin.slack_rules import texts_of
from tests.support.children import unmeasured

NAME = "/shop/prod/features/new-checkout"
FORMER = '{"enabled": TRUE}  '  # no JSON, and every character of it counts


@pytest.fixture
def aws() -> Iterator[StandIn]:
    with StandIn(datetime(2026, 3, 2, 9, 0, tzinfo=UTC)) as running:
        yield running


@pytest.fixture
def slack() -> Iterator[SlackServer]:
    with SlackServer() as running:
        yield running


@pytest.fixture
def product(elsewhere: Path, aws: StandIn, slack: SlackServer, monkeypatch: Any) -> Iterator[bootstrap.Application]:
    told = {"SLACK_BOT_TOKEN": slack.token, "FLAGTRAIL_SLACK_BASE_URL": slack.url}
    for name, value in (aws.environ() | told).items():
        monkeypatch.setenv(name, value)
    application = bootstrap.application(Settings.from_env(os.environ))
    yield application
    application.record.close()


def deliver(product: bootstrap.Application, aws: StandIn) -> None:
    for event in aws.drain():
        serve(product, event)


def command_in(slack: SlackServer) -> str:
    """Return the command of the newest message, as a person copies it out of Slack."""
    texts = [html.unescape(text) for text in texts_of(slack.messages[-1].arguments["blocks"])]
    (command,) = [text.removeprefix("```\n").removesuffix("\n```") for text in texts if text.startswith("```\naws ")]
    return command


def run(command: str, aws: StandIn) -> None:
    environ = product_environ(unmeasured(), aws) | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    }
    subprocess.run(["sh", "-c", command], env=environ, check=True, stdout=subprocess.PIPE)


def test_an_update_and_a_deletion_come_back_by_their_messages(product, aws, slack):
    ssm = aws.client("ssm")
    ssm.put_parameter(Name=NAME, Value=FORMER, Type="String")
    deliver(product, aws)
    product.reconcile().run()
    aws.advance(timedelta(minutes=5))

    ssm.put_parameter(Name=NAME, Value="off", Overwrite=True)
    deliver(product, aws)
    run(command_in(slack), aws)
    assert ssm.get_parameter(Name=NAME)["Parameter"]["Value"] == FORMER

    deliver(product, aws)
    aws.advance(timedelta(minutes=5))
    ssm.delete_parameter(Name=NAME)
    deliver(product, aws)
    aws.advance(timedelta(minutes=5))
    run(command_in(slack), aws)
    assert ssm.get_parameter(Name=NAME)["Parameter"]["Value"] == FORMER


def test_a_secret_gives_no_command_and_no_value(product, aws, slack):
    ssm = aws.client("ssm")
    for value in ("s3cr3t-canary-1", "s3cr3t-canary-2"):
        ssm.put_parameter(Name=NAME, Value=value, Type="SecureString", Overwrite=value.endswith("2"))
        deliver(product, aws)
        aws.advance(timedelta(minutes=5))

    said = str([message.arguments for message in slack.messages])
    assert slack.messages
    assert "canary" not in said
    assert "put-parameter" not in said
    assert "by someone who may read it" in said
