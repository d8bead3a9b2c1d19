"""Secrets and passwords: read when they are needed, and shown by no error."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import text

from auditor.adapters.aws import AwsClients
from auditor.adapters.database_login import password_for
from auditor.adapters.secrets import SecretUnreadableError, read_login, read_password, read_secret
from auditor.adapters.storage.engine import make_engine, parse_url
from auditor.domain.errors import ConfigurationError, DatabaseError
from auditor.settings import DatabaseLogin, Settings, login_of
from examples.standin import StandIn

ARN = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:flagtrail-AbC12d"
URL = "postgresql://flagtrail@db.example.com:5433/flagtrail"
BAIT = "hunter2-9f8e7d"


@pytest.fixture
def aws(monkeypatch):
    with StandIn(datetime(2026, 10, 6, tzinfo=UTC)) as running:
        for name, value in running.environ().items():
            monkeypatch.setenv(name, value)
        yield running


def secret(aws, content):
    return aws.client("secretsmanager").create_secret(Name="one", **content)["ARN"]


def test_a_secret_is_its_text(aws):
    assert read_secret(secret(aws, {"SecretString": f" {BAIT}\n"}), AwsClients()) == BAIT


def test_a_password_is_read_as_rds_keeps_it(aws):
    arn = secret(aws, {"SecretString": f'{{"username": "flagtrail", "password": "{BAIT}"}}'})

    assert password_for(URL, DatabaseLogin(secret=arn), AwsClients())() == BAIT


def test_a_login_is_user_and_password(aws):
    arn = secret(aws, {"SecretString": f'{{"username": "master", "password": "{BAIT}"}}'})

    assert read_login(arn, AwsClients()) == ("master", BAIT)


def test_a_login_without_a_user_is_refused(aws):
    with pytest.raises(ConfigurationError, match='"username"'):
        read_login(secret(aws, {"SecretString": '{"password": "x"}'}), AwsClients())


@pytest.mark.parametrize("content", [BAIT, f'["{BAIT}"]', f'{{"pasword": "{BAIT}"}}', '{"password": 7}'])
def test_what_holds_no_password_is_refused_without_being_shown(aws, content):
    with pytest.raises(ConfigurationError) as error:
        read_password(secret(aws, {"SecretString": content}), AwsClients())

    assert BAIT not in str(error.value)


@pytest.mark.parametrize("content", [{"SecretBinary": b"x"}, {"SecretString": " "}])
def test_a_secret_without_text_is_refused(aws, content):
    with pytest.raises(ConfigurationError, match="holds no text"):
        read_secret(secret(aws, content), AwsClients())


def test_a_missing_secret_says_what_to_allow(aws):
    with pytest.raises(SecretUnreadableError, match=r"ResourceNotFoundException.*secretsmanager:GetSecretValue"):
        read_secret(ARN, AwsClients())


def test_without_an_answer_the_secret_is_named(monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(SecretUnreadableError, match="cannot be read: EndpointConnectionError"):
        read_secret(ARN, AwsClients())


@pytest.mark.parametrize(
    "name", ["flagtrail/slack", "arn:aws:ssm:eu-west-1:123456789012:parameter/x", "arn:aws:secretsmanager"]
)
def test_only_arns_name_secrets(name):
    with pytest.raises(ConfigurationError, match="is not the ARN of a secret"):
        read_secret(name, AwsClients())


def test_a_role_signs_a_token_for_this_host_and_user(aws):
    token = password_for(URL, DatabaseLogin(iam=True), AwsClients())()

    address = urlsplit(f"https://{token}")
    asked = parse_qs(address.query)
    assert (address.hostname, address.port) == ("db.example.com", 5433)
    assert (asked["Action"], asked["DBUser"], asked["X-Amz-Expires"]) == (["connect"], ["flagtrail"], ["900"])
    assert "/eu-west-1/rds-db/aws4_request" in asked["X-Amz-Credential"][0]
    assert aws.calls() == {}, "nothing is asked of AWS"


def test_a_role_signs_for_a_user_of_a_host(aws):
    with pytest.raises(ConfigurationError, match="needs a database URL with user and host"):
        password_for("postgresql:///flagtrail", DatabaseLogin(iam=True), AwsClients())


def test_without_credentials_nobody_signs(monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")

    with pytest.raises(DatabaseError, match="no role at hand can sign"):
        password_for(URL, DatabaseLogin(iam=True), AwsClients())()


def test_a_password_at_hand_is_left_to_the_driver():
    assert password_for(URL, DatabaseLogin(), AwsClients()) is None


def test_every_connection_asks_for_the_password_of_the_moment():
    asked = []

    def password():
        asked.append(1)
        return BAIT

    engine = make_engine(parse_url("postgresql://flagtrail@127.0.0.1:9/flagtrail"), password=password)
    for _ in range(2):
        with pytest.raises(DatabaseError) as error, engine.connect() as connection:
            connection.execute(text("SELECT 1"))
    engine.dispose()

    assert len(asked) == 2
    assert BAIT not in str(error.value)


def test_the_environment_says_how_to_sign_in():
    assert login_of({}) == DatabaseLogin()
    assert login_of({"FLAGTRAIL_DATABASE_SECRET_ARN": ARN}) == DatabaseLogin(secret=ARN)
    assert login_of({"FLAGTRAIL_DATABASE_IAM": "1"}) == DatabaseLogin(iam=True)
    assert Settings.from_env({"FLAGTRAIL_DATABASE_IAM": "0"}).database_login == DatabaseLogin()


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"FLAGTRAIL_DATABASE_IAM": "yes"}, "set it to 1"),
        ({"FLAGTRAIL_DATABASE_IAM": "1", "FLAGTRAIL_DATABASE_SECRET_ARN": ARN}, "unset one"),
    ],
)
def test_two_ways_to_sign_in_are_one_too_many(environ, said):
    with pytest.raises(ConfigurationError, match=said):
        login_of(environ)


def test_what_a_deployment_made_for_the_log_stands_in_the_environment():
    ledger = Settings.from_env({
        "FLAGTRAIL_KMS_KEY": "arn:aws:kms:eu-west-1:123456789012:key/1",
        "FLAGTRAIL_CHECKPOINT_BUCKET": "anchors",
        "FLAGTRAIL_LOG_ORIGIN": "flagtrail/123456789012",
    }).ledger  # fmt: skip

    assert (ledger.kms_key, ledger.bucket, ledger.origin) == (
        "arn:aws:kms:eu-west-1:123456789012:key/1", "anchors", "flagtrail/123456789012"
    )  # fmt: skip
