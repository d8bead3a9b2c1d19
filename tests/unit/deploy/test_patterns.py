"""The rules of both templates let through exactly what the sources understand."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import pytest
from moto.events.models import EventPattern

from auditor.adapters.aws import AwsClients
from auditor.adapters.sources import _appconfig_calls, _parameter_calls, build
from auditor.application.envelopes import parse_envelope
from auditor.domain.events import Notices
from auditor.settings import Settings
from tests.support.templates import Template

EVENTS = Path(__file__).resolve().parents[2] / "events"
OWN, MEMBER = "123456789012", "444455556666"
# Told of by the sources, but never by EventBridge: AppConfig calls the function itself.
NO_EVENTS = {"lambda-appconfig-extension-precreatehostedconfigurationversion"}


def event(name: str) -> dict:
    return json.loads((EVENTS / f"{name}.json").read_text(encoding="utf-8"))


EVENTBRIDGE = sorted(path.stem for path in EVENTS.glob("*.json") if "detail-type" in event(path.stem))


@cache
def understood() -> frozenset[str]:
    """Names of the captured events of which a source tells anything, as the function is configured by default."""
    sources = build(Settings(), AwsClients(own_account=OWN, region="eu-west-1")).values()
    told = {name: [s.parse(parse_envelope(event(name))) for s in sources] for name in EVENTBRIDGE}
    return frozenset(name for name, notices in told.items() if any(notice != Notices() for notice in notices))


def matching(template: Template, payload: dict) -> list[str]:
    """Names of the rules that an event matches, by the rules of a matcher that is not ours."""
    rules = template.resources("AWS::Events::Rule")
    return [
        name
        for name, rule in rules.items()
        if EventPattern.load(json.dumps(rule["EventPattern"])).matches_event(payload)
    ]


def audit(**given: str) -> Template:
    return Template.read("template.yaml", **given)


@pytest.mark.parametrize("name", EVENTBRIDGE)
def test_one_rule_takes_each_event_that_is_understood_and_none_the_others(name):
    assert len(matching(audit(MemberAccountIds=MEMBER), event(name))) == (name in understood())


def test_there_is_much_to_understand():
    assert len(understood()) >= 38
    assert {name for name in NO_EVENTS if (EVENTS / f"{name}.json").exists()} == NO_EVENTS
    assert set(EVENTBRIDGE) > understood()


@pytest.mark.parametrize("name", EVENTBRIDGE)
def test_an_account_forwards_what_the_audit_account_takes(name):
    payload = event(name) | {"account": OWN}

    assert matching(Template.read("member.yaml"), payload) == matching(audit(), payload)


def test_an_account_that_is_not_named_is_not_heard():
    forwarded = event("ssm-change-forwarded-from-other-account")

    assert matching(audit(), forwarded) == []
    assert matching(audit(MemberAccountIds=f"111122223333,{MEMBER}"), forwarded) == ["ParameterChanged"]
    assert matching(Template.read("member.yaml"), forwarded) == []


@pytest.mark.parametrize("source", ["my.ssm", "aws.ssm.fake", "custom"])
def test_only_aws_itself_is_believed(source):
    assert matching(audit(), event("ssm-change-create-string") | {"source": source}) == []


@pytest.mark.parametrize(
    ("prefix", "taken"), [("/", True), ("/myapp/", True), ("/myapp/prod/features/new", True), ("/shop/", False)]
)
def test_the_prefix_narrows_what_parameter_store_tells(prefix, taken):
    assert bool(matching(audit(ParameterPrefix=prefix), event("ssm-change-create-string"))) is taken
    policy = event("ssm-policy-action-nochange")
    assert bool(matching(audit(ParameterPrefix=prefix), policy)) is policy["detail"]["parameter-name"].startswith(
        prefix
    )


@pytest.mark.parametrize(
    ("rule", "calls"), [("ParameterCalled", _parameter_calls._CALLS), ("AppConfigCalled", _appconfig_calls._CALLS)]
)
@pytest.mark.parametrize("template", ["template.yaml", "member.yaml"])
def test_the_calls_listened_to_are_those_understood(template, rule, calls):
    pattern = Template.read(template).resources("AWS::Events::Rule")[rule]["EventPattern"]

    assert pattern["detail"]["eventName"] == sorted(calls)
