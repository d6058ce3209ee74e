"""The shape of `deadheat.toml`, table by table, and its JSON Schema.

Owns how the file is written. It must not know files, the environment, or what the engine makes
of it: `deadheat.io.config` resolves these tables into `model.Config`. Every table refuses keys
it does not know, because a misspelt key that is silently ignored makes a pass meaningless.
"""

from collections.abc import Mapping
from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType
from msgspec.json import schema as json_schema

from deadheat.model.config import App, Explore, Given, Racers, Scalar

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


class ScenarioTable(Struct, frozen=True, forbid_unknown_fields=True):
    """Requests to race, in place of what would be synthesised from the routes."""

    name: Annotated[str, Meta(min_length=1)]
    racers: Annotated[tuple[RequestEntry, ...], Meta(min_length=1, max_length=16)]
    setup: tuple[RequestEntry, ...] = ()
    probes: tuple[RequestEntry, ...] = ()
    reset: tuple[RequestEntry, ...] = ()
    relax: tuple[str, ...] = ()


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
    scenario: tuple[ScenarioTable, ...] = ()
    ignore: IgnoreTable = IgnoreTable()
    profile: Mapping[str, ProfileTable] = {}


def schema() -> dict[str, object]:
    """The JSON Schema (draft 2020-12) of `deadheat.toml`, for editors and for our own tests."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "deadheat.toml",
    } | json_schema(ConfigFile)
