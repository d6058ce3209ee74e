"""`deadheat scan`: what the source alone tells."""

from pathlib import Path

import click

from deadheat import __version__
from deadheat.cli.options import EXIT_CLEAN, gathered, output_options
from deadheat.cli.output import ascii_only, colour, deliver, width
from deadheat.engine.rocket import RocketSubject
from deadheat.model import Coverage, NotTested, Run, Tool
from deadheat.model.config import Config
from deadheat.report import inventory as table


@click.command()
@click.argument("path", type=click.Path(path_type=Path), default=".")
@click.option("--inventory", is_flag=True, help="Show shared state × handler × access × lock instead.")
@output_options
def scan(
    path: Path,
    inventory: bool,
    format_: str,
    reports: tuple[tuple[str, Path], ...],
    fail_on: str,
    min_confidence: str,
    exit_zero: bool,
) -> int:
    """Review the Rust source at PATH; nothing is built or run."""
    subject = RocketSubject.open(path, Config())
    review = subject.review
    run = Run(
        tool=Tool(version=__version__),
        target=subject.name,
        findings=subject.findings,
        review=review,
        coverage=Coverage(files=review.files, lines=review.lines, handlers=len(review.handlers)),
        not_tested=tuple(NotTested(file, f"not read: {why}") for file, why in review.skipped),
        sources=subject.sources,
    )
    if inventory and format_ == "text":
        click.echo(table.render(review, width=width(), colour=colour(), ascii_only=ascii_only()))
        return EXIT_CLEAN
    return deliver(run, gathered(format_, reports, fail_on, min_confidence, exit_zero), dynamic=False)
