"""A shop that is asked over a WebSocket: one coupon, looked up and then used.

Owns a server on loopback, in this process, on Starlette and uvicorn. Racy, two messages are both past
the look before either acts; fixed, looking and acting are one step. It greets before it is asked
anything, so that whoever takes the first message for the answer is wrong.
"""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

_MEET = 0.02
"""Seconds for which one message waits for another to be past its look too."""

_WORK = 0.01
"""Seconds that every message takes before that, so that messages sent together are there together."""


class Shop:
    """What was paid, what was heard, and how many WebSockets are and were open."""

    def __init__(self, *, fixed: bool) -> None:
        self.fixed = fixed
        self.used = False
        self.paid = 0
        self.heard: list[tuple[str, str]] = []
        self.opened = 0
        self.most = 0
        self.marked = True
        self._open = 0
        self._waiting: asyncio.Event | None = None

    async def live(self, peer: WebSocket) -> None:
        """`redeem CODE` from who says so in `x-user`; nobody else gets in."""
        self.marked = self.marked and "x-deadheat" in peer.headers
        who = peer.headers.get("x-user")
        if who is None:
            await peer.close()  # before it is accepted: 403
            return
        await peer.accept()
        self.opened += 1
        self._open += 1
        self.most = max(self.most, self._open)
        try:
            await peer.send_text(f"welcome {who}")
            async for text in peer.iter_text():
                self.heard.append((who, text))
                await peer.send_text(await self._redeem(who))
        finally:
            self._open -= 1

    async def _redeem(self, who: str) -> str:
        await asyncio.sleep(_WORK)
        if self.used:
            return "already used"
        if not self.fixed:
            await self._meet()
        self.used = True
        self.paid += 10
        return f"paid 10 to {who}"

    async def _meet(self) -> None:
        if self._waiting is not None:
            self._waiting.set()
            return
        self._waiting = asyncio.Event()
        try:
            await asyncio.wait_for(self._waiting.wait(), _MEET)
        except TimeoutError:
            return
        finally:
            self._waiting = None

    async def look(self, _request: Request) -> PlainTextResponse:
        """What was paid."""
        return PlainTextResponse(str(self.paid))

    async def reset(self, _request: Request) -> PlainTextResponse:
        """Back to the first state."""
        self.used, self.paid = False, 0
        return PlainTextResponse("reset")


@contextmanager
def websocket_shop(*, fixed: bool) -> Iterator[tuple[Shop, int]]:
    """Serve until the end of the block; gives the shop and its port."""
    shop = Shop(fixed=fixed)
    routes = [
        WebSocketRoute("/live", shop.live),
        Route("/paid", shop.look),
        Route("/reset", shop.reset, methods=["POST"]),
    ]
    config = uvicorn.Config(Starlette(routes=routes), log_level="critical", ws="wsproto", lifespan="off")
    server = uvicorn.Server(config)
    # Bound and listening before the server runs: whoever connects early waits in the queue.
    # The protocol is named because asyncio sets TCP_NODELAY only where it is.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield shop, listener.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join()
