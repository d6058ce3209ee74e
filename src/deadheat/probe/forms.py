"""The forms a probe can take at a site, best first.

Owns the text that is inserted. Every form is one *wrap*: text before and text after an expression,
nothing replaced and no line added, so that the compiler's positions stay the user's. The rules:

* A probe fires when the step is about to happen, after everything evaluated before the step and
  before the step itself. So where arguments contain calls the *last argument* carries the probe:
  in `a.store(a.load(X) + 1, X)` the load must fire first, and it is evaluated inside the store's
  arguments. Rust evaluates operands left to right (The Rust Reference, "Expressions").
* A receiver that is a place is looked at by name (`place!`); one that is a computed value is
  passed through the probe (`at!`); both show the runtime the lock itself, so that it can tell a
  deadlock from a wait. Where the compiler objects, the next form knows less, and the last is none.
* Temporaries live as long as before: arguments of a call live to the end of the statement.
"""

import re

from msgspec import Struct

from deadheat.model import Site, SiteKind

_CRATE = "::deadheat_probe"
_MODES = {
    SiteKind.LOCK: "Write",
    SiteKind.LOCK_SHARED: "Read",
    SiteKind.TRY_LOCK: "Free",
    SiteKind.ATOMIC: "Free",
}
_NO_PARAMETER = re.compile(rb"(move\s+)?\|\s*\|")
_PARAMETERS = re.compile(rb"(move\s+)?\|")


class Wrap(Struct, frozen=True):
    """One form of one probe: `before` and `after` go around the bytes `start` to `end`.

    `scope` is the length of the whole call: of two wraps around the same bytes the one of the
    longer call is the outer one.
    """

    form: str
    start: int
    end: int
    before: str
    after: str
    scope: int


def forms(site: Site, point: int, source: bytes) -> tuple[Wrap, ...]:
    """Give the forms for `site`, best first; empty where none is possible.

    `point` is the number the probe reports; attachments and spawns do not use it.
    """
    if site.kind is SiteKind.BUILD:
        return (_around(site, "attach", site.call, f"{_CRATE}::attach("),)
    if site.kind in {SiteKind.SPAWN_FUTURE, SiteKind.SPAWN_CLOSURE}:
        return _spawn(site, source)
    return _access(site, point, source)


def _around(site: Site, form: str, where: tuple[int, int], before: str, after: str = ")") -> Wrap:
    return Wrap(form, *where, before, after, site.call[1] - site.call[0])


def _spawn(site: Site, source: bytes) -> tuple[Wrap, ...]:
    if not site.arguments:
        return ()
    where = site.arguments[0]

    def wrap(name: str) -> Wrap:
        return _around(site, name.replace("_", "-"), where, f"{_CRATE}::{name}(")

    if site.kind is SiteKind.SPAWN_FUTURE:
        return (wrap("inherit"),)
    text = source[slice(*where)]
    if _PARAMETERS.match(text) and not _NO_PARAMETER.match(text):
        return (wrap("inherit_with"), wrap("inherit_call"))
    return (wrap("inherit_call"), wrap("inherit_with"))


def _access(site: Site, point: int, source: bytes) -> tuple[Wrap, ...]:
    hit = f"{_CRATE}::hit({point})"
    mode = _MODES.get(site.kind)
    place = _place(site, point, mode, source)
    found: list[Wrap] = []
    late = bool(site.nested_calls and site.arguments)
    if place:
        found.append(_last(site, "place-last", place) if late else _first(site, "place", place))
    elif site.receiver and not site.receiver_is_place and not late:
        if mode:
            found.append(_around(site, "receiver", site.receiver, f"{_CRATE}::at!({point}, {mode}, "))
        found.append(_around(site, "receiver-hit", site.receiver, f"{_CRATE}::after(", f", {hit})"))
    if late:
        found.append(_last(site, "hit-last", hit))
    found.append(_first(site, "hit", hit))
    if site.arguments and not late:
        found.append(_last(site, "hit-last", hit))
    return tuple(found)


def _first(site: Site, form: str, probe: str) -> Wrap:
    return _around(site, form, site.call, f"{_CRATE}::seq({probe}, ")


def _last(site: Site, form: str, probe: str) -> Wrap:
    return _around(site, form, site.arguments[-1], f"{_CRATE}::after(", f", {probe})")


def _place(site: Site, point: int, mode: str | None, source: bytes) -> str | None:
    """The look at a receiver that can be named twice; None where it cannot."""
    if site.receiver is None or mode is None or not site.receiver_is_place:
        return None
    text = source[slice(*site.receiver)].decode("utf-8", "replace")
    if "//" in text or "/*" in text:
        return None  # a comment would swallow the rest of the line
    macro = "place" if site.rooted else "passing"
    return f"{_CRATE}::{macro}!({point}, {mode}, {' '.join(text.split())})"
