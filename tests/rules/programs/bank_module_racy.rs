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
        pub async fn balance(&self, id: u32) -> Result<i64> {
            let accounts = self.accounts.read().await;
            accounts.get(&id).copied().ok_or(Error::Unknown)
        }

        async fn change(&self, id: u32, by: i64) -> Result<()> {
            let mut accounts = self.accounts.write().await;
            let balance = accounts.get_mut(&id).ok_or(Error::Unknown)?;
            *balance += by;
            Ok(())
        }

        pub async fn transfer(&self, from: u32, to: u32, amount: i64) -> Result<()> {
            if self.balance(from).await? < amount {
                return Err(Error::Insufficient);
            }
            self.change(from, -amount).await?;
            self.change(to, amount).await
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
