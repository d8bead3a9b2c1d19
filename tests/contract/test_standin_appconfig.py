"""The stand-in's AppConfig: resources, versions and flag documents as the real one was seen to keep them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from examples.standin import StandIn

START = datetime(2026, 9, 28, 11, 56, 54, 984_000, tzinfo=UTC)
STAMP = "2026-09-28T11:56:54.984Z"


@pytest.fixture
def aws() -> Iterator[StandIn]:
    with StandIn(start=START) as standin:
        yield standin


@pytest.fixture
def appconfig(aws: StandIn) -> Any:
    return aws.client("appconfig")


class Profile:
    """A feature flag profile and short ways to write to it."""

    def __init__(self, appconfig: Any, name: str = "flags", kind: str = "AWS.AppConfig.FeatureFlags") -> None:
        self.client = appconfig
        self.application = appconfig.create_application(Name=f"app-of-{name}")["Id"]
        self.id = appconfig.create_configuration_profile(
            ApplicationId=self.application, Name=name, LocationUri="hosted", Type=kind
        )["Id"]
        self.ids = {"ApplicationId": self.application, "ConfigurationProfileId": self.id}

    def write(self, content: Any, **asked: Any) -> tuple[int, Any]:
        raw = content if isinstance(content, str | bytes) else json.dumps(content)
        answer = self.client.create_hosted_configuration_version(
            **self.ids, Content=raw, ContentType="application/json", **asked
        )
        return answer["VersionNumber"], json.loads(answer["Content"].read())

    def faults(self, content: Any) -> list[dict[str, str]]:
        with pytest.raises(ClientError) as refused:
            self.write(content)
        answer = refused.value.response
        assert answer["Error"]["Code"] == "BadRequestException"
        assert answer["Error"]["Message"] == (
            "Error invoking extension AppConfig Feature Flags Helper: Invalid 'Content' data"
        )
        assert answer["Reason"] == "InvalidConfiguration"
        return answer["Details"]["InvalidConfiguration"]


@pytest.fixture
def profile(appconfig: Any) -> Profile:
    return Profile(appconfig)


def error(refused: pytest.ExceptionInfo[ClientError]) -> tuple[str, str, int]:
    answer = refused.value.response
    return answer["Error"]["Code"], answer["Error"]["Message"], answer["ResponseMetadata"]["HTTPStatusCode"]


COLOURS = {"constraints": {"type": "string", "required": True, "enum": ["blue", "green"]}}
LIMIT = {"constraints": {"type": "number", "minimum": 1, "maximum": 5}}
TAGS = {"constraints": {"type": "array", "elements": {"type": "string", "pattern": "^[a-z]+$"}}}
RICH = {"feature": {"name": "Feature", "attributes": {"color": COLOURS, "limit": LIMIT, "tags": TAGS}}}
GOOD = {"enabled": True, "color": "blue", "limit": 2, "tags": ["ok"]}


def document(value: dict[str, Any], flags: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"version": "1", "flags": RICH if flags is None else flags, "values": {"feature": value}}


def test_a_document_is_stored_with_times_and_sorted_keys(profile: Profile):
    answer = profile.client.create_hosted_configuration_version(
        **profile.ids, Content=json.dumps(document(GOOD)), ContentType="application/json"
    )
    stored = answer["Content"].read().decode()
    times = f'"_createdAt":"{STAMP}","_updatedAt":"{STAMP}"'
    assert stored == (
        f'{{"flags":{{"feature":{{{times},"attributes":{{"color":{{"constraints":{{"enum":["blue","green"],'
        '"required":true,"type":"string"}},"limit":{"constraints":{"maximum":5,"minimum":1,"type":"number"}},'
        '"tags":{"constraints":{"elements":{"pattern":"^[a-z]+$","type":"string"},"type":"array"}}},"name":"Feature"}},'
        f'"values":{{"feature":{{{times},"color":"blue","enabled":true,"limit":2,"tags":["ok"]}}}},"version":"1"}}'
    )
    again = profile.client.get_hosted_configuration_version(**profile.ids, VersionNumber=1)
    assert again["Content"].read().decode() == stored
    assert again["ContentType"] == "application/json"


def test_only_what_changed_is_touched(aws: StandIn, profile: Profile):
    flags = {"feature": {"name": "Feature"}, "other": {"name": "Other"}}
    profile.write({"version": "1", "flags": flags, "values": {"feature": {"enabled": True}, "other": {}}})
    aws.advance(timedelta(seconds=2, milliseconds=666))
    changed = {"feature": {"enabled": False}, "other": {"enabled": False, "_updatedAt": "1999-01-01T00:00:00Z"}}
    number, stored = profile.write({"version": "1", "flags": flags, "values": changed})
    assert number == 2
    # Trailing zeros of the milliseconds are left out, and what the writer sends as times does not count.
    assert stored["values"]["feature"] == {
        "_createdAt": STAMP,
        "_updatedAt": "2026-09-28T11:56:57.65Z",
        "enabled": False,
    }
    assert stored["values"]["other"]["_updatedAt"] == STAMP
    assert {entry["_updatedAt"] for entry in stored["flags"].values()} == {STAMP}


def test_a_flag_that_was_gone_begins_anew(aws: StandIn, profile: Profile):
    profile.write(document({"enabled": True}, {"feature": {}}))
    profile.write({"version": "1"})
    aws.advance(timedelta(minutes=1))
    _, stored = profile.write(document({"enabled": True}, {"feature": {}}))
    assert stored["values"]["feature"]["_createdAt"] == "2026-09-28T11:57:54.984Z"


def test_the_same_content_is_the_same_version(aws: StandIn, profile: Profile):
    first, stored = profile.write(document(GOOD))
    aws.advance(timedelta(minutes=5))
    assert profile.write(document(GOOD | {"enabled": "true"})) == (first, stored)
    assert profile.write(stored) == (first, stored)
    assert len(profile.client.list_hosted_configuration_versions(**profile.ids)["Items"]) == 1


@pytest.mark.parametrize(
    ("given", "kept"),
    [("true", True), ("TRUE", True), ("t", True), ("1", True), ("False", False), ("0", False), (None, False)],
)
def test_texts_become_booleans(profile: Profile, given: Any, kept: bool):
    _, stored = profile.write(document({"enabled": given}, {"feature": {}}))
    assert stored["values"]["feature"]["enabled"] is kept


@pytest.mark.parametrize("given", ["invalid", 1, 0, "TrUe"])
def test_what_is_no_boolean_is_refused(profile: Profile, given: Any):
    (fault,) = profile.faults(document({"enabled": given}, {"feature": {}}))
    assert fault == {
        "Constraint": "AttributeType(boolean)",
        "Location": "values.feature.enabled",
        "Type": "Invalid",
        "Value": str(given),
    }


def test_what_the_schema_does_not_know_is_left_out(profile: Profile):
    assert profile.write({"version": "1", "unknown": "value"}) == (1, {"version": "1"})
    _, stored = profile.write(document({}, {"feature": {"unknown": "value"}}))
    assert set(stored["flags"]["feature"]) == {"_createdAt", "_updatedAt"}
    assert stored["values"]["feature"]["enabled"] is False
    _, stored = profile.write({"version": "1", "flags": {}, "values": {"lonely": {"enabled": True}}})
    assert set(stored) == {"values", "version"}


def test_the_documented_example_is_accepted_as_it_stands(profile: Profile, root: Path):
    content = json.loads((root / "tests" / "events" / "content" / "appconfig-featureflags-stored.json").read_text())
    _, stored = profile.write(content)
    assert stored["flags"]["new_checkout"]["_deprecation"] == {"status": "planned", "date": "2026-12-31"}
    assert [one["name"] for one in stored["values"]["ui_refresh"]["_variants"]] == [
        "QA",
        "Beta Testers",
        "Sample Population",
        "Default Variant",
    ]
    assert "enabled" not in stored["values"]["ui_refresh"]


@pytest.mark.parametrize(
    ("content", "constraint", "location", "value"),
    [
        ({}, "Required", "version", ""),
        ({"version": "2"}, "OneOf(1)", "version", "2"),
        (document(GOOD | {"color": "red"}), "OneOf(blue, green)", "values.feature.color", "red"),
        (document(GOOD | {"limit": 0}), "FloatGTE(1)", "values.feature.limit", "0"),
        (document(GOOD | {"limit": 6}), "FloatLTE(5)", "values.feature.limit", "6"),
        (document(GOOD | {"limit": "2"}), "AttributeType(number)", "values.feature.limit", "2"),
        (document(GOOD | {"tags": ["BAD"]}), "Regexp(^[a-z]+$)", "values.feature.tags.0", "BAD"),
        (document(GOOD | {"tags": ["ok", 3]}), "ElementType(string)", "values.feature.tags.1", "3"),
        (document({"attr": "abc"}, {}), "Satisfies(map[])", "values.feature.attr", '{"Key":"attr","Value":"abc"}'),
        (document({}, {"feature": {"_deprecation": {"status": "done"}}}), "OneOf(planned)", "flags.feature._deprecation.status", '{"status":"done"}'),
        (document({}, {"feature": {"_deprecation": {"status": "planned", "date": "soon"}}}), "Date", "flags.feature._deprecation.date", "soon"),
        (document({}, {"Feature": {}}), "Regexp(^[a-z][a-zA-Z\\d_-]{0,63}$)", "flags.Feature", "Feature"),
    ],
)  # fmt: skip
def test_a_faulty_document_is_refused_with_its_fault(
    profile: Profile, content: Any, constraint: str, location: str, value: str
):
    assert profile.faults(content) == [
        {"Constraint": constraint, "Location": location, "Type": "NotSatisfied", "Value": value}
    ]
    assert profile.client.list_hosted_configuration_versions(**profile.ids)["Items"] == []


@pytest.mark.parametrize("enabled", [True, False])
def test_a_required_attribute_is_required_of_a_flag_that_is_off_too(profile: Profile, enabled: bool):
    faults = profile.faults(document({"enabled": enabled, "limit": 2, "tags": []}))
    assert [(one["Constraint"], one["Location"]) for one in faults] == [
        ("Not(IsZero([]))", "values.feature.attributes"),
        ("Entries", "values.feature.attributes.color"),
    ]


def variants(*given: dict[str, Any], **value: Any) -> dict[str, Any]:
    flags = {"feature": {"attributes": {"color": {"constraints": {"type": "string"}}}}}
    return document({"_variants": list(given), **value}, flags)


RULE = '(eq $tier "premium")'


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (variants({"name": "blue", "enabled": True, "rule": RULE}), [("Empty", "values.feature._variants.variants.blue.rule")]),
        (variants({"name": "first", "enabled": True}, {"name": "default"}), [("NonEmpty", "values.feature._variants.variants.first.rule")]),
        (variants({"name": "bad", "rule": "not-a-rule"}, {"name": "default"}), [("Empty", "values.feature._variants.0.rule"), ("RuleIsValid", "values.feature._variants.0.rule")]),
        (variants({"name": "default", "rule": RULE}, {"name": "default"}), [("UniqueVariantNames", "values.feature._variants.variants.variants")]),
        (variants({"name": "a", "rule": RULE}, {"name": "b"}, enabled=False), [("StrictVariants", "values.feature")]),
    ],
)  # fmt: skip
def test_faulty_variants_are_refused(profile: Profile, content: Any, expected: list[tuple[str, str]]):
    assert [(one["Constraint"], one["Location"]) for one in profile.faults(content)] == expected


def test_no_variants_leave_a_value_without_a_state(profile: Profile):
    _, stored = profile.write(variants())
    assert set(stored["values"]["feature"]) == {"_createdAt", "_updatedAt"}


def test_content_that_is_no_json_is_refused(profile: Profile):
    for content in ("{not json", "[]", '"text"'):
        with pytest.raises(ClientError, match="Invalid 'Content' data"):
            profile.write(content)


def test_a_version_may_expect_which_is_the_latest(profile: Profile):
    profile.write({"version": "1"}, LatestVersionNumber=0)
    profile.write(document({}, {"feature": {}}), LatestVersionNumber=1)
    with pytest.raises(ClientError) as refused:
        profile.write({"version": "1"}, LatestVersionNumber=5)
    assert error(refused) == (
        "ConflictException",
        "Expected latest version 5 does not match actual latest version 2",
        409,
    )


def test_versions_are_listed_newest_first_and_numbers_are_not_given_again(appconfig: Any):
    free = Profile(appconfig, kind="AWS.Freeform")
    for number in range(1, 4):
        free.write({"x": number}, Description=f"number {number}", VersionLabel=f"v1.{number}")
    first = appconfig.list_hosted_configuration_versions(**free.ids, MaxResults=2)
    second = appconfig.list_hosted_configuration_versions(**free.ids, MaxResults=2, NextToken=first["NextToken"])
    assert [one["VersionNumber"] for one in first["Items"] + second["Items"]] == [3, 2, 1]
    assert first["Items"][0] == {
        **free.ids,
        "VersionNumber": 3,
        "Description": "number 3",
        "ContentType": "application/json",
        "VersionLabel": "v1.3",
    }
    appconfig.delete_hosted_configuration_version(**free.ids, VersionNumber=3)
    assert free.write({"x": 9})[0] == 4
    with pytest.raises(ClientError) as refused:
        appconfig.get_hosted_configuration_version(**free.ids, VersionNumber=3)
    assert error(refused) == (
        "ResourceNotFoundException",
        f"Hosted Configuration Version with Application Id {free.application}, Configuration Profile Id {free.id}, "
        "and Version 3 could not be found for account 123456789012",
        404,
    )
    labelled = appconfig.list_hosted_configuration_versions(**free.ids, VersionLabel="v1.*")["Items"]
    assert [one["VersionNumber"] for one in labelled] == [2, 1]
    with pytest.raises(ClientError, match=r"The version label 'v1\.1' has already been assigned"):
        free.write({"x": 10}, VersionLabel="v1.1")
    with pytest.raises(ClientError, match=r"regular expression pattern: \.\*\[\^0-9\]\.\*"):
        free.write({"x": 10}, VersionLabel="123")


@pytest.mark.parametrize("content", ["[1, 2]", "not: json", "{broken"])
def test_freeform_content_is_kept_byte_for_byte(appconfig: Any, content: str):
    free = Profile(appconfig, kind="AWS.Freeform")
    kept = appconfig.create_hosted_configuration_version(**free.ids, Content=content, ContentType="application/json")
    assert kept["Content"].read().decode() == content


def test_content_has_a_limit_and_is_needed(appconfig: Any):
    free = Profile(appconfig, kind="AWS.Freeform")
    with pytest.raises(ClientError) as refused:
        free.write(b"x" * (2048 * 1024 + 1))
    assert error(refused) == ("PayloadTooLargeException", "Content size limit exceeded.", 413)
    with pytest.raises(ClientError, match="Value at 'content' failed to satisfy constraint: Member must not be null"):
        free.write("")


def test_resources_are_found_by_id_and_name_listed_and_renamed(appconfig: Any):
    shop = appconfig.create_application(Name="shop", Description="")
    assert shop["Description"] == ""
    assert "Description" not in appconfig.get_application(ApplicationId="shop")
    for name in ("prod", "staging"):
        appconfig.create_environment(ApplicationId=shop["Id"], Name=name)
    listed = appconfig.list_environments(ApplicationId="shop", MaxResults=1)
    assert [one["Name"] for one in listed["Items"]] == ["prod"]
    assert listed["Items"][0]["State"] == "ReadyForDeployment"
    rest = appconfig.list_environments(ApplicationId="shop", NextToken=listed["NextToken"])
    assert [one["Name"] for one in rest["Items"]] == ["staging"]
    appconfig.update_application(ApplicationId=shop["Id"], Name="store", Description="sells")
    assert appconfig.list_applications()["Items"] == [{"Id": shop["Id"], "Name": "store", "Description": "sells"}]
    made = appconfig.create_configuration_profile(ApplicationId="store", Name="f", LocationUri="hosted")
    assert made["Type"] == "AWS.Freeform"
    assert (
        appconfig.list_configuration_profiles(ApplicationId="store", Type="AWS.AppConfig.FeatureFlags")["Items"] == []
    )
    (summary,) = appconfig.list_configuration_profiles(ApplicationId="store")["Items"]
    assert summary == {
        "ApplicationId": shop["Id"],
        "Id": made["Id"],
        "Name": "f",
        "LocationUri": "hosted",
        "Type": "AWS.Freeform",
    }


def test_what_is_missing_is_named(appconfig: Any):
    shop = appconfig.create_application(Name="shop")["Id"]
    expectations = [
        (appconfig.get_application, {"ApplicationId": "zzzzzzz"}, "Application with Id zzzzzzz could not be found for account 123456789012."),
        (appconfig.get_environment, {"ApplicationId": shop, "EnvironmentId": "zzzzzzz"}, f"Environment with Application Id {shop} and Environment Id zzzzzzz could not be found for account 123456789012."),
        (appconfig.get_configuration_profile, {"ApplicationId": shop, "ConfigurationProfileId": "zzzzzzz"}, f"Configuration Profile with Application Id {shop} and Configuration Profile Id zzzzzzz could not be found for account 123456789012."),
        (appconfig.get_deployment_strategy, {"DeploymentStrategyId": "zzzzzzz"}, "DeploymentStrategy with Id zzzzzzz could not be found."),
    ]  # fmt: skip
    for operation, asked, message in expectations:
        with pytest.raises(ClientError) as refused:
            operation(**asked)
        assert error(refused) == ("ResourceNotFoundException", message, 404)
    with pytest.raises(ClientError) as refused:
        appconfig.list_applications(NextToken="bogus")
    assert error(refused) == ("BadRequestException", "Invalid nextToken parameter bogus.", 400)


def test_what_is_taken_or_not_empty_is_refused(appconfig: Any):
    shop = appconfig.create_application(Name="shop")["Id"]
    with pytest.raises(ClientError) as refused:
        appconfig.create_application(Name="shop")
    assert error(refused)[:2] == (
        "BadRequestException",
        f"Application with name shop already exists with id {shop} in account 123456789012",
    )
    prod = appconfig.create_environment(ApplicationId=shop, Name="prod")["Id"]
    with pytest.raises(ClientError) as refused:
        appconfig.create_environment(ApplicationId=shop, Name="prod")
    assert error(refused)[1] == (
        f"Environment with name prod already exists with id {prod} in application {shop} and account 123456789012"
    )
    with pytest.raises(ClientError) as refused:
        appconfig.delete_application(ApplicationId=shop)
    assert error(refused)[1] == (
        f"Cannot delete application {shop}, because there are still environments existing under it."
    )
    appconfig.delete_environment(ApplicationId=shop, EnvironmentId=prod)
    appconfig.delete_application(ApplicationId=shop)
    assert appconfig.list_applications()["Items"] == []


ROLE = "arn:aws:iam::123456789012:role/reader"


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"LocationUri": "ssm-parameter://x"}, "1 validation error detected: Value null at 'retrievalRoleArn' failed to satisfy constraint: Member must not be null if the request has the following uri: ssm-parameter://x"),
        ({"LocationUri": "hosted", "RetrievalRoleArn": ROLE}, f"1 validation error detected: Value {ROLE} at 'retrievalRoleArn' failed to satisfy constraint: Member must be null if the request has the following uri: hosted"),
        ({"LocationUri": "ftp://x", "RetrievalRoleArn": ROLE}, "The Uri: ftp://x is of an unsupported type"),
        ({"LocationUri": "ssm-parameter://x", "RetrievalRoleArn": ROLE, "Type": "AWS.AppConfig.FeatureFlags"}, "ConfigurationProfiles of type 'AWS.AppConfig.FeatureFlags' can only have a locationUri of 'hosted'"),
        ({"LocationUri": "hosted", "Type": "Custom.Type"}, "Invalid type, must be one of: AWS.Freeform, AWS.AppConfig.FeatureFlags"),
    ],
)  # fmt: skip
def test_a_profile_that_makes_no_sense_is_refused(appconfig: Any, asked: dict[str, Any], message: str):
    shop = appconfig.create_application(Name="shop")["Id"]
    with pytest.raises(ClientError) as refused:
        appconfig.create_configuration_profile(ApplicationId=shop, Name="p", **asked)
    assert error(refused)[1] == message


def test_a_monitor_needs_its_role(appconfig: Any):
    shop = appconfig.create_application(Name="shop")["Id"]
    alarm = "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:a"
    with pytest.raises(ClientError, match="Value null at 'alarmRoleArn' failed to satisfy constraint"):
        appconfig.create_environment(ApplicationId=shop, Name="prod", Monitors=[{"AlarmArn": alarm}])


def test_tags_are_kept_by_arn(appconfig: Any):
    shop = appconfig.create_application(Name="shop", Tags={"team": "payments"})["Id"]
    arn = f"arn:aws:appconfig:eu-west-1:123456789012:application/{shop}"
    appconfig.tag_resource(ResourceArn=arn, Tags={"env": "prod"})
    appconfig.untag_resource(ResourceArn=arn, TagKeys=["team"])
    assert appconfig.list_tags_for_resource(ResourceArn=arn)["Tags"] == {"env": "prod"}


def test_records_mask_content_and_keep_the_version(aws: StandIn, root: Path):
    expected = json.loads((root / "tests/events/ct-appconfig-createhostedconfigurationversion.json").read_text())
    jane = aws.client("appconfig", identity=aws.sso_user("jane.doe@example.com", permission_set="PlatformAdmin"))
    profile = Profile(jane)
    aws.drain()
    profile.write({"version": "1"}, Description="enable new_checkout for 10%", LatestVersionNumber=0)
    (event,) = aws.drain()
    record, wanted = event["detail"], expected["detail"]
    assert event["source"] == "aws.appconfig"
    assert list(record) == list(wanted)
    assert list(record["responseElements"]) == list(wanted["responseElements"])
    assert record["responseElements"]["content"] == wanted["responseElements"]["content"]
    assert record["responseElements"]["versionNumber"] == 1
    assert record["requestParameters"] == {
        "applicationId": profile.application,
        "configurationProfileId": profile.id,
        "description": "enable new_checkout for 10%",
        "content": "HIDDEN_DUE_TO_SECURITY_REASONS",
        "contentType": "application/json",
        "latestVersionNumber": 0,
    }
    assert record["tlsDetails"] == wanted["tlsDetails"]


def test_records_of_profiles_environments_and_deletions(aws: StandIn, root: Path):
    appconfig = aws.client("appconfig", identity=aws.iam_user("alice"))
    shop = appconfig.create_application(Name="MyApp", Tags={"owner": "shop"})["Id"]
    made = appconfig.create_configuration_profile(
        ApplicationId=shop,
        Name="checkout-freeform",
        LocationUri="ssm-parameter:///myapp/prod/features/checkout-json",
        RetrievalRoleArn="arn:aws:iam::123456789012:role/AppConfigRetrieval",
        Validators=[{"Type": "JSON_SCHEMA", "Content": "{}"}],
    )["Id"]
    prod = appconfig.create_environment(ApplicationId=shop, Name="prod")["Id"]
    appconfig.update_environment(ApplicationId=shop, EnvironmentId=prod, Monitors=[])
    appconfig.delete_configuration_profile(
        ApplicationId=shop, ConfigurationProfileId=made, DeletionProtectionCheck="BYPASS"
    )
    records = {event["detail"]["eventName"]: event["detail"] for event in aws.drain()}
    assert records["CreateApplication"]["requestParameters"] == {"name": "MyApp", "tags": {"owner": "shop"}}
    for name, sample, ids in (
        ("CreateConfigurationProfile", "createconfigurationprofile", {"ba8toh7": shop, "f697zd8": made}),
        ("UpdateEnvironment", "updateenvironment-monitors", {"ba8toh7": shop, "pgil2o7": prod}),
        ("DeleteConfigurationProfile", "deleteconfigurationprofile", {"ba8toh7": shop, "f697zd8": made}),
    ):
        text = (root / "tests" / "events" / f"ct-appconfig-{sample}.json").read_text()
        for theirs, ours in ids.items():
            text = text.replace(theirs, ours)
        # The real service says ReadyForDeployment, as its waiters expect; the sample goes by the model's enumeration.
        wanted = json.loads(text.replace("READY_FOR_DEPLOYMENT", "ReadyForDeployment"))["detail"]
        assert list(records[name]) == list(wanted)
        for part in ("requestParameters", "responseElements"):
            assert json.dumps(records[name][part]) == json.dumps(wanted[part])
    assert "resources" not in records["CreateConfigurationProfile"]


def test_a_refusal_is_recorded_with_its_error(aws: StandIn, appconfig: Any):
    with pytest.raises(ClientError):
        appconfig.delete_application(ApplicationId="zzzzzzz")
    (event,) = aws.drain()
    assert event["detail"]["errorCode"] == "ResourceNotFoundException"
    assert event["detail"]["requestParameters"] == {"applicationId": "zzzzzzz"}
    assert event["detail"]["responseElements"] is None


def test_a_denied_deployment_names_the_environment_in_its_message(aws: StandIn, root: Path):
    expected = json.loads((root / "tests/events/ct-appconfig-startdeployment-accessdenied.json").read_text())["detail"]
    bob = aws.sso_user("bob@example.com", permission_set="ReadOnly")
    aws.deny(bob, "appconfig:StartDeployment")
    with pytest.raises(ClientError) as refused:
        aws.client("appconfig", identity=bob).start_deployment(
            ApplicationId="ba8toh7",
            EnvironmentId="pgil2o7",
            ConfigurationProfileId="ga3tqep",
            ConfigurationVersion="1",
            DeploymentStrategyId="AppConfig.AllAtOnce",
        )
    assert error(refused)[0] == "AccessDeniedException"
    (event,) = aws.drain()
    assert list(event["detail"]) == list(expected)
    role = bob.arn.split("/")[1]
    sample_role = expected["userIdentity"]["arn"].split("/")[1]
    assert event["detail"]["errorMessage"] == expected["errorMessage"].replace(sample_role, role)
    assert event["detail"]["requestParameters"] is None


def test_deletion_protection_holds_what_was_read(aws: StandIn, appconfig: Any):
    appconfig.update_account_settings(DeletionProtection={"Enabled": True, "ProtectionPeriodInMinutes": 60})
    free = Profile(appconfig, kind="AWS.Freeform")
    free.write({"x": 1})
    prod = appconfig.create_environment(ApplicationId=free.application, Name="prod")["Id"]
    strategy = appconfig.create_deployment_strategy(
        Name="now", DeploymentDurationInMinutes=0, GrowthFactor=100, ReplicateTo="NONE"
    )["Id"]
    appconfig.start_deployment(**free.ids, EnvironmentId=prod, ConfigurationVersion="1", DeploymentStrategyId=strategy)
    appconfig.delete_hosted_configuration_version(**free.ids, VersionNumber=1)
    aws.advance(timedelta(hours=2))
    data = aws.client("appconfigdata")
    token = data.start_configuration_session(
        ApplicationIdentifier=free.application, EnvironmentIdentifier=prod, ConfigurationProfileIdentifier=free.id
    )["InitialConfigurationToken"]
    data.get_latest_configuration(ConfigurationToken=token)
    for operation, ids in (
        (appconfig.delete_configuration_profile, free.ids),
        (appconfig.delete_environment, {"ApplicationId": free.application, "EnvironmentId": prod}),
    ):
        with pytest.raises(ClientError, match="deletion protection"):
            operation(**ids)
        operation(**ids, DeletionProtectionCheck="BYPASS")


def test_a_profile_is_changed_in_place(appconfig: Any):
    shop = appconfig.create_application(Name="shop")["Id"]
    ids = {
        "ApplicationId": shop,
        "ConfigurationProfileId": appconfig.create_configuration_profile(
            ApplicationId=shop, Name="free", LocationUri="hosted", Description="first"
        )["Id"],
    }
    validators = [{"Type": "JSON_SCHEMA", "Content": "{}"}]
    appconfig.update_configuration_profile(**ids, Name="other", Validators=validators, KmsKeyIdentifier="alias/x")
    shown = appconfig.get_configuration_profile(**ids)
    assert (shown["Name"], shown["Description"], shown["Validators"], shown["KmsKeyIdentifier"]) == (
        "other",
        "first",
        validators,
        "alias/x",
    )
    assert appconfig.list_configuration_profiles(ApplicationId=shop)["Items"][0]["ValidatorTypes"] == ["JSON_SCHEMA"]


def test_a_profile_with_versions_is_not_deleted(profile: Profile):
    profile.write({"version": "1"})
    with pytest.raises(ClientError, match="because there are still hosted configuration versions existing under it"):
        profile.client.delete_configuration_profile(**profile.ids)


@pytest.mark.parametrize(
    ("content", "constraint", "location"),
    [
        ({"version": "1", "flags": []}, None, None),
        ({"version": "1", "flags": ["x"]}, "Object", "flags"),
        ({"version": "1", "values": {"x": True}}, "Object", "values"),
        (document({}, {"feature": {"name": "x" * 65}}), "LengthLTE(64)", "flags.feature.name"),
        (document({}, {"feature": {"description": "x" * 1025}}), "LengthLTE(1024)", "flags.feature.description"),
        (document({}, {"feature": {"attributes": {"enabled": COLOURS}}}), "Not(OneOf(enabled))", "flags.feature.attributes.enabled"),
        (document({}, {"feature": {"attributes": {"a": {"constraints": {"type": "date"}}}}}), "OneOf(string, number, boolean, array)", "flags.feature.attributes.a.constraints.type"),
        (document({}, {"feature": {"attributes": {"a": {"constraints": {"type": "string", "enum": ["x"], "pattern": "x"}}}}}), "Empty", "flags.feature.attributes.a.constraints.pattern"),
        (document({"_variants": {"name": "x"}}, {"feature": {}}), "Array", "values.feature._variants"),
        (document({"_variants": [{"name": f"v{n}", "rule": '(exists key::"a")'} for n in range(33)] + [{"name": "default"}]}, {"feature": {}}), "LengthLTE(32)", "values.feature._variants"),
    ],
)  # fmt: skip
def test_a_misshapen_document_is_refused(profile: Profile, content: Any, constraint: str | None, location: str | None):
    if constraint is None:
        assert profile.write(content) == (1, {"version": "1"})
        return
    assert (constraint, location) in [(one["Constraint"], one["Location"]) for one in profile.faults(content)]


def test_attributes_are_limited_in_number(profile: Profile):
    many = {f"a{number}": {"constraints": {"type": "boolean"}} for number in range(26)}
    (fault,) = profile.faults(document({}, {"feature": {"attributes": many}}))
    assert (fault["Constraint"], fault["Location"]) == ("LengthLTE(25)", "flags.feature.attributes")


def test_an_extension_has_versions_and_goes_when_nothing_uses_it(appconfig: Any):
    shop = appconfig.create_application(Name="shop")["Id"]
    bus = "arn:aws:events:eu-west-1:123456789012:event-bus/default"
    asked = {
        "Name": "tell",
        "Actions": {"ON_DEPLOYMENT_STEP": [{"Name": "tell", "Uri": bus}]},
        "Parameters": {"fixed": {"Required": True}, "dynamic": {"Dynamic": True}},
    }
    first = appconfig.create_extension(**asked)
    assert first["Parameters"] == {
        "fixed": {"Required": True, "Dynamic": False},
        "dynamic": {"Required": False, "Dynamic": True},
    }
    assert first["Arn"] == f"arn:aws:appconfig:eu-west-1:123456789012:extension/{first['Id']}/1"
    assert appconfig.create_extension(**asked)["VersionNumber"] == 1
    assert appconfig.create_extension(**asked, LatestVersionNumber=1)["VersionNumber"] == 2
    with pytest.raises(ClientError, match="ConflictException"):
        appconfig.create_extension(**asked, LatestVersionNumber=1)
    assert appconfig.get_extension(ExtensionIdentifier=first["Id"])["VersionNumber"] == 2
    assert appconfig.get_extension(ExtensionIdentifier="tell", VersionNumber=1)["VersionNumber"] == 1
    assert appconfig.get_extension(ExtensionIdentifier=first["Arn"])["VersionNumber"] == 1
    association = appconfig.create_extension_association(
        ExtensionIdentifier="tell",
        ExtensionVersionNumber=1,
        ResourceIdentifier=f"arn:aws:appconfig:eu-west-1:123456789012:application/{shop}",
        Parameters={"fixed": "x"},
    )
    shown = appconfig.get_extension_association(ExtensionAssociationId=association["Id"])
    assert (shown["ExtensionVersionNumber"], shown["Parameters"]) == (1, {"fixed": "x"})
    with pytest.raises(ClientError, match="while it is associated"):
        appconfig.delete_extension(ExtensionIdentifier=first["Id"], VersionNumber=1)
    appconfig.delete_extension_association(ExtensionAssociationId=association["Id"])
    for number in (1, 2):
        appconfig.delete_extension(ExtensionIdentifier=first["Id"], VersionNumber=number)
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        appconfig.get_extension(ExtensionIdentifier="tell")
    with pytest.raises(ClientError, match="can not be both required and dynamic"):
        appconfig.create_extension(**asked | {"Parameters": {"both": {"Required": True, "Dynamic": True}}})
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        appconfig.get_extension_association(ExtensionAssociationId=association["Id"])


def test_an_extension_is_associated_with_a_profile_or_an_environment(appconfig: Any, profile: Profile):
    prod = appconfig.create_environment(ApplicationId=profile.application, Name="prod")["Id"]
    base = f"arn:aws:appconfig:eu-west-1:123456789012:application/{profile.application}"
    authored = "AWS.AppConfig.DeploymentNotificationsToEventBridge"
    for arn in (f"{base}/configurationprofile/{profile.id}", f"{base}/environment/{prod}"):
        appconfig.create_extension_association(ExtensionIdentifier=authored, ResourceIdentifier=arn)
        (found,) = appconfig.list_extension_associations(ResourceIdentifier=arn)["Items"]
        assert found["ResourceArn"] == arn
    with pytest.raises(ClientError, match="is not valid"):
        appconfig.create_extension_association(ExtensionIdentifier=authored, ResourceIdentifier="arn:aws:s3:::x")
