"""A small bank that stops answering.

Each transfer needs both accounts and locks the one it takes from first. That is fine until a
transfer each way meets in the middle, each holding what the other needs.

    POST /to-savings             POST /to-checking
    lock checking
                                 lock savings
    lock savings: waits
                                 lock checking: waits, for ever
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
    async with accounts.savings.lock(3) as savings, accounts.checking.lock(4) as checking:
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
