"""Ports on loopback that nobody is given by chance.

Owns the choice: below the ephemeral range of Linux (ip(7), ip_local_port_range), so that no outgoing
connection takes one between our finding it free and our, or an application's, listening on it.
"""

import os
import socket
from contextlib import closing

from deadheat.model import TargetError

_PORTS = range(21_000, 32_000)


def free_port() -> int:
    """Give a port that nobody uses.

    Raises:
        TargetError: all are taken.
    """
    with closing(_bound()) as found:
        port: int = found.getsockname()[1]
        return port


def listening() -> socket.socket:
    """Give a socket that listens on such a port.

    Raises:
        TargetError: all are taken.
    """
    bound = _bound()
    bound.listen(64)
    return bound


def _bound() -> socket.socket:
    # From a place of our own on: two of us that both took the first free one would take each other's.
    first = os.getpid() * 37 % len(_PORTS)
    for offset in range(len(_PORTS)):
        candidate = socket.socket()
        try:
            candidate.bind(("127.0.0.1", _PORTS[(first + offset) % len(_PORTS)]))
        except OSError:
            candidate.close()
            continue
        return candidate
    raise TargetError(f"no free port between {_PORTS[0]} and {_PORTS[-1]}")
