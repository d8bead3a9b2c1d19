"""Profiles that only point: to a parameter, a document, an object, a pipeline or a secret, read there or not at all."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import pytest

from auditor.adapters.aws import AwsClients
from auditor.adapters.sources import build
from auditor.adapters.sources.appconfig import AppConfigSource
from auditor.domain.documents import DocumentReading, DocumentRef
from auditor.settings import Settings, SourceSettings
from tests.support.aws import Account, answer, held_after
from tests.support.stores import Bucket

PARAMETER = "/shop/prod/config/flags"
CANARY = "correct-horse-battery-staple"


def rules(*, on: bool) -> str:
    return json.dumps({"logging": {"level": "INFO"}, "features": {"search": {"default": on}}})


def source(account: Account, *profiles: str, pointer: str | None = None) -> AppConfigSource:
    return source_of(account.session(), *profiles, pointer=pointer)


def source_of(session: Any, *profiles: str, pointer: str | None = None) -> AppConfigSource:
    settings = Settings(sources=(SourceSettings("appconfig", "appconfig", profiles=profiles, pointer=pointer),))
    built: Any = build(settings, AwsClients(session=session))["appconfig"]
    return built


def point(account: Account, location: str, name: str = "rules") -> DocumentRef:
    client = account.client("appconfig")
    known = [item["Id"] for item in client.list_applications()["Items"]]
    app = known[0] if known else client.create_application(Name="shop")["Id"]
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


ARN = "arn:aws:ssm:eu-west-1:{}:document/flags"


class Documents:
    """A Systems Manager document, answered as its model has it: the stand-in keeps none of its kind."""

    def __init__(self, session: Any, *versions: tuple[str, str]) -> None:
        self.versions = list(versions)
        self.asked: list[dict[str, Any]] = []
        answer(session, "ssm", "ListDocumentVersions", self.list)
        answer(session, "ssm", "GetDocument", self.get)

    def list(self, asked: dict[str, Any]) -> dict[str, Any]:
        self.asked.append(asked)
        if not self.versions:
            return {"__type": "InvalidDocument", "message": "no such document"}
        listed = [
            {"DocumentVersion": str(n), "CreatedDate": 1772442000 + 60 * n, "DocumentFormat": form, "Status": "Active"}
            for n, (form, _) in enumerate(self.versions, start=1)
        ]
        failed = {"DocumentVersion": str(len(listed) + 1), "CreatedDate": 1772449000, "Status": "Failed"}
        return {"DocumentVersions": [failed, *reversed(listed)]}

    def get(self, asked: dict[str, Any]) -> dict[str, Any]:
        self.asked.append(asked)
        form, content = self.versions[int(asked["DocumentVersion"]) - 1]
        return {"Content": content, "DocumentFormat": form, "DocumentVersion": asked["DocumentVersion"]}


@pytest.mark.parametrize("named", ["flags", "arn"])
def test_a_document_of_systems_manager_is_read_version_by_version(account, named):
    session = account.session()
    yaml = "features:\n  search:\n    default: true\n"
    documents = Documents(session, ("JSON", rules(on=False)), ("YAML", yaml))
    name = ARN.format(account.number) if named == "arn" else "flags"
    document = point(account, name if named == "arn" else f"ssm-document://{name}")
    watched = source_of(session)

    reading = watched.read(document, None)
    documents.versions.append(("JSON", rules(on=False)))
    later = watched.read(document, held_after(reading))

    assert told(reading) == [{"shop/search": {"default": False}}, {"shop/search": {"default": True}}]
    assert [(s.version, s.ordinal) for s in reading.snapshots] == [("1", 1), ("2", 2)]
    assert [s.version for s in later.snapshots] == ["3"]
    assert {asked["Name"] for asked in documents.asked} == {name}
    assert {asked.get("DocumentFormat") for asked in documents.asked} == {None, "JSON", "YAML"}


def test_a_document_that_is_gone_has_no_versions(account):
    session = account.session()
    Documents(session)

    assert source_of(session, "rules").read(point(account, "ssm-document://flags"), None).snapshots == ()


class Pipeline:
    """Runs of a pipeline that deployed files of its artifacts, answered as CodePipeline's model has them."""

    def __init__(self, session: Any, bucket: Bucket, document: DocumentRef) -> None:
        self.bucket, self.document = bucket, document
        self.runs: list[dict[str, Any]] = []
        answer(session, "codepipeline", "ListActionExecutions", self.list)
        answer(session, "appconfig", "GetDeployment", self.deployment)

    def list(self, asked: dict[str, Any]) -> dict[str, Any]:
        if asked["pipelineName"] != "flags":
            return {"__type": "PipelineNotFoundException", "message": "no such pipeline"}
        return {"actionExecutionDetails": self.runs[::-1]}

    def deployment(self, asked: dict[str, Any]) -> dict[str, Any]:
        number = int(asked["path"].rpartition("/")[2])
        if number > len(self.runs):
            return {"__type": "ResourceNotFoundException", "message": "no such deployment"}
        profile = self.document.name.partition("/")[2]
        return {"ConfigurationVersion": f"revision-{number}", "ConfigurationProfileId": profile}

    def ran(self, content: str, *, provider: str = "AppConfig", packed: bool = True, **configuration: str) -> None:
        number = len(self.runs) + 1
        body = io.BytesIO(content.encode())
        if packed:
            body = io.BytesIO()
            with zipfile.ZipFile(body, "w") as archive:
                archive.writestr("config/flags.json", content)
        self.bucket.put(body.getvalue(), key=f"flags/source/{number}.zip")
        app, _, profile = self.document.name.partition("/")
        given = {
            "Application": app,
            "Environment": "env1234",
            "ConfigurationProfile": profile,
            "InputArtifactConfigurationPath": "config/flags.json",
        }
        stored = {"bucket": self.bucket.name, "key": f"flags/source/{number}.zip"}
        self.runs.append(
            {
                "pipelineExecutionId": f"run-{number}",
                "startTime": 1772442000 + 60 * number,
                "input": {
                    "actionTypeId": {"category": "Deploy", "owner": "AWS", "provider": provider, "version": "1"},
                    "configuration": given | configuration,
                    "inputArtifacts": [{"name": "source", "s3location": stored}],
                },
                "output": {"executionResult": {"externalExecutionId": str(number)}},
            }
        )


@pytest.fixture
def pipeline(account):
    session = account.session()
    document = point(account, "codepipeline://flags")
    return Pipeline(session, Bucket(account), document), source_of(session)


def test_what_a_pipeline_deployed_is_read_from_its_artifacts(pipeline):
    made, watched = pipeline
    made.ran(rules(on=False))
    made.ran(rules(on=True))
    made.ran(rules(on=True), provider="S3")
    made.ran(rules(on=True), ConfigurationProfile="another")

    reading = watched.read(made.document, None)

    assert [(s.version, s.ordinal) for s in reading.snapshots] == [("revision-1", None), ("revision-2", None)]
    assert told(reading) == [{"shop/search": {"default": False}}, {"shop/search": {"default": True}}]
    made.ran(rules(on=False))
    assert [s.version for s in watched.read(made.document, held_after(reading)).snapshots] == ["revision-5"]
    (scope,) = watched.scopes()
    assert [one.version for one in watched.list_documents(scope)] == ["revision-5"]


@pytest.mark.parametrize("broken", [{"packed": False}, {"InputArtifactConfigurationPath": "config/gone.json"}])
def test_an_artifact_that_cannot_be_read_is_named(pipeline, broken):
    made, watched = pipeline
    made.ran(rules(on=False), **broken)
    made.ran(rules(on=True))

    reading = watched.read(made.document, None)

    assert [s.version for s in reading.snapshots] == ["revision-2"]
    assert [(lost.first, lost.reason) for lost in reading.unreadable] == [
        ("revision-1", "the pipeline's artifact has no such file, or is no archive")
    ]


def test_a_run_whose_deployment_is_gone_or_unknown_has_no_version(pipeline):
    made, watched = pipeline
    made.ran(rules(on=False))
    made.runs[0]["output"] = {}
    made.runs.append({**made.runs[0], "output": {"executionResult": {"externalExecutionId": "77"}}})

    assert watched.read(made.document, None).snapshots == ()


def test_a_pipeline_that_is_gone_has_no_versions(account):
    session = account.session()
    document = point(account, "codepipeline://other")
    Pipeline(session, Bucket(account), document)

    assert source_of(session, "rules").read(document, None).snapshots == ()


GENERIC = json.dumps({"meta": {"version": 4}, "switches": {"search": True, "theme": {"dark": 10}}})
GENERIC_YAML = "meta: {version: 4}\nswitches:\n  search: true\n  theme: {dark: 10}\n"


@pytest.mark.parametrize("content", [GENERIC, GENERIC_YAML])
def test_a_pointer_says_where_the_flags_of_a_freeform_document_are(account, content):
    put(account, content)
    document = point(account, f"ssm-parameter://{PARAMETER}")
    hosted = point(account, "hosted", "web")
    app, _, profile = hosted.name.partition("/")
    account.client("appconfig").create_hosted_configuration_version(
        ApplicationId=app, ConfigurationProfileId=profile, Content=content.encode(), ContentType="text/plain"
    )
    flags = {"shop/search": True, "shop/theme": {"dark": 10}}

    pointed = source(account, "rules", "web", pointer="/switches")
    whole = source(account, "rules", "web", pointer="")

    assert [told(pointed.read(one, None)) for one in (document, hosted)] == [[flags], [flags]]
    assert list(pointed.read(document, None).snapshots[0].entries) == ["/switches/search", "/switches/theme"]
    assert told(whole.read(document, None)) == [
        {"shop/meta": {"version": 4}, "shop/switches": json.loads(GENERIC)["switches"]}
    ]
    assert told(source(account, "rules").read(document, None)) == []
    assert told(source(account, "rules", pointer="/nothing/there").read(document, None)) == []
    (scope,) = pointed.scopes()
    assert {one.document for one in pointed.list_documents(scope)} == {document, hosted}


def test_a_place_that_may_not_be_read_hides_no_other_profile(account):
    put(account, rules(on=True))
    readable = point(account, f"ssm-parameter://{PARAMETER}")
    denied = point(account, "s3://somebody-elses/flags.json", "remote")
    account.aws.fail("s3", "ListObjectVersions", code="AccessDenied", times=2)
    unnamed, named = source(account), source(account, "remote", "rules")
    (scope,) = named.scopes()

    assert [one.document for one in unnamed.list_documents(scope)] == [readable]
    listed = {one.document: one.version for one in named.list_documents(scope)}

    assert listed == {readable: "1", denied: None}
