"""Channels and routes in the configuration: where each change goes, and every fault with its line."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest

from auditor.adapters.channels import build, slack_channel
from auditor.adapters.channels.console import ConsoleChannel
from auditor.adapters.channels.slack import SlackChannel
from auditor.adapters.channels.sns import SnsChannel
from auditor.domain.errors import ConfigurationError
from auditor.domain.routing import Quiet, Routing
from auditor.settings import Settings
from tests.support.alerts import recorded

TOPIC = "arn:aws:sns:eu-central-1:111122223333:flags"
TEAMS = f"""
[notify]
channel = "all"
group_within = "2m"
[[channel]]
name = "all"
kind = "slack"
to = "C0ALL00001"
quiet_begin = "20:00"
quiet_end = "07:00"
[[channel]]
name = "checkout"
kind = "slack"
to = "C0CHECKOUT1"
budget = 5
urgent = "high"
[[channel]]
name = "ops"
kind = "sns"
to = "{TOPIC}"
[[route]]
channel = "checkout"
application = "shop"
kinds = ["updated"]
[[route]]
channel = "ops"
severity = "high"
[[route]]
channel = "all"
"""


@pytest.fixture
def load(tmp_path):
    def read(text, environ=None):
        path = tmp_path / "flagtrail.toml"
        path.write_text(text)
        return Settings.load(environ or {}, config=str(path))

    return read


def test_without_any_all_go_one_way(load):
    settings = load("")

    assert settings.routing == Routing()
    assert build(settings) is None
    assert isinstance(build(load("", {"SLACK_BOT_TOKEN": "xoxb-1"})), SlackChannel)


def test_routes_lead_to_their_channels(load):
    routing = load(TEAMS).routing

    team = routing.destination(recorded(), None, None)
    assert (team.name, team.budget, team.urgent) == ("checkout", 5, "high")
    assert routing.destination(recorded(application="pay"), None, "critical").name == "ops"
    assert routing.group_within == timedelta(minutes=2)


def test_the_usual_channel_keeps_its_quiet_hours_and_needs_no_way_of_its_own(load):
    usual = load(TEAMS).routing.destination(recorded(application="pay"), None, None)

    assert (usual.name, usual.quiet) == (None, Quiet(time(20), time(7)))
    assert usual.quiet.until(datetime(2026, 3, 2, 21, tzinfo=UTC)) == datetime(2026, 3, 3, 7, tzinfo=UTC)


def test_each_way_has_its_channel(load):
    settings = load(TEAMS, {"SLACK_BOT_TOKEN": "xoxb-1"})

    built = {route: build(settings, route=route) for route in (None, "checkout", "ops", "gone")}
    assert {route: channel.name for route, channel in built.items()} == {
        None: "all", "checkout": "checkout", "ops": "ops", "gone": "all",
    }  # fmt: skip
    assert isinstance(built["ops"], SnsChannel)
    assert [slack_channel(settings, route) for route in (None, "checkout")] == ["C0ALL00001", "C0CHECKOUT1"]


def test_sns_and_the_console_need_no_token(load):
    assert isinstance(build(load(f'[notify]\nchannel = "sns"\n[sns]\ntopic = "{TOPIC}"\n')), SnsChannel)
    assert isinstance(build(load('[notify]\nchannel = "console"\n')), ConsoleChannel)
    with pytest.raises(ConfigurationError, match="ARN"):
        build(load('[notify]\nchannel = "sns"\n'))


def test_all_faults_come_at_once_with_their_lines(load):
    text = """[sns]
topic = "flags"
[[channel]]
name = "slack"
kind = "slack"
to = "C1"
[[channel]]
name = "team"
kind = "slack"
quiet_begin = "20:00"
[[channel]]
name = "team"
kind = "console"
quiet_days = ["monday"]
[[route]]
channel = "taem"
severity = "bad"
[[route]]
application = "shop"
"""
    with pytest.raises(ConfigurationError) as caught:
        load(text)
    told = [line.partition("flagtrail.toml:")[2] for line in str(caught.value).splitlines()[1:]]

    assert [int(fault.partition(":")[0]) for fault in told] == [2, 4, 7, 7, 12, 14, 16, 17, 18]
    assert "did you mean 'team'" in told[6]
