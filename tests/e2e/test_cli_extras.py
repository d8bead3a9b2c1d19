"""Commands without the extra they need: one line that names it."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from datetime import UTC, datetime
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from auditor.adapters.storage import open_database
from auditor.domain.alerts import AlertKind, NewAlert
from auditor.domain.extras import EXTRAS, needs
from tests.support.alerts import AT, change
from tests.support.children import unmeasured
from tests.support.filled import record

PROGRAM = """
import sys
sys.modules.update(dict.fromkeys({libraries}))
from auditor.entrypoints.cli import main
main()
"""
WITHOUT = [
    ("scan", ("scan", ".", "--flags", "flags.json")),
    ("scan", ("check", ".", "--flags", "flags.json", "--format", "json")),
    ("scan", ("run", "--once", "--config", "scanning.toml")),
    ("cli", ("history", "--database", "sqlite:///record.db")),
    ("reports", ("report", "stale", "--out", "stale.html")),
    ("service", ("run", "--once")),
    ("slack", ("notify", "--test")),
    ("postgres", ("flags", "--database", "postgresql://127.0.0.1:1/none")),
    ("ledger", ("key", "--out", "ledger.key", "--public-key", "ledger.pub")),
    ("migrate", ("db", "upgrade")),
]


def without(extra, words, **environ):
    libraries = sorted(library for library, brings in EXTRAS.items() if brings == extra)
    command = [sys.executable, "-c", PROGRAM.format(libraries=libraries), *words]
    return subprocess.run(command, env={**unmeasured(), **environ}, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(("extra", "words"), WITHOUT, ids=lambda given: given if isinstance(given, str) else given[0])
def test_a_command_without_its_extra_names_it_in_one_line(elsewhere, extra, words):
    record("sqlite:///record.db", [change()])
    Path("flags.json").write_text('[{"key": "a-flag", "provider": "generic"}]')
    Path("scanning.toml").write_text('[scan]\nrepositories = ["."]\n')
    token = {"SLACK_BOT_TOKEN": "xoxb-1", "FLAGTRAIL_SLACK_BASE_URL": "http://127.0.0.1:1/"}

    done = without(extra, words, **(token if extra == "slack" else {}))

    last = done.stderr.splitlines()[-1]
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr
    assert last.startswith("flagtrail: ")
    assert last.endswith(f"install flagtrail[{extra}]")


def test_without_slacks_library_no_alert_is_claimed(elsewhere):
    waiting = change()
    opened = open_database(record("sqlite:///record.db", [waiting]))
    with opened.unit_of_work() as uow:
        uow.outbox.put(NewAlert("one", AlertKind.CHANGE, waiting.cause, (waiting.key,)), AT)
        uow.commit()

    done = without("slack", ("notify", "--database", "sqlite:///record.db"), SLACK_BOT_TOKEN="xoxb-1")

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.endswith("install flagtrail[slack]\n")
    with opened.unit_of_work() as uow:
        assert len(uow.outbox.claim("slack", datetime.now(UTC), lease_seconds=1, limit=1)) == 1, "nobody holds it"
    opened.close()


def test_what_needs_no_extra_runs_without_any(elsewhere):
    Path("flags.json").write_text("[]")
    program = PROGRAM.format(libraries=sorted(EXTRAS))
    command = [sys.executable, "-c", program, "history", "--format", "json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout, done.stderr) == (0, "[]\n", "")


def test_a_library_of_no_extra_is_a_broken_installation():
    assert needs(ModuleNotFoundError("no", name="boto3")) is None
    assert needs(ImportError("no")) is None


def test_every_library_of_an_extra_is_known(root):
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    libraries = {}
    for library, distributions in packages_distributions().items():
        for distribution in distributions:
            libraries.setdefault(distribution.lower().replace("_", "-"), set()).add(library)
    brought = {
        library: extra
        for extra, requirements in project["optional-dependencies"].items()
        if extra != "all"
        for requirement in requirements
        for library in libraries[re.match(r"[\w-]+", requirement)[0].lower()]
        if not library.startswith("_") and library != "slack"  # slack_sdk's former name
    }

    assert brought == EXTRAS
