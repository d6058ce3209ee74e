"""DH106: a decision made under one lock and acted on under another. Covers P5."""

from collections.abc import Iterable

from deadheat.model import Confidence, Finding, Fix, Impact, Safety, Severity
from deadheat.rules.context import Context, describe
from deadheat.rules.rule import Example, Rule


def check(rule: Rule, context: Context) -> Iterable[Finding]:
    """Writes decided by a state whose lock has been let go."""
    for split in context.splits:
        assert split.check.place is not None and split.act.place is not None  # noqa: PT018
        if split.check.place.state == split.act.place.state:
            continue  # `check-then-act` tells of two parts under one lock
        window = context.window(split.root, split.check, split.act)
        one = context.program.state_of(split.check.place.state, split.check.type).path
        other = context.program.state_of(split.act.place.state, split.act.type).path
        who, rival = context.who(split.root), context.who(split.rival)
        both = f" and touches `{other}`" if split.crosses else ""
        message = (
            f"{who} looks at `{one}` in {describe(window.check)}, lets go of its lock, and changes `{other}` "
            f"because of it in {describe(window.act)}. Request A ({who}) checks `{one}`; request B ({rival}) "
            f"changes `{one}`{both}; A changes `{other}` on a check that is no longer true."
        )
        yield context.finding(
            rule, split.root, split.check.place.state, window,
            handlers=context.handlers(split.root, [split.rival]),
            message=message,
            confidence=context.confidence(rule, split.root, split.check.place.state, proven=True),
            related=context.related(window, f"check: reads `{one}`", "reached through this call"),
            act=split.act,
            shape=f"{one}>{other}",
        )  # fmt: skip


RULE = Rule(
    code="DH106",
    name="check-under-another-lock",
    title="check under one lock, act under another",
    cwe=(367,),
    severity=Severity.HIGH,
    confidence=Confidence.MEDIUM,
    impact=(Impact.AUTHORIZATION_BYPASS, Impact.INCONSISTENT_STATE),
    summary="What one lock guards decides about what another lock guards, and neither is held over both.",
    explanation="""\
The handler asks one state whether it may change another. Both accesses are locked, with two locks. When
the second lock is taken the first is free, and whoever takes permission away in that moment, and tidies
up after it, is overtaken:

    A: is Eve an admin?           yes
    B: Eve is no admin any more, and all her documents go
    A: publish Eve's document     it stays

Hold the first guard, a read guard will do, until the act is done, or look again under the second lock.
Who changes the first state then waits for those who rely on it.""",
    invalid=(
        Example(
            "the right is taken away in between",
            """\
use rocket::{delete, http::Status, post, State};
use std::{collections::{HashMap, HashSet}, sync::{Mutex, RwLock}};

struct Team { admins: RwLock<HashSet<String>>, documents: Mutex<HashMap<u32, String>> }

#[post("/documents/<id>/<user>")]
fn publish(id: u32, user: String, team: &State<Team>) -> Status {
    if !team.admins.read().unwrap().contains(&user) {
        return Status::Forbidden;
    }
    team.documents.lock().unwrap().insert(id, user);
    Status::Created
}

#[delete("/admins/<user>")]
fn dismiss(user: String, team: &State<Team>) {
    team.admins.write().unwrap().remove(&user);
    team.documents.lock().unwrap().retain(|_, owner| *owner != user);
}
""",
        ),
        Example(
            "closed while somebody orders",
            """\
use rocket::{post, tokio::sync::{Mutex, RwLock}, State};

struct Kitchen { open: RwLock<bool>, orders: Mutex<Vec<String>> }

#[post("/order/<dish>")]
async fn order(dish: String, kitchen: &State<Kitchen>) -> &'static str {
    let open = *kitchen.open.read().await;
    if !open {
        return "closed";
    }
    kitchen.orders.lock().await.push(dish);
    "coming"
}

#[post("/close")]
async fn close(kitchen: &State<Kitchen>) -> String {
    *kitchen.open.write().await = false;
    let left = std::mem::take(&mut *kitchen.orders.lock().await);
    format!("{} orders thrown away", left.len())
}
""",
        ),
    ),
    valid=(
        Example(
            "the first guard is held",
            """\
use rocket::{delete, http::Status, post, State};
use std::{collections::{HashMap, HashSet}, sync::{Mutex, RwLock}};

struct Team { admins: RwLock<HashSet<String>>, documents: Mutex<HashMap<u32, String>> }

#[post("/documents/<id>/<user>")]
fn publish(id: u32, user: String, team: &State<Team>) -> Status {
    let admins = team.admins.read().unwrap();
    if !admins.contains(&user) {
        return Status::Forbidden;
    }
    team.documents.lock().unwrap().insert(id, user);
    Status::Created
}

#[delete("/admins/<user>")]
fn dismiss(user: String, team: &State<Team>) {
    let mut admins = team.admins.write().unwrap();
    admins.remove(&user);
    team.documents.lock().unwrap().retain(|_, owner| *owner != user);
}
""",
        ),
        Example(
            "nobody takes it away",
            """\
use rocket::{post, State};
use std::{collections::HashSet, sync::{Mutex, RwLock}};

struct Shop { known: RwLock<HashSet<String>>, orders: Mutex<Vec<String>> }

#[post("/known/<what>")]
fn learn(what: String, shop: &State<Shop>) { shop.known.write().unwrap().insert(what); }

#[post("/order/<what>")]
fn order(what: String, shop: &State<Shop>) -> &'static str {
    if !shop.known.read().unwrap().contains(&what) {
        return "we do not have that";
    }
    shop.orders.lock().unwrap().push(what);
    "coming"
}
""",
        ),
    ),
    fixes=(
        Fix(
            "hold the guard of the check until the act is done",
            Safety.UNSAFE,
            "what was checked cannot change while its guard is held",
            "two locks at once: every handler must take them in the same order",
        ),
        Fix(
            "look again under the second lock, where the first may be taken too",
            Safety.UNSAFE,
            "the second look and the act are one step",
            "one more lookup, and the same order of locks everywhere",
        ),
    ),
    check=check,
)
