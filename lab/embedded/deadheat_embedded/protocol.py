"""The lines on the control socket: one message a line, its fields separated by one space.

Owns their grammar and nothing of what they cause. A list is joined by `,`, a record by `:`, an
empty list is `-`; values are percent-encoded, so that none of these can occur in one.
"""

from collections.abc import Iterable
from urllib.parse import quote

from msgspec import Struct

from deadheat_embedded.policy import Policy

VERSION = 1
MAX_ACTORS = 16
"""Most actors of one run: their sets are sent as bit masks."""


class Points(Struct, frozen=True):
    """The effect of each point: (point, resource, whether it writes); resource 0 is unknown."""

    table: tuple[tuple[int, int, bool], ...]


class Order(Struct, frozen=True):
    """Run number `run`: `actors` of them follow `prefix`; then anyone but those `asleep`, by `policy`."""

    run: int
    actors: int
    prefix: tuple[int, ...] = ()
    asleep: frozenset[int] = frozenset()
    policy: Policy | None = None


class Ask(Struct, frozen=True):
    """A message without arguments: RELEASE, MARK, RESTORE, AGAIN, STATE."""

    verb: str


Command = Points | Order | Ask


def parse(line: str) -> Command:
    """The message in `line`.

    Raises:
        ValueError: it is none of this protocol.
    """
    match line.split():
        case ["POINTS", table]:
            records = (record.split(":") for record in _items(table))
            return Points(tuple((int(point), int(resource), rw != "r") for point, resource, rw in records))
        case ["RUN", run, actors, prefix, asleep, *policy] if len(policy) <= 1:
            order = Order(
                int(run), int(actors), tuple(map(int, _items(prefix))), frozenset(map(int, _items(asleep))),
                Policy.parse(policy[0]) if policy else None,
            )  # fmt: skip
            if order.actors > MAX_ACTORS:
                raise ValueError(f"{actors} actors, at most {MAX_ACTORS}")
            return order
        case [("RELEASE" | "MARK" | "RESTORE" | "AGAIN" | "STATE") as verb]:
            return Ask(verb)
        case _:
            raise ValueError(f"no message of protocol {VERSION}: {line!r}")


def racer(header: str) -> tuple[int, int] | None:
    """The run and actor in `x-deadheat-actor: <run>.<actor>`, None when it names none."""
    run, dot, actor = header.partition(".")
    if not (dot and run.isdecimal() and actor.isdecimal() and int(actor) < MAX_ACTORS):
        return None
    return int(run), int(actor)


def encode(value: str) -> str:
    """A value as one field of a record."""
    return quote(value, safe="").replace("~", "%7E")


def record(*fields: object) -> str:
    """Fields of one record; encode the values first."""
    return ":".join(map(str, fields))


def listed(items: Iterable[str]) -> str:
    """Records of one list."""
    return ",".join(items) or "-"


def _items(text: str) -> list[str]:
    return [] if text == "-" else text.split(",")
