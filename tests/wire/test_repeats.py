"""What is known by heart is what h11 would have said: byte for byte, answer for answer."""

from hypothesis import given
from hypothesis import strategies as st

from deadheat.model import Request, Response, TargetError
from deadheat.wire import Exchange, Practised, Repeats

HEADER = "x-deadheat-actor"

_HEADS = st.lists(
    st.sampled_from(
        [
            "content-length: 2", "Content-Length: 0", "content-length: 2, 2", "content-length: 3",
            "transfer-encoding: chunked", "connection: close", "Date: Tue", "set-cookie: a=b", "x:\ty ",
            "bad line", " folded",
        ]
    ),
    max_size=4,
)  # fmt: skip
_LINES = st.sampled_from(
    [
        "HTTP/1.1 200 OK",
        "HTTP/1.1 204 No Content",
        "HTTP/1.1 100 Continue",
        "HTTP/1.0 200 OK",
        "HTTP/1.1 303",
        "?",
    ]
)
_BODIES = st.sampled_from(["", "ok", "no", "\r\n", "2\r\nok\r\n0\r\n\r\n", "okHTTP/1.1 200 OK\r\n\r\n"])
_ENDS = st.sampled_from(["\r\n", "\n"])


@st.composite
def answers(draw: st.DrawFn) -> bytes:
    end = draw(_ENDS)
    return end.join([draw(_LINES), *draw(_HEADS), "", draw(_BODIES)]).encode()


PLAIN = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nserver: Rocket\r\n\r\n"
_ANSWERS = st.one_of(answers(), st.sampled_from([PLAIN + b"ok", PLAIN + b"no", PLAIN + b"o", b""]))
_REQUESTS = st.builds(
    Request,
    st.sampled_from(["GET", "POST", "HEAD", "DELETE", "CONNECT"]),
    st.sampled_from(["/", "/a?b=c"]),
    st.sampled_from([(), (("accept", "*/*"),), (("connection", "close"),), ((HEADER, "0"),)]),
    st.sampled_from([b"", b"{}", b"deadheat.mark"]),
)

Seen = tuple[bytes, list[Response | str | None], bool] | str


def play(exchange: Exchange, request: Request, value: str, pieces: list[bytes]) -> Seen:
    """One request, the pieces of what comes back, and whether another may follow.

    Without a `value` there is no extra header.
    """
    extra = [(HEADER, value)] if value else []
    try:
        if not isinstance(exchange, Practised):
            sent = exchange.frame(request, *extra)
        elif value:
            sent = exchange.frame_again(request, HEADER, value)
        else:
            sent = exchange.frame_known(request)
    except TargetError as error:
        return str(error)
    seen: list[Response | str | None] = []
    for piece in pieces:
        try:
            seen.append(exchange.receive(piece))
        except TargetError as error:
            seen.append(str(error))
        if seen[-1] is not None or not piece:  # nothing comes behind the end of the connection
            break
    return sent, seen, exchange.usable


@given(
    st.lists(
        st.tuples(_REQUESTS, st.booleans(), st.lists(_ANSWERS, min_size=1, max_size=3)),
        min_size=1,
        max_size=6,
    )
)
def test_a_practised_exchange_does_what_h11_does(script: list[tuple[Request, bool, list[bytes]]]) -> None:
    plain, practised = Exchange("h:1"), Practised.of(memory := Repeats("h:1"))
    for number, (request, more, pieces) in enumerate([*script, *script]):
        value = f"{number}.1" if more else ""
        expected = play(plain, request, value, pieces)
        assert play(practised, request, value, pieces) == expected
        if isinstance(expected, str) or not expected[2] or b"" in pieces:
            plain, practised = Exchange("h:1"), Practised.of(memory)


def test_a_head_is_parsed_once() -> None:
    memory = Repeats("h:1")
    for number in range(3):
        exchange = Practised.of(memory)
        exchange.frame_again(Request("GET", "/"), HEADER, f"{number}.0")
        assert memory.answer(PLAIN + b"ok") == (None if not number else exchange.receive(PLAIN + b"ok"))
        if not number:
            exchange.receive(PLAIN + b"no")


def test_memory_is_bounded() -> None:
    memory = Repeats("h:1")
    for number in range(1000):
        exchange = Practised.of(memory)
        exchange.frame_again(Request("GET", f"/{number}"), HEADER, "1.0")
        exchange.receive(PLAIN.replace(b"Rocket", b"%d" % number) + b"ok")
    assert len(memory) < 1000
