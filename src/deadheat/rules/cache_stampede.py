"""DH108: a cache looked at, then filled by everybody who found nothing. Covers P11."""

from collections.abc import Iterable

import msgspec

from deadheat.model import Confidence, Finding, Fix, Impact, Safety, Severity, Window
from deadheat.rules.context import Context, describe
from deadheat.rules.gaps import Gap, Shape
from deadheat.rules.rule import Example, Rule
from deadheat.rust import Event, Kind, Mode, Place, Root
from deadheat.rust.outside import UNIQUE


def check(rule: Rule, context: Context) -> Iterable[Finding]:
    """Look-ups whose miss is filled in another section.

    A note, because the value is the same; more where another handler changes what is cached, since
    what was made before the change may then be put in after it, and stay (Nishtala et al., *Scaling
    Memcache at Facebook*, NSDI 2013, section 3.2.1: stale sets, which leases prevent).
    """
    gaps = [gap for gap in context.gaps(Shape.CHECK_THEN_ACT) if gap.benign]
    fillers = {id(gap.root) for gap in gaps}
    for gap in gaps:
        window = context.window(gap.root, gap.check, gap.act)
        state = context.program.state_of(gap.state, gap.act.type).path
        one = context.who(gap.root)
        changing = [
            other
            for other in context.others(gap)
            if id(other) not in fillers and not _excluded(gap, other) and not _adds(gap, other)
        ]
        if changing:
            yield _stale(rule, context, gap, window, state, changing[0])
            continue
        message = (
            f"{one} looks into `{state}` in {describe(window.check)} and, when nothing is there, makes the "
            f"value and puts it in at {describe(window.act)}. Request A ({one}) finds nothing; request B "
            f"({one}) finds nothing either; both make the value, and one of the two is thrown away. It costs "
            f"work, not data, as long as both make the same."
        )
        yield context.finding(
            rule, gap.root, gap.state, window,
            handlers=context.collision(gap),
            message=message,
            confidence=Confidence.LOW,
            related=context.related(window, f"look-up in `{state}`", "reached through this call"),
            act=gap.act,
            shape=f"{gap.check.method}>{gap.act.method}",
        )  # fmt: skip


def _excluded(gap: Gap, other: Root) -> bool:
    """Whether a lock keeps the filling apart from every change that `other` makes."""
    shut = _shut(gap.root, gap.act, gap.state)
    return all(
        shut & _shut(other, event, gap.state)
        for event in other.events
        if event.kind in (Kind.WRITE, Kind.RMW) and event.place and event.place.state == gap.state
    )


def _adds(gap: Gap, other: Root) -> bool:
    """Whether `other` only puts in what nobody can have looked for yet, since it has just made the name."""
    drawn = [event for event in other.events if event.kind is Kind.CALL and event.method == UNIQUE]
    return all(
        event.method == "insert" and any(other.flow.follows(one, event) for one in drawn)
        for event in other.events
        if event.kind in (Kind.WRITE, Kind.RMW) and event.place and event.place.state == gap.state
    )


def _shut(root: Root, event: Event, state: Place) -> set[Place]:
    """What else is locked at an event, for nobody else to get."""
    return {
        lock.place.state
        for lock in root.flow.held(event, surely=True)
        if lock.place is not None and lock.place.state != state and lock.mode is not Mode.SHARED
    }


def _stale(rule: Rule, context: Context, gap: Gap, window: Window, state: str, changing: Root) -> Finding:
    one, other = context.who(gap.root), context.who(changing)
    found = context.finding(
        rule, gap.root, gap.state, window,
        handlers=context.collision(gap),
        message=(
            f"{one} looks into `{state}` in {describe(window.check)} and, when nothing is there, makes the"
            f" value and puts it in at {describe(window.act)}, while {other} changes what is cached. Request"
            f" A ({one}) finds nothing and makes the value; request B ({other}) changes it; A puts in what"
            f" was true before. The old value stays until the next change."
        ),
        confidence=Confidence.MEDIUM,
        related=context.related(window, f"look-up in `{state}`", "reached through this call"),
        act=gap.act,
        shape=f"{gap.check.method}>{gap.act.method}",
    )  # fmt: skip
    return msgspec.structs.replace(found, severity=Severity.MEDIUM)


RULE = Rule(
    code="DH108",
    name="cache-stampede",
    title="cache stampede",
    cwe=(400,),
    severity=Severity.LOW,
    confidence=Confidence.LOW,
    impact=(Impact.DENIAL_OF_SERVICE, Impact.INCONSISTENT_STATE),
    summary="Everybody who misses a cache makes the value: cheap work done twice, or dear work done often.",
    explanation="""\
The handler looks into a cache, finds nothing, makes the value and puts it in. When many requests find
nothing at the same moment, because the entry has just expired, all of them make it:

    A: look up    nothing
    B: look up    nothing
    A: fetch, put in
    B: fetch, put in        the same page, fetched twice

Mostly that is harmless, and this is a note. Where another handler changes what is cached, it is more: a
value made before the change can be put in after it, and the old value stays. It matters also where making
the value is dear (a slow query, a paid service: the stampede then hits it when it is busiest), or where two
values made at the same time differ. Let one request make it while the others wait: one cell or lock for
each key.""",
    invalid=(
        Example(
            "everybody fetches",
            """\
use rocket::{get, tokio::sync::RwLock, State};
use std::collections::HashMap;

struct Pages { by_url: RwLock<HashMap<String, String>> }

async fn fetch(url: &str) -> String { url.to_uppercase() }

#[get("/<url>")]
async fn page(url: String, pages: &State<Pages>) -> String {
    if let Some(page) = pages.by_url.read().await.get(&url).cloned() {
        return page;
    }
    let page = fetch(&url).await;
    pages.by_url.write().await.insert(url, page.clone());
    page
}
""",
        ),
        Example(
            "what was made before a change is put in after it",
            """\
use rocket::{get, put, tokio::sync::RwLock, State};
use std::collections::HashMap;

struct Pages { by_url: RwLock<HashMap<String, String>> }

async fn fetch(url: &str) -> String { url.to_uppercase() }

#[get("/<url>")]
async fn page(url: String, pages: &State<Pages>) -> String {
    if let Some(page) = pages.by_url.read().await.get(&url).cloned() {
        return page;
    }
    let page = fetch(&url).await;
    pages.by_url.write().await.insert(url, page.clone());
    page
}

#[put("/<url>", data = "<text>")]
async fn edit(url: String, text: String, pages: &State<Pages>) {
    pages.by_url.write().await.insert(url, text);
}
""",
        ),
        Example(
            "in a sharded map",
            """\
use dashmap::DashMap;
use rocket::{get, State};

struct Squares { known: DashMap<u64, u64> }

#[get("/square/<n>")]
fn square(n: u64, squares: &State<Squares>) -> String {
    if let Some(known) = squares.known.get(&n) {
        return known.to_string();
    }
    let square = n * n;
    squares.known.insert(n, square);
    square.to_string()
}
""",
        ),
    ),
    valid=(
        Example(
            "one cell for each key: one request makes the value",
            """\
use rocket::{get, tokio::sync::{OnceCell, Mutex}, State};
use std::{collections::HashMap, sync::Arc};

struct Pages { by_url: Mutex<HashMap<String, Arc<OnceCell<String>>>> }

async fn fetch(url: &str) -> String { url.to_uppercase() }

#[get("/<url>")]
async fn page(url: String, pages: &State<Pages>) -> String {
    let cell = pages.by_url.lock().await.entry(url.clone()).or_default().clone();
    cell.get_or_init(|| fetch(&url)).await.clone()
}
""",
        ),
        Example(
            "looked up and filled under one guard",
            """\
use rocket::{get, State};
use std::{collections::HashMap, sync::Mutex};

struct Squares { known: Mutex<HashMap<u64, u64>> }

#[get("/square/<n>")]
fn square(n: u64, squares: &State<Squares>) -> String {
    let mut known = squares.known.lock().unwrap();
    known.entry(n).or_insert(n * n).to_string()
}
""",
        ),
    ),
    fixes=(
        Fix(
            "keep one `OnceCell` (or one lock) for each key in the map, and fill that",
            Safety.UNSAFE,
            "the first request makes the value, the others wait for it",
            "a slow key holds up the requests for that key",
        ),
        Fix(
            "leave it, and say so with a reason, where the value is cheap and always the same",
            Safety.SAFE,
            "two requests that put in the same value leave the same cache",
            "the work is sometimes done twice",
        ),
    ),
    check=check,
)
