"""A request as it stands on the wire: what people copy out of a proxy.

Owns the mends such copies need: line feeds without carriage returns, `HTTP/2` in the request line,
a body without its length. Reading is h11's, in the role of a server (RFC 9112).
"""

import re

import h11

from deadheat.io.imports.imported import Imported, ImportMistake, made
from deadheat.model import Origin, TargetError

_VERSION = re.compile(rb" HTTP/[23](\.0)?$")


def parse(data: bytes) -> tuple[Imported, ...]:
    """The one request in `data`."""
    return (read(data),)


def read(data: bytes, origin: Origin | None = None, name: str = "") -> Imported:
    """One request; without `origin` its server is the one its `Host` names, over plain HTTP.

    Raises:
        ImportMistake: it is no HTTP request.
    """
    head, body = _split(data.lstrip(b"\r\n"))
    lines = [line.rstrip(b"\r") for line in head.split(b"\n")]
    lines[0] = _VERSION.sub(b" HTTP/1.1", lines[0].strip())
    names = {line.partition(b":")[0].strip().lower() for line in lines[1:]}
    chunked = b"transfer-encoding" in names
    # The length is what is there: copies are edited by hand, and nobody counts again.
    lines = [
        line
        for line in lines
        if chunked or not line.lower().replace(b" ", b"").startswith(b"content-length:")
    ]
    if b"host" not in names:
        lines.append(b"Host: localhost")
    if not chunked:
        lines.append(b"Content-Length: " + str(len(body)).encode())
    return _made(b"\r\n".join(lines) + b"\r\n\r\n" + body, origin, name, told=b"host" in names)


def write(imported: Imported) -> bytes:
    """The request as it would stand on the wire of HTTP/1.1."""
    request = imported.request
    host = imported.origin.named if imported.origin else "localhost"
    lines = [f"{request.method} {request.target} HTTP/1.1", f"Host: {host}"]
    lines += [f"{key}: {value}" for key, value in request.headers]
    if request.body:
        lines.append(f"Content-Length: {len(request.body)}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + request.body


def _split(data: bytes) -> tuple[bytes, bytes]:
    ends = [(at, len(mark)) for mark in (b"\r\n\r\n", b"\n\n") if (at := data.find(mark)) >= 0]
    if not ends:
        return data.rstrip(b"\r\n"), b""
    at, size = min(ends)
    return data[:at], data[at + size :]


def _made(data: bytes, origin: Origin | None, name: str, *, told: bool) -> Imported:
    server = h11.Connection(our_role=h11.SERVER, max_incomplete_event_size=1 << 20)
    body = b""
    head: h11.Request | None = None
    try:
        server.receive_data(data)
        while not isinstance(event := server.next_event(), h11.EndOfMessage):
            if isinstance(event, h11.Request):
                head = event
            elif isinstance(event, h11.Data):
                body += bytes(event.data)
            else:
                raise ImportMistake("the request is cut short")
    except h11.RemoteProtocolError as error:
        raise ImportMistake(f"not an HTTP request: {error}") from None
    if head is None:
        raise ImportMistake("not an HTTP request")
    headers = tuple((k.decode("latin-1"), v.decode("latin-1")) for k, v in head.headers.raw_items())
    host = next((value for key, value in headers if key.lower() == "host"), "")
    target = head.target.decode("latin-1")
    try:
        server_origin = origin or (Origin.of(f"http://{host}") if told and host else None)
    except TargetError:
        raise ImportMistake(f"`Host: {host}` names no server") from None
    return made(head.method.decode("ascii"), target, headers, body, server_origin, name)
