"""Where the function writes what it did: lines of JSON for its log, and lines that CloudWatch makes metrics of."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from auditor.entrypoints import telemetry

Write = Callable[[str], None]


def _to_stderr(line: str) -> None:
    sys.stderr.write(line + "\n")


def _to_stdout(line: str) -> None:
    sys.stdout.write(line + "\n")


def _nowhere(_line: str) -> None:
    """Write nothing."""


@dataclass(frozen=True, slots=True)
class Journal:
    """The log and the metrics of an invocation; Lambda takes both streams of the process."""

    log: Write = _to_stderr
    metrics: Write = _to_stdout

    @classmethod
    def silent(cls) -> Journal:
        """Return one that writes nothing, for whoever serves invocations in a process with words of its own."""
        return cls(_nowhere, _nowhere)

    def tell(self, action: str, facts: Mapping[str, Any]) -> None:
        """Write one line of JSON: ids, counts and sentences only, never a flag's value."""
        self.log(telemetry.log_line(datetime.now(UTC), action, facts))

    def measure(self, metrics: Sequence[telemetry.Metric]) -> None:
        """Write the line that CloudWatch makes metrics of; no call is made."""
        function = os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "local")
        line = telemetry.metrics_line(datetime.now(UTC), function, metrics)
        if line is not None:
            self.metrics(line)
