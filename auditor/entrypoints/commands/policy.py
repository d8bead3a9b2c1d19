"""``flagtrail policy``: which rules there are, what they say now, and what one would have said."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import click

from auditor.domain.errors import UsageError
from auditor.entrypoints.cli_options import Context, Moment, command, group

if TYPE_CHECKING:
    from auditor.application.policing import BackTest, FlagFindings
    from auditor.domain.flags import JsonValue
    from auditor.policies.base import Policy
    from auditor.settings import PolicySettings

_FINDINGS = 1
_SHOWN = 20
_POLICIES = (("Policy", 20), ("On", 8), ("Severity", 8), ("Rule", None))


@group(
    examples=(
        "flagtrail policy list",
        "flagtrail policy test --since 90d --policy out-of-hours",
        "flagtrail policy check --application shop",
    )
)
def policy() -> None:
    """Show the policies, what they say of the flags, and what one would have said."""


@command("table", "json", examples=("flagtrail policy list", "flagtrail policy list --format json"))
def list_(context: Context) -> None:
    """List every policy with its rule, as it is configured."""
    from auditor import bootstrap
    from auditor.entrypoints import output

    configured = bootstrap.policies(context.settings)
    rows = list(_rows(configured))
    if context.format == "json":
        output.write_json(rows)
        return
    cells = [(str(r["code"]), "on" if r["enabled"] else "off", str(r["severity"]), str(r["rule"])) for r in rows]
    output.write_table(_POLICIES, cells)


def _rows(configured: PolicySettings) -> Iterator[dict[str, JsonValue]]:
    """Yield each policy with what it looks at, its thresholds, and how many overrides it has."""
    from auditor.configuration.policies import written
    from auditor.policies.base import options_of

    for about, book in (("change", configured.change), ("flag", configured.flag)):
        policies: Sequence[Policy] = book.policies
        for one in policies:
            options: dict[str, JsonValue] = {o.name: written(getattr(one, o.name)) for o in options_of(one)}
            yield {
                "code": one.code,
                "about": about,
                "enabled": one.enabled,
                "severity": one.severity.value,
                "rule": one.rule,
                "options": options,
                "overrides": sum(o.policy.code == one.code for o in book.overrides),
            }


@command(
    "table",
    "json",
    examples=("flagtrail policy test --since 90d", "flagtrail policy test --since 2026-03-01 --policy out-of-hours"),
)
@click.option("--since", type=Moment(), required=True, help="Which changes: from this time on.")
@click.option("--policy", "codes", multiple=True, metavar="CODE", help="Only this policy; may be given several times.")
def test(context: Context, since: Callable[[datetime], datetime], codes: tuple[str, ...]) -> None:
    """Try policies on the record: what each would have said, switched on or not.

    Policies on changes are tried on the changes since then, policies on flags on the
    flags as they are. Nothing is recorded and nobody is told.
    """
    from auditor.entrypoints import output

    began = since(context.moment)
    found = _tried(context, began, codes)
    if context.format == "json":
        from auditor.domain.times import rfc3339

        output.write_json({"since": rfc3339(began), "policies": [_test_json(one) for one in found]})
        return
    for one in found:
        _write_test(one)


def _tried(context: Context, since: datetime, codes: tuple[str, ...]) -> list[BackTest]:
    """Try the chosen policies, or all of them."""
    from auditor import bootstrap
    from auditor.application.policing import back_test, back_test_flags

    configured, rules = bootstrap.policies(context.settings), bootstrap.stale_rules(context.settings)
    known = [one.code for one in (*configured.change.policies, *configured.flag.policies)]
    _refuse_unknown(codes, known)
    on_changes = [one for one in configured.change.policies if not codes or one.code in codes]
    on_flags = [one for one in configured.flag.policies if not codes or one.code in codes]
    now = context.moment
    with context.open_database().reader() as uow:
        return [
            *back_test(uow, bootstrap.policing(context.settings), on_changes, since, now),
            *back_test_flags(uow, configured.flag, on_flags, rules, now),
        ]


def _refuse_unknown(codes: Sequence[str], known: Sequence[str]) -> None:
    from difflib import get_close_matches

    for code in codes:
        if code not in known:
            near = get_close_matches(code, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else "`flagtrail policy list` shows them"
            raise UsageError(f"policy test: there is no policy {code!r}; {hint}")


def _test_json(one: BackTest) -> dict[str, JsonValue]:
    findings: list[JsonValue] = [
        {**finding.to_json(), "change": None if change is None else change.id} for finding, change in one.findings
    ]
    return {
        "code": one.code,
        "rule": one.rule,
        "enabled": one.enabled,
        "would_have_flagged": len(findings),
        "findings": findings,
    }


def _write_test(one: BackTest) -> None:
    from auditor.domain.wording import count
    from auditor.entrypoints import output

    state = "" if one.enabled else " (switched off)"
    output.write(f"{one.code}{state}: would have flagged {count(len(one.findings), 'case')}")
    for finding, change in one.findings[:_SHOWN]:
        when = f"{output.moment(change.occurred_at)}  " if change is not None else ""
        place = f" in {finding.environment}" if finding.environment else ""
        output.write(output.visible(f"  {when}{finding.flag or '-'}{place}: {finding.message}"))
    if len(one.findings) > _SHOWN:
        output.write(f"  and {len(one.findings) - _SHOWN} more; --format json has all")


@command(
    "table",
    "json",
    examples=("flagtrail policy check", "flagtrail policy check --application shop --format json"),
)
@click.option("--application", metavar="NAME", help="Only flags of this application.")
def check(context: Context, application: str | None) -> None:
    """Say what the policies find about the flags as they are.

    What they find about a change is told with the change, and shown by `flagtrail show`.
    Ends with status 1 if there is a finding.
    """
    from auditor import bootstrap
    from auditor.application.policing import flag_findings
    from auditor.entrypoints import output

    rules, stale = bootstrap.policies(context.settings).flag, bootstrap.stale_rules(context.settings)
    with context.open_database().reader() as uow:
        found = [
            about
            for about in flag_findings(uow, rules, stale, context.moment, context.now)
            if application is None or about.flag.application == application
        ]
    if context.format == "json":
        output.write_json([_check_json(about) for about in found])
    else:
        _write_check(found)
    if found:
        context.exit(_FINDINGS)


def _check_json(about: FlagFindings) -> dict[str, JsonValue]:
    findings: list[JsonValue] = [finding.to_json() for finding in about.findings]
    return {
        "application": about.flag.application or None,
        "flag": about.flag.key,
        "owner": about.owner,
        "findings": findings,
    }


def _write_check(found: Sequence[FlagFindings]) -> None:
    from auditor.domain.wording import count
    from auditor.entrypoints import output

    for about in found:
        output.write(output.visible(f"{about.flag}" + (f"  ({about.owner})" if about.owner else "")))
        for finding in about.findings:
            output.write(output.visible(f"  {finding.severity.value:8} {finding.code}: {finding.message}"))
    findings = sum(len(about.findings) for about in found)
    output.write(f"{count(findings, 'finding')} about {count(len(found), 'flag')}")


policy.add_command(list_, "list")
policy.add_command(test)
policy.add_command(check)
