"""A scan against the floor: 2,000 files searched for 50 flags, against reading the same files.

One file in twenty reads a flag, once by its key and once by a constant of another module. Both go over the tree in
turns in the same run, from the operating system's cache.
"""

from __future__ import annotations

import argparse
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from auditor.domain.references import FlagSpec, ReferenceKind
from scanners import engine

FLAGS = [FlagSpec(f"/shop/prod/features/flag-{number}", "ssm", name=f"shop/flag-{number}") for number in range(50)]
EVERY = 20
WANTED = 100.0
PLAIN = '''
def handle_{n}(order, customer, *, limit=100):
    """Work on one order."""
    total = sum(line["price"] * line["amount"] for line in order["lines"])
    if total > limit and customer.get("country") in ("de", "fr"):
        return {{"total": total, "discount": round(total * 0.05, 2), "step": {n}}}
    return {{"total": total, "discount": 0, "step": {n}}}
'''
READS = """
import boto3
from shop.keys import FLAG_{n}

ssm = boto3.client("ssm")


def direct():
    return ssm.get_parameter(Name="{key}")["Parameter"]["Value"] == "true"


def by_constant():
    return ssm.get_parameter(Name=FLAG_{n})["Parameter"]["Value"] == "true"
"""


def main() -> None:
    """Print the median ratio of paired rounds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=2000, help="files in the tree")
    parser.add_argument("--rounds", type=int, default=4, help="pairs of rounds, of which the first is dropped")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        readers = make_tree(Path(folder), options.files)
        pairs = [
            (timed(lambda: scan(folder, readers)), timed(lambda: read(Path(folder)))) for _ in range(options.rounds)
        ]
    scanned, floor = (statistics.median(times) for times in zip(*pairs[1:], strict=True))
    ratio = statistics.median(one / other for one, other in pairs[1:])
    print(
        f"{options.files:,} files   scan {scanned:5.2f} s   reading them {floor:5.2f} s   ratio {ratio:.1f}"
        f"   (wanted: at most {WANTED:g})"
    )


def make_tree(root: Path, files: int) -> int:
    """Write the tree; return how many of its files read a flag."""
    chance = random.Random(1)  # noqa: S311 -- the same tree each time
    keys, readers = [], 0
    for number in range(files - 1):
        text = "".join(PLAIN.format(n=number * 100 + part) for part in range(chance.randint(4, 16)))
        if number % EVERY == 0:
            key = FLAGS[readers % len(FLAGS)].key
            keys.append(f'FLAG_{number} = "{key}"')
            text = READS.format(n=number, key=key) + text
            readers += 1
        path = root / "shop" / f"part_{number % 40}" / f"module_{number}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (root / "shop" / "keys.py").write_text("\n".join(keys) + "\n", encoding="utf-8")
    return readers


def scan(folder: str, readers: int) -> None:
    """Find every read."""
    found = engine.scan([folder], FLAGS)
    assert found.complete
    assert sum(reference.kind is ReferenceKind.READ for reference in found.references) == 2 * readers


def read(root: Path) -> None:
    """Read every file."""
    assert all(path.read_bytes() for path in root.rglob("*.py"))


def timed(work: Callable[[], None]) -> float:
    """Return how long work takes, in seconds."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
