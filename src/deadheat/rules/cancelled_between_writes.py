"""DH311: work that may be dropped at any `.await` makes two changes that belong together. Covers P40."""

from collections.abc import Iterable

from deadheat.model import Confidence, Finding, Fix, Impact, Safety, Severity
from deadheat.rules.context import Context, describe
from deadheat.rules.rule import Example, Rule
from deadheat.rules.sections import confidence_of
from deadheat.rust import Event, Kind, Root
from deadheat.rust.outside import CANCELLABLE, COMPLETED

_CHANGES = (Kind.WRITE, Kind.RMW)


def check(rule: Rule, context: Context) -> Iterable[Finding]:
    """Two writes with an await between them, inside a future that a timeout or a `select!` drops."""
    for root in context.program.roots:
        opened: list[Event] = []
        for event in root.events:
            if event.kind is not Kind.CALL:
                continue
            if event.method == CANCELLABLE:
                opened.append(event)
            elif event.method == COMPLETED and opened:
                begin = opened.pop()
                pair = _torn(root, root.events[begin.id + 1 : event.id])
                if pair is not None:
                    yield _finding(rule, context, root, begin, *pair)


def _torn(root: Root, inside: list[Event]) -> tuple[Event, Event] | None:
    """The first change, and one behind the next await."""
    writes = [
        event for event in inside
        if event.kind in _CHANGES and event.place is not None and root.flow.is_live(event)
    ]  # fmt: skip
    for first in writes:
        for second in writes:
            if (
                second.id <= first.id
                or not root.flow.follows(first, second)
                or _one_transaction(root, first, second)
            ):
                continue
            if first.place is not None and second.place is not None and first.place == second.place:
                continue  # the same thing written again: the later one alone is a state of its own
            if root.flow.between(first, second, Kind.AWAIT):
                return first, second
    return None


def _one_transaction(root: Root, first: Event, second: Event) -> bool:
    """A dropped transaction is rolled back: both changes or neither."""
    common = set(first.guards) & set(second.guards)
    return any(root.events[number].kind is Kind.BEGIN for number in common if number < len(root.events))


def _finding(rule: Rule, context: Context, root: Root, begin: Event, first: Event, second: Event) -> Finding:
    place = second.place
    assert place is not None  # a change has its place
    window, one = context.window(root, first, second), context.who(root)
    name = context.program.state_of(place, second.type).path
    span = context.program.span(begin.where)
    why = "the client goes away" if begin.operation.endswith("Stream!") else (
        "another branch is ready first" if begin.operation == "select!" else "the time is up"
    )  # fmt: skip
    message = (
        f"In {one}, the work under `{begin.operation}` (line {span.start_line}) changes something in "
        f"{describe(window.check)}, waits, and changes `{name}` in {describe(window.act)}. When {why} "
        "during the wait, "
        f"the work is dropped there: the first change stays and the second never happens."
    )
    return context.finding(
        rule, root, place, window,
        handlers=context.handlers(root, ()),
        message=message,
        confidence=confidence_of(rule, root, place),
        related=((span, "from here on the work may be dropped at any `.await`"),
                 *context.related(window, "the first change", "reached through this call")),
        act=second,
        shape=f"{first.method}>{second.method}",
    )  # fmt: skip


RULE = Rule(
    code="DH311",
    name="cancelled-between-writes",
    title="cancelled between two writes",
    cwe=(662, 460),
    severity=Severity.MEDIUM,
    confidence=Confidence.MEDIUM,
    impact=(Impact.INCONSISTENT_STATE,),
    summary="A timeout or `select!` drops work between two changes: one stays, the other never happens.",
    explanation="""\
An async function that is not polled any more simply ends at the `.await` where it stands. `timeout` and
`select!` do that to the work that loses, and a stream is dropped when its client goes away:

    timeout(limit, async {
        *from.lock().await -= amount;      // done
        notify().await;                    // the time is up here
        *to.lock().await += amount;        // never happens
    })

No error is raised inside and no code runs, except `drop`. (Rocket itself does not cancel a handler whose
client went away.) Make both changes without an `.await` between them, or in one transaction, or run the work
in a task of its own and let the timeout only stop the waiting.""",
    invalid=(
        Example(
            "the time is up between debit and credit",
            """\
use rocket::{post, State, tokio::{sync::Mutex, time::{timeout, Duration}}};

struct Bank { from: Mutex<i64>, to: Mutex<i64> }

async fn notify() {}

#[post("/transfer/<amount>")]
async fn transfer(amount: i64, bank: &State<Bank>) -> &'static str {
    let done = timeout(Duration::from_secs(1), async {
        *bank.from.lock().await -= amount;
        notify().await;
        *bank.to.lock().await += amount;
    }).await;
    if done.is_ok() { "done" } else { "too slow" }
}
""",
        ),
        Example(
            "a shutdown wins the select",
            """\
use rocket::{post, Shutdown, State, tokio::{select, sync::Mutex}};

struct Shop { stock: Mutex<u32>, orders: Mutex<Vec<String>> }

impl Shop {
    async fn order(&self, what: String) {
        *self.stock.lock().await -= 1;
        self.orders.lock().await.push(what);
    }
}

#[post("/order/<what>")]
async fn order(what: String, shop: &State<Shop>, end: Shutdown) -> &'static str {
    select! {
        _ = shop.order(what) => "ordered",
        _ = end => "closing",
    }
}
""",
        ),
    ),
    valid=(
        Example(
            "no await between the two changes",
            """\
use rocket::{post, State, tokio::{sync::Mutex, time::{timeout, Duration}}};

struct Bank { balances: Mutex<(i64, i64)> }

async fn notify() {}

#[post("/transfer/<amount>")]
async fn transfer(amount: i64, bank: &State<Bank>) -> &'static str {
    let done = timeout(Duration::from_secs(1), async {
        {
            let mut balances = bank.balances.lock().await;
            balances.0 -= amount;
            balances.1 += amount;
        }
        notify().await;
    }).await;
    if done.is_ok() { "done" } else { "too slow" }
}
""",
        ),
        Example(
            "only the waiting is cut short",
            """\
use rocket::{post, State, tokio::{self, sync::Mutex, time::{timeout, Duration}}};
use std::sync::Arc;

struct Bank { from: Arc<Mutex<i64>>, to: Arc<Mutex<i64>> }

async fn notify() {}

#[post("/transfer/<amount>")]
async fn transfer(amount: i64, bank: &State<Bank>) -> &'static str {
    let (from, to) = (bank.from.clone(), bank.to.clone());
    let work = tokio::spawn(async move {
        *from.lock().await -= amount;
        notify().await;
        *to.lock().await += amount;
    });
    if timeout(Duration::from_secs(1), work).await.is_ok() { "done" } else { "still at it" }
}
""",
        ),
    ),
    fixes=(
        Fix(
            "make both changes without an `.await` between them",
            Safety.UNSAFE,
            "work is dropped at an `.await` only: either both are done or neither",
            "both locks are taken first, or both values lie behind one",
        ),
        Fix(
            "run the work in a task (`tokio::spawn`) and let the timeout stop the waiting only",
            Safety.UNSAFE,
            "a started task goes on when nobody waits for it",
            "it goes on; the answer has to say so",
        ),
        Fix(
            "put both changes into one transaction",
            Safety.UNSAFE,
            "a dropped transaction is rolled back",
            "only for what the database keeps",
        ),
    ),
    check=check,
)
