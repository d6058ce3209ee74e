"""`deadheat hunt`: from source to forced races."""

import signal
from pathlib import Path

import click
import msgspec

from deadheat.cli.options import common_options, gathered, output_options
from deadheat.cli.output import deliver, keep
from deadheat.cli.progress import Progress
from deadheat.cli.search import Sought
from deadheat.engine.hunt import Hunt
from deadheat.engine.rocket import RocketSubject
from deadheat.engine.statements.gate import L
from deadheat.engine.statements.hunt import StatementHunt
from deadheat.engine.subject import Subject
from deadheat.io import config as configuration
from deadheat.io.store import Store
from deadheat.model import Run
from deadheat.model.config import Config
from deadheat.report.redact import Redactor


@click.command()
@click.argument("path", type=click.Path(path_type=Path), default=".")
@common_options
@output_options
def hunt(
    path: Path,
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
    """Find races in the Rocket application at PATH, force them, prove them.

    Reads the source, builds a copy that carries probes, explores every order of two and three
    concurrent requests, and replays what violates until it is certain.
    """
    output = gathered(format_, reports, fail_on, min_confidence, exit_zero)
    config = configuration.load(path, config_file, profile)
    config = msgspec.structs.replace(config, explore=Sought(seed=seed).limits(config.explore))
    subject = RocketSubject.open(path, config)
    store = Store(subject.workspace)
    with Progress(quiet=quiet) as progress:
        run = msgspec.structs.replace(hunted(subject, config, store, progress), seed=config.explore.seed)
    run = Redactor(config.secrets).value(run)
    keep(store, run)
    return deliver(run, output, dynamic=True)


def hunted(subject: Subject, config: Config, store: Store, progress: Progress) -> Run:
    """Hunt until done or interrupted; what was found by then is the result."""
    return until_done(Hunt(subject, config, store, progress))


def until_done(job: Hunt | StatementHunt[L]) -> Run:
    """Run to the end or until interrupted; what was found by then is the result."""
    # Named, since a shell starts background jobs with SIGINT ignored, and Python then leaves it so.
    for interruption in (signal.SIGINT, signal.SIGTERM):
        signal.signal(interruption, signal.default_int_handler)
    try:
        job.run()
    except KeyboardInterrupt:
        job.interrupted = True
    return job.result()
