//! The logic of some handlers of the lab, without HTTP, explored by shuttle: one JSON line a program and
//! scheduler. `first` are the executions to the first bug, one number a seed (none: not within the limit);
//! `all` those until depth-first search had seen every schedule (null: it does not end, or is random).

use std::collections::HashMap;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::atomic::{AtomicUsize as Count, Ordering::SeqCst};

use shuttle::scheduler::{DfsScheduler, PctScheduler, RandomScheduler, Scheduler};
use shuttle::sync::atomic::AtomicU64;
use shuttle::sync::{Arc, Mutex};
use shuttle::{thread, Config, FailurePersistence, Runner};

const SEEDS: u64 = 101;
const LIMIT: usize = 20_000;

/// Answers of two requests served at once.
fn both<S: Send + Sync + 'static>(state: S, handlers: [fn(&S) -> String; 2]) -> (Arc<S>, Vec<String>) {
    let state = Arc::new(state);
    let requests = handlers.map(|handler| {
        let state = Arc::clone(&state);
        thread::spawn(move || handler(&state))
    });
    let mut answers: Vec<_> = requests.into_iter().map(|r| r.join().unwrap()).collect();
    answers.sort();
    (state, answers)
}

/// Is it wrong? What follows is each program of the lab, its race included.
type Program = fn() -> bool;

fn active_users() -> bool {
    fn increment(count: &Mutex<u32>) -> String {
        *count.lock().unwrap() += 1;
        format!("One more: {} active now", *count.lock().unwrap())
    }
    let (_, answers) = both(Mutex::new(0), [increment, increment]);
    answers != ["One more: 1 active now", "One more: 2 active now"]
}

fn counter() -> bool {
    fn increment(value: &AtomicU64) -> String {
        let next = value.load(SeqCst) + 1;
        value.store(next, SeqCst);
        next.to_string()
    }
    let (_, answers) = both(AtomicU64::new(0), [increment, increment]);
    answers != ["1", "2"]
}

fn coupons() -> bool {
    #[derive(Clone)]
    struct Coupon {
        amount: u32,
        used: bool,
    }
    fn redeem(by_code: &Mutex<HashMap<String, Coupon>>) -> String {
        let coupon = by_code.lock().unwrap().get("WELCOME10").cloned();
        let amount = match coupon {
            None => return "no such coupon".to_owned(),
            Some(coupon) if coupon.used => return "already used".to_owned(),
            Some(coupon) => coupon.amount,
        };
        thread::yield_now(); // where the original awaits the payment
        if let Some(coupon) = by_code.lock().unwrap().get_mut("WELCOME10") {
            coupon.used = true;
        }
        format!("paid {amount}")
    }
    let offer = HashMap::from([("WELCOME10".to_owned(), Coupon { amount: 10, used: false })]);
    let (_, answers) = both(Mutex::new(offer), [redeem, redeem]);
    answers != ["already used", "paid 10"]
}

/// Shuttle itself tells that nobody can go on.
fn deadlock() -> bool {
    type Accounts = (Mutex<i64>, Mutex<i64>);
    fn to_savings(accounts: &Accounts) -> String {
        let mut checking = accounts.0.lock().unwrap();
        let mut savings = accounts.1.lock().unwrap();
        *checking -= 10;
        *savings += 10;
        String::new()
    }
    fn to_checking(accounts: &Accounts) -> String {
        let mut savings = accounts.1.lock().unwrap();
        let mut checking = accounts.0.lock().unwrap();
        *savings -= 10;
        *checking += 10;
        String::new()
    }
    both((Mutex::new(100), Mutex::new(100)), [to_savings, to_checking]);
    false
}

/// Executions until the first bug, or all there are; and whether there was a bug.
fn run(scheduler: impl Scheduler + 'static, program: Program, stop: bool) -> (usize, bool) {
    static RUN: Count = Count::new(0);
    static WRONG: Count = Count::new(0);
    RUN.store(0, SeqCst);
    WRONG.store(0, SeqCst);
    let mut config = Config::new();
    config.failure_persistence = FailurePersistence::None;
    let ended = catch_unwind(AssertUnwindSafe(|| {
        Runner::new(scheduler, config).run(move || {
            RUN.fetch_add(1, SeqCst);
            if program() {
                WRONG.fetch_add(1, SeqCst);
                assert!(!stop);
            }
        })
    }));
    (RUN.load(SeqCst), ended.is_err() || WRONG.load(SeqCst) > 0)
}

fn tell(name: &str, scheduler: &str, first: &[Option<usize>], all: Option<usize>) {
    let first: Vec<_> = first.iter().map(|n| n.map_or("null".to_owned(), |n| n.to_string())).collect();
    let all = all.map_or("null".to_owned(), |n| n.to_string());
    println!(
        "{{\"program\":\"{name}\",\"scheduler\":\"{scheduler}\",\"first\":[{}],\"all\":{all}}}",
        first.join(",")
    );
}

fn main() {
    let programs: [(&str, Program); 4] = [
        ("active-users", active_users),
        ("counter", counter),
        ("coupons", coupons),
        ("deadlock", deadlock),
    ];
    let found = |(executions, wrong): (usize, bool)| wrong.then_some(executions);
    for (name, program) in programs {
        let random: Vec<_> = (0..SEEDS)
            .map(|seed| found(run(RandomScheduler::new_from_seed(seed, LIMIT), program, true)))
            .collect();
        tell(name, "random", &random, None);
        let pct: Vec<_> = (0..SEEDS)
            .map(|seed| found(run(PctScheduler::new_from_seed(seed, 3, LIMIT), program, true)))
            .collect();
        tell(name, "pct", &pct, None);
        let dfs = || DfsScheduler::new(Some(10 * LIMIT), false);
        let first = found(run(dfs(), program, true));
        let (all, _) = run(dfs(), program, false);
        let ended = name != "deadlock" && all < 10 * LIMIT;
        tell(name, "dfs", &[first], ended.then_some(all));
    }
}
