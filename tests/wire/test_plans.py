"""Release plans lose and invent no byte, and the exchange survives any fragmentation."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deadheat.model import Request, Response, TargetError
from deadheat.wire import PLANS, Exchange


@given(st.binary(min_size=1, max_size=200), st.sampled_from(sorted(PLANS)))
def test_the_pieces_make_the_whole(data: bytes, plan: str) -> None:
    ahead, tail = PLANS[plan](data)
    assert ahead + tail == data
    assert tail


def test_last_byte_of_a_bodyless_request_is_the_end_of_its_blank_line() -> None:
    data = Exchange("h").frame(Request("GET", "/"))
    ahead, tail = PLANS["last-byte"](data)
    assert ahead.endswith(b"\r\n\r")
    assert tail == b"\n"


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
