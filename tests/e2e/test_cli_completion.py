"""``flagtrail completion``: scripts that real shells take, and what they are answered."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

from auditor.entrypoints.commands import COMMANDS
from tests.support.cli import flagtrail

CHECKED = {"bash": ["-n"], "zsh": ["-n"], "fish": ["--no-execute"]}
PROGRAM = f'#!/bin/sh\nexec {sys.executable} -c "from auditor.entrypoints.cli import main; main()" "$@"\n'


def answered(words, number):
    environ = {
        **os.environ,
        "_FLAGTRAIL_COMPLETE": "bash_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": str(number),
    }
    command = [sys.executable, "-c", "from auditor.entrypoints.cli import main; main()"]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=True)
    return {line.partition(",")[2] for line in done.stdout.splitlines()}


@pytest.mark.parametrize("shell", CHECKED)
def test_the_script_is_one_of_that_shell(elsewhere, shell):
    answer = flagtrail("completion", shell)
    (elsewhere / "script").write_text(answer.out)

    assert answer.status == 0
    assert f"_FLAGTRAIL_COMPLETE={shell}_complete" in answer.out
    if shutil.which(shell) is not None:
        subprocess.run([shell, *CHECKED[shell], "script"], check=True)


def test_commands_options_and_choices_are_completed():
    assert answered("flagtrail ", 1) == set(COMMANDS)
    assert answered("flagtrail sca", 1) == {"scan"}
    assert {"--flags", "--base", "--format"} <= answered("flagtrail check --", 2)
    assert answered("flagtrail check --format ", 3) == {"table", "json", "sarif", "github"}


def test_bash_completes_by_the_script(elsewhere):
    (elsewhere / "flagtrail").write_text(PROGRAM)
    (elsewhere / "flagtrail").chmod(0o755)
    (elsewhere / "script").write_text(flagtrail("completion", "bash").out)
    asked = 'source ./script; COMP_WORDS=(flagtrail recon); COMP_CWORD=1; _flagtrail_completion flagtrail; echo "${COMPREPLY[@]}"'
    environ = {**os.environ, "PATH": f"{elsewhere}:{os.environ['PATH']}"}

    done = subprocess.run(["bash", "-c", asked], env=environ, capture_output=True, text=True, check=True)

    assert done.stdout.split() == ["reconcile"]


def test_another_shell_is_bad_use():
    assert flagtrail("completion", "csh").status == 2
