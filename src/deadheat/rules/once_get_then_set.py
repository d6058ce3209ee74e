"""DH107: a cell that is set once, looked at and then set, and the refusal ignored. Covers P12."""

from collections.abc import Iterable

from deadheat.model import Confidence, Finding, Fix, Impact, Safety, Severity
from deadheat.rules.context import Context, describe
from deadheat.rules.gaps import Shape
from deadheat.rules.rule import Example, Rule


def check(rule: Rule, context: Context) -> Iterable[Finding]:
    """`set` after a `get` that found nothing, when nobody looks at what `set` says."""
    for gap in context.gaps(Shape.ONCE):
        window = context.window(gap.root, gap.check, gap.act)
        state = context.program.state_of(gap.state, gap.act.type).path
        one, other = context.who(gap.root), context.who(context.rival(gap))
        message = (
            f"{one} finds `{state}` empty in {describe(window.check)}, makes a value and sets it in "
            f"{describe(window.act)} without looking whether it was set. Request A ({one}) finds it empty; "
            f"request B ({other}) sets its own value; A's `set` is refused, and A goes on with a value that "
            f"nobody else has."
        )
        yield context.finding(
            rule, gap.root, gap.state, window,
            handlers=context.collision(gap),
            message=message,
            confidence=context.confidence(rule, gap.root, gap.state, proven=gap.proven),
            related=context.related(window, f"check: `{state}` is empty", "reached through this call"),
            act=gap.act,
            shape=f"{gap.check.method}>{gap.act.method}",
        )  # fmt: skip


RULE = Rule(
    code="DH107",
    name="once-get-then-set",
    title="get, then set of a cell that is set once",
    cwe=(362,),
    severity=Severity.MEDIUM,
    confidence=Confidence.HIGH,
    impact=(Impact.INCONSISTENT_STATE,),
    summary="A `OnceLock` is looked at and then set, and the refusal of a second `set` is ignored.",
    explanation="""\
`OnceLock` keeps the first value that is set and refuses every other: that is its promise, and it is kept.
But a handler that looks, finds nothing, makes a value, sets it and goes on with *its* value has not read
the answer of `set`:

    A: get        nothing
    B: get        nothing
    A: set 7      done, answers 7
    B: set 9      refused, answers 9 all the same

From now on everybody is told 7, except the client that was told 9. `get_or_init` runs one initialiser
and gives its value to all.""",
    invalid=(
        Example(
            "the refusal is thrown away",
            """\
use rocket::get;
use std::sync::OnceLock;

static INSTANCE: OnceLock<String> = OnceLock::new();

fn random() -> String { format!("{:?}", std::time::Instant::now()) }

#[get("/instance")]
fn instance() -> String {
    if let Some(id) = INSTANCE.get() {
        return id.clone();
    }
    let id = random();
    let _ = INSTANCE.set(id.clone());
    id
}
""",
        ),
        Example(
            "a cell in managed state",
            """\
use rocket::{post, State};
use std::sync::OnceLock;

struct Game { winner: OnceLock<String> }

#[post("/win/<name>")]
fn win(name: String, game: &State<Game>) -> &'static str {
    if game.winner.get().is_some() {
        return "too late";
    }
    game.winner.set(name).ok();
    "you won"
}
""",
        ),
    ),
    valid=(
        Example(
            "get_or_init",
            """\
use rocket::get;
use std::sync::OnceLock;

static INSTANCE: OnceLock<String> = OnceLock::new();

#[get("/instance")]
fn instance() -> String {
    INSTANCE.get_or_init(|| String::from("one")).clone()
}
""",
        ),
        Example(
            "set says who was first",
            """\
use rocket::{post, State};
use std::sync::OnceLock;

struct Game { winner: OnceLock<String> }

#[post("/win/<name>")]
fn win(name: String, game: &State<Game>) -> &'static str {
    if game.winner.get().is_some() {
        return "too late";
    }
    if game.winner.set(name).is_err() {
        return "too late";
    }
    "you won"
}
""",
        ),
    ),
    fixes=(
        Fix(
            "use `get_or_init` (`get_or_try_init` where making the value can fail)",
            Safety.UNSAFE,
            "one initialiser runs, and everybody gets its value",
            "other requests wait while the value is made",
        ),
        Fix(
            "look at what `set` says, and read the cell again when it refused",
            Safety.UNSAFE,
            "only the request whose value was kept goes on with it",
            "the value may be made in vain",
        ),
    ),
    check=check,
)
