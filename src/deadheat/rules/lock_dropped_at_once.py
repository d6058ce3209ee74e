"""DH207: a lock is acquired and let go in the same statement. Covers P32."""

from collections.abc import Iterable

from deadheat.model import Confidence, Finding, Fix, Impact, Safety, Severity
from deadheat.rules.context import Context
from deadheat.rules.rule import Example, Rule
from deadheat.rules.sections import confidence_of, is_lock, spot
from deadheat.rust import Event, Root
from deadheat.rust.lower.guards import DROPPED_PERMIT

_HOW = {
    "let _": "`let _` does not keep the guard, it drops it at once (a name such as `_guard` would keep it)",
    DROPPED_PERMIT: "`let _` gives the permit back at once (a name such as `_permit` would keep it)",
    "statement": "the guard is a temporary of a statement that does nothing with it",
}


def check(rule: Rule, context: Context) -> Iterable[Finding]:
    """Acquisitions whose guard nobody keeps."""
    for root in context.program.roots:
        for event in root.acquired:
            if event.mark == DROPPED_PERMIT or (is_lock(event) and event.mark in _HOW):
                yield _finding(rule, context, root, event)


def _finding(rule: Rule, context: Context, root: Root, event: Event) -> Finding:
    place = event.place
    assert place is not None  # an acquisition
    state, one = context.program.state_of(place, event.type), context.who(root)
    message = (
        f"{one} acquires `{state.path}` and lets go of it in the same statement: {_HOW[event.mark]}. "
        "Request A "
        f"({one}) goes on without the lock; request B acquires it and runs beside A, as if there were none."
    )
    return spot(
        rule, context, root, event,
        state=state,
        message=message,
        confidence=confidence_of(rule, root, place),
        shape=event.mark,
    )  # fmt: skip


RULE = Rule(
    code="DH207",
    name="lock-dropped-at-once",
    title="lock dropped at once",
    cwe=(667,),
    severity=Severity.MEDIUM,
    confidence=Confidence.HIGH,
    impact=(Impact.INCONSISTENT_STATE, Impact.DATA_CORRUPTION),
    summary="A guard is dropped in the statement that made it: what follows runs without the lock.",
    explanation="""\
A lock is held as long as its guard lives, and a guard lives as long as something keeps it. An underscore
keeps nothing:

    let _ = state.gate.lock().await;         // dropped here
    let _guard = state.gate.lock().await;    // dropped at the end of the block

The same goes for a statement that only acquires. The code behind it was meant to be alone and is not.
(clippy knows std's locks, `let_underscore_lock`; it does not know tokio's.)""",
    invalid=(
        Example(
            "an underscore keeps nothing",
            """\
use rocket::{post, State, tokio::sync::Mutex};

struct Jobs { gate: Mutex<()> }

async fn rebuild() {}

#[post("/rebuild")]
async fn start(jobs: &State<Jobs>) {
    let _ = jobs.gate.lock().await;
    rebuild().await;
}
""",
        ),
        Example(
            "a permit given back before anything is done",
            """\
use rocket::{post, State, tokio::sync::Semaphore};

struct Jobs { slots: Semaphore }

async fn render() {}

#[post("/render")]
async fn start(jobs: &State<Jobs>) -> Option<()> {
    let _ = jobs.slots.acquire().await.ok()?;
    render().await;
    Some(())
}
""",
        ),
        Example(
            "acquired in a statement of its own",
            """\
use rocket::{post, State};
use std::sync::Mutex;

struct Jobs { gate: Mutex<()> }

fn rebuild() {}

#[post("/rebuild")]
fn start(jobs: &State<Jobs>) {
    jobs.gate.lock().unwrap();
    rebuild();
}
""",
        ),
    ),
    valid=(
        Example(
            "a name keeps it",
            """\
use rocket::{post, State, tokio::sync::Mutex};

struct Jobs { gate: Mutex<()> }

async fn rebuild() {}

#[post("/rebuild")]
async fn start(jobs: &State<Jobs>) {
    let _guard = jobs.gate.lock().await;
    rebuild().await;
}
""",
        ),
        Example(
            "the result of a call under the guard is not wanted",
            """\
use rocket::{post, State};
use std::{collections::HashSet, sync::Mutex};

struct Jobs { done: Mutex<HashSet<u32>> }

#[post("/done/<job>")]
fn done(job: u32, jobs: &State<Jobs>) {
    let _ = jobs.done.lock().unwrap().insert(job);
}
""",
        ),
    ),
    fixes=(
        Fix(
            "give the guard a name: `let _guard = …`",
            Safety.UNSAFE,
            "the guard lives to the end of the block",
            "what follows now waits for the lock, which is what was meant; look for a second "
            "acquisition below it",
        ),
    ),
    check=check,
)
