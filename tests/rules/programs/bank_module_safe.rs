use rocket::{http::Status, launch, post, routes, State};

mod bank {
    use std::collections::HashMap;
    use tokio::sync::RwLock;

    #[derive(Debug)]
    pub enum Error {
        Unknown,
        Insufficient,
    }

    pub type Result<T> = std::result::Result<T, Error>;

    #[derive(Default)]
    pub struct Bank {
        accounts: RwLock<HashMap<u32, i64>>,
    }

    impl Bank {
        pub async fn transfer(&self, from: u32, to: u32, amount: i64) -> Result<()> {
            let mut accounts = self.accounts.write().await;
            if !accounts.contains_key(&to) {
                return Err(Error::Unknown);
            }
            let balance = accounts.get_mut(&from).ok_or(Error::Unknown)?;
            if *balance < amount {
                return Err(Error::Insufficient);
            }
            *balance -= amount;
            *accounts.entry(to).or_insert(0) += amount;
            Ok(())
        }
    }
}

#[post("/transfer/<from>/<to>/<amount>")]
async fn act(from: u32, to: u32, amount: i64, bank: &State<bank::Bank>) -> Status {
    match bank.transfer(from, to, amount).await {
        Ok(()) => Status::Ok,
        Err(bank::Error::Unknown) => Status::NotFound,
        Err(bank::Error::Insufficient) => Status::Conflict,
    }
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(bank::Bank::default())
        .mount("/", routes![act])
}
