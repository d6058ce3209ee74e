"""DH206: elements of one collection are locked in the order in which a request names them. Covers P26."""

import re
from collections.abc import Iterable

from deadheat.model import Confidence, Finding, Fix, Impact, Safety, Severity
from deadheat.rules.context import Context, describe
from deadheat.rules.rule import Example, Rule
from deadheat.rules.sections import confidence_of, is_lock
from deadheat.rust import Event, Kind, Mode, Place, Root

# Somebody thought about the order: the two are compared, or all are sorted.
_ORDERED = re.compile(
    r"\bsort(?:ed|_by|_unstable|_by_key|_unstable_by)?\b|\.(?:min|max|cmp|partial_cmp)\(|\b(?:min|max|swap|minmax)\(|BTree"
)


def check(rule: Rule, context: Context) -> Iterable[Finding]:
    """Two elements of one collection, both locked, their order given from outside."""
    for root in context.program.roots:
        for event in root.acquired:
            if not is_lock(event) or event.place is None or event.kind is not Kind.ACQUIRE:
                continue
            for first in root.flow.held(event, surely=False):
                keys = _elements(first, event)
                if keys is None or _is_ordered(context, root, event, keys) or _has_gate(root, first, event):
                    continue
                yield _finding(rule, context, root, first, event, keys)
                break


def _elements(first: Event, second: Event) -> tuple[str, str] | None:
    """The keys of two different elements of one collection."""
    if not is_lock(first) or first.place is None or second.place is None or first.id == second.id:
        return None
    if first.mode is Mode.SHARED and second.mode is Mode.SHARED:
        return None
    one, other = first.place, second.place
    if one.root != other.root or len(one.path) != len(other.path):
        return None
    differ = [(a, b) for a, b in zip(one.path, other.path, strict=True) if a != b]
    if len(differ) != 1 or not all(step.startswith("[") for step in differ[0]):
        return None
    a, b = (step[1:-1] for step in differ[0])
    if "*" in (a, b) or _is_literal(a) or _is_literal(b):
        return None
    return a, b


def _is_literal(key: str) -> bool:
    return key[:1] in "\"'" or key.replace("_", "").isdigit()


def _is_ordered(context: Context, root: Root, event: Event, keys: tuple[str, str]) -> bool:
    """Whether the order is fixed: sorted, compared, or both orders appear behind a comparison."""
    functions = context.program.types.functions
    for path in dict.fromkeys((event.function, root.function.path)):
        function = functions.get(path)
        body = function.body_text if function is not None else None
        if body is None:
            continue
        text = body.decode("utf-8", "replace")
        if _ORDERED.search(text):
            return True
        for left, right in (keys, keys[::-1]):
            a, b = re.escape(left), re.escape(right)
            # `a < b`, or `let (a, b) = if … { (x, y) } else { (y, x) }`
            compared = rf"(?<![\w.]){a}\s*(?:<=?|>=?)\s*&?\*?{b}(?![\w.])"
            chosen = rf"\(\s*(?:mut\s+)?{a}\s*,\s*(?:mut\s+)?{b}\s*\)\s*=\s*(?:if|match)\b"
            if re.search(f"{compared}|{chosen}", text):
                return True
    return False


def _has_gate(root: Root, first: Event, second: Event) -> bool:
    """Whether one more lock is held exclusively over both: then nobody else is inside."""
    inside = {id(first), id(second)}
    return any(
        is_lock(guard) and guard.mode is Mode.EXCLUSIVE and id(guard) not in inside
        for guard in root.flow.held(first, surely=True)
    )


def _finding(
    rule: Rule, context: Context, root: Root, first: Event, second: Event, keys: tuple[str, str]
) -> Finding:
    window, place = context.window(root, first, second), second.place
    assert place is not None  # an acquisition
    shown = Place(place.root, tuple("[…]" if step.startswith("[") else step for step in place.path))
    state, one = context.program.state_of(shown, second.type).path, context.who(root)
    a, b = keys
    message = (
        f"{one} locks element `{a}` of `{state}`, then element `{b}` in {describe(window.act)}, in "
        "the order in "
        f"which they are named. Request A asks for ({a}, {b}) = (1, 2), request B for (2, 1): A holds 1 and "
        f"waits for 2, B holds 2 and waits for 1, for ever."
    )
    return context.finding(
        rule, root, shown, window,
        handlers=context.handlers(root, ()),
        message=message,
        confidence=confidence_of(rule, root, place, sure=bool(root.flow.must[second.id] >> first.id & 1)),
        related=context.related(window, f"element `{a}` is locked here and still held", "in this call"),
        act=second,
        shape=f"{a}>{b}",
    )  # fmt: skip


RULE = Rule(
    code="DH206",
    name="request-ordered-locks",
    title="locks taken in request order",
    cwe=(833,),
    severity=Severity.HIGH,
    confidence=Confidence.HIGH,
    impact=(Impact.DENIAL_OF_SERVICE,),
    summary="Two elements are locked in the order a request names them: two requests can cross.",
    explanation="""\
Each account, room or row has a lock of its own, and a request locks two of them: first the one it names
first. Two requests that name the same two the other way round meet in the middle:

    A: transfer 1 to 2     locks 1
    B: transfer 2 to 1     locks 2
    A:                     waits for 2
    B:                     waits for 1

It is a lock-order inversion with one piece of code, and whoever sends the requests decides when. With
the same element twice the request even waits for itself. Lock the smaller key first, whatever the request
says, and refuse equal keys.""",
    invalid=(
        Example(
            "a transfer between two accounts",
            """\
use rocket::{post, State};
use std::sync::Mutex;

struct Bank { accounts: Vec<Mutex<i64>> }

#[post("/transfer/<from>/<to>/<amount>")]
fn transfer(from: usize, to: usize, amount: i64, bank: &State<Bank>) {
    let mut source = bank.accounts[from].lock().unwrap();
    let mut target = bank.accounts[to].lock().unwrap();
    *source -= amount;
    *target += amount;
}
""",
        ),
        Example(
            "compared with the number of accounts, not with each other",
            """\
use rocket::{http::Status, post, State};
use std::sync::Mutex;

struct Bank { accounts: Vec<Mutex<i64>> }

#[post("/transfer/<a>/<b>/<n>")]
fn transfer(a: usize, b: usize, n: i64, bank: &State<Bank>) -> Status {
    if a == b || a >= bank.accounts.len() || b >= bank.accounts.len() {
        return Status::BadRequest;
    }
    let mut from = bank.accounts[a].lock().unwrap();
    let mut to = bank.accounts[b].lock().unwrap();
    *from -= n;
    *to += n;
    Status::Ok
}
""",
        ),
        Example(
            "locks in a map, tokio's",
            """\
use rocket::{post, State, tokio::sync::Mutex};
use std::{collections::HashMap, sync::Arc};

struct Rooms { by_name: HashMap<String, Arc<Mutex<Vec<String>>>> }

#[post("/move/<from>/<to>/<who>")]
async fn relocate(from: &str, to: &str, who: String, rooms: &State<Rooms>) -> Option<()> {
    let mut old = rooms.by_name.get(from)?.lock().await;
    let mut new = rooms.by_name.get(to)?.lock().await;
    old.retain(|one| *one != who);
    new.push(who);
    Some(())
}
""",
        ),
    ),
    valid=(
        Example(
            "the smaller one first",
            """\
use rocket::{post, State};
use std::sync::Mutex;

struct Bank { accounts: Vec<Mutex<i64>> }

#[post("/transfer/<from>/<to>/<amount>")]
fn transfer(from: usize, to: usize, amount: i64, bank: &State<Bank>) {
    let (low, high) = if from < to { (from, to) } else { (to, from) };
    let mut first = bank.accounts[low].lock().unwrap();
    let mut second = bank.accounts[high].lock().unwrap();
    *first -= amount;
    *second += amount;
}
""",
        ),
        Example(
            "one lock after the other",
            """\
use rocket::{post, State};
use std::sync::Mutex;

struct Bank { accounts: Vec<Mutex<i64>> }

#[post("/transfer/<from>/<to>/<amount>")]
fn transfer(from: usize, to: usize, amount: i64, bank: &State<Bank>) {
    *bank.accounts[from].lock().unwrap() -= amount;
    *bank.accounts[to].lock().unwrap() += amount;
}
""",
        ),
        Example(
            "fixed elements in a fixed order",
            """\
use rocket::{post, State};
use std::sync::Mutex;

struct Bank { accounts: Vec<Mutex<i64>> }

#[post("/fee/<amount>")]
fn fee(amount: i64, bank: &State<Bank>) {
    let mut ours = bank.accounts[0].lock().unwrap();
    let mut theirs = bank.accounts[1].lock().unwrap();
    *ours += amount;
    *theirs -= amount;
}
""",
        ),
    ),
    fixes=(
        Fix(
            "lock in the order of the keys, whatever the request says, and refuse equal keys",
            Safety.UNSAFE,
            "whoever holds the smaller key can always get the larger one",
            "a comparison",
        ),
        Fix(
            "let go of the first lock before taking the second",
            Safety.UNSAFE,
            "nobody waits while holding",
            "the two elements no longer change in one step",
        ),
    ),
    check=check,
)
