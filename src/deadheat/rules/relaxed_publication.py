"""DH121: a flag that says "the data is there", without making the data visible. Covers P17."""

from collections.abc import Iterable

from deadheat.model import Confidence, Finding, Fix, Impact, Safety, Severity
from deadheat.rules.context import Context, describe
from deadheat.rules.rule import Example, Rule
from deadheat.rust import Event, Kind, Place, Root
from deadheat.rust.ir import RELAXED, UNSYNCHRONISED


def check(rule: Rule, context: Context) -> Iterable[Finding]:
    """Relaxed stores of a flag after data, where somebody reads the data because of the flag."""
    readers = list(_readers(context))
    for root in context.program.roots:
        for flag in root.events:
            if flag.kind is not Kind.WRITE or flag.mark != RELAXED or flag.place is None:
                continue
            for reader, asked, used in readers:
                if asked.place is None or used.place is None or asked.place.state != flag.place.state:
                    continue
                data = _written_before(root, flag, used.place.state)
                if data is None:
                    continue
                window = context.window(root, data, flag)
                state = context.program.state_of(flag.place.state, flag.type).path
                payload = context.program.state_of(used.place.state, used.type).path
                who, other = context.who(root), context.who(reader)
                message = (
                    f"{who} writes `{payload}` in {describe(window.check)} and then says so with a Relaxed "
                    f"store to `{state}` in {describe(window.act)}; {other} reads `{payload}` because "
                    f"`{state}` is set. Relaxed orders nothing: request B ({other}) may see the flag of "
                    f"request A ({who}) and still the old `{payload}`."
                )
                yield context.finding(
                    rule, root, flag.place.state, window,
                    handlers=context.handlers(root, [reader]),
                    message=message,
                    confidence=Confidence.LOW,
                    related=context.related(window, f"the data: `{payload}`", "reached through this call"),
                    act=flag,
                    shape=f"{payload}>{state}",
                )  # fmt: skip
                break


def _readers(context: Context) -> Iterable[tuple[Root, Event, Event]]:
    """(root, load of a flag, read of data decided by it), both without order."""
    for root in context.program.roots:
        for used in root.events:
            if used.kind is not Kind.READ or used.place is None or not _unordered(used):
                continue
            for number, _ in sorted(used.control):
                asked = root.events[number]
                if (
                    asked.kind is Kind.READ
                    and asked.mark == RELAXED
                    and asked.place is not None
                    and asked.place.state != used.place.state
                ):
                    yield root, asked, used


def _written_before(root: Root, flag: Event, state: Place) -> Event | None:
    return next(
        (
            event
            for event in reversed(root.events[: flag.id])
            if event.kind in (Kind.WRITE, Kind.RMW)
            and event.place is not None
            and event.place.state == state
            and _unordered(event)
            and root.flow.follows(event, flag)
        ),
        None,
    )


def _unordered(event: Event) -> bool:
    """Whether nothing about the access itself orders it: a lock would."""
    if event.mark == RELAXED:
        return True
    place = event.place
    return place is not None and (not place.is_content or UNSYNCHRONISED in place.path)


RULE = Rule(
    code="DH121",
    name="relaxed-publication",
    title="Relaxed flag that publishes other data",
    cwe=(821,),
    severity=Severity.MEDIUM,
    confidence=Confidence.LOW,
    impact=(Impact.INCONSISTENT_STATE,),
    summary='A Relaxed store says "the data is there", but does not make the data visible.',
    explanation="""\
`Ordering::Relaxed` makes the one access indivisible and promises nothing about any other. When a flag is
stored Relaxed after the data, another thread may see the flag and still the old data; the compiler and
the processor are both free to swap the two stores:

    A: number = 17
    A: ready = true
    B: ready?      true
    B: number      0

On x86 the processor will not do it (the compiler may); on ARM both do. Store the flag with `Release` and
load it with `Acquire`: whoever sees the flag then sees everything written before it.""",
    invalid=(
        Example(
            "ready before the number is seen",
            """\
use rocket::{get, post, State};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

struct Draw { number: AtomicU64, ready: AtomicBool }

#[post("/draw/<number>")]
fn draw(number: u64, draw: &State<Draw>) {
    draw.number.store(number, Ordering::Relaxed);
    draw.ready.store(true, Ordering::Relaxed);
}

#[get("/result")]
fn result(draw: &State<Draw>) -> Option<String> {
    if draw.ready.load(Ordering::Relaxed) {
        return Some(draw.number.load(Ordering::Relaxed).to_string());
    }
    None
}
""",
        ),
        Example(
            "a generation counter",
            """\
use rocket::{get, post};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

static PRICE: AtomicU64 = AtomicU64::new(0);
static VERSION: AtomicU32 = AtomicU32::new(0);

#[post("/price/<cents>/<version>")]
fn set(cents: u64, version: u32) {
    PRICE.store(cents, Relaxed);
    VERSION.store(version, Relaxed);
}

#[get("/price")]
fn price() -> String {
    if VERSION.load(Relaxed) == 0 {
        return String::from("none yet");
    }
    PRICE.load(Relaxed).to_string()
}
""",
        ),
    ),
    valid=(
        Example(
            "Release and Acquire",
            """\
use rocket::{get, post, State};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

struct Draw { number: AtomicU64, ready: AtomicBool }

#[post("/draw/<number>")]
fn draw(number: u64, draw: &State<Draw>) {
    draw.number.store(number, Ordering::Relaxed);
    draw.ready.store(true, Ordering::Release);
}

#[get("/result")]
fn result(draw: &State<Draw>) -> Option<String> {
    if draw.ready.load(Ordering::Acquire) {
        return Some(draw.number.load(Ordering::Relaxed).to_string());
    }
    None
}
""",
        ),
        Example(
            "the data is behind a lock, which orders it",
            """\
use rocket::{get, post, State};
use std::sync::{atomic::{AtomicBool, Ordering::Relaxed}, Mutex};

struct Draw { numbers: Mutex<Vec<u32>>, ready: AtomicBool }

#[post("/draw/<number>")]
fn draw(number: u32, draw: &State<Draw>) {
    draw.numbers.lock().unwrap().push(number);
    draw.ready.store(true, Relaxed);
}

#[get("/result")]
fn result(draw: &State<Draw>) -> Option<String> {
    if draw.ready.load(Relaxed) {
        return Some(format!("{:?}", draw.numbers.lock().unwrap()));
    }
    None
}
""",
        ),
    ),
    fixes=(
        Fix(
            "store the flag with `Ordering::Release` and load it with `Ordering::Acquire`",
            Safety.SAFE,
            "a load that sees the store also sees everything written before the store",
            "nothing on x86; a barrier on ARM",
        ),
        Fix(
            "put flag and data behind one lock, or the data into a `OnceLock`",
            Safety.UNSAFE,
            "the lock orders both, and there is nothing to get wrong",
            "readers take a lock",
        ),
    ),
    check=check,
)
