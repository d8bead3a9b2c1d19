"""The container image's definition: pinned, hashed, small, and not root; it is read here, for there is no engine."""

from __future__ import annotations

import json
import re
import tomllib

import pytest
from pathspec import GitIgnoreSpec

from tests.support.dockerfile import stages


@pytest.fixture
def image(root):
    return stages((root / "deploy" / "Dockerfile").read_text())


def instructions(image, word):
    return [rest for stage in image for rest in stage.all(word)]


def test_bases_are_pinned_by_tag_and_name_no_registry(image):
    bases = [stage.image for stage in image]

    assert all(re.fullmatch(r"python:\d+\.\d+-slim-[a-z]+", base) for base in bases), bases
    assert len(set(bases)) == 1, "what was built for one system runs on another"


def test_what_pip_installs_is_locked_by_hashes_or_was_built_here(image):
    installs = [
        part for rest in instructions(image, "RUN") for part in rest.split("&&") if re.search(r"\bpip install\b", part)
    ]

    assert len(installs) == 3
    assert [i for i in installs if "--require-hashes" not in i and "--no-index" not in i] == []
    assert [i for i in installs if "--no-deps" not in i] == []


def test_nothing_is_fetched_besides(image):
    assert instructions(image, "ADD") == []
    assert [rest for rest in instructions(image, "RUN") if re.search(r"https?:|curl|wget|apt|git ", rest)] == []


def test_it_does_not_run_as_root(image):
    last = image[-1]
    (user,) = last.all("USER")
    words = [one.word for one in last.instructions]

    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", user)
    assert not {"COPY", "RUN"} & set(words[words.index("USER") :])


def test_it_runs_the_service_without_a_shell_between(image):
    assert [json.loads(rest) for rest in image[-1].all("ENTRYPOINT")] == [["flagtrail"]]
    assert [json.loads(rest) for rest in image[-1].all("CMD")] == [["run"]]


def test_no_secret_and_no_setting_of_a_deployment_is_baked_in(image):
    assert instructions(image, "ARG") == []
    assert not re.search(r"(?i)token|secret|password|database|AWS_", " ".join(instructions(image, "ENV")))


def copied(image):
    """Return what comes from the repository."""
    return [word for rest in image[0].all("COPY") for word in rest.split()[:-1]]


def test_what_is_copied_is_there_and_reaches_the_builder(image, root):
    ignored = GitIgnoreSpec.from_lines((root / ".dockerignore").read_text().splitlines())

    assert all((root / name).exists() for name in copied(image))
    assert [name for name in copied(image) if ignored.match_file(name)] == []


def test_what_is_not_needed_does_not_reach_the_builder(root):
    ignored = GitIgnoreSpec.from_lines((root / ".dockerignore").read_text().splitlines())
    kept_out = ["flagtrail.db", ".git/config", ".env", "tests/conftest.py", "flagtrail.toml", "examples/x", "build/x"]

    assert [name for name in kept_out if not ignored.match_file(name)] == []


def test_every_package_of_the_wheel_is_copied(image, root):
    project = tomllib.loads((root / "pyproject.toml").read_text())

    assert set(project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]) <= set(copied(image))
    assert {project["project"]["readme"], *project["project"]["license-files"]} <= set(copied(image))
