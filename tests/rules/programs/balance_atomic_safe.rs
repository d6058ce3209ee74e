use rocket::{launch, post, routes, State};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::Arc;

struct Account {
    balance: Arc<AtomicI64>,
}

impl Account {
    fn withdraw(&self, amount: i64) -> Result<i64, &'static str> {
        let mut balance = self.balance.load(Ordering::SeqCst);
        while balance >= amount {
            match self.balance.compare_exchange_weak(
                balance,
                balance - amount,
                Ordering::SeqCst,
                Ordering::SeqCst,
            ) {
                Ok(_) => return Ok(balance - amount),
                Err(now) => balance = now,
            }
        }
        Err("insufficient funds")
    }
}

#[post("/withdraw/<amount>")]
fn withdraw(amount: i64, account: &State<Account>) -> String {
    match account.withdraw(amount) {
        Ok(left) => format!("{left} left"),
        Err(why) => why.to_string(),
    }
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(Account {
            balance: Arc::new(AtomicI64::new(100)),
        })
        .mount("/", routes![withdraw])
}
