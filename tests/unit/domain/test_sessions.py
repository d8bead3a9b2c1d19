from __future__ import annotations

import pytest

from auditor.domain.attribution import UNATTRIBUTED, ActorKind, Certainty
from auditor.domain.sessions import opened_by, session_of, with_opener

SAML = {"type": "SAMLUser", "userName": "jane.doe@example.com", "identityProvider": "arn:aws:iam::1:saml-provider/ADFS"}


def record(identity):
    return {"userIdentity": identity, "eventID": "e-1", "eventTime": "2026-10-06T08:00:00Z"}


def test_a_session_is_known_by_a_digest_of_its_key_and_a_users_key_opens_none():
    key = "ASIA" + "IOSFODNN7EXAMPLE"

    assert session_of(key) == session_of(key)
    assert "IOSFODNN7" not in session_of(key)
    assert session_of(key) != session_of(key[:-1] + "X")
    assert [session_of(other) for other in ("AKIA" + key[4:], None, 7)] == [None, None, None]


@pytest.mark.parametrize(
    ("identity", "kind", "name", "text"),
    [
        (SAML, ActorKind.PERSON, "jane.doe@example.com", "whom SAML provider arn:aws:iam::1:saml-provider/ADFS vouches for"),
        ({"type": "SAMLUser", "userName": "jane"}, ActorKind.PERSON, "jane", "SAML provider unknown"),
        ({"type": "SAMLUser", "userName": "jane\n"}, ActorKind.UNKNOWN, None, "nobody"),
        ({"type": "WebIdentityUser", "userName": "repo:a/b"}, ActorKind.UNKNOWN, None, "a token of a provider for repo:a/b"),
        ({"type": "WebIdentityUser"}, ActorKind.UNKNOWN, None, "nobody"),
        ({"type": "AWSService", "invokedBy": "lambda.amazonaws.com"}, ActorKind.SERVICE, "lambda.amazonaws.com", "lambda"),
        ("text", ActorKind.UNKNOWN, None, "nobody"),
    ],
)  # fmt: skip
def test_who_opened_a_session(identity, kind, name, text):
    opened = opened_by(record(identity))

    assert (opened.actor.kind, opened.actor.name) == (kind, name)
    assert opened.certainty is (Certainty.NONE if kind is ActorKind.UNKNOWN else Certainty.CERTAIN)
    (piece,) = opened.evidence
    assert piece.text.startswith("the session was opened by ")
    assert text in piece.text
    assert (piece.source, piece.id) == ("sts", "e-1")


def test_without_an_opening_nothing_is_added():
    assert with_opener(UNATTRIBUTED, None) is UNATTRIBUTED
