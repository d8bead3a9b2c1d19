"""What users install: the wheel with every extra, from the lock, in an environment of its own.

It is made by the steps of the container image's first stage, so that these are run too, only without a container.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from auditor import __version__
from tests.support.alerts import change
from tests.support.dockerfile import stages
from tests.support.filled import record

pytestmark = pytest.mark.proof

SOURCE = """\
import boto3
ssm = boto3.client("ssm")
value = ssm.get_parameter(Name="/shop/prod/features/new-checkout")
"""
FLAGS = [{"key": "/shop/prod/features/new-checkout", "provider": "ssm"}]


def build(root: Path, place: Path) -> Path:
    """Run the first stage of the image with its folders below ``place``; return the environment it makes."""
    (place / "bin").mkdir(parents=True)
    (place / "bin" / "python").symlink_to(getattr(sys, "_base_executable", sys.executable))
    environ = {**os.environ, "PATH": f"{place / 'bin'}:{os.environ['PATH']}"}
    stage = stages((root / "deploy" / "Dockerfile").read_text())[0]
    work = place
    for one in stage.instructions:
        if one.word == "WORKDIR":
            work = place / one.rest.lstrip("/")
            work.mkdir(parents=True)
        elif one.word == "COPY":
            *sources, target = one.rest.split()
            for source in sources:
                copy(root / source, work / target, work)
        elif one.word == "RUN":
            command = one.rest.replace("/opt/", f"{place}/opt/")
            subprocess.run(["/bin/sh", "-ec", command], cwd=work, env=environ, check=True)
    return place / "opt" / "flagtrail"


def copy(source: Path, target: Path, work: Path) -> None:
    """Copy as the image's builder does: a folder's content, or a file into a folder."""
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        return
    folder = target if target != work / "." else work
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(source, folder)


@pytest.fixture(scope="module")
def installed(root, tmp_path_factory):
    return build(root, tmp_path_factory.mktemp("image"))


@pytest.fixture
def command(installed, elsewhere):
    """Give a way to run the installed command in an empty folder, with nothing of the repository in reach."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "COVERAGE_"))}

    def run(*words, status=0, **environ):
        program = installed / "bin" / "flagtrail"
        done = subprocess.run([program, *words], env=kept | environ, capture_output=True, text=True, check=False)
        assert done.returncode == status, done.stderr
        return done

    return run


@pytest.fixture
def shop(elsewhere):
    """Give a folder with code, a flags file and a record."""
    Path("code").mkdir()
    Path("code/app.py").write_text(SOURCE)
    Path("flags.json").write_text(json.dumps(FLAGS))
    return record("sqlite:///flagtrail.db", [change()])


def test_the_wheel_runs_with_every_extra(command, shop):
    assert command("--version").stdout == f"flagtrail {__version__}\n"
    assert __version__ == version("flagtrail")
    scan = json.loads(command("scan", "code", "--flags", "flags.json", "--format", "json").stdout)
    assert [(one["path"], one["line"], one["kind"]) for one in scan["references"]] == [("app.py", 3, "read")]
    command("check", "code", "--flags", "flags.json")
    command("scan", "code")
    for words in (("stale",), ("history",), ("flag", "shop/new-checkout")):
        command("report", *words, "--out", f"{words[0]}.html")
        assert Path(f"{words[0]}.html").read_text().startswith("<!doctype html>")
    assert "new-checkout" in command("history").stdout
    assert "schema" in command("db", "upgrade").stdout
    assert "_FLAGTRAIL_COMPLETE" in command("completion", "bash").stdout


def test_every_command_explains_itself(command):
    listed = command("--help").stdout.partition("Commands:")[2].split("\n")
    names = {line.split()[0] for line in listed if line.startswith("  ") and not line.startswith("   ")}

    assert {"scan", "check", "run"} <= names
    for name in names - {"flagtrail"}:
        assert "Common options:" in command(name, "--help").stdout


def test_the_environment_holds_what_is_locked_and_the_wheel(installed, root):
    listed = subprocess.run(
        [sys.executable, "-m", "pip", "--python", installed / "bin" / "python", "list", "--format", "json"],
        capture_output=True,
        check=True,
    )
    held = {one["name"].lower().replace("_", "-") for one in json.loads(listed.stdout)}
    locked = {
        line.partition("==")[0]
        for line in (root / "requirements" / "run.txt").read_text().splitlines()
        if "==" in line and not line.startswith(" ")
    }

    assert held - locked - {"setuptools", "wheel"} == {"flagtrail"}


WITHOUT = {
    "cli": ("history",),
    "ledger": ("key", "--out", "ledger.key", "--public-key", "ledger.pub"),
    "migrate": ("db", "upgrade"),
    "postgres": ("flags", "--database", "postgresql://127.0.0.1:1/none"),
    "reports": ("report", "stale", "--out", "stale.html"),
    "scan": ("scan", "code", "--flags", "flags.json"),
    "service": ("run", "--once"),
    "slack": ("notify", "--test"),
}


def test_without_extras_each_command_names_the_one_it_needs(installed, command, shop, root, tmp_path):
    """Runs last: it takes the extras away, as if they had not been asked for."""
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    extras = {name: needed for name, needed in project["optional-dependencies"].items() if name != "all"}
    names = [Requirement(needed).name for listed in extras.values() for needed in listed]
    pip = [sys.executable, "-m", "pip", "--python", installed / "bin" / "python"]
    subprocess.run([*pip, "uninstall", "--quiet", "--yes", *names], check=True)

    assert set(WITHOUT) == set(extras)
    for extra, words in WITHOUT.items():
        said = command(*words, status=2, SLACK_BOT_TOKEN="xoxb-1").stderr.strip()
        assert said.splitlines()[-1].endswith(f"install flagtrail[{extra}]"), said
    rows = json.loads(command("history", "--format", "json").stdout)
    assert [row["flag"] for row in rows] == ["new-checkout"]
