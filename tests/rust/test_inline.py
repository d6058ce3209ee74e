"""Helpers looked through: what is copied into a caller, and what is left behind."""

from deadheat.rust import Kind, Root
from tests.rust.programs import program

HEAD = """
use rocket::{get, post, State};
use std::collections::HashMap;
use std::sync::Mutex;

struct Seats { left: Mutex<u32>, names: Mutex<HashMap<String, u32>> }

impl Seats {
    fn any(&self) -> bool { *self.left.lock().unwrap() > 0 }
    fn take(&self) -> u32 { let mut left = self.left.lock().unwrap(); *left -= 1; *left }
    fn known(&self, name: &str) -> bool {
        if name.is_empty() { return false; }
        self.names.lock().unwrap().contains_key(name)
    }
}
"""


def handler(body: str, more: str = "") -> Root:
    source = HEAD + more + f'\n#[post("/x")]\nasync fn x(seats: &State<Seats>) -> String {{ {body} }}\n'
    (root,) = [root for root in program(source).roots if root.handler is not None]
    return root


def kinds(root: Root, *, inside: bool) -> list[Kind]:
    return [event.kind for event in root.events if bool(event.via) is inside]


def test_a_helper_that_only_reads_leaves_its_accesses_and_nothing_else() -> None:
    root = handler('if seats.known("a") { "y".into() } else { "n".into() }')
    assert kinds(root, inside=True) == [Kind.ACQUIRE, Kind.READ, Kind.RELEASE]


def test_a_helper_that_changes_something_says_what_it_gives() -> None:
    assert Kind.GIVE in kinds(handler("seats.take().to_string()"), inside=True)
    assert Kind.GIVE not in kinds(handler("seats.any().to_string()"), inside=True)


def test_what_a_helper_reads_still_decides() -> None:
    root = handler('if seats.any() { seats.take(); } "".into()')
    (write,) = [event for event in root.events if event.kind in (Kind.WRITE, Kind.RMW)]
    reads = {event.id for event in root.events if event.kind is Kind.READ}
    assert {number for number, _ in write.control} & reads
    assert root.flow.must[write.id]


def test_the_bodys_own_branches_and_answer_stay() -> None:
    root = handler('if seats.any() { return "a".into(); } "b".into()')
    assert kinds(root, inside=False).count(Kind.RETURN) == 2
    assert Kind.BRANCH in kinds(root, inside=False)


def test_a_lock_that_nobody_shares_leaves_no_guard_behind() -> None:
    more = """
fn bump(own: &Mutex<u32>, seats: &Seats) { let mut one = own.lock().unwrap(); *one += 1; seats.take(); }
"""
    root = handler('let own = Mutex::new(0); bump(&own, seats); "".into()', more)
    assert [event.place for event in root.events if event.kind is Kind.ACQUIRE and event.place] == [
        event.place for event in root.events if event.kind is Kind.ACQUIRE
    ]
    for event in root.events:
        for guard in event.guards:
            assert root.events[guard].kind in (Kind.ACQUIRE, Kind.READ, Kind.WRITE, Kind.RMW)


def test_a_loop_in_a_helper_keeps_its_way_back() -> None:
    more = "\nfn drain(seats: &Seats) { while seats.any() { seats.take(); } }\n"
    root = handler('drain(seats); "".into()', more)
    (head,) = [event for event in root.events if event.kind is Kind.LOOP]
    assert any(pred > head.id for pred in head.preds)


def test_functions_that_were_looked_through_are_no_roots_of_their_own() -> None:
    source = HEAD + '\n#[get("/x")]\nfn x(seats: &State<Seats>) -> String { seats.known("a").to_string() }\n'
    names = {root.function.name for root in program(source).roots}
    assert "known" not in names
