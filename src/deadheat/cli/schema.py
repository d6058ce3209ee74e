"""`deadheat schema`: the JSON Schemas others can rely on."""

import json

import click

from deadheat.io.config import schema as configuration_schema
from deadheat.report import schema as report_schema


@click.command()
@click.option("--config", "of_config", is_flag=True, help="The schema of deadheat.toml instead.")
def schema(of_config: bool) -> None:
    """Print the JSON Schema of `--format json`."""
    click.echo(json.dumps(configuration_schema(), indent=2) if of_config else report_schema.render())
