"""Racers varied on purpose: the same thing asked for in another way, or at another pace.

Owns the mutations, each a named family with its reason. It must not judge: a mutated racer has a
sequential control of its own. The same seed gives the same variants in the same order.
"""

import re
from collections.abc import Callable, Iterator
from random import Random
from urllib.parse import quote, unquote

import msgspec
from msgspec import Struct, structs

from deadheat.model import Request

_STRETCH = 16_384
_NUMBER = re.compile(r"\d+")


class Variant(Struct, frozen=True):
    """A mutated request: the family, what was done, and the request."""

    family: str
    words: str
    request: Request


Mutation = Callable[[Request, Random], Iterator[tuple[str, Request]]]


def _case(request: Request, random: Random) -> Iterator[tuple[str, Request]]:
    """One key, two spellings: a lock or a lookup may fold case where the other does not."""
    key = _last(request)
    for spelled in dict.fromkeys((key.lower(), key.upper(), key.swapcase())):
        if spelled != key:
            yield f"{key} as {spelled}", _renamed(request, spelled)


def _encoding(request: Request, random: Random) -> Iterator[tuple[str, Request]]:
    """One key, percent-encoded otherwise (RFC 3986, section 6.2.2): a cache in front may not decode."""
    key = unquote(_last(request))
    if key:
        at = random.randrange(len(key))
        encoded = (
            quote(key[:at], safe="")
            + "".join(f"%{b:02X}" for b in key[at].encode())
            + quote(key[at + 1 :], safe="")
        )
        yield f"{key} as {encoded}", _renamed(request, encoded)
        yield f"{key} with a trailing slash", _renamed(request, f"{_last(request)}/")


def _identifier(request: Request, random: Random) -> Iterator[tuple[str, Request]]:
    """Another thing of the same kind: a lock may be wider, or narrower, than what it protects."""
    path, mark, query = request.target.partition("?")
    for hit in _NUMBER.finditer(path):
        for other in (int(hit[0]) + 1, max(int(hit[0]) - 1, 0)):
            if str(other) != hit[0]:
                target = f"{path[: hit.start()]}{other}{path[hit.end() :]}{mark}{query}"
                yield f"{hit[0]} as {other}", structs.replace(request, target=target)


def _duplicate(request: Request, random: Random) -> Iterator[tuple[str, Request]]:
    """A parameter twice: who checks may read the first, who acts the last."""
    path, _, query = request.target.partition("?")
    if query:
        pair = random.choice(query.split("&"))
        yield f"{pair} twice", structs.replace(request, target=f"{path}?{query}&{pair}")
    if _kind(request).startswith("application/x-www-form-urlencoded") and request.body:
        first = request.body.split(b"&")[0]
        yield "a field twice", structs.replace(request, body=request.body + b"&" + first)


def _stretch(request: Request, random: Random) -> Iterator[tuple[str, Request]]:
    """A long body takes long to read: what lies between guard and handler gets wider."""
    kind = _kind(request)
    if "json" in kind and request.body:
        yield (
            f"{_STRETCH} spaces after the body",
            structs.replace(request, body=request.body + b" " * _STRETCH),
        )
    elif kind.startswith("application/x-www-form-urlencoded"):
        yield (
            f"a field of {_STRETCH} bytes more",
            structs.replace(
                request, body=request.body + (b"&" if request.body else b"") + b"deadheat=" + b"a" * _STRETCH
            ),
        )


def _types(request: Request, random: Random) -> Iterator[tuple[str, Request]]:
    """A JSON number as a string and back: one of two readers may not convert."""
    if "json" not in _kind(request):
        return
    try:
        document: object = msgspec.json.decode(request.body)
    except msgspec.DecodeError:
        return
    if isinstance(document, dict):
        for key, value in document.items():
            if isinstance(value, int) and not isinstance(value, bool):
                changed = {**document, key: str(value)}
                yield f"{key} as a string", structs.replace(request, body=msgspec.json.encode(changed))


MUTATIONS: dict[str, Mutation] = {
    "case": _case,
    "encoding": _encoding,
    "identifier": _identifier,
    "duplicate": _duplicate,
    "stretch": _stretch,
    "type": _types,
}


def variants(request: Request, seed: int) -> tuple[Variant, ...]:
    """Every variant of a request, one of each family before the second of any."""
    random = Random(seed)
    families = [
        [Variant(name, words, made) for words, made in mutation(request, random) if made != request]
        for name, mutation in MUTATIONS.items()
    ]
    found: list[Variant] = []
    for depth in range(max(map(len, families), default=0)):
        found += [family[depth] for family in families if depth < len(family)]
    return tuple(found)


def _last(request: Request) -> str:
    return request.target.partition("?")[0].rsplit("/", 1)[-1]


def _renamed(request: Request, key: str) -> Request:
    path, mark, query = request.target.partition("?")
    return structs.replace(request, target=f"{path.rsplit('/', 1)[0]}/{key}{mark}{query}")


def _kind(request: Request) -> str:
    return next((value.lower() for name, value in request.headers if name.lower() == "content-type"), "")
