"""What AppConfig's events and calls say, beyond the captured ones: ids, guardrails, refusals."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from auditor.adapters.aws import AwsClients
from auditor.adapters.sources import build
from auditor.application.envelopes import parse_envelope
from auditor.domain.attribution import CallOutcome
from auditor.domain.errors import MalformedEventError
from auditor.domain.events import Operation, RawEvent
from auditor.settings import Settings, SourceSettings
from tests.support.trail import ACCOUNT, OMITTED, REGION, denied, trail

APP, ENV, PROFILE = "ba8toh7", "pgil2o7", "ga3tqep"
DOCUMENT = f"{APP}/{PROFILE}"
ARN = f"arn:aws:appconfig:{REGION}:{ACCOUNT}:"
IN_ENV = {"applicationId": APP, "environmentId": ENV}
IN_PROFILE = {"applicationId": APP, "configurationProfileId": PROFILE}


def source(**table: Any):
    clients = AwsClients(own_account=ACCOUNT, region=REGION)
    return build(Settings(sources=(SourceSettings("appconfig", "appconfig", **table),)), clients)["appconfig"]


def parse(call: str, request: Any, response: Any = None, **more: Any):
    return source().parse(trail("appconfig", call, request, response, **more))


def own(detail_type: str, **detail: Any) -> RawEvent:
    told = {
        "InvocationId": "9d607a6",
        "Type": "OnDeploymentComplete",
        "Application": {"Id": APP, "Name": "shop"},
        "Environment": {"Id": ENV, "Name": "prod"},
        "ConfigurationProfile": {"Id": PROFILE, "Name": "checkout"},
        "DeploymentNumber": 41,
        "ConfigurationVersion": "23",
    }
    return replace(trail("appconfig", "x", None), detail_type=detail_type, detail=told | detail)


def extension(**detail: Any) -> RawEvent:
    told = own("x").detail | {"Type": "PreCreateHostedConfigurationVersion", "ContentVersion": "23"}
    return parse_envelope({key: value for key, value in (told | detail).items() if value is not OMITTED})


@pytest.mark.parametrize(
    ("call", "request_", "response", "text"),
    [
        ("UpdateEnvironment", IN_ENV | {"monitors": []}, {"id": ENV, "name": "prod", "monitors": []}, "alarm monitors"),
        ("UpdateConfigurationProfile", IN_PROFILE | {"validators": []}, {"id": PROFILE}, "validators"),
        ("DeleteConfigurationProfile", IN_PROFILE | {"deletionProtectionCheck": "BYPASS"}, None, "bypassed"),
        ("DeleteEnvironment", IN_ENV | {"deletionProtectionCheck": "BYPASS"}, None, "bypassed"),
        ("DeleteHostedConfigurationVersion", IN_PROFILE | {"versionNumber": 12}, None, "version 12 was deleted"),
        ("UpdateAccountSettings", {"deletionProtection": {"enabled": False}}, {}, "switched off"),
    ],
)
def test_a_weakened_protection_is_told(call, request_, response, text):
    notices = parse(call, request_, response)
    (guardrail,) = notices.guardrails

    assert text in guardrail.text
    assert guardrail.call_event_id == notices.calls[0].event_id
    assert guardrail.at == notices.calls[0].at
    assert guardrail.application_id == request_.get("applicationId")


@pytest.mark.parametrize(
    ("call", "request_", "response"),
    [
        ("UpdateEnvironment", IN_ENV | {"name": "live"}, {"id": ENV, "monitors": []}),
        ("UpdateEnvironment", IN_ENV | {"monitors": []}, None),
        ("UpdateConfigurationProfile", IN_PROFILE | {"name": "x"}, {"id": PROFILE}),
        ("DeleteEnvironment", IN_ENV | {"deletionProtectionCheck": "APPLY"}, None),
        ("DeleteConfigurationProfile", IN_PROFILE, None),
        ("UpdateAccountSettings", {"deletionProtection": {"enabled": True}}, {}),
        ("UpdateAccountSettings", {}, {}),
    ],
)
def test_what_weakens_nothing_is_evidence_only(call, request_, response):
    notices = parse(call, request_, response)

    assert notices.guardrails == ()
    assert len(notices.calls) == 1


def test_a_refused_weakening_is_an_attempt():
    asked = IN_PROFILE | {"deletionProtectionCheck": "BYPASS"}
    notices = parse("DeleteConfigurationProfile", asked, errorCode="BadRequestException", errorMessage="in use")

    assert (notices.guardrails, notices.hints) == ((), ())
    assert [(c.outcome, c.error) for c in notices.calls] == [(CallOutcome.FAILED, "BadRequestException: in use")]


@pytest.mark.parametrize(
    ("resource", "document", "environment"),
    [
        (f"application/{APP}/environment/{ENV}", None, ENV),
        (f"application/{APP}/environment/{ENV}/deployment/4", None, ENV),
        (f"application/{APP}/configurationprofile/{PROFILE}", DOCUMENT, None),
        (f"application/{APP}/configurationprofile/{PROFILE}/hostedconfigurationversion/3", DOCUMENT, None),
        (f"application/{APP}", f"{APP}/-", None),
        ("*", None, None),
        ("deploymentstrategy/schpcy6", None, None),
    ],
)
def test_a_denial_names_what_it_is_about_in_the_message_only(resource, document, environment):
    (call,) = source().parse(denied("appconfig", "StartDeployment", ARN + resource)).calls
    (target,) = call.targets

    assert call.outcome is CallOutcome.DENIED
    assert (target.document and target.document.name) == document
    assert (target.environment and target.environment.environment_id) == environment


def test_a_denial_elsewhere_names_nothing_here():
    arn = f"arn:aws:appconfig:{REGION}:999988887777:application/{APP}/environment/{ENV}"
    (call,) = source().parse(denied("appconfig", "StartDeployment", arn)).calls

    assert call.targets[0].environment is None


def test_names_given_instead_of_ids_are_found_in_the_answer():
    asked = {"applicationId": "My Shop", "configurationProfileId": "Checkout Flags", "content": "HIDDEN"}
    answer = {"applicationId": APP, "configurationProfileId": PROFILE, "versionNumber": 7}
    (hint,) = parse("CreateHostedConfigurationVersion", asked, answer).hints

    assert (hint.document.name, hint.version) == (DOCUMENT, "7")


def test_a_saved_version_whose_answer_is_left_out_is_looked_for():
    notices = parse("CreateHostedConfigurationVersion", IN_PROFILE, responseElements=OMITTED)

    assert [(h.document.name, h.version) for h in notices.hints] == [(DOCUMENT, None)]
    assert notices.calls[0].outcome is CallOutcome.AMBIGUOUS


def test_a_saved_version_of_nobody_knows_what_is_evidence_only():
    notices = parse("CreateHostedConfigurationVersion", None, responseElements=OMITTED)

    assert notices.hints == ()
    assert notices.calls[0].targets[0].document is None


def test_a_deployment_whose_answer_is_left_out_is_looked_for():
    asked = IN_ENV | IN_PROFILE | {"configurationVersion": "23"}
    notices = parse("StartDeployment", asked, responseElements=OMITTED)

    assert [(d.environment.environment_id, d.number) for d in notices.deployments] == [(ENV, None)]
    assert [(h.document.name, h.version) for h in notices.hints] == [(DOCUMENT, "23")]


def test_a_stop_without_an_environment_moves_nothing_known():
    assert parse("StopDeployment", {"deploymentNumber": 4}).deployments == ()


def test_a_created_environment_is_named_by_its_answer():
    (target,) = (
        parse("CreateEnvironment", {"applicationId": APP, "name": "prod"}, {"id": ENV, "name": "prod"}).calls[0].targets
    )

    assert target.environment is not None
    assert (target.environment.environment_id, target.environment_name) == (ENV, "prod")


@pytest.mark.parametrize("call", ["StartExperimentRun", "DeleteApplication", "UpdateApplication"])
def test_a_call_on_an_application_is_evidence(call):
    (target,) = parse(call, {"applicationId": APP}).calls[0].targets

    assert target.document is not None
    assert target.document.name == f"{APP}/-"


@pytest.mark.parametrize("call", ["CreateExtension", "TagResource", "SomethingNew"])
def test_another_call_is_nothing(call):
    assert not parse(call, IN_ENV)


@pytest.mark.parametrize("kind", ["On Deployment Complete", "On Deployment Rolled Back", "Deployment Rollback"])
def test_however_aws_spells_it_a_deployment_event_is_known(kind):
    notices = source().parse(own(kind))

    assert [(d.environment.environment_id, d.number) for d in notices.deployments] == [(ENV, 41)]
    assert [(h.document.name, h.version, h.operation) for h in notices.hints] == [(DOCUMENT, "23", Operation.TOUCHED)]


def test_a_rollback_is_known_by_its_type_as_well():
    assert source().parse(own("Something", Type="OnDeploymentRolledBack"))
    assert not source().parse(own("Something"))


@pytest.mark.parametrize(
    "fault",
    [
        {"Application": None}, {"Application": {}}, {"Application": {"Id": "../x"}}, {"Environment": {"Id": 7}},
        {"Environment": "prod"}, {"ConfigurationProfile": {"Id": ""}}, {"ConfigurationProfile": []},
    ],
)  # fmt: skip
def test_a_truncated_deployment_event_is_refused(fault):
    with pytest.raises(MalformedEventError):
        source().parse(own("On Deployment Complete", **fault))


@pytest.mark.parametrize(("number", "version"), [("41", 23), (None, None), (True, "x"), ([], {}), ("9" * 40, "-1")])
def test_numbers_may_be_text_or_missing(number, version):
    notices = source().parse(own("On Deployment Start", DeploymentNumber=number, ConfigurationVersion=version))

    assert notices.deployments[0].number == (41 if number == "41" else None)
    assert notices.hints[0].version == ("23" if version == 23 else None)


def test_an_extension_call_before_saving_is_a_hint():
    notices = source().parse(extension(Environment=OMITTED))

    assert [(h.document.name, h.version, h.document.account) for h in notices.hints] == [(DOCUMENT, "23", ACCOUNT)]
    assert notices.deployments == ()


@pytest.mark.parametrize("kind", ["PreStartDeployment", "AtDeploymentTick", "OnDeploymentStep"])
def test_an_extension_call_about_a_deployment_is_a_hint(kind):
    notices = source().parse(extension(Type=kind))

    assert [(d.environment.environment_id, d.number) for d in notices.deployments] == [(ENV, 41)]


def test_an_extension_call_about_neither_is_nothing():
    assert not source().parse(extension(Type="OnSomething", Environment=OMITTED))


@pytest.mark.parametrize(
    "table",
    [{"applications": ("billing",)}, {"profiles": ("other-*",)}, {"applications": ("zzzzzzz",)}, {"accounts": ("999988887777",)},
     {"regions": ("us-east-1",)}],
)  # fmt: skip
def test_what_is_not_configured_is_nobodys_business(table):
    for event in (own("On Deployment Complete"), extension(Environment=OMITTED), extension(Type="PreStartDeployment")):
        assert not source(**table).parse(event)


@pytest.mark.parametrize("table", [{"applications": ("sh*",)}, {"applications": (APP,)}, {"profiles": ("check*",)}])
def test_what_is_configured_by_name_or_id_is_watched(table):
    assert source(**table).parse(own("On Deployment Complete"))


def test_calls_elsewhere_are_nobodys_business():
    event = trail("appconfig", "StopDeployment", IN_ENV | {"deploymentNumber": 4})

    assert source(regions=(REGION,)).parse(event)
    assert not source(regions=("us-east-1",)).parse(event)


def test_several_tables_are_one_source():
    tables = tuple(SourceSettings("appconfig", "appconfig", applications=(name,)) for name in ("shop", "billing"))
    both = build(Settings(sources=tables), AwsClients(own_account=ACCOUNT, region=REGION))["appconfig"]

    assert both.parse(own("On Deployment Complete"))
    assert both.parse(own("On Deployment Complete", Application={"Id": "bil1234", "Name": "billing"}))
    assert not both.parse(own("On Deployment Complete", Application={"Id": "oth1234", "Name": "other"}))
    assert len(both.scopes()) == 1
