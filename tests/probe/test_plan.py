"""Which sites get a probe, and how points are named."""

import msgspec

from deadheat.model import AccessKind, SiteKind
from deadheat.probe import Plan, lower, plan
from tests.probe.locate import sites

SOURCE = b"""\
fn increment(state: &State<All>) {
    *state.count.lock() += 1;
    state.total.load(X);
    *state.count.lock() -= 1;
}

fn decrement(state: &State<All>) {
    *state.count.lock() -= 1;
}

fn main() { rocket::build() }
"""


def planned(source: bytes = SOURCE) -> Plan:
    return plan(sites("main.rs", source), {"main.rs": source})


def test_points_are_numbered_in_source_order_and_named_by_what_they_are() -> None:
    points = planned().points
    assert [point.id for point in points] == [1, 2, 3, 4]
    assert [point.identity for point in points] == [
        "app::increment#lock(state.count)[0]",
        "app::increment#load(state.total)[0]",
        "app::increment#lock(state.count)[1]",
        "app::decrement#lock(state.count)[0]",
    ]


def test_an_identity_survives_edits_elsewhere() -> None:
    edited = b"fn new() { *other.lock() += 1; }\n" + SOURCE.replace(b"state.total.load(X);", b"")
    before = {point.identity for point in planned().points}
    after = {point.identity for point in planned(edited).points}
    assert before - after == {"app::increment#load(state.total)[0]"}
    assert after - before == {"app::new#lock(other)[0]"}


def test_points_tell_resource_and_effect() -> None:
    points = planned().points
    assert [point.resource for point in points] == [1, 2, 1, 1]
    assert [point.id for point in points if point.effect is AccessKind.READ] == [2]


def test_a_dropped_point_is_not_placed() -> None:
    assert [point.id for point in lower(planned(), [1]).placed] == [1, 2, 3, 4]
    assert [point.id for point in lower(lower(lower(planned(), [1]), [1]), [1]).placed] == [1, 3, 4]


def test_unknown_state_is_resource_0() -> None:
    (site,) = sites("main.rs", b"x.lock()")
    unknown = msgspec.structs.replace(site, state=None)
    (point,) = plan((unknown,), {"main.rs": b"x.lock()"}).points
    assert (point.resource, point.identity) == (0, "app#lock[0]")


def test_a_call_seen_twice_is_one_point_and_the_particular_kind_wins() -> None:
    (lock,) = sites("main.rs", b"x.lock()")
    call = msgspec.structs.replace(lock, kind=SiteKind.CALL)
    for both in ((lock, call), (call, lock), (lock, lock)):
        (probe,) = plan(both, {"main.rs": b"x.lock()"}).probes
        assert probe.forms[0].form == "place"


def test_an_acquisition_is_a_write() -> None:
    (site,) = sites("main.rs", b"x.lock()")
    acquiring = msgspec.structs.replace(site, effect=AccessKind.ACQUIRE)
    assert plan((acquiring,), {"main.rs": b"x.lock()"}).points[0].effect is AccessKind.WRITE


def test_what_cannot_be_placed_is_counted() -> None:
    (site,) = sites("main.rs", b"x.lock()")
    made = plan((site,), {})
    assert (len(made.points), made.kept, made.dropped, made.files) == (1, 0, 1, frozenset())
    beyond = msgspec.structs.replace(site, call=(0, 99))
    assert plan((beyond,), {"main.rs": b"x.lock()"}).dropped == 1


def test_crossing_sites_are_not_both_placed() -> None:
    (site,) = sites("main.rs", b"x.lock()")
    first = msgspec.structs.replace(site, call=(0, 6))
    second = msgspec.structs.replace(site, call=(4, 8))
    made = plan((first, second), {"main.rs": b"x.lock()"})
    assert (made.kept, made.dropped) == (1, 1)


def test_a_plan_travels_as_json() -> None:
    made = planned()
    assert msgspec.json.decode(msgspec.json.encode(made), type=Plan) == made


def test_attachments_and_spawns_are_no_points() -> None:
    source = b"fn f() { spawn(async {}); spawn_blocking(|| 1); rocket::build() }"
    made = plan(sites("main.rs", source), {"main.rs": source})
    assert (made.points, len(made.probes), made.kept, made.dropped) == ((), 3, 0, 0)
