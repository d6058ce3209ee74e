"""DH101: a decision made on a state that may have changed before it is acted on (TOCTOU).

Covers P2, P6, P8, P9 and P10: contains then insert, read lock then write lock, a map's get then
insert, a limit tested before its counter moves, a single-use token tested and then marked. It is
one mechanism; what is at stake (P9, P10) is `ranking`'s business.
"""

from collections.abc import Iterable

from deadheat.model import Confidence, Finding, Fix, Impact, Safety, Severity
from deadheat.rules.context import Context, describe
from deadheat.rules.gaps import Shape
from deadheat.rules.rule import Example, Rule
from deadheat.rust import Kind


def check(rule: Rule, context: Context) -> Iterable[Finding]:
    """Writes decided by a read in another critical section."""
    for gap in context.gaps(Shape.CHECK_THEN_ACT):
        if gap.benign:
            continue  # a cache that is filled: `cache-stampede` says so
        window = context.window(gap.root, gap.check, gap.act)
        state = context.program.state_of(gap.state, gap.act.type).path
        one, other = context.who(gap.root), context.who(context.rival(gap))
        waits = f", {window.awaits} `.await` wide" if window.awaits else ""
        message = (
            f"{one} looks at `{state}` in {describe(window.check)} and acts on what it saw in "
            f"{describe(window.act)}, but nothing holds the state still in between{waits}. "
            f"Request A ({one}) checks; request B ({other}) runs and changes `{state}`; "
            f"A acts on a check that is no longer true."
        )
        yield context.finding(
            rule, gap.root, gap.state, window,
            handlers=context.collision(gap),
            message=message,
            confidence=context.confidence(rule, gap.root, gap.state, proven=gap.proven),
            related=context.related(window, f"check: reads `{state}`", "reached through this call"),
            act=gap.act,
            shape=f"{gap.check.method}>{gap.act.method}",
        )  # fmt: skip
    yield from _parts_apart(rule, context)
    yield from _free_permits(rule, context)


def _parts_apart(rule: Rule, context: Context) -> Iterable[Finding]:
    """One lock, two sections: one part decides about another, and somebody changes both at once."""
    for split in context.splits:
        assert split.check.place is not None  # only accesses with a place are looked at
        if split.act.place is None or split.check.place.state != split.act.place.state:
            continue
        window = context.window(split.root, split.check, split.act)
        state = context.program.state_of(split.check.place.state, split.check.type).path
        one, other = context.who(split.root), context.who(split.rival)
        message = (
            f"{one} looks at `{state}` in {describe(window.check)}, lets go of the lock, and changes "
            f"another part of it because of that in {describe(window.act)}. Request A ({one}) checks; "
            f"request B ({other}) changes both parts under one lock; A acts on a check that is no longer "
            "true."
        )
        yield context.finding(
            rule, split.root, split.check.place.state, window,
            handlers=context.handlers(split.root, [split.rival]),
            message=message,
            confidence=context.confidence(rule, split.root, split.check.place.state, proven=True),
            related=context.related(window, f"check: reads `{state}`", "reached through this call"),
            act=split.act,
            shape=f"{split.check.method}>{split.act.method}",
        )  # fmt: skip


def _free_permits(rule: Rule, context: Context) -> Iterable[Finding]:
    """`available_permits()` decides whether a permit is waited for: by then somebody has taken the last."""
    for root in context.program.roots:
        for act in root.events:
            if act.kind is not Kind.ACQUIRE or act.mark != "permit" or act.place is None:
                continue
            asked = [root.events[number] for number, _ in sorted(act.control)]
            check = next((one for one in asked if one.method == _FREE and one.place == act.place), None)
            if check is None or not root.flow.follows(check, act):
                continue
            window = context.window(root, check, act)
            state, who = context.program.state_of(act.place, act.type).path, context.who(root)
            yield context.finding(
                rule, root, act.place, window,
                handlers=context.handlers(root, [root]),
                message=f"{who} asks `{state}` for free permits in {describe(window.check)} and takes one in "
                f"{describe(window.act)}. Request A ({who}) sees the last one; request B ({who}) takes it; "
                "A, which was to be turned away, waits in line. `try_acquire` asks and takes in one step.",
                confidence=context.confidence(rule, root, act.place, proven=False),
                related=context.related(window, f"check: reads `{state}`", "reached through this call"),
                act=act,
                shape=f"{check.method}>{act.method}",
            )  # fmt: skip


_FREE = "available_permits"

RULE = Rule(
    code="DH101",
    name="check-then-act",
    title="check-then-act",
    cwe=(367,),
    severity=Severity.HIGH,
    confidence=Confidence.HIGH,
    impact=(Impact.DATA_CORRUPTION, Impact.AUTHORIZATION_BYPASS),
    summary="A handler decides on a shared state and acts later, when the decision may be stale.",
    explanation="""\
The handler looks at a shared state, lets go of the lock (or never had one over both steps), and
then changes the state because of what it saw. Every access on its own is properly locked, so the
compiler is content and no byte is ever torn. But between the look and the change any other request
may run, and it may be the very same request sent twice:

    A: is the coupon unused?   yes
    B: is the coupon unused?   yes
    A: mark it used, pay
    B: mark it used, pay       paid twice

An `.await` in between makes the gap as long as whatever is awaited; without one it is short, and
still there. The check and the act have to be one step: the same guard over both, one operation that
does both and says whether it did, or a second look under the second lock.""",
    invalid=(
        Example(
            "the lock is free while the payment runs",
            """\
use rocket::{post, tokio::sync::Mutex, State};
use std::collections::HashSet;

struct Shop { used: Mutex<HashSet<String>> }

async fn pay() {}

#[post("/redeem/<code>")]
async fn redeem(code: &str, shop: &State<Shop>) -> &'static str {
    if shop.used.lock().await.contains(code) {
        return "already used";
    }
    pay().await;
    shop.used.lock().await.insert(code.to_string());
    "paid"
}
""",
        ),
        Example(
            "read lock, then write lock, and no second look",
            """\
use rocket::{post, State};
use std::{collections::HashMap, sync::RwLock};

struct Users { by_name: RwLock<HashMap<String, u64>> }

#[post("/register/<name>")]
fn register(name: &str, users: &State<Users>) -> Result<(), &'static str> {
    let taken = users.by_name.read().unwrap().contains_key(name);
    if taken {
        return Err("taken");
    }
    let mut by_name = users.by_name.write().unwrap();
    by_name.insert(name.to_string(), 0);
    Ok(())
}
""",
        ),
        Example(
            "a limit tested before the counter moves",
            """\
use rocket::{post, State};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

struct Seats { taken: AtomicUsize }

#[post("/book")]
fn book(seats: &State<Seats>) -> &'static str {
    if seats.taken.load(SeqCst) >= 100 {
        return "full";
    }
    seats.taken.fetch_add(1, SeqCst);
    "booked"
}
""",
        ),
        Example(
            "check and act in two helpers",
            """\
use rocket::{post, State};
use std::sync::Mutex;

struct Account { balance: Mutex<i64> }

impl Account {
    fn balance(&self) -> i64 { *self.balance.lock().unwrap() }
    fn withdraw(&self, amount: i64) { *self.balance.lock().unwrap() -= amount; }
}

#[post("/withdraw/<amount>")]
fn withdraw(amount: i64, account: &State<Account>) -> &'static str {
    if account.balance() < amount {
        return "not enough";
    }
    account.withdraw(amount);
    "here you are"
}
""",
        ),
    ),
    valid=(
        Example(
            "one guard over check and act",
            """\
use rocket::{post, State};
use std::{collections::HashSet, sync::Mutex};

struct Shop { used: Mutex<HashSet<String>> }

#[post("/redeem/<code>")]
fn redeem(code: &str, shop: &State<Shop>) -> &'static str {
    let mut used = shop.used.lock().unwrap();
    if used.contains(code) {
        return "already used";
    }
    used.insert(code.to_string());
    "paid"
}
""",
        ),
        Example(
            "the second lock looks again",
            """\
use rocket::{get, State};
use std::{collections::HashMap, sync::RwLock};

struct Names { by_id: RwLock<HashMap<u32, String>> }

#[get("/name/<id>")]
fn name(id: u32, names: &State<Names>) -> Result<(), &'static str> {
    if names.by_id.read().unwrap().contains_key(&id) {
        return Err("taken");
    }
    let mut by_id = names.by_id.write().unwrap();
    if by_id.contains_key(&id) {
        return Err("taken");
    }
    by_id.insert(id, String::new());
    Ok(())
}
""",
        ),
        Example(
            "the entry API looks again",
            """\
use rocket::{post, State};
use std::{collections::HashMap, sync::RwLock};

struct Hits { by_page: RwLock<HashMap<String, u32>> }

#[post("/hit/<page>")]
fn hit(page: String, hits: &State<Hits>) -> &'static str {
    if hits.by_page.read().unwrap().contains_key(&page) {
        return "known";
    }
    hits.by_page.write().unwrap().entry(page).or_insert(0);
    "new"
}
""",
        ),
        Example(
            "the set itself says whether it was new",
            """\
use rocket::{post, State};
use std::{collections::HashSet, sync::Mutex};

struct Shop { used: Mutex<HashSet<String>> }

#[post("/redeem/<code>")]
fn redeem(code: String, shop: &State<Shop>) -> &'static str {
    if shop.used.lock().unwrap().contains(&code) {
        return "already used";
    }
    if !shop.used.lock().unwrap().insert(code) {
        return "already used";
    }
    "paid"
}
""",
        ),
        Example(
            "claim first, give back on refusal",
            """\
use rocket::{post, State};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

struct Seats { taken: AtomicUsize }

#[post("/book")]
fn book(seats: &State<Seats>) -> &'static str {
    if seats.taken.fetch_add(1, SeqCst) >= 100 {
        seats.taken.fetch_sub(1, SeqCst);
        return "full";
    }
    "booked"
}
""",
        ),
        Example(
            "the check is about something else",
            """\
use rocket::{post, State};
use std::{collections::HashMap, sync::Mutex};

struct Shop { open: Mutex<bool>, sold: Mutex<HashMap<String, u32>> }

#[post("/sell/<what>")]
fn sell(what: String, shop: &State<Shop>) -> &'static str {
    if !*shop.open.lock().unwrap() {
        return "closed";
    }
    *shop.sold.lock().unwrap().entry(what).or_insert(0) += 1;
    "sold"
}
""",
        ),
        Example(
            "different keys",
            """\
use rocket::{post, State};
use std::{collections::HashMap, sync::Mutex};

struct Users { by_name: Mutex<HashMap<String, bool>> }

#[post("/invite/<host>/<guest>")]
fn invite(host: &str, guest: &str, users: &State<Users>) -> &'static str {
    if !users.by_name.lock().unwrap().contains_key(host) {
        return "who?";
    }
    users.by_name.lock().unwrap().insert(guest.to_string(), false);
    "invited"
}
""",
        ),
    ),
    fixes=(
        Fix(
            "hold one guard over the check and the act",
            Safety.UNSAFE,
            "nobody can change the state between two steps of one critical section",
            "requests for the same lock wait for each other; a guard held across an `.await` must be tokio's",
        ),
        Fix(
            "let one operation do both and use what it says (`insert`, `entry`, `compare_exchange`)",
            Safety.UNSAFE,
            "the operation is atomic and its result tells who was first",
            "none worth naming",
        ),
        Fix(
            "claim first under the lock, then do the slow part, and give the claim back if it fails",
            Safety.UNSAFE,
            "only the request that made the claim goes on",
            "the way back has to be written and tested",
        ),
    ),
    check=check,
)
