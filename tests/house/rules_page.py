"""Print the rules as tables: ``python -m tests.house.rules_page verdicts`` or ``policies``."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator

from auditor.domain.annotations import CONVENTIONS
from auditor.domain.verdicts import KEEPING_RULES, MISSING, OTHERWISE, REMOVAL_RULES, Rule, StaleRules
from auditor.policies import CHANGE_POLICIES, FLAG_POLICIES
from auditor.policies.base import Policy, options_of


def verdicts() -> Iterator[str]:
    """Yield the verdict rules, with the thresholds built in, and what a verdict may lack."""
    yield from table("Speaks for removal", "when", _rules(REMOVAL_RULES))
    yield from table("Speaks for keeping", "when", _rules(KEEPING_RULES))
    yield from table("Said otherwise", "when", OTHERWISE.items())
    yield from table("May be missing", "what that means", MISSING.items(), what="signal")
    said = ((convention.example, convention.meaning) for convention in CONVENTIONS)
    yield from table("What comments may say", "what that means", said, what="comment")


def policies() -> Iterator[str]:
    """Yield the policies on changes and on flags, and which of their options may be set."""
    for heading, known in (("On a change, when it is recorded", CHANGE_POLICIES), ("On a flag, weekly", FLAG_POLICIES)):
        yield f"## {heading}"
        yield ""
        yield "| policy | severity | built in | rule | options |"
        yield "|---|---|---|---|---|"
        yield from (_policy(policy) for policy in known)
        yield ""


def table(name: str, meaning: str, rows: Iterable[tuple[str, str]], *, what: str = "code") -> Iterator[str]:
    """Yield a section with a table of two columns."""
    yield f"### {name}"
    yield ""
    yield f"| {what} | {meaning} |"
    yield "|---|---|"
    yield from (f"| {first if what == 'signal' else f'`{first}`'} | {second} |" for first, second in rows)
    yield ""


def _rules(rules: Iterable[Rule]) -> Iterator[tuple[str, str]]:
    return ((rule.code, rule.said(StaleRules())) for rule in rules)


def _policy(policy: Policy) -> str:
    options = ", ".join(f"`{option.name}`" for option in options_of(policy)) or "none"
    on = "on" if policy.enabled else "off"
    return f"| `{policy.code}` | {policy.severity.value} | {on} | {policy.rule} | {options} |"


PAGES = {"verdicts": verdicts, "policies": policies}


if __name__ == "__main__":
    sys.stdout.write("\n".join(PAGES[sys.argv[1]]()))
