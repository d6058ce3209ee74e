"""Edits are insertions, properly nested, and move no line; the compiler's places lead back to probes."""

import itertools

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from deadheat.model import Site
from deadheat.probe import Plan, apply, demote, drop_all, lower, plan, probe_at
from tests.probe.locate import sites

NAMES = ("a", "b.c", "state.item")


def expressions() -> st.SearchStrategy[str]:
    """Calls within arguments of calls, over several lines, some without any."""
    plain = st.sampled_from(["x", "1 + y", "Order::SeqCst", "(é, z)"])

    def calls(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        return st.builds(
            lambda name, method, arguments: f"{name}.{method}({','.join(arguments)})",
            st.sampled_from(NAMES),
            st.sampled_from(["lock", "read", "load", "store", "fetch_add"]),
            st.lists(inner | st.builds("{}\n+ {}".format, inner, inner), max_size=3),
        )

    return st.recursive(plain, calls, max_leaves=12)


def programs() -> st.SearchStrategy[bytes]:
    return (
        st.lists(expressions(), max_size=4)
        .map(lambda parts: "fn f() {\n" + ";\n".join(parts) + "}")
        .map(str.encode)
    )


def planned(source: bytes, **changes: bool) -> Plan:
    found: list[Site] = [msgspec.structs.replace(site, **changes) for site in sites("m.rs", source)]
    return plan(found, {"m.rs": source})


def edited(made: Plan, source: bytes) -> bytes:
    return apply(made, {"m.rs": source}).get("m.rs", source)


@given(programs(), st.data())
def test_without_the_insertions_it_is_the_original(source: bytes, data: st.DataObject) -> None:
    made = planned(source, receiver_is_place=data.draw(st.booleans()))
    made = lower(made, data.draw(st.sets(st.integers(0, max(len(made.probes) - 1, 0)))))
    out = edited(made, source)
    rest = out
    for offset, text in insertions(made):  # what is left of each is the original already
        assert rest[offset:].startswith(text)
        rest = rest[:offset] + rest[offset + len(text) :]
    assert rest == source
    assert out.count(b"\n") == source.count(b"\n")
    assert balanced(out)


def insertions(made: Plan) -> list[tuple[int, bytes]]:
    """All offsets and inserted texts in text order, found independently of the code under test."""
    wraps = [probe.wrap for probe in made.probes if probe.wrap]
    ends = [(wrap.end, 0, -wrap.start, wrap.scope, wrap.after) for wrap in wraps]
    starts = [(wrap.start, 1, -wrap.end, -wrap.scope, wrap.before) for wrap in wraps]
    return [(item[0], item[4].encode()) for item in sorted(ends + starts)]


def balanced(text: bytes) -> bool:
    depth = 0
    for byte in text:
        depth += {ord("("): 1, ord(")"): -1}.get(byte, 0)
        if depth < 0:
            return False
    return depth == 0


@given(programs())
def test_the_inner_probe_of_a_nested_access_fires_first(source: bytes) -> None:
    # Operands are evaluated left to right: probes fire in the order of their text.
    made = planned(source)
    out = edited(made, source).decode()
    calls = {site.span: site.call for site in sites("m.rs", source)}
    for outer, inner in itertools.permutations(made.points, 2):
        (first, end), (start, last) = calls[outer.span], calls[inner.span]
        if first < start and last < end:
            assert out.index(f"!({inner.id},") < out.index(f"!({outer.id},")


@given(programs())
def test_every_inserted_byte_leads_to_a_probe_and_dropping_all_restores(source: bytes) -> None:
    made = planned(source)
    out = edited(made, source)
    for index, probe in enumerate(made.probes):
        assert probe.wrap
        text = f"({probe.point},".encode()
        where = out.index(text)
        assert probe_at(made, "m.rs", (where, where + 1)) == index
    assert edited(drop_all(made), source) == source


def test_the_smallest_probe_around_a_complaint_is_to_blame() -> None:
    source = b"a.store(b.load(X) + 1, Y)"
    made = planned(source)
    out = edited(made, source)
    inner = out.index(b"b.load")
    assert probe_at(made, "m.rs", (inner, inner + 3)) == 1
    order = out.index(b"Y")
    assert probe_at(made, "m.rs", (order, order + 1)) == 0
    assert probe_at(made, "m.rs", (0, 1)) is None
    assert probe_at(made, "other.rs", (inner, inner + 1)) is None
    # A complaint wider than every probe: the smallest it touches.
    assert probe_at(made, "m.rs", (0, len(out))) == 0


def test_demoting_goes_through_the_forms_and_ends_with_none() -> None:
    source = b"a.fetch_add(1, X)"
    made = planned(source)
    forms = []
    while made.probes[0].wrap:
        forms.append(made.probes[0].wrap.form)
        made = demote(made, "m.rs", (5, 40))
    assert forms == ["place", "hit", "hit-last"]
    assert (made.kept, made.dropped) == (0, 1)
    assert demote(made, "m.rs", (0, 9)) == made
