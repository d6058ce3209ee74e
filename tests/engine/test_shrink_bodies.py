"""What a request carries and the race does not need is left out of the witness, and nothing else."""

import json
from collections.abc import Sequence
from random import Random
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deadheat.engine.executor import Executor
from deadheat.engine.explore import Search
from deadheat.engine.shrink import bodies, shrunk
from deadheat.engine.shrink.ddmin import ddmin
from deadheat.engine.shrink.parts import Anatomy, Part
from deadheat.model import Racer, Request, Scenario, Shrunk
from deadheat.model.config import Explore
from tests.engine.toy import Code, Instruction, Toy

JSON, FORM = ("content-type", "application/json"), ("content-type", "application/x-www-form-urlencoded")
PARTS = st.lists(st.integers(), unique=True, max_size=12)


@given(PARTS, st.data())
def test_ddmin_finds_what_is_needed_and_nothing_more(parts: list[int], data: st.DataObject) -> None:
    needed = data.draw(st.sets(st.sampled_from(parts))) if parts else set()
    assert ddmin(parts, lambda kept: needed <= set(kept)) == [part for part in parts if part in needed]


@given(PARTS, st.randoms())
def test_no_part_that_ddmin_leaves_can_be_left_out(parts: list[int], random: Random) -> None:
    answers: dict[frozenset[int], bool] = {frozenset(parts): True}

    def holds(kept: Sequence[int]) -> bool:
        return answers.setdefault(frozenset(kept), random.random() < 0.5)

    left = ddmin(parts, holds)
    assert holds(left)
    assert not any(holds([other for other in left if other is not part]) for part in left)


def test_a_request_is_put_together_from_what_is_left_of_it() -> None:
    body = b'{"a": {"b": [1, "two", 3.5], "c": null}, "d": true}'
    request = Request("POST", "/x?q=1&r=2", (JSON, ("Cookie", "s=1; t=2")), body)
    anatomy = Anatomy(request)
    assert anatomy.without(frozenset(), {}) == request, "untouched, to the byte"
    gone = {
        Part("json", ("a", "b", "1")),
        Part("json", ("d",)),
        Part("query", ("0",)),
        Part("cookie", ("1", "0")),
    }
    smaller = anatomy.without(gone, {Part("json", ("a", "b", "2")): 0.0})
    assert smaller.body == b'{"a":{"b":[1,0.0],"c":null}}'
    assert (smaller.target, smaller.headers) == ("/x?r=2", (JSON, ("Cookie", "t=2")))
    form = Request("POST", "/x", (FORM,), b"name=ada+l&pin=1234")
    assert [(value.value, value.secret) for value in Anatomy(form).values] == [
        ("ada l", False),
        ("1234", True),
    ]
    assert Anatomy(form).without(set(), {Part("form", ("0",)): "a b"}).body == b"name=a+b&pin=1234"
    assert Anatomy(Request("POST", "/x", (), b"\xff\x00")).opaque


ORDER = {
    "item": "sku-4711",
    "amount": 3,
    "note": "please ring twice, the bell is broken and the dog is not",
    "tags": ["gift", "fragile"],
    "address": {"city": "London", "street": "Ockham Park", "floor": 2},
}


def ordering(request: Request) -> tuple[int, Sequence[Instruction]]:
    """Takes an order if it names an item and a city, and is signed in; each tag is looked up."""
    sent = request.body and json.loads(request.body or b"{}")
    if dict(request.headers).get("authorization") != "Bearer s3cr3t":
        return 401, ()
    if not sent or not sent.get("item") or "city" not in sent.get("address", {}):
        return 422, ()
    stock = ("read", "stock", 0), ("write", "stock", -max(int(sent.get("amount", 1)), 1))
    return 200, [*(("read", "tags", 0) for _ in sent.get("tags", ())), *stock]


def witness(
    *requests: Request, code: Code = ordering, name: str = "it", secrets: Sequence[str] = ()
) -> tuple[Toy, tuple[Request, ...], Shrunk | None]:
    toy = Toy(code)
    scenario = Scenario("orders", tuple(map(Racer, requests)))
    search = Search(cast(Executor, toy), scenario, Explore(), lambda *_: (name,))
    for _ in search.events():
        pass
    found = search.best[name]
    smaller, candidate, told = shrunk(search, found, name, lambda _: lambda *_: (name,), secrets)
    assert smaller.replay(candidate.order)[1] is not None
    assert (smaller.schedules, smaller.violating) == (search.schedules, search.violating)
    return toy, tuple(racer.request for racer in smaller.scenario.racers), told


HEADERS = (JSON, ("authorization", "Bearer s3cr3t"), ("accept", "*/*"), ("user-agent", "shop/2.1"))


def test_a_long_order_becomes_the_shortest_that_is_still_taken() -> None:
    request = Request("POST", "/orders?trace=1&from=mail", HEADERS, json.dumps(ORDER).encode())
    toy, requests, told = witness(request, request)
    assert len(set(requests)) == 1, "equal requests stay equal"
    assert json.loads(requests[0].body) == {"item": "a", "address": {"city": ""}}
    assert requests[0].headers == (("authorization", "Bearer s3cr3t"),)
    assert requests[0].target == "/orders"
    assert told is not None
    assert told.body == (2 * len(request.body), 2 * len(requests[0].body))
    assert told.query == (2 * len("trace=1&from=mail"), 0)
    assert (told.untried, told.kept) == (0, ("the path",))
    assert toy.runs < 600, "each change takes a handful of executions"


def test_what_links_two_requests_stays_what_it_is() -> None:
    """One opens an account, the other pays into it: any other name and nobody meets anybody."""

    def code(request: Request) -> tuple[int, Sequence[Instruction]]:
        sent = json.loads(request.body or b"{}")
        name = f"account {sent.get('name')}"
        if len(sent.get("name", "")) < 3:
            return 422, ()
        return 200, (("read", name, 0), ("write", name, int(sent.get("amount", 0)) + 1))

    one, other = (
        {"name": "ada lovelace", "amount": 1},
        {"name": "ada lovelace", "amount": 2, "memo": "rent"},
    )
    _, requests, _ = witness(
        *(Request("POST", "/x", (), json.dumps(b).encode()) for b in (one, other)), code=code
    )
    assert [json.loads(request.body or b"{}") for request in requests] == [{"name": "ada"}, {"name": "ada"}]


def test_an_answer_that_means_something_else_is_another_witness() -> None:
    """Without the amount it is refused, and refusals race, too: that is not what was found."""

    def code(request: Request) -> tuple[int, Sequence[Instruction]]:
        steps = (("read", "stock", 0), ("write", "stock", -1))
        return (200 if b"amount" in request.body else 422), steps

    request = Request("POST", "/x", (), b'{"amount": 5, "note": "x"}')
    _, requests, _ = witness(request, request, code=code)
    assert requests[0].body == b'{"amount":0}'


def test_where_no_rule_names_the_finding_the_same_probes_are_passed() -> None:
    request = Request("POST", "/orders", HEADERS, json.dumps(ORDER).encode())
    _, requests, _ = witness(request, request, name="unlinked")
    assert json.loads(requests[0].body)["tags"] == [""], "one of two, with which the tags are still looked at"


def test_a_secret_is_left_out_or_replaced_whole_and_never_shown_in_part() -> None:
    sent: list[bytes] = []

    def code(request: Request) -> tuple[int, Sequence[Instruction]]:
        sent.append(request.body)
        word = json.loads(request.body or b"{}").get("note", "")
        return (200 if len(word) > 4 else 401), (("read", "stock", 0), ("write", "stock", -1))

    request = Request("POST", "/x", (), b'{"note": "Bearer hunter2hunter2"}')
    _, requests, _ = witness(request, request, code=code, secrets=["hunter2hunter2"])
    assert requests[0] == request
    assert all(b"hunter2hunter2" in body or b"hunt" not in body for body in sent)
    sent.clear()
    named = Request("POST", "/x", (), b'{"note": "a passphrase of nobody", "password": "correct horse"}')
    witness(named, named, code=code)
    assert all(b"correct horse" in body or b"correct" not in body for body in sent)


def test_a_used_up_budget_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "_RUNS", 40)
    request = Request("POST", "/orders?trace=1", HEADERS, json.dumps(ORDER).encode())
    _, _, told = witness(request, request)
    assert told is not None
    assert told.untried > 0
    assert told.runs < 70
