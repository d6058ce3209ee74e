"""The field section of a request as HTTP/2 and HTTP/3 write it.

Owns what the two have in common: pseudo-header fields, lower case, and that a connection's own
fields have no place in it (RFC 9113, sections 8.2.2 and 8.3.1; RFC 9114, sections 4.2 and 4.3.1).
"""

from deadheat.model import Request

_CONNECTION_FIELDS = frozenset(
    {"connection", "host", "keep-alive", "proxy-connection", "te", "transfer-encoding", "upgrade"}
)
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})


def fields(request: Request, authority: str, scheme: str) -> list[tuple[str, str]]:
    """Give the fields of `request`, pseudo-header fields first; its `Host` becomes the authority."""
    named: list[tuple[str, str]] = []
    for name, value in request.headers:
        lower = name.lower()
        if lower == "host":
            authority = value
        elif lower not in _CONNECTION_FIELDS:
            named.append((lower, value))
    if (request.body or request.method in _WITH_BODY) and all(n != "content-length" for n, _ in named):
        named.append(("content-length", str(len(request.body))))
    return [
        (":method", request.method), (":scheme", scheme),
        (":authority", authority), (":path", request.target),
        *named,
    ]  # fmt: skip
