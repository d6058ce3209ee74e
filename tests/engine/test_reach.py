"""Requests that are refused as made up: keys from the source, and what another handler makes first."""

from collections.abc import Callable
from types import SimpleNamespace

import pytest

from deadheat.engine import plan, reach
from deadheat.model import (
    Access,
    AccessKind,
    Handler,
    Preparation,
    Request,
    Review,
    SharedState,
    Span,
    StateKind,
)
from deadheat.model.config import Config
from deadheat.model.source import Parameter, ParameterKind

SPAN = Span("src/main.rs", 1, 0, 1, 9)
BANK = SharedState("bank", StateKind.MUTEX, "Bank.accounts")
SOURCE = """
#[post("/noise")]
fn noise() -> String { format!("{} noise", "no-key") }
fn seeded() {
    let greeting = "hello";
    accounts.insert("alice".to_string(), 100);
    rooms.insert(42u64, Room::empty());
}
"""


def handler(name: str, method: str = "POST", parameter: str = "who", type: str = "&str") -> Handler:
    route = f"/{name}/<{parameter}>"
    return Handler(name, method, route, SPAN, parameters=(Parameter(parameter, type, ParameterKind.PATH),))


def improved(
    monkeypatch: pytest.MonkeyPatch,
    answers: Callable[[str, list[str]], int],
    handlers: list[Handler],
    usable: list[str],
    config: Config | None = None,
) -> tuple[reach.Reach, set[str]]:
    """What comes of the handlers not usable; `answers` maps a request and its set-up to a status."""

    def alone(_: object, request: Request, setup: tuple[Preparation, ...]) -> SimpleNamespace:
        status = answers(request.target, [step.request.target for step in setup])
        response = SimpleNamespace(status=status) if status else None  # none: it waits for itself
        stuck = () if status else (0,)
        return SimpleNamespace(observation=SimpleNamespace(responses=(response,)), stuck=stuck)

    monkeypatch.setattr(reach, "alone", alone)
    accesses = tuple(Access(handler.id, "bank", AccessKind.RMW, SPAN, "accounts") for handler in handlers)
    review = Review(handlers=tuple(handlers), states=(BANK,), accesses=accesses)
    made_up = {h.id: Request(h.method, h.route.replace("<who>", "deadheat")) for h in handlers}
    tried = reach.Reach(
        None,  # type: ignore[arg-type]
        review, config or Config(), [("src/main.rs", SOURCE)], {name: made_up[name] for name in usable},
    )  # fmt: skip
    refused = {name: (request, 404) for name, request in made_up.items() if name not in usable}
    return tried, tried.improve(refused)


def test_what_is_inserted_comes_first_and_attributes_and_formats_do_not_count() -> None:
    texts, numbers = reach.seeds([("src/main.rs", SOURCE)])
    assert (texts, numbers) == (["alice", "hello"], [42])


def test_a_key_from_the_source_is_used_by_all_that_take_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def answers(target: str, _: list[str]) -> int:
        return 200 if "alice" in target or target == "/open/deadheat" else 404

    tried, reached = improved(monkeypatch, answers, [handler("withdraw"), handler("open")], ["open"])
    assert reached == {"withdraw"}
    assert {r.target for r in tried.requests.values()} == {"/withdraw/alice", "/open/alice"}


def test_a_number_from_the_source_is_a_key_too(monkeypatch: pytest.MonkeyPatch) -> None:
    tried, _ = improved(
        monkeypatch, lambda target, _: 200 if "42" in target else 404, [handler("room", type="u64")], []
    )
    assert tried.requests["room"].target == "/room/42"


def test_the_users_value_is_not_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    config = Config(values={"who": "bob"})
    tried, reached = improved(
        monkeypatch, lambda target, _: 200 if "alice" in target else 404, [handler("pay")], [], config
    )
    assert (tried.requests, reached) == ({}, set())


def test_what_another_handler_makes_is_set_up_first(monkeypatch: pytest.MonkeyPatch) -> None:
    def answers(target: str, setup: list[str]) -> int:
        return 200 if target.startswith("/open") or "/open/deadheat" in setup else 404

    tried, reached = improved(monkeypatch, answers, [handler("owner", "GET"), handler("open")], ["open"])
    assert reached == {"owner"}
    planned = plan.scenarios(tried.review, tried.requests, [2], tried.setups)
    setups = {frozenset(racer.handler for racer in s.racers): [r.target for r in s.setup] for s in planned}
    assert setups[frozenset({"owner", "open"})] == ["/open/deadheat"]
    assert setups[frozenset({"open"})] == []


def test_what_nothing_helps_stays_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    tried, reached = improved(monkeypatch, lambda *_: 404, [handler("lost")], [])
    assert (tried.requests, reached) == ({}, set())


def test_what_waits_for_itself_after_a_set_up_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def answers(target: str, setup: list[str]) -> int:
        if target.startswith("/open"):
            return 200
        return 0 if setup else 404

    tried, reached = improved(monkeypatch, answers, [handler("close"), handler("open")], ["open"])
    assert reached == set()
    request, setup = tried.waiting["close"]
    assert (request.target, [step.request.target for step in setup]) == (
        "/close/deadheat",
        ["/open/deadheat"],
    )
