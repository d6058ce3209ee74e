"""The shape of `deadheat.toml`, table by table, and its JSON Schema.

Owns how the file is written. It must not know files, the environment, or what the engine makes
of it: `deadheat.io.config` resolves these tables into `model.Config`. Every table refuses keys
it does not know, because a misspelt key that is silently ignored makes a pass meaningless.
"""

from collections.abc import Mapping
from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType
from msgspec.json import schema as json_schema

from deadheat.model.config import App, Explore, Given, Limits, Racers, Scalar

Anything = Annotated[Any, Meta(extra_json_schema={"description": "any value"})]
"""A JSON body is whatever the application wants it to be: the one place without a type."""


class RequestTable(Struct, frozen=True, forbid_unknown_fields=True):
    """A request with more to it than a line; at most one of `body`, `json` and `form`."""

    method: str
    target: Annotated[str, Meta(description="path and query, percent-encoded")]
    headers: Mapping[str, str] = {}
    body: str | UnsetType = UNSET
    json: Anything = UNSET
    form: Mapping[str, Scalar] | UnsetType = UNSET


Line = Annotated[str, Meta(description="METHOD /target [body]")]
RequestEntry = Line | RequestTable


class ExtractTable(Struct, frozen=True, forbid_unknown_fields=True):
    """Where in an answer a value is taken from: exactly one of these."""

    header: str | UnsetType = UNSET
    json: Annotated[str, Meta(description="a JSON pointer, as `/user/token`")] | UnsetType = UNSET
    cookie: str | UnsetType = UNSET
    regex: Annotated[str, Meta(description="its first group, or the whole match")] | UnsetType = UNSET


class PreparationTable(RequestTable, frozen=True, forbid_unknown_fields=True):
    """A request that comes first; `extract` keeps values of its answer, used as `{name}`."""

    principal: str | None = None
    expect: (
        Annotated[int, Meta(ge=100, le=599, description="the status it is to be answered with")] | None
    ) = None
    extract: Mapping[str, ExtractTable] = {}


class RacerTable(RequestTable, frozen=True, forbid_unknown_fields=True):
    """A request that races: `n` times at once, or once for each of `bodies`.

    With `ws` it is a `message` over the WebSocket there; `method` and `target` are left out then.
    """

    method: str = ""
    target: Annotated[str, Meta(description="path and query, percent-encoded")] = ""
    ws: Annotated[str, Meta(description="path and query of a WebSocket")] | UnsetType = UNSET
    message: str | UnsetType = UNSET
    principal: str | None = None
    n: Annotated[int, Meta(ge=1, le=2_000, description="how many of it at once")] = 1
    group: str | None = None
    bodies: tuple[str, ...] = ()


class ProbeTable(Struct, frozen=True, forbid_unknown_fields=True):
    """What is looked at afterwards: a request, a query (`sql` in `database`) or a `command`."""

    name: str | None = None
    request: str | UnsetType = UNSET
    headers: Mapping[str, str] = {}
    principal: str | None = None
    sql: str | UnsetType = UNSET
    database: Annotated[str, Meta(description="sqlite:PATH or postgres://…")] | UnsetType = UNSET
    command: Annotated[tuple[str, ...], Meta(min_length=1)] | UnsetType = UNSET


PreparationEntry = Line | PreparationTable
RacerEntry = Line | RacerTable
ProbeEntry = Line | ProbeTable


class ScenarioTable(Struct, frozen=True, forbid_unknown_fields=True):
    """Requests to race, in place of what would be synthesised from the routes."""

    name: Annotated[str, Meta(min_length=1)]
    racers: Annotated[tuple[RacerEntry, ...], Meta(min_length=1, max_length=16)]
    setup: tuple[PreparationEntry, ...] = ()
    probes: tuple[ProbeEntry, ...] = ()
    reset: tuple[RequestEntry, ...] = ()
    reset_command: Annotated[tuple[str, ...], Meta(description="run to start over")] = ()
    relax: tuple[str, ...] = ()
    recipe: Annotated[str, Meta(description="a known family of races")] | None = None
    limit: Annotated[int, Meta(ge=0, description="how many may succeed")] | None = None
    invariants: Annotated[tuple[str, ...], Meta(description="CEL; see `deadheat attack --help`")] = ()
    principal: Annotated[str, Meta(description="who asks where a request does not say")] | None = None


class PrincipalTable(Struct, frozen=True, forbid_unknown_fields=True):
    """Who asks: requests that log in, and what every request of theirs carries."""

    login: tuple[PreparationEntry, ...] = ()
    headers: Mapping[str, str] = {}
    values: Mapping[str, Scalar] = {}


class TargetTable(Struct, frozen=True, forbid_unknown_fields=True):
    """A server beside loopback that may be attacked, and by whose leave."""

    url: str
    authorisation: Annotated[str, Meta(min_length=1, description="who permitted it, as a note")]
    insecure: bool = False
    rate: Annotated[float, Meta(gt=0, description="requests a second")] | None = None
    requests: Annotated[int, Meta(ge=1, description="requests in one run")] | None = None


class IgnoreTable(Struct, frozen=True, forbid_unknown_fields=True):
    """What not to exercise: handlers by function name, id or `METHOD /route`."""

    handlers: tuple[str, ...] = ()


class ProfileTable(Struct, frozen=True, forbid_unknown_fields=True):
    """Overrides of `[explore]`, taken by `--profile NAME`."""

    requests: Annotated[tuple[Racers, ...], Meta(min_length=1)] | UnsetType = UNSET
    replays: Annotated[int, Meta(ge=20)] | UnsetType = UNSET
    budget: Annotated[int, Meta(ge=1)] | UnsetType = UNSET
    timeout: Annotated[float, Meta(gt=0)] | UnsetType = UNSET


class ConfigFile(Struct, frozen=True, forbid_unknown_fields=True):
    """The whole of `deadheat.toml`."""

    values: Mapping[str, Given] = {}
    headers: Mapping[str, str] = {}
    app: App = App()
    explore: Explore = Explore()
    attack: Limits = Limits()
    target: tuple[TargetTable, ...] = ()
    principals: Mapping[str, PrincipalTable] = {}
    scenario: tuple[ScenarioTable, ...] = ()
    ignore: IgnoreTable = IgnoreTable()
    profile: Mapping[str, ProfileTable] = {}


def schema() -> dict[str, object]:
    """The JSON Schema (draft 2020-12) of `deadheat.toml`, for editors and for our own tests."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "deadheat.toml",
    } | json_schema(ConfigFile)
