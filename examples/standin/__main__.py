"""Run the stand-in as a process of its own: ``python -m examples.standin --port 0 --print-url``."""

from __future__ import annotations

import argparse
import signal
import threading
from datetime import datetime

from examples.standin.server import DEFAULT_ACCOUNT, DEFAULT_REGION, StandIn


def main() -> None:
    """Serve until a termination signal comes."""
    parser = argparse.ArgumentParser(prog="python -m examples.standin", description="An AWS stand-in over HTTP.")
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--print-url", action="store_true", help="print the address on standard output")
    parser.add_argument("--start", type=datetime.fromisoformat, help="a time at which AWS's clock stands still")
    parser.add_argument("--account", default=DEFAULT_ACCOUNT, help="account id (default %(default)s)")
    parser.add_argument("--region", default=DEFAULT_REGION, help="region (default %(default)s)")
    parser.add_argument("--seed", type=int, help="have AWS make up the same ids again")
    options = parser.parse_args()
    finished = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: finished.set())
    with StandIn(options.start, options.account, options.region, port=options.port, seed=options.seed) as aws:
        if options.print_url:
            print(aws.url, flush=True)
        finished.wait()


if __name__ == "__main__":
    main()
