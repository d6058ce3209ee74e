"""In which order to read bodies, so that what a function calls has been read before it.

Owns a guess by name alone, from the text: a body that calls `save(…)` comes after every function
called `save`. The guess costs one pass of a regular expression; where it is wrong (a method of
another type, a cycle) the body is read again once its callee is known, which is slower but
right. It must not decide what is called: `lower` does.
"""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

from deadheat.rust.items import Function

_CALL = re.compile(rb"([A-Za-z_][A-Za-z0-9_]*)\s*(?:::\s*<[^>()]*>)?\(")


def callees_first(functions: Iterable[Function]) -> Iterator[Function]:
    """Give the functions that have a body, callees before callers as far as names tell.

    A depth-first post-order (Tarjan 1972) over names, on an explicit stack: call chains are as long
    as the application likes.
    """
    named: dict[bytes, list[Function]] = {}
    bodies: dict[str, bytes] = {}
    for function in functions:
        body = function.body
        if body is not None:
            named.setdefault(function.name.encode(), []).append(function)
            bodies[function.path] = body.text or b""
    done: set[bytes] = set()
    for first, several in named.items():
        if first in done:
            continue
        done.add(first)
        stack = [(first, _called(several, bodies))]
        while stack:
            name, remaining = stack[-1]
            following = next((one for one in remaining if one in named and one not in done), None)
            if following is None:
                stack.pop()
                yield from named[name]
            else:
                done.add(following)
                stack.append((following, _called(named[following], bodies)))


def _called(functions: Iterable[Function], bodies: dict[str, bytes]) -> Iterator[bytes]:
    """The names that bodies of one name call."""
    return iter(sorted({name for one in functions for name in _names(bodies[one.path])}))


@lru_cache(maxsize=20_000)  # of a program that is read again, most bodies are the same
def _names(body: bytes) -> frozenset[bytes]:
    return frozenset(_CALL.findall(body))
