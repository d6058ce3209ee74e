"""DH130: a `static mut` that requests change. Covers P18."""

from collections.abc import Iterable

from deadheat.model import Confidence, Finding, Fix, Impact, Safety, Severity
from deadheat.rules.context import Context, describe
from deadheat.rules.rule import Example, Rule
from deadheat.rust import Event, Kind, Place, Root
from deadheat.rust.ir import ACCESSES

_WRITES = frozenset({Kind.WRITE, Kind.RMW})


def check(rule: Rule, context: Context) -> Iterable[Finding]:
    """One finding for each static that some request writes and no lock guards."""
    by_static: dict[str, list[tuple[Root, Event]]] = {}
    for root in context.program.roots:
        for event in root.events:
            place = event.place
            if (
                event.kind not in ACCESSES
                or place is None
                or place.is_content
                or not place.root.startswith("G:")
            ):
                continue
            static = context.program.types.statics.get(place.root[2:])
            if static is not None and static.mutable and root.flow.is_live(event):
                by_static.setdefault(place.root, []).append((root, event))
    for name, accesses in by_static.items():
        writes = [(root, event) for root, event in accesses if event.kind in _WRITES]
        if not writes or _all_locked(accesses):
            continue
        root, act = next((one for one in writes if one[0].handler is not None), writes[0])
        first = next(
            (e for r, e in accesses if r is root and e.id <= act.id and e.kind is not Kind.WRITE), act
        )
        others = [other for other, _ in accesses if other is not root] or [root]
        window = context.window(root, first, act)
        state = context.program.states.name(Place(name))
        who, rival = context.who(root), context.who(others[0])
        message = (
            f"{who} changes the `static mut` `{state}` in {describe(window.act)}, and no lock is held "
            f"wherever it is used. Request A ({who}) reads it; request B ({rival}) reads or changes it on "
            "another thread; A writes: an update is lost, or a value half written is read. It is a data "
            "race, and what the compiler makes of it is undefined."
        )
        yield context.finding(
            rule, root, Place(name), window,
            handlers=context.handlers(root, others),
            message=message,
            confidence=context.confidence(rule, root, Place(name), proven=True),
            related=context.related(window, f"reads `{state}`", "reached through this call"),
            act=act,
            shape="static mut",
        )  # fmt: skip


def _all_locked(accesses: list[tuple[Root, Event]]) -> bool:
    """Whether one lock is held at every access."""
    common: set[Place] | None = None
    for root, event in accesses:
        held = {guard.place for guard in root.flow.held(event, surely=True) if guard.place is not None}
        common = held if common is None else common & held
        if not common:
            return False
    return True


RULE = Rule(
    code="DH130",
    name="static-mut",
    title="`static mut` changed by requests",
    cwe=(567,),
    severity=Severity.HIGH,
    confidence=Confidence.HIGH,
    impact=(Impact.DATA_CORRUPTION,),
    summary="A `static mut` is read and changed by requests on several threads, with nothing between them.",
    explanation="""\
Rocket runs handlers on as many threads as there are cores. A `static mut` is one piece of memory for all
of them, and `unsafe` around its use tells the compiler that somebody has made sure that no two threads
use it at once. Nobody has:

    A: read 41
    B: read 41
    A: write 42
    B: write 42

Losing an update is the least of it. Two threads that use the same memory, one of them writing, are a data
race, and the compiler may assume that there is none: a `Vec` can be torn while it grows, a loop can read
a value once and for ever. An atomic costs the same and is right; anything larger goes into a lock.""",
    invalid=(
        Example(
            "a counter",
            """\
use rocket::get;

static mut HITS: u64 = 0;

#[get("/")]
fn index() -> String {
    unsafe {
        HITS += 1;
        format!("hit {HITS}")
    }
}
""",
        ),
        Example(
            "a list that grows",
            """\
use rocket::{get, post};

static mut NAMES: Vec<String> = Vec::new();

fn add(name: String) {
    unsafe { NAMES.push(name) }
}

#[post("/names/<name>")]
fn new(name: String) { add(name) }

#[get("/names")]
fn names() -> String {
    unsafe { NAMES.join(", ") }
}
""",
        ),
    ),
    valid=(
        Example(
            "an atomic",
            """\
use rocket::get;
use std::sync::atomic::{AtomicU64, Ordering};

static HITS: AtomicU64 = AtomicU64::new(0);

#[get("/")]
fn index() -> String {
    format!("hit {}", HITS.fetch_add(1, Ordering::Relaxed) + 1)
}
""",
        ),
        Example(
            "one lock held at every use",
            """\
use rocket::get;
use std::sync::Mutex;

static TURN: Mutex<()> = Mutex::new(());
static mut HITS: u64 = 0;

#[get("/")]
fn index() -> String {
    let _turn = TURN.lock().unwrap();
    unsafe {
        HITS += 1;
        format!("hit {HITS}")
    }
}
""",
        ),
        Example(
            "written before the first request only",
            """\
use rocket::get;

static mut GREETING: &str = "hello";

#[get("/")]
fn index() -> &'static str {
    unsafe { GREETING }
}
""",
        ),
    ),
    fixes=(
        Fix(
            "use an atomic and its read-modify-write operations",
            Safety.UNSAFE,
            "each operation is one step, and `unsafe` is not needed",
            "none worth naming",
        ),
        Fix(
            "use `static NAME: Mutex<T>` (or `RwLock`), or Rocket's managed state",
            Safety.UNSAFE,
            "the compiler then refuses every use without the lock",
            "a lock for each use",
        ),
    ),
    check=check,
)
