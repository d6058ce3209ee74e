"""DH305: a handler blocks its worker thread. Covers P33."""

from collections.abc import Iterable

from deadheat.model import Confidence, Finding, Fix, Impact, Safety, Severity
from deadheat.rules.context import Context
from deadheat.rules.rule import Example, Rule
from deadheat.rules.sections import confidence_of, external, is_lock, parks, spot
from deadheat.rust import Event, Kind, Root
from deadheat.rust.outside import BLOCKING


def check(rule: Rule, context: Context) -> Iterable[Finding]:
    """Calls that make a worker thread wait; one finding a function and operation."""
    seen: set[tuple[str, str]] = set()
    for root in context.program.roots:
        if not root.serves:
            continue
        for event in root.events:
            if event.kind is not Kind.CALL or event.method != BLOCKING or event.mark == "offloaded":
                continue
            key = (event.function, event.operation)
            if key in seen or not root.flow.is_live(event) or _under_lock(root, event):
                continue
            seen.add(key)
            yield _finding(rule, context, root, event)


def _under_lock(root: Root, event: Event) -> bool:
    """Under a std lock it is that lock's finding: one root cause, one finding."""
    return any(is_lock(guard) and not parks(guard) for guard in root.flow.held(event, surely=True))


def _finding(rule: Rule, context: Context, root: Root, event: Event) -> Finding:
    one = context.who(root)
    # A look at the disk is over in microseconds, mostly; whether it matters only a measurement tells.
    small = "fs::" in event.operation or "File::" in event.operation or event.operation.startswith("Path::")
    brief = small and not event.operation.startswith("fs::")
    kind = "A sync handler runs on a worker too: Rocket does not move it elsewhere." if (
        not root.function.is_async
    ) else "An async handler shares its thread with others."  # fmt: skip
    message = (
        f"{one} blocks its worker thread at `{event.operation}`. {kind} Request A waits there; with "
        "as many such "
        f"requests as workers (the number of cores), no other request is served meanwhile."
    )
    return spot(
        rule,
        context,
        root,
        event,
        state=external(event.operation),
        message=message,
        confidence=Confidence.LOW if brief else confidence_of(rule, root, None),
        severity=Severity.INFO if small else None,
    )


RULE = Rule(
    code="DH305",
    name="blocking-call-in-handler",
    title="blocking call in a handler",
    cwe=(1322,),
    severity=Severity.LOW,
    confidence=Confidence.MEDIUM,
    impact=(Impact.DENIAL_OF_SERVICE,),
    summary="A handler blocks its worker thread: a few such requests at once and nobody is served.",
    explanation="""\
Rocket serves all requests on a few worker threads, one a core. Sync handlers run on them directly: there is
no pool of threads for them. A handler that blocks (sleeps, reads a slow disk, runs a process, asks another
service with a blocking client) takes a worker away for that time, and every request that this worker had
begun stands still with it.

    #[get("/slow")]
    fn slow() { std::thread::sleep(Duration::from_secs(1)) }      // a worker is gone for a second

Wait asynchronously (`tokio::time::sleep`, `tokio::fs`, an async client), or move the work to a thread that
may wait (`spawn_blocking`).""",
    invalid=(
        Example(
            "a sleep",
            """\
use rocket::get;
use std::{thread, time::Duration};

#[get("/slow")]
fn slow() -> &'static str {
    thread::sleep(Duration::from_secs(1));
    "done"
}
""",
        ),
        Example(
            "a process",
            """\
use rocket::post;
use std::process::Command;

#[post("/build")]
async fn build() -> String {
    let made = Command::new("make").output();
    format!("{}", made.is_ok())
}
""",
        ),
        Example(
            "a blocking client, in a helper",
            """\
use rocket::get;

fn load() -> Option<String> {
    reqwest::blocking::get("http://localhost/motd").ok()?.text().ok()
}

#[get("/motd")]
async fn motd() -> Option<String> {
    load()
}
""",
        ),
    ),
    valid=(
        Example(
            "tokio's clock parks the task",
            """\
use rocket::{get, tokio::time::sleep};
use std::time::Duration;

#[get("/slow")]
async fn slow() -> &'static str {
    sleep(Duration::from_secs(1)).await;
    "done"
}
""",
        ),
        Example(
            "on a thread that may wait",
            """\
use rocket::{get, tokio::task::spawn_blocking};

#[get("/motd")]
async fn motd() -> String {
    spawn_blocking(|| std::fs::read_to_string("motd.txt").unwrap_or_default()).await.unwrap_or_default()
}
""",
        ),
    ),
    fixes=(
        Fix(
            "wait asynchronously: `tokio::time::sleep`, `tokio::fs`, `tokio::process`, an async client",
            Safety.UNSAFE,
            "the task is parked and the worker serves others",
            "the handler becomes `async`",
        ),
        Fix(
            "move the work to a thread that may wait: `rocket::tokio::task::spawn_blocking`",
            Safety.UNSAFE,
            "up to 512 such threads are made when needed; workers go on",
            "what the closure uses has to be owned",
        ),
    ),
    check=check,
)
