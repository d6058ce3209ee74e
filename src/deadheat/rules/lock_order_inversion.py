"""DH202: locks that different requests acquire in opposite orders, or in a circle. Covers P26."""

from collections.abc import Iterable

from deadheat.model import Confidence, Finding, Fix, Impact, Safety, Severity, Span
from deadheat.rules import lock_graph
from deadheat.rules.context import Context, describe
from deadheat.rules.lock_graph import Edge, apart, meets
from deadheat.rules.rule import Example, Rule
from deadheat.rust import Place


def check(rule: Rule, context: Context) -> Iterable[Finding]:
    """Cycles in the lock graph: of two locks every pair of places, of more one finding each."""
    edges = lock_graph.edges(context)
    done: set[tuple[Span, Span]] = set()
    for (first, second), forwards in edges.items():
        if _order(context, first) > _order(context, second):
            continue  # the same cycle, met from its other lock
        for forward in forwards:
            for backward in edges.get((second, first), ()):
                if not _deadlocks(forward, backward):
                    continue
                here = context.program.span(forward.second.where)
                there = context.program.span(backward.second.where)
                if (here, there) not in done:
                    done.add((here, there))
                    yield _finding(rule, context, first, second, forward, backward)
    for cycle in lock_graph.long_cycles(edges):
        yield _cycle(rule, context, cycle)


def _order(context: Context, place: Place) -> tuple[Span | None, str]:
    state = context.program.state_of(place)
    return (state.span or Span("", 0, 0, 0, 0), state.path)


def _deadlocks(forward: Edge, backward: Edge) -> bool:
    """Whether each can wait for what the other holds, and nothing keeps them from meeting."""
    return meets(forward, backward) and meets(backward, forward) and apart((forward, backward))


def _cycle(rule: Rule, context: Context, cycle: tuple[Edge, ...]) -> Finding:
    """Three locks and more: each request holds one and waits for the next one's."""
    first = min(cycle, key=lambda edge: context.program.span(edge.second.where))
    at = cycle.index(first)
    cycle = cycle[at:] + cycle[:at]
    place = first.first.place
    assert place is not None  # an acquisition
    names = [
        context.program.state_of(edge.first.place, edge.first.type).path for edge in cycle if edge.first.place
    ]
    steps = [
        f"request {letter} ({context.who(edge.root)}) holds `{name}` and waits for `{after}`"
        for letter, edge, name, after in zip("ABCDE", cycle, names, names[1:] + names[:1], strict=False)
    ]
    message = f"{len(cycle)} locks are acquired in a circle: {'; '.join(steps)}: nobody ever goes on."
    certain = all(edge.first.place is not None and edge.first.place.root[0] in "SG" for edge in cycle)
    return context.finding(
        rule, first.root, place, context.window(first.root, first.first, first.second),
        handlers=context.handlers(first.root, [edge.root for edge in cycle[1:]]),
        message=message,
        confidence=context.confidence(rule, first.root, place, proven=certain),
        related=tuple(
            (context.program.span(edge.second.where), f"`{name}` is held here, `{after}` is asked for")
            for edge, name, after in zip(cycle, names, names[1:] + names[:1], strict=True)
        ),
        act=first.second,
        shape="|".join(names),
    )  # fmt: skip


def _finding(
    rule: Rule, context: Context, first: Place, second: Place, forward: Edge, backward: Edge
) -> Finding:
    window = context.window(forward.root, forward.first, forward.second)
    other = context.window(backward.root, backward.first, backward.second)
    one, two = context.program.state_of(first).path, context.program.state_of(second).path
    here, there = context.who(forward.root), context.who(backward.root)
    message = (
        f"{here} acquires `{one}`, then `{two}` in {describe(window.act)}; {there} acquires `{two}`, then "
        f"`{one}` in {describe(other.act)}. Request A ({here}) holds `{one}`; request B ({there}) holds "
        f"`{two}`; A waits for `{two}` and B for `{one}`, for ever."
    )
    certain = all(place.root[0] in "SG" for place in (first, second))
    known = forward.root if forward.root.handler is None else backward.root
    rival = backward.root if known is forward.root else forward.root
    if known.task and known.once and rival.serves:
        known = rival  # a task in the background runs while requests are served
    return context.finding(
        rule, forward.root, first, window,
        handlers=context.handlers(forward.root, [backward.root]),
        message=message,
        confidence=context.confidence(rule, known, first, proven=certain),
        related=(
            (window.check.span, f"`{one}` is acquired here and still held"),
            (other.check.span, f"the other order: `{two}` is acquired first"),
            (other.act.span, f"the other order: `{one}` is acquired while `{two}` is held"),
            *((call, "reached through this call") for call in window.act.via[:1]),
        ),
        act=forward.second,
        shape=f"{two}|{backward.second.function}",
    )  # fmt: skip


RULE = Rule(
    code="DH202",
    name="lock-order-inversion",
    title="lock-order inversion",
    cwe=(833,),
    severity=Severity.HIGH,
    confidence=Confidence.HIGH,
    impact=(Impact.DENIAL_OF_SERVICE,),
    summary="Two requests acquire the same two locks in opposite orders: they can block each other for ever.",
    explanation="""\
One handler acquires lock P and, while holding it, lock Q; another acquires Q first and then P. Each is
fine on its own. When they meet in the middle, each holds what the other needs:

    A: lock P
    B: lock Q
    A: lock Q      waits for B
    B: lock P      waits for A, for ever

Neither request ever answers, the locks stay taken, and soon every worker waits. tokio's locks are no
different: the tasks are parked instead of the threads. Choose one order for all, or let go of the first
lock before taking the second, or put both values behind one lock.""",
    invalid=(
        Example(
            "two transfers, two orders",
            """\
use rocket::{post, State};
use std::sync::Mutex;

struct Bank { savings: Mutex<i64>, checking: Mutex<i64> }

#[post("/save")]
fn save(bank: &State<Bank>) {
    let mut checking = bank.checking.lock().unwrap();
    let mut savings = bank.savings.lock().unwrap();
    *checking -= 1;
    *savings += 1;
}

#[post("/spend")]
fn spend(bank: &State<Bank>) {
    let mut savings = bank.savings.lock().unwrap();
    let mut checking = bank.checking.lock().unwrap();
    *savings -= 1;
    *checking += 1;
}
""",
        ),
        Example(
            "through helpers, over tokio's locks and a static",
            """\
use rocket::{get, post, State, tokio::sync::{Mutex, RwLock}};
use std::sync::LazyLock;

static AUDIT: LazyLock<Mutex<Vec<String>>> = LazyLock::new(|| Mutex::new(Vec::new()));

struct Users { names: RwLock<Vec<String>> }

async fn audit(what: String) {
    AUDIT.lock().await.push(what);
}

#[post("/add/<name>")]
async fn add(name: String, users: &State<Users>) {
    let mut names = users.names.write().await;
    audit(name.clone()).await;
    names.push(name);
}

#[get("/report")]
async fn report(users: &State<Users>) -> String {
    let log = AUDIT.lock().await;
    let names = users.names.read().await;
    format!("{} of {}", log.len(), names.len())
}
""",
        ),
        Example(
            "three locks in a circle",
            """\
use rocket::{post, State};
use std::sync::Mutex;

struct Shop { stock: Mutex<u32>, orders: Mutex<u32>, bills: Mutex<u32> }

#[post("/order")]
fn order(shop: &State<Shop>) {
    let mut stock = shop.stock.lock().unwrap();
    *shop.orders.lock().unwrap() += 1;
    *stock -= 1;
}

#[post("/bill")]
fn bill(shop: &State<Shop>) {
    let mut orders = shop.orders.lock().unwrap();
    *shop.bills.lock().unwrap() += 1;
    *orders -= 1;
}

#[post("/refund")]
fn refund(shop: &State<Shop>) {
    let mut bills = shop.bills.lock().unwrap();
    *shop.stock.lock().unwrap() += 1;
    *bills -= 1;
}
""",
        ),
    ),
    valid=(
        Example(
            "one order for all",
            """\
use rocket::{post, State};
use std::sync::Mutex;

struct Bank { savings: Mutex<i64>, checking: Mutex<i64> }

#[post("/save")]
fn save(bank: &State<Bank>) {
    let mut savings = bank.savings.lock().unwrap();
    let mut checking = bank.checking.lock().unwrap();
    *checking -= 1;
    *savings += 1;
}

#[post("/spend")]
fn spend(bank: &State<Bank>) {
    let mut savings = bank.savings.lock().unwrap();
    let mut checking = bank.checking.lock().unwrap();
    *savings -= 1;
    *checking += 1;
}
""",
        ),
        Example(
            "never both at once",
            """\
use rocket::{post, State};
use std::sync::Mutex;

struct Bank { savings: Mutex<i64>, checking: Mutex<i64> }

#[post("/save")]
fn save(bank: &State<Bank>) {
    *bank.checking.lock().unwrap() -= 1;
    *bank.savings.lock().unwrap() += 1;
}

#[post("/spend")]
fn spend(bank: &State<Bank>) {
    *bank.savings.lock().unwrap() -= 1;
    *bank.checking.lock().unwrap() += 1;
}
""",
        ),
        Example(
            "a gate keeps them apart",
            """\
use rocket::{post, State};
use std::sync::Mutex;

struct Bank { gate: Mutex<()>, savings: Mutex<i64>, checking: Mutex<i64> }

#[post("/save")]
fn save(bank: &State<Bank>) {
    let _gate = bank.gate.lock().unwrap();
    let mut checking = bank.checking.lock().unwrap();
    let mut savings = bank.savings.lock().unwrap();
    *checking -= 1;
    *savings += 1;
}

#[post("/spend")]
fn spend(bank: &State<Bank>) {
    let _gate = bank.gate.lock().unwrap();
    let mut savings = bank.savings.lock().unwrap();
    let mut checking = bank.checking.lock().unwrap();
    *savings -= 1;
    *checking += 1;
}
""",
        ),
        Example(
            "readers only",
            """\
use rocket::{get, State};
use std::sync::RwLock;

struct Bank { savings: RwLock<i64>, checking: RwLock<i64> }

#[get("/sum")]
fn sum(bank: &State<Bank>) -> String {
    let savings = bank.savings.read().unwrap();
    let checking = bank.checking.read().unwrap();
    (*savings + *checking).to_string()
}

#[get("/difference")]
fn difference(bank: &State<Bank>) -> String {
    let checking = bank.checking.read().unwrap();
    let savings = bank.savings.read().unwrap();
    (*checking - *savings).to_string()
}
""",
        ),
        Example(
            "the first is let go",
            """\
use rocket::{post, State};
use std::sync::Mutex;

struct Bank { savings: Mutex<i64>, checking: Mutex<i64> }

#[post("/save")]
fn save(bank: &State<Bank>) {
    let checking = *bank.checking.lock().unwrap();
    let mut savings = bank.savings.lock().unwrap();
    *savings += checking;
}

#[post("/spend")]
fn spend(bank: &State<Bank>) {
    let savings = *bank.savings.lock().unwrap();
    let mut checking = bank.checking.lock().unwrap();
    *checking += savings;
}
""",
        ),
    ),
    fixes=(
        Fix(
            "acquire the locks in one order everywhere",
            Safety.UNSAFE,
            "whoever holds the first lock can always get the second",
            "the order has to be kept by whoever writes the next handler",
        ),
        Fix(
            "put both values behind one lock",
            Safety.UNSAFE,
            "there is nothing left to order, and the two change together",
            "requests for either now wait for both",
        ),
        Fix(
            "let go of the first lock before taking the second",
            Safety.UNSAFE,
            "nobody waits while holding",
            "the two values no longer change in one step",
        ),
    ),
    check=check,
)
