"""`deadheat demo`: the whole story on one small application."""

from pathlib import Path

import click

from deadheat.cli.hunt import hunted
from deadheat.cli.options import EXIT_CLEAN, EXIT_UNTESTED
from deadheat.cli.output import keep, on_terminal
from deadheat.cli.progress import Progress
from deadheat.engine.embedded import EmbeddedSubject
from deadheat.engine.rocket import RocketSubject
from deadheat.engine.subject import Subject
from deadheat.io.environment import has_cargo
from deadheat.io.resources import working_lab
from deadheat.io.store import Store
from deadheat.model import Proof, Run
from deadheat.model.config import App, Config

# A few dozen schedules: optimising takes longer than it saves.
_CONFIG = Config(app=App(optimize=False))

_STORY = """\
A web application counts its active users. The count sits behind a Mutex, so nothing can go wrong:
each visit locks, adds one, unlocks, and is told the new count. Deadheat reads the source, builds a
copy that it can hold at every lock, and tries every order in which two and three visits can meet.
"""

_TWIN = """
The fix is small: build the answer while the lock is still held. Here is the same application with
that one change. Nothing is assumed; every order is tried again.
"""


@click.command()
@click.option(
    "--app",
    "kind",
    type=click.Choice(["rocket", "embedded"]),
    help="Real Rocket (needs cargo) or its embedded twin; by default Rocket where cargo is there.",
)
@click.option("--quiet", is_flag=True, help="No progress on standard error.")
def demo(kind: str | None, quiet: bool) -> int:
    """Show the whole story on one small application."""
    kind = kind or ("rocket" if has_cargo() else "embedded")
    lab = working_lab()
    click.echo(_STORY)
    click.echo(
        "Running on real Rocket: lab/rocket/active-users. (The first build compiles Rocket: minutes.)\n"
        if kind == "rocket"
        else "No cargo is used here: what runs is the embedded twin, a small ASGI application with the same\n"
        "state, routes and locking, behind the same engine, oracle and report. The Rust source is read.\n"
    )
    store = Store(lab)
    racy = _hunted(_subject(kind, lab, "active-users"), store, quiet=quiet)
    click.echo(on_terminal(racy))
    if racy.interrupted:
        return EXIT_UNTESTED
    click.echo(_TWIN)
    fixed = _hunted(_subject(kind, lab, "active-users-fixed"), store, quiet=quiet)
    click.echo(on_terminal(fixed))
    click.echo(_moral(racy, fixed))
    forced = any(finding.proof is Proof.FORCED for finding in racy.findings)
    return EXIT_CLEAN if forced and _proved(fixed) else EXIT_UNTESTED


def _subject(kind: str, lab: Path, name: str) -> Subject:
    if kind == "embedded":
        return EmbeddedSubject.of(name)
    return RocketSubject.open(lab / name, _CONFIG)


def _hunted(subject: Subject, store: Store, *, quiet: bool) -> Run:
    with Progress(quiet=quiet) as progress:
        run = hunted(subject, _CONFIG, store, progress)
    keep(store, run)
    return run


def _proved(run: Run) -> bool:
    """Whether every exploration went through all orders and none violates."""
    explored = run.coverage.explorations
    return bool(explored) and all(e.complete and not e.violating for e in explored)


def _moral(racy: Run, fixed: Run) -> str:
    lines: list[str] = []
    for finding in racy.findings:
        proof = finding.evidence
        if proof is not None:
            requests = " and ".join(str(racer.request) for racer in proof.scenario.racers)
            trials = f"{proof.trials.violated}/{proof.trials.total}"
            lines.append(
                f"{racy.target}: {finding.title}\n  {requests}: {proof.verdict.explanation}\n"
                f"  forced {trials}"
            )
    if _proved(fixed):
        total = sum(e.schedules for e in fixed.coverage.explorations)
        lines.append(f"{fixed.target}: all {total} orders explored, none violates")
    else:
        lines.append(f"{fixed.target}: not proved; see above")
    return "\n".join(lines)
