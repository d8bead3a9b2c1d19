"""A PostgreSQL on a socket file, given a TCP port that takes encrypted connections only, as RDS does."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

# What a client sends before anything else to ask for encryption ("SSLRequest" in PostgreSQL's protocol).
_ASKS = struct.pack("!II", 8, 80877103)
_PIECE = 65536


@contextmanager
def encrypted(socket_file: Path, folder: Path) -> Iterator[int]:
    """Give the port under which the server behind a socket file is reached by TLS; the certificate is made up."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(_certificate(folder))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_serve, args=(listener, context, socket_file), daemon=True).start()
        yield listener.getsockname()[1]


def _certificate(folder: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    file = folder / "server.pem"
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(secret + made.public_bytes(Encoding.PEM))
    return file


def _serve(listener: socket.socket, context: ssl.SSLContext, socket_file: Path) -> None:
    while True:
        try:
            client, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=_connect, args=(client, context, socket_file), daemon=True).start()


def _connect(client: socket.socket, context: ssl.SSLContext, socket_file: Path) -> None:
    """Relay one connection; one that does not ask for encryption is dropped."""
    with suppress(OSError), closing(client):
        if client.recv(len(_ASKS), socket.MSG_WAITALL) != _ASKS:
            return
        client.sendall(b"S")
        with context.wrap_socket(client, server_side=True) as safe, socket.socket(socket.AF_UNIX) as server:
            server.connect(str(socket_file))
            back = threading.Thread(target=_pump, args=(server, safe), daemon=True)
            back.start()
            _pump(safe, server)
            back.join(5)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while piece := source.recv(_PIECE):
            sink.sendall(piece)
        sink.shutdown(socket.SHUT_WR)
