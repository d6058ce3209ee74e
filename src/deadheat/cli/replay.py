"""`deadheat replay`: runs a recorded schedule again, or makes a regression test of it."""

import shlex
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import click

from deadheat.cli.options import EXIT_CLEAN, EXIT_FINDINGS, EXIT_UNTESTED
from deadheat.cli.progress import Progress
from deadheat.cli.served import unmodified
from deadheat.engine.embedded import LOCATION, EmbeddedSubject
from deadheat.engine.executor import Executor
from deadheat.engine.replay import Attempt, explore_instead
from deadheat.engine.replay import replay as attempts
from deadheat.engine.reviewed import Reviewed
from deadheat.engine.rocket import RocketSubject
from deadheat.engine.statements.postgres import PostgresGate
from deadheat.engine.statements.redis import RedisGate
from deadheat.engine.statements.target import StatementTarget
from deadheat.engine.subject import Subject
from deadheat.engine.target import Target
from deadheat.io import config as configuration
from deadheat.io.store import SavedSchedule, Store, file_name, find_schedule
from deadheat.model import DeadheatError
from deadheat.model.config import Config
from deadheat.report.regression import rust_test, test_name

_KEPT = "tests/races"


@click.command()
@click.argument("schedule")
@click.argument("path", type=click.Path(path_type=Path), default=".")
@click.option("--times", type=click.IntRange(1, 10_000), default=1, show_default=True)
@click.option(
    "--or-explore",
    is_flag=True,
    help="Unless the race comes back, explore every order of the same requests.",
)
@click.option(
    "--as-test",
    is_flag=True,
    help=f"Run nothing; write a Rust test that does, with the schedule beside it in {_KEPT}.",
)
@click.option("--quiet", is_flag=True, help="No progress on standard error.")
def replay(schedule: str, path: Path, times: int, or_explore: bool, as_test: bool, quiet: bool) -> int:
    """Run SCHEDULE (an id such as dh1:3fa9c1:ABAB, or its file) on the application it was found in.

    Looks for it in `.deadheat/` at or below PATH. Exits with 1 when the race came back every time,
    0 when it never did, 3 when it came back sometimes or the application no longer follows the
    schedule.
    """
    store, saved = find_schedule(path, schedule)
    if as_test:
        return _write_test(store, saved)
    subject: Subject
    config = Config()
    if saved.via != "probes":
        return _unmodified(store, saved, times, or_explore, quiet)
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
        done = list(attempts(saved, Target(application, store), config.explore, times))

    def opened() -> Target:
        return Target(application, store)

    return _told(saved, done, where, opened if or_explore else None, config, quiet)


def _unmodified(store: Store, saved: SavedSchedule, times: int, or_explore: bool, quiet: bool) -> int:
    """Replay what was held before a database, on the application as it is."""
    package = store.workspace / saved.location
    config = configuration.load(package)
    application, url = unmodified(Reviewed.of(package).name, saved.command, config, saved.via)

    def opened() -> AbstractContextManager[Executor]:
        if saved.via == "redis":
            return StatementTarget(application, RedisGate(url), store)
        return StatementTarget(application, PostgresGate(url), store)

    serve = shlex.join(saved.command)
    words = ["deadheat", "explore", str(package), "--scenario", saved.scenario.name, "--via", saved.via]
    where = shlex.join([*words, "--serve", serve])
    done = list(attempts(saved, opened(), config.explore, times))
    return _told(saved, done, where, opened if or_explore else None, config, quiet)


def _told(
    saved: SavedSchedule,
    done: Sequence[Attempt],
    where: str,
    instead: Callable[[], AbstractContextManager[Executor]] | None,
    config: Config,
    quiet: bool,
) -> int:
    """Say what came of it; `instead` opens the application for an exploration if the race is gone."""
    times = len(done)
    violated = sum(attempt.violated for attempt in done)
    diverged = next((attempt.diverged for attempt in done if attempt.diverged), None)
    click.echo(f"{saved.id}  {saved.rule}: {violated} of {times}")
    if diverged:
        click.echo(f"DIVERGED: {diverged}")
    if instead is not None and not violated:
        return _explored(saved, instead(), config, quiet)
    if diverged:
        click.echo(f"to search again: {where}")
        return EXIT_UNTESTED
    if violated == times:
        return EXIT_FINDINGS
    return EXIT_UNTESTED if violated else EXIT_CLEAN


def _explored(
    saved: SavedSchedule, opened: AbstractContextManager[Executor], config: Config, quiet: bool
) -> int:
    with Progress(quiet=quiet) as progress:
        result = explore_instead(saved, opened, config.explore, progress)
    if result.verdict == "ok":
        click.echo(f"all {result.schedules} orders of the same requests explored, none violates")
        return EXIT_CLEAN
    if result.verdict == "violation":
        click.echo(f"{result.violating} of {result.schedules} orders of the same requests still violate")
        return EXIT_FINDINGS
    click.echo(f"not explored to the end: {result.reason}")
    return EXIT_UNTESTED


def _write_test(store: Store, saved: SavedSchedule) -> int:
    if saved.location.startswith(LOCATION):
        raise DeadheatError(f"{saved.id} is of the embedded twin: it has no test suite to write into")
    name = test_name(saved.id)
    text = rust_test(saved.id, f"{saved.rule}: {saved.scenario.name}", _KEPT, file_name(saved.id))
    test, kept = store.save_test(saved, name, text, _KEPT)
    click.echo(f"{test}\n{kept}\nrun it: cargo test --test {name}")
    return EXIT_CLEAN
