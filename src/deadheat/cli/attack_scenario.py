"""Scenarios from the command line: one-offs, imports, and those of deadheat.toml by name.

Owns what the options of `deadheat attack` mean as a scenario, and the rehearsal of `--dry-run`.
"""

from pathlib import Path
from urllib.parse import urlsplit

from msgspec import Struct, structs

from deadheat.io import imports
from deadheat.io.config_file import RequestTable
from deadheat.io.config_mistake import Mistake, suggest
from deadheat.io.config_request import checked_headers, checked_target, request
from deadheat.io.config_websocket import unsuitable
from deadheat.model import MESSAGE, DeadheatError, Origin, Racer, Request, Reset, Scenario, Setting
from deadheat.model.config import Config
from deadheat.oracle.invariants import Invariant, InvariantError
from deadheat.oracle.recipes import RECIPES
from deadheat.report.redact import Redactor
from deadheat.report.secrets import Masker


class OneOff(Struct, frozen=True):
    """What the command line says of a scenario."""

    url: str | None
    method: str | None
    headers: tuple[str, ...]
    data: str | None
    count: int | None
    imported: tuple[Path, ...]
    pick: tuple[int, ...]
    setup: tuple[str, ...]
    probes: tuple[str, ...]
    reset: tuple[str, ...]
    reset_command: tuple[str, ...]
    invariants: tuple[str, ...]
    recipe: str | None
    limit: int | None


def one_off(given: OneOff, config: Config) -> tuple[Scenario | None, Origin | None]:
    """The scenario that the command line spells out, and the server an import was meant for.

    Raises:
        DeadheatError: a request, an invariant or a recipe is none; says which.
    """
    racers, origin = _racers(given)
    if not racers:
        if given.method or given.data is not None or given.headers:
            raise DeadheatError("-X, -H and -d need --url with a path: which request?")
        return None, None
    plain = Scenario("", tuple(racers))
    return _with(plain, given, config, name=Masker().target(str(racers[0].request))), origin


def selected(names: tuple[str, ...], config: Config, given: OneOff) -> tuple[Scenario, ...]:
    """The scenarios of deadheat.toml with these names, all without any.

    Raises:
        DeadheatError: there is none of that name.
    """
    known = {scenario.name: scenario for scenario in config.scenarios}
    for name in names:
        if name not in known:
            hint = suggest(name, known) or f"there are {', '.join(known) or 'none'}"
            raise DeadheatError(f"no scenario {name!r} in {config.file or 'deadheat.toml'}; {hint}")
    chosen = [known[name] for name in names] if names else list(known.values())
    if not chosen:
        raise DeadheatError("nothing to attack: give --url with a path, --import, or write a [[scenario]]")
    return tuple(_with(scenario, given, config, name=scenario.name) for scenario in chosen)


def _with(scenario: Scenario, given: OneOff, config: Config, name: str) -> Scenario:
    """The scenario with what the command line adds to it."""
    for source in given.invariants:
        try:
            Invariant(source)
        except InvariantError as error:
            raise DeadheatError(f"--invariant {error.message}") from None
    if given.recipe is not None and given.recipe not in RECIPES:
        hint = suggest(given.recipe, RECIPES) or f"there are {', '.join(RECIPES)}"
        raise DeadheatError(f"no recipe {given.recipe!r}; {hint}")
    setup, probes, reset = (
        tuple(_line(line, option, config) for line in lines)
        for lines, option in ((given.setup, "--setup"), (given.probes, "--probe"), (given.reset, "--reset"))
    )
    setting = scenario.setting
    racers = scenario.racers
    if given.count is not None:
        if len(racers) > 1 and name:
            racers = tuple(structs.replace(racer, count=given.count) for racer in racers)
        elif racers:
            racers = (structs.replace(racers[0], count=given.count),)
    elif len(racers) == 1 and racers[0].count == 1:
        racers = (structs.replace(racers[0], count=2),)
    if why := unsuitable(
        (racer.request for racer in racers),
        given.recipe or setting.recipe,
        (*scenario.invariants, *given.invariants),
    ):
        raise DeadheatError(why)
    names = setting.names or tuple(str(probe) for probe in scenario.probes)
    return structs.replace(
        scenario,
        name=name,
        racers=racers,
        setup=scenario.setup + setup,
        probes=scenario.probes + probes,
        invariants=scenario.invariants + given.invariants,
        reset=Reset.REQUESTS if reset or scenario.reset_requests else scenario.reset,
        reset_requests=scenario.reset_requests + reset,
        setting=Setting(
            recipe=given.recipe or setting.recipe,
            limit=setting.limit if given.limit is None else given.limit,
            extracts=setting.extracts,
            expects=setting.expects,
            names=names + tuple(str(probe) for probe in probes),
            sql=setting.sql,
            commands=setting.commands,
            reset_command=given.reset_command or setting.reset_command,
        ),
    )


def _racers(given: OneOff) -> tuple[list[Racer], Origin | None]:
    found = [each for path in given.imported for each in imports.load(path)]
    if given.pick:
        wrong = [number for number in given.pick if not 1 <= number <= len(found)]
        if wrong:
            raise DeadheatError(f"--pick {wrong[0]}: there are {len(found)} requests, counted from 1")
        found = [found[number - 1] for number in given.pick]
    elif len(found) > 16:
        raise DeadheatError(f"{len(found)} requests are too many to race at once; choose with --pick")
    origins = {each.origin for each in found if each.origin is not None}
    if len(origins) > 1 and given.url is None:
        raise DeadheatError(
            "the requests are for several servers; choose with --pick, or name one with --url"
        )
    racers = [Racer(each.request) for each in found]
    if given.url is not None:
        Origin.of(over_http(given.url))  # says what is wrong with it, before its path is looked at
        parts = urlsplit(given.url)
        if parts.path not in {"", "/"} or parts.query or (not racers and _says_request(given)):
            target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            message = parts.scheme in _WEBSOCKET
            racers.append(Racer((_typed_message if message else _typed)(given, target)))
    return racers, next(iter(origins), None)


def _says_request(given: OneOff) -> bool:
    return given.method is not None or given.data is not None or bool(given.headers)


_WEBSOCKET = {"ws": "http", "wss": "https"}


def over_http(url: str) -> str:
    """The URL of what a WebSocket is opened on (RFC 6455, section 3); any other URL as it is."""
    scheme, mark, rest = url.partition("://")
    return f"{_WEBSOCKET.get(scheme, scheme)}{mark}{rest}"


def _typed_message(given: OneOff, target: str) -> Request:
    if given.method is not None or given.data is None:
        raise DeadheatError("over a WebSocket goes a message: give it with -d, and no -X")
    try:
        headers = checked_headers(_headers(given), ())
        return Request(MESSAGE, checked_target(target, ()), headers, given.data.encode())
    except Mistake as mistake:
        raise DeadheatError(f"--url: {mistake.message}") from None


def _headers(given: OneOff) -> dict[str, str]:
    headers: dict[str, str] = {}
    for line in given.headers:
        name, colon, value = line.partition(":")
        if not colon:
            raise DeadheatError(f"-H {line!r} is no header: write 'Name: value'")
        headers[name.strip()] = value.strip()
    return headers


def _typed(given: OneOff, target: str) -> Request:
    headers = _headers(given)
    method = given.method or ("GET" if given.data is None else "POST")
    table = (
        RequestTable(method, target, headers)
        if given.data is None
        else RequestTable(method, target, headers, given.data)
    )
    try:
        return request(table, (), ())
    except Mistake as mistake:
        raise DeadheatError(f"--url: {mistake.message}") from None


def _line(line: str, option: str, config: Config) -> Request:
    try:
        return request(line, config.headers, ())
    except Mistake as mistake:
        raise DeadheatError(f"{option}: {mistake.message}") from None


def rehearsal(scenarios: tuple[Scenario, ...], origin: Origin, config: Config) -> str:
    """What would be sent, request by request; nothing was."""
    masker, redactor = Masker(), Redactor(config.secrets)
    logins = {principal.name: principal for principal in config.principals}

    def shown(word: str, each: Request, times: int = 1, *, secret: bool = False) -> list[str]:
        who = f"  as {each.principal}" if each.principal else ""
        often = f"{times} × " if times > 1 else ""
        lines = [f"  {word:<7} {often}{each.method} {masker.target(each.target)}{who}"]
        lines += [f"            {name}: {value}" for name, value in masker.headers(each.headers)]
        if each.body and secret:
            lines.append(f"            ({len(each.body)} bytes that log in: not shown)")
        elif each.body:
            lines.append(f"            {masker.text(each.body[:400].decode('utf-8', 'replace'))}")
        return lines

    lines = [f"nothing was sent; this would go to {origin}, with the header x-deadheat:"]
    for scenario in scenarios:
        lines += ["", scenario.name]
        names = {racer.request.principal for racer in scenario.racers} - {None}
        for name in sorted(str(name) for name in names if name in logins):
            for step in logins[name].login:
                lines += shown("login", step.request, secret=True)
        for each in scenario.reset_requests:
            lines += shown("reset", each)
        if scenario.setting.reset_command:
            lines.append(f"  reset   by the command {' '.join(scenario.setting.reset_command)}")
        for each in scenario.setup:
            lines += shown("set-up", each)
        for racer in scenario.racers:
            lines += shown("race", racer.request, racer.count)
        for each in scenario.probes:
            lines += shown("look", each)
        lines += [f"  look    {probe.name}: {probe.query}" for probe in scenario.setting.sql]
        lines += [f"  look    {probe.name}: {' '.join(probe.run)}" for probe in scenario.setting.commands]
        lines += [f"  holds   {source}" for source in scenario.invariants]
    return redactor.text("\n".join(lines) + "\n")
