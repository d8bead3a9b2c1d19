"""Bytecode for the Lambda's interpreter: the function's folder is read-only, so it could never keep its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

# Where Lambda unpacks a package and a layer: what a traceback should name.
TASK_ROOT = "/var/task"
LAYER_ROOT = "/opt"
_ASK = "import platform; print(platform.python_implementation(), '.'.join(platform.python_version_tuple()[:2]))"


def interpreter(python: str, offered: Iterable[str] = ()) -> str | None:
    """Return a CPython of this minor version among those offered or found, or ``None``: no other may compile for it."""
    found = shutil.which(f"python{python}")
    candidates = [*offered, sys.executable, *([found] if found else [])]
    return next((candidate for candidate in candidates if version(candidate) == python), None)


def version(program: str) -> str | None:
    """Return the minor version of a CPython (``3.13``), or ``None`` for anything else."""
    try:
        asked = subprocess.run([program, "-I", "-c", _ASK], check=False, capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return None
    implementation, _, number = asked.stdout.strip().partition(" ")
    return number if asked.returncode == 0 and implementation == "CPython" else None


def compile_folder(folder: Path, program: str, root: str = TASK_ROOT) -> None:
    """Compile every module as if it stood under ``root``; raise CalledProcessError when one cannot be.

    Python takes unchecked bytecode without looking at the source, so that dates do not matter. One process and a
    fixed seed give the same bytes each time.
    """
    command = [
        *(program, "-I", "-m", "compileall", "-q", "-j", "1", "--invalidation-mode", "unchecked-hash"),
        *("-s", str(folder), "-p", root, str(folder)),
    ]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    subprocess.run(command, check=True, env={**environment, "PYTHONHASHSEED": "0"})
