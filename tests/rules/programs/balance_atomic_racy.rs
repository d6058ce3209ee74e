use rocket::{launch, post, routes, State};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::Arc;

struct Account {
    balance: Arc<AtomicI64>,
}

impl Account {
    fn withdraw(&self, amount: i64) -> Result<i64, &'static str> {
        let balance = self.balance.load(Ordering::SeqCst);
        if balance < amount {
            return Err("insufficient funds");
        }
        Ok(self.balance.fetch_sub(amount, Ordering::SeqCst) - amount)
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
