"""DH102: a value read under one acquisition and written back, changed, under another.

Covers P1 and P7: the value may be a number, or a whole clone that is written back stale.
"""

from collections.abc import Iterable

from deadheat.model import Confidence, Finding, Fix, Impact, Safety, Severity
from deadheat.rules.context import Context, describe
from deadheat.rules.gaps import Shape
from deadheat.rules.rule import Example, Rule


def check(rule: Rule, context: Context) -> Iterable[Finding]:
    """Writes fed by a read in another critical section."""
    for gap in context.gaps(Shape.READ_MODIFY_WRITE):
        window = context.window(gap.root, gap.check, gap.act)
        state = context.program.state_of(gap.state, gap.act.type).path
        one, other = context.who(gap.root), context.who(context.rival(gap))
        message = (
            f"{one} reads `{state}` in {describe(window.check)}, lets go of the lock, and writes a value "
            f"computed from what it read in {describe(window.act)}. Request A ({one}) reads; request B "
            f"({other}) reads the same value and writes; A writes over it: B's change is lost."
        )
        yield context.finding(
            rule, gap.root, gap.state, window,
            handlers=context.collision(gap),
            message=message,
            confidence=context.confidence(rule, gap.root, gap.state, proven=gap.proven, benign=gap.benign),
            related=context.related(window, f"read: the old value of `{state}`", "reached through this call"),
            act=gap.act,
            shape=f"{gap.check.method}>{gap.act.method}",
        )  # fmt: skip


RULE = Rule(
    code="DH102",
    name="lock-gap-read-modify-write",
    title="read-modify-write across a gap in the lock",
    cwe=(362,),
    severity=Severity.HIGH,
    confidence=Confidence.HIGH,
    impact=(Impact.DATA_CORRUPTION,),
    summary="A value is read under one lock acquisition and written back under another: updates get lost.",
    explanation="""\
The handler takes the lock, copies the value out, lets the lock go, computes, takes the lock again and
writes the result. The lock protects each of the two accesses, but not the computation between them:

    A: read 10
    B: read 10
    A: write 11
    B: write 11        two additions, one counted

Often the gap is hard to see, because a guard that is never named ends with its statement:
`let n = *state.count.lock().unwrap();` has released the lock when the semicolon is reached. Read and
write belong under one guard.""",
    invalid=(
        Example(
            "the guard ends with the statement",
            """\
use rocket::{post, State};
use std::sync::Mutex;

struct Hits { count: Mutex<u64> }

#[post("/hit")]
fn hit(hits: &State<Hits>) {
    let count = *hits.count.lock().unwrap();
    *hits.count.lock().unwrap() = count + 1;
}
""",
        ),
        Example(
            "clone out, change, write back",
            """\
use rocket::{post, State};
use std::{collections::HashMap, sync::RwLock};

#[derive(Clone)]
struct User { visits: u32 }
struct Users { by_name: RwLock<HashMap<String, User>> }

#[post("/visit/<name>")]
fn visit(name: String, users: &State<Users>) -> Option<()> {
    let mut user = users.by_name.read().unwrap().get(&name).cloned().unwrap();
    user.visits += 1;
    users.by_name.write().unwrap().insert(name, user);
    Some(())
}
""",
        ),
        Example(
            "an id taken from the length",
            """\
use rocket::{post, State, tokio::sync::Mutex};

struct Item { id: usize, title: String }
struct Items { list: Mutex<Vec<Item>> }

#[post("/items/<title>")]
async fn add(title: String, items: &State<Items>) {
    let id = items.list.lock().await.len() + 1;
    items.list.lock().await.push(Item { id, title });
}
""",
        ),
        Example(
            "dropped by hand, over a static",
            """\
use rocket::post;
use std::sync::{LazyLock, Mutex};

static TOTAL: LazyLock<Mutex<i64>> = LazyLock::new(|| Mutex::new(0));

#[post("/add/<amount>")]
fn add(amount: i64) {
    let guard = TOTAL.lock().unwrap();
    let total = *guard + amount;
    drop(guard);
    let mut guard = TOTAL.lock().unwrap();
    *guard = total;
}
""",
        ),
    ),
    valid=(
        Example(
            "one guard",
            """\
use rocket::{post, State};
use std::sync::Mutex;

struct Hits { count: Mutex<u64> }

#[post("/hit")]
fn hit(hits: &State<Hits>) {
    let mut count = hits.count.lock().unwrap();
    let next = *count + 1;
    *count = next;
}
""",
        ),
        Example(
            "copied out to be read only",
            """\
use rocket::{get, State};
use std::sync::{Mutex, RwLock};

struct Site { title: RwLock<String>, hits: Mutex<u64> }

#[get("/")]
fn index(site: &State<Site>) -> String {
    let title = site.title.read().unwrap().clone();
    let mut hits = site.hits.lock().unwrap();
    *hits += 1;
    format!("{title}: {hits}")
}
""",
        ),
        Example(
            "an outer lock covers both",
            """\
use rocket::{post, State};
use std::sync::{Mutex, RwLock};

struct Hits { turn: Mutex<()>, count: RwLock<u64> }

#[post("/hit")]
fn hit(hits: &State<Hits>) {
    let _turn = hits.turn.lock().unwrap();
    let count = *hits.count.read().unwrap();
    *hits.count.write().unwrap() = count + 1;
}
""",
        ),
        Example(
            "two independent reads",
            """\
use rocket::{get, State};
use std::sync::Mutex;

struct Hits { count: Mutex<u64> }

#[get("/twice")]
fn twice(hits: &State<Hits>) -> String {
    let first = *hits.count.lock().unwrap();
    let second = *hits.count.lock().unwrap();
    format!("{first} {second}")
}
""",
        ),
        Example(
            "two writes that do not depend on a read",
            """\
use rocket::{post, State};
use std::sync::Mutex;

struct Hits { count: Mutex<u64>, last: Mutex<String> }

#[post("/hit/<who>")]
fn hit(who: String, hits: &State<Hits>) {
    *hits.count.lock().unwrap() += 1;
    *hits.last.lock().unwrap() = who;
}
""",
        ),
    ),
    fixes=(
        Fix(
            "keep the first guard until the new value is written",
            Safety.UNSAFE,
            "read and write are then one critical section",
            "the lock is held during the computation; an `.await` in it needs tokio's lock",
        ),
        Fix(
            "change the value in place under one guard (`*guard += …`, `get_mut`, `entry`)",
            Safety.UNSAFE,
            "there is no old copy that could be written back",
            "none worth naming",
        ),
    ),
    check=check,
)
