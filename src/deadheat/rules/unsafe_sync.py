"""DH131: `unsafe impl Sync` for a type with a cell in it that nothing guards. Covers P19."""

from collections.abc import Iterable
from typing import NamedTuple

from deadheat.model import Confidence, Finding, Fix, Impact, Safety, Severity
from deadheat.rules.context import Context, describe
from deadheat.rules.rule import Example, Rule
from deadheat.rules.static_mut import _all_locked
from deadheat.rust import Event, Kind, Place, Root
from deadheat.rust.ir import ACCESSES, UNSYNCHRONISED
from deadheat.rust.items import Impl
from deadheat.rust.syntax import text_of
from deadheat.rust.types import is_synchronised, peel


class _Use(NamedTuple):
    root: Root
    event: Event
    state: Place


def check(rule: Rule, context: Context) -> Iterable[Finding]:
    """One finding for each such promise that requests rely on."""
    program = context.program
    uses = _uses(context)
    for (name, trait), block in program.types.implements.items():
        if trait != "Sync" or not text_of(block.node).startswith("unsafe") or "!Sync" in text_of(block.node):
            continue
        found = uses.get(name, [])
        writes = [use for use in found if use.event.kind is not Kind.READ]
        if not writes or _all_locked([(use.root, use.event) for use in found]):
            continue
        act = next((use for use in writes if use.root.handler is not None), writes[0])
        other = next((use for use in found if use.root is not act.root), act)
        yield _finding(rule, context, block, act, other, name)


def _finding(rule: Rule, context: Context, block: Impl, act: _Use, other: _Use, name: str) -> Finding:
    program = context.program
    window = context.window(act.root, act.event, act.event)
    second = program.access(other.root, other.event)
    state = program.state_of(act.state, act.event.type).path
    who, rival = context.who(act.root), context.who(other.root)
    promise = block.file.span(block.node.start_byte + block.shift, block.node.end_byte + block.shift)
    message = (
        f"`unsafe impl Sync for {name.rsplit('::', 1)[-1]}` promises that threads may share it, but what "
        f"is in its cell is used with no lock: {who} changes `{state}` in {describe(window.act)}, {rival} "
        f"uses it in {describe(second)}. Request A ({who}) is writing; request B ({rival}) reads on "
        "another thread: it sees a value half written. It is a data race, and what the compiler makes of "
        "it is undefined."
    )
    # A type that brings a lock or an atomic of its own may well keep its promise in a way we cannot follow.
    own = [
        peel(inner)
        for inner in program.types.fields(peel(program.types.read(block.owner, block.module))).values()
    ]
    guarded = any(is_synchronised(inner) for inner in own)
    confidence = context.confidence(rule, act.root, act.state, proven=True, benign=guarded)
    return context.finding(
        rule, act.root, act.state, window,
        handlers=context.handlers(act.root, [other.root]),
        message=message,
        confidence=confidence,
        related=((promise, "the promise"), (second.span, f"another use of `{state}`")),
        act=act.event,
        shape=name,
    )  # fmt: skip


def _uses(context: Context) -> dict[str, list[_Use]]:
    """Live accesses to cells, by the type of ours that the cell is a field of."""
    found: dict[str, list[_Use]] = {}
    for root in context.program.roots:
        for event in root.events:
            place = event.place
            if event.kind not in ACCESSES or place is None or UNSYNCHRONISED not in place.path:
                continue
            if not root.flow.is_live(event):
                continue
            at = place.path.index(UNSYNCHRONISED)
            state = Place(place.root, place.path[:at])
            for depth in range(at, -1, -1):
                declared = peel(context.program.states.type_at(Place(place.root, place.path[:depth])))
                if declared is not None and declared.name in context.program.types.items:
                    found.setdefault(declared.name, []).append(_Use(root, event, state))
    return found


RULE = Rule(
    code="DH131",
    name="unsafe-sync",
    title="`unsafe impl Sync` over an unguarded cell",
    cwe=(820,),
    severity=Severity.HIGH,
    confidence=Confidence.HIGH,
    impact=(Impact.DATA_CORRUPTION,),
    summary="A type with an `UnsafeCell` is declared `Sync` by hand, and nothing keeps threads apart.",
    explanation="""\
Managed state must be `Sync`, and a type with an `UnsafeCell`, a `Cell` or a `RefCell` in it is not: the
compiler knows that two threads could use what is inside at the same time. `unsafe impl Sync` overrules
the compiler. It is a promise that the type keeps threads apart by itself, and here it does not:

    A: replace the text    (length written, bytes not yet)
    B: read the text       new length, old bytes

That is a data race: undefined behaviour, up to memory that was freed being read. Even a plain counter
loses updates. Use a lock or an atomic, and leave `Sync` to the compiler.""",
    invalid=(
        Example(
            "a cell handed out by raw pointer",
            """\
use rocket::{get, post, State};
use std::cell::UnsafeCell;

struct Motto(UnsafeCell<String>);
unsafe impl Sync for Motto {}

#[post("/motto/<text>")]
fn set(text: String, motto: &State<Motto>) {
    unsafe { *motto.0.get() = text; }
}

#[get("/motto")]
fn get(motto: &State<Motto>) -> String {
    unsafe { (*motto.0.get()).clone() }
}
""",
        ),
        Example(
            "a RefCell declared to be shared",
            """\
use rocket::{post, State};
use std::{cell::RefCell, collections::HashMap};

struct Votes { by_user: RefCell<HashMap<String, u32>> }
unsafe impl Sync for Votes {}

#[post("/vote/<user>/<choice>")]
fn vote(user: String, choice: u32, votes: &State<Votes>) {
    votes.by_user.borrow_mut().insert(user, choice);
}
""",
        ),
    ),
    valid=(
        Example(
            "a lock",
            """\
use rocket::{get, post, State};
use std::sync::RwLock;

struct Motto(RwLock<String>);

#[post("/motto/<text>")]
fn set(text: String, motto: &State<Motto>) {
    *motto.0.write().unwrap() = text;
}

#[get("/motto")]
fn get(motto: &State<Motto>) -> String {
    motto.0.read().unwrap().clone()
}
""",
        ),
        Example(
            "a promise for a type without a cell",
            """\
use rocket::{get, State};

struct Handle(*const u8);
unsafe impl Send for Handle {}
unsafe impl Sync for Handle {}

#[get("/")]
fn index(handle: &State<Handle>) -> String {
    format!("{:?}", handle.0)
}
""",
        ),
    ),
    fixes=(
        Fix(
            "replace the cell by a `Mutex`, a `RwLock` or an atomic, and delete the `unsafe impl`",
            Safety.UNSAFE,
            "the lock keeps threads apart, and the compiler checks that it is used",
            "a lock for each use",
        ),
    ),
    check=check,
)
