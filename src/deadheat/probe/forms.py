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
    SiteKind.LOCK_UPGRADABLE: "Upgrade",
    SiteKind.MAP: "Write",
    SiteKind.MAP_SHARED: "Read",
    SiteKind.TRY_LOCK: "Free",
    SiteKind.ATOMIC: "Free",
}
_PARTS = frozenset({SiteKind.MAP, SiteKind.MAP_SHARED})
_WHOLE = frozenset(
    {"len", "is_empty", "iter", "iter_mut", "clear", "retain", "alter_all", "shrink_to_fit", "extend"}
)
_TAKES_KEY = frozenset({"insert", "entry", "try_entry"})  # by value: the probe borrows it before
# Evaluating it twice changes nothing: a literal, or a name, perhaps borrowed or copied.
_KEY = re.compile(
    r"""\d\w*|&?"[^"\\]*"(?:\.(?:to_string|to_owned)\(\))?"""
    r"""|[&*]*[A-Za-z_]\w*(?:\.\w+)*(?:\.(?:to_string|to_owned|clone|as_str|as_ref|inner)\(\))*"""
)
_NO_PARAMETER = re.compile(rb"(move\s+)?\|\s*\|")
_PARAMETERS = re.compile(rb"(move\s+)?\|")
_ONE_PARAMETER = re.compile(rb"(move\s+)?\|\s*[A-Za-z]\w*\s*(:[^|]*)?\|(?!\s*->)")


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
    if site.kind is SiteKind.COMMIT_BLOCK:
        # The block's own value, `?` and `return` included: what leaves early is rolled back.
        return (_around(site, "end", site.call, f"{_CRATE}::after({{", f"}}, {_CRATE}::hit({point}))"),)
    if site.kind is SiteKind.WAIT:
        # First the step, then what it waits for: a word that is said while the request is held counts.
        told = f"{_CRATE}::seq({_CRATE}::hit({point}), {_CRATE}::waits("
        return (_around(site, "waits", site.call, told, "))"), *_access(site, point, source))
    if site.kind is SiteKind.RECEIVE:
        return (_around(site, "receive", site.call, f"{_CRATE}::receive("),)
    return _access(site, point, source)


def _around(site: Site, form: str, where: tuple[int, int], before: str, after: str = ")") -> Wrap:
    return Wrap(form, *where, before, after, site.call[1] - site.call[0])


def _spawn(site: Site, source: bytes) -> tuple[Wrap, ...]:
    if not site.arguments:
        return ()
    where = site.arguments[0]

    def wrap(name: str) -> Wrap:
        return _around(site, name.rstrip("!").replace("_", "-"), where, f"{_CRATE}::{name}(")

    if site.kind is SiteKind.SPAWN_FUTURE:
        return (wrap("inherit"),)
    text = source[slice(*where)]
    if _PARAMETERS.match(text) and not _NO_PARAMETER.match(text):
        there = (wrap("inherit_body!"),) if _ONE_PARAMETER.match(text) else ()
        return (*there, wrap("inherit_with"), wrap("inherit_call"))
    return (wrap("inherit_call"), wrap("inherit_with"))


def _access(site: Site, point: int, source: bytes) -> tuple[Wrap, ...]:
    hit = f"{_CRATE}::hit({point})"
    if site.writer:
        hit = f"{_CRATE}::statement({point}, {'true' if site.inside else 'false'})"
    mode = _MODES.get(site.kind)
    found: list[Wrap] = []
    late = bool(site.nested_calls and site.arguments)
    if site.kind in _PARTS and site.method not in _WHOLE:
        # It waits for one part of the map. Where the key cannot be named twice, which one is not known.
        part = _part(site, point, mode, source)
        if part:
            found.append(_last(site, "part-last", part, source) if late else _first(site, "part", part))
        mode = "Free"
    place = _sent(site, point, source) if site.kind is SiteKind.SEND else _place(site, point, mode, source)
    if place:
        found.append(_last(site, "place-last", place, source) if late else _first(site, "place", place))
    elif site.receiver and not site.receiver_is_place and not late:
        if mode:
            found.append(_around(site, "receiver", site.receiver, f"{_CRATE}::at!({point}, {mode}, "))
        found.append(_around(site, "receiver-hit", site.receiver, f"{_CRATE}::after(", f", {hit})"))
    if late:
        found.append(_last(site, "hit-last", hit, source))
    found.append(_first(site, "hit", hit))
    if site.arguments and not late:
        found.append(_last(site, "hit-last", hit, source))
    return tuple(found)


def _first(site: Site, form: str, probe: str) -> Wrap:
    return _around(site, form, site.call, f"{_CRATE}::seq({probe}, ")


def _last(site: Site, form: str, probe: str, source: bytes) -> Wrap:
    if _PARAMETERS.match(source[slice(*site.arguments[-1])]):
        # Making a closure is no step; passed through a function of ours, its parameters would lose
        # the types that the call gives them.
        return _around(site, form, site.arguments[-1], f"{{{probe}; ", "}")
    return _around(site, form, site.arguments[-1], f"{_CRATE}::after(", f", {probe})")


def _part(site: Site, point: int, mode: str | None, source: bytes) -> str | None:
    """The look at the part of a receiver that a key names; None where either cannot be named twice."""
    receiver = _named(site, source)
    if receiver is None or not site.rooted or not site.arguments:
        return None
    key = source[slice(*site.arguments[0])].decode("utf-8", "replace")
    if not _KEY.fullmatch(key):
        return None
    given = f"&({key})" if site.method in _TAKES_KEY else key
    return f"{_CRATE}::keyed!({point}, {mode}, {receiver}, {given})"


def _sent(site: Site, point: int, source: bytes) -> str | None:
    """The look at a sender that can be named twice; None where it cannot."""
    sender = _named(site, source)
    return sender and f"{_CRATE}::post!({point}, {sender})"


def _place(site: Site, point: int, mode: str | None, source: bytes) -> str | None:
    """The look at a receiver that can be named twice; None where it cannot."""
    receiver = _named(site, source)
    if mode is None or receiver is None:
        return None
    macro = "place" if site.rooted else "passing"
    return f"{_CRATE}::{macro}!({point}, {mode}, {receiver})"


def _named(site: Site, source: bytes) -> str | None:
    """The receiver, where evaluating it twice changes nothing."""
    if site.receiver is None or not site.receiver_is_place:
        return None
    text = source[slice(*site.receiver)].decode("utf-8", "replace")
    if "//" in text or "/*" in text:
        return None  # a comment would swallow the rest of the line
    return " ".join(text.split())
