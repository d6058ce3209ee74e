"""DH104: an atomic loaded and then stored, as if the two were one.

Covers P7 (swap cells: `ArcSwap::load`, then `store`), P13 and P14 (a flag tested, then set).
"""

from collections.abc import Iterable

from deadheat.model import Confidence, Finding, Fix, Impact, Safety, Severity
from deadheat.rules.context import Context, describe
from deadheat.rules.gaps import Shape
from deadheat.rules.rule import Example, Rule


def check(rule: Rule, context: Context) -> Iterable[Finding]:
    """Stores fed or decided by a load of the same atomic."""
    for gap in context.gaps(Shape.LOAD_THEN_STORE):
        window = context.window(gap.root, gap.check, gap.act)
        state = context.program.state_of(gap.state, gap.act.type).path
        one, other = context.who(gap.root), context.who(context.rival(gap))
        message = (
            f"{one} loads `{state}` in {describe(window.check)} and stores what follows from it in "
            f"{describe(window.act)}; each is atomic, the pair is not. Request A ({one}) loads; request B "
            f"({other}) loads the same value and stores; A stores over it: one of the two changes is lost."
        )
        yield context.finding(
            rule, gap.root, gap.state, window,
            handlers=context.collision(gap),
            message=message,
            confidence=context.confidence(rule, gap.root, gap.state, proven=gap.proven),
            related=context.related(window, f"load: the old value of `{state}`", "reached through this call"),
            act=gap.act,
            shape=f"{gap.check.method}>{gap.act.method}",
        )  # fmt: skip


RULE = Rule(
    code="DH104",
    name="atomic-load-then-store",
    title="atomic load then store",
    cwe=(362,),
    severity=Severity.HIGH,
    confidence=Confidence.HIGH,
    impact=(Impact.DATA_CORRUPTION,),
    summary="An atomic is loaded, changed and stored in separate operations: updates get lost.",
    explanation="""\
Each operation on an atomic is indivisible, and the compiler asks for no more. But a load followed by a
store is two operations, and other requests run between them:

    A: load 0
    B: load 0
    A: store 1
    B: store 1        two hits, one counted

The gap is a few nanoseconds, so load tests pass for years. No `Ordering` helps: orderings say what else
becomes visible, not that two operations are one. Use the operation that reads and writes in one go:
`fetch_add` and its kin, `swap` for a flag, `fetch_update` or a `compare_exchange` loop for the rest.""",
    invalid=(
        Example(
            "add one in two steps",
            """\
use rocket::{get, State};
use std::sync::atomic::{AtomicU64, Ordering};

struct Hits { count: AtomicU64 }

#[get("/hit")]
fn hit(hits: &State<Hits>) -> String {
    let next = hits.count.load(Ordering::Relaxed) + 1;
    hits.count.store(next, Ordering::Relaxed);
    next.to_string()
}
""",
        ),
        Example(
            "nested, on a static",
            """\
use rocket::post;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

static ACTIVE: AtomicUsize = AtomicUsize::new(0);

#[post("/leave")]
fn leave() {
    ACTIVE.store(ACTIVE.load(SeqCst).saturating_sub(1), SeqCst);
}
""",
        ),
        Example(
            "a flag tested, then set",
            """\
use rocket::{post, State};
use std::sync::atomic::{AtomicBool, Ordering};

struct Job { running: AtomicBool }

#[post("/start")]
fn start(job: &State<Job>) -> &'static str {
    if job.running.load(Ordering::Acquire) {
        return "already running";
    }
    job.running.store(true, Ordering::Release);
    "started"
}
""",
        ),
    ),
    valid=(
        Example(
            "fetch_add",
            """\
use rocket::{get, State};
use std::sync::atomic::{AtomicU64, Ordering};

struct Hits { count: AtomicU64 }

#[get("/hit")]
fn hit(hits: &State<Hits>) -> String {
    (hits.count.fetch_add(1, Ordering::Relaxed) + 1).to_string()
}
""",
        ),
        Example(
            "compare_exchange in a loop",
            """\
use rocket::{post, State};
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

struct Seats { left: AtomicU32 }

#[post("/book")]
fn book(seats: &State<Seats>) -> &'static str {
    let mut left = seats.left.load(SeqCst);
    loop {
        if left == 0 {
            return "full";
        }
        match seats.left.compare_exchange(left, left - 1, SeqCst, SeqCst) {
            Ok(_) => return "booked",
            Err(now) => left = now,
        }
    }
}
""",
        ),
        Example(
            "fetch_update",
            """\
use rocket::{post, State};
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

struct Seats { left: AtomicU32 }

#[post("/book")]
fn book(seats: &State<Seats>) -> &'static str {
    match seats.left.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1)) {
        Ok(_) => "booked",
        Err(_) => "full",
    }
}
""",
        ),
        Example(
            "swap says whether it was set",
            """\
use rocket::{post, State};
use std::sync::atomic::{AtomicBool, Ordering};

struct Job { running: AtomicBool }

#[post("/start")]
fn start(job: &State<Job>) -> &'static str {
    if job.running.swap(true, Ordering::AcqRel) {
        return "already running";
    }
    "started"
}
""",
        ),
        Example(
            "a lock is held over both",
            """\
use rocket::{post, State};
use std::sync::{atomic::{AtomicU64, Ordering::SeqCst}, Mutex};

struct Hits { turn: Mutex<()>, count: AtomicU64 }

#[post("/hit")]
fn hit(hits: &State<Hits>) {
    let _turn = hits.turn.lock().unwrap();
    let count = hits.count.load(SeqCst);
    hits.count.store(count + 1, SeqCst);
}
""",
        ),
    ),
    fixes=(
        Fix(
            "use the read-modify-write operation (`fetch_add`, `fetch_sub`, `fetch_max`, `swap`)",
            Safety.UNSAFE,
            "the processor does both in one step and returns the old value",
            "none worth naming",
        ),
        Fix(
            "use `fetch_update`, or a `compare_exchange` loop, where the new value is computed",
            Safety.UNSAFE,
            "the store happens only if nobody has stored since the load",
            "the closure may run more than once, so it must have no side effects",
        ),
    ),
    check=check,
)
