"""`deadheat replay`: runs a recorded schedule again."""

from pathlib import Path

import click

from deadheat.cli.options import EXIT_CLEAN, EXIT_FINDINGS, EXIT_UNTESTED
from deadheat.cli.progress import Progress
from deadheat.engine.embedded import LOCATION, EmbeddedSubject
from deadheat.engine.replay import replay as attempts
from deadheat.engine.rocket import RocketSubject
from deadheat.engine.subject import Subject
from deadheat.io import config as configuration
from deadheat.io.store import find_schedule
from deadheat.model.config import Config


@click.command()
@click.argument("schedule")
@click.argument("path", type=click.Path(path_type=Path), default=".")
@click.option("--times", type=click.IntRange(1, 10_000), default=1, show_default=True)
@click.option("--quiet", is_flag=True, help="No progress on standard error.")
def replay(schedule: str, path: Path, times: int, quiet: bool) -> int:
    """Run SCHEDULE (an id such as dh1:3fa9c1:ABAB, or its file) on the application it was found in.

    Looks for it in `.deadheat/` at or below PATH. Exits with 1 when the race came back every time,
    0 when it never did, 3 when it came back sometimes or the application no longer follows the
    schedule.
    """
    store, saved = find_schedule(path, schedule)
    subject: Subject
    config = Config()
    if saved.location.startswith(LOCATION):
        subject = EmbeddedSubject.of(saved.location.removeprefix(LOCATION))
        where = "deadheat demo --app embedded"
    else:
        package = store.workspace / saved.location
        config = configuration.load(package)
        subject = RocketSubject.open(package, config)
        where = f"deadheat hunt {package}"
    with Progress(quiet=quiet) as progress:
        application = subject.build(progress).application
        if application.build != saved.build:
            click.echo(
                f"{saved.id} was recorded on another build of {subject.name}. It is tried on this one;"
                f" to search again: {where}",
                err=True,
            )
        done = list(attempts(saved, application, store, config.explore, times))
    violated = sum(attempt.violated for attempt in done)
    diverged = next((attempt.diverged for attempt in done if attempt.diverged), None)
    click.echo(f"{saved.id}  {saved.rule}: {violated} of {times}")
    if diverged:
        click.echo(f"DIVERGED: {diverged}\nto search again: {where}")
        return EXIT_UNTESTED
    if violated == times:
        return EXIT_FINDINGS
    return EXIT_UNTESTED if violated else EXIT_CLEAN
