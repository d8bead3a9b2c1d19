"""``flagtrail scan``: where code names a flag."""

from __future__ import annotations

import json
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from auditor.domain.errors import UsageError
from auditor.domain.references import FlagSpec, Reference, ScanResult
from auditor.entrypoints.cli_options import Context, command

if TYPE_CHECKING:
    from auditor.application.ports import Progress
    from auditor.domain.scan_options import ScanOptions

_COLUMNS = (("Flag", 26), ("Kind", 6), ("Where", None), ("Certainty", 9))
_FIELDS = ("key", "provider", "application", "environment", "profile", "name")
PROVIDERS = frozenset({"ssm", "appconfig", "dynamodb", "s3", "openfeature", "launchdarkly", "env", "generic"})


@command(
    "table",
    "json",
    "jsonl",
    "sarif",
    examples=(
        "flagtrail scan .",
        "flagtrail scan services/ libs/ --format json > scan.json",
        "flagtrail scan . --flags flags.json --format sarif    # no database needed",
        "flagtrail scan https://git.example.org/shop.git",
        "flagtrail scan . --no-cache                           # read every file anew",
    ),
)
@click.argument("paths", metavar="PATH...", nargs=-1, required=True)
@click.option(
    "--flags", "flags_file", metavar="FILE", help="Look for the flags of this JSON file instead of the record's."
)
@click.option("--committed", is_flag=True, help="Scan what is committed in git, not the files as they lie there.")
@click.option("--no-cache", "fresh", is_flag=True, help="Neither use nor keep what earlier scans made of the files.")
def scan(context: Context, paths: Sequence[str], flags_file: str | None, *, committed: bool, fresh: bool) -> None:
    """Find every place in code that names a flag.

    Python is followed through constants, wrappers and documents; other languages and
    documents as far as they tell. A file that cannot be understood is listed and searched
    as text. Without FILE the flags of the record are looked for, and what is found is kept
    there for verdicts and messages. PATH may be the https, ssh or file URL of a git repository: its default branch
    is fetched and scanned. FILE holds a list of {"key", "provider", "application"?, "environment"?,
    "profile"?}; `flagtrail flags --format json` prints one.
    """
    with context.progress() as progress:
        if flags_file is None:
            result = _scan_and_keep(context, paths, progress, committed=committed, fresh=fresh)
        else:
            result = run_scan(
                paths,
                read_flags(flags_file),
                options_of(context, fresh=fresh),
                progress,
                committed=committed,
                fresh=fresh,
            )
    _write(context.format, result)


def options_of(context: Context, *, fresh: bool = False) -> ScanOptions | None:
    """Return what the configuration says of scanning, if one was asked for.

    To read all of it takes longer than to see that nothing has changed: what a sound file says is kept with the rest.
    """
    if context.config is None:
        return None
    from auditor.domain.scan_options import ScanOptions
    from scanners import cache

    held = None if fresh else cache.open_cache(cache.default_folder())
    try:
        text = Path(context.config).read_bytes()
    except OSError:
        held, text = None, b""
    if held is None:
        return context.settings.scan
    # A setting may come from any variable of the environment; these four change with every step of a shell.
    around = sorted(item for item in context.environ.items() if item[0] not in {"PWD", "OLDPWD", "SHLVL", "_"})
    digest = sha256(repr((Path(context.config).resolve(), text, around)).encode(errors="surrogateescape")).hexdigest()
    known = held.fact("options", digest)
    if not isinstance(known, ScanOptions):
        known = context.settings.scan
        held.keep(known, "options", digest)
    return known


def run_scan(
    paths: Sequence[str],
    flags: Sequence[FlagSpec],
    options: ScanOptions | None,
    progress: Progress,
    *,
    committed: bool = False,
    fresh: bool = False,
) -> ScanResult:
    """Scan paths for flags; raises UsageError when a path cannot be read."""
    from scanners import cache, cached

    held = None if fresh else cache.open_cache(cache.default_folder())
    return cached.scan(paths, flags, options, progress, held, committed=committed)


def read_flags(file: str) -> list[FlagSpec]:
    """The flags of a flags file; raises UsageError when it is none."""
    try:
        held = json.loads(Path(file).read_bytes())
    except OSError as error:
        raise UsageError(f"{file}: cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{file}: is no JSON: {error}") from error
    if not isinstance(held, list):
        raise UsageError(f"{file}: must hold a list of flags")
    return [_spec(file, number, entry) for number, entry in enumerate(held, start=1)]


def _spec(file: str, number: int, entry: Any) -> FlagSpec:
    if not isinstance(entry, dict) or not isinstance(entry.get("key"), str) or not entry["key"]:
        raise UsageError(f'{file}: flag {number} must be an object with a text "key"')
    if entry.get("provider") not in PROVIDERS:
        raise UsageError(f'{file}: flag {number} ("provider") must be one of {", ".join(sorted(PROVIDERS))}')
    wrong = [name for name in _FIELDS if not isinstance(entry.get(name), str | None)]
    if wrong:
        raise UsageError(f'{file}: flag {number} ("{wrong[0]}") must be text')
    return FlagSpec(**{name: entry[name] for name in _FIELDS if name in entry})


def _scan_and_keep(
    context: Context, paths: Sequence[str], progress: Progress, *, committed: bool, fresh: bool
) -> ScanResult:
    """Scan for the record's flags and keep the result there, so that verdicts can lean on it."""
    from auditor import bootstrap

    database = context.open_database()
    results = bootstrap.scan_and_keep(context.settings, database, paths, progress, committed=committed, fresh=fresh)
    return ScanResult.joined(results)


def _write(form: str, result: ScanResult) -> None:
    from auditor.entrypoints import output

    if form == "json":
        output.write_json(result.to_json())
    elif form == "jsonl":
        output.write_jsonl(reference.to_json() for reference in result.references)
    elif form == "sarif":
        from auditor.entrypoints.sarif import to_sarif

        output.write_json(to_sarif(result))
    else:
        _write_table(result)


def _write_table(result: ScanResult) -> None:
    from auditor.entrypoints import output

    if result.references:
        output.write_table(_COLUMNS, [_row(reference) for reference in result.references])
    else:
        output.write("No reference found.")
    for remark in result.unresolved:
        output.remark(f"{remark.path}:{remark.line}: unresolved: {remark.reason}")
    for unread in result.unread:
        output.remark(f"{unread.path}: unread: {unread.reason}")
    if result.skipped:
        output.remark(f"{len(result.skipped)} files and folders were left out; --format json names them")


def _row(reference: Reference) -> tuple[str, str, str, str]:
    flag = reference.flag
    where = f"{reference.path}:{reference.line}"
    return (flag.name or flag.key, reference.kind.value, where, reference.certainty.value)
