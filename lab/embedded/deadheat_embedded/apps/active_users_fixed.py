"""How many users are active right now?

The twin of `active_users`. There, each handler takes the lock twice, and the number it answers
may already be somebody else's. Here the answer is made while the lock that changed the count is
still held.

    first                  second                 count
    add one, say "1"                              1
                           add one, say "2"       2
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

        return PlainTextResponse(f"One more: {count.value} active now")


async def decrement(request: Request) -> PlainTextResponse:
    users: ActiveUsers = request.app.state.users
    async with users.count.lock(2) as count:
        count.value = max(count.value - 1, 0)

        return PlainTextResponse(f"One fewer: {count.value} active now")


def app() -> Starlette:
    application = Starlette(routes=[Route("/increment", increment), Route("/decrement", decrement)])
    application.state.users = ActiveUsers()
    return application
