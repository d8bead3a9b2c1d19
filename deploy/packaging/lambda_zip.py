"""Build the Lambda packages in ``dist/lambda/``: the same bytes from the same sources."""

from __future__ import annotations

import argparse
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from auditor.configuration.loader import load_file
from auditor.domain.errors import ConfigurationError
from auditor.settings import CONFIG_FILE
from deploy.packaging.bytecode import compile_folder, interpreter
from deploy.packaging.contents import belongs, members

ROOT = Path(__file__).resolve().parents[2]
PLATFORMS = {"x86_64": "x86_64", "arm64": "aarch64"}
# What a runtime's C library can load: Python 3.11 runs on Amazon Linux 2 (glibc 2.26), later ones on 2023 (2.34).
_OLD, _NEW = ("manylinux_2_17", "manylinux2014"), ("manylinux_2_28", "manylinux_2_17", "manylinux2014")
PYTHONS = {"3.11": _OLD, "3.12": _NEW, "3.13": _NEW}
# Lambda unpacks to read-only files; the date is the oldest a zip can hold.
DATE = (1980, 1, 1, 0, 0, 0)
FILE, PROGRAM = 0o100644 << 16, 0o100755 << 16


@dataclass(frozen=True, slots=True)
class Target:
    """A Lambda runtime on an architecture."""

    python: str
    architecture: str

    @classmethod
    def here(cls) -> Target:
        """Return the one whose package this machine can run."""
        architecture = next(name for name, machine in PLATFORMS.items() if platform.machine() in {name, machine})
        return cls(f"{sys.version_info.major}.{sys.version_info.minor}", architecture)

    @property
    def name(self) -> str:
        """Return the package's file name, in Lambda's own words."""
        return f"flagtrail-python{self.python}-{self.architecture}.zip"

    def download(self, folder: Path) -> None:
        """Fetch the locked wheels for this target into a folder of its own; raise CalledProcessError on failure."""
        tags = [f"{tag}_{PLATFORMS[self.architecture]}" for tag in PYTHONS.get(self.python, _NEW)]
        command = [
            *(sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "download", "--quiet"),
            *("--require-hashes", "--no-deps", "--only-binary", ":all:", "--dest", str(folder)),
            *("--implementation", "cp", "--python-version", self.python),
            *(word for tag in tags for word in ("--platform", tag)),
            *("-r", str(ROOT / "requirements" / "lambda.txt")),
        ]
        subprocess.run(command, check=True)


# PostgreSQL's driver is built for a newer C library than this runtime has.
NOT_POSSIBLE = frozenset({Target("3.11", "arm64")})


@dataclass(frozen=True, slots=True)
class Plan:
    """What to build, and from what: ``config`` is the ``flagtrail.toml`` that goes along."""

    targets: tuple[Target, ...]
    out: Path
    config: Path | None = None
    interpreters: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Package:
    """A package that was built; ``compiled`` tells whether it carries bytecode."""

    path: Path
    compiled: bool

    def __str__(self) -> str:
        content = self.path.read_bytes()
        kept = "with bytecode" if self.compiled else "sources only: no such Python here to compile with"
        digest = hashlib.sha256(content).hexdigest()
        return f"{self.path}  {len(content) / 1e6:.1f} MB  {kept}  sha256 {digest}"


def pack(folder: Path, archive: Path) -> None:
    """Write a folder into a zip that depends on names and contents alone."""
    archive.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as package:
        for path in members(folder):
            entry = zipfile.ZipInfo(path.as_posix(), DATE)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3  # the rights below are those of Unix
            entry.external_attr = PROGRAM if path.suffix == ".so" or ".so." in path.name else FILE
            package.writestr(entry, (folder / path).read_bytes())


def unpack(wheel: Path, folder: Path) -> None:
    """Lay a wheel's modules out as they are imported; raise ValueError where that takes more than unpacking."""
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if not name.endswith("/")]
        if any(".data/" in name and ".data/scripts/" not in name for name in names):
            raise ValueError(f"{wheel.name} has files that an installer would put elsewhere")
        archive.extractall(folder, [name for name in names if belongs(PurePosixPath(name))])


def build(plan: Plan) -> Iterator[Package]:
    """Build one package after the other."""
    for target in plan.targets:
        with tempfile.TemporaryDirectory(prefix="flagtrail-package-") as name:
            yield _build(plan, target, Path(name))


def _build(plan: Plan, target: Target, work: Path) -> Package:
    wheels, folder = work / "wheels", work / "package"
    target.download(wheels)
    for wheel in sorted(wheels.glob("*.whl")):
        unpack(wheel, folder)
    shutil.copytree(ROOT / "auditor", folder / "auditor", ignore=shutil.ignore_patterns("__pycache__"))
    if plan.config is not None:
        shutil.copyfile(plan.config, folder / CONFIG_FILE)
    program = interpreter(target.python, plan.interpreters)
    if program is not None:
        compile_folder(folder, program)
    archive = plan.out / target.name
    pack(folder, archive)
    return Package(archive, compiled=program is not None)


def parse(arguments: list[str] | None) -> Plan:
    """Read the command line; exit with a sentence where it cannot be followed."""
    parser = argparse.ArgumentParser(prog="python -m deploy.packaging.lambda_zip", description=__doc__)
    parser.add_argument("--python", action="append", choices=PYTHONS, help="Lambda runtime (default: each)")
    parser.add_argument("--architecture", action="append", choices=PLATFORMS, help="processor (default: each)")
    parser.add_argument("--here", action="store_true", help="only what this machine can run")
    parser.add_argument("--config", type=Path, help="a flagtrail.toml to put into the package")
    parser.add_argument("--interpreter", action="append", default=[], help="a Python that may compile bytecode")
    parser.add_argument("--out", type=Path, default=ROOT / "dist" / "lambda", help="folder to write to")
    options = parser.parse_args(arguments)
    if options.config is not None:
        _check(options.config, parser)
    asked = [Target(p, a) for p in options.python or PYTHONS for a in options.architecture or PLATFORMS]
    targets = [Target.here()] if options.here else [target for target in asked if target not in NOT_POSSIBLE]
    if not targets:
        parser.error("Lambda's Python 3.11 on arm64 cannot load the PostgreSQL driver; take 3.12 or later")
    return Plan(tuple(targets), options.out, options.config, tuple(options.interpreter))


def _check(config: Path, parser: argparse.ArgumentParser) -> None:
    """Refuse a configuration that the function could not load, or that holds what belongs into a secret."""
    try:
        settings = load_file(config, os.environ)
    except ConfigurationError as error:
        parser.error(str(error))
    if urlsplit(settings.database_url).password:
        parser.error(f"{config}: a password does not belong into a package; the template takes it from a secret")


def main(arguments: list[str] | None = None) -> int:
    """Build the packages asked for and print size, bytecode and digest of each."""
    for package in build(parse(arguments)):
        print(package, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
