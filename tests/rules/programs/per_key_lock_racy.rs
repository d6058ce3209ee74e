use dashmap::DashMap;
use rocket::{launch, post, routes, State};
use std::sync::Arc;
use tokio::sync::Mutex;

struct Wallet {
    balance: i64,
}

#[derive(Default)]
struct Bank {
    wallets: DashMap<u64, Arc<Mutex<Wallet>>>,
}

#[post("/spend/<id>/<amount>")]
async fn spend(id: u64, amount: i64, bank: &State<Bank>) -> Option<&'static str> {
    let wallet = bank.wallets.get(&id)?.value().clone();
    let enough = wallet.lock().await.balance >= amount;
    if !enough {
        return Some("not enough");
    }
    wallet.lock().await.balance -= amount;
    Some("spent")
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(Bank::default())
        .mount("/", routes![spend])
}
