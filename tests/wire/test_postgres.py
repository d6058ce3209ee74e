"""PostgreSQL's framing: whatever the cuts, the same messages; and what is read is what was made."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deadheat.wire import postgres
from deadheat.wire.postgres import Framer, Message, ProtocolError

kinds = st.sampled_from("QPBDESHCXZTtK")
messages = st.builds(Message, kinds, st.binary(max_size=40))
names = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)


@given(st.lists(messages, max_size=8), st.lists(st.integers(1, 30), max_size=20))
def test_cuts_do_not_matter(sent: list[Message], cuts: list[int]) -> None:
    data = b"".join(message.raw for message in sent)
    framer, found = Framer(), list[Message]()
    for size in [*cuts, len(data)]:
        found += framer.feed(data[:size])
        data = data[size:]
    assert found == sent


@given(st.dictionaries(names.filter(bool), names, max_size=4), st.lists(messages, max_size=3))
def test_an_opening_message_has_no_type(given_: dict[str, str], rest: list[Message]) -> None:
    ssl = Message("", struct.pack("!i", postgres.SSL_REQUEST))
    opening = postgres.startup(given_)
    framer, found = Framer(opening=True), list[Message]()
    for message in framer.feed(ssl.raw + opening.raw + b"".join(each.raw for each in rest)):
        found.append(message)
        framer.opening = framer.opening and postgres.opening_code(message) != postgres.PROTOCOL_3
    assert found == [ssl, opening, *rest]
    assert postgres.parameters(found[1]) == given_


@given(names, names, st.lists(st.integers(0, 1), max_size=3), st.lists(st.none() | st.binary(max_size=9)))
def test_a_bind_reads_as_it_was_made(
    portal: str, statement: str, formats: list[int], values: list[bytes | None]
) -> None:
    bind = postgres.read_bind(postgres.bind_body(portal, statement, formats, values))
    assert (bind.portal, bind.statement) == (portal, statement)
    assert bind.formats == tuple(formats)
    assert bind.values == tuple(values)


@given(names)
def test_a_query_reads_as_it_was_made(sql: str) -> None:
    assert postgres.read_query(postgres.query(sql)) == sql


def test_one_format_is_that_of_all_values() -> None:
    bind = postgres.read_bind(postgres.bind_body("", "", [1], [b"a", b"b"]))
    assert (bind.format(0), bind.format(1)) == (1, 1)
    assert postgres.read_bind(postgres.bind_body("", "", [], [b"a"])).format(0) == 0


def test_an_error_is_read_by_field() -> None:
    error = Message("E", b"SERROR\0C40P01\0Mdeadlock detected\0\0")
    assert postgres.read_error(error)["C"] == "40P01"


@pytest.mark.parametrize("data", [b"GET / HTTP/1.1\r\n\r\n", b"Q\0\0\0\0", b"Q\xff\xff\xff\xff"])
def test_another_protocol_is_refused(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        list(Framer().feed(data))


@given(st.binary(max_size=30))
def test_a_broken_body_is_refused_or_read(body: bytes) -> None:
    for read in (postgres.read_bind, postgres.read_parse, postgres.read_types, postgres.read_error):
        try:
            read(Message("?", body))
        except ProtocolError:
            pass
