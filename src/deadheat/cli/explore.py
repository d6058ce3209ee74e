"""`deadheat explore`: every order of one scenario, by probes or by the database's statements."""

import shlex
from pathlib import Path
from typing import Any

import click
import msgspec

from deadheat.cli.hunt import until_done
from deadheat.cli.options import common_options, gathered, output_options
from deadheat.cli.output import deliver, keep
from deadheat.cli.progress import Progress
from deadheat.cli.resume import Asked, begun, ended, fingerprints, resumed
from deadheat.cli.search import Sought, search_options, sought
from deadheat.cli.served import STORES, unmodified
from deadheat.engine.hunt import Hunt
from deadheat.engine.memory import Memory
from deadheat.engine.reviewed import Reviewed
from deadheat.engine.rocket import RocketSubject
from deadheat.engine.statements.gate import Gate, L
from deadheat.engine.statements.hunt import Recorded, StatementHunt, expanded
from deadheat.engine.statements.postgres import PostgresGate
from deadheat.engine.statements.redis import RedisGate
from deadheat.io import config as configuration
from deadheat.io.store import Store
from deadheat.model import DeadheatError, Scenario
from deadheat.model.config import Config
from deadheat.report.redact import Redactor


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
@click.option(
    "--resume",
    type=click.IntRange(1),
    metavar="RUN",
    help="Go on where this run ended; it says its number. --budget may be raised.",
)
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
    resume: int | None,
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

    An exploration that was interrupted, ran out of its budget or lost its application or database says
    its number; `--resume` goes on with it.
    """
    output = gathered(format_, reports, fail_on, min_confidence, exit_zero)
    given = sought(strategy, budget, bound, seed)
    configured = str(config_file.resolve()) if config_file is not None else None
    asked = Asked(name, via, serve, requests, given.strategy, bound, seed, configured, profile)
    reviewed = Reviewed.of(path)
    store = Store(reviewed.workspace)
    memory = None
    if resume is not None:
        memory, asked = resumed(store, path, resume, asked, budget)
        budget = memory.budgets[-1]
    config = _configured(path, asked, budget)
    subject = RocketSubject(reviewed, config)
    if memory is None:
        memory = begun(store, path, subject.name, asked, config.explore.budget)
    with Progress(quiet=quiet) as progress:
        try:
            job = _job(path, asked, budget, subject, store, memory, progress)
            run = until_done(job)
        except DeadheatError:
            if memory is not None and not memory.recalled:
                memory.end(further=False)
            raise
    run = Redactor(config.secrets).value(msgspec.structs.replace(run, seed=config.explore.seed))
    if memory is not None:
        run = ended(memory, run, job.further)
    keep(store, run, memory.number if memory is not None else None)
    return deliver(run, output, dynamic=True)


def _configured(path: Path, asked: Asked, budget: int | None) -> Config:
    config = configuration.load(path, Path(asked.config) if asked.config else None, asked.profile)
    limits = Sought(asked.strategy, budget, asked.bound, asked.seed).limits(config.explore)
    return msgspec.structs.replace(config, explore=limits)


def _job(
    path: Path,
    asked: Asked,
    budget: int | None,
    subject: RocketSubject,
    store: Store,
    memory: Memory | None,
    progress: Progress,
) -> Hunt | StatementHunt[Any]:
    config = subject.config
    scenario = _chosen(config, asked.scenario)
    if memory is not None:
        memory.same("[app] in deadheat.toml", config.app)
    if asked.via == "probes":
        if asked.serve is not None:
            raise click.UsageError("--serve starts the unmodified application: use --via postgres or redis")
        racers = scenario if asked.requests is None else _repeated(scenario, asked.requests)
        config = msgspec.structs.replace(config, scenarios=(racers,))
        return Hunt(subject, config, store, progress, planned=False, memory=memory)
    racing = expanded(scenario, asked.requests)
    command = _command(asked.serve, asked.via)
    if memory is not None:
        memory.same(
            "what --serve starts, or the folder it was started in", (str(Path.cwd()), fingerprints(command))
        )
    application, url = unmodified(subject.reviewed.name, command, config, asked.via)
    again = _again(path, scenario, asked, budget)
    recorded = Recorded(asked.via, command)

    def held(gate: Gate[L]) -> StatementHunt[L]:
        return StatementHunt(
            subject, racing, application, gate, store, progress, again, recorded, memory=memory
        )

    return held(RedisGate(url)) if asked.via == "redis" else held(PostgresGate(url))


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
        scenario,
        racers=tuple(
            msgspec.structs.replace(racers[index % len(racers)], count=1) for index in range(requests)
        ),
    )


def _command(serve: str | None, via: str) -> tuple[str, ...]:
    if not serve:
        raise DeadheatError(f"--via {via} starts the application itself: say how with --serve COMMAND")
    command = tuple(shlex.split(serve))
    if not command:
        raise DeadheatError("--serve is empty: say which command starts the application")
    return command


def _again(path: Path, scenario: Scenario, asked: Asked, budget: int | None) -> str:
    words = ["deadheat", "explore", str(path), "--scenario", scenario.name, "--via", asked.via]
    words += ["--serve", asked.serve or ""]
    words += ["--requests", str(asked.requests)] if asked.requests is not None else []
    words += Sought(asked.strategy, budget, asked.bound, asked.seed).words
    words += ["--config", asked.config] if asked.config is not None else []
    words += ["--profile", asked.profile] if asked.profile is not None else []
    return shlex.join(words)
