"""DH460: a file is looked at, then changed, and others get in between. Covers P46."""

import re
from collections.abc import Iterable

from msgspec.structs import replace

from deadheat.model import Confidence, Finding, Fix, Impact, Safety, Severity
from deadheat.rules.context import Context, describe
from deadheat.rules.rule import Example, Rule
from deadheat.rules.sections import confidence_of, spot
from deadheat.rust import Event, Kind, Mode, Place, Root
from deadheat.rust.outside import UNIQUE

_FILE = "F:"


def check(rule: Rule, context: Context) -> Iterable[Finding]:
    """Checks and reads of a path, and what is done to the same path because of them."""
    for root in context.program.roots:
        by_path: dict[Place, list[Event]] = {}
        for event in root.events:
            if event.place is None or event.place.root != _FILE or event.kind is Kind.ACQUIRE:
                continue
            if root.flow.is_live(event):
                by_path.setdefault(event.place, []).append(event)
        for place, events in by_path.items():
            yield from _of_path(rule, context, root, place, events)
            yield from _random_names(rule, context, root, place, events)


def _random_names(
    rule: Rule, context: Context, root: Root, place: Place, events: list[Event]
) -> Iterable[Finding]:
    """A file made under a name that was drawn: two requests may draw the same one."""
    for act in events:
        drawn = [root.events[number] for number, _ in act.deps if 0 <= number < len(root.events)
                 and root.events[number].method == UNIQUE
                 and _SHORT.search(root.events[number].operation)]  # fmt: skip
        if act.mark == "write" and drawn and root.serves and not act.operation.startswith("fs::write"):
            one, state = context.who(root), context.program.state_of(place)
            yield spot(
                rule, context, root, act,
                state=state,
                message=(
                    f"{one} makes {state.path} in `{act.operation}` under a name that it draws at "
                    "random, and takes "
                    f"it as it comes. When request B draws what request A has drawn, B's file "
                    "replaces A's: with "
                    f"`create_new` the second one is told, and can draw again."
                ),
                confidence=Confidence.LOW,
                severity=Severity.LOW,
                shape="random-name",
            )  # fmt: skip
            return


_SHORT = re.compile(r"rand|rng|gen|sample|nanoid|Rng")


def _of_path(
    rule: Rule, context: Context, root: Root, place: Place, events: list[Event]
) -> Iterable[Finding]:
    pairs: list[tuple[str, Event, Event]] = []
    for act in events:
        shapes = [(shape, first, act) for first in events if (shape := _shape(root, first, act)) is not None]
        if shapes:
            pairs.append(min(shapes, key=lambda pair: list(_HARM).index(pair[0])))
    grave = [pair for pair in pairs if pair[0] not in _MILD]
    # One root cause: whoever mends the write mends the look as well.
    for shape, first, act in grave or pairs[:1]:
        yield _finding(rule, context, root, place, first, act, shape)


def _shape(root: Root, first: Event, act: Event) -> str | None:
    """What kind of pair it is; None when it is none or harmless."""
    if (
        not root.flow.follows(first, act)
        or act.mark in ("claim", "append", "check", "")
        or _alone(root, first, act)
    ):
        return None
    if _is_fresh(root, first) or _is_fresh(root, act):
        return None
    decided = any(number == first.id for number, _ in act.control)
    fed = any(number == first.id for number, _ in act.deps)
    if first.mark == "read" and act.mark == "write" and fed:
        return "read-modify-write"
    if first.mark == "check" and decided and act.mark == "passed":
        # Only what is done when it is *not* there makes it.
        text = first.where.file.text[: first.where.start]
        return "check-then-make" if text.endswith(b"!") else None
    if first.mark == "check" and decided:
        return {"write": "check-then-write", "remove": "check-then-remove", "read": "check-then-open"}.get(
            act.mark
        )
    return None


def _alone(root: Root, first: Event, act: Event) -> bool:
    """Whether one exclusive lock is held over both."""
    both = root.flow.must[first.id] & root.flow.must[act.id]
    return any(
        both >> guard.id & 1 and guard.mode is not Mode.SHARED for guard in root.flow.held(first, surely=True)
    )


def _is_fresh(root: Root, event: Event) -> bool:
    """Whether the path has something in it that no other request has.

    A field of something that was made from a fresh value, or whether that went well, is not fresh.
    """
    return any(
        0 <= number < len(root.events) and root.events[number].method == UNIQUE
        and root.events[number].kind is Kind.CALL
        and all(step.endswith("()") for step in part.split(".") if step)
        for number, part in event.deps
    )  # fmt: skip


_MILD = frozenset({"check-then-remove", "check-then-open"})
# The gravest first.
_HARM = {
    "read-modify-write": "A and B read the same content, each writes its own back, and one of the "
    "two is lost",
    "check-then-write": "A and B both find that it is not there, both write, and the later one "
    "replaces the earlier",
    "check-then-make": "A and B both find that it is not there and both make it, or B uses what A "
    "has half made",
    "check-then-remove": "B removes it first, and A's removal fails, or removes what B has just put there",
    "check-then-open": "B removes or replaces it first, and A fails to open it, or opens something else",
}


def _finding(
    rule: Rule, context: Context, root: Root, place: Place, first: Event, act: Event, shape: str
) -> Finding:
    window, one = context.window(root, first, act), context.who(root)
    state = context.program.state_of(place).path
    mild = shape in _MILD
    message = (
        f"{one} looks at {state} in {describe(window.check)} and acts on it in "
        f"{describe(window.act)}; other requests "
        f"use the same file in between: {_HARM[shape]}."
    )
    sure = confidence_of(rule, root, None, sure=shape == "read-modify-write")
    found = context.finding(
        rule, root, place, window,
        handlers=context.handlers(root, ()),
        message=message,
        # At startup and on the command line there is nobody else yet.
        confidence=sure if root.serves else Confidence.LOW,
        related=context.related(window, "the file is looked at here", "reached through this call"),
        act=act,
        shape=shape,
    )  # fmt: skip
    return replace(found, severity=Severity.LOW) if mild else found


RULE = Rule(
    code="DH460",
    name="file-check-then-act",
    title="file check-then-act",
    cwe=(367, 362),
    severity=Severity.MEDIUM,
    confidence=Confidence.HIGH,
    impact=(Impact.DATA_CORRUPTION, Impact.INCONSISTENT_STATE),
    summary="A file is read or tested, then written, with nothing that keeps other requests away from it.",
    explanation="""\
A file is shared state too, and the file system has no lock that anybody takes by itself:

    A: read count.txt       7
    B: read count.txt       7
    A: write 8
    B: write 8              one is lost

and `if !path.exists() { File::create(path) }` is a check and an act with all other requests in between, on a
path that a visitor may choose. Let the file system decide in one step (`create_new`, `rename`), give each
request a name of its own, or put one lock around the whole.""",
    invalid=(
        Example(
            "a counter in a file",
            """\
use rocket::{post, tokio::fs};

#[post("/visit")]
async fn visit() -> Option<String> {
    let text = fs::read_to_string("count.txt").await.ok()?;
    let count: u32 = text.trim().parse().ok()?;
    fs::write("count.txt", (count + 1).to_string()).await.ok()?;
    Some(count.to_string())
}
""",
        ),
        Example(
            "created when it is not there",
            """\
use rocket::{fs::TempFile, post, form::Form};
use std::path::Path;

#[post("/upload/<name>", data = "<file>")]
async fn upload(name: &str, mut file: Form<TempFile<'_>>) -> &'static str {
    let path = Path::new("uploads").join(name);
    if path.exists() {
        return "taken";
    }
    match file.persist_to(&path).await {
        Ok(()) => "saved",
        Err(_) => "failed",
    }
}
""",
        ),
        Example(
            "a list in a file, through helpers",
            """\
use rocket::{post, tokio::fs};

async fn load(path: &str) -> Vec<String> {
    let text = fs::read_to_string(path).await.unwrap_or_default();
    text.lines().map(String::from).collect()
}

async fn save(path: &str, lines: Vec<String>) {
    let _ = fs::write(path, lines.join("\\n")).await;
}

#[post("/sign/<name>")]
async fn sign(name: String) {
    let mut lines = load("guests.txt").await;
    lines.push(name);
    save("guests.txt", lines).await;
}
""",
        ),
    ),
    valid=(
        Example(
            "created only if nobody has",
            """\
use rocket::{post, tokio::fs::OpenOptions};

#[post("/claim/<name>")]
async fn claim(name: &str) -> &'static str {
    let path = format!("claims/{name}");
    match OpenOptions::new().write(true).create_new(true).open(&path).await {
        Ok(_) => "yours",
        Err(_) => "taken",
    }
}
""",
        ),
        Example(
            "one lock around read and write",
            """\
use rocket::{post, State, tokio::{fs, sync::Mutex}};

struct Disk { turn: Mutex<()> }

#[post("/visit")]
async fn visit(disk: &State<Disk>) -> Option<String> {
    let _turn = disk.turn.lock().await;
    let text = fs::read_to_string("count.txt").await.ok()?;
    let count: u32 = text.trim().parse().ok()?;
    fs::write("count.txt", (count + 1).to_string()).await.ok()?;
    Some(count.to_string())
}
""",
        ),
        Example(
            "a name of its own",
            """\
use rocket::{fs::TempFile, post, form::Form};
use std::path::PathBuf;
use uuid::Uuid;

#[post("/upload", data = "<file>")]
async fn upload(mut file: Form<TempFile<'_>>) -> String {
    let name = Uuid::new_v4().to_string();
    let path = PathBuf::from("uploads").join(&name);
    if !path.exists() {
        let _ = file.persist_to(&path).await;
    }
    name
}
""",
        ),
        Example(
            "one file is read, another is written",
            """\
use rocket::{post, tokio::fs};

#[post("/copy")]
async fn copy() -> Option<()> {
    let text = fs::read_to_string("template.txt").await.ok()?;
    fs::write("copy.txt", text).await.ok()
}
""",
        ),
    ),
    fixes=(
        Fix(
            "let one call decide: `create_new`, `hard_link`, `persist_noclobber`, and use what it says",
            Safety.UNSAFE,
            "the file system creates it for one request and tells the others that it exists",
            "the error has to be told apart from others",
        ),
        Fix(
            "one lock (or one task) around reading and writing the file",
            Safety.UNSAFE,
            "the read and the write are one step within this process",
            "requests wait for each other; other processes are not kept away",
        ),
        Fix(
            "keep it in a database, or in memory with one writer that saves it",
            Safety.UNSAFE,
            "the update is one statement, or one owner's business",
            "a database, or what was not saved yet is lost with the process",
        ),
    ),
    check=check,
)
