"""Writes a run where the user wants it, and says with which code to exit."""

import os
import sys

import click

from deadheat.cli.options import EXIT_CLEAN, EXIT_FINDINGS, EXIT_UNTESTED, Output
from deadheat.io.store import Store
from deadheat.model import DeadheatError, Run
from deadheat.report import FORMATS

_NARROW, _PLAIN, _WIDE = 60, 100, 140


def deliver(run: Run, output: Output, *, dynamic: bool) -> int:
    """Write the run to standard output and to every report file; give the exit code.

    Raises:
        DeadheatError: a report file cannot be written.
    """
    if output.format == "text":
        click.echo(on_terminal(run), nl=False)
    else:
        click.echo(FORMATS[output.format](run))
    for kind, path in output.reports:
        try:
            path.write_text(FORMATS[kind](run) + "\n", "utf-8")
        except OSError as error:
            raise DeadheatError(f"{path}: the report cannot be written: {error.strerror}") from error
    return EXIT_CLEAN if output.exit_zero else exit_code(run, output, dynamic=dynamic)


def keep(store: Store, run: Run, number: int | None = None) -> None:
    """Keep the run in the store; a disk that is full is no reason not to show it."""
    try:
        store.save_run(run, number)
    except DeadheatError as error:
        click.echo(f"warning: {error}", err=True)


def on_terminal(run: Run) -> str:
    """Draw the run for the terminal that standard output is, or for a plain file."""
    from deadheat.report import terminal

    return terminal.render(run, width=width(), colour=colour(), ascii_only=ascii_only()).rstrip("\n") + "\n"


def exit_code(run: Run, output: Output, *, dynamic: bool) -> int:
    """Give 1 for findings that count, 3 when nothing was tested or it is inconclusive, else 0."""
    if any(
        finding.severity.rank <= output.fail_on.rank and finding.confidence.rank <= output.min_confidence.rank
        for finding in run.findings
    ):
        return EXIT_FINDINGS
    if not dynamic:
        return EXIT_CLEAN if run.review.handlers else EXIT_UNTESTED
    explored = run.coverage.explorations
    if run.interrupted or not explored or not all(e.complete for e in explored):
        return EXIT_UNTESTED
    return EXIT_CLEAN


def width() -> int:
    """Give the width to draw for."""
    if not sys.stdout.isatty():
        return _PLAIN
    from rich.console import Console

    return max(_NARROW, min(Console().width, _WIDE))


def colour() -> bool:
    """Whether colour is wanted (https://no-color.org)."""
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ


def ascii_only() -> bool:
    """Whether the terminal cannot show box drawing."""
    return "utf" not in (sys.stdout.encoding or "").lower()
