"""Release plans lose and invent no byte, park where they say, and are chosen with a reason."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deadheat.model import Gate, Origin, Request, Response, TargetError, TargetFacts, Version
from deadheat.wire import PEEK, PLANS, Carrier1, Carrier2, Exchange, choose

SYNCHRONISED = sorted(name for name in PLANS if name != "whole")
HERE = Origin("http", "127.0.0.1", 80)
BOTH = (Version.H2, Version.H1)


@given(st.binary(min_size=1, max_size=200), st.sampled_from(sorted(PLANS)))
def test_the_pieces_make_the_whole(data: bytes, plan: str) -> None:
    ahead, tail = PLANS[plan].split(data)
    assert ahead + tail == data
    assert tail


def test_last_byte_of_a_bodyless_request_is_the_end_of_its_blank_line() -> None:
    data = Exchange("h").frame(Request("GET", "/"))
    ahead, tail = PLANS["last-byte"].split(data)
    assert ahead.endswith(b"\r\n\r")
    assert tail == b"\n"


@given(st.integers(0, 60), st.sampled_from(SYNCHRONISED))
def test_a_racer_meant_to_park_before_its_guards_shows_too_little_to_start_them(size: int, plan: str) -> None:
    ahead = PLANS[plan].cut(size)
    assert ahead is not None
    assert (PLANS[plan].gate(size) is Gate.START) == (ahead < PEEK)


def test_continue_asks_the_server_and_holds_the_whole_body() -> None:
    carrier = Carrier1("h")
    ahead, tails, signal = carrier.prepare([Request("POST", "/", body=b"abc")], PLANS["continue"])
    assert b"expect: 100-continue\r\n" in ahead
    assert ahead.endswith(b"\r\n\r\n")
    assert tails == (b"abc",)
    assert signal
    bodyless, _, unsure = Carrier1("h").prepare([Request("GET", "/")], PLANS["continue"])
    assert b"expect" not in bodyless
    assert not unsure


@given(st.lists(st.integers(1, 9), min_size=1, max_size=30), st.binary(max_size=20))
def test_a_response_in_any_pieces_is_the_same_response(cuts: list[int], body: bytes) -> None:
    exchange = Exchange("h")
    exchange.frame(Request("GET", "/"))
    data = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body) + body
    response: Response | None = None
    while data and response is None:
        size = cuts.pop(0) if cuts else len(data)
        response, data = exchange.receive(data[:size]), data[size:]
    assert response is not None
    assert (response.status, response.body) == (200, body)
    assert exchange.reusable


def test_a_connection_closed_halfway_is_an_error_not_an_answer() -> None:
    exchange = Exchange("h")
    exchange.frame(Request("GET", "/"))
    exchange.receive(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nab")
    with pytest.raises(TargetError, match="not whole"):
        exchange.receive(b"")


GET = Request("GET", "/a", headers=(("cookie", "session=0123456789"),))


@pytest.mark.parametrize(
    ("facts", "requests", "chosen", "why"),
    [
        (TargetFacts(False, BOTH), [GET] * 20, "h2/whole", "fit one TCP segment"),
        (TargetFacts(False, BOTH), [GET] * 120, "h2/last-byte", "do not fit"),
        (TargetFacts(True, BOTH), [GET] * 120, "h2/whole", "fit one TLS record"),
        (TargetFacts(False, BOTH), [Request("POST", "/", body=b"x" * 99)] * 20, "h2/last-byte", "guards"),
        (
            TargetFacts(False, BOTH),
            [Request("POST", "/", body=b"x" * 40)] * 26,
            "h2/first-bytes",
            "holds back",
        ),
        (TargetFacts(False, (Version.H1,)), [GET], "h1/last-byte", "no HTTP/2"),
        (
            TargetFacts(False, (Version.H1,), continues=True),
            [Request("POST", "/", body=b"x")],
            "h1/continue",
            "100",
        ),
        (
            TargetFacts(False, (Version.H1,)),
            [Request("POST", "/", body=b"x")],
            "h1/first-bytes",
            "no guard yet",
        ),
        (TargetFacts(False, BOTH, streams=8), [GET] * 20, "h2/whole", "3 connections of 8 streams"),
    ],
)
def test_the_plan_is_chosen_with_its_reason(
    facts: TargetFacts, requests: list[Request], chosen: str, why: str
) -> None:
    choice = choose(facts, requests, HERE)
    assert str(choice) == chosen
    assert why in choice.because


def test_bodies_beyond_the_window_go_over_http1() -> None:
    requests = [Request("POST", "/", body=b"x" * 5_000)] * 20
    choice = choose(TargetFacts(False, BOTH, continues=True), requests, HERE)
    assert str(choice) == "h1/continue"
    assert "100,000 bytes of bodies do not fit the HTTP/2 window of 65,535" in choice.because
    assert str(choose(TargetFacts(False, BOTH), requests, HERE, Gate.HANDLER)) == "h1/last-byte"


def test_messages_are_held_by_their_last_byte() -> None:
    assert str(choose(TargetFacts(False, (Version.WS,)), [GET], HERE)) == "ws/last-byte"


def test_a_server_that_speaks_nothing_is_said_to() -> None:
    with pytest.raises(TargetError, match="neither"):
        choose(TargetFacts(False, ()), [GET], HERE)


def test_a_second_identical_request_costs_twenty_bytes_on_http2() -> None:
    carrier = Carrier2("h", "http")
    _, tails, _ = carrier.prepare([GET, GET], PLANS["whole"])
    assert len(tails[1]) < 20 < len(tails[0])
