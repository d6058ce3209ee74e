//! A bank that loses no money, in PostgreSQL, by transactions that are as if alone.
//!
//! Reads, computes and writes as `transfer` does, at SERIALIZABLE: where two transfers would have
//! read what the other one changes, the database refuses one of them (40001), which begins anew.

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

/// A transaction that the database refused is tried so many times in all.
const TRIES: usize = 5;

#[post("/transfer/<from>/<to>/<amount>")]
async fn transfer(
    from: &str,
    to: &str,
    amount: u32,
    mut bank: Connection<Bank>,
) -> Result<(Status, String)> {
    for _ in 1..TRIES {
        match attempt(from, to, amount, &mut bank).await {
            Err(sqlx::Error::Database(refused)) if refused.code().as_deref() == Some("40001") => (),
            done => return done.map_err(Debug),
        }
    }
    attempt(from, to, amount, &mut bank).await.map_err(Debug)
}

async fn attempt(
    from: &str,
    to: &str,
    amount: u32,
    bank: &mut Connection<Bank>,
) -> std::result::Result<(Status, String), sqlx::Error> {
    let mut transaction = bank.begin().await?;
    sqlx::query("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE")
        .execute(&mut *transaction)
        .await?;
    let balance: Option<i64> = sqlx::query_scalar("SELECT balance FROM accounts WHERE name = $1")
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
