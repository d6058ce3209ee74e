"""What a timed attack needs to know beyond requests: who asks, what is looked at, where it may go.

Owns the values a user writes down for `deadheat attack`. It must not know sockets or files. Secrets
stand in them as they are; reports mask them.
"""

from enum import StrEnum

from msgspec import Struct

from deadheat.model.http import Request
from deadheat.model.release import Origin


class Source(StrEnum):
    """Where in an answer a value is taken from."""

    HEADER = "header"  # the value of the header of this name
    JSON = "json"  # what this JSON pointer (RFC 6901) names in the body
    COOKIE = "cookie"  # the value of the cookie of this name
    REGEX = "regex"  # the first group of this expression in the body, or the whole match


class Extract(Struct, frozen=True):
    """A value taken from an answer and kept under `name`, for requests to use as `{name}`."""

    name: str
    source: Source
    expression: str


class Preparation(Struct, frozen=True):
    """A request that must succeed before racing, and what its answer gives.

    `expect` is the one status it is to be answered with, None for any that is no refusal.
    """

    request: Request
    extract: tuple[Extract, ...] = ()
    expect: int | None = None

    def accepts(self, status: int) -> bool:
        """Whether an answer with this status lets the scenario go on."""
        return status < 400 if self.expect is None else status == self.expect


class Principal(Struct, frozen=True):
    """An identity: how it logs in, the headers it sends, the values it knows by itself."""

    name: str
    login: tuple[Preparation, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    values: tuple[tuple[str, str], ...] = ()


class Target(Struct, frozen=True):
    """A server that may be attacked although it is not loopback, because somebody said so.

    `authorisation` names the permission in the user's words; `rate` is in requests a second,
    `requests` the most in one run; None leaves the defaults.
    """

    origin: Origin
    authorisation: str
    rate: float | None = None
    requests: int | None = None


class SqlProbe(Struct, frozen=True):
    """A query that reads, its database (`sqlite:PATH` or `postgres://…`), and what it is called."""

    name: str
    database: str
    query: str


class CommandProbe(Struct, frozen=True):
    """A command whose output is observed, and what it is called."""

    name: str
    run: tuple[str, ...]


class Setting(Struct, frozen=True):
    """What a scenario says beyond its requests; all but `expects` is for a timed attack alone.

    `extracts` and `expects` (the status an answer must have, see `Preparation`) are parallel to the
    scenario's set-up, `names` to its probes; `recipe` is a known family of races, which brings
    invariants; `limit` the number of successes it allows (None: as many as one by one).
    """

    recipe: str | None = None
    limit: int | None = None
    extracts: tuple[tuple[Extract, ...], ...] = ()
    expects: tuple[int | None, ...] = ()
    names: tuple[str, ...] = ()
    sql: tuple[SqlProbe, ...] = ()
    commands: tuple[CommandProbe, ...] = ()
    reset_command: tuple[str, ...] = ()
