"""Which field names say that a secret stands in them, and which texts there are none all the same."""

from __future__ import annotations

import re
from enum import IntEnum


class Secrecy(IntEnum):
    """What a field's name says of its texts.

    ``OPEN``: nothing. ``ABOUT``: it is about secrets (``reset_password``), only a random-looking text is one.
    ``TOKEN``: a token, but plain words are modes of handling it. ``SECRET``: a secret, unless it is a known word.
    """

    OPEN = 0
    ABOUT = 1
    TOKEN = 2
    SECRET = 3


_PASSWORDS = frozenset({"password", "passwords", "passwd", "pwd", "passphrase", "passcode"})
_SECRETS = _PASSWORDS | {"secret", "secrets", "credential", "credentials"}
_TOKENS = frozenset({"token", "tokens", "jwt", "bearer"})
_KEYS = ("api", "access", "private", "secret", "signing", "encryption", "account", "auth", "master", "shared")
_ENDINGS = (
    *(f"{kind}key" for kind in _KEYS),
    *(f"{kind}keys" for kind in _KEYS),
    *(word for word in sorted(_SECRETS) if word != "pwd"),
    "connectionstring",
)
_TOKEN_ENDINGS = ("authtoken", "accesstoken", "refreshtoken", "sessiontoken", "apitoken", "bearertoken")

# Words that may stand behind the one that counts: api_key_v2, PASSWORD_PROD, token_value, password_hash.
_QUALIFIER = re.compile(
    r"v|\d+|value|text|plain|plaintext|string|old|new|current|previous|primary|secondary|next|"
    r"prod|production|staging|stage|dev|test|default|b64|base64|encoded|hash|digest"
)
# A name that begins like this is a switch about secrets, and its texts are the switch's positions.
_VERB_WORDS = (
    "allow change check disable enable enforce force forgot has hide is needs no require required requires "
    "reset rotate show skip support supports use uses validate verify with without"
)
_VERBS = frozenset(_VERB_WORDS.split())
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_a-zA-Z]+")

_MODES = (
    "true false yes no on off none null undefined enabled disabled active inactive required optional auto "
    "automatic manual default basic bearer jwt opaque oauth oauth2 oidc saml sso strict lax legacy always never "
    "hourly daily weekly monthly yearly hidden redacted masked random hidden_due_to_security_reasons "
    "hs256 hs384 hs512 rs256 rs512 es256 sha1 sha256 sha512 aes128 aes256 argon2 argon2id bcrypt scrypt pbkdf2"
)
_KNOWN_WORDS = frozenset(_MODES.split())
_REFERENCE = re.compile(
    r"arn:aws|\$\{|\{\{|%\(|<[\w -]+>$|projects/[^/]+/secrets/|"
    r"(?:vault|ssm|ssm-parameter|ssm-document|secretsmanager|op|env|file|kms|alias)[:/]",
    re.IGNORECASE,
)
_PATH = re.compile(r"(?:/[\w.-]{1,24}){2,}$")
_PLAIN_WORD = re.compile(r"(?:[a-z]{1,10}|[A-Z]{1,10}|[A-Z][a-z]{1,9})$")
_SHORT = 2
_TOKEN_LENGTH = 6
_RANDOM_LENGTH = 12


def secrecy(name: str | None) -> Secrecy:
    """Return what a field's name says of the texts in it; no name says nothing."""
    words = [word.lower() for word in _WORDS.findall(name or "")]
    while words:
        said = _said_by(words)
        if said is not Secrecy.OPEN:
            return Secrecy.ABOUT if words[0] in _VERBS else said
        if not _QUALIFIER.fullmatch(words.pop()):
            break
    return Secrecy.OPEN


def is_password(name: str | None) -> bool:
    """Tell whether a field's name says password, where even a number is one."""
    words = [word.lower() for word in _WORDS.findall(name or "")]
    return bool(words) and words[-1] in _PASSWORDS and words[0] not in _VERBS


def is_collection(name: str | None) -> bool:
    """Tell whether a name says that everything below it is a secret: ``secrets``, ``credentials``, ``api_keys``."""
    return bool(name) and secrecy(name) is Secrecy.SECRET and (name or "").lower().endswith("s")


def hides_text(said: Secrecy, text: str) -> bool:
    """Tell whether a text is a secret in a field whose name says this."""
    stripped = text.strip()
    if said is Secrecy.OPEN or len(stripped) <= _SHORT or _is_no_secret(stripped):
        return False
    if said is Secrecy.SECRET:
        return True
    if said is Secrecy.TOKEN:
        return len(stripped) >= _TOKEN_LENGTH and _PLAIN_WORD.match(stripped) is None and not _is_number(stripped)
    return _looks_random(stripped)


def _said_by(words: list[str]) -> Secrecy:
    joined = "".join(words)
    if words[-1] in _SECRETS or joined.endswith(_ENDINGS):
        return Secrecy.SECRET
    if words[-1] in _TOKENS or joined.endswith(_TOKEN_ENDINGS):
        return Secrecy.TOKEN
    return Secrecy.OPEN


def _is_no_secret(text: str) -> bool:
    """Tell whether a text is a mode's name, a placeholder, or says where the secret is kept."""
    if text.lower() in _KNOWN_WORDS or not text.strip("*•.-_ "):
        return True
    return _REFERENCE.match(text) is not None or _PATH.match(text) is not None


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).isdigit()


def _looks_random(text: str) -> bool:
    mixed = any(c.isdigit() for c in text) and any(c.isalpha() for c in text)
    return len(text) >= _RANDOM_LENGTH and mixed and " " not in text and "_" not in text
