"""DH310: what a handler or guard does is done twice, for a HEAD request or after a forward. Covers P39."""

from collections.abc import Iterable

from deadheat.model import Confidence, Finding, Fix, Impact, Safety, Severity
from deadheat.rules.context import Context
from deadheat.rules.rule import Example, Rule
from deadheat.rules.sections import confidence_of, spot
from deadheat.rust import Event, Kind, Root

_CHANGES = (Kind.WRITE, Kind.RMW)
_TAKES = frozenset({"remove", "pop", "pop_front", "pop_back", "take", "remove_entry", "swap_remove"})


def check(rule: Rule, context: Context) -> Iterable[Finding]:
    """Durable effects of GET handlers, and effects of guards that may forward."""
    guards: set[str] = set()
    for root in context.program.roots:
        if root.handler is None or root.task:
            continue
        for event in root.events[: root.entry]:
            if event.kind not in _CHANGES or event.place is None or event.function in guards:
                continue
            if _forwards(context, event.function) and root.flow.is_live(event):
                guards.add(event.function)
                yield _forwarded(rule, context, root, event)
        if root.handler.method == "GET":
            mine = [event for event in root.events[root.entry :] if root.flow.is_live(event)]
            durable = next((event for event in mine if _is_durable(event)), None)
            taken = next((event for event in mine if _is_handed_out(root, event)), None)
            event_ = durable or taken
            if event_ is not None:
                yield _headed(rule, context, root, event_, sure=durable is not None)


def _is_durable(event: Event) -> bool:
    """Whether doing it twice differs from doing it once: an insert that keeps what is there does not."""
    if event.kind not in _CHANGES or event.place is None or event.place.root[:2] not in ("D:", "F:"):
        return False
    return event.query is None or not event.query.conflict


def _is_handed_out(root: Root, event: Event) -> bool:
    """Whether what is in memory is taken out and told: whoever asks HEAD takes it and is told nothing."""
    if event.kind is not Kind.RMW or event.method not in _TAKES or not root.is_locked(event):
        return False
    return any(
        number == event.id and not part.endswith("?")
        for answer in root.events
        if answer.kind is Kind.RETURN
        for number, part in answer.deps
    )


def _forwards(context: Context, path: str) -> bool:
    function = context.program.types.functions.get(path)
    if function is None or function.name != "from_request":
        return False
    return b"Forward" in (function.body_text or b"")


def _forwarded(rule: Rule, context: Context, root: Root, event: Event) -> Finding:
    place = event.place
    assert place is not None  # the caller looked
    state = context.program.state_of(place, event.type)
    message = (
        f"A request guard of {context.who(root)} changes `{state.path}` in `{event.operation}` and "
        "may forward: Rocket "
        f"then tries the next route, whose guards run again. One request changes `{state.path}` once "
        "for every "
        f"route that is tried."
    )
    return spot(
        rule, context, root, event,
        state=state,
        message=message,
        confidence=confidence_of(rule, root, place),
        severity=Severity.LOW,
        shape="forward",
    )  # fmt: skip


def _headed(rule: Rule, context: Context, root: Root, event: Event, *, sure: bool) -> Finding:
    place = event.place
    assert place is not None  # the caller looked
    state = context.program.state_of(place, event.type)
    message = (
        f"{context.who(root)} changes `{state.path}` in `{event.operation}`, and GET is also what "
        "Rocket runs for "
        f"HEAD: a client, a proxy or a link preview that asks HEAD first and then GET does it twice."
    )
    return spot(
        rule, context, root, event,
        state=state,
        message=message,
        confidence=confidence_of(rule, root, place) if sure else Confidence.LOW,
        shape="head",
    )  # fmt: skip


RULE = Rule(
    code="DH310",
    name="executed-twice",
    title="side effect executed twice",
    cwe=(841, 837),
    severity=Severity.INFO,
    confidence=Confidence.LOW,
    impact=(Impact.INCONSISTENT_STATE,),
    summary="A GET handler or a forwarding guard has side effects, which HEAD requests and forwards repeat.",
    explanation="""\
Rocket answers a HEAD request by running the GET handler and throwing its body away, and it answers a forward
by trying the next route, whose guards run again. What they change is then changed twice by what a person
calls one request:

    HEAD /unsubscribe/42      runs the GET handler
    GET  /unsubscribe/42      runs it again

Clients, proxies, crawlers and link previews send HEAD and repeat GET as they please, because GET is meant to
change nothing. Change state in POST, PUT and DELETE, and let guards that may forward only look.""",
    invalid=(
        Example(
            "a GET that writes",
            """\
use rocket::{get, tokio};

#[get("/confirm/<id>")]
async fn confirm(id: String) -> &'static str {
    let _ = tokio::fs::write("confirmed.txt", id).await;
    "confirmed"
}
""",
        ),
        Example(
            "a guard that counts and may forward",
            """\
use rocket::{http::Status, get, request::{FromRequest, Outcome}, Request};
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

static TRIED: AtomicU32 = AtomicU32::new(0);
struct Admin;

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Admin {
    type Error = ();
    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, ()> {
        TRIED.fetch_add(1, SeqCst);
        if request.headers().contains("x-admin") {
            Outcome::Success(Admin)
        } else {
            Outcome::Forward(Status::Unauthorized)
        }
    }
}

#[get("/panel")]
fn panel(_admin: Admin) -> &'static str {
    "panel"
}
""",
        ),
    ),
    valid=(
        Example(
            "a POST that writes",
            """\
use rocket::{post, tokio};

#[post("/confirm/<id>")]
async fn confirm(id: String) -> &'static str {
    let _ = tokio::fs::write("confirmed.txt", id).await;
    "confirmed"
}
""",
        ),
        Example(
            "a guard that only looks",
            """\
use rocket::{http::Status, get, request::{FromRequest, Outcome}, Request};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

static OPEN: AtomicBool = AtomicBool::new(true);
struct Open;

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Open {
    type Error = ();
    async fn from_request(_request: &'r Request<'_>) -> Outcome<Self, ()> {
        if OPEN.load(SeqCst) { Outcome::Success(Open) } else { Outcome::Forward(Status::NotFound) }
    }
}

#[get("/shop")]
fn shop(_open: Open) -> &'static str {
    "welcome"
}
""",
        ),
    ),
    fixes=(
        Fix(
            "change state in POST, PUT or DELETE only",
            Safety.UNSAFE,
            "nobody repeats those on their own",
            "links become forms",
        ),
        Fix(
            "make the change idempotent: keyed by what the request names, so that twice is once",
            Safety.UNSAFE,
            "repeating it changes nothing",
            "a key and a place that remembers it",
        ),
    ),
    check=check,
)
