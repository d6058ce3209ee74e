"""`deadheat explore`: every order of one scenario, by probes or by the database's statements."""

import shlex
import signal
from pathlib import Path

import click
import msgspec

from deadheat.cli.hunt import hunted
from deadheat.cli.options import common_options, gathered, output_options
from deadheat.cli.output import deliver
from deadheat.cli.progress import Progress
from deadheat.cli.search import Sought, search_options, sought
from deadheat.cli.served import STORES, unmodified
from deadheat.engine.rocket import RocketSubject
from deadheat.engine.statements.gate import Gate, L
from deadheat.engine.statements.hunt import Recorded, StatementHunt, expanded
from deadheat.engine.statements.postgres import PostgresGate
from deadheat.engine.statements.redis import RedisGate
from deadheat.io import config as configuration
from deadheat.io.store import Store
from deadheat.model import DeadheatError, Run, Scenario
from deadheat.model.config import Config


@click.command()
@click.argument("path", type=click.Path(path_type=Path), default=".")
@click.option("--scenario", "name", help="Which [[scenario]] of deadheat.toml [default: the only one].")
@click.option(
    "--via",
    type=click.Choice(["probes", *STORES]),
    default="probes",
    show_default=True,
    help="Hold requests at probes in a built copy, or at what they send to PostgreSQL or Redis.",
)
@click.option(
    "--serve",
    metavar="COMMAND",
    help="How the unmodified application is started; it takes its port from ROCKET_PORT or PORT.",
)
@click.option(
    "-n", "--requests", type=click.IntRange(2, 8), help="So many requests [default: the scenario's racers]."
)
@search_options
@common_options
@output_options
def explore(
    path: Path,
    name: str | None,
    via: str,
    serve: str | None,
    requests: int | None,
    strategy: str | None,
    budget: int | None,
    bound: int | None,
    config_file: Path | None,
    profile: str | None,
    seed: int,
    quiet: bool,
    format_: str,
    reports: tuple[tuple[str, Path], ...],
    fail_on: str,
    min_confidence: str,
    exit_zero: bool,
) -> int:
    """Try every order of one scenario of the application at PATH, and prove what violates.

    Where there are too many orders for the budget, samplers take part of it, and the report says what
    each found, and how probable it is that it missed something.

    With `--via postgres` or `redis` the application stays as it is: DATABASE_URL or REDIS_URL leads it
    to a proxy that holds each statement until it is granted. The scenario's `reset` requests bring the
    first state back.
    """
    output = gathered(format_, reports, fail_on, min_confidence, exit_zero)
    config = configuration.load(path, config_file, profile)
    asked = sought(strategy, budget, bound, seed)
    config = msgspec.structs.replace(config, explore=asked.limits(config.explore))
    scenario = _chosen(config, name)
    if via == "probes":
        if serve is not None:
            raise click.UsageError("--serve starts the unmodified application: use --via postgres or redis")
        racers = scenario if requests is None else _repeated(scenario, requests)
        config = msgspec.structs.replace(config, scenarios=(racers,))
    subject = RocketSubject.open(path, config)
    store = Store(subject.workspace)
    with Progress(quiet=quiet) as progress:
        if via == "probes":
            run = hunted(subject, config, store, progress, planned=False)
        else:
            racing = expanded(scenario, requests)
            command = _command(serve, via)
            application, url = unmodified(subject.reviewed.name, command, config, via)
            again = _again(path, scenario, via, serve, requests, asked, config_file, profile)

            def held(gate: Gate[L]) -> Run:
                job = StatementHunt(subject, racing, application, gate, store, progress, again)
                job.recorded = Recorded(via, command)
                return _held(job)

            run = held(RedisGate(url)) if via == "redis" else held(PostgresGate(url))
    run = msgspec.structs.replace(run, seed=config.explore.seed)
    store.save_run(run)
    return deliver(run, output, dynamic=True)


def _held(job: StatementHunt[L]) -> Run:
    for interruption in (signal.SIGINT, signal.SIGTERM):
        signal.signal(interruption, signal.default_int_handler)
    try:
        job.run()
    except KeyboardInterrupt:
        job.interrupted = True
    return job.result()


def _chosen(config: Config, name: str | None) -> Scenario:
    known = {scenario.name: scenario for scenario in config.scenarios}
    if not known:
        raise DeadheatError("deadheat.toml has no [[scenario]]: write one, or let `deadheat hunt` make them")
    if name is None:
        if len(known) > 1:
            raise DeadheatError(f"which scenario? name one with --scenario: {', '.join(known)}")
        return config.scenarios[0]
    if name not in known:
        raise DeadheatError(f"no scenario `{name}`; there are {', '.join(known)}")
    return known[name]


def _repeated(scenario: Scenario, requests: int) -> Scenario:
    racers = scenario.racers
    return msgspec.structs.replace(
        scenario, racers=tuple(racers[index % len(racers)] for index in range(requests))
    )


def _command(serve: str | None, via: str) -> tuple[str, ...]:
    if not serve:
        raise DeadheatError(f"--via {via} starts the application itself: say how with --serve COMMAND")
    command = tuple(shlex.split(serve))
    if not command:
        raise DeadheatError("--serve is empty: say which command starts the application")
    return command


def _again(
    path: Path,
    scenario: Scenario,
    via: str,
    serve: str | None,
    requests: int | None,
    asked: Sought,
    config_file: Path | None,
    profile: str | None,
) -> str:
    words = ["deadheat", "explore", str(path), "--scenario", scenario.name, "--via", via]
    words += ["--serve", serve or ""]
    words += ["--requests", str(requests)] if requests is not None else []
    words += asked.words
    words += ["--config", str(config_file)] if config_file is not None else []
    words += ["--profile", profile] if profile is not None else []
    return shlex.join(words)
