"""TLS towards an application that insists on it: with a certificate of our own that nobody vouches for.

Owns the certificate, made anew in each process and never kept, and the server's side of the handshake.
It must not know what is said afterwards. Whoever encrypts without asking for whom (libpq's
`sslmode=require`, PostgreSQL documentation, "SSL Support") takes it; whoever verifies does not.
"""

import shutil
import socket
import ssl
import subprocess
import tempfile
from functools import lru_cache
from pathlib import Path

from deadheat.model import TargetError

_TIMEOUT = 10.0  # seconds for the handshake


def secured(plain: socket.socket) -> ssl.SSLSocket:
    """Speak TLS over a connection on which the other side begins to; the socket given is used up.

    Raises:
        TargetError: there is no certificate, since the program `openssl` is not there.
        OSError: the other side did not go through with it: it verifies certificates, say.
    """
    context = _context()
    plain.settimeout(_TIMEOUT)
    return context.wrap_socket(plain, server_side=True)


@lru_cache(maxsize=1)
def _context() -> ssl.SSLContext:
    program = shutil.which("openssl")
    if program is None:
        raise TargetError(
            "the application insists on TLS to its database, and the program openssl, which makes the"
            " proxy's certificate, was not found: install it, or let the application do without TLS"
        )
    with tempfile.TemporaryDirectory() as name:
        key, certificate = Path(name, "key.pem"), Path(name, "certificate.pem")
        command = [program, "req", "-x509", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
        command += ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
        command += ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
        made = subprocess.run(
            [*command, "-keyout", key, "-out", certificate], capture_output=True, text=True, check=False
        )
        if made.returncode != 0:
            raise TargetError(f"openssl made no certificate for the proxy: {made.stderr.strip()}")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
    return context
