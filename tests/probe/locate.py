"""Finds sites in small programs by their text, so that these tests need no reader."""

import re
from collections.abc import Container

from deadheat.model import AccessKind, Site, SiteKind, Span

_CALL = re.compile(rb"\b((?:\w+\.)+)(lock|try_lock|read|write|load|store|fetch_add|get|len|send|recv)\(")
_BUILD = re.compile(rb"\brocket::(build|custom)\(")
_SPAWN = re.compile(rb"\b(?:\w+::)*(spawn|spawn_blocking)\(")
_FUNCTION = re.compile(rb"\bfn (\w+)")
_KINDS = {
    b"lock": SiteKind.LOCK,
    b"write": SiteKind.LOCK,
    b"read": SiteKind.LOCK_SHARED,
    b"try_lock": SiteKind.TRY_LOCK,
}


def sites(file: str, source: bytes, *, passing: Container[str] = ()) -> tuple[Site, ...]:
    """Locks and atomics reached through fields, `rocket::build`, spawns.

    A receiver that begins with one of the names in `passing` is not rooted.
    """
    found = []
    for match in _CALL.finditer(source):
        end = _close(source, match.end())
        arguments = _arguments(source, match.end(), end - 1)
        receiver = (match.start(), match.end(1) - 1)
        method = match[2]
        found.append(
            Site(
                file=file,
                function=_function(source, match.start()),
                kind=_KINDS.get(method, SiteKind.ATOMIC),
                span=_span(file, source, match.start(), end),
                call=(match.start(), end),
                receiver=receiver,
                arguments=arguments,
                method=method.decode(),
                operation=method.decode(),
                effect=AccessKind.READ if method in {b"load", b"read"} else AccessKind.WRITE,
                state=source[slice(*receiver)].decode(),
                receiver_is_place=True,
                rooted=match[1].split(b".")[0].decode() not in passing,
                nested_calls=any(b"(" in source[slice(*argument)] for argument in arguments),
            )
        )
    for pattern, kind in ((_BUILD, SiteKind.BUILD), (_SPAWN, SiteKind.SPAWN_FUTURE)):
        for match in pattern.finditer(source):
            end = _close(source, match.end())
            if match[1] == b"spawn_blocking":
                kind = SiteKind.SPAWN_CLOSURE
            found.append(
                Site(
                    file=file,
                    function=_function(source, match.start()),
                    kind=kind,
                    span=_span(file, source, match.start(), end),
                    call=(match.start(), end),
                    receiver=None,
                    arguments=_arguments(source, match.end(), end - 1),
                    method=match[1].decode(),
                )
            )
    return tuple(found)


def _close(source: bytes, start: int) -> int:
    depth = 1
    while depth:
        depth += {b"(": 1, b")": -1}.get(source[start : start + 1], 0)
        start += 1
    return start


def _arguments(source: bytes, start: int, end: int) -> tuple[tuple[int, int], ...]:
    found, depth, begin = [], 0, start
    for position in range(start, end + 1):
        byte = source[position : position + 1]
        if position == end or (byte == b"," and depth == 0):
            text = source[begin:position]
            if text.strip():
                left = begin + len(text) - len(text.lstrip())
                found.append((left, left + len(text.strip())))
            begin = position + 1
        depth += {b"(": 1, b"{": 1, b"[": 1, b")": -1, b"}": -1, b"]": -1}.get(byte, 0)
    return tuple(found)


def _function(source: bytes, position: int) -> str:
    names = [match[1].decode() for match in _FUNCTION.finditer(source, 0, position)]
    return f"app::{names[-1]}" if names else "app"


def _span(file: str, source: bytes, start: int, end: int) -> Span:
    def at(position: int) -> tuple[int, int]:
        before = source[:position].decode()
        return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1

    return Span(file, *at(start), *at(end))
