"""An HTTP/3 server in a thread; aioquic's, so that it judges our frames and knows nothing of us."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from aioquic.asyncio.protocol import QuicConnectionProtocol, QuicStreamHandler
from aioquic.asyncio.server import serve
from aioquic.h3.connection import H3Connection
from aioquic.h3.events import DataReceived, HeadersReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection
from aioquic.quic.events import ProtocolNegotiated, QuicEvent, StreamDataReceived
from trustme import CA


@dataclass
class Seen:
    """What the server saw: by datagram, the requests that it ended; all requests, with their bodies."""

    port: int = 0
    ends: list[list[int]] = field(default_factory=list)
    bodies: dict[int, bytes] = field(default_factory=dict)
    connections: int = 0

    @property
    def releases(self) -> list[int]:
        """How many requests each datagram ended that ended any."""
        return [len(each) for each in self.ends if each]


class Peer(QuicConnectionProtocol):
    """One connection of the server."""

    def __init__(self, seen: Seen, hook: "Hook", connection: QuicConnection) -> None:
        super().__init__(connection)
        self.seen = seen
        self.hook = hook
        self.http: H3Connection | None = None

    def datagram_received(self, data: bytes | str, addr: tuple[str, int]) -> None:
        self.seen.ends.append([])
        super().datagram_received(data, addr)

    def quic_event_received(self, event: QuicEvent) -> None:
        if isinstance(event, ProtocolNegotiated):
            self.seen.connections += 1
            self.http = H3Connection(self._quic)
        if self.http is None:
            return
        if isinstance(event, StreamDataReceived) and event.end_stream and event.stream_id % 4 == 0:
            self.seen.ends[-1].append(event.stream_id)
        for heard in self.http.handle_event(event):
            if isinstance(heard, DataReceived):
                body = self.seen.bodies.get(heard.stream_id, b"")
                self.seen.bodies[heard.stream_id] = body + heard.data
            if isinstance(heard, HeadersReceived | DataReceived) and heard.stream_ended:
                self.hook(self, heard.stream_id)

    def answer(self, stream: int) -> None:
        assert self.http is not None
        body = self.seen.bodies.get(stream, b"none")
        self.http.send_headers(stream, [(b":status", b"200"), (b"x-stream", str(stream).encode())])
        self.http.send_data(stream, body, end_stream=True)


Hook = Callable[[Peer, int], None]
"""Called when a request is whole, with the number of its stream."""


def certified(ca: CA, folder: Path, *alpn: str) -> QuicConfiguration:
    """A server's configuration with a certificate for loopback."""
    certificate = ca.issue_cert("localhost", "127.0.0.1")
    key, chain = folder / "key.pem", folder / "chain.pem"
    certificate.private_key_pem.write_to_path(key)
    chain.write_bytes(b"".join(pem.bytes() for pem in certificate.cert_chain_pems))
    configuration = QuicConfiguration(is_client=False, alpn_protocols=list(alpn or ("h3",)))
    configuration.load_cert_chain(chain, key)
    return configuration


@contextmanager
def serving3(configuration: QuicConfiguration, hook: Hook = Peer.answer, port: int = 0) -> Iterator[Seen]:
    """Serve HTTP/3 on a UDP port, by default of the system's choice."""
    seen = Seen()
    started = threading.Event()
    stop: list[Callable[[], object]] = []

    def peer(
        connection: QuicConnection, stream_handler: QuicStreamHandler | None = None
    ) -> QuicConnectionProtocol:
        return Peer(seen, hook, connection)

    async def main() -> None:
        ended = asyncio.Event()
        loop = asyncio.get_running_loop()
        stop.append(lambda: loop.call_soon_threadsafe(ended.set))
        server = await serve("127.0.0.1", port, configuration=configuration, create_protocol=peer)
        assert server._transport is not None
        seen.port = server._transport.get_extra_info("sockname")[1]
        started.set()
        await ended.wait()
        server.close()

    thread = threading.Thread(target=lambda: asyncio.run(main()))
    thread.start()
    started.wait(5)
    try:
        yield seen
    finally:
        stop[0]()
        thread.join()
