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
from auditor.settings import DEFAULT_SOURCES, Settings, SourceSettings
from tests.support.templates import Template

EVENTS = Path(__file__).resolve().parents[2] / "events"
OWN, MEMBER = "123456789012", "444455556666"
TABLE, BUCKET = "arn:aws:dynamodb:eu-west-1:123456789012:table/feature-flags", "arn:aws:s3:::example-flag-config"
STORES = {"TableArns": TABLE, "BucketArns": BUCKET}
WATCHED = (
    *DEFAULT_SOURCES,
    SourceSettings(
        "dynamodb", "dynamodb", table="feature-flags", keys=(("pk", "{application}#{environment}"), ("sk", "{flag}"))
    ),
    SourceSettings("s3", "s3", bucket="example-flag-config", key="{application}/{environment}/{flag}.json"),
)
# Told of by the sources, but never by EventBridge: AppConfig calls the function itself.
NO_EVENTS = {"lambda-appconfig-extension-precreatehostedconfigurationversion"}


def event(name: str) -> dict:
    return json.loads((EVENTS / f"{name}.json").read_text(encoding="utf-8"))


EVENTBRIDGE = sorted(path.stem for path in EVENTS.glob("*.json") if "detail-type" in event(path.stem))


@cache
def understood() -> frozenset[str]:
    """Names of the captured events of which a source tells anything, a table and a bucket watched besides the default."""
    sources = build(Settings(sources=WATCHED), AwsClients(own_account=OWN, region="eu-west-1")).values()
    told = {name: [s.parse(parse_envelope(event(name))) for s in sources] for name in EVENTBRIDGE}
    return frozenset(name for name, notices in told.items() if any(notice != Notices() for notice in notices))


def matching(template: Template, payload: dict) -> list[str]:
    """Names of the rules that an event matches, by the rules of a matcher that is not ours."""
    rules = template.resources("AWS::Events::Rule")
    return [
        name
        for name, rule in rules.items()
        if any(EventPattern.load(json.dumps(rule["EventPattern"])).matches_event(one) for one in spread(payload))
    ]


def spread(payload: dict) -> list[dict]:
    """Return the event once for each of the resources in its record.

    EventBridge looks into lists of objects ("array consistency" in the documentation of its matcher, aws/event-ruler);
    moto's matcher does not.
    """
    named = payload["detail"].get("resources")
    if not isinstance(named, list):
        return [payload]
    return [payload | {"detail": payload["detail"] | {"resources": one}} for one in named]


def audit(**given: str) -> Template:
    return Template.read("template.yaml", **given)


@pytest.mark.parametrize("name", EVENTBRIDGE)
def test_one_rule_takes_each_event_that_is_understood_and_none_the_others(name):
    assert len(matching(audit(MemberAccountIds=MEMBER, **STORES), event(name))) == (name in understood())


def test_there_is_much_to_understand():
    assert len(understood()) >= 38
    assert {name for name in NO_EVENTS if (EVENTS / f"{name}.json").exists()} == NO_EVENTS
    assert set(EVENTBRIDGE) > understood()


@pytest.mark.parametrize("name", EVENTBRIDGE)
def test_an_account_forwards_what_the_audit_account_takes(name):
    payload = event(name) | {"account": OWN}

    assert matching(Template.read("member.yaml", **STORES), payload) == matching(audit(**STORES), payload)


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


@pytest.mark.parametrize("name", ["s3-object-created", "ct-s3-putobject", "ct-dynamodb-putitem"])
def test_other_tables_and_buckets_are_not_heard(name):
    others = {"TableArns": TABLE.replace("feature-flags", "orders"), "BucketArns": "arn:aws:s3:::orders"}

    assert matching(audit(**STORES), event(name))
    assert matching(audit(**others), event(name)) == []
    assert matching(audit(), event(name)) == []
