"""What is raced: a set-up, the racers, what is observed afterwards, how it starts over."""

from enum import StrEnum
from itertools import chain, repeat

from msgspec import Struct

from deadheat.model.http import Request
from deadheat.model.setting import Preparation, Setting


class Reset(StrEnum):
    """How the application gets back to its first state between two schedules."""

    SNAPSHOT = "snapshot"  # the probes restore the values they saw at first
    REQUESTS = "requests"  # the requests the user declared
    RESTART = "restart"  # a new process; needs nothing declared


class Racer(Struct, frozen=True):
    """One of the requests that run concurrently, and the handler it is meant for.

    A timed attack sends it `count` times at once; `group` names racers that belong together, for
    invariants to speak of.
    """

    request: Request
    handler: str | None = None
    count: int = 1
    group: str | None = None


class Scenario(Struct, frozen=True):
    """Requests to race from one initial state, and what to look at when all have answered.

    `probes` are read-only requests sent after the racers; `invariants` expressions that must
    hold; `model` the name of a sequential model; `relax` names of legal non-serializable
    results the user declared.
    """

    name: str
    racers: tuple[Racer, ...]
    setup: tuple[Request, ...] = ()
    probes: tuple[Request, ...] = ()
    invariants: tuple[str, ...] = ()
    model: str | None = None
    relax: tuple[str, ...] = ()
    reset: Reset = Reset.RESTART
    reset_requests: tuple[Request, ...] = ()
    setting: Setting = Setting()

    @property
    def preparations(self) -> tuple[Preparation, ...]:
        """The set-up, each request with what is said of its answer."""
        extracts = chain(self.setting.extracts, repeat(()))
        expects = chain(self.setting.expects, repeat(None))
        return tuple(map(Preparation, self.setup, extracts, expects))
