"""Keys in files and in KMS."""

from __future__ import annotations

import os
import stat

import boto3
import pytest
from botocore.stub import Stubber

from auditor.adapters.ledger.keys import ed25519_fits, local_signer, make_key, read_public_key
from auditor.adapters.ledger.kms import kms_signer
from auditor.domain.errors import ConfigurationError, FlagtrailError, UsageError
from auditor.domain.ledger.checkpoint import CheckpointError
from tests.support.ledger import ORIGIN, PRIVATE, SIGNER

SPKI = bytes.fromhex("302a300506032b6570032100")
KEY_ID = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
RSA = """-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgevZzL1gdAFr88hb2
OF/2NxApJCzGCEDdfSp6VQO30hyhRANCAAQRWz+jn65BtOMvdyHKcvjBeBSDZH2r
1RTwjmYSi9R/zpBnuQ4EiMnCqfMPWiZqB4QdbAd0E7oH50VpuZ1P087G
-----END PRIVATE KEY-----
"""


@pytest.fixture
def made(tmp_path):
    private, public = tmp_path / "ledger.key", tmp_path / "key.pub"
    make_key(ORIGIN, private, public)
    return private, public


def test_a_key_is_its_owners_alone_and_signs_for_its_public_half(made):
    private, public = made
    signer, key = local_signer(ORIGIN, private), read_public_key(public)

    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    assert signer.key == key
    assert ed25519_fits(key.raw, signer.sign(b"text"), b"text")
    assert not ed25519_fits(key.raw, signer.sign(b"text"), b"other")


def test_a_key_is_never_written_over_another(made, tmp_path):
    private, public = made
    before = private.read_bytes()

    with pytest.raises(UsageError, match="never written over"):
        make_key(ORIGIN, private, tmp_path / "other.pub")
    with pytest.raises(UsageError, match="never written over"):
        make_key(ORIGIN, tmp_path / "other.key", public)
    assert private.read_bytes() == before


def test_a_key_that_others_can_read_is_refused(made):
    private, _ = made
    os.chmod(private, 0o640)  # noqa: PTH101 - what a careless deployment does

    with pytest.raises(ConfigurationError, match="chmod 600"):
        local_signer(ORIGIN, private)


@pytest.mark.parametrize("content", [b"", b"no key", RSA.encode()])
def test_what_holds_no_ed25519_key_is_refused_without_quoting_it(tmp_path, content):
    file = tmp_path / "ledger.key"
    file.write_bytes(content)
    file.chmod(0o600)

    with pytest.raises(ConfigurationError, match="Ed25519") as told:
        local_signer(ORIGIN, file)
    assert "MIGHAgEA" not in str(told.value)


def test_a_missing_key_says_how_to_make_one(tmp_path):
    with pytest.raises(ConfigurationError, match="flagtrail key"):
        local_signer(ORIGIN, tmp_path / "ledger.key")
    with pytest.raises(UsageError, match=r"key\.pub"):
        read_public_key(tmp_path / "key.pub")


def test_a_damaged_public_key_is_refused(made):
    _, public = made
    public.write_bytes(public.read_bytes().replace(b"+A", b"+B", 1))

    with pytest.raises(CheckpointError):
        read_public_key(public)
    public.write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError):
        read_public_key(public)


@pytest.fixture
def kms():
    client = boto3.client("kms", region_name="eu-central-1")
    with Stubber(client) as stub:
        yield client, stub
        stub.assert_no_pending_responses()


def given_key(stub, spec="ECC_NIST_EDWARDS25519", key=None):
    raw = SPKI + SIGNER.key.raw if key is None else key
    answer = {"KeyId": KEY_ID, "PublicKey": raw, "KeySpec": spec, "KeyUsage": "SIGN_VERIFY"}
    stub.add_response("get_public_key", answer, {"KeyId": KEY_ID})


def test_kms_signs_the_text_itself(kms):
    client, stub = kms
    given_key(stub)
    asked = {"KeyId": KEY_ID, "Message": b"text", "MessageType": "RAW", "SigningAlgorithm": "ED25519_SHA_512"}
    stub.add_response("sign", {"Signature": PRIVATE.sign(b"text")}, asked)

    signer = kms_signer(ORIGIN, KEY_ID, client)

    assert signer.key == SIGNER.key
    assert ed25519_fits(signer.key.raw, signer.sign(b"text"), b"text")


@pytest.mark.parametrize(("spec", "key"), [("ECC_NIST_P256", None), ("ECC_NIST_EDWARDS25519", b"0" * 44)])
def test_another_kind_of_key_is_refused(kms, spec, key):
    client, stub = kms
    given_key(stub, spec, key)

    with pytest.raises(ConfigurationError, match="ECC_NIST_EDWARDS25519"):
        kms_signer(ORIGIN, KEY_ID, client)


def test_what_kms_refuses_is_said(kms):
    client, stub = kms
    stub.add_client_error("get_public_key", "AccessDeniedException", "not allowed", 400)
    with pytest.raises(FlagtrailError, match="not allowed"):
        kms_signer(ORIGIN, KEY_ID, client)

    given_key(stub)
    stub.add_client_error("sign", "DisabledException", "the key is disabled", 400)
    with pytest.raises(FlagtrailError, match="disabled"):
        kms_signer(ORIGIN, KEY_ID, client).sign(b"text")


def test_what_is_no_signature_is_refused(kms):
    client, stub = kms
    given_key(stub)
    stub.add_response("sign", {"Signature": b"short"})

    with pytest.raises(FlagtrailError, match="no Ed25519 signature"):
        kms_signer(ORIGIN, KEY_ID, client).sign(b"text")
