"""What one file says, as short lines that a test can list: ``line:column [possible] kind key [= default]``."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from auditor.domain.references import Certainty, FlagSpec, Reference
from auditor.domain.scan_options import ScanOptions
from scanners.engine import one_per_line
from scanners.flag_index import FlagIndex
from scanners.languages.base import FileFindings, Language, ScanContext, Setting, SourceFile

CHECKOUT = "/shop/prod/features/new-checkout"
STAGING = "/shop/staging/features/new-checkout"
SHIPPING = "/shop/prod/features/free-shipping"
FLAGS: tuple[FlagSpec, ...] = (
    FlagSpec(CHECKOUT, "ssm"),
    FlagSpec(STAGING, "ssm"),
    FlagSpec(SHIPPING, "ssm"),
    FlagSpec("dark-mode", "appconfig", application="shop", environment="prod", profile="flags"),
    FlagSpec("search", "appconfig", application="shop", environment="prod", profile="flags"),
    FlagSpec("NEW_TAX", "env"),
    FlagSpec("beta-search", "openfeature"),
    FlagSpec("old-cart", "launchdarkly"),
    FlagSpec("gift-wrap", "dynamodb"),
)


def findings(
    language: Language,
    path: str,
    source: str | bytes,
    flags: Iterable[FlagSpec] = FLAGS,
    options: ScanOptions | None = None,
    settings: Mapping[str, tuple[Setting, ...]] | None = None,
) -> FileFindings:
    """All that a language finds in a file."""
    data = source.encode() if isinstance(source, str) else source
    file = SourceFile(path, data)
    assert language.takes(SourceFile(path, data[:4096])), f"{language.name} does not take {path}"
    return language.find(file, ScanContext(FlagIndex(tuple(flags)), options or ScanOptions(), settings or {}))


def lines(found: FileFindings) -> list[str]:
    """One reference a line, as a scan would print them."""
    return [told(one) for one in one_per_line(found.references)]


def told(one: Reference) -> str:
    """A reference in short."""
    possible = "" if one.certainty is Certainty.CERTAIN else "possible "
    default = "" if one.default is None else f" = {json.dumps(one.default.value)}"
    return f"{one.line}:{one.column} {possible}{one.kind.value} {one.flag.key}{default}"


def held(found: FileFindings) -> list[str]:
    """The settings a file makes, in short."""
    return [f"{one.line}:{one.column} {one.variable} = {one.value.pattern}" for one in found.settings]
