"""A witness found among many requests is told with two, and with no more switches than it takes."""

from collections import Counter
from itertools import groupby
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from deadheat.engine.embedded import EmbeddedSubject
from deadheat.engine.explore import Search
from deadheat.engine.shrink import joined, shrunk
from deadheat.engine.target import Target
from deadheat.io.store import Store
from deadheat.model import Racer, Request, Reset, Scenario
from deadheat.model.config import Explore

ORDERS = st.lists(st.integers(0, 3), max_size=12).map(tuple)


def switches(order: tuple[int, ...]) -> int:
    return len(list(groupby(order)))


@given(ORDERS)
def test_joining_blocks_keeps_the_steps_of_everybody(order: tuple[int, ...]) -> None:
    for smaller in joined(order):
        assert Counter(smaller) == Counter(order)
        assert switches(smaller) < switches(order)


@given(ORDERS)
def test_what_cannot_be_joined_has_each_request_in_one_piece(order: tuple[int, ...]) -> None:
    assert bool(list(joined(order))) == (switches(order) > len(set(order)))


def test_two_requests_in_turn_switch_only_where_it_matters(tmp_path: Path) -> None:
    subject = EmbeddedSubject.of("active-users")
    application = subject.build(lambda _: None).application
    requests = tuple(Racer(Request("GET", path)) for path in ("/increment", "/decrement"))
    scenario = Scenario("two", requests, reset=Reset.SNAPSHOT)
    with Target(application, Store(tmp_path)) as target:
        target.restart()
        search = Search(target, scenario, Explore(strategy="source-dpor", budget=1), lambda *_: ("it",))
        list(search.events())
        found = search.best["it"]
        assert found.cost[0] > 2
        _, smaller, _ = shrunk(search, found, "it", lambda _: lambda *_: ("it",))
        assert smaller.cost[0] == 2
        assert sorted(smaller.order) == sorted(found.order)


def test_five_requests_and_many_switches_become_two_and_two(tmp_path: Path) -> None:
    subject = EmbeddedSubject.of("active-users")
    application = subject.build(lambda _: None).application
    requests = tuple(Racer(Request("GET", "/increment")) for _ in range(5))
    scenario = Scenario("five", requests, reset=Reset.SNAPSHOT)
    with Target(application, Store(tmp_path)) as target:
        target.restart()
        search = Search(target, scenario, Explore(strategy="walk", budget=5), lambda *_: ("it",))
        list(search.events())
        smaller, candidate, nothing = shrunk(search, search.best["it"], "it", lambda _: lambda *_: ("it",))
        assert len(smaller.scenario.racers) == 2
        assert candidate.cost[0] == 2
        assert nothing is None, "a GET without query or headers has nothing to leave out"
        assert smaller.replay(candidate.order)[1] is not None
        # Where no execution shows the finding again, the witness stays what it was.
        same = shrunk(search, search.best["it"], "it", lambda _: lambda *_: ("another",))
        assert same[0] is search
