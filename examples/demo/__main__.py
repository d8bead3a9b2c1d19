"""Play the demo: ``python -m examples.demo`` (``make demo``)."""

from __future__ import annotations

import argparse
import html
import json
import os
import shutil
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from auditor import bootstrap
from auditor.application.ports import HistoryQuery
from auditor.entrypoints.cli import cli
from auditor.entrypoints.journal import Journal
from auditor.entrypoints.lambda_handler import serve
from auditor.settings import Settings
from examples.demo.delivery import as_batch, play
from examples.demo.story import DAYS, Shop
from examples.standin import StandIn
from examples.standin.slack import SlackServer

ROOT = Path(__file__).parents[2]
SHOP = ROOT / "examples" / "shop"
WIDTH = 74
SHOWN_MESSAGES = ("rollout 10% → 50%", "rolled back", "denied")

CONFIG = """\
# The demo's configuration; `examples/flagtrail.toml` explains every option.
[database]
url = "sqlite:///flagtrail.db"

[slack]
channel = "C0FLAGS01"

[scan]
repositories = [{shop}]

[stale]
critical_environments = ["prod"]

[ledger]
origin = "shop.example.com/flags"
key = "ledger.key"
public_key = "key.pub"
checkpoints = "checkpoints"
"""


def main() -> None:
    """Play the fortnight and write what it leaves behind."""
    parser = argparse.ArgumentParser(prog="python -m examples.demo", description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "demo", help="folder to make anew")
    arguments = parser.parse_args()
    begun = time.monotonic()
    run(arguments.out, last_fortnight(datetime.now(UTC)))
    say(f"\nThat took {time.monotonic() - begun:.1f} s.")


def last_fortnight(now: datetime) -> datetime:
    """Return the Monday on which the last whole fortnight began."""
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return today - timedelta(days=DAYS + today.weekday())


def run(out: Path, start: datetime) -> None:
    """Make the folder anew and play the story that begins at ``start`` into it."""
    config = prepare(out)
    with (
        StandIn(start=start - timedelta(days=140), seed=1) as aws,
        SlackServer() as slack,
        environment(aws.environ() | {"SLACK_BOT_TOKEN": slack.token, "FLAGTRAIL_SLACK_BASE_URL": slack.url}),
    ):
        settings = Settings.load(os.environ, config=str(config))
        application = bootstrap.application(settings)
        record_fortnight(application, aws, start)
        scan(application)
        application.dispatch()
        pages(config, out)
        keep_messages(slack, out)
        show(application, slack, out)
        verify(config, out)
        application.record.close()


def prepare(out: Path) -> Path:
    """Make the folder anew with its configuration and the key that signs; return the configuration's place."""
    if out.exists():
        shutil.rmtree(out)
    out.mkdir(parents=True)
    config = out / "flagtrail.toml"
    config.write_text(CONFIG.format(shop=json.dumps(os.path.relpath(SHOP, out))), encoding="utf-8")
    with silence():
        cli.main(["--config", str(config), "key"], standalone_mode=False)
    return config


def record_fortnight(application: bootstrap.Application, aws: StandIn, start: datetime) -> None:
    """Play the story; every event goes through the handler, what no event told is found by reconcile."""
    shop = Shop(aws, start)
    say("Flagtrail demo: a fortnight of a small shop, on an AWS stand-in at " + aws.url)
    for _ in play(aws, list(shop.before()), start):
        pass  # nobody recorded anything yet: these events reached no one
    first = application.reconcile().run()
    application.dispatch()
    application.seal()
    past = f"{first.recorded} changes of the past, told in one summary"
    say(f"\nFirst reconcile: {first.documents} documents, {past}.")
    say("\nThe fortnight, as it happened:")
    scanned, day = False, timedelta(days=1)
    for step, batches in play(aws, list(shop.fortnight()), start):
        if not scanned and step.at >= timedelta(days=1):
            scan(application)  # as the service does every night
            scanned = True
        if step.at >= day:
            application.seal()  # as the service does every minute; once a day tells the story as well
            day = timedelta(days=step.at.days + 1)
        recorded = 0
        for batch in batches:
            before = count(application)
            serve(application, as_batch(batch), journal=Journal.silent())
            recorded += count(application) - before
        when = start + step.at
        say(f"  {when:%a %d %b %H:%M}  {step.text}" + (f"  [{recorded} recorded]" if recorded else ""))
    last = application.reconcile().run()
    application.dispatch()
    application.seal()
    found = f"{last.recorded} change that no event told of"
    say(f"\nLast reconcile: {last.documents} documents, {found}, {last.gaps} versions missing.")


def scan(application: bootstrap.Application) -> None:
    """Find every use of every flag in the shop's code."""
    settings = application.settings
    results = bootstrap.scan_and_keep(settings, application.record, settings.repositories)
    found = sum(len(result.references) for result in results)
    say(f"  scan of examples/shop: {found} references to the flags")


def pages(config: Path, out: Path) -> None:
    """Write both pages by the command that users have."""
    for page in ("stale", "history"):
        target = str(out / f"{page}.html")
        with silence():
            cli.main(["--config", str(config), "report", page, "--out", target], standalone_mode=False)


def keep_messages(slack: SlackServer, out: Path) -> None:
    """Keep what Slack was told, one message a line."""
    lines = [json.dumps(message.arguments, ensure_ascii=False) for message in slack.messages]
    (out / "slack.jsonl").write_text("".join(line + "\n" for line in lines), encoding="utf-8")


def show(application: bootstrap.Application, slack: SlackServer, out: Path) -> None:
    """Show some of what there is now, and where the rest is."""
    say(f"\nSlack got {len(slack.messages)} messages. Three of them:")
    for wanted in SHOWN_MESSAGES:
        message = next((m for m in slack.messages if wanted in m.arguments.get("text", "")), None)
        if message is not None:
            say("\n" + "\n".join(f"  | {line}" for line in readable(message.arguments["blocks"])))
    shown = os.path.relpath(out)
    say(f"\nThe record: {count(application)} rows in {shown}/flagtrail.db. Pages and messages:")
    for name in ("stale.html", "history.html", "slack.jsonl"):
        say(f"  {shown}/{name}")
    say("\nTry next:")
    for line in (
        "history --flag new-checkout",
        "history --unattributed",
        "stale",
        "state --at " + f"{datetime.now(UTC) - timedelta(days=3):%Y-%m-%dT00:00:00Z}",
        "show shop/new-checkout",
    ):
        say(f"  .venv/bin/flagtrail --config {shown}/flagtrail.toml {line}")


def readable(blocks: list[dict[str, Any]]) -> Iterator[str]:
    """Yield what a person sees of a message, wrapped for a terminal."""
    for block in blocks:
        texts = [block["text"], *block.get("fields", ())] if "text" in block else block.get("elements", ())
        for text in texts:
            shown = html.unescape(text["text"]).replace("```", "").strip("\n")
            for line in shown.splitlines():
                # A command is shown as it is: it is there to be copied.
                yield from [line] if line.startswith("aws ") else textwrap.wrap(line, WIDTH, subsequent_indent="    ")


def verify(config: Path, out: Path) -> None:
    """Ask whether the record is still what was sealed, signed and anchored, by the command that users have."""
    kept = len(list((out / "checkpoints").iterdir()))
    say(f"\nThe record is sealed and signed; {kept} checkpoints are kept in {os.path.relpath(out)}/checkpoints.")
    say(f"\n  .venv/bin/flagtrail --config {os.path.relpath(config)} verify")
    cli.main(["--config", str(config), "verify"], standalone_mode=False)
    sys.stdout.flush()


def count(application: bootstrap.Application) -> int:
    """Return how many rows the record has."""
    with application.record.unit_of_work() as uow:
        return sum(1 for _ in uow.changes.query(HistoryQuery()))


@contextmanager
def environment(values: dict[str, str]) -> Iterator[None]:
    """Let this process see these variables, and no AWS account of the person who runs it."""
    kept = dict(os.environ)
    for name in [name for name in kept if name.startswith(("AWS_", "FLAGTRAIL_", "SLACK_"))]:
        del os.environ[name]
    os.environ.update(values)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(kept)


@contextmanager
def silence() -> Iterator[None]:
    """Keep a command's answer and the function's log out of the story."""
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        kept, sys.stdout = sys.stdout, nowhere
        try:
            yield
        finally:
            sys.stdout = kept


def say(line: str) -> None:
    """Print a line at once."""
    print(line, flush=True)


if __name__ == "__main__":
    main()
