"""Print what bad input is answered, by giving it to the commands: ``python -m tests.house.bad_input_page``."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from auditor.entrypoints.cli import cli

CALL: dict[str, Any] = {
    "version": "0",
    "id": "bafb0f0c-696a-5be6-b3c7-1c3692824e46",
    "detail-type": "AWS API Call via CloudTrail",
    "source": "aws.ssm",
    "account": "123456789012",
    "time": "2026-10-06T08:00:03Z",
    "region": "eu-west-1",
    "resources": [],
    "detail": {
        "eventSource": "ssm.amazonaws.com",
        "eventName": "PutParameter",
        "eventTime": "2026-10-06T08:00:03Z",
        "eventID": "245e28dd-2aad-5781-8eae-cf4c6413f42b",
        "awsRegion": "eu-west-1",
        "recipientAccountId": "123456789012",
        "userIdentity": {"type": "IAMUser", "userName": "alice", "arn": "arn:aws:iam::123456789012:user/alice"},
        "requestParameters": {"name": "/shop/prod/features/banner", "type": "String"},
        "errorCode": "AccessDenied",
        "errorMessage": "User: arn:aws:iam::123456789012:user/alice is not authorized to perform: ssm:PutParameter",
    },
}


def _with(**changed: Any) -> str:
    return json.dumps({**CALL, **changed})


EVENTS: dict[str, str] = {
    "text that is no JSON": "not json at all",
    "an event that was cut off": json.dumps(CALL)[:200],
    "JSON that is no event": '"hello"',
    "an object without `source` and `detail-type`": '{"a": 1}',
    "an event without a time": _with(time=None),
    "an event of another service": _with(source="aws.ec2"),
    "a call of another sender than AWS": _with(source="my.ssm"),
    "an operation that nobody knows": _with(
        detail={**CALL["detail"], "eventName": "FrobnicateParameter", "errorCode": None, "errorMessage": None}
    ),
    "a call that was denied": json.dumps(CALL),
    "nesting of 100,000 levels": '{"source":' + "[" * 100_000,
    "an event of 9 MB": _with(padding="x" * 9_000_000),
}
FILES: dict[str, str] = {
    "broken.toml": '[slack]\nchanel = "C1"\n\n[stale]\nsettled_after = 30\n',
    "cut.toml": "[slack\n",
    "flags.json": '[{"key": "a"}]',
}
COMMANDS: dict[str, tuple[str, ...]] = {
    "a configuration with faults": ("--config", "broken.toml", "gaps"),
    "a configuration that is no TOML": ("--config", "cut.toml", "gaps"),
    "a configuration that is not there": ("--config", "gone.toml", "gaps"),
    "a repository that is not there": ("scan", "gone"),
    "a flags file with an entry that says too little": ("scan", ".", "--flags", "flags.json"),
    "an events file that is not there": ("ingest", "gone.json"),
    "a time without an offset": ("--now", "2026-03-01T08:00:00", "state"),
    "a database that is none": ("--database", "sqlite:///flags.json", "gaps"),
    "a flag that is not recorded": ("show", "no-such-flag"),
    "an unknown option": ("history", "--flagg", "x"),
}


def page() -> Iterator[str]:
    """Yield the tables; every answer is what was answered just now."""
    yield from ("### Events (`flagtrail ingest`)", "", "| given | outcome | said | status |", "|---|---|---|---|")
    for number, (given, text) in enumerate(EVENTS.items()):
        done = _run("--database", f"sqlite:///{number}.db", "ingest", "-", "--format", "json", text=text)
        answer = json.loads(done.stdout)
        said = answer["rejected"][0]["error"] if answer["rejected"] else ""
        yield _row(given, answer["outcomes"][0], said, done.exit_code)
    yield from ("", "### Commands", "", "| given | said on stderr | status |", "|---|---|---|")
    for given, words in COMMANDS.items():
        done = _run(*words)
        yield _row(given, f"`` {done.stderr.strip()} ``", done.exit_code)


def _run(*words: str, text: str | None = None) -> Result:
    return CliRunner().invoke(cli, list(words), input=text)


def _row(*cells: object) -> str:
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"


def main() -> None:
    """Print the page from an empty folder, without anybody's settings."""
    for name in [name for name in os.environ if name.startswith(("AWS_", "FLAGTRAIL_", "SLACK_"))]:
        del os.environ[name]
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for name, text in FILES.items():
            Path(name).write_text(text, encoding="utf-8")
        sys.stdout.writelines(f"{line}\n" for line in page())
        os.chdir("/")


if __name__ == "__main__":
    main()
