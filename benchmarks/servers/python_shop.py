"""A shop in Python with two races, for attacks on something that is not Rocket.

The stories of the lab's `coupons` and `stock-*` on Starlette and uvicorn: one thread, one event loop,
and still every `await` is a place where another request may run. Without `--fixed` each handler looks,
awaits, and then acts on what it saw; with it, looking and acting are one step without an await between.

``python -m benchmarks.servers.python_shop [--fixed]`` listens on a free port of 127.0.0.1 and prints
the line ``listening on http://127.0.0.1:PORT``. `node_shop.mjs` is the same shop in JavaScript.
"""

import asyncio
import socket
import sys

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

WAIT = 0.001
"""Seconds that the payment provider, or the database, takes."""


class Shop:
    """What is on offer, and what was paid out and sold."""

    def __init__(self, *, fixed: bool) -> None:
        self.fixed = fixed
        self.restock()

    def restock(self) -> None:
        """Back to the first day."""
        self.coupons = {"WELCOME10": 10, "SUMMER25": 25}
        self.used: set[str] = set()
        self.paid_out = 0
        self.stock = {"lamp": 1, "chair": 10}
        self.sold = dict.fromkeys(self.stock, 0)

    async def redeem(self, request: Request) -> PlainTextResponse:
        code = request.path_params["code"]
        if code not in self.coupons:
            return PlainTextResponse(f"{code}: no such coupon", 404)
        if code in self.used:
            return PlainTextResponse(f"{code}: already used", 409)
        if self.fixed:
            self.used.add(code)
        await asyncio.sleep(WAIT)
        self.used.add(code)
        self.paid_out += self.coupons[code]
        return PlainTextResponse(f"{code}: paid {self.coupons[code]}")

    async def buy(self, request: Request) -> PlainTextResponse:
        item = request.path_params["item"]
        if self.stock.get(item, 0) < 1:
            return PlainTextResponse(f"{item}: none left", 409)
        if self.fixed:
            self.stock[item] -= 1
            await asyncio.sleep(WAIT)
        else:
            await asyncio.sleep(WAIT)
            self.stock[item] -= 1
        self.sold[item] += 1
        return PlainTextResponse(f"{item}: sold")

    async def get_paid_out(self, _request: Request) -> PlainTextResponse:
        return PlainTextResponse(str(self.paid_out))

    async def get_stock(self, request: Request) -> PlainTextResponse:
        return _number(self.stock.get(request.path_params["item"]))

    async def get_sold(self, request: Request) -> PlainTextResponse:
        return _number(self.sold.get(request.path_params["item"]))

    async def reset(self, _request: Request) -> PlainTextResponse:
        self.restock()
        return PlainTextResponse("as on the first day")


def _number(value: int | None) -> PlainTextResponse:
    return PlainTextResponse("no such item", 404) if value is None else PlainTextResponse(str(value))


def application(*, fixed: bool) -> Starlette:
    """The shop as an ASGI application."""
    shop = Shop(fixed=fixed)
    return Starlette(
        routes=[
            Route("/redeem/{code}", shop.redeem, methods=["POST"]),
            Route("/buy/{item}", shop.buy, methods=["POST"]),
            Route("/paid-out", shop.get_paid_out),
            Route("/stock/{item}", shop.get_stock),
            Route("/sold/{item}", shop.get_sold),
            Route("/reset", shop.reset, methods=["POST"]),
        ]
    )


def main() -> None:
    """Serve until told to stop."""
    # The protocol is named because asyncio sets TCP_NODELAY only where it is; without, each answer, head and
    # body, waits 40 ms for a delayed acknowledgement.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        config = uvicorn.Config(application(fixed="--fixed" in sys.argv[1:]), log_level="warning")
        print(f"listening on http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
        uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
