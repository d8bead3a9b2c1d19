"""A configuration proposed from what an account holds: names grouped into templates, said in a commented file."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from auditor.domain.templates import PathTemplate, default_templates

ENVIRONMENTS = frozenset({
    "prod", "prd", "production", "live", "staging", "stage", "stg", "preprod", "pre", "test", "testing", "qa", "uat",
    "int", "integration", "dev", "develop", "development", "sandbox", "demo", "e2e", "perf", "local", "canary",
})  # fmt: skip
MARKERS = frozenset({
    "feature", "features", "flag", "flags", "toggle", "toggles", "featureflag", "featureflags", "feature-flag",
    "feature-flags", "feature_flag", "feature_flags", "ff", "switch", "switches", "killswitch", "killswitches",
    "kill-switches", "experiment", "experiments",
})  # fmt: skip
_EXAMPLES = 2
_FOLDERS = 8


@dataclass(frozen=True, slots=True)
class FoundProfile:
    """An AppConfig profile that was found: names, and whether it holds feature flags by its type."""

    application: str
    name: str
    feature_flags: bool


@dataclass(frozen=True, slots=True)
class Discovery:
    """What one account holds in one Region; ``None`` where the store could not be read, ``unread`` says why."""

    account: str
    region: str
    parameters: tuple[str, ...] | None
    profiles: tuple[FoundProfile, ...] | None
    unread: tuple[str, ...] = ()


def template_of(name: str) -> str | None:
    """Return the template that a parameter's name suggests, or ``None`` when nothing in it says that it is a flag."""
    *above, _ = name.split("/")
    marker = next((index for index, part in reversed(list(enumerate(above))) if part.lower() in MARKERS), None)
    if marker is None or marker != len(above) - 1:
        return None
    parts = list(above)
    environment = next((i for i in range(marker) if parts[i].lower() in ENVIRONMENTS), None)
    free = [i for i in range(marker) if parts[i] and i != environment]
    if environment is not None:
        parts[environment] = "{environment}"
    if free:
        # What stands nearest to the flags, or to the environment, is what they belong to.
        nearest = max((i for i in free if environment is None or i < environment), default=free[-1])
        parts[nearest] = "{application}"
    return "/".join([*parts, "{flag}"])


def propose(found: Sequence[Discovery]) -> str:
    """Return the text of a flagtrail.toml for what was found; every choice in it is explained."""
    return "\n".join(_lines(found)) + "\n"


def _lines(found: Sequence[Discovery]) -> Iterator[str]:
    yield "# Proposed by `flagtrail init` from what it found; nothing was changed in AWS. Read it, correct it, keep it."
    yield "# Without [[source]] the usual names are watched; with one, only what stands here. Every other option:"
    yield "# examples/flagtrail.toml in Flagtrail's source, or docs/configuration.md."
    yield ""
    yield "[database]"
    yield 'url = "sqlite:///flagtrail.db"   # beside this file; postgresql://... for more than one machine'
    for one in found:
        yield ""
        yield f"# Account {one.account}, {one.region}"
        yield from _parameter_lines(one)
        yield from _profile_lines(one)
        yield from (f"# Not read: {_plain(reason)}" for reason in one.unread)
    yield ""
    yield "# Messages go to Slack with the token in SLACK_BOT_TOKEN; without one they are printed and wait."
    yield "[slack]"
    yield 'channel = "#flag-changes"        # better the id, like C0123456789: a name can change'
    yield ""
    yield "# [scan]"
    yield '# repositories = ["../service"]  # where code reads the flags; `flagtrail run` scans them'


def _parameter_lines(one: Discovery) -> Iterator[str]:
    """Yield the source of the parameters, and what of them is left out."""
    if one.parameters is None:
        return
    templates, others = _grouped(one.parameters)
    if templates:
        yield ""
        yield "[[source]]"
        yield 'kind = "ssm"'
        yield from _place(one)
        yield "paths = ["
        for template, names in templates.items():
            more = ", ..." if len(names) > _EXAMPLES else ""
            yield f"    {_text(template)},"
            yield f"    # {len(names)} now: {_plain(', '.join(names[:_EXAMPLES]))}{more}"
        yield "]"
    else:
        yield "# Parameter Store: no parameter's name says that it is a flag."
    if others:
        yield f"# {len(others)} other parameters are not watched. If some are flags, add a template to paths:"
        for folder, count in _folders(others)[:_FOLDERS]:
            yield f"#   {count} in {_plain(folder)}"


def _grouped(names: Iterable[str]) -> tuple[dict[str, list[str]], list[str]]:
    """Return the names by the template that fits each, the usual templates first, and those that fit none."""
    usual = default_templates()
    groups: dict[str, list[str]] = {}
    others: list[str] = []
    for name in sorted(names):
        fitting = next((t.text for t in usual if t.match(name) is not None), None) or template_of(name)
        # A suggested template has to match the very name it came from, or it would watch nothing.
        if fitting is not None and PathTemplate.parse(fitting).match(name) is not None:
            groups.setdefault(fitting, []).append(name)
        else:
            others.append(name)
    # The first template that fits decides: the longer one, and the one with more fixed text, stands before.
    ordered = sorted(groups, key=lambda template: (-template.count("/"), template.count("{"), template))
    return {template: groups[template] for template in ordered}, others


def _folders(names: Iterable[str]) -> list[tuple[str, int]]:
    """Return how many of the names are in which folder, the fullest first."""
    counts: dict[str, int] = {}
    for name in names:
        folder = name.rpartition("/")[0] or "/"
        counts[folder] = counts.get(folder, 0) + 1
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def _profile_lines(one: Discovery) -> Iterator[str]:
    """Yield the source of the AppConfig profiles, and the freeform ones that only their content can tell."""
    if one.profiles is None:
        return
    flags = [profile for profile in one.profiles if profile.feature_flags]
    freeform = [profile for profile in one.profiles if not profile.feature_flags]
    if flags or freeform:
        yield ""
        yield "[[source]]"
        yield 'kind = "appconfig"'
        yield from _place(one)
        applications = sorted({profile.application for profile in (flags or freeform)})
        yield f"applications = [{', '.join(_text(name) for name in applications)}]"
        yield "# Every feature-flag profile of these, and every freeform one that holds a flag document, is watched:"
        for profile in one.profiles:
            form = "feature flags" if profile.feature_flags else "freeform"
            yield f"#   {_plain(profile.application)}/{_plain(profile.name)} ({form})"
        yield "# To watch only some: profiles = [...]"
    else:
        yield "# AppConfig: no configuration profile."


def _place(one: Discovery) -> Iterator[str]:
    yield f"accounts = [{_text(one.account)}]"
    yield f"regions = [{_text(one.region)}]"


def _text(value: str) -> str:
    """Return a TOML string: a JSON one with the one character escaped that TOML refuses and JSON does not."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _plain(text: str) -> str:
    """Return text that is safe in a comment."""
    return "".join(c if c.isprintable() else " " for c in text)
