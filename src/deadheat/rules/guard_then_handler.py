"""DH309: a request guard looks, and the handler acts on what it saw. Covers P38."""

from collections.abc import Iterable

from deadheat.model import Confidence, Finding, Fix, Impact, Safety, Severity
from deadheat.rules.context import Context, describe
from deadheat.rules.gaps import Gap
from deadheat.rules.ranking import words
from deadheat.rules.rule import Example, Rule
from deadheat.rust import Kind
from deadheat.rust.outside import EXTERNAL


def check(rule: Rule, context: Context) -> Iterable[Finding]:
    """The gaps that open in a guard and close in the handler."""
    for gap in context.guard_gaps():
        if _only_takes_away(gap):
            continue
        window = context.window(gap.root, gap.check, gap.act)
        state = context.program.state_of(gap.state, gap.act.type).path
        one, other = context.who(gap.root), context.who(context.rival(gap))
        reads_body = gap.root.handler is not None and any(
            parameter.kind.value == "data" for parameter in gap.root.handler.parameters
        )
        body = (
            " Between the two Rocket reads the request's body: whoever sends it slowly keeps the "
            "window open as "
            "long as they like." if reads_body else ""
        )  # fmt: skip
        message = (
            f"A request guard of {one} looks at `{state}` in {describe(window.check)}; the handler "
            "acts on it in "
            f"{describe(window.act)} without looking again. Request A passes its guard; request B "
            f"({other}) changes "
            f"`{state}`; A's handler acts on what is no longer true.{body}"
        )
        yield context.finding(
            rule, gap.root, gap.state, window,
            handlers=context.collision(gap),
            message=message,
            confidence=context.confidence(rule, gap.root, gap.state, proven=gap.proven, benign=gap.benign),
            related=context.related(window, f"the guard reads `{state}`", "reached through this call"),
            act=gap.act,
            shape=f"{gap.check.method}>{gap.act.method}",
        )  # fmt: skip


def _only_takes_away(gap: Gap) -> bool:
    """Whether the handler is there to remove what the guard found: who comes second finds it gone.

    By its method or its name, because a token that is spent is removed as well, and means more.
    """
    root, act = gap.root, gap.act
    handler = root.handler
    if handler is None or not (handler.method == "DELETE" or words(handler.name) & _LEAVES):
        return False
    if act.method not in _REMOVES or any(number == gap.check.id for number, _ in act.deps):
        return False
    for event in root.events[root.entry :]:
        changes = event.kind in (Kind.WRITE, Kind.RMW, Kind.SEND, Kind.SPAWN) or (
            event.kind is Kind.CALL and event.method == EXTERNAL
        )
        if changes and event is not act and root.flow.is_live(event):
            return False
        if event.kind in (Kind.RETURN, Kind.BRANCH):
            told = {number for number, part in event.deps if not part.endswith("?")}
            if told & {gap.check.id, act.id}:
                return False
    return True


_REMOVES = frozenset({"remove", "retain", "clear", "invalidate", "remove_if", "swap_remove", "remove_entry"})
_LEAVES = frozenset(
    {"logout", "signout", "out", "leave", "delete", "remove", "revoke", "clear", "destroy", "forget",
     "unsubscribe", "unregister", "unfollow", "disconnect", "purge"}
)  # fmt: skip


RULE = Rule(
    code="DH309",
    name="guard-then-handler",
    title="guard-to-handler window",
    cwe=(367,),
    severity=Severity.HIGH,
    confidence=Confidence.HIGH,
    impact=(Impact.AUTHORIZATION_BYPASS, Impact.DATA_CORRUPTION),
    summary="A request guard checks a shared state and the handler acts on it, with nothing held in between.",
    explanation="""\
A request guard runs before the handler, and what it saw is what the handler believes: there is a credit, the
token is unused, the quota is not used up. But a guard cannot hold a lock for the handler, so any request may
change the state in between. Rocket even reads the request's body between the two, and whoever sends the
body byte by byte decides how long that takes:

    A: guard: credit 1 > 0         body comes slowly…
    B: guard: credit 1 > 0         handler: credit 0
    A:                             handler: credit -1

Let the guard say who it is, and let the handler check and change in one step.""",
    invalid=(
        Example(
            "the quota is looked at in the guard and used in the handler",
            """\
use rocket::{http::Status, post, request::{FromRequest, Outcome}, Request, State};
use std::sync::Mutex;

struct Quota { left: Mutex<u32> }
struct HasQuota;

#[rocket::async_trait]
impl<'r> FromRequest<'r> for HasQuota {
    type Error = ();
    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, ()> {
        let quota = request.rocket().state::<Quota>().unwrap();
        if *quota.left.lock().unwrap() == 0 {
            return Outcome::Error((Status::TooManyRequests, ()));
        }
        Outcome::Success(HasQuota)
    }
}

#[post("/render", data = "<page>")]
fn render(_quota: HasQuota, page: String, quota: &State<Quota>) -> String {
    *quota.left.lock().unwrap() -= 1;
    page
}
""",
        ),
        Example(
            "a token is tested in the guard and spent in the handler",
            """\
use rocket::{http::Status, post, request::{FromRequest, Outcome}, Request, State};
use std::{collections::HashSet, sync::RwLock};

struct Tokens { open: RwLock<HashSet<String>> }
struct Token(String);

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Token {
    type Error = ();
    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, ()> {
        let tokens = request.guard::<&State<Tokens>>().await.unwrap();
        let token = request.headers().get_one("x-token").unwrap_or("").to_string();
        if tokens.open.read().unwrap().contains(&token) {
            Outcome::Success(Token(token))
        } else {
            Outcome::Error((Status::Forbidden, ()))
        }
    }
}

#[post("/spend")]
fn spend(token: Token, tokens: &State<Tokens>) -> &'static str {
    tokens.open.write().unwrap().retain(|one| *one != token.0);
    "spent"
}
""",
        ),
    ),
    valid=(
        Example(
            "whoever is known may leave, and leaving twice is leaving",
            """\
use rocket::{http::Status, post, request::{FromRequest, Outcome}, Request, State};
use std::{collections::HashMap, sync::RwLock};

#[derive(Clone)]
struct User { id: u64 }
struct Sessions { open: RwLock<HashMap<String, User>> }

#[rocket::async_trait]
impl<'r> FromRequest<'r> for User {
    type Error = ();
    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, ()> {
        let sessions = request.rocket().state::<Sessions>().unwrap();
        let token = request.headers().get_one("x-session").unwrap_or("");
        match sessions.open.read().unwrap().get(token).cloned() {
            Some(user) => Outcome::Success(user),
            None => Outcome::Error((Status::Unauthorized, ())),
        }
    }
}

#[post("/logout")]
fn logout(user: User, sessions: &State<Sessions>) -> Status {
    sessions.open.write().unwrap().retain(|_, one| one.id != user.id);
    Status::NoContent
}
""",
        ),
        Example(
            "the handler looks again where it acts",
            """\
use rocket::{http::Status, post, request::{FromRequest, Outcome}, Request, State};
use std::sync::Mutex;

struct Quota { left: Mutex<u32> }
struct HasQuota;

#[rocket::async_trait]
impl<'r> FromRequest<'r> for HasQuota {
    type Error = ();
    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, ()> {
        let quota = request.rocket().state::<Quota>().unwrap();
        if *quota.left.lock().unwrap() == 0 {
            return Outcome::Error((Status::TooManyRequests, ()));
        }
        Outcome::Success(HasQuota)
    }
}

#[post("/render", data = "<page>")]
fn render(_quota: HasQuota, page: String, quota: &State<Quota>) -> Result<String, Status> {
    let mut left = quota.left.lock().unwrap();
    if *left == 0 {
        return Err(Status::TooManyRequests);
    }
    *left -= 1;
    Ok(page)
}
""",
        ),
        Example(
            "the guard takes what it tests",
            """\
use rocket::{http::Status, post, request::{FromRequest, Outcome}, Request};
use std::sync::Mutex;

struct Quota { left: Mutex<u32> }
struct Used;

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Used {
    type Error = ();
    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, ()> {
        let quota = request.rocket().state::<Quota>().unwrap();
        let mut left = quota.left.lock().unwrap();
        if *left == 0 {
            return Outcome::Error((Status::TooManyRequests, ()));
        }
        *left -= 1;
        Outcome::Success(Used)
    }
}

#[post("/render", data = "<page>")]
fn render(_used: Used, page: String) -> String {
    page
}
""",
        ),
    ),
    fixes=(
        Fix(
            "check again in the handler, in the step that acts",
            Safety.UNSAFE,
            "what the guard saw only turns requests away early; what counts is checked where it is changed",
            "the check is written twice",
        ),
        Fix(
            "let the guard claim what it checks (decrement, remove), and give it back if the handler fails",
            Safety.UNSAFE,
            "only one request gets past the guard for each claim",
            "requests that fail afterwards have to give back",
        ),
    ),
    check=check,
)
