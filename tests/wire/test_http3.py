"""STREAM frames as aioquic writes them, taken apart again; and closing codes in words."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deadheat.wire.http3 import Chunk, chunks, ended

CHUNKS = st.builds(
    Chunk,
    st.integers(0, 2**20).map(lambda number: 4 * number),
    st.integers(0, 2**32),
    st.binary(max_size=200),
    st.booleans(),
)


@given(st.lists(CHUNKS, max_size=20))
def test_frames_joined_come_apart_as_they_were(given_: list[Chunk]) -> None:
    assert list(chunks(b"".join(chunk.frame() for chunk in given_))) == given_


def test_the_end_of_a_stream_is_a_few_bytes() -> None:
    assert Chunk(4, 30, b"", ends=True).frame() == bytes([0x0F, 4, 30, 0x40, 0])
    assert Chunk(400, 0, b"ab", ends=False).frame() == b"\x0a\x41\x90\x40\x02ab"


@pytest.mark.parametrize(
    ("code", "reason", "transport", "words"),
    [
        (0x178, "No common ALPN protocols", True, "does not offer h3"),
        (0x130, "", True, r"certificate is not trusted \(alert 48\): name the certificates"),
        (0x146, "old", True, r"TLS failed \(alert 70: old\)"),
        (0x100, "", False, r"the connection was closed \(HTTP/3 code 0x100\)"),
        (0x1, "Idle timeout", True, "fell silent"),
        (0xA, "odd frame", True, r"closed \(QUIC code 0xa: odd frame\)"),
    ],
)
def test_why_a_connection_ended(code: int, reason: str, transport: bool, words: str) -> None:
    assert re.search(words, ended(code, reason, transport=transport))
