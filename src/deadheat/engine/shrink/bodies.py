"""The requests of a witness made small: what they carry and the race does not need is left out.

Owns which changes are tried, in which order and for how long. It must not know how a request is taken
apart (`parts`). First parts are left out, the outermost first, then values are made simpler, each by delta
debugging (`ddmin`); what holds for all of several equal requests is tried for all at once, and so are equal
values, since an id in two requests may be what links them.

A smaller request counts when the same order of steps still shows the same finding, three times running, and
means the same: each answer of the same class of status as before, in the witness and in every sequential
order. Where no rule names the finding, the same probes have to be passed, too.
"""

import time
from collections.abc import Callable, Collection, Iterator, Sequence, Set
from dataclasses import dataclass, field, replace
from functools import partial

import msgspec

from deadheat.engine.baseline import Unexplorable
from deadheat.engine.candidate import Candidate
from deadheat.engine.executions import followed
from deadheat.engine.explore import Classify, Search
from deadheat.engine.link import DEADLOCK, UNLINKED
from deadheat.engine.shrink.ddmin import ddmin
from deadheat.engine.shrink.parts import Anatomy, Leaf, Part, Value
from deadheat.engine.shrink.same import same
from deadheat.engine.target import Observed
from deadheat.model import Request, Scenario, Shrunk, TargetError
from deadheat.report.redact import Redactor
from deadheat.schedule import Diverged

_RUNS = 2_000  # executions for one witness
_SECONDS = 10.0
_SHORT = "a"

Place = tuple[int, Part]
"""A part of one of the different requests."""


@dataclass(frozen=True)
class _Change:
    """What is left out of the requests, and what stands in place of longer values."""

    left_out: frozenset[Place] = frozenset()
    simpler: tuple[tuple[Place, Leaf], ...] = ()

    def without(self, places: Collection[Place]) -> "_Change":
        return replace(self, left_out=self.left_out | frozenset(places))

    def with_values(self, places: Collection[Place], value: Leaf) -> "_Change":
        others = tuple(pair for pair in self.simpler if pair[0] not in places)
        return replace(self, simpler=others + tuple((place, value) for place in places))

    def of(self, request: int) -> tuple[Set[Part], dict[Part, Leaf]]:
        """Give the part of it that concerns one request."""
        left_out = {part for number, part in self.left_out if number == request}
        return left_out, {part: value for (number, part), value in self.simpler if number == request}


@dataclass
class Bodies:
    """The search for smaller requests for one witness of finding `name`; `classes` as for `shrunk`."""

    search: Search
    candidate: Candidate
    name: str
    classes: Callable[[Scenario], Classify]
    secrets: Collection[str] = ()
    runs: int = 0
    untried: int = 0
    _change: _Change = field(default_factory=_Change)
    _tried: dict[tuple[Request, ...], bool] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Take the requests apart."""
        self._whole = self.search
        self._first = self.candidate
        self._started = time.monotonic()
        self._requests = list(dict.fromkeys(_requests(self.search.scenario)))
        self._anatomies = [Anatomy(request) for request in self._requests]
        self._redactor = Redactor(self.secrets)
        self._tried[_requests(self.search.scenario)] = True

    def shrunk(self) -> tuple[Search, Candidate, Shrunk | None]:
        """Give the smallest witness found, its search, and how much smaller it is."""
        if not any(anatomy.parts for anatomy in self._anatomies):
            return self.search, self.candidate, None
        for depth in sorted({part.depth for anatomy in self._anatomies for part in anatomy.parts}):
            self._leave_out(depth)
        self._simplify()
        kept = ["the path", *(["the set-up"] if self._whole.scenario.setup else [])]
        if any(anatomy.opaque for anatomy in self._anatomies):
            kept.append("the inside of a body that is no JSON, form or text")
        if self.search is not self._whole and not self._confirmed():
            self.search, self.candidate = self._whole, self._first
            kept.append("anything, for good: what was smaller did not come back from a fresh start")
        return self.search, self.candidate, self._told(tuple(kept))

    # ------------------------------------------------------------------ what is tried

    def _leave_out(self, depth: int) -> None:
        here = [
            (number, part)
            for number, anatomy in enumerate(self._anatomies)
            for part in anatomy.parts
            if part.depth == depth and not self._gone(number, part)
        ]
        base = self._change
        ddmin(here, lambda kept: self._holds(base.without(set(here) - set(kept))))

    def _gone(self, number: int, part: Part) -> bool:
        return any(number == other and part.within(gone) for other, gone in self._change.left_out)

    def _simplify(self) -> None:
        classes: dict[tuple[type, Leaf], list[Place]] = {}
        secret: set[tuple[type, Leaf]] = set()
        for number, value in self._values():
            key = (type(value.value), value.value)
            classes.setdefault(key, []).append((number, value.part))
            if value.secret or self._is_secret(value.value):
                secret.add(key)
        plain = [key for key in classes if key[1] != _simplest(key[1])]
        base = self._change

        def simplest_but(whole: Sequence[tuple[type, Leaf]]) -> bool:
            change = base
            for key in plain:
                if key not in whole:
                    change = change.with_values(classes[key], _simplest(key[1]))
            return self._holds(change)

        for key in ddmin(plain, simplest_but):
            shorten = _once if key in secret else _shortened
            for simpler in shorten(key[1], partial(self._holds_with, classes[key])):
                self._holds_with(classes[key], simpler)

    def _values(self) -> Iterator[tuple[int, Value]]:
        for number, anatomy in enumerate(self._anatomies):
            for value in anatomy.values:
                if not self._gone(number, value.part):
                    yield number, value

    def _is_secret(self, value: Leaf) -> bool:
        """Whether a known secret stands in it: half of one would be shown, since it is none."""
        return self._redactor.text(str(value)) != str(value)

    def _holds_with(self, places: Collection[Place], value: Leaf) -> bool:
        return self._holds(self._change.with_values(places, value))

    # -------------------------------------------------------------- whether it holds

    def _holds(self, change: _Change) -> bool:
        """Whether the witness is one with this change; if so it is made."""
        scenario = self._scenario(change)
        key = _requests(scenario)
        if key not in self._tried:
            if self.runs >= _RUNS or time.monotonic() - self._started > _SECONDS:
                self.untried += 1
                return False
            found = self._try(scenario)
            self._tried[key] = found is not None
            if found is not None:
                self.search, self.candidate = found
        if self._tried[key]:
            self._change = change
        return self._tried[key]

    def _scenario(self, change: _Change) -> Scenario:
        small = {
            request: anatomy.without(*change.of(number))
            for number, (request, anatomy) in enumerate(zip(self._requests, self._anatomies, strict=True))
        }
        racers = tuple(
            msgspec.structs.replace(racer, request=small[racer.request])
            for racer in self._whole.scenario.racers
        )
        return msgspec.structs.replace(self._whole.scenario, racers=racers)

    def _try(self, scenario: Scenario) -> tuple[Search, Candidate] | None:
        smaller = self._searching(scenario, fresh=False)
        order: Sequence[int] = self.candidate.order
        try:
            if not self.candidate.verdict.deadlock:  # confirming one ends the application: no quick look
                self.search.target.prepare(scenario.preparations)
                self.runs += 1
                observed = smaller.attempt(order)
                if followed(observed, order) and not self._means_the_same(observed):
                    return None
                order = self._fitting(order, observed)
            smaller.baseline()
        except (Unexplorable, TargetError, Diverged):
            self.search.target.abandon()
            return None
        finally:
            self.runs += smaller.controls
        return self._same(smaller, order)

    def _same(self, smaller: Search, order: Sequence[int]) -> tuple[Search, Candidate] | None:
        if _classes(smaller) != _classes(self._whole):
            return None
        self.runs += 1
        found = same(smaller, order, self.name, self._first)
        if found is None or not self._means_the_same(found.observed):
            return None
        self.runs += 2
        if self.name in (UNLINKED, DEADLOCK) and self._passed(found) != self._passed(self._first):
            return None
        return smaller, found

    def _confirmed(self) -> bool:
        """Whether what was found holds from a fresh start, its sequential orders run as for any other."""
        fresh = self._searching(self.search.scenario, fresh=True)
        try:
            fresh.baseline()
        except (Unexplorable, TargetError):
            self.search.target.abandon()
            return False
        finally:
            self.runs += fresh.controls
        found = self._same(fresh, self.candidate.order)
        if found is not None:
            self.search, self.candidate = found
        return found is not None

    def _searching(self, scenario: Scenario, *, fresh: bool) -> Search:
        whole = self._whole
        known = None if fresh else whole.reset
        search = Search(whole.target, scenario, whole.limits, self.classes(scenario), known=known)
        # The orders that were explored are those of the whole requests: reports say so.
        search.schedules, search.violating = whole.schedules, whole.violating
        return search

    def _means_the_same(self, observed: Observed) -> bool:
        before, after = self._first.observed.observation.responses, observed.observation.responses
        return [r and r.status // 100 for r in before] == [r and r.status // 100 for r in after]

    def _passed(self, candidate: Candidate) -> set[tuple[int, int]]:
        return {(step.actor, step.point) for step in candidate.observed.execution.steps}

    def _fitting(self, order: Sequence[int], observed: Observed) -> Sequence[int]:
        """Give the order without the steps that nobody takes any more: a loop is shorter, say.

        Raises:
            Diverged: that is not why it was not followed.
        """
        if followed(observed, order):
            return order
        if observed.execution.trace.pending:
            raise Diverged("some request did not end")
        left: dict[int, list[int]] = {}
        for step in observed.execution.steps:
            left.setdefault(step.actor, []).append(step.point)
        fitting: list[int] = []
        # From the end: what is left of a loop is its last rounds, the closest to what comes after it.
        for step in reversed(self.candidate.observed.execution.steps):
            mine = left.get(step.actor, [])
            if mine and mine[-1] == step.point:
                mine.pop()
                fitting.append(step.actor)
        if any(left.values()) or len(fitting) == len(order):
            raise Diverged("it takes other steps, not fewer")
        return fitting[::-1]

    def _told(self, kept: tuple[str, ...]) -> Shrunk:
        sizes = [
            [_sizes(racer.request) for racer in search.scenario.racers]
            for search in (self._whole, self.search)
        ]
        before, after = (tuple(map(sum, zip(*each, strict=True))) for each in sizes)
        query, headers, body = zip(before, after, strict=True)
        seconds = time.monotonic() - self._started
        return Shrunk(query, headers, body, self.runs, seconds, self.untried, kept)


def _classes(search: Search) -> list[tuple[tuple[int, ...], tuple[str, ...]]]:
    """The classes of status that the sequential orders answer with."""
    return [(serial.order, tuple(text[:1] for text in serial.outcome.responses)) for serial in search.serial]


def _requests(scenario: Scenario) -> tuple[Request, ...]:
    return tuple(racer.request for racer in scenario.racers)


def _sizes(request: Request) -> tuple[int, int, int]:
    query = request.target.partition("?")[2]
    return len(query), sum(len(name) + len(value) for name, value in request.headers), len(request.body)


def _simplest(value: Leaf) -> Leaf:
    return type(value)()


def _once(value: Leaf, holds: Callable[[Leaf], bool]) -> Iterator[Leaf]:
    """Replace a secret as a whole, or leave it."""
    if isinstance(value, str) and len(value) > 1:
        yield _SHORT


def _shortened(value: Leaf, holds: Callable[[Leaf], bool]) -> Iterator[Leaf]:
    """Ask about ever simpler values where the simplest of all does not do, halving the distance to it."""
    if isinstance(value, bool):
        return
    if isinstance(value, str):
        fails, does = 0, len(value)
        while does - fails > 1:
            middle = (does + fails) // 2
            fails, does = (fails, middle) if holds(value[:middle]) else (middle, does)
        if does > 1 or value[:does] != _SHORT:
            yield _SHORT
    elif isinstance(value, float) and not value.is_integer():
        yield float(int(value))
    else:
        number, sign = abs(int(value)), -1 if value < 0 else 1
        low, high = 0, number
        while high - low > 1:
            middle = (high + low) // 2
            low, high = (low, middle) if holds(type(value)(sign * middle)) else (middle, high)
