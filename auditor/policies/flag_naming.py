"""A flag is named in another way than flags are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from auditor.domain.findings import Finding, Severity
from auditor.domain.verdicts import FlagFacts
from auditor.policies._examples import flag, on_flag
from auditor.policies.base import FlagContext, fits, flag_finding, option

_STYLES = {
    "kebab-case": re.compile(r"[a-z0-9]+(-[a-z0-9]+)*"),
    "snake_case": re.compile(r"[a-z0-9]+(_[a-z0-9]+)*"),
    "camelCase": re.compile(r"[a-z][a-zA-Z0-9]*"),
    "dotted.case": re.compile(r"[a-z0-9]+([.][a-z0-9_-]+)*"),
}


@dataclass(frozen=True, slots=True)
class FlagNaming:
    """One way of naming is what searches and patterns stand on."""

    code: str = "flag-naming"
    rule: str = "A flag's key follows none of the styles or patterns that names follow here."
    severity: Severity = Severity.INFO
    enabled: bool = True
    styles: tuple[str, ...] = option(
        ("kebab-case", "snake_case"), "The styles that fit; none: every one.", tuple(_STYLES)
    )
    patterns: tuple[str, ...] = option((), "Patterns of which a key has to fit one; none: every key fits.")

    VALID: ClassVar = (
        on_flag("kebab-case"),
        on_flag("snake_case", flag(key="new_checkout")),
        on_flag("every style will do", flag(key="New Checkout"), options={"styles": ()}),
        on_flag("a pattern", flag(key="shop-checkout"), options={"patterns": ("shop-*",)}),
    )
    INVALID: ClassVar = (
        on_flag("two styles in one", flag(key="new-checkout_flow")),
        on_flag("capitals", flag(key="NewCheckout")),
        on_flag("no team in front", options={"patterns": ("shop-*",)}),
    )

    def check(self, facts: FlagFacts, context: FlagContext) -> Iterator[Finding]:
        """Report a key that fits no style, or no pattern."""
        key = facts.flag.key
        if context.gone:
            return
        if self.styles and not any(style in _STYLES and _STYLES[style].fullmatch(key) for style in self.styles):
            yield flag_finding(self, facts, f"its key is not in {' or '.join(self.styles)}")
        elif not fits(self.patterns, key):
            yield flag_finding(self, facts, f"its key fits none of {', '.join(self.patterns)}")
