"""Hand-made runs: what an engine would hand over, small enough to check by eye."""

from msgspec import structs

from deadheat.model import (
    Access,
    AccessKind,
    Confidence,
    Coverage,
    Event,
    EventKind,
    Evidence,
    Exploration,
    Finding,
    Fix,
    Grant,
    Handler,
    History,
    Impact,
    Interval,
    NotTested,
    Operation,
    Outcome,
    Proof,
    Racer,
    Request,
    Response,
    Review,
    Run,
    Safety,
    Scenario,
    Schedule,
    SerialOutcome,
    Severity,
    SharedState,
    Shrunk,
    Snapshot,
    Span,
    StateKind,
    Tool,
    Trials,
    Under,
    Violation,
    Window,
)

TOOL = Tool("deadheat", "0.1.0")
MAIN = "src/main.rs"

ACTIVE_USERS_SOURCE = """\
use std::sync::Mutex;

use rocket::{get, launch, routes, State};

#[derive(Default)]
struct ActiveUsers {
    count: Mutex<u32>,
}

#[get("/increment")]
async fn increment(users: &State<ActiveUsers>) -> String {
    let mut count = users.count.lock().unwrap();
    *count += 1;
    drop(count);

    format!("One more: {} active now", *users.count.lock().unwrap())
}
"""

COUPONS_SOURCE = """\
#[post("/redeem/<code>")]
async fn redeem(code: &str, coupons: &State<Coupons>) -> (Status, String) {
    let coupon = coupons.by_code.lock().unwrap().get(code).cloned();
    let amount = match coupon {
        None => return (Status::NotFound, format!("{code}: no such coupon")),
        Some(coupon) if coupon.used => return (Status::Conflict, format!("{code}: already used")),
        Some(coupon) => coupon.amount,
    };

    pay(amount).await;

    if let Some(coupon) = coupons.by_code.lock().unwrap().get_mut(code) {
        coupon.used = true;
    }
    (Status::Ok, format!("{code}: paid {amount}"))
}
"""

BANK_SOURCE = """\
#[post("/to-savings")]
fn to_savings(accounts: &State<Accounts>) -> (Status, String) {
    let mut checking = accounts.checking.lock().unwrap();
    let mut savings = accounts.savings.lock().unwrap();
    transfer(&mut checking, &mut savings, "Checking", "savings")
}

#[post("/to-checking")]
fn to_checking(accounts: &State<Accounts>) -> (Status, String) {
    let mut savings = accounts.savings.lock().unwrap();
    let mut checking = accounts.checking.lock().unwrap();
    transfer(&mut savings, &mut checking, "Savings", "checking")
}

#[get("/summary")]
fn summary(ledger: &State<Ledger>) -> String {
    match ledger.entries.lock().unwrap().last() {
        Some(latest) => summarise(ledger, latest),
        None => "Nothing yet".to_string(),
    }
}
"""

SUMMARY_SOURCE = """\
fn summarise(ledger: &Ledger, latest: &Entry) -> String {
    let entries = ledger.entries.lock().unwrap();
    format!("{} of {}", latest.title, entries.len())
}
"""


def span(source: str, text: str, nth: int = 0, file: str = MAIN) -> Span:
    """Where the `nth` occurrence of `text` is in `source`."""
    at = -1
    for _ in range(nth + 1):
        at = source.index(text, at + 1)
    line = source.count("\n", 0, at) + 1
    column = at - (source.rfind("\n", 0, at) + 1) + 1
    return Span(file, line, column, line, column + len(text))


def trials(violated: int, total: int, low: float, high: float) -> Trials:
    return Trials(violated, total, Interval(low, high))


FIFTY = trials(50, 50, 0.9287, 1.0)


def ok(text: str, status: int = 200) -> Response:
    return Response(status, (("content-type", "text/plain; charset=utf-8"),), text.encode())


def step(
    seq: int,
    actor: int,
    where: Span,
    state: str,
    before: str | None,
    after: str | None,
    access: AccessKind = AccessKind.WRITE,
) -> Event:
    return Event(seq, 0.0, actor, EventKind.STEP, where, state, access, before, after)


def blocked(seq: int, actor: int, where: Span, state: str) -> Event:
    return Event(seq, 0.0, actor, EventKind.BLOCKED, where, state, AccessKind.WRITE)


def send(seq: int, actor: int) -> Event:
    return Event(seq, 0.0, actor, EventKind.SEND)


def answer(seq: int, actor: int) -> Event:
    return Event(seq, 0.0, actor, EventKind.ANSWER)


def schedule(order: str) -> Schedule:
    return Schedule(
        tuple(Grant(ord(letter) - ord("A"), "increment#lock(ActiveUsers.count)[0]") for letter in order)
    )


# ---------------------------------------------------------------- active users: response re-read

COUNT = SharedState("active_users::ActiveUsers.count", StateKind.MUTEX, "ActiveUsers.count", "Mutex<u32>")
INCREMENT = Handler(
    "active_users::increment", "GET", "/increment", span(ACTIVE_USERS_SOURCE, "async fn increment")
)
DECREMENT = Handler(
    "active_users::decrement", "GET", "/decrement", span(ACTIVE_USERS_SOURCE, "async fn increment")
)
CHANGE_SPAN = span(ACTIVE_USERS_SOURCE, "users.count.lock()")
REREAD_SPAN = span(ACTIVE_USERS_SOURCE, "users.count.lock()", 1)
CHANGE = Access(INCREMENT.id, COUNT.id, AccessKind.RMW, CHANGE_SPAN, "Mutex::lock", Under((COUNT.id,)))
REREAD = Access(INCREMENT.id, COUNT.id, AccessKind.READ, REREAD_SPAN, "Mutex::lock", Under((COUNT.id,)))

TWO_INCREMENTS = Scenario(
    "increment+increment",
    (Racer(Request("GET", "/increment"), INCREMENT.id), Racer(Request("GET", "/increment"), INCREMENT.id)),
)


def told(count: int) -> str:
    return f'200 "One more: {count} active now"'


REREAD_FINDING = Finding(
    rule="response-re-read",
    code="DH103",
    title="response re-read on ActiveUsers.count",
    severity=Severity.HIGH,
    confidence=Confidence.HIGH,
    state=COUNT,
    handlers=(INCREMENT.id,),
    location=REREAD_SPAN,
    message="The lock is released after the change and taken again to build the answer; in between another "
    "request can change the value, and the answer is then somebody else's.",
    fingerprint="4f2c" * 16,
    proof=Proof.SUSPECTED,
    cwe=(362, 367),
    impact=(Impact.INCONSISTENT_STATE,),
    window=Window(CHANGE, REREAD),
    fixes=(
        Fix(
            "keep the value while the lock is held: `let now = { let mut c = …; *c += 1; *c };`",
            Safety.SAFE,
            "The answer is then built from the value this request made.",
            "none: the lock is taken once instead of twice",
        ),
    ),
)

FORCED_REREAD = structs.replace(
    REREAD_FINDING,
    proof=Proof.FORCED,
    evidence=Evidence(
        scenario=TWO_INCREMENTS,
        schedule=schedule("ABAB"),
        schedule_id="dh1:7f3a:ABAB",
        history=History(
            operations=(
                Operation(0, 0, Request("GET", "/increment"), 0, 6, ok("One more: 2 active now")),
                Operation(1, 1, Request("GET", "/increment"), 1, 7, ok("One more: 2 active now")),
            ),
            events=(
                send(0, 0),
                send(1, 1),
                step(2, 0, CHANGE_SPAN, COUNT.path, "0", "1"),
                step(3, 1, CHANGE_SPAN, COUNT.path, "1", "2"),
                step(4, 0, REREAD_SPAN, COUNT.path, "2", "2"),
                step(5, 1, REREAD_SPAN, COUNT.path, "2", "2"),
                answer(6, 0),
                answer(7, 1),
            ),
            snapshot=Snapshot(((COUNT.path, "2"),)),
        ),
        verdict=Violation(
            "Both requests answer 2: the first was told the count that the second made.",
            Outcome((told(2), told(2)), ((COUNT.path, "2"),)),
            (
                SerialOutcome((0, 1), Outcome((told(1), told(2)), ((COUNT.path, "2"),))),
                SerialOutcome((1, 0), Outcome((told(2), told(1)), ((COUNT.path, "2"),))),
            ),
        ),
        trials=FIFTY,
        serial_controls=6,
        explored=6,
        violating=4,
    ),
)

ACTIVE_USERS_REVIEW = Review(
    handlers=(INCREMENT, DECREMENT),
    states=(COUNT,),
    accesses=(CHANGE, REREAD),
    files=1,
    lines=17,
    rocket="0.5.1",
)

ACTIVE_USERS = Run(
    TOOL,
    "lab/rocket/active-users",
    seed=7,
    findings=(FORCED_REREAD,),
    review=ACTIVE_USERS_REVIEW,
    coverage=Coverage(
        files=1,
        lines=17,
        handlers=2,
        handlers_exercised=2,
        probes_placed=4,
        schedules=182,
        seconds=0.42,
        explorations=(
            Exploration(
                "increment+increment", 2, (INCREMENT.id, INCREMENT.id), 6, 4, True, 0.02, verdict="violation"
            ),
            Exploration("decrement+decrement", 2, (DECREMENT.id, DECREMENT.id), 6, 0, True, 0.02),
            Exploration(
                "increment+decrement", 2, (INCREMENT.id, DECREMENT.id), 6, 2, True, 0.02, verdict="violation"
            ),
            Exploration("increment×3", 3, (INCREMENT.id,) * 3, 90, 80, True, 0.2, verdict="violation"),
        ),
    ),
    sources=((MAIN, ACTIVE_USERS_SOURCE),),
)

CLEAN = structs.replace(
    ACTIVE_USERS,
    target="lab/rocket/active-users-fixed",
    findings=(),
    coverage=structs.replace(
        ACTIVE_USERS.coverage,
        probes_placed=2,
        schedules=22,
        explorations=(
            Exploration("increment+increment", 2, (INCREMENT.id, INCREMENT.id), 2, 0, True, 0.02),
            Exploration("increment+decrement", 2, (INCREMENT.id, DECREMENT.id), 2, 0, True, 0.02),
            Exploration(
                "increment×3",
                3,
                (INCREMENT.id,) * 3,
                6,
                0,
                True,
                0.2,
                masked=("header x-request-id (differs between identical sequential runs)",),
            ),
        ),
    ),
)

# ---------------------------------------------------------------- coupons: check-then-act

BY_CODE = SharedState(
    "coupons::Coupons.by_code", StateKind.MUTEX, "Coupons.by_code", "Mutex<HashMap<String, Coupon>>"
)
REDEEM = Handler(
    "coupons::redeem", "POST", "/redeem/<code>", span(COUPONS_SOURCE, "async fn redeem"), is_async=True
)
CHECK_SPAN = span(COUPONS_SOURCE, "coupons.by_code.lock().unwrap().get(code)")
ACT_SPAN = span(COUPONS_SOURCE, "coupons.by_code.lock().unwrap().get_mut(code)")
CHECK = Access(
    REDEEM.id, BY_CODE.id, AccessKind.READ, CHECK_SPAN, "HashMap::get", Under((BY_CODE.id,)), key="code"
)
ACT = Access(
    REDEEM.id, BY_CODE.id, AccessKind.WRITE, ACT_SPAN, "HashMap::get_mut", Under((BY_CODE.id,)), key="code"
)


def coupon(used: bool, paid: int) -> str:
    welcome = f"Coupon {{ amount: 10, used: {str(used).lower()}, paid_out: {paid} }}"
    return f'{{"WELCOME10": {welcome}}}'


REDEEM_REQUEST = Request(
    "POST",
    "/redeem/WELCOME10?api_key=k-123456",
    (("authorization", "Bearer abcdef0123456789"),),
    principal="alice",
)

COUPON_FINDING = Finding(
    rule="check-then-act",
    code="DH101",
    title="check-then-act",
    severity=Severity.CRITICAL,
    confidence=Confidence.HIGH,
    state=BY_CODE,
    handlers=(REDEEM.id, REDEEM.id),
    location=ACT_SPAN,
    message="Whether the coupon was used is looked up under one acquisition and acted on under another.",
    fingerprint="1a2b" * 16,
    proof=Proof.FORCED,
    cwe=(367,),
    impact=(Impact.DATA_CORRUPTION,),
    window=Window(CHECK, ACT, awaits=1, width=3.1),
    fixes=(
        Fix(
            "mark the coupon as used under the same lock, before paying",
            Safety.UNSAFE,
            "A second request then sees it used.",
            "a failed payment has to be undone",
        ),
        Fix("hold a tokio Mutex over the payment", Safety.UNSAFE, "", "coupons are redeemed one at a time"),
    ),
    evidence=Evidence(
        scenario=Scenario(
            "redeem twice", (Racer(REDEEM_REQUEST, REDEEM.id), Racer(REDEEM_REQUEST, REDEEM.id))
        ),
        schedule=schedule("ABAB"),
        schedule_id="dh1:c0de:ABAB",
        history=History(
            operations=(
                Operation(0, 0, REDEEM_REQUEST, 0, 5, ok("WELCOME10: paid 10")),
                Operation(1, 1, REDEEM_REQUEST, 1, 7, ok("WELCOME10: paid 10")),
            ),
            events=(
                Event(0, 0.0, 0, EventKind.SEND),
                Event(1, 0.02, 1, EventKind.SEND),
                Event(
                    2,
                    1.31,
                    0,
                    EventKind.STEP,
                    CHECK_SPAN,
                    BY_CODE.id,
                    AccessKind.READ,
                    coupon(False, 0),
                    coupon(False, 0),
                ),
                Event(
                    3,
                    1.4,
                    1,
                    EventKind.STEP,
                    CHECK_SPAN,
                    BY_CODE.id,
                    AccessKind.READ,
                    coupon(False, 0),
                    coupon(False, 0),
                ),
                Event(
                    4,
                    4.1,
                    0,
                    EventKind.STEP,
                    ACT_SPAN,
                    BY_CODE.id,
                    AccessKind.WRITE,
                    coupon(False, 0),
                    coupon(True, 10),
                ),
                Event(5, 4.5, 0, EventKind.ANSWER),
                Event(
                    6,
                    4.62,
                    1,
                    EventKind.STEP,
                    ACT_SPAN,
                    BY_CODE.id,
                    AccessKind.WRITE,
                    coupon(True, 10),
                    coupon(True, 20),
                ),
                Event(7, 5.0, 1, EventKind.ANSWER),
            ),
        ),
        verdict=Violation(
            "One coupon of 10 paid 20: both requests passed the check before either had marked it.",
            Outcome(("200 WELCOME10: paid 10", "200 WELCOME10: paid 10"), (("GET /paid-out", "20"),)),
            (
                SerialOutcome(
                    (0, 1),
                    Outcome(
                        ("200 WELCOME10: paid 10", "409 WELCOME10: already used"), (("GET /paid-out", "10"),)
                    ),
                ),
                SerialOutcome(
                    (1, 0),
                    Outcome(
                        ("409 WELCOME10: already used", "200 WELCOME10: paid 10"), (("GET /paid-out", "10"),)
                    ),
                ),
            ),
        ),
        trials=FIFTY,
        serial_controls=6,
        explored=4,
        violating=2,
        shrunk=Shrunk((0, 0), (132, 32), (428, 62), 118, 0.94, 0, ("the path", "the set-up")),
    ),
)

COUPONS = Run(
    TOOL,
    "lab/rocket/coupons",
    findings=(COUPON_FINDING,),
    review=Review(handlers=(REDEEM,), states=(BY_CODE,), accesses=(CHECK, ACT), files=1, lines=16),
    coverage=Coverage(
        files=1,
        lines=16,
        handlers=2,
        handlers_exercised=1,
        probes_placed=3,
        probes_dropped=1,
        schedules=84,
        seconds=1.9,
        explorations=(
            Exploration("redeem twice", 2, (REDEEM.id, REDEEM.id), 4, 2, True, 0.2, verdict="violation"),
            Exploration(
                "redeem×3",
                3,
                (REDEEM.id,) * 3,
                60,
                0,
                False,
                1.7,
                verdict="unknown",
                reason="the budget of 60 orders was spent",
            ),
        ),
    ),
    not_tested=(
        NotTested(
            "GET /admin",
            "its guard AdminToken answers 401 to every request that could be made up",
            '[[scenario]]\nname = "admin"\nracers = ["GET /admin", "GET /admin"]\n'
            'headers = { authorization = "Bearer ${ADMIN_TOKEN}" }',
        ),
    ),
    sources=((MAIN, COUPONS_SOURCE),),
)

# ---------------------------------------------------------------- the bank: two deadlocks

CHECKING = SharedState("bank::Accounts.checking", StateKind.MUTEX, "Accounts.checking", "Mutex<i64>")
SAVINGS = SharedState("bank::Accounts.savings", StateKind.MUTEX, "Accounts.savings", "Mutex<i64>")
ENTRIES = SharedState("bank::Ledger.entries", StateKind.MUTEX, "Ledger.entries", "Mutex<Vec<Entry>>")
TO_SAVINGS = Handler("bank::to_savings", "POST", "/to-savings", span(BANK_SOURCE, "fn to_savings"))
TO_CHECKING = Handler("bank::to_checking", "POST", "/to-checking", span(BANK_SOURCE, "fn to_checking"))
SUMMARY = Handler("bank::summary", "GET", "/summary", span(BANK_SOURCE, "fn summary"))
A_CHECKING = span(BANK_SOURCE, "accounts.checking.lock()")
A_SAVINGS = span(BANK_SOURCE, "accounts.savings.lock()")
B_SAVINGS = span(BANK_SOURCE, "accounts.savings.lock()", 1)
B_CHECKING = span(BANK_SOURCE, "accounts.checking.lock()", 1)
OUTER = span(BANK_SOURCE, "ledger.entries.lock()")
INNER = span(SUMMARY_SOURCE, "ledger.entries.lock()", file="src/summary.rs")

INVERSION = Finding(
    rule="lock-order-inversion",
    code="DH301",
    title="lock-order inversion on Accounts.checking",
    severity=Severity.HIGH,
    confidence=Confidence.HIGH,
    state=CHECKING,
    handlers=(TO_SAVINGS.id, TO_CHECKING.id),
    location=A_SAVINGS,
    message="POST /to-savings locks checking, then savings; POST /to-checking the other way round.",
    fingerprint="dead" * 16,
    proof=Proof.FORCED,
    cwe=(833,),
    impact=(Impact.DENIAL_OF_SERVICE,),
    window=Window(
        Access(TO_SAVINGS.id, CHECKING.id, AccessKind.ACQUIRE, A_CHECKING, "Mutex::lock"),
        Access(
            TO_SAVINGS.id, SAVINGS.id, AccessKind.ACQUIRE, A_SAVINGS, "Mutex::lock", Under((CHECKING.id,))
        ),
    ),
    related=(
        (B_SAVINGS, "POST /to-checking locks savings first"),
        (B_CHECKING, "and asks for checking while holding it"),
    ),
    fixes=(
        Fix(
            "lock checking before savings everywhere", Safety.UNSAFE, "With one order there is no cycle.", ""
        ),
    ),
    evidence=Evidence(
        scenario=Scenario(
            "to-savings+to-checking",
            (
                Racer(Request("POST", "/to-savings"), TO_SAVINGS.id),
                Racer(Request("POST", "/to-checking"), TO_CHECKING.id),
            ),
        ),
        schedule=schedule("AB"),
        schedule_id="dh1:d00d:AB",
        history=History(
            operations=(
                Operation(0, 0, Request("POST", "/to-savings"), 0, None, None),
                Operation(1, 1, Request("POST", "/to-checking"), 1, None, None),
            ),
            events=(
                send(0, 0),
                send(1, 1),
                step(2, 0, A_CHECKING, CHECKING.path, "100", "100"),
                step(3, 1, B_SAVINGS, SAVINGS.path, "100", "100"),
                blocked(4, 0, A_SAVINGS, SAVINGS.path),
                blocked(5, 1, B_CHECKING, CHECKING.path),
            ),
            stuck=(0, 1),
        ),
        verdict=Violation(
            "Deadlock: neither request is ever answered, and both accounts stay locked for everybody.",
            Outcome(("no answer", "no answer")),
            (
                SerialOutcome(
                    (0, 1), Outcome(("200 Checking 90, savings 110", "200 Savings 100, checking 100"))
                ),
                SerialOutcome(
                    (1, 0), Outcome(("200 Checking 100, savings 100", "200 Savings 90, checking 110"))
                ),
            ),
            deadlock=True,
        ),
        trials=FIFTY,
        serial_controls=6,
        explored=4,
        violating=2,
    ),
)

REENTRY = Finding(
    rule="same-lock-re-entry",
    code="DH302",
    title="same-lock re-entry on Ledger.entries",
    severity=Severity.HIGH,
    confidence=Confidence.HIGH,
    state=ENTRIES,
    handlers=(SUMMARY.id,),
    location=INNER,
    message="The guard made in the head of the `match` lives until the match ends; the helper called inside "
    "asks for the same lock.",
    fingerprint="beef" * 16,
    proof=Proof.FORCED,
    cwe=(833,),
    impact=(Impact.DENIAL_OF_SERVICE,),
    window=Window(
        Access(SUMMARY.id, ENTRIES.id, AccessKind.ACQUIRE, OUTER, "Mutex::lock"),
        Access(SUMMARY.id, ENTRIES.id, AccessKind.ACQUIRE, INNER, "Mutex::lock", Under((ENTRIES.id,))),
    ),
    fixes=(Fix("bind the latest entry first: `let latest = ….last().cloned();`", Safety.SAFE, "", ""),),
    evidence=Evidence(
        scenario=Scenario("summary", (Racer(Request("GET", "/summary"), SUMMARY.id),)),
        schedule=schedule("A"),
        schedule_id="dh1:d00d:A",
        history=History(
            operations=(Operation(0, 0, Request("GET", "/summary"), 0, None, None),),
            events=(
                send(0, 0),
                step(1, 0, OUTER, ENTRIES.path, None, None),
                blocked(2, 0, INNER, ENTRIES.path),
            ),
            stuck=(0,),
        ),
        verdict=Violation(
            "The request waits for itself and is never answered; it takes no second visitor.",
            Outcome(("no answer",)),
            (),
            deadlock=True,
        ),
        trials=trials(20, 20, 0.8389, 1.0),
        explored=1,
        violating=1,
    ),
)

BANK = Run(
    TOOL,
    "lab/rocket/deadlock",
    findings=(REENTRY, INVERSION),
    review=Review(
        handlers=(TO_SAVINGS, TO_CHECKING, SUMMARY), states=(CHECKING, SAVINGS, ENTRIES), files=2, lines=26
    ),
    coverage=Coverage(
        files=2,
        lines=26,
        handlers=3,
        handlers_exercised=3,
        probes_placed=6,
        schedules=47,
        seconds=6.2,
        explorations=(
            Exploration(
                "to-savings+to-checking",
                2,
                (TO_SAVINGS.id, TO_CHECKING.id),
                4,
                2,
                True,
                1.0,
                verdict="violation",
            ),
            Exploration("summary", 1, (SUMMARY.id,), 1, 1, True, 1.0, verdict="violation"),
        ),
    ),
    sources=((MAIN, BANK_SOURCE), ("src/summary.rs", SUMMARY_SOURCE)),
)

# ---------------------------------------------------------------- the rest

SUSPECTED = Run(
    TOOL,
    "lab/rocket/active-users",
    findings=(REREAD_FINDING,),
    review=ACTIVE_USERS_REVIEW,
    coverage=Coverage(files=1, lines=17, handlers=2),
    sources=((MAIN, ACTIVE_USERS_SOURCE),),
)

NOTHING = Run(TOOL, "some/crate")

INTERRUPTED = structs.replace(
    COUPONS,
    interrupted=True,
    findings=(),
    coverage=structs.replace(
        COUPONS.coverage,
        probes_dropped=0,
        explorations=(
            Exploration(
                "redeem twice",
                2,
                (REDEEM.id, REDEEM.id),
                3,
                0,
                complete=False,
                seconds=0.1,
                reason="the search was interrupted",
            ),
        ),
    ),
    review=structs.replace(COUPONS.review, skipped=(("src/odd.rs", "not UTF-8 text"),)),
)

RUNS = {
    "active-users": ACTIVE_USERS,
    "bank": BANK,
    "clean": CLEAN,
    "coupons": COUPONS,
    "interrupted": INTERRUPTED,
    "nothing": NOTHING,
    "suspected": SUSPECTED,
}
