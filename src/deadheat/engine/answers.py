"""What the answer to one request alone says about whether its handler is tested at all.

Owns the reading of status codes: a guard that refuses, an item that does not exist, a body that
does not decode. It must not know schedules. An answer that shows the handler doing its work is
no news; every other becomes a *not tested* entry, and reports show those first, because a pass
that rests on refusals is worth nothing.
"""

from deadheat.engine import stubs
from deadheat.engine.examples import parse
from deadheat.model.http import Request
from deadheat.model.run import NotTested
from deadheat.model.source import Guard, Handler, ParameterKind

ROCKET_GUARDS = frozenset(
    {
        "Accept", "Config", "ContentType", "Cookies", "CookieJar", "Figment", "Host", "IpAddr", "Limits",
        "Method", "Origin", "Request", "Rocket", "Route", "Shutdown", "SocketAddr", "State", "Uri",
    }
)  # fmt: skip
"""Guards of Rocket's own that let every request pass."""


def foreign_guards(handler: Handler) -> tuple[Guard, ...]:
    """The handler's guards that may refuse a request: not Rocket's own, not optional."""
    return tuple(
        guard
        for guard in handler.guards
        if parse(guard.type).name not in ROCKET_GUARDS | {"Option", "Result"}
    )


def opens_websocket(handler: Handler) -> bool:
    """Whether the handler answers with a WebSocket (`rocket_ws`)."""
    return any(parse(guard.type).name == "WebSocket" for guard in handler.guards)


def explain_status(
    handler: Handler, status: int, body: bytes = b"", request: Request | None = None
) -> NotTested | None:
    """Why the answer to a single request shows that `handler` was not really tested.

    Args:
        handler: the one the request was meant for.
        status: of the answer.
        body: of the answer; a short text in it is quoted.
        request: what was sent, for the stub to repeat.

    Returns:
        None for an answer that says nothing against it (below 400).
    """
    if status < 400:
        return None
    why, mend = _reason(handler, status, request)
    return NotTested(handler.endpoint, f"a single request was answered {status}{_quoted(body)}: {why}", mend)


def _reason(handler: Handler, status: int, request: Request | None) -> tuple[str, str]:
    guards = ", ".join(f"`{guard.type}`" for guard in foreign_guards(handler))
    keys = [(p.name, p.type) for p in handler.parameters if p.kind is ParameterKind.PATH]
    made_up = [
        (name, f"a valid {type}")
        for p in handler.parameters
        if p.kind in {ParameterKind.PATH, ParameterKind.QUERY, ParameterKind.DATA}
        for name, type in p.fields or [(p.name, p.type)]
    ]
    match status:
        case 401 | 403 | 407:
            who = f"its guard {guards} wants to know who asks" if guards else "it wants to know who asks"
            return who, stubs.headers()
        case 404 if keys:
            return (
                "what the path names does not exist, or a guard passed the request on",
                stubs.values(handler, [(name, f"one that exists ({type})") for name, type in keys]),
            )
        case 404:
            return (
                "what it works on does not exist, or a guard passed the request on",
                stubs.scenario(handler, request, "requests that create what it works on"),
            )
        case 400 | 413 | 415 | 422:
            return (
                "it does not take the values that were made up",
                stubs.values(handler, made_up)
                if made_up
                else stubs.scenario(handler, request, "requests that have to come first"),
            )
        case 405:
            return "no route takes that method there", stubs.scenario(handler, request)
        case 406:
            return "it makes nothing that the request accepts", '[headers]\naccept = "*/*"'
        case 429:
            return "a rate limit counts requests", stubs.scenario(
                handler, request, "nothing resets the limit yet"
            )
        case 503:
            return (
                "something it needs is not there (a database, a pool)",
                '[app]\nenv = {}  # what it needs to start: { ROCKET_DATABASES = "…" }',
            )
        case _ if status >= 500:
            return (
                "it fails alone, so this is no race; mend it, or set up what it needs",
                stubs.scenario(handler, request, "requests that have to come first"),
            )
        case _:
            return (
                "it refuses in the initial state",
                stubs.scenario(handler, request, "requests that have to come first"),
            )


def _quoted(body: bytes) -> str:
    """The body in quotes when it is one short line of text; Rocket's own error pages are not."""
    try:
        text = body.decode().strip()
    except UnicodeDecodeError:
        return ""
    short = text and len(text) <= 80 and text.isprintable() and not text.startswith("<")
    return f' "{text}"' if short else ""


def mend_first(endpoint: str) -> NotTested:
    """Say that a handler which waits for itself is not raced with others."""
    return NotTested(f"{endpoint} with others", "it never answers even alone; mend that first")
