use dashmap::DashMap;
use rocket::{launch, post, routes, State};
use std::sync::{Arc, Mutex};

#[derive(Default)]
struct Account {
    cents: i64,
}

#[derive(Default)]
struct Bank {
    accounts: DashMap<u64, Arc<Mutex<Account>>>,
}

impl Bank {
    fn account(&self, id: u64) -> Option<Arc<Mutex<Account>>> {
        self.accounts.get(&id).map(|entry| entry.value().clone())
    }
}

#[post("/pay/<id>/<n>")]
fn act(id: u64, n: i64, bank: &State<Bank>) -> Option<&'static str> {
    let account = bank.account(id)?;
    let cents = account.lock().unwrap().cents;
    if cents < n {
        return Some("too little");
    }
    account.lock().unwrap().cents = cents - n;
    Some("paid")
}

#[launch]
fn rocket() -> _ {
    rocket::build().manage(Bank::default()).mount("/", routes![act])
}
