"""DH132: state of a request or of the application kept in a `thread_local!`. Covers P20."""

from collections.abc import Iterable

from deadheat.model import Confidence, Finding, Fix, Impact, Safety, Severity
from deadheat.rules.context import Context, describe
from deadheat.rules.rule import Example, Rule
from deadheat.rust import Event, Kind, Place, Root
from deadheat.rust.ir import ACCESSES

_WRITES = frozenset({Kind.WRITE, Kind.RMW})


def check(rule: Rule, context: Context) -> Iterable[Finding]:
    """One finding for each thread-local that a request reads without having just written it."""
    used: dict[str, list[tuple[Root, Event]]] = {}
    for root in context.program.roots:
        for event in root.events:
            place = event.place
            if event.kind not in ACCESSES or place is None or not place.root.startswith("G:"):
                continue
            static = context.program.types.statics.get(place.root[2:])
            if static is not None and static.thread_local and root.flow.is_live(event):
                used.setdefault(place.root, []).append((root, event))
    for name, accesses in used.items():
        writes = [(root, event) for root, event in accesses if event.kind in _WRITES]
        stale = [(root, event) for root, event in accesses if not _fresh(root, event, accesses)]
        if not writes or not stale:
            continue
        stale.sort(key=lambda one: (one[0].handler is None, one[1].kind is Kind.RMW))
        root, act = stale[0]
        writer, write = next((one for one in writes if one[0] is root), writes[0])
        first = write if writer is root and write.id < act.id else act
        window = context.window(root, first, act)
        written = context.program.access(writer, write)
        state = context.program.states.name(Place(name))
        who, other = context.who(root), context.who(writer)
        waits = len(root.flow.between(first, act, Kind.AWAIT)) if first is not act else 0
        moved = ", after an `.await` that may have moved the request to another thread," if waits else ""
        message = (
            f"`{state}` is a `thread_local!`: each worker thread has its own. {other} writes it in "
            f"{describe(written)}; {who} reads it{moved} in {describe(window.act)}. Request A ({other}) "
            f"writes on one thread; request B ({who}) runs on another and finds nothing, or on the same "
            "and finds what A left."
        )
        yield context.finding(
            rule, root, Place(name), window,
            handlers=context.handlers(root, [writer]),
            message=message,
            confidence=context.confidence(
                rule, root, Place(name), benign=_is_memo(accesses),
                proven=root.serves and (bool(waits) or writer is not root),
            ),
            related=context.related(window, f"writes `{state}`", "reached through this call"),
            act=act,
            shape="thread local",
        )  # fmt: skip


def _fresh(root: Root, event: Event, accesses: list[tuple[Root, Event]]) -> bool:
    """Whether the access sees what its own request has just written, on the same thread."""
    if event.kind is Kind.WRITE:
        return True
    return any(
        other is root
        and write.kind in _WRITES
        and (write.kind is Kind.WRITE or _fresh(root, write, accesses[:number]))
        and write.id < event.id
        and root.flow.follows(write, event)
        and write.control <= event.control
        and not root.flow.between(write, event, Kind.AWAIT)
        for number, (other, write) in enumerate(accesses)
    )


def _is_memo(accesses: list[tuple[Root, Event]]) -> bool:
    """Whether every write puts in what a look-up before it did not find."""
    writes = [(root, event) for root, event in accesses if event.kind in _WRITES]
    return all(
        write.method in ("insert", "entry", "push", "or_insert_with", "or_insert")
        and any("?" in part and root.events[number].place is not None for number, part in write.control)
        for root, write in writes
    )


RULE = Rule(
    code="DH132",
    name="thread-local-state",
    title="`thread_local!` as state",
    cwe=(488,),
    severity=Severity.HIGH,
    confidence=Confidence.HIGH,
    impact=(Impact.INCONSISTENT_STATE, Impact.AUTHORIZATION_BYPASS),
    summary="Something that belongs to a request, or to all of them, is kept for each worker thread.",
    explanation="""\
A thread-local exists once for each thread. Rocket runs requests on worker threads as they come: two
requests of one client may run on two threads, two clients' requests run on one thread after the other,
and a request may go on on another thread after every `.await`:

    A (thread 1): current user = Ann; waits
    B (thread 1): current user = Bob; waits
    A (thread 1): goes on as Bob

No lock is missing and nothing is torn; the value is somebody else's. What belongs to a request goes into
its arguments, a request guard or `request.local_cache`; what belongs to the application goes into managed
state.""",
    invalid=(
        Example(
            "the current user, across an await",
            """\
use rocket::{get, tokio::task::yield_now};
use std::cell::RefCell;

thread_local! {
    static USER: RefCell<String> = RefCell::new(String::new());
}

#[get("/me/<name>")]
async fn me(name: String) -> String {
    USER.with(|user| *user.borrow_mut() = name);
    yield_now().await;
    USER.with(|user| user.borrow().clone())
}
""",
        ),
        Example(
            "a counter for each thread",
            """\
use rocket::get;
use std::cell::Cell;

thread_local! {
    static HITS: Cell<u64> = Cell::new(0);
}

#[get("/")]
fn index() -> String {
    HITS.set(HITS.get() + 1);
    format!("hit {}", HITS.get())
}

#[get("/hits")]
fn hits() -> String {
    HITS.with(|hits| hits.get()).to_string()
}
""",
        ),
    ),
    valid=(
        Example(
            "a scratch buffer, emptied before it is used",
            """\
use rocket::get;
use std::cell::RefCell;

thread_local! {
    static SCRATCH: RefCell<String> = RefCell::new(String::new());
}

#[get("/shout/<text>")]
fn shout(text: &str) -> String {
    SCRATCH.with(|scratch| {
        let mut scratch = scratch.borrow_mut();
        scratch.clear();
        scratch.push_str(text);
        scratch.to_uppercase()
    })
}
""",
        ),
        Example(
            "managed state",
            """\
use rocket::{get, State};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

struct Hits(AtomicU64);

#[get("/")]
fn index(hits: &State<Hits>) -> String {
    format!("hit {}", hits.0.fetch_add(1, Relaxed) + 1)
}
""",
        ),
        Example(
            "set and read without an await in between",
            """\
use rocket::get;
use std::cell::RefCell;

thread_local! {
    static LANGUAGE: RefCell<String> = RefCell::new(String::from("en"));
}

fn greeting() -> String {
    LANGUAGE.with(|language| format!("hello in {}", language.borrow()))
}

#[get("/hello/<language>")]
fn hello(language: String) -> String {
    LANGUAGE.with(|current| *current.borrow_mut() = language);
    greeting()
}
""",
        ),
    ),
    fixes=(
        Fix(
            "pass it along, or keep it in a request guard or `request.local_cache`",
            Safety.UNSAFE,
            "what belongs to a request then goes wherever the request goes",
            "signatures change",
        ),
        Fix(
            "keep it in managed state, behind a lock or in an atomic",
            Safety.UNSAFE,
            "all threads then see one value",
            "a lock for each use",
        ),
    ),
    check=check,
)
