use rocket::{launch, post, routes, State};
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::RwLock;

struct Repo<K, V> {
    rows: RwLock<HashMap<K, V>>,
}

impl<K: Eq + Hash, V: Clone> Repo<K, V> {
    fn update<R>(&self, key: &K, change: impl FnOnce(&mut V) -> R) -> Option<R> {
        self.rows.write().unwrap().get_mut(key).map(change)
    }
}

#[derive(Clone)]
struct Account {
    balance: i64,
}

type Accounts = Repo<String, Account>;

#[post("/accounts/<name>/withdraw/<amount>")]
fn withdraw(name: String, amount: i64, accounts: &State<Accounts>) -> Result<String, &'static str> {
    accounts
        .update(&name, |account| {
            if account.balance < amount {
                return Err("insufficient funds");
            }
            account.balance -= amount;
            Ok(account.balance.to_string())
        })
        .unwrap_or(Err("unknown account"))
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(Accounts {
            rows: RwLock::new(HashMap::new()),
        })
        .mount("/", routes![withdraw])
}
