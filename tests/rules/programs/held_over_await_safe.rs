use rocket::{http::Status, launch, post, routes, State};
use std::collections::HashMap;
use tokio::sync::Mutex;

#[derive(Default)]
struct Wallets {
    balances: Mutex<HashMap<u64, i64>>,
}

async fn notify(id: u64) {
    rocket::tokio::task::yield_now().await;
    log::info!("paid out {id}");
}

#[post("/payout/<id>/<amount>")]
async fn payout(id: u64, amount: i64, wallets: &State<Wallets>) -> Result<String, Status> {
    let mut balances = wallets.balances.lock().await;
    let balance = balances.get(&id).copied().unwrap_or_default();
    if balance < amount {
        return Err(Status::PaymentRequired);
    }
    notify(id).await;
    balances.insert(id, balance - amount);
    Ok((balance - amount).to_string())
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(Wallets::default())
        .mount("/", routes![payout])
}
