"""What holds the house together: import rules, registrations, locks, and no host of a package registry."""

from __future__ import annotations

import json
import pkgutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from importlib import import_module
from types import ModuleType

import pytest
from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

from tests.house import check_locks

# What the Lambda must not pay for, or cannot even have: it is not in its package.
NOT_IN_THE_LAMBDA = {
    "ahocorasick_rs", "alembic", "apscheduler", "click", "jinja2", "libcst",
    "pydantic", "reports", "rich", "scanners", "tree_sitter", "yaml",
}  # fmt: skip
# Packages whose every module is a part to be registered, and the modules that only help them.
REGISTRIES = {
    "auditor.adapters.channels": set(),
    "auditor.adapters.sources": set(),
    "auditor.entrypoints.commands": set(),
    "auditor.policies": {"base"},
    "reports": {"bars", "charts", "formats", "render"},
    "scanners.languages": {"base", "python"},  # Python is read by the engine itself: it is joined across files
}
HOSTS = ("pypi" + ".org", "pythonhosted" + ".org", "npmjs" + ".org", "npmjs" + ".com", "anaconda" + ".org")


def test_imports_go_one_way(root, monkeypatch, capsys):
    monkeypatch.chdir(root)

    status = lint_imports(str(root / "pyproject.toml"), no_cache=True, no_logo=True)

    assert status == EXIT_STATUS_SUCCESS, capsys.readouterr().out


def test_the_handler_loads_only_what_it_needs(root, unmeasured):
    program = "import auditor.entrypoints.lambda_handler, json, sys; print(json.dumps(sorted(sys.modules)))"
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=root, env=unmeasured, check=True, stdout=subprocess.PIPE)
    loaded = {name.partition(".")[0] for name in json.loads(done.stdout)}

    assert "auditor" in loaded
    assert loaded & NOT_IN_THE_LAMBDA == set()


def parts(package: ModuleType) -> set[str]:
    """Names of a package's parts: of all modules but those that help the others."""
    found = {module.name for module in pkgutil.iter_modules(package.__path__)}
    return {name for name in found - REGISTRIES.get(package.__name__, set()) if not name.startswith("_")}


def collections(package: ModuleType) -> list[object]:
    """Return what a package keeps its parts in."""
    values = [value for name, value in vars(package).items() if not name.startswith("__")]
    return [value for value in values if isinstance(value, dict | tuple | list | frozenset)]


def registered(package: ModuleType) -> set[str]:
    """Names of the parts that the package's own collections lead to, by object or by name."""
    places = homes(collections(package))
    inside = f"{package.__name__}."
    return {place.removeprefix(inside).partition(".")[0] for place in places if place.startswith(inside)}


def homes(values: Iterable[object]) -> Iterator[str]:
    """Yield the module each value comes from; a text names its module itself, before a colon."""
    for value in values:
        if isinstance(value, dict):
            yield from homes(value.values())
        elif isinstance(value, tuple | list | frozenset):
            yield from homes(value)
        elif isinstance(value, str):
            yield value.partition(":")[0]
        elif isinstance(value, ModuleType):
            yield value.__name__
        else:
            yield getattr(value, "__module__", type(value).__module__)


@pytest.mark.parametrize("name", REGISTRIES)
def test_every_part_is_registered(name):
    package = import_module(name)

    assert parts(package)
    assert parts(package) - registered(package) == set()


@pytest.mark.parametrize("name", REGISTRIES)
def test_what_is_registered_by_name_is_there(name):
    tables = [value for value in collections(import_module(name)) if isinstance(value, dict)]

    for text in (text for table in tables for text in table.values() if isinstance(text, str) and ":" in text):
        module, _, attribute = text.partition(":")
        assert hasattr(import_module(module), attribute), text


def test_a_part_left_out_would_be_seen(tmp_path, monkeypatch):
    folder = tmp_path / "parts_for_test"
    folder.mkdir()
    (folder / "__init__.py").write_text("from parts_for_test.known import Known\nPARTS = {'known': Known}\n")
    for part in ("known", "forgotten", "_shared"):
        (folder / f"{part}.py").write_text("class Known: ...\n")
    monkeypatch.syspath_prepend(tmp_path)
    package = import_module("parts_for_test")

    assert parts(package) - registered(package) == {"forgotten"}


def test_locks_pin_by_hash_and_name_no_host(capsys):
    assert check_locks.main() == 0, capsys.readouterr().err


def test_no_file_names_a_package_registry(root):
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=root, check=True, stdout=subprocess.PIPE).stdout
    paths = [root / name for name in listed.decode().split("\0") if name]
    texts = {path: path.read_bytes() for path in paths if path.is_file()}

    assert texts
    assert [path for path, text in texts.items() if any(host.encode() in text for host in HOSTS)] == []
