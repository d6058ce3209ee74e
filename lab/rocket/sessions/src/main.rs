//! A bank's counter, where everybody asks for their own balance.
//!
//! The application knows who is asking, but it passes that on in the wrong place:
//! `Desk.serving`, as one would in a program that serves one customer at a time.
//! `GET /balance` writes down who is served, waits for an entry in the access log,
//! and answers the one who is served. With two customers, that is the later one:
//!
//! ```text
//! ada                    bob                    serving
//! write down "ada"                              ada
//!                        write down "bob"       bob
//! log …                  log …                  bob
//! answer bob's balance                          bob
//!                        answer bob's balance   bob
//! ```
//!
//! Nothing is damaged, no number is wrong, and the next time all is well. Ada has
//! read Bob's balance.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Mutex;
use std::time::Duration;

use rocket::http::{Cookie, CookieJar, Status};
use rocket::outcome::{try_outcome, IntoOutcome};
use rocket::request::{FromRequest, Outcome, Request};
use rocket::tokio::time::sleep;
use rocket::{async_trait, get, launch, post, routes, State};

struct Bank {
    accounts: HashMap<&'static str, Account>,
}

struct Account {
    pin: &'static str,
    balance: u32,
}

#[derive(Default)]
struct Sessions {
    by_token: Mutex<HashMap<String, String>>,
}

#[derive(Default)]
struct Desk {
    serving: Mutex<String>,
}

/// Who is asking: by the session that a login began, or else by the name that a
/// gateway in front put into `x-user`.
struct User(String);

#[async_trait]
impl<'r> FromRequest<'r> for User {
    type Error = ();

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, ()> {
        let sessions = try_outcome!(request.guard::<&State<Sessions>>().await);
        let user = match request.cookies().get("session") {
            Some(token) => sessions
                .by_token
                .lock()
                .unwrap()
                .get(token.value())
                .cloned(),
            None => request.headers().get_one("x-user").map(str::to_string),
        };
        user.map(User).or_error((Status::Unauthorized, ()))
    }
}

/// Stands for an entry in the access log, which lies on another machine.
async fn log(_what: &str) {
    sleep(Duration::from_millis(1)).await;
}

#[post("/login/<user>", data = "<pin>")]
fn login(
    user: &str,
    pin: String,
    bank: &State<Bank>,
    sessions: &State<Sessions>,
    cookies: &CookieJar<'_>,
) -> (Status, String) {
    match bank.accounts.get(user) {
        Some(account) if account.pin == pin => {
            let token = format!("{:016x}", RandomState::new().hash_one(user));
            cookies.add(Cookie::new("session", token.clone()));
            sessions
                .by_token
                .lock()
                .unwrap()
                .insert(token, user.to_string());
            (Status::Ok, format!("welcome, {user}"))
        }
        _ => (Status::Unauthorized, "wrong name or PIN".to_string()),
    }
}

#[get("/balance")]
async fn balance(user: User, bank: &State<Bank>, desk: &State<Desk>) -> (Status, String) {
    *desk.serving.lock().unwrap() = user.0;

    log("balance").await;

    let serving = desk.serving.lock().unwrap().clone();
    statement(&serving, bank)
}

fn statement(user: &str, bank: &Bank) -> (Status, String) {
    match bank.accounts.get(user) {
        Some(account) => (Status::Ok, format!("{user} has {}", account.balance)),
        None => (Status::NotFound, format!("{user} has no account")),
    }
}

#[launch]
fn rocket() -> _ {
    let accounts = HashMap::from([
        (
            "ada",
            Account {
                pin: "4711",
                balance: 120,
            },
        ),
        (
            "bob",
            Account {
                pin: "0815",
                balance: 75,
            },
        ),
    ]);
    rocket::build()
        .manage(Bank { accounts })
        .manage(Sessions::default())
        .manage(Desk::default())
        .mount("/", routes![login, balance])
}
