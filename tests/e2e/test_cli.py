"""The command line as a whole: common options, exit statuses, one-line errors, help."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from auditor.entrypoints.cli import cli
from auditor.entrypoints.commands import COMMANDS
from tests.support.alerts import change
from tests.support.cli import flagtrail
from tests.support.filled import record

HELP_WIDTH = 80


@pytest.fixture
def url(elsewhere):
    return record("sqlite:///record.db", [change()])


def commands(found=cli, path=()):
    """Yield the words of every command, groups and their commands included."""
    yield path
    if isinstance(found, click.Group):
        context = click.Context(found)
        for name in found.list_commands(context):
            yield from commands(found.get_command(context, name), (*path, name))


def one_line(answer):
    """Return the one line an error is."""
    assert answer.out == ""
    assert answer.err.count("\n") == 1, answer.err
    assert "Traceback" not in answer.err
    return answer.err.rstrip()


@pytest.mark.parametrize(
    "words",
    [
        ("--database", "{url}", "--format", "json", "history"),
        ("history", "--database", "{url}", "--format", "json"),
        ("--database", "sqlite:///other.db", "history", "--database", "{url}", "--format", "json"),
        ("--format", "csv", "--database", "{url}", "history", "--format", "json"),
        ("--database={url}", "--debug", "history", "--format=json", "--now", "2027-01-01T00:00:00Z"),
    ],
)
def test_common_options_stand_before_or_after_the_name(url, words):
    answer = flagtrail(*(word.format(url=url) for word in words))

    assert [row["flag"] for row in answer.json] == ["new-checkout"]
    assert answer.status == 0


def test_the_database_comes_from_the_option_then_the_environment_then_the_file(url):
    Path("flagtrail.toml").write_text('[database]\nurl = "sqlite:///record.db"\n')
    other = {"FLAGTRAIL_DATABASE_URL": "sqlite:///empty.db"}

    assert len(flagtrail("history", "--format", "json").json) == 1
    assert flagtrail("history", "--format", "json", environ=other).json == []
    assert len(flagtrail("history", "--format", "json", "--database", url, environ=other).json) == 1


def test_a_missing_database_is_made(elsewhere):
    assert flagtrail("history", "--format", "json").json == []
    assert Path("flagtrail.db").is_file()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "flagtrail: name a command"),
        (("histry",), "there is no command 'histry'; did you mean 'history'?"),
        (("zzz",), "there is no command 'zzz'"),
        (("--nope",), "flagtrail: No such option '--nope'"),
        (("history", "--flagg", "x"), "flagtrail history: No such option '--flagg'"),
        (("history", "--limit", "no"), "flagtrail history: Invalid value for '--limit'"),
        (("history", "--kind", "odd"), "flagtrail history: Invalid value for '--kind'"),
        (("history", "--since", "soon"), "'soon' is no time; write it like 2026-03-01T08:00:00Z, 2026-03-01 or 7d"),
        (("history", "--now", "2026-03-01"), "'2026-03-01' is no RFC 3339 time"),
        (("history", "--now", "yesterday"), "'yesterday' is no RFC 3339 time"),
        (("history", "--format", "xml"), "flagtrail history: Invalid value for '--format'"),
        (("--format", "csv", "gaps"), "flagtrail gaps: there is no --format csv here; choose from table, json"),
        (("history", "--after", "99"), "no row number 99"),
        (("history", "--database", "nonsense"), "the database URL cannot be read"),
        (("history", "--database", "sqlite:///none/x.db"), "there is no folder"),
        (("history", "--database", "mysql://h/d"), "mysql databases are not supported"),
        (("history", "--config", "gone.toml"), "gone.toml: no such file"),
        (("show",), "flagtrail show: Missing argument 'FLAG'"),
        (("show", "nothing"), "no flag 'nothing' is in the record"),
        (("ingest", "gone.json"), "gone.json cannot be read: No such file"),
        (("ingest",), "flagtrail ingest: Missing argument"),
        (("reconcile", "--source", "gone"), "no source is called 'gone'; choose from ssm, appconfig"),
    ],
)
def test_bad_use_is_one_line_and_status_2(elsewhere, words, said):
    answer = flagtrail(*words)

    assert said in one_line(answer)
    assert answer.status == 2


def test_every_fault_of_the_configuration_is_in_one_line_off_a_terminal(elsewhere):
    Path("flagtrail.toml").write_text("[slakc]\n[stale]\ngrace = 3\n")

    line = one_line(flagtrail("history"))

    assert "flagtrail.toml:1: slakc: there is no such option" in line
    assert "flagtrail.toml:3: stale.grace: has to be" in line


def test_debug_shows_where_it_failed(elsewhere):
    answer = flagtrail("show", "nothing", "--debug")

    assert "Traceback" in answer.err
    assert answer.err.splitlines()[-1].startswith("flagtrail: no flag 'nothing'")
    assert answer.status == 2


def test_a_bug_is_one_line_too(elsewhere, monkeypatch):
    monkeypatch.setitem(COMMANDS, "broken", "tests.support.broken_command:broken")

    answer = flagtrail("broken", "--format", "json")

    assert one_line(answer) == "flagtrail: unexpected failure: ZeroDivisionError: division by zero; --debug shows where"
    assert answer.status == 2


def test_what_an_error_quotes_cannot_steer_a_terminal(elsewhere):
    answer = flagtrail("show", "\x1b[2Jgone\x07\u202e")

    assert "\\x1b[2Jgone\\x07\\u202e" in one_line(answer)


def test_the_version_is_told():
    assert re.fullmatch(r"flagtrail \d+\.\d+\.\d+\n", flagtrail("--version").out)


@pytest.mark.parametrize("words", list(commands()), ids=" ".join)
def test_help_teaches_at_80_columns(words):
    answer = flagtrail(*words, "--help", environ={"COLUMNS": "200"})
    lines = answer.out.splitlines()

    assert answer.status == 0
    assert [line for line in lines if len(line) > HELP_WIDTH] == []
    assert "Common options:" in lines
    assert {"--config", "--database", "--now", "--format", "--debug"} <= set(re.findall(r"--[a-z]+", answer.out))
    is_group = bool(words) and "Commands:" in lines
    assert is_group or f"  flagtrail {' '.join(words)}".rstrip() in answer.out.partition("Examples:")[2]


def test_every_option_is_explained():
    silent = [
        (*words, param.name)
        for words in commands()
        for param in found(words).params
        if isinstance(param, click.Option) and not param.help
    ]

    assert silent == []


def found(words):
    """Return the command of these words."""
    command = cli
    for word in words:
        command = command.get_command(click.Context(command), word)
    return command


def run(*words, cwd, **options):
    environ = {**os.environ, "COLUMNS": "80"}
    program = "from auditor.entrypoints.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", program, *words], cwd=cwd, env=environ, capture_output=True, check=False, **options
    )


def test_as_a_process_it_answers_on_stdout_and_ends_with_its_status(url, tmp_path):
    good = run("history", "--database", url, "--format", "jsonl", cwd=tmp_path)
    bad = run("show", "nothing", "--database", url, cwd=tmp_path)

    assert (good.returncode, good.stderr) == (0, b"")
    assert good.stdout.count(b"\n") == 1
    assert (bad.returncode, bad.stdout) == (2, b"")
    assert bad.stderr.count(b"\n") == 1


def test_a_reader_that_leaves_is_no_failure(tmp_path):
    url = record(
        f"sqlite:///{tmp_path}/long.db", [change(key=f"k{n}", cause=f"c{n}", summary="x" * 5000) for n in range(60)]
    )
    program = "from auditor.entrypoints.cli import main; main()"
    words = [sys.executable, "-c", program, "history", "--database", url, "--format", "json"]
    with subprocess.Popen(words, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.read(1)
        process.stdout.close()
        said = process.stderr.read()

    assert said == b""
    assert process.returncode == 0


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_full_disk_is_a_failure(url, tmp_path, unbuffered):
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-c", "from auditor.entrypoints.cli import main; main()", "history", "--database", url],
            cwd=tmp_path,
            stdout=full,
            stderr=subprocess.PIPE,
            env=os.environ | {"PYTHONUNBUFFERED": unbuffered},
            check=False,
        )

    assert done.returncode == 2
    assert b"No space left" in done.stderr
    assert b"Traceback" not in done.stderr
