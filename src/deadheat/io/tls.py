"""TLS to the server under attack.

Owns contexts and the handshake; trust is the system's, and what `Origin` adds to it or waives.
"""

import socket
import ssl
from collections.abc import Sequence
from functools import lru_cache

from deadheat.model import Origin, TargetError

ALPN_H1 = "http/1.1"
ALPN_H2 = "h2"


@lru_cache(maxsize=16)
def _context(ca: str | None, insecure: bool, alpn: tuple[str, ...]) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if ca is not None:
        context.load_verify_locations(ca)
    if insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(list(alpn))
    return context


def handshake(raw: socket.socket, origin: Origin, alpn: Sequence[str]) -> tuple[ssl.SSLSocket, str]:
    """Speak TLS over a connected socket; gives it and the protocol agreed on (ALPN, RFC 7301).

    Raises:
        TargetError: it failed; says what to do about a certificate nobody vouches for.
    """
    name = origin.server_name or origin.host
    try:
        secure = _context(origin.ca, origin.insecure, tuple(alpn)).wrap_socket(raw, server_hostname=name)
    except ssl.SSLCertVerificationError as error:
        raise TargetError(
            f"{origin}: the certificate is not trusted ({error.verify_message}): name the "
            "certificates to trust, or say that any will do"
        ) from error
    except OSError as error:
        raise TargetError(f"{origin}: TLS failed: {error}") from error
    return secure, secure.selected_alpn_protocol() or ALPN_H1
