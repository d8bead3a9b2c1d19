"""The command line in tests: called in this process, with what it wrote and how it ended."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from click.testing import CliRunner

from auditor.entrypoints.cli import cli


@dataclass(frozen=True)
class Answer:
    """What a command wrote and its exit status."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Return stdout as JSON: it holds nothing else."""
        return json.loads(self.out)

    @property
    def rows(self) -> list[Any]:
        """Return stdout as JSON Lines."""
        return [json.loads(line) for line in self.out.splitlines()]


def flagtrail(*words: str, stdin: str | bytes | None = None, environ: dict[str, str] | None = None) -> Answer:
    """Run a command line."""
    done = CliRunner(env=environ).invoke(cli, list(words), input=stdin)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return Answer(done.exit_code, done.stdout, done.stderr)
