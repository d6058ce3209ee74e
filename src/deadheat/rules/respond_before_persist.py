"""DH307: somebody is told before what he is told of is done. Covers P36.

The answer goes out while a task that nobody waits for still has to save; or whoever waits for a word is woken
inside the transaction, before its COMMIT.
"""

from collections.abc import Iterable

from deadheat.model import Confidence, Finding, Fix, Impact, Safety, Severity
from deadheat.rules.context import Context
from deadheat.rules.rule import Example, Rule
from deadheat.rules.sections import confidence_of, spot
from deadheat.rust import Event, Kind, Root

_CHANGES = (Kind.WRITE, Kind.RMW)
_MANY = 3  # a task that writes more than this, or in a loop, is a job and not the answer's own work


def check(rule: Rule, context: Context) -> Iterable[Finding]:
    """Tasks of a handler that write, and whose end no `.await` waits for."""
    whole: dict[str, list[Root]] = {}
    for root in context.program.roots:
        if root.handler is not None:
            whole.setdefault(root.handler.id, []).append(root)
    for roots in whole.values():
        for root in roots:
            if root.task and root.handler is not None and root.handler.method != "GET":
                writes = _writes(root)
                if writes and _nobody_waits(root, roots):
                    yield _finding(rule, context, root, writes)
    for root in context.program.roots:
        for word, write in _announced(root) if root.serves else ():
            yield _too_early(rule, context, root, word, write)


def _announced(root: Root) -> Iterable[tuple[Event, Event]]:
    """Words sent while the transaction that holds what they are about is still open, and what it wrote."""
    ends = [event for event in root.events if event.kind is Kind.RELEASE]
    for word in root.events:
        if word.kind is not Kind.SEND or not root.flow.is_live(word):
            continue
        for write in reversed(root.events[: word.id]):
            begun = [g for g in write.guards if g >= 0 and root.events[g].kind is Kind.BEGIN]
            if write.query is None or write.kind not in _CHANGES or not begun:
                continue
            ended = [end for end in ends if begun[0] in end.guards]
            open_yet = any(end.id > word.id for end in ended) and not any(
                root.flow.follows(write, end) and root.flow.follows(end, word) for end in ended
            )
            if open_yet and root.flow.follows(write, word):
                yield word, write
                break


def _too_early(rule: Rule, context: Context, root: Root, word: Event, write: Event) -> Finding:
    place = write.place
    assert place is not None  # a statement has one
    state, one = context.program.state_of(place, write.type), context.who(root)
    message = (
        f"{one} says `{word.operation}` inside the transaction that holds `{write.operation}`, before its "
        f"COMMIT. Request B, which waited for that word, looks at `{state.path}` at once, finds it as it was "
        "and waits for a word that was already said. If the transaction is rolled back, the word was untrue."
    )
    span = context.program.span(write.where)
    return spot(
        rule, context, root, word,
        state=state,
        message=message,
        confidence=confidence_of(rule, root, place),
        related=((span, "not committed yet when the word is sent"),),
        since=write,
        shape=word.method or "send",
    )  # fmt: skip


def _writes(root: Root) -> list[Event]:
    """What the task makes durable, else what it stores without looking at what was there."""
    found = [
        event for event in root.events if event.kind in _CHANGES and event.place and root.flow.is_live(event)
    ]
    durable = [event for event in found if event.place is not None and event.place.root[:2] in ("D:", "F:")]
    stored = [event for event in found if event.kind is Kind.WRITE or event.method in ("insert", "store")]
    return durable or stored


def _nobody_waits(task: Root, roots: list[Root]) -> bool:
    for root in roots:
        started = [
            event for event in root.events if event.kind is Kind.SPAWN and event.where == task.start
        ]  # fmt: skip
        for event in started:
            if event.operation.endswith("!"):
                return False  # a stream: it is the answer
            waited = any(
                number == event.id
                for later in root.events
                if later.kind in (Kind.AWAIT, Kind.RETURN)
                for number, _ in later.deps
            )
            if waited:
                return False
        if started:
            return True
    return False


def _finding(rule: Rule, context: Context, root: Root, writes: list[Event]) -> Finding:
    event = writes[0]
    place = event.place
    assert place is not None  # the caller looked
    assert root.handler is not None
    durable = place.root[:2] in ("D:", "F:")
    job = len(writes) > _MANY or any(one.kind is Kind.LOOP for one in root.events)
    state = context.program.state_of(place, event.type)
    one = f"`{root.handler.endpoint}`"
    message = (
        f"{one} answers before `{event.operation}` on `{state.path}` has happened: it is in a task "
        "that nobody "
        f"waits for. Request A is told that it is done; request B, sent after A's answer, still finds "
        "the old "
        f"state, and the tasks of two requests may run in the other order. If the task fails, nobody is told."
    )
    start = root.start
    related = ((context.program.span(start), "the task is started here and not waited for"),) if start else ()
    sure = confidence_of(rule, root, place)
    return spot(
        rule, context, root, event,
        state=state,
        message=message,
        confidence=sure if durable and not job else Confidence.LOW,
        related=related,
        shape=event.method,
    )  # fmt: skip


RULE = Rule(
    code="DH307",
    name="respond-before-persist",
    title="answered before it is done",
    cwe=(662,),
    severity=Severity.MEDIUM,
    confidence=Confidence.MEDIUM,
    impact=(Impact.INCONSISTENT_STATE,),
    summary="A handler starts a task that saves and answers without waiting: the answer is ahead.",
    explanation="""\
The handler hands the work to a task and answers at once. The task runs when it runs:

    A: POST /name "new"     starts task A, answers "saved"
    B: GET /name            reads the old name
    A's task:               saves "new"

Two such requests start two tasks, and nothing makes them run in the order of the requests: the older value
can be saved last and stay. A task that fails fails silently, and one that runs when the server stops never
ends. Wait for the task, or put the work into one queue that one consumer empties in order.

A word sent inside a transaction is early in the same way: whoever it wakes reads before COMMIT. Send it after
`commit()`, or after the closure of the transaction.""",
    invalid=(
        Example(
            "saved in a task, answered at once",
            """\
use rocket::{post, tokio};

#[post("/profile/<text>")]
async fn profile(text: String) -> &'static str {
    tokio::spawn(async move {
        let _ = tokio::fs::write("profile.txt", text).await;
    });
    "saved"
}
""",
        ),
        Example(
            "a helper starts the task",
            """\
use rocket::{put, tokio};

async fn save(text: String) {
    let _ = tokio::fs::write("motd.txt", text).await;
}

fn later(text: String) {
    tokio::spawn(async move { save(text).await });
}

#[put("/motd/<text>")]
async fn motd(text: String) -> &'static str {
    later(text);
    "saved"
}
""",
        ),
        Example(
            "waiters woken before COMMIT",
            """\
use rocket::{post, State, tokio::sync::Notify};
use sqlx::PgPool;

#[post("/jobs/<name>")]
async fn add(name: String, pool: &State<PgPool>, added: &State<Notify>) -> Result<(), sqlx::Error> {
    let mut tx = pool.begin().await?;
    sqlx::query("INSERT INTO jobs (name) VALUES ($1)").bind(name).execute(&mut *tx).await?;
    added.notify_waiters();
    tx.commit().await
}
""",
        ),
    ),
    valid=(
        Example(
            "waiters woken after COMMIT",
            """\
use rocket::{post, State, tokio::sync::Notify};
use sqlx::PgPool;

#[post("/jobs/<name>")]
async fn add(name: String, pool: &State<PgPool>, added: &State<Notify>) -> Result<(), sqlx::Error> {
    let mut tx = pool.begin().await?;
    sqlx::query("INSERT INTO jobs (name) VALUES ($1)").bind(name).execute(&mut *tx).await?;
    tx.commit().await?;
    added.notify_waiters();
    Ok(())
}
""",
        ),
        Example(
            "the task is waited for",
            """\
use rocket::{post, tokio};

#[post("/profile/<text>")]
async fn profile(text: String) -> &'static str {
    let task = tokio::spawn(async move {
        let _ = tokio::fs::write("profile.txt", text).await;
    });
    let _ = task.await;
    "saved"
}
""",
        ),
        Example(
            "saved before the answer",
            """\
use rocket::{post, tokio};

#[post("/profile/<text>")]
async fn profile(text: String) -> &'static str {
    match tokio::fs::write("profile.txt", text).await {
        Ok(()) => "saved",
        Err(_) => "not saved",
    }
}
""",
        ),
    ),
    fixes=(
        Fix(
            "wait for the work before answering",
            Safety.UNSAFE,
            "the answer is true when it is given, and failures can be told",
            "the answer takes as long as the work",
        ),
        Fix(
            "put the work into one queue with one consumer, and answer 202 Accepted",
            Safety.UNSAFE,
            "the work is done in the order of the requests, and the answer promises no more than that",
            "a queue, and a way to ask how far it is",
        ),
    ),
    check=check,
)
