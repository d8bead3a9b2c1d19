from __future__ import annotations

import string
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.domain.attribution import UNATTRIBUTED, Actor, ActorKind, Attribution, Certainty
from auditor.domain.identities import actor_from_arn, actor_from_cloudtrail, best, better

ACCOUNT = "123456789012"
IAM, STS = f"arn:aws:iam::{ACCOUNT}:", f"arn:aws:sts::{ACCOUNT}:"
SSO = "AWSReservedSSO_PlatformAdmin_0a1b2c3d4e5f6789"
SSO_PATH = "role/aws-reserved/sso.amazonaws.com/eu-west-1/"
GITHUB = f"{IAM}oidc-provider/token.actions.githubusercontent.com"
STORE = f"arn:aws:identitystore::{ACCOUNT}:identitystore/d-9067642ac7"
PERSON_ID = "544894e8-80c1-707f-60e3-3ba6510dfac1"

PERSON, ROLE, SERVICE, PIPELINE = ActorKind.PERSON, ActorKind.ROLE, ActorKind.SERVICE, ActorKind.PIPELINE
ROOT, FOREIGN, UNKNOWN = ActorKind.ROOT, ActorKind.ACCOUNT, ActorKind.UNKNOWN
NOBODY = (UNKNOWN, None, None, None)


def user(name="alice", **more):
    return {"type": "IAMUser", "arn": f"{IAM}user/{name}", "accountId": ACCOUNT, "userName": name} | more


def role(name, session, *, path="role/", context=None, **more):
    issuer = {"type": "Role", "arn": f"{IAM}{path}{name}", "accountId": ACCOUNT, "userName": name}
    return {
        "type": "AssumedRole",
        "principalId": f"AROA3XFRBF23EXAMPLE01:{session}",
        "arn": f"{STS}assumed-role/{name}/{session}",
        "accountId": ACCOUNT,
        "sessionContext": {"sessionIssuer": issuer, "attributes": {}} | (context or {}),
    } | more


def sso(person="jane.doe@example.com", **more):
    return role(SSO, person, path=SSO_PATH, **more)


def oidc(name, session, provider, **more):
    return role(
        name, session, context={"webIdFederationData": {"federatedProvider": provider, "attributes": {}}}, **more
    )


def federated(name, issuer_type, issuer_arn):
    return {
        "type": "FederatedUser",
        "arn": f"{STS}federated-user/{name}",
        "accountId": ACCOUNT,
        "principalId": f"{ACCOUNT}:{name}",
        "sessionContext": {"sessionIssuer": {"type": issuer_type, "arn": issuer_arn, "accountId": ACCOUNT}},
    }


# identity, then kind, name, via, session
TRAIL = {
    "iam user": (user(), (PERSON, "alice", None, None)),
    "iam user below a path": (user() | {"arn": f"{IAM}user/engineering/eu/alice"}, (PERSON, "alice", None, None)),
    "iam user without userName": ({k: v for k, v in user().items() if k != "userName"}, (PERSON, "alice", None, None)),
    "iam user without arn": ({"type": "IAMUser", "userName": "alice"}, (PERSON, "alice", None, None)),
    "iam user with an address": (user("j.doe+ops@example.com"), (PERSON, "j.doe+ops@example.com", None, None)),
    "iam user in china": (user() | {"arn": f"arn:aws-cn:iam::{ACCOUNT}:user/alice"}, (PERSON, "alice", None, None)),
    "iam user through cloudformation": (
        user(invokedBy="cloudformation.amazonaws.com"),
        (PERSON, "alice", "cloudformation.amazonaws.com", None),
    ),
    "iam user by aws internally": (user(invokedBy="AWS Internal"), (PERSON, "alice", None, None)),
    "iam user whose names disagree": (user() | {"userName": "bob"}, NOBODY),
    "iam user whose name is hidden": ({"type": "IAMUser", "userName": "HIDDEN_DUE_TO_SECURITY_REASONS"}, NOBODY),
    "iam user with nothing": ({"type": "IAMUser"}, NOBODY),
    "iam user with a name that is none": ({"type": "IAMUser", "userName": "alice\nroot"}, NOBODY),
    "root": ({"type": "Root", "arn": f"{IAM}root", "accountId": ACCOUNT}, (ROOT, "root", None, None)),
    "root with account alias": (
        {"type": "Root", "arn": f"{IAM}root", "accountId": ACCOUNT, "userName": "acme-prod"},
        (ROOT, "root", None, None),
    ),
    "root that is a user": ({"type": "Root", "arn": f"{IAM}user/alice"}, NOBODY),
    "sso person": (sso(), (PERSON, "jane.doe@example.com", "PlatformAdmin", "jane.doe@example.com")),
    "sso person by a short name": (sso("jdoe"), (PERSON, "jdoe", "PlatformAdmin", "jdoe")),
    "sso person without a region in the path": (
        role(SSO, "jdoe", path="role/aws-reserved/sso.amazonaws.com/"),
        (PERSON, "jdoe", "PlatformAdmin", "jdoe"),
    ),
    "sso permission set with underscores": (
        role("AWSReservedSSO_Read_Only_v2_0a1b2c3d4e5f6789", "jdoe", path=SSO_PATH),
        (PERSON, "jdoe", "Read_Only_v2", "jdoe"),
    ),
    "sso person through cloudformation": (
        sso("jdoe", invokedBy="cloudformation.amazonaws.com"),
        (PERSON, "jdoe", "PlatformAdmin, cloudformation.amazonaws.com", "jdoe"),
    ),
    "own role named as if of sso": (role(SSO, "ceo@example.com"), (ROLE, SSO, None, "ceo@example.com")),
    "own role below a path like that of sso": (
        role(SSO, "ceo@example.com", path="role/aws-reserved/sso.amazonaws.com.evil/"),
        (ROLE, SSO, None, "ceo@example.com"),
    ),
    "role nearly named as if of sso": (
        role("AWSReservedSSO_Admin_0A1B", "ceo@example.com", path=SSO_PATH),
        (ROLE, "AWSReservedSSO_Admin_0A1B", None, "ceo@example.com"),
    ),
    "sso role that contradicts its issuer": (sso() | {"arn": f"{STS}assumed-role/Other/jane.doe@example.com"}, NOBODY),
    "plain role": (role("Deploy", "s-1"), (ROLE, "Deploy", None, "s-1")),
    "role session that claims an address": (
        role("ReadOnlyEngineer", "bob@example.com"),
        (ROLE, "ReadOnlyEngineer", None, "bob@example.com"),
    ),
    "role session that claims to be root": (role("Deploy", "root"), (ROLE, "Deploy", None, "root")),
    "role named like a person": (role("alice", "bob"), (ROLE, "alice", None, "bob")),
    "role of a lambda function": (
        role("flag-kill-switch-role", "flag-kill-switch"),
        (ROLE, "flag-kill-switch-role", None, "flag-kill-switch"),
    ),
    "role of an instance": (role("web", "i-0123456789abcdef0"), (ROLE, "web", None, "i-0123456789abcdef0")),
    "role without issuer": (
        {"type": "AssumedRole", "arn": f"{STS}assumed-role/Deploy/s-1"},
        (ROLE, "Deploy", None, "s-1"),
    ),
    "role without arn": (
        {"type": "AssumedRole", "principalId": "AROA:s-1", "sessionContext": {"sessionIssuer": {"userName": "Deploy"}}},
        (ROLE, "Deploy", None, "s-1"),
    ),
    "role with nothing": ({"type": "AssumedRole"}, NOBODY),
    "role with a source identity": (
        role("CrossAccountFlagAdmin", "ci-444455556666-run-8812", context={"sourceIdentity": "carol@example.com"}),
        (PERSON, "carol@example.com", "CrossAccountFlagAdmin", "ci-444455556666-run-8812"),
    ),
    "source identity in a role of cloudformation": (
        role("Deploy", "x1", context={"sourceIdentity": "carol"}, invokedBy="cloudformation.amazonaws.com"),
        (PERSON, "carol", "Deploy", "x1"),
    ),
    "empty source identity": (role("Deploy", "s-1", context={"sourceIdentity": ""}), (ROLE, "Deploy", None, "s-1")),
    "source identity that is no name": (
        role("Deploy", "s-1", context={"sourceIdentity": "carol <x>"}),
        (ROLE, "Deploy", None, "s-1"),
    ),
    "github job": (
        oidc("gha-flag-deployer", "GitHubActions", GITHUB),
        (PIPELINE, "gha-flag-deployer", "token.actions.githubusercontent.com", "GitHubActions"),
    ),
    "gitlab job": (
        oidc("deploy", "project-17-job-4", f"{IAM}oidc-provider/gitlab.example.com"),
        (PIPELINE, "deploy", "gitlab.example.com", "project-17-job-4"),
    ),
    "job whose session claims a person": (
        oidc("deploy", "jane.doe@example.com", GITHUB),
        (PIPELINE, "deploy", "token.actions.githubusercontent.com", "jane.doe@example.com"),
    ),
    "job through cloudformation": (
        oidc("deploy", "run-1", GITHUB, invokedBy="cloudformation.amazonaws.com"),
        (PIPELINE, "deploy", "token.actions.githubusercontent.com, cloudformation.amazonaws.com", "run-1"),
    ),
    "job with a source identity": (
        role(
            "deploy",
            "run-1",
            context={"webIdFederationData": {"federatedProvider": GITHUB}, "sourceIdentity": "acme-shop"},
        ),
        (PIPELINE, "acme-shop", "deploy", "run-1"),
    ),
    "pod in a cluster": (
        oidc("flags-pod", "botocore-session-17", f"{IAM}oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/0A1B"),
        (ROLE, "flags-pod", None, "botocore-session-17"),
    ),
    "customer through cognito": (
        oidc("app-user", "CognitoIdentityCredentials", "cognito-identity.amazonaws.com"),
        (ROLE, "app-user", None, "CognitoIdentityCredentials"),
    ),
    "job of github that claims a branch": (
        oidc("deploy", "main-a1b2c3d", GITHUB),
        (PIPELINE, "deploy", "token.actions.githubusercontent.com", "main-a1b2c3d"),
    ),
    "job of gitlab.com": (
        oidc("deploy", "gitlab-runner-9", f"{IAM}oidc-provider/gitlab.com"),
        (PIPELINE, "deploy", "gitlab.com", "gitlab-runner-9"),
    ),
    "job of terraform cloud": (
        oidc("tfc", "terraform-run-1", f"{IAM}oidc-provider/app.terraform.io"),
        (PIPELINE, "tfc", "app.terraform.io", "terraform-run-1"),
    ),
    "staff through okta": (
        oidc("Engineer", "ceo@example.com", f"{IAM}oidc-provider/acme.okta.com"),
        (ROLE, "Engineer", None, "ceo@example.com"),
    ),
    "staff through saml, whose session looks like a person": (
        role("ADFS-Production", "jane.doe@example.com"),
        (ROLE, "ADFS-Production", None, "jane.doe@example.com"),
    ),
    "staff through saml with a source identity": (
        role("ADFS-Production", "jane.doe@example.com", context={"sourceIdentity": "jane.doe@example.com"}),
        (PERSON, "jane.doe@example.com", "ADFS-Production", "jane.doe@example.com"),
    ),
    "chain of roles that keeps the source identity of the first": (
        role("SecondHop", "botocore-session-1790000000", context={"sourceIdentity": "dana@example.com"}),
        (PERSON, "dana@example.com", "SecondHop", "botocore-session-1790000000"),
    ),
    "chain of roles without one": (
        role("SecondHop", "dana@example.com"),
        (ROLE, "SecondHop", None, "dana@example.com"),
    ),
    "sso person in a role that they went on into": (
        role("BreakGlass", "jane.doe@example.com", context={"sourceIdentity": ""}),
        (ROLE, "BreakGlass", None, "jane.doe@example.com"),
    ),
    "sso person of another partition": (
        {
            **sso("jdoe"),
            "arn": f"arn:aws-us-gov:sts::{ACCOUNT}:assumed-role/{SSO}/jdoe",
            "sessionContext": {
                "sessionIssuer": {
                    "type": "Role",
                    "arn": f"arn:aws-us-gov:iam::{ACCOUNT}:{SSO_PATH}{SSO}",
                    "userName": SSO,
                }
            },
        },
        (PERSON, "jdoe", "PlatformAdmin", "jdoe"),
    ),
    "codebuild by its own role": (
        role("codebuild-deploy-role", "AWSCodeBuild-1f2e3d4c"),
        (ROLE, "codebuild-deploy-role", None, "AWSCodeBuild-1f2e3d4c"),
    ),
    "codebuild said to be the caller": (
        role("codebuild-deploy-role", "AWSCodeBuild-1f2e3d4c", invokedBy="codebuild.amazonaws.com"),
        (PIPELINE, "codebuild.amazonaws.com", "codebuild-deploy-role", "AWSCodeBuild-1f2e3d4c"),
    ),
    "codedeploy in a role": (
        role("CodeDeployServiceRole", "CodeDeploy", invokedBy="codedeploy.amazonaws.com"),
        (PIPELINE, "codedeploy.amazonaws.com", "CodeDeployServiceRole", "CodeDeploy"),
    ),
    "hook of a deployment, on an instance": (
        role("web-instance-role", "i-0abc123def4567890"),
        (ROLE, "web-instance-role", None, "i-0abc123def4567890"),
    ),
    "session of a person's name in capitals": (role("Admin", "CEO"), (ROLE, "Admin", None, "CEO")),
    "session that claims an sso role": (role("Admin", SSO), (ROLE, "Admin", None, SSO)),
    "step of a state machine": (
        role("flags-sfn", "abcDEF123", invokedBy="states.amazonaws.com"),
        (SERVICE, "states.amazonaws.com", "flags-sfn", "abcDEF123"),
    ),
    "scheduler in a role": (
        role("flags-scheduler", "9f8e7d", invokedBy="scheduler.amazonaws.com"),
        (SERVICE, "scheduler.amazonaws.com", "flags-scheduler", "9f8e7d"),
    ),
    "console session of a role": (
        role("OpsConsole", "bob", context={"attributes": {"mfaAuthenticated": "true"}}),
        (ROLE, "OpsConsole", None, "bob"),
    ),
    "cloudformation in a role": (
        role("CloudFormationDeployRole", "AWSCloudFormation", invokedBy="cloudformation.amazonaws.com"),
        (SERVICE, "cloudformation.amazonaws.com", "CloudFormationDeployRole", "AWSCloudFormation"),
    ),
    "codepipeline in a role": (
        role("PipelineRole", "1759737600000", invokedBy="codepipeline.amazonaws.com"),
        (PIPELINE, "codepipeline.amazonaws.com", "PipelineRole", "1759737600000"),
    ),
    "role invoked by what is no service": (
        role("Deploy", "s-1", invokedBy="evil.example.com"),
        (ROLE, "Deploy", None, "s-1"),
    ),
    "service-linked role": (
        role(
            "AWSServiceRoleForAppConfig",
            "AppConfig",
            path="role/aws-service-role/appconfig.amazonaws.com/",
            invokedBy="appconfig.amazonaws.com",
        ),
        (SERVICE, "appconfig.amazonaws.com", "AWSServiceRoleForAppConfig", "AppConfig"),
    ),
    "own role named as if service-linked": (
        role("AWSServiceRoleForMe", "jdoe"),
        (ROLE, "AWSServiceRoleForMe", None, "jdoe"),
    ),
    "role on behalf of a person": (
        role("notebook", "s-1") | {"onBehalfOf": {"userId": PERSON_ID, "identityStoreArn": STORE}},
        (PERSON, PERSON_ID, "notebook", "s-1"),
    ),
    "identity center person": (
        {
            "type": "IdentityCenterUser",
            "accountId": ACCOUNT,
            "onBehalfOf": {"userId": PERSON_ID, "identityStoreArn": STORE},
        },
        (PERSON, PERSON_ID, STORE, None),
    ),
    "unknown type on behalf of a person": (
        {"type": "Unknown", "onBehalfOf": {"userId": PERSON_ID, "identityStoreArn": "x"}},
        (PERSON, PERSON_ID, None, None),
    ),
    "unknown type": ({"type": "Unknown", "userName": "alice"}, NOBODY),
    "federated by a user": (
        federated("bob", "IAMUser", f"{IAM}user/broker"),
        (FOREIGN, ACCOUNT, "IAM user broker", "bob"),
    ),
    "federated by root": (federated("bob", "Root", f"{IAM}root"), (ROOT, "root", "federation token", "bob")),
    "federated by nobody told": (
        {"type": "FederatedUser", "arn": f"{STS}federated-user/bob"},
        (FOREIGN, ACCOUNT, "federation token", "bob"),
    ),
    "federated without an account": ({"type": "FederatedUser", "principalId": "x:bob"}, NOBODY),
    "service": ({"type": "AWSService", "invokedBy": "ssm.amazonaws.com"}, (SERVICE, "ssm.amazonaws.com", None, None)),
    "service by its principal": (
        {"type": "Service", "principalId": "dynamodb.amazonaws.com"},
        (SERVICE, "dynamodb.amazonaws.com", None, None),
    ),
    "service without a name": ({"type": "AWSService", "invokedBy": "AWS Internal"}, NOBODY),
    "other account": (
        {"type": "AWSAccount", "principalId": "AROA3XFRBF23EXAMPLE05:run-1", "accountId": "444455556666"},
        (FOREIGN, "444455556666", None, "run-1"),
    ),
    "anonymous": ({"type": "AWSAccount", "principalId": "", "accountId": "ANONYMOUS_PRINCIPAL"}, NOBODY),
    "saml login": ({"type": "SAMLUser", "userName": "bob", "principalId": "x:bob"}, NOBODY),
    "no type": ({"userName": "alice", "arn": f"{IAM}user/alice"}, NOBODY),
    "empty": ({}, NOBODY),
    "text": ("alice", NOBODY),
    "none": (None, NOBODY),
    "members of other types": ({"type": "IAMUser", "userName": ["alice"], "arn": 7, "sessionContext": "x"}, NOBODY),
}


def record(identity, **more):
    return {
        "userIdentity": identity,
        "eventID": "5fb4a718-b197-555a-a683-57b52f576b85",
        "eventTime": "2026-10-06T08:31:27Z",
        "sourceIPAddress": "203.0.113.24",
    } | more


def test_there_are_more_than_forty_shapes_of_every_type():
    types = {identity["type"] for identity, _ in TRAIL.values() if isinstance(identity, dict) and "type" in identity}

    assert len(TRAIL) >= 80
    assert {
        "IAMUser",
        "AssumedRole",
        "Root",
        "FederatedUser",
        "IdentityCenterUser",
        "AWSService",
        "AWSAccount",
    } <= types


@pytest.mark.parametrize(("identity", "expected"), TRAIL.values(), ids=TRAIL)
def test_cloudtrail_identities_are_named_right_or_not_at_all(identity, expected):
    attribution = actor_from_cloudtrail(record(identity))
    actor = attribution.actor

    assert (actor.kind, actor.name, actor.via, actor.session) == expected
    assert actor.source_ip == "203.0.113.24"
    assert attribution.certainty is (Certainty.NONE if expected == NOBODY else Certainty.CERTAIN)
    assert attribution.attributed == (expected != NOBODY)
    assert attribution.occurred_at is None


def test_the_record_is_the_evidence():
    (evidence,) = actor_from_cloudtrail(record(sso(), sessionCredentialFromConsole="true")).evidence

    assert evidence.source == "cloudtrail"
    assert evidence.id == "5fb4a718-b197-555a-a683-57b52f576b85"
    assert evidence.at == datetime(2026, 10, 6, 8, 31, 27, tzinfo=UTC)
    assert "jane.doe@example.com" in evidence.text
    assert "console" in evidence.text


def test_evidence_says_that_a_session_name_is_only_a_claim():
    for attribution in (
        actor_from_cloudtrail(record(role("Deploy", "bob@example.com"))),
        actor_from_arn(f"{STS}assumed-role/Deploy/bob@example.com"),
    ):
        assert "claim" in attribution.evidence[0].text
        assert "bob@example.com" in attribution.evidence[0].text


def test_a_record_without_id_time_or_address_is_read_all_the_same():
    attribution = actor_from_cloudtrail({"userIdentity": user(), "eventTime": "soon", "sourceIPAddress": "a\nb"})

    assert attribution.actor.name == "alice"
    assert attribution.actor.source_ip is None
    assert (attribution.evidence[0].id, attribution.evidence[0].at) == (None, None)


def test_a_credential_in_a_session_name_is_hidden():
    session = "AKIA" + "IOSFODNN7EXAMPLE"
    for attribution in (
        actor_from_cloudtrail(record(role("Deploy", session))),
        actor_from_arn(f"{STS}assumed-role/Deploy/{session}"),
    ):
        assert session not in f"{attribution.actor.session} {attribution.evidence}"


HISTORY = {
    f"{IAM}user/alice": (PERSON, "alice", None, None),
    f"{IAM}user/engineering/eu/alice": (PERSON, "alice", None, None),
    f"arn:aws-us-gov:iam::{ACCOUNT}:user/alice": (PERSON, "alice", None, None),
    f"{IAM}root": (ROOT, "root", None, None),
    f"{STS}assumed-role/{SSO}/jane.doe@example.com": (
        PERSON,
        "jane.doe@example.com",
        "PlatformAdmin",
        "jane.doe@example.com",
    ),
    f"{STS}assumed-role/AWSReservedSSO_Admin_0a1b/ceo": (ROLE, "AWSReservedSSO_Admin_0a1b", None, "ceo"),
    f"{STS}assumed-role/Deploy/bob@example.com": (ROLE, "Deploy", None, "bob@example.com"),
    f"{STS}assumed-role/flag-kill-switch-role/flag-kill-switch": (
        ROLE,
        "flag-kill-switch-role",
        None,
        "flag-kill-switch",
    ),
    f"{STS}assumed-role/AWSServiceRoleForSSM/x1": (SERVICE, "AWSServiceRoleForSSM", "AWSServiceRoleForSSM", "x1"),
    f"{IAM}role/aws-service-role/ssm.amazonaws.com/AWSServiceRoleForSSM": (
        SERVICE,
        "ssm.amazonaws.com",
        "AWSServiceRoleForSSM",
        None,
    ),
    f"{IAM}role/path/Deploy": (ROLE, "Deploy", None, None),
    f"{STS}federated-user/bob": (FOREIGN, ACCOUNT, "federation token", "bob"),
    "ssm.amazonaws.com": (SERVICE, "ssm.amazonaws.com", None, None),
}


@pytest.mark.parametrize(("arn", "expected"), HISTORY.items())
def test_the_users_of_a_history_are_named_right(arn, expected):
    attribution = actor_from_arn(arn)
    actor = attribution.actor

    assert (actor.kind, actor.name, actor.via, actor.session) == expected
    assert attribution.certainty is Certainty.CERTAIN
    assert attribution.evidence[0].source == "ssm history"
    assert attribution.occurred_at is None
    assert actor.arn in (arn, None)


@pytest.mark.parametrize(
    "arn",
    [
        None,
        "",
        "N/A",
        "alice",
        "arn:aws:iam::123456789012:group/admins",
        "arn:aws:iam::123456789012:user/",
        "arn:aws:iam::12345:user/alice",
        "arn:aws:s3:::user/alice",
        "arn:aws:sts::123456789012:user/alice",
        "arn:aws:iam::123456789012:assumed-role/Deploy/x",
        "arn:aws:sts::123456789012:assumed-role/Deploy",
        "arn:aws:sts::123456789012:assumed-role/Deploy/a/b",
        "arn:aws:iam::123456789012:user/alice bob",
        "arn:aws:iam::123456789012:user/alice\n",
        "arn:aws:iam::123456789012:user/<script>",
        "arn:aws:iam::123456789012:rootless",
        "arn:aws:iam::" + "\uff11" * 12 + ":user/alice",
        "evil.example.com",
    ],
)
def test_what_is_no_identity_is_unattributed(arn):
    assert actor_from_arn(arn) == UNATTRIBUTED


ANYTHING = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=30)
    | st.sampled_from([IAM + "user/x", "AssumedRole", "Root"])
)
KEYS = st.sampled_from(["type", "arn", "userName", "principalId", "accountId", "invokedBy", "sessionContext", "onBehalfOf",
                        "sessionIssuer", "sourceIdentity", "webIdFederationData", "federatedProvider", "userId"])  # fmt: skip


@given(st.recursive(ANYTHING, lambda inner: st.dictionaries(KEYS, inner, max_size=6) | st.lists(inner, max_size=2)))
def test_no_identity_breaks_the_reading(identity):
    attribution = actor_from_cloudtrail(record(identity))

    assert (attribution.actor.name is None) == (attribution.certainty is Certainty.NONE)
    assert attribution.evidence


@given(st.text(alphabet=string.ascii_letters + string.digits + "+=,.@-_", min_size=2, max_size=40))
def test_a_free_session_name_never_becomes_the_name(session):
    claimed = actor_from_cloudtrail(record(role("Deploy", session))).actor

    assert (claimed.kind, claimed.name) == (ROLE, "Deploy")
    assert actor_from_arn(f"{STS}assumed-role/Deploy/{session}").actor.name == "Deploy"


def attribution(kind, name, certainty=Certainty.CERTAIN, ip=None):
    return Attribution(Actor(kind, name, source_ip=ip), certainty)


@pytest.mark.parametrize(
    ("lower", "higher"),
    [
        (UNATTRIBUTED, attribution(ROLE, "r", Certainty.LIKELY)),
        (attribution(PERSON, "p", Certainty.LIKELY), attribution(ROLE, "r")),
        (attribution(ROLE, "r"), attribution(PERSON, "p")),
        (attribution(ROLE, "r"), attribution(SERVICE, "s")),
        (attribution(PIPELINE, "s"), attribution(PERSON, "p")),
        (attribution(ROOT, "root"), attribution(PERSON, "p")),
        (attribution(PERSON, "p"), attribution(PERSON, "p", ip="203.0.113.24")),
    ],
)
def test_the_better_attribution_counts_in_either_order(lower, higher):
    assert better(lower, higher) is higher
    assert better(higher, lower) is higher


def test_among_equals_the_later_counts():
    first, second = attribution(PERSON, "a"), attribution(PERSON, "b")

    assert better(first, second) is second
    assert best([first, second]) is second
    assert best([second, first]) is first


def test_the_best_of_several_and_of_none():
    known = [attribution(ROLE, "r"), attribution(PERSON, "p"), UNATTRIBUTED]

    assert best(known) is known[1]
    assert best([]) == UNATTRIBUTED
