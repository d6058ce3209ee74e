"""The text of each form: what a person finds in the probed copy."""

import msgspec
import pytest

from deadheat.model import Site, SiteKind
from deadheat.probe import apply, lower, plan
from tests.probe.locate import sites

HIT = "::deadheat_probe::hit(1)"


def ways(site: Site, source: bytes) -> list[str]:
    """The source in every form of its only probe, best first."""
    made = plan((site,), {site.file: source})
    found = []
    while made.probes[0].wrap:
        found.append(apply(made, {site.file: source})[site.file].decode())
        made = lower(made, (0,))
    return found


def only(source: bytes) -> Site:
    (site,) = sites("main.rs", source)
    return site


def test_a_lock_at_a_rooted_place() -> None:
    assert ways(only(b"*a.b.lock() += 1"), b"*a.b.lock() += 1") == [
        "*::deadheat_probe::seq(::deadheat_probe::place!(1, Write, a.b), a.b.lock()) += 1",
        f"*::deadheat_probe::seq({HIT}, a.b.lock()) += 1",
    ]


@pytest.mark.parametrize(
    ("call", "mode"),
    [("a.lock()", "Write"), ("a.write()", "Write"), ("a.read()", "Read"), ("a.try_lock()", "Free")],
)
def test_the_mode_is_what_the_step_waits_for(call: str, mode: str) -> None:
    assert f"place!(1, {mode}, a)" in ways(only(call.encode()), call.encode())[0]


def test_a_place_of_unknown_lifetime_is_passing() -> None:
    site = msgspec.structs.replace(only(b"a.lock()"), rooted=False)
    assert ways(site, b"a.lock()")[0] == (
        "::deadheat_probe::seq(::deadheat_probe::passing!(1, Write, a), a.lock())"
    )


def test_nested_atomics_fire_from_the_inside_out() -> None:
    source = b"a.store(b.load(X) + 1, Y)"
    made = plan(sites("main.rs", source), {"main.rs": source})
    assert apply(made, {"main.rs": source})["main.rs"].decode() == (
        "a.store(::deadheat_probe::seq(::deadheat_probe::place!(2, Free, b), b.load(X)) + 1,"
        " ::deadheat_probe::after(Y, ::deadheat_probe::place!(1, Free, a)))"
    )


def test_a_last_argument_that_is_itself_a_step() -> None:
    source = b"a.store(b.load(X))"
    made = plan(sites("main.rs", source), {"main.rs": source})
    assert apply(made, {"main.rs": source})["main.rs"].decode() == (
        "a.store(::deadheat_probe::after(::deadheat_probe::seq(::deadheat_probe::place!(2, Free, b),"
        " b.load(X)), ::deadheat_probe::place!(1, Free, a)))"
    )


def test_a_receiver_over_lines_is_named_in_one() -> None:
    source = b"state\n    .count\n    .lock()"
    site = msgspec.structs.replace(only(b"state.count.lock()"), call=(0, 25), receiver=(0, 16))
    first, *_ = ways(site, source)
    assert "place!(1, Write, state .count)" in first
    assert first.count("\n") == 2
    commented = b"state // the\n  .count.lock()"
    site = msgspec.structs.replace(site, call=(0, len(commented)), receiver=(0, 21))
    assert ways(site, commented)[0].startswith(f"::deadheat_probe::seq({HIT}, ")


def test_a_computed_receiver_passes_through_the_probe() -> None:
    source = b"x.get(id).lock()"
    site = msgspec.structs.replace(
        only(b"x.lock()"), call=(0, 16), receiver=(0, 9), receiver_is_place=False, rooted=False
    )
    assert ways(site, source) == [
        "::deadheat_probe::at!(1, Write, x.get(id)).lock()",
        f"::deadheat_probe::after(x.get(id), {HIT}).lock()",
        f"::deadheat_probe::seq({HIT}, x.get(id).lock())",
    ]


def test_a_call_of_a_function() -> None:
    site = msgspec.structs.replace(
        only(b"x.lock()"), kind=SiteKind.CALL, call=(0, 9), receiver=None, arguments=((6, 8),),
        receiver_is_place=False,
    )  # fmt: skip
    assert ways(site, b"write(ab)") == [
        f"::deadheat_probe::seq({HIT}, write(ab))",
        f"write(::deadheat_probe::after(ab, {HIT}))",
    ]
    nested = msgspec.structs.replace(site, nested_calls=True)
    assert ways(nested, b"write(ab)")[0] == f"write(::deadheat_probe::after(ab, {HIT}))"


@pytest.mark.parametrize(
    ("source", "wrapped"),
    [
        ("spawn(async move { x })", "spawn(::deadheat_probe::inherit(async move { x }))"),
        ("spawn_blocking(move || x)", "spawn_blocking(::deadheat_probe::inherit_call(move || x))"),
        ("spawn_blocking(|c| x)", "spawn_blocking(::deadheat_probe::inherit_body!(|c| x))"),
        (
            "spawn_blocking(move |c: &mut C| x)",
            "spawn_blocking(::deadheat_probe::inherit_body!(move |c: &mut C| x))",
        ),
        ("spawn_blocking(|(a, b)| x)", "spawn_blocking(::deadheat_probe::inherit_with(|(a, b)| x))"),
        ("spawn_blocking(work)", "spawn_blocking(::deadheat_probe::inherit_call(work))"),
        ("rocket::build()", "::deadheat_probe::attach(rocket::build())"),
        ("rocket::custom(figment)", "::deadheat_probe::attach(rocket::custom(figment))"),
    ],
)
def test_what_links_and_attaches(source: str, wrapped: str) -> None:
    assert ways(only(source.encode()), source.encode())[0] == wrapped


def test_a_closure_as_the_last_argument_keeps_the_types_of_its_parameters() -> None:
    source = b"a.get(k(), |row| row + 1)"
    site = msgspec.structs.replace(only(source), kind=SiteKind.CALL, nested_calls=True)
    assert ways(site, source)[0] == f"a.get(k(), {{{HIT}; |row| row + 1}})"


def test_a_spawn_of_nothing_has_no_form() -> None:
    assert ways(only(b"spawn()"), b"spawn()") == []


def parted(source: bytes, kind: SiteKind, method: str) -> list[str]:
    site = msgspec.structs.replace(
        only(source), kind=kind, method=method, nested_calls=source.count(b"(") > 1
    )
    return ways(site, source)


@pytest.mark.parametrize(
    ("source", "method", "form"),
    [
        (b"a.get(k)", "get", "::deadheat_probe::seq(::deadheat_probe::keyed!(1, Read, a, k), a.get(k))"),
        (
            b"a.get(k.to_string())",
            "insert",
            (
                "a.get(::deadheat_probe::after(k.to_string(),"
                " ::deadheat_probe::keyed!(1, Read, a, &(k.to_string()))))"
            ),
        ),
        (b"a.len()", "len", "::deadheat_probe::seq(::deadheat_probe::place!(1, Read, a), a.len())"),
    ],
)
def test_a_map_is_waited_for_at_the_part_of_the_key(source: bytes, method: str, form: str) -> None:
    first, *others = parted(source, SiteKind.MAP_SHARED, method)
    assert first == form
    if method != "len":
        assert "place!(1, Free, a)" in others[0]


def test_a_key_that_cannot_be_named_twice_leaves_its_part_unknown() -> None:
    first, *_ = parted(b"a.get(next(k))", SiteKind.MAP_SHARED, "get")
    assert first == "a.get(::deadheat_probe::after(next(k), ::deadheat_probe::place!(1, Free, a)))"


def test_a_message_is_posted_once_it_is_made() -> None:
    first, second, *_ = parted(b"a.send(make(k))", SiteKind.SEND, "send")
    assert first == "a.send(::deadheat_probe::after(make(k), ::deadheat_probe::post!(1, a)))"
    assert second == f"a.send(::deadheat_probe::after(make(k), {HIT}))"


def test_who_receives_tells_when_it_asks() -> None:
    site = msgspec.structs.replace(only(b"a.recv()"), kind=SiteKind.RECEIVE)
    assert ways(site, b"a.recv()") == ["::deadheat_probe::receive(a.recv())"]


def test_a_wait_that_does_not_compile_is_a_plain_step() -> None:
    site = msgspec.structs.replace(only(b"a.recv()"), kind=SiteKind.WAIT)
    assert ways(site, b"a.recv()") == [
        f"::deadheat_probe::seq({HIT}, ::deadheat_probe::waits(a.recv()))",
        f"::deadheat_probe::seq({HIT}, a.recv())",
    ]
