"""DH201: a lock acquired while the same request already holds it. Covers P21, P22, P23."""

from collections.abc import Iterable

from deadheat.model import Confidence, Finding, Fix, Impact, Safety, Severity
from deadheat.rules.context import Context, describe
from deadheat.rules.rule import Example, Rule
from deadheat.rules.rwlock_upgrade_while_reading import is_upgrade
from deadheat.rules.sections import is_lock
from deadheat.rust import Event, Mode, Root


def check(rule: Rule, context: Context) -> Iterable[Finding]:
    """Acquisitions of a lock whose guard may still live."""
    for root in context.program.roots:
        for event in root.acquired:
            if not is_lock(event):
                continue
            if event.type is not None and event.type.short == "ReentrantMutex":
                continue
            for first in root.flow.held(event, surely=False):
                if _waits(first, event):
                    yield _finding(rule, context, root, first, event)
                    break


def _waits(first: Event, second: Event) -> bool:
    if first.place != second.place or first.place is None or first.id == second.id:
        return False
    if not is_lock(first) or is_upgrade(first, second):
        return False
    if any("[*]" in step for step in first.place.path):
        return False
    # Two readers may share a lock (unless a writer queues between them: another rule's business).
    return not (first.mode is Mode.SHARED and second.mode is Mode.SHARED)


def _finding(rule: Rule, context: Context, root: Root, first: Event, second: Event) -> Finding:
    window = context.window(root, first, second)
    place = second.place or first.place
    assert place is not None  # both are acquisitions
    state = context.program.state_of(place, second.type).path
    one = context.who(root)
    through = f", reached through the call in line {window.act.via[0].start_line}" if window.act.via else ""
    message = (
        f"{one} acquires `{state}` in {describe(window.act)}{through}, while its own guard from "
        f"{describe(window.check)} is still alive. Request A ({one}) holds the lock and waits for it: "
        f"it never goes on, and every other request for `{state}` waits behind it."
    )
    surely = bool(root.flow.must[second.id] >> first.id & 1)
    proven = surely and place.root[0] in "SG" and not any(step.startswith("[") for step in place.path)
    return context.finding(
        rule, root, place, window,
        handlers=context.handlers(root, ()),
        message=message,
        confidence=context.confidence(rule, root, place, proven=proven),
        related=context.related(
            window, f"`{state}` is acquired here and still held", "the second acquisition is in this call"
        ),
        act=second,
        shape=f"{first.method}>{second.method}",
    )  # fmt: skip


RULE = Rule(
    code="DH201",
    name="same-lock-re-entry",
    title="same-lock re-entry",
    cwe=(764, 833),
    severity=Severity.HIGH,
    confidence=Confidence.HIGH,
    impact=(Impact.DENIAL_OF_SERVICE,),
    summary="A request acquires a lock that it already holds: it waits for itself for ever.",
    explanation="""\
Rust's locks are not re-entrant. A request that asks for a lock whose guard it still holds waits for
itself; no second visitor is needed, and from then on every request for that lock hangs too.

The first guard is often invisible. A temporary made in the head of a `match`, an `if let`, a `while
let` or a `for` lives until the end of the whole construct, so this hangs:

    match state.queue.lock().unwrap().first() {
        Some(job) => state.queue.lock().unwrap().len(),
        None => 0,
    }

and so does a helper called inside that takes the lock itself. (In edition 2024 the temporary of an
`if let` ends before `else`; in a plain `if` and in `let … else` it has ended already.) Copy what is
needed in a statement of its own, or pass the guard's content to the helper.""",
    invalid=(
        Example(
            "the scrutinee's guard lives through the match",
            """\
use rocket::{get, State};
use std::sync::Mutex;

struct Queue { jobs: Mutex<Vec<String>> }

#[get("/next")]
fn next(queue: &State<Queue>) -> usize {
    match queue.jobs.lock().unwrap().first() {
        Some(_) => queue.jobs.lock().unwrap().len(),
        None => 0,
    }
}
""",
        ),
        Example(
            "a helper takes the lock again",
            """\
use rocket::{post, State};
use std::sync::Mutex;

struct Ledger { entries: Mutex<Vec<i64>> }

impl Ledger {
    fn total(&self) -> i64 {
        self.entries.lock().unwrap().iter().sum()
    }
}

#[post("/add/<amount>")]
fn add(amount: i64, ledger: &State<Ledger>) -> String {
    let mut entries = ledger.entries.lock().unwrap();
    entries.push(amount);
    format!("total {}", ledger.total())
}
""",
        ),
        Example(
            "the else-branch of an if let (edition 2021)",
            """\
use rocket::{post, State};
use std::{collections::HashMap, sync::Mutex};

struct Pages { by_path: Mutex<HashMap<String, u32>> }

#[post("/hit/<page>")]
fn hit(page: String, pages: &State<Pages>) {
    if let Some(hits) = pages.by_path.lock().unwrap().get(&page) {
        println!("{hits}");
    } else {
        pages.by_path.lock().unwrap().insert(page, 1);
    }
}
""",
        ),
        Example(
            "two guards in one expression, tokio too",
            """\
use rocket::{get, State, tokio::sync::Mutex};

struct Pair { value: Mutex<u32> }

#[get("/square")]
async fn square(pair: &State<Pair>) -> String {
    let square = *pair.value.lock().await * *pair.value.lock().await;
    square.to_string()
}
""",
        ),
    ),
    valid=(
        Example(
            "dropped before the second acquisition",
            """\
use rocket::{get, State};
use std::sync::Mutex;

struct Queue { jobs: Mutex<Vec<String>> }

#[get("/next")]
fn next(queue: &State<Queue>) -> String {
    let jobs = queue.jobs.lock().unwrap();
    let first = jobs.first().cloned();
    drop(jobs);
    let rest = queue.jobs.lock().unwrap().len();
    format!("{first:?} {rest}")
}
""",
        ),
        Example(
            "a plain if ends its temporary",
            """\
use rocket::{get, State};
use std::sync::Mutex;

struct Queue { jobs: Mutex<Vec<String>> }

#[get("/next")]
fn next(queue: &State<Queue>) -> usize {
    if queue.jobs.lock().unwrap().is_empty() {
        return 0;
    }
    queue.jobs.lock().unwrap().len()
}
""",
        ),
        Example(
            "let else ends its temporary",
            """\
use rocket::{get, State};
use std::sync::Mutex;

struct Queue { jobs: Mutex<Vec<String>> }

#[get("/next")]
fn next(queue: &State<Queue>) -> usize {
    let Some(_first) = queue.jobs.lock().unwrap().first().cloned() else {
        return queue.jobs.lock().unwrap().len();
    };
    queue.jobs.lock().unwrap().len()
}
""",
        ),
        Example(
            "dropped in one arm, returned from the other",
            """\
use rocket::{get, State};
use std::sync::Mutex;

struct Queue { jobs: Mutex<Vec<String>> }

#[get("/next")]
fn next(queue: &State<Queue>) -> usize {
    let jobs = queue.jobs.lock().unwrap();
    match jobs.len() {
        0 => return 0,
        _ => drop(jobs),
    }
    queue.jobs.lock().unwrap().len()
}
""",
        ),
        Example(
            "the guard moved into a helper, which ends it",
            """\
use rocket::{get, State};
use std::sync::{Mutex, MutexGuard};

struct Queue { jobs: Mutex<Vec<String>> }

fn count(jobs: MutexGuard<'_, Vec<String>>) -> usize {
    jobs.len()
}

#[get("/next")]
fn next(queue: &State<Queue>) -> usize {
    let guard = queue.jobs.lock().unwrap();
    let moved = guard;
    let before = count(moved);
    before + queue.jobs.lock().unwrap().len()
}
""",
        ),
        Example(
            "two locks of one kind",
            """\
use rocket::{get, State};
use std::sync::Mutex;

struct Shard { items: Mutex<Vec<u32>> }
struct Shards { left: Shard, right: Shard }

#[get("/both")]
fn both(shards: &State<Shards>) -> usize {
    let left = shards.left.items.lock().unwrap();
    let right = shards.right.items.lock().unwrap();
    left.len() + right.len()
}
""",
        ),
    ),
    fixes=(
        Fix(
            "copy what is needed out of the first guard in a statement of its own",
            Safety.UNSAFE,
            "the temporary guard ends with that statement, before the lock is asked for again",
            "a copy; and the state may change between the two acquisitions",
        ),
        Fix(
            "pass the guard's content (`&mut *guard`) to the helper, so that it need not lock",
            Safety.UNSAFE,
            "there is one acquisition, and the whole is one step",
            "the helper's signature changes",
        ),
    ),
    check=check,
)
