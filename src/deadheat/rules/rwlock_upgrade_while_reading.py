"""DH203: a read guard is still held when the same lock is asked for writing. Covers P24."""

from collections.abc import Iterable

from deadheat.model import Confidence, Finding, Fix, Impact, Safety, Severity
from deadheat.rules.context import Context, describe
from deadheat.rules.rule import Example, Rule
from deadheat.rules.sections import is_lock
from deadheat.rust import Event, Mode, Root


def check(rule: Rule, context: Context) -> Iterable[Finding]:
    """Exclusive acquisitions under a shared guard of the same lock."""
    for root in context.program.roots:
        for event in root.acquired:
            if not is_lock(event) or event.mode is not Mode.EXCLUSIVE:
                continue
            for first in root.flow.held(event, surely=False):
                if is_upgrade(first, event):
                    yield _finding(rule, context, root, first, event)
                    break


def is_upgrade(first: Event, second: Event) -> bool:
    """Whether `second` asks to write what `first` reads."""
    return (
        is_lock(first)
        and first.place == second.place
        and first.place is not None
        and not any("[*]" in step for step in first.place.path)
        and first.mode is Mode.SHARED
        and second.mode is Mode.EXCLUSIVE
    )


def _finding(rule: Rule, context: Context, root: Root, first: Event, second: Event) -> Finding:
    window, place = context.window(root, first, second), second.place
    assert place is not None  # an acquisition
    state, one = context.program.state_of(place, second.type).path, context.who(root)
    surely = bool(root.flow.must[second.id] >> first.id & 1)
    proven = surely and place.root[0] in "SG" and not any(step.startswith("[") for step in place.path)
    message = (
        f"{one} asks to write `{state}` in {describe(window.act)} while its own read guard from "
        f"{describe(window.check)} is alive. Request A ({one}) holds the lock for reading and waits until "
        f"nobody reads: it waits for itself, and every other request for `{state}` waits behind it."
    )
    return context.finding(
        rule, root, place, window,
        handlers=context.handlers(root, ()),
        message=message,
        confidence=context.confidence(rule, root, place, proven=proven),
        related=context.related(window, f"`{state}` is read here and still held", "in this call"),
        act=second,
        shape=f"{first.method}>{second.method}",
    )  # fmt: skip


RULE = Rule(
    code="DH203",
    name="rwlock-upgrade-while-reading",
    title="read guard upgraded to a write guard",
    cwe=(764, 833),
    severity=Severity.HIGH,
    confidence=Confidence.HIGH,
    impact=(Impact.DENIAL_OF_SERVICE,),
    summary="A request asks to write a lock that it still holds for reading: it waits for itself.",
    explanation="""\
A reader-writer lock lets a writer in when nobody reads. A request that keeps its read guard and asks
for the write guard is one of those who read, so it waits for itself for ever:

    let users = state.users.read().unwrap();
    if !users.contains_key(&name) {
        state.users.write().unwrap().insert(name, 0);    // `users` is still alive
    }

The read guard is often a temporary that nobody sees: in edition 2021 the head of an `if let` keeps it
through the `else`. Letting go of it first ends the deadlock and opens a race (another request may write
in between), so look again under the write guard, or take the write guard from the start.""",
    invalid=(
        Example(
            "the guard of the look-up is still there",
            """\
use rocket::{post, State};
use std::{collections::HashMap, sync::RwLock};

struct Users { by_name: RwLock<HashMap<String, u32>> }

#[post("/join/<name>")]
fn join(name: String, users: &State<Users>) {
    let known = users.by_name.read().unwrap();
    if !known.contains_key(&name) {
        users.by_name.write().unwrap().insert(name, 0);
    }
}
""",
        ),
        Example(
            "the else-branch of an if let (edition 2021)",
            """\
use rocket::{post, State};
use std::{collections::HashMap, sync::RwLock};

struct Pages { by_path: RwLock<HashMap<String, u32>> }

#[post("/hit/<page>")]
fn hit(page: String, pages: &State<Pages>) {
    if let Some(hits) = pages.by_path.read().unwrap().get(&page) {
        println!("{hits}");
    } else {
        pages.by_path.write().unwrap().insert(page, 1);
    }
}
""",
        ),
        Example(
            "tokio's lock, through a helper",
            """\
use rocket::{post, State, tokio::sync::RwLock};

struct Board { lines: RwLock<Vec<String>> }

impl Board {
    async fn push(&self, line: String) {
        self.lines.write().await.push(line);
    }
}

#[post("/say/<line>")]
async fn say(line: String, board: &State<Board>) {
    let lines = board.lines.read().await;
    if lines.len() < 100 {
        board.push(line).await;
    }
}
""",
        ),
    ),
    valid=(
        Example(
            "the write guard from the start",
            """\
use rocket::{post, State};
use std::{collections::HashMap, sync::RwLock};

struct Users { by_name: RwLock<HashMap<String, u32>> }

#[post("/join/<name>")]
fn join(name: String, users: &State<Users>) {
    let mut known = users.by_name.write().unwrap();
    if !known.contains_key(&name) {
        known.insert(name, 0);
    }
}
""",
        ),
        Example(
            "read, let go, look again under the write guard",
            """\
use rocket::{post, State};
use std::{collections::HashMap, sync::RwLock};

struct Users { by_name: RwLock<HashMap<String, u32>> }

#[post("/join/<name>")]
fn join(name: String, users: &State<Users>) {
    let missing = !users.by_name.read().unwrap().contains_key(&name);
    if missing {
        users.by_name.write().unwrap().entry(name).or_insert(0);
    }
}
""",
        ),
    ),
    fixes=(
        Fix(
            "take the write guard from the start",
            Safety.UNSAFE,
            "one guard covers the look and the change, so there is neither a deadlock nor a race",
            "readers wait for it",
        ),
        Fix(
            "drop the read guard, take the write guard and look again",
            Safety.UNSAFE,
            "nothing is held while waiting, and what was seen is checked where it is acted on",
            "the look is written twice",
        ),
        Fix(
            "use an upgradable guard (`parking_lot::RwLock::upgradable_read`)",
            Safety.UNSAFE,
            "only one reader at a time may upgrade, so the wait always ends",
            "another lock type, and upgradable readers exclude each other",
        ),
    ),
    check=check,
)
