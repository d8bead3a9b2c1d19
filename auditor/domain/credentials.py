"""What looks like a credential: by its own shape, or by what stands beside it in a text."""

from __future__ import annotations

import math
import re
from collections import Counter

from auditor.domain.secret_names import Secrecy, hides_text

MASK = "[masked]"

# Nothing shorter can be one: the shortest is a labelled password such as "pwd=x".
_SHORTEST = 5

# The shapes vendors give their credentials. Every repetition that could be entered at many places of a long run
# begins behind a look-behind, so that hostile text costs linear time.
_SHAPES = (
    # Private keys, whole; a truncated one to the end of the text.
    r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----(?s:.*?)"
    r"(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|\Z)",
    r"AGE-SECRET-KEY-1[A-Z0-9]{50,}+",
    # User and password in a URL.
    r"(?<=://)[^\s/@:\"'<>]*+:[^\s/@\"'<>]++(?=@)",
    # AWS access keys; ids of users and roles (AIDA, AROA) are names, not credentials.
    r"(?<![A-Za-z0-9])(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}(?![A-Za-z0-9])",
    # GitHub, GitLab.
    r"(?<![A-Za-z0-9])gh[pousr]_[A-Za-z0-9]{36,}+",
    r"(?<![A-Za-z0-9])github_pat_\w{22,}+",
    r"(?<![A-Za-z0-9])gl(?:pat|dt|rt|ptt|cbt)-[\w-]{20,}+",
    # Slack tokens and webhooks.
    r"(?<![A-Za-z0-9])xox[a-z]-[A-Za-z0-9-]{10,}+",
    r"(?<![A-Za-z0-9])xapp-\d-[A-Za-z0-9-]{10,}+",
    r"(?<=hooks\.slack\.com/)(?:services|workflows|triggers)/[\w/-]{16,}+",
    # Stripe (not its publishable keys), Google, SendGrid, Twilio, Shopify.
    r"(?<![A-Za-z0-9])[sr]k_(?:live|test)_[A-Za-z0-9]{10,}+",
    r"(?<![A-Za-z0-9])whsec_[A-Za-z0-9+/=]{16,}+",
    r"(?<![A-Za-z0-9])AIza[\w-]{35}(?![\w-])",
    r"(?<![A-Za-z0-9])ya29\.[\w-]{20,}+",
    r"(?<![A-Za-z0-9])GOCSPX-[\w-]{20,}+",
    r"(?<![A-Za-z0-9])SG\.[\w-]{16,}+\.[\w-]{16,}+",
    r"(?<![A-Za-z0-9])SK[0-9a-f]{32}(?![A-Za-z0-9])",
    r"(?<![A-Za-z0-9])shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}",
    # Models, packages, clusters, vaults, flag services.
    r"(?<![A-Za-z0-9])sk-(?:ant-|proj-|svcacct-)?(?=[\w-]{0,40}\d)(?=[\w-]{0,80}[A-Z])[\w-]{32,}+",
    r"(?<![A-Za-z0-9])npm_[A-Za-z0-9]{36}",
    r"(?<![A-Za-z0-9])hf_[A-Za-z0-9]{30,}+",
    r"(?<![A-Za-z0-9])hv[sbr]\.[\w-]{20,}+",
    r"(?<![A-Za-z0-9])do[opr]_v1_[0-9a-f]{64}",
    r"(?<![A-Za-z0-9])dapi[0-9a-f]{32}",
    r"(?<![A-Za-z0-9])(?:sdk|api|mob)-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
    # JSON Web Tokens, signed or not.
    r"(?<![\w-])eyJ[\w-]{8,}+\.eyJ[\w-]{8,}+(?:\.[\w-]*+)?",
    # Hashes of passwords.
    r"\$2[abxy]\$\d\d\$[./A-Za-z0-9]{53}",
    r"\$argon2(?:id?|d)\$[\w$=,+/.-]{20,}+",
    # A token behind its scheme.
    r"(?i:(?<=\bbearer )|(?<=\bbasic ))(?=[^\s\"',;]{0,64}\d)[\w.~+/-]{12,}+=*",
)
_SHAPE = re.compile("|".join(_SHAPES))

# 40 characters of base64 between others: an AWS secret access key, if it is as mixed as one.
_SECRET_KEY = re.compile(r"(?<![A-Za-z0-9/+])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])")

# Before Python 3.11.5 a possessive group keeps what its last, failing turn has taken: no such group looks ahead here.
# A name that says it, a separator, and the value: in prose, JSON, JSON inside JSON, URLs, connection strings.
_LABELLED = re.compile(
    r"""
    (?P<name>
        pass(?:word|wd|phrase|code) | pwd | credentials? | authorization | x-amz-signature | connection[_-]?string
      | secret (?:[_-]?(?:string|binary|value))?
      | (?:api|access|account|private|signing|encryption|shared|master|secret)[_-]?key
      | token
    )
    (?: \\*["'] )? [ \t]{0,4} (?P<separator> => | [:=] ) [ \t]{0,4}
    (?:
        " (?P<double> (?: [^"\\] | \\. )*+ )
      | ' (?P<single> [^']*+ )
      | \\+["'] (?P<escaped> [^"']*+ )
      | (?P<bare> (?: (?:bearer|basic|token) [ ]+ )? (?: [^\s"',;&\\]++ | ,(?=\S) )+ )
    )
    """,
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)

# Longer than any credential with an end of its own, twice over, since a mask may be longer than what it hides.
_BEYOND = 64 * 1024

# What descriptions and references talk about without giving one away.
_PROSE = frozenset({"secret", "secretstring", "token", "credential", "credentials"})

_MIXED_ENOUGH = 4.2
_LONGEST_WORD = re.compile(r"[a-z]{8}|[A-Z]{16}")
_MOST_SLASHES = 4


def mask_text(text: str) -> str:
    """Return a text with whatever looks like a credential replaced by ``[masked]``; masking twice changes nothing."""
    if len(text) < _SHORTEST:
        return text
    text = _LABELLED.sub(_mask_labelled, text)
    text = _SHAPE.sub(MASK, text)
    return _SECRET_KEY.sub(_mask_secret_key, text)


def mask_beginning(text: str, most: int) -> str:
    """Return about the first ``most`` characters of a text masked, and how long it is where it is longer.

    The work is bounded by ``most``, not by the text. What is masked reaches beyond the cut, so that no half of a
    credential is left before it: credentials that do not end are masked whole.
    """
    if len(text) <= most:
        return mask_text(text)
    masked = mask_text(text[: most + _BEYOND])
    return f"{masked[: max(len(masked) - _BEYOND, 0)]}... (cut: {len(text)} characters in all)"


def looks_like_credential(text: str) -> bool:
    """Tell whether a text holds something that looks like a credential."""
    return mask_text(text) != text


def entropy(text: str) -> float:
    """Return how mixed a text is, in bits a character."""
    counts = Counter(text).values()
    return -sum(n / len(text) * math.log2(n / len(text)) for n in counts)


def _mask_labelled(match: re.Match[str]) -> str:
    group = next(name for name in ("double", "single", "escaped", "bare") if match[name] is not None)
    if not _is_secret(match, group):
        return match[0]
    end = "\\" * _trailing_backslashes(match[group]) if group == "escaped" else ""
    return match[0][: match.start(group) - match.start()] + MASK + end


def _is_secret(match: re.Match[str], group: str) -> bool:
    value = match[group]
    if value == MASK:
        return False
    secrecy = Secrecy.SECRET
    if match["name"].lower() == "token":
        secrecy = Secrecy.TOKEN
    # "token: rotated weekly" is prose, "token: 8f3a-22" is not.
    may_be_prose = group == "bare" and match["separator"] == ":" and match["name"].lower() in _PROSE
    if may_be_prose and not re.search(r"[\d=:@]", value):
        return False
    return hides_text(secrecy, value)


def _trailing_backslashes(text: str) -> int:
    return len(text) - len(text.rstrip("\\"))


def _mask_secret_key(match: re.Match[str]) -> str:
    text = match[0]
    mixed = all(any(kind(c) for c in text) for kind in (str.islower, str.isupper, str.isdigit))
    wordy = _LONGEST_WORD.search(text) is not None or text.count("/") > _MOST_SLASHES
    return MASK if mixed and not wordy and entropy(text) >= _MIXED_ENOUGH else text
