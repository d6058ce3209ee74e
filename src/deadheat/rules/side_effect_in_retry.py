"""DH120: an effect inside a closure that may run more than once. Covers P16."""

from collections.abc import Iterable

from deadheat.model import Confidence, Finding, Fix, Impact, Safety, Severity
from deadheat.rules.context import Context
from deadheat.rules.rule import Example, Rule
from deadheat.rust import Event, Kind, Root
from deadheat.rust.ir import RETRY
from deadheat.rust.known import RETRIED
from deadheat.rust.outside import BLOCKING, EXTERNAL, SLOW

_CHANGES = frozenset({Kind.WRITE, Kind.RMW, Kind.SEND, Kind.SPAWN})
_CALLS = frozenset({BLOCKING, EXTERNAL, SLOW})


def check(rule: Rule, context: Context) -> Iterable[Finding]:
    """Updates whose closure changes something else."""
    for root in context.program.roots:
        for start in root.events:
            if start.mark != RETRY or not root.flow.is_live(start):
                continue
            end = _update(root, start)
            if end is None or end.place is None:
                continue
            inside = [event for event in root.events[start.id + 1 : end.id] if _is_effect(event)]
            if not inside and not start.operation:
                continue
            effect = next((event for event in inside if event.place is not None), end)
            window = context.window(root, effect, end)
            state = context.program.state_of(end.place.state, end.type).path
            said = effect.operation if effect is not end else start.operation
            who = context.who(root)
            message = (
                f"{who} changes `{state}` by `{end.method}`, whose closure also does `{said}` (line "
                f"{window.check.span.start_line}). Request A ({who}) runs the closure; request B changes "
                f"`{state}` before A's exchange; A's exchange fails and the closure runs again: its effect "
                f"happens twice for one update."
            )
            yield context.finding(
                rule, root, end.place.state, window,
                handlers=context.handlers(root, context.writers(end.place.state, end.place.part)),
                message=message,
                # Only the text tells of a local that is counted up, and that may be what is wanted.
                confidence=context.confidence(rule, root, end.place.state, proven=bool(inside)),
                related=context.related(window, f"effect: `{said}`", "reached through this call"),
                act=end,
                shape=f"{end.method}:{said.split('(')[0]}",
            )  # fmt: skip


def _update(root: Root, start: Event) -> Event | None:
    depth = 0
    for event in root.events[start.id + 1 :]:
        if event.mark == RETRY:
            depth += 1
        elif event.kind is Kind.RMW and event.method in RETRIED:
            if not depth:
                return event
            depth -= 1
    return None


def _is_effect(event: Event) -> bool:
    return event.kind in _CHANGES or (event.kind is Kind.CALL and event.method in _CALLS)


RULE = Rule(
    code="DH120",
    name="side-effect-in-retry",
    title="side effect in a closure that is retried",
    cwe=(821,),
    severity=Severity.MEDIUM,
    confidence=Confidence.HIGH,
    impact=(Impact.DATA_CORRUPTION,),
    summary="The closure of `fetch_update` (or `rcu`) does more than compute, and may run several times.",
    explanation="""\
`fetch_update` loads the value, runs the closure, and stores the result only if nobody has changed the
value meanwhile; otherwise it starts again. The update happens once. Whatever else the closure does
happens as often as it runs:

    A: load 3, push "Ann"
    B: load 3, push "Bob", exchange 3 for 2
    A: exchange fails; load 2, push "Ann", exchange 2 for 1

Ann is in the list twice. Nothing of it shows without load. The closure must only compute; do the rest
after the update, when its result says that it was made.""",
    invalid=(
        Example(
            "a list grows in the closure",
            """\
use rocket::{post, State};
use std::sync::{atomic::{AtomicU32, Ordering::SeqCst}, Mutex};

struct Raffle { left: AtomicU32, winners: Mutex<Vec<String>> }

#[post("/draw/<name>")]
fn draw(name: String, raffle: &State<Raffle>) -> &'static str {
    let drawn = raffle.left.fetch_update(SeqCst, SeqCst, |left| {
        raffle.winners.lock().unwrap().push(name.clone());
        left.checked_sub(1)
    });
    if drawn.is_ok() { "won" } else { "lost" }
}
""",
        ),
        Example(
            "another counter moves in the closure",
            """\
use arc_swap::ArcSwap;
use rocket::{post, State};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

struct App { motto: ArcSwap<String>, changes: AtomicU64 }

#[post("/motto/<more>")]
fn extend(more: String, app: &State<App>) {
    app.motto.rcu(|motto| {
        app.changes.fetch_add(1, Relaxed);
        format!("{motto} {more}")
    });
}
""",
        ),
    ),
    valid=(
        Example(
            "the closure only computes",
            """\
use rocket::{post, State};
use std::sync::{atomic::{AtomicU32, Ordering::SeqCst}, Mutex};

struct Raffle { left: AtomicU32, winners: Mutex<Vec<String>> }

#[post("/draw/<name>")]
fn draw(name: String, raffle: &State<Raffle>) -> &'static str {
    let drawn = raffle.left.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1));
    if drawn.is_err() {
        return "lost";
    }
    raffle.winners.lock().unwrap().push(name);
    "won"
}
""",
        ),
        Example(
            "a value of its own may change",
            """\
use arc_swap::ArcSwap;
use rocket::{post, State};
use std::{collections::HashMap, sync::Arc};

struct App { names: ArcSwap<HashMap<u32, String>> }

#[post("/names/<id>/<name>")]
fn rename(id: u32, name: String, app: &State<App>) {
    app.names.rcu(|names| {
        let mut next = HashMap::clone(names);
        next.insert(id, name.clone());
        Arc::new(next)
    });
}
""",
        ),
    ),
    fixes=(
        Fix(
            "let the closure only compute, and do the rest after the update succeeded",
            Safety.UNSAFE,
            "what follows the update happens once for each update that was made",
            "between the update and what follows, others see the one without the other",
        ),
        Fix(
            "put both under one lock where they must change together",
            Safety.UNSAFE,
            "the section runs once, whoever else is waiting",
            "requests wait for each other",
        ),
    ),
    check=check,
)
