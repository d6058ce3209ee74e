"""DH190: an assumption stated in a comment that the code contradicts."""

from collections.abc import Iterable

from deadheat.model import Confidence, Finding, Fix, Impact, Safety, Severity, SharedState, StateKind
from deadheat.rules.assumptions import Assumption
from deadheat.rules.context import Context, describe, fingerprint
from deadheat.rules.rule import Example, Rule


def check(rule: Rule, context: Context) -> Iterable[Finding]:
    """Assumptions that do not hold, or that cannot be checked."""
    for assumption in context.assumptions:
        if assumption.holds is False:
            yield _contradicted(rule, context, assumption)
        elif assumption.holds is None or not assumption.reason:
            yield _empty(rule, assumption)


def _contradicted(rule: Rule, context: Context, assumption: Assumption) -> Finding:
    root, event = assumption.against[0]
    access = context.program.access(root, event)
    state = assumption.state or _nothing()
    roots = [root for root, _ in assumption.against]
    others = "" if len(roots) == 1 else f", and {len(roots) - 1} more like it"
    message = (
        f"The comment assumes `{assumption.kind}` of `{state.path}`, but {assumption.why}: "
        f"{context.who(root)} in {describe(access)}{others}. Whatever was built on the assumption "
        f"(`{assumption.reason or 'no reason'}`) is not so."
    )
    return Finding(
        rule.name, rule.code, f"{rule.title} about {state.path}", rule.severity, rule.confidence, state,
        context.handlers(root, roots), assumption.span, message,
        fingerprint(rule.name, assumption.span.file, state.path, assumption.kind),
        cwe=rule.cwe, impact=rule.impact, related=((access.span, "what contradicts it"),), fixes=rule.fixes,
    )  # fmt: skip


def _empty(rule: Rule, assumption: Assumption) -> Finding:
    state = assumption.state or _nothing()
    why = assumption.why or 'it gives no reason: add `reason="…"` so that the next reader can judge it'
    return Finding(
        rule.name, rule.code, f"assumption that cannot be checked: {assumption.kind}", Severity.INFO,
        Confidence.LOW, state, (), assumption.span, f"`assume({assumption.kind})`: {why}.",
        fingerprint(rule.name, assumption.span.file, state.path, f"{assumption.kind}?"),
        cwe=rule.cwe, impact=rule.impact, fixes=rule.fixes,
    )  # fmt: skip


def _nothing() -> SharedState:
    return SharedState("", StateKind.STATIC, "(nothing)")


RULE = Rule(
    code="DH190",
    name="false-assumption",
    title="false assumption",
    cwe=(710,),
    severity=Severity.MEDIUM,
    confidence=Confidence.HIGH,
    impact=(Impact.INCONSISTENT_STATE,),
    summary="A comment `deadheat: assume(…)` states what the code does not keep.",
    explanation="""\
A team may know what the source alone does not show: this counter is changed by one background task only,
that table is filled before the first request. Such an assumption can be written beside the declaration,
with its reason, and takes away the findings that it explains:

    // deadheat: assume(single-writer) reason="only the ticker moves it"
    ticks: AtomicU64,

An assumption is checked every time. `single-writer` is false when a request handler changes the state,
since two requests run beside each other; `read-only` when any request changes it; `guarded-by(lock)` when
some request uses it without that lock. What was true when it was written is often not true a year later.""",
    invalid=(
        Example(
            "a handler writes too",
            """\
use rocket::{post, State};
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

struct Clock {
    // deadheat: assume(single-writer) reason="only the ticker moves it"
    ticks: AtomicU64,
}

#[post("/tick")]
fn tick(clock: &State<Clock>) {
    clock.ticks.fetch_add(1, SeqCst);
}
""",
        ),
        Example(
            "used without the lock",
            """\
use rocket::{get, State};
use std::sync::{atomic::{AtomicU64, Ordering::SeqCst}, Mutex};

struct Hits {
    turn: Mutex<()>,
    count: AtomicU64, // deadheat: assume(guarded-by(turn)) reason="every use takes its turn"
}

#[get("/hit")]
fn hit(hits: &State<Hits>) {
    let _turn = hits.turn.lock().unwrap();
    let count = hits.count.load(SeqCst);
    hits.count.store(count + 1, SeqCst);
}

#[get("/reset")]
fn reset(hits: &State<Hits>) {
    hits.count.store(0, SeqCst);
}
""",
        ),
    ),
    valid=(
        Example(
            "one background task writes",
            """\
use rocket::{get, tokio, State};
use std::sync::{atomic::{AtomicU64, Ordering::SeqCst}, Arc};

struct Clock {
    // deadheat: assume(single-writer) reason="only the ticker moves it"
    ticks: AtomicU64,
}

fn start(clock: Arc<Clock>) {
    tokio::spawn(async move {
        loop {
            let ticks = clock.ticks.load(SeqCst);
            clock.ticks.store(ticks + 1, SeqCst);
        }
    });
}

#[get("/ticks")]
fn ticks(clock: &State<Arc<Clock>>) -> String {
    clock.ticks.load(SeqCst).to_string()
}
""",
        ),
        Example(
            "nothing changes it",
            """\
use rocket::{get, State};
use std::sync::RwLock;

struct Site {
    // deadheat: assume(read-only) reason="read from a file before launch"
    title: RwLock<String>,
}

#[get("/")]
fn index(site: &State<Site>) -> String {
    site.title.read().unwrap().clone()
}
""",
        ),
    ),
    fixes=(
        Fix(
            "delete the assumption, and mend what was built on it",
            Safety.UNSAFE,
            "what it explained is reported again and can be judged",
            "the findings that it took away come back",
        ),
        Fix(
            "change the code so that the assumption holds",
            Safety.UNSAFE,
            "it is checked again with every scan",
            "depends on the code",
        ),
    ),
    check=check,
)
