"""How others release requests together, each used as its documentation or its source does.

Run by the interpreter of the peers' environment: it must not import Deadheat. Connections are
opened before the clock starts wherever the technique allows.
"""

import json
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection  # noqa: TID251
from typing import Any

SCHEME, HOST, PORT, CA = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
Round = Callable[[str, int], list[str]]


def context() -> ssl.SSLContext:
    return ssl.create_default_context(cafile=CA)


def client() -> HTTPConnection:
    if SCHEME == "https":
        return HTTPSConnection(HOST, PORT, timeout=10, context=context())
    return HTTPConnection(HOST, PORT, timeout=10)


def gathered(racers: int, run: Callable[[int], str]) -> list[str]:
    """One thread a racer; what each returned."""
    bodies = [""] * racers

    def target(number: int) -> None:
        bodies[number] = run(number)

    threads = [threading.Thread(target=target, args=(n,)) for n in range(racers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return bodies


def plain_threads(path: str, racers: int) -> list[str]:
    """A thread and a connection for each request, started one after the other."""

    def run(_: int) -> str:
        connection = client()
        connection.request("GET", path)
        body = connection.getresponse().read().decode()
        connection.close()
        return body

    return gathered(racers, run)


def barrier(path: str, racers: int) -> list[str]:
    """Connections are open, all threads wait at a barrier."""
    connections = [client() for _ in range(racers)]
    for connection in connections:
        connection.connect()
    gate = threading.Barrier(racers)

    def run(number: int) -> str:
        gate.wait()
        connections[number].request("GET", path)
        body = connections[number].getresponse().read().decode()
        connections[number].close()
        return body

    return gathered(racers, run)


def held_byte(path: str, racers: int) -> list[str]:
    """One thread a connection holds the last byte until a gate opens (Turbo Intruder's THREADED engine)."""
    head = f"GET {path} HTTP/1.1\r\nHost: {HOST}:{PORT}\r\n\r\n".encode()
    ready = threading.Barrier(racers + 1)
    gate = threading.Event()

    def run(_: int) -> str:
        sock: socket.socket = socket.create_connection((HOST, PORT), 10)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if SCHEME == "https":
            sock = context().wrap_socket(sock, server_hostname=HOST)
        sock.sendall(head[:-1])
        ready.wait()
        gate.wait()
        sock.sendall(head[-1:])
        response = HTTPResponse(sock)
        response.begin()
        body = response.read().decode()
        sock.close()
        return body

    def open_gate() -> None:
        ready.wait()
        time.sleep(0.1)  # noqa: TID251  # as long as the others give the server to park
        gate.set()

    opener = threading.Thread(target=open_gate)
    opener.start()
    bodies = gathered(racers, run)
    opener.join()
    return bodies


class Httpx:
    """One client, one thread a request; connections stay open."""

    def __init__(self) -> None:
        import httpx  # type: ignore[import-not-found, unused-ignore]

        limits = httpx.Limits(max_connections=None, max_keepalive_connections=100)
        verify = context() if SCHEME == "https" else True
        self._client = httpx.Client(base_url=f"{SCHEME}://{HOST}:{PORT}", limits=limits, verify=verify)

    def __call__(self, path: str, racers: int) -> list[str]:
        return gathered(racers, lambda _: str(self._client.get(path).text))


class H2SpaceX:
    """Single packet as in its wiki: headers, 100 ms, a PING (the improved method), the last frames."""

    def __init__(self, ping: bool) -> None:
        from h2spacex import h2_frames  # type: ignore[import-not-found, unused-ignore]

        self._ping = ping
        self._connection = self._open()
        self._parser = h2_frames.FrameParser(h2_connection=self._connection)

    def _open(self) -> Any:  # noqa: ANN401  # the library has no types
        if SCHEME == "https":
            from h2spacex import H2OnTlsConnection as Connection
        else:
            from h2spacex.h2_connection import (  # type: ignore[import-not-found, unused-ignore]
                H2Connection as Connection,
            )
        connection = Connection(hostname=HOST, port_number=PORT)
        connection.setup_connection()
        return connection

    def __call__(self, path: str, racers: int) -> list[str]:
        import scapy.contrib.http2 as h2  # type: ignore[import-not-found, unused-ignore]

        connection = self._connection
        streams = connection.generate_stream_ids(number_of_streams=racers)
        heads, lasts = h2.H2Seq(), h2.H2Seq()
        for stream in streams:
            head, last = connection.create_single_packet_http2_get_request_frames(
                method="GET", headers_string="accept: */*", scheme=SCHEME, stream_id=stream,
                authority=f"{HOST}:{PORT}", path=path,
            )  # fmt: skip
            heads.frames.append(head)
            lasts.frames.append(last)
        heads, lasts = bytes(heads), bytes(lasts)
        connection.send_bytes(heads)
        time.sleep(0.1)  # noqa: TID251
        if self._ping:
            connection.send_ping_frame()
        connection.send_bytes(lasts)
        parser = self._parser
        sock = connection.get_using_socket()
        sock.settimeout(3)
        while not all(parser.headers_and_data_frames.get(s, {}).get("data") for s in streams):
            data = sock.recv(65_536)
            if not data:
                break
            parser.add_frames(data)
        return [parser.headers_and_data_frames.get(s, {}).get("data", b"").decode() for s in streams]


MAKE: dict[str, Callable[[], Round]] = {
    "plain threads": lambda: plain_threads,
    "http.client behind a barrier": lambda: barrier,
    "threads that hold a byte": lambda: held_byte,
    "httpx threads": Httpx,
    "h2spacex": lambda: H2SpaceX(ping=False),
    "h2spacex with PING": lambda: H2SpaceX(ping=True),
}


def main() -> None:
    made: dict[str, Round] = {}
    out, sys.stdout = sys.stdout, sys.stderr  # h2spacex prints
    for line in sys.stdin:
        ask = json.loads(line)
        if ask["method"] not in made:
            made[ask["method"]] = MAKE[ask["method"]]()
        began = time.monotonic()
        rounds = [made[ask["method"]](path, ask["racers"]) for path in ask["paths"]]
        print(json.dumps({"rounds": rounds, "seconds": time.monotonic() - began}), file=out, flush=True)


if __name__ == "__main__":
    main()
