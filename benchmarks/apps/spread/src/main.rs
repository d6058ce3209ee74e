//! Routes to race, and when each request reached its handler.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex};
use std::time::{Duration, Instant};

use rocket::http::Status;
use rocket::request::{FromRequest, Outcome, Request};
use rocket::tokio::{task::yield_now, time::sleep};
use rocket::{get, launch, post, routes, State};

static EPOCH: LazyLock<Instant> = LazyLock::new(Instant::now);

/// One counter and one permission a round: no round has to be reset for the next.
#[derive(Default)]
struct Rounds {
    count: Mutex<HashMap<u64, u64>>,
    revoked: Mutex<HashMap<u64, bool>>,
}

impl Rounds {
    fn read(&self, round: u64) -> u64 {
        self.count.lock().unwrap().get(&round).copied().unwrap_or(0)
    }

    /// A lost update: the read and the write stand a millisecond apart.
    async fn add(&self, round: u64) -> String {
        let before = self.read(round);
        sleep(Duration::from_millis(1)).await;
        self.count.lock().unwrap().insert(round, before + 1);
        before.to_string()
    }
}

fn now() -> String {
    EPOCH.elapsed().as_nanos().to_string()
}

/// Nanoseconds since the application started, taken in the handler.
#[get("/arrive")]
fn arrive() -> String {
    now()
}

#[post("/arrive", data = "<_body>")]
fn arrive_with_body(_body: String) -> String {
    now()
}

/// Stands for whatever a guard awaits: a session store, a token check.
struct Slow;

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Slow {
    type Error = ();

    async fn from_request(_: &'r Request<'_>) -> Outcome<Self, ()> {
        sleep(Duration::from_millis(3)).await;
        Outcome::Success(Slow)
    }
}

#[post("/guarded/<round>")]
async fn guarded(_slow: Slow, round: u64, rounds: &State<Rounds>) -> String {
    rounds.add(round).await
}

#[post("/plain/<round>")]
async fn plain(round: u64, rounds: &State<Rounds>) -> String {
    rounds.add(round).await
}

/// A coupon good for one: looked at, a turn of the scheduler, taken.
#[get("/redeem/<round>")]
async fn redeem(round: u64, rounds: &State<Rounds>) -> &'static str {
    if rounds.read(round) > 0 {
        return "used";
    }
    yield_now().await;
    *rounds.count.lock().unwrap().entry(round).or_default() += 1;
    "paid"
}

#[get("/count/<round>")]
fn count(round: u64, rounds: &State<Rounds>) -> String {
    rounds.read(round).to_string()
}

/// Passes while the permission of the round in the path has not been revoked.
struct Permitted;

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Permitted {
    type Error = ();

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, ()> {
        let rounds = request.rocket().state::<Rounds>().expect("managed");
        let round: u64 = request.param(1).and_then(Result::ok).unwrap_or(0);
        if rounds.revoked.lock().unwrap().contains_key(&round) {
            return Outcome::Error((Status::Forbidden, ()));
        }
        Outcome::Success(Permitted)
    }
}

/// The permission is checked in the guard, the body is read after it: the window is as wide as the upload.
#[post("/spend/<round>", data = "<body>")]
fn spend(_permitted: Permitted, round: u64, body: String, rounds: &State<Rounds>) -> String {
    let revoked = rounds.revoked.lock().unwrap().contains_key(&round);
    format!("{} bytes, {}", body.len(), if revoked { "after the revocation" } else { "permitted" })
}

#[post("/revoke/<round>")]
fn revoke(round: u64, rounds: &State<Rounds>) -> &'static str {
    rounds.revoked.lock().unwrap().insert(round, true);
    "revoked"
}

#[launch]
fn rocket() -> _ {
    LazyLock::force(&EPOCH);
    rocket::build().manage(Rounds::default()).mount(
        "/",
        routes![
            arrive, arrive_with_body, guarded, plain, redeem, count, spend, revoke
        ],
    )
}
