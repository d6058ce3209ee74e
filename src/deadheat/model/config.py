"""What the user decided: the content of `deadheat.toml`, resolved.

Owns the values the engine reads. It must not know the file: its syntax, its profiles and its
`${ENV}` references are gone by now (see `deadheat.io.config`), and every request in here is
complete, the common headers included.
"""

from collections.abc import Mapping
from typing import Annotated, Literal

from msgspec import Meta, Struct

from deadheat.model.scenario import Scenario
from deadheat.model.setting import Principal, Target
from deadheat.model.source import Handler

Scalar = str | int | float | bool
"""A value of one parameter or field."""

Given = Scalar | list[Scalar] | Mapping[str, Scalar]
"""What `[values]` may give: a scalar, a list of them, or a table for a handler or a body."""


def as_text(value: Scalar) -> str:
    """A value as Rocket reads it from a path, a query or a form."""
    return str(value).lower() if isinstance(value, bool) else str(value)


Search = Literal["auto", "source-dpor", "pct", "surw", "pos", "walk"]
"""How orders are searched for."""

Racers = Annotated[int, Meta(ge=2, le=16, description="requests in flight at once")]


class App(Struct, frozen=True, forbid_unknown_fields=True):
    """How the application is built and started.

    Cargo features beside the default ones, extra environment and arguments, seconds until ready.
    `optimize` has the compiler optimise what every request runs through (Rocket, hyper, tokio): the
    first build takes longer, then twice the schedules fit into a second.
    """

    features: tuple[str, ...] = ()
    env: Mapping[str, str] = {}
    args: tuple[str, ...] = ()
    ready: Annotated[float, Meta(gt=0, description="seconds it may take to answer")] = 30.0
    optimize: bool = True


class Explore(Struct, frozen=True, forbid_unknown_fields=True):
    """How far to search.

    `requests` are the numbers of concurrent requests to try; `replays` how often a violating
    schedule is repeated before it is called forced (fewer than 20 would not carry the word);
    `budget` is in schedules per scenario, `enough` the violating ones among them after which a
    scenario has shown what it can; `timeout` is in seconds per schedule. `strategy` is `auto` (exhaust
    what the budget lets, sample beside it) or one search; `bound` the most preemptions; `seed` is where
    chance begins.
    """

    requests: Annotated[
        tuple[Racers, ...], Meta(min_length=1, description="how many requests at once, each tried")
    ] = (2, 3)
    replays: Annotated[int, Meta(ge=20, description="replays before a race is called forced")] = 50
    budget: Annotated[int, Meta(ge=1, description="schedules per scenario")] = 100_000
    enough: Annotated[int, Meta(ge=1, description="violating schedules that end a scenario")] = 500
    timeout: Annotated[float, Meta(gt=0, description="seconds for one schedule")] = 10.0
    strategy: Search = "auto"
    bound: Annotated[int, Meta(ge=0, description="most preemptions of an order")] | None = None
    seed: int = 0


class Limits(Struct, frozen=True, forbid_unknown_fields=True):
    """How much a timed attack may send: in all, a second, and how long an answer is awaited."""

    requests: Annotated[int, Meta(ge=1, description="requests in one run, set-up included")] = 2_000
    rate: Annotated[float, Meta(gt=0, description="requests a second, on average")] = 2_000.0
    deadline: Annotated[float, Meta(gt=0, description="seconds an answer may take")] = 10.0


class Config(Struct, frozen=True):
    """Everything the user decided, with the defaults for what they did not.

    `values` fill parameters by name, or by handler and name (`[values.redeem]`); `headers` go
    with every synthesised request and are in the scenarios' requests already; `ignore` names
    handlers not to exercise; `secrets` are the values that came from the environment, for
    reports to mask; `targets` are the servers beside loopback that may be attacked, `principals`
    who may ask; `file` is where it was read, None for the defaults.
    """

    values: Mapping[str, Given] = {}
    headers: tuple[tuple[str, str], ...] = ()
    app: App = App()
    explore: Explore = Explore()
    scenarios: tuple[Scenario, ...] = ()
    ignore: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    attack: Limits = Limits()
    targets: tuple[Target, ...] = ()
    principals: tuple[Principal, ...] = ()
    file: str | None = None

    def value(self, handler: Handler, name: str) -> Given | None:
        """The value given for a parameter or field of `handler`, None when there is none.

        The closest wins: `[values.HANDLER]` over `[values]`, the full name of a nested field
        (`address.city`) over its last part.
        """
        own = self.values.get(handler.name)
        scopes = (own, self.values) if isinstance(own, Mapping) else (self.values,)
        for scope in scopes:
            for key in (name, name.rsplit(".", 1)[-1]):
                if key in scope:
                    return scope[key]
        return None

    def ignores(self, handler: Handler) -> bool:
        """Whether the user said not to exercise it: by function, id, route or `METHOD /route`."""
        names = {handler.name, handler.id, handler.route, handler.endpoint}
        return not names.isdisjoint(self.ignore)
