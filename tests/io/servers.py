"""Servers that misbehave on purpose, one connection at a time, on a port of the system's choice."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import h2.config
import h2.connection
import h2.events
import h2.settings

Script = Callable[[socket.socket], None]
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


@contextmanager
def serving(script: Script) -> Iterator[int]:
    """Run `script` in a thread for each connection; gives the port. At the end all is closed."""
    open_sockets: list[socket.socket] = []
    threads: list[threading.Thread] = []

    def talk(peer: socket.socket) -> None:
        try:
            script(peer)
        except OSError:
            return
        finally:
            peer.close()

    def accept(listener: socket.socket) -> None:
        while True:
            try:
                peer, _ = listener.accept()
            except OSError:
                return
            open_sockets.append(peer)
            thread = threading.Thread(target=talk, args=(peer,))
            threads.append(thread)
            thread.start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        acceptor = threading.Thread(target=accept, args=(listener,))
        acceptor.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            acceptor.join()
            for each in open_sockets:
                try:
                    each.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue
            for thread in threads:
                thread.join()


def request(peer: socket.socket, end: bytes = b"\r\n\r\n") -> bytes:
    """Read until `end`; what was read, nothing when the client closed."""
    data = b""
    while not data.endswith(end):
        more = peer.recv(65_536)
        if not more:
            return b""
        data += more
    return data


def polite(peer: socket.socket) -> None:
    """Answer every bodyless request."""
    while request(peer):
        peer.sendall(OK)


def silent(peer: socket.socket) -> None:
    """Read and never answer."""
    while peer.recv(65_536):
        continue


Hook = Callable[[h2.connection.H2Connection, h2.events.Event], bool]


def http2(hook: Hook, streams: int = 100) -> Script:
    """Speak HTTP/2; `hook` sees each event and may act, False ends the connection."""
    limits = {h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS: streams}

    def script(peer: socket.socket) -> None:
        connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        connection.local_settings = h2.settings.Settings(client=False, initial_values=limits)
        connection.initiate_connection()
        peer.sendall(connection.data_to_send())
        while data := peer.recv(65_536):
            going = True
            for event in connection.receive_data(data):
                going = going and hook(connection, event)
            peer.sendall(connection.data_to_send())
            if not going:
                return

    return script


def answering(connection: h2.connection.H2Connection, event: h2.events.Event) -> bool:
    """Answer each whole request with the number of its stream."""
    if isinstance(event, h2.events.StreamEnded) and event.stream_id is not None:
        connection.send_headers(event.stream_id, [(":status", "200")])
        connection.send_data(event.stream_id, str(event.stream_id).encode(), end_stream=True)
    return True
