"""Parameter names: what Parameter Store accepts, and how a caller may refer to one."""

from __future__ import annotations

import re

from examples.standin.errors import AwsError

MAX_LEVELS = 15
_ARN = re.compile(r"arn:aws[a-z-]*:ssm:[a-z0-9-]+:\d{12}:parameter(/.+)")
_ALLOWED = re.compile(r"[a-zA-Z0-9_.\-/]+")
_FORM = (
    "If formed as a path, it can consist of sub-paths divided by slash symbol; each sub-path can be formed as "
    "a mix of letters, numbers and the following 3 symbols .-_"
)
_SYNTAX = "Invalid parameter name. Please use correct syntax for referencing a version/label  <name>:<version/label>"


def arn(account: str, region: str, name: str) -> str:
    """Return a parameter's ARN; the name's own leading slash is not doubled."""
    return f"arn:aws:ssm:{region}:{account}:parameter/{name.removeprefix('/')}"


def key(name: str) -> str:
    """Return what a parameter is kept under: a name of one level is the same with and without its slash."""
    stripped = name.removeprefix("/")
    return name if "/" in stripped else stripped


def reference(text: str) -> tuple[str, str | None]:
    """Split a name, or an ARN, from the ``:version`` or ``:label`` after it; None when there is none."""
    name, colon, selector = _without_arn(text).partition(":")
    if ":" in selector:
        raise AwsError("ValidationException", _SYNTAX)
    check_form(name)
    return name, (selector if colon else None)


def bare(text: str) -> str:
    """Return the name in whatever a caller wrote, sound or not."""
    return _without_arn(text).partition(":")[0]


def _without_arn(text: str) -> str:
    found = _ARN.match(text)
    return found.group(1) if found else text


def check_form(name: str) -> None:
    """Refuse what cannot be a name at all; reads are refused for it as well."""
    if not _ALLOWED.fullmatch(name):
        raise AwsError(
            "ValidationException", f'Parameter name: can\'t be prefixed with "ssm" (case-insensitive). {_FORM}'
        )


def check_new(name: str) -> None:
    """Refuse a name that Parameter Store would not create, in its words."""
    check_form(name)
    bare = name.lower().removeprefix("/")
    is_path = "/" in name.removeprefix("/")
    if bare.startswith("aws") and is_path:
        raise AwsError("AccessDeniedException", f"No access to reserved parameter name: {name}.")
    if bare.startswith(("aws", "ssm")):
        prefix = '"ssm"' if is_path else '"aws" or "ssm"'
        form = f" {_FORM}" if is_path else ""
        raise AwsError(
            "ValidationException", f"Parameter name: can't be prefixed with {prefix} (case-insensitive).{form}"
        )
    if "//" in name or name.endswith("/"):
        raise AwsError(
            "ValidationException", f'Parameter name: can\'t be prefixed with "ssm" (case-insensitive). {_FORM}'
        )
    if is_path and not name.startswith("/"):
        raise AwsError("ValidationException", "Parameter name must be a fully qualified name.")
    if name.count("/") > MAX_LEVELS:
        raise AwsError(
            "HierarchyLevelLimitExceededException",
            f"The hierarchy of {name} exceeds the limit of {MAX_LEVELS} levels. Use fewer levels and try again.",
        )
