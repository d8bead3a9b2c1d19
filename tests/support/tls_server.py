"""A PostgreSQL of its own with ``ssl = on``, its certificate by an authority made up here, and no way in without TLS.

It is one that is installed on this machine: the server that tests bring along is built without TLS.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

PASSWORD = "hunter2"
USER = "postgres"
_INSTALLED = Path("/usr/lib/postgresql")
_NAME = "localhost"


@dataclass(frozen=True)
class Authority:
    """Signs certificates; ``file`` has its own."""

    name: x509.Name
    key: ec.EllipticCurvePrivateKey
    file: Path

    @classmethod
    def make(cls, folder: Path, called: str) -> Authority:
        key, name = ec.generate_private_key(ec.SECP256R1()), _named(called)
        made = _certificate(name, name, key.public_key(), authority=True).sign(key, hashes.SHA256())
        file = folder / f"{called}.pem"
        file.write_bytes(made.public_bytes(Encoding.PEM))
        return cls(name, key, file)

    def sign(self, folder: Path, host: str) -> tuple[Path, Path]:
        """Write a key and a certificate for a host; return their files."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = x509.SubjectAlternativeName([x509.DNSName(host)])
        made = _certificate(_named(host), self.name, key.public_key()).add_extension(names, critical=False)
        secret, shown = folder / "server.key", folder / "server.crt"
        secret.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        shown.write_bytes(made.sign(self.key, hashes.SHA256()).public_bytes(Encoding.PEM))
        secret.chmod(0o600)
        return secret, shown


@dataclass(frozen=True)
class TlsServer:
    """Where it is, and who vouches for it."""

    port: int
    authority: Path
    stranger: Path

    def url(self, options: str, host: str = _NAME, password: str = PASSWORD) -> str:
        """Return the URL as a user writes it."""
        return f"postgresql://{USER}:{password}@{host}:{self.port}/{USER}?{options}"


def programs() -> Path | None:
    """Return the folder with the programs of an installed PostgreSQL, the newest; ``None`` where there is none."""
    found = [path.parent for path in _INSTALLED.glob("*/bin/initdb")]
    newest = max(found, key=lambda folder: int(folder.parent.name), default=None)
    elsewhere = shutil.which("initdb")
    return newest or (Path(elsewhere).parent if elsewhere else None)


@contextmanager
def running(bin_folder: Path, folder: Path) -> Iterator[TlsServer]:
    """Give a server that takes encrypted connections only, for as long as it runs."""
    user = USER if os.geteuid() == 0 else None  # it refuses to run as root
    home = folder / "server"
    home.mkdir()
    own, other = Authority.make(folder, "authority"), Authority.make(folder, "stranger")
    secret, certificate = own.sign(home, _NAME)
    password = home / "password"
    password.write_text(PASSWORD)
    if user is not None:
        for path in (home, secret, certificate, password):
            shutil.chown(path, user, user)
        for parent in home.parents[:-2]:
            parent.chmod(parent.stat().st_mode | 0o011)
    data, port = home / "data", _free_port()
    _run(user, bin_folder / "initdb", "-D", data, "-U", USER, "-A", "scram-sha-256", f"--pwfile={password}", "-N")
    (data / "pg_hba.conf").write_text("hostssl all all 127.0.0.1/32 scram-sha-256\n")
    with (data / "postgresql.conf").open("a") as settings:
        settings.write(
            f"port = {port}\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = ''\nfsync = off\n"
            f"ssl = on\nssl_key_file = '{secret}'\nssl_cert_file = '{certificate}'\n"
        )
    command = [str(bin_folder / "postgres"), "-D", str(data)]
    server = subprocess.Popen(command, user=user, cwd=home, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _await(port)
        yield TlsServer(port, own.file, other.file)
    finally:
        server.terminate()
        server.wait(30)


def _named(called: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, called)])


def _certificate(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, *, authority: bool = False
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    made = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key)
    made = made.serial_number(x509.random_serial_number())
    made = made.not_valid_before(now - timedelta(hours=1)).not_valid_after(now + timedelta(days=1))
    return made.add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)


def _run(user: str | None, program: Path, *arguments: object) -> None:
    subprocess.run([str(program), *map(str, arguments)], user=user, cwd="/", check=True, capture_output=True)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def _await(port: int) -> None:
    for _ in range(300):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError(port)
