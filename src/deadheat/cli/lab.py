"""`deadheat lab`: the small applications with planted races."""

import tomllib

import click
import msgspec

from deadheat.io.resources import resource


class Planted(msgspec.Struct, frozen=True):
    """One planted race: the rule that names it, the state, the endpoints."""

    rule: str
    state: str
    handlers: tuple[str, ...]


class App(msgspec.Struct, frozen=True):
    """A vulnerable application and the name of its fixed twin."""

    name: str
    twin: str
    story: str
    planted: tuple[Planted, ...]


class Index(msgspec.Struct, frozen=True):
    """`lab.toml`."""

    app: tuple[App, ...]


def index() -> tuple[App, ...]:
    """Read the lab's index."""
    text = resource("lab", "rocket", "lab.toml").read_text("utf-8")
    return msgspec.convert(tomllib.loads(text), Index).app


@click.command()
def lab() -> None:
    """List the applications with planted races, and their fixed twins."""
    root = resource("lab", "rocket")
    for app in index():
        click.echo(f"{app.name}  (fixed twin: {app.twin})\n    {app.story}")
        for planted in app.planted:
            click.echo(f"    planted: {planted.rule} on {planted.state}: {', '.join(planted.handlers)}")
    click.echo(f"\ndeadheat hunt {root}/NAME")
