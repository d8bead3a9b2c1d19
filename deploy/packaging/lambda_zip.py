"""Build the Lambda packages in ``dist/lambda/``: the same bytes from the same sources."""

from __future__ import annotations

import argparse
import hashlib
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PLATFORMS = {"x86_64": "x86_64", "arm64": "aarch64"}
# Lambda unpacks to read-only files; the date is the oldest a zip can hold.
DATE = (1980, 1, 1, 0, 0, 0)
FILE, PROGRAM = 0o100644 << 16, 0o100755 << 16
LEFT_OUT_FOLDERS = {"__pycache__", "bin"}
# Notes of the installer: they name paths of the machine that built the package.
LEFT_OUT_FILES = {"RECORD", "INSTALLER", "REQUESTED", "direct_url.json"}


def install(target: Path, machine: str, python: str) -> None:
    """Install the locked dependencies for another machine; raise CalledProcessError when pip refuses."""
    platforms = (f"manylinux_2_28_{machine}", f"manylinux_2_17_{machine}", f"manylinux2014_{machine}")
    command = [
        *(sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "install", "--quiet"),
        *("--require-hashes", "--no-deps", "--no-compile", "--only-binary", ":all:", "--target", str(target)),
        *("--implementation", "cp", "--python-version", python),
        *(word for platform in platforms for word in ("--platform", platform)),
        *("-r", str(ROOT / "requirements" / "lambda.txt")),
    ]
    subprocess.run(command, check=True)


def members(folder: Path) -> Iterator[Path]:
    """Yield the files that belong into a package, relative to its folder, in one order everywhere."""
    files = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    for path in sorted(files, key=Path.as_posix):
        if LEFT_OUT_FOLDERS.isdisjoint(path.parts[:-1]) and path.name not in LEFT_OUT_FILES:
            yield path


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


def build(architecture: str, python: str, out: Path) -> Path:
    """Build the package of one architecture and return its path."""
    archive = out / f"flagtrail-{architecture}.zip"
    with tempfile.TemporaryDirectory(prefix="flagtrail-package-") as name:
        folder = Path(name)
        install(folder, PLATFORMS[architecture], python)
        shutil.copytree(ROOT / "auditor", folder / "auditor", ignore=shutil.ignore_patterns("__pycache__"))
        pack(folder, archive)
    return archive


def main(arguments: list[str] | None = None) -> int:
    """Build the packages asked for and print size and digest of each."""
    parser = argparse.ArgumentParser(description="Build the Lambda packages.")
    parser.add_argument("--python", default="3.13", help="the Lambda runtime's Python (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=ROOT / "dist" / "lambda", help="folder to write to")
    parser.add_argument("architecture", nargs="*", default=list(PLATFORMS), help=" or ".join(PLATFORMS))
    options = parser.parse_args(arguments)
    for architecture in options.architecture:
        if architecture not in PLATFORMS:
            parser.error(f"unknown architecture {architecture!r}: {' or '.join(PLATFORMS)}")
        archive = build(architecture, options.python, options.out)
        content = archive.read_bytes()
        print(f"{archive}  {len(content) / 1e6:.1f} MB  sha256 {hashlib.sha256(content).hexdigest()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
