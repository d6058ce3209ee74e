"""A request as a person writes it in `deadheat.toml`: a line, or a table where a line is too short.

Owns the grammar of both and what is refused, so that whatever sends the request later can rely
on its being well-formed HTTP (RFC 9110 and 9112). It must not know who sends it or why.
"""

import re
from collections.abc import Mapping
from urllib.parse import quote, urlencode

import msgspec
from msgspec import UNSET

from deadheat.io.config_file import RequestEntry, RequestTable
from deadheat.io.config_mistake import Mistake, Place
from deadheat.model.config import as_text
from deadheat.model.http import MESSAGE, Request

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
TEXT = "text/plain; charset=utf-8"

Headers = tuple[tuple[str, str], ...]

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110 section 5.6.2
_TARGET = re.compile(
    r"/[!-~]*"
)  # origin form, RFC 9112 section 3.2.1; what is beyond ASCII is percent-encoded
_FIELD_VALUE = re.compile(r"[\t\x20-\x7e]*")  # RFC 9110 section 5.5 without its obsolete bytes
_PAIRS = re.compile(r"[\w.\[\]%+-]+=[^\s&=]*(&[\w.\[\]%+-]+=[^\s&=]*)*")


def request(entry: RequestEntry, common: Headers, place: Place, principal: str | None = None) -> Request:
    """The request that a line or a table means, the common headers under its own."""
    table = entry if isinstance(entry, RequestTable) else _request_line(entry, place)
    if not _TOKEN.fullmatch(table.method):
        raise Mistake(place, f"`{table.method}` is not a method: write `METHOD /target`")
    if table.method.upper() == MESSAGE:
        raise Mistake(place, 'a message is a racer: write { ws = "/…", message = "…" }')
    checked_target(table.target, place)
    kind, body = _body(table, place)
    own = {name.lower() for name in table.headers}
    headers = tuple(pair for pair in common if pair[0].lower() not in own)
    headers += checked_headers(table.headers, (*place, "headers"))
    if kind and not any(name.lower() == "content-type" for name, _ in headers):
        headers += (("content-type", kind),)
    return Request(table.method.upper(), table.target, headers, body, principal)


def _request_line(line: str, place: Place) -> RequestTable:
    parts = line.split(maxsplit=2)
    if len(parts) < 2:
        raise Mistake(
            place, f"`{line}` is not a request: write `METHOD /target` with a body after it, if any"
        )
    return RequestTable(parts[0], parts[1], body=parts[2] if len(parts) == 3 else UNSET)


def _body(table: RequestTable, place: Place) -> tuple[str | None, bytes]:
    """Content type and body. A plain string is taken for what it looks like."""
    given = [part for part in (table.body, table.json, table.form) if part is not UNSET]
    if len(given) > 1:
        raise Mistake(place, "a request has one body: keep one of `body`, `json` and `form`")
    if table.json is not UNSET:
        return JSON, msgspec.json.encode(table.json)
    if isinstance(table.form, Mapping):
        fields = {name: as_text(value) for name, value in table.form.items()}
        return FORM, urlencode(fields, quote_via=quote).encode()
    if not isinstance(table.body, str):
        return None, b""
    body = table.body.encode()
    try:
        msgspec.json.decode(body)
    except msgspec.DecodeError:
        return FORM if _PAIRS.fullmatch(table.body) else TEXT, body
    return JSON, body


def checked_target(target: str, place: Place) -> str:
    """The target; one that HTTP could not carry is a Mistake."""
    if not _TARGET.fullmatch(target):
        raise Mistake(place, f"`{target}` is not a target: start it with `/` and percent-encode the rest")
    return target


def checked_headers(given: Mapping[str, str], place: Place) -> Headers:
    """The headers as pairs; one that HTTP could not carry is a Mistake."""
    for name, value in given.items():
        if not _TOKEN.fullmatch(name):
            raise Mistake((*place, name), f"`{name}` is not a header name")
        if not _FIELD_VALUE.fullmatch(value):
            raise Mistake((*place, name), f"the value of header `{name}` has a character no header can carry")
    return tuple(given.items())
