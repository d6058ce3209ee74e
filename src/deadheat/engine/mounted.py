"""Requests for handlers where the running application really serves them.

Owns the correction of a path that the source did not tell: a mount whose base is computed, or made by
a fairing, is known only once Rocket has launched. It must not know how requests are made up.
"""

from collections.abc import Iterable

import msgspec

from deadheat.io.hold import Mounted
from deadheat.model import Handler, NotTested, Request


def settled(handler: Handler, request: Request, routes: Iterable[Mounted]) -> Request | NotTested:
    """Give the request with the path at which `handler` is served, or say that it is not.

    A handler is told by its name and method. It stays as it is where the source was right, where the
    application tells no routes, and where several places or a dynamic base leave a choice.
    """
    listed = list(routes)
    served = [_path(r.uri) for r in listed if (r.name, r.method) == (handler.name, handler.method)]
    route = _path(handler.route)
    if not listed or route in served:
        return request
    if not served:
        return NotTested(handler.endpoint, "the running application serves no such route")
    tail = "" if route == "/" else route
    bases = {path.removesuffix(tail).rstrip("/") for path in served if path.endswith(tail)}
    if len(bases) != 1 or "<" in (base := bases.pop()):
        return request
    target = request.target.removeprefix("/") if route == "/" else request.target
    return msgspec.structs.replace(request, target=base + target)


def _path(uri: str) -> str:
    return uri.partition("?")[0]
