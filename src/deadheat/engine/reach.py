"""Getting a handler to do its work when the made-up request alone is refused.

Owns two ways, both tried on the application and never believed unseen. *Seeds*: the application's
own source names what exists from the start (`insert("alice", …)`), so its literals are tried as
values. *Preparation*: what another handler makes (`POST /accounts/x`) may be what this one needs.
It must not know schedules, nor what is raced.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from deadheat.engine import plan
from deadheat.engine.examples import TRANSPARENT, WORD, parse
from deadheat.engine.explore import alone
from deadheat.engine.requests import synthesise
from deadheat.engine.target import Target
from deadheat.model import Handler, Preparation, Request, Review, TargetError
from deadheat.model.config import Config
from deadheat.model.source import ParameterKind

_TRIES = 8  # literals, and preparations, tried for one handler: each costs a start
_TEXT = re.compile(r'"([\w.@+-]{1,40})"')
_NUMBER = re.compile(r"\b(?:insert|push|push_back)\(\s*(\d{1,9})(?:_?[iu](?:\d+|size))?\s*[,)]")
_SEEDING = re.compile(r'(?:\b(?:insert|entry|push|new|from)\(|[(\[]\(?|,\s*\(?)\s*"$')
_ELSEWHERE = re.compile(r"^\s*(?://|#\[|use\b)|\b(?:format|println|panic|json|expect|mount|header)\b")
_TEXTUAL = frozenset({"String", "str", "RawStr", "Cow"})
_INTEGRAL = re.compile(r"[iu](?:8|16|32|64|128|size)")
_SEEDABLE = frozenset({400, 404, 422})
_PREPARABLE = frozenset({400, 402, 404, 409, 410, 412, 422})


def seeds(sources: Sequence[tuple[str, str]]) -> tuple[list[str], list[int]]:
    """The texts and numbers that the source puts somewhere, the likelier keys first."""
    texts: dict[str, int] = {}
    numbers: dict[int, None] = {}
    for _, source in sources:
        for line in source.splitlines():
            if _ELSEWHERE.search(line):
                continue
            for literal in _TEXT.finditer(line):
                rank = 0 if _SEEDING.search(line[: literal.start() + 1]) else 1
                texts[literal[1]] = min(rank, texts.get(literal[1], rank))
            numbers |= dict.fromkeys(int(number) for number in _NUMBER.findall(line))
    return sorted(texts, key=texts.__getitem__), list(numbers)


@dataclass
class Reach:
    """What was found to reach handlers; `requests` and `setups` are by handler id.

    `waiting` are the requests (with their set-up) that then wait for themselves: held at a lock for ever.
    """

    target: Target
    review: Review
    config: Config
    sources: Sequence[tuple[str, str]]
    requests: dict[str, Request]
    setups: dict[str, tuple[Preparation, ...]] = field(default_factory=dict)
    waiting: dict[str, tuple[Request, tuple[Preparation, ...]]] = field(default_factory=dict)
    _chosen: dict[str, str | int] = field(default_factory=dict)
    _stuck: bool = False

    def improve(self, refused: Mapping[str, tuple[Request, int]]) -> set[str]:
        """Try to get the refused handlers (their request, and its answer's status) to work.

        Returns:
            The ids of those that now do.
        """
        handlers = {handler.id: handler for handler in self.review.handlers}
        reached = {
            name
            for name, (_, status) in refused.items()
            if status in _SEEDABLE and self._seeded(handlers[name])
        }
        for name in self.requests.keys() - reached:  # the same key for all, or they never meet
            self._follow(handlers[name])
        ready = list(self.requests)
        for name, (request, status) in refused.items():
            if name in reached or status not in _PREPARABLE:
                continue
            if self._prepared(name, request, [handlers[other] for other in ready]):
                reached.add(name)
        return reached

    def _seeded(self, handler: Handler) -> bool:
        texts, numbers = seeds(self.sources)
        for name, values in self._open(handler, texts, numbers).items():
            known = [self._chosen[name]] if name in self._chosen else []
            for value in [*known, *values[:_TRIES]]:
                request = self._with(handler, {name: value})
                if request is not None and self._works(request, ()):
                    self.requests[handler.id] = request
                    self._chosen.setdefault(name, value)
                    return True
        return False

    def _follow(self, handler: Handler) -> None:
        mine = self._open(handler, [], [])
        chosen = {name: value for name, value in self._chosen.items() if name in mine}
        request = self._with(handler, chosen) if chosen else None
        if request is not None and self._works(request, ()):
            self.requests[handler.id] = request

    def _prepared(self, name: str, request: Request, others: Sequence[Handler]) -> bool:
        touched = plan.probed(self.review)
        mine = touched.get(name, {})
        makers = [
            other
            for other in others
            if other.method != "GET" and any(touched[other.id].get(state) for state in mine)
        ]
        for maker in makers[:_TRIES]:
            setup = (Preparation(self.requests[maker.id]),)
            if self._works(request, setup):
                self.requests[name], self.setups[name] = request, setup
                return True
            if self._stuck:
                self.waiting[name] = request, setup
                return False
        return False

    def _open(self, handler: Handler, texts: list[str], numbers: list[int]) -> dict[str, list[str | int]]:
        """The values to try, for each path parameter or field of text or number nobody gave."""
        result: dict[str, list[str | int]] = {}
        for parameter in handler.parameters:
            if parameter.kind not in {ParameterKind.PATH, ParameterKind.QUERY, ParameterKind.DATA}:
                continue
            for name, written in parameter.fields or ((parameter.name, parameter.type),):
                plain = name.removeprefix("r#")
                type = parse(written)
                while type.name in TRANSPARENT | {"Option"} and type.arguments:
                    type = type.arguments[0]
                if self.config.value(handler, plain) is not None:
                    continue
                if type.name in _TEXTUAL:
                    result[plain] = [text for text in texts if text != WORD]
                elif _INTEGRAL.fullmatch(type.name):
                    result[plain] = [number for number in numbers if number != 1]
        return result

    def _with(self, handler: Handler, values: Mapping[str, str | int]) -> Request | None:
        given = self.config.values.get(handler.name)
        own = {**(given if isinstance(given, Mapping) else {}), **values}
        config = msgspec.structs.replace(self.config, values={**self.config.values, handler.name: own})
        request = synthesise(handler, config)
        return request if isinstance(request, Request) else None

    def _works(self, request: Request, setup: tuple[Preparation, ...]) -> bool:
        self._stuck = False
        try:
            observed = alone(self.target, request, setup)
        except TargetError:
            return False
        self._stuck = bool(observed.stuck)
        response = observed.observation.responses[0]
        return response is not None and response.status < 400
