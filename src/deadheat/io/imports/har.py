"""HTTP archives: what browsers and proxies export (W3C HAR 1.2, http://www.softwareishard.com/blog/har-12-spec).

Owns the few fields of it that a request is made of; everything else in an archive is skipped while
decoding, so that a hundred megabytes of answers cost no memory.
"""

import base64
from urllib.parse import quote, urlencode

import msgspec
from msgspec import Struct

from deadheat.io.imports.imported import Imported, ImportMistake, made, parts
from deadheat.model import TargetError


class _Pair(Struct):
    name: str
    value: str = ""


class _Posted(Struct, rename="camel"):
    mime_type: str = ""
    text: str | None = None
    params: list[_Pair] | None = None
    encoding: str | None = None


class _Asked(Struct, rename="camel"):
    method: str
    url: str
    headers: list[_Pair] = []
    post_data: _Posted | None = None


class _Entry(Struct):
    request: _Asked


class _Log(Struct):
    entries: list[_Entry] = []


class _Archive(Struct):
    log: _Log


def parse(data: bytes) -> tuple[Imported, ...]:
    """The requests of an archive, in order; what is not HTTP (`data:`, `ws:`) is left out.

    Raises:
        ImportMistake: it is no archive.
    """
    try:
        archive = msgspec.json.decode(data.removeprefix(b"\xef\xbb\xbf"), type=_Archive)
    except msgspec.DecodeError as error:
        raise ImportMistake(f"not an HTTP archive: {error}") from None
    asked = [entry.request for entry in archive.log.entries]
    return tuple(_made(each) for each in asked if each.url.startswith(("http://", "https://")))


def write(found: tuple[Imported, ...]) -> bytes:
    """An archive of requests that were never answered."""
    entries = []
    for each in found:
        body = each.request.body
        posted = None
        if body:
            kind = {k.lower(): v for k, v in each.request.headers}.get("content-type", "")
            try:
                posted = _Posted(kind, body.decode("utf-8"))
            except UnicodeDecodeError:
                posted = _Posted(kind, base64.b64encode(body).decode(), None, "base64")
        headers = [_Pair(*pair) for pair in each.request.headers]
        url = f"{each.origin or 'http://localhost:80'}{each.request.target}"
        entries.append(_Entry(_Asked(each.request.method, url, headers, posted)))
    return msgspec.json.encode(_Archive(_Log(entries)))


def _made(asked: _Asked) -> Imported:
    try:
        origin, target = parts(asked.url)
    except TargetError as error:
        raise ImportMistake(str(error)) from None
    headers = tuple((pair.name, pair.value) for pair in asked.headers)
    target = quote(target, safe="/?:@!$&'()*+,;=%-._~[]|^`{}\"<>\\#")
    return made(asked.method, target, headers, _body(asked.post_data), origin)


def _body(posted: _Posted | None) -> bytes:
    if posted is None:
        return b""
    if posted.text:
        # Chromium writes bodies that are no text as if they were Latin-1, some proxies in base64.
        if posted.encoding == "base64":
            return base64.b64decode(posted.text)
        return posted.text.encode("utf-8")
    if posted.params and "form-urlencoded" in posted.mime_type:
        return urlencode([(pair.name, pair.value) for pair in posted.params]).encode()
    return b""
