"""MiniStack, an emulator of AWS that is not ours: CloudFormation, SAM, EventBridge, SQS and Lambda in one process."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

REGION = "eu-central-1"
_ONCE = Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}, read_timeout=120)
_SECONDS = 60
LAUNCHER = Path(__file__).with_name("ministack_launcher.py")
# What MiniStack 1.5.33 cannot make.
_UNKNOWN = re.compile(r"^  MembersMaySend:\n(?:    .*\n|\n)+", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class MiniStack:
    """A running emulator; an account is whatever twelve digits stand for the access key."""

    url: str
    log: Path

    def client(self, service: str, account: str, region: str = REGION) -> Any:
        make: Any = boto3.session.Session().client
        return make(service, config=_ONCE, region_name=region, **self.credentials(account), endpoint_url=self.url)

    @staticmethod
    def credentials(account: str) -> dict[str, str]:
        return {"aws_access_key_id": account, "aws_secret_access_key": "unchecked"}

    def deploy(self, account: str, name: str, template: str, parameters: Mapping[str, str]) -> dict[str, str]:
        """Create a stack from a template's text and return its outputs; raise AssertionError with what went wrong."""
        cloudformation, s3 = self.client("cloudformation", account), self.client("s3", account)
        # More than 51,200 bytes come from a bucket, as `sam deploy` does it.
        with suppress(s3.exceptions.BucketAlreadyOwnedByYou):
            s3.create_bucket(Bucket=f"templates-{account}", CreateBucketConfiguration={"LocationConstraint": REGION})
        s3.put_object(Bucket=f"templates-{account}", Key=name, Body=template.encode())
        given = [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()]
        cloudformation.create_stack(
            StackName=name,
            TemplateURL=f"{self.url}/templates-{account}/{name}",
            Parameters=given,
            Capabilities=["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
        )
        deadline = time.monotonic() + _SECONDS
        while time.monotonic() < deadline:
            (stack,) = cloudformation.describe_stacks(StackName=name)["Stacks"]
            if not stack["StackStatus"].endswith("IN_PROGRESS"):
                break
            time.sleep(0.2)
        events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
        reasons = [event.get("ResourceStatusReason") for event in events if "FAILED" in event["ResourceStatus"]]
        assert stack["StackStatus"] == "CREATE_COMPLETE", reasons
        return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", ())}


@contextmanager
def running(python: Path, folder: Path, **environ: str) -> Iterator[MiniStack]:
    """Run the emulator on the loopback interface by the Python it is installed for, with its log in a folder."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    log = folder / "ministack.log"
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PYTHON", "COV"))}
    settings = {
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "MINISTACK_REGION": REGION,
        "S3_DATA_DIR": str(folder / "s3"),
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "PATH": f"{python.parent}:{os.environ['PATH']}",
    }
    with log.open("wb") as out:
        process = subprocess.Popen(
            [str(python), "-P", str(LAUNCHER)], env={**inherited, **settings, **environ}, stdout=out, stderr=out, cwd=folder,
            start_new_session=True,
        )  # fmt: skip
        try:
            _wait(port, process)
            yield MiniStack(f"http://127.0.0.1:{port}", log)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"MiniStack ended with status {process.returncode}")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/_ministack/health", timeout=2):
                return
        except OSError:
            time.sleep(0.1)
    raise TimeoutError("MiniStack does not answer")


def for_this_machine(template: str, package: str, layer: str) -> str:
    """Return the template's text with the packages this machine can run, where they were uploaded to."""
    here = f"{sys.version_info.major}.{sys.version_info.minor}"
    text = re.sub(r"\.\./dist/lambda/\S+\.zip", package, _UNKNOWN.sub("", template))
    text = re.sub(r"\.\./dist/layer/\S+\.zip", layer, text)
    return text.replace("python3.13", f"python{here}").replace("[arm64]", "[x86_64]")
