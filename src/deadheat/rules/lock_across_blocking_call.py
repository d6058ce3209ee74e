"""DH304: a thread-blocking lock is held over a blocking call. Covers P34."""

from collections.abc import Iterable

from deadheat.model import Confidence, Finding, Impact, Severity
from deadheat.rules.context import Context
from deadheat.rules.rule import Example, Rule
from deadheat.rules.waiting import BOUND_OR_CLAIM, under
from deadheat.rust.outside import BLOCKING


def check(rule: Rule, context: Context) -> Iterable[Finding]:
    """Blocking calls under a std or parking_lot lock."""
    return under(rule, context, frozenset({BLOCKING}), asynchronous=False)


RULE = Rule(
    code="DH304",
    name="lock-across-blocking-call",
    title="contended lock over a blocking call",
    cwe=(667, 400),
    severity=Severity.LOW,
    confidence=Confidence.MEDIUM,
    impact=(Impact.DENIAL_OF_SERVICE,),
    summary="A std lock is held over a blocking call: requests for it block workers, and the server stalls.",
    explanation="""\
A std lock blocks the thread of whoever waits for it, and in Rocket that thread is a worker that serves many
requests. Holding the lock over something slow (a file, a process, a sleep) makes the queue long:

    let log = state.log.lock().unwrap();
    std::fs::write("log.txt", log.join("\\n"))?;     // the disk, while workers queue

With as many waiting requests as workers the whole server stands still for that time, requests that have
nothing to do with the lock included.""",
    invalid=(
        Example(
            "a file is written under the lock",
            """\
use rocket::{post, State};
use std::sync::Mutex;

struct Notes { lines: Mutex<Vec<String>> }

#[post("/note/<line>")]
fn note(line: String, notes: &State<Notes>) {
    let mut lines = notes.lines.lock().unwrap();
    lines.push(line);
    let _ = std::fs::write("notes.txt", lines.join("\\n"));
}
""",
        ),
        Example(
            "a sleep under the lock",
            """\
use rocket::{post, State};
use std::{sync::Mutex, thread, time::Duration};

struct Door { open: Mutex<bool> }

#[post("/knock")]
fn knock(door: &State<Door>) {
    let mut open = door.open.lock().unwrap();
    thread::sleep(Duration::from_millis(50));
    *open = true;
}
""",
        ),
    ),
    valid=(
        Example(
            "in memory only",
            """\
use rocket::{post, State};
use std::sync::Mutex;

struct Notes { lines: Mutex<Vec<String>> }

#[post("/note/<line>")]
fn note(line: String, notes: &State<Notes>) {
    notes.lines.lock().unwrap().push(line);
}
""",
        ),
        Example(
            "copied under the lock, shown without it",
            """\
use rocket::{get, State};
use std::sync::Mutex;

struct Notes { lines: Mutex<Vec<String>> }

#[get("/notes")]
fn notes(notes: &State<Notes>) -> String {
    let lines = notes.lines.lock().unwrap().clone();
    lines.join("\\n")
}
""",
        ),
    ),
    fixes=BOUND_OR_CLAIM,
    check=check,
)
