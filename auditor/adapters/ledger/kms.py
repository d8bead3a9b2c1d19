"""Ed25519 keys in AWS KMS, which never leave it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from auditor.domain.errors import ConfigurationError, FlagtrailError
from auditor.domain.ledger.checkpoint import SIGNATURE_SIZE, PublicKey

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient

# An Ed25519 key as KMS gives it (RFC 8410): these bytes, then the key itself.
_SPKI = bytes.fromhex("302a300506032b6570032100")


@dataclass(frozen=True, slots=True)
class KmsSigner:
    """An asymmetric key of AWS KMS (``ECC_NIST_EDWARDS25519``): whoever may sign needs no key in hand.

    "Sign" in the AWS KMS API Reference: a message of up to 4,096 bytes may be sent whole (RAW).
    """

    key: PublicKey
    key_id: str
    client: KMSClient

    def sign(self, message: bytes) -> bytes:
        """Return the Ed25519 signature of a message; raise ``FlagtrailError`` when KMS does not give it."""
        try:
            answer = self.client.sign(
                KeyId=self.key_id, Message=message, MessageType="RAW", SigningAlgorithm="ED25519_SHA_512"
            )
        except (BotoCoreError, ClientError) as error:
            raise FlagtrailError(f"KMS does not sign with {self.key_id}: {error}") from error
        signature = answer["Signature"]
        if len(signature) != SIGNATURE_SIZE:
            raise FlagtrailError(f"KMS answered for {self.key_id} with {len(signature)} bytes, no Ed25519 signature")
        return signature


def kms_signer(name: str, key_id: str, client: KMSClient) -> KmsSigner:
    """Ask KMS for the public half of a key; raise ``FlagtrailError`` when it gives none of the right kind."""
    try:
        answer = client.get_public_key(KeyId=key_id)
    except (BotoCoreError, ClientError) as error:
        raise FlagtrailError(f"KMS does not give the public key of {key_id}: {error}") from error
    encoded = answer["PublicKey"]
    if answer.get("KeySpec") != "ECC_NIST_EDWARDS25519" or not encoded.startswith(_SPKI):
        raise ConfigurationError(
            f"{key_id} is a {answer.get('KeySpec')} key; the ledger needs an ECC_NIST_EDWARDS25519 key for SIGN_VERIFY"
        )
    return KmsSigner(PublicKey(name, encoded[len(_SPKI) :]), key_id, client)
