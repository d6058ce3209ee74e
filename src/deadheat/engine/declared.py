"""The scenarios that the user declared, as far as they can be explored.

Pure. Owns which can, and which handler each of their requests is for. It must not know how they are run.
"""

from collections.abc import Callable, Iterable, Sequence

import msgspec

from deadheat.engine.routes import handler_of
from deadheat.model import Handler, NotTested, Racer, Scenario

_LOGIN = "it takes a login, and only `deadheat attack` logs in so far"
_ATTACK = "deadheat attack --url http://127.0.0.1:PORT"


def explorable(
    scenarios: Iterable[Scenario], handlers: Sequence[Handler], skip: Callable[[NotTested], None]
) -> list[Scenario]:
    """Give the scenarios with a racer for each request; what is left out is told to `skip`."""
    result = []
    for scenario in scenarios:
        if any(racer.request.principal for racer in scenario.racers):
            skip(NotTested(scenario.name, _LOGIN, _ATTACK))
        else:
            result.append(_with_handlers(scenario, handlers, skip))
    return result


def _with_handlers(
    scenario: Scenario, handlers: Sequence[Handler], skip: Callable[[NotTested], None]
) -> Scenario:
    """Say which handler each declared request is for; a request for none is not tested."""
    racers: list[Racer] = []
    for racer in scenario.racers:
        handler = handler_of(racer.request, handlers)
        if handler is None:
            skip(NotTested(scenario.name, f"no handler takes {racer.request}"))
        # A timed attack sends it `count` times; every order of two of it is tried here.
        racers += [Racer(racer.request, handler.id if handler else None)] * min(racer.count, 2)
    return msgspec.structs.replace(scenario, racers=tuple(racers))
