"""`deadheat explore`: every order of one scenario, by probes or by the database's statements."""

import os
import shlex
import signal
from pathlib import Path

import click
import msgspec

from deadheat.cli.hunt import hunted
from deadheat.cli.options import common_options, gathered, output_options
from deadheat.cli.output import deliver
from deadheat.cli.progress import Progress
from deadheat.engine.pg_explore import StatementHunt, expanded
from deadheat.engine.pg_target import Unmodified
from deadheat.engine.rocket import RocketSubject
from deadheat.io import config as configuration
from deadheat.io.store import Store
from deadheat.model import DeadheatError, Run, Scenario
from deadheat.model.config import Config

_URL = "DATABASE_URL"


@click.command()
@click.argument("path", type=click.Path(path_type=Path), default=".")
@click.option("--scenario", "name", help="Which [[scenario]] of deadheat.toml [default: the only one].")
@click.option(
    "--via",
    type=click.Choice(["probes", "postgres"]),
    default="probes",
    show_default=True,
    help="Hold requests at probes in a built copy, or at the statements they send to PostgreSQL.",
)
@click.option(
    "--serve",
    metavar="COMMAND",
    help="How the unmodified application is started; it takes its port from ROCKET_PORT or PORT.",
)
@click.option(
    "-n", "--requests", type=click.IntRange(2, 5), help="So many requests [default: the scenario's racers]."
)
@common_options
@output_options
def explore(
    path: Path,
    name: str | None,
    via: str,
    serve: str | None,
    requests: int | None,
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

    With `--via postgres` the application stays as it is: DATABASE_URL leads it to a proxy that holds
    each statement until it is granted. The scenario's `reset` requests bring the first state back.
    """
    output = gathered(format_, reports, fail_on, min_confidence, exit_zero)
    config = configuration.load(path, config_file, profile)
    scenario = _chosen(config, name)
    if via == "probes":
        if serve is not None:
            raise click.UsageError("--serve starts the unmodified application: it goes with --via postgres")
        racers = scenario if requests is None else _repeated(scenario, requests)
        config = msgspec.structs.replace(config, scenarios=(racers,))
    subject = RocketSubject.open(path, config)
    store = Store(subject.workspace)
    with Progress(quiet=quiet) as progress:
        if via == "probes":
            run = hunted(subject, config, store, progress, planned=False)
        else:
            job = StatementHunt(
                subject,
                expanded(scenario, requests),
                _unmodified(subject, config, serve),
                store,
                progress,
                _again(path, scenario, serve, requests, config_file, profile),
            )
            run = _held(job)
    run = msgspec.structs.replace(run, seed=seed)
    store.save_run(run)
    return deliver(run, output, dynamic=True)


def _held(job: StatementHunt) -> Run:
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


def _unmodified(subject: RocketSubject, config: Config, serve: str | None) -> Unmodified:
    if not serve:
        raise DeadheatError("--via postgres starts the application itself: say how with --serve COMMAND")
    url = config.app.env.get(_URL) or os.environ.get(_URL)
    if not url:
        raise DeadheatError(f"{_URL} is not set: the proxy has to know where the database is")
    command = shlex.split(serve)
    if not command:
        raise DeadheatError("--serve is empty: say which command starts the application")
    return Unmodified(
        name=subject.reviewed.name,
        command=(*command, *config.app.args),
        cwd=Path.cwd(),
        database=url,
        environment=dict(config.app.env),
        ready=config.app.ready,
        timeout=config.explore.timeout,
    )


def _again(
    path: Path,
    scenario: Scenario,
    serve: str | None,
    requests: int | None,
    config_file: Path | None,
    profile: str | None,
) -> str:
    words = ["deadheat", "explore", str(path), "--scenario", scenario.name, "--via", "postgres"]
    words += ["--serve", serve or ""]
    words += ["--requests", str(requests)] if requests is not None else []
    words += ["--config", str(config_file)] if config_file is not None else []
    words += ["--profile", profile] if profile is not None else []
    return shlex.join(words)
