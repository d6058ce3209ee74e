"""In which order to read bodies, so that what a function calls has been read before it.

Owns a guess by name alone, from the text: a body that calls `save(…)` comes after every function
called `save`. The guess costs one pass of a regular expression; where it is wrong (a method of
another type, a cycle) the body is read again once its callee is known, which is slower but
right. It must not decide what is called: `lower` does.
"""

import re
from collections.abc import Container, Iterable, Iterator, Mapping

from deadheat.rust.items import Function

_CALL = re.compile(rb"\b([A-Za-z_][A-Za-z0-9_]*+)\s*+(?:::\s*+<[^>()]*+>)?\(")


def called_names(
    functions: Iterable[Function], known: Mapping[str, tuple[str, ...]], changed: Container[str]
) -> dict[str, tuple[str, ...]]:
    """Which of the functions' names each body calls, by path, sorted.

    `known` is what was found of the same functions when all files but the `changed` ones were the same.
    """
    bodies = [function for function in functions if function.block is not None]
    names = {function.name for function in bodies}
    found: dict[str, tuple[str, ...]] = {}
    for function in bodies:
        path = function.path
        if path in known and function.file.path not in changed:
            found[path] = known[path]
        else:
            written = {name.decode() for name in _CALL.findall(function.body_text or b"")}
            found[path] = tuple(sorted(written & names))
    return found


def callees_first(functions: Iterable[Function], called: Mapping[str, tuple[str, ...]]) -> Iterator[Function]:
    """Give the functions that have a body, callees before callers as far as names tell.

    A depth-first post-order (Tarjan 1972) over names, on an explicit stack: call chains are as long
    as the application likes.
    """
    named: dict[str, list[Function]] = {}
    for function in functions:
        if function.path in called:
            named.setdefault(function.name, []).append(function)
    done: set[str] = set()
    for first, several in named.items():
        if first in done:
            continue
        done.add(first)
        stack = [(first, _called(several, called))]
        while stack:
            name, remaining = stack[-1]
            following = next((one for one in remaining if one not in done), None)
            if following is None:
                stack.pop()
                yield from named[name]
            else:
                done.add(following)
                stack.append((following, _called(named[following], called)))


def _called(functions: list[Function], called: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    """The names that bodies of one name call."""
    if len(functions) == 1:
        return iter(called[functions[0].path])
    return iter(sorted({name for one in functions for name in called[one.path]}))
