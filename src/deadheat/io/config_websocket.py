"""Messages over a WebSocket as racers: how they are written, and what cannot judge them.

Owns what `ws` and `message` mean in a racer. It must not know how a message is sent.
"""

import re
from collections.abc import Iterable, Sequence

import msgspec
from msgspec import UNSET

from deadheat.io.config_file import RacerTable
from deadheat.io.config_mistake import Mistake, Place
from deadheat.io.config_request import Headers, checked_headers, checked_target
from deadheat.model.http import MESSAGE, Request
from deadheat.oracle.recipes import RECIPES

_BY_STATUS = re.compile(r"\b(successes|alone|status)\b")
_MEND = 'tell the answers by their text: `answers.filter(a, a.body.startsWith("paid")).size() <= 1`'


def messages(entry: RacerTable, common: Headers, place: Place, principal: str | None) -> tuple[Request, ...]:
    """The messages of a racer with `ws`: one, or one for each of `bodies`."""
    if not isinstance(entry.ws, str):
        raise Mistake((*place, "message"), "`message` goes over a WebSocket: name it with `ws`")
    foreign = [
        name
        for name, given in (
            ("method", bool(entry.method)),
            ("target", bool(entry.target)),
            ("body", entry.body is not UNSET),
            ("form", entry.form is not UNSET),
        )
        if given
    ]
    if foreign:
        raise Mistake((*place, foreign[0]), f"a message has no `{foreign[0]}`: give `ws` and `message`")
    given = list(entry.bodies)
    if isinstance(entry.message, str):
        given.append(entry.message)
    if entry.json is not UNSET:
        given.append(msgspec.json.encode(entry.json).decode())
    if not given or (len(given) > 1 and len(given) != len(entry.bodies)):
        raise Mistake(place, "give the message once: as `message`, as `json`, or several as `bodies`")
    own = {name.lower() for name in entry.headers}
    headers = tuple(pair for pair in common if pair[0].lower() not in own)
    headers += checked_headers(entry.headers, (*place, "headers"))
    target = checked_target(entry.ws, (*place, "ws"))
    return tuple(Request(MESSAGE, target, headers, text.encode(), principal) for text in given)


def unsuitable(racers: Iterable[Request], recipe: str | None, invariants: Sequence[str]) -> str | None:
    """Why these racers cannot be released together, or not be judged like this; None when they can.

    A message's answer has no status. What counts successes would take every answer for one.
    """
    kinds = {racer.message for racer in racers}
    if True not in kinds:
        return None
    if False in kinds:
        return "messages and requests are not released together: keep one kind, or write two scenarios"
    brought = RECIPES[recipe].invariants if recipe is not None and recipe in RECIPES else ()
    for source in (*brought, *invariants):
        if hit := _BY_STATUS.search(source):
            whose = f"recipe `{recipe}`" if source in brought else f"`{source}`"
            return f"{whose} judges by `{hit[0]}`, and an answer over a WebSocket has none; {_MEND}"
    return None
