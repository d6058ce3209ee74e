"""DH205: a concurrent map is used while a reference into it is alive. Covers P27."""

from collections.abc import Iterable

from deadheat.model import Confidence, Finding, Fix, Impact, Safety, Severity
from deadheat.rules.context import Context, describe
from deadheat.rules.rule import Example, Rule
from deadheat.rules.sections import is_reference
from deadheat.rust import Event, Kind, Mode, Root
from deadheat.rust.types import is_concurrent_map


def check(rule: Rule, context: Context) -> Iterable[Finding]:
    """Calls on a map under a reference into the same map, when one of the two excludes the other."""
    for root in context.program.roots:
        done: set[int] = set()
        for event in root.events:
            if event.place is None or not is_concurrent_map(event.type):
                continue
            if event.kind not in (Kind.READ, Kind.WRITE, Kind.RMW, Kind.ACQUIRE):
                continue
            for first in root.flow.held(event, surely=False):
                if first.id not in done and _blocks(first, event):
                    done.add(first.id)
                    yield _finding(rule, context, root, first, event)
                    break


def _blocks(first: Event, second: Event) -> bool:
    if not is_reference(first) or second.place is None or first.id in second.guards:
        return False
    if first.place != second.place.state or first.id == second.id:
        return False
    exclusive = second.mode is Mode.EXCLUSIVE if second.kind is Kind.ACQUIRE else second.kind is not Kind.READ
    return first.mode is Mode.EXCLUSIVE or exclusive


def _finding(rule: Rule, context: Context, root: Root, first: Event, second: Event) -> Finding:
    window, place = context.window(root, first, second), first.place
    assert place is not None  # an acquisition
    state, one = context.program.state_of(place, second.type).path, context.who(root)
    surely = bool(root.flow.must[second.id] >> first.id & 1)
    message = (
        f"{one} calls {describe(window.act)} on `{state}` while the reference from {describe(window.check)} "
        f"is alive. The reference keeps a shard of the map locked; when the call needs that shard, request A "
        f"({one}) waits for itself, and every request whose key lies in it waits behind."
    )
    return context.finding(
        rule, root, place, window,
        handlers=context.handlers(root, ()),
        message=message,
        confidence=context.confidence(rule, root, place, proven=surely),
        related=context.related(window, f"a reference into `{state}`, still alive", "the call is in here"),
        act=second,
        shape=f"{first.method}>{second.method}",
    )  # fmt: skip


RULE = Rule(
    code="DH205",
    name="map-reference-held",
    title="map used under a reference into it",
    cwe=(764, 833),
    severity=Severity.HIGH,
    confidence=Confidence.HIGH,
    impact=(Impact.DENIAL_OF_SERVICE,),
    summary="A DashMap is changed while a reference into it is alive: the request can wait for itself.",
    explanation="""\
A `DashMap` is many small maps, each behind its own lock. What `get`, `get_mut`, `iter` and `entry` give
back is a guard: it keeps its shard locked as long as it lives. Changing the map meanwhile asks for a
shard's lock again, and when it is the same shard, the request waits for itself:

    if let Some(user) = users.get(&id) {
        users.remove(&user.friend);      // `user` keeps a shard locked
    }

Whether the two keys share a shard is chance, so it hangs once in a while and for good. Under `get_mut`
even reading the map can wait. Copy what is needed, let the reference end, then change the map.""",
    invalid=(
        Example(
            "removed while it is looked at",
            """\
use dashmap::DashMap;
use rocket::{post, State};

struct Sessions { by_id: DashMap<u64, String> }

#[post("/logout/<id>")]
fn logout(id: u64, sessions: &State<Sessions>) -> String {
    if let Some(user) = sessions.by_id.get(&id) {
        sessions.by_id.remove(&id);
        return user.clone();
    }
    String::new()
}
""",
        ),
        Example(
            "swept while it is walked through",
            """\
use dashmap::DashMap;
use rocket::{post, State};

struct Sessions { by_id: DashMap<u64, u64> }

#[post("/sweep/<now>")]
fn sweep(now: u64, sessions: &State<Sessions>) {
    for session in sessions.by_id.iter() {
        if *session.value() < now {
            sessions.by_id.remove(session.key());
        }
    }
}
""",
        ),
        Example(
            "counted while one entry is changed",
            """\
use dashmap::DashMap;
use rocket::{post, State};

struct Votes { by_name: DashMap<String, u32> }

#[post("/vote/<name>")]
fn vote(name: String, votes: &State<Votes>) -> String {
    let mut count = votes.by_name.entry(name).or_insert(0);
    *count += 1;
    format!("{} names", votes.by_name.len())
}
""",
        ),
    ),
    valid=(
        Example(
            "copied out first",
            """\
use dashmap::DashMap;
use rocket::{post, State};

struct Sessions { by_id: DashMap<u64, String> }

#[post("/logout/<id>")]
fn logout(id: u64, sessions: &State<Sessions>) -> String {
    match sessions.by_id.remove(&id) {
        Some((_, user)) => user,
        None => String::new(),
    }
}
""",
        ),
        Example(
            "nothing was found, so nothing is held",
            """\
use dashmap::DashMap;
use rocket::{post, State};

struct Names { by_id: DashMap<u64, String>, seen: DashMap<u64, bool> }

#[post("/name/<id>")]
fn name(id: u64, names: &State<Names>) -> String {
    let Some(mut found) = names.by_id.get_mut(&id) else {
        return format!("none of {}", names.by_id.len());
    };
    names.seen.insert(id, true);
    found.push('!');
    found.clone()
}
""",
        ),
        Example(
            "the reference has ended",
            """\
use dashmap::DashMap;
use rocket::{post, State};

struct Votes { by_name: DashMap<String, u32> }

#[post("/vote/<name>")]
fn vote(name: String, votes: &State<Votes>) -> String {
    let known = votes.by_name.len();
    *votes.by_name.entry(name).or_insert(0) += 1;
    format!("{known} names before")
}
""",
        ),
    ),
    fixes=(
        Fix(
            "copy what is needed out of the reference and let it end before the next call",
            Safety.UNSAFE,
            "no shard is locked when the map is asked again",
            "a copy; and the entry may change in between",
        ),
        Fix(
            "use one call that does both (`remove`, `remove_if`, `retain`, `alter`, `entry`)",
            Safety.UNSAFE,
            "the map does look and change under one shard lock",
            "none worth naming",
        ),
    ),
    check=check,
)
