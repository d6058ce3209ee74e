//! A bank that used to lose money, in PostgreSQL.
//!
//! The twin of `transfer`. The balance is read FOR UPDATE: whoever reads it keeps the row until the
//! transaction is over, and the second transfer waits for the first one's before it looks.

use std::env;

use rocket::fairing::{self, AdHoc};
use rocket::http::Status;
use rocket::response::Debug;
use rocket::{error, get, launch, post, routes, Build, Rocket};
use rocket_db_pools::sqlx::{self, Acquire, Executor, PgPool};
use rocket_db_pools::{Connection, Database};

#[derive(Database)]
#[database("bank")]
struct Bank(PgPool);

/// What the database refuses becomes a 500, and a line in the log.
type Result<T> = std::result::Result<T, Debug<sqlx::Error>>;

const TABLES: &str = "
    DROP TABLE IF EXISTS accounts;
    CREATE TABLE accounts (name text PRIMARY KEY, balance bigint NOT NULL)";

const MONEY: &str = "
    DELETE FROM accounts;
    INSERT INTO accounts (name, balance) VALUES ('ada', 100), ('grace', 0)";

#[post("/transfer/<from>/<to>/<amount>")]
async fn transfer(
    from: &str,
    to: &str,
    amount: u32,
    mut bank: Connection<Bank>,
) -> Result<(Status, String)> {
    let mut transaction = bank.begin().await?;
    let balance: Option<i64> =
        sqlx::query_scalar("SELECT balance FROM accounts WHERE name = $1 FOR UPDATE")
            .bind(from)
            .fetch_optional(&mut *transaction)
            .await?;
    let left = balance.unwrap_or(0) - i64::from(amount);
    if left < 0 {
        return Ok((Status::Conflict, format!("{from} has not {amount}")));
    }

    sqlx::query("UPDATE accounts SET balance = $1 WHERE name = $2")
        .bind(left)
        .bind(from)
        .execute(&mut *transaction)
        .await?;
    sqlx::query("UPDATE accounts SET balance = balance + $1 WHERE name = $2")
        .bind(i64::from(amount))
        .bind(to)
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await?;
    Ok((Status::Ok, format!("{from} to {to}: {amount}")))
}

#[get("/balance/<name>")]
async fn balance(name: &str, mut bank: Connection<Bank>) -> Result<Option<String>> {
    let balance: Option<i64> = sqlx::query_scalar("SELECT balance FROM accounts WHERE name = $1")
        .bind(name)
        .fetch_optional(&mut **bank)
        .await?;
    Ok(balance.map(|money| money.to_string()))
}

/// Back to the money of the first day, for whoever tries this more than once.
#[post("/reset")]
async fn reset(mut bank: Connection<Bank>) -> Result<&'static str> {
    bank.execute(MONEY).await?;
    Ok("as on the first day")
}

/// Every start begins with the money of the first day.
async fn open(rocket: Rocket<Build>) -> fairing::Result {
    let bank = Bank::fetch(&rocket).expect("attached before");
    let opened = async {
        bank.execute(TABLES).await?;
        bank.execute(MONEY).await
    };
    match opened.await {
        Ok(_) => Ok(rocket),
        Err(refused) => {
            error!("{refused}");
            Err(rocket)
        }
    }
}

#[launch]
fn rocket() -> _ {
    // As everywhere, ROCKET_DATABASES and Rocket.toml have a say in the pool.
    let database = env::var("DATABASE_URL").expect("DATABASE_URL=postgres://user@host/database");
    let figment = rocket::Config::figment().join(("databases.bank.url", database));
    rocket::custom(figment)
        .attach(Bank::init())
        .attach(AdHoc::try_on_ignite("First day", open))
        .mount("/", routes![transfer, balance, reset])
}
