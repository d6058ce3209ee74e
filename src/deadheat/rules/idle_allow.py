"""DH900: an `allow` comment that allows nothing."""

from deadheat.model import Confidence, Finding, Fix, Impact, Safety, Severity, SharedState, StateKind
from deadheat.rules.context import fingerprint
from deadheat.rules.rule import Example, Rule, never
from deadheat.rules.suppress import Allow
from deadheat.rust import Program


def finding(program: Program, allow: Allow, why: str) -> Finding:
    """One such comment."""
    around = _around(program, allow)
    return Finding(
        RULE.name, RULE.code, RULE.title, RULE.severity, RULE.confidence,
        SharedState("", StateKind.EXTERNAL, ""), around, allow.span,
        f"The comment allows nothing: {why}.",
        fingerprint(RULE.name, allow.span.file, ",".join((*around, *allow.rules)), why),
        cwe=RULE.cwe, impact=RULE.impact, fixes=RULE.fixes,
    )  # fmt: skip


def _around(program: Program, allow: Allow) -> tuple[str, ...]:
    """The handler that the comment stands in."""
    for root in program.roots:
        function = root.function
        if root.handler is None or function.file.path != allow.span.file:
            continue
        node, shift = function.node, function.shift
        span = function.file.span(node.start_byte + shift, node.end_byte + shift)
        if span.start_line <= allow.span.start_line <= span.end_line:
            return (root.handler.id,)
    return ()


RULE = Rule(
    code="DH900",
    name="idle-allow",
    title="comment that allows nothing",
    cwe=(710,),
    severity=Severity.INFO,
    confidence=Confidence.HIGH,
    impact=(Impact.INCONSISTENT_STATE,),
    summary="A comment `deadheat: allow(…)` has no reason, names no rule, or stands where nothing is found.",
    explanation="""\
A finding that a team has looked at and accepts is silenced where it stands, on the same line or the line
above, with the reason why it is acceptable:

    // deadheat: allow(check-then-act) reason="one worker only, see ADR 12"

A comment without a reason allows nothing, because nobody can later tell an accepted risk from a forgotten
one. Neither does one whose rule does not exist, or that stands where the rule finds nothing (any more): left
in place it would silence the next race that somebody writes on that line.""",
    invalid=(
        Example(
            "the race that it allowed is gone",
            """\
use rocket::{post, State};
use std::sync::Mutex;

struct Hits(Mutex<u64>);

#[post("/hit")]
fn hit(hits: &State<Hits>) -> String {
    // deadheat: allow(check-then-act) reason="counts are approximate"
    let mut count = hits.0.lock().unwrap();
    *count += 1;
    count.to_string()
}
""",
        ),
        Example(
            "there is no rule of that name",
            """\
use rocket::{get, State};
use std::sync::Mutex;

struct Hits(Mutex<u64>);

#[get("/hits")]
fn hits(hits: &State<Hits>) -> String {
    let count = *hits.0.lock().unwrap(); // deadheat: allow(chek-then-act) reason="read only"
    count.to_string()
}
""",
        ),
    ),
    valid=(
        Example(
            "an accepted race, with its reason",
            """\
use rocket::{post, State};
use std::sync::Mutex;

struct Seats(Mutex<u32>);

#[post("/take")]
fn take(seats: &State<Seats>) -> &'static str {
    if *seats.0.lock().unwrap() == 0 {
        return "sold out";
    }
    // deadheat: allow(DH101) reason="overbooking by one is settled at the door"
    *seats.0.lock().unwrap() -= 1;
    "yours"
}
""",
        ),
        Example(
            "words that only look like one",
            """\
use rocket::get;

#[get("/help")]
fn help() -> &'static str {
    "// deadheat: allow(check-then-act)"
}
""",
        ),
    ),
    fixes=(
        Fix("take the comment out", Safety.SAFE, "it silences nothing today", "none"),
        Fix('give a reason: `reason="…"`', Safety.UNSAFE, "who reads it later can judge it", "a sentence"),
    ),
    check=never,
)
