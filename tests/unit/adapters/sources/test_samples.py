"""Every captured event, parsed as what it is known to say; nothing is asked of AWS for it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from auditor.adapters.aws import AwsClients
from auditor.adapters.sources import build
from auditor.application.envelopes import event_keys, parse_envelope, unpack
from auditor.domain.attribution import ApiCall, CallTarget
from auditor.domain.events import Notices
from auditor.settings import Settings

EVENTS = Path(__file__).resolve().parents[3] / "events"
NEW_CHECKOUT = "/myapp/prod/features/new-checkout"
DARK_MODE = "/myapp/prod/features/dark-mode"
ROLLOUT = "/myapp/prod/features/rollout-regions"
FLAGS = "ba8toh7/ga3tqep"

DEPLOYMENT_41 = [f"touched {FLAGS} version 23", "deployment 41 in ba8toh7/pgil2o7"]

TOLD = {
    "ssm-change-create-string": [f"touched {NEW_CHECKOUT}"],
    "ssm-change-update-string-no-description": ["touched /myapp/prod/features/beta-search"],
    "ssm-change-update-securestring": ["touched /myapp/prod/features/payment-token-rotation"],
    "ssm-change-update-stringlist": [f"touched {ROLLOUT}"],
    "ssm-change-delete-string": [f"deleted {DARK_MODE}"],
    "ssm-change-label-first": [f"labelled {NEW_CHECKOUT} version 1 label stable"],
    "ssm-change-label-move": [f"labelled {NEW_CHECKOUT} version 2 label stable"],
    "ssm-change-update-unicode-description": ["touched /myapp/prod/features/lokalisierung"],
    "ssm-change-duplicate-delivery-1": [f"touched {DARK_MODE}"],
    "ssm-change-duplicate-delivery-2": [f"touched {DARK_MODE}"],
    "ssm-change-out-of-order-arrives-1st": [f"touched {NEW_CHECKOUT}"],
    "ssm-change-out-of-order-arrives-2nd": [f"touched {NEW_CHECKOUT}"],
    "ssm-change-create-async-validation-failed": [],  # its name fits no watched path
    "ssm-change-forwarded-from-other-account": ["touched 444455556666 /shop/prod/features/gift-cards"],
    "ssm-policy-action-expiration": [
        "expired /myapp/prod/features/black-friday-banner because Parameter expired and was deleted"
    ],
    "ssm-policy-action-nochange": ["signal policy_no_change not changed for 60 days"],
    "ct-ssm-putparameter-create-iamuser": [
        f"touched {NEW_CHECKOUT} version 1",
        f"PutParameter succeeded by person alice on {NEW_CHECKOUT} version 1",
    ],
    "ct-ssm-putparameter-update-sso-console": [
        f"touched {NEW_CHECKOUT} version 4",
        f"PutParameter succeeded by person jane.doe@example.com on {NEW_CHECKOUT} version 4",
    ],
    "ct-ssm-putparameter-securestring-github-oidc": [
        "touched /myapp/prod/features/payment-token-rotation version 12",
        "PutParameter succeeded by pipeline gha-flag-deployer on /myapp/prod/features/payment-token-rotation version 12",
    ],
    "ct-ssm-putparameter-accessdenied": [f"PutParameter denied by role ReadOnlyEngineer on {NEW_CHECKOUT}"],
    "ct-ssm-putparameter-already-exists": [f"PutParameter failed by person alice on {NEW_CHECKOUT}"],
    "ct-ssm-putparameter-cloudformation": [
        f"touched {ROLLOUT} version 3",
        f"PutParameter succeeded by service cloudformation.amazonaws.com on {ROLLOUT} version 3",
    ],
    "ct-ssm-putparameter-role-assumed-from-other-account": [
        f"touched {DARK_MODE} version 9",
        f"PutParameter succeeded by person carol@example.com on {DARK_MODE} version 9",
    ],
    "ct-ssm-putparameter-update-lambda-role": [
        f"touched {NEW_CHECKOUT} version 5",
        f"PutParameter succeeded by role flag-kill-switch-role on {NEW_CHECKOUT} version 5",
    ],
    "ct-ssm-deleteparameter-root-console": [
        f"deleted {DARK_MODE}",
        f"DeleteParameter ambiguous by root root on {DARK_MODE}",
    ],
    "ct-ssm-deleteparameter-not-found": [
        "deleted /myapp/prod/features/never-existed",
        "DeleteParameter ambiguous by person alice on /myapp/prod/features/never-existed",
    ],
    "ct-ssm-deleteparameters-batch": [
        f"deleted {ROLLOUT}",
        "deleted /myapp/prod/features/beta-search",
        f"DeleteParameters succeeded by person jane.doe@example.com on {ROLLOUT} on /myapp/prod/features/beta-search",
    ],
    "ct-ssm-labelparameterversion": [
        f"labelled {NEW_CHECKOUT} version 2 label stable",
        f"LabelParameterVersion succeeded by person alice on {NEW_CHECKOUT} version 2 label stable",
    ],
    "ct-ssm-putparameter-unicode-name-rejected": [
        "PutParameter failed by person alice on /myapp/prod/features/größe-🚀-новый"
    ],
    "ct-ssm-getparameter-readonly": [],
    "appconfig-on-deployment-start": DEPLOYMENT_41,
    "appconfig-on-deployment-step": DEPLOYMENT_41,
    "appconfig-on-deployment-baking": DEPLOYMENT_41,
    "appconfig-on-deployment-complete": DEPLOYMENT_41,
    "appconfig-on-deployment-rolled-back": [f"touched {FLAGS} version 24", "deployment 42 in ba8toh7/pgil2o7"],
    "ct-appconfig-createhostedconfigurationversion": [
        f"touched {FLAGS} version 23",
        f"CreateHostedConfigurationVersion succeeded by person jane.doe@example.com on {FLAGS} version 23",
    ],
    "ct-appconfig-startdeployment-instant": [
        f"touched {FLAGS} version 25",
        "deployment 43 in ba8toh7/pgil2o7",
        f"StartDeployment succeeded by person alice on {FLAGS} version 25 deployment 43 in pgil2o7",
    ],
    "ct-appconfig-startdeployment-gradual": [
        f"touched {FLAGS} version 23",
        "deployment 41 in ba8toh7/pgil2o7",
        f"StartDeployment succeeded by pipeline gha-flag-deployer on {FLAGS} version 23 deployment 41 in pgil2o7",
    ],
    "ct-appconfig-stopdeployment-user": [
        "deployment 44 in ba8toh7/pgil2o7",
        "StopDeployment succeeded by person jane.doe@example.com on - deployment 44 in pgil2o7",
    ],
    "ct-appconfig-createconfigurationprofile": [
        "CreateConfigurationProfile succeeded by person alice on ba8toh7/f697zd8"
    ],
    "ct-appconfig-updateenvironment-monitors": [
        "UpdateEnvironment succeeded by person mallory on - in pgil2o7",
        "weakened prod: all alarm monitors were removed: no alarm rolls a deployment back any more",
    ],
    "ct-appconfig-deleteconfigurationprofile": [
        "deleted ba8toh7/f697zd8",
        "DeleteConfigurationProfile ambiguous by person alice on ba8toh7/f697zd8",
        "weakened ba8toh7/f697zd8: deletion protection was bypassed to delete the configuration profile",
    ],
    "ct-appconfig-startdeployment-accessdenied": [
        "StartDeployment denied by person bob@example.com on - in pgil2o7"
    ],
    "lambda-appconfig-extension-precreatehostedconfigurationversion": [f"touched {FLAGS} version 23"],
    "lambda-dynamodb-stream-modify": [],
    "lambda-dynamodb-stream-ttl-remove": [],
    "scheduled-event-reconcile": [],
    "cloudwatch-alarm-state-change": [
        "signal alarm alarm checkout-5xx-prod went from OK to ALARM: Threshold Crossed: 1 out of the last 1 datapoints "
        "[61.0 (06/10/26 09:39:00)] was greater than the threshold (5.0) (minimum 1 datapoint for OK -> ALARM transition)."
    ],
    "codepipeline-action-succeeded-appconfig-deploy": [
        "signal pipeline pipeline flags-pipeline, execution 415211fe-7e65-52f0-84ed-23b140917f0a: action DeployFlags "
        "deployed"
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def sources():
    clients = AwsClients(own_account="123456789012", region="eu-west-1")
    return build(Settings(), clients)


def told(notices: Notices) -> Iterator[str]:
    """Yield what notices say, a line each."""
    for hint in notices.hints:
        account = "" if hint.document.account == "123456789012" else f"{hint.document.account} "
        yield f"{hint.operation} {account}{hint.document.name}" + _named(
            ("version", hint.version), ("label", hint.label), ("because", hint.reason)
        )
    for deployment in notices.deployments:
        environment = deployment.environment
        yield f"deployment {deployment.number} in {environment.application_id}/{environment.environment_id}"
    yield from (_call(call) for call in notices.calls)
    yield from (f"signal {signal.code} {signal.text}" for signal in notices.signals)
    for guardrail in notices.guardrails:
        what = guardrail.document.name if guardrail.document else guardrail.environment_name
        yield f"weakened {what}: {guardrail.text}"


def _call(call: ApiCall) -> str:
    actor = call.attribution.actor
    targets = "".join(map(_target, call.targets))
    return f"{call.name} {call.outcome} by {actor.kind} {actor.name}{targets}"


def _target(target: CallTarget) -> str:
    name = target.document.name if target.document else "-"
    environment = target.environment.environment_id if target.environment else None
    return f" on {name}" + _named(
        ("version", target.version),
        ("label", target.label),
        ("deployment", target.deployment_number),
        ("in", environment),
    )


def _named(*pairs: tuple[str, object]) -> str:
    return "".join(f" {word} {value}" for word, value in pairs if value is not None)


def payloads(name: str) -> list:
    return unpack(json.loads((EVENTS / f"{name}.json").read_text(encoding="utf-8")))


@pytest.mark.parametrize("name", TOLD)
def test_a_captured_event_says_what_is_known_of_it(sources, name):
    (event,) = payloads(name)
    raw = parse_envelope(event.payload)

    assert [line for source in sources.values() for line in told(source.parse(raw))] == TOLD[name]


def test_every_captured_event_is_in_the_table():
    names = {path.stem for path in EVENTS.glob("*.json")}

    assert {name for name in names if name.startswith(("ssm-", "ct-ssm-", "appconfig-", "ct-appconfig-"))} <= set(TOLD)
    assert set(TOLD) <= names


def test_a_doubled_delivery_has_the_same_keys():
    first, second = (payloads(f"ssm-change-duplicate-delivery-{n}")[0] for n in (1, 2))

    assert event_keys(parse_envelope(first.payload)) == event_keys(parse_envelope(second.payload))


def test_a_denied_call_names_the_flag_out_of_its_message(sources):
    (event,) = payloads("ct-ssm-putparameter-accessdenied")
    (call,) = sources["ssm"].parse(parse_envelope(event.payload)).calls

    assert call.error is not None
    assert call.error.startswith("AccessDenied: User: arn:aws:sts::123456789012:assumed-role/ReadOnlyEngineer/")
    assert str(call.targets[0].flag) == "myapp/new-checkout"
    assert call.targets[0].environment_name == "prod"


def test_a_call_keeps_what_was_said_and_by_which_tool(sources):
    (event,) = payloads("ct-appconfig-startdeployment-gradual")
    (call,) = sources["appconfig"].parse(parse_envelope(event.payload)).calls
    details = dict(call.details)

    assert details["description"] == "CHG-1042 new_checkout 10%"
    assert details["application_id"] == "ba8toh7"
    assert details["request_id"] == "7c5d34ad-a569-5d5b-bc7e-20eee5660911"
    assert details["user_agent"].startswith("Boto3/")


def test_a_console_session_and_a_refused_label_are_kept(sources):
    (console,) = payloads("ct-ssm-putparameter-update-sso-console")
    (labels,) = payloads("ct-ssm-labelparameterversion")
    parse = sources["ssm"].parse

    assert parse(parse_envelope(console.payload)).calls[0].from_console
    assert not parse(parse_envelope(labels.payload)).calls[0].from_console
    assert dict(parse(parse_envelope(labels.payload)).calls[0].details)["invalid_labels"] == "123bad"
