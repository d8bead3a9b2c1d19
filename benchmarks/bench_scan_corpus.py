"""A scan of public Python code against searching its text and against semgrep, on the same files in the same run.

The code comes from the Python package index (``benchmarks._corpus``): a part of it, or with ``--whole`` about 17,000
files of 108 MB. Each command runs as a process of its own; processor time is that of the process and all its
children; of what is measured several times in turn the median is told, of ratios that of the pairs. ``rg`` and
``semgrep`` are compared where they are installed. Memory is looked at in runs of their own, since looking takes time
from two cores. The scanner's code is compiled before, as an installer does it.
"""

from __future__ import annotations

import argparse
import compileall
import gc
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import libcst

import auditor
import scanners
from benchmarks._corpus import Corpus, corpus
from scanners.cache import Facts, open_cache
from scanners.languages.base import SourceFile
from scanners.languages.python.lower import module_tree
from scanners.languages.python.quick import folded_tree
from scanners.repository import list_files

PART = "sentry"
CHANGED = 10
PAIRS = 3
FIRST, UNCHANGED, TEN = "first scan", "nothing changed", f"{CHANGED} files changed"
RG, SEMGREP = "rg -F -f keys", "semgrep, six patterns"
# Six ways to ask for a flag; the command line wants them in a file.
PATTERNS = (
    "features.has($X, ...)",
    "$S.get_parameter(..., Name=$X, ...)",
    "parameters.get_parameter($X, ...)",
    "$F.evaluate(..., name=$X, ...)",
    "$C.variation($X, ...)",
    "$C.get_boolean_value($X, ...)",
)
WANTED_OF_SEMGREP, WANTED_OF_RG, WANTED_OF_FIRST, WANTED_OF_PARSE, WANTED_MB = 0.5, 3.0, 0.1, 1.3, 400


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds that passed, and seconds of processor time."""

    wall: float
    cpu: float


def main() -> None:
    """Print what each command costs, and the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("build/corpus"), help="where the code is, or will be")
    parser.add_argument("--whole", action="store_true", help="all packages, not only one")
    options = parser.parse_args()
    made = corpus(options.folder)
    tree = made.tree if options.whole else made.tree / PART
    with tempfile.TemporaryDirectory() as folder:
        report(made, tree, Path(folder))
    followed, judging = parsing(made, tree)
    print(f"the tree that is followed, against libcst alone    {followed:.2f}   (wanted: {WANTED_OF_PARSE})")
    print(f"the tree that libcst judges by, against the same   {judging:.2f}   (wanted: {WANTED_OF_PARSE})")


def report(made: Corpus, tree: Path, folder: Path) -> None:
    """Run the commands in turn, several times, and print the table."""
    for package in (auditor, scanners):
        compileall.compile_dir(Path(str(package.__file__)).parent, quiet=1)
    for file in tree.rglob("*"):
        if file.is_file():
            file.read_bytes()  # nobody pays for the disk
    words = ["--config", str(made.configuration), "scan", str(tree), "--flags", str(made.flags), "--format", "json"]
    code = "from auditor.entrypoints.cli import main; main()"
    scan = [sys.executable, "-c", code, *words]
    tools = {RG: ["rg", "-F", "-f", str(made.keys), str(tree)], SEMGREP: _semgrep(folder, tree)}
    for name in [name for name, command in tools.items() if shutil.which(command[0]) is None]:
        print(f"{name} is not installed: not compared", file=sys.stderr)
        del tools[name]
    rounds = [_round(scan, tools, tree, folder / f"cache-{number}") for number in range(PAIRS)]
    other = os.environ | {"FLAGTRAIL_CACHE_DIR": str(folder / "other")}
    peaks = {FIRST: _peak(scan, other)}
    if SEMGREP in tools:
        peaks[SEMGREP] = _peak(tools[SEMGREP], dict(os.environ))
    found = json.loads(measured(scan, other)[1])
    print(f"{tree.name}: {len(found['references'])} references; medians of {PAIRS} runs in turn")
    for name in (FIRST, UNCHANGED, TEN, *tools):
        wall = statistics.median(each[name].wall for each in rounds)
        cpu = statistics.median(each[name].cpu for each in rounds)
        memory = f"   memory {peaks[name]:5.0f} MB" if name in peaks else ""
        print(f"  {name:24} {wall:7.2f} s   processor {cpu:7.2f} s{memory}")
    _ratio("first scan of semgrep", FIRST, SEMGREP, rounds, WANTED_OF_SEMGREP)
    _ratio("nothing changed of rg", UNCHANGED, RG, rounds, WANTED_OF_RG)
    _ratio(f"{CHANGED} files changed of first scan", TEN, FIRST, rounds, WANTED_OF_FIRST)
    parsed = _parsed(folder / "cache-0", tree)
    print(f"  parsed, or looked into by a quick tree, in the first scan: {parsed} files")
    print(f"  memory of the first scan {peaks[FIRST]:.0f} MB (wanted: {WANTED_MB})")


def _round(scan: Sequence[str], tools: Mapping[str, Sequence[str]], tree: Path, cache: Path) -> dict[str, Cost]:
    """Run each command once, the scans with a cache of their own; the first scan before the others and after them.

    A machine that is at work for half a minute becomes slower: the mean of both is held against what ran between.
    """
    environ = os.environ | {"FLAGTRAIL_CACHE_DIR": str(cache)}
    before, found = measured(scan, environ)
    costs = {name: measured(command, environ)[0] for name, command in tools.items()}
    after, _ = measured(scan, environ | {"FLAGTRAIL_CACHE_DIR": f"{cache}-again"})
    costs[FIRST] = Cost((before.wall + after.wall) / 2, (before.cpu + after.cpu) / 2)
    measured(scan, environ)
    costs[UNCHANGED], again = measured(scan, environ)
    assert again == found
    costs[TEN] = _with_changes(tree, lambda: measured(scan, environ)[0])
    return costs


def _parsed(folder: Path, tree: Path) -> int:
    """Count the files of which a cache says what a parser told: their trees, their names, or that they only speak."""
    held = open_cache(folder)
    assert held is not None
    facts = Facts.of(held, str(tree), list_files(str(tree)).files)
    return sum(len(facts.table(name).held) for name in ("trees", "outlines", "silent"))


def _ratio(name: str, one: str, other: str, rounds: Sequence[Mapping[str, Cost]], wanted: float) -> None:
    if other not in rounds[0]:
        return
    walls = [each[one].wall / each[other].wall for each in rounds]
    wall, cpu = statistics.median(walls), statistics.median(each[one].cpu / each[other].cpu for each in rounds)
    spread = f"{min(walls):.2f} to {max(walls):.2f}"
    print(f"  {name:32} {wall:5.2f} of the time ({spread}), {cpu:5.2f} of the processor time   (wanted: {wanted:g})")


def _semgrep(folder: Path, tree: Path) -> list[str]:
    rules = [
        {"id": f"r{number}", "languages": ["python"], "severity": "INFO", "message": "read", "pattern": pattern}
        for number, pattern in enumerate(PATTERNS)
    ]
    file = folder / "rules.json"
    file.write_text(json.dumps({"rules": rules}))
    options = ["--metrics=off", "--disable-version-check", "-q", "-j", str(os.cpu_count()), "--json"]
    return ["semgrep", "scan", *options, "--config", str(file), str(tree)]


def measured(command: Sequence[str], environ: dict[str, str]) -> tuple[Cost, bytes]:
    """Run a command to its end; return its cost and what it printed."""
    before, began = os.times(), time.perf_counter()
    printed = subprocess.run(command, stdout=subprocess.PIPE, env=environ, check=False).stdout
    wall, after = time.perf_counter() - began, os.times()
    cpu = after.children_user - before.children_user + after.children_system - before.children_system
    return Cost(wall, cpu), printed


def _peak(command: Sequence[str], environ: dict[str, str]) -> float:
    """Return the most memory in MB that all processes of a command held together."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environ) as process:
        peak = _Peak(process.pid)
        peak.start()
    peak.join()
    return peak.most / (1 << 20)


class _Peak(threading.Thread):
    """Watches how much memory a process and its children hold, shared pages in shares."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.pid, self.most = pid, 0

    def run(self) -> None:
        """Look until the process is gone."""
        while Path(f"/proc/{self.pid}/smaps_rollup").exists():
            with suppress(OSError):
                self.most = max(self.most, sum(map(_held, _family(self.pid))))
            time.sleep(0.05)


def _family(pid: int) -> list[int]:
    found = [pid]
    for one in found:
        with suppress(OSError):
            found += [int(child) for child in Path(f"/proc/{one}/task/{one}/children").read_text().split()]
    return found


def _held(pid: int) -> int:
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) << 10
    return 0


def _with_changes(tree: Path, work: Callable[[], Cost]) -> Cost:
    """Do the work while ten files that hold keys and readers are changed."""
    files = sorted(tree.rglob("*.py"), key=lambda file: file.stat().st_size)[-CHANGED * 40 :: 40]
    before = {file: file.read_bytes() for file in files}
    try:
        for file, data in before.items():
            file.write_bytes(data + b"\n_CHANGED = 1\n")
        return work()
    finally:
        for file, data in before.items():
            file.write_bytes(data)


def parsing(made: Corpus, tree: Path) -> tuple[float, float]:
    """Return how long a worker takes for the trees of files, against ``libcst.parse_module`` of the same files.

    The first is of the tree that is followed, the second of the one by libcst that it is compared with.
    """
    keys = [key.encode() for key in made.keys.read_text().split()]
    held = ((file, file.read_bytes()) for file in sorted(tree.rglob("*.py")))
    files = [SourceFile(str(file), data) for file, data in held if any(key in data for key in keys)][:60]
    any_key = re.compile(b"|".join(map(re.escape, keys)))
    spots = {file.path: [found.start() for found in any_key.finditer(file.data)] for file in files}
    gc.freeze()
    taken = []
    for _ in range(3):
        bare = _processor(_bare, files, quiet=False)
        ways = (lambda file: folded_tree(file, spots[file.path]), module_tree)
        taken.append([_processor(parse, files, quiet=True) / bare for parse in ways])
    followed, judging = (statistics.median(ratios) for ratios in zip(*taken, strict=True))
    return followed, judging


def _bare(file: SourceFile) -> object:
    return libcst.parse_module(file.data)


def _processor(work: Callable[[SourceFile], object], files: Sequence[SourceFile], *, quiet: bool) -> float:
    """Return the processor time of the work on all files; ``quiet`` without garbage collection, as in a worker."""
    if quiet:
        gc.disable()
    began = time.process_time()
    for file in files:
        work(file)
    taken = time.process_time() - began
    gc.enable()
    return taken


if __name__ == "__main__":
    main()
