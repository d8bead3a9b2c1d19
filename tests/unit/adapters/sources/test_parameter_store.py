"""What Parameter Store's events and calls say, beyond the captured ones."""

from __future__ import annotations

from dataclasses import replace

import pytest

from auditor.adapters.aws import AwsClients
from auditor.adapters.sources import build
from auditor.domain.attribution import CallOutcome
from auditor.domain.errors import ConfigurationError, MalformedEventError
from auditor.domain.events import Operation, RawEvent
from auditor.settings import Settings, SourceSettings
from tests.support.trail import ACCOUNT, OMITTED, REGION, denied, trail

NAME = "/shop/prod/features/new-checkout"
OTHER = "/shop/prod/database/password"
ARN = f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter"


def source(*tables: SourceSettings):
    clients = AwsClients(own_account=ACCOUNT, region=REGION)
    settings = Settings(sources=tables) if tables else Settings()
    return build(settings, clients)["ssm"]


def ssm(*paths: str, **where) -> SourceSettings:
    return SourceSettings("ssm", "ssm", paths=paths, **where)


def own(detail_type: str, **detail) -> RawEvent:
    return replace(trail("ssm", "x", None), detail_type=detail_type, detail=detail)


def change(**detail) -> RawEvent:
    return own("Parameter Store Change", **({"name": NAME, "operation": "Update", "type": "String"} | detail))


def policy(**detail) -> RawEvent:
    told = {"parameter-name": NAME, "parameter-type": "String", "policy-type": "Expiration", "action-status": "SUCCESS"}
    return own("Parameter Store Policy Action", **(told | detail))


@pytest.mark.parametrize("fault", [
    {"operation": "Explode"}, {"operation": None}, {"operation": 7},
    {"name": ""}, {"name": None}, {"name": 5}, {"name": "/shop/prod/features/größe"}, {"name": "/shop/prod/features/a b"},
    {"operation": "LabelParameterVersion"}, {"operation": "LabelParameterVersion", "label": "x"},
    {"operation": "LabelParameterVersion", "label": "", "toVersion": "1"},
])  # fmt: skip
def test_a_change_that_cannot_be_understood_is_refused(fault):
    with pytest.raises(MalformedEventError):
        source().parse(change(**fault))


@pytest.mark.parametrize("operation", ["Update", "Explode"])
def test_a_parameter_that_is_not_watched_is_nobodys_business(operation):
    assert not source().parse(change(name=OTHER, operation=operation))
    assert not source().parse(policy(**{"parameter-name": OTHER}))


def test_a_failed_validation_is_a_signal_and_no_change():
    notices = source().parse(
        change(operation="Create", exception="Unable to Describe Resource", dataType="aws:ec2:image")
    )

    assert notices.hints == ()
    (signal,) = notices.signals
    assert (signal.code, signal.document.name) == ("validation_failed", NAME)
    assert "Unable to Describe Resource" in signal.text


@pytest.mark.parametrize(
    ("told", "code", "text"),
    [
        ({"action-status": "FAILURE", "action-reason": "no right to delete"}, "policy_failed", "no right to delete"),
        (
            {"policy-type": "ExpirationNotification", "policy-content": '{"Attributes":{"Before":"5","Unit":"Days"}}'},
            "policy_expiration_notice",
            "expires in 5 days",
        ),
        ({"policy-type": "NoChangeNotification", "policy-content": "{"}, "policy_no_change", "NoChangeNotification"),
        ({"policy-type": "NoChangeNotification", "policy-content": "[]"}, "policy_no_change", "NoChangeNotification"),
        ({"policy-type": "Empty"}, "policy_notice", "Empty"),
    ],
)
def test_a_policy_that_changes_nothing_is_a_signal(told, code, text):
    notices = source().parse(policy(**told))

    assert notices.hints == ()
    assert [signal.code for signal in notices.signals] == [code]
    assert text in notices.signals[0].text


def test_an_expiry_needs_no_reason():
    (hint,) = source().parse(policy()).hints

    assert (hint.operation, hint.reason) == (Operation.EXPIRED, "the parameter's policy expired")


@pytest.mark.parametrize("missing", ["policy-type", "action-status", "parameter-name"])
def test_a_truncated_policy_action_is_refused(missing):
    with pytest.raises(MalformedEventError):
        source().parse(policy(**{missing: None}))


def outcome(event: RawEvent) -> tuple:
    notices = source().parse(event)
    (call,) = notices.calls
    return call.outcome, [t.document.name for t in call.targets], [h.operation for h in notices.hints]


@pytest.mark.parametrize("response", [{"tier": "Standard"}, {"version": "1"}, {"version": None}])
def test_a_write_without_a_version_failed(response):
    assert outcome(trail("ssm", "PutParameter", {"name": NAME}, response)) == (CallOutcome.FAILED, [NAME], [])


def test_a_write_whose_answer_is_left_out_is_open():
    event = trail("ssm", "PutParameter", {"name": NAME}, responseElements=OMITTED)

    assert outcome(event) == (CallOutcome.AMBIGUOUS, [NAME], [Operation.TOUCHED])


def test_deleting_several_that_are_not_there_is_nothing():
    answer = {"deletedParameters": [], "invalidParameters": [NAME]}

    assert not source().parse(trail("ssm", "DeleteParameters", {"names": [NAME]}, answer))


def test_deleting_several_without_an_answer_failed_or_is_open():
    asked = {"names": [NAME, OTHER, 7]}

    assert outcome(trail("ssm", "DeleteParameters", asked)) == (CallOutcome.FAILED, [NAME], [])
    left_out = trail("ssm", "DeleteParameters", asked, responseElements=OMITTED)
    assert outcome(left_out) == (CallOutcome.AMBIGUOUS, [NAME], [Operation.DELETED])


def test_labels_that_were_all_refused_are_nothing():
    answer = {"invalidLabels": ["1st"], "parameterVersion": 2}

    assert not source().parse(trail("ssm", "LabelParameterVersion", {"name": NAME, "labels": ["1st"]}, answer))


def test_labelling_a_missing_version_failed():
    asked = {"name": NAME, "labels": ["stable"], "parameterVersion": 9}

    assert outcome(trail("ssm", "LabelParameterVersion", asked)) == (CallOutcome.FAILED, [NAME], [])
    assert outcome(trail("ssm", "UnlabelParameterVersion", asked)) == (CallOutcome.FAILED, [NAME], [])


def test_a_label_taken_off_is_told_by_the_call_alone():
    asked = {"name": NAME, "labels": ["stable", "beta"], "parameterVersion": 2}
    notices = source().parse(
        trail("ssm", "UnlabelParameterVersion", asked, {"removedLabels": ["stable"], "invalidLabels": ["beta"]})
    )
    (hint,), (call,) = notices.hints, notices.calls

    assert (hint.operation, hint.label, hint.version) == (Operation.LABELLED, "stable", None)
    assert [(t.label, t.version) for t in call.targets] == [("stable", "2")]


@pytest.mark.parametrize("call", ["AddTagsToResource", "RemoveTagsFromResource"])
def test_tags_are_evidence_without_a_change(call):
    asked = {"resourceType": "Parameter", "resourceId": NAME}

    assert outcome(trail("ssm", call, asked)) == (CallOutcome.AMBIGUOUS, [NAME], [])
    assert not source().parse(trail("ssm", call, asked | {"resourceType": "Document"}))


@pytest.mark.parametrize("call", ["StartAutomationExecution", "PutComplianceItems"])
def test_another_call_is_nothing(call):
    assert not source().parse(trail("ssm", call, {"name": NAME}))


@pytest.mark.parametrize("call", ["PutParameter", "DeleteParameter", "LabelParameterVersion", "AddTagsToResource"])
def test_a_denial_names_its_parameter_in_the_message_only(call):
    event = denied("ssm", call, f"{ARN}{NAME}")

    assert outcome(event) == (CallOutcome.DENIED, [NAME], [])


def test_a_denial_may_name_its_parameter_among_the_resources_only():
    event = denied("ssm", "PutParameter", "x", errorMessage="explicit deny", resources=[{"ARN": f"{ARN}{NAME}"}])

    assert outcome(event) == (CallOutcome.DENIED, [NAME], [])


@pytest.mark.parametrize(
    "resource",
    [f"{ARN}{OTHER}", f"arn:aws:ssm:{REGION}:999988887777:parameter{NAME}", f"arn:aws:ssm:us-east-1:{ACCOUNT}:parameter{NAME}",
     f"arn:aws:ssm:{REGION}:{ACCOUNT}:*", "arn:aws:s3:::bucket"],
)  # fmt: skip
def test_a_denial_of_something_else_is_nothing(resource):
    assert not source().parse(denied("ssm", "PutParameter", resource))


@pytest.mark.parametrize(("template", "name"), [("flag-{flag}", "flag-x"), ("/{flag}", "/x")])
def test_an_arn_does_not_tell_a_leading_slash(template, name):
    watched = source(ssm(template))
    (call,) = watched.parse(denied("ssm", "PutParameter", f"{ARN}/{name.removeprefix('/')}")).calls

    assert [t.document.name for t in call.targets] == [name]


def test_only_named_accounts_and_regions_are_watched():
    here, there = (source(ssm("/{flag}", accounts=(a,), regions=(REGION,))) for a in (ACCOUNT, "999988887777"))
    event = change(name="/x")

    assert here.parse(event)
    assert not there.parse(event)
    assert not here.parse(replace(event, region="us-east-1"))


def test_a_name_longer_than_any_is_nobodys_business():
    assert not source().parse(
        trail("ssm", "PutParameter", {"name": NAME + "x" * 3000}, errorCode="ValidationException")
    )


def test_several_tables_are_one_source():
    both = source(ssm("/a/{flag}", accounts=(ACCOUNT,), regions=(REGION,)), ssm("/b/{flag}", regions=("us-east-1",)))
    far = replace(change(name="/b/x"), region="us-east-1")

    assert both.parse(change(name="/a/x"))
    assert both.parse(far)
    assert not both.parse(change(name="/b/x"))
    assert {(s.account, s.region) for s in both.scopes()} == {(ACCOUNT, REGION), (ACCOUNT, "us-east-1")}


def test_one_place_watched_by_two_tables_is_one_scope():
    (scope,) = source(ssm("/a/{flag}"), ssm("/b/{flag}")).scopes()

    assert scope.fingerprint not in {s.fingerprint for s in source(ssm("/a/{flag}")).scopes()}


def test_a_kind_nobody_knows_is_a_fault_of_the_configuration():
    with pytest.raises(ConfigurationError, match="carrier-pigeon"):
        source(SourceSettings("carrier-pigeon", "x"))
    with pytest.raises(ConfigurationError, match="flag"):
        source(ssm("/no/placeholder"))
