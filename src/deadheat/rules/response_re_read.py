"""DH103: a state that was changed is acquired again to build the answer.

Covers P3 and P15: the state may be behind a lock, or an atomic (`fetch_add`, then `load`).
"""

from collections.abc import Iterable

from deadheat.model import Confidence, Finding, Fix, Impact, Safety, Severity
from deadheat.rules.context import Context, describe
from deadheat.rules.gaps import Shape
from deadheat.rules.rule import Example, Rule


def check(rule: Rule, context: Context) -> Iterable[Finding]:
    """Reads for the answer after a write in another critical section."""
    for gap in context.gaps(Shape.RE_READ):
        window = context.window(gap.root, gap.check, gap.act)
        state = context.program.state_of(gap.state, gap.act.type).path
        one, other = context.who(gap.root), context.who(context.rival(gap))
        message = (
            f"{one} changes `{state}` in {describe(window.check)} and reads it again for the answer in "
            f"{describe(window.act)}. Request A ({one}) makes its change; request B ({other}) makes another; "
            f"A reads: both answer with the value that B left, and A's own value is told to nobody."
        )
        yield context.finding(
            rule, gap.root, gap.state, window,
            handlers=context.collision(gap),
            message=message,
            confidence=context.confidence(rule, gap.root, gap.state, proven=gap.proven),
            related=context.related(window, f"the change of `{state}`", "reached through this call"),
            act=gap.act,
            shape=f"{gap.check.method}>{gap.act.method}",
        )  # fmt: skip


RULE = Rule(
    code="DH103",
    name="response-re-read",
    title="response re-read",
    cwe=(362,),
    severity=Severity.MEDIUM,
    confidence=Confidence.HIGH,
    impact=(Impact.INCONSISTENT_STATE,),
    summary="The answer is built from a state read again after the change: perhaps another request's value.",
    explanation="""\
The handler changes a state and then takes the lock a second time to tell the client what the state is
now. In between the lock is free. Nothing is lost in the state, but the answer may tell the result of
somebody else's change:

    A: add one              count is 1
    B: add one              count is 2
    A: read again, say 2
    B: read again, say 2    nobody was ever told 1

Where the number is an id, a ticket or a place in a queue, two clients now hold the same one. Build the
answer from the guard that made the change, or from what the atomic operation returned.""",
    invalid=(
        Example(
            "locked again inside format!",
            """\
use rocket::{get, State};
use std::sync::Mutex;

struct Visits { count: Mutex<u32> }

#[get("/visit")]
fn visit(visits: &State<Visits>) -> String {
    *visits.count.lock().unwrap() += 1;
    format!("visitor {}", *visits.count.lock().unwrap())
}
""",
        ),
        Example(
            "fetch_add, then load for the number",
            """\
use rocket::{post, State};
use std::sync::atomic::{AtomicU64, Ordering};

struct Tickets { last: AtomicU64 }

#[post("/ticket")]
fn ticket(tickets: &State<Tickets>) -> String {
    tickets.last.fetch_add(1, Ordering::SeqCst);
    let number = tickets.last.load(Ordering::SeqCst);
    number.to_string()
}
""",
        ),
        Example(
            "through a helper, into JSON",
            """\
use rocket::{post, serde::json::{json, Value}, tokio::sync::RwLock, State};

struct Stock { left: RwLock<u32> }

async fn left(stock: &Stock) -> u32 {
    *stock.left.read().await
}

#[post("/take")]
async fn take(stock: &State<Stock>) -> Value {
    {
        let mut left = stock.left.write().await;
        *left -= 1;
    }
    json!({ "left": left(stock).await })
}
""",
        ),
    ),
    valid=(
        Example(
            "the answer is made under the guard",
            """\
use rocket::{get, State};
use std::sync::Mutex;

struct Visits { count: Mutex<u32> }

#[get("/visit")]
fn visit(visits: &State<Visits>) -> String {
    let mut count = visits.count.lock().unwrap();
    *count += 1;
    format!("visitor {}", *count)
}
""",
        ),
        Example(
            "what fetch_add returned",
            """\
use rocket::{post, State};
use std::sync::atomic::{AtomicU64, Ordering};

struct Tickets { last: AtomicU64 }

#[post("/ticket")]
fn ticket(tickets: &State<Tickets>) -> String {
    let number = tickets.last.fetch_add(1, Ordering::SeqCst) + 1;
    number.to_string()
}
""",
        ),
        Example(
            "the value leaves the critical section",
            """\
use rocket::{get, State};
use std::sync::Mutex;

struct Visits { count: Mutex<u32> }

#[get("/visit")]
fn visit(visits: &State<Visits>) -> String {
    let now = {
        let mut count = visits.count.lock().unwrap();
        *count += 1;
        *count
    };
    format!("visitor {now}")
}
""",
        ),
        Example(
            "another state is read for the answer",
            """\
use rocket::{get, State};
use std::sync::Mutex;

struct Site { count: Mutex<u32>, title: Mutex<String> }

#[get("/visit")]
fn visit(site: &State<Site>) -> String {
    *site.count.lock().unwrap() += 1;
    site.title.lock().unwrap().clone()
}
""",
        ),
    ),
    fixes=(
        Fix(
            "build the answer from the guard that made the change",
            Safety.UNSAFE,
            "the value told is the value written, because the lock was never free in between",
            "the lock is held while the answer is formatted",
        ),
        Fix(
            "use what the atomic operation returns (`fetch_add(…) + 1`)",
            Safety.UNSAFE,
            "the operation returns the value that it replaced, and no two calls get the same",
            "none worth naming",
        ),
    ),
    check=check,
)
