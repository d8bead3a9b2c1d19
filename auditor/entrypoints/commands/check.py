"""``flagtrail check``: what a change to code does to flags, for continuous integration."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from auditor.domain.errors import UsageError
from auditor.domain.references import FlagSpec, Reference, ScanResult
from auditor.entrypoints.cli_options import Context, command

if TYPE_CHECKING:
    from auditor.application.checking import CheckReport
    from auditor.application.ports import Progress
    from auditor.settings import Settings

FINDINGS = 1
_EXPIRED = frozenset({"past-end-date", "short-term-overdue", "past-lifetime"})
_COLUMNS = (("Finding", 22), ("Where", 30), ("What", None))


@command(
    "table",
    "json",
    "sarif",
    "github",
    examples=(
        "flagtrail check . --flags flags.json                     # no database needed",
        "flagtrail check . --flags flags.json --base main.json    # only what is new",
        "flagtrail check services/shop --format sarif > check.sarif",
    ),
)
@click.argument("path", metavar="PATH")
@click.option("--flags", "flags_file", metavar="FILE", help="The flags that exist, instead of the record's.")
@click.option(
    "--base", "base_file", metavar="FILE", help="The code before: an answer of `flagtrail scan --format json`."
)
def check(context: Context, path: str, flags_file: str | None, base_file: str | None) -> None:
    """Check a change to code; status 1 when something stands against it.

    Findings: a read of a flag that is in no store, a read of a flag that is past its end (told
    by the record), a new flag in a template or flag document without owner or end date, and
    reads of one flag with different fallbacks. With --base, expired flags and fallbacks that
    the code before had already are no finding; a flag whose last use is gone is told, and
    fails nothing.

    `--format github` writes annotations as a workflow of GitHub shows them.
    """
    given = _given(context, flags_file)
    base = None if base_file is None else _read_base(base_file)
    given_files = [file for file in (flags_file, base_file) if file is not None]
    with context.progress() as progress:
        report = _check(path, given, _Apart(path, given_files), base, progress)
    _write(context.format, report, path)
    if report.findings:
        context.exit(FINDINGS)


@dataclass(frozen=True, slots=True)
class _Given:
    """What is known of flags: those that exist, those that are gone, and which should be (``None``: nobody knows)."""

    settings: Settings
    listed: Sequence[FlagSpec]
    gone: Sequence[FlagSpec] = ()
    expired: Mapping[str, str] | None = None


class _Apart:
    """The files the command was given: where they lie in what is checked, a key in them is no use of a flag."""

    def __init__(self, path: str, files: Sequence[str]) -> None:
        root = Path(path).resolve()
        below = (Path(file).resolve() for file in files)
        self._paths = {file.relative_to(root).as_posix() for file in below if file.is_relative_to(root)}

    def less(self, references: Sequence[Reference]) -> list[Reference]:
        """Return the references that stand elsewhere."""
        return [reference for reference in references if reference.path not in self._paths]


def _given(context: Context, flags_file: str | None) -> _Given:
    from auditor.entrypoints.commands.scan import read_flags
    from auditor.settings import Settings

    if flags_file is None:
        return _from_record(context)
    return _Given(Settings() if context.config is None else context.settings, read_flags(flags_file))


def _from_record(context: Context) -> _Given:
    from auditor import bootstrap
    from auditor.application.queries import ever_recorded, inventory
    from auditor.application.staleness import stale_flags

    rules = bootstrap.stale_rules(context.settings)
    with context.open_database().reader() as uow:
        listed = inventory(uow, context.now)
        known = ever_recorded(uow)
        judgements = stale_flags(uow, rules, context.moment, context.now)
    expired = {
        str(judgement.facts.flag): reason.text
        for judgement in judgements
        for reason in judgement.reasons
        if reason.code in _EXPIRED
    }
    there = set(listed)
    return _Given(context.settings, listed, [spec for spec in known if spec not in there], expired)


def _read_base(file: str) -> list[Reference]:
    from auditor.application.checking import read_base

    try:
        held = json.loads(Path(file).read_bytes())
    except OSError as error:
        raise UsageError(f"{file}: cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{file}: is no JSON: {error}") from error
    return read_base(held, file)


def _check(
    path: str, given: _Given, apart: _Apart, base: Sequence[Reference] | None, progress: Progress
) -> CheckReport:
    from dataclasses import replace

    from auditor import bootstrap
    from auditor.application import checking
    from auditor.domain.templates import PathTemplates
    from auditor.entrypoints.commands.scan import run_scan
    from scanners.cache import default_folder, open_cache
    from scanners.candidates import parameter_names
    from scanners.declarations import declarations

    texts = [text for source in given.settings.sources if source.kind == "ssm" for text in source.paths]
    templates = PathTemplates.parse(texts, required=("flag",))
    held = {spec.key for spec in (*given.listed, *given.gone)}
    cache = open_cache(default_folder())
    names = parameter_names(path, lambda name: name not in held and templates.match(name) is not None, cache)
    others = [*given.gone, *(FlagSpec(name, "ssm") for name in names)]
    found = run_scan([path], [*given.listed, *others], given.settings.scan, progress)
    result, unknown = _parted(replace(found, references=tuple(apart.less(found.references))), others)
    return checking.check(
        checking.CheckInput(
            result=result,
            listed=given.listed,
            unknown=[
                *((reference, _known(reference.flag, given.gone)) for reference in unknown),
                *((reference, "") for reference in _asked_alike(path, given, result, progress)),
            ],
            declared=declarations([path]),
            expired=given.expired,
            base=None if base is None else apart.less(base),
            templates=templates,
            lifetimes=bootstrap.stale_rules(given.settings).lifetimes,
        )
    )


def _parted(found: ScanResult, others: Sequence[FlagSpec]) -> tuple[ScanResult, list[Reference]]:
    """Return the scan as if only listed flags had been looked for, and the references to the others."""
    from dataclasses import replace

    apart = set(others)
    listed = tuple(reference for reference in found.references if reference.flag not in apart)
    return replace(found, references=listed), [r for r in found.references if r.flag in apart]


def _known(flag: FlagSpec, gone: Sequence[FlagSpec]) -> str:
    return "was deleted" if flag in gone else ""


def _asked_alike(path: str, given: _Given, result: ScanResult, progress: Progress) -> list[Reference]:
    """Return the references to keys that no store has and that are asked for as listed flags are."""
    from auditor.entrypoints.commands.scan import run_scan
    from scanners.candidates import asked_alike, specs_beside

    held = {spec.key for spec in (*given.listed, *given.gone)}
    keys = [key for key in asked_alike(path, result.references) if key not in held]
    specs = specs_beside(keys, given.listed)
    if not specs:
        return []
    return list(run_scan([path], specs, given.settings.scan, progress).references)


def _write(form: str, report: CheckReport, path: str) -> None:
    from auditor.entrypoints import output

    if form == "json":
        output.write_json(report.to_json())
    elif form == "sarif":
        from auditor.entrypoints.sarif import check_to_sarif

        output.write_json(check_to_sarif(report))
    elif form == "github":
        from auditor.entrypoints.workflow_commands import workflow_commands

        for line in workflow_commands(report, path):
            output.write(output.visible(line))
    else:
        _write_table(report)


def _write_table(report: CheckReport) -> None:
    from auditor.entrypoints import output

    if report.findings:
        output.write_table(_COLUMNS, [(one.code, f"{one.path}:{one.line}", one.text) for one in report.findings])
    else:
        output.write("Nothing stands against it.")
    for notice in report.notices:
        output.write(output.visible(notice.text))
    for text in report.unchecked:
        output.remark(f"not checked: {text}")
