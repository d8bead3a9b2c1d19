"""The stand-in's Parameter Store: what the real one was seen to answer."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from examples.standin import StandIn

START = datetime(2026, 10, 6, 8, 0, 3, 317_000, tzinfo=UTC)
NAME = "/app/prod/flag"


@pytest.fixture
def aws() -> Iterator[StandIn]:
    with StandIn(start=START) as standin:
        yield standin


@pytest.fixture
def ssm(aws: StandIn) -> Any:
    return aws.client("ssm")


def error(refused: pytest.ExceptionInfo[ClientError]) -> tuple[str, str]:
    told = refused.value.response["Error"]
    return told["Code"], told["Message"]


def changes(aws: StandIn) -> list[tuple[str, str]]:
    return [
        (event["detail"]["operation"], event["detail"]["name"])
        for event in aws.drain()
        if event["detail-type"] == "Parameter Store Change"
    ]


def test_history_tells_who_wrote_each_version_when_and_what(aws: StandIn):
    writers = [
        aws.iam_user("alice"),
        aws.sso_user("jane.doe@example.com", permission_set="PlatformAdmin"),
        aws.role("gha-flag-deployer", session="GitHubActions", web_identity="token.actions.githubusercontent.com"),
        aws.cloudformation(),
        aws.root(),
    ]
    for number, writer in enumerate(writers):
        client = aws.client("ssm", identity=writer)
        client.put_parameter(Name=NAME, Value=f"v{number}", Type="String", Overwrite=True)
        aws.advance(timedelta(minutes=1))
    history = aws.client("ssm").get_parameter_history(Name=NAME)["Parameters"]
    assert [entry["Version"] for entry in history] == [1, 2, 3, 4, 5]
    assert [entry["Value"] for entry in history] == ["v0", "v1", "v2", "v3", "v4"]
    assert [entry["LastModifiedDate"] for entry in history] == [START + timedelta(minutes=n) for n in range(5)]
    users = [entry["LastModifiedUser"] for entry in history]
    assert users[0] == "arn:aws:iam::123456789012:user/alice"
    assert users[1].startswith("arn:aws:sts::123456789012:assumed-role/AWSReservedSSO_PlatformAdmin_")
    assert users[1].endswith("/jane.doe@example.com")
    assert users[2:] == [
        "arn:aws:sts::123456789012:assumed-role/gha-flag-deployer/GitHubActions",
        "arn:aws:sts::123456789012:assumed-role/CloudFormationDeployRole/AWSCloudFormation",
        "arn:aws:iam::123456789012:root",
    ]


def test_a_read_names_neither_writer_nor_tier(ssm: Any):
    ssm.put_parameter(Name=NAME, Value="on", Type="String")
    assert ssm.get_parameter(Name=NAME)["Parameter"] == {
        "Name": NAME,
        "Type": "String",
        "Value": "on",
        "Version": 1,
        "LastModifiedDate": START,
        "ARN": "arn:aws:ssm:eu-west-1:123456789012:parameter/app/prod/flag",
        "DataType": "text",
    }


def test_a_secret_is_read_as_ciphertext_unless_it_is_decrypted(ssm: Any):
    ssm.put_parameter(Name=NAME, Value="s3cret-s3cret", Type="SecureString")
    ssm.put_parameter(Name=NAME, Value="s3cret-s3cret", Overwrite=True)
    for entry in [
        ssm.get_parameter(Name=NAME)["Parameter"],
        ssm.get_parameters(Names=[NAME])["Parameters"][0],
        ssm.get_parameters_by_path(Path="/app", Recursive=True)["Parameters"][0],
        *ssm.get_parameter_history(Name=NAME)["Parameters"],
    ]:
        assert "s3cret" not in entry["Value"]
        assert b"s3cret" not in base64.b64decode(entry["Value"])
    first, second = ssm.get_parameter_history(Name=NAME)["Parameters"]
    assert first["Value"] != second["Value"]
    assert first["KeyId"] == "alias/aws/ssm"
    assert ssm.get_parameter(Name=NAME, WithDecryption=True)["Parameter"]["Value"] == "s3cret-s3cret"
    assert "Value" not in ssm.describe_parameters()["Parameters"][0]


def test_an_overwrite_keeps_what_it_does_not_name(ssm: Any):
    ssm.put_parameter(
        Name=NAME, Value="fixture-one", Type="String", Description="said once", AllowedPattern="fixture-.*"
    )
    ssm.put_parameter(Name=NAME, Value="fixture-two", Overwrite=True)
    (described,) = ssm.describe_parameters()["Parameters"]
    assert (described["Description"], described["AllowedPattern"], described["Version"]) == (
        "said once",
        "fixture-.*",
        2,
    )
    with pytest.raises(ClientError) as refused:
        ssm.put_parameter(Name=NAME, Value="different", Overwrite=True)
    assert error(refused) == (
        "ParameterPatternMismatchException",
        "Parameter value, cannot be validated against allowedPattern: fixture-.*",
    )


def test_a_type_may_change_from_version_to_version(ssm: Any):
    ssm.put_parameter(Name=NAME, Value="secret", Type="SecureString")
    ssm.put_parameter(Name=NAME, Value="public", Type="String", Overwrite=True)
    ssm.put_parameter(Name=NAME, Value="a,b", Type="StringList", Overwrite=True)
    history = ssm.get_parameter_history(Name=NAME)["Parameters"]
    assert [entry["Type"] for entry in history] == ["SecureString", "String", "StringList"]
    assert ["KeyId" in entry for entry in history] == [True, False, False]


def test_a_parameter_made_again_starts_another_life(aws: StandIn, ssm: Any):
    ssm.put_parameter(Name=NAME, Value="1", Type="String", Description="first life", Tags=[{"Key": "a", "Value": "b"}])
    ssm.put_parameter(Name=NAME, Value="2", Overwrite=True)
    ssm.delete_parameter(Name=NAME)
    for read in (ssm.get_parameter, ssm.get_parameter_history):
        with pytest.raises(ClientError) as refused:
            read(Name=NAME)
        assert error(refused) == ("ParameterNotFound", "")
    assert ssm.put_parameter(Name=NAME, Value="3", Type="String")["Version"] == 1
    assert [entry["Value"] for entry in ssm.get_parameter_history(Name=NAME)["Parameters"]] == ["3"]
    assert ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId=NAME)["TagList"] == []
    assert changes(aws) == [("Create", NAME), ("Update", NAME), ("Delete", NAME), ("Create", NAME)]


def test_history_keeps_a_hundred_versions_and_a_label_holds_the_oldest(ssm: Any):
    for number in range(105):
        ssm.put_parameter(Name=NAME, Value=str(number), Type="String", Overwrite=True)
    first = ssm.get_parameter_history(Name=NAME)
    second = ssm.get_parameter_history(Name=NAME, NextToken=first["NextToken"])
    assert [entry["Version"] for entry in first["Parameters"] + second["Parameters"]] == list(range(6, 106))
    assert len(first["Parameters"]) == 50
    assert "NextToken" not in second
    ssm.label_parameter_version(Name=NAME, ParameterVersion=6, Labels=["stable"])
    with pytest.raises(ClientError) as refused:
        ssm.put_parameter(Name=NAME, Value="x", Overwrite=True)
    code, message = error(refused)
    assert code == "ParameterMaxVersionLimitExceeded"
    assert "Version 6, the oldest version" in message
    ssm.label_parameter_version(Name=NAME, ParameterVersion=105, Labels=["stable"])
    assert ssm.put_parameter(Name=NAME, Value="x", Overwrite=True)["Version"] == 106


def test_labels_select_a_version_and_move_without_making_one(aws: StandIn, ssm: Any):
    ssm.put_parameter(Name=NAME, Value="1", Type="String")
    ssm.put_parameter(Name=NAME, Value="2", Overwrite=True)
    ssm.label_parameter_version(Name=NAME, ParameterVersion=1, Labels=["stable", "old"])
    aws.drain()
    answer = ssm.label_parameter_version(Name=NAME, Labels=["stable", "valid", "123bad", "awsBad", "bad label"])
    assert (answer["ParameterVersion"], sorted(answer["InvalidLabels"])) == (2, ["123bad", "awsBad", "bad label"])
    told = [event["detail"] for event in aws.drain() if event["detail-type"] == "Parameter Store Change"]
    assert [(one["label"], one["fromVersion"], one["toVersion"]) for one in told] == [
        ("stable", "1", "2"),
        ("valid", "", "2"),
    ]
    stable = ssm.get_parameter(Name=f"{NAME}:stable")["Parameter"]
    assert (stable["Value"], stable["Selector"]) == ("2", ":stable")
    assert ssm.get_parameter(Name=f"{NAME}:1")["Parameter"]["Value"] == "1"
    ssm.label_parameter_version(Name=NAME, ParameterVersion=2, Labels=["stable"])
    unlabelled = ssm.unlabel_parameter_version(Name=NAME, ParameterVersion=1, Labels=["old", "stable"])
    assert (unlabelled["RemovedLabels"], unlabelled["InvalidLabels"]) == (["old"], ["stable"])
    assert changes(aws) == []


@pytest.mark.parametrize(
    ("selector", "code", "message"),
    [
        ("99", "ParameterVersionNotFound", f"Systems Manager could not find version 99 of {NAME}. Verify the version and try again."),
        ("-1", "ParameterVersionNotFound", f"Systems Manager could not find a version of {NAME} that has the specified label, -1. Verify the parameter label and try again."),
        ("1:2", "ValidationException", "Invalid parameter name. Please use correct syntax for referencing a version/label  <name>:<version/label>"),
    ],
)  # fmt: skip
def test_a_selector_of_nothing_is_refused(ssm: Any, selector: str, code: str, message: str):
    ssm.put_parameter(Name=NAME, Value="1", Type="String")
    with pytest.raises(ClientError) as refused:
        ssm.get_parameter(Name=f"{NAME}:{selector}")
    assert error(refused) == (code, message)


def test_several_are_answered_in_order_of_name_and_the_missing_are_named(ssm: Any):
    for name in ("/z/b", "/z/a"):
        ssm.put_parameter(Name=name, Value="1", Type="String")
    answer = ssm.get_parameters(Names=["/z/b", "/z/c", "/z/a", "/z/b:7", "/z/b"])
    assert [one["Name"] for one in answer["Parameters"]] == ["/z/a", "/z/b"]
    assert answer["InvalidParameters"] == ["/z/c", "/z/b:7"]
    with pytest.raises(ClientError, match="Member must have length less than or equal to 10"):
        ssm.get_parameters(Names=[f"/n/{number}" for number in range(11)])


def test_a_path_is_read_in_pages_of_ten_filtered_after_they_are_cut(ssm: Any):
    for number in range(25):
        kind = "StringList" if number < 20 else "String"
        ssm.put_parameter(Name=f"/shop/prod/f{number:02}", Value="1", Type=kind)
    ssm.put_parameter(Name="/shop/prod/deep/er", Value="1", Type="String")
    ssm.put_parameter(Name="/shopping/not", Value="1", Type="String")
    pages = list(ssm.get_paginator("get_parameters_by_path").paginate(Path="/shop/", Recursive=True))
    assert [len(one["Parameters"]) for one in pages] == [10, 10, 6]
    filtered = list(
        ssm.get_paginator("get_parameters_by_path").paginate(
            Path="/shop", Recursive=True, ParameterFilters=[{"Key": "Type", "Values": ["String"]}]
        )
    )
    assert [len(one["Parameters"]) for one in filtered] == [0, 0, 6]
    assert ssm.get_parameters_by_path(Path="/shop/prod", Recursive=False)["Parameters"][0]["Name"] == "/shop/prod/f00"
    assert ssm.get_parameters_by_path(Path="/shop")["Parameters"] == []
    with pytest.raises(ClientError, match="less than or equal to 10"):
        ssm.get_parameters_by_path(Path="/shop", MaxResults=11)


def test_a_label_filter_answers_the_labelled_version(ssm: Any):
    ssm.put_parameter(Name=NAME, Value="1", Type="String")
    ssm.label_parameter_version(Name=NAME, ParameterVersion=1, Labels=["stable"])
    ssm.put_parameter(Name=NAME, Value="2", Overwrite=True)
    ssm.put_parameter(Name="/app/prod/other", Value="2", Type="String")
    wanted = [{"Key": "Label", "Values": ["stable"]}]
    (found,) = ssm.get_parameters_by_path(Path="/app", Recursive=True, ParameterFilters=wanted)["Parameters"]
    assert (found["Name"], found["Value"]) == (NAME, "1")


def test_descriptions_are_filtered_and_paged(ssm: Any):
    names = ["/stack/string", "/stack/list", "/stack/nested/secure", "/stack/nested/string"]
    for name in names:
        ssm.put_parameter(Name=name, Value="1", Type="String", Tags=[{"Key": "env", "Value": name[-6:]}])
    begins = {"Key": "Name", "Option": "BeginsWith", "Values": ["/stack/"]}

    def described(*filters: dict[str, Any], **asked: Any) -> list[str]:
        return [one["Name"] for one in ssm.describe_parameters(ParameterFilters=list(filters), **asked)["Parameters"]]

    # In order within a page only: the first two that were made, then the others.
    assert described(begins, MaxResults=2) == ["/stack/list", "/stack/string"]
    assert described(begins) == sorted(names)
    assert described({"Key": "Path", "Values": ["/stack"]}) == ["/stack/list", "/stack/string"]
    assert described({"Key": "Path", "Option": "Recursive", "Values": ["/stack"]}) == sorted(names)
    assert described(begins, {"Key": "tag:env", "Values": ["secure"]}) == ["/stack/nested/secure"]
    assert described({"Key": "Name", "Option": "Contains", "Values": ["sted/st"]}) == ["/stack/nested/string"]
    legacy = ssm.describe_parameters(Filters=[{"Key": "Name", "Values": ["/stack/nested"]}])["Parameters"]
    assert [one["Name"] for one in legacy] == ["/stack/nested/secure", "/stack/nested/string"]
    assert legacy[0]["LastModifiedUser"] == "arn:aws:iam::123456789012:user/operator"


@pytest.mark.parametrize(
    ("filters", "code", "message"),
    [
        ([{"Key": "Name", "Values": ["/x"]}], "InvalidFilterKey", "The following filter key is not valid: Name. Valid filter keys include: [Type, KeyId, Label]."),
        ([{"Key": "Type", "Option": "Contains", "Values": ["String"]}], "InvalidFilterOption", "The following filter option is not valid: Contains. Valid options include: [BeginsWith, Equals]."),
        ([{"Key": "Label", "Option": "BeginsWith", "Values": ["st"]}], "InvalidFilterOption", "The following filter option is not valid: BeginsWith. Valid options include: [Equals]."),
        ([{"Key": "KeyId"}], "InvalidFilterValue", "The following filter values are missing : null for filter key KeyId."),
    ],
)  # fmt: skip
def test_a_filter_that_makes_no_sense_is_refused(ssm: Any, filters: list[dict[str, Any]], code: str, message: str):
    with pytest.raises(ClientError) as refused:
        ssm.get_parameters_by_path(Path="/app", ParameterFilters=filters)
    assert error(refused) == (code, message)


def test_a_token_of_another_request_is_refused(ssm: Any):
    for number in range(12):
        ssm.put_parameter(Name=f"/p/{number}", Value="1", Type="String")
    token = ssm.get_parameters_by_path(Path="/p")["NextToken"]
    for bad in ("fixture-invalid-token", token):
        with pytest.raises(ClientError) as refused:
            ssm.get_parameters_by_path(Path="/", NextToken=bad)
        assert error(refused) == ("InvalidNextToken", f"The following token is invalid: {bad}.")


_FORM = (
    'Parameter name: can\'t be prefixed with "ssm" (case-insensitive). If formed as a path, it can consist of '
    "sub-paths divided by slash symbol; each sub-path can be formed as a mix of letters, numbers and the following 3 "
    "symbols .-_"
)


@pytest.mark.parametrize(
    ("asked", "code", "message"),
    [
        ({"Name": "/app/größe"}, "ValidationException", _FORM),
        ({"Name": "/app/bad name"}, "ValidationException", _FORM),
        ({"Name": "app/flag"}, "ValidationException", "Parameter name must be a fully qualified name."),
        ({"Name": "/aws/thing"}, "AccessDeniedException", "No access to reserved parameter name: /aws/thing."),
        ({"Name": "/" + "/".join("abcdefghijklmnop")}, "HierarchyLevelLimitExceededException", None),
        ({"Type": None}, "ValidationException", "A parameter type is required when you create a parameter."),
        ({"Type": "BadType"}, "ValidationException", "1 validation error detected: Value 'BadType' at 'type' failed to satisfy constraint: Member must satisfy enum value set: [SecureString, StringList, String]"),
        ({"DataType": "bad"}, "ValidationException", "The following data type is not supported: bad. (Data type names are all lowercase.)"),
        ({"AllowedPattern": "["}, "InvalidAllowedPatternException", "The syntax of the allowedPattern parameter is invalid."),
        ({"Value": "{{ssm:fixture}}"}, "ValidationException", "Parameter value: '{{ssm:fixture}}' failed to satisfy constraint: Parameter value can't nest another parameter. Do not use \"{{}}\" in the value."),
        ({"Value": "x" * 4097}, "ValidationException", "Standard tier parameters support a maximum parameter value of 4096 characters. To create a larger parameter value, upgrade the parameter to use the advanced-parameter tier. For more information, see https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html"),
        ({"Overwrite": True, "Tags": [{"Key": "a", "Value": "b"}]}, "ValidationException", "Invalid request: tags and overwrite can't be used together. To create a parameter with tags, please remove overwrite flag. To update tags for an existing parameter, please use AddTagsToResource or RemoveTagsFromResource."),
    ],
)  # fmt: skip
def test_a_write_that_breaks_a_rule_is_refused(aws: StandIn, ssm: Any, asked: dict[str, Any], code: str, message: str):
    whole = {"Name": NAME, "Value": "1", "Type": "String"} | asked
    with pytest.raises(ClientError) as refused:
        ssm.put_parameter(**{member: value for member, value in whole.items() if value is not None})
    told = error(refused)
    assert told[0] == code
    assert message is None or told[1] == message
    assert changes(aws) == []
    assert ssm.describe_parameters()["Parameters"] == []


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("aws-flag", 'Parameter name: can\'t be prefixed with "aws" or "ssm" (case-insensitive).'),
        ("/ssm/flag", _FORM),
        ("/app//flag", _FORM),
        ("/app/flag/", _FORM),
    ],
)
def test_a_reserved_or_hollow_name_is_refused(ssm: Any, name: str, message: str):
    with pytest.raises(ClientError) as refused:
        ssm.put_parameter(Name=name, Value="1", Type="String")
    assert error(refused) == ("ValidationException", message)


def test_an_eleventh_label_is_refused(ssm: Any):
    ssm.put_parameter(Name=NAME, Value="1", Type="String")
    ssm.label_parameter_version(Name=NAME, Labels=[f"label-{number}" for number in range(10)])
    with pytest.raises(ClientError) as refused:
        ssm.label_parameter_version(Name=NAME, Labels=["one-more"])
    assert error(refused)[0] == "ParameterVersionLabelLimitExceeded"


def test_a_path_begins_with_a_slash_and_filters_are_of_one_style(ssm: Any):
    with pytest.raises(ClientError, match="must begin with a forward slash"):
        ssm.get_parameters_by_path(Path="app")
    name = {"Key": "Name", "Values": ["/app"]}
    with pytest.raises(ClientError, match="either Filters or ParameterFilters"):
        ssm.describe_parameters(Filters=[name], ParameterFilters=[name])
    with pytest.raises(ClientError, match="duplicated in the request"):
        ssm.describe_parameters(ParameterFilters=[name, name])


def test_tiers_grow_and_do_not_shrink(ssm: Any):
    assert ssm.put_parameter(Name=NAME, Value="x" * 4097, Type="String", Tier="Advanced")["Tier"] == "Advanced"
    with pytest.raises(ClientError, match="can't downgrade a parameter"):
        ssm.put_parameter(Name=NAME, Value="x", Tier="Standard", Overwrite=True)
    smart = {"Type": "String", "Tier": "Intelligent-Tiering"}
    assert ssm.put_parameter(Name="/app/small", Value="x", **smart)["Tier"] == "Standard"
    assert ssm.put_parameter(Name="/app/large", Value="x" * 5000, **smart)["Tier"] == "Advanced"


POLICIES = (
    '[{"Type": "Expiration", "Version": "1.0", "Attributes": {"Timestamp": "2026-10-08T18:42:02Z"}}, '
    '{"Type": "ExpirationNotification", "Version": "1.0", "Attributes": {"Before": "5", "Unit": "Hours"}}]'
)


def test_policies_are_shown_as_the_api_shows_them(aws: StandIn, ssm: Any):
    ssm.put_parameter(Name=NAME, Value="1", Type="String", Tier="Advanced", Policies=POLICIES)
    (entry,) = ssm.get_parameter_history(Name=NAME)["Parameters"]
    text = '{"Type":"Expiration","Version":"1.0","Attributes":{"Timestamp":"2026-10-08T18:42:02Z"}}'
    assert entry["Policies"][0] == {"PolicyText": text, "PolicyType": "Expiration"}
    aws.set_time(datetime(2026, 10, 8, 14, tzinfo=UTC))
    (described,) = ssm.describe_parameters()["Parameters"]
    assert {one["PolicyType"]: one["PolicyStatus"] for one in described["Policies"]} == {
        "Expiration": "Pending",
        "ExpirationNotification": "Finished",
    }
    told = [event for event in aws.drain() if event["detail-type"] == "Parameter Store Policy Action"]
    assert [(one["time"], one["detail"]["policy-type"]) for one in told] == [
        ("2026-10-08T13:42:02Z", "ExpirationNotification")
    ]


def test_policies_are_kept_until_they_are_taken_away(aws: StandIn, ssm: Any):
    ssm.put_parameter(Name=NAME, Value="1", Type="String", Tier="Advanced", Policies=POLICIES)
    ssm.put_parameter(Name=NAME, Value="2", Overwrite=True)
    assert len(ssm.describe_parameters()["Parameters"][0]["Policies"]) == 2
    ssm.put_parameter(Name=NAME, Value="3", Overwrite=True, Policies="[{}]")
    assert ssm.describe_parameters()["Parameters"][0]["Policies"] == []
    aws.advance(timedelta(days=30))
    assert ssm.get_parameter(Name=NAME)["Parameter"]["Value"] == "3"


@pytest.mark.parametrize(
    ("policies", "tier", "code", "message"),
    [
        ("not-json", "Advanced", "ValidationException", "Invalid policies input: not-json."),
        ('[{"Type":"BadType","Version":"1.0","Attributes":{}}]', "Advanced", "InvalidPolicyTypeException", "Policy type BadType is not supported."),
        ('[{"Type":"NoChangeNotification","Version":"1.0","Attributes":{"After":"0","Unit":"Days"}}]', "Advanced", "InvalidPolicyAttributeException", "Attribute After must be a positive integer."),
        ('[{"Type":"NoChangeNotification","Version":"1.0","Attributes":{"After":"0.5","Unit":"Days"}}]', "Advanced", "InvalidPolicyAttributeException", "Attribute After must be a positive integer smaller than 8760000 ."),
        ('{"Type":"Expiration"}', "Advanced", "ValidationException", 'Invalid policies input: {"Type":"Expiration"}.'),
        ('[{"Type":"NoChangeNotification","Version":"1.0","Attributes":{"After":"1","Unit":"Weeks"}}]', "Advanced", "InvalidPolicyAttributeException", "Attribute Unit must be one of Days, Hours."),
        ('[{"Type":"Expiration","Version":"1.0","Attributes":{"Timestamp":"soon"}}]', "Advanced", "InvalidPolicyAttributeException", "Attribute Timestamp must be an ISO 8601 time."),
        ("[" + ",".join(['{"Type":"NoChangeNotification","Version":"1.0","Attributes":{"After":"1","Unit":"Days"}}'] * 11) + "]", "Advanced", "PoliciesLimitExceededException", "A parameter can have at most 10 policies."),
        (POLICIES, "Standard", "ValidationException", "You can't assign parameter policies to a standard-parameter tier. You must upgrade the parameter to use the advanced-parameter tier. For more information, see https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html"),
    ],
)  # fmt: skip
def test_a_policy_that_makes_no_sense_is_refused(ssm: Any, policies: str, tier: str, code: str, message: str):
    with pytest.raises(ClientError) as refused:
        ssm.put_parameter(Name=NAME, Value="1", Type="String", Tier=tier, Policies=policies)
    assert error(refused) == (code, message)


def test_tags_are_set_replaced_and_taken_off_without_an_event(aws: StandIn, ssm: Any):
    ssm.put_parameter(Name=NAME, Value="1", Type="String", Tags=[{"Key": "team", "Value": "payments"}])
    aws.drain()
    resource = {"ResourceType": "Parameter", "ResourceId": NAME}
    ssm.add_tags_to_resource(**resource, Tags=[{"Key": "env", "Value": "one"}, {"Key": "team", "Value": "shop"}])
    ssm.remove_tags_from_resource(**resource, TagKeys=["env", "absent"])
    assert ssm.list_tags_for_resource(**resource)["TagList"] == [{"Key": "team", "Value": "shop"}]
    assert [event["detail"]["eventName"] for event in aws.drain()] == ["AddTagsToResource", "RemoveTagsFromResource"]
    with pytest.raises(ClientError) as refused:
        ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId="/app/missing")
    assert error(refused) == ("InvalidResourceId", "")


def test_a_name_of_one_level_is_the_same_with_and_without_its_slash(ssm: Any):
    ssm.put_parameter(Name="dark-mode", Value="on", Type="String")
    assert ssm.get_parameter(Name="/dark-mode")["Parameter"]["Value"] == "on"
    arn = "arn:aws:ssm:eu-west-1:123456789012:parameter/dark-mode"
    assert ssm.get_parameter(Name=arn)["Parameter"]["ARN"] == arn
