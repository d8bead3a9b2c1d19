"""The Lambda's cold start against what it cannot do without: importing boto3 and SQLAlchemy, and making an SSM client.

Each is a new process, in turns in the same run. The handler is imported, its parts are built on a record that is there,
and an SSM client is made: all that comes before the first event. The import alone is shown beside it.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
HANDLER = "import auditor.entrypoints.lambda_handler"
FLOOR = "import boto3, sqlalchemy; boto3.client('ssm', region_name='eu-central-1')"
READY = (
    "import auditor.entrypoints.lambda_handler as handler; handler._application(); "
    "import boto3; boto3.client('ssm', region_name='eu-central-1')"
)
WANTED = 1.6


def main() -> None:
    """Print the median ratio of paired runs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=11, help="pairs of runs, of which the first is dropped")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        environment = clean(f"sqlite:///{folder}/record.db")
        trios = [
            [seconds(program, environment, folder) for program in (HANDLER, FLOOR, READY)]
            for _ in range(options.rounds)
        ]
    imported, floor, ready = (statistics.median(times) for times in zip(*trios[1:], strict=True))
    ratio = statistics.median(started / least for _, least, started in trios[1:])
    print(
        f"cold start  handler {ready * 1000:5,.0f} ms   boto3's SSM client and SQLAlchemy {floor * 1000:5,.0f} ms"
        f"   ratio {ratio:.2f}   (wanted: at most {WANTED}); its import alone {imported * 1000:,.0f} ms"
    )


def clean(database: str) -> dict[str, str]:
    """Return an environment without anybody's account or settings."""
    foreign = ("AWS_", "FLAGTRAIL_", "SLACK_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    account = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_DEFAULT_REGION": "eu-central-1"}
    return {**kept, **account, "PYTHONPATH": str(ROOT), "FLAGTRAIL_DATABASE_URL": database}


def seconds(program: str, environment: dict[str, str], folder: str) -> float:
    """Return how long a new Python needs for a program."""
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", program], env=environment, cwd=folder, check=True)
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
