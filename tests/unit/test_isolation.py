"""The base of every test: it leaves this machine's people and networks alone."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import HTTPClientError


@pytest.mark.parametrize("address", [("192.0.2.1", 443), ("198.51.100.7", 80)])
def test_another_machine_is_not_reached(address):
    with socket.socket() as client, pytest.raises(RuntimeError):
        client.connect(address)


def test_a_name_is_not_looked_up():
    with pytest.raises(RuntimeError):
        socket.getaddrinfo("flags.example.com", 443)


def test_a_datagram_does_not_leave():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client, pytest.raises(RuntimeError):
        client.sendto(b"x", ("192.0.2.1", 9))


def test_this_machine_is_reached():
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as client,
    ):
        accepted, _ = server.accept()
        with accepted:
            client.sendall(b"here")
            assert accepted.recv(4) == b"here"


def test_no_real_credentials_are_found():
    assert boto3.Session().get_credentials().access_key == "testing"


def test_a_call_without_stand_in_fails_at_once():
    client = boto3.client("ssm")

    with pytest.raises(HTTPClientError, match="only talk to this machine"):
        client.get_parameter(Name="/shop/prod/features/x")


def test_home_is_nobodys():
    assert "flagtrail-home-" in str(Path.home())
    # The PostgreSQL of the suite keeps its files in the home of the worker that starts it, and scans what they keep.
    assert {path.name for path in Path.home().iterdir()} <= {"python_PostgresServer", ".cache"}
    assert not any(name.startswith(("FLAGTRAIL_DATABASE", "SLACK_")) for name in os.environ)
