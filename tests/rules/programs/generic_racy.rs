use rocket::{launch, post, routes, State};
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::RwLock;

struct Repo<K, V> {
    rows: RwLock<HashMap<K, V>>,
}

impl<K: Eq + Hash, V: Clone> Repo<K, V> {
    fn find(&self, key: &K) -> Option<V> {
        self.rows.read().unwrap().get(key).cloned()
    }

    fn save(&self, key: K, value: V) {
        self.rows.write().unwrap().insert(key, value);
    }
}

#[derive(Clone)]
struct Account {
    balance: i64,
}

type Accounts = Repo<String, Account>;

#[post("/accounts/<name>/withdraw/<amount>")]
fn withdraw(name: String, amount: i64, accounts: &State<Accounts>) -> Result<String, &'static str> {
    let mut account = accounts.find(&name).ok_or("unknown account")?;
    if account.balance < amount {
        return Err("insufficient funds");
    }
    account.balance -= amount;
    let left = account.balance;
    accounts.save(name, account);
    Ok(left.to_string())
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(Accounts {
            rows: RwLock::new(HashMap::new()),
        })
        .mount("/", routes![withdraw])
}
