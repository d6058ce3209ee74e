"""`[[scenario]]`: set-up, racers, probes, invariants, and the way back.

Owns what the table means and how a mistake in it is told: an invariant that does not parse is
pointed at while the file is read, not after the first thousand requests. It must not know how
anything is run.
"""

from collections.abc import Sequence

from msgspec import UNSET, structs

from deadheat.io.config_attack import preparation
from deadheat.io.config_file import (
    ProbeEntry,
    ProbeTable,
    RacerEntry,
    RacerTable,
    RequestTable,
    ScenarioTable,
)
from deadheat.io.config_mistake import Mistake, Place, suggest
from deadheat.io.config_request import Headers, checked_headers, request
from deadheat.io.config_websocket import messages, unsuitable
from deadheat.model.http import Request
from deadheat.model.scenario import Racer, Reset, Scenario
from deadheat.model.setting import CommandProbe, Setting, SqlProbe
from deadheat.oracle.invariants import Invariant, InvariantError
from deadheat.oracle.recipes import RECIPES

DATABASES = ("sqlite:", "postgres://", "postgresql://")


def scenarios(
    tables: Sequence[ScenarioTable], headers: Headers, principals: frozenset[str]
) -> tuple[Scenario, ...]:
    """The scenarios, in order."""
    found: dict[str, Scenario] = {}
    for index, table in enumerate(tables):
        place: Place = ("scenario", index)
        if table.name in found:
            raise Mistake((*place, "name"), f"a second scenario `{table.name}`: give it a name of its own")
        _check(table, principals, place)
        found[table.name] = _scenario(table, headers, principals, place)
    return tuple(found.values())


def _check(table: ScenarioTable, principals: frozenset[str], place: Place) -> None:
    if table.principal is not None:
        known(table.principal, principals, (*place, "principal"))
    if table.recipe is not None and table.recipe not in RECIPES:
        hint = suggest(table.recipe, RECIPES) or f"recipes are {', '.join(RECIPES)}"
        raise Mistake((*place, "recipe"), f"no recipe `{table.recipe}`; {hint}")
    for number, source in enumerate(table.invariants):
        try:
            Invariant(source)
        except InvariantError as error:
            raise Mistake((*place, "invariants", number), error.message) from None


def known(name: str, principals: frozenset[str], place: Place) -> None:
    """Refuse a principal that no table describes."""
    if name not in principals:
        hint = suggest(name, principals) or f"write [principals.{name}]"
        raise Mistake(place, f"no principal `{name}`; {hint}")


def _scenario(table: ScenarioTable, headers: Headers, principals: frozenset[str], place: Place) -> Scenario:
    setup = tuple(
        preparation(entry, headers, (*place, "setup", index), table.principal)
        for index, entry in enumerate(table.setup)
    )
    reset = tuple(
        request(entry, headers, (*place, "reset", index), table.principal)
        for index, entry in enumerate(table.reset)
    )
    racers = tuple(
        racer
        for index, entry in enumerate(table.racers)
        for racer in _racers(entry, headers, (*place, "racers", index), table.principal)
    )
    for number, racer in enumerate(racers):
        if racer.request.principal is not None:
            known(racer.request.principal, principals, (*place, "racers", min(number, len(table.racers) - 1)))
    if why := unsuitable((racer.request for racer in racers), table.recipe, table.invariants):
        raise Mistake(place, why)
    probes, sql, commands = _probes(table.probes, headers, place, table.principal)
    return Scenario(
        name=table.name,
        racers=racers,
        setup=tuple(step.request for step in setup),
        probes=tuple(probe for _, probe in probes),
        invariants=table.invariants,
        relax=table.relax,
        reset=Reset.REQUESTS if reset else Reset.RESTART,
        reset_requests=reset,
        setting=Setting(
            recipe=table.recipe,
            limit=table.limit,
            extracts=tuple(step.extract for step in setup),
            expects=tuple(step.expect for step in setup),
            names=tuple(name for name, _ in probes),
            sql=sql,
            commands=commands,
            reset_command=table.reset_command,
        ),
    )


def _racers(entry: RacerEntry, headers: Headers, place: Place, principal: str | None) -> tuple[Racer, ...]:
    if not isinstance(entry, RacerTable):
        return (Racer(request(entry, headers, place, principal)),)
    who = entry.principal or principal
    if entry.ws is not UNSET or entry.message is not UNSET:
        return tuple(Racer(each, None, entry.n, entry.group) for each in messages(entry, headers, place, who))
    if not (entry.method and entry.target):
        raise Mistake(place, "a racer needs `method` and `target`, or `ws` and `message`")
    if not entry.bodies:
        return (Racer(request(entry, headers, place, who), None, entry.n, entry.group),)
    if entry.body is not UNSET:
        raise Mistake(place, "keep one of `body` and `bodies`")
    return tuple(
        Racer(request(structs.replace(entry, body=body), headers, place, who), None, entry.n, entry.group)
        for body in entry.bodies
    )


Named = tuple[str, Request]


def _probes(
    entries: Sequence[ProbeEntry], headers: Headers, scenario: Place, principal: str | None
) -> tuple[list[Named], tuple[SqlProbe, ...], tuple[CommandProbe, ...]]:
    requests: list[Named] = []
    sql: list[SqlProbe] = []
    commands: list[CommandProbe] = []
    for index, entry in enumerate(entries):
        place = (*scenario, "probes", index)
        if isinstance(entry, str):
            made = request(entry, headers, place, principal)
            requests.append((str(made), made))
            continue
        kind = _kind(entry, place)
        name = entry.name
        if kind == "request":
            made = _request_probe(entry, headers, place, principal)
            requests.append((name or str(made), made))
        elif name is None:
            raise Mistake(place, f"a {kind} needs a `name` to be shown by")
        elif kind == "sql":
            sql.append(SqlProbe(name, str(entry.database), str(entry.sql)))
        elif entry.command is not UNSET:
            commands.append(CommandProbe(name, entry.command))
    return requests, tuple(sql), tuple(commands)


def _kind(entry: ProbeTable, place: Place) -> str:
    given = [kind for kind in ("request", "sql", "command") if getattr(entry, kind) is not UNSET]
    if len(given) != 1:
        raise Mistake(place, "a probe looks one way: give one of `request`, `sql` and `command`")
    if (given[0] == "sql") != (entry.database is not UNSET):
        raise Mistake(place, "`sql` needs a `database`, and nothing else does")
    if given[0] == "sql" and not str(entry.database).startswith(DATABASES):
        raise Mistake((*place, "database"), f"a database is one of {', '.join(DATABASES)}…")
    return given[0]


def _request_probe(entry: ProbeTable, headers: Headers, place: Place, principal: str | None) -> Request:
    line = str(entry.request)
    made = request(line, headers, (*place, "request"), entry.principal or principal)
    if not entry.headers:
        return made
    body = made.body.decode() if made.body else UNSET
    table = RequestTable(made.method, made.target, entry.headers, body)
    checked_headers(entry.headers, (*place, "headers"))
    return request(table, headers, place, entry.principal or principal)
