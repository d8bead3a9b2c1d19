"""The GitHub Action: its form, and its shell steps run in bash against a repository as a runner would."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

KEY = "/shop/prod/features/new-checkout"
READS = f'import boto3\nssm = boto3.client("ssm")\nvalue = ssm.get_parameter(Name="{KEY}")\n'
UNOWNED = "Resources:\n  A:\n    Type: AWS::SSM::Parameter\n    Properties:\n      Name: /shop/prod/features/fresh\n"
PROGRAM = f'#!/bin/sh\nexec {sys.executable} -c "from auditor.entrypoints.cli import main; main()" "$@"\n'


@pytest.fixture(scope="module")
def action(root):
    return yaml.safe_load((root / "deploy" / "github-action" / "action.yml").read_text())


def steps(action):
    return {step["name"]: step for step in action["runs"]["steps"]}


def test_it_is_a_composite_action_whose_inputs_are_explained(action):
    assert {"name", "description", "inputs", "outputs", "runs"} == set(action)
    assert action["runs"]["using"] == "composite"
    assert all(given["description"] and isinstance(given["default"], str) for given in action["inputs"].values())
    assert all(re.search(r"steps\.(\w+)\.outputs\.\w+", out["value"]) for out in action["outputs"].values())


def test_each_step_has_a_shell_or_is_a_pinned_action(action):
    for step in action["runs"]["steps"]:
        assert ("run" in step and step["shell"] == "bash") or re.fullmatch(r"[\w-]+/[\w-]+@v\d+", step["uses"])
        assert set(step) <= {"name", "id", "if", "shell", "env", "run", "uses", "with"}


def test_no_input_is_pasted_into_a_script(action):
    assert [step["name"] for step in action["runs"]["steps"] if "${{" in step.get("run", "")] == []


def test_every_input_that_is_used_is_declared(root, action):
    text = (root / "deploy" / "github-action" / "action.yml").read_text()

    assert set(re.findall(r"inputs\.(\w+)", text)) == set(action["inputs"])


def test_outputs_are_written_by_the_step_they_name(action):
    written = {step["id"]: step["run"] for step in action["runs"]["steps"] if "id" in step}

    for out in action["outputs"].values():
        found = re.search(r"steps\.(\w+)\.outputs\.(\w+)", out["value"])
        assert f'echo "{found[2]}=' in written[found[1]]


def git(*words):
    subprocess.run(["git", *words], check=True, capture_output=True)


@pytest.fixture
def runner(elsewhere, root, unmeasured):
    """Give the environment of a runner with a repository of one commit, Flagtrail being there already."""
    program = elsewhere / "temp" / "flagtrail" / "venv" / "bin" / "flagtrail"
    program.parent.mkdir(parents=True)
    program.write_text(PROGRAM)
    program.chmod(0o755)
    work = elsewhere / "work"
    work.mkdir()
    os.chdir(work)
    git("init", "--quiet")
    Path("flags.json").write_text(json.dumps([{"key": KEY, "provider": "ssm"}]))
    commit(app=READS)
    return unmeasured | {
        "GITHUB_OUTPUT": str(elsewhere / "output"),
        "RUNNER_TEMP": str(elsewhere / "temp"),
        "PYTHONPATH": str(root),
    }


def commit(**files):
    """Commit Python files, and return the commit before."""
    before = subprocess.run(["git", "rev-parse", "--verify", "-q", "HEAD"], capture_output=True, text=True, check=False)
    for name, text in files.items():
        Path(f"{name}.py").write_text(text)
    git("add", ".")
    git("commit", "--quiet", "--message", "change")
    return before.stdout.strip()


def run(action, runner, name, **environ):
    step = steps(action)[name]
    given = {key: environ.pop(key) for key in step["env"]}
    assert environ == {}
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
        env=runner | given,
        capture_output=True,
        text=True,
        check=False,
    )
    output = Path(runner["GITHUB_OUTPUT"])
    return done, dict(line.split("=", 1) for line in output.read_text().splitlines()) if output.exists() else {}


def check(action, runner, base, **environ):
    usual = {"BASE": base, "FAIL": "true", "FLAGS": "flags.json", "SCANNED": "."}
    return run(action, runner, "Check", **usual | environ)


def test_a_push_is_scanned_into_both_forms(action, runner):
    done, outputs = run(action, runner, "Scan", FLAGS="flags.json", SCANNED=".")

    assert done.returncode == 0, done.stderr
    scan = json.loads(Path(outputs["file"]).read_text())
    sarif = json.loads(Path(outputs["file"]).with_suffix(".sarif").read_text())
    assert [one["path"] for one in scan["references"]] == ["app.py", "flags.json"]
    assert len(sarif["runs"][0]["results"]) == 2


def test_a_push_without_a_flags_file_goes_into_the_record(action, runner, elsewhere):
    done, _ = run(
        action, runner | {"FLAGTRAIL_DATABASE_URL": f"sqlite:///{elsewhere}/r.db"}, "Scan", FLAGS="", SCANNED="."
    )

    assert done.returncode == 0, done.stderr
    assert (elsewhere / "r.db").is_file()


def test_a_pull_request_is_checked_against_the_code_before(action, runner):
    base = commit(app="", other="x = 1\n")

    done, outputs = check(action, runner, base)

    assert done.returncode == 0, done.stderr
    assert outputs == {"findings": "false"}
    assert done.stdout.startswith("::notice title=No code names the flag any more::")
    assert (
        subprocess.run(["git", "worktree", "list"], capture_output=True, text=True, check=True).stdout.count("\n") == 1
    )


def test_what_stands_against_a_pull_request_fails_and_is_shown_at_its_line(action, runner):
    Path("template.yaml").write_text(UNOWNED)
    base = commit()

    done, outputs = check(action, runner, base)

    assert (done.returncode, outputs) == (1, {"findings": "true"})
    assert done.stdout.splitlines()[0].startswith("::error file=template.yaml,line=5,")


def test_findings_may_only_be_shown(action, runner):
    Path("template.yaml").write_text(UNOWNED)

    done, outputs = check(action, runner, commit(), FAIL="false")

    assert (done.returncode, outputs) == (0, {"findings": "true"})
    assert "::error " in done.stdout


def test_a_base_that_cannot_be_had_is_no_failure(action, runner):
    done, outputs = check(action, runner, "0" * 40)

    assert (done.returncode, outputs) == (0, {"findings": "false"}), done.stderr


def test_a_folder_that_was_not_there_before_is_checked_alone(action, runner):
    Path("new").mkdir()
    Path("new/app.py").write_text(READS.replace("new-checkout", "new-chekout"))

    done, _ = check(action, runner, commit(), SCANNED="new")

    assert done.returncode == 1
    assert done.stdout.startswith("::error file=new/app.py,line=3,")


def test_bad_use_fails_even_where_findings_do_not(action, runner):
    done, outputs = check(action, runner, commit(x=""), SCANNED="nowhere", FAIL="false")

    assert (done.returncode, outputs) == (2, {})


@pytest.mark.proof
def test_it_installs_from_its_own_source_by_the_lock(action, runner, root):
    given = {"PYTHON": sys.executable, "SOURCE": str(root), "VERSION": ""}
    venv = Path(runner["RUNNER_TEMP"], "flagtrail", "venv")
    (venv / "bin" / "flagtrail").unlink()
    del runner["PYTHONPATH"]

    done, _ = run(action, runner, "Install Flagtrail", **given)

    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"flagtrail \d+\.\d+\.\d+\n", done.stdout)


def workflow(root):
    """Return the workflow that the page shows."""
    return yaml.safe_load(re.search(r"```yaml\n(.*?)```", (root / "docs" / "ci.md").read_text(), re.DOTALL)[1])


def test_the_page_shows_a_workflow_that_the_action_takes(root, action):
    (job,) = workflow(root)["jobs"].values()
    _, step = job["steps"]

    assert re.fullmatch(r"OWNER/flagtrail/deploy/github-action@COMMIT", step["uses"])
    assert set(step["with"]) <= set(action["inputs"])


def test_the_recipe_for_any_other_system_runs_as_written(root, runner):
    recipe = (root / "docs" / "ci.md").read_text().partition("## Any other system")[2]
    lines = re.search(r"```sh\n(.*?)```", recipe, re.DOTALL)[1].splitlines()
    commands = [line for line in lines if line.startswith(".flagtrail/bin/flagtrail ")]
    Path(".flagtrail/bin").mkdir(parents=True)
    Path(".flagtrail/bin/flagtrail").symlink_to(Path(runner["RUNNER_TEMP"], "flagtrail", "venv", "bin", "flagtrail"))

    scan, check_again = commands
    subprocess.run(["bash", "-ec", scan], env=runner, check=True)
    Path("template.yaml").write_text(UNOWNED)
    done = subprocess.run(["bash", "-ec", check_again], env=runner, check=False, capture_output=True, text=True)

    assert done.returncode == 1
    assert "new-flag-undeclared" in done.stdout
