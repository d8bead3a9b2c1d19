"""Identifiers in the forms that AWS gives them."""

from __future__ import annotations

import hashlib
import random
import uuid

_KEY_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_RESOURCE_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
_BASE64_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


class Ids:
    """A source of new identifiers; with a seed the same ones come again in the next run."""

    def __init__(self, seed: int | None = None) -> None:
        self._random: random.Random = random.SystemRandom() if seed is None else random.Random(seed)

    def uuid(self) -> str:
        """Return an id as events, requests and CloudTrail records carry it."""
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    def access_key(self, prefix: str) -> str:
        """Return an access key id: AKIA for a user's own, ASIA for a session's."""
        return prefix + self._pick(_KEY_LETTERS, 16)

    def secret(self, length: int = 40) -> str:
        """Return a secret access key or a session token."""
        return self._pick(_BASE64_LETTERS, length)

    def resource(self) -> str:
        """Return an AppConfig resource id: seven small letters and digits, never a number alone."""
        return self._pick(_RESOURCE_LETTERS[:26], 1) + self._pick(_RESOURCE_LETTERS, 6)

    def octets(self, count: int) -> bytes:
        """Return random bytes."""
        return self._random.randbytes(count)

    def _pick(self, letters: str, count: int) -> str:
        return "".join(self._random.choice(letters) for _ in range(count))


def stable_principal_id(prefix: str, *parts: str) -> str:
    """Return the unique id of a user or role: always the same for the same account and name."""
    digest = hashlib.sha256("/".join(parts).encode()).digest()
    return prefix + "".join(_KEY_LETTERS[byte % 32] for byte in digest[:17])


def stable_hex(*parts: str) -> str:
    """Return the sixteen hexadecimal digits that IAM Identity Center appends to a role's name."""
    return hashlib.sha256("/".join(parts).encode()).hexdigest()[:16]
