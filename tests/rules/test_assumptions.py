"""Assumptions in comments: checked, reported when false, and taken at their word when true."""

from deadheat.model import Confidence
from deadheat.rules import check
from deadheat.rules.assumptions import assumptions
from deadheat.rust import read
from tests.rules.test_examples import tree

APP = """\
use rocket::{{get, tokio, State}};
use std::sync::{{atomic::{{AtomicU64, Ordering::SeqCst}}, Arc, Mutex}};
struct Clock {{
    turn: Mutex<()>,
    {above}
    #[allow(dead_code)]
    ticks: AtomicU64, {beside}
}}
#[get("/tick")]
fn tick(clock: &State<Arc<Clock>>) -> String {{
    {lock}
    let ticks = clock.ticks.load(SeqCst);
    clock.ticks.store(ticks + 1, SeqCst);
    ticks.to_string()
}}
"""
TURN = "let _turn = clock.turn.lock().unwrap();"


def found(*, above: str = "", beside: str = "", lock: str = "") -> list[str]:
    program = read(tree(APP.format(above=above, beside=beside, lock=lock)))
    return [finding.rule for finding in check(program) if finding.confidence is not Confidence.LOW]


def test_a_false_one_is_reported_and_explains_nothing() -> None:
    said = '// deadheat: assume(single-writer) reason="only the ticker"'
    assert sorted(found(above=said)) == ["atomic-load-then-store", "false-assumption"]
    assert sorted(found(beside=said)) == ["atomic-load-then-store", "false-assumption"]


def test_one_that_holds_is_silent() -> None:
    assert found(above='// deadheat: assume(guarded-by(turn)) reason="one at a time"', lock=TURN) == []


def test_a_task_that_writes_alone_needs_no_atomic_update() -> None:
    source = """\
use rocket::{get, tokio, State};
use std::sync::{atomic::{AtomicU64, Ordering::SeqCst}, Arc};
struct Clock {
    // deadheat: assume(single-writer) reason="only the ticker moves it"
    ticks: AtomicU64,
}
#[get("/start")]
fn start(clock: &State<Arc<Clock>>) {
    let clock = Arc::clone(clock);
    tokio::spawn(async move {
        let ticks = clock.ticks.load(SeqCst);
        clock.ticks.store(ticks + 1, SeqCst);
    });
}
"""
    assert [f.rule for f in check(read(tree(source.replace("// deadheat", "// elsewhere"))))]
    assert [f.rule for f in check(read(tree(source)))] == []


def test_what_cannot_be_checked_is_said() -> None:
    for comment, why in (
        ('// deadheat: assume(immortal) reason="x"', "no assumption"),
        ('// deadheat: assume(guarded-by) reason="x"', "which lock"),
    ):
        (one,) = assumptions(read(tree(APP.format(above=comment, beside="", lock=""))))
        assert one.holds is None
        assert why in one.why
    nowhere = '// deadheat: assume(read-only) reason="x"\n\nfn f() {}\n'
    (one,) = assumptions(read(tree(nowhere)))
    assert one.holds is None
