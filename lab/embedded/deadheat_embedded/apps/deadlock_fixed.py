"""A small bank that keeps answering.

The twin of `deadlock`, where two transfers that meet each hold what the other needs. Here both
lock checking first and savings second, whichever way the money goes: who comes second waits at
the first lock, holding nothing.

    POST /to-savings             POST /to-checking
    lock checking
                                 lock checking: waits
    lock savings, transfer
    release both
                                 lock savings, transfer
"""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from deadheat_embedded.place import Guard, Mutex

TRANSFER = 10


class Accounts:
    def __init__(self) -> None:
        self.checking = Mutex(100)
        self.savings = Mutex(100)


async def to_savings(request: Request) -> PlainTextResponse:
    accounts: Accounts = request.app.state.accounts
    async with accounts.checking.lock(1) as checking, accounts.savings.lock(2) as savings:
        return transfer(checking, savings, "Checking", "savings")


async def to_checking(request: Request) -> PlainTextResponse:
    accounts: Accounts = request.app.state.accounts
    async with accounts.checking.lock(3) as checking, accounts.savings.lock(4) as savings:
        return transfer(savings, checking, "Savings", "checking")


def transfer(source: Guard[int], target: Guard[int], source_name: str, target_name: str) -> PlainTextResponse:
    if source.value < TRANSFER:
        return PlainTextResponse(f"{source_name} has only {source.value}", 409)
    source.value -= TRANSFER
    target.value += TRANSFER
    return PlainTextResponse(f"{source_name} {source.value}, {target_name} {target.value}")


def app() -> Starlette:
    routes = [
        Route("/to-savings", to_savings, methods=["POST"]),
        Route("/to-checking", to_checking, methods=["POST"]),
    ]
    application = Starlette(routes=routes)
    application.state.accounts = Accounts()
    return application
