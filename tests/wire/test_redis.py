"""Redis' framing: whatever the cuts, the same commands and replies."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deadheat.wire.redis import Command, Commands, Frame, ProtocolError, Received, Replies, command

cuts_ = st.lists(st.integers(1, 40), max_size=25)
words = st.lists(st.binary(max_size=20), min_size=1, max_size=5)
plain = st.text("abcXYZ019:-_", min_size=1, max_size=9).map(str.encode)
inline = st.lists(plain, min_size=1, max_size=4).map(lambda ws: (tuple(ws), b" ".join(ws) + b"\r\n"))
whole = words.map(lambda ws: (tuple(ws), command(*ws)))

scalar = st.one_of(
    st.tuples(st.sampled_from("+-:#,("), plain).map(
        lambda p: (Frame(*p), f"{p[0]}".encode() + p[1] + b"\r\n")
    ),
    st.just((Frame("_"), b"_\r\n")),
    st.just((Frame("$"), b"$-1\r\n")),
    st.tuples(st.sampled_from("$!="), st.binary(max_size=20)).map(
        lambda p: (Frame(p[0], p[1]), b"%s%d\r\n%s\r\n" % (p[0].encode(), len(p[1]), p[1]))
    ),
)


def _together(kind: str, parts: list[tuple[Frame, bytes]]) -> tuple[Frame, bytes]:
    count = len(parts) // 2 if kind == "%" else len(parts)
    parts = parts[: count * 2] if kind == "%" else parts
    return (
        Frame(kind, None, tuple(frame for frame, _ in parts)),
        b"%s%d\r\n" % (kind.encode(), count) + b"".join(raw for _, raw in parts),
    )


replies = st.recursive(
    scalar,
    lambda inner: st.tuples(st.sampled_from("*~%>"), st.lists(inner, max_size=4)).map(
        lambda p: _together(p[0], p[1])
    ),
    max_leaves=12,
)


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    found = []
    for size in [*cuts, len(data)]:
        found.append(data[:size])
        data = data[size:]
    return found


@given(st.lists(whole | inline, max_size=6), cuts_)
def test_cuts_between_commands_do_not_matter(
    sent: list[tuple[tuple[bytes, ...], bytes]], cuts: list[int]
) -> None:
    reader, found = Commands(), list[Command]()
    for piece in pieces(b"".join(raw for _, raw in sent), cuts):
        found += reader.feed(piece)
    assert [(one.words, one.raw) for one in found] == sent
    assert not reader.rest


@given(st.lists(replies, max_size=6), cuts_)
def test_cuts_between_replies_do_not_matter(sent: list[tuple[Frame, bytes]], cuts: list[int]) -> None:
    reader, found = Replies(), list[Received]()
    for piece in pieces(b"".join(raw for _, raw in sent), cuts):
        found += reader.feed(piece)
    assert [(one.frame, one.raw) for one in found] == sent


def test_an_attribute_belongs_to_the_reply_after_it() -> None:
    raw = b"|1\r\n+ttl\r\n:3600\r\n$2\r\nok\r\n"
    (found,) = Replies().feed(raw)
    assert found == Received(Frame("$", b"ok"), raw)


def test_a_push_is_no_reply() -> None:
    push, reply = Replies().feed(b">2\r\n+invalidate\r\n*0\r\n+OK\r\n")
    assert push.frame.is_push
    assert not reply.frame.is_push


def test_an_inline_word_may_be_quoted() -> None:
    (found,) = Commands().feed(b"set greeting \"hello there\" 'x'\r\n")
    assert (found.name, found.words[1:]) == ("SET", (b"greeting", b"hello there", b"x"))


def test_what_says_nothing_is_passed_over() -> None:
    assert [one.name for one in Commands().feed(b"\r\n*0\r\n*-1\r\nPING\r\n")] == ["PING"]


@pytest.mark.parametrize(
    "data", [b"\x16\x03\x01\x02", b"*1\r\n:5\r\n", b"*x\r\n", b"*1\r\n$-9\r\n", b"*9999999\r\n"]
)
def test_what_is_no_command_is_refused(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        list(Commands().feed(data))


@pytest.mark.parametrize("data", [b"HTTP/1.1 400\r\n", b"$?\r\n", b"*?\r\n", b"\r\n", b"*1\r\n" * 40])
def test_what_is_no_reply_is_refused(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        list(Replies().feed(data))


@given(st.binary(max_size=60))
def test_noise_is_refused_or_awaited(data: bytes) -> None:
    for reader in (Commands(), Replies()):
        try:
            list(reader.feed(data))
        except ProtocolError:
            pass
