"""`deadheat scan`: what the source alone tells."""

import gc
import signal
import threading
from pathlib import Path

import click
from msgspec import structs

from deadheat.cli.options import EXIT_CLEAN, Last, Output, common_options, gathered, output_options
from deadheat.cli.output import ascii_only, colour, deliver, on_terminal, width
from deadheat.engine.scan import Memory, update_baseline
from deadheat.engine.scan import scan as review
from deadheat.io import watch as watching
from deadheat.io.config_place import configured
from deadheat.model import DeadheatError, Run
from deadheat.report import prepare
from deadheat.report.names import number

_BASELINE = Path("deadheat-baseline.json")
_LOOK = 0.2
"""Seconds between two looks at the files."""


@click.command()
@click.argument("path", type=click.Path(path_type=Path), default=".")
@click.option("--inventory", is_flag=True, help="Show shared state × handler × access × lock instead.")
@click.option(
    "--baseline",
    type=click.Path(path_type=Path),
    help="Report only what this file of accepted findings does not hold.",
)
@click.option(
    "--update-baseline",
    "update",
    is_flag=True,
    help=f"Accept what is found now: write --baseline ({_BASELINE} without one).",
)
@click.option("--diff", "since", metavar="REV", help="Report only what is new since this git revision.")
@click.option("--watch", is_flag=True, help="Scan again at every save and print what came and what went.")
@click.option("--no-cache", is_flag=True, help="Read afresh even when nothing has changed.")
@common_options
@output_options
def scan(
    path: Path,
    inventory: bool,
    baseline: Path | None,
    update: bool,
    since: str | None,
    watch: bool,
    no_cache: bool,
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
    """Review the Rust source at PATH; nothing is built or run.

    A finding that is accepted is silenced where it stands, with its reason, on the same line or the
    one above: `// deadheat: allow(check-then-act) reason="…"`.
    """
    gc.disable()  # one review and the end: looking for garbage takes longer than it is worth
    context = click.get_current_context()
    last = context.obj if isinstance(context.obj, Last) else None
    if last is None:
        context.call_on_close(gc.enable)
    output = gathered(format_, reports, fail_on, min_confidence, exit_zero)
    _check_configuration(path, config_file, profile)
    if update and since is not None:
        raise DeadheatError("--update-baseline takes all findings, --diff leaves some out: use one of them")
    if watch and (update or inventory or format_ != "text" or reports):
        raise DeadheatError(
            "--watch prints changes as text: leave out --inventory, --format, --report, --update"
        )
    if update:
        file = baseline if baseline is not None else _BASELINE
        run = review(path, baseline=file if file.exists() else None, cached=not no_cache)
        count = update_baseline(file, run)
        if not quiet:
            click.echo(f"{file}: {number(count, 'finding')} accepted", err=True)
        return EXIT_CLEAN
    memory = Memory() if watch else None
    keep = last.leftovers if last is not None and not watch else None
    run = review(
        path, baseline=baseline, since=since, cached=not no_cache, memory=memory, keep=keep,
        meanwhile=None if inventory else lambda: prepare(output.format),
    )  # fmt: skip
    run = structs.replace(run, seed=seed)
    if watch:
        return _watch(path, baseline, since, run, memory)
    if inventory:
        return _inventory(run, output)
    return deliver(run, output, dynamic=False)


def _check_configuration(path: Path, config_file: Path | None, profile: str | None) -> None:
    """A scan needs nothing of it, so without one nothing is imported for it; a mistake in it is told."""
    if config_file is not None or profile is not None or configured(path):
        from deadheat.io import config as configuration

        configuration.load(path, config_file, profile)


def _inventory(run: Run, output: Output) -> int:
    """The inventory alone, in the format asked for; it judges nothing, so it never fails."""
    from deadheat.report import inventory as table

    if output.format == "text":
        click.echo(table.render(run.review, width=width(), colour=colour(), ascii_only=ascii_only()))
        return EXIT_CLEAN
    if output.format == "markdown":
        click.echo(table.markdown(run.review), nl=False)
        return EXIT_CLEAN
    if output.format == "json":
        click.echo(table.json(run.review), nl=False)
        return EXIT_CLEAN
    raise DeadheatError(f"--inventory has the formats text, markdown and json, not {output.format}")


def _watch(path: Path, baseline: Path | None, since: str | None, run: Run, memory: Memory | None) -> int:
    stop = threading.Event()
    previous = signal.signal(signal.SIGINT, lambda *_: stop.set())
    try:
        click.echo(on_terminal(run), nl=False)
        click.echo("watching; Ctrl-C ends", err=True)
        known = {finding.fingerprint: finding for finding in run.findings}
        folder = path.parent if path.name == "Cargo.toml" else path
        for files in watching.changes(folder, lambda: stop.wait(_LOOK)):
            try:
                run = review(path, baseline=baseline, since=since, memory=memory)
            except DeadheatError as error:
                click.echo(f"error: {error}", err=True)
                continue
            now = {finding.fingerprint: finding for finding in run.findings}
            came = tuple(finding for key, finding in now.items() if key not in known)
            gone = [finding for key, finding in known.items() if key not in now]
            for finding in gone:
                click.echo(f"gone  {finding.code} {finding.title} ({finding.location})")
            if came:
                click.echo(on_terminal(structs.replace(run, findings=came)), nl=False)
            elif not gone:
                click.echo(
                    f"{number(len(files), 'file')} saved, nothing new ({number(len(now), 'finding')})",
                    err=True,
                )
            known = now
            gc.collect()  # the last reading, now that nobody waits
    finally:
        signal.signal(signal.SIGINT, previous)
    return EXIT_CLEAN
