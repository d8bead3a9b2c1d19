"""The package under AWS's own emulator of the Lambda runtime, with nothing else to import from.

``make proof`` builds the package and installs the emulator, which is part of AWS's SAM command line.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import files
from pathlib import Path

import pytest

from auditor import bootstrap
from auditor.adapters.storage import open_database
from auditor.application.ports import HistoryQuery
from auditor.entrypoints.journal import Journal
from auditor.entrypoints.lambda_handler import serve
from auditor.settings import Settings
from deploy.packaging.lambda_zip import Target
from examples.standin import StandIn
from tests.support.postgres import make_database, running_server

pytestmark = pytest.mark.proof

BEGIN = datetime(2026, 10, 6, 8, 0, tzinfo=UTC)
POISON = "1731c319-73b5-5323-bcf5-86f3038abf10"
NOT_NEEDED = {"click", "libcst", "jinja2", "apscheduler", "alembic", "rich", "tree_sitter"}
# Without sitecustomize or site-packages: whatever is imported is the package's, the runtime's or Python's own.
PYTHON = [getattr(sys, "_base_executable", sys.executable), "-S"]


@pytest.fixture(scope="module")
def package(root, tmp_path_factory) -> Path:
    """Return the folder that Lambda would unpack the package to."""
    folder = tmp_path_factory.mktemp("task")
    with zipfile.ZipFile(root / "build" / "package" / Target.here().name) as archive:
        archive.extractall(folder)
    return folder


@pytest.fixture(scope="module")
def runtime(tmp_path_factory) -> Path:
    """Return a folder with AWS's loop around the handler, as it lies beside the function in Lambda."""
    folder = tmp_path_factory.mktemp("runtime")
    for library in ("awslambdaric", "simplejson", "snapshot-restore-py"):
        for file in files(library) or ():
            if ".." not in file.parts and file.suffix != ".pyc":
                (folder / file).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file.locate(), folder / file)
    return folder


@pytest.fixture(scope="module")
def emulator(root) -> Path:
    name = f"aws-lambda-rie-{Target.here().architecture}"
    (found,) = (root / ".venv-deploy-lint").glob(f"lib/python*/site-packages/samcli/local/rapid/{name}")
    return found


@pytest.fixture
def aws() -> Iterator[StandIn]:
    with StandIn(BEGIN) as running:
        ssm = running.client("ssm")
        ssm.put_parameter(Name="/myapp/prod/features/new-checkout", Value="true", Type="String")
        ssm.put_parameter(Name="/myapp/prod/features/rollout-regions", Value="eu,us", Type="StringList")
        yield running


@pytest.fixture(scope="module")
def server():
    with running_server() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request, tmp_path) -> str:
    """Return the URL of a database that is not made yet, or empty."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'flagtrail.db'}"
    return make_database(request.getfixturevalue("server")).render_as_string(hide_password=False)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


@pytest.fixture
def address(package, runtime, emulator, aws, database, tmp_path) -> Iterator[str]:
    """Run the function, and give the address that invokes it."""
    port, inner = free_port(), free_port()
    program = tmp_path / "rie"
    shutil.copyfile(emulator, program)
    program.chmod(0o755)
    command = [
        str(program),
        *("--runtime-interface-emulator-address", f"127.0.0.1:{port}", "--runtime-api-address", f"127.0.0.1:{inner}"),
        *(*PYTHON, "-m", "awslambdaric", "auditor.entrypoints.lambda_handler.handler"),
    ]
    environment = {
        "PATH": os.defpath,
        "HOME": str(tmp_path),
        "PYTHONPATH": f"{package}:{runtime}",
        "AWS_LAMBDA_FUNCTION_TIMEOUT": "60",
        "FLAGTRAIL_DATABASE_URL": database,
        **aws.environ(),
    }
    running = subprocess.Popen(command, cwd=package, env=environment, start_new_session=True)
    try:
        wait_for(port)
        yield f"http://127.0.0.1:{port}/2015-03-31/functions/function/invocations"
    finally:
        os.killpg(running.pid, signal.SIGKILL)
        running.wait()


def wait_for(port: int) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError("the emulator does not listen")


def invoke(address: str, payload: bytes) -> dict:
    with urllib.request.urlopen(urllib.request.Request(address, data=payload), timeout=60) as answer:  # noqa: S310
        return json.loads(answer.read())


def test_the_package_records_a_batch_and_answers_for_what_is_broken(address, root, database):
    batch = (root / "tests" / "events" / "lambda-sqs-batch-one-poison-message.json").read_bytes()

    first = invoke(address, batch)
    again = invoke(address, batch)

    assert first == again == {"batchItemFailures": [{"itemIdentifier": POISON}]}
    record = open_database(database, create=False)
    with record.reader() as uow:
        rows = list(uow.changes.query(HistoryQuery()))
    record.close()
    assert sorted((str(row.change.flag), row.change.kind) for row in rows) == [
        ("new-checkout", "created"),
        ("rollout-regions", "created"),
    ]


def every_sample(root: Path) -> bytes:
    """Return all captured events as one batch from the queue, and one message among them that is none."""
    events = [path.read_text() for path in sorted((root / "tests" / "events").glob("*.json"))]
    bodies = [text for text in events if "detail-type" in json.loads(text)]
    bodies.insert(3, "{no JSON")
    records = [
        {"messageId": f"m{number}", "eventSource": "aws:sqs", "body": body} for number, body in enumerate(bodies)
    ]
    return json.dumps({"Records": records}).encode()


def rows_of(database: str) -> list[tuple[str, ...]]:
    record = open_database(database, create=False)
    with record.reader() as uow:
        rows = list(uow.changes.query(HistoryQuery()))
    record.close()
    return sorted((row.change.document.name, str(row.change.flag), str(row.change.kind)) for row in rows)


def test_every_captured_event_ends_as_it_does_in_the_tests(address, root, database, aws, tmp_path):
    """What the package answers and records by the runtime is what the source does in this process."""
    batch = every_sample(root)

    answer = invoke(address, batch)

    here = f"sqlite:///{tmp_path}/here.db"
    with pytest.MonkeyPatch.context() as environment:
        for name, value in aws.environ().items():
            environment.setenv(name, value)
        application = bootstrap.application(Settings(database_url=here))
        expected = serve(application, json.loads(batch), journal=Journal.silent())
        application.record.close()
    failed = {one["itemIdentifier"] for one in answer["batchItemFailures"]}
    assert answer == expected
    assert "m3" in failed
    assert len(failed) < len(json.loads(batch)["Records"]) / 2
    assert rows_of(database) == rows_of(here) != []


def test_a_warm_invocation_is_quick(address, aws, database, capsys):
    took = []
    for number in range(40):
        name = f"/myapp/prod/features/warm-{number}"
        aws.client("ssm").put_parameter(Name=name, Value="true", Type="String")
        told = [event for event in aws.drain() if event["detail-type"] == "Parameter Store Change"]
        records = [{"messageId": "m", "eventSource": "aws:sqs", "body": json.dumps(event)} for event in told]
        begun = time.perf_counter()
        assert invoke(address, json.dumps({"Records": records}).encode()) == {"batchItemFailures": []}
        took.append(time.perf_counter() - begun)

    warm = sorted(took[5:])
    figures = f"median {statistics.median(warm) * 1000:.0f} ms, p95 {warm[int(len(warm) * 0.95)] * 1000:.0f} ms"
    with capsys.disabled():
        sys.stdout.write(f"\nwarm invocation, one event recorded on {database.partition(':')[0]}: {figures}\n")
    assert statistics.median(warm) < 1


def test_the_schedule_finds_what_no_event_told(address, aws):
    assert invoke(address, b'{"job": "reconcile"}') == {"documents": 2, "versions": 2, "recorded": 2, "gaps": 0}


def test_the_package_is_complete_and_small(package, root):
    archive = root / "build" / "package" / Target.here().name
    names = {path.name for path in package.iterdir()}

    assert archive.stat().st_size < 30_000_000
    assert names & NOT_NEEDED == set()
    assert list(package.glob(f"auditor/entrypoints/__pycache__/lambda_handler.{sys.implementation.cache_tag}.pyc"))
    with zipfile.ZipFile(root / "build" / "package" / Target.here().layer) as layer:
        added = {name.split("/")[1] for name in layer.namelist()}
    assert {"alembic", "jinja2", "reports"} <= added
    assert added & names == set(), "what the package has already"
