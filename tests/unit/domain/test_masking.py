from __future__ import annotations

import json
import string
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.domain.credentials import mask_beginning
from auditor.domain.errors import ConfigurationError, MalformedDocumentError
from auditor.domain.masking import (
    MASKED_INCOMPARABLE,
    is_masked,
    key_id,
    keyed_fingerprint,
    mask_text,
    mask_value,
)

KEY = b"0123456789abcdef"
FINGERPRINT = keyed_fingerprint(KEY)

# Put together here, so that no tool takes this file for a leak. All invented.
ALNUM = "4fKq81ZxT0bYv6LmR2wPdE9cJ5hN7gUaS3oXiQ"
HEX = "9f86d081884c7d659a2feaa0c55ad015"
SECRET_KEY = "wJalrXUtnFEMI/K7MDENG/" + "bPxRfiCYEXAMPLEKEY"
JWT = "eyJhbGciOiJIUzI1NiJ9." + "eyJzdWIiOiIxMjM0NTY3ODkwIn0." + "dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
UUID = "7f3c1a52-9d4e-4b8a-8c11-2e5d6f7a8b90"
SHAPES = {
    "aws access key": "AKIA" + "IOSFODNN7EXAMPLE",
    "aws session key": "ASIA" + "IOSFODNN7EXAMPLE",
    "aws secret key": SECRET_KEY,
    "github": "ghp_" + ALNUM[:36],
    "github server": "ghs_" + ALNUM[:36],
    "github fine-grained": "github_pat_" + ALNUM[:22] + "_" + ALNUM,
    "gitlab": "glpat-" + ALNUM[:20],
    "slack bot": "xoxb-" + "2345678901-" + ALNUM[:24],
    "slack app": "xapp-" + "1-A012-345-" + HEX,
    "slack webhook": "https://hooks.slack.com/" + "services/T00000000/B00000000/" + ALNUM[:24],
    "stripe": "sk_" + "live_" + ALNUM[:24],
    "stripe restricted": "rk_" + "test_" + ALNUM[:24],
    "stripe webhook": "whsec_" + ALNUM[:32],
    "google": "AIza" + "Sy" + ALNUM[:33],
    "google oauth": "ya29." + ALNUM,
    "google client": "GOCSPX-" + ALNUM[:28],
    "sendgrid": "SG." + ALNUM[:22] + "." + ALNUM,
    "twilio": "SK" + HEX,
    "shopify": "shpat_" + HEX,
    "model": "sk-proj-" + ALNUM,
    "npm": "npm_" + ALNUM[:36],
    "vault": "hvs." + ALNUM[:24],
    "launch service": "sdk-" + UUID,
    "jwt": JWT,
    "pem": "-----BEGIN RSA PRIVATE " + "KEY-----\nMIIEpAIBAAKCAQEA\n-----END RSA PRIVATE " + "KEY-----",
    "pem cut off": "-----BEGIN PRIVATE " + "KEY-----\nMIIEvQIBADANBg",
    "pgp": "-----BEGIN PGP PRIVATE KEY " + "BLOCK-----\nlQOYBF\n-----END PGP PRIVATE KEY " + "BLOCK-----",
    "url": "postgres://shop:" + "s3cr3t@db.internal:5432/shop",
    "url without user": "redis://:" + "hunter2@cache:6379/0",
    "bcrypt": "$2b$12$" + "KIXQ4mD8d4b1Z0fY0J5X2eWq8aV7hT3yR6uE9oP1sL5kN2mC4xB6G",
    "connection string": "Server=db;Database=shop;User Id=app;" + "Password=correct horse;",
    "storage": "AccountName=shop;" + "AccountKey=" + ALNUM + "==",
    "odbc": "Driver={x};UID=app;" + "PWD=swordfish",
    "query": "https://api.example.com/v1?api_key=" + ALNUM[:12],
    "bearer": "Authorization: Bearer " + ALNUM,
    "assignment": "DB_PASSWORD=" + "hunter2",
}

PLAIN = {
    "boolean": True,
    "number": 42,
    "null": None,
    "word": "blue",
    "sentence": "Shows the new checkout to everybody in the EU",
    "date": "2026-12-01",
    "uuid": UUID,
    "git commit": "e83c5163316f89bfbde7d9ab23ca2e25604af290",
    "sha256": "sha256:" + HEX * 2,
    "url": "https://example.com:8080/users/@me",
    "url with name": "https://shop@example.com/path",
    "email": "jane.doe@example.com",
    "arn": "arn:aws:iam::123456789012:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Admin_0a1b2c3d4e5f6789",
    "role id": "AROA3XFRBF23EXAMPLE01",
    "user id": "AIDACKCEVSQ6C2EXAMPLE",
    "publishable": "pk_live_" + ALNUM[:24],
    "long path": "/myapp/prod/features/checkout/newPricing1",
    "forty letters": "checkoutServiceNewPricingExperiment2026x",
    "rule": '(and (eq $country "DE") (split pct::10 by::$userId seed::"abc"))',
    "talk of tokens": "token: rotated weekly by the platform team",
    "talk of secrets": "the secret is to begin early",
    "key of flag": "checkout_token_rotation",
    "certificate": "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
    "base64 picture": "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ",
    "semver": "1.4.2-rc.1+build.5",
    "user agent": "Boto3/1.43.98 md/Botocore#1.43.98 ua/2.1 os/linux#6.8.0",
    "mask of aws": "HIDDEN_DUE_TO_SECURITY_REASONS",
}

HIDDEN_BY_NAME = [
    ("password", "hunter2"),
    ("password", "swordfish"),
    ("db_password", "correct horse battery staple"),
    ("dbPassword", "Tr0ub4dor&3"),
    ("DB_PASSWORD_PROD", "letmein"),
    ("password-hash", HEX),
    ("passphrase", "open sesame"),
    ("client_secret", "abcdef"),
    ("clientSecret", "abc-def-1"),
    ("secret", "s3cr3t"),
    ("webhook_secret_v2", "canary"),
    ("api_key", "abc123"),
    ("apiKey", HEX),
    ("APIKEY", "k-1"),
    ("stripe.api-key", "plainword-but-secret"),
    ("secret_access_key", "short/one"),
    ("private_key", "MIIEvQ"),
    ("signingKey", "0000-1111"),
    ("credential", "user:pass"),
    ("connection_string", "db:app:pw"),
    ("token", "8f3a22bc"),
    ("access_token", ALNUM),
    ("githubToken", "not-a-known-shape-1"),
    ("reset_password_token", "xk92-11ab-zz"),
    ("use_secret", "Ab3dEf6hIj9lMn"),
    ("password", 123456789),
]

SHOWN_BY_NAME = [
    ("token_rotation", True),
    ("token_rotation", "weekly"),
    ("token_rotation_v2", "rotate-every-7-days-2026"),
    ("token", True),
    ("token", 3600),
    ("token", "opaque"),
    ("token", "premium"),
    ("token", "12"),
    ("max_tokens", 100_000),
    ("max_tokens", "100000"),
    ("password", False),
    ("password", 8),
    ("password", None),
    ("password", "required"),
    ("password", ""),
    ("password", "********"),
    ("password", "arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-AbCdEf"),
    ("password", "{{resolve:secretsmanager:db:SecretString:password}}"),
    ("password", "${DB_PASSWORD}"),
    ("db_password", "/shop/prod/db/password"),
    ("api_key", "vault:secret/data/shop"),
    ("forgot_password", "email-link"),
    ("reset-password", "variant-a"),
    ("show_secret", "on-hover"),
    ("password_policy", "strict-2026"),
    ("password_max_age", 90),
    ("secret_scanning_enabled", "yes-always-1"),
    ("secretary", "Jane Doe"),
    ("public_key", "MIIBIjANBgkq"),
    ("partition_key", "user#1234567890"),
    ("monkey", "banana-7-split"),
    ("keyboard", "qwerty-1"),
    ("tokenizer", "bpe-50k-v2"),
    ("compass", "north-7-east"),
    (None, "hunter2"),
]


@pytest.mark.parametrize("text", SHAPES.values(), ids=SHAPES)
def test_what_looks_like_a_credential_is_hidden_wherever_it_stands(text):
    assert mask_value(text, field_name=None, fingerprint=None) == MASKED_INCOMPARABLE
    assert mask_value(f"see {text} there", field_name="description", fingerprint=None) == MASKED_INCOMPARABLE
    assert mask_value({"a": [{"b": text}]}, field_name="x", fingerprint=None) == {"a": [{"b": MASKED_INCOMPARABLE}]}
    assert text not in json.dumps(mask_value({text: 1}, field_name="x", fingerprint=FINGERPRINT))


@pytest.mark.parametrize("value", PLAIN.values(), ids=PLAIN)
def test_what_is_no_credential_is_shown(value):
    assert mask_value(value, field_name="note", fingerprint=FINGERPRINT) == value
    if isinstance(value, str):
        assert mask_text(f"see {value} there") == f"see {value} there"


@pytest.mark.parametrize(("name", "value"), HIDDEN_BY_NAME)
def test_a_field_that_says_secret_hides_its_text(name, value):
    assert is_masked(mask_value(value, field_name=name, fingerprint=None))
    assert is_masked(mask_value({name: value}, field_name="shop", fingerprint=None)[name])
    assert is_masked(mask_value({name: [value]}, field_name="shop", fingerprint=None)[name][0])
    assert is_masked(mask_value({"default": value}, field_name=name, fingerprint=None)["default"])
    assert is_masked(mask_value([{"name": name, "value": value}], field_name=None, fingerprint=None)[0]["value"])


@pytest.mark.parametrize(("name", "value"), SHOWN_BY_NAME)
def test_a_field_about_secrets_keeps_what_is_none(name, value):
    assert mask_value(value, field_name=name, fingerprint=FINGERPRINT) == value
    if name is not None:
        assert mask_value({name: value}, field_name="shop", fingerprint=FINGERPRINT) == {name: value}


def test_everything_below_secrets_is_one():
    value = {"secrets": {"stripe": "abcd", "db": {"main": "efgh", "port": 5432}}, "colour": "blue"}

    shown = mask_value(value, field_name="config", fingerprint=None)

    assert shown == {
        "secrets": {"stripe": MASKED_INCOMPARABLE, "db": {"main": MASKED_INCOMPARABLE, "port": 5432}},
        "colour": "blue",
    }


def test_a_mark_is_comparable_exactly_where_there_is_a_key():
    with_key = mask_value("hunter2", field_name="password", fingerprint=FINGERPRINT)

    assert with_key == {"masked": True, "comparable": True, "fingerprint": FINGERPRINT("hunter2")}
    assert mask_value("hunter2", field_name="password", fingerprint=None) == {"masked": True, "comparable": False}


def test_marks_are_not_marked_again():
    once = mask_value({"password": "hunter2"}, field_name=None, fingerprint=FINGERPRINT)

    assert mask_value(once, field_name="secrets", fingerprint=FINGERPRINT) == once


def test_a_secret_inside_a_mark_written_by_hand_is_hidden():
    forged = {"masked": True, "comparable": True, "fingerprint": SHAPES["github"]}
    padded = {"masked": True, "comparable": False, "more": SHAPES["github"]}

    for value in (forged, padded):
        assert SHAPES["github"] not in json.dumps(mask_value(value, field_name=None, fingerprint=FINGERPRINT))
    assert not is_masked(padded)


def test_hiding_keys_loses_no_member():
    value = {SHAPES["github"]: 1, SHAPES["stripe"]: 2, "plain": 3}

    shown = mask_value(value, field_name=None, fingerprint=None)

    assert sorted(shown.values()) == [1, 2, 3]


def test_masking_alters_nothing_it_is_given():
    value = {"password": "hunter2", "list": ["a", {"token": ALNUM}]}
    before = json.dumps(value)

    mask_value(value, field_name=None, fingerprint=FINGERPRINT)

    assert json.dumps(value) == before
    assert MASKED_INCOMPARABLE == {"masked": True, "comparable": False}


def test_a_value_too_deep_to_look_through_is_refused():
    value = "x"
    for _ in range(2000):
        value = [value]

    with pytest.raises(MalformedDocumentError):
        mask_value(value, field_name=None, fingerprint=None)


def test_fingerprints_tell_same_from_changed_and_the_key_from_another():
    other = keyed_fingerprint(b"another key of 16+ bytes")

    assert FINGERPRINT("a") == keyed_fingerprint(KEY)("a")
    assert FINGERPRINT("a") != FINGERPRINT("b")
    assert FINGERPRINT("a").partition(":")[0] == FINGERPRINT("b").partition(":")[0] == key_id(KEY)
    assert other("a").partition(":")[0] != key_id(KEY)
    assert "a" * 50 not in FINGERPRINT("a" * 50)
    assert FINGERPRINT("\ud800") != FINGERPRINT("?")


def test_a_short_key_is_refused():
    with pytest.raises(ConfigurationError, match="16 bytes"):
        keyed_fingerprint(b"short")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("nothing here", "nothing here"),
        (f"key {SHAPES['aws access key']} leaked", "key [masked] leaked"),
        (f"use {SECRET_KEY}.", "use [masked]."),
        ("postgres://shop:s3cr3t@db/shop", "postgres://[masked]@db/shop"),
        ("password=hunter2; user=app", "password=[masked]; user=app"),
        ("Password: hunter2", "Password: [masked]"),
        ("pwd = 'a b c'", "pwd = '[masked]'"),
        ('{"password": "hunter2", "user": "app"}', '{"password": "[masked]", "user": "app"}'),
        ('{"password": "a\\"b c", "user": "app"}', '{"password": "[masked]", "user": "app"}'),
        (
            '{"body": "{\\"apiKey\\": \\"k-17\\", \\"x\\": 1}"}',
            '{"body": "{\\"apiKey\\": \\"[masked]\\", \\"x\\": 1}"}',
        ),
        ('{"password": "cut off', '{"password": "[masked]'),
        ('{"password": true, "token": 12}', '{"password": true, "token": 12}'),
        ("?token=8f3a22bc&page=2", "?token=[masked]&page=2"),
        ("Authorization: Basic dXNlcjpwYXNz", "Authorization: [masked]"),
        (f"sent with bearer {ALNUM}", "sent with bearer [masked]"),
        ("secret:postgres://u:pw@h", "secret:[masked]"),
        ("password reset: done", "password reset: done"),
        ("token_rotation = on", "token_rotation = on"),
        ("[masked]", "[masked]"),
        ("password=[masked]", "password=[masked]"),
    ],
)
def test_free_text_loses_its_credentials_and_nothing_else(text, expected):
    assert mask_text(text) == expected


CANARY = st.text(alphabet=string.ascii_letters + string.digits, min_size=12, max_size=40).map(lambda s: f"Q7{s}")
CARRIERS = st.sampled_from(
    [
        "password={}",
        "postgres://app:{}@db/x",
        '{{"client_secret": "{}"}}',
        "-----BEGIN PRIVATE KEY-----{}",
        "x-api-key: {}",
        "Authorization: Bearer {}",
        "accessToken={}&a=b",
        "PWD='{}'",
    ]
)


@given(CANARY, CARRIERS, st.text(max_size=20), st.text(max_size=20))
def test_a_canary_never_gets_through_text(canary, carrier, before, after):
    text = f"{before} {carrier.format(canary)} {after}"

    assert canary not in mask_text(text)
    assert canary not in json.dumps(mask_value({"note": [text]}, field_name=None, fingerprint=None))


@given(CANARY, st.sampled_from(["password", "dbPassword", "API_KEY", "client-secret", "auth.token", "private_key_2"]))
def test_a_canary_never_gets_through_a_field(canary, name):
    value = {name: {"default": canary, "values": [canary, {"when_match": canary}]}}

    shown = mask_value(value, field_name="flag", fingerprint=FINGERPRINT)

    assert canary not in json.dumps(shown)
    assert shown[name]["default"]["comparable"] is True


@given(st.text(max_size=200))
def test_masking_text_twice_changes_nothing(text):
    assert mask_text(mask_text(text)) == mask_text(text)


@pytest.mark.parametrize(
    "text",
    [
        "a" * 250_000,
        "eyJ" * 75_000,
        "eyJ-" * 62_500,
        "://a:" * 50_000,
        "://" + "a:" * 125_000,
        "password" * 31_250,
        "token:" * 40_000,
        'password="' * 25_000,
        '\\"token\\":\\"' * 20_000,
        "-----BEGIN PRIVATE KEY-----" * 7_500,
        "xoxb-" * 50_000,
        "sk-" * 75_000,
        "ghp_" * 62_500,
        "A1/" * 75_000,
        "\\" * 250_000,
        "bearer " * 35_000,
        "$2b$12$" * 35_000,
        "sk-" + "a" * 250_000,
        " " * 250_000,
        "password" + " " * 250_000,
        "pass:" + "basic " * 40_000,
    ],
    ids=lambda text: text[:12],
)
def test_hostile_text_takes_linear_time(text):
    begun = time.process_time()
    mask_text(text)

    assert time.process_time() - begun < 3


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("offset", [-60, -30, -10, -1, 0, 5])
def test_a_cut_shows_nothing_that_the_whole_masked_text_would_not(name, offset):
    most = 500
    text = f"{'word ' * 100}"[: most + offset] + f" {SHAPES[name]} " + "words, more of them " * 10_000
    kept, _, note = mask_beginning(text, most).rpartition("... ")

    assert mask_text(text).startswith(kept)
    assert most - 100 < len(kept) < most + 100 or "pem" in name
    assert note == f"(cut: {len(text)} characters in all)"


def test_a_private_key_without_end_is_masked_whole():
    key = "-----BEGIN RSA PRIVATE " + "KEY-----" + ALNUM * 10_000
    assert ALNUM[:12] not in mask_beginning(f"{'x ' * 100}{key}", 1000)


def test_what_is_short_enough_is_masked_whole():
    text = f"a key {SHAPES['aws access key']}"
    assert mask_beginning(text, len(text)) == mask_text(text)
