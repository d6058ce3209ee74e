"""DH105: two states that belong together, changed under one lock after the other. Covers P4."""

from collections.abc import Iterable

from deadheat.model import Confidence, Finding, Fix, Impact, Safety, Severity
from deadheat.rules.context import Context, describe
from deadheat.rules.pairs import torn_updates
from deadheat.rules.rule import Example, Rule


def check(rule: Rule, context: Context) -> Iterable[Finding]:
    """Pairs of writes that a reader of both states can see half done."""
    for torn in torn_updates(context.program):
        assert torn.first.place is not None and torn.second.place is not None  # noqa: PT018
        window = context.window(torn.root, torn.first, torn.second)
        one = context.program.state_of(torn.first.place.state, torn.first.type).path
        other = context.program.state_of(torn.second.place.state, torn.second.type).path
        who, reader = context.who(torn.root), context.who(torn.reader)
        message = (
            f"{who} changes `{one}` in {describe(window.check)} and `{other}` in {describe(window.act)}, "
            f"each under its own lock and none over both, while {reader} takes the two to agree. Request A "
            f"({who}) changes `{one}`; request B ({reader}) reads both; A changes `{other}`: B has seen a "
            "state that no order of whole requests can give."
        )
        yield context.finding(
            rule, torn.root, torn.second.place.state, window,
            handlers=context.handlers(torn.root, [torn.reader]),
            message=message,
            confidence=context.confidence(rule, torn.root, torn.second.place.state, proven=torn.certain),
            related=context.related(window, f"first half: changes `{one}`", "reached through this call"),
            act=torn.second,
            shape=f"{one}>{other}",
        )  # fmt: skip


RULE = Rule(
    code="DH105",
    name="torn-update",
    title="torn update of two states",
    cwe=(662,),
    severity=Severity.MEDIUM,
    confidence=Confidence.HIGH,
    impact=(Impact.DATA_CORRUPTION, Impact.INCONSISTENT_STATE),
    summary="Two states that belong together are changed under two locks, one after the other.",
    explanation="""\
Money leaves one account and arrives in another; an order is added to a list and its price to a sum. Each
state has its lock and each access takes it, but between the first change and the second both locks are
free, and what the two say together is not true:

    A: checking -= 50        checking 50, savings 0
    B: read both             "you have 50 in all"
    A: savings += 50         checking 50, savings 50

A request that is cancelled or fails in between leaves it so for good. States with a rule between them
want one lock over both: put them into one struct behind one lock, or hold the first guard until the
second change is made, always in the same order.""",
    invalid=(
        Example(
            "money on its way",
            """\
use rocket::{get, post, State};
use std::sync::Mutex;

struct Bank { checking: Mutex<i64>, savings: Mutex<i64> }

#[post("/save/<amount>")]
fn save(amount: i64, bank: &State<Bank>) {
    *bank.checking.lock().unwrap() -= amount;
    *bank.savings.lock().unwrap() += amount;
}

#[get("/total")]
fn total(bank: &State<Bank>) -> String {
    let checking = bank.checking.lock().unwrap();
    let savings = bank.savings.lock().unwrap();
    (*checking + *savings).to_string()
}
""",
        ),
        Example(
            "two maps under one key",
            """\
use rocket::{get, post, tokio::sync::RwLock, State};
use std::collections::HashMap;

#[derive(Default)]
struct Users { names: RwLock<HashMap<u64, String>>, mails: RwLock<HashMap<u64, String>> }

#[post("/users/<id>/<name>/<mail>")]
async fn update(id: u64, name: String, mail: String, users: &State<Users>) {
    users.names.write().await.insert(id, name);
    users.mails.write().await.insert(id, mail);
}

#[get("/users/<id>")]
async fn show(id: u64, users: &State<Users>) -> Option<String> {
    let name = users.names.read().await.get(&id)?.clone();
    let mail = users.mails.read().await.get(&id)?.clone();
    Some(format!("{name} <{mail}>"))
}
""",
        ),
    ),
    valid=(
        Example(
            "the first guard is held until the second change is made",
            """\
use rocket::{get, post, State};
use std::sync::Mutex;

struct Bank { checking: Mutex<i64>, savings: Mutex<i64> }

#[post("/save/<amount>")]
fn save(amount: i64, bank: &State<Bank>) {
    let mut checking = bank.checking.lock().unwrap();
    *checking -= amount;
    *bank.savings.lock().unwrap() += amount;
}

#[get("/total")]
fn total(bank: &State<Bank>) -> String {
    let checking = bank.checking.lock().unwrap();
    let savings = bank.savings.lock().unwrap();
    (*checking + *savings).to_string()
}
""",
        ),
        Example(
            "one lock over both",
            """\
use rocket::{get, post, State};
use std::sync::Mutex;

struct Accounts { checking: i64, savings: i64 }
struct Bank { accounts: Mutex<Accounts> }

#[post("/save/<amount>")]
fn save(amount: i64, bank: &State<Bank>) {
    let mut accounts = bank.accounts.lock().unwrap();
    accounts.checking -= amount;
    accounts.savings += amount;
}

#[get("/total")]
fn total(bank: &State<Bank>) -> String {
    let accounts = bank.accounts.lock().unwrap();
    (accounts.checking + accounts.savings).to_string()
}
""",
        ),
        Example(
            "two states that nobody reads together",
            """\
use rocket::{get, post, State};
use std::sync::Mutex;

struct Site { hits: Mutex<u64>, last: Mutex<String> }

#[post("/hit/<who>")]
fn hit(who: String, site: &State<Site>) {
    *site.hits.lock().unwrap() += 1;
    *site.last.lock().unwrap() = who;
}

#[get("/hits")]
fn hits(site: &State<Site>) -> String { site.hits.lock().unwrap().to_string() }

#[get("/last")]
fn last(site: &State<Site>) -> String { site.last.lock().unwrap().clone() }
""",
        ),
    ),
    fixes=(
        Fix(
            "put what belongs together into one struct behind one lock",
            Safety.UNSAFE,
            "there is no moment at which only one half has changed and the lock is free",
            "requests that need only one half wait for each other too",
        ),
        Fix(
            "hold the first guard until the second change is made, in the same order everywhere",
            Safety.UNSAFE,
            "whoever holds both locks sees both changes or none",
            "the order of the locks has to be kept by every handler, or they deadlock",
        ),
    ),
    check=check,
)
