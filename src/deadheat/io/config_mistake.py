"""Mistakes in `deadheat.toml`: where they stand, and how they are told.

Owns the way from a parser's or checker's complaint to one line that a person can act on. It
must not know what the tables are for. Neither tomllib nor msgspec keeps positions: `line_of`
finds them again by parsing ever longer beginnings of the text, which costs nothing until there
is a mistake to report.
"""

import difflib
import re
import tomllib
from collections.abc import Iterable
from enum import EnumType
from typing import cast, get_args, get_type_hints

import msgspec
from msgspec import Struct, structs

from deadheat.io.config_file import (
    ConfigFile,
    ExtractTable,
    IgnoreTable,
    PreparationTable,
    PrincipalTable,
    ProbeTable,
    ProfileTable,
    RacerTable,
    RequestTable,
    ScenarioTable,
    TargetTable,
)
from deadheat.model.config import App, Explore, Limits

Place = tuple[str | int, ...]
"""Keys and indices from the root of the document to a value."""

_WORDS = {
    "int": "an integer", "float": "a number", "str": "a string", "bool": "true or false",
    "array": "an array", "object": "a table", "null": "nothing",
    "datetime": "a date and time", "date": "a date", "time": "a time",
}  # fmt: skip


_TABLES: tuple[tuple[Place, type[msgspec.Struct]], ...] = (
    ((), ConfigFile),
    (("app",), App),
    (("explore",), Explore),
    (("attack",), Limits),
    (("ignore",), IgnoreTable),
    (("profile", "*"), ProfileTable),
    (("target", "*"), TargetTable),
    (("principals", "*"), PrincipalTable),
    (("principals", "*", "login", "*"), PreparationTable),
    (("principals", "*", "login", "*", "extract", "*"), ExtractTable),
    (("scenario", "*"), ScenarioTable),
    (("scenario", "*", "racers", "*"), RacerTable),
    (("scenario", "*", "probes", "*"), ProbeTable),
    (("scenario", "*", "setup", "*"), PreparationTable),
    (("scenario", "*", "setup", "*", "extract", "*"), ExtractTable),
)
"""Which table stands where; any other place holds a request."""


class Mistake(Exception):  # noqa: N818 - the user's, not ours
    """A mistake at a place of the document; the reader adds file and line."""

    def __init__(self, place: Place, message: str) -> None:
        super().__init__(message)
        self.place = place
        self.message = message


def convert(document: dict[str, object]) -> ConfigFile:
    """The document as tables; what does not fit is told in TOML's words, not in msgspec's."""
    try:
        return msgspec.convert(document, ConfigFile)
    except msgspec.ValidationError as error:
        message, _, path = str(error).partition(" - at ")
        place = _place(path.strip("`"), document, str(error))
    where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place).lstrip(".")
    if unknown := re.match(r"Object contains unknown field `(.*)`", message):
        raise Mistake((*place, unknown[1]), _unknown_key(unknown[1], place, where))
    if missing := re.match(r"Object missing required field `(.*)`", message):
        raise Mistake(place, f"`{where}` needs `{missing[1]}`")
    if invalid := re.match(r"Invalid enum value (.*)", message):
        raise Mistake(place, f"`{where}` cannot be {invalid[1]}; it is one of {_choices(place)}")
    said = re.sub(r"`([^`]*)`", lambda match: _in_words(match[1]), message)
    said = said.removeprefix("Expected ").replace(", got ", ", not ").replace(">=", "≥").replace("<=", "≤")
    raise Mistake(place, f"`{where}` must be {said}")


def _in_words(types: str) -> str:
    return " or ".join(_WORDS.get(name, name) for name in types.split(" | "))


def _place(path: str, document: dict[str, object], error: str) -> Place:
    """The place that msgspec's `$.profile[...].replays` means.

    msgspec does not say which entry of a mapping it means by `[...]`; it is the one that, left
    as the only entry, still gives the same error.
    """
    place: Place = ()
    for name, index in re.findall(r"\.([^.\[]+)|\[(\d+|\.\.\.)\]", path):
        if index != "...":
            place = (*place, name or int(index))
            continue
        entries = _at(document, place)
        assert isinstance(entries, dict)
        for key, value in entries.items():
            try:
                msgspec.convert(_put(document, place, {key: value}), ConfigFile)
            except msgspec.ValidationError as again:
                if str(again) == error:
                    place = (*place, key)
                    break
    return place


def _at(document: object, place: Place) -> object:
    """The value at `place`; LookupError when there is none."""
    for part in place:
        keyed = isinstance(document, dict) and part in document
        indexed = isinstance(document, list) and isinstance(part, int) and part < len(document)
        if not (keyed or indexed):
            raise LookupError(part)
        document = cast("dict[str | int, object]", document)[part]
    return document


def _put(document: object, place: Place, value: object) -> object:
    """A copy of the document with `value` at `place`."""
    if not place:
        return value
    head, rest = place[0], place[1:]
    inner = _put(_at(document, (head,)), rest, value)
    if isinstance(document, dict):
        return {**document, head: inner}
    assert isinstance(document, list)
    return [inner if index == head else item for index, item in enumerate(document)]


def _unknown_key(key: str, place: Place, where: str) -> str:
    """What to say about a key nobody knows: the nearest that is known, or all that are."""
    table = "the configuration" if not place else f"`{where}`"
    known = _known(place)
    hint = suggest(key, known) or f"known here: {', '.join(known)}"
    return f"unknown key `{key}` in {table}; {hint}"


def _choices(place: Place) -> str:
    """What the value at `place` can be, where it is one of a few words."""
    words = get_type_hints(_table(place[:-1])).get(str(place[-1]))
    members = words if isinstance(words, EnumType) else get_args(words)
    return ", ".join(str(member) for member in members)


def _known(place: Place) -> list[str]:
    """The keys of the table at `place`."""
    return [field.encode_name for field in structs.fields(_table(place))]


def _table(place: Place) -> type[Struct]:
    """What describes the table at `place`."""

    def fits(pattern: Place) -> bool:
        pairs = zip(pattern, place, strict=False)
        return len(pattern) == len(place) and all(part in {"*", given} for part, given in pairs)

    return next((table for pattern, table in _TABLES if fits(pattern)), RequestTable)


def line_of(text: str, place: Place) -> int:
    """The line, 1-based, on which the key or value at `place` stands.

    It is set by the statement that ends the shortest beginning of the text which parses and has
    the place in it; that statement starts after the longest shorter beginning which parses.
    Inside a statement of many lines, the line that shows the key or the string is the one.
    """
    lines = text.split("\n")
    start = 0
    for end in range(1, len(lines) + 1):
        try:
            document = tomllib.loads("\n".join(lines[:end]))
        except tomllib.TOMLDecodeError:
            continue
        try:
            value = _at(document, place)
        except LookupError:
            start = end
            continue
        # An element of an array is known by its text, anything else by its key.
        last = place[-1] if place else ""
        shown = value if isinstance(last, int) and isinstance(value, str) else str(last)
        inside = (number for number in range(start, end) if shown in lines[number])
        return next(inside, start) + 1
    return 1


def toml_mistake(text: str, error: tomllib.TOMLDecodeError) -> tuple[str, str]:
    """Where (`line:column`) and what the parser complains about."""
    message, _, position = str(error).rpartition(" (at ")
    found = re.match(r"line (\d+), column (\d+)", position)
    at = f"{found[1]}:{found[2]}" if found else str(text.count("\n") + 1)
    return at, f"not TOML: {message or error}"


def suggest(name: str, known: Iterable[str]) -> str | None:
    """`did you mean …?` with the nearest of the known names, None when none is near."""
    nearest = difflib.get_close_matches(name, list(known), n=1)
    return f"did you mean `{nearest[0]}`?" if nearest else None
