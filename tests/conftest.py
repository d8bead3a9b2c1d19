"""What every test stands on: no network beyond this machine, no developer's credentials, set seeds."""

from __future__ import annotations

import functools
import ipaddress
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from hypothesis import HealthCheck, settings

from tests.support import children

ROOT = Path(__file__).resolve().parent.parent
LOCAL_NAMES = {None, "", "localhost", "127.0.0.1", "::1", "0.0.0.0", b"localhost", b"127.0.0.1", b"::1"}  # noqa: S104
PROOF = os.environ.get("FLAGTRAIL_PROOF") == "1"
# What a developer may tell the suite itself: how long to take, and which PostgreSQL to use.
TOLD = {"FLAGTRAIL_PROOF", "FLAGTRAIL_TEST_POSTGRES_URL"}

# A time limit an example would make the suite depend on the machine's load.
_LAWS: dict[str, Any] = {"deadline": None, "database": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("fast", max_examples=25, derandomize=True, **_LAWS)
settings.register_profile("proof", max_examples=1000, print_blob=True, **_LAWS)
settings.load_profile("proof" if PROOF else "fast")


class NetworkRefusedError(RuntimeError):
    """A test tried to leave this machine."""


def is_local(host: object) -> bool:
    """Say whether an address names this machine."""
    if host in LOCAL_NAMES:
        return True
    try:
        return ipaddress.ip_address(str(host)).is_loopback
    except ValueError:
        return False


def _refuse_network(event: str, args: tuple[Any, ...]) -> None:
    if event == "socket.getaddrinfo":
        host = args[0]
    elif event in {"socket.connect", "socket.sendto"} and isinstance(args[1], tuple):
        host = args[1][0]
    else:
        return  # a Unix socket's address is a path
    if not is_local(host):
        raise NetworkRefusedError(f"a test may only talk to this machine, not to {host!r}")


def _set_environment(home: Path) -> None:
    """Leave nothing of the developer's account, home or configuration within reach."""
    for name in list(os.environ):
        if name.startswith(("AWS_", "FLAGTRAIL_", "SLACK_", "GIT_")) and name not in TOLD:
            del os.environ[name]
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        os.environ.pop(name, None)
        os.environ.pop(name.upper(), None)
    os.environ |= {
        "HOME": str(home),
        "XDG_RUNTIME_DIR": str(home),
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_SESSION_TOKEN": "testing",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        # DynamoDB would otherwise be asked at an address made of the account's number.
        "AWS_ACCOUNT_ID_ENDPOINT_MODE": "disabled",
        # A measured child would else leave what it measured in whatever folder a test runs it in.
        "COVERAGE_FILE": str(ROOT / ".coverage"),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_NAME": "Test",
        "GIT_AUTHOR_EMAIL": "test@example.com",
        "GIT_COMMITTER_NAME": "Test",
        "GIT_COMMITTER_EMAIL": "test@example.com",
    }


# Before any test module is imported: clients read the environment when they are made.
_HOME = tempfile.TemporaryDirectory(prefix="flagtrail-home-", ignore_cleanup_errors=True)
_set_environment(Path(_HOME.name))
sys.addaudithook(_refuse_network)
# Each session would read AWS's service descriptions anew, and each test has a session of its own.
botocore.session.create_loader = functools.cache(botocore.session.create_loader)


def pytest_unconfigure() -> None:
    """Remove the home folder the tests had."""
    _HOME.cleanup()


@pytest.fixture(scope="session")
def root() -> Path:
    """Give the repository's root."""
    return ROOT


@pytest.fixture
def unmeasured() -> dict[str, str]:
    """Give an environment in which a child is not measured: measuring imports modules of its own."""
    return children.unmeasured()


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Run a test in an empty folder of its own."""
    monkeypatch.chdir(tmp_path)
    return tmp_path
