"""`deadheat init`: a first deadheat.toml, from the source or from a description."""

from pathlib import Path

import click

from deadheat.cli.options import EXIT_CLEAN
from deadheat.engine.attack.drafts import from_requests, from_review
from deadheat.engine.reviewed import Reviewed
from deadheat.io import config as configuration
from deadheat.io import imports
from deadheat.model import DeadheatError
from deadheat.model.config import Config


@click.command()
@click.argument("path", type=click.Path(path_type=Path), default=".")
@click.option(
    "--import",
    "imported",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Draft from a file instead: OpenAPI, HAR, Burp XML, curl, raw.",
)
@click.option("--stdout", is_flag=True, help="Print the draft, write nothing.")
def init(path: Path, imported: Path | None, stdout: bool) -> int:
    """Draft deadheat.toml with scenarios for the Rocket application at PATH.

    From the source: a scenario for each suspected race, with requests made from the handlers'
    signatures. From a file: one for each request that may change something.
    """
    if imported is not None:
        found = imports.load(imported)
        text = from_requests([(each.request, each.origin, each.name) for each in found])
    else:
        reviewed = Reviewed.of(path)
        present = configuration.find(path) is not None
        config = configuration.load(path) if present else Config()
        text = from_review(reviewed.review, reviewed.findings, config)
    folder = path.parent if path.is_file() else path
    if stdout:
        click.echo(text, nl=False)
        return EXIT_CLEAN
    there = configuration.find(folder)
    if there is not None:
        raise DeadheatError(f"{there} is there already; `deadheat init --stdout` prints the draft")
    file = folder / configuration.NAMES[0]
    try:
        file.write_text(text, "utf-8")
    except OSError as error:
        raise DeadheatError(f"{file}: cannot be written: {error.strerror}") from error
    click.echo(
        f"{file}: {text.count('[[scenario]]')} scenarios drafted; read it, then `deadheat attack --url …`"
    )
    return EXIT_CLEAN
