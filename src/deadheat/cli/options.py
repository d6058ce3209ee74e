"""Options that several verbs share, and the exit codes."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click
from msgspec import Struct

from deadheat.model import Confidence, Severity
from deadheat.report import FORMATS

EXIT_CLEAN = 0
EXIT_FINDINGS = 1
EXIT_UNUSABLE = 2
EXIT_UNTESTED = 3
EXIT_INTERNAL = 101

Command = TypeVar("Command", bound=Callable[..., object])


class Output(Struct, frozen=True):
    """Where a run goes, and when it makes the command fail."""

    format: str
    reports: tuple[tuple[str, Path], ...]
    exit_zero: bool
    fail_on: Severity
    min_confidence: Confidence


class Last:
    """The context's object where the process ends with the verb.

    What is put into `leftovers` is not torn down piece by piece: the process ends at once.
    """

    def __init__(self) -> None:
        self.leftovers: list[object] = []


class _ReportPath(click.ParamType[tuple[str, Path]]):
    """`FORMAT=PATH`."""

    name = "FORMAT=PATH"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, Path]:
        kind, _, path = str(value).partition("=")
        if kind not in FORMATS or not path:
            self.fail(f"{value!r}: write FORMAT=PATH, FORMAT one of {', '.join(sorted(FORMATS))}", param, ctx)
        return kind, Path(path)


_OPTIONS = (
    click.option(
        "--format",
        "format_",
        type=click.Choice(sorted(FORMATS)),
        default="text",
        show_default=True,
        help="What standard output carries.",
    ),
    click.option(
        "--report",
        "reports",
        type=_ReportPath(),
        multiple=True,
        help="Also write a report to a file; repeatable.",
    ),
    click.option(
        "--fail-on",
        type=click.Choice([s.value for s in Severity]),
        default=Severity.LOW.value,
        show_default=True,
        help="Exit with 1 for findings at or above this severity.",
    ),
    click.option(
        "--min-confidence",
        type=click.Choice([c.value for c in Confidence]),
        default=Confidence.MEDIUM.value,
        show_default=True,
        help="Exit with 1 only for findings at or above this confidence.",
    ),
    click.option("--exit-zero", is_flag=True, help="Exit with 0 even when there are findings."),
)


_COMMON = (
    click.option("--config", "config_file", type=click.Path(path_type=Path), help="Use this deadheat.toml."),
    click.option("--profile", help="Let [profile.NAME] of deadheat.toml win over [explore]."),
    click.option(
        "--seed", type=int, default=0, show_default=True, help="Where chance begins; kept in the run."
    ),
    click.option("--quiet", is_flag=True, help="No progress on standard error."),
)


def common_options(command: Command) -> Command:
    """Add the options about configuration and progress that every verb on a project takes."""
    for option in reversed(_COMMON):
        command = option(command)
    return command


def output_options(command: Command) -> Command:
    """Add the options that `gathered` turns into an `Output`."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def gathered(
    format_: str,
    reports: tuple[tuple[str, Path], ...],
    fail_on: str,
    min_confidence: str,
    exit_zero: bool,
) -> Output:
    """Put the shared options together."""
    return Output(format_, reports, exit_zero, Severity(fail_on), Confidence(min_confidence))
