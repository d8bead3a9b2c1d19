"""Profiles that only point: to a parameter, an object or a secret, each read where it is or not at all."""

from __future__ import annotations

import json
from typing import Any

import pytest

from auditor.adapters.sources import build
from auditor.adapters.sources.appconfig import AppConfigSource
from auditor.domain.documents import DocumentReading, DocumentRef
from auditor.settings import Settings, SourceSettings
from tests.support.aws import Account, held_after
from tests.support.stores import Bucket

PARAMETER = "/shop/prod/config/flags"
CANARY = "correct-horse-battery-staple"


def rules(*, on: bool) -> str:
    return json.dumps({"logging": {"level": "INFO"}, "features": {"search": {"default": on}}})


def source(account: Account, *profiles: str) -> AppConfigSource:
    settings = Settings(sources=(SourceSettings("appconfig", "appconfig", profiles=profiles),))
    built: Any = build(settings, account.clients())["appconfig"]
    return built


def point(account: Account, location: str, name: str = "rules") -> DocumentRef:
    client = account.client("appconfig")
    app = client.create_application(Name="shop")["Id"]
    role = {} if location == "hosted" else {"RetrievalRoleArn": f"arn:aws:iam::{account.number}:role/read"}
    made = client.create_configuration_profile(ApplicationId=app, Name=name, LocationUri=location, **role)
    return DocumentRef("appconfig", account.number, account.region, f"{app}/{made['Id']}")


def put(account: Account, value: str, kind: str = "String") -> None:
    account.advance(minutes=1)
    account.client("ssm").put_parameter(Name=PARAMETER, Value=value, Type=kind, Overwrite=True)


def told(reading: DocumentReading) -> list[Any]:
    return [{str(e.flag): e.state.value for e in s.entries.values()} for s in reading.snapshots]


def test_a_parameter_is_read_version_by_version_with_its_author(account):
    for on in (False, True):
        put(account, rules(on=on))
    document = point(account, f"ssm-parameter://{PARAMETER}")
    watched = source(account)

    reading = watched.read(document, None)
    put(account, rules(on=False))
    later = watched.read(document, held_after(reading))

    assert told(reading) == [{"shop/search": {"default": False}}, {"shop/search": {"default": True}}]
    assert [(s.version, s.ordinal) for s in reading.snapshots] == [("1", 1), ("2", 2)]
    assert {s.modified_by for s in reading.snapshots} == {account.writer.arn}
    assert reading.staged
    assert [s.version for s in later.snapshots] == ["3"]
    (scope,) = watched.scopes()
    assert [(one.document, one.version) for one in watched.list_documents(scope)] == [(document, "3")]


def test_an_object_is_read_version_by_version(account):
    bucket = Bucket(account)
    for on in (False, True):
        account.advance(minutes=1)
        bucket.put(rules(on=on))
    document = point(account, f"s3://{bucket.name}/{bucket.key}")
    watched = source(account)

    reading = watched.read(document, None)

    assert told(reading) == [{"shop/search": {"default": False}}, {"shop/search": {"default": True}}]
    assert watched.read(document, held_after(reading)).snapshots == ()


@pytest.mark.parametrize("content", ["no flags at all", '{"level": "INFO"}', "{broken"])
def test_what_is_no_flag_document_is_left_alone(account, content):
    put(account, content)
    document = point(account, f"ssm-parameter://{PARAMETER}")
    watched = source(account)
    (scope,) = watched.scopes()

    assert watched.read(document, None).snapshots == ()
    assert list(watched.list_documents(scope)) == []


def test_a_broken_version_in_between_is_named(account):
    for content in (rules(on=False), "{broken", rules(on=True)):
        put(account, content)
    reading = source(account).read(point(account, f"ssm-parameter://{PARAMETER}"), None)

    assert [s.version for s in reading.snapshots] == ["1", "3"]
    assert [(lost.first, lost.last) for lost in reading.unreadable] == [(2, 2)]


def test_a_secure_string_is_a_hidden_change_where_a_name_asks_for_it(account):
    for value in (CANARY, f"{CANARY}-2"):
        put(account, value, "SecureString")
    document = point(account, f"ssm-parameter://{PARAMETER}")

    unasked, asked = source(account).read(document, None), source(account, "rules").read(document, None)

    assert unasked.snapshots == ()
    assert told(asked) == [{"shop/rules": {"masked": True, "comparable": False}}] * 2
    assert CANARY not in repr(asked)


def test_a_secret_is_never_read(account):
    client = account.client("secretsmanager")
    client.create_secret(Name="flags", SecretString=CANARY)
    account.advance(minutes=1)
    client.put_secret_value(SecretId="flags", SecretString=f"{CANARY}-2")
    document = point(account, "secretsmanager://flags")
    watched = source(account, "rules")
    account.aws.reset_calls()

    reading = watched.read(document, None)

    assert told(reading) == [{"shop/rules": {"masked": True, "comparable": False}}] * 2
    assert CANARY not in repr(reading)
    assert account.calls("secretsmanager") == {"ListSecretVersionIds": 1}
    assert watched.read(document, held_after(reading)).snapshots == ()


def test_a_place_that_is_gone_has_no_versions(account):
    document = point(account, "ssm-parameter:///shop/nothing/here")

    assert source(account, "rules").read(document, None).snapshots == ()


def test_a_deployed_version_is_held_from_where_it_is(account):
    put(account, rules(on=True))
    document = point(account, f"ssm-parameter://{PARAMETER}")
    app, _, profile = document.name.partition("/")
    client = account.client("appconfig")
    env = client.create_environment(ApplicationId=app, Name="prod")["Id"]
    strategy = client.create_deployment_strategy(
        Name="now", DeploymentDurationInMinutes=0, GrowthFactor=100, FinalBakeTimeInMinutes=0, ReplicateTo="NONE"
    )["Id"]
    client.start_deployment(
        ApplicationId=app,
        EnvironmentId=env,
        ConfigurationProfileId=profile,
        ConfigurationVersion="1",
        DeploymentStrategyId=strategy,
    )
    watched = source(account)
    (scope,) = watched.scopes()
    (environment,) = watched.list_environments(scope)

    (deployment,) = watched.deployments(environment, {})

    assert (deployment.profile, deployment.version) == (document, "1")
    assert [s.version for s in watched.read(deployment.profile, None).snapshots] == ["1"]


def test_hosted_rules_may_be_yaml(account):
    document = point(account, "hosted")
    app, _, profile = document.name.partition("/")
    account.client("appconfig").create_hosted_configuration_version(
        ApplicationId=app,
        ConfigurationProfileId=profile,
        Content=b"features:\n  search:\n    default: true\n",
        ContentType="application/x-yaml",
    )

    assert told(source(account).read(document, None)) == [{"shop/search": {"default": True}}]


@pytest.mark.parametrize("location", ["codepipeline://flags", "ssm-document://flags"])
def test_other_places_are_not_read(account, location):
    document = point(account, location)
    account.aws.reset_calls()

    reading = source(account, "rules").read(document, None)

    assert (reading.exists, reading.snapshots) == (True, ())
