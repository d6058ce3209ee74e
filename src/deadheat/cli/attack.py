"""`deadheat attack`: races on a running server."""

import shlex
import signal
import sys
from pathlib import Path
from urllib.parse import urlsplit

import click
from msgspec import Struct, structs

from deadheat.cli.attack_scenario import OneOff, one_off, over_http, rehearsal, selected
from deadheat.cli.options import EXIT_CLEAN, EXIT_FINDINGS, EXIT_UNTESTED, Output, gathered, output_options
from deadheat.cli.output import deliver, keep
from deadheat.cli.progress import Progress
from deadheat.engine.attack.courier import Courier
from deadheat.engine.attack.run import AttackRun, Plan
from deadheat.engine.events import Event
from deadheat.engine.reviewed import Reviewed
from deadheat.io import config as configuration
from deadheat.io.allow import Allow
from deadheat.io.serve import Served
from deadheat.io.store import Store
from deadheat.model import DeadheatError, Origin, ProjectError, Run, Scenario, Target
from deadheat.model.config import Config, Limits
from deadheat.oracle.recipes import RECIPES
from deadheat.report.redact import Redactor
from deadheat.report.secrets import Masker

_RECIPES = ", ".join(RECIPES)


class Aims(Struct, frozen=True):
    """How far, how fast, by what means."""

    via: str
    rounds: int | None
    budget: int | None
    rate: float | None
    deadline: float | None
    seed: int
    mutate: int
    insecure: bool


@click.command()
@click.argument("scenarios", nargs=-1, metavar="[SCENARIO]...")
@click.option(
    "--url", help="The server; with a path, the request to race (ws://…: the WebSocket of a message)."
)
@click.option(
    "-X", "--request", "method", default=None, help="Its method [default: GET, or POST with a body]."
)
@click.option("-H", "--header", "headers", multiple=True, help="A header of it: 'Name: value'; repeatable.")
@click.option("-d", "--data", help="Its body, or the message.")
@click.option(
    "-n", "count", type=click.IntRange(1, 2_000), default=None, help="How many at once [default: 2]."
)
@click.option(
    "--import",
    "imported",
    type=click.Path(path_type=Path),
    multiple=True,
    help="Race the requests in a file: curl, raw, HAR, Burp XML, OpenAPI; repeatable.",
)
@click.option("--pick", type=int, multiple=True, help="Which requests of the files, by number; default all.")
@click.option("--setup", multiple=True, metavar="REQUEST", help="Comes first: 'POST /cart body'; repeatable.")
@click.option("--probe", "probes", multiple=True, metavar="REQUEST", help="Looked at after; repeatable.")
@click.option("--reset", multiple=True, metavar="REQUEST", help="Brings back the initial state; repeatable.")
@click.option("--reset-command", metavar="COMMAND", help="A command that brings it back.")
@click.option("--serve", metavar="COMMAND", help="Start the server, and start it anew for every round.")
@click.option(
    "--invariant",
    "invariants",
    multiple=True,
    metavar="CEL",
    help="Must hold: 'successes <= 1', 'state[\"GET /stock\"] >= 0'; repeatable.",
)
@click.option("--recipe", metavar="NAME", help=f"A known family of races: {_RECIPES}.")
@click.option(
    "--limit", type=click.IntRange(0), help="How many may succeed [default: as many as one by one]."
)
@click.option(
    "--via", default="auto", show_default=True, help="h1, h2, h3, a release plan, or both: h2/last-byte."
)
@click.option("--rounds", type=click.IntRange(1), help="Releases at most [default: until a test is certain].")
@click.option("--budget", type=click.IntRange(1), help="Requests at most, in all [default: 2000].")
@click.option("--rate", type=click.FloatRange(0, min_open=True), help="Requests a second on average.")
@click.option("--deadline", type=click.FloatRange(0, min_open=True), help="Seconds an answer may take.")
@click.option("--mutate", type=click.IntRange(0), default=0, help="Also try so many variants of a racer.")
@click.option(
    "--seed", type=int, default=0, show_default=True, help="Of whatever is sampled; kept in the run."
)
@click.option("--insecure", is_flag=True, help="Accept any TLS certificate.")
@click.option(
    "--source",
    type=click.Path(path_type=Path),
    help="The Rocket project behind it: findings then name handlers.",
)
@click.option("--config", "config_file", type=click.Path(path_type=Path), help="Use this deadheat.toml.")
@click.option("--profile", help="Let [profile.NAME] win.")
@click.option("--dry-run", is_flag=True, help="Print what would be sent, and send nothing.")
@click.option("--quiet", is_flag=True, help="No progress on standard error.")
@output_options
def attack(
    scenarios: tuple[str, ...],
    url: str | None,
    method: str | None,
    headers: tuple[str, ...],
    data: str | None,
    count: int | None,
    imported: tuple[Path, ...],
    pick: tuple[int, ...],
    setup: tuple[str, ...],
    probes: tuple[str, ...],
    reset: tuple[str, ...],
    reset_command: str | None,
    serve: str | None,
    invariants: tuple[str, ...],
    recipe: str | None,
    limit: int | None,
    via: str,
    rounds: int | None,
    budget: int | None,
    rate: float | None,
    deadline: float | None,
    mutate: int,
    seed: int,
    insecure: bool,
    source: Path | None,
    config_file: Path | None,
    profile: str | None,
    dry_run: bool,
    quiet: bool,
    format_: str,
    reports: tuple[tuple[str, Path], ...],
    fail_on: str,
    min_confidence: str,
    exit_zero: bool,
) -> int:
    """Race requests on a running server, and say what no sequential order explains.

    SCENARIO names scenarios of deadheat.toml (all of them without a name); with --url and a path, or
    --import, a request given here is raced. Requests go to loopback only, unless deadheat.toml has a
    [[target]] with an authorisation note for the host.

    Exit codes: 1 a race was shown, 0 none was seen although the racers overlapped, 3 nothing can be
    said (and why), 2 wrong usage.

    \b
      deadheat attack --url http://127.0.0.1:8000/redeem/WELCOME10 -X POST -n 2 --reset 'POST /reset'
      deadheat attack --url http://127.0.0.1:8000 redeem-twice
      deadheat attack --import request.har --pick 3 --recipe single-use-token
    """  # noqa: D301 - click's \b keeps the examples as they are
    output = gathered(format_, reports, fail_on, min_confidence, exit_zero)
    aims = Aims(via, rounds, budget, rate, deadline, seed, mutate, insecure)
    project = source or Path()
    config = configuration.load(project, config_file, profile)
    given = OneOff(
        url, method, headers, data, count, imported, pick, setup, probes, reset,
        tuple(shlex.split(reset_command or "")), invariants, recipe, limit,
    )  # fmt: skip
    made, there = one_off(given, config)
    chosen = (made,) if made is not None else selected(scenarios, config, given)
    if made is not None and scenarios:
        raise DeadheatError("race the request given here, or scenarios by name, not both")
    if "ws" in via.split("/") and not all(racer.request.message for each in chosen for racer in each.racers):
        raise DeadheatError(f"--via {via}: only messages go over WebSockets; --url ws://… makes -d one")
    origin = _origin(url, there, config, insecure=insecure)
    if dry_run:
        click.echo(rehearsal(chosen, origin, config), nl=False)
        return EXIT_CLEAN
    served = None
    store = Store((Path(config.file).parent if config.file else project).resolve())
    if serve is not None:
        served = Served(tuple(shlex.split(serve)), origin.port, store.log("served"))
        if Allow().address(origin.host, origin.port) is None:
            raise DeadheatError("--serve needs a server on loopback")
    try:
        return _attack(
            chosen, origin, config, aims, served, store, output, _read(source, config), quiet=quiet
        )
    finally:
        if served is not None:
            served.end()


def _attack(
    scenarios: tuple[Scenario, ...],
    origin: Origin,
    config: Config,
    aims: Aims,
    served: Served | None,
    store: Store,
    output: Output,
    source: Reviewed | None,
    *,
    quiet: bool,
) -> int:
    entry = _entry(origin, config)
    courier = Courier(
        origin,
        Allow([entry.origin.host] if entry is not None else []),
        _limits(config, aims, entry),
        aims.via,
    )
    plan = Plan(
        scenarios,
        aims.seed,
        aims.rounds or 1_000_000,
        aims.mutate,
        _again,
        source.title if source else "",
    )
    with courier, Progress(quiet=quiet) as progress:
        job = AttackRun(
            courier, config, plan, progress, served,
            source.review if source else None,
            source.findings if source else (),
            source.quoted if source else (),
        )  # fmt: skip
        job.listen = _Discreet(job, progress)
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            job.run()
        except KeyboardInterrupt:
            job.interrupted = True
        except DeadheatError as error:
            if not job.attacks:
                words = Masker().text(Redactor(job.secrets).text(str(error)))
                raise type(error)(words) from None
    run = Redactor(job.secrets).value(job.result())
    keep(store, run)
    deliver(run, output, dynamic=True)
    return EXIT_CLEAN if output.exit_zero else exit_code(run, output)


class _Discreet:
    """Tells progress, without secrets."""

    def __init__(self, job: AttackRun, progress: Progress) -> None:
        self._job = job
        self._progress = progress

    def __call__(self, event: Event) -> None:
        self._progress(Redactor(self._job.secrets).value(event))


def exit_code(run: Run, output: Output) -> int:
    """1 for findings that count, 0 when every scenario was tested and none shows a race, else 3."""
    if any(
        finding.severity.rank <= output.fail_on.rank and finding.confidence.rank <= output.min_confidence.rank
        for finding in run.findings
    ):
        return EXIT_FINDINGS
    attacks = run.coverage.attacks
    sure = attacks and all(attack.verdict in {"none-seen", "violation"} for attack in attacks)
    return EXIT_UNTESTED if run.interrupted or run.not_tested or not sure else EXIT_CLEAN


def _again(name: str) -> str:
    """The command line that attacks this scenario again: the one that was typed."""
    arguments = sys.argv[1:]
    return shlex.join(["deadheat", *arguments]) if arguments[:1] == ["attack"] else f"deadheat attack {name}"


def _origin(url: str | None, there: Origin | None, config: Config, *, insecure: bool) -> Origin:
    if url is not None:
        origin = Origin.of(over_http(url))
    elif there is not None:
        origin = there
    elif len(config.targets) == 1:
        origin = config.targets[0].origin
    else:
        raise DeadheatError("which server? name it: --url http://127.0.0.1:8000")
    entry = _entry(origin, config)
    accept = insecure or origin.insecure or (entry is not None and entry.origin.insecure)
    return structs.replace(origin, insecure=accept)


def _entry(origin: Origin, config: Config) -> Target | None:
    """The `[[target]]` of this server."""
    for target in config.targets:
        if (target.origin.host, target.origin.port) == (origin.host, origin.port):
            return target
    return None


def _limits(config: Config, aims: Aims, entry: Target | None) -> Limits:
    """Command line over file; an authorisation's own caps are never exceeded."""
    requests = aims.budget or config.attack.requests
    rate = aims.rate or config.attack.rate
    if entry is not None:
        requests = min(requests, entry.requests or requests)
        rate = min(rate, entry.rate or rate)
    return Limits(requests, rate, aims.deadline or config.attack.deadline)


def _read(source: Path | None, config: Config) -> Reviewed | None:
    """The project behind the server: the one named, or the one the configuration lies in."""
    if source is not None:
        return Reviewed.of(source)
    folder = Path(config.file).parent if config.file else None
    if folder is None or not (folder / "Cargo.toml").is_file():
        return None
    try:
        return Reviewed.of(folder)
    except ProjectError:
        return None


def has_path(url: str) -> bool:
    """Whether a URL names a request and not only a server."""
    parts = urlsplit(url)
    return parts.path not in {"", "/"} or bool(parts.query)
