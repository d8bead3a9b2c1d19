"""A large public corpus of Python with known flags, made from packages of the Python package index.

The packages are pinned; only their Python files are unpacked, nothing of them is ever run. Sentry's own registered
features are among the keys; reads of the others are planted at places that a fixed seed chooses.
"""

from __future__ import annotations

import json
import random
import re
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

PACKAGES = (
    "sentry==23.7.1",
    "homeassistant==2024.3.3",
    "apache-superset==6.1.0",
    "apache-airflow-core==3.0.0",
    "django==5.1",
    "wagtail==6.3",
    "saleor==2.10.1",
    "ansible-core==2.17.0",
    "aws-lambda-powertools==3.3.0",
    "boto3==1.35.0",
    "twisted==24.11.0",
    "sqlalchemy==2.0.36",
    "mypy==1.13.0",
)
KEYS = 367
_FEATURE = re.compile(r"[\"']((?:organizations|projects|auth|users):[a-z0-9-]+)[\"']")
_REGISTRIES = ("sentry/conf/server.py", "sentry/features/__init__.py")
_DIRECT = '''

def _planted_{n}(ssm):
    """Planted."""
    return ssm.get_parameter(Name="{key}")["Parameter"]["Value"] == "true"
'''
_BY_CONSTANT = """

_PLANTED_{n} = "{key}"


def _planted_{n}():
    import boto3

    return boto3.client("ssm").get_parameter(Name=_PLANTED_{n})
"""
_BY_IMPORT = """

def _planted_{n}():
    from planted_keys import FLAG_{n}
    from aws_lambda_powertools.utilities import parameters

    return parameters.get_parameter(FLAG_{n})
"""
_FORMS = (_DIRECT, _BY_CONSTANT, _BY_IMPORT)
_PLACES_OF_A_KEY = 2
_PLANTED_IN = range(2_000, 60_000)
CONFIGURATION = """
[[scan.accessor]]
callable = "sentry.features.has"
key = 0
returns = "bool"
"""


@dataclass(frozen=True, slots=True)
class Corpus:
    """A git checkout of Python files, the flags to look for in it, and a configuration that names one reader."""

    tree: Path
    flags: Path
    keys: Path
    configuration: Path
    files: int
    size: int


def corpus(folder: Path) -> Corpus:
    """Return the corpus of a folder, made first where it is not there yet."""
    if not (folder / "flags.json").exists():
        _assemble(folder)
    files = list((folder / "tree").rglob("*.py"))
    size = sum(file.stat().st_size for file in files)
    flags, keys, configuration = (folder / name for name in ("flags.json", "keys.txt", "flagtrail.toml"))
    return Corpus(folder / "tree", flags, keys, configuration, len(files), size)


def _assemble(folder: Path) -> None:
    tree, wheels = folder / "tree", folder / "packages"
    tree.mkdir(parents=True, exist_ok=True)
    for package in PACKAGES:
        _unpack(_download(package, wheels), tree)
    features = sorted({key for name in _REGISTRIES for key in _FEATURE.findall((tree / name).read_text())})
    planted = [f"/shop/prod/features/planted-{number}" for number in range(KEYS - len(features))]
    _plant(tree, planted)
    keys = [*features, *planted]
    flags = [{"key": key, "provider": "ssm" if key.startswith("/") else "generic"} for key in keys]
    (folder / "keys.txt").write_text("\n".join(keys) + "\n")
    (folder / "flagtrail.toml").write_text(CONFIGURATION)
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "The corpus"]):
        identity = ["-c", "user.name=bench", "-c", "user.email=bench@example.org", "-c", "gc.auto=0"]
        subprocess.run(["git", "-C", str(tree), *identity, *words], check=True)  # noqa: S607 -- the git of the PATH
    (folder / "flags.json").write_text(json.dumps(flags))


def _download(package: str, wheels: Path) -> Path:
    wanted = package.replace("==", "-").replace("-", "_").lower()
    for attempt in range(2):
        found = [file for file in wheels.glob("*.whl") if file.name.replace("-", "_").lower().startswith(wanted)]
        if found:
            return found[0]
        if attempt == 0:
            options = ["--no-deps", "--ignore-requires-python", "--only-binary", ":all:", "--platform", "any"]
            pip = [sys.executable, "-m", "pip", "download", "-q", *options, "--python-version", "3.12"]
            subprocess.run([*pip, package, "-d", str(wheels)], check=True)
    raise SystemExit(f"pip made no wheel of {package}")


def _unpack(wheel: Path, tree: Path) -> None:
    """Take the Python files out; a name that leads out of the tree is refused by ``extract`` itself."""
    with zipfile.ZipFile(wheel) as archive:
        for entry in archive.infolist():
            if entry.filename.endswith(".py") and ".dist-info/" not in entry.filename:
                archive.extract(entry, tree)


def _plant(tree: Path, keys: Sequence[str]) -> None:
    chance = random.Random(1)  # noqa: S311 -- the same places each time
    files = sorted(file for file in tree.rglob("*.py") if file.stat().st_size in _PLANTED_IN)
    for number, key in enumerate(keys):
        for file in chance.sample(files, _PLACES_OF_A_KEY):
            form = _FORMS[number % len(_FORMS)].format(n=number, key=key)
            file.write_bytes(file.read_bytes() + form.encode())
    constants = "".join(f'FLAG_{number} = "{key}"\n' for number, key in enumerate(keys))
    (tree / "planted_keys.py").write_text(constants)
