"""DH208: one panic under a lock makes every later request fail. Covers P31."""

from collections.abc import Iterable

from deadheat.model import Confidence, Finding, Fix, Impact, Safety, Severity
from deadheat.rules.context import Context
from deadheat.rules.rule import Example, Rule
from deadheat.rules.sections import confidence_of, is_lock, merged_handlers, spot
from deadheat.rust import Event, Kind, Place, Root
from deadheat.rust.outside import PANIC


def check(rule: Rule, context: Context) -> Iterable[Finding]:
    """A panic that is possible under a lock whose poison is unwrapped; one finding a lock."""
    panics: dict[Place, tuple[Root, Event]] = {}
    users: dict[Place, list[Root]] = {}
    for root in context.program.roots:
        if not root.serves:
            continue
        for event in root.events:
            if is_lock(event) and event.mark == "unwrap" and event.place is not None:
                users.setdefault(event.place, []).append(root)
            elif event.kind is Kind.CALL and event.method == PANIC and root.flow.is_live(event):
                for guard in root.flow.held(event, surely=True):
                    if is_lock(guard) and guard.mark == "unwrap" and guard.place is not None:
                        panics.setdefault(guard.place, (root, event))
    for place, (root, event) in panics.items():
        yield _finding(rule, context, root, event, place, users.get(place, [root]))


def _finding(
    rule: Rule, context: Context, root: Root, event: Event, place: Place, users: list[Root]
) -> Finding:
    state = context.program.state_of(place)
    one = context.who(root)
    message = (
        f"{one} can panic at `{event.operation}` while it holds `{state.path}`, and whoever acquires "
        "that lock "
        f"unwraps its result. Request A panics once (500); from then on the lock is poisoned and "
        "every request "
        f"that needs it panics too, until the process is restarted."
    )
    return spot(
        rule, context, root, event,
        state=state,
        message=message,
        confidence=confidence_of(rule, root, place),
        handlers=merged_handlers([root, *users]),
        shape=event.operation,
    )  # fmt: skip


RULE = Rule(
    code="DH208",
    name="poisoned-lock",
    title="poisoned lock",
    cwe=(248, 667),
    severity=Severity.INFO,
    confidence=Confidence.LOW,
    impact=(Impact.DENIAL_OF_SERVICE,),
    summary="A panic under a std lock poisons it: where `.lock()` is unwrapped, later requests fail.",
    explanation="""\
Rocket catches a panic in a handler and answers 500. A std `Mutex` or `RwLock` remembers it: the lock is
poisoned, and `lock()` gives an error from then on. Where everybody writes `.lock().unwrap()`, one bad
request is enough to make all later ones fail:

    let users = state.users.lock().unwrap();
    users.get(&id).unwrap();                 // no such user: panic, and the lock is poisoned for good

Look up what can be missing without `unwrap` while the lock is held, or decide that a half-done change is
bearable and take the guard out of the error (`unwrap_or_else(PoisonError::into_inner)`). parking_lot's
and tokio's locks do not poison: there the next request sees whatever the panic left behind.""",
    invalid=(
        Example(
            "an unknown name poisons the lock",
            """\
use rocket::{get, State};
use std::{collections::HashMap, sync::Mutex};

struct Users { by_name: Mutex<HashMap<String, u32>> }

#[get("/age/<name>")]
fn age(name: &str, users: &State<Users>) -> String {
    let by_name = users.by_name.lock().unwrap();
    by_name.get(name).unwrap().to_string()
}
""",
        ),
        Example(
            "a bad number is parsed under the lock",
            """\
use rocket::{post, State};
use std::sync::Mutex;

struct Log { lines: Mutex<Vec<u32>> }

#[post("/log/<number>")]
fn log(number: &str, log: &State<Log>) {
    let mut lines = log.lines.lock().expect("lock");
    let value: u32 = number.parse().expect("a number");
    lines.push(value);
}
""",
        ),
    ),
    valid=(
        Example(
            "what can be missing is asked for without unwrap",
            """\
use rocket::{get, State};
use std::{collections::HashMap, sync::Mutex};

struct Users { by_name: Mutex<HashMap<String, u32>> }

#[get("/age/<name>")]
fn age(name: &str, users: &State<Users>) -> Option<String> {
    let by_name = users.by_name.lock().unwrap();
    by_name.get(name).map(|age| age.to_string())
}
""",
        ),
        Example(
            "the guard is taken out of a poisoned lock",
            """\
use rocket::{post, State};
use std::sync::{Mutex, PoisonError};

struct Log { lines: Mutex<Vec<u32>> }

#[post("/log/<number>")]
fn log(number: &str, log: &State<Log>) {
    let mut lines = log.lines.lock().unwrap_or_else(PoisonError::into_inner);
    lines.push(number.parse().expect("a number"));
}
""",
        ),
    ),
    fixes=(
        Fix(
            "do what can panic before the lock is taken, or without `unwrap`",
            Safety.UNSAFE,
            "no panic happens while the guard is alive, so nothing is poisoned",
            "the missing case has to be answered",
        ),
        Fix(
            "take the guard out of the error: `lock().unwrap_or_else(PoisonError::into_inner)`",
            Safety.UNSAFE,
            "later requests go on",
            "they may see a change that was half done",
        ),
    ),
    check=check,
)
