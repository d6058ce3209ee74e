"""How many users are active right now?

Each handler takes the lock twice: once to change the count, and once more to tell the visitor
what it became. Between the two the lock is free, and somebody else's request may run there.

    first                  second                 count
    add one                                       1
                           add one                2
    read again: "2"                               2
                           read again: "2"        2
"""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from deadheat_embedded.place import Mutex


class ActiveUsers:
    def __init__(self) -> None:
        self.count = Mutex(0)


async def increment(request: Request) -> PlainTextResponse:
    users: ActiveUsers = request.app.state.users
    async with users.count.lock(1) as count:
        count.value += 1

    async with users.count.lock(2) as count:
        return PlainTextResponse(f"One more: {count.value} active now")


async def decrement(request: Request) -> PlainTextResponse:
    users: ActiveUsers = request.app.state.users
    async with users.count.lock(3) as count:
        count.value = max(count.value - 1, 0)

    async with users.count.lock(4) as count:
        return PlainTextResponse(f"One fewer: {count.value} active now")


def app() -> Starlette:
    application = Starlette(routes=[Route("/increment", increment), Route("/decrement", decrement)])
    application.state.users = ActiveUsers()
    return application
