"""Build the Lambda packages in ``dist/lambda/`` and their layers in ``dist/layer/``: same source, same bytes.

A package holds what records and tells. Its layer adds what two jobs alone need: the page of the week, and the
upgrade of the database.
"""

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
from deploy.packaging.bytecode import LAYER_ROOT, TASK_ROOT, compile_folder, interpreter
from deploy.packaging.contents import CERTIFICATES, LAYER_LIBRARIES, belongs, members
from deploy.packaging.locks import function_lock, layer_lock

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

    @property
    def layer(self) -> str:
        """Return the layer's file name."""
        return f"flagtrail-layer-python{self.python}-{self.architecture}.zip"

    @property
    def needs_older_driver(self) -> bool:
        """Tell whether PostgreSQL's newest driver is built for a newer C library than this runtime has."""
        return (self.python, self.architecture) == ("3.11", "arm64")

    def download(self, lock: Path, folder: Path) -> None:
        """Fetch the wheels of a lock for this target into a folder of its own; raise CalledProcessError on failure."""
        tags = [f"{tag}_{PLATFORMS[self.architecture]}" for tag in PYTHONS.get(self.python, _NEW)]
        command = [
            *(sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "download", "--quiet"),
            *("--require-hashes", "--no-deps", "--only-binary", ":all:", "--dest", str(folder)),
            *("--implementation", "cp", "--python-version", self.python),
            *(word for tag in tags for word in ("--platform", tag)),
            *("-r", str(lock)),
        ]
        subprocess.run(command, check=True)


@dataclass(frozen=True, slots=True)
class Plan:
    """What to build, and from what: ``config`` is the ``flagtrail.toml`` that goes along, as are ``certificates``."""

    targets: tuple[Target, ...]
    out: Path
    layers: Path
    config: Path | None = None
    certificates: Path | None = None
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
    """Build one package after the other, each followed by its layer."""
    for target in plan.targets:
        program = interpreter(target.python, plan.interpreters)
        for make, archive, root in (
            (_lay_function, plan.out / target.name, TASK_ROOT),
            (_lay_layer, plan.layers / target.layer, LAYER_ROOT),
        ):
            with tempfile.TemporaryDirectory(prefix="flagtrail-package-") as name:
                folder = make(plan, target, Path(name))
                if program is not None:
                    compile_folder(folder, program, root)
                pack(folder, archive)
            yield Package(archive, compiled=program is not None)


def _lay_function(plan: Plan, target: Target, work: Path) -> Path:
    """Lay out what records and tells."""
    folder = work / "package"
    _install(function_lock(older_driver=target.needs_older_driver), target, work, folder)
    _copy("auditor", folder)
    if plan.config is not None:
        shutil.copyfile(plan.config, folder / CONFIG_FILE)
    if plan.certificates is not None:
        shutil.copyfile(plan.certificates, folder / CERTIFICATES)
    return folder


def _lay_layer(_plan: Plan, target: Target, work: Path) -> Path:
    """Lay out what only the weekly page and the upgrade of the database need, as Lambda adds it to the path."""
    folder = work / "package"
    _install(layer_lock(LAYER_LIBRARIES), target, work, folder / "python")
    _copy("reports", folder / "python")
    return folder


def _install(lock: str, target: Target, work: Path, folder: Path) -> None:
    requirements, wheels = work / "lock.txt", work / "wheels"
    requirements.write_text(lock, encoding="utf-8")
    target.download(requirements, wheels)
    for wheel in sorted(wheels.glob("*.whl")):
        unpack(wheel, folder)


def _copy(package: str, folder: Path) -> None:
    shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))


def parse(arguments: list[str] | None) -> Plan:
    """Read the command line; exit with a sentence where it cannot be followed."""
    parser = argparse.ArgumentParser(prog="python -m deploy.packaging.lambda_zip", description=__doc__)
    parser.add_argument("--python", action="append", choices=PYTHONS, help="Lambda runtime (default: each)")
    parser.add_argument("--architecture", action="append", choices=PLATFORMS, help="processor (default: each)")
    parser.add_argument("--here", action="store_true", help="only what this machine can run")
    parser.add_argument("--config", type=Path, help="a flagtrail.toml to put into the package")
    parser.add_argument("--certificates", type=Path, help="the database's certificates (PEM) to put into the package")
    parser.add_argument("--interpreter", action="append", default=[], help="a Python that may compile bytecode")
    parser.add_argument("--out", type=Path, default=ROOT / "dist" / "lambda", help="folder for packages")
    parser.add_argument("--layers", type=Path, default=ROOT / "dist" / "layer", help="folder for their layers")
    options = parser.parse_args(arguments)
    if options.config is not None:
        _check(options.config, parser)
    if options.certificates is not None and not options.certificates.is_file():
        parser.error(f"{options.certificates}: no such file")
    asked = [Target(p, a) for p in options.python or PYTHONS for a in options.architecture or PLATFORMS]
    targets = [Target.here()] if options.here else asked
    return Plan(
        tuple(targets), options.out, options.layers, options.config, options.certificates, tuple(options.interpreter)
    )


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
