"""`deadheat lab`: the small applications with planted races."""

import tomllib
from typing import Literal

import click
import msgspec

from deadheat.io.resources import resource

WORKSPACES = ("rocket", "databases")
"""Folders of the lab, each with an index and a cargo workspace of its own."""


class Planted(msgspec.Struct, frozen=True):
    """One planted race: the rule that names it, the state, the endpoints."""

    rule: str
    state: str
    handlers: tuple[str, ...]


class App(msgspec.Struct, frozen=True):
    """A vulnerable application, the name of its fixed twin, and the command that shows the race."""

    name: str
    twin: str
    story: str
    planted: tuple[Planted, ...]
    via: Literal["hunt", "attack", "probes", "postgres", "redis"] = "hunt"

    @property
    def command(self) -> str:
        """The verb, and how it holds requests where that is to be said."""
        return self.via if self.via in ("hunt", "attack") else f"explore --via {self.via}"


class Index(msgspec.Struct, frozen=True):
    """`lab.toml`."""

    app: tuple[App, ...]


def index(workspace: str) -> tuple[App, ...]:
    """Read the index of one workspace of the lab."""
    text = resource("lab", workspace, "lab.toml").read_text("utf-8")
    return msgspec.convert(tomllib.loads(text), Index).app


@click.command()
def lab() -> None:
    """List the applications with planted races, and their fixed twins."""
    for workspace in WORKSPACES:
        click.echo(f"{resource('lab', workspace)}\n")
        for app in index(workspace):
            click.echo(f"{app.name}  (fixed twin: {app.twin})\n    {app.story}")
            for planted in app.planted:
                click.echo(f"    planted: {planted.rule} on {planted.state}: {', '.join(planted.handlers)}")
            click.echo(f"    shown by: deadheat {app.command}")
        click.echo()
    click.echo("deadheat hunt PATH/NAME")
