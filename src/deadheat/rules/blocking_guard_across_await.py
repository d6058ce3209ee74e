"""DH302: a thread-blocking guard lives across an `.await` where nothing asks for `Send`. Covers P30."""

from collections.abc import Iterable

from deadheat.model import Confidence, Finding, Fix, Impact, Safety, Severity
from deadheat.rules.context import Context
from deadheat.rules.rule import Example, Rule
from deadheat.rules.sections import confidence_of, is_lock, parks, spot
from deadheat.rust import Event, Kind, Root


def check(rule: Rule, context: Context) -> Iterable[Finding]:
    """Awaits under a std or parking_lot guard; the first of each guard."""
    sendable = any(b"send_guard" in text for text in context.program.tree.manifests.values())
    for root in context.program.roots:
        done: set[int] = set()
        for event in root.events:
            if event.kind is not Kind.AWAIT or not root.flow.is_live(event):
                continue
            for guard in root.flow.held(event, surely=True):
                if guard.id not in done and is_lock(guard) and guard.type is not None and not parks(guard):
                    done.add(guard.id)
                    free = _needs_no_send(root) or (sendable and "parking_lot" in guard.type.name)
                    yield _finding(rule, context, root, guard, event, refused=not free)


def _needs_no_send(root: Root) -> bool:
    """Whether the compiler lets the guard through: nobody moves the future between threads."""
    if root.task:
        start = root.start
        return start is not None and b"spawn_local" in start.file.text[start.start : start.end]
    return not root.function.is_async


def _finding(
    rule: Rule, context: Context, root: Root, guard: Event, event: Event, *, refused: bool
) -> Finding:
    place = guard.place
    assert place is not None  # an acquisition
    state, one = context.program.state_of(place, guard.type), context.who(root)
    span = context.program.span(guard.where)
    message = (
        f"{one} waits here while its guard of `{state.path}` (line {span.start_line}) is alive. It is "
        "parked with "
        f"a lock that blocks threads: whoever asks for it meanwhile blocks a thread that may be the "
        "one needed "
        f"to go on."
    )
    if refused:
        message += " (Where the future must be `Send`, rustc refuses this.)"
    found = confidence_of(rule, root, place)
    return spot(
        rule, context, root, event,
        state=state,
        message=message,
        confidence=Confidence.LOW if refused else found,
        related=((span, f"`{state.path}` is acquired here and still held"),),
        shape=guard.method,
        since=guard,
    )  # fmt: skip


RULE = Rule(
    code="DH302",
    name="blocking-guard-across-await",
    title="thread-blocking guard across an await",
    cwe=(667, 833),
    severity=Severity.MEDIUM,
    confidence=Confidence.MEDIUM,
    impact=(Impact.DENIAL_OF_SERVICE,),
    summary="A std or parking_lot guard is held across an `.await` where nothing makes the compiler refuse.",
    explanation="""\
A handler's future must be `Send`, and a std guard is not, so rustc stops most of these. It does not where
the future stays on one thread: `block_on` in a sync handler, `spawn_local`, a `LocalSet`; nor for
parking_lot's guards with the `send_guard` feature. There a task is parked while it holds a lock that
blocks threads:

    task 1: lock, wait for something        parked, holds the lock
    task 2: lock                            blocks the only thread that could go on with task 1

Use tokio's lock where a guard must live across an `.await`, or end the guard first.""",
    invalid=(
        Example(
            "block_on in a sync handler",
            """\
use rocket::{post, State};
use std::sync::Mutex;

struct Mails { sent: Mutex<u32> }

async fn deliver() {}

#[post("/mail")]
fn mail(mails: &State<Mails>) {
    rocket::tokio::runtime::Handle::current().spawn_blocking(|| ());
    futures::executor::block_on(async {
        let mut sent = mails.sent.lock().unwrap();
        deliver().await;
        *sent += 1;
    });
}
""",
        ),
        Example(
            "a task of one thread",
            """\
use rocket::{post, State, tokio::task::spawn_local};
use std::sync::{Arc, Mutex};

struct Mails { sent: Arc<Mutex<u32>> }

async fn deliver() {}

#[post("/mail")]
async fn mail(mails: &State<Mails>) {
    let sent = mails.sent.clone();
    spawn_local(async move {
        let mut sent = sent.lock().unwrap();
        deliver().await;
        *sent += 1;
    });
}
""",
        ),
    ),
    valid=(
        Example(
            "tokio's lock may wait",
            """\
use rocket::{post, State, tokio::sync::Mutex};

struct Mails { sent: Mutex<u32> }

async fn deliver() {}

#[post("/mail")]
async fn mail(mails: &State<Mails>) {
    let mut sent = mails.sent.lock().await;
    deliver().await;
    *sent += 1;
}
""",
        ),
        Example(
            "the guard ends in a block before the wait",
            """\
use rocket::{post, State};
use std::sync::Mutex;

struct Mails { sent: Mutex<u32> }

async fn deliver() {}

#[post("/mail")]
fn mail(mails: &State<Mails>) {
    futures::executor::block_on(async {
        {
            let mut sent = mails.sent.lock().unwrap();
            *sent += 1;
        }
        deliver().await;
    });
}
""",
        ),
    ),
    fixes=(
        Fix(
            "use tokio's lock, whose waiters are parked",
            Safety.UNSAFE,
            "nobody blocks a thread while waiting for the guard",
            "every acquisition becomes an `.await`",
        ),
        Fix(
            "end the guard before the `.await`",
            Safety.UNSAFE,
            "nothing is held while parked",
            "the state may change meanwhile: look again before acting on what was seen",
        ),
    ),
    check=check,
)
