"""DH204: one request reads the same reader-writer lock twice at once. Covers P25."""

from collections.abc import Iterable

from deadheat.model import Confidence, Finding, Fix, Impact, Safety, Severity
from deadheat.rules.context import Context, describe
from deadheat.rules.rule import Example, Rule
from deadheat.rules.sections import is_lock
from deadheat.rust import Event, Mode, Place, Root


def check(rule: Rule, context: Context) -> Iterable[Finding]:
    """Shared acquisitions under a shared guard of the same lock, when somebody writes it."""
    writers: dict[Place, list[Root]] = {}
    for root in context.program.roots:
        for event in root.acquired:
            if is_lock(event) and event.mode is Mode.EXCLUSIVE and event.place is not None:
                writers.setdefault(event.place, []).append(root)
    for root in context.program.roots:
        for event in root.acquired:
            if not is_lock(event) or event.place not in writers or event.mode is not Mode.SHARED:
                continue
            if event.method == "read_recursive":
                continue
            for first in root.flow.held(event, surely=False):
                if _twice(first, event):
                    yield _finding(rule, context, root, first, event, writers[event.place])
                    break


def _twice(first: Event, second: Event) -> bool:
    return (
        is_lock(first)
        and first.id != second.id
        and first.place == second.place
        and first.mode is Mode.SHARED
        and first.place is not None
        and not any("[*]" in step for step in first.place.path)
    )


def _finding(
    rule: Rule, context: Context, root: Root, first: Event, second: Event, writers: list[Root]
) -> Finding:
    window, place = context.window(root, first, second), second.place
    assert place is not None  # an acquisition
    state, one, other = context.program.state_of(place, second.type).path, context.who(root), writers[0]
    proven = bool(root.flow.must[second.id] >> first.id & 1)
    message = (
        f"{one} reads `{state}` in {describe(window.act)} while its own read guard from "
        f"{describe(window.check)} is alive. Request A ({one}) reads; request B ({context.who(other)}) "
        f"queues to write; A's second read queues behind B, and B waits for A's first read: for ever."
    )
    return context.finding(
        rule, root, place, window,
        handlers=context.handlers(root, writers),
        message=message,
        confidence=context.confidence(rule, root, place, proven=proven),
        related=context.related(window, f"`{state}` is read here and still held", "in this call"),
        act=second,
        shape=f"{first.method}>{second.method}",
    )  # fmt: skip


RULE = Rule(
    code="DH204",
    name="recursive-read-lock",
    title="recursive read",
    cwe=(833,),
    severity=Severity.MEDIUM,
    confidence=Confidence.MEDIUM,
    impact=(Impact.DENIAL_OF_SERVICE,),
    summary="A request reads a lock it already reads: a writer that queues in between blocks both for ever.",
    explanation="""\
Two readers may hold a reader-writer lock at once, so reading twice looks harmless. It is, until somebody
queues to write: tokio's, parking_lot's and (on most systems) std's locks let a waiting writer go first.

    A: read            holds
    B: write           waits for A
    A: read again      waits for B

Neither ever goes on. It needs a writer at the right moment, so it passes every test and hangs in
production. Read once and pass what was read to the helper.""",
    invalid=(
        Example(
            "a helper reads again",
            """\
use rocket::{get, post, State, tokio::sync::RwLock};

struct Prices { list: RwLock<Vec<u32>> }

impl Prices {
    async fn total(&self) -> u32 {
        self.list.read().await.iter().sum()
    }
}

#[get("/report")]
async fn report(prices: &State<Prices>) -> String {
    let list = prices.list.read().await;
    format!("{} of {}", list.len(), prices.total().await)
}

#[post("/add/<price>")]
async fn add(price: u32, prices: &State<Prices>) {
    prices.list.write().await.push(price);
}
""",
        ),
        Example(
            "two reads in one loop",
            """\
use rocket::{get, post, State};
use std::sync::RwLock;

struct Graph { nodes: RwLock<Vec<usize>> }

#[get("/edges")]
fn edges(graph: &State<Graph>) -> String {
    let mut count = 0;
    for node in graph.nodes.read().unwrap().iter() {
        if graph.nodes.read().unwrap().len() > *node {
            count += 1;
        }
    }
    count.to_string()
}

#[post("/node/<node>")]
fn add(node: usize, graph: &State<Graph>) {
    graph.nodes.write().unwrap().push(node);
}
""",
        ),
    ),
    valid=(
        Example(
            "read once, pass it on",
            """\
use rocket::{get, post, State, tokio::sync::RwLock};

struct Prices { list: RwLock<Vec<u32>> }

fn total(list: &[u32]) -> u32 {
    list.iter().sum()
}

#[get("/report")]
async fn report(prices: &State<Prices>) -> String {
    let list = prices.list.read().await;
    format!("{} of {}", list.len(), total(&list))
}

#[post("/add/<price>")]
async fn add(price: u32, prices: &State<Prices>) {
    prices.list.write().await.push(price);
}
""",
        ),
        Example(
            "one read after the other",
            """\
use rocket::{get, post, State};
use std::sync::RwLock;

struct Graph { nodes: RwLock<Vec<usize>> }

#[get("/size")]
fn size(graph: &State<Graph>) -> String {
    let first = graph.nodes.read().unwrap().first().copied();
    let count = graph.nodes.read().unwrap().len();
    format!("{first:?} {count}")
}

#[post("/node/<node>")]
fn add(node: usize, graph: &State<Graph>) {
    graph.nodes.write().unwrap().push(node);
}
""",
        ),
        Example(
            "nobody ever writes",
            """\
use rocket::{get, State};
use std::sync::RwLock;

struct Words { list: RwLock<Vec<String>> }

#[get("/both")]
fn both(words: &State<Words>) -> String {
    let list = words.list.read().unwrap();
    let again = words.list.read().unwrap();
    format!("{} {}", list.len(), again.len())
}
""",
        ),
    ),
    fixes=(
        Fix(
            "read once and pass the guard's content on",
            Safety.UNSAFE,
            "there is one acquisition, and nothing to wait for while holding it",
            "the helper's signature changes",
        ),
        Fix(
            "copy what is needed and let go before reading again",
            Safety.UNSAFE,
            "nothing is held while waiting",
            "the two reads may see different states",
        ),
    ),
    check=check,
)
