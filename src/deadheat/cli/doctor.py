"""`deadheat doctor`: does this machine have what a hunt needs?"""

from pathlib import Path

import click

from deadheat.cli.options import EXIT_CLEAN, EXIT_UNUSABLE
from deadheat.io.environment import checks
from deadheat.io.resources import resource

_WORDS = {True: "ok     ", False: "broken ", None: "missing"}


@click.command()
@click.argument("path", type=click.Path(path_type=Path), default=".")
def doctor(path: Path) -> int:
    """Check the toolchain and the project folder."""
    resource("crates", "deadheat-probe")
    found = checks(path)
    for check in found:
        click.echo(f"{_WORDS[check.good]}  {check.what}: {check.says}")
        if check.mend:
            click.echo(f"         {check.mend}")
    if any(check.good is False for check in found):
        return EXIT_UNUSABLE
    limited = any(check.good is None for check in found)
    click.echo("scan works; hunt does not until the above is mended" if limited else "everything works")
    return EXIT_CLEAN
