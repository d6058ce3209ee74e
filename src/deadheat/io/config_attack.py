"""`[[target]]` and `[principals.NAME]`: where an attack may go, and who asks.

Owns what these tables mean and how a mistake in them is told. It must not know how anybody logs in.
"""

import re
from collections.abc import Mapping, Sequence

from msgspec import UNSET

from deadheat.io.config_file import (
    ExtractTable,
    PreparationEntry,
    PreparationTable,
    PrincipalTable,
    TargetTable,
)
from deadheat.io.config_mistake import Mistake, Place
from deadheat.io.config_request import Headers, checked_headers, request
from deadheat.model.config import as_text
from deadheat.model.errors import TargetError
from deadheat.model.release import Origin
from deadheat.model.setting import Extract, Preparation, Principal, Source, Target

_NAME = re.compile(r"[A-Za-z_]\w*")


def targets(tables: Sequence[TargetTable]) -> tuple[Target, ...]:
    """The servers that may be attacked beside loopback."""
    found = []
    for index, table in enumerate(tables):
        place = ("target", index)
        try:
            origin = Origin.of(table.url, insecure=table.insecure)
        except TargetError as error:
            raise Mistake((*place, "url"), str(error)) from None
        if not table.authorisation.strip():
            raise Mistake((*place, "authorisation"), "say who permitted the attack, in words")
        found.append(Target(origin, table.authorisation.strip(), table.rate, table.requests))
    return tuple(found)


def principals(tables: Mapping[str, PrincipalTable], headers: Headers) -> tuple[Principal, ...]:
    """Who asks, by name."""
    return tuple(_principal(name, table, headers) for name, table in tables.items())


def _principal(name: str, table: PrincipalTable, headers: Headers) -> Principal:
    place = ("principals", name)
    login = tuple(
        preparation(entry, headers, (*place, "login", index), name) for index, entry in enumerate(table.login)
    )
    for key in table.values:
        checked_name(key, (*place, "values", key))
    return Principal(
        name,
        login,
        checked_headers(table.headers, (*place, "headers")),
        tuple((key, as_text(value)) for key, value in table.values.items()),
    )


def preparation(
    entry: PreparationEntry, headers: Headers, place: Place, principal: str | None
) -> Preparation:
    """A request that comes first, with what is kept of its answer."""
    if not isinstance(entry, PreparationTable):
        return Preparation(request(entry, headers, place, principal))
    made = request(entry, headers, place, entry.principal or principal)
    return Preparation(
        made,
        tuple(_extract(name, table, (*place, "extract", name)) for name, table in entry.extract.items()),
        entry.expect,
    )


def _extract(name: str, table: ExtractTable, place: Place) -> Extract:
    checked_name(name, place)
    given = [
        (source, text)
        for source in Source
        if (text := getattr(table, source.value)) is not UNSET and isinstance(text, str)
    ]
    if len(given) != 1:
        raise Mistake(place, "a value comes from one place: give one of `header`, `json`, `cookie`, `regex`")
    source, expression = given[0]
    if source is Source.REGEX:
        try:
            re.compile(expression)
        except re.error as error:
            where = f" at character {error.pos + 1}" if error.pos is not None else ""
            raise Mistake((*place, "regex"), f"`{expression}` is no expression: {error.msg}{where}") from None
    if source is Source.JSON and expression and not expression.startswith("/"):
        raise Mistake((*place, "json"), f"`{expression}` is no JSON pointer: write `/{expression}`")
    return Extract(name, source, expression)


def checked_name(name: str, place: Place) -> None:
    """Refuse a name that `{name}` could not refer to."""
    if not _NAME.fullmatch(name) or name in {"round", "seed"}:
        raise Mistake(place, f"`{name}` is no name for a value: letters, digits and _, not `round` or `seed`")
