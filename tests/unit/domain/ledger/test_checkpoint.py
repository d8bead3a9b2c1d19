"""Checkpoints: what is signed, what a key's line says, and what is never believed."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.adapters.ledger.keys import ed25519_fits
from auditor.domain.ledger.checkpoint import (
    AlteredCheckpointError,
    Checkpoint,
    CheckpointError,
    PublicKey,
    UnknownSignerError,
    open_note,
)
from auditor.domain.ledger.merkle import EMPTY_ROOT
from tests.support.ledger import ORIGIN, SIGNER, STRANGER

# "PeterNeumann" and its key: the example of C2SP's signed-note.
NEUMANN = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
NOTE = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
ROOT = bytes(range(32))
HELD = Checkpoint(ORIGIN, 1207, ROOT)
SIGNED = HELD.signed(SIGNER.key, SIGNER.sign)


def opened(note, keys=(SIGNER.key,)):
    return open_note(note, keys, ed25519_fits)


def test_the_standards_example_key_has_the_standards_id():
    key = PublicKey.from_text(NEUMANN)

    assert (key.name, key.id.hex(), key.to_text()) == ("PeterNeumann", "c74f20a3", NEUMANN)


def test_the_standards_example_signature_fits():
    key = PublicKey.from_text(NEUMANN)
    text, _, line = NOTE.rpartition("\n\n")
    blob = base64.b64decode(line.split()[2])

    assert blob[:4] == key.id
    assert ed25519_fits(key.raw, blob[4:], f"{text}\n".encode())
    assert not ed25519_fits(key.raw, blob[4:], f"{text}".encode())


def test_what_is_signed_is_origin_size_and_root():
    assert SIGNED.startswith(f"{ORIGIN}\n1207\n{base64.b64encode(ROOT).decode()}\n\n— {ORIGIN} ")
    assert opened(SIGNED) == HELD


def test_signatures_of_others_are_passed_over():
    line = f"— witness.example.com {base64.b64encode(b'abcd' + bytes(64)).decode()}\n"

    assert opened(SIGNED + line) == HELD


def test_another_signer_is_told_from_a_forgery():
    other = PublicKey(ORIGIN, STRANGER.public_key().public_bytes_raw())

    with pytest.raises(UnknownSignerError):
        opened(HELD.signed(other, STRANGER.sign))
    with pytest.raises(UnknownSignerError):
        opened(SIGNED, ())
    with pytest.raises(AlteredCheckpointError):
        opened(HELD.signed(SIGNER.key, STRANGER.sign))


def test_a_known_key_that_signed_for_another_log_is_not_believed():
    note = Checkpoint("elsewhere", 1207, ROOT).signed(SIGNER.key, SIGNER.sign)

    with pytest.raises(AlteredCheckpointError):
        opened(note)


@given(st.integers(min_value=0, max_value=len(SIGNED) - 1), st.characters(codec="utf-8"))
def test_no_altered_character_is_believed(place, character):
    altered = SIGNED[:place] + character + SIGNED[place + 1 :]
    if altered == SIGNED:
        return
    with pytest.raises(CheckpointError):
        opened(altered)


@given(st.integers(min_value=0, max_value=len(SIGNED) - 1))
def test_no_shortened_note_is_believed(length):
    with pytest.raises(CheckpointError):
        opened(SIGNED[:length])


@pytest.mark.parametrize(
    "text",
    [
        f"{ORIGIN}\n01207\n{base64.b64encode(ROOT).decode()}\n",
        f"{ORIGIN}\n-1\n{base64.b64encode(ROOT).decode()}\n",
        f"{ORIGIN}\n1207\n{base64.b64encode(ROOT[:31]).decode()}\n",
        f"{ORIGIN}\n1207\n\n{base64.b64encode(ROOT).decode()}\n",
        f"{ORIGIN}\n0\n{base64.b64encode(ROOT).decode()}\n",
        f"{ORIGIN}\n1207\n{base64.b64encode(ROOT).decode()}\nextension\n",
        f"\n1207\n{base64.b64encode(ROOT).decode()}\n",
    ],
)
def test_what_is_no_checkpoint_is_refused_though_it_is_signed(text):
    blob = base64.b64encode(SIGNER.key.id + SIGNER.sign(text.encode())).decode()

    with pytest.raises(CheckpointError):
        opened(f"{text}\n— {ORIGIN} {blob}\n")


def test_an_empty_log_has_the_root_of_nothing():
    empty = Checkpoint(ORIGIN, 0, EMPTY_ROOT)

    assert opened(empty.signed(SIGNER.key, SIGNER.sign)) == empty


@pytest.mark.parametrize(
    "line",
    [
        "",
        "name",
        "name+c74f20a3",
        NEUMANN.replace("c74f20a3", "c74f20a4"),
        NEUMANN.replace("PeterNeumann", "Peter Neumann"),
        NEUMANN[:-4],
        NEUMANN.replace("+AR", "+BR"),
        f"{NEUMANN} ",
    ],
)
def test_what_is_no_public_key_is_refused(line):
    if line.strip() == NEUMANN:
        assert PublicKey.from_text(line).to_text() == NEUMANN
        return
    with pytest.raises(CheckpointError):
        PublicKey.from_text(line)


@pytest.mark.parametrize(("name", "raw"), [("a b", ROOT), ("a+b", ROOT), ("", ROOT), ("a", ROOT[:31])])
def test_a_key_has_a_name_and_thirty_two_bytes(name, raw):
    with pytest.raises(CheckpointError):
        PublicKey(name, raw)
